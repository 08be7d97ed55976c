/**
 * Starts tasks in the next turn of their starter, all that it queued in this one
 * together: not those of another starter, whose async context is another.
 */
import type * as Fiber from "effect/Fiber"
import type { SchedulerDispatcher } from "effect/Scheduler"
import type { TaskNode } from "./taskNode.ts"

export class StartQueue {
  private batch: Array<TaskNode> = []
  private dispatcher: SchedulerDispatcher | undefined = undefined

  add(task: TaskNode, starter: Fiber.Fiber<any, any>): void {
    const dispatcher = starter.currentDispatcher
    if (this.dispatcher !== dispatcher) {
      const batch: Array<TaskNode> = (this.batch = [])
      this.dispatcher = dispatcher
      dispatcher.scheduleTask(() => {
        if (this.batch === batch) this.dispatcher = undefined
        for (const task of batch) task.start()
      }, 0)
    }
    this.batch.push(task)
  }
}
