/**
 * Runs several effects and waits for all of them: for the values (`all`), for
 * how each ended (`settled`), or for what is there when a limit has passed
 * (`within`). Whoever is still running when a join ends early is cancelled with
 * the reason, and awaited.
 *
 * @since 0.1.0
 */
import type * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as CancelPolicy from "../fibers/CancelPolicy.ts"
import type { CancelReason } from "../fibers/CancelReason.ts"
import { own } from "../fibers/internal/groupNode.ts"
import { outcomeOf, tookOf } from "../fibers/internal/outcome.ts"
import type { TaskNode } from "../fibers/internal/taskNode.ts"
import type { TaskCancelled } from "../fibers/TaskCancelled.ts"
import type { CleanupFailure, How, TaskOutcome } from "../fibers/TaskOutcome.ts"
import type { Entries, Failure, Services, Success } from "./Entries.ts"
import { put } from "./internal/membersNode.ts"
import { JoinNode, type JoinOptions as Plan } from "./internal/joinNode.ts"

/**
 * @category models
 * @since 0.1.0
 */
export interface JoinOptions extends CancelPolicy.CancelPolicyInput {
  /** The name in the tree and in reasons. Default: "join". */
  readonly name?: string | undefined
}

type ErrorOf<M> = M extends Effect.Effect<any, infer E, any> ? E : never
type SuccessOf<M> = M extends Effect.Effect<infer A, any, any> ? A : never

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
  join(entries, options, { failFast: true }, (join) => {
    join.passOnCleanupFailures()
    join.passOnLateFailures()
    return join.failed.length > 0
      ? Effect.failCause(join.failure() as Cause.Cause<Failure<T> | TaskCancelled>)
      : Effect.sync(() => join.collect((member) => (member!.exit as { readonly value: unknown }).value))
  })

/**
 * The outcomes, in the shape of the input.
 *
 * @category models
 * @since 0.1.0
 */
export type Outcomes<T extends Entries> = { readonly [K in keyof T]: TaskOutcome<SuccessOf<T[K]>, ErrorOf<T[K]>> }

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
  join(entries, options, {}, (join) => Effect.sync(() => join.collect((member) => outcomeOf(member!))))

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
 * What was there at the limit. Each member stands in exactly one of the four, by
 * its key; for a list, by its index.
 *
 * @category models
 * @since 0.1.0
 */
export interface Within<T extends Entries> {
  readonly completed: { readonly [K in Key<T>]?: Success<T, K & keyof T> }
  readonly failed: { readonly [K in Key<T>]?: Cause.Cause<ErrorAt<T, K>> }
  readonly cancelled: { readonly [K in Key<T>]?: TimedOut<Success<T, K & keyof T>> }
  readonly interrupted: { readonly [K in Key<T>]?: Interrupted }
}

type Key<T extends Entries> = T extends ReadonlyArray<unknown> ? number : keyof T
type ErrorAt<T extends Entries, K> = T extends ReadonlyArray<infer M> ? ErrorOf<M> : ErrorOf<T[K & keyof T]>

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
  Effect.suspend(() => {
    if (Number.isNaN(limit)) throw new CancelPolicy.InvalidDuration("limit", limit)
    return join(entries, options, { limit: Duration.fromInputUnsafe(limit) }, (join) =>
      Effect.sync(() => partial(join))
    )
  })

const partial = (join: JoinNode): Within<any> => {
  const report = { completed: {}, failed: {}, cancelled: {}, interrupted: {} } as {
    readonly [K in keyof Within<any>]: Record<string, unknown>
  }
  for (const member of join.members) {
    const place = placeOf(member, join)
    put(report[place], member.name, valueOf(member, place))
  }
  join.passOnCleanupFailures(["completed", "failed"])
  return report as Within<any>
}

const placeOf = (member: TaskNode, join: JoinNode): keyof Within<any> => {
  if (member.verdict !== "cancelled") return member.verdict!
  return member.mark === join.mark ? "cancelled" : "interrupted"
}

const valueOf = (member: TaskNode, place: keyof Within<any>): unknown => {
  const { exit, record } = member
  if (place === "completed" || place === "failed") return exit?._tag === "Success" ? exit.value : exit?.cause
  const reason = member.mark!.reason
  const cleanupFailures = [...(record?.cleanupFailures ?? [])]
  if (place === "interrupted") return { reason, cleanupFailures }
  const late = exit?._tag === "Success" ? { late: exit.value } : {}
  return { reason, how: member.how, took: tookOf(member), ...late, cleanupFailures }
}

const join = <E>(
  entries: Entries,
  options: JoinOptions | undefined,
  plan: { readonly failFast?: boolean; readonly limit?: Duration.Duration },
  render: (join: JoinNode) => Effect.Effect<any, E>
): Effect.Effect<any, E> =>
  Effect.suspend(() => {
    const full: Plan = { failFast: plan.failFast === true, limit: plan.limit, policy: CancelPolicy.make(options) }
    return own((owner) => new JoinNode(options?.name ?? "join", owner, entries, full, render))
  })
