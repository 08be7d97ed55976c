/**
 * Waits where no cancel from above would end them: in clean-up, in uninterruptible
 * regions and in shields. Two tasks that cancel each other there would wait for
 * ever; one of them is answered `Requested` instead (contract K13). A wait is
 * looked at and begun in one step, and ended by the clean-up of that very step.
 */
import type * as Fiber from "effect/Fiber"
import { CurrentNode } from "./currentNode.ts"
import { isInterruptible } from "./interruptible.ts"
import type { ScopeNode } from "./scopeNode.ts"
import { TaskNode } from "./taskNode.ts"
import { trampoline } from "./trampoline.ts"

interface Wait {
  readonly from: ScopeNode
  /** Who waits, if that is known: a finalizer runs where it was added, but on the fiber that closes the scope. */
  readonly fiber: Fiber.Fiber<any, any> | undefined
  readonly target: ScopeNode
  /** Ends a wait that need not be; absent for one that must: a scope that closes, an outcome. */
  readonly refuse: (() => void) | undefined
}

const waits = new Set<Wait>()

const begin = (wait: Wait): (() => void) => {
  waits.add(wait)
  return () => waits.delete(wait)
}

/** Records a wait; the returned function ends it. */
export const beginWait = (from: ScopeNode, target: ScopeNode): (() => void) =>
  begin({ from, fiber: undefined, target, refuse: undefined })

/**
 * The same for a wait that must be, in clean-up or where nothing interrupts it: in
 * the next turn, whoever would wait for it for ever is told to wait no longer.
 */
export const mustWait = (fiber: Fiber.Fiber<any, any>, target: ScopeNode): (() => void) => {
  const end = begin({ from: fiber.getRef(CurrentNode), fiber, target, refuse: undefined })
  if (waits.size > 1) fiber.currentDispatcher.scheduleTask(refuseTheOthers, 0)
  return end
}

const refuseTheOthers = (): void => {
  for (const other of Array.from(waits)) {
    if (other.refuse !== undefined && waits.has(other) && wouldDeadlock(other.from, other.target)) other.refuse()
  }
}

/**
 * Calls back once all have closed, with true, or, where that would be never, with
 * false: at once, or when somebody else begins to wait for the current fiber.
 * The returned function withdraws.
 */
export const whenClosed = (
  fiber: Fiber.Fiber<any, any>,
  targets: ReadonlyArray<ScopeNode>,
  tell: (closed: boolean) => void
): (() => void) => {
  const here = fiber.getRef(CurrentNode)
  const open = targets.filter(({ gone }) => !gone)
  const ends: Array<() => void> = []
  const stop = () => {
    for (const end of ends) end()
  }
  if (open.length === 0) tell(true)
  else if (open.some((target) => here.isWithin(target) || wouldDeadlock(here, target))) tell(false)
  else {
    const heldOff = isHeldOff(fiber)
    const refuse = () => {
      stop()
      trampoline(() => tell(false))
    }
    let left = open.length
    for (const target of open) {
      ends.push(
        target.onClosed(() => {
          if (--left > 0) return
          stop()
          tell(true)
        })
      )
      if (heldOff) ends.push(begin({ from: here, fiber: undefined, target, refuse }))
    }
  }
  return stop
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
      if (!wait.from.isWithin(scope) && !runs(scope, wait.fiber)) continue
      if (from.isWithin(wait.target)) return true
      if (!reached.includes(wait.target)) reached.push(wait.target)
    }
  }
  return false
}

const runs = (scope: ScopeNode, fiber: Fiber.Fiber<any, any> | undefined): boolean => {
  let found = false
  if (fiber === undefined) return found
  scope.walk((node) => {
    found ||= node instanceof TaskNode && node.fiber === fiber
    return !found
  })
  return found
}
