/**
 * A supervisor gave up: its child ended once more than the policy restarts it.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * `cause` is that of the last attempt, empty when a permanent child returned.
 * `limit` says what was reached: so many restarts within the window (`restarts`
 * of all children of the supervisor), or the end of the back-off schedule
 * (`restarts` of this child in a row).
 *
 * @category errors
 * @since 0.1.0
 */
export class RestartLimitReached extends Schema.TaggedError<RestartLimitReached>()("RestartLimitReached", {
  child: Schema.String,
  limit: Schema.Literals(["intensity", "backoff"]),
  restarts: Schema.Number,
  cause: Schema.Cause(Schema.Defect(), Schema.Defect())
}) {
  override get message(): string {
    const times = this.restarts === 1 ? "1 restart" : `${this.restarts} restarts`
    const where = this.limit === "intensity" ? "the intensity of its supervisor" : "its back-off schedule"
    return `"${this.child}" ended again after ${times}, which is all that ${where} allows: mend its cause, or allow more`
  }
}
