/**
 * A cancel marks every open node below its target in one synchronous step, so
 * that all of them know the reason; then, the grace being over, it interrupts the
 * fibers of the target itself. Further down Effect carries the interrupt, through
 * the owners of nested groups, and so stops where Effect would: at uninterruptible
 * regions and in clean-up. When a bound has passed, `abandonBelow` decides what
 * has not ended.
 */
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import { type CancelPolicy, immediate } from "../CancelPolicy.ts"
import type { CancelReason, Draft } from "../CancelReason.ts"
import { CancelPlan } from "./cancelPlan.ts"
import { CancelRequest } from "./cancelRequest.ts"
import { installed, tellRequested } from "./observers.ts"
import type { ScopeNode } from "./scopeNode.ts"
import { together } from "./trampoline.ts"

/** Marks `target` and all below it: who is marked keeps the first mark. Listeners hear of it when all are marked. */
const mark = (target: ScopeNode, request: CancelRequest): void => {
  if (target.mark !== undefined) return
  let listening: Array<ScopeNode> | undefined
  target.walk((node) => {
    // Whoever is linked below a marked node was born with the mark.
    if (node.mark !== undefined) return false
    // What a scope owns hears from its closing; a shield hears only that it holds something off.
    const reached = !node.standsAlone || node === target
    if (reached) node.mark = request
    if (node.listens) (listening ??= []).push(node)
    return reached
  })
  if (listening !== undefined) for (const node of listening) node.requestArrived(request)
}

/** Takes a mark from above, which the owner of `node` does not feel, off all that was not told yet. */
export const forgetWithheld = (node: ScopeNode): void => {
  const withheld = node.mark
  if (withheld === undefined || withheld.target === node) return
  node.walk((below) => {
    if (below.mark !== withheld || below.interrupted) return false
    below.mark = undefined
    return true
  })
}

/** Ends the grace of `target`. All its fibers are told before anybody above resumes. */
export const interruptBelow = (target: ScopeNode, by?: number): void => {
  const told = target.interruptible()
  if (target.hearsInterrupt) target.interrupted = true
  for (const node of told) node.interrupted = true
  together(() => {
    for (let index = told.length - 1; index >= 0; index--) told[index]!.deliverInterrupt(by)
    target.closeIfDone()
  })
}

/** Decides whatever below `target` has not ended: its fibers become stragglers. */
const abandonBelow = (target: ScopeNode): void => {
  const open: Array<ScopeNode> = []
  target.walk((node) => {
    // Who was never told runs where nothing may stop it: it ends with whatever it is part of.
    if (!node.canBeAbandoned) return false
    open.push(node)
    return true
  })
  together(() => {
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
  const request = new CancelRequest(target, reason, target.clock.currentTimeMillisUnsafe())
  if (target.gone) return request
  // Most cancels are of one task that has nothing below it.
  if (
    policy === immediate &&
    target.live === 0 &&
    target.mark === undefined &&
    target.hearsInterrupt &&
    !target.listens
  ) {
    target.mark = request
    target.interrupted = true
    together(() => {
      if (installed > 0) tellRequested(target, request)
      target.deliverInterrupt(by)
      target.closeIfDone()
    })
    return request
  }
  // Nobody who waits for the request, or for an end, goes on before all of this is done.
  together(() => {
    ask(request)
    carryOut(request, policy, context, by)
  })
  return request
}

/** The same for several, with one reason and one policy. */
export const cancelEach = (
  targets: ReadonlyArray<ScopeNode>,
  reason: Draft | CancelReason,
  policy: CancelPolicy,
  context: Context.Context<never>,
  by?: number
): ReadonlyArray<CancelRequest> =>
  cancelOrdered(
    targets.map((target) => ({ target, reason, policy })),
    context,
    by
  )

/** One cancel of several that go out together. */
export interface CancelOrder {
  readonly target: ScopeNode
  readonly reason: Draft | CancelReason
  readonly policy: CancelPolicy
}

/** All are marked before any of them is interrupted: the first to clean up finds the others told (contract K4). */
export const cancelOrdered = (
  orders: ReadonlyArray<CancelOrder>,
  context: Context.Context<never>,
  by?: number
): ReadonlyArray<CancelRequest> => {
  const asked = orders.map(({ policy, reason, target }) => ({
    policy,
    request: new CancelRequest(target, reason, target.clock.currentTimeMillisUnsafe())
  }))
  together(() => {
    const open = asked.filter(({ request }) => !request.target.gone)
    for (const { request } of open) ask(request)
    for (const { policy, request } of open) if (!request.target.gone) carryOut(request, policy, context, by)
  })
  return asked.map(({ request }) => request)
}

/** All who stand below know the reason; nobody has been interrupted. */
const ask = (request: CancelRequest): void => {
  mark(request.target, request)
  if (installed > 0) tellRequested(request.target, request)
}

const carryOut = (
  { target }: CancelRequest,
  policy: CancelPolicy,
  context: Context.Context<never>,
  by: number | undefined
): void => {
  if (policy === immediate) return interruptBelow(target, by)
  const grace = Duration.toMillis(policy.grace)
  const giveUp = Duration.toMillis(policy.giveUp)
  if (grace === 0 || giveUp === 0) interruptBelow(target, by)
  if (giveUp === 0) abandonBelow(target)
  if ((grace === 0 && giveUp === Infinity) || target.gone) return
  target.plan ??= new CancelPlan(target, interruptBelow, abandonBelow)
  target.plan.bringForward(grace, giveUp, context)
}
