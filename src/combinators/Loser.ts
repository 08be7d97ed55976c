/**
 * What became of a member that did not win.
 *
 * @since 0.1.0
 */
import type * as Cause from "effect/Cause"
import type * as Duration from "effect/Duration"
import type { CancelReason } from "../fibers/CancelReason.ts"
import { tookOf } from "../fibers/internal/outcome.ts"
import type { TaskNode } from "../fibers/internal/taskNode.ts"
import type { CleanupFailure, How } from "../fibers/TaskOutcome.ts"

interface Ended {
  readonly cleanupFailures: ReadonlyArray<CleanupFailure>
}

/**
 * The race was decided before its turn came.
 *
 * @category models
 * @since 0.1.0
 */
export interface NotStarted {
  readonly _tag: "NotStarted"
}

/**
 * Told to stop; `took` is the time from then to its end.
 *
 * @category models
 * @since 0.1.0
 */
export interface Cancelled extends Ended {
  readonly _tag: "Cancelled"
  readonly reason: CancelReason
  readonly how: How
  readonly took: Duration.Duration
}

/**
 * Failed by itself, before or after the race was decided.
 *
 * @category models
 * @since 0.1.0
 */
export interface Failed<out E> extends Ended {
  readonly _tag: "Failed"
  readonly cause: Cause.Cause<E>
}

/**
 * Could not be stopped before it had a value, which is kept.
 *
 * @category models
 * @since 0.1.0
 */
export interface FinishedLate<out A> extends Ended {
  readonly _tag: "FinishedLate"
  readonly value: A
  readonly took: Duration.Duration
}

/**
 * @category models
 * @since 0.1.0
 */
export type Loser<A, E> = NotStarted | Cancelled | Failed<E> | FinishedLate<A>

/**
 * Folds a loser; all cases or a type error.
 *
 * @category matching
 * @since 0.1.0
 */
export const match = <A, E, B>(
  loser: Loser<A, E>,
  cases: {
    readonly NotStarted: (loser: NotStarted) => B
    readonly Cancelled: (loser: Cancelled) => B
    readonly Failed: (loser: Failed<E>) => B
    readonly FinishedLate: (loser: FinishedLate<A>) => B
  }
): B => cases[loser._tag](loser as never)

/** @internal */
export const fromMember = (member: TaskNode | undefined): Loser<any, any> => {
  if (member === undefined || Number.isNaN(member.startedAt)) return { _tag: "NotStarted" }
  const { exit, record } = member
  const cleanupFailures = [...(record?.cleanupFailures ?? [])]
  // An abandoned member has no exit yet: it is a straggler.
  if (exit?._tag === "Success")
    return { _tag: "FinishedLate", value: exit.value, took: tookOf(member), cleanupFailures }
  if (member.verdict === "failed") return { _tag: "Failed", cause: exit!.cause, cleanupFailures }
  return { _tag: "Cancelled", reason: member.mark!.reason, how: member.how, took: tookOf(member), cleanupFailures }
}
