/** What `Tasks` refuses, each with what to do about it. */
import * as Schema from "effect/Schema"

/**
 * The id is taken by a task that runs, or that was told to stop and has not ended.
 *
 * @category errors
 * @since 0.1.0
 */
export class AlreadyRunning extends Schema.TaggedError<AlreadyRunning>()("AlreadyRunning", {
  id: Schema.String,
  state: Schema.Literals(["running", "cancelling", "straggling"])
}) {
  override get message(): string {
    return `The task "${this.id}" is ${this.state}; cancel and await it, or choose another id`
  }
}

/**
 * The limit on tasks that run at once is reached.
 *
 * @category errors
 * @since 0.1.0
 */
export class TooManyTasks extends Schema.TaggedError<TooManyTasks>()("TooManyTasks", { maxRunning: Schema.Int }) {
  override get message(): string {
    return `${this.maxRunning} tasks are running, which is the limit; try again when one has ended`
  }
}

/**
 * The service is shutting down and starts nothing any more.
 *
 * @category errors
 * @since 0.1.0
 */
export class Draining extends Schema.TaggedError<Draining>()("Draining", {}) {
  override get message(): string {
    return "The task service is shutting down and starts nothing any more"
  }
}

/**
 * Nobody knows this id: never started, or ended so long ago that it was forgotten.
 *
 * @category errors
 * @since 0.1.0
 */
export class TaskNotFound extends Schema.TaggedError<TaskNotFound>()("TaskNotFound", { id: Schema.String }) {
  override get message(): string {
    return `There is no task "${this.id}"`
  }
}
