/**
 * The gate of a control: a place where a run may be held, and where a cancelled
 * one ends. Whoever is asked to stop while it is held has nothing to finish, so
 * its grace ends here.
 */
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import { checkpoint } from "../Checkpoint.ts"
import { interruptBelow } from "./cancelling.ts"
import { CancelRequest } from "./cancelRequest.ts"
import { ControlledNode } from "./controlledNode.ts"
import type { ControlLatch } from "./controlLatch.ts"
import { CurrentNode } from "./currentNode.ts"
import type { ScopeNode } from "./scopeNode.ts"

/** Passes when none of the controls holds; `granted` has just been resumed and lets this one pass. */
export const pass = (controls: ReadonlyArray<ControlLatch>, granted?: ControlLatch): Effect.Effect<void> =>
  Effect.withFiber((fiber) => {
    const node = fiber.getRef(CurrentNode)
    const cancelled = controls.find((control) => control.reason !== undefined)
    const holding = controls.find((control) => control !== granted && control.state._tag === "Paused")
    if ((cancelled === undefined && holding === undefined) || inCleanUp(node)) return Effect.void
    if (cancelled !== undefined) return stop(cancelled, node, fiber)
    if (node.mark !== undefined && !node.gone) return checkpoint
    return Effect.flatMap(holding!.hold, (resumed) => pass(controls, resumed ? holding : undefined))
  })

/** Interrupted itself, or in a group that was opened below an interrupted scope, which starts without a mark. */
const inCleanUp = (node: ScopeNode): boolean => {
  if (node.gone) return false
  if (node.interrupted || node.mark !== undefined) return node.interrupted
  for (let at = node.up; at !== undefined; at = at.up) if (at.interrupted) return true
  return false
}

const stop = (control: ControlLatch, node: ScopeNode, fiber: Fiber.Fiber<any, any>): Effect.Effect<void> => {
  if (control.scopeAround(node) !== undefined) {
    return Effect.andThen(
      checkpoint,
      Effect.suspend(() => {
        // The run has been told, and this part of it will be: nothing new starts meanwhile.
        if (node.mark === undefined || !node.hearsInterrupt || node.gone) return Effect.void
        interruptBelow(node, fiber.id)
        return Effect.yieldNow
      })
    )
  }
  // No run around it: the interrupt carries the reason.
  return new CancelRequest(node, control.reason!, node.clock.currentTimeMillisUnsafe()).exit
}

/** The gates of all controls that the current fiber runs under, outer ones first. */
export const passAll: Effect.Effect<void> = Effect.withFiber((fiber) => {
  const controls: Array<ControlLatch> = []
  for (let node: ScopeNode | undefined = fiber.getRef(CurrentNode); node !== undefined; node = node.up) {
    if (node instanceof ControlledNode && !controls.includes(node.control)) controls.unshift(node.control)
  }
  return pass(controls)
})
