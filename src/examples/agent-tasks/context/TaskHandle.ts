/**
 * A task that an agent scheduled: its id is there at once, its work begins when somebody waits. `await` and `join` look
 * on; `run` owns the task: interrupting it cancels the task on the server, with the same reason.
 */
import type * as Effect from "effect/Effect"
import type { CancelResult } from "../../../fibers/CancelResult.ts"
import type * as Task from "../../../fibers/Task.ts"
import type * as TaskOutcome from "../../../fibers/TaskOutcome.ts"
import type { TaskId, TaskView } from "../AgentTask.ts"
import type { AgentTasksError } from "../agentTaskErrors.ts"
import type { Status } from "../table/status.ts"
import type { TaskError, TaskFailed } from "./taskErrors.ts"

export interface CancelOptions extends Task.CancelOptions {
  /** `false` answers at once with `Requested`. */
  readonly wait?: boolean | undefined
}

export interface RunOptions extends Pick<CancelOptions, "grace" | "giveUp"> {
  /** Is told what the cancel did, or why it could not be asked for; the latter is also logged. */
  readonly onCancel?: (result: CancelResult | AgentTasksError) => void
}

export interface TaskHandle<out A> {
  readonly id: TaskId
  readonly kind: string
  readonly priority: number
  /** `pending` also while it has not been sent. */
  readonly status: Effect.Effect<Status, AgentTasksError>
  /** How it ended, in the words of the server. */
  readonly ended: Effect.Effect<TaskView, AgentTasksError>
  /** How it ended. */
  readonly await: Effect.Effect<TaskOutcome.TaskOutcome<A, TaskFailed>, AgentTasksError>
  /** Its value, or why there is none. */
  readonly join: Effect.Effect<A, TaskError | AgentTasksError>
  /** The same; interrupted, it cancels the task and waits until that has stopped. */
  readonly run: (options?: RunOptions) => Effect.Effect<A, TaskError | AgentTasksError>
  readonly cancel: (options?: CancelOptions) => Effect.Effect<CancelResult, AgentTasksError>
}
