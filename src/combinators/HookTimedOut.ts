/**
 * A hook that undoes a step took longer than it may: it was interrupted, and
 * those before it ran all the same.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * @category errors
 * @since 0.1.0
 */
export class HookTimedOut extends Schema.TaggedError<HookTimedOut>()("HookTimedOut", {
  path: Schema.String,
  step: Schema.String,
  within: Schema.DurationFromMillis
}) {
  override get message(): string {
    return `Undoing "${this.step}" of the path "${this.path}" was not done within ${this.within.toString()}`
  }
}
