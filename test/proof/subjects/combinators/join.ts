/** Joins: values in order, failures that stay, and what is there when they end early. */
import assert from "node:assert/strict"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import { Join } from "rescind/combinators"
import { Nursery, Task } from "rescind/fibers"
import { Ledger, type Trial } from "rescind/testing"
import { comesBefore, completes, isLastOf, sourcesReadBy } from "../../laws.ts"
import { after, began, endOf, failing, hasExactly, member } from "../../reports.ts"
import type { Subject } from "../../Subject.ts"

const left = <A, E, R>(join: Effect.Effect<A, E, R>) => Effect.ensuring(join, Ledger.note("left"))

const valueOf = <A>({ outcome }: Trial.Trial): A | undefined =>
  outcome?._tag === "Completed" ? (outcome.value as A) : undefined

const all: Subject = {
  name: "all values stand in the order of the record, whoever ended first",
  covers: ["Join.all"],
  laws: ["K1", "K18", "K26", "K29"],
  program: left(
    Join.all({ slow: member("slow", after(6, 1)), now: Effect.succeed(2), fast: member("fast", after(2, 3)) })
  ),
  invariant: (trial) => {
    completes(trial)
    const values = valueOf<Record<string, number>>(trial)
    if (values !== undefined)
      assert.deepEqual(Object.entries(values), [
        ["slow", 1],
        ["now", 2],
        ["fast", 3]
      ])
    isLastOf(trial, "left")
  }
}

const failsFast: Subject = {
  name: "failures of one turn leave together, in order and typed, when the rest has cleaned up, also one that dies in it",
  covers: ["Join.all"],
  laws: ["K1", "K4", "K16", "K19", "K29"],
  allow: ["clean-up-failed"],
  program: () => {
    let exit: Exit.Exit<unknown, unknown> | undefined
    const join = Join.all([
      member("late", failing(9, "late")),
      member("one", failing(2, "one"), 0),
      Effect.andThen(
        Effect.addFinalizer(() => Effect.die("dirty")),
        member("stuck", Effect.never, 4)
      ),
      member("two", failing(2, "two"), 0)
    ])
    return {
      program: left(
        Effect.onExit(join, (ended) =>
          Effect.sync(() => {
            exit = ended
          })
        )
      ).pipe(Effect.exit),
      invariant: (trial) => {
        isLastOf(trial, "left")
        if (trial.cancelled !== undefined) return
        assert.ok(exit?._tag === "Failure")
        const reasons = exit.cause.reasons.map((reason) => (Cause.isFailReason(reason) ? reason.error : reason._tag))
        assert.ok(reasons.length > 0 && reasons.every((error) => error === "one" || error === "two"), String(reasons))
        assert.deepEqual(reasons, [...reasons].toSorted(), "not in the order of the input")
        assert.deepEqual(sourcesReadBy(trial, "late"), ["sibling-failed"])
        assert.deepEqual(sourcesReadBy(trial, "stuck"), ["sibling-failed"])
      }
    }
  }
}

const lateFailure: Subject = {
  name: "a failure that comes when the rest was told is no part of the failure, but stands on the task around",
  covers: ["Join.all"],
  laws: ["K16", "K29"],
  allow: ["clean-up-failed"],
  program: left(
    Effect.flip(Join.all([member("one", failing(1, "one"), 0), member("later", failing(3, "later"), 0)], { grace: 4 }))
  ),
  invariant: (trial) => {
    completes(trial, "one")
    isLastOf(trial, "left")
    if (trial.cancelled !== undefined) return
    const told = trial.outcome!.cleanupFailures.map(({ cause }) => Cause.squash(cause))
    assert.deepEqual(told, ["later"])
  }
}

const settled: Subject = {
  name: "every outcome is told, nobody is stopped for another's failure, and a cancelled member is told as that",
  covers: ["Join.settled"],
  laws: ["K1", "K30", "K32"],
  allow: ["clean-up-failed"],
  program: left(
    Join.settled({
      bad: member("bad", failing(1, "bad")),
      self: Effect.andThen(Effect.sleep(2), Effect.interrupt),
      good: member("good", after(5, "good")),
      dead: Effect.die("dead")
    })
  ),
  invariant: (trial) => {
    isLastOf(trial, "left")
    const outcomes = valueOf<Record<string, { readonly _tag: string }>>(trial)
    if (outcomes === undefined) return assert.ok(trial.cancelled !== undefined)
    if (trial.cancelled !== undefined) return
    assert.deepEqual(
      Object.entries(outcomes).map(([name, { _tag }]) => [name, _tag]),
      [
        ["bad", "Failed"],
        ["self", "Cancelled"],
        ["good", "Completed"],
        ["dead", "Failed"]
      ]
    )
  }
}

const ofSelf: Subject = {
  name: "a member that interrupts itself fails a join of all with a typed error, and is skipped where that is asked for",
  covers: ["Join.all", "Join.skipCancelled"],
  laws: ["K22", "K32"],
  program: left(
    Effect.gen(function* () {
      const self = Effect.andThen(Effect.sleep(1), Effect.interrupt)
      const error = yield* Effect.flip(Join.all({ self, good: member("good", after(3, "good")) }))
      const { skipped, values } = yield* Join.skipCancelled({ self, better: member("better", after(3, "better")) })
      return [error._tag, Object.keys(skipped), values]
    })
  ),
  invariant: (trial) => {
    completes(trial, ["TaskCancelled", ["self"], { better: "better" }])
    isLastOf(trial, "left")
    if (trial.cancelled === undefined) assert.deepEqual(sourcesReadBy(trial, "good"), ["sibling-failed"])
  }
}

const skipFails: Subject = {
  name: "a failure fails a join that skips the cancelled, which keeps its type",
  covers: ["Join.skipCancelled"],
  laws: ["K29"],
  allow: ["clean-up-failed"],
  program: left(
    Effect.flip(
      Join.skipCancelled([Effect.interrupt, member("bad", failing(2, "bad")), member("slow", after(30, 1), 3)])
    )
  ),
  invariant: (trial) => {
    completes(trial, "bad")
    isLastOf(trial, "left")
  }
}

type Within = Join.Within<Record<string, Effect.Effect<string, string>>>

/** K31: each member stands in one place, and what that says is what it did. */
const withinAgrees = (trial: Trial.Trial, names: ReadonlyArray<string>, report: Within): void => {
  const { cancelled, completed, failed, interrupted, running } = report
  hasExactly(names, completed, failed, cancelled, interrupted, running)
  for (const name of Object.keys(completed)) assert.equal(endOf(trial, name), "done")
  for (const name of Object.keys(failed)) assert.equal(endOf(trial, name), "failed")
  for (const [name, timed] of Object.entries(cancelled)) {
    if (timed === undefined) continue
    assert.ok(timed.reason !== undefined)
    if ("late" in timed) assert.equal(endOf(trial, name), "done", `${name} is told as late`)
  }
}

const within: Subject = {
  name: "at the limit the unfinished are cancelled, what landed in time counts, and what still cleaned up then is late",
  covers: ["Join.within"],
  laws: ["K1", "K4", "K18", "K26", "K31"],
  allow: ["clean-up-failed"],
  program: left(
    Join.within(
      {
        early: member("early", after(2, "early")),
        bad: member("bad", failing(3, "bad"), 0),
        exact: member("exact", after(5, "exact"), 0),
        late: member("late", after(7, "late"), 2),
        slow: member("slow", after(50, "slow"), 4)
      },
      5,
      { grace: 3 }
    )
  ),
  invariant: (trial) => {
    isLastOf(trial, "left")
    const report = valueOf<Within>(trial)
    if (report === undefined) return assert.ok(trial.cancelled !== undefined)
    withinAgrees(trial, ["early", "bad", "exact", "late", "slow"], report)
    if (trial.cancelled !== undefined) return
    assert.deepEqual(Object.keys(report.completed), ["early", "exact"])
    assert.deepEqual(sourcesReadBy(trial, "slow"), ["timeout"])
    assert.equal(Duration.toMillis(report.cancelled["slow"]!.took), 3 + 4)
    assert.equal(report.cancelled["late"]!.late, "late")
  }
}

const atOnceAgrees = (trial: Trial.Trial): Within | undefined => {
  const report = valueOf<Within>(trial)
  if (report === undefined) assert.ok(trial.cancelled !== undefined)
  else {
    withinAgrees(trial, ["now", "slow"], report)
    assert.ok(!("slow" in report.completed))
  }
  return report
}

const atOnce: Subject = {
  name: "a limit of zero runs each member up to its first suspension",
  covers: ["Join.within"],
  laws: ["K31", "K33"],
  program: left(
    Join.within({ now: member("now", Effect.succeed("now"), 0), slow: member("slow", after(5, "slow")) }, 0)
  ),
  // A pause is a suspension too.
  explore: {
    invariant: (trial) => {
      atOnceAgrees(trial)
    }
  },
  invariant: (trial) => {
    const report = atOnceAgrees(trial)
    if (trial.cancelled === undefined) assert.deepEqual(Object.keys(report!.completed), ["now"])
  }
}

const bestEffort: Subject = {
  name: "whatever can be had is there, and of all others what became of them",
  covers: ["Join.bestEffort"],
  laws: ["K1", "K31"],
  allow: ["clean-up-failed"],
  program: left(
    Join.bestEffort(
      {
        good: member("good", after(2, "good")),
        bad: member("bad", failing(1, "bad")),
        late: Effect.uninterruptible(after(6, "late")),
        slow: member("slow", after(50, "slow"))
      },
      { limit: 5, grace: 2 }
    )
  ),
  invariant: (trial) => {
    isLastOf(trial, "left")
    const report = valueOf<{ values: object; missing: Record<string, { _tag: string }> }>(trial)
    if (report === undefined) return assert.ok(trial.cancelled !== undefined)
    hasExactly(["good", "bad", "late", "slow"], report.values, report.missing)
    if (trial.cancelled !== undefined) return
    assert.deepEqual(report.values, { good: "good", late: "late" })
    assert.equal(report.missing["slow"]!._tag, "Cancelled")
  }
}

const first: Subject = {
  name: "the first two ends in the order in which they came, whatever they are, and what became of the rest",
  covers: ["Join.first"],
  laws: ["K1", "K24", "K27"],
  allow: ["clean-up-failed"],
  program: left(
    Join.first(
      {
        third: member("third", after(9, "third"), 3),
        bad: member("bad", failing(2, "bad"), 0),
        first: member("first", after(1, "first"))
      },
      2
    )
  ),
  invariant: (trial) => {
    const report = valueOf<Join.First<Record<string, Effect.Effect<string, string>>>>(trial)
    if (report === undefined) return assert.ok(trial.cancelled !== undefined)
    const ended = report.ended.map(({ member }) => member)
    hasExactly(["third", "bad", "first"], report.rest, ...ended.map((name) => ({ [name]: 1 })))
    if (trial.cancelled !== undefined) return
    assert.deepEqual(ended, ["first", "bad"])
    assert.deepEqual(sourcesReadBy(trial, "third"), ["lost-race"])
  }
}

const concurrency: Subject = {
  name: "two run at a time, in order; who is cancelled gives its place to the next, and after a failure nobody starts",
  covers: ["Join.settled", "Join.all"],
  laws: ["K29", "K36"],
  allow: ["clean-up-failed"],
  program: () => {
    let running = 0
    let most = 0
    const counted = (name: string, work: Effect.Effect<string, string>) =>
      Effect.acquireUseRelease(
        Effect.sync(() => {
          most = Math.max(most, ++running)
        }),
        () => member(name, work, 1),
        () =>
          Effect.sync(() => {
            running--
          })
      )
    return {
      program: left(
        Effect.gen(function* () {
          const outcomes = yield* Join.settled(
            [
              counted("a", after(3, "a")),
              Effect.andThen(Effect.sleep(1), Effect.interrupt),
              counted("c", after(2, "c")),
              counted("d", failing(1, "d")),
              counted("e", after(1, "e"))
            ],
            { concurrency: 2 }
          )
          yield* Effect.exit(
            Join.all([counted("f", failing(1, "f")), counted("g", after(2, "g")), counted("h", after(1, "h"))], {
              concurrency: 2
            })
          )
          return outcomes.map(({ _tag }) => _tag)
        })
      ),
      invariant: (trial) => {
        completes(trial, ["Completed", "Cancelled", "Completed", "Failed", "Completed"])
        assert.ok(most <= 2, `${most} ran at a time`)
        assert.ok(trial.outcome === undefined || running === 0, `${running} places were not given back`)
        if (trial.cancelled === undefined) {
          assert.ok(!began(trial, "h"), "one started after the failure")
          comesBefore(trial, "opened c's file", "a done")
        }
        isLastOf(trial, "left")
      }
    }
  }
}

const each: Subject = {
  name: "each member has its own limit, from its own start, and a patient join lets it finish in its grace",
  covers: ["Join.within", "Join.settled"],
  laws: ["K12", "K31", "K36"],
  program: left(
    Effect.gen(function* () {
      const strict = yield* Join.within(
        { one: member("one", after(3, 1), 0), two: member("two", after(9, 2), 1) },
        100,
        {
          each: 4,
          concurrency: 1
        }
      )
      const patient = yield* Join.settled({ three: member("three", after(6, 3), 0) }, { each: 4, grace: 3 })
      return [Object.keys(strict.completed), Object.keys(strict.cancelled), patient.three._tag]
    })
  ),
  invariant: (trial) => {
    completes(trial, [["one"], ["two"], "Completed"])
    if (trial.cancelled === undefined) assert.deepEqual(sourcesReadBy(trial, "two"), ["timeout"])
    isLastOf(trial, "left")
  }
}

const giveUp: Subject = {
  name: "a join that gives up returns what is there, and lists who has not ended",
  covers: ["Join.within"],
  laws: ["K25", "K31", "K34"],
  program: Join.within({ fast: after(1, "fast"), stubborn: Effect.uninterruptible(after(30, "stubborn")) }, 3, {
    giveUp: 2
  }),
  invariant: (trial) => {
    if (trial.cancelled !== undefined) return
    const report = valueOf<Within>(trial)
    assert.deepEqual(Object.keys(report!.completed), ["fast"])
    assert.equal(report!.cancelled["stubborn"]!.how, "abandoned")
    assert.equal(trial.took, 5)
  }
}

const tasks: Subject = {
  name: "tasks from outside are awaited and run on at the limit, or are cancelled with it where that is asked for",
  covers: ["Join.within", "Join.settled", "Task.join"],
  laws: ["K28", "K31"],
  program: left(
    Nursery.run("outside", (nursery) =>
      Effect.gen(function* () {
        const one = yield* nursery.spawn("one", member("one", after(8, "one"), 1))
        const two = yield* nursery.spawn("two", member("two", after(20, "two"), 1))
        const kept = yield* Join.within({ one, two }, 3)
        const cut = yield* Join.within({ one, two }, 7, { cancelTasks: true })
        return [
          Object.keys(kept.running),
          Object.keys(cut.completed),
          Object.keys(cut.cancelled),
          yield* Task.join(one),
          (yield* Task.await(two))._tag
        ]
      })
    )
  ),
  invariant: (trial) => {
    completes(trial, [["one", "two"], ["one"], ["two"], "one", "Cancelled"])
    if (trial.cancelled === undefined) assert.deepEqual(sourcesReadBy(trial, "two"), ["timeout"])
    isLastOf(trial, "left")
  }
}

export const subjects: ReadonlyArray<Subject> = [
  all,
  failsFast,
  lateFailure,
  settled,
  ofSelf,
  skipFails,
  within,
  atOnce,
  bestEffort,
  first,
  concurrency,
  each,
  giveUp,
  tasks
]
