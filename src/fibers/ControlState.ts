/**
 * What a `Control` says now. `Cancelled` is final: no pause, resume or skip
 * leads out of it.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import * as CancelReason from "./CancelReason.ts"

/**
 * @category models
 * @since 0.1.0
 */
export const ControlState = Schema.TaggedUnion({
  Running: {},
  Paused: {},
  Cancelled: { reason: CancelReason.Wire }
})

/**
 * @category models
 * @since 0.1.0
 */
export type ControlState = typeof ControlState.Type

/**
 * Folds a state; all cases or a type error.
 *
 * @category matching
 * @since 0.1.0
 */
export const match: typeof ControlState.match = ControlState.match
