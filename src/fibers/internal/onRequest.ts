/** Who wants to know of the request to stop before the interrupt comes: the waits, flags and signals of a grace. */
import type { CancelReason } from "../CancelReason.ts"
import type { ScopeNode } from "./scopeNode.ts"
import { TaskNode } from "./taskNode.ts"
import { TaskRecord } from "./taskRecord.ts"

/** Calls back at the request, at once if it is here; the returned function withdraws. */
export const onRequest = (node: ScopeNode, listener: (reason: CancelReason) => void): (() => void) => {
  if (!(node instanceof TaskNode)) return () => {}
  if (node.mark === undefined) return TaskRecord.of(node).onRequest(listener)
  listener(node.mark.reason)
  return () => {}
}
