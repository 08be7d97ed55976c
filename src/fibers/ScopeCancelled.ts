/**
 * The scope was cancelled by its own handle: its caller lives on and gets this.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import * as CancelReason from "./CancelReason.ts"

/**
 * @category errors
 * @since 0.1.0
 */
export class ScopeCancelled extends Schema.TaggedError<ScopeCancelled>()("ScopeCancelled", {
  scope: Schema.String,
  reason: CancelReason.Wire
}) {
  override get message(): string {
    return `The scope "${this.scope}" was cancelled (${this.reason.source}): ${this.reason.message}`
  }
}
