/** What a runner starts needs no more than its runtime provides; outcomes know both kinds of failure. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import { describe, expectTypeOf, it } from "vitest"
import type * as TaskOutcome from "../../src/fibers/TaskOutcome.ts"
import * as TaskRunner from "../../src/fibers/TaskRunner.ts"

class Store extends Context.Service<Store, { readonly rows: string }>()("Store") {}
class Other extends Context.Service<Other, { readonly rows: string }>()("Other") {}

const layer: Layer.Layer<Store, "not built"> = Layer.succeed(Store, { rows: "" })

describe("TaskRunner", () => {
  it("infers from a layer and from a runtime", () => {
    expectTypeOf(TaskRunner.make(layer)).toEqualTypeOf<TaskRunner.TaskRunner<Store, "not built">>()
    expectTypeOf(TaskRunner.make(ManagedRuntime.make(layer))).toEqualTypeOf<TaskRunner.TaskRunner<Store, "not built">>()
  })

  it("starts what its services suffice for", () => {
    const runner = TaskRunner.make(layer)
    const task = runner.start("read", Effect.andThen(Store, Effect.fail("gone" as const)))
    expectTypeOf(task.outcome).toEqualTypeOf<Promise<TaskOutcome.TaskOutcome<never, "gone" | "not built">>>()
    expectTypeOf(runner.start("count", Effect.succeed(1))).toExtend<Promise<number>>()
    void runner.start(
      "scoped",
      Effect.acquireRelease(Effect.succeed(1), () => Effect.void)
    )
    // @ts-expect-error -- nobody provides Other
    void runner.start("other", Other)
  })
})
