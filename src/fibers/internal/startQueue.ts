/**
 * Starts tasks in the next turn of their starter, all that it queued in this one
 * together: not those of another starter, whose async context is another.
 */
import type * as Fiber from "effect/Fiber"
import type { SchedulerDispatcher } from "effect/Scheduler"
import type { TaskNode } from "./taskNode.ts"

export class StartQueue {
  private batch: Batch | undefined = undefined

  add(task: TaskNode, starter: Fiber.Fiber<any, any>): void {
    const dispatcher = starter.currentDispatcher
    if (this.batch?.dispatcher === dispatcher) return this.batch.push(task)
    const batch = (this.batch = new Batch(dispatcher, task))
    dispatcher.scheduleTask(() => {
      if (this.batch === batch) this.batch = undefined
      batch.start()
    }, 0)
  }
}

/** Most have one task. */
class Batch {
  readonly dispatcher: SchedulerDispatcher
  private readonly first: TaskNode
  private others: Array<TaskNode> | undefined = undefined

  constructor(dispatcher: SchedulerDispatcher, first: TaskNode) {
    this.dispatcher = dispatcher
    this.first = first
  }

  push(task: TaskNode): void {
    if (this.others === undefined) this.others = [task]
    else this.others.push(task)
  }

  start(): void {
    this.first.start()
    for (const task of this.others ?? none) task.start()
  }
}

const none: ReadonlyArray<TaskNode> = []
