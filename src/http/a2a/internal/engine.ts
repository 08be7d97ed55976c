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
import { Scheduler } from "effect/Scheduler"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { companionOf } from "../../../fibers/internal/companion.ts"
import * as Task from "../../../fibers/Task.ts"
import type { AlreadyRunning, Draining, TooManyTasks } from "../../../fibers/Tasks.ts"
import { Tasks } from "../../../fibers/Tasks.ts"
import * as Drain from "../../Drain.ts"
import { flatContext } from "../../internal/flatContext.ts"
import type { Agent } from "../Agent.ts"
import type { AgentEngine, AgentEvent, Options, Sent } from "../AgentEngine.ts"
import { Unavailable } from "../Unavailable.ts"
import { accepted, malformed } from "./accepted.ts"
import { AgentLog } from "./agentLog.ts"
import { AgentTask, type Home } from "./agentTask.ts"
import { belongs, ownerOf, reasonOf, tenantOf } from "./caller.ts"
import { countOf } from "./countOf.ts"
import { following } from "./following.ts"
import { newId } from "./ids.ts"
import { inOneStep } from "./inOneStep.ts"
import { noPush, Pushing, unsupported, webhookOf } from "./pushing.ts"
import { pageOf } from "./pageOf.ts"
import { startTask } from "./startTask.ts"
import { Turning } from "./turning.ts"

export class Engine implements AgentEngine {
  readonly card: A2A.AgentCard
  /** What it needs is in `context`. */
  private readonly agent: Agent<never>
  private readonly tasks: Tasks["Service"]
  /** What tasks run with: not the services of the request that started them. */
  readonly context: Context.Context<any>
  private readonly home: Home
  private readonly scope: Scope.Scope
  private readonly pushing: Pushing | undefined

  constructor(
    agent: Agent<any>,
    options: Options,
    context: Context.Context<Tasks | Scope.Scope>,
    notifiers: FiberSet.FiberSet<void>
  ) {
    this.agent = agent as Agent<never>
    this.card = options.card
    this.context = context
    const history = countOf("history", options.history ?? 1024, "events", 1024)
    const dispatcher = Context.get(context, Scheduler).makeDispatcher()
    this.home = {
      services: flatContext(context),
      clock: Context.get(context, Clock.Clock),
      partialResult: agent.partialResult,
      later: (step) => dispatcher.scheduleTask(step, 0),
      log: () => new AgentLog(dispatcher, history)
    }
    this.tasks = Context.get(context, Tasks)
    this.scope = Context.get(context, Scope.Scope)
    this.pushing =
      options.card.capabilities?.pushNotifications === true
        ? new Pushing(
            (id, call) => this.find(id, call),
            options.push ?? {},
            (notify) => Effect.updateContext<never, never>(() => this.home.services)(FiberSet.run(notifiers, notify)),
            Effect.runPromiseWith(context)
          )
        : undefined
  }

  get push(): AgentEngine["push"] {
    return this.pushing ?? noPush
  }

  readonly send: AgentEngine["send"] = (request, call) =>
    this.taken(request, call, (visible) => this.sent(visible, request, call))

  readonly answer: AgentEngine["answer"] = (request, call) => {
    const historyLength = request.configuration?.historyLength
    if (request.configuration?.returnImmediately === true) {
      return this.taken(request, call, (visible) => visible.snapshot(historyLength))
    }
    const settled = (visible: AgentTask) => this.settled(visible, historyLength)
    if (this.agent.onDisconnect === "keep") return Effect.flatten(this.taken(request, call, settled))
    const taken = this.taken(request, call, (visible) => visible)
    const following = inOneStep(Effect.tap(taken, (visible) => this.follow(visible, call)))
    return Effect.scoped(Effect.flatMap(following, settled))
  }

  /** `read` is called in the step in which the message is taken: what happens later comes behind what it reads. */
  private taken<A>(
    request: A2A.SendMessageRequest,
    call: ServerCallContext,
    read: (visible: AgentTask) => A
  ): Effect.Effect<A, A2AError> {
    return Effect.suspend(() =>
      Effect.flatMapEager(this.accepted(request, call), (message) =>
        message.taskId === "" ? this.start(request, message, call, read) : this.goOn(request, message, call, read)
      )
    )
  }

  private accepted(request: A2A.SendMessageRequest, call: ServerCallContext): Effect.Effect<A2A.Message, A2AError> {
    const message = accepted(this.agent, request, call)
    const webhook = webhookOf(request)
    if (webhook === undefined) return message
    return Effect.andThen(this.pushing === undefined ? unsupported() : this.pushing.checked(webhook), message)
  }

  private start<A>(
    request: A2A.SendMessageRequest,
    message: A2A.Message,
    call: ServerCallContext,
    read: (visible: AgentTask) => A
  ): Effect.Effect<A, A2AError> {
    return Effect.flatMapEager(this.referencesOf(message, call), (references) => {
      const identity = {
        id: newId(),
        contextId: message.contextId === "" ? newId() : message.contextId,
        tenant: tenantOf(call),
        owner: ownerOf(call)
      }
      const visible = new AgentTask(identity, message, this.home)
      const turn = new Turning(visible, request, call, references)
      const result = read(visible)
      const started = Effect.matchEffect(startTask(this.tasks, this.agent, visible, turn), {
        onFailure: (refused) => this.refusal(refused),
        onSuccess: () => this.announced(visible, request, call, result)
      })
      return webhookOf(request) === undefined ? started : inOneStep(started)
    })
  }

  private refusal(refused: AlreadyRunning | Draining | TooManyTasks): Effect.Effect<never, A2AError> {
    return refused._tag === "Draining"
      ? Effect.flatMap(Drain.refusal(this.tasks), ({ detail, headers }) =>
          Effect.fail(new Unavailable(503, detail, Number(headers?.["retry-after"])))
        )
      : Effect.fail(new Unavailable(429, refused.message, 1))
  }

  private goOn<A>(
    request: A2A.SendMessageRequest,
    message: A2A.Message,
    call: ServerCallContext,
    read: (visible: AgentTask) => A
  ): Effect.Effect<A, A2AError> {
    const goingOn = Effect.flatMap(this.find(message.taskId, call), (visible) =>
      Effect.suspend((): Effect.Effect<A, A2AError> => {
        const { contextId, id } = visible
        if (message.contextId !== "" && message.contextId !== contextId) {
          return malformed(`message.contextId is "${message.contextId}", but the task "${id}" is in "${contextId}"`)
        }
        if (visible.over) return Effect.fail(new UnsupportedOperationError(`The task "${id}" has ended`))
        const full = this.pushing?.refusal(visible, webhookOf(request))
        if (full !== undefined) return Effect.fail(full)
        const goOn = visible.deliver(message)
        if (goOn === undefined) {
          return Effect.fail(new UnsupportedOperationError(`The task "${id}" does not ask for a message`))
        }
        const result = read(visible)
        goOn()
        return this.announced(visible, request, call, result)
      })
    )
    return webhookOf(request) === undefined ? goingOn : inOneStep(goingOn)
  }

  /** To the webhook that came with the message, from now on. */
  private announced<A>(
    visible: AgentTask,
    request: A2A.SendMessageRequest,
    call: ServerCallContext,
    result: A
  ): Effect.Effect<A> {
    const webhook = webhookOf(request)
    return webhook === undefined || this.pushing === undefined
      ? Effect.succeed(result)
      : Effect.as(this.pushing.addSent(visible, webhook, call), result)
  }

  private sent(visible: AgentTask, request: A2A.SendMessageRequest, call: ServerCallContext): Sent {
    const historyLength = request.configuration?.historyLength
    const task = visible.snapshot(historyLength)
    return {
      taskId: visible.id,
      task,
      events: this.followed(visible, call, visible.follow(task)),
      settled: this.waitedFor(visible, call, this.settled(visible, historyLength))
    }
  }

  private settled(visible: AgentTask, historyLength: number | undefined): Effect.Effect<A2A.Task> {
    return Effect.callback<A2A.Task>((resume) => {
      const answer = () => resume(Effect.succeed(visible.snapshot(historyLength)))
      if (visible.settled) return answer()
      const withdraw = visible.onSettled(answer)
      return Effect.sync(withdraw)
    })
  }

  readonly get: AgentEngine["get"] = (request, call) =>
    Effect.map(this.find(request.id, call), (visible) => visible.snapshot(request.historyLength))

  readonly list: AgentEngine["list"] = (request, call) =>
    Effect.flatMap(this.all(call), (visible) => pageOf(visible, request))

  readonly subscribe: AgentEngine["subscribe"] = (request, call) =>
    Effect.flatMap(this.find(request.id, call), (visible) =>
      visible.over
        ? Effect.fail(new UnsupportedOperationError(`The task "${visible.id}" has ended; read it instead`))
        : Effect.succeed(this.followed(visible, call, visible.follow(visible.snapshot())))
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
      const visible = Option.isSome(running) ? this.visible(running.value) : undefined
      return visible === undefined || !belongs(visible, call)
        ? Effect.fail(new TaskNotFoundError(`Task not found: ${id}`))
        : Effect.succeed(visible)
    })
  }

  /** Of a task that is one of this agent's: others may be in the same `Tasks`. */
  private visible(task: Task.Task<unknown, unknown, unknown>): AgentTask | undefined {
    const companion = companionOf(task)
    return companion instanceof AgentTask && companion.home === this.home ? companion : undefined
  }

  private all(call: ServerCallContext): Effect.Effect<ReadonlyArray<AgentTask>> {
    return Effect.flatMap(this.tasks.list, (infos) =>
      Effect.map(
        Effect.forEach(infos, ({ id }) => this.tasks.get(id)),
        (running) =>
          running.flatMap((running) => {
            const visible = Option.isSome(running) ? this.visible(running.value) : undefined
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
    return following(this.agent, visible, call, this.scope)
  }
}

const none: Effect.Effect<() => ReadonlyArray<A2A.Task>> = Effect.succeed(() => [])
