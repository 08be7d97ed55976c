/** `Task.commit`: the last step of a task. */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as CancelPolicy from "../CancelPolicy.ts"
import { CurrentNode } from "./currentNode.ts"
import { TaskNode } from "./taskNode.ts"

/**
 * The save was not done in time.
 *
 * @category errors
 * @since 0.1.0
 */
export class CommitTimedOut extends Schema.TaggedError<CommitTimedOut>()("CommitTimedOut", {
  task: Schema.String,
  within: Schema.DurationFromMillis
}) {}

/**
 * The last step of a task, which a cancel can no longer undo: from here on,
 * interrupts and giving up are withheld. If `save` succeeds the task is
 * Completed; if it fails, or `within` passes, Failed; cancels that come
 * meanwhile wait for that (contract K9).
 *
 * **Gotchas**
 *
 * Only on the task's own fiber: inside `Effect.all`, a race or a nursery body it
 * is a defect, because the cancel that it holds off is the task's. A body that
 * catches the failure of its commit and goes on can be cancelled again.
 *
 * @category inside
 * @since 0.1.0
 */
export const commit = <A, E, R>(
  save: Effect.Effect<A, E, R>,
  options: { readonly within: Duration.Input }
): Effect.Effect<A, E | CommitTimedOut, R> =>
  Effect.withFiber((fiber) => {
    const within = CancelPolicy.bound("within", options.within)
    const task = fiber.getRef(CurrentNode)
    if (!(task instanceof TaskNode) || task.kind !== "task" || task.fiber !== fiber) {
      return Effect.die(new Error("Task.commit must be the last step of a task, on the task's own fiber"))
    }
    // The cancel was first: its interrupt is on the way, and nothing may be saved.
    if (task.interrupted) return Effect.interrupt
    task.committing = true
    return Effect.onError(
      Effect.timeoutOrElse(save, {
        duration: within,
        orElse: () => Effect.fail(new CommitTimedOut({ task: task.name, within }))
      }),
      () => Effect.sync(() => task.commitFailed())
    )
  })
