/** A fiber that is watched, and how it stood at one moment: its name, its operation, whether it could be interrupted. */
import type * as Fiber from "effect/Fiber"
import { CurrentNode } from "../../../fibers/internal/currentNode.ts"
import { TaskNode } from "../../../fibers/internal/taskNode.ts"
import type { HostCall } from "./hostCalls.ts"
import type { Stack } from "./places.ts"
import type { Position, Primitive } from "./positions.ts"

export type AnyFiber = Fiber.Fiber<unknown, unknown>

/** A fiber of the run; the first has number 1. */
export interface Watched {
  readonly fiber: AnyFiber
  readonly number: number
  /** Where its parent was. */
  readonly forked: Position | undefined
  /** Where it was started with a runtime of its own, out of this world. */
  readonly outside: Stack | undefined
  /** The operation that it executes, executed last, or is held before. */
  last: Primitive | undefined
  yielded: Stack | undefined
  held: boolean
  /** Operations of a pause that are still to come. */
  pausing: number
  /** What it asked of the host since that operation began. */
  calls: Array<HostCall>
}

/** How a fiber stood at one moment. */
export interface Standing {
  readonly watched: Watched
  readonly name: string
  readonly position: Position
  readonly held: boolean
  /** Its time is not that of the run. */
  readonly ownClock: boolean
  readonly started: boolean
  readonly interruptible: boolean
}

/** A cancel that was injected: which operation it was put before, and how everybody else stood. */
export interface Struck {
  readonly point: number
  readonly before: Standing | undefined
  readonly others: ReadonlyArray<Standing>
}

/** `task "program/feed"`, or `fiber 3 "worker"`, by the span that it is in. */
export const nameOf = ({ fiber, number }: Watched): string => {
  const node = fiber.getRef(CurrentNode)
  const own = node instanceof TaskNode && node.fiber === fiber
  if (own) return node.path === "program" ? "the program" : `task "${node.path}"`
  const { span } = fiber.cache
  const name = span?._tag === "Span" ? `fiber ${number} "${span.name}"` : `fiber ${number}`
  // What stands at a root is of no task: the program's own cancel, a runtime of its own.
  return node.path === "program" || node.path === "" ? name : `${name} of "${node.path}"`
}
