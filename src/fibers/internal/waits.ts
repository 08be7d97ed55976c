/**
 * Waits where no cancel from above would end them: in clean-up, in uninterruptible
 * regions and in shields. Two tasks that cancel each other there would wait for
 * ever; one of them is answered `Requested` instead (contract K13). A wait is
 * looked at and begun in one step, and ended by the clean-up of that very step.
 * It is listed at the root of its tree, by who waits: whether a scope waits for
 * somebody is then found by a walk through that scope, as its cancel walks too.
 */
import type * as Fiber from "effect/Fiber"
import { CurrentNode, type RootNode } from "./currentNode.ts"
import { isInterruptible } from "./interruptible.ts"
import type { ScopeNode } from "./scopeNode.ts"
import { TaskNode } from "./taskNode.ts"
import { trampoline } from "./trampoline.ts"

interface Waiter {
  readonly from: ScopeNode
  /** Who waits, if that is known: a finalizer runs where it was added, but on the fiber that closes the scope. */
  readonly fiber: Fiber.Fiber<any, any> | undefined
}

interface Wait extends Waiter {
  readonly targets: ReadonlyArray<ScopeNode>
  /** Ends a wait that need not be; absent for one that must: a scope that closes, an outcome. */
  readonly refuse: (() => void) | undefined
}

/** By who waits: a scope, or a fiber. */
export type Waits = Map<object, Set<Wait>>

const begin = (wait: Wait): (() => void) => {
  const { waits } = rootOf(wait.from)
  const { fiber, from } = wait
  list(waits, from, wait)
  const elsewhere = fiber !== undefined && !isRunBy(from, fiber) ? fiber : undefined
  if (elsewhere !== undefined) list(waits, elsewhere, wait)
  return () => {
    strike(waits, from, wait)
    if (elsewhere !== undefined) strike(waits, elsewhere, wait)
  }
}

const list = (waits: Waits, key: object, wait: Wait): void => {
  const listed = waits.get(key)
  if (listed === undefined) waits.set(key, new Set([wait]))
  else listed.add(wait)
}

const strike = (waits: Waits, key: object, wait: Wait): void => {
  const listed = waits.get(key)
  if (listed?.delete(wait) === true && listed.size === 0) waits.delete(key)
}

const isListed = (wait: Wait): boolean => rootOf(wait.from).waits.get(wait.from)?.has(wait) === true

const rootOf = (node: ScopeNode): RootNode => node.root as RootNode

/** Where whoever waits stands: what has ended is asked at its heir. */
const standing = (node: ScopeNode): ScopeNode => {
  let at = node
  while (at.gone && at.heir !== undefined) at = at.heir
  return at
}

/** Records a wait; the returned function ends it. */
export const beginWait = (from: ScopeNode, target: ScopeNode): (() => void) =>
  begin({ from, fiber: undefined, targets: [target], refuse: undefined })

/**
 * The same for a wait that must be, in clean-up or where nothing interrupts it: in
 * the next turn, whoever would wait for it for ever is told to wait no longer.
 */
export const mustWait = (fiber: Fiber.Fiber<any, any>, target: ScopeNode): (() => void) => {
  const from = standing(fiber.getRef(CurrentNode))
  const wait: Wait = { from, fiber, targets: [target], refuse: undefined }
  const end = begin(wait)
  // Alone it is in nobody's way, and whoever comes later looks at it.
  if (rootOf(from).waits.size > 1) fiber.currentDispatcher.scheduleTask(() => refuseTheOthers(wait), 0)
  return end
}

/**
 * Calls back once `target` has closed, which the current fiber cannot go on without.
 * The returned function withdraws.
 */
export const afterClose = (fiber: Fiber.Fiber<any, any>, target: ScopeNode, tell: () => void): (() => void) => {
  const end = isHeldOff(fiber) ? mustWait(fiber, target) : undefined
  const withdraw = target.onClosed(() => {
    end?.()
    tell()
  })
  return () => {
    end?.()
    withdraw()
  }
}

const refuseTheOthers = (wait: Wait): void => {
  if (!isListed(wait)) return
  const others = new Set<Wait>()
  if (!isForEver(wait, wait.targets, others)) return
  for (const other of others) {
    if (other.refuse !== undefined && isListed(other) && isForEver(other, other.targets)) other.refuse()
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
  else if (open.some((target) => here.isWithin(target)) || isForEver({ from: standing(here), fiber }, open)) tell(false)
  else {
    let left = open.length
    for (const target of open) {
      ends.push(
        target.onClosed(() => {
          if (--left > 0) return
          stop()
          tell(true)
        })
      )
    }
    const refuse = () => {
      stop()
      trampoline(() => tell(false))
    }
    if (isHeldOff(fiber)) ends.push(begin({ from: standing(here), fiber, targets: open, refuse }))
  }
  return stop
}

/** How many in this tree have begun to wait and have not ended: for leak checks. */
export const openWaits = (root: RootNode): number => root.waits.size

/** Whether a cancel from above cannot end a wait of this fiber: because of where it stands itself, or a fiber that waits for it. */
export const isHeldOff = (fiber: Fiber.Fiber<any, any>): boolean => {
  if (!isInterruptible(fiber)) return true
  for (let node: ScopeNode | undefined = fiber.getRef(CurrentNode); node !== undefined; node = node.up) {
    if (node.holdsOff) return true
  }
  return false
}

/** Whether `target`, or something that it waits for, waits for a scope that `from` is in. */
export const wouldDeadlock = (from: ScopeNode, target: ScopeNode): boolean =>
  isForEver({ from: standing(from), fiber: undefined }, [target])

/**
 * Whether what the targets wait for, directly or through others, waits for the
 * waiter. `found` gets the waits on the way. Who has been given up on holds nobody up.
 */
const isForEver = (waiter: Waiter, targets: ReadonlyArray<ScopeNode>, found = new Set<Wait>()): boolean => {
  const elsewhere = runsElsewhere(waiter) ? waiter.fiber : undefined
  // Most trees have none.
  if (elsewhere === undefined && targets.every((target) => rootOf(target).waits.size === 0)) return false
  const reached = new Set(targets)
  let forEver = false
  const waitsOf = (waits: Waits, key: object | undefined) => {
    const listed = key === undefined ? undefined : waits.get(key)
    if (listed === undefined) return
    for (const wait of listed) {
      if (found.has(wait)) continue
      found.add(wait)
      for (const target of wait.targets) reached.add(target)
    }
  }
  for (const scope of reached) {
    if (scope.gone) continue
    const { waits } = rootOf(scope)
    scope.walk((node) => {
      forEver ||= node === waiter.from || (elsewhere !== undefined && isRunBy(node, elsewhere))
      waitsOf(waits, node)
      if (node instanceof TaskNode) {
        waitsOf(waits, node.fiber)
        waitsOf(waits, node.closer)
      }
      return true
    })
  }
  return forEver
}

const isRunBy = (node: ScopeNode, fiber: Fiber.Fiber<any, any>): boolean =>
  node instanceof TaskNode && (node.fiber === fiber || node.closer === fiber)

/** A finalizer that was added elsewhere; fibers that can be interrupted run none. */
const runsElsewhere = ({ fiber, from }: Waiter): boolean => {
  if (fiber === undefined || isInterruptible(fiber)) return false
  for (let node: ScopeNode | undefined = from; node !== undefined; node = node.up)
    if (isRunBy(node, fiber)) return false
  return true
}
