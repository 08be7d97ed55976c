/**
 * The steps of a `TaskPlan`: a tagged union of plain data. Leaves do something themselves, the others have members,
 * which are steps again. Times are in milliseconds.
 *
 * @since 0.1.0
 */
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"

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

/** Cancels a task of the plan; see `TaskPlan.OuterCancel` for `target`. @category models @since 0.1.0 */
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
