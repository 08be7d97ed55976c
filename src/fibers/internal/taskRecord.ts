/**
 * What only some tasks have: events that somebody follows, listeners for the
 * request, a partial result, failures of clean-up, salvaged values. Made when
 * first needed, so that a plain task pays nothing.
 */
import * as DateTime from "effect/DateTime"
import type { CancelReason } from "../CancelReason.ts"
import type { TaskEvent } from "../TaskEvent.ts"
import type { CleanupFailure, Salvaged, TaskOutcome } from "../TaskOutcome.ts"
import type { CancelRequest } from "./cancelRequest.ts"
import type { Companion } from "./companion.ts"
import { outcomeOf } from "./outcome.ts"
import type { TaskLimits } from "./taskLimits.ts"
import { TaskLog } from "./taskLog.ts"
import type { ScopeNode } from "./scopeNode.ts"
import type { TaskNode } from "./taskNode.ts"
import { trampoline } from "./trampoline.ts"

type Unstamped<Event> = Event extends unknown ? Omit<Event, "task" | "attempt" | "seq" | "at"> : never

export class TaskRecord {
  private seq = 0
  private readonly node: TaskNode
  /** 1 for the first run under its id. */
  attempt = 1
  onShutdown: "finish" | "cancel" = "finish"
  cleanupFailures: Array<CleanupFailure> | undefined = undefined
  salvaged: Array<Salvaged> | undefined = undefined
  partial: { readonly value: unknown } | undefined = undefined
  /** Who took over the scope of this member when it won. */
  heir: ScopeNode | undefined = undefined
  /** The task from outside that this member waits for. */
  standsFor: TaskNode | undefined = undefined
  private listeners: Array<(reason: CancelReason) => void> | undefined = undefined
  log: TaskLog | undefined = undefined
  private recorder: ((event: TaskEvent) => void) | undefined = undefined
  /** What a log that begins later is told first: the state, not what was said. */
  private milestones: ReadonlyArray<TaskEvent> = none
  limits: TaskLimits | undefined = undefined
  companion: Companion | undefined = undefined

  private constructor(node: TaskNode) {
    this.node = node
  }

  static of(node: TaskNode): TaskRecord {
    return (node.record ??= new TaskRecord(node))
  }

  private get told(): boolean {
    return this.log !== undefined || this.recorder !== undefined
  }

  /** Begins to keep events; what happened before is told from the state. */
  follow(keep: number): TaskLog {
    if (this.log !== undefined) return this.log
    const { told } = this
    this.log = new TaskLog(keep)
    if (told) for (const event of this.milestones) this.log.append(event)
    else this.tellState()
    return this.log
  }

  /** Hands every event to `recorder`, which stores it and runs nothing of others, in the step that makes it. */
  recordTo(recorder: (event: TaskEvent) => void): void {
    const { told } = this
    this.recorder = recorder
    if (told) for (const event of this.milestones) recorder(event)
    else this.tellState()
  }

  private tellState(): void {
    const { node } = this
    if (!Number.isNaN(node.startedAt)) this.tellStarted()
    if (node.gone) this.tellEnded(outcomeOf(node))
    else if (node.mark !== undefined) this.tellRequested(node.mark)
  }

  private emit(event: Unstamped<TaskEvent>, at: number = this.node.clock.currentTimeMillisUnsafe()): void {
    const { attempt, name: task } = this.node
    const stamp = { task, attempt, seq: ++this.seq, at: DateTime.makeUnsafe(at) }
    const stamped: TaskEvent = { ...stamp, ...event }
    // A handful at most: `push` would make room for sixteen more.
    if (event._tag !== "Progress" && event._tag !== "Output") this.milestones = this.milestones.concat(stamped)
    this.log?.append(stamped)
    this.recorder?.(stamped)
  }

  started(): void {
    this.companion?.started?.()
    if (this.told) this.tellStarted()
  }

  private tellStarted(): void {
    this.emit({ _tag: "Started" }, this.node.startedAt)
  }

  progress(value: unknown): void {
    if (this.told) this.emit({ _tag: "Progress", value })
  }

  output(value: unknown): void {
    if (this.told) this.emit({ _tag: "Output", value })
  }

  requested(request: CancelRequest): void {
    if (this.told) this.tellRequested(request)
    const { companion, listeners } = this
    if (companion?.requested !== undefined) trampoline(() => companion.requested!(request.reason))
    this.listeners = undefined
    if (listeners === undefined) return
    for (const listener of listeners) trampoline(() => listener(request.reason))
  }

  private tellRequested({ at, reason }: CancelRequest): void {
    this.emit({ _tag: "CancelRequested", reason }, at)
  }

  straggling(): void {
    if (this.told) this.emit({ _tag: "Straggling", reason: this.node.mark!.reason }, this.node.endedAt)
  }

  ended(): void {
    const { companion, told } = this
    if (!told && companion?.ended === undefined) return
    const outcome = outcomeOf(this.node)
    companion?.ended?.(outcome)
    if (told) this.tellEnded(outcome)
  }

  private tellEnded(decided: TaskOutcome<unknown, unknown, unknown>): void {
    const { salvaged: _, ...outcome } = decided
    this.emit(outcome, this.node.endedAt)
    // There is nothing more to tell, and what it holds may be much.
    if (this.recorder !== undefined) this.recorder = forget
  }

  /** Calls back at the request; the returned function withdraws. */
  onRequest(listener: (reason: CancelReason) => void): () => void {
    if (this.listeners === undefined) this.listeners = [listener]
    else this.listeners.push(listener)
    return () => {
      const index = this.listeners?.indexOf(listener) ?? -1
      if (index >= 0) this.listeners!.splice(index, 1)
    }
  }
}

const none: ReadonlyArray<never> = []

const forget = (): void => {}
