/**
 * What an agent works with: schedule tasks, wait for them, cancel them, start agents below. An agent is a plain effect
 * that asks for this service. Give it `AgentContext.layer` over a server or a table, or, in a unit test, `MockContext`.
 * An agent that is interrupted or fails cancels what it left open; one that succeeds leaves it running.
 */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type * as Schema from "effect/Schema"
import type * as CancelReason from "../../../fibers/CancelReason.ts"
import type { CancelResult } from "../../../fibers/CancelResult.ts"
import type * as TaskDefinition from "../../../http/TaskDefinition.ts"
import type { AgentTasksError } from "../agentTaskErrors.ts"
import type { CancelItem, Order } from "../AgentTasks.ts"
import type { Budget, ChildAgent } from "./childAgent.ts"
import type { CancelOptions, TaskHandle } from "./TaskHandle.ts"

export interface ScheduleOptions {
  /** Higher is begun first. Default: 0. */
  readonly priority?: number | undefined
  /** Default: true. */
  readonly cancellable?: boolean | undefined
  /** The deadline that the server keeps, from the moment it is submitted. */
  readonly timeout?: Duration.Input | undefined
  /** How often a failed run is tried again. Default: 0. */
  readonly retries?: number | undefined
  /** The task whose place it takes. */
  readonly replaces?: TaskHandle<unknown> | undefined
  /** The only worker that may run it. */
  readonly on?: string | undefined
  /** What logs and timelines of the agent call it. It is not sent. */
  readonly label?: string | undefined
}

export class AgentContext extends Context.Service<
  AgentContext,
  {
    readonly name: string
    /** Records a task, and sends nothing yet. Input that its schema does not allow, or an option, is a defect. */
    readonly schedule: <D extends TaskDefinition.Any>(
      definition: D,
      input: D["payload"]["Type"],
      options?: ScheduleOptions
    ) => Effect.Effect<TaskHandle<D["success"]["Type"]>>
    /** Sends what was recorded, in one request. Whoever waits for a task does that by itself. */
    readonly submit: Effect.Effect<void, AgentTasksError>
    /** Cancels by id, also a task that this agent has no handle of. */
    readonly cancelTask: (id: string, options?: CancelOptions) => Effect.Effect<CancelResult, AgentTasksError>
    /** Many at once, told in one step. One that cannot be cancelled stands in its place with the error. */
    readonly cancelMany: (
      handles: ReadonlyArray<TaskHandle<unknown>>,
      options?: CancelOptions & { readonly order?: Order | undefined }
    ) => Effect.Effect<ReadonlyArray<CancelItem>, AgentTasksError>
    /** Whether this agent was asked to stop, and why: to be looked at in its grace. */
    readonly cancellationRequested: Effect.Effect<Option.Option<CancelReason.CancelReason>>
    /** Stops here if it was. */
    readonly checkCancellation: Effect.Effect<void>
    /** Starts an agent below this one, named `<this>/<name>`. */
    readonly child: <A, E, R>(
      name: string,
      agent: Effect.Effect<A, E, R>,
      options?: { readonly budget?: Budget | undefined }
    ) => Effect.Effect<ChildAgent<A, E>, never, Exclude<R, AgentContext>>
    /** Runs once in the life of the agent: an agent that is resumed from its journal gets the value of then. */
    readonly once: <A, E, R>(
      key: string,
      schema: Schema.Codec<A, any>,
      effect: Effect.Effect<A, E, R>
    ) => Effect.Effect<A, E, R>
  }
>()("rescind/examples/agent-tasks/AgentContext") {}
