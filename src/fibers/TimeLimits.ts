/**
 * How long a task that the `Tasks` service starts may take. A task that is over
 * ends Cancelled with the source `timeout`, not Failed: its partial result is
 * kept, its clean-up runs, and who looks is told which limit it was. For a part of
 * a program, or an error that its caller can catch, there is `Deadline`.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as CancelPolicy from "./CancelPolicy.ts"
import { CurrentNode } from "./internal/currentNode.ts"
import { limitsAround } from "./internal/enclosingTask.ts"

/**
 * All count from the moment at which the task is started, and the nearest one
 * counts; at the same instant the deadline speaks before the maximum, and that
 * before the limit. `by` of the reason is "time limit", "maximum time limit" or
 * "deadline".
 *
 * **Details**
 *
 * A task with a limit of zero or less never runs: it is started, and has ended
 * (contract K10, K33). NaN is a defect.
 *
 * @category models
 * @since 0.1.0
 */
export interface TimeLimits {
  /** What the task is given. It can ask for more: `extend`. */
  readonly timeLimit?: Duration.Input | undefined
  /** The longest that it can get by asking. */
  readonly maxTimeLimit?: Duration.Input | undefined
  /** When whoever asked needs it: no task can move this. */
  readonly deadline?: Duration.Input | undefined
  /** How patient the cancel is that comes then. A task that has not begun gets no grace. Default: not at all. */
  readonly overdue?: CancelPolicy.CancelPolicyInput | undefined
}

/**
 * Asks for more time: moves the time limit of the task around the current fiber
 * later by so much, counted from its present instant, as far as the maximum
 * allows. Answers false if nothing can be had any more: the limit has passed, or
 * is at the maximum.
 *
 * **Details**
 *
 * Where no task around has a limit there is nothing to move, and time enough:
 * true. An infinite time lifts the limit. A deadline, of the task or of a
 * `Deadline` around the current fiber, stays where it is; `Deadline.remaining`
 * tells how much there is until the nearest.
 *
 * @category inside
 * @since 0.1.0
 */
export const extend = (by: Duration.Input): Effect.Effect<boolean> =>
  Effect.withFiber((fiber) => {
    const more = Duration.toMillis(CancelPolicy.bound("by", by))
    return Effect.succeed(limitsAround(fiber.getRef(CurrentNode))?.extend(more) ?? true)
  })
