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
import type * as Scope from "effect/Scope"
import { planSchema } from "./internal/planGenerating.ts"
import { linesOf, textOf } from "./internal/planPrinting.ts"
import { runPlan } from "./internal/planRunning.ts"
import { shrinksOf } from "./internal/planShrinking.ts"
import type { TaskJournal } from "./TaskJournal.ts"

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
 * Milliseconds from the request.
 *
 * @category models
 * @since 0.1.0
 */
export interface Patience {
  readonly grace?: number | undefined
  readonly giveUp?: number | undefined
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
 * What a finalizer does: sleep for `ms`, then end.
 *
 * @category models
 * @since 0.1.0
 */
export interface Cleanup {
  readonly ms: number
  readonly end: "succeed" | "fail" | "die"
}

interface Leaf {
  readonly name: string
  readonly members: readonly []
}

interface Around {
  readonly name: string
  readonly members: readonly [Step]
}

interface Many {
  readonly name: string
  readonly members: ReadonlyArray<Step>
}

/** @category models @since 0.1.0 */
export interface Sleep extends Leaf {
  readonly _tag: "Sleep"
  readonly ms: number
}

/** Gives the other fibers so many turns. @category models @since 0.1.0 */
export interface Yield extends Leaf {
  readonly _tag: "Yield"
  readonly turns: number
}

/** `Interrupt` interrupts its own fiber. @category models @since 0.1.0 */
export interface End extends Leaf {
  readonly _tag: "Succeed" | "Fail" | "Die" | "Interrupt"
}

/** Adds a finalizer to the scope of the nearest task or member. @category models @since 0.1.0 */
export interface Finalizer extends Leaf {
  readonly _tag: "Finalizer"
  readonly cleanup: Cleanup
}

/** Cancels a task of the plan; see `OuterCancel` for `target`. @category models @since 0.1.0 */
export interface Cancel extends Leaf, Patience {
  readonly _tag: "Cancel"
  readonly target: number
  readonly wait: boolean
}

/** One after the other. @category models @since 0.1.0 */
export interface Sequence extends Many {
  readonly _tag: "Sequence"
}

/** Swallows failures. @category models @since 0.1.0 */
export interface Catch extends Around {
  readonly _tag: "Catch"
}

/** A resource that is released when `members[0]` has ended. @category models @since 0.1.0 */
export interface Resource extends Around {
  readonly _tag: "Resource"
  readonly cleanup: Cleanup
}

/** @category models @since 0.1.0 */
export interface Shield extends Around {
  readonly _tag: "Shield"
  readonly budget?: number | undefined
}

/** Effect's own region. @category models @since 0.1.0 */
export interface Uninterruptible extends Around {
  readonly _tag: "Uninterruptible"
}

/** `Task.commit`; where it cannot stand it is a plain step. @category models @since 0.1.0 */
export interface Commit extends Around {
  readonly _tag: "Commit"
  readonly within: number
}

/** A child of a nursery. @category models @since 0.1.0 */
export interface Child extends Around {
  readonly _tag: "Child"
  readonly background: boolean
}

/** Spawns the children, all but the first of its members, then runs the first as its body. @category models @since 0.1.0 */
export interface Nursery extends Many {
  readonly _tag: "Nursery"
  readonly supervise: boolean
}

/** `needed` is of a quorum, `delay` of a hedge. @category models @since 0.1.0 */
export interface Race extends Many, Patience {
  readonly _tag: "Race"
  readonly rule: "firstSuccess" | "firstSettled" | "quorum" | "hedge"
  readonly needed: number
  readonly delay: number
}

/** `limit` is of `within`. @category models @since 0.1.0 */
export interface Join extends Many, Patience {
  readonly _tag: "Join"
  readonly rule: "all" | "settled" | "within"
  readonly limit: number
  readonly concurrency?: number | undefined
  readonly each?: number | undefined
}

/** @category models @since 0.1.0 */
export interface Deadline extends Around, Patience {
  readonly _tag: "Deadline"
  readonly limit: number
}

/** A newcomer every `every` milliseconds, each superseding the one before; then the last is awaited. @category models @since 0.1.0 */
export interface Latest extends Many, Patience {
  readonly _tag: "Latest"
  readonly every: number
}

/** `Effect.race`, `Effect.all`, `Effect.timeout` (of the first member, after `ms`). @category models @since 0.1.0 */
export interface Native extends Many {
  readonly _tag: "Native"
  readonly rule: "race" | "all" | "timeout"
  readonly ms: number
}

/** Something of the user's own; see `ExtraStep`. @category models @since 0.1.0 */
export interface Extra extends Many {
  readonly _tag: "Extra"
  readonly step: ExtraStep
  readonly ms: number
}

/**
 * One node of the tree. `members` are the steps below it; the name is unique in
 * its plan, and stands in the journal, in reasons and in errors.
 *
 * @category models
 * @since 0.1.0
 */
export type Step =
  | Sleep
  | Yield
  | End
  | Finalizer
  | Cancel
  | Sequence
  | Catch
  | Resource
  | Shield
  | Uninterruptible
  | Commit
  | Child
  | Nursery
  | Race
  | Join
  | Deadline
  | Latest
  | Native
  | Extra

/**
 * @category models
 * @since 0.1.0
 */
export type StepTag = Step["_tag"]

/**
 * A leaf (no members) or a wrapper of the user's own. `run` gets its members as
 * effects that write to the journal, and a time in milliseconds to use as it likes.
 *
 * @category models
 * @since 0.1.0
 */
export interface ExtraStep {
  readonly name: string
  /** How many members it has at least and at most. Default: none. */
  readonly members?: readonly [number, number] | undefined
  readonly run: (
    members: ReadonlyArray<Effect.Effect<void, unknown, Scope.Scope>>,
    ms: number
  ) => Effect.Effect<unknown, unknown, Scope.Scope>
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
export { tasksOf } from "./internal/planNaming.ts"

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
