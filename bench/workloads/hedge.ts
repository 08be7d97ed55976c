/**
 * A hedged read whose primary answers in time, one microtask later: its finalizer runs, the timer of the second request
 * goes, and the second request never starts. That is what a hedge costs in all but the slow cases it is there for.
 */
import * as Effect from "effect/Effect"
import { action, type Operation, race as raceOperations, sleep } from "effection"
import { Race } from "../../src/combinators/index.ts"
import type { Probe } from "../Probe.ts"
import { runEffect } from "../runEffect.ts"
import { runOperation } from "../runOperation.ts"
import { aborted, parentController, TaskGroup } from "../TaskGroup.ts"
import type { Round, Workload } from "../Workload.ts"

const delay = 1000

const primaryEffect = (probe: Probe, index: number): Effect.Effect<string> =>
  Effect.ensuring(
    Effect.callback<string>((resume) => {
      queueMicrotask(() => resume(Effect.succeed("primary")))
    }),
    Effect.sync(() => probe.finalized(index))
  )

const startedTooEarly = (): never => {
  throw new Error("the second request started although the first was in time")
}

const expectPrimary = (value: string): void => {
  if (value !== "primary") throw new Error("the wrong request won")
}

const rescind: Round = (n, probe) =>
  runEffect(
    probe,
    Effect.gen(function* () {
      const second = Effect.sync(startedTooEarly)
      for (let r = 0; r < n; r++) {
        const { losers, value } = yield* Race.hedge([primaryEffect(probe, r), second], delay)
        expectPrimary(value)
        if (losers[1]?._tag !== "NotStarted") throw new Error("the second request is not reported as not started")
      }
    })
  )

const effect: Round = (n, probe) =>
  runEffect(
    probe,
    Effect.gen(function* () {
      const second = Effect.delay(Effect.sync(startedTooEarly), delay)
      for (let r = 0; r < n; r++) expectPrimary(yield* Effect.raceAll([primaryEffect(probe, r), second]))
    })
  )

const won = new Error("the first was in time")

const promise: Round = async (n, probe) => {
  const parent = parentController(probe)
  for (let r = 0; r < n; r++) {
    const group = new TaskGroup(parent.signal)
    const first = group.spawn(async () => {
      try {
        return await Promise.resolve("primary")
      } finally {
        probe.finalized(r)
      }
    })
    const second = group.spawn(async (signal) => {
      let timer: NodeJS.Timeout | undefined
      try {
        await Promise.race([new Promise((resolve) => (timer = setTimeout(resolve, delay))), aborted(signal)])
        return startedTooEarly()
      } finally {
        clearTimeout(timer)
      }
    })
    second.done.catch(() => {})
    expectPrimary(await Promise.any([first.done, second.done]))
    await group.cancel(won)
  }
}

const primaryOperation = (probe: Probe, index: number): Operation<string> => ({
  *[Symbol.iterator]() {
    try {
      return yield* action<string>((resolve) => {
        queueMicrotask(() => resolve("primary"))
        return () => {}
      })
    } finally {
      probe.finalized(index)
    }
  }
})

const secondOperation: Operation<string> = {
  *[Symbol.iterator]() {
    yield* sleep(delay)
    return startedTooEarly()
  }
}

const effection: Round = (n, probe) =>
  runOperation(probe, function* () {
    for (let r = 0; r < n; r++) expectPrimary(yield* raceOperations([primaryOperation(probe, r), secondOperation]))
  })

const n = 1000

export const hedge: Workload = {
  name: "hedge",
  summary: "1,000 hedged reads whose primary answers in time: no second start, no timer left",
  measures: "wall",
  rounds: 21,
  strides: { effection: 3 },
  cases: [{ label: "hedge", n, finalizers: n, operations: n, targets: { effect: 1.3, effection: 1 } }],
  contestants: { rescind, effect, promise, effection }
}
