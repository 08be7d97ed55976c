/**
 * Runs several effects, or waits for several tasks, and returns when all have
 * ended: the values (`all`, `skipCancelled`), how each ended (`settled`), what is
 * there when a limit has passed (`within`, `bestEffort`), or the first few ends
 * (`first`). Whoever is still running when a join ends early is cancelled with
 * the reason, and awaited. Every join can limit how many members run at a time,
 * and how long each may take.
 *
 * @since 0.1.0
 */
import type * as Cause from "effect/Cause"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as CancelPolicy from "../fibers/CancelPolicy.ts"
import type { CancelReason } from "../fibers/CancelReason.ts"
import { own } from "../fibers/internal/groupNode.ts"
import { outcomeOf } from "../fibers/internal/outcome.ts"
import type { TaskCancelled } from "../fibers/TaskCancelled.ts"
import type { CleanupFailure, How, TaskOutcome } from "../fibers/TaskOutcome.ts"
import type * as Task from "../fibers/Task.ts"
import type { AllServices, Entries, Failure, FailureOf, Services, Success, SuccessOf } from "./Entries.ts"
import { JoinNode } from "./internal/joinNode.ts"
import { membersOf, planOf } from "./internal/joinPlan.ts"
import { firstEnds, whatCouldBeHad, whatThereIs } from "./internal/joinReport.ts"
import { subjectOf } from "./internal/outsideTask.ts"
import { RaceNode } from "./internal/raceNode.ts"
import type * as Loser from "./Loser.ts"
import type { Losers } from "./Race.ts"

/**
 * @category models
 * @since 0.1.0
 */
export interface JoinOptions extends CancelPolicy.CancelPolicyInput {
  /** The name in the tree and in reasons. Default: "join". */
  readonly name?: string | undefined
  /** How many members run at a time; the others wait for their turn, in order. Default: all at once. */
  readonly concurrency?: number | undefined
  /** The time that each member has, counted from its own start; then it is cancelled (`timeout`), a task from outside too. */
  readonly each?: Duration.Input | undefined
  /** Cancel also the tasks from outside where the join ends early. Default: they are only waited for, and run on. */
  readonly cancelTasks?: boolean | undefined
}

/**
 * The values, in the shape of the input.
 *
 * @category models
 * @since 0.1.0
 */
export type Values<T extends Entries> = { readonly [K in keyof T]: SuccessOf<T[K]> }

/**
 * All values. The first failure has the rest told one turn later
 * (`sibling-failed`), waits for them, and stays typed; failures decided by then
 * are all in the cause, in the order of the input (contract K29). A member that
 * interrupts itself is a `TaskCancelled`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const all = <const T extends Entries>(
  entries: T,
  options?: JoinOptions
): Effect.Effect<Values<T>, Failure<T> | TaskCancelled, Services<T>> =>
  join(entries, options, { failFast: "cancelled" }, (join) => {
    join.passOnCleanupFailures()
    join.passOnLateFailures()
    return join.failed.size > 0
      ? Effect.failCause(join.failure() as Cause.Cause<Failure<T> | TaskCancelled>)
      : Effect.sync(() => join.collect((member) => (member!.exit as { readonly value: unknown }).value))
  })

/**
 * The outcomes, in the shape of the input.
 *
 * @category models
 * @since 0.1.0
 */
export type Outcomes<T extends Entries> = { readonly [K in keyof T]: TaskOutcome<SuccessOf<T[K]>, OwnFailure<T[K]>> }

/** A task tells of its cancel by its outcome. */
type OwnFailure<M> = M extends Task.Task<any, infer E, any> ? E : FailureOf<M>

/**
 * How each member ended. Nothing is cancelled for another's failure, and the
 * join itself does not fail (contract K30).
 *
 * @category constructors
 * @since 0.1.0
 */
export const settled = <const T extends Entries>(
  entries: T,
  options?: JoinOptions
): Effect.Effect<Outcomes<T>, never, Services<T>> =>
  join(entries, options, {}, (join) => Effect.sync(() => join.collect((member) => outcomeOf(subjectOf(member!)))))

/**
 * A member that the limit cancelled. `late` is a value that landed while it was
 * already told to stop.
 *
 * @category models
 * @since 0.1.0
 */
export interface TimedOut<out A> {
  readonly reason: CancelReason
  readonly how: How
  readonly took: Duration.Duration
  readonly late?: A
  readonly cleanupFailures: ReadonlyArray<CleanupFailure>
}

/**
 * A member that ended cancelled by itself.
 *
 * @category models
 * @since 0.1.0
 */
export interface Interrupted {
  readonly reason: CancelReason
  readonly cleanupFailures: ReadonlyArray<CleanupFailure>
}

/**
 * What was there at the limit. Each member stands in exactly one of the five, by
 * its key; for a list, by its index. Only a task from outside, whose cancel was
 * not asked for, can be `running` still.
 *
 * @category models
 * @since 0.1.0
 */
export interface Within<T extends Entries> {
  readonly completed: { readonly [K in Key<T>]?: Success<T, K & keyof T> }
  readonly failed: { readonly [K in Key<T>]?: Cause.Cause<ErrorAt<T, K>> }
  readonly cancelled: { readonly [K in Key<T>]?: TimedOut<Success<T, K & keyof T>> }
  readonly interrupted: { readonly [K in Key<T>]?: Interrupted }
  readonly running: { readonly [K in Key<T>]?: RunningAt<T, K> }
}

type Key<T extends Entries> = T extends ReadonlyArray<unknown> ? number : keyof T
type At<T extends Entries, K> = T extends ReadonlyArray<infer M> ? M : T[K & keyof T]
type ErrorAt<T extends Entries, K> = OwnFailure<At<T, K>>
type RunningAt<T extends Entries, K> = Extract<At<T, K>, Task.Task<any, any, any>>

/**
 * Waits for all members, but no longer than `limit`: then the unfinished are
 * cancelled (`timeout`) and awaited, and the partial result is returned. Does not
 * fail. A limit of zero or less runs each member up to its first suspension
 * (contract K31, K33); NaN is a defect.
 *
 * @category constructors
 * @since 0.1.0
 */
export const within = <const T extends Entries>(
  entries: T,
  limit: Duration.Input,
  options?: JoinOptions
): Effect.Effect<Within<T>, never, Services<T>> =>
  join(entries, options, { limit }, (join) => Effect.sync(() => whatThereIs(join) as Within<T>))

/**
 * What a join that takes what it can get has got.
 *
 * @category models
 * @since 0.1.0
 */
export interface BestEffort<T extends Entries> {
  /** Also what landed while its member was already told to stop. */
  readonly values: { readonly [K in Key<T>]?: Success<T, K & keyof T> }
  /** Why there is no value: what became of the member. */
  readonly missing: { readonly [K in Key<T>]?: Missing<At<T, K>> }
}

type Missing<M> = Loser.Cancelled | Loser.Failed<OwnFailure<M>> | MissingTask<M>
type MissingTask<M> = M extends Task.Task<infer A, infer E, any> ? Loser.Running<A, E> : never

/**
 * Whatever can be had: waits for all members, or until the limit if one is
 * given, and returns the values that there are and, for every other member, what
 * became of it. Does not fail.
 *
 * @category constructors
 * @since 0.1.0
 */
export const bestEffort = <const T extends Entries>(
  entries: T,
  options?: JoinOptions & { readonly limit?: Duration.Input | undefined }
): Effect.Effect<BestEffort<T>, never, Services<T>> =>
  join(entries, options, { limit: options?.limit }, (join) => Effect.sync(() => whatCouldBeHad(join) as BestEffort<T>))

/**
 * @category models
 * @since 0.1.0
 */
export interface SkipCancelled<T extends Entries> {
  readonly values: { readonly [K in Key<T>]?: Success<T, K & keyof T> }
  readonly skipped: { readonly [K in Key<T>]?: Interrupted }
}

/**
 * Like `all`, but a member that ended cancelled, by itself, by its limit or, for a
 * task from outside, by anyone, is skipped instead of failing the join. A failure
 * still fails it.
 *
 * @category constructors
 * @since 0.1.0
 */
export const skipCancelled = <const T extends Entries>(
  entries: T,
  options?: JoinOptions
): Effect.Effect<SkipCancelled<T>, OwnFailure<At<T, keyof T & (number | string)>>, Services<T>> =>
  join(entries, options, { failFast: "failed" }, (join) => {
    join.passOnCleanupFailures()
    join.passOnLateFailures()
    if (join.failed.size > 0) return Effect.failCause(join.failure() as Cause.Cause<never>)
    return Effect.sync(() => {
      const { completed: values, cancelled, interrupted } = whatThereIs(join)
      return { values, skipped: { ...cancelled, ...interrupted } }
    })
  })

/**
 * The first ends, in the order in which they came, and what became of the rest.
 *
 * @category models
 * @since 0.1.0
 */
export interface First<T extends Entries> {
  readonly ended: ReadonlyArray<
    T extends ReadonlyArray<infer M>
      ? { readonly member: number; readonly outcome: TaskOutcome<SuccessOf<M>, OwnFailure<M>> }
      : {
          readonly [K in keyof T]: {
            readonly member: K
            readonly outcome: TaskOutcome<SuccessOf<T[K]>, OwnFailure<T[K]>>
          }
        }[keyof T]
  >
  readonly rest: Losers<T>
}

/**
 * Waits until `count` members have ended, however they ended, and cancels the
 * rest (`lost-race`). With fewer members it waits for all. Does not fail; where
 * only successes count, use `Race.quorum`. The scopes of those that succeeded
 * move to the caller's.
 *
 * @category constructors
 * @since 0.1.0
 */
export const first = <const T extends Entries>(
  entries: T,
  count: number,
  options?: Omit<JoinOptions, "each">
): Effect.Effect<First<T>, never, AllServices<T>> =>
  Effect.suspend(() => {
    if (!(count >= 0)) throw new RangeError(`The count must be a number from 0 on, but it is ${String(count)}`)
    const size = Array.isArray(entries) ? entries.length : Object.keys(entries).length
    const plan = { kind: "join", counts: "settled", needed: Math.min(Math.floor(count), size) } as const
    return own(
      (owner) =>
        new RaceNode(options?.name ?? "join", owner, entries, {
          ...plan,
          ...membersOf(options),
          stagger: undefined,
          render: firstEnds
        })
    ) as Effect.Effect<any>
  })

const join = <E>(
  entries: Entries,
  options: JoinOptions | undefined,
  plan: { readonly failFast?: "failed" | "cancelled"; readonly limit?: Duration.Input | undefined },
  render: (join: JoinNode) => Effect.Effect<any, E>
): Effect.Effect<any, E> =>
  Effect.suspend(() => {
    const full = planOf(options, plan.failFast ?? "never", plan.limit)
    return own((owner) => new JoinNode(options?.name ?? "join", owner, entries, full, render))
  })
