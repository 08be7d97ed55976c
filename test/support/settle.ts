/** Lets everything that can run now run, without moving the test clock. */
import * as Effect from "effect/Effect"

export const settle: Effect.Effect<void> = Effect.gen(function* () {
  for (let turn = 0; turn < 20; turn++) yield* Effect.yieldNow
})
