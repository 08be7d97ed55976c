/**
 * An agent's world for unit tests: the same table and the same worker as in production, in one process and without HTTP,
 * so that statuses, deadlines, retries, lost races and leases behave as they will there. On the test clock a ten-second
 * task takes as long as `TestClock.adjust("10 seconds")`.
 *
 * ```ts
 * it.effect("takes the faster quote", () =>
 *   Effect.gen(function* () {
 *     const agent = yield* Effect.forkChild(bestQuote)
 *     yield* TestClock.adjust("1 second")
 *     expect((yield* Fiber.join(agent)).winner).toBe("fast")
 *   }).pipe(Effect.provide(MockContext.layer({ tasks: [Quote.of(() => …)] })))
 * )
 * ```
 */
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type * as TaskDefinition from "../../http/TaskDefinition.ts"
import type { AgentTasks } from "./AgentTasks.ts"
import type { AgentContext } from "./context/AgentContext.ts"
import * as MakeContext from "./context/makeContext.ts"
import * as InProcess from "./table/inProcess.ts"
import * as Worker from "./worker/Worker.ts"
import type { WorkerLink } from "./WorkerLink.ts"

export interface Options<R> extends InProcess.Options, Partial<MakeContext.Options> {
  /** What the worker can run: the real programs, or doubles of the same definitions. */
  readonly tasks: ReadonlyArray<TaskDefinition.Implementation<R>>
  /** How many at once. Default: 16. */
  readonly slots?: number | undefined
}

export const layer = <R>(
  options: Options<R>
): Layer.Layer<AgentContext | AgentTasks | WorkerLink | InProcess.Desk, never, Exclude<R, Scope.Scope>> =>
  Layer.merge(
    MakeContext.layer({ ...options, name: options.name ?? "agent" }),
    Worker.layer({ name: "worker", tasks: options.tasks, slots: options.slots })
  ).pipe(Layer.provideMerge(InProcess.layer(options)))
