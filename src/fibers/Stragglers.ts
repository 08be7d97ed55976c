/**
 * What was told to stop and has not yet ended, after the cancel gave up on it:
 * listed until its real end. Such a task may use resources that its scope has
 * already closed.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { shieldBelow } from "./internal/shieldBelow.ts"
import type { TaskNode } from "./internal/taskNode.ts"

/**
 * The live stragglers: process-wide unless a test provides its own set.
 *
 * @category references
 * @since 0.1.0
 */
export const Stragglers = Context.Reference<Set<TaskNode>>("rescind/fibers/Stragglers", {
  defaultValue: () => processWide
})

const processWide = new Set<TaskNode>()

/**
 * @category models
 * @since 0.1.0
 */
export interface Straggler {
  /** Its path in the tree, such as `root-task/race/claude`. */
  readonly path: string
  readonly name: string
  readonly reason: NonNullable<TaskNode["mark"]>["reason"]
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
      path: node.path,
      name: node.name,
      reason: node.mark!.reason,
      askedAt: node.mark!.at,
      ...shieldOf(node)
    }))
  )
)

const shieldOf = (node: TaskNode): { readonly shield?: string } => {
  const shield = shieldBelow(node)
  return shield === undefined ? {} : { shield }
}
