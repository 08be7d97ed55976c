/**
 * What happened to a task, in order: `seq` counts over the whole table, `at` is the clock of the server in epoch
 * milliseconds. Exactly one of `TaskCompleted`, `TaskFailed`, `TaskCancelled` and `TaskTimedOut` stands at the end of
 * each task; only `CancelFailed` and `TaskStopped` may follow, which change nothing.
 */
import * as Schema from "effect/Schema"
import * as CancelReason from "../../fibers/CancelReason.ts"
import { How } from "../../fibers/TaskOutcome.ts"
import { Fault, Name, TaskId } from "./AgentTask.ts"
import { Status } from "./table/status.ts"

const stamp = { id: TaskId, kind: Name, seq: Schema.Int, at: Schema.Finite }
const run = { worker: Name, run: Schema.Int }
const failure = { error: Schema.Json, fault: Schema.optionalKey(Fault) }
const request = { reason: CancelReason.Wire, requestedBy: Schema.String }
const cancelled = {
  ...request,
  how: How,
  tookMillis: Schema.Finite,
  /** When the reason reached the worker's fiber, and when that had ended, by the worker's clock. */
  toldAt: Schema.optionalKey(Schema.Finite),
  stoppedAt: Schema.optionalKey(Schema.Finite)
}

export const AgentTaskEvent = Schema.TaggedUnion({
  TaskScheduled: { ...stamp, owner: Name, replaces: Schema.optionalKey(TaskId) },
  TaskStarted: { ...stamp, ...run },
  /** A failed run goes back to the queue. */
  TaskRetried: { ...stamp, ...run, ...failure },
  /** A worker that shuts down hands it back. */
  TaskReturned: { ...stamp, ...run },
  CancelRequested: { ...stamp, ...request },
  /** A cancel that came after the end. */
  CancelFailed: { ...stamp, ...request, status: Status },
  TaskCompleted: { ...stamp, ...run },
  TaskFailed: { ...stamp, ...failure },
  TaskCancelled: { ...stamp, ...cancelled },
  TaskTimedOut: { ...stamp, ...cancelled },
  /** The work of a task that was given up on has really ended. */
  TaskStopped: { ...stamp, ...run }
}).annotate({ identifier: "AgentTaskEvent" })
export type AgentTaskEvent = typeof AgentTaskEvent.Type

type WithoutStamp<E> = E extends unknown ? Omit<E, "id" | "kind" | "seq" | "at"> : never
/** An event before the table has stamped it. */
export type EventBody = WithoutStamp<AgentTaskEvent>
