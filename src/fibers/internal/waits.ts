/**
 * Cancels that wait where no cancel from above would end the wait: in clean-up,
 * in uninterruptible regions and in shields. Two tasks that cancel each other
 * there would wait for ever; the second one is answered `Requested` instead
 * (contract K13).
 */
import type * as Fiber from "effect/Fiber"
import { CurrentNode } from "./currentNode.ts"
import { isInterruptible } from "./interruptible.ts"
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

/** How many waits have begun and not ended: for leak checks. */
export const openWaits = (): number => waits.size

/** Whether a cancel from above cannot end a wait of this fiber: because of where it stands itself, or a fiber that waits for it. */
export const isHeldOff = (fiber: Fiber.Fiber<any, any>): boolean => {
  if (!isInterruptible(fiber)) return true
  for (let node: ScopeNode | undefined = fiber.getRef(CurrentNode); node !== undefined; node = node.up) {
    if (node.holdsOff) return true
  }
  return false
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
