/**
 * What races and joins take: a record, whose keys name the members, or a list,
 * whose indices do. Results keep the shape and the order of the input. A member
 * is an effect, which the race or join owns and cancels, or a task from outside,
 * which it only waits for.
 *
 * @since 0.1.0
 */
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type * as Task from "../fibers/Task.ts"
import type { TaskCancelled } from "../fibers/TaskCancelled.ts"

/**
 * An effect is owned: losing cancels it. A task that runs elsewhere is awaited,
 * and losing cancels it only where `cancelTasks` asks for it (contract K28).
 *
 * @category models
 * @since 0.1.0
 */
export type Entry = Effect.Effect<any, any, any> | Task.Task<any, any, any>

/**
 * @category models
 * @since 0.1.0
 */
export type Entries = { readonly [name: string]: Entry } | ReadonlyArray<Entry>

/**
 * A key as `Object.keys` spells it.
 *
 * @category models
 * @since 0.1.0
 */
export type KeyName<K> = K extends string ? K : K extends number ? `${K}` : never

/**
 * What one member may end with.
 *
 * @category models
 * @since 0.1.0
 */
export type SuccessOf<M> =
  M extends Effect.Effect<infer A, any, any> ? A : M extends Task.Task<infer A, any, any> ? A : never

/**
 * What one member may fail with. Waiting for a task that was cancelled is a failure.
 *
 * @category models
 * @since 0.1.0
 */
export type FailureOf<M> =
  M extends Effect.Effect<any, infer E, any> ? E : M extends Task.Task<any, infer E, any> ? E | TaskCancelled : never

/**
 * @category models
 * @since 0.1.0
 */
export type Success<T extends Entries, K extends keyof T = keyof T> =
  T extends ReadonlyArray<infer M> ? SuccessOf<M> : SuccessOf<T[K]>

/**
 * @category models
 * @since 0.1.0
 */
export type Failure<T extends Entries> = T[keyof T & (number | string)] extends infer M ? FailureOf<M> : never

/**
 * What the members need, but for their `Scope`: each has its own.
 *
 * @category models
 * @since 0.1.0
 */
export type Services<T extends Entries> = Exclude<AllServices<T>, Scope.Scope>

/**
 * What the members need, their `Scope` included: the winner's moves to the caller.
 *
 * @category models
 * @since 0.1.0
 */
export type AllServices<T extends Entries> = T[keyof T & (number | string)] extends infer M
  ? M extends Effect.Effect<any, any, infer R>
    ? R
    : never
  : never
