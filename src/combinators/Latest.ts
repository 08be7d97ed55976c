/**
 * One run at a time under each key: a new one takes the place of the old, which
 * is cancelled (`superseded`, by the newcomer) and has cleaned up before the new
 * one begins. Reach for it where the newest input counts: a search as one types,
 * a preview of a file that changes, a job that is started again. With `keep` the
 * one that runs stays instead, and the newcomer never begins. It owns its runs:
 * they end with the scope that made it, whoever started them.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import { format } from "effect/Formatter"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as CancelPolicy from "../fibers/CancelPolicy.ts"
import type { CancelResult } from "../fibers/CancelResult.ts"
import { cancelOn } from "../fibers/internal/cancelAs.ts"
import { nurseryInScope } from "../fibers/internal/nurseryInScope.ts"
import type { TaskNode } from "../fibers/internal/taskNode.ts"
import type * as Task from "../fibers/Task.ts"
import type { TaskCancelled } from "../fibers/TaskCancelled.ts"
import { LatestNode } from "./internal/latestNode.ts"
import { resultOf } from "./internal/runResult.ts"

interface Runs<in K> {
  readonly name: string
  /** The run that holds the key: the newest one, if it was not told to stop. */
  readonly get: (key: K) => Effect.Effect<Option.Option<Task.Task<unknown, unknown>>>
  /** How many keys have a run, one that still cleans up included. */
  readonly size: Effect.Effect<number>
  /**
   * Cancels the newest run of the key, and waits until no run that was there is
   * left, those that still clean up included. Answers for the newest one;
   * `NotFound` when there is none.
   */
  readonly cancel: (key: K, options?: Task.CancelOptions) => Effect.Effect<CancelResult>
}

/**
 * The newest run of a key stays. `attempt` of a task counts the runs of its key:
 * it rises with each and never repeats.
 *
 * @category models
 * @since 0.1.0
 */
export interface Latest<in K> extends Runs<K> {
  /**
   * Tells the run before to stop and answers at once. The new one begins in the
   * next turn, or when the old one has ended. In a closed `Latest` it is already
   * cancelled.
   */
  readonly start: <A, E, R>(
    key: K,
    effect: Effect.Effect<A, E, R>
  ) => Effect.Effect<Task.Task<A, E>, never, Exclude<R, Scope.Scope>>
  /**
   * The same, and waits for the value. Whoever waits and is interrupted cancels
   * this run and awaits its clean-up; a run that was superseded, or cancelled
   * otherwise, fails its waiter with `TaskCancelled`.
   *
   * **Gotchas**
   *
   * In the clean-up of a run of the same key, or in a shield of it, it is a
   * defect, since each would wait for the other: use `start` there.
   */
  readonly run: <A, E, R>(
    key: K,
    effect: Effect.Effect<A, E, R>
  ) => Effect.Effect<A, E | TaskCancelled, Exclude<R, Scope.Scope>>
}

/**
 * The oldest run of a key stays, until it has ended or was told to stop.
 *
 * @category models
 * @since 0.1.0
 */
export interface Keeping<in K> extends Runs<K> {
  /** Starts a run if the key is free, and else answers with the one that stays. */
  readonly start: <A, E, R>(
    key: K,
    effect: Effect.Effect<A, E, R>
  ) => Effect.Effect<Kept | { readonly started: true; readonly task: Task.Task<A, E> }, never, Exclude<R, Scope.Scope>>
  /** The same, and waits for the value of a run that it started; see `Latest.run`. */
  readonly run: <A, E, R>(
    key: K,
    effect: Effect.Effect<A, E, R>
  ) => Effect.Effect<Kept | { readonly started: true; readonly value: A }, E | TaskCancelled, Exclude<R, Scope.Scope>>
}

/**
 * The key was taken: `task` stays, and the body of the newcomer never runs.
 *
 * @category models
 * @since 0.1.0
 */
export interface Kept {
  readonly started: false
  readonly task: Task.Task<unknown, unknown>
}

/**
 * `grace` and `giveUp` are the patience with a superseded run; with `giveUp` the
 * new one begins when the old one was given up on, and the old one is listed in
 * `Stragglers`.
 *
 * @category models
 * @since 0.1.0
 */
export interface LatestOptions<in K> extends CancelPolicy.CancelPolicyInput {
  readonly mode?: "replace" | undefined
  /** True: the new run begins at once, beside the clean-up of the old. Default: false. */
  readonly overlap?: boolean | undefined
  /** The name in the tree. Default: "latest". */
  readonly name?: string | undefined
  /** What the runs of a key are called. Default: the key, formatted. */
  readonly nameOf?: ((key: K) => string) | undefined
}

/**
 * @category models
 * @since 0.1.0
 */
export interface KeepingOptions<in K> {
  readonly mode: "keep"
  readonly name?: string | undefined
  readonly nameOf?: ((key: K) => string) | undefined
}

/**
 * Keys are compared as Effect compares: values that are equal by structure are
 * one key (contract K35).
 *
 * @example
 * ```ts
 * const searches = yield* Latest.make<UserId>()
 * const hits = yield* searches.run(user, search(text))
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make: {
  <K>(options: KeepingOptions<K>): Effect.Effect<Keeping<K>, never, Scope.Scope>
  <K>(options?: LatestOptions<K>): Effect.Effect<Latest<K>, never, Scope.Scope>
} = <K>(options?: LatestOptions<K> | KeepingOptions<K>): Effect.Effect<any, never, Scope.Scope> =>
  Effect.suspend(() => {
    const replaces = options?.mode !== "keep"
    const settings = {
      name: options?.name ?? "latest",
      overlap: replaces && options?.overlap === true,
      policy: replaces ? CancelPolicy.make(options) : CancelPolicy.immediate,
      nameOf: options?.nameOf ?? nameOf
    }
    return Effect.map(
      nurseryInScope((owner) => new LatestNode<K>(settings, owner)),
      (node): Latest<K> | Keeping<K> => (replaces ? replacing(node) : keeping(node))
    )
  })

const nameOf = (key: unknown): string => (typeof key === "string" ? key : format(key))

const replacing = <K>(node: LatestNode<K>): Latest<K> => ({
  ...runs(node),
  start: (key, effect) => Effect.withFiber((fiber) => Effect.succeed(asTask(node.replace(key, effect, fiber)))),
  run: (key, effect) => resultOf(node.name, (fiber) => node.replace(key, effect, fiber)) as Effect.Effect<any, any>
})

const keeping = <K>(node: LatestNode<K>): Keeping<K> => ({
  ...runs(node),
  start: (key, effect) =>
    Effect.withFiber((fiber) => {
      const holder = node.holderOf(key)
      return Effect.succeed(
        holder === undefined
          ? { started: true, task: asTask<any, any>(node.replace(key, effect, fiber)) }
          : { started: false, task: asTask(holder) }
      )
    }),
  run: (key, effect) =>
    Effect.suspend(() => {
      let holder: TaskNode | undefined
      const result = resultOf(node.name, (fiber) => {
        holder = node.holderOf(key)
        return holder === undefined ? node.replace(key, effect, fiber) : undefined
      })
      return Effect.map(result as Effect.Effect<any, any>, (value) =>
        holder === undefined ? { started: true, value } : { started: false, task: asTask(holder) }
      )
    })
})

const runs = <K>(node: LatestNode<K>): Runs<K> => ({
  name: node.name,
  get: (key) => Effect.sync(() => Option.map(Option.fromUndefinedOr(node.holderOf(key)), asTask)),
  size: Effect.sync(() => node.size),
  cancel: (key, options) =>
    Effect.withFiber((fiber) => {
      // The newest first: else the end of one before it would have it started.
      const [newest, ...older] = node
        .runsOf(key)
        .toReversed()
        .map((run) => cancelOn(fiber, run, { ...options, ...node.policyFor(run, CancelPolicy.make(options)) }, true))
      if (newest === undefined) return Effect.succeed<CancelResult>({ _tag: "NotFound", id: node.nameOf(key) })
      return older.length === 0 ? newest : Effect.tap(newest, Effect.all(older))
    })
})

const asTask = <A, E>(node: TaskNode): Task.Task<A, E> => node as unknown as Task.Task<A, E>
