/**
 * Sleeps so long that whatever ends at the same instant has ended (contract K12).
 * Timers of one instant fire in the order in which they were set: the last
 * stretch is a timer of its own, so that nearly all others were set before.
 */
import type * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"

/** Milliseconds before the instant at which the last timer is set. */
export const lastStretch = 0.5

export const sleepOut = (clock: Clock.Clock, millis: number): Effect.Effect<void> => {
  const passed =
    millis > lastStretch
      ? Effect.andThen(clock.sleep(Duration.millis(millis - lastStretch)), clock.sleep(Duration.millis(lastStretch)))
      : clock.sleep(Duration.millis(millis))
  return Effect.andThen(passed, Effect.yieldNow)
}
