/**
 * A cancel as the current fiber asks for it: who asked is filled in, and a cancel
 * of oneself or of an ancestor does not wait, since it would wait for itself.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as CancelPolicy from "../CancelPolicy.ts"
import * as CancelReason from "../CancelReason.ts"
import type { CancelResult } from "../CancelResult.ts"
import type { CancelOptions } from "../Task.ts"
import { cancel } from "./cancelling.ts"
import { CurrentNode } from "./currentNode.ts"
import { resultOf } from "./outcome.ts"
import type { ScopeNode } from "./scopeNode.ts"
import type { TaskNode } from "./taskNode.ts"

export const cancelAs = (
  target: TaskNode,
  options: CancelOptions | undefined,
  wait: boolean
): Effect.Effect<CancelResult> =>
  Effect.withFiber((fiber) => {
    const here = fiber.getRef(CurrentNode)
    const policy = CancelPolicy.make(options)
    const reason = options?.reason ?? CancelReason.request(here.up === undefined ? undefined : { by: here.path })
    const request = cancel(target, reason, policy, fiber.context, fiber.id)
    if (target.gone) return Effect.succeed(resultOf(target, request))
    if (!wait || here.isWithin(target)) {
      return Effect.succeed<CancelResult>({ _tag: "Requested", id: target.name, reason: target.mark!.reason })
    }
    return Effect.callback<CancelResult>((resume) => {
      const withdraw = target.onClosed(() => resume(Effect.succeed(resultOf(target, request))))
      return Effect.sync(withdraw)
    })
  })

/** The same for a scope without a body of its own to report on. */
export const cancelGroupAs = (target: ScopeNode, options: CancelOptions | undefined): Effect.Effect<CancelResult> =>
  Effect.withFiber((fiber) => {
    const here = fiber.getRef(CurrentNode)
    const id = target.name
    if (target.gone) return Effect.succeed<CancelResult>({ _tag: "AlreadyCompleted", id, duringGrace: false })
    const reason = options?.reason ?? CancelReason.request(here.up === undefined ? undefined : { by: here.path })
    const request = cancel(target, reason, CancelPolicy.make(options), fiber.context, fiber.id)
    const mark = target.mark!
    const answer = (): CancelResult => {
      if (!target.interrupted) return { _tag: "AlreadyCompleted", id, duringGrace: true }
      const took = Duration.millis(target.clock.currentTimeMillisUnsafe() - mark.at)
      return {
        _tag: mark === request ? "Cancelled" : "AlreadyCancelled",
        id,
        reason: mark.reason,
        how: "interrupted",
        took
      }
    }
    if (target.gone) return Effect.sync(answer)
    if (here.isWithin(target)) return Effect.succeed<CancelResult>({ _tag: "Requested", id, reason: mark.reason })
    return Effect.callback<CancelResult>((resume) => {
      const withdraw = target.onClosed(() => resume(Effect.sync(answer)))
      return Effect.sync(withdraw)
    })
  })
