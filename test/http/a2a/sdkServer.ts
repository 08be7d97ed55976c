/** The SDK's own `DefaultRequestHandler` in process, with executors as its users write them. */
import { setImmediate } from "node:timers/promises"
import { TaskState } from "@a2a-js/sdk"
import type * as A2A from "@a2a-js/sdk"
import {
  type A2ARequestHandler,
  AgentEvent,
  type AgentExecutor,
  DefaultExecutionEventBusManager,
  DefaultRequestHandler,
  type ExecutionEventBus,
  type ExecutionEventBusManager,
  InMemoryTaskStore,
  type RequestContext,
  ServerCallContext,
  type TaskStore
} from "@a2a-js/sdk/server"
import * as Effect from "effect/Effect"
import * as Agent from "../../../src/http/a2a/Agent.ts"
import * as Card from "../../../src/http/a2a/Card.ts"
import { requestOf, wordOf } from "./engines.ts"

/** A handler, asked as its users ask it. */
export interface Calls {
  readonly handler: A2ARequestHandler
  readonly call: ServerCallContext
  readonly task: (id: string) => Promise<A2A.Task>
  /** The state that clients read; the start of its name is left out. */
  readonly stored: (id: string) => Promise<string>
  readonly cancel: (id: string) => Promise<A2A.Task>
  /** Sends without waiting for the end; answers the task. */
  readonly send: (text?: string, message?: Partial<A2A.Message>) => Promise<A2A.Task>
  readonly stream: (
    text?: string,
    message?: Partial<A2A.Message>
  ) => AsyncGenerator<A2A.StreamResponse, void, undefined>
  readonly subscribe: (id: string) => AsyncGenerator<A2A.StreamResponse, void, undefined>
}

export const callsOf = (handler: A2ARequestHandler): Calls => {
  const call = new ServerCallContext({ requestedVersion: "1.0" })
  const task = (id: string) => handler.getTask({ tenant: "", id }, call)
  return {
    handler,
    call,
    task,
    stored: async (id) => nameOf((await task(id)).status!.state),
    cancel: (id) => handler.cancelTask({ tenant: "", id, metadata: undefined }, call),
    send: (text = "go", message) =>
      handler.sendMessage(requestOf(text, message, { returnImmediately: true }), call) as Promise<A2A.Task>,
    stream: (text = "go", message) => handler.sendMessageStream(requestOf(text, message), call),
    subscribe: (id) => handler.resubscribe({ tenant: "", id }, call)
  }
}

export const sdkServer = (
  executor: AgentExecutor,
  options: { readonly busManager?: ExecutionEventBusManager; readonly store?: TaskStore } = {}
): Calls & { readonly buses: ExecutionEventBusManager } => {
  const store = options.store ?? new InMemoryTaskStore()
  const buses = options.busManager ?? new DefaultExecutionEventBusManager()
  return { ...callsOf(new DefaultRequestHandler(cardOf(), store, executor, buses)), buses }
}

/** Reads a stream until it ends, and says how. */
export const reading = (stream: AsyncGenerator<A2A.StreamResponse, void, undefined>) => {
  const seen: Array<A2A.StreamResponse> = []
  const done = (async () => {
    for await (const response of stream) seen.push(response)
  })().then(
    () => "ended",
    (error: Error) => error.message
  )
  return {
    seen,
    done,
    get id(): string {
      const payload = seen[0]?.payload
      return payload?.$case === "task" ? payload.value.id : "none"
    },
    get words(): ReadonlyArray<string> {
      return seen.map(wordOf)
    }
  }
}

const cardOf = (): A2A.AgentCard =>
  Card.make(Agent.make("agent", { description: "Under test", run: () => Effect.void }), {
    interfaces: ["http://agent.test/"]
  })

const nameOf = (state: TaskState): string => TaskState[state].replace("TASK_STATE_", "")

/** Everything that can happen without time passing has happened. */
export const turns = async (count = 30): Promise<void> => {
  for (let turn = 0; turn < count; turn++) await setImmediate()
}

/** How a call stands after that: `"pending"`, the state of the task it answers, or the name of its error. */
export const standing = async (call: Promise<A2A.Task>): Promise<string> => {
  let seen = "pending"
  call.then(
    (task) => (seen = nameOf(task.status!.state)),
    (error: Error) => (seen = error.name)
  )
  await turns()
  return seen
}

/** A promise that the test settles. */
export const gate = <A = void>() => Promise.withResolvers<A>()

/** What an executor publishes, as short as its users would like it. */
export class Publishing {
  private readonly taskId: string
  private readonly contextId: string
  readonly bus: ExecutionEventBus

  constructor({ contextId, taskId }: Pick<RequestContext, "contextId" | "taskId">, bus: ExecutionEventBus) {
    this.taskId = taskId
    this.contextId = contextId
    this.bus = bus
  }

  task(state = TaskState.TASK_STATE_SUBMITTED): void {
    const { contextId, taskId } = this
    const status = { state, message: undefined, timestamp: undefined }
    this.bus.publish(
      AgentEvent.task({ id: taskId, contextId, status, artifacts: [], history: [], metadata: undefined })
    )
  }

  status(state: TaskState): void {
    const { contextId, taskId } = this
    const status = { state, message: undefined, timestamp: undefined }
    this.bus.publish(AgentEvent.statusUpdate({ taskId, contextId, status, metadata: undefined }))
  }

  chunk(text: string): void {
    const { contextId, taskId } = this
    const parts = [
      { content: { $case: "text" as const, value: text }, metadata: undefined, filename: "", mediaType: "" }
    ]
    const artifact = { artifactId: "a", name: "a", description: "", parts, metadata: undefined, extensions: [] }
    const update = { taskId, contextId, artifact, append: true, lastChunk: false, metadata: undefined }
    this.bus.publish(AgentEvent.artifactUpdate(update))
  }
}

/** As the SDK's README has it: a flag, looked at between the steps. */
export class ReadmeExecutor implements AgentExecutor {
  private readonly cancelled = new Set<string>()
  private readonly steps: ReadonlyArray<(publishing: Publishing) => Promise<void>>

  constructor(...steps: ReadonlyArray<(publishing: Publishing) => Promise<void>>) {
    this.steps = steps
  }

  readonly execute = async (context: RequestContext, bus: ExecutionEventBus): Promise<void> => {
    const publishing = new Publishing(context, bus)
    publishing.task()
    publishing.status(TaskState.TASK_STATE_WORKING)
    for (const step of this.steps) {
      if (this.cancelled.has(context.taskId)) return publishing.status(TaskState.TASK_STATE_CANCELED)
      await step(publishing)
    }
    publishing.status(
      this.cancelled.has(context.taskId) ? TaskState.TASK_STATE_CANCELED : TaskState.TASK_STATE_COMPLETED
    )
  }

  readonly cancelTask = async (taskId: string): Promise<void> => {
    this.cancelled.add(taskId)
  }
}

/** One better: the work is handed a signal. What becomes of the abort, the two functions say. */
export class AbortingExecutor implements AgentExecutor {
  readonly controller = new AbortController()
  cancels = 0
  private publishing: Publishing | undefined = undefined
  private readonly work: (signal: AbortSignal, publishing: Publishing) => Promise<void>
  private readonly aborted: (publishing: Publishing) => Promise<void>

  constructor(
    work: (signal: AbortSignal, publishing: Publishing) => Promise<void>,
    aborted: (publishing: Publishing) => Promise<void>
  ) {
    this.work = work
    this.aborted = aborted
  }

  readonly execute = async (context: RequestContext, bus: ExecutionEventBus): Promise<void> => {
    const publishing = (this.publishing = new Publishing(context, bus))
    publishing.task()
    publishing.status(TaskState.TASK_STATE_WORKING)
    await this.work(this.controller.signal, publishing)
    if (!this.controller.signal.aborted) publishing.status(TaskState.TASK_STATE_COMPLETED)
  }

  readonly cancelTask = async (): Promise<void> => {
    this.cancels++
    this.controller.abort()
    await this.aborted(this.publishing!)
  }
}

/** Ends each turn with a question, as an executor does that has the conversation in a store. */
export class AskingExecutor implements AgentExecutor {
  private publishing: Publishing | undefined = undefined
  private readonly cancelled: (publishing: Publishing) => Promise<void>

  constructor(cancelled: (publishing: Publishing) => Promise<void>) {
    this.cancelled = cancelled
  }

  readonly execute = async (context: RequestContext, bus: ExecutionEventBus): Promise<void> => {
    const publishing = (this.publishing = new Publishing(context, bus))
    publishing.task()
    publishing.status(TaskState.TASK_STATE_INPUT_REQUIRED)
  }

  readonly cancelTask = (): Promise<void> => this.cancelled(this.publishing!)
}

/** Cannot save a canceled task until it is mended. */
export const failingStore = () => {
  const store = new InMemoryTaskStore()
  const save = store.save.bind(store)
  let broken = true
  store.save = (task, context) =>
    broken && task.status?.state === TaskState.TASK_STATE_CANCELED
      ? Promise.reject(new Error("The disk is full"))
      : save(task, context)
  return Object.assign(store, { mend: () => void (broken = false) })
}
