/**
 * Cancel and replace: n runs under one key, each of which waits and takes the place of the one before; the finalizer of
 * each runs when it is replaced, that of the last one at the end. In Rescind the next run begins when the clean-up of the
 * one before has ended; a `FiberMap` does not wait for that, nor keep an outcome or a reason.
 */
import * as Effect from "effect/Effect"
import * as FiberMap from "effect/FiberMap"
import { spawn, type Task, until } from "effection"
import { Latest } from "../../src/combinators/index.ts"
import { runEffect } from "../runEffect.ts"
import { runOperation } from "../runOperation.ts"
import { type GroupTask, parentController, TaskGroup } from "../TaskGroup.ts"
import { waitingEffect, waitingOperation, waitingPromise } from "../waiting.ts"
import type { Round, Workload } from "../Workload.ts"

const key = "search"

const rescind: Round = (n, probe) =>
  runEffect(
    probe,
    Effect.scoped(
      Effect.gen(function* () {
        const latest = yield* Latest.make<string>()
        for (let index = 0; index < n; index++) {
          yield* latest.start(key, waitingEffect(probe, index))
          yield* Effect.yieldNow // it begins in the next turn
        }
      })
    )
  )

const effect: Round = (n, probe) =>
  runEffect(
    probe,
    Effect.scoped(
      Effect.gen(function* () {
        const map = yield* FiberMap.make<string>()
        for (let index = 0; index < n; index++) {
          yield* FiberMap.run(map, key, waitingEffect(probe, index), { startImmediately: true })
          yield* Effect.yieldNow
        }
      })
    )
  )

const superseded = new Error("superseded")

const promise: Round = async (n, probe) => {
  const parent = parentController(probe)
  const group = new TaskGroup(parent.signal)
  let current: GroupTask<never> | undefined
  for (let index = 0; index < n; index++) {
    if (current !== undefined) {
      current.controller.abort(superseded)
      await current.done.catch(() => {})
    }
    current = group.spawn(waitingPromise(probe, index))
    current.done.catch(() => {})
  }
  await group.cancel(superseded)
}

const effection: Round = (n, probe) =>
  runOperation(probe, function* () {
    let current: Task<never> | undefined
    for (let index = 0; index < n; index++) {
      if (current !== undefined) yield* current.halt()
      current = yield* spawn(waitingOperation(probe, index))
      yield* until(Promise.resolve()) // it begins while its parent waits
    }
    if (current !== undefined) yield* current.halt()
  })

const n = 10_000

export const latest: Workload = {
  name: "latest",
  summary: "10,000 replacements under one key, each run waits with a finalizer",
  measures: "wall",
  rounds: 15,
  strides: { effection: 3 },
  cases: [{ label: "latest", n, finalizers: n, operations: n, targets: { effect: 1.3, effection: 1 } }],
  contestants: { rescind, effect, promise, effection }
}
