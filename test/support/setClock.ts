/** A clock whose hands are moved: the wall clock apart from the time that passes, and time that no timer sees. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"

export interface Hands {
  /** Sets the wall clock forth, or back where it is negative; no time passes. */
  readonly set: (millis: number) => void
  /** As a loop that blocks the thread: time passes, but no timer fires. */
  readonly block: (millis: number) => void
}

/** Runs all of it under the clock that is there, with hands. What sleeps, sleeps as long as it says. */
export const withHands = <A, E, R>(body: (hands: Hands) => Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.flatMap(Clock.Clock, (clock) => {
    let set = 0
    let blocked = 0
    const wall = () => Math.floor(clock.currentTimeMillisUnsafe() + set + blocked)
    const wallNanos = () => clock.currentTimeNanosUnsafe() + nanos(set + blocked)
    const monotonic = () => clock.monotonicTimeNanosUnsafe() + nanos(blocked)
    // A test clock goes on to be one.
    const moved: Clock.Clock = Object.assign(Object.create(clock), {
      currentTimeMillisUnsafe: wall,
      currentTimeMillis: Effect.sync(wall),
      currentTimeNanosUnsafe: wallNanos,
      currentTimeNanos: Effect.sync(wallNanos),
      monotonicTimeNanosUnsafe: monotonic,
      monotonicTimeNanos: Effect.sync(monotonic)
    })
    const hands: Hands = {
      set: (millis) => {
        set += millis
      },
      block: (millis) => {
        blocked += millis
      }
    }
    return Effect.provideService(body(hands), Clock.Clock, moved)
  })

const nanos = (millis: number): bigint => BigInt(Math.round(millis * 1_000_000))
