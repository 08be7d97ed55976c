/**
 * Waits for a message by name and key, and messages that come for them: n keys, in blocks. In each block all waiters come
 * first, then a message for each; then as many messages come early and are taken by waiters that come later. The others
 * keep a map of deferreds by hand, which has no time-to-live, no dead letters, and loses a message whose waiter has just
 * been cancelled.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { spawn, type Task, type WithResolvers, withResolvers } from "effection"
import { Correlator } from "../../src/fibers/index.ts"
import { runEffect } from "../runEffect.ts"
import { runOperation } from "../runOperation.ts"
import type { Round, Workload } from "../Workload.ts"

const block = 1000

const expectSum = (sum: number, n: number): void => {
  if (sum !== (n * (n - 1)) / 2) throw new Error("a message was lost or came twice")
}

const keyOf = (index: number): string => `order-${index}`

interface Mailbox {
  readonly wait: (key: string) => Effect.Effect<number, unknown>
  readonly publish: (key: string, value: number) => Effect.Effect<unknown>
}

/** Half of the messages find their waiter, half of them come first. */
const exchange = (n: number, { publish, wait }: Mailbox) =>
  Effect.gen(function* () {
    let sum = 0
    const take = (key: string) =>
      Effect.map(wait(key), (value) => {
        sum += value
      })
    for (let start = 0; start < n; start += block) {
      const half = start + block / 2
      const fibers: Array<Fiber.Fiber<void, unknown>> = []
      for (let index = start; index < half; index++) {
        fibers.push(yield* Effect.forkChild(take(keyOf(index)), { startImmediately: true }))
      }
      for (let index = start; index < start + block; index++) yield* publish(keyOf(index), index)
      for (let index = half; index < start + block; index++) yield* take(keyOf(index))
      yield* Fiber.awaitAll(fibers)
    }
    expectSum(sum, n)
  })

const orders = Correlator.channel<number>("order")

const rescind: Round = (n, probe) =>
  runEffect(
    probe,
    Effect.scoped(
      Effect.gen(function* () {
        const correlator = yield* Correlator.make()
        yield* exchange(n, {
          wait: (key) => correlator.wait(orders, key),
          publish: (key, value) => correlator.publish(orders, key, value)
        })
        const { kept, waiting } = yield* correlator.stats
        probe.left("messages", () => kept + waiting)
        probe.finalized(0)
      })
    )
  )

const effect: Round = (n, probe) =>
  runEffect(
    probe,
    Effect.gen(function* () {
      const map = new Map<string, Deferred.Deferred<number>>()
      const of = (key: string) => {
        let deferred = map.get(key)
        if (deferred === undefined) map.set(key, (deferred = Deferred.makeUnsafe()))
        return deferred
      }
      yield* exchange(n, {
        wait: (key) =>
          Effect.suspend(() =>
            Effect.ensuring(
              Deferred.await(of(key)),
              Effect.sync(() => map.delete(key))
            )
          ),
        publish: (key, value) => Effect.suspend(() => Deferred.succeed(of(key), value))
      })
      probe.left("messages", () => map.size)
      probe.finalized(0)
    })
  )

const promise: Round = async (n, probe) => {
  const map = new Map<string, PromiseWithResolvers<number>>()
  const of = (key: string) => {
    let slot = map.get(key)
    if (slot === undefined) map.set(key, (slot = Promise.withResolvers()))
    return slot
  }
  let sum = 0
  const take = async (key: string): Promise<void> => {
    const value = await of(key).promise
    sum += value
    map.delete(key)
  }
  for (let start = 0; start < n; start += block) {
    const half = start + block / 2
    const taking: Array<Promise<void>> = []
    for (let index = start; index < half; index++) taking.push(take(keyOf(index)))
    for (let index = start; index < start + block; index++) of(keyOf(index)).resolve(index)
    for (let index = half; index < start + block; index++) await take(keyOf(index))
    await Promise.all(taking)
  }
  expectSum(sum, n)
  probe.left("messages", () => map.size)
  probe.finalized(0)
}

const effection: Round = (n, probe) =>
  runOperation(probe, function* () {
    const map = new Map<string, WithResolvers<number>>()
    const of = (key: string) => {
      let slot = map.get(key)
      if (slot === undefined) map.set(key, (slot = withResolvers()))
      return slot
    }
    let sum = 0
    const take = (key: string) =>
      function* () {
        const value = yield* of(key).operation
        sum += value
        map.delete(key)
      }
    for (let start = 0; start < n; start += block) {
      const half = start + block / 2
      const tasks: Array<Task<void>> = []
      for (let index = start; index < half; index++) tasks.push(yield* spawn(take(keyOf(index))))
      for (let index = start; index < start + block; index++) of(keyOf(index)).resolve(index)
      for (let index = half; index < start + block; index++) yield* take(keyOf(index))()
      for (const task of tasks) yield* task
    }
    expectSum(sum, n)
    probe.left("messages", () => map.size)
    probe.finalized(0)
  })

const n = 100_000

export const correlator: Workload = {
  name: "correlator",
  summary: "100,000 messages by name and key, half of them before their waiter",
  measures: "wall",
  rounds: 9,
  strides: { effection: 3 },
  cases: [{ label: "correlator", n, finalizers: 1, operations: n, targets: { effect: 1.3, effection: 1 } }],
  contestants: { rescind, effect, promise, effection }
}
