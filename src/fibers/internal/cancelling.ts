/**
 * Cancel in three synchronous steps, none of which recurses: mark every open
 * node below the target, tell every fiber below (leaves first), and, when a
 * bound has passed, decide what has not ended.
 */
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import { type CancelPolicy, immediate } from "../CancelPolicy.ts"
import type { CancelReason, Draft } from "../CancelReason.ts"
import { CancelPlan } from "./cancelPlan.ts"
import { CancelRequest } from "./cancelRequest.ts"
import type { ScopeNode } from "./scopeNode.ts"
import { hold, release } from "./trampoline.ts"

/**
 * Marks `target` and all below it, and, with `now`, ends their grace. Who is
 * marked keeps the first mark. Nobody is told before the whole tree is in its
 * new state, and nobody above resumes before all have been told.
 */
const tell = (target: ScopeNode, request: CancelRequest, now: boolean, by: number | undefined): void => {
  // Most targets are a single task.
  if (target.live === 0 && target.mark === undefined && now && !target.withholds) {
    target.mark = request
    target.interrupted = true
    if (target.listens) target.requestArrived(request)
    const held = hold()
    target.deliverInterrupt(by)
    return release(held)
  }
  const listening: Array<ScopeNode> = []
  const told: Array<ScopeNode> = []
  target.walk((node) => {
    if (node.shielded && node !== target) return false
    const unmarked = node.mark === undefined
    if (unmarked) {
      node.mark = request
      if (node.listens) listening.push(node)
    }
    // Whoever is linked below a marked node was born with the mark.
    if (!now) return unmarked
    if (node.withholds) return false
    if (node.interrupted) return node === target
    node.interrupted = true
    told.push(node)
    return true
  })
  for (const node of listening) node.requestArrived(request)
  if (told.length === 0) return
  const held = hold()
  // Leaves first.
  for (let index = told.length - 1; index >= 0; index--) told[index]!.deliverInterrupt(by)
  release(held)
}

/** Ends the grace of `target` and all below it. */
export const interruptBelow = (target: ScopeNode, by?: number): void => tell(target, target.mark!, true, by)

/** Decides whatever below `target` has not ended: its fibers become stragglers. */
export const abandonBelow = (target: ScopeNode): void => {
  const open: Array<ScopeNode> = []
  target.walk((node) => {
    if (node.withholds || (node.shielded && node !== target)) return false
    open.push(node)
    return true
  })
  const held = hold()
  for (let index = open.length - 1; index >= 0; index--) open[index]!.abandon()
  release(held)
}

/** A whole cancel. The returned request won if it is the mark of `target`. */
export const cancel = (
  target: ScopeNode,
  reason: Draft | CancelReason,
  policy: CancelPolicy,
  context: Context.Context<never>,
  by?: number
): CancelRequest => {
  const request = new CancelRequest(target, reason, target.clock.currentTimeMillisUnsafe())
  if (target.gone) return request
  if (policy === immediate) {
    tell(target, request, true, by)
    return request
  }
  const grace = Duration.toMillis(policy.grace)
  const giveUp = Duration.toMillis(policy.giveUp)
  tell(target, request, grace === 0 || giveUp === 0, by)
  if (giveUp === 0) abandonBelow(target)
  else if ((grace > 0 || giveUp !== Infinity) && !target.gone) {
    const plan = (target.plan ??= new CancelPlan(target, interruptBelow, abandonBelow))
    plan.bringForward(request.at + grace, request.at + giveUp, context)
  }
  return request
}
