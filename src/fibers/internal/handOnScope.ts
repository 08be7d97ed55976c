/**
 * Moves the scope of a node that has ended to whoever waited for it, so that the
 * resources of a value live as long as the one who got the value.
 */
import * as Context from "effect/Context"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import * as Effect from "effect/Effect"
import type { TaskNode } from "./taskNode.ts"

/** The scope of whoever runs with this context, if there is one. */
export const scopeIn = (context: Context.Context<never>): Scope.Scope | undefined =>
  Context.getOrUndefined(context as Context.Context<Scope.Scope>, Scope.Scope)

/** Without a scope to move to, the scope of `node` is closed. Undefined if nothing is left to run. */
export const handOnScope = (node: TaskNode, to: Scope.Scope | undefined): Effect.Effect<void> | undefined => {
  if (node.state._tag === "Closed") return undefined
  // Not marked as closed before it is: whoever was to run the finalizers may be interrupted, and then they are asked for again.
  if (to === undefined) return node.state._tag === "Open" ? closing(node) : closed(node)
  if (node.state._tag === "Open") return Scope.addFinalizerExit(to, (exit) => Scope.close(node, exit))
  // It holds nothing: what is added later goes to the other scope itself.
  forward(node, to)
  return undefined
}

/** It runs where the caller may be interrupted; clean-up runs to its end, and its failure is none of the caller's. */
const closing = (node: TaskNode): Effect.Effect<void> =>
  Scope.close(node, Exit.void).pipe(
    Effect.catchCause((cause) => Effect.sync(() => node.up!.cleanupFailed(node.name, cause, node.context))),
    // oxlint-disable-next-line rescind/no-bare-uninterruptible -- clean-up, as the finalizers in it are
    Effect.uninterruptible
  )

const closed = (empty: Scope.Closeable): undefined => {
  Scope.closeUnsafe(empty, Exit.void)
}

const forward = (from: Scope.Scope, to: Scope.Scope): void => {
  Object.defineProperty(from, "state", {
    get: () => to.state,
    set: (state: Scope.Scope["state"]) => {
      to.state = state
    }
  })
}
