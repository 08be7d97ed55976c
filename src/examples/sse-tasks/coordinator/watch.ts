/** Stands beside a task for as long as it runs: ends it at its maximum run time, and saves how it ended. */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as Deadline from "../../../combinators/Deadline.ts"
import * as CancelReason from "../../../fibers/CancelReason.ts"
import * as Task from "../../../fibers/Task.ts"
import type { TaskStore } from "../store/TaskStore.ts"
import * as TaskKey from "../TaskKey.ts"
import type * as Attempt from "./Attempt.ts"
import { overtime } from "./taskEvents.ts"

export const watch = (
  task: Task.Task<unknown, unknown>,
  attempt: Attempt.Attempt,
  limit: Duration.Duration,
  store: TaskStore["Service"]
): Effect.Effect<void> =>
  Deadline.make("maximum run time", limit, (deadline) => {
    attempt.deadline = deadline
    return Task.await(task)
  }).pipe(
    Effect.catch(() => {
      const reason = CancelReason.timeout({ message: overtime(limit), by: "maximum run time" })
      return Effect.andThen(
        Task.requestCancel(task, { giveUp: "5 seconds", ...attempt.model.cancel, reason }),
        Task.await(task)
      )
    }),
    Effect.andThen(save(attempt, store)),
    Effect.ensuring(attempt.saved.open)
  )

const save = (attempt: Attempt.Attempt, store: TaskStore["Service"]): Effect.Effect<void> =>
  Effect.gen(function* () {
    const { end, key, number } = attempt
    // Decided with the outcome, which was waited for.
    if (end === undefined) return
    const name = TaskKey.toString(key)
    yield* Effect.logInfo(`Task ${name} has ended: ${end.status}`)
    if (end.status === "completed") return yield* store.setLastEvent(key, number, attempt.log.last)
    if (yield* store.end(key, number, end)) return
    yield* Effect.logWarning(`The record of ${name} was changed or deleted while the task ran, and is left as it is`)
  }).pipe(
    Effect.retry({ times: 5, schedule: Schedule.exponential("100 millis") }),
    Effect.catch((error) =>
      Effect.logError(`How task ${TaskKey.toString(attempt.key)} ended is not in the store`, error)
    )
  )
