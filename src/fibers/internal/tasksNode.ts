/**
 * The node of a `Tasks` service: owns its tasks and finds them by id. The map is
 * an index of the tree, not a second truth: an entry is either a child that is
 * linked below this node, a straggler, or the record of one that has ended.
 */
import type * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { Stragglers } from "../Stragglers.ts"
import type { DrainReport, TaskInfo } from "../Tasks.ts"
import { ScopeNode } from "./scopeNode.ts"
import { StartQueue } from "./startQueue.ts"
import { TaskNode } from "./taskNode.ts"
import { TaskRecord } from "./taskRecord.ts"
import { trampoline } from "./trampoline.ts"

export class TasksNode extends ScopeNode {
  private readonly byId = new Map<string, TaskNode>()
  /** Ended records, oldest end first. */
  private readonly ended = new Records()
  private readonly time: Clock.Clock
  readonly starting = new StartQueue()
  readonly maxRunning: number
  private readonly keepMillis: number
  private readonly keepCount: number
  draining: Effect.Effect<DrainReport> | undefined = undefined
  declare drainsBy?: number

  constructor(up: ScopeNode, clock: Clock.Clock, maxRunning: number, keepMillis: number, keepCount: number) {
    // Below the root, whoever happens to build the layer: no task's cancel reaches it.
    super("tasks", "tasks", up.root)
    this.time = clock
    this.maxRunning = maxRunning
    this.keepMillis = keepMillis
    this.keepCount = keepCount
    this.open()
  }

  override get clock(): Clock.Clock {
    return this.time
  }

  /** The record under this id, of a task that runs or has ended. */
  held(id: string): TaskNode | undefined {
    return this.byId.get(id)
  }

  /** Registers before anybody can know of it; replaces the record of an ended attempt. */
  register(
    id: string,
    effect: Effect.Effect<any, any, any>,
    context: Context.Context<never>,
    before: TaskNode | undefined
  ): TaskNode {
    const task = new TaskNode("task", id, this, effect, context)
    if (before !== undefined) {
      TaskRecord.of(task).attempt = before.attempt + 1
      this.ended.remove(before)
    }
    this.byId.set(id, task)
    task.open()
    return task
  }

  find(id: string): TaskNode | undefined {
    const task = this.byId.get(id)
    if (task === undefined || !task.gone || !this.expired(task)) return task
    this.drop(task)
    return undefined
  }

  all(): ReadonlyArray<TaskNode> {
    for (const task of this.ended.children() as ReadonlyArray<TaskNode>) if (this.expired(task)) this.drop(task)
    return Array.from(this.byId.values())
  }

  override childClosed(child: ScopeNode): void {
    const task = child as TaskNode
    this.ended.add(task)
    if (this.ended.live > this.keepCount) this.dropOldest()
    task.record?.companion?.closed()
    if (this.live > 0) return
    for (const listener of this.onEmpty.splice(0)) listener()
  }

  /** Behind them: they may log as the task would. */
  override childLeft(child: ScopeNode): void {
    trampoline(() => (child as TaskNode).forgetRun())
  }

  readonly onEmpty: Array<() => void> = []

  /** Down to the count, but for stragglers, which keep their ids until their real end and are asked again later. */
  private dropOldest(): void {
    for (let asked = this.ended.live; asked > 0 && this.ended.live > this.keepCount; asked--) {
      const oldest = this.ended.head
      if (!this.straggles(oldest)) this.drop(oldest)
      else {
        this.ended.remove(oldest)
        this.ended.add(oldest)
      }
    }
  }

  private expired(task: TaskNode): boolean {
    return task.endedAt < this.clock.currentTimeMillisUnsafe() - this.keepMillis && !this.straggles(task)
  }

  private drop(task: TaskNode): void {
    this.ended.remove(task)
    this.byId.delete(task.name)
  }

  private straggles(task: TaskNode): boolean {
    return task.how === "abandoned" && Context.get(task.context, Stragglers).has(task)
  }

  stateOf(task: TaskNode): TaskInfo["state"] {
    if (task.gone) return this.straggles(task) ? "straggling" : task.verdict!
    if (task.mark !== undefined) return "cancelling"
    return Number.isNaN(task.startedAt) ? "waiting" : "running"
  }

  /** Its state, if this task holds its id against a new start. */
  holds(task: TaskNode): "running" | "cancelling" | "straggling" | undefined {
    if (task.gone) return this.straggles(task) ? "straggling" : undefined
    return task.mark === undefined ? "running" : "cancelling"
  }

  infoOf(task: TaskNode): TaskInfo {
    return {
      id: task.name,
      attempt: task.attempt,
      state: this.stateOf(task),
      startedAt: instant(task.startedAt),
      endedAt: instant(task.endedAt),
      deadline: instant(task.deadline ?? NaN)
    }
  }

  /** Leaves the tree; the service is of no use any more. */
  shut(): void {
    if (this.gone) return
    this.close()
  }
}

const instant = (at: number): Option.Option<number> => (Number.isFinite(at) ? Option.some(at) : Option.none())

/** A list of ended tasks, in the links that they no longer need in the tree. */
class Records extends ScopeNode {
  constructor() {
    super("tasks", "ended", undefined)
  }

  add(task: TaskNode): void {
    task.attach(this)
  }

  remove(task: TaskNode): void {
    task.detach(this)
  }

  get head(): TaskNode {
    return this.oldest as TaskNode
  }
}
