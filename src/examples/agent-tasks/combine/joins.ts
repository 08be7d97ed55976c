/** Waiting for several tasks: for all, for how each ended, for so many, and for all that nobody cancelled. */
import * as Effect from "effect/Effect"
import * as Join from "../../../combinators/Join.ts"
import * as Race from "../../../combinators/Race.ts"
import type * as CancelReason from "../../../fibers/CancelReason.ts"
import type { TaskCancelled } from "../../../fibers/TaskCancelled.ts"
import type { TaskId } from "../AgentTask.ts"
import type { AgentTasksError } from "../agentTaskErrors.ts"
import { errorOf, type TaskError, type TaskFailed, type TaskTimedOut } from "../context/taskErrors.ts"
import type { TaskHandle } from "../context/TaskHandle.ts"
import { NoTasks, NotEnough, type Why } from "./combineErrors.ts"
import { byId, inOrder, type Policy, racers, type Won } from "./select.ts"

type Handles<A> = ReadonlyArray<TaskHandle<A>>

/**
 * All values, in the order of the input; none for none. The first that fails, was cancelled or timed out fails it.
 * `siblings` says what becomes of the rest: `cancel` (the default: `sibling-failed`, and awaited) or `keep`.
 */
export const joinAll = <A>(
  handles: Handles<A>,
  options?: { readonly siblings?: "cancel" | "keep" | undefined }
): Effect.Effect<ReadonlyArray<A>, Why> => {
  const keep = options?.siblings === "keep"
  return Effect.map(
    Join.all(
      byId(handles, (handle) => (keep ? handle.join : handle.run())),
      { name: "joinAll" }
    ),
    (values) => handles.map(({ id }) => values[id]!)
  )
}

/** Each task stands in exactly one list, in the order of the input. */
export interface Settled<A> {
  readonly completed: ReadonlyArray<{ readonly index: number; readonly id: TaskId; readonly value: A }>
  readonly failed: ReadonlyArray<{ readonly index: number; readonly id: TaskId; readonly error: TaskFailed }>
  readonly cancelled: ReadonlyArray<{
    readonly index: number
    readonly id: TaskId
    readonly reason: CancelReason.CancelReason
  }>
  /** Their deadline on the server had passed. */
  readonly timedOut: ReadonlyArray<{ readonly index: number; readonly id: TaskId; readonly error: TaskTimedOut }>
  readonly total: number
  readonly allSucceeded: boolean
  readonly anySucceeded: boolean
  /** There were some, and none of them completed. */
  readonly allFailed: boolean
}

/** How each ended. Fails only if the server cannot be asked. */
export const joinAllSettled = <A>(handles: Handles<A>): Effect.Effect<Settled<A>, AgentTasksError> =>
  Effect.gen(function* () {
    const ends = yield* Effect.forEach(
      handles,
      (handle, index) =>
        Effect.map(Effect.all([handle.ended, handle.await]), ([view, outcome]) => ({
          index,
          id: handle.id,
          view,
          outcome
        })),
      { concurrency: "unbounded" }
    )
    const completed = ends.flatMap(({ id, index, outcome }) =>
      outcome._tag === "Completed" ? [{ index, id, value: outcome.value }] : []
    )
    const errors = ends.flatMap(({ id, index, view }) => {
      const error = errorOf(view)
      return error === undefined ? [] : [{ index, id, error }]
    })
    const of = <Tag extends TaskError["_tag"]>(tag: Tag) =>
      errors.filter(
        (entry): entry is typeof entry & { error: Extract<TaskError, { _tag: Tag }> } => entry.error._tag === tag
      )
    const total = handles.length
    return {
      completed,
      failed: of("TaskFailed"),
      cancelled: of("TaskCancelled").map(({ error, ...entry }) => ({ ...entry, reason: error.reason })),
      timedOut: of("TaskTimedOut"),
      total,
      allSucceeded: completed.length === total,
      anySucceeded: completed.length > 0,
      allFailed: total > 0 && completed.length === 0
    }
  })

/** All values but of those that were cancelled, which are left out; a failure fails it. The rest keeps running. */
export const skipCancelled = <A>(handles: Handles<A>): Effect.Effect<ReadonlyArray<A>, Exclude<Why, TaskCancelled>> =>
  Effect.map(
    Join.skipCancelled(
      byId(handles, ({ join }) => Effect.catchTag(join, "TaskCancelled", () => Effect.interrupt)),
      { name: "skipCancelled" }
    ),
    ({ values }) => handles.flatMap(({ id }) => (id in values ? [values[id] as A] : []))
  )

/**
 * The first `n` that complete, in the order of completion; fails as soon as `n` is out of reach. The rest keep running,
 * or are cancelled with `rest: "cancel"`: `lost-race`, or `sibling-failed` where it fails.
 */
export const joinN = <A>(
  handles: Handles<A>,
  n: number,
  options?: Policy & { readonly rest?: "keep" | "cancel" | undefined }
): Effect.Effect<
  Pick<Won<A>, "cancelled" | "notCancelled"> & {
    readonly completed: ReadonlyArray<{ readonly id: TaskId; readonly value: A }>
  },
  NoTasks | NotEnough
> =>
  Effect.gen(function* () {
    if (handles.length === 0 && n > 0) return yield* Effect.fail(new NoTasks({ combinator: "joinN" }))
    const { rest = "keep", ...policy } = options ?? {}
    const owned = racers(handles, policy)
    const { losers, winners } = yield* Effect.mapError(
      Race.quorum(rest === "cancel" ? owned.members : byId(handles, ({ join }) => join), n, { name: "joinN" }),
      ({ failures, succeeded }) =>
        new NotEnough({
          wanted: n,
          completed: succeeded.map(({ member }) => String(member)),
          failures: inOrder(handles, failures)
        })
    )
    const stopped =
      rest === "cancel"
        ? yield* owned.stopped(winners.at(-1)?.winner ?? "joinN", losers)
        : { cancelled: [], notCancelled: [] }
    return { completed: winners.map(({ value, winner }) => ({ id: winner, value })), ...stopped }
  })
