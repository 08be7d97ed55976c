/** What several winners, partial results, batches and tasks from outside are typed as. */
import type * as Cause from "effect/Cause"
import type * as Effect from "effect/Effect"
import * as Context from "effect/Context"
import type * as Scope from "effect/Scope"
import { describe, expectTypeOf, it } from "vitest"
import * as Batch from "../../src/combinators/Batch.ts"
import * as Join from "../../src/combinators/Join.ts"
import * as Loser from "../../src/combinators/Loser.ts"
import * as Race from "../../src/combinators/Race.ts"
import type { RaceFailed } from "../../src/combinators/RaceFailed.ts"
import type { CancelResult } from "../../src/fibers/CancelResult.ts"
import type * as Task from "../../src/fibers/Task.ts"
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
declare const task: Task.Task<boolean, Busy>
declare const scoped: Effect.Effect<Date, never, Scope.Scope>

type Of<T> = T extends Effect.Effect<infer A, any, any> ? A : never

describe("Loser.LoserOf", () => {
  it("only a task from outside can run on, and its cancel is a failure to who waited (K22, K28)", () => {
    expectTypeOf<Loser.LoserOf<typeof text>>().toEqualTypeOf<Loser.Loser<string, Down>>()
    expectTypeOf<Loser.LoserOf<typeof task>>().toEqualTypeOf<
      Loser.Loser<boolean, Busy | TaskCancelled> | Loser.Running<boolean, Busy>
    >()
  })

  it("a fold must have the case of who runs on, where there can be one, and only there (K24, K28)", () => {
    const race = Race.firstSuccess({ text, task })
    type Losers = Of<typeof race>["losers"]
    const all = { NotStarted: () => 1, Cancelled: () => 1, Failed: () => 1, FinishedLate: () => 1 }
    const folded = (losers: Losers) => {
      Loser.match(losers.text!, all)
      Loser.match(losers.task!, {
        ...all,
        Running: (loser) => expectTypeOf(loser.task).toEqualTypeOf<Task.Task<boolean, Busy>>()
      })
      // @ts-expect-error who runs on is forgotten
      Loser.match(losers.task!, all)
    }
    expectTypeOf(folded).toBeFunction()
  })
})

describe("Race", () => {
  it("a task wins with its value; that it was cancelled is a failure of the race (K28)", () => {
    const race = Race.firstSuccess({ text, task })
    expectTypeOf<Extract<Of<typeof race>, { readonly winner: "task" }>["value"]>().toEqualTypeOf<boolean>()
    expectTypeOf<Effect.Error<typeof race>>().toEqualTypeOf<RaceFailed<Down | Busy | TaskCancelled>>()
    expectTypeOf<Effect.Services<typeof race>>().toEqualTypeOf<never>()
  })

  it("quorum: each winner narrows its value, and the error keeps what had succeeded (K23, K24)", () => {
    const quorum = Race.quorum({ text, count }, 2)
    type Winner = Of<typeof quorum>["winners"][number]
    expectTypeOf<Winner["winner"]>().toEqualTypeOf<"text" | "count">()
    expectTypeOf<Extract<Winner, { readonly winner: "count" }>["value"]>().toEqualTypeOf<number>()
    expectTypeOf<Of<typeof quorum>["losers"]["text"]>().toEqualTypeOf<Loser.Loser<string, Down> | undefined>()
    expectTypeOf<Effect.Error<typeof quorum>>().toEqualTypeOf<RaceFailed<Down | Busy, string | number>>()
    expectTypeOf<Effect.Services<typeof quorum>>().toEqualTypeOf<Database>()
  })

  it("quorum of a list, with a task: indices, and the union of the values (K24, K28)", () => {
    const quorum = Race.quorum([text, task], 1)
    type Report = Of<typeof quorum>
    expectTypeOf<Report["winners"][number]>().toEqualTypeOf<{
      readonly winner: number
      readonly value: string | boolean
    }>()
    expectTypeOf<Report["losers"][number]>().toEqualTypeOf<
      Loser.LoserOf<typeof text> | Loser.LoserOf<typeof task> | undefined
    >()
  })

  it("hedge is typed as firstSuccess, and needs its delay (K23)", () => {
    const hedge = Race.hedge({ text, count }, "50 millis")
    const race = Race.firstSuccess({ text, count })
    expectTypeOf<typeof hedge>().toEqualTypeOf<typeof race>()
    // @ts-expect-error without a delay it is `firstSuccess`
    Race.hedge({ text })
  })
})

describe("Join", () => {
  it("within: only a task can be running, and its own cancel is no failure of it (K28, K31)", () => {
    const page = Join.within({ text, task }, 1)
    type Page = Of<typeof page>
    expectTypeOf<Page["running"]["task"]>().toEqualTypeOf<Task.Task<boolean, Busy> | undefined>()
    expectTypeOf<Page["running"]["text"]>().toEqualTypeOf<undefined>()
    expectTypeOf<Page["failed"]["task"]>().toEqualTypeOf<Cause.Cause<Busy> | undefined>()
    expectTypeOf<Effect.Error<typeof page>>().toEqualTypeOf<never>()
    const list = Join.within([text, task], 1)
    expectTypeOf<NonNullable<Of<typeof list>["running"][number]>>().toEqualTypeOf<Task.Task<boolean, Busy>>()
  })

  it("first: each end narrows its outcome by its key, and the rest are losers (K24)", () => {
    const first = Join.first({ text, task }, 1)
    type Ended = Of<typeof first>["ended"][number]
    expectTypeOf<Extract<Ended, { readonly member: "text" }>["outcome"]>().toEqualTypeOf<TaskOutcome<string, Down>>()
    expectTypeOf<Extract<Ended, { readonly member: "task" }>["outcome"]>().toEqualTypeOf<TaskOutcome<boolean, Busy>>()
    expectTypeOf<Of<typeof first>["rest"]["task"]>().toEqualTypeOf<Loser.LoserOf<typeof task> | undefined>()
    expectTypeOf<Effect.Error<typeof first>>().toEqualTypeOf<never>()
    const list = Join.first([text, count], 1)
    expectTypeOf<Of<typeof list>["ended"][number]["member"]>().toEqualTypeOf<number>()
    // @ts-expect-error members of `first` have no limit of their own
    Join.first([text], 1, { each: 5 })
  })

  it("bestEffort: who is missing was cancelled or failed, and a task may run on (K28)", () => {
    const best = Join.bestEffort({ text, task }, { limit: 5 })
    type Best = Of<typeof best>
    expectTypeOf<Best["values"]["text"]>().toEqualTypeOf<string | undefined>()
    expectTypeOf<NonNullable<Best["missing"]["text"]>>().toEqualTypeOf<Loser.Cancelled | Loser.Failed<Down>>()
    expectTypeOf<NonNullable<Best["missing"]["task"]>>().toEqualTypeOf<
      Loser.Cancelled | Loser.Failed<Busy> | Loser.Running<boolean, Busy>
    >()
    expectTypeOf<Effect.Error<typeof best>>().toEqualTypeOf<never>()
  })
})

describe("Batch", () => {
  it("the report has the items with their outcomes; only fail-fast fails; scopes are the items' own (K27, K36)", () => {
    const collected = Batch.collect(["a", "b"], (item, index) => {
      expectTypeOf(item).toEqualTypeOf<string>()
      expectTypeOf(index).toEqualTypeOf<number>()
      return count
    })
    expectTypeOf(collected).toEqualTypeOf<Effect.Effect<Batch.BatchReport<string, number, Busy>, never, Database>>()
    const failing = Batch.failFast(new Set([1]), () => text)
    expectTypeOf<Effect.Error<typeof failing>>().toEqualTypeOf<Batch.BatchFailed<number, string, Down>>()
    const owned = Batch.collect([1], () => scoped)
    expectTypeOf<Effect.Services<typeof owned>>().toEqualTypeOf<never>()
  })

  it("a handle belongs to a scope; its report may tell of the end of that (K36)", () => {
    const started = Batch.start([1], () => count, { onFailure: "fail-fast" })
    expectTypeOf<Effect.Services<typeof started>>().toEqualTypeOf<Database | Scope.Scope>()
    type Handle = Of<typeof started>
    expectTypeOf<Effect.Error<Handle["report"]>>().toEqualTypeOf<
      Batch.BatchFailed<number, number, Busy> | TaskCancelled
    >()
    expectTypeOf<Handle["cancelItem"]>().returns.toEqualTypeOf<Effect.Effect<CancelResult>>()
    // @ts-expect-error items are effects, which a batch always owns
    Batch.collect([1], () => text, { cancelTasks: true })
  })
})
