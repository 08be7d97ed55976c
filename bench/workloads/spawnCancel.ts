/** Spawn n waiting children, each with a finalizer; cancel all; await all. */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { spawn, until } from "effection"
import { Nursery } from "../../src/fibers/index.ts"
import { runEffect } from "../runEffect.ts"
import { runOperation } from "../runOperation.ts"
import { parentController, TaskGroup } from "../TaskGroup.ts"
import { waitingEffect, waitingOperation, waitingPromise } from "../waiting.ts"
import type { Round, Workload } from "../Workload.ts"

const rescind: Round = (n, probe) =>
  runEffect(
    probe,
    Nursery.run("spawn-cancel", (nursery) =>
      Effect.gen(function* () {
        for (let i = 0; i < n; i++) yield* nursery.spawn("child", waitingEffect(probe, i))
        yield* Effect.yieldNow // a nursery starts its children in the next turn
        yield* nursery.cancel()
      })
    ).pipe(Effect.catchTag("ScopeCancelled", () => Effect.void))
  )

// A child that is interrupted before it started has no finalizer yet: hence `startImmediately`, which is also faster than
// a lazy fork and a yield.
const effect: Round = (n, probe) =>
  runEffect(
    probe,
    Effect.gen(function* () {
      const fibers: Array<Fiber.Fiber<never>> = []
      for (let i = 0; i < n; i++) {
        fibers.push(yield* Effect.forkChild(waitingEffect(probe, i), { startImmediately: true }))
      }
      yield* Fiber.interruptAll(fibers)
    })
  )

const promise: Round = async (n, probe) => {
  const parent = parentController(probe)
  const group = new TaskGroup(parent.signal)
  probe.left("tasks", () => group.size)
  for (let i = 0; i < n; i++) group.spawn(waitingPromise(probe, i))
  await group.cancel(new Error("cancelled"))
}

// The end of an operation halts and awaits its children.
const effection: Round = (n, probe) =>
  runOperation(probe, function* () {
    for (let i = 0; i < n; i++) void (yield* spawn(waitingOperation(probe, i)))
    yield* until(Promise.resolve()) // the children start while their parent waits
  })

const n = 10_000

export const spawnCancel: Workload = {
  name: "spawn-cancel",
  summary: "10,000 waiting children with a finalizer each: spawn, cancel all, await all",
  measures: "wall",
  rounds: 21,
  strides: { effection: 3 },
  cases: [
    { label: "spawn-cancel", n, finalizers: n, operations: n, targets: { effect: 1.3, promise: 1, effection: 1 } }
  ],
  contestants: { rescind, effect, promise, effection }
}
