/**
 * The node of a `TaskRunner`: owns the tasks that were started from outside of
 * Effect. The services of its runtime may come later than the first task, which
 * then waits for them as its first step.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as ManagedRuntime from "effect/ManagedRuntime"
import { Scheduler } from "effect/Scheduler"
import * as Scope from "effect/Scope"
import type { DrainReport } from "../Tasks.ts"
import { CurrentNode } from "./currentNode.ts"
import type { Drainable } from "./drain.ts"
import { ScopeNode } from "./scopeNode.ts"
import { TaskNode } from "./taskNode.ts"

export class RunnerNode extends ScopeNode implements Drainable {
  private readonly runtime: ManagedRuntime.ManagedRuntime<any, any>
  private services: Context.Context<any> | undefined = undefined
  /** The services of the runtime as far as they are there; kept while it is disposed of. */
  context: Context.Context<never> = Context.empty()
  draining: Effect.Effect<DrainReport> | undefined = undefined
  declare drainsBy?: number
  readonly onEmpty: Array<() => void> = []

  constructor(name: string, runtime: ManagedRuntime.ManagedRuntime<any, any>) {
    super("tasks", name, Context.get(Context.empty(), CurrentNode))
    this.runtime = runtime
    this.open()
  }

  override get clock(): Clock.Clock {
    return Context.get(this.context, Clock.Clock)
  }

  override childClosed(): void {
    if (this.live > 0) return
    for (const listener of this.onEmpty.splice(0)) listener()
  }

  /** A task that is not yet started. */
  adopt(name: string, effect: Effect.Effect<any, any, any>): TaskNode {
    const { cachedContext } = this.runtime
    if (cachedContext !== undefined && cachedContext !== this.services) this.keep(cachedContext)
    const task: TaskNode = new TaskNode("task", name, this, this.withServices(effect), this.context)
    task.open()
    return task
  }

  /** In the next turn: whoever starts a task has its handle before the first step. */
  startSoon(task: TaskNode): void {
    Context.get(this.context, Scheduler)
      .makeDispatcher()
      .scheduleTask(() => task.start(), 0)
  }

  private withServices(effect: Effect.Effect<any, any, any>): Effect.Effect<any, any> {
    return Effect.withFiber((fiber) => {
      const task = fiber.getRef(CurrentNode) as TaskNode
      return Effect.flatMap(this.runtime.contextEffect, (services: Context.Context<any>) => {
        this.keep(services)
        return Effect.provideContext(effect, Context.add(Context.add(services, CurrentNode, task), Scope.Scope, task))
      })
    })
  }

  private keep(services: Context.Context<any>): void {
    this.services = services
    // Services that were captured elsewhere must not bring the place of that in the tree.
    this.context = Context.add(services, CurrentNode, this.up!)
  }

  /** Leaves the tree; the runner is of no use any more. */
  shut(): void {
    if (!this.gone) this.close()
  }
}
