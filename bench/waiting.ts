/** The same child for everyone: it waits for ever and, when it is cancelled, runs one finalizer. */
import * as Effect from "effect/Effect"
import { type Operation, suspend } from "effection"
import type { Probe } from "./Probe.ts"
import { aborted } from "./TaskGroup.ts"

export const waitingEffect = (probe: Probe, index: number): Effect.Effect<never> =>
  Effect.ensuring(
    Effect.never,
    Effect.sync(() => probe.finalized(index))
  )

export const waitingPromise =
  (probe: Probe, index: number) =>
  async (signal: AbortSignal): Promise<never> => {
    try {
      return await aborted(signal)
    } finally {
      probe.finalized(index)
    }
  }

export const waitingOperation = (probe: Probe, index: number) =>
  function* (): Operation<never> {
    try {
      yield* suspend()
      throw new Error("suspend returned")
    } finally {
      probe.finalized(index)
    }
  }
