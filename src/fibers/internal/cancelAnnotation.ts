/**
 * The second channel for a reason: on the interrupt in an exit that leaves the
 * tree, for whoever awaits a task from outside. It names the node it was meant
 * for, so that one who joins a cancelled task does not believe that it was
 * cancelled itself. Fibers are interrupted without it: inside, everybody reads
 * the node, and an annotation per fiber costs a quarter of a raw interrupt.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import type { CancelReason } from "../CancelReason.ts"
import type { ScopeNode } from "./scopeNode.ts"

export interface Annotated {
  readonly reason: CancelReason
  /** Absent when the reason came from an outcome and no longer has a place in the tree. */
  readonly target?: ScopeNode
}

const CancelAnnotation = Context.Service<Annotated>("rescind/fibers/CancelAnnotation")

export const annotation = (annotated: Annotated): Context.Context<never> => Context.make(CancelAnnotation, annotated)

/** The first annotation of ours in a cause; Effect's own reader answers the last. */
export const annotatedIn = (cause: Cause.Cause<unknown>): Annotated | undefined => {
  for (const reason of cause.reasons) {
    const annotated = Cause.isInterruptReason(reason)
      ? (reason.annotations.get(CancelAnnotation.key) as Annotated | undefined)
      : undefined
    if (annotated !== undefined) return annotated
  }
  return undefined
}
