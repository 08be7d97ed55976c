/** Races: who wins, what becomes of the others, and what a cancel leaves. */
import assert from "node:assert/strict"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import { type Loser, Race } from "rescind/combinators"
import { CancelReason, Nursery, Task } from "rescind/fibers"
import { Ledger, type Trial } from "rescind/testing"
import { completes, isLastOf, sourcesReadBy, wasGivenUp } from "../../laws.ts"
import { after, endOf, failing, hasExactly, isNotLost, loserAgrees, member } from "../../reports.ts"
import type { Subject } from "../../Subject.ts"

const left = <A, E, R>(race: Effect.Effect<A, E, R>) => Effect.ensuring(race, Ledger.note("left"))

type Losers = Record<string, Loser.Loser<unknown, unknown> | undefined>

/** K24: winner and losers are all the members, and each loser is told as it was. */
const reportAgrees = (
  trial: Trial.Trial,
  names: ReadonlyArray<string>,
  winners: ReadonlyArray<string>,
  losers: Losers
) => {
  hasExactly(names, losers, ...winners.map((winner) => ({ [winner]: 1 })))
  for (const winner of winners) assert.equal(endOf(trial, winner), "done", `${winner} is ${endOf(trial, winner)}`)
  for (const [name, loser] of Object.entries(losers)) loserAgrees(trial, name, loser)
}

const reported = <R extends { readonly losers: object }>(trial: Trial.Trial): R | undefined =>
  trial.outcome?._tag === "Completed" ? (trial.outcome.value as R) : undefined

const firstSuccess: Subject = {
  name: "the first success wins over failures and slower ones, whose clean-up it waits for",
  covers: ["Race.firstSuccess"],
  laws: ["K1", "K4", "K18", "K23", "K24", "K25", "K26", "K27"],
  // A failure that meets the cancel is kept as one (K16).
  allow: ["clean-up-failed"],
  program: left(
    Race.firstSuccess({
      bad: member("bad", failing(1, "bad")),
      slow: member("slow", after(50, "slow"), 6),
      fast: member("fast", after(3, "fast")),
      stuck: member("stuck", Effect.never, 3)
    })
  ),
  invariant: (trial) => {
    const report = reported<{ winner: string; value: string; losers: Losers }>(trial)
    if (trial.cancelled === undefined) assert.equal(report?.winner, "fast")
    if (report !== undefined) {
      assert.equal(report.value, report.winner)
      reportAgrees(trial, ["bad", "slow", "fast", "stuck"], [report.winner], report.losers)
    }
    if (trial.cancelled === undefined) {
      assert.deepEqual(sourcesReadBy(trial, "slow"), ["lost-race"])
      assert.deepEqual(sourcesReadBy(trial, "stuck"), ["lost-race"])
      assert.equal(report!.losers["bad"]!._tag, "Failed")
    }
    isNotLost(trial, "fast", "fast")
  }
}

const fails: Subject = {
  name: "a race that nobody wins fails with every failure, in the order of the input, also of one that interrupts itself",
  covers: ["Race.firstSuccess"],
  laws: ["K1", "K23"],
  // A failure that meets the cancel is kept as one (K16).
  allow: ["clean-up-failed"],
  program: left(
    Effect.flip(
      Race.firstSuccess({
        slow: member("slow", failing(5, "slow")),
        self: Effect.andThen(Effect.sleep(2), Effect.interrupt),
        dead: member("dead", Effect.andThen(Effect.sleep(3), Effect.die("dead"))),
        fast: member("fast", failing(1, "fast"))
      })
    )
  ).pipe(
    Effect.map(({ failures }) =>
      failures.map(({ cause, member }) => [member, Cause.hasInterrupts(cause) ? "interrupt" : Cause.squash(cause)])
    )
  ),
  invariant: (trial) => {
    completes(trial, [
      ["slow", "slow"],
      ["self", "interrupt"],
      ["dead", "dead"],
      ["fast", "fast"]
    ])
    isLastOf(trial, "left")
  }
}

const empty: Subject = {
  name: "a race without members fails, and a quorum of none has won",
  covers: ["Race.firstSuccess", "Race.firstSettled", "Race.quorum", "Race.hedge"],
  laws: ["K23"],
  program: Effect.gen(function* () {
    const failed = yield* Effect.forEach(
      [Race.firstSuccess([]), Race.firstSettled([]), Race.hedge([], 1), Race.quorum([], 1)],
      (race) => Effect.flip(race as Effect.Effect<unknown, { readonly failures: ReadonlyArray<unknown> }>)
    )
    const { winners } = yield* Race.quorum([], 0)
    return [failed.map(({ failures }) => failures.length), winners.length]
  }),
  invariant: (trial) => completes(trial, [[0, 0, 0, 0], 0])
}

const tied: Subject = {
  name: "of two that succeed at the same instant one wins; the scope of the other has closed, that of the winner not",
  covers: ["Race.firstSuccess"],
  laws: ["K23", "K24", "K27"],
  program: Effect.gen(function* () {
    const report = yield* Race.firstSuccess({
      one: member("one", after(2, "one")),
      two: member("two", after(2, "two")),
      three: member("three", Effect.never)
    })
    const { journal } = (yield* Ledger.Current)!
    const open = ["one", "two", "three"].filter(
      (name) => !journal.some((line) => line.endsWith(` closed ${name}'s file`))
    )
    return { ...report, open }
  }),
  invariant: (trial) => {
    const report = reported<{ winner: string; open: ReadonlyArray<string>; losers: Losers }>(trial)
    if (report === undefined) return assert.ok(trial.cancelled !== undefined)
    reportAgrees(trial, ["one", "two", "three"], [report.winner], report.losers)
    assert.deepEqual(report.open, [report.winner], "open when the race had returned")
  }
}

const settles: Subject = {
  name: "the first end wins, also a failure, and the others are cancelled",
  covers: ["Race.firstSettled"],
  laws: ["K1", "K23", "K24"],
  // A failure that meets the cancel is kept as one (K16).
  allow: ["clean-up-failed"],
  program: left(
    Race.firstSettled({
      bad: member("bad", failing(2, "bad")),
      good: member("good", after(4, "good"), 3),
      never: member("never", Effect.never)
    })
  ),
  invariant: (trial) => {
    const report = reported<{ winner: string; outcome: { _tag: string }; losers: Losers }>(trial)
    if (report === undefined) return assert.ok(trial.cancelled !== undefined)
    hasExactly(["bad", "good", "never"], report.losers, { [report.winner]: 1 })
    assert.equal(report.outcome._tag, endOf(trial, report.winner) === "done" ? "Completed" : "Failed")
    for (const [name, loser] of Object.entries(report.losers)) loserAgrees(trial, name, loser)
    if (trial.cancelled === undefined) assert.equal(report.winner, "bad")
  }
}

const quorum: Subject = {
  name: "two of four win together, in the order of their ends, and one that fails can be spared",
  covers: ["Race.quorum"],
  laws: ["K1", "K23", "K24", "K26"],
  // A failure that meets the cancel is kept as one (K16).
  allow: ["clean-up-failed"],
  program: left(
    Race.quorum(
      {
        third: member("third", after(9, "third"), 5),
        second: member("second", after(4, "second")),
        bad: member("bad", failing(1, "bad")),
        first: member("first", after(2, "first"))
      },
      2
    )
  ),
  invariant: (trial) => {
    type Winners = ReadonlyArray<{ winner: string; value: string }>
    const report = reported<{ winners: Winners; losers: Losers }>(trial)
    if (report === undefined) assert.ok(trial.cancelled !== undefined)
    else {
      const winners = report.winners.map(({ winner }) => winner)
      if (trial.cancelled === undefined) assert.deepEqual(winners, ["first", "second"])
      reportAgrees(trial, ["third", "second", "bad", "first"], winners, report.losers)
    }
    isNotLost(trial, "second", "first", ["first", "second"])
    isNotLost(trial, "second", "second", ["first", "second"])
  }
}

const outOfReach: Subject = {
  name: "a quorum fails as soon as it is out of reach, stops the rest and keeps the values that are there",
  covers: ["Race.quorum"],
  laws: ["K1", "K19", "K23"],
  // A failure that meets the cancel is kept as one (K16).
  allow: ["clean-up-failed"],
  program: left(
    Effect.flip(
      Race.quorum(
        {
          good: member("good", after(1, "good")),
          bad: member("bad", failing(2, "bad")),
          worse: member("worse", failing(3, "worse")),
          never: member("never", Effect.never, 4)
        },
        3
      )
    )
  ),
  invariant: (trial) => {
    if (trial.cancelled !== undefined) return isLastOf(trial, "left")
    assert.equal(trial.outcome?._tag, "Completed")
    const { failures, succeeded } = trial.outcome.value as Race.Quorum<never> & {
      readonly failures: ReadonlyArray<{ readonly member: string }>
      readonly succeeded: ReadonlyArray<{ readonly member: string; readonly value: string }>
    }
    assert.deepEqual(succeeded, [{ member: "good", value: "good" }])
    assert.deepEqual(
      failures.map(({ member }) => member),
      ["bad", "worse"]
    )
    assert.deepEqual(sourcesReadBy(trial, "never"), ["sibling-failed"])
    // A failure counts when its member has cleaned up, at 5; then 4 for the last member and 2 for what the first held.
    assert.equal(trial.took, 11, "it did not stop at the second failure, or did not wait for clean-up")
  }
}

const hedges: Subject = {
  name: "a hedge starts the next after the delay or a failure, and nobody any more once there is a winner",
  covers: ["Race.hedge"],
  laws: ["K1", "K23", "K24"],
  // A failure that meets the cancel is kept as one (K16).
  allow: ["clean-up-failed"],
  program: left(
    Race.hedge(
      {
        slow: member("slow", after(50, "slow"), 3),
        bad: member("bad", failing(1, "bad"), 0),
        good: member("good", after(4, "good")),
        spare: member("spare", after(1, "spare"))
      },
      5
    )
  ),
  invariant: (trial) => {
    const report = reported<{ winner: string; losers: Losers }>(trial)
    if (report === undefined) return assert.ok(trial.cancelled !== undefined)
    reportAgrees(trial, ["slow", "bad", "good", "spare"], [report.winner], report.losers)
    if (trial.cancelled !== undefined) return
    // slow from 0, bad from 5 fails at 6, good from 6 to 10.
    assert.equal(report.winner, "good")
    assert.equal(report.losers["spare"]?._tag, "NotStarted")
    assert.ok(trial.ledger.journal.includes("10 good done"), "the third did not start at the failure of the second")
  }
}

const inTime: Subject = {
  name: "a primary that answers in time leaves no timer and no second start",
  covers: ["Race.hedge"],
  laws: ["K23"],
  program: Race.hedge([member("first", after(5, "first"), 0), member("second", after(1, "second"), 0)], 5),
  invariant: (trial) => {
    if (trial.cancelled !== undefined) return
    completes(trial)
    assert.ok(
      trial.ledger.opened.every(({ name }) => name.startsWith("first")),
      "the second had started"
    )
    assert.equal(trial.took, 5)
  }
}

/** A task of another nursery races an effect. */
const withTask = (cancelTasks: boolean): Subject => ({
  name: cancelTasks
    ? "a task from outside that loses is cancelled where that is asked for"
    : "a task from outside that loses runs on, and only an owner stops it",
  covers: ["Race.firstSuccess"],
  laws: ["K1", "K24", "K28"],
  program: left(
    Nursery.run("outside", (nursery) =>
      Effect.gen(function* () {
        const task = yield* nursery.spawn("outside", member("outside", after(12, "outside"), 3))
        const { losers, winner } = yield* Race.firstSuccess(
          { inside: member("inside", after(3, "inside")), outside: task },
          { cancelTasks }
        )
        const end = losers.outside?._tag
        const { _tag } = yield* Task.await(task)
        return [winner, end, _tag]
      })
    )
  ),
  invariant: (trial) => {
    completes(trial, cancelTasks ? ["inside", "Cancelled", "Cancelled"] : ["inside", "Running", "Completed"])
    if (trial.cancelled === undefined) {
      assert.deepEqual(sourcesReadBy(trial, "outside"), cancelTasks ? ["lost-race"] : [])
    }
    isLastOf(trial, "left")
  }
})

const dirty: Subject = {
  name: "a loser whose clean-up dies stands in the report with that, and changes neither winner nor others",
  covers: ["Race.firstSuccess"],
  laws: ["K16", "K23", "K24"],
  allow: ["clean-up-failed"],
  program: Race.firstSuccess({
    dirty: Effect.andThen(
      Effect.addFinalizer(() => Effect.andThen(Effect.sleep(1), Effect.die("dirty"))),
      member("dirty", Effect.never)
    ),
    fast: member("fast", after(2, "fast")),
    slow: member("slow", Effect.uninterruptible(after(8, "slow")))
  }),
  invariant: (trial) => {
    const report = reported<{ winner: string; losers: Losers }>(trial)
    if (trial.cancelled !== undefined || report === undefined) return assert.ok(trial.cancelled !== undefined)
    assert.equal(report.winner, "fast")
    const lost = report.losers["dirty"] as Loser.Cancelled
    assert.deepEqual(
      lost.cleanupFailures.map(({ cause }) => Cause.squash(cause)),
      ["dirty"]
    )
  }
}

const late: Subject = {
  name: "a loser that finishes in its grace is told as late, with its value",
  covers: ["Race.firstSuccess"],
  laws: ["K12", "K24"],
  program: left(
    Race.firstSuccess(
      { fast: member("fast", after(2, "fast"), 0), late: member("late", after(4, "late"), 0), slow: Effect.never },
      { grace: 3 }
    )
  ),
  invariant: (trial) => {
    const report = reported<{ winner: string; losers: Losers }>(trial)
    if (report === undefined) return assert.ok(trial.cancelled !== undefined)
    for (const [name, loser] of Object.entries(report.losers)) if (name === "late") loserAgrees(trial, name, loser)
    if (trial.cancelled !== undefined) return
    assert.equal((report.losers["late"] as Loser.FinishedLate<string>).value, "late")
    assert.equal(trial.took, 5)
  }
}

const leavesEarly: Subject = {
  name: "with giveUp the winner leaves before a loser that does not stop, which is a straggler until it does",
  covers: ["Race.firstSuccess"],
  laws: ["K24", "K25"],
  allow: ["clean-up-failed"],
  program: Race.firstSuccess(
    {
      fast: member("fast", after(1, "fast"), 0),
      stubborn: member("stubborn", Effect.uninterruptible(after(20, 1)), 0)
    },
    { giveUp: 3 }
  ),
  invariant: (trial) => {
    if (trial.cancelled !== undefined) return
    const report = reported<{ winner: string; losers: Losers }>(trial)
    assert.equal(report?.winner, "fast")
    assert.equal((report.losers["stubborn"] as Loser.Cancelled).how, "abandoned")
    assert.equal(trial.took, 4)
  }
}

const reason = (by: string) => ({ reason: CancelReason.request({ by }) })

const cancelledWhole: Subject = {
  name: "a race that is cancelled by name tells all its members, each once, with the reason of the first",
  covers: ["Race.firstSuccess", "Task.cancel"],
  laws: ["K8", "K18"],
  program: Nursery.run("top", (nursery) =>
    Effect.gen(function* () {
      const task = yield* nursery.spawn(
        "racing",
        Race.firstSuccess([member("one", Effect.never, 3), member("two", Effect.never)])
      )
      yield* Effect.sleep(1)
      const answers = yield* Effect.all([Task.cancel(task, reason("ann")), Task.cancel(task, reason("bob"))], {
        concurrency: "unbounded"
      })
      return answers.map(({ _tag }) => _tag).toSorted()
    })
  ),
  invariant: (trial) => {
    completes(trial, ["AlreadyCancelled", "Cancelled"])
    if (trial.cancelled !== undefined || wasGivenUp(trial)) return
    const by = new Set(trial.ledger.ended.flatMap(({ reason }) => (reason === undefined ? [] : [reason.by])))
    assert.equal(by.size, 1, `members read reasons by ${[...by].join(" and ")}`)
  }
}

export const subjects: ReadonlyArray<Subject> = [
  firstSuccess,
  fails,
  empty,
  tied,
  settles,
  quorum,
  outOfReach,
  hedges,
  inTime,
  withTask(true),
  withTask(false),
  dirty,
  late,
  leavesEarly,
  cancelledWhole
]
