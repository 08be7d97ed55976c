/** The reason to tell foreign code in a finalizer: a native loser that nobody cancelled is told of an interrupt. */
import * as Effect from "effect/Effect"
import * as CancelReason from "../CancelReason.ts"
import { CurrentNode } from "./currentNode.ts"

export const standingReason = (scope: string): Effect.Effect<CancelReason.CancelReason> =>
  Effect.withFiber((fiber) => {
    const node = fiber.getRef(CurrentNode)
    return Effect.succeed(
      node.readable ?? CancelReason.stamp(CancelReason.interrupt(), scope, node.clock.currentTimeMillisUnsafe())
    )
  })
