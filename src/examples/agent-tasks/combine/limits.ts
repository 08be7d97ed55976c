/** Waiting for several tasks, but not for ever: what is there at the limit is returned, what is not is cancelled and named. */
import type * as Cause from "effect/Cause"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Deadline from "../../../combinators/Deadline.ts"
import type { DeadlineExceeded } from "../../../combinators/DeadlineExceeded.ts"
import * as Join from "../../../combinators/Join.ts"
import type { CancelResult } from "../../../fibers/CancelResult.ts"
import type * as TaskOutcome from "../../../fibers/TaskOutcome.ts"
import type { TaskId } from "../AgentTask.ts"
import type { AgentTasksError } from "../agentTaskErrors.ts"
import type { TaskHandle } from "../context/TaskHandle.ts"
import type { Why } from "./combineErrors.ts"
import { byId, type Policy } from "./select.ts"

type Handles<A> = ReadonlyArray<TaskHandle<A>>

/** Each task stands in exactly one list, in the order of the input. */
export interface JoinedWithin<A> {
  readonly completed: ReadonlyArray<{ readonly id: TaskId; readonly value: A }>
  /** Failed, or cancelled or timed out by somebody else, before the limit. */
  readonly failed: ReadonlyArray<{ readonly id: TaskId; readonly cause: Cause.Cause<Why> }>
  /** Exactly those that this call stopped. */
  readonly cancelled: ReadonlyArray<TaskId>
  /** Told to stop at the limit, but ended by themselves first; what they came to is on the server. */
  readonly late: ReadonlyArray<TaskId>
  /** Those whose cancel could not be asked for: they may still run. */
  readonly notCancelled: ReadonlyArray<{ readonly id: TaskId; readonly error: AgentTasksError }>
}

/** All of them, or what is there after `timeout`: the rest is cancelled (`timeout`) and awaited. Does not fail. */
export const joinAllWithTimeout = <A>(
  handles: Handles<A>,
  timeout: Duration.Input,
  policy?: Policy
): Effect.Effect<JoinedWithin<A>> =>
  Effect.gen(function* () {
    const told = new Map<TaskId, CancelResult | AgentTasksError>()
    const members = byId(handles, (handle) =>
      handle.run({ ...policy, onCancel: (result) => told.set(handle.id, result) })
    )
    const { completed, failed } = yield* Join.within(members, timeout, { name: "joinAllWithTimeout" })
    const left = handles.map(({ id }) => id).filter((id) => !(id in completed) && !(id in failed))
    return {
      completed: handles.flatMap(({ id }) => (id in completed ? [{ id, value: completed[id] as A }] : [])),
      failed: handles.flatMap(({ id }) => (id in failed ? [{ id, cause: failed[id]! }] : [])),
      cancelled: left.filter((id) => told.get(id)?._tag === "Cancelled"),
      late: left.filter((id) => {
        const result = told.get(id)
        return !(result instanceof Error) && result?._tag !== "Cancelled"
      }),
      notCancelled: left.flatMap((id) => {
        const error = told.get(id)
        return error instanceof Error ? [{ id, error }] : []
      })
    }
  })

/** Whatever can be had within the limit, with `otherwise` in the place of what cannot. Never fails. */
export const bestEffort = <A, B = undefined>(
  handles: Handles<A>,
  options: { readonly within: Duration.Input; readonly otherwise?: B } & Policy
): Effect.Effect<ReadonlyArray<A | B>> => {
  const { otherwise, within: limit, ...policy } = options
  const members = byId(handles, (handle) => handle.run(policy))
  return Effect.map(Join.bestEffort(members, { limit, name: "bestEffort" }), ({ values }) =>
    handles.map(({ id }) => (id in values ? (values[id] as A) : (otherwise as B)))
  )
}

/** How each ended, each within a limit of its own, counted from this call; over it, the task is cancelled (`timeout`). */
export const perItemTimeout = <A>(
  items: ReadonlyArray<{ readonly handle: TaskHandle<A>; readonly timeout: Duration.Input }>,
  policy?: Policy
): Effect.Effect<ReadonlyArray<TaskOutcome.TaskOutcome<A, Why | DeadlineExceeded>>> =>
  Join.settled(
    items.map(({ handle, timeout }) => withTimeout(handle, timeout, policy)),
    { name: "perItemTimeout" }
  )

/**
 * The value of one task within the limit; else the task is cancelled (`timeout`), awaited, and it fails with
 * `DeadlineExceeded`, whose `scope` is the id.
 */
export const withTimeout = <A>(
  handle: TaskHandle<A>,
  timeout: Duration.Input,
  policy?: Policy
): Effect.Effect<A, Why | DeadlineExceeded> => Deadline.run(handle.run(policy), timeout, { name: handle.id })
