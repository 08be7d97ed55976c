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
import type * as Task from "../fibers/Task.ts"
import type { CleanupFailure, How } from "../fibers/TaskOutcome.ts"
import type { TaskCancelled } from "../fibers/TaskCancelled.ts"
import type { FailureOf, SuccessOf } from "./Entries.ts"
import { subjectOf } from "./internal/outsideTask.ts"

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
 * A task from outside that was not asked to stop: it runs on (contract K28).
 *
 * @category models
 * @since 0.1.0
 */
export interface Running<out A, out E> {
  readonly _tag: "Running"
  readonly task: Task.Task<A, E>
}

/**
 * @category models
 * @since 0.1.0
 */
export type Loser<A, E> = NotStarted | Cancelled | Failed<E> | FinishedLate<A>

/**
 * What may become of a member: only a task from outside may run on.
 *
 * @category models
 * @since 0.1.0
 */
export type LoserOf<M> =
  M extends Task.Task<infer A, infer E, any>
    ? Loser<A, E | TaskCancelled> | Running<A, E>
    : Loser<SuccessOf<M>, FailureOf<M>>

/**
 * Folds a loser; all cases that its type has, or a type error.
 *
 * @category matching
 * @since 0.1.0
 */
export const match = <
  L extends { readonly _tag: string },
  Cases extends { readonly [Tag in L["_tag"]]: (loser: Extract<L, { readonly _tag: Tag }>) => unknown }
>(
  loser: L,
  cases: Cases
): ReturnType<Cases[L["_tag"]]> => cases[loser._tag as L["_tag"]](loser as never) as never

/** @internal */
export const fromMember = (member: TaskNode | undefined): Loser<any, any> | Running<any, any> => {
  if (member === undefined || Number.isNaN(member.startedAt)) return { _tag: "NotStarted" }
  const subject = subjectOf(member)
  if (subject !== member && !subject.gone) return { _tag: "Running", task: subject as never }
  const { exit, record } = subject
  const cleanupFailures = [...(record?.cleanupFailures ?? [])]
  // An abandoned member has no exit yet: it is a straggler.
  if (exit?._tag === "Success")
    return { _tag: "FinishedLate", value: exit.value, took: tookOf(subject), cleanupFailures }
  if (subject.verdict === "failed") return { _tag: "Failed", cause: exit!.cause, cleanupFailures }
  return { _tag: "Cancelled", reason: subject.mark!.reason, how: subject.how, took: tookOf(subject), cleanupFailures }
}
