/**
 * A scope that a control can end: a run, which fails with `ScopeCancelled` as
 * every scope does whose own handle cancelled it, or a step, which answers
 * `Skipped`. It is a nursery with a body and no other members.
 */
import * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import type { CancelReason } from "../CancelReason.ts"
import type { StepResult } from "../StepResult.ts"
import type { How } from "../TaskOutcome.ts"
import { cancel } from "./cancelling.ts"
import * as CancelPolicy from "../CancelPolicy.ts"
import { CancelRequest } from "./cancelRequest.ts"
import type { ControlLatch } from "./controlLatch.ts"
import { NurseryNode } from "./nurseryNode.ts"
import type { TaskNode } from "./taskNode.ts"

export interface Ended {
  readonly ending: "completed" | "failed" | "cancelled"
  readonly reason: CancelReason | undefined
  /** The control asked before the end. */
  readonly asked: boolean
  readonly how: How
  readonly took: Duration.Duration
}

const order: ReadonlyArray<How> = ["cooperative", "interrupted", "abandoned"]

/** The less willing of two ways to stop. */
export const slower = (one: How, other: How): How => (order.indexOf(one) < order.indexOf(other) ? other : one)

export class ControlledNode extends NurseryNode {
  readonly control: ControlLatch
  /** The scope of the same control that this one is in, and hears a cancel through. */
  outer: ControlledNode | undefined = undefined
  how: How = "cooperative"

  constructor(control: ControlLatch, name: string, owner: Fiber.Fiber<any, any>, body: Effect.Effect<any, any, any>) {
    super(name, owner, "cancel-siblings", body)
    this.control = control
  }

  /** Whether the control ends this scope itself, and not by way of an outer one. */
  get outermost(): boolean {
    return this.outer === undefined
  }

  /** In one step with the look at the state: a cancel either is seen here or finds this scope. */
  override open(): void {
    super.open()
    this.outer = this.control.scopeAround(this.up!)
    const { reason } = this.control
    this.control.enter(this)
    if (reason !== undefined && this.refusable) cancel(this, reason, CancelPolicy.immediate, this.context)
  }

  /** Whether it never starts under a cancelled control. */
  protected get refusable(): boolean {
    return true
  }

  override memberEnded(member: TaskNode): void {
    if (member.verdict === "cancelled") this.how = slower(this.how, member.how)
    super.memberEnded(member)
  }

  override close(): void {
    // Whoever waits for the end may look at the control at once.
    this.closedAt = this.clock.currentTimeMillisUnsafe()
    this.control.leave(this)
    super.close()
  }

  get took(): Duration.Duration {
    return this.mark === undefined ? Duration.zero : Duration.millis(Math.max(0, this.closedAt - this.mark.at))
  }

  get ended(): Ended {
    const { ending, how, mark, took } = this
    return { ending, how, took, reason: mark?.reason, asked: this.control.reason !== undefined }
  }
}

export class StepNode extends ControlledNode {
  /** The skip that won, and where it leads. */
  skip: { readonly by: CancelRequest; readonly to: "next" | "previous" } | undefined = undefined

  /** Clean-up that consists of steps is not the control's to end. */
  private isCleanUp = false

  override open(): void {
    this.isCleanUp = this.up!.interrupted
    super.open()
  }

  override get outermost(): boolean {
    return super.outermost && !this.isCleanUp
  }

  protected override get refusable(): boolean {
    return !this.isCleanUp
  }

  override result(): Effect.Effect<any, any> {
    const { mark, name: step, skip } = this
    const ended = super.result() as Exit.Exit<unknown, unknown>
    if (this.interrupted && mark!.target === this && this.ending === "cancelled") {
      const { reason } = this.control
      // No run around it: the cancel of the control stops whoever took the step.
      if (reason !== undefined && this.outermost) return new CancelRequest(this.up!, reason, mark!.at).exit
      if (skip !== undefined && skip.by === mark) {
        return Exit.succeed<StepResult<unknown>>({ _tag: "Skipped", step, to: skip.to, reason: mark.reason })
      }
    }
    return Exit.map(ended, (value): StepResult<unknown> => ({ _tag: "Completed", step, value }))
  }
}
