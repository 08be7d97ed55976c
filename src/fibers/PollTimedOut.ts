/**
 * What was polled for did not come true.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import type * as Duration from "effect/Duration"
import type * as Option from "effect/Option"

/**
 * `message` is the caller's own; `checks` counts the checks that began, `waited`
 * is the time from the first to the end. Where failures of the condition are
 * retried, `failure` is the last one, if the last check that ended was one.
 *
 * @category errors
 * @since 0.1.0
 */
export class PollTimedOut<E = never> extends Data.TaggedError("PollTimedOut")<{
  readonly message: string
  readonly checks: number
  readonly waited: Duration.Duration
  readonly failure: Option.Option<E>
}> {}
