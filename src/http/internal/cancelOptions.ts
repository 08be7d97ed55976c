/** What a call says, and where it says nothing the definition of the task. */
import type { Draft } from "../../fibers/CancelReason.ts"
import type { CancelOptions } from "../../fibers/Task.ts"
import type { CancelCall } from "../CancelCall.ts"
import type { Any } from "../TaskDefinition.ts"

export const cancelOptions = (call: CancelCall, reason: Draft, { cancel }: Any): CancelOptions => ({
  reason,
  grace: call.grace ?? cancel.grace,
  giveUp: call.giveUp ?? cancel.giveUp
})
