/**
 * What happens to a task on a server, as a client follows it: the events of
 * `TaskEvent` with the values of the task's definition. The numbers are
 * contiguous, nothing comes twice, and the last is the one terminal event; where
 * the server no longer had some of them, a `Resync` stands in their place.
 *
 * @since 0.1.0
 */
import type * as Cause from "effect/Cause"
import type * as DateTime from "effect/DateTime"
import type * as Duration from "effect/Duration"
import type { CancelReason } from "../fibers/CancelReason.ts"
import type * as TaskOutcome from "../fibers/TaskOutcome.ts"
import type { Any } from "./TaskDefinition.ts"
import type { TaskView } from "./TaskView.ts"

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
 * The body begins.
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
export interface Progress<out A> extends Stamped {
  readonly _tag: "Progress"
  readonly value: A
}

/**
 * A piece of the result: every one matters.
 *
 * @category models
 * @since 0.1.0
 */
export interface Output<out A> extends Stamped {
  readonly _tag: "Output"
  readonly value: A
}

/**
 * Somebody asked the task to stop.
 *
 * @category models
 * @since 0.1.0
 */
export interface CancelRequested extends Stamped {
  readonly _tag: "CancelRequested"
  readonly reason: CancelReason
}

/**
 * A cancel gave up on the task, which still runs.
 *
 * @category models
 * @since 0.1.0
 */
export interface Straggling extends Stamped {
  readonly _tag: "Straggling"
  readonly reason: CancelReason
}

/**
 * The events `missed.from` to `missed.to` are gone, because this client was too
 * slow or too late: `info` is where the task stood then, if the server said so.
 *
 * @category models
 * @since 0.1.0
 */
export interface Resync extends Stamped {
  readonly _tag: "Resync"
  readonly missed: { readonly from: number; readonly to: number }
  readonly info: TaskView | undefined
}

interface Terminal extends Stamped {
  /** How many of its clean-ups failed; the log of the server has their causes. */
  readonly cleanupFailures: number
}

/**
 * @category models
 * @since 0.1.0
 */
export interface Completed<out A> extends Terminal {
  readonly _tag: "Completed"
  readonly value: A
}

/**
 * A typed failure, or a `RemoteDefect`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Failed<out E> extends Terminal {
  readonly _tag: "Failed"
  readonly cause: Cause.Cause<E>
}

/**
 * @category models
 * @since 0.1.0
 */
export interface Cancelled<out P = never> extends Terminal {
  readonly _tag: "Cancelled"
  readonly reason: CancelReason
  readonly how: TaskOutcome.How
  readonly took: Duration.Duration
  readonly partial?: P
}

/**
 * What nothing follows.
 *
 * @category models
 * @since 0.1.0
 */
export type TerminalEvent<Definition extends Any> =
  | Completed<Definition["success"]["Type"]>
  | Failed<Definition["error"]["Type"]>
  | Cancelled<Definition["partial"]["Type"]>

/**
 * The events of tasks of one definition; one that says no progress has no
 * `Progress`, and so on.
 *
 * @category models
 * @since 0.1.0
 */
export type RemoteEvent<Definition extends Any> =
  | Started
  | OfSaid<Definition["progress"]["Type"], Progress<Definition["progress"]["Type"]>>
  | OfSaid<Definition["output"]["Type"], Output<Definition["output"]["Type"]>>
  | CancelRequested
  | Straggling
  | Resync
  | TerminalEvent<Definition>

type OfSaid<A, Event> = [A] extends [never] ? never : Event

/**
 * How tasks of one definition end. Failed clean-ups and what was salvaged stay on
 * the server: both lists are empty.
 *
 * @category models
 * @since 0.1.0
 */
export type Outcome<Definition extends Any> = TaskOutcome.TaskOutcome<
  Definition["success"]["Type"],
  Definition["error"]["Type"],
  Definition["partial"]["Type"]
>

/**
 * @category guards
 * @since 0.1.0
 */
export const isTerminal = <Definition extends Any>(
  event: RemoteEvent<Definition>
): event is TerminalEvent<Definition> =>
  event._tag === "Completed" || event._tag === "Failed" || event._tag === "Cancelled"

/**
 * @category conversions
 * @since 0.1.0
 */
export const toOutcome = <Definition extends Any>(event: TerminalEvent<Definition>): Outcome<Definition> => {
  const { task: _, attempt: _attempt, seq: _seq, at: _at, ...outcome } = event
  return { ...outcome, cleanupFailures: [], salvaged: [] }
}
