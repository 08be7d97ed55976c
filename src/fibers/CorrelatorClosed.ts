/**
 * The scope that owned the correlator has ended: nothing will come any more.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * An error rather than an interrupt: whoever waited is not what was closed, as
 * with the join of a cancelled task (contract K22).
 *
 * @category errors
 * @since 0.1.0
 */
export class CorrelatorClosed extends Schema.TaggedError<CorrelatorClosed>()("CorrelatorClosed", {
  channel: Schema.String,
  key: Schema.String
}) {
  override get message(): string {
    return `The correlator has closed, so no message "${this.channel}" can come for "${this.key}"; provide it to what waits for longer`
  }
}
