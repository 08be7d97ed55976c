/** How a task that did not complete fails whoever wants its value. */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import * as CancelReason from "../../../fibers/CancelReason.ts"
import { TaskCancelled } from "../../../fibers/TaskCancelled.ts"
import type * as TaskOutcome from "../../../fibers/TaskOutcome.ts"
import { Fault, type TaskView } from "../AgentTask.ts"

/** `error` is the JSON of the task's own error, or a title where `fault` says that it had none. */
export class TaskFailed extends Schema.TaggedError<TaskFailed>()("TaskFailed", {
  task: Schema.String,
  kind: Schema.String,
  error: Schema.Json,
  fault: Schema.optionalKey(Fault)
}) {
  override get message(): string {
    return `The task "${this.task}" (${this.kind}) failed: ${JSON.stringify(this.error)}`
  }
}

/** Its deadline on the server has passed. Trying again is no use: the time is over. */
export class TaskTimedOut extends Schema.TaggedError<TaskTimedOut>()("TaskTimedOut", {
  task: Schema.String,
  reason: CancelReason.Wire
}) {
  override get message(): string {
    return `The task "${this.task}" timed out: ${this.reason.message}`
  }
}

export type TaskError = TaskFailed | TaskCancelled | TaskTimedOut

const nothing = { cleanupFailures: [], salvaged: [] }

/** The outcome of a task that has ended, with the value still as JSON. */
export const outcomeOf = ({
  id,
  kind,
  outcome
}: TaskView): TaskOutcome.TaskOutcome<Schema.Json, TaskFailed, Schema.Json> => {
  switch (outcome!._tag) {
    case "Completed":
      return { _tag: "Completed", value: outcome!.value, ...nothing }
    case "Failed": {
      const { _tag, ...failure } = outcome!
      return { _tag: "Failed", cause: Cause.fail(new TaskFailed({ task: id, kind, ...failure })), ...nothing }
    }
    case "Cancelled": {
      const { tookMillis, ...cancelled } = outcome!
      return { ...cancelled, took: Duration.millis(tookMillis), ...nothing }
    }
  }
}

/** What fails a joiner; undefined for a task that completed. */
export const errorOf = (view: TaskView): TaskError | undefined => {
  const outcome = view.outcome!
  switch (outcome._tag) {
    case "Completed":
      return undefined
    case "Failed": {
      const { _tag, ...failure } = outcome
      return new TaskFailed({ task: view.id, kind: view.kind, ...failure })
    }
    case "Cancelled":
      return view.status === "timed-out"
        ? new TaskTimedOut({ task: view.id, reason: outcome.reason })
        : new TaskCancelled({ task: view.id, reason: outcome.reason })
  }
}
