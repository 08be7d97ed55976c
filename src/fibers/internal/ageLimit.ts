/**
 * Cancels tasks that run for too long. Wakes when the oldest of them may have
 * reached its limit, looks at all that live, and sleeps until the next may have.
 */
import * as Cause from "effect/Cause"
import type * as Clock from "effect/Clock"
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { CancelPolicy } from "../CancelPolicy.ts"
import * as CancelReason from "../CancelReason.ts"
import { cancel } from "./cancelling.ts"
import type { ScopeNode } from "./scopeNode.ts"
import { steady, whole } from "./steady.ts"
import { TaskNode } from "./taskNode.ts"
import { trampoline } from "./trampoline.ts"

export class AgeLimit {
  private readonly root: ScopeNode
  private readonly context: Context.Context<never>
  private readonly policy: CancelPolicy
  /** In milliseconds; Infinity for one that may run as long as it likes. */
  private readonly given: (task: TaskNode) => number
  private readonly clock: Clock.Clock
  /** When each was seen first, by both clocks. */
  private readonly seen = new WeakMap<TaskNode, { readonly at: number; readonly wall: number }>()
  /** Who was cancelled, or has no limit since its limit could not be found out. */
  private readonly done = new WeakSet<TaskNode>()

  constructor(
    root: ScopeNode,
    context: Context.Context<never>,
    policy: CancelPolicy,
    given: (task: TaskNode) => number,
    clock: Clock.Clock
  ) {
    this.root = root
    this.context = context
    this.policy = policy
    this.given = given
    this.clock = clock
  }

  /** When a task that is only being started can be over its limit at the earliest. */
  dueOf(task: TaskNode): number {
    const limit = this.limitOf(task)
    return limit === Infinity ? Infinity : this.see(task).at + limit
  }

  private see(task: TaskNode): { readonly at: number; readonly wall: number } {
    let seen = this.seen.get(task)
    if (seen === undefined) {
      this.seen.set(task, (seen = { at: steady(this.clock), wall: task.clock.currentTimeMillisUnsafe() }))
    }
    return seen
  }

  /** When it began, or now: a steady instant. Most begin in the instant in which they are seen first. */
  private beganAt(task: TaskNode, now: number): number {
    if (Number.isNaN(task.startedAt)) return now
    const { at, wall } = this.see(task)
    return Math.min(now, at + task.startedAt - wall)
  }

  private limitOf(task: TaskNode): number {
    // oxlint-disable-next-line repository/effect-only -- a function of the user's runs in the step that opens a task
    try {
      return this.given(task)
    } catch (defect) {
      this.done.add(task)
      const log = Effect.logError(`The maximum age of ${JSON.stringify(task.path)} is unknown`, Cause.die(defect))
      trampoline(() => Effect.runForkWith(this.context)(log))
      return Infinity
    }
  }

  /** Cancels who is over the limit, and answers when to look again: Infinity if nobody has one. */
  enforce(): number {
    const over: Array<{ readonly task: TaskNode; readonly limit: number }> = []
    let next = Infinity
    this.root.walk((node) => {
      if (!(node instanceof TaskNode) || this.done.has(node)) return true
      const limit = this.limitOf(node)
      if (limit === Infinity) return true
      const now = steady(this.clock)
      const due = whole(this.beganAt(node, now) + limit)
      if (due > now) next = Math.min(next, due)
      else over.push({ task: node, limit })
      return true
    })
    for (const { limit, task } of over) {
      this.done.add(task)
      // Part of the cancel of an ancestor, which may be an ask of just now.
      if (task.mark !== undefined && task.mark.target !== task) continue
      const message = `It ran for longer than ${Duration.format(Duration.millis(limit))}`
      cancel(task, CancelReason.watchdog({ by: "watchdog", message }), this.policy, this.context)
    }
    return next
  }
}
