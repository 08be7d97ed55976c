import { describe, expect, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Join from "../../src/combinators/Join.ts"
import * as Loser from "../../src/combinators/Loser.ts"
import * as Race from "../../src/combinators/Race.ts"
import { Journal } from "../support/journal.ts"
import { leakChecked } from "../support/leaks.ts"
import { after, causeOf, during, failing, logged, resource, told, toldAll } from "./telling.ts"

const dirty = Effect.addFinalizer(() => Effect.die("dirty"))

describe("Loser", () => {
  it.effect("each kind stands under its key, with what it has to tell (K24)", () =>
    leakChecked(
      Effect.gen(function* () {
        const report = yield* during(
          1000,
          Race.firstSuccess(
            {
              failed: failing(5, "no"),
              died: Effect.die("broken"),
              left: Effect.interrupt,
              waiting: Effect.onExit(Effect.never, () => Effect.sleep(70)),
              late: after(20, "late"),
              lateFailure: failing(25, "too late"),
              quick: after(10, "won")
            },
            { grace: 40 }
          )
        )
        expect(toldAll(report.losers)).toEqual({
          failed: "failed: Fail:no",
          died: "failed: Die:broken",
          left: "cooperative after 0: interrupt of left",
          waiting: "cancelled after 110: lost-race by quick of race",
          late: "late after 10: late",
          lateFailure: "failed: Fail:too late"
        })
        expect(Object.keys(report.losers)).toEqual(["failed", "died", "left", "waiting", "late", "lateFailure"])
      })
    )
  )

  it.effect("who was never started is so told, with nothing else (K24)", () =>
    leakChecked(
      Effect.gen(function* () {
        const { losers } = yield* Race.firstSuccess({ quick: Effect.succeed(1), never: Effect.succeed(2) })
        expect(losers).toEqual({ never: { _tag: "NotStarted" } })
      })
    )
  )

  it.effect("who was never started is so told at any depth (K24)", () =>
    leakChecked(
      Effect.gen(function* () {
        const at = (depth: number): Effect.Effect<unknown, unknown> =>
          depth === 0
            ? Effect.map(Race.firstSuccess([Effect.succeed(1), Effect.succeed(2)]), ({ losers }) => losers.map(told))
            : Effect.map(Race.firstSuccess([Effect.suspend(() => at(depth - 1))]), ({ value }) => value)
        for (const depth of [1, 62, 63, 64, 65]) {
          expect([depth, yield* at(depth)]).toEqual([depth, ["-", "not started"]])
        }
      })
    )
  )

  it.effect("the order is that of Object.keys, whatever the order of the ends: integer-like keys first (K24)", () =>
    leakChecked(
      Effect.gen(function* () {
        const report = yield* during(
          100,
          Race.firstSuccess({
            z: failing(9, "z"),
            2: failing(7, "2"),
            a: after(10, 1),
            10: failing(8, "10"),
            b: Effect.never
          })
        )
        expect(report.winner).toBe("a")
        expect(Object.keys(report.losers)).toEqual(["2", "10", "z", "b"])
        const entries: Record<string, Effect.Effect<number>> = { 7: Effect.succeed(1) }
        expect((yield* Race.firstSuccess(entries)).winner).toBe("7")
      })
    )
  )

  it.effect("in a list the winner leaves a hole, and who never started has its index (K24)", () =>
    leakChecked(
      Effect.gen(function* () {
        const { winner, losers } = yield* Race.firstSuccess([
          Effect.never,
          Effect.succeed(1),
          Effect.never,
          Effect.never
        ])
        expect([winner, losers.length, losers[1]]).toEqual([1, 4, undefined])
        expect(losers.map(told)).toEqual([
          "cancelled after 0: lost-race by 1 of race",
          "-",
          "not started",
          "not started"
        ])
      })
    )
  )

  it.effect(
    "what failed in a loser's clean-up stands with it, whatever its kind, and does not fail the race (K16, K24)",
    () =>
      leakChecked(
        Effect.gen(function* () {
          const lines: Array<string> = []
          const report = yield* logged(
            during(
              100,
              Race.firstSuccess(
                {
                  failed: Effect.andThen(dirty, Effect.fail("no")),
                  cancelled: Effect.andThen(dirty, Effect.never),
                  twice: Effect.andThen(
                    dirty,
                    Effect.onExit(Effect.never, () => Effect.die("dirtier"))
                  ),
                  late: Effect.andThen(dirty, after(20, "late")),
                  quick: after(10, "won")
                },
                { grace: 15 }
              )
            ),
            lines
          )
          expect(toldAll(report.losers)).toEqual({
            failed: "failed: Fail:no; clean-up of failed: Die:dirty",
            cancelled: "cancelled after 15: lost-race by quick of race; clean-up of cancelled: Die:dirty",
            twice:
              "cancelled after 15: lost-race by quick of race; clean-up of twice: Die:dirty; clean-up of twice: Die:dirtier",
            late: "late after 10: late; clean-up of late: Die:dirty"
          })
          expect(lines.toSorted()).toEqual([
            'Warn Clean-up of "cancelled" failed: Die:dirty',
            'Warn Clean-up of "failed" failed: Die:dirty',
            'Warn Clean-up of "late" failed: Die:dirty',
            'Warn Clean-up of "twice" failed: Die:dirtier',
            'Warn Clean-up of "twice" failed: Die:dirty'
          ])
        })
      )
  )

  it.effect("a clean-up that dies in a native loser vanishes; ours is reported and logged (K24)", () =>
    leakChecked(
      Effect.gen(function* () {
        const entries = [after(10, 1), Effect.onExit(Effect.never, () => Effect.die("broken"))]
        const silent: Array<string> = []
        expect(yield* logged(during(10, Effect.raceAll(entries)), silent)).toBe(1)
        expect(silent).toEqual([])
        const lines: Array<string> = []
        const report = yield* logged(during(10, Race.firstSuccess(entries)), lines)
        expect(told(report.losers[1])).toBe("cancelled after 0: lost-race by 0 of race; clean-up of 1: Die:broken")
        expect(lines).toEqual(['Warn Clean-up of "1" failed: Die:broken'])
      })
    )
  )

  it.effect("a loser's defect is logged, once, with the race's and its own name; a typed failure is not (K24)", () =>
    leakChecked(
      Effect.gen(function* () {
        const lines: Array<string> = []
        const race = Race.firstSuccess(
          { dead: Effect.die("broken"), bad: Effect.fail("no"), quick: after(10, "won") },
          { name: "ask" }
        )
        yield* logged(during(10, race), lines)
        expect(lines).toHaveLength(1)
        expect(lines[0]).toMatch(/^Warn .*"ask".*dead.*: Die:broken$/)
      })
    )
  )

  it.effect("the clean-up failures of the winner are not lost: they stand on the task's outcome (K16)", () =>
    leakChecked(
      Effect.gen(function* () {
        const lines: Array<string> = []
        yield* logged(
          Effect.gen(function* () {
            // The join passes on what its member could not clean up: to the winner, which has no place for it.
            const winner = Join.all([Effect.as(dirty, 1)])
            const report = yield* Race.firstSuccess({ winner, other: Effect.never })
            expect(report.value).toEqual([1])
          }),
          lines
        )
        expect(lines.filter((line) => line.includes("Die:dirty")).length).toBeGreaterThan(0)
      })
    )
  )

  it.effect("the scope of a loser closes after its body: last acquired, first released (K15, K24)", () =>
    leakChecked(
      Effect.gen(function* () {
        const journal = new Journal()
        const loser = Effect.andThen(
          Effect.andThen(resource(journal, "one", Effect.sleep(5)), resource(journal, "two", Effect.sleep(5))),
          journal.watch("body", Effect.never)
        )
        const report = yield* during(100, Race.firstSuccess({ loser, quick: after(10, 1) }))
        expect(journal.lines).toEqual([
          "0 one acquired",
          "0 two acquired",
          "10 body: lost-race by quick of race",
          "15 two released",
          "20 one released"
        ])
        expect(told(report.losers.loser)).toBe("cancelled after 10: lost-race by quick of race")
      })
    )
  )

  it.effect("match folds every kind (K24)", () =>
    leakChecked(
      Effect.gen(function* () {
        const report = yield* during(
          100,
          Race.firstSuccess(
            { a: failing(1, "no"), b: after(20, 2), c: Effect.never, d: after(10, 4), e: Effect.never },
            { grace: 15 }
          )
        )
        const losers: ReadonlyArray<Loser.Loser<number, string>> = Object.values(report.losers)
        const folded = losers.map((loser) =>
          Loser.match(loser, {
            NotStarted: () => "not started",
            Cancelled: ({ took }) => Duration.toMillis(took),
            Failed: ({ cause }) => causeOf(cause),
            FinishedLate: ({ value }) => value
          })
        )
        expect(folded).toEqual(["Fail:no", 2, 15, 15])
      })
    )
  )
})
