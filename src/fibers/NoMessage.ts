/**
 * No message came in the time that a wait was given.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * @category errors
 * @since 0.1.0
 */
export class NoMessage extends Schema.TaggedError<NoMessage>()("NoMessage", {
  channel: Schema.String,
  key: Schema.String,
  within: Schema.DurationFromMillis
}) {
  override get message(): string {
    return `No message "${this.channel}" came for "${this.key}" in time`
  }
}
