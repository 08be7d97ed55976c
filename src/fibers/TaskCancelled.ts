/**
 * What joining a cancelled task fails with. It does not interrupt the joiner: an
 * interrupt means that one was cancelled oneself (contract K22).
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import * as CancelReason from "./CancelReason.ts"

/**
 * @category errors
 * @since 0.1.0
 */
export class TaskCancelled extends Schema.TaggedError<TaskCancelled>()("TaskCancelled", {
  task: Schema.String,
  reason: CancelReason.Wire
}) {
  override get message(): string {
    return `The task "${this.task}" was cancelled (${this.reason.source}): ${this.reason.message}`
  }
}
