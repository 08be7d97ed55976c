/**
 * Two of three must answer: two do, one microtask later, the third waits with a finalizer, is cancelled and awaited. A
 * round is many quorums, one after another. Effect has no such operator: its contestant is what one writes with
 * `forkChild` and a `Deferred`, without any report of the loser.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { action, type Operation, spawn, withResolvers } from "effection"
import { Race } from "../../src/combinators/index.ts"
import { runEffect } from "../runEffect.ts"
import { runOperation } from "../runOperation.ts"
import { parentController, TaskGroup } from "../TaskGroup.ts"
import { waitingEffect, waitingOperation, waitingPromise } from "../waiting.ts"
import type { Round, Workload } from "../Workload.ts"

const needed = 2

const answer = Effect.callback<string>((resume) => {
  queueMicrotask(() => resume(Effect.succeed("yes")))
})

const expectQuorum = (values: ReadonlyArray<unknown>): void => {
  if (values.length !== needed || values.some((value) => value !== "yes")) throw new Error("no quorum")
}

const rescind: Round = (n, probe) =>
  runEffect(
    probe,
    Effect.gen(function* () {
      for (let r = 0; r < n; r++) {
        const { losers, winners } = yield* Race.quorum([waitingEffect(probe, r), answer, answer], needed)
        expectQuorum(winners.map(({ value }) => value))
        if (losers[0]?._tag !== "Cancelled") throw new Error("the loser was not cancelled")
      }
    })
  )

const quorum = <A>(effects: ReadonlyArray<Effect.Effect<A>>): Effect.Effect<ReadonlyArray<A>> =>
  Effect.gen(function* () {
    const decided = Deferred.makeUnsafe<ReadonlyArray<A>>()
    const values: Array<A> = []
    const fibers: Array<Fiber.Fiber<void>> = []
    for (const effect of effects) {
      const counted = Effect.map(effect, (value) => {
        values.push(value)
        if (values.length === needed) Deferred.doneUnsafe(decided, Effect.succeed(values))
      })
      fibers.push(yield* Effect.forkChild(counted, { startImmediately: true }))
    }
    return yield* Effect.ensuring(Deferred.await(decided), Fiber.interruptAll(fibers))
  })

const effect: Round = (n, probe) =>
  runEffect(
    probe,
    Effect.gen(function* () {
      for (let r = 0; r < n; r++) expectQuorum(yield* quorum([waitingEffect(probe, r), answer, answer]))
    })
  )

const lost = new Error("the quorum was there")

const promise: Round = async (n, probe) => {
  const parent = parentController(probe)
  for (let r = 0; r < n; r++) {
    const group = new TaskGroup(parent.signal)
    const values: Array<string> = []
    await new Promise<void>((resolve) => {
      for (const body of [waitingPromise(probe, r), () => Promise.resolve("yes"), () => Promise.resolve("yes")]) {
        const counted = (value: string): void => {
          values.push(value)
          if (values.length === needed) resolve()
        }
        group.spawn<string>(body).done.then(counted, () => {})
      }
    })
    await group.cancel(lost)
    expectQuorum(values)
  }
}

const answering: Operation<string> = action((resolve) => {
  queueMicrotask(() => resolve("yes"))
  return () => {}
})

const effection: Round = (n, probe) =>
  runOperation(probe, function* () {
    for (let r = 0; r < n; r++) {
      const values: Array<string> = []
      const decided = withResolvers<void>()
      const voter = (operation: Operation<string>) =>
        function* (): Operation<void> {
          values.push(yield* operation)
          if (values.length === needed) decided.resolve()
        }
      const waiting: Operation<string> = { [Symbol.iterator]: () => waitingOperation(probe, r)()[Symbol.iterator]() }
      const tasks = []
      for (const operation of [waiting, answering, answering]) tasks.push(yield* spawn(voter(operation)))
      yield* decided.operation
      for (const task of tasks) yield* task.halt()
      expectQuorum(values)
    }
  })

const n = 1000

export const quorumOfThree: Workload = {
  name: "quorum",
  summary: "1,000 quorums of two of three: two winners, one waiting loser with a finalizer, all awaited",
  measures: "wall",
  rounds: 21,
  strides: { effection: 3 },
  cases: [{ label: "quorum", n, finalizers: n, operations: n, targets: { effect: 1.3, effection: 1 } }],
  contestants: { rescind, effect, promise, effection }
}
