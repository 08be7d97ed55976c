/** Cancels a task that runs, and says to each caller whether it was the one that stopped it, or why there was nothing to stop. */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as CancelReason from "../../../fibers/CancelReason.ts"
import type { CancelResult } from "../../../fibers/CancelResult.ts"
import * as Task from "../../../fibers/Task.ts"
import type { TaskRecord } from "../store/TaskRecord.ts"
import type { StoreFailed } from "../store/TaskStore.ts"
import * as TaskKey from "../TaskKey.ts"
import * as Attempt from "./Attempt.ts"
import type { NoSuchTask } from "./coordinatorErrors.ts"

export interface CancelCall {
  readonly reason?: string | undefined
  readonly by?: string | undefined
  /** Whether to wait until the task has ended. Default: the answer comes at once. */
  readonly wait?: boolean | undefined
}

/** `cancelled` is true for the one call that stopped the task. */
export interface CancelAnswer {
  readonly cancelled: boolean
  readonly status: TaskRecord["status"]
  readonly detail: string
}

export const cancelOf = (
  find: (key: TaskKey.TaskKey) => Effect.Effect<Attempt.Found, NoSuchTask | StoreFailed>,
  taskOf: (key: TaskKey.TaskKey) => Effect.Effect<Option.Option<Task.Task<unknown, unknown, unknown>>>
): ((key: TaskKey.TaskKey, call?: CancelCall) => Effect.Effect<CancelAnswer, NoSuchTask | StoreFailed>) =>
  Effect.fnUntraced(function* (key: TaskKey.TaskKey, call: CancelCall = {}) {
    const name = TaskKey.toString(key)
    const found = yield* Effect.tapError(find(key), () => Effect.logWarning(`Cannot cancel task ${name}: not found`))
    const task = yield* taskOf(key)
    if (found.record.status !== "running" || found.attempt === undefined || Option.isNone(task)) {
      const { status } = found.record
      yield* Effect.logInfo(`Cannot cancel task ${name}: it is ${status}`)
      return { cancelled: false, status, detail: `The task is not running: it is ${status}` }
    }
    if (found.attempt.saving && call.wait !== true) {
      yield* Effect.logInfo(`Cannot cancel task ${name}: its value is being saved`)
      return { cancelled: false, status: "running" as const, detail: "The task has its value, which is being saved" }
    }
    const draft = CancelReason.request({ message: call.reason, by: call.by })
    const now = yield* DateTime.now
    const mine = CancelReason.stamp(draft, name, now.epochMilliseconds)
    const policy = { grace: 0, giveUp: "5 seconds", ...found.attempt.model.cancel, reason: mine } as const
    const result = yield* call.wait === true ? Task.cancel(task.value, policy) : Task.requestCancel(task.value, policy)
    const cancelled = "reason" in result && result.reason === mine
    yield* Effect.logInfo(cancelled ? `Cancelling task ${name}` : `Cannot cancel task ${name}: ${result._tag}`).pipe(
      Effect.annotateLogs({ task: name, by: call.by ?? "", reason: call.reason ?? "" })
    )
    const { status } = Attempt.overlaid(found.record, found.attempt)
    return { cancelled, status, detail: detailOf(result, cancelled) }
  })

const detailOf = (result: CancelResult, cancelled: boolean): string => {
  const { _tag: tag } = result
  if (tag === "Cancelled" && result.how === "abandoned") {
    return "The task was cancelled, but has not stopped: it ignores the cancel, and nobody waits for it any more"
  }
  if (cancelled) return tag === "Requested" ? "The task is being cancelled" : "The task was cancelled"
  if (tag === "Requested") return "The task is already being cancelled"
  return tag === "AlreadyCancelled" ? "The task was cancelled by somebody else" : "The task ended before the cancel"
}
