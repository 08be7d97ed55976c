/**
 * What both checkers take.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import type { CancelPolicyInput } from "../fibers/CancelPolicy.ts"
import type * as CancelReason from "../fibers/CancelReason.ts"
import type { Kind } from "./Finding.ts"
import type { Invariant } from "./Trial.ts"

/**
 * `grace` and `giveUp` are those of the injected cancel: by default it interrupts at once and waits.
 *
 * @category models
 * @since 0.1.0
 */
export interface CheckOptions<A, E> extends CancelPolicyInput {
  /** The reason of the injected cancel. Default: a request by "the checker". */
  readonly reason?: CancelReason.Draft | undefined
  /** Your own check, after every run; it may throw, as `expect` does. */
  readonly invariant?: Invariant<A, E> | undefined
  /** Kinds of findings that are meant to be so. */
  readonly allow?: ReadonlyArray<Kind> | undefined
  /** How long a cancel may take, in virtual time. */
  readonly within?: Duration.Input | undefined
  /** How many operations a run may have before it counts as endless. Default 100,000. */
  readonly maxSteps?: number | undefined
  /** Only this run: the token that a failure printed. */
  readonly replay?: string | undefined
}
