/**
 * What happens to one task, published on the bus of the SDK's handler: a turn later,
 * because a bus runs the code of others, and each event once. Nothing that a bus
 * does stops the task.
 */
import type * as A2A from "@a2a-js/sdk"
import type { AgentExecutionEvent, ExecutionEventBus } from "@a2a-js/sdk/server"
import * as Effect from "effect/Effect"
import type { SchedulerDispatcher } from "effect/Scheduler"
import { AgentLog, type Happening } from "./agentLog.ts"
import { type AgentTask, isTerminalState } from "./agentTask.ts"

export class Outbox extends AgentLog {
  /** The last event of the task, once it is published. */
  final: AgentExecutionEvent | undefined = undefined
  /** More than one stores what is published here: see `storable`. */
  storedTwice = false
  private bus: ExecutionEventBus
  private visible: AgentTask | undefined = undefined
  private outgoing: Array<Happening> = []
  private due = false
  private flushing = false
  private turns = new Set<() => void>()
  private readonly report: (error: unknown) => void

  constructor(dispatcher: SchedulerDispatcher, bus: ExecutionEventBus, report: (error: unknown) => void) {
    super(dispatcher, 0)
    this.bus = bus
    this.report = report
  }

  override append(happening: Happening): void {
    this.outgoing.push(happening)
    this.flushLater()
  }

  private flushLater(): void {
    if (this.due) return
    this.due = true
    this.later(() => {
      this.due = false
      this.flush()
    })
  }

  override end(): void {}

  /** The task as it is now, before anything else of this turn. */
  begin(visible: AgentTask, bus: ExecutionEventBus, task: A2A.Task = visible.snapshot()): void {
    this.visible = visible
    this.bus = bus
    this.publish({ kind: "task", data: task })
    if (this.outgoing.length > 0) this.flushLater()
  }

  /** Publishes now what has not been published yet; nothing before the task itself, and nothing out of order. */
  flush(): void {
    const { visible } = this
    // Called from inside by what a listener does: the loop that runs comes to it.
    if (visible === undefined || this.flushing) return
    this.flushing = true
    for (let at = 0; at < this.outgoing.length; at++) {
      const happening = this.outgoing[at]!
      const event = eventOf(happening)
      if (endsTask(event)) this.final = event
      // Who begins a turn while this is published waits for the end of that one.
      const turns = happening.settles ? this.turns : undefined
      if (happening.settles) this.turns = new Set()
      this.publish(this.storable(event, visible))
      for (const ended of turns ?? []) ended()
    }
    this.outgoing = []
    this.flushing = false
  }

  /** Waits until the task has ended or asks, and that is published: from now on, not from when it is run. */
  turnEnd(): Effect.Effect<void> {
    let over = false
    let wake: (() => void) | undefined
    const ended = () => {
      over = true
      wake?.()
    }
    this.turns.add(ended)
    return Effect.callback<void>((resume) => {
      wake = () => resume(Effect.void)
      if (over) wake()
      return Effect.sync(() => void this.turns.delete(ended))
    })
  }

  /** Whether somebody waits for the end of a turn. */
  get busy(): boolean {
    return this.turns.size > 0
  }

  private publish(event: AgentExecutionEvent): void {
    publishOn(this.bus, event, this.report)
  }

  /** The last event once more, for who came when it had been published. */
  publishFinal(): void {
    if (this.final !== undefined) this.publish(this.final)
  }

  /**
   * Each request to the SDK's handler stores what it reads: of two, both append a
   * piece. The whole artifact in its place can be stored any number of times.
   */
  private storable(event: AgentExecutionEvent, visible: AgentTask): AgentExecutionEvent {
    if (!this.storedTwice || event.kind !== "artifactUpdate" || !event.data.append) return event
    const id = event.data.artifact?.artifactId
    const artifact = visible.snapshot().artifacts.find(({ artifactId }) => artifactId === id)
    return artifact === undefined ? event : { kind: "artifactUpdate", data: { ...event.data, artifact, append: false } }
  }
}

/** Whether nothing follows. */
export const endsTask = (event: AgentExecutionEvent): boolean =>
  event.kind === "statusUpdate" && event.data.status !== undefined && isTerminalState(event.data.status.state)

const eventOf = ({ response }: Happening): AgentExecutionEvent => {
  const { $case, value } = response.payload!
  return { kind: $case, data: value } as AgentExecutionEvent
}

/** Whatever the bus does. */
export const publishOn = (
  bus: ExecutionEventBus,
  event: AgentExecutionEvent,
  report: (error: unknown) => void
): void => {
  // oxlint-disable-next-line repository/effect-only -- a bus runs the code of others, in a step that is no fiber's
  try {
    bus.publish(event)
  } catch (error) {
    report(error)
  }
}
