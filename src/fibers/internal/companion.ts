/**
 * What a layer above keeps with a task, for as long as `Tasks` keeps its record: a
 * field of that record in the place of a map beside the tree. It is told of the
 * task in the very steps that change it, without an event being made; it must
 * neither throw, wait nor run anything of others.
 */
import type * as Context from "effect/Context"
import type { CancelReason } from "../CancelReason.ts"
import type { Task } from "../Task.ts"
import type { TaskOutcome } from "../TaskOutcome.ts"
import { TaskNode } from "./taskNode.ts"

export interface Companion {
  /** What the task runs with: not the services of whoever happened to start it. */
  readonly services: Context.Context<never>
  /** Registered, and not begun: from now on it can be found. */
  registered(task: Task<unknown, unknown, unknown>): void
  /** The first step is about to be taken. */
  started?(): void
  /** The first request to stop has come. */
  requested?(reason: CancelReason): void
  /** The outcome is decided; the task is still in the tree. */
  ended?(outcome: TaskOutcome<unknown, unknown, unknown>): void
  /** It has left the tree, and nobody else knows of it yet: whoever waits may be woken, with `trampoline`. */
  closed(): void
}

/** In the options of `Tasks.start`. */
export const companion: unique symbol = Symbol("rescind/companion")

export interface Accompanied {
  readonly [companion]?: Companion
}

export const companionOf = (task: Task<unknown, unknown, unknown>): Companion | undefined =>
  task instanceof TaskNode ? task.record?.companion : undefined
