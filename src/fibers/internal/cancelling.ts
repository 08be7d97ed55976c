/**
 * Cancel in three synchronous steps, none of which recurses: mark every open
 * node below the target, tell every fiber below (leaves first), and, when a
 * bound has passed, decide what has not ended.
 */
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import type { CancelPolicy } from "../CancelPolicy.ts"
import type { CancelReason, Draft } from "../CancelReason.ts"
import { CancelPlan } from "./cancelPlan.ts"
import { CancelRequest } from "./cancelRequest.ts"
import type { ScopeNode } from "./scopeNode.ts"
import { trampoline } from "./trampoline.ts"

/** Marks `target` and all below it. Who is marked keeps the first mark. */
export const requestBelow = (target: ScopeNode, reason: Draft | CancelReason): CancelRequest => {
  const request = new CancelRequest(target, reason, target.clock.currentTimeMillisUnsafe())
  if (target.gone || target.mark !== undefined) return request
  const marked: Array<ScopeNode> = []
  target.walk((node) => {
    // Whoever is linked below a marked node was born with the mark.
    if (node.mark !== undefined) return false
    node.mark = request
    if (node.listens) marked.push(node)
    return true
  })
  for (const node of marked) node.requestArrived(request)
  return request
}

/** Ends the grace of `target` and all below it. */
export const interruptBelow = (target: ScopeNode, by?: number): void => {
  const told: Array<ScopeNode> = []
  target.walk((node) => {
    if (node.withholds || (node.interrupted && node !== target)) return false
    if (!node.interrupted) {
      node.interrupted = true
      told.push(node)
    }
    return true
  })
  // One job, so that nobody above resumes before all have been told.
  trampoline(() => {
    for (let index = told.length - 1; index >= 0; index--) told[index]!.deliverInterrupt(by)
  })
}

/** Decides whatever below `target` has not ended: its fibers become stragglers. */
export const abandonBelow = (target: ScopeNode): void => {
  const open: Array<ScopeNode> = []
  target.walk((node) => {
    if (node.withholds) return false
    open.push(node)
    return true
  })
  trampoline(() => {
    for (let index = open.length - 1; index >= 0; index--) open[index]!.abandon()
  })
}

/** A whole cancel. The returned request won if it is the mark of `target`. */
export const cancel = (
  target: ScopeNode,
  reason: Draft | CancelReason,
  policy: CancelPolicy,
  context: Context.Context<never>,
  by?: number
): CancelRequest => {
  const request = requestBelow(target, reason)
  if (target.gone) return request
  const grace = Duration.toMillis(policy.grace)
  const giveUp = Duration.toMillis(policy.giveUp)
  if (grace === 0 || giveUp === 0) interruptBelow(target, by)
  if (giveUp === 0) abandonBelow(target)
  else if (grace > 0 || giveUp !== Infinity) {
    const plan = (target.plan ??= new CancelPlan(target, interruptBelow, abandonBelow))
    plan.bringForward(request.at + grace, request.at + giveUp, context)
  }
  return request
}
