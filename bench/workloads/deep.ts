/**
 * A chain: each task owns the next one, the last has none; all wait; the first is cancelled. 500 levels for everyone,
 * since Effect's native nesting fails from about 800; 20,000 for Rescind alone, whose children must end before their
 * parents.
 */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { type Operation, spawn, suspend, until } from "effection"
import { Nursery, type ScopeCancelled } from "../../src/fibers/index.ts"
import type { Probe } from "../Probe.ts"
import { runEffect } from "../runEffect.ts"
import { runOperation } from "../runOperation.ts"
import { aborted, parentController, TaskGroup } from "../TaskGroup.ts"
import type { Round, Workload } from "../Workload.ts"

/** Short chains are repeated, so that a round takes some tens of milliseconds; finalizers count on through them. */
const shallow = 500
const chains = (n: number): number => (n === shallow ? 10 : 1)

interface Chain {
  readonly depth: number
  readonly first: number
  readonly probe: Probe
  readonly complete: PromiseWithResolvers<void>
}

const chainsOf = (n: number, probe: Probe): ReadonlyArray<Chain> =>
  Array.from({ length: chains(n) }, (_, c) => ({
    depth: n,
    first: c * n,
    probe,
    complete: Promise.withResolvers<void>()
  }))

const finalizer = (chain: Chain, level: number) => Effect.sync(() => chain.probe.finalized(chain.first + level))

const rescindLevel = (chain: Chain, level: number): Effect.Effect<unknown, ScopeCancelled> => {
  if (level === chain.depth - 1) {
    chain.complete.resolve()
    return Effect.ensuring(Effect.never, finalizer(chain, level))
  }
  const next = Effect.suspend(() => rescindLevel(chain, level + 1))
  return Effect.ensuring(
    Nursery.run("level", (nursery: Nursery.Nursery<ScopeCancelled>) =>
      Effect.andThen(nursery.spawn("next", next), Effect.never)
    ),
    finalizer(chain, level)
  )
}

const rescind: Round = (n, probe) =>
  runEffect(
    probe,
    Effect.gen(function* () {
      for (const chain of chainsOf(n, probe)) {
        yield* Nursery.run("deep", (nursery: Nursery.Nursery<ScopeCancelled>) =>
          Effect.gen(function* () {
            yield* nursery.spawn("first", rescindLevel(chain, 0))
            yield* Effect.promise(() => chain.complete.promise)
            yield* nursery.cancel()
          })
        ).pipe(Effect.catchTag("ScopeCancelled", () => Effect.void))
      }
    })
  )

const effectLevel = (chain: Chain, level: number): Effect.Effect<never> => {
  if (level === chain.depth - 1) {
    chain.complete.resolve()
    return Effect.ensuring(Effect.never, finalizer(chain, level))
  }
  const next = Effect.suspend(() => effectLevel(chain, level + 1))
  return Effect.ensuring(
    Effect.andThen(Effect.forkChild(next, { startImmediately: true }), Effect.never),
    finalizer(chain, level)
  )
}

const effect: Round = (n, probe) =>
  runEffect(
    probe,
    Effect.gen(function* () {
      for (const chain of chainsOf(n, probe)) {
        const first = yield* Effect.forkChild(effectLevel(chain, 0), { startImmediately: true })
        yield* Effect.promise(() => chain.complete.promise)
        yield* Fiber.interrupt(first)
      }
    })
  )

const promiseLevel = async (chain: Chain, level: number, signal: AbortSignal): Promise<void> => {
  const group = new TaskGroup(signal)
  try {
    if (level === chain.depth - 1) chain.complete.resolve()
    else group.spawn((own) => promiseLevel(chain, level + 1, own))
    await aborted(signal)
  } finally {
    await group.cancel(signal.reason)
    chain.probe.finalized(chain.first + level)
  }
}

const promise: Round = async (n, probe) => {
  for (const chain of chainsOf(n, probe)) {
    const parent = parentController(probe)
    const group = new TaskGroup(parent.signal)
    probe.left("tasks", () => group.size)
    group.spawn((own) => promiseLevel(chain, 0, own))
    await chain.complete.promise
    await group.cancel(new Error("cancelled"))
  }
}

const operationLevel = function* (chain: Chain, level: number): Operation<void> {
  try {
    if (level === chain.depth - 1) chain.complete.resolve()
    else void (yield* spawn(() => operationLevel(chain, level + 1)))
    yield* suspend()
  } finally {
    chain.probe.finalized(chain.first + level)
  }
}

const effection: Round = (n, probe) =>
  runOperation(probe, function* () {
    for (const chain of chainsOf(n, probe)) {
      const first = yield* spawn(() => operationLevel(chain, 0))
      yield* until(chain.complete.promise)
      yield* first.halt()
    }
  })

const deepOf = (n: number) => ({ label: `deep-${n}`, n, finalizers: n * chains(n), operations: n * chains(n) })

export const deep: Workload = {
  name: "deep",
  summary: "a chain of tasks cancelled at its root: 500 levels for everyone, 20,000 for Rescind alone",
  measures: "wall",
  rounds: 15,
  cases: [
    { ...deepOf(shallow), targets: { effection: 1 } },
    { ...deepOf(20_000), targets: {}, only: ["rescind"], leavesFirst: true }
  ],
  contestants: { rescind, effect, promise, effection }
}
