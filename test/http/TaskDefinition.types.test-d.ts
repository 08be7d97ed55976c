import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as HttpRouter from "effect/http/HttpRouter"
import type * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { describe, expectTypeOf, it } from "vitest"
import type { Tasks } from "../../src/fibers/Tasks.ts"
import type { OpenStreams } from "../../src/http/OpenStreams.ts"
import type { RunningHandlers } from "../../src/http/RunningHandlers.ts"
import * as TaskDefinition from "../../src/http/TaskDefinition.ts"
import * as TaskServer from "../../src/http/TaskServer.ts"

class Database extends Context.Service<Database, { readonly rows: Effect.Effect<number> }>()("Database") {}
class Broken extends Schema.TaggedError<Broken>()("Broken", {}) {}

const Import = TaskDefinition.make("import", {
  payload: Schema.Struct({ from: Schema.FiniteFromString }),
  success: Schema.Struct({ rows: Schema.Int }),
  error: Broken,
  progress: Schema.Int,
  partial: Schema.Array(Schema.String)
})

describe("TaskDefinition", () => {
  it("an implementation is given the decoded payload and a self that is typed by the definition", () => {
    Import.of((payload, self) => {
      expectTypeOf(payload).toEqualTypeOf<{ readonly from: number }>()
      expectTypeOf(self.progress).parameter(0).toEqualTypeOf<number>()
      expectTypeOf(self.partial).parameter(0).toEqualTypeOf<ReadonlyArray<string>>()
      expectTypeOf(self.output).parameter(0).toBeNever()
      return Effect.fail(new Broken())
    })
  })

  it("its value and its failure must be those of the definition", () => {
    expectTypeOf(Import.of(() => Effect.succeed({ rows: 1 }))).toEqualTypeOf<TaskDefinition.Implementation<never>>()
    // @ts-expect-error the value has no rows
    Import.of(() => Effect.succeed({}))
    // @ts-expect-error it may fail only as Broken
    Import.of(() => Effect.fail("broken"))
    // @ts-expect-error without an error schema it may not fail
    TaskDefinition.make("sure", { success: Schema.Void }).of(() => Effect.fail(new Broken()))
  })

  it("what it needs, but for the scope of the task, the layer of the server needs", () => {
    const needy = Import.of(() =>
      Effect.gen(function* () {
        yield* Effect.addFinalizer(() => Effect.void)
        return { rows: yield* (yield* Database).rows }
      })
    )
    const free = TaskDefinition.make("free", { success: Schema.Void }).of(
      () => Effect.void as Effect.Effect<void, never, Scope.Scope>
    )
    expectTypeOf(needy).toEqualTypeOf<TaskDefinition.Implementation<Database>>()
    expectTypeOf(free).toEqualTypeOf<TaskDefinition.Implementation<never>>()
    expectTypeOf(TaskServer.layer({ tasks: [needy, free] })).toEqualTypeOf<
      Layer.Layer<OpenStreams | RunningHandlers, never, Tasks | HttpRouter.HttpRouter | Database>
    >()
  })
})
