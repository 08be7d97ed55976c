/**
 * A hook that undid a step of a losing branch, or failed to.
 *
 * @since 0.1.0
 */
import type * as Cause from "effect/Cause"

/**
 * @category models
 * @since 0.1.0
 */
export interface Undone {
  readonly path: string
  readonly step: string
  readonly failure: Cause.Cause<unknown> | undefined
}
