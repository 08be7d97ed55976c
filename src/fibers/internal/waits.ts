/**
 * Cancels that wait where they cannot be interrupted: in finalizers. Two tasks
 * whose clean-ups cancel each other would wait for ever; the second one is
 * answered `Requested` instead (contract K13).
 */
import type { ScopeNode } from "./scopeNode.ts"

interface Wait {
  readonly from: ScopeNode
  readonly target: ScopeNode
}

const waits = new Set<Wait>()

/** Records a wait; the returned function ends it. */
export const beginWait = (from: ScopeNode, target: ScopeNode): (() => void) => {
  const wait = { from, target }
  waits.add(wait)
  return () => waits.delete(wait)
}

/** Whether `target`, or something that it waits for, waits for a scope that `from` is in. */
export const wouldDeadlock = (from: ScopeNode, target: ScopeNode): boolean => {
  if (waits.size === 0) return false
  const reached = [target]
  for (const scope of reached) {
    for (const wait of waits) {
      if (!wait.from.isWithin(scope)) continue
      if (from.isWithin(wait.target)) return true
      if (!reached.includes(wait.target)) reached.push(wait.target)
    }
  }
  return false
}
