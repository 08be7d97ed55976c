/** A nursery without a body: it lives as long as the current scope, whose closing cancels and awaits its children. */
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import * as CancelReason from "../CancelReason.ts"
import { closed } from "./groupNode.ts"
import type { NurseryNode } from "./nurseryNode.ts"

export const nurseryInScope = <Node extends NurseryNode>(
  make: (owner: Fiber.Fiber<any, any>) => Node
): Effect.Effect<Node, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.withFiber((fiber) =>
      Effect.sync(() => {
        const node = make(fiber)
        node.open()
        return node
      })
    ),
    (node) =>
      Effect.suspend(() => {
        node.shut(node.up!.readable ?? CancelReason.scopeClosed({ by: node.name }))
        return closed(node)
      })
  )
