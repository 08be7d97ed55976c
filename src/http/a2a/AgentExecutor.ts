/**
 * An agent under the SDK's own `DefaultRequestHandler`, for servers that have one.
 * What it publishes is right: the task first in every turn, one end and nothing
 * after it, and a cancel that interrupts, has a deadline and never fails. What
 * lies above an executor stays as the SDK has it: a task whose reader leaves is
 * not stored any more, and each event costs a copy of the whole task. Who is free
 * to choose takes `AgentEngine` with `A2AHandler`.
 *
 * @since 0.1.0
 */
import type {
  AgentExecutor as SdkExecutor,
  ExecutionEventBus,
  ExecutionEventBusManager,
  RequestContext
} from "@a2a-js/sdk/server"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Tasks } from "../../fibers/Tasks.ts"
import type { Agent } from "./Agent.ts"
import { Executing } from "./internal/executing.ts"
import { TaskBuses } from "./internal/taskBuses.ts"

/**
 * Both are for the constructor of `DefaultRequestHandler`.
 *
 * @category models
 * @since 0.1.0
 */
export interface AgentExecutor {
  readonly executor: SdkExecutor
  /**
   * Drops a bus when its task has ended, also one that waited for input; a listener that throws stops nobody else; a
   * message that the task does not ask for is refused (`UnsupportedOperationError`).
   */
  readonly busManager: ExecutionEventBusManager
}

/**
 * Runs the tasks of an agent in `Tasks`, each under its A2A id. When the surrounding
 * scope closes, those that run are cancelled by the agent's own policy, and awaited.
 *
 * **Details**
 *
 * `execute` is fulfilled when the task has ended or asks for input; a task in
 * `turn.ask` stays where it is, and goes on with the next message. `cancelTask`
 * is fulfilled when the end is published, at the latest when the agent's `giveUp`
 * has passed. A cancel that comes before `execute` is remembered for as long as
 * `Tasks` keeps ended records: the agent never runs. Over the limit of `Tasks`,
 * and in a drain, a task is REJECTED. A task that is in the store, but was lost
 * with the process that ran it, is FAILED at the next message.
 *
 * **Gotchas**
 *
 * The SDK does not tell an executor that a client has left: `onDisconnect` has no
 * effect. With a bus manager of your own, a second stream that follows from a
 * message while the task goes on (AUTH_REQUIRED) ends the first one with an error.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <R>(agent: Agent<R>): Effect.Effect<AgentExecutor, never, Tasks | Scope.Scope | R> =>
  Effect.gen(function* () {
    const context = yield* Effect.context<Tasks | Scope.Scope | R>()
    const clock = yield* Clock.Clock
    const executing = yield* Effect.acquireRelease(
      Effect.withFiber((fiber) => Effect.succeed(new Executing(agent, context, fiber.currentDispatcher, clock))),
      (executing) => executing.close
    )
    return { executor: new Running(executing), busManager: new TaskBuses(executing) }
  })

/**
 * An executor that does what another does: extend it to do more.
 *
 * ```ts
 * class Audited extends AgentExecutor.Extended {
 *   override cancelTask(taskId: string, bus: ExecutionEventBus) {
 *     audit(taskId)
 *     return super.cancelTask(taskId, bus)
 *   }
 * }
 * const { busManager, executor } = yield* AgentExecutor.make(agent)
 * new DefaultRequestHandler(card, store, new Audited(executor), busManager)
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export class Extended implements SdkExecutor {
  protected readonly inner: SdkExecutor

  constructor(inner: SdkExecutor) {
    this.inner = inner
  }

  execute(request: RequestContext, bus: ExecutionEventBus): Promise<void> {
    return this.inner.execute(request, bus)
  }

  cancelTask(taskId: string, bus: ExecutionEventBus): Promise<void> {
    return this.inner.cancelTask(taskId, bus)
  }
}

class Running implements SdkExecutor {
  private readonly executing: Executing

  constructor(executing: Executing) {
    this.executing = executing
  }

  execute(request: RequestContext, bus: ExecutionEventBus): Promise<void> {
    return this.executing.run(this.executing.turn(request, bus))
  }

  cancelTask(taskId: string, bus: ExecutionEventBus): Promise<void> {
    return this.executing.run(this.executing.cancel(taskId, bus))
  }
}
