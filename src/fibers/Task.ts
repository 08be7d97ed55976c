/**
 * A named unit of work on one fiber, with one place in the tree and exactly one
 * outcome. Tasks are started by a `Nursery` or by the `Tasks` service; this
 * module has what is done with the handle, and what a task does from inside.
 *
 * @since 0.1.0
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import { CancelAbortError } from "./CancelAbortError.ts"
import type * as CancelPolicy from "./CancelPolicy.ts"
import type * as CancelReason from "./CancelReason.ts"
import type { CancelResult } from "./CancelResult.ts"
import { cancelAllOn, cancelAs } from "./internal/cancelAs.ts"
import { CurrentNode } from "./internal/currentNode.ts"
import { enclosingTask } from "./internal/enclosingTask.ts"
import { onRequest } from "./internal/onRequest.ts"
import { outcomeOf } from "./internal/outcome.ts"
import type { TaskNode } from "./internal/taskNode.ts"
import { TaskRecord } from "./internal/taskRecord.ts"
import { afterClose } from "./internal/waits.ts"
import { TaskCancelled } from "./TaskCancelled.ts"
import * as TaskOutcome from "./TaskOutcome.ts"

export { commit, CommitTimedOut } from "./internal/commit.ts"

const TypeId: unique symbol = Symbol.for("rescind/fibers/Task")

/**
 * The handle of a task. `A`, `E` and `P` are the types of its success, its
 * failure and its partial result.
 *
 * @category models
 * @since 0.1.0
 */
export interface Task<out A, out E = never, out P = never> {
  readonly [TypeId]: { readonly _A: () => A; readonly _E: () => E; readonly _P: () => P }
  readonly name: string
  /** 1 for the first run under this name. */
  readonly attempt: number
}

const nodeOf = (task: Task<unknown, unknown, unknown>): TaskNode => task as unknown as TaskNode

/**
 * What a cancel may say: why, and how patiently.
 *
 * @category models
 * @since 0.1.0
 */
export interface CancelOptions extends CancelPolicy.CancelPolicyInput {
  readonly reason?: CancelReason.Draft | CancelReason.CancelReason | undefined
}

const await_ = <A, E, P>(task: Task<A, E, P>): Effect.Effect<TaskOutcome.TaskOutcome<A, E, P>> => {
  const node = nodeOf(task)
  return Effect.withFiber((fiber) =>
    node.gone
      ? Effect.succeed(outcomeOf(node))
      : Effect.callback((resume) => {
          const withdraw = afterClose(fiber, node, () => resume(Effect.succeed(outcomeOf(node))))
          return Effect.sync(withdraw)
        })
  )
}

export {
  /**
   * Waits for the outcome. Whoever waits may leave: that changes nothing.
   *
   * @category handles
   * @since 0.1.0
   */
  await_ as await
}

/**
 * The outcome if there is one.
 *
 * @category handles
 * @since 0.1.0
 */
export const poll = <A, E, P>(task: Task<A, E, P>): Effect.Effect<Option.Option<TaskOutcome.TaskOutcome<A, E, P>>> =>
  Effect.sync(() => (nodeOf(task).gone ? Option.some(outcomeOf(nodeOf(task))) : Option.none()))

/**
 * Waits for the value. A task that was cancelled fails its joiner with
 * `TaskCancelled`.
 *
 * @category handles
 * @since 0.1.0
 */
export const join = <A, E, P>(task: Task<A, E, P>): Effect.Effect<A, E | TaskCancelled> =>
  Effect.flatMap(await_(task), (outcome): Effect.Effect<A, E | TaskCancelled> =>
    outcome._tag === "Cancelled"
      ? Effect.fail(new TaskCancelled({ task: task.name, reason: outcome.reason }))
      : TaskOutcome.toExit(outcome)
  )

/**
 * Asks the task, and all below it, to stop, and waits until it has ended or the
 * policy gives up. Idempotent: the first reason stays. A cancel of oneself or of
 * an ancestor never waits and answers `Requested`.
 *
 * @category handles
 * @since 0.1.0
 */
export const cancel = (task: Task<unknown, unknown, unknown>, options?: CancelOptions): Effect.Effect<CancelResult> =>
  cancelAs(nodeOf(task), options, true)

/**
 * The same without waiting: `Requested`, or how the task had already ended.
 *
 * @category handles
 * @since 0.1.0
 */
export const requestCancel = (
  task: Task<unknown, unknown, unknown>,
  options?: CancelOptions
): Effect.Effect<CancelResult> => cancelAs(nodeOf(task), options, false)

/**
 * Options of each of several cancels: the same for all, or what the function says
 * of each one.
 *
 * @category models
 * @since 0.1.0
 */
export type CancelAllOptions<Item> =
  | CancelOptions
  | ((item: Item, index: number) => CancelOptions | undefined)
  | undefined

type AnyTask = Task<unknown, unknown, unknown>

/**
 * Asks all of them to stop in one step, then waits for all; one answer each, in
 * the order of the tasks (contract K4, K36). Reasons and policies may differ.
 *
 * @category handles
 * @since 0.1.0
 */
export const cancelAll = (
  tasks: Iterable<AnyTask>,
  options?: CancelAllOptions<AnyTask>
): Effect.Effect<ReadonlyArray<CancelResult>> => cancelEach(tasks, options, true)

/**
 * The same without waiting: `Requested` for each, or how it had already ended.
 *
 * @category handles
 * @since 0.1.0
 */
export const requestCancelAll = (
  tasks: Iterable<AnyTask>,
  options?: CancelAllOptions<AnyTask>
): Effect.Effect<ReadonlyArray<CancelResult>> => cancelEach(tasks, options, false)

const cancelEach = (tasks: Iterable<AnyTask>, options: CancelAllOptions<AnyTask>, wait: boolean) =>
  Effect.withFiber((fiber) => {
    const handles = Array.from(tasks)
    const optionsOf = (index: number) => (typeof options === "function" ? options(handles[index]!, index) : options)
    return cancelAllOn(fiber, handles.map(nodeOf), optionsOf, wait)
  })

const withTask = <A, E = never, R = never>(
  otherwise: Effect.Effect<A, E, R>,
  f: (task: TaskNode) => Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> =>
  Effect.withFiber((fiber) => {
    const task = enclosingTask(fiber.getRef(CurrentNode))
    return task === undefined ? otherwise : f(task)
  })

/**
 * Whether the scope that the current fiber runs in was asked to stop, and why:
 * the flag that a task in its grace looks at.
 *
 * @category inside
 * @since 0.1.0
 */
export const requested: Effect.Effect<Option.Option<CancelReason.CancelReason>> = Effect.withFiber((fiber) => {
  const node = fiber.getRef(CurrentNode)
  return Effect.succeed(node.mark === undefined || node.gone ? Option.none() : Option.some(node.mark.reason))
})

/**
 * Waits until the scope that the current fiber runs in is asked to stop, and
 * answers why. Outside of any task it waits for ever.
 *
 * @category inside
 * @since 0.1.0
 */
export const awaitRequest: Effect.Effect<CancelReason.CancelReason> = Effect.withFiber((fiber) =>
  Effect.callback((resume) => {
    const withdraw = onRequest(fiber.getRef(CurrentNode), (reason) => resume(Effect.succeed(reason)))
    return Effect.sync(withdraw)
  })
)

/**
 * An `AbortSignal` for foreign code, aborted at the request with an `AbortError`
 * that carries the reason as `reason`. It lives as long as the current scope.
 *
 * @category inside
 * @since 0.1.0
 */
export const signal: Effect.Effect<AbortSignal, never, Scope.Scope> = Effect.acquireRelease(
  Effect.withFiber((fiber) => {
    const controller = new AbortController()
    const withdraw = onRequest(fiber.getRef(CurrentNode), (reason) => controller.abort(new CancelAbortError(reason)))
    return Effect.succeed({ signal: controller.signal, withdraw })
  }),
  ({ withdraw }) => Effect.sync(withdraw)
).pipe(Effect.map(({ signal }) => signal))

/**
 * Registers clean-up of the enclosing task that runs only if it is cancelled: with
 * the reason, once, before what was registered earlier. Outside of any task it
 * does nothing.
 *
 * @category inside
 * @since 0.1.0
 */
export const onCancel = <R>(
  hook: (reason: CancelReason.CancelReason) => Effect.Effect<unknown, never, R>
): Effect.Effect<void, never, R> =>
  withTask<void, never, R>(Effect.void, (task) =>
    Effect.contextWith((context: Context.Context<R>) =>
      Scope.addFinalizer(
        task,
        Effect.suspend(() =>
          task.interrupted && !task.committing && task.mark !== undefined
            ? Effect.provideContext(Effect.provideService(hook(task.mark.reason), CurrentNode, task), context)
            : Effect.void
        )
      )
    )
  )

/**
 * Says how far the enclosing task is. Nothing is built where nobody listens.
 *
 * @category inside
 * @since 0.1.0
 */
export const progress = (value: unknown): Effect.Effect<void> =>
  withTask(Effect.void, (task) => {
    if (!task.gone) task.record?.progress(value)
    return Effect.void
  })

/**
 * Emits a piece of the enclosing task's result; accepted until its terminal event.
 *
 * @category inside
 * @since 0.1.0
 */
export const output = (value: unknown): Effect.Effect<void> =>
  withTask(Effect.void, (task) => {
    if (!task.gone) task.record?.output(value)
    return Effect.void
  })

/**
 * What the enclosing task would answer if it were cancelled now; the latest
 * counts and stands on a Cancelled outcome as `partial`.
 *
 * @category inside
 * @since 0.1.0
 */
export const partial = (value: unknown): Effect.Effect<void> =>
  withTask(Effect.void, (task) => {
    if (!task.gone) TaskRecord.of(task).partial = { value }
    return Effect.void
  })
