/**
 * The node of a shield: no mark, no deadline and no interrupt of its owner gets
 * below it. The first request that it holds off starts its budget; at the end of
 * that the work is cancelled with the reason of that request.
 */
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import type { CleanupFailure } from "../TaskOutcome.ts"
import * as CancelPolicy from "../CancelPolicy.ts"
import * as CancelReason from "../CancelReason.ts"
import { interruptBelow } from "./cancelling.ts"
import type { CancelRequest } from "./cancelRequest.ts"
import { requestedTask } from "./enclosingTask.ts"
import { scopeIn } from "./handOnScope.ts"
import { Limit } from "./limit.ts"
import { RegionNode } from "./regionNode.ts"
import type { ScopeNode } from "./scopeNode.ts"
import { steady } from "./steady.ts"
import { TaskNode } from "./taskNode.ts"

interface Held {
  readonly reason: CancelReason.CancelReason
}

export class ShieldNode<A, E> extends RegionNode<A, E> {
  private readonly budget: number
  private held: Held | undefined = undefined

  /** `budget` in milliseconds. */
  constructor(name: string, owner: Fiber.Fiber<any, any>, effect: Effect.Effect<A, E, any>, budget: number) {
    super("shield", name, owner, inScopeOf(owner, effect))
    this.budget = budget
  }

  override get standsAlone(): boolean {
    return true
  }

  override get holdsOff(): boolean {
    return true
  }

  override open(): void {
    super.open()
    this.limit = undefined
    if (this.budget === Infinity) return
    this.limit = new Limit(this, undefined, this.outside, () => this.stop(this.held!.reason, CancelPolicy.immediate))
    const request = requestAbove(this.up!)
    // It came before there was anything to hold it off: the budget is whole.
    if (request !== undefined) this.hold(request)
  }

  override close(): void {
    this.limit?.stop()
    super.close()
  }

  override get deadline(): number | undefined {
    return this.held === undefined ? undefined : this.limit?.wall
  }

  private hold(request: Held): void {
    if (this.held !== undefined || this.limit === undefined) return
    this.held = request
    this.limit.moveTo(steady(this.clock) + this.budget)
  }

  override get listens(): boolean {
    return this.limit !== undefined || super.listens
  }

  override requestArrived(request: CancelRequest): void {
    if (request === this.mark) super.requestArrived(request)
    else this.hold(request)
  }

  override ownerInterrupted(reason: CancelReason.Draft | CancelReason.CancelReason): void {
    this.hold({ reason: CancelReason.stamp(reason, this.name, this.clock.currentTimeMillisUnsafe()) })
  }

  override get whenInterrupted(): CancelPolicy.CancelPolicy {
    return CancelPolicy.immediate
  }

  override result(): Effect.Effect<A, E> {
    // Work that interrupts itself was not stopped by the budget: what is around it decides what that means.
    return this.verdict === "cancelled" && this.mark?.target === this && this.limit?.passed === true
      ? Effect.andThen(this.endGrace, this.mark.exit)
      : this.exit!
  }

  /** Where the budget ends in the grace of the cancel, nobody has interrupted the owner yet. */
  private get endGrace(): Effect.Effect<void> {
    return Effect.withFiber((fiber) => {
      const task = requestedTask(this.up!)
      if (task === undefined) return Effect.void
      interruptBelow(task, fiber.id)
      // What stands in between is told on its way only, and reads the reason before.
      for (let at = this.up!; at !== task; at = at.up!) {
        if (at instanceof TaskNode && at.mark === task.mark && at.hearsInterrupt) interruptBelow(at, fiber.id)
      }
      return Effect.yieldNow
    })
  }

  /** Its work has no outcome of its own to keep it on. */
  override keepCleanupFailure(failure: CleanupFailure): void {
    this.up!.keepCleanupFailure(failure)
  }
}

/** A shield is a region: what it acquires lives as long as what is acquired around it. */
const inScopeOf = (
  owner: Fiber.Fiber<any, any>,
  effect: Effect.Effect<any, any, any>
): Effect.Effect<any, any, any> => {
  const scope = scopeIn(owner.context)
  return scope === undefined ? effect : Effect.provideService(effect, Scope.Scope, scope)
}

/** The cancel that is under way around a shield that opens, if it gets there: not past a shield further out, nor to what a scope owns. */
const requestAbove = (up: ScopeNode): CancelRequest | undefined => {
  for (let node: ScopeNode | undefined = up; node !== undefined; node = node.up) {
    if (node.mark !== undefined || node.standsAlone) return node.mark
  }
  return undefined
}
