/**
 * A group whose members come one by one. It is done when the body has ended and
 * no foreground child lives; background children are then told that the scope
 * has closed.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as CancelPolicy from "../CancelPolicy.ts"
import * as CancelReason from "../CancelReason.ts"
import { ScopeCancelled } from "../ScopeCancelled.ts"
import { cancelEach } from "./cancelling.ts"
import { CancelRequest } from "./cancelRequest.ts"
import { GroupNode } from "./groupNode.ts"
import { StartQueue } from "./startQueue.ts"
import { TaskNode } from "./taskNode.ts"

export type OnFailure = "cancel-siblings" | "supervise"

export interface ChildFailure {
  readonly name: string
  readonly cause: Cause.Cause<unknown>
}

export interface ChildOptions {
  readonly background?: boolean | undefined
}

export class NurseryNode extends GroupNode<any, any> {
  private readonly onFailure: OnFailure
  private readonly body: Effect.Effect<any, any, any> | undefined
  private bodyNode: TaskNode | undefined = undefined
  private readonly background = new Set<TaskNode>()
  /** Children whose failure still goes to the caller that waits for their `ready`. */
  private readonly unready = new Set<TaskNode>()
  private foreground = 0
  readonly starting = new StartQueue()
  private closing = false
  closedAt = NaN
  /** Somebody's failure ends the nursery in the next turn. */
  private tripping = false
  private tripped = false
  readonly failures: Array<ChildFailure> = []

  constructor(
    name: string,
    owner: Fiber.Fiber<any, any>,
    onFailure: OnFailure,
    body: Effect.Effect<any, any, any> | undefined
  ) {
    super("nursery", name, owner)
    this.onFailure = onFailure
    this.body = body
  }

  override begin(): void {
    if (this.body === undefined) return
    this.bodyNode = this.member("body", "body", this.body)
    this.foreground++
    this.bodyNode.start()
  }

  /** A child that is not yet started. A closed or interrupted nursery gives one that is already cancelled. */
  adopt(
    name: string,
    effect: Effect.Effect<any, any, any>,
    spawner: Fiber.Fiber<any, any>,
    options?: ChildOptions
  ): TaskNode {
    if (this.closing || this.interrupted) {
      const refused = new TaskNode("task", name, this, effect, spawner.context)
      refused.refuse(
        this.mark !== undefined && !this.closing
          ? this.mark
          : new CancelRequest(this, CancelReason.scopeClosed({ by: this.name }), this.clock.currentTimeMillisUnsafe())
      )
      return refused
    }
    const child = this.member("task", name, effect, spawner.context)
    if (options?.background === true) this.background.add(child)
    else this.foreground++
    return child
  }

  awaitReady(child: TaskNode): void {
    this.unready.add(child)
  }

  /** From now on the child's failure is a failure of this nursery. */
  ready(child: TaskNode): void {
    this.unready.delete(child)
  }

  override memberEnded(member: TaskNode): void {
    if (!this.background.delete(member)) this.foreground--
    const own = !this.unready.delete(member)
    if (own && member.verdict === "failed") this.failed(member)
    // A body that interrupted itself has not returned: there is nothing to join for.
    if (member === this.bodyNode && member.verdict === "cancelled" && !this.interrupted) {
      this.cancel(CancelReason.bodyFailed({ by: this.name, message: "The body of the scope was interrupted" }))
    }
    if (this.foreground === 0 && this.body !== undefined) this.closeBackground()
  }

  private failed(member: TaskNode): void {
    const cause = causeOf(member)!
    if (this.onFailure === "supervise" && member !== this.bodyNode) {
      // Without a body nobody would ever read them: whoever holds the task does.
      if (this.body !== undefined) this.failures.push({ name: member.name, cause })
      return
    }
    if (this.tripped || this.interrupted) return this.up!.cleanupFailed(member.name, cause, this.context)
    this.failures.push({ name: member.name, cause })
    // Not their number: children of a supervised nursery fail without any consequence.
    if (this.tripping) return
    this.tripping = true
    const reason =
      member === this.bodyNode
        ? CancelReason.bodyFailed({ by: this.name })
        : CancelReason.siblingFailed({ by: member.name })
    this.nextTurn(() => {
      this.tripped = true
      this.cancel(reason)
    })
  }

  private closeBackground(): void {
    this.closing = true
    if (this.background.size === 0) return
    const reason = CancelReason.scopeClosed({ by: this.name })
    // All are told; the group closes with the last of them.
    cancelEach(Array.from(this.background), reason, CancelPolicy.immediate, this.context)
  }

  /** Ends a nursery that has no body: refuses newcomers, cancels who is left. */
  shut(reason: CancelReason.Draft | CancelReason.CancelReason): void {
    this.closing = true
    this.cancel(reason)
    this.closeIfDone()
  }

  /** Without a body it belongs to a scope, which says when it ends. */
  override get standsAlone(): boolean {
    return this.body === undefined
  }

  /** One that a scope owns is cancelled by its closing, wherever it was made. */
  override get holdsOff(): boolean {
    return this.body !== undefined && super.holdsOff
  }

  override lost(): void {
    this.passOn(this.failures)
  }

  private passOn(failures: ReadonlyArray<ChildFailure>): void {
    for (const { cause, name } of failures) this.up!.cleanupFailed(name, cause, this.context)
  }

  override get done(): boolean {
    return this.closing || (this.body === undefined && this.interrupted)
  }

  override close(): void {
    this.closedAt = this.clock.currentTimeMillisUnsafe()
    super.close()
  }

  /** How this nursery ended, or is ending. */
  get ending(): "completed" | "failed" | "cancelled" {
    if (this.failures.length > 0 && this.onFailure === "cancel-siblings") return "failed"
    if (this.bodyNode?.verdict === "failed") return "failed"
    return this.interrupted ? "cancelled" : "completed"
  }

  override result(): Effect.Effect<any, any> {
    const body = this.bodyNode!
    if (this.onFailure === "cancel-siblings" && this.failures.length > 0) {
      return Effect.failCause(Cause.fromReasons(this.failures.flatMap(({ cause }) => cause.reasons)))
    }
    // Failed, or interrupted by itself.
    if (body.verdict === "failed" || (body.verdict === "cancelled" && body.mark !== this.mark)) {
      if (this.onFailure === "supervise") this.passOn(this.failures.filter(({ cause }) => cause !== causeOf(body)))
      return body.exit!
    }
    if (this.interrupted && this.mark!.target === this) {
      for (const value of this.salvageable()) this.up!.salvage(this.name, value)
      return Effect.fail(new ScopeCancelled({ scope: this.name, reason: this.mark!.reason }))
    }
    if (body.verdict === "cancelled") return body.exit!
    return this.onFailure === "supervise"
      ? Effect.map(body.exit!, (value) => ({ value, failures: this.failures }))
      : body.exit!
  }

  override salvageable(): ReadonlyArray<unknown> {
    const exit = this.bodyNode?.verdict === "completed" ? (this.bodyNode.exit as Exit.Success<unknown>) : undefined
    return exit?.value === undefined ? [] : [exit.value]
  }
}

const causeOf = ({ exit }: TaskNode): Cause.Cause<unknown> | undefined =>
  exit?._tag === "Failure" ? exit.cause : undefined
