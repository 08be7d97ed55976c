/**
 * How a step under a `Control` ended: with its value, or because somebody
 * skipped it. A step that failed or whose run was cancelled has no result: that
 * is a failure or an interrupt of whoever waits for it.
 *
 * @since 0.1.0
 */
import type * as CancelReason from "./CancelReason.ts"

/**
 * @category models
 * @since 0.1.0
 */
export interface Completed<out A> {
  readonly _tag: "Completed"
  readonly step: string
  readonly value: A
}

/**
 * `to` is where the run should go on, as the one who skipped asked.
 *
 * @category models
 * @since 0.1.0
 */
export interface Skipped {
  readonly _tag: "Skipped"
  readonly step: string
  readonly to: "next" | "previous"
  readonly reason: CancelReason.CancelReason
}

/**
 * @category models
 * @since 0.1.0
 */
export type StepResult<A> = Completed<A> | Skipped

/**
 * Folds a result.
 *
 * @category matching
 * @since 0.1.0
 */
export const match = <A, B, C>(
  result: StepResult<A>,
  cases: { readonly Completed: (result: Completed<A>) => B; readonly Skipped: (result: Skipped) => C }
): B | C => (result._tag === "Completed" ? cases.Completed(result) : cases.Skipped(result))
