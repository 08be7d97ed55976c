/**
 * The buses for the SDK's handler. Each request has its own view of the bus of its
 * task, because they need different things: who cancels stores only the end (a
 * second writer of the artifacts would write them twice), and the task that begins
 * a turn concerns that turn alone. A bus is dropped when its task has ended and
 * whoever read of it has stored that.
 */
import { TaskState } from "@a2a-js/sdk"
import { UnsupportedOperationError } from "@a2a-js/sdk/errors"
import type {
  AgentExecutionEvent,
  EventListener,
  ExecutionEventBus,
  ExecutionEventBusManager,
  ExecutionEventName,
  FinishedListener
} from "@a2a-js/sdk/server"
import { endsTask } from "./outbox.ts"

type Listener = EventListener | FinishedListener

interface Heard {
  readonly name: ExecutionEventName
  readonly listener: Listener
  readonly once: boolean
}

interface Channel {
  /** Those that somebody listens to. */
  readonly views: Set<TaskBus>
  /** How many executions have not returned. */
  executing: number
  over: boolean
}

export interface BusHost {
  /** Whether a message to this task now could reach nobody. */
  readonly deaf: (taskId: string) => boolean
  readonly report: (error: unknown) => void
}

export class TaskBus implements ExecutionEventBus {
  /** Hears of nothing but the end. */
  endOnly = false
  readonly channel: Channel
  private heard: ReadonlyArray<Heard> = []
  private readonly report: (error: unknown) => void
  private readonly left: () => void

  constructor(channel: Channel, report: (error: unknown) => void, left: () => void) {
    this.channel = channel
    this.report = report
    this.left = left
  }

  publish(event: AgentExecutionEvent): void {
    const ends = endsTask(event)
    if (ends) this.channel.over = true
    if (event.kind === "task" || event.kind === "message") this.deliver(event)
    else for (const view of Array.from(this.channel.views)) if (ends || !view.endOnly) view.deliver(event)
  }

  /** To this view alone. */
  deliver(event: AgentExecutionEvent): void {
    this.tell("event", (listener) => listener.call(this, event))
  }

  finished(): void {
    this.tell("finished", (listener) => (listener as FinishedListener).call(this))
  }

  on(name: ExecutionEventName, listener: Listener): this {
    return this.listen({ name, listener, once: false })
  }

  once(name: ExecutionEventName, listener: Listener): this {
    return this.listen({ name, listener, once: true })
  }

  off(name: ExecutionEventName, listener: Listener): this {
    const index = this.heard.findLastIndex((heard) => heard.name === name && heard.listener === listener)
    return this.keep(this.heard.filter((_, place) => place !== index))
  }

  removeAllListeners(name?: ExecutionEventName): this {
    return this.keep(name === undefined ? [] : this.heard.filter((heard) => heard.name !== name))
  }

  private listen(heard: Heard): this {
    this.heard = [...this.heard, heard]
    this.channel.views.add(this)
    return this
  }

  private keep(heard: ReadonlyArray<Heard>): this {
    this.heard = heard
    if (heard.length === 0 && this.channel.views.delete(this)) this.left()
    return this
  }

  /** One listener that throws stops neither the others nor the process. */
  private tell(name: ExecutionEventName, call: (listener: Listener) => void): void {
    for (const heard of this.heard.filter((heard) => heard.name === name)) {
      if (heard.once) this.off(name, heard.listener)
      // oxlint-disable-next-line repository/effect-only -- listeners are the code of others, in a step that is no fiber's
      try {
        call(heard.listener)
      } catch (error) {
        this.report(error)
      }
    }
  }
}

export class TaskBuses implements ExecutionEventBusManager {
  // The SDK looks a bus up by the id of its task. Not by tenant and user: it does so only for a task that it found for them.
  private readonly channels = new Map<string, Channel>()
  private readonly host: BusHost

  constructor(host: BusHost) {
    this.host = host
  }

  createOrGetByTaskId(taskId: string): TaskBus {
    if (this.host.deaf(taskId)) {
      throw new UnsupportedOperationError(`The task "${taskId}" does not ask for a message`)
    }
    const channel = this.channels.get(taskId) ?? { views: new Set(), executing: 0, over: false }
    this.channels.set(taskId, channel)
    channel.executing++
    return this.view(taskId, channel)
  }

  getByTaskId(taskId: string): TaskBus | undefined {
    const channel = this.channels.get(taskId)
    return channel === undefined ? undefined : this.view(taskId, channel)
  }

  cleanupByTaskId(taskId: string): void {
    const channel = this.channels.get(taskId)
    this.channels.delete(taskId)
    for (const view of Array.from(channel?.views ?? [])) view.removeAllListeners()
  }

  /** An execution has returned: at its end, at a question, or, if it is of others, anywhere. */
  settleByTaskId(taskId: string, bus: ExecutionEventBus, last: TaskState | undefined): boolean {
    if (!(bus instanceof TaskBus)) return false
    const { channel } = bus
    channel.executing--
    if (channel.executing === 0 && !channel.over && !waiting(last)) {
      for (const view of Array.from(channel.views)) view.finished()
      channel.over = true
      this.dropIfDone(taskId, channel)
    } else this.dropIfDone(taskId, channel)
    return true
  }

  private view(taskId: string, channel: Channel): TaskBus {
    return new TaskBus(channel, this.host.report, () => this.dropIfDone(taskId, channel))
  }

  private dropIfDone(taskId: string, channel: Channel): void {
    if (!channel.over || channel.views.size > 0) return
    if (this.channels.get(taskId) === channel) this.channels.delete(taskId)
  }
}

const waiting = (state: TaskState | undefined): boolean =>
  state === TaskState.TASK_STATE_INPUT_REQUIRED || state === TaskState.TASK_STATE_AUTH_REQUIRED
