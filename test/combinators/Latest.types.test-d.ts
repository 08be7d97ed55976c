import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { describe, expectTypeOf, it } from "vitest"
import * as Latest from "../../src/combinators/Latest.ts"
import type * as Task from "../../src/fibers/Task.ts"
import type { TaskCancelled } from "../../src/fibers/TaskCancelled.ts"

class Database extends Context.Service<Database, { readonly rows: number }>()("Database") {}

declare const count: Effect.Effect<number, "busy", Database | Scope.Scope>

declare const latest: Latest.Latest<string>
declare const keeping: Latest.Keeping<string>

const replacing = () => Latest.make<{ readonly id: number }>({ overlap: true, giveUp: "1 second" })
const kept = () => Latest.make<string>({ mode: "keep" })
const started = () => latest.start("k", count)
const waited = () => latest.run("k", count)
const startedIfFree = () => keeping.start("k", count)
const waitedIfFree = () => keeping.run("k", count)

describe("Latest", () => {
  it("the mode decides what start answers", () => {
    expectTypeOf<ReturnType<typeof replacing>>().toEqualTypeOf<
      Effect.Effect<Latest.Latest<{ readonly id: number }>, never, Scope.Scope>
    >()
    expectTypeOf<ReturnType<typeof kept>>().toEqualTypeOf<Effect.Effect<Latest.Keeping<string>, never, Scope.Scope>>()
  })

  it("a task has the types of its effect, without the scope, which is its own", () => {
    expectTypeOf<ReturnType<typeof started>>().toEqualTypeOf<
      Effect.Effect<Task.Task<number, "busy">, never, Database>
    >()
  })

  it("whoever waits can be told that the run was superseded (K22)", () => {
    expectTypeOf<ReturnType<typeof waited>>().toEqualTypeOf<Effect.Effect<number, "busy" | TaskCancelled, Database>>()
  })

  it("keep narrows by `started`", () => {
    type Start = Effect.Success<ReturnType<typeof startedIfFree>>
    expectTypeOf<Extract<Start, { readonly started: true }>["task"]>().toEqualTypeOf<Task.Task<number, "busy">>()
    expectTypeOf<Extract<Start, { readonly started: false }>["task"]>().toEqualTypeOf<Task.Task<unknown, unknown>>()
    expectTypeOf<Effect.Success<ReturnType<typeof waitedIfFree>>>().toEqualTypeOf<
      Latest.Kept | { readonly started: true; readonly value: number }
    >()
  })

  it("keep has no patience to set: it tells nobody to stop", () => {
    expectTypeOf<Extract<keyof Latest.KeepingOptions<string>, "grace" | "giveUp">>().toEqualTypeOf<never>()
  })
})
