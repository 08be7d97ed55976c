/**
 * Who watches a whole tree: metrics, logs, the watchdog. An observer is kept on
 * the root of its tree. Nobody watches most trees, so the hot paths look at one
 * number, `installed`, before anything is called.
 *
 * An observer is told inside the step that changes state: it may count and set
 * timers, but neither resume a fiber nor run code of users; for that it queues a
 * job with `trampoline`.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { CancelRequest } from "./cancelRequest.ts"
import { CurrentNode, RootNode } from "./currentNode.ts"
import type { ScopeNode } from "./scopeNode.ts"
import type { TaskNode } from "./taskNode.ts"

export interface Observer {
  /** A task, member or body was linked into the tree; it has not run yet. */
  readonly opened?: (task: TaskNode) => void
  /** A request came to its target; the mark is set, nobody has been interrupted. */
  readonly requested?: (target: ScopeNode, request: CancelRequest) => void
  /** The outcome is decided. */
  readonly ended?: (task: TaskNode) => void
}

/** In all trees of this process. */
export let installed = 0

/** Watches the tree that the current fiber belongs to, until the scope closes. */
export const observe = (make: (root: RootNode) => Observer): Effect.Effect<void, never, Scope.Scope> =>
  Effect.asVoid(
    Effect.acquireRelease(
      Effect.withFiber((fiber) =>
        Effect.sync(() => {
          const root = fiber.getRef(CurrentNode).root as RootNode
          const observer = make(root)
          root.observers.add(observer)
          installed++
          return { observer, root }
        })
      ),
      ({ observer, root }) =>
        Effect.sync(() => {
          if (root.observers.delete(observer)) installed--
        })
    )
  )

/** Nobody watches that tree any more: for one that will never run again, such as one of a test. */
export const forgetObservers = (root: RootNode): void => {
  installed -= root.observers.size
  root.observers.clear()
}

const observersOf = (node: ScopeNode): Iterable<Observer> => {
  const { root } = node
  return root instanceof RootNode ? root.observers : none
}

const none: Iterable<Observer> = []

export const tellOpened = (task: TaskNode): void => {
  for (const observer of observersOf(task)) observer.opened?.(task)
}

export const tellRequested = (target: ScopeNode, request: CancelRequest): void => {
  for (const observer of observersOf(target)) observer.requested?.(target, request)
}

export const tellEnded = (task: TaskNode): void => {
  for (const observer of observersOf(task)) observer.ended?.(task)
}
