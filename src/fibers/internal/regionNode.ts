/**
 * A node that runs one effect on a fiber of its own while the fiber that opened
 * it, the owner, waits in `own`: a shield or a deadline. To a cancel from above
 * it is what a group is: it hears of it through its owner only, so that
 * uninterruptible regions hold, and what is opened in clean-up has reasons of
 * its own.
 */
import * as Clock from "effect/Clock"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type { CancelPolicy } from "../CancelPolicy.ts"
import type { CancelReason, Draft } from "../CancelReason.ts"
import { cancel, forgetWithheld } from "./cancelling.ts"
import { CurrentNode } from "./currentNode.ts"
import type { Owned } from "./groupNode.ts"
import { isInterruptible } from "./interruptible.ts"
import type { ScopeNode } from "./scopeNode.ts"
import { TaskNode } from "./taskNode.ts"

export abstract class RegionNode<A, E> extends TaskNode implements Owned<A, E> {
  /** The services of the owner. */
  protected readonly outside: Context.Context<never>
  private readonly time: Clock.Clock
  private readonly owner: Fiber.Fiber<any, any>
  ownerLeft = false

  constructor(
    kind: "shield" | "deadline",
    name: string,
    owner: Fiber.Fiber<any, any>,
    effect: Effect.Effect<any, any, any>
  ) {
    super(kind, name, owner.getRef(CurrentNode), effect, owner.context)
    this.outside = owner.context
    this.owner = owner
    this.time = owner.getRef(Clock.Clock)
  }

  override get clock(): Clock.Clock {
    return this.time
  }

  override open(): void {
    super.open()
    if (!this.interrupted) return
    this.mark = undefined
    this.interrupted = false
    this.limit = this.limit?.ahead
  }

  begin(): void {
    this.start()
  }

  abstract result(): Effect.Effect<A, E>

  ownerInterrupted(reason: Draft | CancelReason): void {
    cancel(this, reason, this.whenInterrupted, this.outside)
  }

  abstract get whenInterrupted(): CancelPolicy

  override get holdsOff(): boolean {
    return !isInterruptible(this.owner)
  }

  /** A cancel of this region's own, with its own reason even where one from above waits outside. */
  protected stop(reason: Draft | CancelReason, policy: CancelPolicy): void {
    if (this.up!.interrupted && !this.interrupted && !this.ownerLeft) forgetWithheld(this)
    cancel(this, reason, policy, this.outside)
  }

  lost(): void {
    if (this.verdict === "failed" && this.exit?._tag === "Failure") {
      this.up!.cleanupFailed(this.name, this.exit.cause, this.outside)
    }
  }

  release(): Effect.Effect<void> {
    return Effect.void
  }

  salvageable(): ReadonlyArray<unknown> {
    return this.exit?._tag === "Success" && this.exit.value !== undefined ? [this.exit.value] : []
  }

  /** What it acquired belongs to the scope around it: releases read reasons there. */
  override get heir(): ScopeNode | undefined {
    return this.how === "abandoned" ? undefined : this.up
  }
}
