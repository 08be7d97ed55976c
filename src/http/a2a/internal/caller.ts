/** Who asks, and what is theirs. */
import type * as A2A from "@a2a-js/sdk"
import type { ServerCallContext } from "@a2a-js/sdk/server"
import * as CancelReason from "../../../fibers/CancelReason.ts"
import type { AgentTask } from "./agentTask.ts"

export const tenantOf = ({ tenant }: ServerCallContext): string => tenant ?? ""

/** Empty for an anonymous caller. */
export const ownerOf = ({ user }: ServerCallContext): string => (user?.isAuthenticated === true ? user.userName : "")

export const belongs = ({ owner, tenant }: AgentTask, call: ServerCallContext): boolean =>
  owner === ownerOf(call) && tenant === tenantOf(call)

/** Who is known cannot cancel in the name of another. */
export const reasonOf = (metadata: A2A.CancelTaskRequest["metadata"], call: ServerCallContext): CancelReason.Draft => {
  const { by, detail, reason } = metadata ?? {}
  const owner = ownerOf(call)
  return CancelReason.request({
    message: typeof reason === "string" && reason !== "" ? reason : undefined,
    by: owner !== "" ? owner : typeof by === "string" && by !== "" ? by : undefined,
    detail
  })
}
