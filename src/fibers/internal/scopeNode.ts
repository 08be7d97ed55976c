/**
 * The scope tree: one node for each task, and one for each scope that owns
 * tasks. Invariants: a node is linked below `up` exactly while it is open; the
 * first `mark` stays (but for members of a race or join whose owner the cancel
 * cannot reach: see `MembersNode.cancel`); `interrupted` goes from false to true
 * once, and only on a marked node; state is complete before anybody is told of it.
 */
import type * as Cause from "effect/Cause"
import type * as Clock from "effect/Clock"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type { CleanupFailure } from "../TaskOutcome.ts"
import type { CancelReason } from "../CancelReason.ts"
import type { CancelPlan } from "./cancelPlan.ts"
import type { CancelRequest } from "./cancelRequest.ts"
import type { Limit } from "./limit.ts"
import { trampoline } from "./trampoline.ts"

export type Kind =
  | "root"
  | "tasks"
  | "task"
  | "nursery"
  | "race"
  | "join"
  | "body"
  | "member"
  | "shield"
  | "deadline"
  | "foreign"

type Watcher = () => void

export class ScopeNode {
  readonly up: ScopeNode | undefined
  /** The top of the tree: kept, so that nobody has to climb a deep one. */
  readonly root: ScopeNode
  private first: ScopeNode | undefined = undefined
  private last: ScopeNode | undefined = undefined
  private prev: ScopeNode | undefined = undefined
  private next: ScopeNode | undefined = undefined
  /** How many nodes are linked below. */
  live = 0
  private phase: "new" | "open" | "gone" = "new"
  /** The first cancel that reached this node. */
  mark: CancelRequest | undefined = undefined
  /** The grace is over: fibers were told, and whoever starts now never runs. */
  interrupted = false
  /** Timers of the cancels that were addressed to this very node. */
  plan: CancelPlan | undefined = undefined
  /** The nearest deadline around this node or of its own, up to a shield. */
  limit: Limit | undefined = undefined
  readonly kind: Kind
  readonly name: string
  private watchers: Watcher | Set<Watcher> | undefined = undefined

  constructor(kind: Kind, name: string, up: ScopeNode | undefined) {
    this.kind = kind
    this.name = name
    // Below an ended scope it stands below its heir, or (a native detached fiber that outlived its task) at the root.
    while (up !== undefined && up.gone && up.heir !== undefined) up = up.heir
    if (up !== undefined && up.gone) up = up.root
    this.up = up
    this.root = up === undefined ? this : up.root
  }

  get clock(): Clock.Clock {
    return this.up!.clock
  }

  /** Linked into the tree, now or before. */
  get opened(): boolean {
    return this.phase !== "new"
  }

  /** Ended: reads of this node answer nothing any more. */
  get gone(): boolean {
    return this.phase === "gone"
  }

  /** Appends to the list below `up`. */
  attach(up: ScopeNode): void {
    this.prev = up.last
    if (up.last === undefined) up.first = this
    else up.last.next = this
    up.last = this
    up.live++
  }

  detach(up: ScopeNode): void {
    if (this.prev === undefined) up.first = this.next
    else this.prev.next = this.next
    if (this.next === undefined) up.last = this.prev
    else this.next.prev = this.prev
    this.prev = this.next = undefined
    up.live--
  }

  /** Links this node below its parent, born with the parent's mark. */
  open(): void {
    const up = this.up!
    this.phase = "open"
    this.attach(up)
    this.limit = up.limit
    if (this.standsAlone) return
    this.mark = up.mark
    this.interrupted = up.interrupted
  }

  /** Unlinks this node, tells the parent, then whoever waits. */
  close(): void {
    const up = this.up!
    this.phase = "gone"
    this.detach(up)
    if (this.plan !== undefined) this.plan.clear()
    up.childClosed(this)
    const watchers = this.watchers
    this.watchers = undefined
    if (typeof watchers === "function") trampoline(watchers)
    else if (watchers !== undefined) for (const watcher of watchers) trampoline(watcher)
    up.childLeft(this)
  }

  /** What was never linked is closed from the start. */
  protected neverOpen(): void {
    this.phase = "gone"
  }

  /** Calls back once this node has closed, at once if it has; the returned function withdraws. */
  onClosed(watcher: Watcher): Watcher {
    if (this.gone) watcher()
    else if (this.watchers === undefined) this.watchers = watcher
    else if (typeof this.watchers === "function") this.watchers = new Set([this.watchers, watcher])
    else this.watchers.add(watcher)
    return () => {
      if (this.watchers === watcher) this.watchers = undefined
      else if (typeof this.watchers === "object") this.watchers.delete(watcher)
    }
  }

  /** A child has just been unlinked. */
  childClosed(_child: ScopeNode): void {}

  /** Whoever waited for the end of a child has been told, or is about to be. */
  childLeft(_child: ScopeNode): void {}

  /** When this scope must have ended, in epoch milliseconds. */
  get deadline(): number | undefined {
    return undefined
  }

  /** True for what a scope or a layer owns: no cancel from above marks it. */
  get standsAlone(): boolean {
    return false
  }

  /** Whether a cancel from above does not reach what is below, however interruptible that is. */
  get holdsOff(): boolean {
    return false
  }

  /** Whether giving up may decide this node now. */
  get canBeAbandoned(): boolean {
    return this.interrupted
  }

  /** An interrupt came that this node does not hear now. */
  withhold(): void {}

  /** The nodes whose fibers a cancel of this one interrupts: its own, or those of its members. */
  interruptible(): ReadonlyArray<ScopeNode> {
    const told: Array<ScopeNode> = []
    for (let node = this.first; node !== undefined; node = node.next) {
      if (node.hearsInterrupt) told.push(node)
      else node.withhold()
    }
    return told
  }

  /** Whether an interrupt would still change how this node ends. */
  get hearsInterrupt(): boolean {
    return !this.interrupted
  }

  /** Told once, when the grace is over; runs finalizers up to their first suspension. */
  deliverInterrupt(_by: number | undefined): void {}

  /** Closes a group that waits for nothing any more. */
  closeIfDone(): void {}

  /** Decides the outcome without the fiber. */
  abandon(): void {}

  /** The first request has marked this node, and all below it. */
  requestArrived(_request: CancelRequest): void {}

  /** Whether somebody wants to know of the request. */
  get listens(): boolean {
    return false
  }

  /** Who took over the scope of this node when it ended, and is asked in its place. */
  get heir(): ScopeNode | undefined {
    return undefined
  }

  /** Why the fibers of this node are being interrupted, once they were told. */
  get readable(): CancelReason | undefined {
    if (this.gone) return this.heir?.readable
    return this.interrupted ? this.mark!.reason : undefined
  }

  /** Gives what finished but cannot be returned to the nearest task; false if there is none. */
  salvage(scope: string, value: unknown): boolean {
    return this.up !== undefined && this.up.salvage(scope, value)
  }

  /** Logs a failure of clean-up and keeps it where it can be seen. */
  cleanupFailed(scope: string, cause: Cause.Cause<unknown>, context: Context.Context<never>): void {
    const log = Effect.logWarning(`Clean-up of "${scope}" failed`, cause)
    trampoline(() => Effect.runForkWith(context)(log))
    this.keepCleanupFailure({ scope, cause })
  }

  /** Gives a failure that was logged to whoever above has an outcome to keep it on. */
  keepCleanupFailure(failure: CleanupFailure): void {
    this.up?.keepCleanupFailure(failure)
  }

  /** Asked when the fiber of `child` has exited: true takes over its scope, which then stays open. */
  keepsScopeOf(_child: ScopeNode, _exit: Exit.Exit<unknown, unknown>): boolean {
    return false
  }

  isWithin(ancestor: ScopeNode): boolean {
    for (let node: ScopeNode | undefined = this; node !== undefined; node = node.up) if (node === ancestor) return true
    return false
  }

  /** The names from below the root down to here. */
  get path(): string {
    const names: Array<string> = []
    for (let node: ScopeNode = this; node.up !== undefined; node = node.up) names.push(node.name)
    return names.toReversed().join("/")
  }

  protected get oldest(): ScopeNode | undefined {
    return this.first
  }

  children(): ReadonlyArray<ScopeNode> {
    const children: Array<ScopeNode> = []
    for (let node = this.first; node !== undefined; node = node.next) children.push(node)
    return children
  }

  /** This node and all below it, parents first, without recursion; `enter` false leaves out a node with all below it. */
  walk(enter: (node: ScopeNode) => boolean): void {
    let node: ScopeNode = this
    while (true) {
      const down = enter(node) ? node.first : undefined
      if (down !== undefined) {
        node = down
        continue
      }
      while (node !== this && node.next === undefined) node = node.up!
      if (node === this) return
      node = node.next!
    }
  }
}
