/**
 * A registry of tasks by id: start n waiting tasks with a finalizer each, look each one up, cancel each one and await it.
 * Between the first two phases all n are idle, which is where `idle-memory` weighs them.
 */
import * as Effect from "effect/Effect"
import * as FiberMap from "effect/FiberMap"
import * as Option from "effect/Option"
import { spawn, type Task, until } from "effection"
import { Tasks } from "../../src/fibers/index.ts"
import { runEffect } from "../runEffect.ts"
import { runOperation } from "../runOperation.ts"
import { type GroupTask, parentController, TaskGroup } from "../TaskGroup.ts"
import { waitingEffect, waitingOperation, waitingPromise } from "../waiting.ts"
import type { Round, Workload } from "../Workload.ts"

const made: Array<string> = []

/** The same strings in every round and for everyone, so that nobody's heap is charged for them. */
export const ids = (n: number): ReadonlyArray<string> => {
  while (made.length < n) made.push(`task-${made.length}`)
  return made.length === n ? made : made.slice(0, n)
}

const found = (hits: number, n: number): void => {
  if (hits !== n) throw new Error(`${hits} of ${n} look-ups found their task`)
}

const rescind: Round = (n, probe) =>
  runEffect(
    probe,
    Effect.gen(function* () {
      const tasks = yield* Tasks
      for (const [index, id] of ids(n).entries()) yield* tasks.start(id, waitingEffect(probe, index))
      yield* Effect.yieldNow // tasks start in the next turn; the fibers of a FiberMap start at once
      probe.lap("start")
      let hits = 0
      for (const id of ids(n)) if (Option.isSome(yield* tasks.get(id))) hits++
      found(hits, n)
      probe.lap("look-up")
      for (const id of ids(n)) yield* tasks.cancel(id)
      probe.lap("cancel")
    }).pipe(Effect.provide(Tasks.layer()))
  )

const effect: Round = (n, probe) =>
  runEffect(
    probe,
    Effect.gen(function* () {
      const map = yield* FiberMap.make<string>()
      for (const [index, id] of ids(n).entries()) yield* FiberMap.run(map, id, waitingEffect(probe, index))
      probe.lap("start")
      let hits = 0
      for (const id of ids(n)) if (Option.isSome(yield* FiberMap.get(map, id))) hits++
      found(hits, n)
      probe.lap("look-up")
      for (const id of ids(n)) yield* FiberMap.remove(map, id)
      probe.lap("cancel")
      const left = yield* FiberMap.size(map)
      probe.left("keys", () => left)
    }).pipe(Effect.scoped)
  )

const cancelled = new Error("cancelled")

const promise: Round = async (n, probe) => {
  const parent = parentController(probe)
  const group = new TaskGroup(parent.signal)
  const map = new Map<string, GroupTask<never>>()
  probe.left("tasks", () => group.size + map.size)
  for (const [index, id] of ids(n).entries()) map.set(id, group.spawn(waitingPromise(probe, index)))
  probe.lap("start")
  let hits = 0
  for (const id of ids(n)) if (map.get(id) !== undefined) hits++
  found(hits, n)
  probe.lap("look-up")
  for (const id of ids(n)) {
    const task = map.get(id)!
    task.controller.abort(cancelled)
    await task.done.catch(() => {})
    map.delete(id)
  }
  probe.lap("cancel")
  await group.cancel(cancelled)
}

const effection: Round = (n, probe) =>
  runOperation(probe, function* () {
    const map = new Map<string, Task<never>>()
    probe.left("keys", () => map.size)
    for (const [index, id] of ids(n).entries()) map.set(id, yield* spawn(waitingOperation(probe, index)))
    yield* until(Promise.resolve()) // the tasks start while their parent waits
    probe.lap("start")
    let hits = 0
    for (const id of ids(n)) if (map.get(id) !== undefined) hits++
    found(hits, n)
    probe.lap("look-up")
    for (const id of ids(n)) {
      yield* map.get(id)!.halt()
      map.delete(id)
    }
    probe.lap("cancel")
  })

const n = 100_000

export const keyed: Workload = {
  name: "keyed",
  summary: "100,000 tasks by id: start each, look each up, cancel and await each",
  measures: "wall",
  rounds: 9,
  strides: { effection: 3 },
  cases: [
    {
      label: "keyed",
      n,
      finalizers: n,
      operations: n,
      targets: { effect: 1.2, effection: 1 },
      laps: { start: {}, "look-up": { effect: 0.6 }, cancel: {} }
    }
  ],
  contestants: { rescind, effect, promise, effection }
}
