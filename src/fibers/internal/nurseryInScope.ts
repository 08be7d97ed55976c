/** A nursery without a body: it lives as long as the current scope, whose closing cancels and awaits its children. */
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import * as CancelReason from "../CancelReason.ts"
import type { NurseryNode } from "./nurseryNode.ts"
import { afterClose } from "./waits.ts"

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
      Effect.withFiber((fiber) =>
        Effect.callback<void>((resume) => {
          node.shut(node.up!.readable ?? CancelReason.scopeClosed({ by: node.name }))
          if (node.gone) return resume(Effect.void)
          afterClose(fiber, node, () => resume(Effect.void))
        })
      )
  )
