/** The leak check for tests in real time: threads and processes of a loaded machine take their time to end. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { type Leaks, leakChecked } from "./leaks.ts"

/** Answers once `condition` holds; dies when it does not within so many seconds. */
export const eventually = (condition: () => boolean, what: () => string, seconds = 20): Effect.Effect<void> =>
  Effect.gen(function* () {
    for (let tries = 0; !condition(); tries++) {
      if (tries > seconds * 100) return yield* Effect.die(new Error(`never came true: ${what()}`))
      yield* Effect.sleep(10)
    }
  })

export const liveLeakChecked = <A, E, R>(
  effect: Effect.Effect<A, E, R> | ((watch: Leaks) => Effect.Effect<A, E, R>)
): Effect.Effect<A, E, Exclude<R, Scope.Scope>> => leakChecked(effect, { handles: true, patience: "20 seconds" })
