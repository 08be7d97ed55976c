import { describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as TestClock from "effect/testing/TestClock"
import * as Join from "../../src/combinators/Join.ts"
import * as Race from "../../src/combinators/Race.ts"
import * as CancelReason from "../../src/fibers/CancelReason.ts"
import { salvagedIn } from "../../src/fibers/TaskOutcome.ts"
import * as Nursery from "../../src/fibers/Nursery.ts"
import * as Stragglers from "../../src/fibers/Stragglers.ts"
import * as Task from "../../src/fibers/Task.ts"
import { TaskCancelled } from "../../src/fibers/TaskCancelled.ts"
import type { TaskOutcome } from "../../src/fibers/TaskOutcome.ts"
import * as TaskTree from "../../src/fibers/TaskTree.ts"
import { Journal, textOf } from "../support/journal.ts"
import { leakChecked } from "../support/leaks.ts"
import { settle } from "../support/settle.ts"
import { World } from "../support/sim.ts"
import {
  after,
  ann,
  byTime,
  causeOf,
  cleanupOf,
  during,
  failing,
  failureOf,
  logged,
  resource,
  started,
  waiter
} from "./telling.ts"

/** "cancelled after 20: request by ann of task". */
const outcomeOf = (outcome: TaskOutcome<unknown, unknown>): string => {
  const cleanup = cleanupOf(outcome.cleanupFailures)
  if (outcome._tag === "Completed") return `completed: ${String(outcome.value)}${cleanup}`
  if (outcome._tag === "Failed") return `failed: ${causeOf(outcome.cause)}${cleanup}`
  return `cancelled after ${Duration.toMillis(outcome.took)}: ${textOf(outcome.reason)}, ${outcome.how}${cleanup}`
}

/** The five places of a `within`, in words. */
const placesOf = (report: Join.Within<any>) => ({
  completed: { ...report.completed },
  failed: Object.fromEntries(Object.entries(report.failed).map(([name, cause]) => [name, causeOf(cause as never)])),
  cancelled: Object.fromEntries(
    Object.entries(report.cancelled).map(([name, timedOut]) => {
      const { reason, how, took, cleanupFailures } = timedOut!
      const late = "late" in timedOut! ? `, late ${String(timedOut.late)}` : ""
      return [name, `${how} after ${Duration.toMillis(took)}: ${textOf(reason)}${late}${cleanupOf(cleanupFailures)}`]
    })
  ),
  interrupted: Object.fromEntries(
    Object.entries(report.interrupted).map(([name, { reason, cleanupFailures }]: any) => [
      name,
      `${textOf(reason)}${cleanupOf(cleanupFailures)}`
    ])
  ),
  ...(Object.keys(report.running).length === 0 ? {} : { running: { ...report.running } })
})

const nothing = { completed: {}, failed: {}, cancelled: {}, interrupted: {} }

describe("Join", () => {
  describe("all", () => {
    it.effect("returns every value in the shape of the input, once the last has ended (K1, S1x-39)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const record = yield* during(
            100,
            Effect.tap(Join.all({ b: after(30, 1), a: after(10, "two"), c: Effect.void }), () =>
              journal.note("returned")
            )
          )
          expect(record).toEqual({ b: 1, a: "two", c: undefined })
          expect(Object.keys(record)).toEqual(["b", "a", "c"])
          expect(journal.lines).toEqual(["30 returned"])
          expect(yield* during(100, Join.all([after(30, 1), after(10, "two"), Effect.void]))).toEqual([
            1,
            "two",
            undefined
          ])
        })
      )
    )

    it.effect("none is done at once (S4x-04)", () =>
      leakChecked(
        Effect.gen(function* () {
          expect(yield* Join.all([])).toEqual([])
          expect(yield* Join.all({})).toEqual({})
        })
      )
    )

    it.effect("a member that ended keeps its finalizers' promise: the join waits for them (K1)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          yield* during(
            100,
            Effect.andThen(
              Join.all({ a: Effect.andThen(resource(journal, "a", Effect.sleep(20)), Effect.sleep(10)) }),
              journal.note("returned")
            )
          )
          expect(journal.lines).toEqual(["0 a acquired", "30 a released", "30 returned"])
        })
      )
    )

    it.effect(
      "the first failure has the rest told at once with sibling-failed, waits for them, and stays typed (K4, K29, S1x-38, S4x-05)",
      () =>
        leakChecked(
          Effect.gen(function* () {
            const journal = new Journal()
            const join = Join.all(
              {
                a: waiter(journal, "a", Effect.sleep(30)),
                bad: failing(10, "no"),
                c: waiter(journal, "c", Effect.sleep(20))
              },
              { name: "page" }
            )
            const exit = yield* during(
              100,
              Effect.tap(Effect.exit(join), () => journal.note("left"))
            )
            expect(failureOf(exit)).toBe("Fail:no")
            expect(byTime(journal.lines)).toEqual([
              "10 a: sibling-failed by bad of page",
              "10 c: sibling-failed by bad of page",
              "30 c: cleaned up",
              "40 a: cleaned up",
              "40 left"
            ])
            expect(yield* Effect.catch(during(100, join), (error) => Effect.succeed(error))).toBe("no")
          })
        )
    )

    it.effect(
      "failures decided in the same turn are all kept, in the order of the input; natively only the first is (K29, S1x-39)",
      () =>
        leakChecked(
          Effect.gen(function* () {
            const gate = yield* Deferred.make<void>()
            const bad = (error: string) => Effect.andThen(Deferred.await(gate), Effect.fail(error))
            const entries = { a: bad("a"), wait: Effect.never, b: bad("b"), c: bad("c") }
            const ours = yield* Effect.forkChild(Effect.exit(Join.all(entries)))
            const native = yield* Effect.forkChild(Effect.exit(Effect.all(entries, { concurrency: "unbounded" })))
            yield* settle
            yield* Deferred.succeed(gate, undefined)
            expect(failureOf(yield* Fiber.join(ours))).toBe("Fail:a, Fail:b, Fail:c")
            expect(failureOf(yield* Fiber.join(native))).toBe("Fail:a")
          })
        )
    )

    it.effect("failures of the first step are all kept, though later members ended first (K29)", () =>
      leakChecked(
        Effect.gen(function* () {
          const exit = yield* Effect.exit(
            Join.all({
              a: Effect.andThen(Effect.yieldNow, Effect.fail("a")),
              b: Effect.fail("b"),
              c: Effect.die("c"),
              wait: Effect.never
            })
          )
          expect(failureOf(exit)).toBe("Fail:a, Fail:b, Die:c")
        })
      )
    )

    it.effect(
      "a failure that comes after the rest was told is no part of the cause: it is a clean-up failure of the task (K16, K29)",
      () =>
        leakChecked(
          Effect.gen(function* () {
            const lines: Array<string> = []
            yield* logged(
              Effect.gen(function* () {
                const task = yield* started(
                  Effect.exit(
                    Join.all({
                      bad: failing(10, "first"),
                      late: Effect.onExit(Effect.never, () => Effect.andThen(Effect.sleep(10), Effect.die("late")))
                    })
                  )
                )
                yield* TestClock.adjust(100)
                const outcome = yield* Task.await(task)
                expect(outcome._tag === "Completed" && failureOf(outcome.value)).toBe("Fail:first")
                expect(cleanupOf(outcome.cleanupFailures)).toBe("; clean-up of late: Die:late")
              }),
              lines
            )
            expect(lines).toContain('Warn Clean-up of "late" failed: Die:late')
          })
        )
    )

    it.effect("a typed error survives a sibling's dying clean-up, which natively makes it a defect (K16, K29)", () =>
      leakChecked(
        Effect.gen(function* () {
          const entries = {
            bad: failing(10, "no" as const),
            dirty: Effect.onExit(Effect.never, () => Effect.die("broken"))
          }
          const lines: Array<string> = []
          const caught = yield* logged(
            during(
              20,
              Effect.catch(Join.all(entries), (error) => Effect.succeed(error))
            ),
            lines
          )
          expect(caught).toBe("no")
          expect(lines).toContain('Warn Clean-up of "dirty" failed: Die:broken')
          const native = yield* during(20, Effect.exit(Effect.all(entries, { concurrency: "unbounded" })))
          expect(native._tag === "Failure" && Cause.hasFails(native.cause)).toBe(false)
        })
      )
    )

    it.effect("a sibling that fails in its grace is too late for the cause: the task keeps it (K12, K16, K29)", () =>
      leakChecked(
        Effect.gen(function* () {
          const task = yield* started(
            Effect.exit(Join.all({ bad: failing(10, "first"), late: failing(20, "late") }, { grace: 50 }))
          )
          yield* TestClock.adjust(20)
          const outcome = yield* Task.await(task)
          expect(outcome._tag === "Completed" && failureOf(outcome.value)).toBe("Fail:first")
          expect(cleanupOf(outcome.cleanupFailures)).toBe("; clean-up of late: Fail:late")
        })
      )
    )

    it.effect("a member that ends cancelled by itself is a typed failure, TaskCancelled (K32, S4-38)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const exit = yield* Effect.exit(
            Join.all({ wait: waiter(journal, "wait"), self: Effect.andThen(Effect.yieldNow, Effect.interrupt) })
          )
          const error = Option.getOrThrow(Exit.findErrorOption(exit))
          expect(error).toBeInstanceOf(TaskCancelled)
          expect(error.task).toBe("self")
          expect(error.reason.source).toBe("interrupt")
          expect(journal.lines).toEqual(["0 wait: sibling-failed by self of join"])
        })
      )
    )

    it.effect("joining a cancelled task in a member fails it, typed, and interrupts nobody (K22, K32)", () =>
      leakChecked(
        Effect.gen(function* () {
          const nursery = yield* Nursery.make<unknown>("top")
          const other = yield* nursery.spawn("other", Effect.never)
          yield* settle
          yield* Task.cancel(other, ann)
          const exit = yield* Effect.exit(Join.all({ join: Task.join(other) }))
          const error = Option.getOrThrow(Exit.findErrorOption(exit))
          expect([error._tag, error.task, error.reason.by]).toEqual(["TaskCancelled", "other", "ann"])
        })
      )
    )

    it.effect("giveUp bounds the wait for siblings; who is left is listed (K25, K29)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const exit = yield* during(
            20,
            Effect.exit(
              Join.all({ bad: failing(10, "no"), slow: waiter(journal, "slow", Effect.sleep(100)) }, { giveUp: 10 })
            )
          )
          expect(failureOf(exit)).toBe("Fail:no")
          expect((yield* Stragglers.list).map(({ path, reason }) => `${path}: ${textOf(reason)}`)).toEqual([
            "join/slow: sibling-failed by bad of join"
          ])
          yield* TestClock.adjust(90)
          expect(yield* Stragglers.list).toEqual([])
        })
      )
    )

    it.effect("grace lets siblings finish before the failure leaves (K12, K29)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const exit = yield* during(
            100,
            Effect.tap(
              Effect.exit(
                Join.all(
                  { bad: failing(10, "no"), soon: journal.watch("soon", after(30, 1)), slow: waiter(journal, "slow") },
                  { grace: 40 }
                )
              ),
              () => journal.note("left")
            )
          )
          expect(failureOf(exit)).toBe("Fail:no")
          expect(journal.lines).toEqual(["30 soon: done", "50 slow: sibling-failed by bad of join", "50 left"])
        })
      )
    )

    it.effect("a failure that is mixed with an interrupt is a failure: the caller was not cancelled (K26, K29)", () =>
      leakChecked(
        Effect.gen(function* () {
          const mixed = Effect.failCause(Cause.combine(Cause.fail("no" as const), Cause.interrupt(7)))
          const join = Join.all({ done: Effect.succeed(1), mixed })
          expect(yield* Effect.catch(join, (error) => Effect.succeed(error))).toBe("no")
          expect(failureOf(yield* Effect.exit(join))).toBe("Fail:no, Interrupt")
          const task = yield* started(Effect.exit(join))
          expect((yield* Task.await(task)).salvaged).toEqual([])
        })
      )
    )

    it.effect("a defect fails it as a defect, and the rest is told (K29)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const exit = yield* during(
            20,
            Effect.exit(
              Join.all({ dead: Effect.andThen(Effect.sleep(10), Effect.die("broken")), a: waiter(journal, "a") })
            )
          )
          expect(failureOf(exit)).toBe("Die:broken")
          expect(journal.lines).toEqual(["10 a: sibling-failed by dead of join"])
        })
      )
    )

    it.effect("what failed in clean-up is logged once, however far up it is kept (K16)", () =>
      leakChecked(
        Effect.gen(function* () {
          const lines: Array<string> = []
          const dirty = Effect.as(
            Effect.addFinalizer(() => Effect.die("dirty")),
            1
          )
          yield* logged(
            Effect.gen(function* () {
              const task = yield* started(Join.all([Join.all({ dirty })]))
              expect(cleanupOf((yield* Task.await(task)).cleanupFailures)).toBe("; clean-up of dirty: Die:dirty")
            }),
            lines
          )
          expect(lines).toEqual(['Warn Clean-up of "dirty" failed: Die:dirty'])
        })
      )
    )

    it.effect("a value of undefined has its key, as natively", () =>
      leakChecked(
        Effect.gen(function* () {
          const native = yield* Effect.all({ a: Effect.void, b: Effect.succeed(1) })
          const ours = yield* Join.all({ a: Effect.void, b: Effect.succeed(1) })
          expect(Object.keys(native)).toEqual(["a", "b"])
          expect(Object.keys(ours)).toEqual(["a", "b"])
        })
      )
    )

    it.effect("a key named __proto__ is a key like any other", () =>
      leakChecked(
        Effect.gen(function* () {
          const values = yield* Join.all(Object.fromEntries([["__proto__", Effect.succeed({ polluted: true })]]))
          expect(Object.keys(values)).toEqual(["__proto__"])
          expect("polluted" in values).toBe(false)
        })
      )
    )

    it.effect("integer-like keys come first, as everywhere in JavaScript", () =>
      leakChecked(
        Effect.gen(function* () {
          const exit = yield* Effect.exit(Join.all({ b: Effect.fail("b"), 10: Effect.fail("10"), 2: Effect.fail("2") }))
          expect(failureOf(exit)).toBe("Fail:2, Fail:10, Fail:b")
        })
      )
    )

    it.effect("one join value may be run twice, and at once", () =>
      leakChecked(
        Effect.gen(function* () {
          const same = after(10, 1)
          const join = Join.all([same, same])
          expect(yield* during(10, Effect.all([join, join], { concurrency: "unbounded" }))).toEqual([
            [1, 1],
            [1, 1]
          ])
          expect(yield* during(10, join)).toEqual([1, 1])
        })
      )
    )

    it.effect("a member that is not there is a defect, not a hang", () =>
      leakChecked(
        Effect.gen(function* () {
          const entries = [undefined, Effect.succeed(1)] as unknown as ReadonlyArray<Effect.Effect<number>>
          const fiber = yield* Effect.forkChild(Effect.exit(Join.all(entries)))
          yield* settle
          const ended = fiber.pollUnsafe() !== undefined
          yield* Fiber.interrupt(fiber)
          expect(ended).toBe(true)
        })
      )
    )
  })

  describe("settled", () => {
    it.effect(
      "every outcome in the order of the input, and nothing is cancelled for another's failure (K30, S4-39)",
      () =>
        leakChecked(
          Effect.gen(function* () {
            const journal = new Journal()
            const join = Join.settled({
              slow: journal.watch("slow", after(30, 1)),
              bad: failing(10, "no"),
              dead: Effect.die("broken"),
              self: Effect.interrupt,
              quick: after(5, "two")
            })
            const outcomes = yield* during(
              100,
              Effect.tap(join, () => journal.note("returned"))
            )
            expect(Object.entries(outcomes).map(([name, outcome]) => `${name} ${outcomeOf(outcome)}`)).toEqual([
              "slow completed: 1",
              "bad failed: Fail:no",
              "dead failed: Die:broken",
              "self cancelled after 0: interrupt of self, cooperative",
              "quick completed: two"
            ])
            expect(journal.lines).toEqual(["30 slow: done", "30 returned"])
          })
        )
    )

    it.effect("a list gives a list; none gives none (K30, S4x-04)", () =>
      leakChecked(
        Effect.gen(function* () {
          const outcomes = yield* during(10, Join.settled([after(10, 1), Effect.fail("no"), after(5, 3)]))
          expect(outcomes.map(outcomeOf)).toEqual(["completed: 1", "failed: Fail:no", "completed: 3"])
          expect(yield* Join.settled([])).toEqual([])
          expect(yield* Join.settled({})).toEqual({})
        })
      )
    )

    it.effect("each outcome has its own clean-up failures (K16, K30)", () =>
      leakChecked(
        Effect.gen(function* () {
          const lines: Array<string> = []
          const dirty = Effect.addFinalizer(() => Effect.die("dirty"))
          const outcomes = yield* logged(
            Join.settled({
              good: Effect.as(dirty, 1),
              bad: Effect.andThen(dirty, Effect.fail("no")),
              self: Effect.andThen(dirty, Effect.interrupt)
            }),
            lines
          )
          expect(outcomeOf(outcomes.good)).toBe("completed: 1; clean-up of good: Die:dirty")
          expect(outcomeOf(outcomes.bad)).toBe("failed: Fail:no; clean-up of bad: Die:dirty")
          expect(outcomeOf(outcomes.self)).toBe(
            "cancelled after 0: interrupt of self, cooperative; clean-up of self: Die:dirty"
          )
          expect(lines).toHaveLength(3)
        })
      )
    )

    it.effect("a member that joins a cancelled task has failed: it was not cancelled itself (K22, K30)", () =>
      leakChecked(
        Effect.gen(function* () {
          const nursery = yield* Nursery.make<unknown>("top")
          const other = yield* nursery.spawn("other", Effect.never)
          yield* settle
          yield* Task.cancel(other, ann)
          const { join } = yield* Join.settled({ join: Task.join(other) })
          expect(join._tag === "Failed" && causeOf(join.cause)).toBe("Fail:TaskCancelled")
        })
      )
    )
  })

  describe("within", () => {
    it.effect(
      "at the limit: completed, failed, and the unfinished cancelled with timeout, exactly then (K31, S4-32, S4-33)",
      () =>
        leakChecked(
          Effect.gen(function* () {
            const journal = new Journal()
            const join = Join.within(
              {
                profile: after(10, "ann"),
                orders: failing(20, "no"),
                ads: waiter(journal, "ads", Effect.sleep(30)),
                news: waiter(journal, "news")
              },
              "100 millis",
              { name: "page" }
            )
            const fiber = yield* Effect.forkChild(Effect.tap(join, () => journal.note("returned")))
            yield* TestClock.adjust(99)
            expect(journal.lines).toEqual([])
            yield* TestClock.adjust(31)
            const page = yield* Fiber.join(fiber)
            expect(placesOf(page)).toEqual({
              completed: { profile: "ann" },
              failed: { orders: "Fail:no" },
              cancelled: {
                ads: "interrupted after 30: timeout by page of page",
                news: "interrupted after 0: timeout by page of page"
              },
              interrupted: {}
            })
            expect(page.cancelled.ads?.reason.message).toBe("The limit of 100ms passed")
            expect(page.cancelled.ads?.reason.at.epochMilliseconds).toBe(100)
            expect(byTime(journal.lines)).toEqual([
              "100 ads: timeout by page of page",
              "100 news: timeout by page of page",
              "130 ads: cleaned up",
              "130 returned"
            ])
          })
        )
    )

    it.effect("all done before the limit: returns at once, and leaves no timer (K31, K45)", () =>
      leakChecked((leaks) =>
        Effect.gen(function* () {
          const journal = new Journal()
          const report = yield* during(
            20,
            Effect.tap(Join.within([after(10, "a"), failing(20, "no"), Effect.void], "1 day"), () =>
              journal.note("returned")
            )
          )
          expect(placesOf(report)).toEqual({
            ...nothing,
            completed: { 0: "a", 2: undefined },
            failed: { 1: "Fail:no" }
          })
          expect("2" in report.completed).toBe(true)
          expect(journal.lines).toEqual(["20 returned"])
          yield* settle
          expect(leaks.fibers).toBe(0)
        })
      )
    )

    it.effect("a value at the very instant of the limit has landed in time (K12, K31)", () =>
      leakChecked(
        Effect.gen(function* () {
          const report = yield* during(100, Join.within({ edge: after(100, "edge") }, 100))
          expect(placesOf(report)).toEqual({ ...nothing, completed: { edge: "edge" } })
        })
      )
    )

    it.effect("a value that lands while its scope still closes at the limit is late, and kept (K31)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const report = yield* during(
            200,
            Join.within({ a: Effect.andThen(resource(journal, "a", Effect.sleep(50)), after(90, "value")) }, 100)
          )
          expect(placesOf(report)).toEqual({
            ...nothing,
            cancelled: { a: "interrupted after 40: timeout by join of join, late value" }
          })
          expect(journal.lines).toEqual(["0 a acquired", "140 a released"])
        })
      )
    )

    it.effect("a late value stands in the report, and is not salvaged as well (K26, K31)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const task = yield* started(
            Join.within({ a: Effect.andThen(resource(journal, "a", Effect.sleep(50)), after(90, "value")) }, 100)
          )
          yield* TestClock.adjust(200)
          const outcome = yield* Task.await(task)
          expect(outcome._tag === "Completed" && outcome.value.cancelled.a?.late).toBe("value")
          expect(outcome.salvaged).toEqual([])
        })
      )
    )

    it.effect("a late value of undefined is late all the same (K31)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const report = yield* during(
            200,
            Join.within({ a: Effect.andThen(resource(journal, "a", Effect.sleep(50)), Effect.sleep(90)) }, 100)
          )
          expect(report.cancelled.a !== undefined && "late" in report.cancelled.a).toBe(true)
        })
      )
    )

    it.effect("what failed while its scope still closes at the limit has failed (K31)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const report = yield* during(
            200,
            Join.within({ a: Effect.andThen(resource(journal, "a", Effect.sleep(50)), failing(90, "no")) }, 100)
          )
          expect(journal.lines).toEqual(["0 a acquired", "140 a released"])
          expect(placesOf(report)).toEqual({ ...nothing, failed: { a: "Fail:no" } })
        })
      )
    )

    it.effect("a member that ends cancelled by itself has its own place, before the limit (K31, K32)", () =>
      leakChecked(
        Effect.gen(function* () {
          const report = yield* during(
            100,
            Join.within({ self: Effect.andThen(Effect.sleep(10), Effect.interrupt), wait: Effect.never }, 100)
          )
          expect(placesOf(report)).toEqual({
            ...nothing,
            cancelled: { wait: "interrupted after 0: timeout by join of join" },
            interrupted: { self: "interrupt of self" }
          })
        })
      )
    )

    it.effect("what failed in clean-up stands with its key (K16, K31)", () =>
      leakChecked(
        Effect.gen(function* () {
          const lines: Array<string> = []
          const report = yield* logged(
            during(100, Join.within({ ads: Effect.onExit(Effect.never, () => Effect.die("broken")) }, 100)),
            lines
          )
          expect(placesOf(report).cancelled).toEqual({
            ads: "interrupted after 0: timeout by join of join; clean-up of ads: Die:broken"
          })
          expect(lines).toEqual(['Warn Clean-up of "ads" failed: Die:broken'])
        })
      )
    )

    it.effect("clean-up failures of members with no place for them go to the enclosing task, as with `all` (K16)", () =>
      leakChecked(
        Effect.gen(function* () {
          const dirty = Effect.addFinalizer(() => Effect.die("dirty"))
          yield* logged(
            Effect.gen(function* () {
              const task = yield* started(
                Join.within({ good: Effect.as(dirty, 1), bad: Effect.andThen(dirty, Effect.fail("no")) }, 100)
              )
              expect(cleanupOf((yield* Task.await(task)).cleanupFailures)).toBe(
                "; clean-up of good: Die:dirty; clean-up of bad: Die:dirty"
              )
              const same = yield* started(Join.all({ good: Effect.as(dirty, 1) }), "same")
              expect(cleanupOf((yield* Task.await(same)).cleanupFailures)).toBe("; clean-up of good: Die:dirty")
            }),
            []
          )
        })
      )
    )

    it.effect("what failed in the clean-up of a member that interrupted itself stands with its key (K16, K31)", () =>
      leakChecked(
        Effect.gen(function* () {
          const own = Effect.andThen(
            Effect.acquireRelease(Effect.void, () => Effect.die("broken")),
            Effect.interrupt
          )
          const report = yield* logged(Join.within({ own }, 100), [])
          expect(cleanupOf(report.interrupted.own!.cleanupFailures)).toBe("; clean-up of own: Die:broken")
        })
      )
    )

    it.effect("a limit of zero or less runs each member up to its first suspension (K31, K33)", () =>
      leakChecked((leaks) =>
        Effect.gen(function* () {
          for (const limit of [0, -5, Duration.negativeInfinity, Duration.zero]) {
            const journal = new Journal()
            const report = yield* Join.within(
              {
                sync: Effect.succeed(1),
                bad: Effect.fail("no"),
                wait: Effect.andThen(journal.note("prefix"), waiter(journal, "wait")),
                last: Effect.sync(() => 2),
                turn: Effect.andThen(Effect.yieldNow, journal.note("a turn later"))
              },
              limit
            )
            expect(placesOf(report)).toEqual({
              completed: { sync: 1, last: 2 },
              failed: { bad: "Fail:no" },
              cancelled: {
                wait: "interrupted after 0: timeout by join of join",
                turn: "interrupted after 0: timeout by join of join"
              },
              interrupted: {}
            })
            expect(journal.lines).toEqual(["0 prefix", "0 wait: timeout by join of join"])
            yield* settle
            expect(leaks.fibers).toBe(0)
          }
        })
      )
    )

    it("a limit of zero does not wait for the clock, whichever it is (K33)", () => {
      const world = new World({ seed: 1, fifo: true })
      const journal = new Journal()
      const exit = world.run(Join.within([Effect.andThen(Effect.yieldNow, journal.note("a turn later"))], 0))
      expect(world.left).toBeUndefined()
      expect(exit?._tag === "Success" && Object.keys(exit.value.cancelled)).toEqual(["0"])
      expect(journal.lines).toEqual([])
    })

    it.effect("a limit of zero is the same however deep it stands (K33)", () =>
      leakChecked(
        Effect.gen(function* () {
          const at = (depth: number): Effect.Effect<unknown> =>
            depth === 0
              ? Effect.map(Join.within({ sync: Effect.succeed(1) }, 0), placesOf)
              : Effect.map(Join.all([Effect.suspend(() => at(depth - 1))]), ([value]) => value).pipe(Effect.orDie)
          const fiber = yield* Effect.forkChild(at(200))
          for (let turn = 0; turn < 3; turn++) yield* settle
          expect(yield* Fiber.join(fiber)).toEqual({ ...nothing, completed: { sync: 1 } })
        })
      )
    )

    it.effect("NaN is a defect, InvalidDuration, before any member starts (K33)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const exit = yield* Effect.exit(Join.within({ a: journal.note("started") }, NaN))
          expect(failureOf(exit)).toBe("Die:InvalidDuration")
          expect(journal.lines).toEqual([])
        })
      )
    )

    it.effect("no limit: infinity waits, with no timer (K31)", () =>
      leakChecked(
        Effect.gen(function* () {
          for (const limit of [Infinity, Duration.infinity]) {
            const fiber = yield* Effect.forkChild(Join.within({ a: after(Duration.toMillis("1 day"), 1) }, limit))
            yield* TestClock.adjust("1 day")
            expect(placesOf(yield* Fiber.join(fiber))).toEqual({ ...nothing, completed: { a: 1 } })
          }
        })
      )
    )

    it.effect("none is done at once, with any limit (K31, S4x-04)", () =>
      leakChecked(
        Effect.gen(function* () {
          for (const limit of [0, 100, Infinity]) {
            expect(yield* Join.within([], limit)).toEqual({ ...nothing, running: {} })
            expect(yield* Join.within({}, limit)).toEqual({ ...nothing, running: {} })
          }
        })
      )
    )

    it.effect("a join that was over when it began never sees its limit pass (K31)", () =>
      leakChecked((leaks) =>
        Effect.gen(function* () {
          expect(placesOf(yield* Join.within({ a: Effect.succeed(1) }, 100))).toEqual({
            ...nothing,
            completed: { a: 1 }
          })
          yield* settle
          expect(leaks.fibers).toBe(0)
        })
      )
    )

    it.effect("giveUp bounds the wait for clean-up; who is left is listed (K25, K31, K34)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const report = yield* during(
            120,
            Join.within({ a: after(10, 1), slow: waiter(journal, "slow", Effect.sleep(100)) }, 100, { giveUp: 20 })
          )
          expect(placesOf(report)).toEqual({
            ...nothing,
            completed: { a: 1 },
            cancelled: { slow: "abandoned after 20: timeout by join of join" }
          })
          expect((yield* Stragglers.list).map(({ path }) => path)).toEqual(["join/slow"])
          yield* TestClock.adjust(80)
          expect(yield* Stragglers.list).toEqual([])
          expect(journal.lines).toEqual(["100 slow: timeout by join of join", "200 slow: cleaned up"])
        })
      )
    )

    it.effect("a member that is given up while its scope closes keeps its value as late (K25, K31)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const report = yield* during(
            120,
            Join.within({ a: Effect.andThen(resource(journal, "a", Effect.sleep(50)), after(90, "value")) }, 100, {
              giveUp: 20
            })
          )
          expect(placesOf(report).cancelled).toEqual({ a: "abandoned after 20: timeout by join of join, late value" })
          yield* TestClock.adjust(20)
          expect(journal.lines).toEqual(["0 a acquired", "140 a released"])
        })
      )
    )

    it.effect("with grace the unfinished are asked at the limit and may finish (K12, K31)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const report = yield* during(
            200,
            Join.within({ soon: journal.watch("soon", after(120, "soon")), slow: waiter(journal, "slow") }, 100, {
              grace: 50
            })
          )
          expect(journal.lines).toEqual(["120 soon: done", "150 slow: timeout by join of join"])
          expect(placesOf(report)).toEqual({
            ...nothing,
            completed: { soon: "soon" },
            cancelled: { slow: "interrupted after 50: timeout by join of join" }
          })
        })
      )
    )

    it.effect("an inner limit that passes is the inner members' reason; the outer one is the outer's (K19, K33)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const outer = yield* during(
            100,
            Join.within(
              {
                inner: Join.within({ a: waiter(journal, "a") }, 50, { name: "inner" }),
                longer: Join.within({ b: waiter(journal, "b") }, 500, { name: "longer" })
              },
              100,
              { name: "outer" }
            )
          )
          expect(journal.lines).toEqual(["50 a: timeout by inner of inner", "100 b: timeout by outer of outer"])
          expect(placesOf(outer.completed.inner!).cancelled).toEqual({
            a: "interrupted after 0: timeout by inner of inner"
          })
          expect(placesOf(outer).cancelled).toEqual({ longer: "interrupted after 0: timeout by outer of outer" })
        })
      )
    )

    it.effect("a member that starts under a deadline that has passed never starts (K33)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          yield* during(
            100,
            Join.within(
              { a: Effect.ensuring(Effect.never, Effect.ignore(Join.all([journal.note("ran in clean-up")]))) },
              50
            )
          )
          // Clean-up may still run what it needs.
          expect(journal.lines).toEqual(["50 ran in clean-up"])
          const lines = new Journal()
          yield* during(
            100,
            Join.within(
              {
                a: Effect.andThen(
                  Effect.sleep(50),
                  Effect.suspend(() => Join.all([lines.note("ran")]))
                )
              },
              20
            )
          )
          expect(lines.lines).toEqual([])
        })
      )
    )

    it.effect("the snapshot shows the deadline, whatever the limit (K33, K43)", () =>
      leakChecked(
        Effect.gen(function* () {
          yield* TestClock.adjust(1000)
          const shown: Array<unknown> = []
          for (const limit of [500, "1 day", Number.MAX_SAFE_INTEGER, Infinity] as const) {
            const fiber = yield* Effect.forkChild(Join.within({ a: Effect.never }, limit, { name: "page" }))
            yield* settle
            const snapshot = yield* Effect.exit(TaskTree.snapshot)
            shown.push(
              snapshot._tag === "Failure"
                ? failureOf(snapshot)
                : snapshot.value.tree.children.map(({ name, kind, deadline }) => `${kind} ${name} ${deadline}`)
            )
            yield* Fiber.interrupt(fiber)
          }
          expect(shown.slice(0, 2)).toEqual([
            ["join page 1970-01-01T00:00:01.500Z"],
            ["join page 1970-01-02T00:00:01.000Z"]
          ])
          expect(shown[2]).not.toContain("Die")
          expect(shown[3]).toEqual(["join page undefined"])
        })
      )
    )

    it.effect("a key named __proto__ is a key like any other", () =>
      leakChecked(
        Effect.gen(function* () {
          const report = yield* Join.within(
            Object.fromEntries([["__proto__", Effect.succeed({ polluted: true })]]),
            100
          )
          expect(Object.keys(report.completed)).toEqual(["__proto__"])
        })
      )
    )
  })

  describe("a caller that is cancelled", () => {
    it.effect(
      "a cancelled caller waits for members no longer than the join's giveUp, and grants none of its grace (K12, K25)",
      () =>
        leakChecked(
          Effect.gen(function* () {
            const journal = new Journal()
            const slow = waiter(journal, "slow", Effect.sleep(100))
            const task = yield* started(Join.settled({ slow }, { grace: 20, giveUp: 50 }))
            yield* TestClock.adjust(10)
            yield* Task.requestCancel(task, ann)
            yield* TestClock.adjust(49)
            const before = Option.isNone(yield* Task.poll(task))
            yield* TestClock.adjust(1)
            const outcome = yield* Task.poll(task)
            yield* TestClock.adjust(100)
            expect(before).toBe(true)
            expect(Option.map(outcome, ({ _tag, salvaged }) => [_tag, salvaged])).toEqual(
              Option.some(["Cancelled", []])
            )
            expect(journal.lines).toEqual(["10 slow: request by ann of task", "110 slow: cleaned up"])
          })
        )
    )

    it.effect("a member that was asked to stop by somebody before its limit passed keeps that reason (K8, K31)", () =>
      leakChecked(
        Effect.gen(function* () {
          const task = yield* started(Join.within({ a: Effect.never, b: after(15, "b") }, 1000, { each: 20 }))
          yield* TestClock.adjust(10)
          yield* Task.requestCancel(task, { ...ann, grace: 500 })
          yield* TestClock.adjust(10)
          const outcome = yield* Task.await(task)
          expect(outcome._tag === "Completed" && placesOf(outcome.value)).toEqual({
            ...nothing,
            completed: { b: "b" },
            cancelled: { a: "interrupted after 10: request by ann of task" }
          })
        })
      )
    )

    const joins: Record<string, (entries: Record<string, Effect.Effect<unknown>>) => Effect.Effect<unknown, unknown>> =
      {
        all: (entries) => Join.all(entries),
        settled: (entries) => Join.settled(entries),
        within: (entries) => Join.within(entries, "1 hour")
      }

    for (const [name, join] of Object.entries(joins)) {
      it.effect(
        `${name}: all members see the caller's reason at once, and are awaited; what had finished is salvaged (K1, K4, K18, K26)`,
        () =>
          leakChecked(
            Effect.gen(function* () {
              const journal = new Journal()
              const task = yield* started(
                join({
                  done: after(10, "value"),
                  a: waiter(journal, "a", Effect.sleep(20)),
                  b: waiter(journal, "b", Effect.sleep(30))
                })
              )
              yield* TestClock.adjust(15)
              const cancel = yield* Effect.forkChild(Task.cancel(task, ann))
              yield* TestClock.adjust(29)
              expect(cancel.pollUnsafe()).toBeUndefined()
              yield* TestClock.adjust(1)
              yield* Fiber.join(cancel)
              expect(byTime(journal.lines)).toEqual([
                "15 a: request by ann of task",
                "15 b: request by ann of task",
                "35 a: cleaned up",
                "45 b: cleaned up"
              ])
              expect(yield* Task.await(task)).toMatchObject({
                _tag: "Cancelled",
                salvaged: [{ scope: "join", value: { done: "value" } }]
              })
            })
          )
      )

      it.effect(`${name}: with no task around, what had finished is on the interrupt (K26)`, () =>
        leakChecked(
          Effect.gen(function* () {
            const journal = new Journal()
            const fiber = yield* Effect.forkChild(join({ done: after(10, "value"), a: waiter(journal, "a") }))
            yield* TestClock.adjust(15)
            yield* Fiber.interrupt(fiber)
            const exit = yield* Fiber.await(fiber)
            expect(exit._tag === "Failure" && salvagedIn(exit.cause)).toEqual([
              { scope: "join", value: { done: "value" } }
            ])
            expect(journal.lines).toEqual(["15 a: interrupt of join"])
          })
        )
      )

      it.effect(`${name}: what fails in clean-up stands on the task's outcome (K16)`, () =>
        leakChecked(
          Effect.gen(function* () {
            yield* logged(
              Effect.gen(function* () {
                const task = yield* started(join({ a: Effect.onExit(Effect.never, () => Effect.die("broken")) }))
                yield* Task.cancel(task, ann)
                expect(cleanupOf((yield* Task.await(task)).cleanupFailures)).toBe("; clean-up of a: Die:broken")
              }),
              []
            )
          })
        )
      )

      it.effect(
        `${name}: inside uninterruptible clean-up it works, and a cancel from outside waits for it (K15, K39)`,
        () =>
          leakChecked(
            Effect.gen(function* () {
              const journal = new Journal()
              const flush = Effect.orDie(join({ a: after(20, 1), b: journal.watch("b", after(30, 2)) }))
              const task = yield* started(
                Effect.ensuring(Effect.sleep(5), Effect.andThen(flush, journal.note("flushed")))
              )
              yield* TestClock.adjust(10)
              yield* Task.requestCancel(task, ann)
              yield* TestClock.adjust(40)
              yield* Task.await(task)
              expect(journal.lines).toEqual(["35 b: done", "35 flushed"])
            })
          )
      )

      it.effect(
        `${name}: uninterruptible work under a native timeout is not cancelled from outside either (K15, K39)`,
        () =>
          leakChecked(
            Effect.gen(function* () {
              const journal = new Journal()
              const flush = Effect.timeout(join({ a: after(20, 1), b: journal.watch("b", after(30, 2)) }), "1 hour")
              const task = yield* started(
                Effect.uninterruptible(Effect.tap(flush, (value) => journal.note(JSON.stringify(value))))
              )
              yield* TestClock.adjust(10)
              yield* Task.requestCancel(task, ann)
              yield* TestClock.adjust(40)
              yield* Task.await(task)
              expect(journal.lines[0]).toBe("30 b: done")
              expect(journal.lines[1]).toContain("2")
            })
          )
      )

      it.effect(`${name}: a fiber that outlived its member may race without disturbing the join (K1, K11)`, () =>
        leakChecked(
          Effect.gen(function* () {
            const journal = new Journal()
            const detached = Effect.andThen(Effect.sleep(5), Race.firstSuccess({ x: after(5, 1), y: Effect.never }))
            const exit = yield* during(
              100,
              Effect.exit(join({ a: Effect.forkDetach(detached), b: journal.watch("b", after(50, "b")) }))
            )
            expect(exit._tag).toBe("Success")
            expect(journal.lines).toEqual(["50 b: done"])
          })
        )
      )

      it.effect(
        `${name}: a member may cancel the enclosing task: nothing hangs, later members never run (K5, K13)`,
        () =>
          leakChecked(
            Effect.gen(function* () {
              const journal = new Journal()
              let task: Task.Task<unknown, unknown> | undefined
              task = yield* started(
                Effect.andThen(
                  Effect.sleep(10),
                  Effect.suspend(() =>
                    join({
                      a: waiter(journal, "a", Effect.sleep(5)),
                      b: Effect.suspend(() => Effect.asVoid(Task.cancel(task!, ann))),
                      c: journal.note("c ran")
                    })
                  )
                )
              )
              yield* TestClock.adjust(15)
              const outcome = yield* Task.await(task)
              expect(outcome._tag === "Cancelled" && textOf(outcome.reason)).toBe("request by ann of task")
              expect(journal.lines).toEqual(["10 a: request by ann of task", "15 a: cleaned up"])
            })
          )
      )

      it.effect(`${name}: a native timeout around it is \`interrupt\`, and scope names the join (K18, K19)`, () =>
        leakChecked(
          Effect.gen(function* () {
            const journal = new Journal()
            const timed = Effect.timeoutOption(join({ a: waiter(journal, "a", Effect.sleep(5)) }), 10)
            expect(Option.isNone(yield* during(15, timed))).toBe(true)
            expect(journal.lines).toEqual(["10 a: interrupt of join", "15 a: cleaned up"])
          })
        )
      )

      it.effect(`${name}: in an uninterruptible region a member's cancel of the task stops no member (K13, K39)`, () =>
        leakChecked(
          Effect.gen(function* () {
            const journal = new Journal()
            let task: Task.Task<unknown, unknown> | undefined
            task = yield* started(
              Effect.andThen(
                Effect.sleep(10),
                Effect.uninterruptible(
                  Effect.andThen(
                    join({
                      a: Effect.suspend(() => Effect.asVoid(Task.cancel(task!, ann))),
                      b: journal.watch("b", after(20, 2)),
                      c: journal.note("c ran")
                    }),
                    journal.note("returned")
                  )
                )
              )
            )
            yield* TestClock.adjust(30)
            expect((yield* Task.await(task))._tag).toBe("Cancelled")
            expect(journal.lines).toEqual(["10 c ran", "30 b: done", "30 returned"])
          })
        )
      )

      it.effect(`${name}: 2,000 nested are cancelled leaves first, and complete (K6)`, () =>
        leakChecked(
          Effect.gen(function* () {
            const levels: Array<number> = []
            const nested = (depth: number, leaf: Effect.Effect<unknown>): Effect.Effect<unknown> =>
              Effect.onExit(
                depth === 2000 ? leaf : Effect.orDie(join({ down: Effect.suspend(() => nested(depth + 1, leaf)) })),
                () => Effect.sync(() => levels.push(depth))
              )
            const leavesFirst = Array.from({ length: 2001 }, (_, index) => 2000 - index)
            const task = yield* started(nested(0, Effect.never))
            for (let turn = 0; turn < 5; turn++) yield* settle
            yield* Task.cancel(task, ann)
            expect(levels).toEqual(leavesFirst)
            levels.length = 0
            const fiber = yield* Effect.forkChild(nested(0, Effect.sleep(10)))
            for (let turn = 0; turn < 5; turn++) yield* settle
            yield* TestClock.adjust(10)
            expect((yield* Fiber.await(fiber))._tag).toBe("Success")
            expect(levels).toEqual(leavesFirst)
          })
        )
      )
    }

    it.effect("all: never a success with values that are not there (K29)", () =>
      leakChecked(
        Effect.gen(function* () {
          const seen: Array<unknown> = []
          const task = yield* started(
            Effect.uninterruptible(
              Effect.onExit(Effect.timeout(Join.all({ a: after(20, 1), b: after(30, 2) }), "1 hour"), (exit) =>
                Effect.sync(() => {
                  seen.push(exit._tag === "Success" ? exit.value : "failed")
                })
              )
            )
          )
          yield* TestClock.adjust(10)
          yield* Task.requestCancel(task, ann)
          yield* TestClock.adjust(40)
          yield* Task.await(task)
          expect(seen).toHaveLength(1)
          expect(seen[0] === "failed" || Object.keys(seen[0] as object).length === 2).toBe(true)
        })
      )
    )

    it.effect(
      "within: cancelled while the timed out clean up, the values that were there are salvaged (K26, K31)",
      () =>
        leakChecked(
          Effect.gen(function* () {
            const journal = new Journal()
            const task = yield* started(
              Join.within({ done: after(10, "value"), slow: waiter(journal, "slow", Effect.sleep(50)) }, 20, {
                name: "page"
              })
            )
            yield* TestClock.adjust(30)
            yield* Task.requestCancel(task, ann)
            yield* TestClock.adjust(40)
            expect((yield* Task.await(task)).salvaged).toEqual([{ scope: "page", value: { done: "value" } }])
            expect(journal.lines).toEqual(["20 slow: timeout by page of page", "70 slow: cleaned up"])
          })
        )
    )

    it.effect("within: the limit and a cancel at one instant: the first counts, and both agree (K8, K19)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const task = yield* started(Join.within({ slow: waiter(journal, "slow", Effect.sleep(50)) }, 20))
          yield* TestClock.adjust(20)
          yield* Task.requestCancel(task, ann)
          yield* TestClock.adjust(50)
          expect((yield* Task.await(task))._tag).toBe("Cancelled")
          expect(journal.lines).toEqual(["20 slow: timeout by join of join", "70 slow: cleaned up"])
          const other = new Journal()
          const early = yield* started(Join.within({ slow: waiter(other, "slow", Effect.sleep(50)) }, 20))
          yield* TestClock.adjust(19)
          yield* Task.requestCancel(early, ann)
          yield* TestClock.adjust(50)
          yield* Task.await(early)
          expect(other.lines).toEqual(["89 slow: request by ann of task", "139 slow: cleaned up"])
        })
      )
    )

    it.effect("all: an error and a cancel at one instant: the siblings' reason is the first one's (K19)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const gate = yield* Deferred.make<never, string>()
          const task = yield* started(
            Join.all({ bad: Deferred.await(gate), wait: waiter(journal, "wait", Effect.sleep(5)) })
          )
          yield* Deferred.fail(gate, "no")
          yield* settle
          yield* Task.requestCancel(task, ann)
          yield* TestClock.adjust(5)
          expect((yield* Task.await(task))._tag).toBe("Cancelled")
          expect(journal.lines).toEqual(["0 wait: sibling-failed by bad of join", "5 wait: cleaned up"])
        })
      )
    )

    it.effect(
      "all: cancelled after the error but before the rest was told, the reason is the cancel's (K19, K29)",
      () =>
        leakChecked(
          Effect.gen(function* () {
            const journal = new Journal()
            const gate = yield* Deferred.make<never, string>()
            const task = yield* started(
              Join.all({ bad: Deferred.await(gate), wait: waiter(journal, "wait", Effect.sleep(5)) })
            )
            yield* Effect.andThen(Deferred.fail(gate, "no"), Task.requestCancel(task, ann))
            yield* TestClock.adjust(5)
            expect((yield* Task.await(task))._tag).toBe("Cancelled")
            expect(journal.lines).toEqual(["0 wait: request by ann of task", "5 wait: cleaned up"])
          })
        )
    )
  })

  describe("whose reason", () => {
    it.effect("everything below a member reads the join's reason, through any combinator (K18)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const deep = Effect.all(
            [
              Effect.timeout(Effect.race(waiter(journal, "native"), Effect.never), "1 hour"),
              Join.settled({ a: Race.firstSuccess([waiter(journal, "race")]) })
            ],
            { concurrency: "unbounded" }
          )
          yield* during(10, Join.within({ deep }, 10, { name: "page" }))
          yield* during(10, Effect.exit(Join.all({ deep, bad: failing(10, "no") }, { name: "pair" })))
          expect(journal.lines.toSorted()).toEqual([
            "10 native: timeout by page of page",
            "10 race: timeout by page of page",
            "20 native: sibling-failed by bad of pair",
            "20 race: sibling-failed by bad of pair"
          ])
        })
      )
    )

    it.effect("a reason is a plain value that can be read from the report (K18, K31)", () =>
      leakChecked(
        Effect.gen(function* () {
          const report = yield* during(10, Join.within({ a: Effect.never }, 10))
          expect(report.cancelled.a?.reason).toBeInstanceOf(CancelReason.CancelReason)
        })
      )
    )
  })
})
