/** What a client that leaves must find done or not begun: a webhook that is kept is told, a task that was started is followed. */
import * as Effect from "effect/Effect"

export const inOneStep = <A, E, R>(steps: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  // oxlint-disable-next-line rescind/no-bare-uninterruptible -- a few synchronous steps, no wait: no shield is needed
  Effect.uninterruptible(steps)
