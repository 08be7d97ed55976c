/**
 * An agent below another one: a task of its parent's nursery with a context of its own. Cancelling it, or its parent,
 * interrupts it with the reason, and that cancels the tasks that it left open on the server.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { CancelResult } from "../../../fibers/CancelResult.ts"
import * as CancelReason from "../../../fibers/CancelReason.ts"
import type * as Nursery from "../../../fibers/Nursery.ts"
import * as Task from "../../../fibers/Task.ts"
import type { TaskCancelled } from "../../../fibers/TaskCancelled.ts"
import type * as TaskOutcome from "../../../fibers/TaskOutcome.ts"

/** What an agent may use up; over it, the agent is cancelled with the source `watchdog`. */
export interface Budget {
  /** How many tasks it may schedule. */
  readonly tasks?: number | undefined
  /** How long it may take. */
  readonly time?: Duration.Input | undefined
}

/**
 * `graceful` asks, and interrupts only after `timeout`; the agent looks at `cancellationRequested` or passes
 * `checkCancellation`. `hard` interrupts at once. Both wait for its clean-up.
 */
type CancelMode =
  | { readonly mode: "hard"; readonly reason?: CancelReason.Draft | undefined }
  | { readonly mode: "graceful"; readonly timeout: Duration.Input; readonly reason?: CancelReason.Draft | undefined }

export interface ChildAgent<out A, out E> {
  readonly name: string
  readonly await: Effect.Effect<TaskOutcome.TaskOutcome<A, E>>
  readonly join: Effect.Effect<A, E | TaskCancelled>
  readonly cancel: (how: CancelMode) => Effect.Effect<CancelResult>
}

const overBudget = (name: string, what: string): CancelReason.Draft =>
  CancelReason.watchdog({ by: name, message: `The budget of ${what} is used up` })

/** `body` gets what it calls when it schedules one more task. */
export const start = <A, E, R>(
  nursery: Nursery.Nursery<any>,
  name: string,
  budget: Budget | undefined,
  body: (spend: Effect.Effect<void>) => Effect.Effect<A, E, R>
): Effect.Effect<ChildAgent<A, E>, never, R> =>
  Effect.gen(function* () {
    let task: Task.Task<A, E> | undefined
    let spent = 0
    const exceeded = (what: string): Effect.Effect<void> =>
      Effect.asVoid(Task.requestCancel(task!, { reason: overBudget(name, what) }))
    const { tasks = Infinity, time } = budget ?? {}
    const spend = Effect.suspend(() =>
      // The cancel of oneself strikes at the next step that can be interrupted.
      ++spent > tasks ? Effect.andThen(exceeded(`${tasks} tasks`), Effect.yieldNow) : Effect.void
    )
    const watched =
      time === undefined
        ? body(spend)
        : Effect.raceFirst(
            body(spend),
            Effect.andThen(
              Effect.delay(
                Effect.suspend(() => exceeded(Duration.format(Duration.fromInputUnsafe(time)))),
                time
              ),
              Effect.never
            )
          )
    const started = yield* nursery.spawn(name, watched) as Effect.Effect<Task.Task<A, E>, never, R>
    task = started
    return {
      name,
      await: Task.await(started),
      join: Task.join(started),
      cancel: (how) =>
        Task.cancel(started, {
          ...(how.mode === "graceful" ? { grace: how.timeout } : {}),
          ...(how.reason === undefined ? {} : { reason: how.reason })
        })
    }
  })
