/** The turns and the cancels that the SDK's handler asks for, on the tasks of one agent. */
import { TaskState } from "@a2a-js/sdk"
import type * as A2A from "@a2a-js/sdk"
import type { AgentExecutionEvent, ExecutionEventBus, RequestContext } from "@a2a-js/sdk/server"
import type * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { SchedulerDispatcher } from "effect/Scheduler"
import * as CancelReason from "../../../fibers/CancelReason.ts"
import * as Task from "../../../fibers/Task.ts"
import { Tasks } from "../../../fibers/Tasks.ts"
import type { Agent } from "../Agent.ts"
import { AgentTask, type Home } from "./agentTask.ts"
import { AgentLog } from "./agentLog.ts"
import { ownerOf, tenantOf } from "./caller.ts"
import { cancelledEnd, type End } from "./endOf.ts"
import { isoOf } from "./instants.ts"
import { Outbox, publishOn } from "./outbox.ts"
import { startTask } from "./startTask.ts"
import { type BusHost, TaskBus } from "./taskBuses.ts"
import { Turning } from "./turning.ts"

type Handle = Task.Task<unknown, unknown, unknown>

interface Execution {
  readonly visible: AgentTask
  readonly outbox: Outbox
}

export class Executing implements BusHost {
  private readonly agent: Agent<any>
  private readonly context: Context.Context<any>
  private readonly tasks: Tasks["Service"]
  private readonly dispatcher: SchedulerDispatcher
  private readonly clock: Clock.Clock
  private readonly home: Home
  /** What clients see of a task lives as long as `Tasks` keeps its record. */
  private readonly executions = new WeakMap<Handle, Execution>()
  private closed = false
  private telling = false

  constructor(agent: Agent<any>, context: Context.Context<any>, dispatcher: SchedulerDispatcher, clock: Clock.Clock) {
    this.agent = agent
    this.context = context
    this.tasks = Context.get(context, Tasks)
    this.dispatcher = dispatcher
    this.clock = clock
    this.home = {
      services: context,
      clock,
      partialResult: agent.partialResult,
      later: (step) => dispatcher.scheduleTask(step, 0),
      // Its own reader; no other can come.
      log: () => new AgentLog(dispatcher, 0)
    }
  }

  /** From outside of Effect: the promise is always fulfilled. */
  run(effect: Effect.Effect<void, never, any>): Promise<void> {
    return new Promise((resolve) => {
      const logged = Effect.catchCause(effect, (cause) =>
        Effect.logError(`The executor of the agent "${this.agent.name}" failed`, cause)
      )
      Effect.runForkWith(this.context)(logged).addObserver(() => resolve())
    })
  }

  readonly report = (error: unknown): void => {
    Effect.runForkWith(this.context)(
      Effect.logError(`The bus of the agent "${this.agent.name}" cannot publish: it or a listener threw`, error)
    )
  }

  readonly deaf = (taskId: string): boolean => {
    const execution = Effect.runSync(this.find(taskId)).execution
    return execution !== undefined && !execution.visible.over && execution.visible.question === undefined
  }

  /** Ends when the turn has: the task has ended or asks, and that is published. */
  turn(request: RequestContext, bus: ExecutionEventBus): Effect.Effect<void, never, any> {
    return Effect.flatMap(this.find(request.taskId), ({ execution, handle }) => {
      if (execution !== undefined) return this.goOn(execution, request, bus)
      if (handle !== undefined) return this.remembered(handle, request, bus)
      return isUnderWay(request.task) ? this.end(request, bus, lost) : this.start(request, bus)
    })
  }

  private start(request: RequestContext, bus: ExecutionEventBus): Effect.Effect<void, never, any> {
    if (this.closed) return this.end(request, bus, closing)
    const execution = this.executionOf(request, bus)
    const { outbox, visible } = execution
    const turn = new Turning(visible, request.request, request.context, () => request.referenceTasks ?? [])
    return Effect.matchEffect(startTask(this.tasks, this.agent, visible, turn), {
      onFailure: ({ message }) =>
        this.end(request, bus, { state: TaskState.TASK_STATE_REJECTED, content: message }, execution),
      onSuccess: (running) => {
        this.executions.set(running, execution)
        const ended = outbox.turnEnd()
        outbox.begin(visible, bus)
        return ended
      }
    })
  }

  private goOn({ outbox, visible }: Execution, { userMessage }: RequestContext, bus: ExecutionEventBus) {
    return Effect.suspend(() => {
      // What came before this turn is published before it.
      outbox.flush()
      if (visible.over) {
        outbox.begin(visible, bus)
        outbox.publishFinal()
        return Effect.void
      }
      if (outbox.busy) outbox.storedTwice = true
      const proceed = visible.deliver(userMessage)
      // Else no turn begins: whoever sent this follows the one that goes on.
      const ended = outbox.turnEnd()
      if (proceed !== undefined) outbox.begin(visible, bus)
      proceed?.()
      return ended
    })
  }

  /** Cancelled before it began. */
  private remembered(handle: Handle, request: RequestContext, bus: ExecutionEventBus) {
    return Effect.flatMap(Task.poll(handle), (outcome) => {
      if (Option.isNone(outcome) || outcome.value._tag !== "Cancelled") return this.start(request, bus)
      const execution = this.executionOf(request, bus)
      execution.visible.running = handle
      this.executions.set(handle, execution)
      const { how, reason, took } = outcome.value
      return this.end(request, bus, cancelledEnd({ how, reason, took }, handle.name), execution)
    })
  }

  /** Without a run. */
  private end(
    request: RequestContext,
    bus: ExecutionEventBus,
    { content, metadata, state }: End,
    { outbox, visible }: Execution = this.executionOf(request, bus)
  ): Effect.Effect<void> {
    return Effect.sync(() => {
      visible.setStatus(state, content, metadata)
      // What is stored of the task is more than what is known here.
      const task = request.task === undefined ? visible.snapshot() : { ...request.task, status: visible.status }
      outbox.begin(visible, bus, task)
      outbox.flush()
    })
  }

  private executionOf(request: RequestContext, bus: ExecutionEventBus): Execution {
    const { context, contextId, taskId, userMessage } = request
    const identity = { id: taskId, contextId, tenant: tenantOf(context), owner: ownerOf(context) }
    const outbox = new Outbox(this.dispatcher, bus, this.report)
    return { outbox, visible: new AgentTask(identity, userMessage, this.home, outbox) }
  }

  /** Interrupts in this very step; ends when the end is published, at the latest when the agent's `giveUp` has passed. */
  cancel(taskId: string, bus: ExecutionEventBus): Effect.Effect<void> {
    if (taskId.trim() === "") return Effect.logWarning("A cancel named no task: there is nothing to cancel")
    if (bus instanceof TaskBus) bus.endOnly = true
    const options = { ...this.agent.cancel, reason: CancelReason.request() }
    return Effect.flatMap(this.find(taskId), ({ execution, handle }) => {
      if (execution === undefined) return this.remember(taskId, handle, options, bus)
      const { outbox } = execution
      if (!(bus instanceof TaskBus)) outbox.storedTwice = true
      outbox.flush()
      const { final } = outbox
      return Effect.andThen(
        Task.cancel(handle!, options),
        Effect.sync(() => {
          outbox.flush()
          if (final !== undefined) this.tell(bus, final)
        })
      )
    })
  }

  /** Of a task that has not begun: an ended record under its id, so that it never will. */
  private remember(
    taskId: string,
    handle: Handle | undefined,
    options: Task.CancelOptions,
    bus: ExecutionEventBus
  ): Effect.Effect<void> {
    const cancelled: Effect.Effect<unknown> =
      handle !== undefined
        ? Effect.void
        : Effect.matchEffect(this.tasks.start(taskId, Effect.never), {
            onFailure: ({ message }) =>
              Effect.logWarning(`The cancel of "${taskId}" is not kept for when it begins: ${message}`),
            onSuccess: (started) => Task.cancel(started, options)
          })
    return Effect.andThen(
      cancelled,
      Effect.sync(() => {
        const timestamp = isoOf(this.clock.currentTimeMillisUnsafe())
        const status = { state: TaskState.TASK_STATE_CANCELED, message: undefined, timestamp }
        this.tell(bus, { kind: "statusUpdate", data: { taskId, contextId: "", status, metadata: undefined } })
      })
    )
  }

  /** An answer to one who asks, which is news to nobody else. */
  private tell(bus: ExecutionEventBus, event: AgentExecutionEvent): void {
    // A bus that cancels whenever it is told something would be told for ever.
    if (this.telling) return
    this.telling = true
    if (bus instanceof TaskBus) bus.deliver(event)
    else publishOn(bus, event, this.report)
    this.telling = false
  }

  /** Cancels what runs, and starts nothing any more. */
  readonly close: Effect.Effect<void> = Effect.gen({ self: this }, function* () {
    this.closed = true
    const infos = yield* this.tasks.list
    const found = yield* Effect.forEach(infos, ({ id }) => this.find(id))
    const live = found.flatMap(({ execution, handle }) =>
      execution === undefined || execution.visible.over ? [] : [{ handle: handle!, outbox: execution.outbox }]
    )
    const handles = live.map(({ handle }) => handle)
    yield* Task.cancelAll(handles, { ...this.agent.cancel, reason: CancelReason.scopeClosed() })
    for (const { outbox } of live) outbox.flush()
  })

  private find(
    taskId: string
  ): Effect.Effect<{ readonly handle: Handle | undefined; readonly execution: Execution | undefined }> {
    return Effect.map(this.tasks.get(taskId), (found) => {
      const handle = Option.getOrUndefined(found)
      return { handle, execution: handle === undefined ? undefined : this.executions.get(handle) }
    })
  }
}

const lost: End = {
  state: TaskState.TASK_STATE_FAILED,
  content: "The work on this task is lost, since the server stopped or forgot it; send the message as a new task"
}

const closing: End = { state: TaskState.TASK_STATE_REJECTED, content: "The agent takes no tasks any more" }

/** In the store, but nowhere here. */
const isUnderWay = (task: A2A.Task | undefined): boolean => {
  const state = task?.status?.state ?? TaskState.TASK_STATE_SUBMITTED
  return state !== TaskState.TASK_STATE_SUBMITTED && state !== TaskState.TASK_STATE_UNSPECIFIED
}
