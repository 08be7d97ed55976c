/** What is left of the caller's time, for the work that it asks for. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Deadline from "../../../combinators/Deadline.ts"
import * as RequestDeadline from "../../RequestDeadline.ts"

/** Read around the shield in which the request is sent: below it nothing is known of the deadline. */
export const deadlineHeader = (
  chosen: Duration.Duration | undefined
): Effect.Effect<{ readonly [RequestDeadline.header]?: string }> =>
  Effect.map(Deadline.remaining, (remaining) => {
    const millis = Math.min(
      chosen === undefined ? Infinity : Duration.toMillis(chosen),
      // Whoever chose a time of its own for the task does not want it to end with the caller.
      chosen !== undefined || Option.isNone(remaining) ? Infinity : Duration.toMillis(remaining.value)
    )
    return millis > RequestDeadline.maxMillis ? {} : { [RequestDeadline.header]: String(Math.floor(millis)) }
  })
