/** Why the fibers of a node are being interrupted, for bridges that must tell foreign code. */
import * as CancelReason from "../CancelReason.ts"
import { CancelRequest } from "./cancelRequest.ts"
import type { ScopeNode } from "./scopeNode.ts"

/** The request that reached the node or, for a native interrupt, one that says so. Read it when the interrupt arrives. */
export const interruptRequest = (node: ScopeNode): CancelRequest => {
  const reason = node.readable
  if (reason !== undefined && node.mark?.reason === reason) return node.mark
  return new CancelRequest(node, reason ?? CancelReason.interrupt(), node.clock.currentTimeMillisUnsafe())
}
