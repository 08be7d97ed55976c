/** How many members run at a time, and how long each may take (K36). */
import { describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as Join from "../../src/combinators/Join.ts"
import * as Task from "../../src/fibers/Task.ts"
import * as TaskTree from "../../src/fibers/TaskTree.ts"
import { Journal, textOf } from "../support/journal.ts"
import { leakChecked } from "../support/leaks.ts"
import { after, ann, causeOf, during, failing, logged, started } from "./telling.ts"

/** Counts how many run, and remembers the most. */
class Running {
  now = 0
  most = 0
  starts = 0

  watch<A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> {
    return Effect.suspend(() => {
      this.starts++
      this.most = Math.max(this.most, ++this.now)
      return Effect.ensuring(
        effect,
        Effect.sync(() => {
          this.now--
        })
      )
    })
  }
}

describe("Join with { concurrency }", () => {
  it.effect("never more than that many run, each end lets the next start, results keep their order (K36)", () =>
    leakChecked(
      Effect.gen(function* () {
        const running = new Running()
        const effects = Array.from({ length: 10 }, (_, index) => running.watch(after(10, index)))
        const fiber = yield* Effect.forkChild(Join.all(effects, { concurrency: 3 }))
        yield* TestClock.adjust(9)
        expect([running.now, running.starts]).toEqual([3, 3])
        yield* TestClock.adjust(31)
        expect(yield* Fiber.join(fiber)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
        expect(running.most).toBe(3)
      })
    )
  )

  it.effect("10,000 members that end at once run one after another without overflowing the stack (K6, K36)", () =>
    leakChecked(
      Effect.gen(function* () {
        const running = new Running()
        const effects = Array.from({ length: 10_000 }, (_, index) => running.watch(Effect.succeed(index)))
        const values = yield* Join.all(effects, { concurrency: 1 })
        expect([values.length, values[9999], running.most]).toEqual([10_000, 9999, 1])
      })
    )
  )

  it.effect("those that follow an end start in a loop: the stack does not grow with their number (K6, K36)", () =>
    leakChecked(
      Effect.gen(function* () {
        const depths: Array<number> = []
        const member = Effect.sync(() => {
          const { stackTraceLimit } = Error
          Error.stackTraceLimit = Infinity
          depths.push(new Error().stack!.split("\n").length)
          Error.stackTraceLimit = stackTraceLimit
        })
        yield* during(10, Join.all([after(10, 0), ...Array.from({ length: 30 }, () => member)], { concurrency: 1 }))
        expect(depths.length).toBe(30)
        expect(new Set(depths).size).toBe(1)
      })
    )
  )

  it.effect("who waits stands in the tree as waiting, and can be seen to be cancelled (K36, K43)", () =>
    leakChecked(
      Effect.gen(function* () {
        const fiber = yield* Effect.forkChild(Join.settled({ a: after(10, 1), b: after(10, 2) }, { concurrency: 1 }), {
          startImmediately: true
        })
        const text = TaskTree.toText(yield* TaskTree.snapshot)
        expect(text).toMatch(/a \(member\) running/)
        expect(text).toMatch(/b \(member\) waiting/)
        yield* TestClock.adjust(20)
        yield* Fiber.join(fiber)
      })
    )
  )

  it.effect("a member that is cancelled by itself or fails gives its place to the next (K36)", () =>
    leakChecked(
      Effect.gen(function* () {
        const running = new Running()
        const outcomes = yield* during(
          100,
          Join.settled(
            [Effect.interrupt, Effect.fail("no"), Effect.die("broken"), after(10, 1), after(10, 2)].map((effect) =>
              running.watch(effect as Effect.Effect<number, string>)
            ),
            { concurrency: 1 }
          )
        )
        expect(outcomes.map(({ _tag }) => _tag)).toEqual(["Cancelled", "Failed", "Failed", "Completed", "Completed"])
        expect([running.most, running.now]).toEqual([1, 0])
      })
    )
  )

  it.effect("all: after a failure nobody starts who still waited, and who waited is told so (K29, K36)", () =>
    leakChecked(
      Effect.gen(function* () {
        const journal = new Journal()
        const running = new Running()
        const member = (name: string, effect: Effect.Effect<number, string>) =>
          running.watch(journal.watch(name, effect))
        const exit = yield* during(
          100,
          Effect.exit(
            Join.all(
              {
                a: member("a", failing(10, "no")),
                b: member("b", Effect.never),
                c: member("c", Effect.never),
                d: member("d", Effect.never)
              },
              { concurrency: 2 }
            )
          )
        )
        expect(exit._tag === "Failure" && causeOf(exit.cause)).toBe("Fail:no")
        expect(journal.lines).toEqual(["10 a: failed", "10 b: sibling-failed by a of join"])
        expect(running.starts).toBe(2)
      })
    )
  )

  it.effect("within: at the limit also those that waited are cancelled, without having started (K31, K36)", () =>
    leakChecked(
      Effect.gen(function* () {
        const running = new Running()
        const report = yield* during(
          100,
          Join.within(
            { a: running.watch(after(10, 1)), b: running.watch(Effect.never), c: running.watch(Effect.never) },
            20,
            { concurrency: 1 }
          )
        )
        expect(report.completed).toEqual({ a: 1 })
        expect(Object.keys(report.cancelled)).toEqual(["b", "c"])
        expect(report.cancelled.c?.reason.source).toBe("timeout")
        expect(running.starts).toBe(2)
      })
    )
  )

  it.effect(
    "within: what failed in the clean-up of a limited member stands in the report, and there only (K16, K31)",
    () =>
      leakChecked(
        Effect.gen(function* () {
          const dirty = Effect.onExit(Effect.never, () => Effect.die("dirty"))
          const task = yield* started(logged(Join.within({ dirty }, 10), []))
          yield* TestClock.adjust(10)
          const outcome = yield* Task.await(task)
          expect(outcome._tag === "Completed" && outcome.value.cancelled.dirty?.cleanupFailures.length).toBe(1)
          expect(outcome.cleanupFailures).toEqual([])
        })
      )
  )

  it.effect(
    "a cancelled caller: nobody who waited runs, nothing is left, the permits are gone with the join (K36)",
    () =>
      leakChecked(
        Effect.gen(function* () {
          const running = new Running()
          const never = Array.from({ length: 100 }, () => running.watch(Effect.never))
          const task = yield* started(Join.all(never, { concurrency: 5 }))
          yield* Task.cancel(task, ann)
          expect([running.starts, running.now]).toEqual([5, 0])
        })
      )
  )

  it.effect("beside: a native forEach lets nobody see who waits, and loses what was done (trap)", () =>
    Effect.gen(function* () {
      const seen: Array<number> = []
      const fiber = yield* Effect.forkChild(
        Effect.forEach(
          [1, 2, 3],
          (n) =>
            Effect.andThen(
              Effect.sleep(10),
              Effect.sync(() => seen.push(n))
            ),
          {
            concurrency: 1
          }
        )
      )
      yield* TestClock.adjust(15)
      yield* Fiber.interrupt(fiber)
      const exit = yield* Fiber.await(fiber)
      expect([seen, exit._tag]).toEqual([[1], "Failure"])
      const task = yield* started(Join.all([after(10, 1), Effect.never, Effect.never], { concurrency: 1 }))
      yield* TestClock.adjust(15)
      yield* Task.cancel(task, ann)
      expect((yield* Task.await(task)).salvaged).toEqual([{ scope: "join", value: { 0: 1 } }])
    }).pipe(Effect.scoped)
  )

  it.effect.each([0, -1, NaN])("a concurrency of %s, which would never end, is a defect (K36)", (concurrency) =>
    Effect.gen(function* () {
      const exit = yield* Effect.exit(Join.all([Effect.void], { concurrency }))
      expect(exit._tag === "Failure" && String(Cause.squash(exit.cause))).toContain("concurrency must be 1 or more")
    })
  )
})

describe("Join with { each }", () => {
  it.effect("each member has its time from its own start, the others go on (S4x-20, K31)", () =>
    leakChecked(
      Effect.gen(function* () {
        const journal = new Journal()
        const outcomes = yield* during(
          100,
          Join.settled(
            [
              journal.watch("a", Effect.never),
              journal.watch("b", after(5, "b")),
              journal.watch("c", Effect.never, Effect.sleep(7)),
              journal.watch("d", after(8, "d"))
            ],
            { each: 10, concurrency: 2 }
          )
        )
        expect(outcomes.map(({ _tag }) => _tag)).toEqual(["Cancelled", "Completed", "Cancelled", "Completed"])
        expect(journal.lines).toEqual([
          "5 b: done",
          "10 a: timeout by join of 0",
          "15 c: timeout by join of 2",
          "18 d: done",
          "22 c: cleaned up"
        ])
      })
    )
  )

  it.effect("has the patience of the join: grace to finish, and giveUp for who does not end (K12, K25)", () =>
    leakChecked(
      Effect.gen(function* () {
        const polite = Effect.andThen(Task.awaitRequest, after(5, "bye"))
        const stubborn = Effect.onInterrupt(Effect.never, () => Effect.sleep(100))
        const outcomes = yield* during(50, Join.settled({ polite, stubborn }, { each: 10, grace: 10, giveUp: 30 }))
        expect(outcomes.polite).toMatchObject({ _tag: "Completed", value: "bye" })
        expect(outcomes.stubborn).toMatchObject({ _tag: "Cancelled", how: "abandoned" })
        yield* TestClock.adjust(100)
      })
    )
  )

  it.effect("in `all` it is a typed failure, which tells of the limit (K32)", () =>
    leakChecked(
      Effect.gen(function* () {
        const exit = yield* during(100, Effect.exit(Join.all({ a: Effect.never, b: Effect.never }, { each: 10 })))
        expect(exit._tag === "Failure" && causeOf(exit.cause)).toBe("Fail:TaskCancelled")
      })
    )
  )

  it.effect("in `within` it stands with those that the limit cancelled, and an own interrupt does not (K31, K32)", () =>
    leakChecked(
      Effect.gen(function* () {
        const report = yield* during(
          100,
          Join.within({ slow: Effect.never, own: Effect.interrupt, rest: Effect.never }, 50, { each: 10 })
        )
        expect([Object.keys(report.cancelled), Object.keys(report.interrupted)]).toEqual([["slow", "rest"], ["own"]])
      })
    )
  )

  it.effect("leaves no timer, and zero runs the synchronous prefix (K33, K45)", () =>
    leakChecked((leaks) =>
      Effect.gen(function* () {
        const before = leaks.fibers
        expect(yield* Join.all([Effect.succeed(1), Effect.yieldNow], { each: "1 hour" })).toEqual([1, undefined])
        yield* Effect.yieldNow
        expect(leaks.fibers).toBe(before)
        const outcomes = yield* Join.settled([Effect.succeed(1), Effect.never], { each: 0 })
        expect(outcomes.map(({ _tag }) => _tag)).toEqual(["Completed", "Cancelled"])
      })
    )
  )
})

describe("Join.first", () => {
  it.effect("the first n to end, however they end, in that order; the rest is cancelled (S4x-15)", () =>
    leakChecked(
      Effect.gen(function* () {
        const journal = new Journal()
        const report = yield* during(
          100,
          Join.first(
            { a: after(30, 1), b: failing(10, "no"), c: journal.watch("c", Effect.never), d: after(20, "d") },
            2
          )
        )
        expect(report.ended.map(({ member, outcome }) => `${member} ${outcome._tag}`)).toEqual([
          "b Failed",
          "d Completed"
        ])
        expect(Object.keys(report.rest)).toEqual(["a", "c"])
        expect(journal.lines).toEqual(["20 c: lost-race by d of join"])
      })
    )
  )

  it.effect("waits for all where there are fewer, for nobody where 0 are asked for, and never fails (S4x-04)", () =>
    leakChecked(
      Effect.gen(function* () {
        const all = yield* during(50, Join.first([after(20, 1), after(10, 2)], 5))
        expect(all.ended.map(({ member }) => member)).toEqual([1, 0])
        expect((yield* Join.first([Effect.never], 0)).rest).toEqual([{ _tag: "NotStarted" }])
        expect((yield* Join.first([], 3)).ended).toEqual([])
        expect((yield* during(50, Join.first([after(20, 1), after(10, 2)], 1.9))).ended.length).toBe(1)
        const exit = yield* Effect.exit(Join.first([], NaN))
        expect(exit._tag === "Failure" && Cause.hasDies(exit.cause)).toBe(true)
      })
    )
  )

  it.effect("with a concurrency, ends of the first let the next start until enough have ended (K36)", () =>
    leakChecked(
      Effect.gen(function* () {
        const running = new Running()
        const effects = Array.from({ length: 5 }, (_, index) => running.watch(after(10, index)))
        const report = yield* during(100, Join.first(effects, 2, { concurrency: 1 }))
        expect(report.ended.map(({ member }) => member)).toEqual([0, 1])
        expect([running.starts, running.most]).toEqual([2, 1])
        expect(report.rest.slice(2)).toEqual(Array.from({ length: 3 }, () => ({ _tag: "NotStarted" })))
      })
    )
  )
})

describe("Join.bestEffort", () => {
  it.effect("the values that there are, late ones too, and what became of everybody else (S4x-20)", () =>
    leakChecked(
      Effect.gen(function* () {
        const report = yield* during(
          100,
          Join.bestEffort(
            {
              good: after(5, 1),
              bad: failing(5, "no"),
              slow: Effect.never,
              polite: Effect.andThen(Task.awaitRequest, Effect.succeed("late"))
            },
            { limit: 20, grace: 10 }
          )
        )
        expect(report.values).toEqual({ good: 1, polite: "late" })
        expect(Object.entries(report.missing).map(([name, { _tag }]) => `${name} ${_tag}`)).toEqual([
          "bad Failed",
          "slow Cancelled"
        ])
      })
    )
  )

  it.effect("without a limit it waits for all", () =>
    leakChecked(
      Effect.gen(function* () {
        const report = yield* during(500, Join.bestEffort([after(400, "slow"), failing(1, "no")]))
        expect([report.values, Object.keys(report.missing)]).toEqual([{ 0: "slow" }, ["1"]])
      })
    )
  )
})

/** Fails in its clean-up, with its name. */
const dirty = <A, E>(name: string, effect: Effect.Effect<A, E>): Effect.Effect<A, E, Scope.Scope> =>
  Effect.andThen(
    Effect.acquireRelease(Effect.void, () => Effect.die(name)),
    effect
  )

const keptBy = (join: Effect.Effect<unknown, unknown>) =>
  Effect.gen(function* () {
    const task = yield* started(logged(Effect.exit(join), []))
    yield* TestClock.adjust(100)
    const { cleanupFailures } = yield* Task.await(task)
    return cleanupFailures.map(({ scope, cause }) => `${scope} ${causeOf(cause)}`)
  })

describe("Join.bestEffort and Join.skipCancelled", () => {
  it.effect("what failed in the clean-up of a member with a value is kept once, by the task around (K16)", () =>
    leakChecked(
      Effect.gen(function* () {
        const members = { good: dirty("a", Effect.succeed(1)), bad: dirty("b", Effect.fail("no")) }
        expect(yield* keptBy(Join.bestEffort(members))).toEqual(["good Die:a"])
        expect(yield* keptBy(Join.skipCancelled({ good: members.good }))).toEqual(["good Die:a"])
        expect(yield* keptBy(Join.skipCancelled(members))).toEqual(["good Die:a", "bad Die:b"])
      })
    )
  )

  it.effect("skipCancelled: a failure that comes after the rest was told is one of clean-up (K16, K29)", () =>
    leakChecked(
      Effect.gen(function* () {
        const late = Effect.andThen(Task.awaitRequest, failing(5, "late"))
        const join = Join.skipCancelled({ bad: failing(10, "no"), late }, { grace: 50 })
        expect(yield* keptBy(join)).toEqual(["late Fail:late"])
      })
    )
  )

  it.effect("bestEffort takes a value that landed while its scope still closes (K31)", () =>
    leakChecked(
      Effect.gen(function* () {
        const closing = Effect.as(
          Effect.acquireRelease(Effect.void, () => Effect.sleep(50)),
          "value"
        )
        const report = yield* during(100, Join.bestEffort({ closing }, { limit: 20 }))
        expect(report).toEqual({ values: { closing: "value" }, missing: {} })
      })
    )
  )
})

describe("Join.skipCancelled", () => {
  it.effect("a member that ends cancelled is skipped, with its reason; a failure fails the join (S4-04, S4x-20)", () =>
    leakChecked(
      Effect.gen(function* () {
        const report = yield* during(
          100,
          Join.skipCancelled({ a: after(10, 1), own: Effect.interrupt, slow: Effect.never }, { each: 50 })
        )
        expect(report.values).toEqual({ a: 1 })
        expect(Object.entries(report.skipped).map(([name, { reason }]: any) => `${name} ${textOf(reason)}`)).toEqual([
          "slow timeout by join of slow",
          "own interrupt of own"
        ])
        const journal = new Journal()
        const exit = yield* during(
          100,
          Effect.exit(
            Join.skipCancelled({
              own: Effect.interrupt,
              bad: failing(5, "no"),
              rest: journal.watch("rest", Effect.never)
            })
          )
        )
        expect(exit._tag === "Failure" && causeOf(exit.cause)).toBe("Fail:no")
        expect(journal.lines).toEqual(["105 rest: sibling-failed by bad of join"])
      })
    )
  )
})
