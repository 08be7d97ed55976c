/**
 * One cancel: made once and shared by every node it marks, so that a tree of ten
 * thousand children costs one reason. What leaves the tree because of it shares
 * one annotated exit.
 */
import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Exit from "effect/Exit"
import * as CancelReason from "../CancelReason.ts"
import { type Annotated, annotation } from "./cancelAnnotation.ts"
import type { ScopeNode } from "./scopeNode.ts"

export class CancelRequest implements Annotated {
  private stamped: CancelReason.CancelReason | undefined = undefined
  private annotated: Context.Context<never> | undefined = undefined
  private exited: Exit.Exit<never> | undefined = undefined
  readonly target: ScopeNode
  private readonly draft: CancelReason.Draft | CancelReason.CancelReason
  /** Epoch milliseconds, by the clock of the target. */
  readonly at: number

  constructor(target: ScopeNode, draft: CancelReason.Draft | CancelReason.CancelReason, at: number) {
    this.target = target
    this.draft = draft
    this.at = at
  }

  /** Of a fiber that nobody here told to stop: as its interrupt says, if that came from around it. */
  static native(node: ScopeNode, said: Annotated | undefined): CancelRequest {
    const at = node.clock.currentTimeMillisUnsafe()
    return said?.target !== undefined && node.isWithin(said.target)
      ? new CancelRequest(said.target, said.reason, at)
      : new CancelRequest(node, { source: "interrupt", message: "The fiber was interrupted" }, at)
  }

  get reason(): CancelReason.CancelReason {
    return (this.stamped ??= CancelReason.stamp(this.draft, this.target.name, this.at))
  }

  /** How whoever never ran has exited. */
  get exit(): Exit.Exit<never> {
    return (this.exited ??= Exit.failCause(Cause.annotate(Cause.interrupt(), this.annotation)))
  }

  get annotation(): Context.Context<never> {
    return (this.annotated ??= annotation(this))
  }
}
