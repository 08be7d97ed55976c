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
import { requestedTask } from "./internal/enclosingTask.ts"

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
