import type * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { describe, expectTypeOf, it } from "vitest"
import * as Join from "../../src/combinators/Join.ts"
import * as Loser from "../../src/combinators/Loser.ts"
import * as Race from "../../src/combinators/Race.ts"
import type { RaceFailed } from "../../src/combinators/RaceFailed.ts"
import type { CancelReason } from "../../src/fibers/CancelReason.ts"
import type { TaskCancelled } from "../../src/fibers/TaskCancelled.ts"
import type { TaskOutcome } from "../../src/fibers/TaskOutcome.ts"

class Database extends Context.Service<Database, { readonly rows: number }>()("Database") {}
class Down {
  readonly _tag = "Down"
}
class Busy {
  readonly _tag = "Busy"
}

declare const text: Effect.Effect<string, Down>
declare const count: Effect.Effect<number, Busy, Database>
declare const flag: Effect.Effect<boolean>
declare const scoped: Effect.Effect<Date, never, Scope.Scope>

type Of<T> = T extends Effect.Effect<infer A, any, any> ? A : never

const needs = () => Race.firstSuccess({ count, scoped })
const settled = () => Join.settled({ scoped })
const within = () => Join.within({ scoped }, 1)

describe("Race", () => {
  it("the winner narrows the value to the type of its key (K24)", () => {
    const race = Race.firstSuccess({ text, count, flag })
    type Report = Of<typeof race>
    expectTypeOf<Report["winner"]>().toEqualTypeOf<"text" | "count" | "flag">()
    const narrowed = (report: Report) => {
      if (report.winner === "text") expectTypeOf(report.value).toEqualTypeOf<string>()
      else if (report.winner === "count") expectTypeOf(report.value).toEqualTypeOf<number>()
      else expectTypeOf(report.value).toEqualTypeOf<boolean>()
    }
    expectTypeOf(narrowed).toBeFunction()
  })

  it("each loser has the value and the failure of its key, and no other key exists (K24)", () => {
    const race = Race.firstSuccess({ text, count })
    type Losers = Of<typeof race>["losers"]
    expectTypeOf<Losers["text"]>().toEqualTypeOf<Loser.Loser<string, Down> | undefined>()
    expectTypeOf<Losers["count"]>().toEqualTypeOf<Loser.Loser<number, Busy> | undefined>()
    expectTypeOf<keyof Losers>().toEqualTypeOf<"text" | "count">()
  })

  it("its errors and services are those of the members", () => {
    expectTypeOf(Race.firstSuccess({ text, count })).toExtend<
      Effect.Effect<unknown, RaceFailed<Down | Busy>, Database>
    >()
    expectTypeOf<Effect.Services<ReturnType<typeof needs>>>().toEqualTypeOf<Database | Scope.Scope>()
    expectTypeOf<Effect.Error<ReturnType<typeof needs>>>().toEqualTypeOf<RaceFailed<Busy>>()
  })

  it("a list has indices, and the union of the members' types (K24)", () => {
    const race = Race.firstSuccess([text, count])
    type Report = Of<typeof race>
    expectTypeOf<Report["winner"]>().toEqualTypeOf<number>()
    expectTypeOf<Report["value"]>().toEqualTypeOf<string | number>()
    expectTypeOf<Report["losers"]>().toEqualTypeOf<
      ReadonlyArray<Loser.Loser<string, Down> | Loser.Loser<number, Busy> | undefined>
    >()
    expectTypeOf<Effect.Error<typeof race>>().toEqualTypeOf<RaceFailed<Down | Busy>>()
    expectTypeOf<Effect.Services<typeof race>>().toEqualTypeOf<Database>()
  })

  it("a list or a record whose size is not known has its types too (K24)", () => {
    const list = Race.firstSuccess([] as Array<Effect.Effect<string, Down>>)
    expectTypeOf<Of<typeof list>["value"]>().toEqualTypeOf<string>()
    expectTypeOf<Effect.Error<typeof list>>().toEqualTypeOf<RaceFailed<Down>>()
    const entries: Record<string, Effect.Effect<string, Down>> = {}
    const record = Race.firstSuccess(entries)
    expectTypeOf<Of<typeof record>["winner"]>().toEqualTypeOf<string>()
    expectTypeOf<Of<typeof record>["value"]>().toEqualTypeOf<string>()
    const readonlyList = Race.firstSuccess([] as ReadonlyArray<typeof text>)
    expectTypeOf<Of<typeof readonlyList>["winner"]>().toEqualTypeOf<number>()
  })

  it("firstSettled has the outcome of the winner, narrowed by its key, and fails only for want of members (K23)", () => {
    const race = Race.firstSettled({ text, count })
    type Report = Of<typeof race>
    expectTypeOf<Report["winner"]>().toEqualTypeOf<"text" | "count">()
    expectTypeOf<Report["outcome"]>().toExtend<TaskOutcome<string | number, Down | Busy>>()
    expectTypeOf<Effect.Error<typeof race>>().toEqualTypeOf<RaceFailed<never>>()
    expectTypeOf<Extract<Report, { readonly winner: "text" }>["outcome"]>().toEqualTypeOf<TaskOutcome<string, Down>>()
  })

  it("an integer-like key is a key (K24)", () => {
    const race = Race.firstSuccess({ 7: text, b: count })
    expectTypeOf<Of<typeof race>["winner"]>().toEqualTypeOf<"7" | "b">()
    const page = Join.within({ 7: text }, 1)
    expectTypeOf<Of<typeof page>["completed"][7]>().toEqualTypeOf<string | undefined>()
  })

  it("only effects can be members", () => {
    // @ts-expect-error a promise is no effect
    Race.firstSuccess({ a: Promise.resolve(1) })
    // @ts-expect-error a missing member is a mistake
    Race.firstSuccess({ a: undefined })
    // @ts-expect-error options of a race have no limit
    Race.firstSuccess({ a: text }, { limit: 10 })
    expectTypeOf(Race.firstSuccess).toBeFunction()
  })

  it("a loser is folded by all its kinds or not at all (K24)", () => {
    const loser = null as unknown as Loser.Loser<string, Down>
    const folded = () =>
      Loser.match(loser, {
        NotStarted: () => 1,
        Cancelled: ({ reason }) => reason.at.epochMilliseconds,
        Failed: ({ cause }) => {
          expectTypeOf(cause).toEqualTypeOf<Cause.Cause<Down>>()
          return 2
        },
        FinishedLate: ({ value }) => value.length
      })
    expectTypeOf(folded).returns.toEqualTypeOf<number>()
    // @ts-expect-error three kinds are missing
    const incomplete = () => Loser.match(loser, { NotStarted: () => 1 })
    expectTypeOf(incomplete).toBeFunction()
  })
})

describe("Join", () => {
  it("all gives the values in the shape of the input, and a cancelled member is typed (K29, K32)", () => {
    const record = Join.all({ text, count })
    expectTypeOf<Of<typeof record>>().toEqualTypeOf<{ readonly text: string; readonly count: number }>()
    expectTypeOf<Effect.Error<typeof record>>().toEqualTypeOf<Down | Busy | TaskCancelled>()
    expectTypeOf<Effect.Services<typeof record>>().toEqualTypeOf<Database>()
    const tuple = Join.all([text, count])
    expectTypeOf<Of<typeof tuple>>().toEqualTypeOf<readonly [string, number]>()
    const list = Join.all([] as Array<Effect.Effect<string, Down>>)
    expectTypeOf<Of<typeof list>[number]>().toEqualTypeOf<string>()
  })

  it("a member's scope is its own: joins need none (K27)", () => {
    expectTypeOf(Join.all({ scoped })).toEqualTypeOf<Effect.Effect<{ readonly scoped: Date }, TaskCancelled, never>>()
    expectTypeOf<Effect.Services<ReturnType<typeof settled>>>().toEqualTypeOf<never>()
    expectTypeOf<Effect.Services<ReturnType<typeof within>>>().toEqualTypeOf<never>()
  })

  it("settled gives the outcomes in the shape of the input, and does not fail (K30)", () => {
    const record = Join.settled({ text, count })
    expectTypeOf<Of<typeof record>>().toEqualTypeOf<{
      readonly text: TaskOutcome<string, Down>
      readonly count: TaskOutcome<number, Busy>
    }>()
    expectTypeOf<Effect.Error<typeof record>>().toEqualTypeOf<never>()
    const tuple = Join.settled([text, flag])
    expectTypeOf<Of<typeof tuple>>().toEqualTypeOf<readonly [TaskOutcome<string, Down>, TaskOutcome<boolean, never>]>()
  })

  it("within gives each place by key, and does not fail (K31)", () => {
    const page = Join.within({ text, count }, "2 seconds")
    type Page = Of<typeof page>
    expectTypeOf<Page["completed"]["text"]>().toEqualTypeOf<string | undefined>()
    expectTypeOf<Page["completed"]["count"]>().toEqualTypeOf<number | undefined>()
    expectTypeOf<Page["failed"]["count"]>().toEqualTypeOf<Cause.Cause<Busy> | undefined>()
    expectTypeOf<NonNullable<Page["cancelled"]["count"]>>().toEqualTypeOf<Join.TimedOut<number>>()
    expectTypeOf<NonNullable<Page["cancelled"]["text"]>["late"]>().toEqualTypeOf<string | undefined>()
    expectTypeOf<NonNullable<Page["cancelled"]["text"]>["took"]>().toEqualTypeOf<Duration.Duration>()
    expectTypeOf<NonNullable<Page["interrupted"]["text"]>["reason"]>().toEqualTypeOf<CancelReason>()
    expectTypeOf<Effect.Error<typeof page>>().toEqualTypeOf<never>()
    const list = Join.within([text, count], 1)
    expectTypeOf<Of<typeof list>["completed"][number]>().toEqualTypeOf<string | number | undefined>()
    expectTypeOf<NonNullable<Of<typeof list>["failed"][number]>>().toEqualTypeOf<Cause.Cause<Down | Busy>>()
  })

  it("a limit is required", () => {
    // @ts-expect-error without a limit it is `settled`
    Join.within({ text })
    expectTypeOf(Join.within).toBeFunction()
  })
})
