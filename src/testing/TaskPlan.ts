/**
 * A task tree as data: sleeps, failures, clean-up, shields, nurseries, races,
 * joins, deadlines and cancels, small enough to print on a line. `arbitrary` makes
 * random ones that shrink to small ones, `interpret` runs one and keeps a journal
 * of all that happened. Reach for it to throw random trees at a combinator of
 * your own (`extra`): what a person would not think of to nest, it does.
 *
 * @since 0.1.0
 */
import * as Arbitrary from "effect/Arbitrary"
import type * as Effect from "effect/Effect"
import { planSchema } from "./internal/plan/generating.ts"
import { linesOf, textOf } from "./internal/plan/printing.ts"
import { runPlan } from "./internal/plan/running.ts"
import { shrinksOf } from "./internal/plan/shrinking.ts"
import type { TaskJournal } from "./TaskJournal.ts"
import type { ExtraStep, Patience, Step, StepTag } from "./TaskStep.ts"

export type * from "./TaskStep.ts"

/**
 * The whole of it: what the root task `main` does, and who cancels what from outside.
 *
 * @category models
 * @since 0.1.0
 */
export interface TaskPlan {
  readonly body: Step
  readonly cancels: ReadonlyArray<OuterCancel>
}

/**
 * A cancel that comes `at` so many milliseconds, from outside the tree. `target`
 * counts the tasks of the plan as `tasksOf` lists them, round and round: a number
 * stays meaningful while a plan shrinks.
 *
 * @category models
 * @since 0.1.0
 */
export interface OuterCancel extends Patience {
  readonly at: number
  readonly target: number
  readonly by: string
}

/**
 * What random plans are made of.
 *
 * @category models
 * @since 0.1.0
 */
export interface ArbitraryOptions {
  /** Steps of the user's own, drawn as often as all others together. */
  readonly extra?: ReadonlyArray<ExtraStep> | undefined
  /** Which steps there are. Default: all. `Succeed` and `Sleep` are always there. */
  readonly steps?: ReadonlyArray<StepTag> | undefined
  /** No time is longer, in milliseconds. Default: 20. */
  readonly longest?: number | undefined
  /** At most so many cancels from outside. Default: 2. */
  readonly cancels?: number | undefined
}

/**
 * Random plans. The `size` of a check or a sample is about the number of steps.
 * Shrinking puts a step in the place of what is around it, leaves members and
 * cancels out, and brings times towards 0.
 *
 * **When to use**
 *
 * With `Arbitrary.checkEffect(TaskPlan.arbitrary({ extra: [mine] }), …)`; give it
 * `maxShrinks` of 1,000 or more, since a tree has many parts to leave out.
 *
 * @category constructors
 * @since 0.1.0
 */
export const arbitrary = (options?: ArbitraryOptions): Arbitrary.Arbitrary<TaskPlan> =>
  Arbitrary.schema(planSchema(options), { shrink: shrinksOf })

/**
 * The plan as a program. It needs nothing, does not fail, and returns when all
 * that it started has ended or was given up on: the journal tells how.
 *
 * **Gotchas**
 *
 * Sleeps are real unless it runs under a test clock or in virtual time.
 *
 * @category running
 * @since 0.1.0
 */
export const interpret = (plan: TaskPlan): Effect.Effect<TaskJournal> => runPlan(plan)

/**
 * The names of the tasks that a cancel can address, in the order of the plan: the
 * root task `main`, then every child of a nursery.
 *
 * @category reading
 * @since 0.1.0
 */
export { tasksOf } from "./internal/plan/naming.ts"

/**
 * On one line: `race(sleep 3, fail)`, then the cancels.
 *
 * @category reading
 * @since 0.1.0
 */
export const print = (plan: TaskPlan): string => textOf(plan)

/**
 * The same over several lines, a member a line.
 *
 * @category reading
 * @since 0.1.0
 */
export const printTree = (plan: TaskPlan): string => linesOf(plan).join("\n")
