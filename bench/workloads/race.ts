/**
 * Race n contestants, of which the last wins and the others wait with a finalizer each; cancel the losers and await
 * them. The winner's answer comes one microtask later, when all losers wait. A round is many races, one after another.
 */
import * as Effect from "effect/Effect"
import { action, type Operation, race as raceOperations } from "effection"
import { Race } from "../../src/combinators/index.ts"
import { runEffect } from "../runEffect.ts"
import { runOperation } from "../runOperation.ts"
import { parentController, TaskGroup } from "../TaskGroup.ts"
import { waitingEffect, waitingOperation, waitingPromise } from "../waiting.ts"
import type { Case, Round, Workload } from "../Workload.ts"

/** Races a round, so that a round takes some tens of milliseconds at each size. */
const races: { readonly [n: number]: number } = { 2: 2000, 10: 500, 100: 60 }

/** The indices of race number `r`'s losers are `(n - 1) * r` and following. */
const entries = <Loser, Winner>(n: number, r: number, loser: (index: number) => Loser, winner: Winner) =>
  Array.from({ length: n }, (_, i) => (i === n - 1 ? winner : loser((n - 1) * r + i)))

const winningEffect = Effect.callback<string>((resume) => {
  queueMicrotask(() => resume(Effect.succeed("answer")))
})

const winningPromise = (): Promise<string> => Promise.resolve("answer")

const winningOperation: Operation<string> = action((resolve) => {
  queueMicrotask(() => resolve("answer"))
  return () => {}
})

const expectWinner = (won: boolean): void => {
  if (!won) throw new Error("the wrong contestant won")
}

const rescind: Round = (n, probe) =>
  runEffect(
    probe,
    Effect.gen(function* () {
      for (let r = 0; r < races[n]!; r++) {
        const report = yield* Race.firstSuccess(entries(n, r, (index) => waitingEffect(probe, index), winningEffect))
        expectWinner(report.winner === n - 1 && report.losers[n - 2]?._tag === "Cancelled")
      }
    })
  )

const effect: Round = (n, probe) =>
  runEffect(
    probe,
    Effect.gen(function* () {
      for (let r = 0; r < races[n]!; r++) {
        const value = yield* Effect.raceAll(entries(n, r, (index) => waitingEffect(probe, index), winningEffect))
        expectWinner(value === "answer")
      }
    })
  )

const lost = new Error("lost the race")

const racePromises = async <A>(bodies: ReadonlyArray<(signal: AbortSignal) => Promise<A>>, parent: AbortSignal) => {
  const group = new TaskGroup(parent)
  try {
    return await Promise.any(bodies.map((body) => group.spawn(body).done))
  } finally {
    await group.cancel(lost)
  }
}

const promise: Round = async (n, probe) => {
  const parent = parentController(probe)
  for (let r = 0; r < races[n]!; r++) {
    const bodies = entries(n, r, (index) => waitingPromise(probe, index), winningPromise)
    expectWinner((await racePromises<string>(bodies, parent.signal)) === "answer")
  }
}

const effection: Round = (n, probe) =>
  runOperation(probe, function* () {
    for (let r = 0; r < races[n]!; r++) {
      const losing = (index: number): Operation<string> => ({
        [Symbol.iterator]: () => waitingOperation(probe, index)()[Symbol.iterator]()
      })
      expectWinner((yield* raceOperations(entries(n, r, losing, winningOperation))) === "answer")
    }
  })

const raceOf = (n: number, toEffect: number): Case => ({
  label: `race-${n}`,
  n,
  finalizers: races[n]! * (n - 1),
  operations: races[n]!,
  targets: { effect: toEffect, promise: 1, effection: 1 }
})

export const race: Workload = {
  name: "race",
  summary: "races of 2, 10 and 100: one winner, waiting losers with a finalizer each, all awaited",
  measures: "wall",
  rounds: 21,
  strides: { effection: 3 },
  cases: [raceOf(2, 1.3), raceOf(10, 1.2), raceOf(100, 1.2)],
  contestants: { rescind, effect, promise, effection }
}
