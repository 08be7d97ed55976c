/**
 * The timers of the cancels that were addressed to one node: when the grace
 * ends, and when to give up. Later cancels only bring them forward. One fiber
 * sleeps for both, and stops when the node closes.
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type { ScopeNode } from "./scopeNode.ts"
import { sleepOut } from "./sleepOut.ts"
import { steady, whole } from "./steady.ts"

export class CancelPlan {
  private interruptAt = Infinity
  private giveUpAt = Infinity
  private graceOver = false
  private gaveUp = false
  private timer: Fiber.Fiber<void> | undefined = undefined
  private readonly target: ScopeNode

  private readonly interrupt: (target: ScopeNode) => void
  private readonly abandon: (target: ScopeNode) => void

  constructor(target: ScopeNode, interrupt: (target: ScopeNode) => void, abandon: (target: ScopeNode) => void) {
    this.target = target
    this.interrupt = interrupt
    this.abandon = abandon
  }

  /** Bounds in milliseconds from now. */
  bringForward(grace: number, giveUp: number, context: Context.Context<never>): void {
    const now = steady(this.target.clock)
    this.giveUpAt = Math.min(this.giveUpAt, whole(now + giveUp))
    this.interruptAt = Math.min(this.interruptAt, whole(now + Math.min(grace, giveUp)))
    this.clear()
    this.timer = Effect.runForkWith(context)(this.run)
  }

  /** Gives up again on what could not be given up when that was due; not before, though it may be the same instant. */
  giveUpAgain(): void {
    if (this.gaveUp && !this.target.gone) this.abandon(this.target)
  }

  clear(): void {
    const timer = this.timer
    this.timer = undefined
    timer?.interruptUnsafe()
  }

  private readonly run: Effect.Effect<void> = Effect.suspend(() => {
    const { clock } = this.target
    const now = steady(clock)
    const due = this.graceOver ? this.giveUpAt : this.interruptAt
    if (due === Infinity || this.target.gone) return Effect.void
    // What ends at the same instant has ended in time.
    if (now < due) return Effect.andThen(sleepOut(clock, due - now), this.run)
    // A commit may withhold it: then the task ends by itself.
    this.graceOver = true
    this.interrupt(this.target)
    if (this.giveUpAt > now) return this.run
    this.gaveUp = true
    this.abandon(this.target)
    return Effect.void
  })
}
