/**
 * Moves the scope of a node that has ended to whoever waited for it, so that the
 * resources of a value live as long as the one who got the value.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import type { TaskNode } from "./taskNode.ts"

/** `context` is that of the one who waited; without a scope there, the scope of `node` is closed. */
export const handOnScope = (node: TaskNode, context: Context.Context<never>): Effect.Effect<void> => {
  if (node.state._tag === "Closed") return Effect.void
  const scope = Context.getOption(context as Context.Context<Scope.Scope>, Scope.Scope)
  if (scope._tag === "None") return Scope.close(node, Exit.void)
  if (node.state._tag === "Open") return Scope.addFinalizerExit(scope.value, (exit) => Scope.close(node, exit))
  // It holds nothing: what is added later goes to the other scope itself.
  forward(node, scope.value)
  return Effect.void
}

const forward = (from: Scope.Scope, to: Scope.Scope): void => {
  Object.defineProperty(from, "state", {
    get: () => to.state,
    set: (state: Scope.Scope["state"]) => {
      to.state = state
    }
  })
}
