/** The end of a task that nobody here waits for any more: `CancelTask`, for as long as a clean-up of this client may take. */
import { TaskState } from "@a2a-js/sdk"
import type * as A2A from "@a2a-js/sdk"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type { CancelReason, Draft } from "../../../../fibers/CancelReason.ts"
import * as Shield from "../../../../fibers/Shield.ts"
import { retryingWhile } from "../../../internal/client/retrying.ts"
import type { CallError } from "../../RemoteAgentError.ts"
import { cancelTask, findTask } from "./calls.ts"
import { isTerminal } from "./taskView.ts"
import { hasReason, isTransient, type Wire } from "./wire.ts"

/** By its id or, if no answer has told it, by the message that may have made it. */
export const withdraw = (wire: Wire, task: string | A2A.Message, reason: CancelReason | Draft): Effect.Effect<void> => {
  const { agent, giveUp } = wire
  const what = typeof task === "string" ? `The task ${task}` : `A task of the message ${task.messageId}`
  const warn = (why: string) =>
    Effect.logWarning(`${what} of agent "${agent}" may still run: nobody waits for it, but its cancel failed: ${why}`)
  const told = Effect.matchEffect(
    typeof task === "string" ? cancelled(wire, task, reason) : cancelledOf(wire, task, reason),
    {
      onFailure: (error) => warn(error.message),
      onSuccess: (remark) => (remark === undefined ? Effect.void : warn(remark))
    }
  )
  const bounded = Effect.timeoutOrElse(told, {
    duration: giveUp,
    orElse: () => warn(`no answer within ${Duration.format(giveUp)}`)
  })
  return Shield.run(`cancel of ${agent}`, bounded)
}

/** What is to be said of it. */
type Remark = string | undefined

const cancelled = (wire: Wire, id: string, reason: CancelReason | Draft): Effect.Effect<Remark, CallError> =>
  Effect.retry(cancelTask(wire, id, reason), transiently).pipe(
    Effect.map(({ status }) =>
      isTerminal(status) ? undefined : `it is still ${TaskState[status?.state ?? 0] ?? "running"}`
    ),
    Effect.catchIf(hasEnded, () => Effect.undefined)
  )

/** What has not arrived yet may still arrive. */
const cancelledOf = (
  wire: Wire,
  message: A2A.Message,
  reason: CancelReason | Draft
): Effect.Effect<Remark, CallError> => {
  const found = Effect.retry(findTask(wire, message), transiently)
  return Effect.flatMap(Effect.repeat(found, { schedule: hasty, while: (task) => task === "none" }), (task) => {
    if (typeof task !== "string") return isTerminal(task.status) ? Effect.undefined : cancelled(wire, task.id, reason)
    return Effect.succeed(task === "none" ? "it has no such task so far" : "it does not tell by its tasks which it is")
  })
}

/** In clean-up: four tries more in a second. */
const hasty = Schedule.upTo(Schedule.spaced("250 millis"), { times: 4 })

const transiently = retryingWhile<CallError>(hasty, isTransient)

/** It ended while the cancel was under way, or long ago. */
const hasEnded = (error: CallError): boolean =>
  hasReason(error, "TASK_NOT_CANCELABLE") || hasReason(error, "TASK_NOT_FOUND")
