/**
 * A scope did not end by its deadline.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import type { CleanupFailure, How, Salvaged } from "../fibers/TaskOutcome.ts"

/**
 * The whole account of a scope that was stopped at its deadline: `limit` is the
 * time that it had, with every extension; `late` is a value that landed while it
 * was already told to stop, and present only then. What failed in its clean-up is
 * in `cleanupFailures`, what finished inside but could not be returned in
 * `salvaged` (contract K33, K26).
 *
 * @category errors
 * @since 0.1.0
 */
export class DeadlineExceeded<out A = never> extends Data.TaggedError("DeadlineExceeded")<{
  readonly scope: string
  readonly limit: Duration.Duration
  /** `abandoned`: its work still runs, and is listed in `Stragglers`. */
  readonly how: How
  readonly late?: A
  readonly cleanupFailures: ReadonlyArray<CleanupFailure>
  readonly salvaged: ReadonlyArray<Salvaged>
}> {
  override get message(): string {
    const rest =
      this.how === "abandoned"
        ? "; it still runs and is listed in Stragglers"
        : "late" in this
          ? '; its value came too late and is in "late"'
          : ""
    return `"${this.scope}" did not end within its limit of ${Duration.format(this.limit)}${rest}`
  }
}
