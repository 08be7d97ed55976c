/**
 * Waits for the result of a run of a `Latest`. The run belongs to whoever waits:
 * an interrupt of the one cancels the other, and is felt when that has cleaned up.
 */
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as CancelReason from "../../fibers/CancelReason.ts"
import { cancelOn } from "../../fibers/internal/cancelAs.ts"
import { CurrentNode } from "../../fibers/internal/currentNode.ts"
import type { TaskNode } from "../../fibers/internal/taskNode.ts"
import { beginWait, isHeldOff, wouldDeadlock } from "../../fibers/internal/waits.ts"
import * as Task from "../../fibers/Task.ts"
import { RunNode } from "./latestNode.ts"

/** `scope` names what is salvaged; `start` may answer that there is nothing to wait for. */
export const resultOf = (
  scope: string,
  start: (fiber: Fiber.Fiber<any, any>) => TaskNode | undefined
): Effect.Effect<unknown, unknown> =>
  Effect.withFiber((fiber) => {
    let run: TaskNode | undefined
    return Effect.onInterrupt(
      // Started in the very step that waits: no interrupt comes between.
      Effect.callback<unknown, unknown>((resume) => {
        run = start(fiber)
        if (run === undefined) return resume(Effect.void)
        const waited = isHeldOff(fiber) ? waitHeldOff(fiber, run) : undefined
        if (waited?.forEver === true) {
          waited.end()
          return resume(
            Effect.andThen(cancelOn(fiber, run, { reason: wouldNeverStart }, true), Effect.die(selfWait(run)))
          )
        }
        const withdraw = run.onClosed(() => {
          waited?.end()
          resume(Task.join(run as never))
        })
        return Effect.sync(() => {
          waited?.end()
          withdraw()
        })
      }),
      () => (run === undefined ? Effect.void : leave(fiber, run, scope))
    )
  })

/** What finished all the same is kept on the task of the one who waited (contract K26). */
const leave = (fiber: Fiber.Fiber<any, any>, run: TaskNode, scope: string): Effect.Effect<void> => {
  const here = fiber.getRef(CurrentNode)
  const ended = run.gone ? Effect.void : cancelOn(fiber, run, { reason: here.readable ?? waiterLeft }, true)
  return Effect.map(ended, () => {
    if (run.exit?._tag === "Success") here.salvage(scope, run.exit.value)
  })
}

const waiterLeft = CancelReason.interrupt({ message: "The fiber that waited for the run was interrupted" })

const wouldNeverStart = CancelReason.interrupt({ message: "The run would have waited for the one that waits for it" })

/** In clean-up or in a shield, where nothing could end a wait of two for each other. */
const waitHeldOff = (
  fiber: Fiber.Fiber<any, any>,
  run: TaskNode
): { readonly forEver: boolean; readonly end: () => void } => {
  const here = fiber.getRef(CurrentNode)
  const before = run instanceof RunNode && run.waiting ? run.slot.runs.filter((other) => other !== run) : []
  const waits = [beginWait(here, run), ...before.map((other) => beginWait(run, other))]
  return {
    forEver: wouldDeadlock(here, run),
    end: () => {
      for (const end of waits) end()
    }
  }
}

const selfWait = (run: TaskNode): Error =>
  new Error(
    `The run "${run.name}" waits for the one before it, which cannot end before this one: use start instead of run here`
  )
