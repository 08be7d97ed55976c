/** What the members of a join know of the time they have (K31, K33). */
import { describe, expect, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Deadline from "../../src/combinators/Deadline.ts"
import * as Join from "../../src/combinators/Join.ts"
import { leakChecked } from "../support/leaks.ts"
import { withHands } from "../support/setClock.ts"
import { after, during } from "./telling.ts"

/** "50 in 40": the instant by which the current work must have ended, and how far away it is. */
const bound: Effect.Effect<string> = Effect.gen(function* () {
  const at = Option.map(yield* Deadline.current, DateTime.toEpochMillis)
  const left = Option.map(yield* Deadline.remaining, Duration.toMillis)
  return Option.isNone(at) ? "none" : `${at.value} in ${Option.getOrElse(left, () => NaN)}`
})

const within = (limit: number, each?: number) => Join.within([bound], limit, { each })

describe("the deadline that a member reads", () => {
  it.effect("in `within` it is the limit of the join, at whatever depth, and none in a join without (K31, K33)", () =>
    leakChecked(
      Effect.gen(function* () {
        const report = yield* during(
          100,
          Join.within(
            { now: bound, later: Effect.andThen(Effect.sleep(10), bound), deep: Join.all([bound]) },
            "50 millis"
          )
        )
        expect(report.completed).toEqual({ now: "50 in 50", later: "50 in 40", deep: ["50 in 50"] })
        expect(yield* Join.all([bound], { each: Infinity })).toEqual(["none"])
        expect((yield* Join.within([bound], Infinity)).completed).toEqual({ 0: "none" })
        expect(yield* bound).toBe("none")
      })
    )
  )

  it.effect("with `each` it is the nearest of the member's own, from its own start, and the join's (K33, K36)", () =>
    leakChecked(
      Effect.gen(function* () {
        const member = Effect.tap(bound, () => Effect.sleep(15))
        const report = yield* during(100, Join.within([member, member, member], 45, { each: 20, concurrency: 1 }))
        expect(report.completed).toEqual({ 0: "20 in 20", 1: "35 in 20", 2: "45 in 15" })
        expect(yield* Join.all([bound], { each: 20 })).toEqual(["120 in 20"])
      })
    )
  )

  it.effect(
    "an outer deadline counts where it is the nearest, and the join's and the member's where they are (K33)",
    () =>
      leakChecked(
        Effect.gen(function* () {
          const read = yield* Deadline.run(Effect.all([within(50), within(10), within(50, 5), within(50, 40)]), 30)
          expect(read.map(({ completed }) => completed[0])).toEqual(["30 in 30", "10 in 10", "5 in 5", "30 in 30"])
        })
      )
  )

  it.effect("of limits at one instant the outer one speaks: the join's own and the members' make no report (K33)", () =>
    leakChecked(
      Effect.gen(function* () {
        const both = Join.within([Effect.never], 20, { each: 20 })
        const exceeded = yield* during(100, Effect.flip(Deadline.run(both, 20)))
        expect(exceeded._tag).toBe("DeadlineExceeded")
        const report = yield* during(100, both)
        expect(report.cancelled[0]?.reason.scope).toBe("join")
      })
    )
  )
})

describe("a bounded join below an outer deadline that has passed", () => {
  it.effect.each(["all", "settled", "within", "bestEffort"] as const)(
    "%s: who starts then never runs, nor does who waits for a turn (K33, K36)",
    (kind) =>
      leakChecked(
        Effect.gen(function* () {
          const ran: Array<string> = []
          const mark = (name: string) => Effect.sync(() => void ran.push(name))
          const members = { a: mark("a"), b: mark("b"), c: mark("c") }
          const joins = {
            all: Join.all(members, { concurrency: 1 }),
            settled: Join.settled(members, { concurrency: 1, each: 500 }),
            within: Join.within(members, 500, { concurrency: 2 }),
            bestEffort: Join.bestEffort(members, { concurrency: 1 })
          }
          const exit = yield* withHands(({ block }) => {
            const work = Effect.andThen(
              Effect.sync(() => block(200)),
              joins[kind] as Effect.Effect<unknown, unknown>
            )
            return during(0, Effect.exit(Deadline.run(work, 100)))
          })
          expect(exit._tag === "Failure" && String(exit.cause)).toContain("DeadlineExceeded")
          expect(ran).toEqual([])
        })
      )
  )

  it.effect("the deadline passes between two turns: who still waits never starts (K33, K36)", () =>
    leakChecked(
      Effect.gen(function* () {
        const ran: Array<string> = []
        const mark = (name: string) => Effect.sync(() => void ran.push(name))
        const exit = yield* withHands(({ block }) => {
          const first = Effect.andThen(
            after(10, "first"),
            Effect.sync(() => block(200))
          )
          const joined = Join.settled([first, mark("b"), mark("c")], { concurrency: 1 })
          return during(10, Effect.exit(Deadline.run(joined, 100)))
        })
        expect(exit._tag === "Failure" && String(exit.cause)).toContain("DeadlineExceeded")
        expect(ran).toEqual([])
      })
    )
  )
})
