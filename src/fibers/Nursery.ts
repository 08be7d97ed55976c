/**
 * A scope that owns child tasks and does not exit while one of them lives. Reach
 * for it wherever tasks are started whose number is not known beforehand; for a
 * fixed set there are `Race` and `Join`. A service or layer owns one with `make`.
 *
 * @since 0.1.0
 */
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as CancelReason from "./CancelReason.ts"
import type { CancelResult } from "./CancelResult.ts"
import { cancelAs, cancelNurseryAs } from "./internal/cancelAs.ts"
import { CurrentNode } from "./internal/currentNode.ts"
import { own } from "./internal/groupNode.ts"
import { nurseryInScope } from "./internal/nurseryInScope.ts"
import { NurseryNode } from "./internal/nurseryNode.ts"
import { outcomeOf } from "./internal/outcome.ts"
import type { TaskNode } from "./internal/taskNode.ts"
import type { ScopeCancelled } from "./ScopeCancelled.ts"
import type * as Task from "./Task.ts"
import type * as TaskOutcome from "./TaskOutcome.ts"

/**
 * @category models
 * @since 0.1.0
 */
export interface SpawnOptions {
  /** A background child does not hold up the nursery: it is cancelled when everything else has ended. */
  readonly background?: boolean | undefined
}

/**
 * The handle that a body gets. `E` is what its children may fail with.
 *
 * @category models
 * @since 0.1.0
 */
export interface Nursery<in E = never> {
  readonly name: string
  /**
   * Starts a child in the next turn. In a closed or interrupted nursery the body
   * never runs and the task is already cancelled.
   */
  readonly spawn: <A, E2 extends E, R>(
    name: string,
    effect: Effect.Effect<A, E2, R>,
    options?: SpawnOptions
  ) => Effect.Effect<Task.Task<A, E2>, never, Exclude<R, Scope.Scope>>
  /**
   * Starts a child and waits until it calls `ready(value)`. Until then the child
   * belongs to the caller: its failure comes here, and a cancelled caller cancels
   * and awaits it. A child that ends first is `NeverReady`.
   */
  readonly spawnReady: <V, A, E2 extends E, R>(
    name: string,
    body: (ready: (value: V) => Effect.Effect<void>) => Effect.Effect<A, E2, R>,
    options?: SpawnOptions
  ) => Effect.Effect<V, E2 | NeverReady, Exclude<R, Scope.Scope>>
  /**
   * Ends the nursery: `run` then fails with `ScopeCancelled` and its caller lives.
   * From inside it answers `Requested`, as it cannot wait for itself.
   */
  readonly cancel: (options?: Task.CancelOptions) => Effect.Effect<CancelResult>
}

/**
 * A child that ended before it said that it was ready.
 *
 * @category errors
 * @since 0.1.0
 */
export class NeverReady extends Schema.TaggedError<NeverReady>()("NeverReady", {
  task: Schema.String,
  outcome: Schema.Any
}) {
  declare readonly outcome: TaskOutcome.TaskOutcome<unknown, unknown, unknown>
  override get message(): string {
    return `The task "${this.task}" ended (${this.outcome._tag}) before it was ready`
  }
}

/**
 * Runs `body` on a fiber of its own and waits for it and for every child. The
 * first failure, of the body or of a child, cancels all the others; the nursery
 * then fails with every failure that landed within that turn (contract K3).
 *
 * @category constructors
 * @since 0.1.0
 */
export const run = <A, E2, R, E = never>(
  name: string,
  body: (nursery: Nursery<E>) => Effect.Effect<A, E2, R>
): Effect.Effect<A, E | E2 | ScopeCancelled, Exclude<R, Scope.Scope>> => owning(name, "cancel-siblings", body)

/**
 * What a supervised nursery returns: the body's value, and which children failed.
 *
 * @category models
 * @since 0.1.0
 */
export interface Supervised<A, E> {
  readonly value: A
  readonly failures: ReadonlyArray<{ readonly name: string; readonly cause: Cause.Cause<E> }>
}

/**
 * Like `run`, but a child's failure leaves its siblings alone and is returned.
 *
 * @category constructors
 * @since 0.1.0
 */
export const supervise = <A, E2, R, E = never>(
  name: string,
  body: (nursery: Nursery<E>) => Effect.Effect<A, E2, R>
): Effect.Effect<Supervised<A, E>, E2 | ScopeCancelled, Exclude<R, Scope.Scope>> => owning(name, "supervise", body)

/**
 * A nursery that lives as long as the current scope. When the scope closes, its
 * children are cancelled (`scope-closed`) and awaited. A child's failure leaves
 * its siblings alone; whoever holds the task reads it.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <E = never>(name = "nursery"): Effect.Effect<Nursery<E>, never, Scope.Scope> =>
  Effect.map(
    nurseryInScope((fiber) => new NurseryNode(name, fiber, "supervise", undefined)),
    (node) => handle<E>(node)
  )

const owning = (
  name: string,
  onFailure: "cancel-siblings" | "supervise",
  body: (nursery: Nursery<any>) => Effect.Effect<any, any, any>
): Effect.Effect<any, any, any> =>
  own((fiber) => {
    const node: NurseryNode = new NurseryNode(
      name,
      fiber,
      onFailure,
      Effect.suspend(() => body(handle(node)))
    )
    return node
  })

const asTask = <A, E>(node: TaskNode): Task.Task<A, E> => node as unknown as Task.Task<A, E>

const handle = <E>(node: NurseryNode): Nursery<E> => ({
  name: node.name,
  spawn: (name, effect, options) =>
    Effect.withFiber((fiber) => {
      const child = node.adopt(name, effect, fiber, options)
      if (!child.gone) node.starting.add(child, fiber)
      return Effect.succeed(asTask(child))
    }),
  spawnReady: (name, body, options) =>
    Effect.withFiber((fiber) => untilReady(node, name, body, fiber, options)) as never,
  cancel: (options) => cancelNurseryAs(node, options)
})

const untilReady = <V>(
  node: NurseryNode,
  name: string,
  body: (ready: (value: V) => Effect.Effect<void>) => Effect.Effect<any, any, any>,
  fiber: Fiber.Fiber<any, any>,
  options: SpawnOptions | undefined
): Effect.Effect<V, any> => {
  let child: TaskNode | undefined
  let said = false
  return Effect.onInterrupt(
    Effect.callback<V, unknown>((resume) => {
      const ready = (value: V) =>
        Effect.sync(() => {
          if (said) return
          said = true
          node.ready(task)
          resume(Effect.succeed(value))
        })
      const task = (child = node.adopt(
        name,
        Effect.suspend(() => body(ready)),
        fiber,
        options
      ))
      const withdraw = task.onClosed(() => resume(endedUnready(task)))
      if (task.gone) return
      node.awaitReady(task)
      node.starting.add(task, fiber)
      return Effect.sync(withdraw)
    }),
    () => (child === undefined || said ? Effect.void : leave(child, fiber))
  )
}

/** Ends the child of a caller that was cancelled; a failure on its way to that one is kept where it can be seen. */
const leave = (child: TaskNode, caller: Fiber.Fiber<any, any>): Effect.Effect<void> =>
  Effect.map(cancelAs(child, { reason: callerLeft }, true), () => {
    if (child.verdict !== "failed" || child.exit?._tag !== "Failure") return
    caller.getRef(CurrentNode).cleanupFailed(child.name, child.exit.cause, child.context)
  })

const callerLeft = CancelReason.scopeClosed({ message: "The caller that waited for ready was cancelled" })

const endedUnready = (task: TaskNode): Effect.Effect<never, unknown> => {
  const outcome = outcomeOf(task)
  return outcome._tag === "Failed"
    ? Effect.failCause(outcome.cause)
    : Effect.fail(new NeverReady({ task: task.name, outcome }))
}
