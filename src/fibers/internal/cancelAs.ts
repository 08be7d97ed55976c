/**
 * A cancel as the current fiber asks for it: who asked is filled in, and a cancel
 * of oneself or of an ancestor does not wait, since it would wait for itself.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as CancelPolicy from "../CancelPolicy.ts"
import * as CancelReason from "../CancelReason.ts"
import type { CancelResult } from "../CancelResult.ts"
import type { CancelOptions } from "../Task.ts"
import { cancel, cancelOrdered } from "./cancelling.ts"
import type { CancelRequest } from "./cancelRequest.ts"
import { CurrentNode } from "./currentNode.ts"
import { resultOf } from "./outcome.ts"
import type { NurseryNode } from "./nurseryNode.ts"
import type { ScopeNode } from "./scopeNode.ts"
import type { TaskNode } from "./taskNode.ts"
import { whenClosed } from "./waits.ts"

export const cancelAs = (
  target: TaskNode,
  options: CancelOptions | undefined,
  wait: boolean
): Effect.Effect<CancelResult> => Effect.withFiber((fiber) => cancelOn(fiber, target, options, wait))

/** The same, already on the fiber that asks. */
export const cancelOn = (
  fiber: Fiber.Fiber<any, any>,
  target: TaskNode,
  options: CancelOptions | undefined,
  wait: boolean
): Effect.Effect<CancelResult> => {
  const here = fiber.getRef(CurrentNode)
  const ended = target.gone
  const request = cancel(target, reasonOf(here, options), CancelPolicy.make(options), fiber.context, fiber.id)
  if (!wait && !ended) return requested(target)
  return answered(target, here, fiber, () => resultOf(target, request))
}

/** All are told before any of them is interrupted, and before anybody who waits for one goes on. */
export const cancelAllOn = (
  fiber: Fiber.Fiber<any, any>,
  targets: ReadonlyArray<TaskNode>,
  options: (index: number) => CancelOptions | undefined,
  wait: boolean
): Effect.Effect<ReadonlyArray<CancelResult>> => {
  const here = fiber.getRef(CurrentNode)
  const orders = targets.map((target, index) => {
    const own = options(index)
    return { target, reason: reasonOf(here, own), policy: CancelPolicy.make(own) }
  })
  const ended = targets.map((target) => target.gone)
  const requests = cancelOrdered(orders, fiber.context, fiber.id)
  return Effect.all(
    targets.map((target, index) =>
      wait || ended[index] === true
        ? answered(target, here, fiber, () => resultOf(target, requests[index]!))
        : requested(target)
    )
  )
}

/** The reason that was given, or that the current task asks. */
export const reasonOf = (
  here: ScopeNode,
  options: CancelOptions | undefined
): CancelReason.Draft | CancelReason.CancelReason => options?.reason ?? CancelReason.request({ by: askerOf(here) })

/** The task that asks, if one does. */
const askerOf = (here: ScopeNode): string | undefined => {
  let node = here
  while (node.kind !== "task" && node.up !== undefined) node = node.up
  return node.kind === "task" ? node.name : undefined
}

/** The same for a nursery, whose end is told by its body and children. */
export const cancelNurseryAs = (target: NurseryNode, options: CancelOptions | undefined): Effect.Effect<CancelResult> =>
  Effect.withFiber((fiber) => {
    const here = fiber.getRef(CurrentNode)
    const request = cancel(target, reasonOf(here, options), CancelPolicy.make(options), fiber.context, fiber.id)
    return answered(target, here, fiber, () => endOf(target, request))
  })

const endOf = (nursery: NurseryNode, request: CancelRequest): CancelResult => {
  const { ending, mark, name: id } = nursery
  if (ending !== "cancelled") {
    return { _tag: ending === "failed" ? "AlreadyFailed" : "AlreadyCompleted", id, duringGrace: mark === request }
  }
  const took = Duration.millis(Math.max(0, nursery.closedAt - mark!.at))
  const tag = mark === request ? "Cancelled" : "AlreadyCancelled"
  return { _tag: tag, id, reason: mark!.reason, how: "interrupted", took }
}

/** Waits for the end, unless it would wait for itself. */
const answered = (
  target: ScopeNode,
  here: ScopeNode,
  fiber: Fiber.Fiber<any, any>,
  answer: () => CancelResult
): Effect.Effect<CancelResult> => {
  if (target.gone) return Effect.succeed(answer())
  return Effect.callback<CancelResult>((resume) => {
    const withdraw = whenClosed(fiber, [target], (closed) => {
      resume(closed ? Effect.succeed(answer()) : requested(target))
    })
    return Effect.sync(withdraw)
  })
}

const requested = (target: ScopeNode): Effect.Effect<CancelResult> =>
  Effect.succeed<CancelResult>({ _tag: "Requested", id: target.name, reason: target.mark!.reason })
