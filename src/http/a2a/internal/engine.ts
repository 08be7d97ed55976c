/** The engine behind `AgentEngine.make`. */
import type * as A2A from "@a2a-js/sdk"
import { type A2AError, TaskNotCancelableError, TaskNotFoundError, UnsupportedOperationError } from "@a2a-js/sdk/errors"
import { TaskState } from "@a2a-js/sdk"
import type { ServerCallContext } from "@a2a-js/sdk/server"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FiberSet from "effect/FiberSet"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as CancelReason from "../../../fibers/CancelReason.ts"
import * as Task from "../../../fibers/Task.ts"
import type { AlreadyRunning, Draining, TooManyTasks } from "../../../fibers/Tasks.ts"
import { Tasks } from "../../../fibers/Tasks.ts"
import * as Drain from "../../Drain.ts"
import { follow } from "../../internal/followers.ts"
import type { Agent } from "../Agent.ts"
import type { AgentEngine, AgentEvent, Options, Sent } from "../AgentEngine.ts"
import { Unavailable } from "../Unavailable.ts"
import { accepted, malformed } from "./accepted.ts"
import { AgentLog } from "./agentLog.ts"
import { AgentTask } from "./agentTask.ts"
import { belongs, ownerOf, reasonOf, tenantOf } from "./caller.ts"
import { countOf } from "./countOf.ts"
import { newId } from "./ids.ts"
import { noPush, Pushing, unsupported, whole } from "./pushing.ts"
import { pageOf } from "./pageOf.ts"
import { startTask } from "./startTask.ts"
import { Turning } from "./turning.ts"

type Handle = Task.Task<unknown, unknown, unknown>

export class Engine implements AgentEngine {
  readonly card: A2A.AgentCard
  private readonly agent: Agent<any>
  private readonly history: number
  private readonly tasks: Tasks["Service"]
  /** What tasks run with: not the services of the request that started them. */
  readonly context: Context.Context<any>
  private readonly scope: Scope.Scope
  /** What clients see of a task lives as long as `Tasks` keeps its record. */
  private readonly visible = new WeakMap<Handle, AgentTask>()

  private readonly pushing: Pushing | undefined

  constructor(
    agent: Agent<any>,
    options: Options,
    context: Context.Context<Tasks | Scope.Scope>,
    notifiers: FiberSet.FiberSet<void>
  ) {
    this.agent = agent
    this.card = options.card
    this.history = countOf("history", options.history ?? 1024, "events", 1024)
    this.context = context
    this.tasks = Context.get(context, Tasks)
    this.scope = Context.get(context, Scope.Scope)
    this.pushing =
      options.card.capabilities?.pushNotifications === true
        ? new Pushing(
            (id, call) => this.find(id, call),
            options.push ?? {},
            (notify) => withContext(FiberSet.run(notifiers, notify), context),
            Effect.runPromiseWith(context)
          )
        : undefined
  }

  get push(): AgentEngine["push"] {
    return this.pushing ?? noPush
  }

  readonly send: AgentEngine["send"] = (request, call) =>
    Effect.flatMap(this.accepted(request, call), (message) =>
      message.taskId === "" ? this.start(request, message, call) : this.goOn(request, message, call)
    )

  private accepted(request: A2A.SendMessageRequest, call: ServerCallContext): Effect.Effect<A2A.Message, A2AError> {
    const message = accepted(this.agent, request, call)
    const webhook = request.configuration?.taskPushNotificationConfig
    if (webhook === undefined) return message
    return Effect.andThen(this.pushing === undefined ? unsupported() : this.pushing.checked(webhook), message)
  }

  private start(
    request: A2A.SendMessageRequest,
    message: A2A.Message,
    call: ServerCallContext
  ): Effect.Effect<Sent, A2AError> {
    return Effect.flatMap(this.referencesOf(message, call), (references) =>
      Effect.withFiber<Sent, A2AError>((fiber) => {
        const { agent, tasks } = this
        const log = new AgentLog(fiber.currentDispatcher, this.history)
        const identity = {
          id: newId(),
          contextId: message.contextId === "" ? newId() : message.contextId,
          tenant: tenantOf(call),
          owner: ownerOf(call)
        }
        const visible = new AgentTask(identity, message, log, fiber.getRef(Clock.Clock))
        const turn = new Turning(visible, { ...request, message: visible.addressed(message) }, call, references)
        const sent = this.sent(visible, request, call)
        const started = startTask(tasks, agent, visible, turn)
        return Effect.matchEffect(withContext(started, this.context), {
          onFailure: (refused) => this.refusal(refused),
          onSuccess: (running) => {
            visible.running = running
            this.visible.set(running, visible)
            return Effect.as(this.announced(visible, request, call), sent)
          }
        })
      }).pipe(
        // Else a client that leaves at this moment could leave a task that nobody can find.
        // oxlint-disable-next-line rescind/no-bare-uninterruptible -- a few synchronous steps, no wait: no shield is needed
        Effect.uninterruptible
      )
    )
  }

  private refusal(refused: AlreadyRunning | Draining | TooManyTasks): Effect.Effect<never, A2AError> {
    return refused._tag === "Draining"
      ? Effect.flatMap(Drain.refusal(this.tasks), ({ detail, headers }) =>
          Effect.fail(new Unavailable(503, detail, Number(headers?.["retry-after"])))
        )
      : Effect.fail(new Unavailable(429, refused.message, 1))
  }

  private goOn(
    request: A2A.SendMessageRequest,
    message: A2A.Message,
    call: ServerCallContext
  ): Effect.Effect<Sent, A2AError> {
    const goingOn = Effect.flatMap(this.find(message.taskId, call), (visible) =>
      Effect.suspend((): Effect.Effect<Sent, A2AError> => {
        const { contextId, id } = visible
        if (message.contextId !== "" && message.contextId !== contextId) {
          return malformed(`message.contextId is "${message.contextId}", but the task "${id}" is in "${contextId}"`)
        }
        if (visible.over) return Effect.fail(new UnsupportedOperationError(`The task "${id}" has ended`))
        const full = this.pushing?.refusal(visible, request.configuration?.taskPushNotificationConfig)
        if (full !== undefined) return Effect.fail(full)
        const goOn = visible.deliver(message)
        if (goOn === undefined) {
          return Effect.fail(new UnsupportedOperationError(`The task "${id}" does not ask for a message`))
        }
        const sent = this.sent(visible, request, call)
        goOn()
        return Effect.as(this.announced(visible, request, call), sent)
      })
    )
    return request.configuration?.taskPushNotificationConfig === undefined ? goingOn : whole(goingOn)
  }

  /** To the webhook that came with the message, from now on. */
  private announced(
    visible: AgentTask,
    { configuration }: A2A.SendMessageRequest,
    call: ServerCallContext
  ): Effect.Effect<void> {
    const webhook = configuration?.taskPushNotificationConfig
    return webhook === undefined || this.pushing === undefined
      ? Effect.void
      : Effect.asVoid(this.pushing.addSent(visible, webhook, call))
  }

  /** Taken now: what happens later comes behind the task as it is now. */
  private sent(visible: AgentTask, request: A2A.SendMessageRequest, call: ServerCallContext): Sent {
    const historyLength = request.configuration?.historyLength
    return {
      taskId: visible.id,
      task: visible.snapshot(historyLength),
      events: this.followed(visible, call, visible.follow(historyLength)),
      settled: this.waitedFor(visible, call, this.settled(visible, historyLength))
    }
  }

  private settled(visible: AgentTask, historyLength: number | undefined): Effect.Effect<A2A.Task> {
    const answer = Effect.sync(() => visible.snapshot(historyLength))
    return Effect.suspend(() =>
      visible.settled
        ? answer
        : Effect.andThen(
            Effect.callback<void>((resume) => {
              // It may have paused since it looked.
              if (visible.settled) return resume(Effect.void)
              const withdraw = visible.onSettled(() => resume(Effect.void))
              return Effect.sync(withdraw)
            }),
            answer
          )
    )
  }

  readonly get: AgentEngine["get"] = (request, call) =>
    Effect.map(this.find(request.id, call), (visible) => visible.snapshot(request.historyLength))

  readonly list: AgentEngine["list"] = (request, call) =>
    Effect.flatMap(this.all(call), (visible) => pageOf(visible, request))

  readonly subscribe: AgentEngine["subscribe"] = (request, call) =>
    Effect.flatMap(this.find(request.id, call), (visible) =>
      visible.over
        ? Effect.fail(new UnsupportedOperationError(`The task "${visible.id}" has ended; read it instead`))
        : Effect.succeed(this.followed(visible, call, visible.follow()))
    )

  readonly cancel: AgentEngine["cancel"] = ({ id, metadata }, call) =>
    Effect.flatMap(this.find(id, call), (visible) =>
      Effect.flatMap(
        visible.over
          ? Effect.void
          : Task.cancel(visible.running!, { ...this.agent.cancel, reason: reasonOf(metadata, call) }),
        () =>
          visible.over && visible.status.state !== TaskState.TASK_STATE_CANCELED
            ? Effect.fail(new TaskNotCancelableError(`The task "${id}" has already ended`))
            : Effect.succeed(visible.snapshot())
      )
    )

  /** Those of other tenants and users are unknown. */
  private find(id: string, call: ServerCallContext): Effect.Effect<AgentTask, A2AError> {
    if (id.trim() === "") return malformed("The id of the task is required")
    return Effect.flatMap(this.tasks.get(id), (running) => {
      const visible = Option.isSome(running) ? this.visible.get(running.value) : undefined
      return visible === undefined || !belongs(visible, call)
        ? Effect.fail(new TaskNotFoundError(`Task not found: ${id}`))
        : Effect.succeed(visible)
    })
  }

  private all(call: ServerCallContext): Effect.Effect<ReadonlyArray<AgentTask>> {
    return Effect.flatMap(this.tasks.list, (infos) =>
      Effect.map(
        Effect.forEach(infos, ({ id }) => this.tasks.get(id)),
        (running) =>
          running.flatMap((running) => {
            const visible = Option.isSome(running) ? this.visible.get(running.value) : undefined
            return visible !== undefined && belongs(visible, call) ? [visible] : []
          })
      )
    )
  }

  /** Once each, and copied for an agent that reads them only: a message has room for ten thousands of ids of one large task. */
  private referencesOf(message: A2A.Message, call: ServerCallContext): Effect.Effect<() => ReadonlyArray<A2A.Task>> {
    return message.referenceTaskIds.length === 0
      ? none
      : Effect.map(
          Effect.forEach(new Set(message.referenceTaskIds), (id) => Effect.option(this.find(id, call))),
          (found) => {
            const tasks = found.flatMap(Option.toArray)
            return () => tasks.map((visible) => visible.snapshot())
          }
        )
  }

  private waitedFor<A>(visible: AgentTask, call: ServerCallContext, wait: Effect.Effect<A>): Effect.Effect<A> {
    return this.agent.onDisconnect === "keep" ? wait : Effect.scoped(Effect.andThen(this.follow(visible, call), wait))
  }

  /** Counts the reader, for an agent that stops when the last one has left. */
  private followed(
    visible: AgentTask,
    call: ServerCallContext,
    events: Stream.Stream<AgentEvent>
  ): Stream.Stream<AgentEvent> {
    return this.agent.onDisconnect === "keep"
      ? events
      : Stream.scoped(Stream.unwrap(Effect.as(this.follow(visible, call), events)))
  }

  private follow(visible: AgentTask, call: ServerCallContext): Effect.Effect<void, never, Scope.Scope> {
    return Effect.suspend(() => {
      const { cancel, linger } = this.agent
      const task = visible.running!
      const by = ownerOf(call)
      const reason = CancelReason.disconnect(by === "" ? {} : { by })
      return follow(visible, { task, linger, stop: Task.requestCancel(task, { ...cancel, reason }), scope: this.scope })
    })
  }
}

const none: Effect.Effect<() => ReadonlyArray<A2A.Task>> = Effect.succeed(() => [])

const withContext = <A, E>(self: Effect.Effect<A, E, any>, context: Context.Context<any>): Effect.Effect<A, E> =>
  Effect.updateContext<never, never>(() => context as Context.Context<never>)(self as Effect.Effect<A, E>)
