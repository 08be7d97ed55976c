/**
 * A scope did not end by its deadline.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import { CleanupFailure, How, type Salvaged } from "../fibers/TaskOutcome.ts"

/**
 * The account of a scope that was stopped at its deadline: `limit` is the time
 * that it had, with every extension; `how` is `abandoned` if `giveUp` left its
 * work running, listed in `Stragglers`; `cleanupFailures` is what failed while it
 * stopped (contract K33).
 *
 * @category errors
 * @since 0.1.0
 */
export class DeadlineExceeded extends Schema.TaggedError<DeadlineExceeded>()("DeadlineExceeded", {
  scope: Schema.String,
  limit: Schema.DurationFromMillis,
  how: How,
  cleanupFailures: Schema.Array(CleanupFailure)
}) {
  /**
   * What finished inside all the same but could no longer be returned, by the
   * name of the shield, race or other scope in which it did. In process only.
   */
  readonly late: ReadonlyArray<Salvaged> = []

  override get message(): string {
    const limit = `"${this.scope}" did not end within its limit of ${Duration.format(this.limit)}`
    return this.how === "abandoned" ? `${limit}; it still runs and is listed in Stragglers` : limit
  }

  /** @internal */
  static withLate(
    fields: ConstructorParameters<typeof DeadlineExceeded>[0],
    late: ReadonlyArray<Salvaged>
  ): DeadlineExceeded {
    return Object.assign(new DeadlineExceeded(fields), { late })
  }
}
