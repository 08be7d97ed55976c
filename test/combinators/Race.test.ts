import { describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FiberMap from "effect/FiberMap"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Join from "../../src/combinators/Join.ts"
import * as Race from "../../src/combinators/Race.ts"
import { RaceFailed } from "../../src/combinators/RaceFailed.ts"
import * as CancelPolicy from "../../src/fibers/CancelPolicy.ts"
import * as CancelReason from "../../src/fibers/CancelReason.ts"
import * as Nursery from "../../src/fibers/Nursery.ts"
import * as Stragglers from "../../src/fibers/Stragglers.ts"
import * as Task from "../../src/fibers/Task.ts"
import { salvagedIn } from "../../src/fibers/TaskOutcome.ts"
import { Journal, textOf } from "../support/journal.ts"
import { leakChecked } from "../support/leaks.ts"
import { settle } from "../support/settle.ts"
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
  told,
  toldAll,
  waiter
} from "./telling.ts"

describe("Race", () => {
  describe("firstSuccess", () => {
    it.effect(
      "the winner is the first in completion time, not in input order, and the race takes no longer (K23, S4x-02, S0-98)",
      () =>
        leakChecked(
          Effect.gen(function* () {
            const journal = new Journal()
            const race = Race.firstSuccess({ a: after(30, 1), b: after(20, 2), c: after(10, "three") })
            const report = yield* during(
              1000,
              Effect.tap(race, () => journal.note("returned"))
            )
            expect([report.winner, report.value]).toEqual(["c", "three"])
            expect(toldAll(report.losers)).toEqual({
              a: "cancelled after 0: lost-race by c of race",
              b: "cancelled after 0: lost-race by c of race"
            })
            expect(journal.lines).toEqual(["10 returned"])
          })
        )
    )

    it.effect("a failure does not win: the first success does, however late (K23, S4-29, S4x-24)", () =>
      leakChecked(
        Effect.gen(function* () {
          const report = yield* during(
            1000,
            Race.firstSuccess({ bad: failing(10, "no"), dead: Effect.die("broken"), good: after(50, 1) })
          )
          expect([report.winner, report.value]).toEqual(["good", 1])
          expect(toldAll(report.losers)).toEqual({ bad: "failed: Fail:no", dead: "failed: Die:broken" })
        })
      )
    )

    it.effect("the losers are all told at once, and each sees lost-race by the winner (K4, K19, S4-30, S0-01)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const report = yield* during(
            1000,
            Race.firstSuccess(
              {
                a: waiter(journal, "a", Effect.sleep(50)),
                quick: after(10, "won"),
                b: waiter(journal, "b", Effect.sleep(30))
              },
              { name: "ask" }
            )
          )
          expect(byTime(journal.lines)).toEqual([
            "10 a: lost-race by quick of ask",
            "10 b: lost-race by quick of ask",
            "40 b: cleaned up",
            "60 a: cleaned up"
          ])
          expect(toldAll(report.losers)).toEqual({
            a: "cancelled after 50: lost-race by quick of ask",
            b: "cancelled after 30: lost-race by quick of ask"
          })
          const reason = report.losers.a?._tag === "Cancelled" ? report.losers.a.reason : undefined
          expect(reason?.at.epochMilliseconds).toBe(10)
        })
      )
    )

    it.effect("no success is RaceFailed with every failure in the order of the input (K23, S4x-03)", () =>
      leakChecked(
        Effect.gen(function* () {
          const entries = { a: failing(30, "late"), b: Effect.fail("at once"), c: failing(20, "later") }
          const exit = yield* during(1000, Effect.exit(Race.firstSuccess(entries, { name: "ask" })))
          const error = Option.getOrThrow(Exit.findErrorOption(exit))
          expect(error).toBeInstanceOf(RaceFailed)
          expect(error.race).toBe("ask")
          expect(error.message).toBe('None of the 3 members of the race "ask" succeeded; a: late')
          expect(error.failures.map(({ member, cause }) => `${member} ${causeOf(cause)}`)).toEqual([
            "a Fail:late",
            "b Fail:at once",
            "c Fail:later"
          ])
          // Natively they stand in the order of their ends, and nothing says whose they are.
          const native = yield* during(1000, Effect.exit(Effect.raceAll(Object.values(entries))))
          expect(failureOf(native)).toBe("Fail:at once, Fail:later, Fail:late")
        })
      )
    )

    it.effect("a list is told by its indices (K23, K24)", () =>
      leakChecked(
        Effect.gen(function* () {
          const report = yield* during(
            1000,
            Race.firstSuccess([failing(5, "no"), after(10, "won"), Effect.never, failing(7, "neither")])
          )
          expect([report.winner, report.value]).toEqual([1, "won"])
          expect(report.losers.map(told)).toEqual([
            "failed: Fail:no",
            "-",
            "cancelled after 0: lost-race by 1 of race",
            "failed: Fail:neither"
          ])
          const error = yield* Effect.flip(Race.firstSuccess([Effect.fail("x"), Effect.fail("y")]))
          expect(error.failures.map(({ member, cause }) => [member, causeOf(cause)])).toEqual([
            [0, "Fail:x"],
            [1, "Fail:y"]
          ])
        })
      )
    )

    it.effect("a typed failure stays readable beside a sibling's defect, which natively hides it (K23)", () =>
      leakChecked(
        Effect.gen(function* () {
          const entries = { dead: Effect.die("broken"), bad: Effect.fail("no" as const) }
          const error = yield* Effect.flip(Race.firstSuccess(entries))
          expect(error.failures.map(({ member, cause }) => [member, causeOf(cause)])).toEqual([
            ["dead", "Die:broken"],
            ["bad", "Fail:no"]
          ])
          const native = yield* Effect.exit(Effect.raceAll(Object.values(entries)))
          expect(failureOf(native)).toBe("Die:broken, Die:no")
        })
      )
    )

    it.effect("a member that interrupts itself is one entry, and cancels nobody (K23)", () =>
      leakChecked(
        Effect.gen(function* () {
          const error = yield* during(
            100,
            Effect.flip(Race.firstSuccess({ self: Effect.interrupt, bad: failing(10, "no") }))
          )
          expect(error.failures.map(({ member, cause }) => [member, causeOf(cause)])).toEqual([
            ["self", "Interrupt"],
            ["bad", "Fail:no"]
          ])
          const report = yield* during(100, Race.firstSuccess({ self: Effect.interrupt, good: after(10, 1) }))
          expect(report.winner).toBe("good")
          expect(told(report.losers.self)).toBe("cooperative after 0: interrupt of self")
        })
      )
    )

    it.effect("a race of none is RaceFailed with no failures, where the native one hangs (K23, S4x-04)", () =>
      leakChecked(
        Effect.gen(function* () {
          for (const empty of [{}, []]) {
            const error = yield* Effect.flip(Race.firstSuccess(empty, { name: "ask" }))
            expect(error).toBeInstanceOf(RaceFailed)
            expect(error.failures).toEqual([])
            expect(error.message).toBe('The race "ask" has no members')
          }
          const native = yield* Effect.forkChild(Effect.raceAll([]))
          yield* TestClock.adjust("1 day")
          expect(native.pollUnsafe()).toBeUndefined()
          yield* Fiber.interrupt(native)
        })
      )
    )

    it.effect("RaceFailed is caught by its tag, and a race of one is a race (K23)", () =>
      leakChecked(
        Effect.gen(function* () {
          const caught = Effect.catchTag(Race.firstSuccess({ only: Effect.fail("no") }), "RaceFailed", (error) =>
            Effect.succeed(error.failures.length)
          )
          expect(yield* caught).toBe(1)
          expect(yield* Race.firstSuccess({ only: Effect.succeed(1) })).toEqual({
            winner: "only",
            value: 1,
            losers: {}
          })
          expect(yield* Race.firstSuccess([Effect.succeed(1)])).toEqual({ winner: 0, value: 1, losers: [undefined] })
        })
      )
    )

    it.effect("members start in order, and none starts once one has won (K23, K24)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const report = yield* Race.firstSuccess({
            a: Effect.andThen(journal.note("a started"), waiter(journal, "a")),
            b: Effect.as(journal.note("b started"), "won"),
            c: journal.note("c started"),
            d: journal.note("d started")
          })
          expect(report.winner).toBe("b")
          expect(toldAll(report.losers)).toEqual({
            a: "cancelled after 0: lost-race by b of race",
            c: "not started",
            d: "not started"
          })
          expect(journal.lines).toEqual(["0 a started", "0 b started", "0 a: lost-race by b of race"])
        })
      )
    )

    it.effect("a value of undefined wins (K23)", () =>
      leakChecked(
        Effect.gen(function* () {
          const report = yield* Race.firstSuccess({ a: Effect.void, b: Effect.never })
          expect(report).toMatchObject({ winner: "a", value: undefined })
          expect("value" in report).toBe(true)
        })
      )
    )

    it.effect("of several that end in one tick exactly one wins (K23, K27, S0-83)", () =>
      leakChecked(
        Effect.gen(function* () {
          for (let round = 0; round < 20; round++) {
            const journal = new Journal()
            const gate = yield* Deferred.make<void>()
            const member = (name: string) =>
              Effect.scoped(Effect.andThen(resource(journal, name), Effect.as(Deferred.await(gate), name)))
            const fiber = yield* Effect.forkChild(Race.firstSuccess({ a: member("a"), b: member("b"), c: member("c") }))
            yield* settle
            yield* Deferred.succeed(gate, undefined)
            const report = yield* Fiber.join(fiber)
            expect(report.value).toBe(report.winner)
            expect(Object.keys(report.losers)).toHaveLength(2)
            expect(journal.lines.filter((line) => line.endsWith("released"))).toHaveLength(3)
          }
        })
      )
    )

    it.effect("one effect value may be several members, and one race may be run again and at once (K23)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const same = Effect.scoped(Effect.andThen(resource(journal, "r"), after(10, "won")))
          const race = Race.firstSuccess({ a: same, b: same })
          const reports = yield* during(100, Effect.all([race, race], { concurrency: "unbounded" }))
          const again = yield* during(100, race)
          for (const report of [...reports, again]) {
            expect([report.winner, report.value]).toEqual(["a", "won"])
            expect(toldAll(report.losers)).toEqual({ b: "cancelled after 0: lost-race by a of race" })
          }
          expect(journal.lines.filter((line) => line.endsWith("released"))).toHaveLength(6)
        })
      )
    )

    it.effect("members inherit the services of the caller (K27)", () => {
      const Name = Context.Reference<string>("test/Name", { defaultValue: () => "nobody" })
      return leakChecked(
        Effect.gen(function* () {
          const report = yield* Effect.provideService(Race.firstSuccess({ a: Name }), Name, "ann")
          expect(report.value).toBe("ann")
        })
      )
    })

    it.effect("a whole branch stops, at whatever step it is, and nothing downstream of it runs (S0x-01, S0-14)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const report = yield* during(
            1000,
            Race.firstSuccess({
              manual: after(15, "approved"),
              mail: Effect.gen(function* () {
                for (const step of ["write", "send", "await answer"]) {
                  yield* Effect.sleep(10)
                  yield* journal.note(step)
                }
              })
            })
          )
          expect(report.winner).toBe("manual")
          expect(journal.lines).toEqual(["10 write"])
        })
      )
    )

    it.effect("a member that is not there is a defect, not a hang (K23)", () =>
      leakChecked(
        Effect.gen(function* () {
          const entries = { hole: undefined, other: Effect.fail("no") } as unknown as {
            readonly hole: Effect.Effect<1>
          }
          const fiber = yield* Effect.forkChild(Effect.exit(Race.firstSuccess(entries)))
          yield* settle
          const ended = fiber.pollUnsafe() !== undefined
          yield* Fiber.interrupt(fiber)
          expect(ended).toBe(true)
          const error = Option.getOrThrow(Exit.findErrorOption(yield* Fiber.join(fiber)))
          expect(error.failures.map(({ member, cause }) => `${member} ${causeOf(cause)}`)).toEqual([
            "hole Die:TypeError",
            "other Fail:no"
          ])
          expect(String(Cause.squash(error.failures[0]!.cause))).toContain('The member "hole" is not an effect')
        })
      )
    )

    it.effect("a key named __proto__ is a key like any other (K24)", () =>
      leakChecked(
        Effect.gen(function* () {
          const entries = Object.fromEntries([
            ["__proto__", Effect.never],
            ["a", Effect.succeed(1)]
          ])
          const report = yield* Race.firstSuccess(entries)
          expect(Object.keys(report.losers)).toEqual(["__proto__"])
        })
      )
    )
  })

  describe("firstSettled", () => {
    it.effect("the first to end wins when it completes, and the rest is cancelled (K23, S1x-38)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const report = yield* during(
            100,
            Race.firstSettled({ a: waiter(journal, "a", Effect.sleep(20)), b: after(10, "won"), c: failing(11, "no") })
          )
          expect(report.winner).toBe("b")
          expect(report.outcome).toEqual({ _tag: "Completed", value: "won", cleanupFailures: [], salvaged: [] })
          expect(toldAll(report.losers)).toEqual({
            a: "cancelled after 20: lost-race by b of race",
            c: "cancelled after 0: lost-race by b of race"
          })
          expect(journal.lines).toEqual(["10 a: lost-race by b of race", "30 a: cleaned up"])
        })
      )
    )

    it.effect("a failure that comes first wins, and is returned rather than thrown (K23)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const report = yield* during(
            100,
            Race.firstSettled({ a: waiter(journal, "a", Effect.sleep(20)), b: failing(10, "no"), c: after(11, "late") })
          )
          expect(report.winner).toBe("b")
          expect(report.outcome._tag === "Failed" && causeOf(report.outcome.cause)).toBe("Fail:no")
          expect(toldAll(report.losers)).toEqual({
            a: "cancelled after 20: lost-race by b of race",
            c: "cancelled after 0: lost-race by b of race"
          })
          expect(journal.lines).toEqual(["10 a: lost-race by b of race", "30 a: cleaned up"])
        })
      )
    )

    it.effect("a defect or a member that interrupts itself wins likewise (K23)", () =>
      leakChecked(
        Effect.gen(function* () {
          const died = yield* Race.firstSettled([Effect.never, Effect.die("broken"), Effect.succeed(1)])
          expect([died.winner, died.outcome._tag]).toEqual([1, "Failed"])
          expect(died.losers.map(told)).toEqual(["cancelled after 0: lost-race by 1 of race", "-", "not started"])
          const left = yield* Race.firstSettled({ a: Effect.never, self: Effect.interrupt, c: Effect.succeed(1) })
          expect([left.winner, left.outcome._tag]).toEqual(["self", "Cancelled"])
          expect(left.outcome._tag === "Cancelled" && left.outcome.reason.source).toBe("interrupt")
          expect(left.outcome._tag === "Cancelled" && left.outcome.how).toBe("cooperative")
          expect(toldAll(left.losers)).toEqual({ a: "cancelled after 0: lost-race by self of race", c: "not started" })
        })
      )
    )

    it.effect("a race of none is RaceFailed, where the native one hangs (K23)", () =>
      leakChecked(
        Effect.gen(function* () {
          expect((yield* Effect.flip(Race.firstSettled({}))).failures).toEqual([])
          expect((yield* Effect.flip(Race.firstSettled([]))).failures).toEqual([])
          const native = yield* Effect.forkChild(Effect.raceAllFirst([]))
          yield* TestClock.adjust("1 day")
          expect(native.pollUnsafe()).toBeUndefined()
          yield* Fiber.interrupt(native)
        })
      )
    )

    it.effect("the outcome has what failed in the winner's clean-up (K16, K23)", () =>
      leakChecked(
        Effect.gen(function* () {
          const lines: Array<string> = []
          const report = yield* logged(
            Race.firstSettled({
              a: Effect.never,
              b: Effect.andThen(
                Effect.addFinalizer(() => Effect.die("broken")),
                Effect.fail("no")
              )
            }),
            lines
          )
          expect(report.winner).toBe("b")
          expect(report.outcome._tag === "Failed" && causeOf(report.outcome.cause)).toBe("Fail:no")
          expect(cleanupOf(report.outcome.cleanupFailures)).toBe("; clean-up of b: Die:broken")
          expect(lines).toEqual(['Warn Clean-up of "b" failed: Die:broken'])
        })
      )
    )
  })

  describe("waiting for the losers", () => {
    it.effect("a slow loser delays the race until its clean-up ends (K1, K25)", () =>
      leakChecked((leaks) =>
        Effect.gen(function* () {
          const journal = new Journal()
          const fiber = yield* Effect.forkChild(
            Race.firstSuccess({ quick: after(10, 1), slow: waiter(journal, "slow", Effect.sleep(500)) })
          )
          yield* TestClock.adjust(509)
          expect(fiber.pollUnsafe()).toBeUndefined()
          yield* TestClock.adjust(1)
          const report = yield* Fiber.join(fiber)
          expect(told(report.losers.slow)).toBe("cancelled after 500: lost-race by quick of race")
          expect(journal.lines).toEqual(["10 slow: lost-race by quick of race", "510 slow: cleaned up"])
          expect(leaks.stragglers.size).toBe(0)
        })
      )
    )

    it.effect("an uninterruptible loser is awaited too, and its value is dropped by Effect (K24, K25)", () =>
      leakChecked(
        Effect.gen(function* () {
          const report = yield* during(
            1000,
            Race.firstSuccess({ quick: after(10, 1), stubborn: Effect.uninterruptible(after(100, "late")) })
          )
          expect(told(report.losers.stubborn)).toBe("cancelled after 90: lost-race by quick of race")
        })
      )
    )

    it.effect(
      "giveUp lets the winner leave, which is no failure; the straggler is listed until its real end (K1, K25, S0-27)",
      () =>
        leakChecked((leaks) =>
          Effect.gen(function* () {
            const journal = new Journal()
            const race = Race.firstSuccess(
              {
                quick: after(10, 1),
                slow: waiter(journal, "slow", Effect.sleep(500)),
                prompt: waiter(journal, "prompt", Effect.sleep(20))
              },
              { giveUp: 100, name: "ask" }
            )
            const fiber = yield* Effect.forkChild(Effect.tap(race, () => journal.note("returned")))
            yield* TestClock.adjust(109)
            expect(fiber.pollUnsafe()).toBeUndefined()
            expect(yield* Stragglers.list).toEqual([])
            yield* TestClock.adjust(1)
            const report = yield* Fiber.join(fiber)
            expect(report.winner).toBe("quick")
            expect(toldAll(report.losers)).toEqual({
              slow: "abandoned after 100: lost-race by quick of ask",
              prompt: "cancelled after 20: lost-race by quick of ask"
            })
            const stragglers = yield* Stragglers.list
            expect(stragglers.map(({ path, name, askedAt, reason }) => [path, name, askedAt, textOf(reason)])).toEqual([
              ["ask/slow", "slow", 10, "lost-race by quick of ask"]
            ])
            expect(leaks.fibers).toBe(1)
            yield* TestClock.adjust(399)
            expect(yield* Stragglers.list).toHaveLength(1)
            yield* TestClock.adjust(1)
            expect(yield* Stragglers.list).toEqual([])
            expect(byTime(journal.lines)).toEqual([
              "10 prompt: lost-race by quick of ask",
              "10 slow: lost-race by quick of ask",
              "30 prompt: cleaned up",
              "110 returned",
              "510 slow: cleaned up"
            ])
          })
        )
    )

    it.effect("the preset for merges is a policy of a race: 0.1 s at most (K25)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const report = yield* during(
            110,
            Race.firstSuccess(
              { quick: after(10, 1), slow: waiter(journal, "slow", Effect.sleep(500)) },
              CancelPolicy.merge
            )
          )
          expect(told(report.losers.slow)).toBe("abandoned after 100: lost-race by quick of race")
          yield* TestClock.adjust(400)
          expect(journal.lines).toEqual(["10 slow: lost-race by quick of race", "510 slow: cleaned up"])
        })
      )
    )

    it.effect("giveUp of zero leaves with the win, and who cleans up without a pause is not left behind (K25)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const report = yield* during(
            10,
            Race.firstSuccess(
              {
                quick: after(10, 1),
                slow: waiter(journal, "slow", Effect.sleep(50)),
                prompt: waiter(journal, "prompt")
              },
              { giveUp: 0 }
            )
          )
          expect(toldAll(report.losers)).toEqual({
            slow: "abandoned after 0: lost-race by quick of race",
            prompt: "cancelled after 0: lost-race by quick of race"
          })
          expect((yield* Stragglers.list).map(({ name }) => name)).toEqual(["slow"])
          yield* TestClock.adjust(50)
          expect(yield* Stragglers.list).toEqual([])
        })
      )
    )

    it.effect("a straggler that dies at its real end is logged, and changes no report (K16, K25)", () =>
      leakChecked(
        Effect.gen(function* () {
          const lines: Array<string> = []
          const report = yield* logged(
            Effect.gen(function* () {
              const report = yield* during(
                20,
                Race.firstSuccess(
                  {
                    quick: after(10, 1),
                    slow: Effect.onExit(Effect.never, () => Effect.andThen(Effect.sleep(50), Effect.die("broken")))
                  },
                  { giveUp: 10 }
                )
              )
              expect(told(report.losers.slow)).toBe("abandoned after 10: lost-race by quick of race")
              yield* TestClock.adjust(40)
              return report
            }),
            lines
          )
          expect(told(report.losers.slow)).toBe("abandoned after 10: lost-race by quick of race")
          expect(lines).toEqual(['Warn Clean-up of "slow" failed: Die:broken'])
        })
      )
    )

    it.effect("grace lets losers finish: who does is late, with its value; who fails has failed (K12, K24, K25)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const report = yield* during(
            1000,
            Race.firstSuccess(
              {
                quick: after(10, 1),
                soon: journal.watch("soon", after(40, "soon")),
                bad: journal.watch("bad", failing(30, "no")),
                edge: journal.watch("edge", after(60, "edge")),
                slow: waiter(journal, "slow", Effect.sleep(5))
              },
              { grace: 50 }
            )
          )
          expect(toldAll(report.losers)).toEqual({
            soon: "late after 30: soon",
            bad: "failed: Fail:no",
            edge: "late after 50: edge",
            slow: "cancelled after 55: lost-race by quick of race"
          })
          expect(journal.lines).toEqual([
            "30 bad: failed",
            "40 soon: done",
            "60 edge: done",
            "60 slow: lost-race by quick of race",
            "65 slow: cleaned up"
          ])
        })
      )
    )

    it.effect("in its grace a loser reads the request and may answer it (K12, K18)", () =>
      leakChecked(
        Effect.gen(function* () {
          const polite = Effect.gen(function* () {
            while (true) {
              const request = yield* Task.requested
              if (Option.isSome(request)) return textOf(request.value)
              yield* Effect.sleep(10)
            }
          })
          const report = yield* during(100, Race.firstSuccess({ quick: after(15, 1), polite }, { grace: 50 }))
          expect(told(report.losers.polite)).toBe("late after 5: lost-race by quick of race")
        })
      )
    )

    it.effect(
      "giving up on a loser that is itself a race lists those of its members that live on, and wedges nothing (K1, K25)",
      () =>
        leakChecked(
          Effect.gen(function* () {
            const journal = new Journal()
            const loser = Race.firstSuccess(
              {
                a: waiter(journal, "a", Effect.sleep(500)),
                b: Join.all([waiter(journal, "b", Effect.sleep(400))])
              },
              { name: "inner" }
            )
            const report = yield* during(110, Race.firstSuccess({ quick: after(10, 1), loser }, { giveUp: 100 }))
            expect(told(report.losers.loser)).toBe("abandoned after 100: lost-race by quick of race")
            expect((yield* Stragglers.list).map(({ path }) => path).toSorted()).toEqual([
              "race/loser/inner/a",
              "race/loser/inner/b/join/0"
            ])
            yield* TestClock.adjust(400)
            expect(yield* Stragglers.list).toEqual([])
            expect((yield* Race.firstSuccess([Effect.yieldNow])).winner).toBe(0)
          })
        )
    )

    it.effect("a patience that cannot be meant is a defect before any member starts (K25)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          for (const options of [{ giveUp: NaN }, { grace: -1 }]) {
            const exit = yield* Effect.exit(Race.firstSuccess({ a: journal.note("started") }, options))
            expect(failureOf(exit)).toBe("Die:InvalidDuration")
          }
          expect(journal.lines).toEqual([])
        })
      )
    )
  })

  describe("a caller that is cancelled", () => {
    it.effect("before anybody won: all members see the caller's reason, and are awaited (K1, K4, K18)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const task = yield* started(
            Race.firstSuccess({
              a: waiter(journal, "a", Effect.sleep(20)),
              b: waiter(journal, "b", Effect.sleep(10))
            }).pipe(Effect.onExit(() => journal.note("race left")))
          )
          yield* TestClock.adjust(5)
          const cancel = yield* Effect.forkChild(Task.cancel(task, ann))
          yield* TestClock.adjust(19)
          expect(cancel.pollUnsafe()).toBeUndefined()
          yield* TestClock.adjust(1)
          expect((yield* Fiber.join(cancel))._tag).toBe("Cancelled")
          expect(journal.lines.slice(0, 2).toSorted()).toEqual([
            "5 a: request by ann of task",
            "5 b: request by ann of task"
          ])
          expect(journal.lines.slice(2)).toEqual(["15 b: cleaned up", "25 a: cleaned up", "25 race left"])
          expect(yield* Task.await(task)).toMatchObject({ _tag: "Cancelled", salvaged: [] })
        })
      )
    )

    it.effect("while losers clean up: the winner stands in the task's salvaged, where natively it is lost (K26)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const entries = { quick: after(10, "won"), slow: waiter(journal, "slow", Effect.sleep(50)) }
          const task = yield* started(Race.firstSuccess(entries, { name: "ask" }))
          const native = yield* started(Effect.raceAll(Object.values(entries)))
          yield* TestClock.adjust(30)
          yield* Task.requestCancel(task, ann)
          yield* Task.requestCancel(native, ann)
          yield* TestClock.adjust(29)
          expect(Option.isNone(yield* Task.poll(task))).toBe(true)
          yield* TestClock.adjust(1)
          const outcome = yield* Task.await(task)
          expect(outcome).toMatchObject({
            _tag: "Cancelled",
            how: "interrupted",
            salvaged: [{ scope: "ask", value: { winner: "quick", value: "won" } }]
          })
          expect(outcome.salvaged).toHaveLength(1)
          expect(journal.lines[0]).toBe("10 slow: lost-race by quick of ask")
          expect(yield* Task.await(native)).toMatchObject({ _tag: "Cancelled", salvaged: [] })
        })
      )
    )

    it.effect("a loser that finished late, before the caller was cancelled, is salvaged beside the winner (K26)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const task = yield* started(
            Race.firstSuccess(
              {
                quick: after(10, "won"),
                late: Effect.andThen(Task.awaitRequest, after(5, "saved")),
                slow: waiter(journal, "slow", Effect.sleep(50))
              },
              { grace: "1 second" }
            )
          )
          yield* TestClock.adjust(30)
          yield* Task.requestCancel(task, ann)
          yield* TestClock.adjust(50)
          const { salvaged } = yield* Task.await(task)
          expect(salvaged).toEqual([
            { scope: "race", value: { winner: "quick", value: "won" } },
            { scope: "race", value: { late: "late", value: "saved" } }
          ])
        })
      )
    )

    it.effect("with no task around, the winner is on the annotations of the interrupt (K26)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const fiber = yield* Effect.forkChild(
            Race.firstSuccess({ quick: after(10, "won"), slow: waiter(journal, "slow", Effect.sleep(50)) })
          )
          yield* TestClock.adjust(30)
          fiber.interruptUnsafe()
          yield* TestClock.adjust(30)
          const exit = yield* Fiber.await(fiber)
          expect(exit._tag === "Failure" && Cause.hasInterruptsOnly(exit.cause)).toBe(true)
          expect(exit._tag === "Failure" && salvagedIn(exit.cause)).toEqual([
            { scope: "race", value: { winner: "quick", value: "won" } }
          ])
          expect(journal.lines).toEqual(["10 slow: lost-race by quick of race", "60 slow: cleaned up"])
        })
      )
    )

    it.effect("firstSettled likewise (K26)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const task = yield* started(
            Race.firstSettled({ quick: after(10, "won"), slow: waiter(journal, "slow", Effect.sleep(50)) })
          )
          yield* TestClock.adjust(30)
          yield* Task.requestCancel(task, ann)
          yield* TestClock.adjust(30)
          expect((yield* Task.await(task)).salvaged).toEqual([
            { scope: "race", value: { winner: "quick", value: "won" } }
          ])
        })
      )
    )

    it.effect("the failure that won firstSettled is salvaged too (K26)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const task = yield* started(
            Race.firstSettled({ quick: failing(10, "no"), slow: waiter(journal, "slow", Effect.sleep(50)) })
          )
          yield* TestClock.adjust(30)
          yield* Task.requestCancel(task, ann)
          yield* TestClock.adjust(50)
          const { salvaged } = yield* Task.await(task)
          expect(salvaged).toHaveLength(1)
          expect(salvaged[0]).toMatchObject({ scope: "race", value: { winner: "quick" } })
        })
      )
    )

    it.effect("a winner deep below other combinators reaches the task's salvaged as well (K26)", () =>
      leakChecked(
        Effect.gen(function* () {
          const inner = Race.firstSuccess(
            { quick: after(10, "won"), slow: Effect.onExit(Effect.never, () => Effect.sleep(50)) },
            { name: "inner" }
          )
          const outer: Record<string, Effect.Effect<unknown, unknown>> = {
            "Join.all": Join.all({ inner, other: Effect.never }),
            "Join.settled": Join.settled([inner, Effect.never]),
            "Join.within": Join.within({ inner }, "1 hour"),
            "Race.firstSuccess": Race.firstSuccess({ inner, other: Effect.never }),
            "Race.firstSettled": Race.firstSettled({ inner, other: Effect.never }),
            "two joins": Join.all([Join.all([inner])]),
            "Nursery.run": Nursery.run("n", () => inner),
            "Effect.all": Effect.all([inner, Effect.never], { concurrency: "unbounded" }),
            "Effect.timeout": Effect.timeout(inner, "1 hour")
          }
          const salvaged: Record<string, unknown> = {}
          for (const [name, effect] of Object.entries(outer)) {
            const task = yield* started(effect)
            yield* TestClock.adjust(30)
            yield* Task.requestCancel(task, ann)
            yield* TestClock.adjust(30)
            salvaged[name] = (yield* Task.await(task)).salvaged
          }
          const kept = [{ scope: "inner", value: { winner: "quick", value: "won" } }]
          expect(salvaged).toEqual(Object.fromEntries(Object.keys(outer).map((name) => [name, kept])))
        })
      )
    )

    it.effect("a winner inside a member that then loses is not lost either (K26)", () =>
      leakChecked(
        Effect.gen(function* () {
          const inner = Race.firstSuccess(
            { quick: after(10, "won"), slow: Effect.onExit(Effect.never, () => Effect.sleep(50)) },
            { name: "inner" }
          )
          const task = yield* started(Race.firstSuccess({ inner, other: after(20, "other") }))
          yield* TestClock.adjust(100)
          const outcome = yield* Task.await(task)
          expect(outcome._tag).toBe("Completed")
          expect(outcome.salvaged).toEqual([{ scope: "inner", value: { winner: "quick", value: "won" } }])
        })
      )
    )

    it.effect("a native timeout that passes while losers clean up: the task around keeps the winner (K26)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const task = yield* started(
            Effect.timeoutOption(
              Race.firstSuccess({ quick: after(10, "won"), slow: waiter(journal, "slow", Effect.sleep(50)) }),
              30
            )
          )
          yield* TestClock.adjust(60)
          const outcome = yield* Task.await(task)
          expect(outcome).toMatchObject({
            _tag: "Completed",
            salvaged: [{ scope: "race", value: { winner: "quick", value: "won" } }]
          })
          expect(journal.lines[0]).toBe("10 slow: lost-race by quick of race")
        })
      )
    )

    it.effect("what fails in the members' clean-up stands on the task's outcome, and is logged (K16)", () =>
      leakChecked(
        Effect.gen(function* () {
          const lines: Array<string> = []
          yield* logged(
            Effect.gen(function* () {
              const task = yield* started(
                Race.firstSuccess({ a: Effect.onExit(Effect.never, () => Effect.die("broken")), b: Effect.never })
              )
              yield* Task.cancel(task, ann)
              expect(cleanupOf((yield* Task.await(task)).cleanupFailures)).toBe("; clean-up of a: Die:broken")
            }),
            lines
          )
          expect(lines).toContain('Warn Clean-up of "a" failed: Die:broken')
        })
      )
    )

    it.effect(
      "a cancelled caller waits for members no longer than the race's giveUp, and grants none of its grace (K12, K25)",
      () =>
        leakChecked(
          Effect.gen(function* () {
            const journal = new Journal()
            const slow = waiter(journal, "slow", Effect.sleep(100))
            const task = yield* started(Race.firstSuccess({ slow }, { grace: 20, giveUp: 50 }))
            yield* TestClock.adjust(10)
            yield* Task.requestCancel(task, ann)
            yield* TestClock.adjust(49)
            const before = Option.isNone(yield* Task.poll(task))
            yield* TestClock.adjust(1)
            const decided = Option.isSome(yield* Task.poll(task))
            yield* TestClock.adjust(100)
            expect([before, decided]).toEqual([true, true])
            expect(journal.lines).toEqual(["10 slow: request by ann of task", "110 slow: cleaned up"])
          })
        )
    )

    it.effect("giving up on the caller decides: members and losers become stragglers until they end (K1, K12)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const task = yield* started(
            Race.firstSuccess({ quick: after(10, "won"), slow: waiter(journal, "slow", Effect.sleep(500)) })
          )
          yield* TestClock.adjust(30)
          const cancel = yield* Effect.forkChild(Task.cancel(task, { ...ann, giveUp: 100 }))
          yield* TestClock.adjust(100)
          expect(yield* Fiber.join(cancel)).toMatchObject({ _tag: "Cancelled" })
          expect((yield* Stragglers.list).map(({ path, reason }) => `${path}: ${textOf(reason)}`)).toContain(
            "top/task/race/slow: lost-race by quick of race"
          )
          yield* TestClock.adjust(380)
          expect(yield* Stragglers.list).toEqual([])
          expect(journal.lines).toEqual(["10 slow: lost-race by quick of race", "510 slow: cleaned up"])
        })
      )
    )
  })

  describe("whose reason", () => {
    it.effect("the first counts: a loser keeps lost-race when an ancestor is cancelled after it (K8, K19)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const slow = Effect.onExit(Effect.never, () =>
            Effect.gen(function* () {
              yield* journal.note(textOf(Option.getOrThrow(yield* CancelReason.current)))
              yield* Effect.sleep(50)
              yield* journal.note(textOf(Option.getOrThrow(yield* CancelReason.current)))
            })
          )
          const task = yield* started(Race.firstSuccess({ quick: after(10, 1), slow }))
          yield* TestClock.adjust(11)
          yield* Task.requestCancel(task, ann)
          yield* TestClock.adjust(100)
          expect(journal.lines).toEqual(["10 lost-race by quick of race", "60 lost-race by quick of race"])
        })
      )
    )

    it.effect("the first counts: an ancestor's cancel stays the reason although a member then succeeds (K8, K19)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const task = yield* started(
            Race.firstSuccess({
              stubborn: Effect.onExit(Effect.uninterruptible(after(20, 1)), () => Effect.void),
              slow: waiter(journal, "slow", Effect.sleep(50))
            })
          )
          yield* TestClock.adjust(10)
          yield* Task.requestCancel(task, ann)
          yield* TestClock.adjust(100)
          expect(journal.lines).toEqual(["10 slow: request by ann of task", "60 slow: cleaned up"])
        })
      )
    )

    it.effect("a win and a cancel of the caller in one step have one reason between them (K9, K19)", () =>
      leakChecked(
        Effect.gen(function* () {
          for (const cancelFirst of [true, false]) {
            const journal = new Journal()
            const gate = yield* Deferred.make<string>()
            const task = yield* started(
              Race.firstSuccess({
                quick: Deferred.await(gate),
                slow: waiter(journal, "slow", Effect.sleep(10))
              })
            )
            const win = Deferred.succeed(gate, "won")
            const cancel = Task.requestCancel(task, ann)
            yield* cancelFirst ? Effect.andThen(cancel, win) : Effect.andThen(win, cancel)
            const start = journal.lines.length
            yield* TestClock.adjust(10)
            const outcome = yield* Task.await(task)
            expect(outcome._tag).toBe("Cancelled")
            const line = journal.lines[start - 1] ?? journal.lines[0]!
            expect(line.slice(line.indexOf(" ") + 1)).toBe(
              cancelFirst ? "slow: request by ann of task" : "slow: lost-race by quick of race"
            )
            expect(outcome.salvaged).toEqual(
              cancelFirst ? [] : [{ scope: "race", value: { winner: "quick", value: "won" } }]
            )
          }
        })
      )
    )

    it.effect("everything below a loser reads the outer race's reason, through any combinator (K18, K19)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const leaf = (name: string) => waiter(journal, name)
          const loser = Effect.all(
            [
              Join.all({ a: Race.firstSuccess({ x: leaf("race in join"), y: leaf("its sibling") }) }),
              Join.within([leaf("within")], "1 hour"),
              Join.settled([leaf("settled")]),
              Race.firstSettled({ a: leaf("firstSettled") }),
              Effect.timeout(leaf("timeout"), "1 hour"),
              Effect.race(leaf("race"), Effect.never),
              Effect.forEach([1], () => leaf("forEach"), { concurrency: "unbounded" }),
              Stream.make(1).pipe(
                Stream.mapEffect(() => leaf("stream"), { concurrency: 2 }),
                Stream.runDrain
              ),
              Effect.scoped(Effect.andThen(Effect.forkScoped(leaf("forkScoped")), Effect.never)),
              Nursery.run("n", (nursery: Nursery.Nursery) => nursery.spawn("c", leaf("nursery")))
            ],
            { concurrency: "unbounded" }
          )
          const report = yield* during(10, Race.firstSuccess({ quick: after(10, 1), loser }, { name: "outer" }))
          expect(report.winner).toBe("quick")
          expect(told(report.losers.loser)).toBe("cancelled after 0: lost-race by quick of outer")
          expect(journal.lines.toSorted()).toEqual(
            [
              "race in join",
              "its sibling",
              "within",
              "settled",
              "firstSettled",
              "timeout",
              "race",
              "forEach",
              "stream",
              "forkScoped",
              "nursery"
            ]
              .map((name) => `10 ${name}: lost-race by quick of outer`)
              .toSorted()
          )
        })
      )
    )

    it.effect("everything below a race reads the reason of a cancelled task (K18)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const task = yield* started(
            Effect.timeout(
              Effect.all(
                [
                  Effect.race(
                    Join.all([Race.firstSuccess({ deep: Join.settled({ deeper: waiter(journal, "deeper") }) })]),
                    Effect.never
                  )
                ],
                { concurrency: 2 }
              ),
              "1 hour"
            )
          )
          yield* Task.cancel(task, ann)
          expect(journal.lines).toEqual(["0 deeper: request by ann of task"])
        })
      )
    )

    it.effect("a race on a native child, a scoped child or in a FiberMap of the task reads its reason (K18)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const race = (name: string) => Race.firstSuccess([waiter(journal, name, Effect.sleep(5))])
          const task = yield* started(
            Effect.gen(function* () {
              const map = yield* FiberMap.make<string>()
              yield* FiberMap.run(map, "key", race("map"))
              yield* Effect.forkScoped(race("scoped"))
              yield* Effect.forkChild(race("child"))
              return yield* Effect.never
            })
          )
          yield* TestClock.adjust(10)
          yield* Task.requestCancel(task, ann)
          yield* TestClock.adjust(20)
          expect((yield* Task.await(task))._tag).toBe("Cancelled")
          expect(
            journal.lines.filter((line) => !line.endsWith("cleaned up")).map((line) => line.replace(/^\d+ /, ""))
          ).toEqual(["child: request by ann of task", "scoped: request by ann of task", "map: request by ann of task"])
          expect(journal.lines).toHaveLength(6)
        })
      )
    )

    it.effect("a native timeout or race around ours is `interrupt`, and scope names our race (K18, K19)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const race = (name: string) =>
            Race.firstSuccess({ a: waiter(journal, name, Effect.sleep(5)) }, { name: "ask" })
          const exit = yield* during(100, Effect.exit(Effect.timeout(race("timed"), 10)))
          expect(failureOf(exit)).toBe("Fail:TimeoutError")
          yield* during(100, Effect.race(race("raced"), after(10, 1)))
          expect(journal.lines).toEqual([
            "10 timed: interrupt of ask",
            "15 timed: cleaned up",
            "110 raced: interrupt of ask",
            "115 raced: cleaned up"
          ])
        })
      )
    )

    it.effect("a winner's own clean-up, and that of its native children, reads no reason (K18)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          yield* Race.firstSuccess({
            quick: Effect.andThen(Effect.forkChild(journal.watch("child", Effect.never)), Effect.yieldNow),
            slow: Effect.never
          })
          expect(journal.lines).toEqual(["0 child: interrupted without a reason"])
        })
      )
    )

    it.effect("a signal for foreign code aborts in a loser, with the reason why it lost (K18, K20)", () =>
      leakChecked(
        Effect.gen(function* () {
          const seen: Array<string> = []
          const foreign = Effect.gen(function* () {
            const signal = yield* Task.signal
            signal.addEventListener("abort", () => seen.push(textOf(signal.reason.reason)))
            yield* Effect.never
          })
          const task = yield* started(Race.firstSuccess({ quick: after(10, 1), foreign }))
          yield* TestClock.adjust(10)
          expect((yield* Task.await(task))._tag).toBe("Completed")
          expect(seen).toEqual(["lost-race by quick of race"])
        })
      )
    )
  })

  describe("where it runs", () => {
    it.effect("inside an uninterruptible region it works, and a cancel from outside waits for it (K39)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const task = yield* started(
            Effect.uninterruptible(
              Effect.tap(
                Race.firstSuccess({ quick: after(20, "won"), slow: waiter(journal, "slow", Effect.sleep(10)) }),
                ({ value }) => journal.note(value)
              )
            )
          )
          yield* TestClock.adjust(10)
          yield* Task.requestCancel(task, ann)
          yield* TestClock.adjust(20)
          expect((yield* Task.await(task))._tag).toBe("Cancelled")
          expect(journal.lines).toEqual(["20 slow: lost-race by quick of race", "30 slow: cleaned up", "30 won"])
        })
      )
    )

    it.effect("inside a finalizer it works, before and after the cancel (K15, K39)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const race = (name: string) =>
            Effect.tap(
              Race.firstSuccess({ quick: after(20, name), slow: waiter(journal, `${name} slow`) }),
              ({ value }) => journal.note(`${value} won`)
            )
          const task = yield* started(
            Effect.never.pipe(
              Effect.onExit(() => Effect.orDie(race("first"))),
              Effect.onExit(() => Effect.orDie(race("second")))
            )
          )
          const ended = yield* started(Effect.ensuring(Effect.void, Effect.orDie(race("ended"))), "ended")
          yield* TestClock.adjust(10)
          yield* Task.requestCancel(task, ann)
          yield* Task.requestCancel(ended, ann)
          yield* TestClock.adjust(40)
          expect((yield* Task.await(task))._tag).toBe("Cancelled")
          yield* Task.await(ended)
          expect(journal.lines).toEqual([
            "20 ended slow: lost-race by quick of race",
            "20 ended won",
            "30 first slow: lost-race by quick of race",
            "30 first won",
            "50 second slow: lost-race by quick of race",
            "50 second won"
          ])
        })
      )
    )

    it.effect("inside an acquire it works, and what it acquired is released (K15, K39)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const task = yield* started(
            Effect.scoped(
              Effect.andThen(
                Effect.acquireRelease(
                  Race.firstSuccess({ quick: after(20, "won"), slow: waiter(journal, "slow", Effect.sleep(10)) }),
                  ({ value }) => journal.note(`released ${value}`)
                ),
                Effect.never
              )
            )
          )
          yield* TestClock.adjust(10)
          yield* Task.requestCancel(task, ann)
          yield* TestClock.adjust(50)
          expect((yield* Task.await(task))._tag).toBe("Cancelled")
          expect(journal.lines).toEqual([
            "20 slow: lost-race by quick of race",
            "30 slow: cleaned up",
            "30 released won"
          ])
        })
      )
    )

    it.effect("an acquire that is a race under a native timeout is not cancelled from outside either (K15, K39)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const task = yield* started(
            Effect.scoped(
              Effect.andThen(
                Effect.acquireRelease(
                  Effect.timeout(
                    Race.firstSuccess({ quick: after(20, "won"), slow: waiter(journal, "slow") }),
                    "1 second"
                  ),
                  ({ value }) => journal.note(`released ${value}`)
                ),
                Effect.never
              )
            )
          )
          yield* TestClock.adjust(10)
          yield* Task.requestCancel(task, ann)
          yield* TestClock.adjust(50)
          expect((yield* Task.await(task))._tag).toBe("Cancelled")
          expect(journal.lines).toEqual(["20 slow: lost-race by quick of race", "20 released won"])
        })
      )
    )

    it.effect("clean-up that is a race under a native timeout is not cancelled from outside either (K15, K39)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const flush = Effect.timeout(Race.firstSuccess({ quick: after(20, "flushed") }), "1 second")
          const task = yield* started(
            Effect.ensuring(Effect.void, Effect.orDie(Effect.tap(flush, ({ value }) => journal.note(value))))
          )
          yield* TestClock.adjust(10)
          yield* Task.requestCancel(task, ann)
          yield* TestClock.adjust(50)
          yield* Task.await(task)
          expect(journal.lines).toEqual(["20 flushed"])
        })
      )
    )

    it.effect("a member may cancel the enclosing task: it is answered at once, and nothing hangs (K13)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const self = yield* Deferred.make<Task.Task<unknown, unknown>>()
          const suicidal = (name: string) =>
            Effect.onExit(
              Effect.gen(function* () {
                const result = yield* Task.cancel(yield* Deferred.await(self), ann)
                yield* journal.note(`${name} goes on: ${result._tag}`)
              }),
              () => journal.note(`${name} left`)
            )
          const task = yield* started(
            Race.firstSuccess({
              a: waiter(journal, "a", Effect.sleep(10)),
              b: suicidal("b"),
              c: waiter(journal, "c")
            })
          )
          yield* Deferred.succeed(self, task)
          yield* TestClock.adjust(10)
          const outcome = yield* Task.await(task)
          expect(outcome._tag === "Cancelled" && textOf(outcome.reason)).toBe("request by ann of task")
          expect(journal.lines.toSorted()).toEqual([
            "0 a: request by ann of task",
            "0 b left",
            "0 c: request by ann of task",
            "10 a: cleaned up"
          ])
        })
      )
    )

    it.effect("a member that cancels the task in its first step: later members never run (K5, K13)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          let task: Task.Task<unknown, unknown> | undefined
          const body = Effect.suspend(() =>
            Race.firstSuccess({
              a: waiter(journal, "a"),
              b: Effect.suspend(() => Effect.as(Task.requestCancel(task!, ann), "won")),
              c: Effect.as(journal.note("c ran"), "c")
            })
          )
          task = yield* started(Effect.andThen(Effect.sleep(10), body))
          yield* TestClock.adjust(10)
          const outcome = yield* Task.await(task)
          expect(outcome._tag).toBe("Cancelled")
          expect(journal.lines).toEqual(["10 a: request by ann of task"])
        })
      )
    )

    it.effect("a loser's clean-up may cancel the enclosing task (K13, K26)", () =>
      leakChecked(
        Effect.gen(function* () {
          let task: Task.Task<unknown, unknown> | undefined
          const answers: Array<string> = []
          task = yield* started(
            Race.firstSuccess({
              quick: after(10, "won"),
              slow: Effect.onExit(Effect.never, () =>
                Effect.map(Task.cancel(task!, ann), (answer) => {
                  answers.push(answer._tag)
                })
              )
            })
          )
          yield* TestClock.adjust(10)
          const outcome = yield* Task.await(task)
          expect(answers).toEqual(["Requested"])
          expect(outcome._tag).toBe("Cancelled")
          expect(outcome.salvaged).toEqual([{ scope: "race", value: { winner: "quick", value: "won" } }])
        })
      )
    )

    it.effect("a race in a fiber that outlived its member leaves the outer race alone (K1, K11)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const detached = Effect.andThen(Effect.sleep(5), Race.firstSuccess({ x: after(5, 1), y: Effect.never }))
          const report = yield* during(
            100,
            Race.firstSuccess({
              bad: Effect.andThen(Effect.forkDetach(detached), Effect.fail("no")),
              good: journal.watch("good", after(50, "won"))
            })
          )
          expect(report.winner).toBe("good")
          expect(journal.lines).toEqual(["50 good: done"])
        })
      )
    )

    it.effect(
      "in an uninterruptible region a member's cancel of the task stops no member, started or not (K13, K39)",
      () =>
        leakChecked(
          Effect.gen(function* () {
            const journal = new Journal()
            let task: Task.Task<unknown, unknown> | undefined
            task = yield* started(
              Effect.andThen(
                Effect.sleep(10),
                Effect.uninterruptible(
                  Effect.tap(
                    Race.firstSuccess({
                      a: Effect.suspend(() => Effect.andThen(Task.cancel(task!, ann), Effect.fail("no"))),
                      b: after(20, "b"),
                      c: waiter(journal, "c")
                    }),
                    ({ losers, winner }) => journal.note(`${winner}; ${JSON.stringify(toldAll(losers))}`)
                  )
                )
              )
            )
            yield* TestClock.adjust(30)
            expect((yield* Task.await(task))._tag).toBe("Cancelled")
            expect(journal.lines).toEqual([
              "30 c: lost-race by b of race",
              '30 b; {"a":"failed: Fail:no","c":"cancelled after 0: lost-race by b of race"}'
            ])
          })
        )
    )

    it.effect("where interruption is restored inside an uninterruptible region, a cancel acts at once (K1, K39)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const task = yield* started(
            Effect.uninterruptibleMask((restore) =>
              Effect.onExit(restore(Race.firstSuccess({ a: waiter(journal, "a", Effect.sleep(5)) })), () =>
                journal.note("left")
              )
            )
          )
          yield* TestClock.adjust(10)
          yield* Task.requestCancel(task, ann)
          yield* TestClock.adjust(5)
          expect((yield* Task.await(task))._tag).toBe("Cancelled")
          expect(journal.lines).toEqual(["10 a: request by ann of task", "15 a: cleaned up", "15 left"])
        })
      )
    )

    it.effect("a loser's clean-up may race: it has winners, losers and reasons of its own (K15, K18)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const flush = Race.firstSuccess(
            { disk: after(20, "disk"), net: waiter(journal, "net", Effect.sleep(5)) },
            { name: "flush" }
          )
          const loser = Effect.onExit(Effect.never, () =>
            Effect.flatMap(Effect.orDie(flush), ({ value }) =>
              Effect.flatMap(CancelReason.current, (reason) =>
                journal.note(`${value}, because of ${textOf(Option.getOrThrow(reason))}`)
              )
            )
          )
          const report = yield* during(100, Race.firstSuccess({ loser, quick: after(10, 1) }))
          expect(journal.lines).toEqual([
            "30 net: lost-race by disk of flush",
            "35 net: cleaned up",
            "35 disk, because of lost-race by quick of race"
          ])
          expect(told(report.losers.loser)).toBe("cancelled after 25: lost-race by quick of race")
        })
      )
    )

    it.effect(
      "a member that natively joins an interrupted fiber is one entry: the race and its caller live (K22, K23)",
      () =>
        leakChecked(
          Effect.gen(function* () {
            const other = yield* Effect.forkChild(Effect.never)
            yield* settle
            yield* Fiber.interrupt(other)
            const report = yield* during(10, Race.firstSuccess({ join: Fiber.join(other), good: after(10, 1) }))
            expect(report.winner).toBe("good")
            expect(told(report.losers.join)).toBe("cooperative after 0: interrupt of join")
          })
        )
    )

    it.effect("a record that throws while it is read leaves no member behind (K1, K45)", () =>
      leakChecked((leaks) =>
        Effect.gen(function* () {
          const entries = {
            a: Effect.never,
            get b(): Effect.Effect<number> {
              throw new Error("no such member")
            }
          }
          const exit = yield* Effect.exit(Race.firstSuccess(entries))
          expect(failureOf(exit)).toBe("Die:no such member")
          expect(leaks.root.live).toBe(0)
        })
      )
    )

    it.effect("a cancel with grace lets a race be decided: the task completes (K8, K12)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const task = yield* started(
            Effect.map(
              Race.firstSuccess({ quick: after(30, "won"), slow: waiter(journal, "slow", Effect.sleep(5)) }),
              ({ value }) => value
            )
          )
          yield* TestClock.adjust(10)
          const cancel = yield* Effect.forkChild(Task.cancel(task, { ...ann, grace: 50 }))
          yield* TestClock.adjust(25)
          expect(yield* Fiber.join(cancel)).toMatchObject({ _tag: "AlreadyCompleted", duringGrace: true })
          expect(yield* Task.await(task)).toMatchObject({ _tag: "Completed", value: "won" })
          expect(journal.lines).toHaveLength(2)
          expect(journal.lines[1]).toBe("35 slow: cleaned up")
        })
      )
    )

    it.effect("a loser that was asked to stop before it lost keeps the first reason (K8, K19)", () =>
      leakChecked(
        Effect.gen(function* () {
          const read: Array<string> = []
          const loser = Effect.onExit(
            Effect.gen(function* () {
              yield* Effect.sleep(20)
              read.push(textOf(Option.getOrThrow(yield* Task.requested)))
              yield* Effect.never
            }),
            () =>
              Effect.map(CancelReason.current, (reason) => {
                read.push(textOf(Option.getOrThrow(reason)))
              })
          )
          const task = yield* started(Race.firstSuccess({ quick: after(30, "won"), loser }))
          yield* TestClock.adjust(10)
          yield* Task.requestCancel(task, { ...ann, grace: 50 })
          yield* TestClock.adjust(20)
          expect((yield* Task.await(task))._tag).toBe("Completed")
          expect(read).toEqual(["request by ann of task", "request by ann of task"])
        })
      )
    )

    it.effect("at the end of the grace all members are told, with the reason of the request (K12, K18)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const task = yield* started(
            Race.firstSuccess({ a: waiter(journal, "a"), b: Join.all([waiter(journal, "b")]) })
          )
          yield* TestClock.adjust(10)
          yield* Task.requestCancel(task, { ...ann, grace: 50 })
          yield* TestClock.adjust(50)
          expect(yield* Task.await(task)).toMatchObject({ _tag: "Cancelled", how: "interrupted" })
          expect(byTime(journal.lines)).toEqual(["60 a: request by ann of task", "60 b: request by ann of task"])
        })
      )
    )

    it.effect("2,000 nested races complete, without stack overflow or a lost finalizer (K6)", () =>
      leakChecked(
        Effect.gen(function* () {
          let released = 0
          const nested = (depth: number): Effect.Effect<string, unknown> =>
            depth === 0
              ? after(10, "deep")
              : Effect.map(
                  Race.firstSuccess({
                    down: Effect.suspend(() => nested(depth - 1)),
                    wait: Effect.onExit(Effect.never, () =>
                      Effect.sync(() => {
                        released++
                      })
                    )
                  }),
                  ({ value }) => value
                )
          const fiber = yield* Effect.forkChild(nested(2000))
          // Every 64th level starts in a turn of its own.
          for (let turn = 0; turn < 5; turn++) yield* settle
          yield* TestClock.adjust(10)
          expect(yield* Fiber.join(fiber)).toBe("deep")
          expect(released).toBe(2000)
        })
      )
    )

    it.effect("2,000 nested races are cancelled, leaves first, each reading the reason (K6, K18)", () =>
      leakChecked(
        Effect.gen(function* () {
          const levels: Array<number> = []
          const wrong: Array<string> = []
          const nested = (depth: number): Effect.Effect<unknown, unknown> =>
            Effect.onExit(
              depth === 2000 ? Effect.never : Race.firstSuccess([Effect.suspend(() => nested(depth + 1))]),
              () =>
                Effect.map(CancelReason.current, (reason) => {
                  levels.push(depth)
                  if (Option.isNone(reason) || reason.value.by !== "ann") wrong.push(`level ${depth}`)
                })
            )
          const task = yield* started(nested(0))
          yield* settle
          yield* TestClock.adjust(1)
          yield* Task.cancel(task, ann)
          expect(wrong).toEqual([])
          expect(levels).toEqual(Array.from({ length: 2001 }, (_, index) => 2000 - index))
        })
      )
    )
  })

  describe("scopes", () => {
    it.effect(
      "the winner's scope moves to the caller's and closes with it, once; a loser's closes before the race returns (K27)",
      () =>
        leakChecked(
          Effect.gen(function* () {
            const journal = new Journal()
            const member = (name: string, millis: number) =>
              Effect.andThen(resource(journal, name, Effect.sleep(5)), after(millis, name))
            yield* during(
              1000,
              Effect.andThen(
                Effect.scoped(
                  Effect.gen(function* () {
                    yield* resource(journal, "caller's")
                    const { value } = yield* Race.firstSuccess({
                      a: member("a", 20),
                      b: member("b", 10),
                      c: member("c", 30)
                    })
                    yield* journal.note(`returned ${value}`)
                    yield* Effect.sleep(50)
                  })
                ),
                journal.note("caller's scope closed")
              )
            )
            expect([
              ...journal.lines.slice(0, 4),
              ...journal.lines.slice(4, 6).toSorted(),
              ...journal.lines.slice(6)
            ]).toEqual([
              "0 caller's acquired",
              "0 a acquired",
              "0 b acquired",
              "0 c acquired",
              "15 a released",
              "15 c released",
              "15 returned b",
              "70 b released",
              "70 caller's released",
              "70 caller's scope closed"
            ])
          })
        )
    )

    it.effect("the winner's finalizers see the exit of the caller's scope (K27)", () =>
      leakChecked(
        Effect.gen(function* () {
          const exits: Array<string> = []
          const member = Effect.addFinalizer((exit) => Effect.sync(() => exits.push(failureOf(exit))))
          yield* Effect.exit(Effect.scoped(Effect.andThen(Race.firstSuccess({ a: member }), Effect.fail("no"))))
          expect(exits).toEqual(["Fail:no"])
        })
      )
    )

    it.effect("the winner's finalizers read the reason when the caller is cancelled later (K18, K27)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const connect = Effect.acquireRelease(Effect.void, () =>
            Effect.flatMap(CancelReason.current, (reason) =>
              journal.note(`released: ${Option.match(reason, { onNone: () => "no reason", onSome: textOf })}`)
            )
          )
          const task = yield* started(Effect.andThen(Race.firstSuccess({ a: connect, b: Effect.never }), Effect.never))
          yield* TestClock.adjust(10)
          yield* Task.cancel(task, ann)
          expect(journal.lines).toEqual(["10 released: request by ann of task"])
        })
      )
    )

    it.effect(
      "a scope that the winner took along is closed with the caller's, also if it was empty until then (K27)",
      () =>
        leakChecked(
          Effect.gen(function* () {
            const journal = new Journal()
            yield* Effect.scoped(
              Effect.gen(function* () {
                const { value: scope } = yield* Race.firstSuccess({ a: Effect.scope })
                yield* Scope.addFinalizer(scope, journal.note("late finalizer"))
              })
            )
            expect(journal.lines).toEqual(["0 late finalizer"])
          })
        )
    )

    it.effect("two successes in one tick: the other's scope closes before the race returns (K27)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          yield* during(
            100,
            Effect.scoped(
              Effect.gen(function* () {
                const member = (name: string) => Effect.andThen(resource(journal, name), after(10, name))
                const { winner } = yield* Race.firstSuccess({ a: member("a"), b: member("b") })
                yield* journal.note(`returned ${winner}`)
              })
            )
          )
          expect(journal.lines).toEqual([
            "0 a acquired",
            "0 b acquired",
            "10 b released",
            "10 returned a",
            "10 a released"
          ])
        })
      )
    )

    it.effect("a winner inside a winner: its scope moves up twice, and is still closed once (K27)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          yield* Effect.scoped(
            Effect.gen(function* () {
              const inner = Race.firstSuccess({ a: resource(journal, "inner"), b: Effect.never })
              yield* Race.firstSuccess({ inner, other: Effect.never })
              yield* journal.note("returned")
            })
          )
          expect(journal.lines).toEqual(["0 inner acquired", "0 returned", "0 inner released"])
        })
      )
    )

    it.effect("a race that won inside a loser closes with the loser (K27)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          yield* during(
            100,
            Effect.scoped(
              Effect.gen(function* () {
                const loser = Effect.andThen(Race.firstSuccess({ a: resource(journal, "inner") }), Effect.never)
                yield* Race.firstSuccess({ loser, quick: after(10, 1) })
                yield* journal.note("returned")
              })
            )
          )
          expect(journal.lines).toEqual(["0 inner acquired", "10 inner released", "10 returned"])
        })
      )
    )

    it.effect("a scope that has already closed closes the winner's at once (K27)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const scope = yield* Scope.make()
          yield* Scope.close(scope, Exit.void)
          const race = Race.firstSuccess({ a: resource(journal, "a", Effect.sleep(5)) })
          yield* during(10, Effect.andThen(Effect.provideService(race, Scope.Scope, scope), journal.note("returned")))
          expect(journal.lines).toEqual(["0 a acquired", "5 a released", "5 returned"])
        })
      )
    )

    it.effect("the winner's finalizers read the reason through every race that it won (K18, K27)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const connect = Effect.acquireRelease(Effect.void, () =>
            Effect.flatMap(CancelReason.current, (reason) =>
              journal.note(`released: ${Option.match(reason, { onNone: () => "no reason", onSome: textOf })}`)
            )
          )
          const nested = (depth: number): Effect.Effect<unknown, unknown, Scope.Scope> =>
            depth === 0 ? connect : Race.firstSuccess([Effect.suspend(() => nested(depth - 1)), Effect.never])
          const task = yield* started(Effect.andThen(nested(20), Effect.never))
          yield* TestClock.adjust(10)
          yield* Task.cancel(task, ann)
          expect(journal.lines).toEqual(["10 released: request by ann of task"])
        })
      )
    )

    it.effect("the winner's finalizers read no reason where the caller ends by itself (K18, K27)", () =>
      leakChecked(
        Effect.gen(function* () {
          const seen: Array<boolean> = []
          const connect = Effect.addFinalizer(() =>
            Effect.map(CancelReason.current, (reason) => {
              seen.push(Option.isNone(reason))
            })
          )
          const task = yield* started(Race.firstSuccess({ a: connect, b: Effect.never }))
          yield* Task.await(task)
          yield* Effect.scoped(Race.firstSuccess({ a: connect, b: Effect.never }))
          expect(seen).toEqual([true, true])
        })
      )
    )

    it.effect("inside a task the caller's scope is the task's (K27)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const task = yield* started(
            Effect.andThen(
              Race.firstSuccess({ a: resource(journal, "a") }),
              Effect.andThen(Effect.sleep(10), journal.note("body ends"))
            )
          )
          yield* TestClock.adjust(10)
          yield* Task.await(task)
          expect(journal.lines).toEqual(["0 a acquired", "10 body ends", "10 a released"])
        })
      )
    )

    it.effect("without a caller's scope the winner's closes before the race returns (K27)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const race = Effect.tap(Race.firstSuccess({ a: resource(journal, "a", Effect.sleep(5)) }), () =>
            journal.note("returned")
          )
          yield* during(
            10,
            Effect.updateContext(
              race,
              (context: Context.Context<never>) => Context.omit(Scope.Scope)(context) as Context.Context<Scope.Scope>
            )
          )
          expect(journal.lines).toEqual(["0 a acquired", "5 a released", "5 returned"])
        })
      )
    )

    it.effect("a caller cancelled while losers clean up still closes the winner's scope, once (K26, K27)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const task = yield* started(
            Effect.scoped(
              Race.firstSuccess({
                a: Effect.andThen(resource(journal, "a"), after(10, "won")),
                slow: waiter(journal, "slow", Effect.sleep(50))
              })
            )
          )
          yield* TestClock.adjust(30)
          yield* Task.requestCancel(task, ann)
          yield* TestClock.adjust(30)
          expect((yield* Task.await(task)).salvaged).toHaveLength(1)
          expect(journal.lines).toEqual([
            "0 a acquired",
            "10 slow: lost-race by a of race",
            "60 slow: cleaned up",
            "60 a released"
          ])
        })
      )
    )

    it.effect(
      "the scope of a success that was not first, but not stopped either, closes before the race returns (K27)",
      () =>
        leakChecked(
          Effect.gen(function* () {
            const journal = new Journal()
            yield* during(
              100,
              Effect.scoped(
                Effect.gen(function* () {
                  const report = yield* Race.firstSuccess(
                    { a: after(10, "a"), b: Effect.andThen(resource(journal, "b", Effect.sleep(5)), after(20, "b")) },
                    { grace: 50 }
                  )
                  yield* journal.note(`returned: ${told(report.losers.b)}`)
                })
              )
            )
            expect(journal.lines).toEqual(["0 b acquired", "25 b released", "25 returned: late after 15: b"])
          })
        )
    )

    it.effect(
      "the winner keeps running no native child: forkChild ends with it, forkScoped with the caller's scope (K27)",
      () =>
        leakChecked(
          Effect.gen(function* () {
            const journal = new Journal()
            yield* during(
              100,
              Effect.scoped(
                Effect.gen(function* () {
                  const winner = Effect.gen(function* () {
                    yield* Effect.forkScoped(Effect.onExit(Effect.never, () => journal.note("scoped child left")))
                    yield* Effect.forkChild(Effect.onExit(Effect.never, () => journal.note("child left")))
                    yield* Effect.sleep(10)
                  })
                  yield* Race.firstSuccess({ winner, other: Effect.never })
                  yield* Effect.sleep(10)
                })
              )
            )
            expect(journal.lines).toEqual(["10 child left", "20 scoped child left"])
          })
        )
    )
  })

  describe("deciding while a scope still closes", () => {
    it.effect(
      "the losers of firstSettled are told when it is decided, not when the winner's scope has closed (K4, K23)",
      () =>
        leakChecked(
          Effect.gen(function* () {
            const journal = new Journal()
            const report = yield* during(
              1000,
              Race.firstSettled({
                bad: Effect.andThen(resource(journal, "bad", Effect.sleep(100)), failing(10, "no")),
                slow: waiter(journal, "slow")
              })
            )
            expect(report.winner).toBe("bad")
            expect(journal.lines).toEqual(["0 bad acquired", "10 slow: lost-race by bad of race", "110 bad released"])
          })
        )
    )

    it.effect("who ends while the winner's scope still closes is a loser with its place in the report (K23, K24)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const fiber = yield* Effect.forkChild(
            Race.firstSettled({
              bad: Effect.andThen(resource(journal, "bad", Effect.sleep(100)), failing(10, "no")),
              good: after(20, "late"),
              worse: failing(30, "worse")
            })
          )
          yield* TestClock.adjust(1000)
          const exit = fiber.pollUnsafe()
          fiber.interruptUnsafe()
          expect(exit?._tag).toBe("Success")
          if (exit?._tag !== "Success") return
          expect(exit.value.winner).toBe("bad")
          expect(Object.keys(exit.value.losers)).toEqual(["good", "worse"])
        })
      )
    )

    it.effect(
      "a member that failed by itself is Failed although its scope still closes when the race is decided (K24)",
      () =>
        leakChecked(
          Effect.gen(function* () {
            const journal = new Journal()
            const report = yield* during(
              1000,
              Race.firstSuccess({
                bad: Effect.andThen(resource(journal, "bad", Effect.sleep(100)), failing(10, "no")),
                good: after(20, "won")
              })
            )
            expect(report.winner).toBe("good")
            expect(journal.lines).toEqual(["0 bad acquired", "110 bad released"])
            expect(told(report.losers.bad)).toBe("failed: Fail:no")
          })
        )
    )
  })

  describe("a cancel that reaches the members but not the caller", () => {
    it.effect("giving up on members below an uninterruptible native timeout wedges nothing (K1, K13)", () =>
      leakChecked(
        Effect.gen(function* () {
          const task = yield* started(
            Effect.uninterruptible(
              Effect.exit(
                Effect.timeout(
                  Race.firstSuccess({ slow: Effect.onExit(Effect.never, () => Effect.sleep(500)) }),
                  "1 second"
                )
              )
            )
          )
          yield* Task.requestCancel(task, { ...ann, giveUp: 10 })
          yield* TestClock.adjust(2000)
          expect((yield* Task.await(task))._tag).toBe("Cancelled")
          // The trampoline that resumes everybody must have survived.
          const after = yield* started(Race.firstSuccess([Effect.succeed(1)]), "after")
          expect((yield* Task.await(after))._tag).toBe("Completed")
        })
      )
    )
  })
})
