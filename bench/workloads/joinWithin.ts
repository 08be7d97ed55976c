/**
 * Join n members within a deadline: half answer in time, half wait with a finalizer each and are cancelled at the
 * deadline; return what arrived and what was cancelled.
 *
 * Measured is CPU time: the deadline is a real timer, long enough that the answers surely come first, and the time spent
 * waiting for it is not the contestant's. A virtual clock would be closer to an instant but could be given to the two
 * Effect contestants only.
 */
import * as Effect from "effect/Effect"
import { action, type Operation } from "effection"
import { Join } from "../../src/combinators/index.ts"
import { Gate } from "../Gate.ts"
import { runEffect } from "../runEffect.ts"
import { runOperation } from "../runOperation.ts"
import { parentController } from "../TaskGroup.ts"
import { waitingEffect, waitingOperation, waitingPromise } from "../waiting.ts"
import type { Round, Workload } from "../Workload.ts"
import { joinFibers, joinOperations, joinPromises } from "./joinsByHand.ts"

const joins = 3
const limit = 100

/** Even members answer with their index; odd ones wait, with finalizers numbered on through the joins of a round. */
const members = <A, B>(
  n: number,
  join: number,
  answering: (index: number, gate: Gate) => A,
  waits: (i: number) => B
) => {
  const gate = new Gate(n / 2)
  return Array.from({ length: n }, (_, i) => (i % 2 === 0 ? answering(i, gate) : waits(join * (n / 2) + (i - 1) / 2)))
}

const expectHalves = (n: number, completed: number, cancelled: number): void => {
  if (completed === n / 2 && cancelled === n / 2) return
  throw new Error(`${completed} of ${n} members completed and ${cancelled} were cancelled`)
}

const answeringEffect = (index: number, gate: Gate) =>
  Effect.callback<number>((resume) => gate.wait(() => resume(Effect.succeed(index))))

const rescind: Round = (n, probe) =>
  runEffect(
    probe,
    Effect.gen(function* () {
      for (let join = 0; join < joins; join++) {
        const entries = members(n, join, answeringEffect, (index) => waitingEffect(probe, index))
        const report = yield* Join.within(entries, limit)
        expectHalves(n, Object.keys(report.completed).length, Object.keys(report.cancelled).length)
      }
    })
  )

const effect: Round = (n, probe) =>
  runEffect(
    probe,
    Effect.gen(function* () {
      for (let join = 0; join < joins; join++) {
        const entries = members(n, join, answeringEffect, (index) => waitingEffect(probe, index))
        const report = yield* joinFibers(entries, limit)
        expectHalves(n, report.completed.size, report.cancelled.length)
      }
    })
  )

const answeringPromise = (index: number, gate: Gate) => () =>
  new Promise<number>((resolve) => gate.wait(() => resolve(index)))

const promise: Round = async (n, probe) => {
  const parent = parentController(probe)
  for (let join = 0; join < joins; join++) {
    const bodies = members(n, join, answeringPromise, (index) => waitingPromise(probe, index))
    const report = await joinPromises(bodies, limit, parent.signal)
    expectHalves(n, report.completed.size, report.cancelled.length)
  }
}

const answeringOperation = (index: number, gate: Gate) => (): Operation<number> =>
  action((resolve) => {
    gate.wait(() => resolve(index))
    return () => {}
  })

const effection: Round = (n, probe) =>
  runOperation(probe, function* () {
    for (let join = 0; join < joins; join++) {
      const entries = members(n, join, answeringOperation, (index) => waitingOperation(probe, index))
      const report = yield* joinOperations(entries, limit)
      expectHalves(n, report.completed.size, report.cancelled.length)
    }
  })

const n = 1000

export const joinWithin: Workload = {
  name: "join-within",
  summary: "1,000 members, half unfinished at the deadline: partial results, the rest cancelled and awaited (CPU time)",
  measures: "cpu",
  rounds: 21,
  strides: { effection: 3 },
  cases: [
    {
      label: "join-within",
      n,
      finalizers: (joins * n) / 2,
      operations: joins * n,
      targets: { effect: 1.3, effection: 1 }
    }
  ],
  contestants: { rescind, effect, promise, effection }
}
