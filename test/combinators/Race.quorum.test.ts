import { describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import type * as Loser from "../../src/combinators/Loser.ts"
import * as Race from "../../src/combinators/Race.ts"
import { RaceFailed } from "../../src/combinators/RaceFailed.ts"
import * as Task from "../../src/fibers/Task.ts"
import { salvagedIn } from "../../src/fibers/TaskOutcome.ts"
import { Journal } from "../support/journal.ts"
import { leakChecked } from "../support/leaks.ts"
import { after, ann, byTime, causeOf, during, failing, resource, started, toldAll, waiter } from "./telling.ts"

const raceFailedOf = (exit: Exit.Exit<unknown, unknown>): RaceFailed<unknown, unknown> => {
  const error = exit._tag === "Failure" ? Cause.squash(exit.cause) : undefined
  if (!(error instanceof RaceFailed)) throw new Error(`not a RaceFailed: ${String(error)}`)
  return error
}

const messageTo = (losers: { readonly c?: Loser.Loser<unknown, unknown> }): string | undefined =>
  losers.c?._tag === "Cancelled" ? losers.c.reason.message : "not cancelled"

describe("Race.quorum", () => {
  it.effect("the first k successes win, in the order of their ends, and the rest is cancelled (K23, K24)", () =>
    leakChecked(
      Effect.gen(function* () {
        const journal = new Journal()
        const report = yield* during(
          1000,
          Effect.tap(
            Race.quorum({ a: after(30, 1), b: after(10, "two"), c: waiter(journal, "c"), d: failing(5, "no") }, 2),
            () => journal.note("returned")
          )
        )
        expect(report.winners).toEqual([
          { winner: "b", value: "two" },
          { winner: "a", value: 1 }
        ])
        expect(toldAll(report.losers)).toEqual({
          c: "cancelled after 0: lost-race by a of quorum",
          d: "failed: Fail:no"
        })
        expect(journal.lines).toEqual(["30 c: lost-race by a of quorum", "30 returned"])
      })
    )
  )

  it.effect("it fails as soon as k is out of reach, tells the rest why, and keeps what succeeded (K23)", () =>
    leakChecked(
      Effect.gen(function* () {
        const journal = new Journal()
        const exit = yield* during(
          1000,
          Effect.exit(
            Effect.ensuring(
              Race.quorum(
                { a: after(5, "yes"), b: failing(10, "no"), c: waiter(journal, "c"), d: failing(20, "nor") },
                3
              ),
              journal.note("ended")
            )
          )
        )
        const error = raceFailedOf(exit)
        expect(error.failures.map(({ member, cause }) => `${member} ${causeOf(cause)}`)).toEqual([
          "b Fail:no",
          "d Fail:nor"
        ])
        expect(error.succeeded).toEqual([{ member: "a", value: "yes" }])
        expect(journal.lines).toEqual(["20 c: sibling-failed by d of quorum", "20 ended"])
        expect(error.message).toContain("so that 3 could not succeed")
      })
    )
  )

  it.effect("all must succeed where k is their number, and the first failure ends it (K23)", () =>
    leakChecked(
      Effect.gen(function* () {
        const exit = yield* during(100, Effect.exit(Race.quorum([Effect.never, failing(10, "no")], 2)))
        expect(raceFailedOf(exit).failures.map(({ member }) => member)).toEqual([1])
        const report = yield* during(100, Race.quorum([after(20, "a"), after(10, "b")], 2))
        expect(report.winners.map(({ value }) => value)).toEqual(["b", "a"])
        expect(report.losers).toEqual([undefined, undefined])
      })
    )
  )

  it.effect("a loser reads how many were there first; where one is enough, that another was (K19)", () =>
    leakChecked(
      Effect.gen(function* () {
        const members = { a: after(10, 1), b: after(20, 2), c: Effect.never }
        const quorum = yield* during(20, Race.quorum(members, 2))
        expect(messageTo(quorum.losers)).toBe("2 other members were there first")
        const race = yield* during(20, Race.firstSuccess(members))
        expect(messageTo(race.losers)).toBe("Another member won the race")
      })
    )
  )

  it.effect("a member that interrupts itself is one lost vote (K23)", () =>
    leakChecked(
      Effect.gen(function* () {
        const exit = yield* during(100, Effect.exit(Race.quorum({ a: Effect.interrupt, b: Effect.never }, 2)))
        expect(raceFailedOf(exit).failures.map(({ member, cause }) => `${member} ${causeOf(cause)}`)).toEqual([
          "a Interrupt"
        ])
      })
    )
  )

  it.effect("more than there are starts nobody and fails; none has won already (K23)", () =>
    leakChecked(
      Effect.gen(function* () {
        let starts = 0
        const member = Effect.sync(() => {
          starts++
        })
        const exit = yield* Effect.exit(Race.quorum({ a: member, b: member }, 3))
        expect(raceFailedOf(exit).failures).toEqual([])
        expect(raceFailedOf(exit).message).toContain("Fewer than 3")
        expect(yield* Race.quorum({ a: member }, 0)).toEqual({ winners: [], losers: { a: { _tag: "NotStarted" } } })
        expect((yield* Race.quorum([], 0)).winners).toEqual([])
        expect(starts).toBe(0)
      })
    )
  )

  it.effect.each([-1, 1.5, NaN, Infinity])("a quorum of %s is a defect (K23)", (needed) =>
    Effect.gen(function* () {
      const exit = yield* Effect.exit(Race.quorum({ a: Effect.void }, needed))
      expect(exit._tag === "Failure" && Cause.hasDies(exit.cause) && String(Cause.squash(exit.cause))).toContain(
        "A quorum must be a whole number"
      )
    })
  )

  it.effect("none starts once k have won in their first step (K23)", () =>
    leakChecked(
      Effect.gen(function* () {
        const report = yield* Race.quorum([Effect.succeed(1), Effect.succeed(2), Effect.never], 2)
        expect(report.winners.map(({ value }) => value)).toEqual([1, 2])
        expect(report.losers).toEqual([undefined, undefined, { _tag: "NotStarted" }])
      })
    )
  )

  it.effect("the scope of each winner moves to the caller's, a loser's closes before the race returns (K27)", () =>
    leakChecked(
      Effect.gen(function* () {
        const journal = new Journal()
        yield* during(
          100,
          Effect.scoped(
            Effect.gen(function* () {
              yield* Race.quorum(
                {
                  a: Effect.andThen(resource(journal, "a"), Effect.sleep(10)),
                  b: Effect.andThen(resource(journal, "b"), Effect.sleep(20)),
                  c: Effect.andThen(resource(journal, "c"), Effect.never)
                },
                2
              )
              yield* journal.note("returned")
              yield* Effect.sleep(10)
            })
          )
        )
        expect(journal.lines).toEqual([
          "0 a acquired",
          "0 b acquired",
          "0 c acquired",
          "20 c released",
          "20 returned",
          "30 b released",
          "30 a released"
        ])
      })
    )
  )

  it.effect("where k is out of reach, the scopes of those that succeeded close before the race fails (K27)", () =>
    leakChecked(
      Effect.gen(function* () {
        const journal = new Journal()
        const race = Race.quorum({ a: resource(journal, "a"), b: failing(10, "no") }, 2)
        yield* during(100, Effect.scoped(Effect.andThen(Effect.exit(race), journal.note("failed"))))
        expect(journal.lines).toEqual(["0 a acquired", "10 a released", "10 failed"])
      })
    )
  )

  it.effect("a caller cancelled before the decision keeps who had succeeded in the task's salvaged (K26)", () =>
    leakChecked(
      Effect.gen(function* () {
        const journal = new Journal()
        const task = yield* started(
          Race.quorum({ a: Effect.succeed(1), b: waiter(journal, "b"), c: waiter(journal, "c") }, 2)
        )
        yield* Task.cancel(task, ann)
        const outcome = yield* Task.await(task)
        expect(outcome.salvaged).toEqual([{ scope: "quorum", value: { winner: "a", value: 1 } }])
        expect(byTime(journal.lines)).toEqual(["0 b: request by ann of task", "0 c: request by ann of task"])
      })
    )
  )

  it.effect("with no task around, it is on the interrupt (K26)", () =>
    leakChecked(
      Effect.gen(function* () {
        const fiber = yield* Effect.forkChild(Race.quorum({ a: Effect.succeed(1), b: Effect.never }, 2), {
          startImmediately: true
        })
        yield* Fiber.interrupt(fiber)
        const exit = yield* Fiber.await(fiber)
        expect(exit._tag === "Failure" && salvagedIn(exit.cause)).toEqual([
          { scope: "quorum", value: { winner: "a", value: 1 } }
        ])
      })
    )
  )

  it.effect("giveUp lets the winners leave before a slow loser (K25)", () =>
    leakChecked(
      Effect.gen(function* () {
        const slow = Effect.onInterrupt(Effect.never, () => Effect.sleep(100))
        const fiber = yield* Effect.forkChild(
          Race.quorum({ a: after(10, 1), b: after(20, 2), c: slow }, 2, { giveUp: 30 })
        )
        yield* TestClock.adjust(50)
        const report = yield* Fiber.join(fiber)
        expect(toldAll(report.losers)).toEqual({ c: "abandoned after 30: lost-race by b of quorum" })
        yield* TestClock.adjust(100)
      })
    )
  )

  it.effect(
    "where k is out of reach, the rest has the race's patience: grace, and giveUp from then on (K12, K25)",
    () =>
      leakChecked(
        Effect.gen(function* () {
          const polite = Effect.andThen(Task.awaitRequest, after(5, "bye"))
          const stubborn = Effect.onInterrupt(Effect.never, () => Effect.sleep(100))
          const race = Race.quorum({ bad: failing(10, "no"), polite, stubborn }, 3, { grace: 20, giveUp: 40 })
          const ended = Effect.map(Clock.currentTimeMillis, (now) => `ended at ${now}`)
          const [exit, at] = yield* during(60, Effect.all([Effect.exit(race), ended]))
          const error = raceFailedOf(exit)
          expect(error.failures.map(({ member }) => member)).toEqual(["bad"])
          expect(error.succeeded).toEqual([{ member: "polite", value: "bye" }])
          expect(at).toBe("ended at 50")
          yield* TestClock.adjust(100)
        })
      )
  )

  it.effect("where k is out of reach, the scopes of those that succeeded close last ended first (K15, K27)", () =>
    leakChecked(
      Effect.gen(function* () {
        const journal = new Journal()
        const race = Race.quorum(
          {
            a: Effect.andThen(Effect.sleep(5), resource(journal, "a")),
            b: resource(journal, "b"),
            c: failing(10, "no")
          },
          3
        )
        yield* during(100, Effect.scoped(Effect.exit(race)))
        expect(journal.lines).toEqual(["0 b acquired", "5 a acquired", "10 a released", "10 b released"])
      })
    )
  )

  it.effect("a cancel does not cut the release of what had succeeded before the quorum was out of reach (K15)", () =>
    leakChecked(
      Effect.gen(function* () {
        const journal = new Journal()
        const held = Effect.addFinalizer(() => Effect.andThen(Effect.sleep(10), journal.note("released")))
        const race = Race.quorum({ a: held, b: failing(1, "no") }, 2)
        const task = yield* started(Effect.scoped(race))
        yield* TestClock.adjust(5)
        const cancelling = yield* Effect.forkChild(Task.cancel(task, ann))
        yield* TestClock.adjust(100)
        const answer = yield* Fiber.join(cancelling)
        expect(journal.lines).toEqual(["11 released"])
        expect(answer._tag).toBe("Cancelled")
      })
    )
  )
})
