/** Which task a scope is part of. */
import type { ScopeNode } from "./scopeNode.ts"
import type { TaskLimits } from "./taskLimits.ts"
import { TaskNode } from "./taskNode.ts"

/** The nearest task, itself included. */
export const enclosingTask = (node: ScopeNode): TaskNode | undefined => {
  for (let at: ScopeNode | undefined = node; at !== undefined; at = at.up) {
    if (at instanceof TaskNode && at.kind === "task") return at
  }
  return undefined
}

/** Those of the nearest task that has limits. */
export const limitsAround = (node: ScopeNode): TaskLimits | undefined => {
  for (let at: ScopeNode | undefined = node; at !== undefined; at = at.up) {
    const limits = at instanceof TaskNode ? at.record?.limits : undefined
    if (limits !== undefined) return limits
  }
  return undefined
}

/** The nearest task that was asked to stop; if only a race, join or nursery inside it was, the nearest member or body of that. */
export const requestedTask = (node: ScopeNode): TaskNode | undefined => {
  const mark = node.mark
  if (mark === undefined) return undefined
  let found: TaskNode | undefined
  for (let at: ScopeNode | undefined = node; at !== undefined; at = at.up) {
    if (at instanceof TaskNode && (found === undefined || at.mark === mark)) found = at
    if (at === mark.target || found?.kind === "task") break
  }
  return found !== undefined && found.hearsInterrupt && !found.gone ? found : undefined
}
