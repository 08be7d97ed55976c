/** The emission of the Effect contestants: the same loop as that of `Broadcast`. */
import * as Effect from "effect/Effect"
import type { Mode } from "../Contestant.ts"

/** Until the next turn of the event loop; `Effect.yieldNow` may come back within this one. */
const nextTurn = Effect.callback<void>((resume) => {
  const turn = setImmediate(() => resume(Effect.void))
  return Effect.sync(() => clearImmediate(turn))
})

export const emission = <R>(
  count: number,
  mode: Mode,
  emit: Effect.Effect<void, never, R>
): Effect.Effect<void, never, R> =>
  Effect.gen(function* () {
    for (let sent = 0; sent < count; sent++) {
      yield* emit
      if (mode === "paced") yield* nextTurn
      if (mode === "calm") yield* Effect.sleep(10)
    }
  })

/** What the parent process asks of a task that waits for it. */
export interface Command {
  readonly count: number
  readonly mode: Mode
  readonly done: () => void
}
