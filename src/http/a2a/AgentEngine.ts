/**
 * Runs the tasks of one agent, whatever protocol binding they come by. A task is
 * one task of `Tasks`, owned by the server and never by a request; it is the only
 * writer of what clients see of it; its first terminal state stays, and nothing
 * follows it. Clients that follow it stand at their own places in a bounded log:
 * one that is too slow is sent the whole task anew.
 *
 * @since 0.1.0
 */
import type * as A2A from "@a2a-js/sdk"
import type { A2AError } from "@a2a-js/sdk/errors"
import type { PushNotificationSender, PushNotificationStore, ServerCallContext } from "@a2a-js/sdk/server"
import type * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FiberSet from "effect/FiberSet"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type { Tasks } from "../../fibers/Tasks.ts"
import * as CancelPolicy from "../../fibers/CancelPolicy.ts"
import type { Agent } from "./Agent.ts"
import { Engine } from "./internal/engine.ts"

/**
 * Something that happened to a task, as it stands in streams.
 *
 * @category models
 * @since 0.1.0
 */
export interface AgentEvent {
  readonly response: A2A.StreamResponse
  /** The same in JSON, as text: made once for all who are sent it. */
  readonly json: string
}

/**
 * A message that was taken: a new task, or one that goes on.
 *
 * @category models
 * @since 0.1.0
 */
export interface Sent {
  readonly taskId: string
  /** Begins with the task; ends behind a terminal state, or a question (INPUT_REQUIRED). */
  readonly events: Stream.Stream<AgentEvent>
  /** Waits until the task has ended or asks for something. */
  readonly settled: Effect.Effect<A2A.Task>
  /** The task as it was when it had taken the message, at once. */
  readonly task: A2A.Task
}

/**
 * All of it is scoped: who asks sees the tasks of its own tenant and user only, and
 * others are unknown to it (`TaskNotFoundError`).
 *
 * @category models
 * @since 0.1.0
 */
export interface AgentEngine {
  readonly card: A2A.AgentCard
  /** The services that it was made with, for calls that come from outside of Effect: their clock, logger, tracer. */
  readonly context: Context.Context<never>
  /**
   * Takes a message. Fails with `RequestMalformedError`, `TaskNotFoundError`, `UnsupportedOperationError` (the task has
   * ended, does not ask for a message, or has as many webhooks as it may), `PushNotificationNotSupportedError` (a
   * webhook comes with it, and the card says nothing of any), `ContentTypeNotSupportedError`,
   * `ExtensionSupportRequiredError`, or `Unavailable` (too many tasks, or the server drains).
   */
  readonly send: (request: A2A.SendMessageRequest, call: ServerCallContext) => Effect.Effect<Sent, A2AError>
  /** Takes a message as `send` does, and waits until its task has ended or asks; not if the request says `returnImmediately`. */
  readonly answer: (request: A2A.SendMessageRequest, call: ServerCallContext) => Effect.Effect<A2A.Task, A2AError>
  readonly get: (request: A2A.GetTaskRequest, call: ServerCallContext) => Effect.Effect<A2A.Task, A2AError>
  readonly list: (
    request: A2A.ListTasksRequest,
    call: ServerCallContext
  ) => Effect.Effect<A2A.ListTasksResponse, A2AError>
  /** Begins with the task as it is, then what comes. `UnsupportedOperationError` if it has ended. */
  readonly subscribe: (
    request: A2A.SubscribeToTaskRequest,
    call: ServerCallContext
  ) => Effect.Effect<Stream.Stream<AgentEvent>, A2AError>
  /**
   * Cancels by the policy of the agent, and answers the task, CANCELED; again and again, and for concurrent calls, the
   * same. `TaskNotCancelableError` if it ended in another way. `metadata.reason` (a text) stands in the reason.
   */
  readonly cancel: (request: A2A.CancelTaskRequest, call: ServerCallContext) => Effect.Effect<A2A.Task, A2AError>
  /** Webhooks; `PushNotificationNotSupportedError` unless the card says that there are some. */
  readonly push: {
    readonly create: (
      config: A2A.TaskPushNotificationConfig,
      call: ServerCallContext
    ) => Effect.Effect<A2A.TaskPushNotificationConfig, A2AError>
    readonly get: (
      request: A2A.GetTaskPushNotificationConfigRequest,
      call: ServerCallContext
    ) => Effect.Effect<A2A.TaskPushNotificationConfig, A2AError>
    readonly list: (
      request: A2A.ListTaskPushNotificationConfigsRequest,
      call: ServerCallContext
    ) => Effect.Effect<A2A.ListTaskPushNotificationConfigsResponse, A2AError>
    readonly delete: (
      request: A2A.DeleteTaskPushNotificationConfigRequest,
      call: ServerCallContext
    ) => Effect.Effect<void, A2AError>
  }
}

/**
 * @category models
 * @since 0.1.0
 */
export interface PushOptions {
  /** What sends; it asks the store, which is the engine's, where to. Default: the SDK's. */
  readonly sender?: ((store: PushNotificationStore) => PushNotificationSender) | undefined
  /**
   * Whether notifications may go there; where not, the webhook is refused. Default: `Webhook.isPublic`, so not to the
   * server's own machine or network. It is asked once, when a webhook is registered, and knows no address behind a name.
   */
  readonly allow?: ((url: URL) => boolean) | undefined
  /** How many webhooks a task may have; one more is refused (`UnsupportedOperationError`). Default: 16. */
  readonly limit?: number | undefined
  /** How long a server that stops goes on with notifications that are on their way. Default: 2 seconds. */
  readonly flush?: Duration.Input | undefined
}
/**
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** As clients read it; see `Card.make`. */
  readonly card: A2A.AgentCard
  /** How many events of a task are kept for readers that are slow. Default: 1,024. */
  readonly history?: number | undefined
  /** For an agent whose card says that it has push notifications. */
  readonly push?: PushOptions | undefined
}

/**
 * Runs the tasks of an agent in `Tasks`. What the engine does by itself ends with
 * the surrounding scope; the tasks end with `Tasks`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <R>(
  agent: Agent<R>,
  options: Options
): Effect.Effect<AgentEngine, never, Tasks | Scope.Scope | R> =>
  Effect.gen(function* () {
    const context = yield* Effect.context<Tasks | Scope.Scope | R>()
    const notifiers = yield* FiberSet.make<void>()
    const flush = CancelPolicy.bound("flush", options.push?.flush ?? "2 seconds")
    yield* Effect.addFinalizer(() => Effect.timeoutOption(FiberSet.awaitEmpty(notifiers), flush))
    return new Engine(agent as Agent<any>, options, context, notifiers)
  })
