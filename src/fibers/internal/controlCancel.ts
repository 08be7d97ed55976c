/**
 * How a control ends the scopes below it: all are told in one synchronous step,
 * then all are awaited, and their ends make one answer.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as CancelPolicy from "../CancelPolicy.ts"
import * as CancelReason from "../CancelReason.ts"
import type { CancelResult } from "../CancelResult.ts"
import type { SkipOptions } from "../Control.ts"
import type { CancelOptions } from "../Task.ts"
import { reasonOf } from "./cancelAs.ts"
import { cancel } from "./cancelling.ts"
import type { CancelRequest } from "./cancelRequest.ts"
import { type ControlledNode, slower, StepNode } from "./controlledNode.ts"
import type { ControlLatch } from "./controlLatch.ts"
import { CurrentNode } from "./currentNode.ts"
import { together } from "./trampoline.ts"
import { whenClosed } from "./waits.ts"

interface Told {
  readonly scope: ControlledNode
  readonly request: CancelRequest
}

export const cancelControl = (control: ControlLatch, options: CancelOptions | undefined): Effect.Effect<CancelResult> =>
  Effect.withFiber((fiber) => {
    const policy = CancelPolicy.make(options)
    const reason = stamped(control, fiber, options)
    const told: Array<Told> = []
    const first = control.cancel(reason, () => {
      for (const scope of Array.from(control.scopes)) {
        if (!scope.outermost || scope.gone) continue
        told.push({ scope, request: cancel(scope, control.reason!, policy, fiber.context, fiber.id) })
      }
    })
    return told.length === 0 ? Effect.succeed(idle(control, first)) : answered(control, told, control.reason!, fiber)
  })

export const skipSteps = (control: ControlLatch, options: SkipOptions | undefined): Effect.Effect<CancelResult> =>
  Effect.withFiber((fiber) => {
    const policy = CancelPolicy.make(options)
    const steps = current(control, options?.step)
    if (steps.length === 0) {
      return Effect.succeed<CancelResult>(
        control.reason === undefined ? { _tag: "NotFound", id: options?.step ?? control.name } : idle(control, false)
      )
    }
    const reason = options?.reason ?? reasonOf(fiber.getRef(CurrentNode), options)
    const told: Array<Told> = []
    together(() => {
      for (const scope of steps) {
        const request = cancel(scope, reason, policy, fiber.context, fiber.id)
        if (scope.mark === request) scope.skip = { by: request, to: options?.to ?? "next" }
        told.push({ scope, request })
      }
    })
    return answered(control, told, told[0]!.scope.mark!.reason, fiber)
  })

/** The steps that a skip without a name means: those with no step of the same control inside. */
const current = (control: ControlLatch, name: string | undefined): ReadonlyArray<StepNode> => {
  const steps = Array.from(control.scopes).filter((scope): scope is StepNode => scope instanceof StepNode)
  if (name !== undefined) return steps.filter((step) => step.name === name)
  const holders = new Set<ControlledNode>()
  for (const step of steps) {
    for (let outer = step.outer; outer !== undefined && !holders.has(outer); outer = outer.outer) holders.add(outer)
  }
  return steps.filter((step) => !holders.has(step))
}

const stamped = (
  control: ControlLatch,
  fiber: Fiber.Fiber<any, any>,
  options: CancelOptions | undefined
): CancelReason.CancelReason => {
  const here = fiber.getRef(CurrentNode)
  return CancelReason.stamp(reasonOf(here, options), control.name, here.clock.currentTimeMillisUnsafe())
}

/** What a cancel answers that finds nothing open. */
const idle = (control: ControlLatch, first: boolean): CancelResult => {
  const { last, name: id } = control
  if (last !== undefined && last.ending !== "cancelled") {
    return { _tag: last.ending === "failed" ? "AlreadyFailed" : "AlreadyCompleted", id, duringGrace: last.asked }
  }
  return {
    _tag: first && last === undefined ? "Cancelled" : "AlreadyCancelled",
    id,
    reason: last?.reason ?? control.reason!,
    how: last?.how ?? "cooperative",
    took: last?.took ?? Duration.zero
  }
}

/** Waits for the end of all of them, unless it would wait for itself (contract K13). */
const answered = (
  control: ControlLatch,
  told: ReadonlyArray<Told>,
  reason: CancelReason.CancelReason,
  fiber: Fiber.Fiber<any, any>
): Effect.Effect<CancelResult> =>
  Effect.callback<CancelResult>((resume) => {
    const withdraw = whenClosed(
      fiber,
      told.map(({ scope }) => scope),
      (closed) => {
        resume(
          Effect.succeed<CancelResult>(
            closed ? merged(control.name, told) : { _tag: "Requested", id: control.name, reason }
          )
        )
      }
    )
    return Effect.sync(withdraw)
  })

/** The tag follows the outcome; of several scopes a cancelled one counts before a failed, a failed before a completed. */
const merged = (id: string, told: ReadonlyArray<Told>): CancelResult => {
  const cancelled = told.filter(({ scope }) => scope.ending === "cancelled")
  if (cancelled.length === 0) {
    const failed = told.some(({ scope }) => scope.ending === "failed")
    const duringGrace = told.some(({ request, scope }) => scope.mark === request)
    return { _tag: failed ? "AlreadyFailed" : "AlreadyCompleted", id, duringGrace }
  }
  const own = cancelled.find(({ request, scope }) => scope.mark === request)
  return {
    _tag: own === undefined ? "AlreadyCancelled" : "Cancelled",
    id,
    reason: (own ?? cancelled[0]!).scope.mark!.reason,
    how: cancelled.reduce((how, { scope }) => slower(how, scope.how), cancelled[0]!.scope.how),
    took: cancelled.reduce((took, { scope }) => Duration.max(took, scope.took), Duration.zero)
  }
}
