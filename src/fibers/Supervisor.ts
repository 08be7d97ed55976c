/**
 * Restarts what ends when it should not. Each attempt is a fresh task with a scope
 * of its own, which has closed before the next one starts; failures and defects
 * count alike. What was cancelled stays cancelled: cancel wins over restart during
 * the attempt, its clean-up and the back-off. A supervisor owns its children, and
 * ends with them, or when they restart too often.
 *
 * The terms are Erlang's. In words of other systems: `transient` is Docker's and
 * systemd's "on-failure", `permanent` is "always", `temporary` is "no".
 *
 * @since 0.1.0
 */
import type * as Cause from "effect/Cause"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import { own } from "./internal/groupNode.ts"
import { SupervisorNode } from "./internal/supervisorNode.ts"
import { SupervisedChild } from "./internal/supervisedChild.ts"
import { type Rules, Supervision } from "./internal/supervising.ts"
import { validMillis } from "./internal/validDuration.ts"
import type { RestartLimitReached } from "./RestartLimitReached.ts"
import { TaskCancelled } from "./TaskCancelled.ts"
import * as TaskOutcome from "./TaskOutcome.ts"

/**
 * `permanent`: restarted however it ends; `transient`: when it fails or dies;
 * `temporary`: never. None of them restarts what was cancelled or interrupted
 * itself.
 *
 * @category models
 * @since 0.1.0
 */
export type RestartPolicy = "permanent" | "transient" | "temporary"

/**
 * Who restarts with a child: nobody else, all others, or those that were started
 * after it. The others are cancelled (`sibling-failed`, by the child) all at once,
 * awaited, and started again in order, after the back-off.
 *
 * @category models
 * @since 0.1.0
 */
export type Strategy = "one-for-one" | "one-for-all" | "rest-for-one"

/**
 * One restart, before its back-off. `attempt` is the number of the one that ended,
 * from 1; `cause` is empty when a permanent child returned.
 *
 * @category models
 * @since 0.1.0
 */
export interface Restart<out E = unknown> {
  readonly child: string
  readonly attempt: number
  readonly cause: Cause.Cause<E>
  readonly cleanupFailures: ReadonlyArray<TaskOutcome.CleanupFailure>
  readonly delay: Duration.Duration
}

/**
 * @category models
 * @since 0.1.0
 */
export interface SupervisorOptions<E, R> {
  /** So many restarts of all children within the window; one more gives up. Default: 3 in 5 seconds. */
  readonly intensity?: { readonly restarts: number; readonly within: Duration.Input } | undefined
  /** The delay before each restart, per child, counted from its end; gives up when it ends. Default: none. */
  readonly backoff?: Schedule.Schedule<unknown, Cause.Cause<E>, never, R> | undefined
  /** An attempt that lasted this long starts the back-off afresh. Default: the window of `intensity`. */
  readonly stableAfter?: Duration.Input | undefined
  /** Told of each restart. Without it each is logged as a warning. */
  readonly onRestart?: ((restart: Restart<E>) => Effect.Effect<unknown, never, R>) | undefined
}

/**
 * How one child is treated.
 *
 * @category models
 * @since 0.1.0
 */
export interface ChildOptions<E, P extends RestartPolicy = RestartPolicy> {
  /** Default: `transient`. */
  readonly restart?: P | undefined
  /** False: this failure is not worth a restart. It leaves the supervisor as it came. */
  readonly shouldRestart?: ((cause: Cause.Cause<E>) => boolean) | undefined
}

/**
 * What a child is worth in the end: a permanent one never ends by itself.
 *
 * @category models
 * @since 0.1.0
 */
export type Value<A, P extends RestartPolicy> = P extends "permanent" ? never : A

/**
 * Runs one effect and restarts it by the policy until it returns. Fails with
 * `RestartLimitReached` when it ended once too often, with `TaskCancelled` when
 * it interrupted itself, and with its own failure where the policy does not
 * restart that. Several of them side by side, in a nursery or a `Join`, are
 * children supervised one for one, each within limits of its own.
 *
 * @category constructors
 * @since 0.1.0
 */
export const run = <A, E, R, R2 = never, const P extends RestartPolicy = "transient">(
  name: string,
  effect: Effect.Effect<A, E, R>,
  options?: SupervisorOptions<E, R2> & ChildOptions<E, P>
): Effect.Effect<Value<A, P>, E | RestartLimitReached | TaskCancelled, Exclude<R, Scope.Scope> | R2> =>
  supervised(
    name,
    () => [childOf(name, effect, options)],
    "one-for-one",
    options,
    ([only]) =>
      only!.outcome!._tag === "Cancelled"
        ? Effect.fail(new TaskCancelled({ task: name, reason: only!.outcome!.reason }))
        : TaskOutcome.toExit(only!.outcome!)
  )

/**
 * An effect with a treatment of its own, for `all`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Child<out A, out E, out R, out P extends RestartPolicy = RestartPolicy> {
  readonly effect: Effect.Effect<A, E, R>
  readonly restart: P
  readonly shouldRestart: ((cause: Cause.Cause<any>) => boolean) | undefined
}

/**
 * @category constructors
 * @since 0.1.0
 */
export const child = <A, E, R, const P extends RestartPolicy = "transient">(
  effect: Effect.Effect<A, E, R>,
  options?: ChildOptions<E, P>
): Child<A, E, R, P> => ({
  effect,
  restart: (options?.restart ?? "transient") as P,
  shouldRestart: options?.shouldRestart
})

/**
 * By name, in the order in which they start. A plain effect is a transient child.
 *
 * @category models
 * @since 0.1.0
 */
export type Children = { readonly [name: string]: Effect.Effect<any, any, any> | Child<any, any, any> }

type SuccessOf<C> =
  C extends Effect.Effect<infer A, any, any> ? A : C extends Child<infer A, any, any, infer P> ? Value<A, P> : never
type ErrorOf<C> = C extends Effect.Effect<any, infer E, any> | Child<any, infer E, any> ? E : never
type ServicesOf<C> = C extends Effect.Effect<any, any, infer R> | Child<any, any, infer R> ? R : never

/**
 * How each child ended for good.
 *
 * @category models
 * @since 0.1.0
 */
export type Outcomes<T extends Children> = {
  readonly [K in keyof T]: TaskOutcome.TaskOutcome<SuccessOf<T[K]>, ErrorOf<T[K]>>
}

/**
 * Runs several children side by side until each has ended for good, and answers
 * how. When one may not be restarted any more the others are cancelled
 * (`sibling-failed`) and awaited, and the supervisor fails.
 *
 * **Details**
 *
 * Other than in Erlang a child that has completed stays completed when its
 * siblings restart, and siblings are told to stop at once, not one by one.
 *
 * @category constructors
 * @since 0.1.0
 */
export const all = <const T extends Children, R2 = never>(
  name: string,
  children: T,
  options?: SupervisorOptions<ErrorOf<T[keyof T]>, R2> & { readonly strategy?: Strategy | undefined }
): Effect.Effect<
  Outcomes<T>,
  ErrorOf<T[keyof T]> | RestartLimitReached,
  Exclude<ServicesOf<T[keyof T]>, Scope.Scope> | R2
> =>
  supervised(
    name,
    () =>
      Object.keys(children).map((key) => {
        const given = children[key]!
        return isChild(given) ? childOf(key, given.effect, given) : childOf(key, given)
      }),
    options?.strategy ?? "one-for-one",
    options,
    (ended) => Effect.succeed(Object.fromEntries(ended.map(({ name, outcome }) => [name, outcome!])))
  )

const isChild = (given: Children[string]): given is Child<any, any, any> => !Effect.isEffect(given)

const childOf = (name: string, effect: Effect.Effect<any, any, any>, options?: ChildOptions<any>): SupervisedChild =>
  new SupervisedChild(name, effect, options?.restart ?? "transient", options?.shouldRestart)

const supervised = (
  name: string,
  make: () => ReadonlyArray<SupervisedChild>,
  strategy: Strategy,
  options: SupervisorOptions<any, any> | undefined,
  result: (children: ReadonlyArray<SupervisedChild>) => Effect.Effect<any, any>
): Effect.Effect<any, any, any> =>
  Effect.suspend(() => {
    const rules = rulesOf(strategy, options)
    return own((owner) => {
      const node: SupervisorNode = new SupervisorNode(
        name,
        owner,
        Effect.withFiber((fiber) => {
          const children = make()
          return Effect.flatMap(new Supervision(node, children, rules, fiber).run, () => result(children))
        })
      )
      return node
    })
  })

const rulesOf = (strategy: Strategy, options: SupervisorOptions<any, any> | undefined): Rules => {
  const { restarts, within } = options?.intensity ?? { restarts: 3, within: "5 seconds" }
  if (!(restarts >= 0)) throw new RangeError(`intensity.restarts must be zero or more, but it is ${restarts}`)
  const window = validMillis("intensity.within", within)
  return {
    strategy,
    restarts,
    within: window,
    stableAfter: options?.stableAfter === undefined ? window : validMillis("stableAfter", options.stableAfter),
    backoff: options?.backoff,
    onRestart: options?.onRestart
  }
}
