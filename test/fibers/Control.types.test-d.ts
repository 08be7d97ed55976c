import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { describe, expectTypeOf, it } from "vitest"
import * as Control from "../../src/fibers/Control.ts"
import type { ScopeCancelled } from "../../src/fibers/ScopeCancelled.ts"
import * as StepResult from "../../src/fibers/StepResult.ts"

class Database extends Context.Service<Database, { readonly rows: number }>()("Database") {}
class Down {
  readonly _tag = "Down"
}

declare const control: Control.Control
declare const count: Effect.Effect<number, Down, Database | Scope.Scope>

const fold = (result: StepResult.StepResult<number>) =>
  StepResult.match(result, { Completed: ({ value }) => value, Skipped: ({ to }) => to })

describe("Control types", () => {
  it("run adds ScopeCancelled and takes the scope away", () => {
    expectTypeOf(Control.run(control, count)).toEqualTypeOf<Effect.Effect<number, Down | ScopeCancelled, Database>>()
  })

  it("step answers a result, and fails only as its effect does", () => {
    expectTypeOf(Control.step(control, "count", count)).toEqualTypeOf<
      Effect.Effect<StepResult.StepResult<number>, Down, Database>
    >()
  })

  it("a result folds to what its cases give", () => {
    expectTypeOf<ReturnType<typeof fold>>().toEqualTypeOf<number | "next" | "previous">()
  })
})
