/**
 * What happens to a task, in order: numbered from 1 without a gap in the very
 * step that changes the state, and closed by exactly one terminal event.
 *
 * @since 0.1.0
 */
import type * as Cause from "effect/Cause"
import type * as DateTime from "effect/DateTime"
import type * as CancelReason from "./CancelReason.ts"
import type * as TaskOutcome from "./TaskOutcome.ts"

interface Stamped {
  /** The id of the task. */
  readonly task: string
  /** 1 for the first run under this id. */
  readonly attempt: number
  /** From 1, contiguous within the attempt. */
  readonly seq: number
  readonly at: DateTime.Utc
}

/**
 * The body begins. Absent when the task was cancelled before its first step.
 *
 * @category models
 * @since 0.1.0
 */
export interface Started extends Stamped {
  readonly _tag: "Started"
}

/**
 * How far the task is: only the latest matters.
 *
 * @category models
 * @since 0.1.0
 */
export interface Progress extends Stamped {
  readonly _tag: "Progress"
  readonly value: unknown
}

/**
 * A piece of the result: every one matters.
 *
 * @category models
 * @since 0.1.0
 */
export interface Output extends Stamped {
  readonly _tag: "Output"
  readonly value: unknown
}

/**
 * Somebody asked the task to stop.
 *
 * @category models
 * @since 0.1.0
 */
export interface CancelRequested extends Stamped {
  readonly _tag: "CancelRequested"
  readonly reason: CancelReason.CancelReason
}

/**
 * A cancel gave up on the task, which still runs.
 *
 * @category models
 * @since 0.1.0
 */
export interface Straggling extends Stamped {
  readonly _tag: "Straggling"
  readonly reason: CancelReason.CancelReason
}

interface Terminal extends Stamped {
  readonly cleanupFailures: ReadonlyArray<TaskOutcome.CleanupFailure>
}

/**
 * @category models
 * @since 0.1.0
 */
export interface Completed extends Terminal {
  readonly _tag: "Completed"
  readonly value: unknown
}

/**
 * @category models
 * @since 0.1.0
 */
export interface Failed extends Terminal {
  readonly _tag: "Failed"
  readonly cause: Cause.Cause<unknown>
}

/**
 * @category models
 * @since 0.1.0
 */
export interface Cancelled extends Terminal {
  readonly _tag: "Cancelled"
  readonly reason: CancelReason.CancelReason
  readonly how: TaskOutcome.How
  readonly took: TaskOutcome.Cancelled["took"]
  readonly partial?: unknown
}

/**
 * @category models
 * @since 0.1.0
 */
export type TaskEvent = Started | Progress | Output | CancelRequested | Straggling | Completed | Failed | Cancelled

/**
 * True for `Completed`, `Failed` and `Cancelled`: nothing follows.
 *
 * @category guards
 * @since 0.1.0
 */
export const isTerminal = (event: TaskEvent): event is Completed | Failed | Cancelled =>
  event._tag === "Completed" || event._tag === "Failed" || event._tag === "Cancelled"

/**
 * Folds an event; all cases or a type error.
 *
 * @category matching
 * @since 0.1.0
 */
export const match = <
  Cases extends { readonly [Tag in TaskEvent["_tag"]]: (event: Extract<TaskEvent, { _tag: Tag }>) => unknown }
>(
  event: TaskEvent,
  cases: Cases
): ReturnType<Cases[TaskEvent["_tag"]]> => cases[event._tag](event as never) as never
