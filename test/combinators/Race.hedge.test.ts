import { describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import * as Race from "../../src/combinators/Race.ts"
import { RaceFailed } from "../../src/combinators/RaceFailed.ts"
import { InvalidDuration } from "../../src/fibers/CancelPolicy.ts"
import * as Task from "../../src/fibers/Task.ts"
import { Journal } from "../support/journal.ts"
import { leakChecked } from "../support/leaks.ts"
import { settle } from "../support/settle.ts"
import { after, ann, causeOf, during, failing, started, toldAll } from "./telling.ts"

/** Writes when it starts and why it ends. */
const member = <A, E>(journal: Journal, name: string, effect: Effect.Effect<A, E>): Effect.Effect<A, E> =>
  Effect.andThen(journal.note(`${name} starts`), journal.watch(name, effect))

describe("Race.hedge", () => {
  it.effect("a primary in time leaves no timer and starts nobody else (K23)", () =>
    leakChecked((leaks) =>
      Effect.gen(function* () {
        const journal = new Journal()
        const before = leaks.fibers
        const fiber = yield* Effect.forkChild(
          Race.hedge(
            { first: member(journal, "first", after(10, 1)), second: member(journal, "second", Effect.never) },
            50
          )
        )
        yield* TestClock.adjust(10)
        const report = yield* Fiber.join(fiber)
        expect([report.winner, report.value, toldAll(report.losers)]).toEqual(["first", 1, { second: "not started" }])
        yield* settle
        expect(leaks.fibers).toBe(before)
        yield* TestClock.adjust(1000)
        expect(journal.lines).toEqual(["0 first starts", "10 first: done"])
      })
    )
  )

  it.effect(
    "the next starts after the delay, the one after that after the delay again; the first success wins (K23)",
    () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const report = yield* during(
            1000,
            Race.hedge(
              [
                member(journal, "a", Effect.never),
                member(journal, "b", after(30, "b")),
                member(journal, "c", Effect.never),
                member(journal, "d", Effect.never)
              ],
              20
            )
          )
          expect(report.winner).toBe(1)
          expect(journal.lines).toEqual([
            "0 a starts",
            "20 b starts",
            "40 c starts",
            "50 b: done",
            "50 c: lost-race by 1 of hedge",
            "50 a: lost-race by 1 of hedge"
          ])
          expect(toldAll(report.losers)).toMatchObject({ 3: "not started" })
        })
      )
  )

  it.effect("a failure starts the next at once, and the delay counts from there (K23)", () =>
    leakChecked(
      Effect.gen(function* () {
        const journal = new Journal()
        const report = yield* during(
          1000,
          Race.hedge(
            {
              a: member(journal, "a", failing(5, "no")),
              b: member(journal, "b", after(100, "b")),
              c: member(journal, "c", after(10, "c"))
            },
            20
          )
        )
        expect(report.winner).toBe("c")
        expect(journal.lines).toEqual([
          "0 a starts",
          "5 a: failed",
          "5 b starts",
          "25 c starts",
          "35 c: done",
          "35 b: lost-race by c of hedge"
        ])
      })
    )
  )

  it.effect("members that fail in their first step follow one another at once, and all failures are kept (K23)", () =>
    leakChecked(
      Effect.gen(function* () {
        const exit = yield* Effect.exit(Race.hedge([Effect.fail("a"), Effect.die("b"), Effect.interrupt], "1 hour"))
        const error = exit._tag === "Failure" ? Cause.squash(exit.cause) : undefined
        expect(error instanceof RaceFailed && error.failures.map(({ cause }) => causeOf(cause))).toEqual([
          "Fail:a",
          "Die:b",
          "Interrupt"
        ])
        const empty = yield* Effect.exit(Race.hedge([], 10))
        expect(empty._tag).toBe("Failure")
      })
    )
  )

  it.effect("one that fails late, followed by one that fails at once: the next still has its turn (K23)", () =>
    leakChecked(
      Effect.gen(function* () {
        const report = yield* during(10, Race.hedge([failing(5, "a"), Effect.fail("b"), Effect.succeed("c")], 100))
        expect([report.winner, report.value]).toEqual([2, "c"])
        expect(report.losers.map((loser) => loser?._tag)).toEqual(["Failed", "Failed", undefined])
      })
    )
  )

  it.effect.each([
    ["one that won later", after(10, "b"), {}],
    ["one that won in its first step", Effect.succeed("b"), {}],
    ["one that won in its first step have their grace or", Effect.succeed("b"), { grace: 500 }]
  ] as const)("while the losers of %s clean up, no timer of the delay runs (K23, K45)", ([, winner, patience]) =>
    leakChecked((leaks) =>
      Effect.gen(function* () {
        const slow = Effect.onInterrupt(Effect.never, () => Effect.sleep(100))
        const race = yield* Effect.forkChild(Race.hedge([slow, winner, Effect.never], 20, patience))
        yield* TestClock.adjust(30)
        yield* settle
        const running = leaks.fibers
        yield* TestClock.adjust(1000)
        expect((yield* Fiber.join(race)).value).toBe("b")
        // The race, its loser, and the timer of the grace where there is one.
        expect(running).toBe("grace" in patience ? 3 : 2)
      })
    )
  )

  it.effect("once all have started no timer runs, and for one member none at all (K23, K45)", () =>
    leakChecked((leaks) =>
      Effect.gen(function* () {
        const two = yield* Effect.forkChild(Race.hedge([Effect.never, Effect.never], 20))
        yield* TestClock.adjust(45)
        yield* settle
        expect(leaks.fibers).toBe(3)
        yield* Fiber.interrupt(two)
        const one = yield* Effect.forkChild(Race.hedge([Effect.never], 20))
        yield* settle
        expect(leaks.fibers).toBe(2)
        yield* Fiber.interrupt(one)
      })
    )
  )

  it.effect.each([
    ["on a timer that was set before it", Effect.andThen(Effect.sleep(20), Effect.yieldNow)],
    ["on a timer that was set after it", Effect.andThen(Effect.sleep(15), Effect.sleep(5))]
  ] as const)("who ends at the very instant of the delay, %s, has ended in time (K23, K12)", ([, first]) =>
    leakChecked(
      Effect.gen(function* () {
        const journal = new Journal()
        const report = yield* during(
          100,
          Race.hedge([Effect.as(first, "in time"), member(journal, "second", Effect.succeed("early"))], 20)
        )
        expect(report.value).toBe("in time")
        expect(journal.lines).toEqual([])
      })
    )
  )

  it.effect("a caller that is cancelled stops who runs, starts nobody and leaves no timer (K1, K45)", () =>
    leakChecked((leaks) =>
      Effect.gen(function* () {
        const journal = new Journal()
        const task = yield* started(
          Race.hedge([member(journal, "a", Effect.never), member(journal, "b", Effect.never)], 20)
        )
        yield* TestClock.adjust(10)
        yield* Task.cancel(task, ann)
        yield* settle
        expect(leaks.fibers).toBe(0)
        yield* TestClock.adjust(1000)
        expect(journal.lines).toEqual(["0 a starts", "10 a: request by ann of task"])
      })
    )
  )

  it.effect("while the members of a cancelled caller clean up, the timer is not set again (K45)", () =>
    leakChecked((leaks) =>
      Effect.gen(function* () {
        const slow = Effect.onInterrupt(Effect.never, () => Effect.sleep(100))
        const task = yield* started(Race.hedge([slow, Effect.never, Effect.never], 20))
        yield* TestClock.adjust(10)
        yield* Task.requestCancel(task, ann)
        yield* TestClock.adjust(15)
        yield* settle
        const running = leaks.fibers
        yield* TestClock.adjust(100)
        // The task and its member.
        expect(running).toBe(2)
      })
    )
  )

  it.effect("while losers clean up nobody starts any more (K23, K25)", () =>
    leakChecked(
      Effect.gen(function* () {
        const journal = new Journal()
        const slow = Effect.onInterrupt(Effect.never, () => Effect.sleep(500))
        const report = yield* during(
          1000,
          Race.hedge({ a: slow, b: after(10, "b"), c: member(journal, "c", Effect.never) }, 20)
        )
        expect(toldAll(report.losers)).toEqual({
          a: "cancelled after 500: lost-race by b of hedge",
          c: "not started"
        })
        expect(journal.lines).toEqual([])
      })
    )
  )

  it.effect.each([NaN, -1])("a delay of %s is InvalidDuration, before any member starts (K33)", (delay) =>
    Effect.gen(function* () {
      let starts = 0
      const exit = yield* Effect.exit(Race.hedge([Effect.sync(() => starts++)], delay))
      expect(exit._tag === "Failure" && Cause.squash(exit.cause)).toBeInstanceOf(InvalidDuration)
      expect(starts).toBe(0)
    })
  )

  it.effect("a delay of zero starts all in turn, one of Infinity only after failures (K23)", () =>
    leakChecked(
      Effect.gen(function* () {
        const journal = new Journal()
        const all = ["a", "b", "c"].map((name) => member(journal, name, after(name === "c" ? 5 : 9, name)))
        const race = yield* Effect.forkChild(Race.hedge(all, 0))
        yield* settle
        expect(journal.lines.slice(0, 3)).toEqual(["0 a starts", "0 b starts", "0 c starts"])
        yield* TestClock.adjust(10)
        expect((yield* Fiber.join(race)).value).toBe("c")
        const slow = yield* during(1000, Race.hedge([after(500, "slow"), Effect.succeed("quick")], Infinity))
        expect(slow.value).toBe("slow")
      })
    )
  )
})
