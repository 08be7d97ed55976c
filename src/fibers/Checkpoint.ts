/**
 * Makes a synchronous loop stoppable. Effect's own operations that suspend are
 * stoppable already; what needs a checkpoint is a loop that computes for long
 * without one: parsing, hashing, a generator that only yields values.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import { interruptBelow } from "./internal/cancelling.ts"
import { CurrentNode } from "./internal/currentNode.ts"
import type { ScopeNode } from "./internal/scopeNode.ts"
import { TaskNode } from "./internal/taskNode.ts"

/**
 * Lets others run, then, if the enclosing task (member, body) was asked to stop,
 * ends its grace: it is interrupted here, which counts as `cooperative`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const checkpoint: Effect.Effect<void> = Effect.andThen(
  Effect.yieldNow,
  Effect.withFiber((fiber) => {
    const task = requestedTask(fiber.getRef(CurrentNode))
    if (task === undefined) return Effect.void
    task.how = "cooperative"
    interruptBelow(task, fiber.id)
    return Effect.yieldNow
  })
)

/**
 * The nearest task; if only a race, join or nursery inside it was asked to stop, the nearest member or body of that.
 *
 * @internal
 */
export const requestedTask = (node: ScopeNode): TaskNode | undefined => {
  const mark = node.mark
  if (mark === undefined) return undefined
  let found: TaskNode | undefined
  for (let at: ScopeNode | undefined = node; at !== undefined; at = at.up) {
    if (at instanceof TaskNode && (found === undefined || at.mark === mark)) found = at
    if (at === mark.target || found?.kind === "task") break
  }
  return found !== undefined && found.hearsInterrupt && !found.gone ? found : undefined
}
