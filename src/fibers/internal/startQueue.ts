/** Starts tasks in the next turn of the scheduler, all that were queued in this one together. */
import type * as Fiber from "effect/Fiber"
import type { TaskNode } from "./taskNode.ts"

export class StartQueue {
  private batch: Array<TaskNode> | undefined = undefined

  add(task: TaskNode, starter: Fiber.Fiber<any, any>): void {
    if (this.batch === undefined) {
      const batch: Array<TaskNode> = (this.batch = [])
      starter.currentDispatcher.scheduleTask(() => {
        this.batch = undefined
        for (const task of batch) task.start()
      }, 0)
    }
    this.batch.push(task)
  }
}
