/**
 * What races and joins take: a record, whose keys name the members, or a list,
 * whose indices do. Results keep the shape and the order of the input.
 *
 * @since 0.1.0
 */
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"

/**
 * @category models
 * @since 0.1.0
 */
export type Entries =
  | { readonly [name: string]: Effect.Effect<any, any, any> }
  | ReadonlyArray<Effect.Effect<any, any, any>>

/**
 * A key as `Object.keys` spells it.
 *
 * @category models
 * @since 0.1.0
 */
export type KeyName<K> = K extends string ? K : K extends number ? `${K}` : never

/**
 * @category models
 * @since 0.1.0
 */
export type Success<T extends Entries, K extends keyof T = keyof T> =
  T extends ReadonlyArray<infer M>
    ? Effect.Success<Extract<M, Effect.Effect<any, any, any>>>
    : T[K] extends Effect.Effect<infer A, any, any>
      ? A
      : never

/**
 * @category models
 * @since 0.1.0
 */
export type Failure<T extends Entries> = T[keyof T & (number | string)] extends infer M
  ? M extends Effect.Effect<any, infer E, any>
    ? E
    : never
  : never

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
