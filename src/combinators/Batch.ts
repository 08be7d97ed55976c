/**
 * One effect for each of many items, a few at a time, with a report of every
 * item: completed, failed, or cancelled and why. Reach for it where the items are
 * data and their number is not known beforehand; for a fixed set there is `Join`.
 * `start` gives a handle with which the batch, or a single item of it, can be
 * cancelled while its owner lives on.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as CancelPolicy from "../fibers/CancelPolicy.ts"
import type { CancelResult } from "../fibers/CancelResult.ts"
import { cancelAs, reasonOf } from "../fibers/internal/cancelAs.ts"
import { own } from "../fibers/internal/groupNode.ts"
import { CurrentNode } from "../fibers/internal/currentNode.ts"
import { outcomeOf } from "../fibers/internal/outcome.ts"
import type { TaskNode } from "../fibers/internal/taskNode.ts"
import { isHeldOff, whenClosed } from "../fibers/internal/waits.ts"
import * as Nursery from "../fibers/Nursery.ts"
import * as Task from "../fibers/Task.ts"
import type { TaskCancelled } from "../fibers/TaskCancelled.ts"
import type { TaskOutcome } from "../fibers/TaskOutcome.ts"
import { JoinNode } from "./internal/joinNode.ts"
import type { JoinOptions } from "./Join.ts"
import { planOf } from "./internal/joinPlan.ts"

/**
 * @category models
 * @since 0.1.0
 */
export type BatchOptions = Omit<JoinOptions, "cancelTasks">

/**
 * How one item ended. One that never had its turn is Cancelled too.
 *
 * @category models
 * @since 0.1.0
 */
export interface ItemReport<out Item, out A, out E> {
  readonly item: Item
  readonly outcome: TaskOutcome<A, E>
}

/**
 * Every item in the order of the input, and how many ended in which way.
 *
 * @category models
 * @since 0.1.0
 */
export interface BatchReport<out Item, out A, out E> {
  readonly items: ReadonlyArray<ItemReport<Item, A, E>>
  readonly completed: number
  readonly failed: number
  readonly cancelled: number
}

/**
 * An item failed and ended the batch; what had been done by then, and what became
 * of the rest, stands in the report.
 *
 * @category errors
 * @since 0.1.0
 */
export class BatchFailed<Item, A, E> extends Data.TaggedError("BatchFailed")<{
  readonly batch: string
  readonly report: BatchReport<Item, A, E>
}> {
  override get message(): string {
    const { cancelled, completed, failed } = this.report
    return `The batch "${this.batch}" failed: ${completed} items completed, ${failed} failed, ${cancelled} were cancelled; see report.items`
  }
}

type Each<Item, A, E, R> = (item: Item, index: number) => Effect.Effect<A, E, R>

/**
 * Runs all items, whatever becomes of single ones, and reports each. Does not fail.
 *
 * @category constructors
 * @since 0.1.0
 */
export const collect = <Item, A, E, R>(
  items: Iterable<Item>,
  each: Each<Item, A, E, R>,
  options?: BatchOptions
): Effect.Effect<BatchReport<Item, A, E>, never, Exclude<R, Scope.Scope>> => batch(items, each, options, "never")

/**
 * The same, but the first item that fails ends the batch: the rest is cancelled
 * (`sibling-failed`), nobody starts any more, and `BatchFailed` has the report.
 *
 * @category constructors
 * @since 0.1.0
 */
export const failFast = <Item, A, E, R>(
  items: Iterable<Item>,
  each: Each<Item, A, E, R>,
  options?: BatchOptions
): Effect.Effect<BatchReport<Item, A, E>, BatchFailed<Item, A, E>, Exclude<R, Scope.Scope>> =>
  batch(items, each, options, "failed")

/**
 * A batch under way.
 *
 * **Gotchas**
 *
 * To wait for it, with `report` or `cancel`, in the clean-up or in a shield of one
 * of its own items is a defect, since each would wait for the other.
 *
 * @category models
 * @since 0.1.0
 */
export interface Batch<out Item, out A, out E> {
  /** Waits for the end. `TaskCancelled`: the scope that owns the batch has closed. */
  readonly report: Effect.Effect<BatchReport<Item, A, E>, BatchFailed<Item, A, E> | TaskCancelled>
  /** Cancels what runs and what waits, and returns the report of every item once the last has ended. */
  readonly cancel: (
    options?: Task.CancelOptions
  ) => Effect.Effect<BatchReport<Item, A, E>, BatchFailed<Item, A, E> | TaskCancelled>
  /** Cancels one item, by its index; `NotFound` for an index that there is not. */
  readonly cancelItem: (index: number, options?: Task.CancelOptions) => Effect.Effect<CancelResult>
}

/**
 * Starts a batch that lives as long as the current scope, and gives its handle as
 * soon as the first items run.
 *
 * @category constructors
 * @since 0.1.0
 */
export const start = <Item, A, E, R>(
  items: Iterable<Item>,
  each: Each<Item, A, E, R>,
  options?: BatchOptions & {
    /** Default: "collect". */
    readonly onFailure?: "collect" | "fail-fast" | undefined
  }
): Effect.Effect<Batch<Item, A, E>, never, Exclude<R, Scope.Scope> | Scope.Scope> =>
  Effect.gen(function* () {
    const begun = Deferred.makeUnsafe<JoinNode>()
    const failFast = options?.onFailure === "fail-fast" ? "failed" : "never"
    const name = nameOf(options)
    const run = batch(items, each, options, failFast, (join) => Deferred.doneUnsafe(begun, Effect.succeed(join)))
    const nursery = yield* Nursery.make<BatchFailed<Item, A, E>>(name)
    const task = yield* nursery.spawn(name, run)
    // In a scope that has closed it ends without having begun.
    yield* Effect.raceFirst(Deferred.await(begun), Task.await(task))
    const node = Deferred.isDoneUnsafe(begun) ? yield* Deferred.await(begun) : undefined
    return {
      report: reported(task),
      cancel: (cancelOptions) =>
        Effect.withFiber((fiber) => {
          const reason = reasonOf(fiber.getRef(CurrentNode), cancelOptions)
          node?.cancel(reason, CancelPolicy.make(cancelOptions))
          return reported(task)
        }),
      cancelItem: (index, cancelOptions) =>
        Effect.suspend(() => {
          const member = node?.members[index]
          return member === undefined
            ? Effect.succeed<CancelResult>({ _tag: "NotFound", id: String(index) })
            : cancelAs(member, cancelOptions, true)
        })
    }
  })

/** Where no cancel would end a wait of the batch for itself it is a defect. */
const reported = <A, E>(task: Task.Task<A, E>): Effect.Effect<A, E | TaskCancelled> =>
  Effect.withFiber((fiber) => {
    const node = task as unknown as TaskNode
    if (node.gone || !isHeldOff(fiber)) return Task.join(task)
    return Effect.callback((resume) => {
      const withdraw = whenClosed(fiber, [node], (closed) => {
        resume(closed ? Task.join(task) : Effect.die(selfWait(task.name)))
      })
      return Effect.sync(withdraw)
    })
  })

const selfWait = (batch: string): Error =>
  new Error(
    `The batch "${batch}" waits for itself: one of its items awaits it in clean-up or in a shield. Cancel single items with cancelItem there, and await the batch outside of its items`
  )

const nameOf = (options: BatchOptions | undefined): string => options?.name ?? "batch"

const batch = <E = never>(
  items: Iterable<any>,
  each: Each<any, any, any, any>,
  options: BatchOptions | undefined,
  failFast: "failed" | "never",
  onBegun?: (join: JoinNode) => void
): Effect.Effect<any, E> =>
  Effect.suspend(() => {
    const name = nameOf(options)
    const list = Array.from(items)
    const effects = list.map((item, index) => Effect.suspend(() => each(item, index)))
    const plan = { ...planOf(options, failFast), onBegun }
    return own((owner) => new JoinNode(name, owner, effects, plan, (join) => render(name, list, join)))
  })

const render = (name: string, list: ReadonlyArray<unknown>, join: JoinNode): Effect.Effect<any, any> => {
  const report = reportOf(list, join.members)
  return join.failed.size > 0 ? Effect.fail(new BatchFailed({ batch: name, report })) : Effect.succeed(report)
}

const reportOf = (list: ReadonlyArray<unknown>, members: ReadonlyArray<TaskNode>): BatchReport<any, any, any> => {
  const items = members.map((member, index) => ({
    item: list[index],
    outcome: outcomeOf(member) as TaskOutcome<any, any>
  }))
  const count = (tag: TaskOutcome<any, any>["_tag"]) => items.filter(({ outcome }) => outcome._tag === tag).length
  return { items, completed: count("Completed"), failed: count("Failed"), cancelled: count("Cancelled") }
}
