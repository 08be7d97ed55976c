import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"

/** What `effect` gives as soon as `until` holds, looked at every 5 ms; dies after 30 s. Needs the live clock. */
export const eventually = <A, E, R>(effect: Effect.Effect<A, E, R>, until: (a: A) => boolean): Effect.Effect<A, E, R> =>
  Effect.repeat(effect, { until, schedule: Schedule.max([Schedule.spaced(5), Schedule.recurs(6000)]) }).pipe(
    Effect.tap((last) =>
      until(last) ? Effect.void : Effect.die(new Error(`still ${JSON.stringify(last)} after 30 s`))
    )
  )
