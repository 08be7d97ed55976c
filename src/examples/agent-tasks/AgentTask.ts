/**
 * What crosses the border between agents, the task server and its workers: the id of a task, what is asked for when one
 * is scheduled, how one ended, and what it looks like from outside. Everything is JSON.
 */
import * as Schema from "effect/Schema"
import * as CancelReason from "../../fibers/CancelReason.ts"
import { How } from "../../fibers/TaskOutcome.ts"
import { Status } from "./table/status.ts"

/** A fresh one for every attempt: a replacement with the same input is another task. */
export const TaskId = Schema.String.check(
  Schema.isPattern(/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, {
    expected: "a task id, which is a UUID in lower case"
  })
)
export type TaskId = string

/** Names stand in headers, logs and timelines. */
export const Name = Schema.String.check(
  Schema.isPattern(/^[\w./:-]{1,128}$/, { expected: 'a name of letters, digits, "_", ".", "/", ":" or "-"' })
)

const whole = (minimum: number, maximum: number): Schema.Int => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

/** Milliseconds, up to a day. */
const Millis = whole(1, 86_400_000)

/** One task of a batch. */
export const NewTask = Schema.Struct({
  id: TaskId,
  kind: Name,
  input: Schema.Json,
  /** Higher is claimed first. Default: 0. */
  priority: Schema.optionalKey(whole(-1000, 1000)),
  /** Default: true. */
  cancellable: Schema.optionalKey(Schema.Boolean),
  /** Deadline, counted from here on, queue included. Past it the task is `timed-out` for good: it is not retried. */
  timeoutMillis: Schema.optionalKey(Millis),
  /** How often a failed run is tried again. Default: 0. */
  retries: Schema.optionalKey(whole(0, 100)),
  /** The task that this one takes the place of; its attempt is one higher. */
  replaces: Schema.optionalKey(TaskId),
  /** The only worker that may run it. */
  on: Schema.optionalKey(Name)
}).annotate({ identifier: "NewTask" })
export type NewTask = typeof NewTask.Type

/** A failure that is not the task's own: its program died, or the worker that ran it did. */
export const Fault = Schema.Literals(["defect", "worker-lost", "unknown-kind", "invalid-input"])

/** A deadline that passed is `Cancelled` with the source `timeout`, as everywhere in Rescind; the status tells it apart. */
export const Outcome = Schema.TaggedUnion({
  Completed: { value: Schema.Json },
  Failed: { error: Schema.Json, fault: Schema.optionalKey(Fault) },
  Cancelled: {
    reason: CancelReason.Wire,
    how: How,
    tookMillis: Schema.Finite,
    partial: Schema.optionalKey(Schema.Json)
  }
}).annotate({ identifier: "AgentTaskOutcome" })
export type Outcome = typeof Outcome.Type

export const TaskView = Schema.Struct({
  id: TaskId,
  kind: Name,
  owner: Name,
  status: Status,
  /** 1, and one more than the task that this one replaces. */
  attempt: Schema.Int,
  /** How often a worker has begun it. */
  run: Schema.Int,
  worker: Schema.optionalKey(Name),
  outcome: Schema.optionalKey(Outcome),
  /** The position of its end among all ends: completion order. */
  ended: Schema.optionalKey(Schema.Int)
}).annotate({ identifier: "AgentTask" })
export type TaskView = typeof TaskView.Type
