/**
 * What was told to stop and has not yet ended, after whoever waited for it has
 * left: tasks that a cancel gave up on, and foreign operations that a bridge
 * abandoned. Each is listed until its real end. A straggler may use resources
 * that its scope has already closed.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { CancelReason } from "./CancelReason.ts"
import type { ScopeNode } from "./internal/scopeNode.ts"
import { shieldBelow } from "./internal/shieldBelow.ts"

/**
 * The live stragglers: process-wide unless a test provides its own set.
 *
 * @category references
 * @since 0.1.0
 */
export const Stragglers = Context.Reference<Set<ScopeNode>>("rescind/fibers/Stragglers", {
  defaultValue: () => processWide
})

const processWide = new Set<ScopeNode>()

/**
 * @category models
 * @since 0.1.0
 */
export interface Straggler {
  /** A task, a member of a race or join, or work outside of Effect. */
  readonly kind: "task" | "member" | "body" | "foreign"
  /** Its path in the tree, such as `root-task/race/claude`. */
  readonly path: string
  readonly name: string
  readonly reason: CancelReason
  /** Epoch milliseconds of the request to stop. */
  readonly askedAt: number
  /** The shield that holds the cancel off, if it sits in one. */
  readonly shield?: string
}

/**
 * All of them now.
 *
 * @category reading
 * @since 0.1.0
 */
export const list: Effect.Effect<ReadonlyArray<Straggler>> = Effect.withFiber((fiber) =>
  Effect.succeed(
    Array.from(fiber.getRef(Stragglers), (node) => ({
      kind: node.kind as Straggler["kind"],
      path: node.path,
      name: node.name,
      reason: node.mark!.reason,
      askedAt: node.mark!.at,
      ...shieldOf(node)
    }))
  )
)

const shieldOf = (node: ScopeNode): { readonly shield?: string } => {
  const shield = shieldBelow(node)
  return shield === undefined ? {} : { shield }
}
