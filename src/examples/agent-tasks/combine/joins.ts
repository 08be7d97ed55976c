/** Waiting for several tasks: for all, for how each ended, for so many, and for all that nobody cancelled. */
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Join from "../../../combinators/Join.ts"
import * as Race from "../../../combinators/Race.ts"
import * as CancelReason from "../../../fibers/CancelReason.ts"
import { TaskCancelled } from "../../../fibers/TaskCancelled.ts"
import type { TaskId } from "../AgentTask.ts"
import type { AgentTasksError } from "../agentTaskErrors.ts"
import { errorOf, type TaskError, type TaskFailed, type TaskTimedOut } from "../context/taskErrors.ts"
import type { TaskHandle } from "../context/TaskHandle.ts"
import { NoTasks, NotEnough, type Why } from "./combineErrors.ts"
import { byId } from "./select.ts"

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

/** All values but of those that were cancelled, which are left out; a failure fails it. */
export const skipCancelled = <A>(handles: Handles<A>): Effect.Effect<ReadonlyArray<A>, Why> =>
  Effect.map(
    joinAllWith(handles, (handle) =>
      handle.join.pipe(
        Effect.map((value) => [value]),
        Effect.catchIf(
          (error): error is TaskCancelled => error instanceof TaskCancelled,
          () => Effect.succeed([])
        )
      )
    ),
    (values) => values.flat()
  )

const joinAllWith = <A, B>(handles: Handles<A>, f: (handle: TaskHandle<A>) => Effect.Effect<B, Why>) =>
  Effect.map(Join.all(byId(handles, f), { name: "skipCancelled" }), (values) => handles.map(({ id }) => values[id]!))

/**
 * The first `n` that complete, in the order of completion; fails as soon as `n` is out of reach. The rest keep running,
 * or are cancelled (`lost-race`) with `rest: "cancel"`.
 */
export const joinN = <A>(
  handles: Handles<A>,
  n: number,
  options?: { readonly rest?: "keep" | "cancel" | undefined }
): Effect.Effect<
  {
    readonly completed: ReadonlyArray<{ readonly id: TaskId; readonly value: A }>
    readonly cancelled: ReadonlyArray<TaskId>
  },
  NoTasks | NotEnough | AgentTasksError
> =>
  Effect.gen(function* () {
    if (handles.length === 0 && n > 0) return yield* Effect.fail(new NoTasks({ combinator: "joinN" }))
    const left = new Map(handles.map((handle) => [handle.id, handle]))
    const completed: Array<{ readonly id: TaskId; readonly value: A }> = []
    const failures: Array<{ readonly id: TaskId; readonly cause: Cause.Cause<Why> }> = []
    while (completed.length < n) {
      if (completed.length + left.size < n) {
        return yield* Effect.fail(new NotEnough({ wanted: n, completed: completed.map(({ id }) => id), failures }))
      }
      const members = byId(Array.from(left.values()), (handle) => handle.join)
      const { outcome, winner } = yield* Effect.orDie(Race.firstSettled(members, { name: "joinN" }))
      const id = winner
      left.delete(id)
      if (outcome._tag === "Completed") completed.push({ id, value: outcome.value })
      else if (outcome._tag === "Failed") failures.push({ id, cause: outcome.cause })
    }
    if (options?.rest !== "cancel") return { completed, cancelled: [] }
    const reason = CancelReason.lostRace({ by: completed.at(-1)?.id ?? "joinN" })
    const results = yield* Effect.forEach(left.values(), (handle) => handle.cancel({ reason }), {
      concurrency: "unbounded"
    })
    return { completed, cancelled: results.flatMap((result) => (result._tag === "Cancelled" ? [result.id] : [])) }
  })
