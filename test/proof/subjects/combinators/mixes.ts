/** Combinators inside each other, inside Effect's own, in shields and in clean-up. */
import assert from "node:assert/strict"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { Batch, Deadline, FirstWins, Join, Latest, Race } from "rescind/combinators"
import { CancelReason, Nursery, Shield, Task } from "rescind/fibers"
import { Ledger, type Trial } from "rescind/testing"
import { completes, isLastOf, sourcesReadBy } from "../../laws.ts"
import { after, failing, member, stillHas } from "../../reports.ts"
import type { Subject } from "../../Subject.ts"

const left = <A, E, R>(work: Effect.Effect<A, E, R>) => Effect.ensuring(Effect.scoped(work), Ledger.note("left"))

/** K18: whoever was interrupted by the checker's cancel, however deep, reads its reason, unless told another one before. */
const readsOneReason = (trial: Trial.Trial, name: string, ...others: ReadonlyArray<CancelReason.Source>): void => {
  for (const source of sourcesReadBy(trial, name)) {
    assert.ok(source !== undefined && ["request", ...others].includes(source), `${name} read ${source}`)
  }
}

const raceOfJoins: Subject = {
  name: "a race of joins below a deadline: the members of a losing join read that the race was lost",
  covers: ["Race.firstSuccess", "Join.all", "Deadline.run"],
  laws: ["K1", "K18", "K19"],
  program: left(
    Deadline.run(
      Race.firstSuccess({
        pair: Join.all([member("one", after(2, 1)), member("two", after(3, 2))]),
        slow: Join.all([member("three", after(20, 3), 3), member("four", after(30, 4), 1)])
      }),
      50
    )
  ).pipe(Effect.map(({ value, winner }) => [winner, ...value])),
  invariant: (trial) => {
    completes(trial, ["pair", 1, 2])
    isLastOf(trial, "left")
    for (const name of ["three", "four"]) readsOneReason(trial, name, "lost-race")
    if (trial.cancelled === undefined) assert.deepEqual(sourcesReadBy(trial, "three"), ["lost-race"])
  }
}

const inNatives: Subject = {
  name: "through Effect's own race, all, timeout and forked children the same reason is read below",
  covers: ["Race.quorum", "Join.settled", "Deadline.option"],
  laws: ["K1", "K18"],
  program: left(
    Effect.all(
      [
        Effect.raceFirst(Race.quorum([member("one", after(9, 1)), member("two", after(9, 2))], 2), Effect.sleep(40)),
        Effect.timeoutOption(Join.settled([member("three", after(8, 3), 4), member("four", after(2, 4))]), 30),
        Effect.flatMap(Effect.forkChild(Deadline.option(member("five", after(5, 5)), 20)), () => Effect.sleep(12))
      ],
      { concurrency: "unbounded" }
    )
  ),
  invariant: (trial) => {
    completes(trial)
    isLastOf(trial, "left")
    for (const name of ["one", "two", "three", "four", "five"]) readsOneReason(trial, name)
  }
}

const inShield: Subject = {
  name: "a race in a shield runs to its end when everything around is cancelled, and its losers read only that they lost",
  covers: ["Race.firstSuccess", "Shield.run"],
  laws: ["K1", "K18", "K26", "K39"],
  // With patience the interrupt may come when the shield has returned and only the clean-up of the winner is left.
  policies: [],
  program: left(
    Shield.run(
      "save",
      Race.firstSuccess({ fast: member("fast", after(3, "saved")), slow: member("slow", after(9, 1), 2) })
    )
  ),
  invariant: (trial) => {
    isLastOf(trial, "left")
    const { cancelled, outcome } = trial
    if (cancelled === undefined) completes(trial)
    for (const name of ["slow", "slow's clean-up"]) {
      for (const source of sourcesReadBy(trial, name)) assert.equal(source, "lost-race")
    }
    if (cancelled !== undefined && cancelled.at > 0 && outcome?._tag === "Cancelled" && outcome.how !== "abandoned") {
      assert.ok(stillHas(outcome.salvaged, "saved") || cancelled.at >= 5, "what the shield saved is lost")
    }
  }
}

const inCleanUp: Subject = {
  name: "clean-up that itself races, joins and waits with a deadline runs to its end, whatever it was that stopped the work",
  covers: ["Race.firstSuccess", "Join.all", "Deadline.option"],
  laws: ["K1", "K15"],
  program: () => {
    let cleaned = 0
    let started = 0
    const cleanUp = Effect.gen(function* () {
      started++
      const { value } = yield* Race.firstSuccess([after(1, "quick"), Effect.never])
      const values = yield* Join.all([after(1, 1), after(2, 2)])
      const late = yield* Deadline.option(Effect.never, 1)
      cleaned += value === "quick" && values.length === 2 && Option.isNone(late) ? 1 : 0
    })
    return {
      program: left(Effect.ensuring(Effect.sleep(3), Effect.orDie(Effect.scoped(cleanUp)))),
      invariant: (trial) => {
        completes(trial)
        isLastOf(trial, "left")
        assert.equal(cleaned, started, "the clean-up was cut short")
      }
    }
  }
}

const dirty = (name: string) =>
  Effect.andThen(
    Effect.addFinalizer(() => Effect.andThen(Effect.sleep(1), Effect.die(`dirty ${name}`))),
    member(name, Effect.never, 1)
  )

const dyingCleanUp: Subject = {
  name: "clean-up that dies on every level changes neither result nor reasons, and none of it is silent",
  covers: ["Race.firstSuccess", "Join.within"],
  laws: ["K1", "K16", "K18"],
  allow: ["clean-up-failed"],
  program: () => ({
    program: left(
      Effect.gen(function* () {
        const report = yield* Race.firstSuccess({
          join: Join.within([dirty("one"), dirty("two")], 50),
          fast: after(3, "fast")
        })
        const within = yield* Join.within({ three: dirty("three"), four: after(1, 4) }, 2)
        const { join } = report.losers
        const told = join?._tag === "Cancelled" ? join.cleanupFailures.map(({ cause }) => String(cause)) : []
        const all = ["dirty one", "dirty two"].every((text) => told.some((cause) => cause.includes(text)))
        return [report.winner, all, within.cancelled.three?.cleanupFailures.length, within.completed.four]
      })
    ),
    invariant: (trial) => {
      completes(trial, ["fast", true, 1, 4])
      isLastOf(trial, "left")
      for (const name of ["one", "two"]) readsOneReason(trial, name, "lost-race")
    }
  })
}

const tasksInTasks: Subject = {
  name: "runs of a Latest, batches and merges in a nursery that is cancelled from inside end with it",
  covers: ["Latest.make", "Batch.collect", "FirstWins.run", "Nursery.run"],
  laws: ["K1", "K13", "K18"],
  program: left(
    Effect.gen(function* () {
      const latest = yield* Latest.make<string>()
      return yield* Effect.flip(
        Nursery.run("whole", (nursery) =>
          Effect.gen(function* () {
            yield* nursery.spawn("run", Effect.orDie(latest.run("key", member("run", Effect.never, 2))))
            yield* nursery.spawn(
              "batch",
              Batch.collect(["a", "b", "c"], (item) => member(item, Effect.never, 1), { concurrency: 2 })
            )
            yield* nursery.spawn(
              "merge",
              Effect.orDie(
                FirstWins.run("merge", () => ({ one: member("one", Effect.never, 1), two: Effect.never }), {
                  giveUp: Infinity
                })
              )
            )
            const inner = yield* nursery.spawn(
              "inner",
              Effect.andThen(Effect.sleep(3), nursery.cancel({ reason: CancelReason.request({ by: "inside" }) }))
            )
            return yield* Task.join(inner)
          })
        )
      )
    })
  ).pipe(Effect.map((error) => (error as { readonly _tag: string })._tag)),
  invariant: (trial) => {
    completes(trial, "ScopeCancelled")
    isLastOf(trial, "left")
    for (const name of ["a", "b", "one"]) readsOneReason(trial, name)
    readsOneReason(trial, "run")
    assert.equal(sourcesReadBy(trial, "c").length, 0)
  }
}

const deep: Subject = {
  name: "five levels of deadlines, races and joins: a failure at the bottom leaves typed at the top",
  covers: ["Deadline.run", "Race.firstSettled", "Join.all", "Race.hedge"],
  laws: ["K1", "K16", "K29"],
  allow: ["clean-up-failed"],
  program: left(
    Effect.flip(
      Join.all([
        Deadline.run(
          Effect.flatMap(
            Race.firstSettled({
              low: Join.all([
                Effect.map(Race.hedge([member("hedge", after(9, 1), 1), Effect.never], 3), ({ value }) => value),
                failing(4, "bottom")
              ]),
              high: member("high", after(30, 2), 2)
            }),
            ({ outcome }) =>
              outcome._tag === "Failed" ? Effect.failCause(outcome.cause) : Effect.succeed(outcome._tag)
          ),
          40
        ),
        member("beside", after(50, 3), 3)
      ])
    )
  ),
  invariant: (trial) => {
    completes(trial, "bottom")
    isLastOf(trial, "left")
    if (trial.cancelled !== undefined) return
    assert.deepEqual(sourcesReadBy(trial, "hedge"), ["sibling-failed"])
    assert.deepEqual(sourcesReadBy(trial, "high"), ["lost-race"])
    assert.deepEqual(sourcesReadBy(trial, "beside"), ["sibling-failed"])
  }
}

export const subjects: ReadonlyArray<Subject> = [
  raceOfJoins,
  inNatives,
  inShield,
  inCleanUp,
  dyingCleanUp,
  tasksInTasks,
  deep
]
