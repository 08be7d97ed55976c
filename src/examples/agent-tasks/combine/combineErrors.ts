/** What the combinators fail with by themselves. */
import * as Cause from "effect/Cause"
import * as Data from "effect/Data"
import type { TaskId } from "../AgentTask.ts"
import type { AgentTasksError } from "../agentTaskErrors.ts"
import type { TaskError } from "../context/taskErrors.ts"

export type Why = TaskError | AgentTasksError

/** A choice among no tasks, or of more than there are. */
export class NoTasks extends Data.TaggedError("NoTasks")<{ readonly combinator: string }> {
  override get message(): string {
    return `${this.combinator} needs at least one task to choose from`
  }
}

/** Nobody succeeded: every cause, in the order of the input. */
export class AllTasksFailed extends Data.TaggedError("AllTasksFailed")<{
  readonly failures: ReadonlyArray<{ readonly id: TaskId; readonly cause: Cause.Cause<Why> }>
}> {
  override get message(): string {
    const each = this.failures.map(({ cause }) => String(Cause.squash(cause)))
    return `None of the ${this.failures.length} tasks succeeded: ${each.join("; ")}`
  }
}

/** So many can no longer succeed. */
export class NotEnough extends Data.TaggedError("NotEnough")<{
  readonly wanted: number
  readonly completed: ReadonlyArray<TaskId>
  readonly failures: ReadonlyArray<{ readonly id: TaskId; readonly cause: Cause.Cause<Why> }>
}> {
  override get message(): string {
    return `${this.wanted} tasks were to complete, but ${this.failures.length} did not, and too few are left`
  }
}
