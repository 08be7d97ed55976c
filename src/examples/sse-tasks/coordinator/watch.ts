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

/** Clients were told the end, so the store gets it however long it refuses: until the service is stopped without it. */
const save = (attempt: Attempt.Attempt, store: TaskStore["Service"]): Effect.Effect<void> =>
  Effect.gen(function* () {
    const { end, key, number } = attempt
    // Decided with the outcome, which was waited for.
    if (end === undefined) return
    const name = TaskKey.toString(key)
    yield* Effect.logInfo(`Task ${name} has ended: ${end.status}`)
    const once = Effect.suspend(() =>
      end.status === "completed"
        ? Effect.as(store.setLastEvent(key, number, attempt.log.last), true)
        : store.end(key, number, end)
    )
    const written = yield* once.pipe(
      Effect.tapError((error) => Effect.logWarning(`How task ${name} ended cannot be saved yet; trying on`, error)),
      Effect.catch(() => Effect.delay(Effect.retry(once, patiently), "100 millis")),
      Effect.orDie,
      Effect.onInterrupt(() => Effect.logError(`How task ${name} ended is not in the store, which took nothing`))
    )
    if (written) return
    yield* Effect.logWarning(`The record of ${name} was changed or deleted while the task ran, and is left as it is`)
  })

/** Without an end. */
const patiently = Schedule.min([Schedule.exponential("100 millis"), Schedule.spaced("1 second")])
