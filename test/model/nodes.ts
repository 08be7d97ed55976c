/**
 * Scopes, and what a cancel does to them: K1, K4, K8, K11 (downward only), K12
 * (grace and giving up), K15 (finalizers, last acquired first), K18.
 */
import type { Cleanup } from "../../src/testing/TaskPlan.ts"
import { type Exit, interrupted, ok, textOf } from "./exit.ts"
import type { World } from "./world.ts"

export interface Request {
  readonly reason: string
  readonly at: number
}

export interface Policy {
  readonly grace?: number | undefined
  readonly giveUp?: number | undefined
}

export abstract class Node {
  readonly world: World
  readonly name: string
  readonly up: Node | undefined
  readonly children = new Set<Node>()
  mark: Request | undefined = undefined
  told = false
  closed = false
  private watchers: Array<() => void> = []
  private timers: Array<() => void> = []

  constructor(world: World, name: string, up: Node | undefined) {
    this.world = world
    this.name = name
    this.up = up
  }

  /** A shield, or what a scope owns: no cancel from above marks it. */
  get standsAlone(): boolean {
    return false
  }

  heldOff(_request: Request): void {}

  open(): void {
    this.up?.children.add(this)
    if (!this.standsAlone) this.mark = this.up?.mark
  }

  close(): void {
    this.closed = true
    for (const stop of this.timers) stop()
    this.up?.children.delete(this)
    this.up?.childClosed(this)
    const watchers = this.watchers
    this.watchers = []
    for (const watcher of watchers) watcher()
  }

  onClosed(watcher: () => void): () => void {
    if (this.closed) watcher()
    else this.watchers.push(watcher)
    return () => {
      this.watchers = this.watchers.filter((other) => other !== watcher)
    }
  }

  /** A timer that goes with the node. */
  later(ms: number, fire: () => void): void {
    this.timers.push(this.world.after(ms, fire, true))
  }

  childClosed(_child: Node): void {}

  /** Whether the scope of this child is not its own any more. */
  takesScope(_child: Unit, _exit: Exit): boolean {
    return false
  }

  /** The end of the grace. */
  abstract tell(): void
  /** Whether giving up reaches this node and what is below. */
  abstract get givenUp(): boolean
  abstract abandon(): void

  isWithin(other: Node): boolean {
    return this === other || this.up?.isWithin(other) === true
  }

  private receive(request: Request): void {
    if (this.mark !== undefined) return
    this.mark = request
    for (const child of this.children) {
      if (child.standsAlone) child.heldOff(request)
      else child.receive(request)
    }
  }

  /** K8, K12. The request that it makes is the mark if it is the first. */
  cancel(reason: string, { giveUp = Infinity, grace = 0 }: Policy): Request {
    const request = { reason, at: this.world.now }
    if (this.closed) return request
    this.world.decide()
    this.receive(request)
    if (grace === 0) this.tell()
    else this.later(Math.min(grace, giveUp), () => this.due(() => this.tell()))
    if (giveUp < Infinity && !this.closed) this.later(giveUp, () => this.due(() => this.giveUp()))
    return request
  }

  private due(what: () => void): void {
    this.world.decide()
    what()
  }

  private giveUp(): void {
    this.tell()
    this.abandonAll()
  }

  private abandonAll(): void {
    if (!this.givenUp) return
    const below = [...this.children]
    // The whole is decided, not by what the giving up of a part would make of it.
    if (!this.closed) this.abandon()
    for (const child of below) child.abandonAll()
  }
}

/** The fiber of a unit: what it waits for can be cut short while it is not masked. */
export class Fiber {
  readonly unit: Unit
  /** Whose scope its finalizers go to. */
  readonly scope: Unit
  told = false
  masks = 0
  abort: (() => void) | undefined = undefined

  constructor(unit: Unit, scope: Unit) {
    this.unit = unit
    this.scope = scope
  }

  get stopped(): boolean {
    return this.told && this.masks === 0
  }

  interrupt(): void {
    this.told = true
    const { abort } = this
    if (abort === undefined || this.masks > 0) return
    this.abort = undefined
    abort()
  }
}

/** What ends in the instant of its start: its owner may go on at once, or when those that are started around it have begun. */
export const wakes = ({ unit }: Fiber): void => {
  if (unit.startedAt === unit.world.now) unit.world.wake()
}

interface Held {
  readonly name: string
  readonly cleanup: Cleanup
  readonly by: Unit
}

export interface Named {
  readonly name: string
  readonly body: Body
}

export type Body = (fiber: Fiber, done: (exit: Exit) => void) => void

/** What runs on a fiber of its own and has one outcome: a task, member, body, shield or deadline. */
export class Unit extends Node {
  readonly finalizers: Array<Held> = []
  readonly body: Body
  fiber: Fiber | undefined = undefined
  exit: Exit | undefined = undefined
  verdict: "completed" | "failed" | "cancelled" | undefined = undefined
  how: "cooperative" | "interrupted" | "abandoned" = "interrupted"
  committing = false
  startedAt = NaN
  /** Whoever took its scope over is asked in its place. */
  heir: Unit | undefined = undefined

  constructor(world: World, name: string, up: Node | undefined, body: Body) {
    super(world, name, up)
    this.body = body
  }

  get started(): boolean {
    return this.fiber !== undefined
  }

  /** As reasons call it: bodies have no name of their own. */
  private get scopeName(): string {
    return this.name.endsWith(".body") ? "body" : this.name
  }

  protected makeFiber(): Fiber {
    return new Fiber(this, this)
  }

  start(): void {
    if (this.closed || this.started) return
    this.fiber = this.makeFiber()
    this.startedAt = this.world.now
    this.body(this.fiber, (exit) => this.exited(exit))
  }

  /** K18: who is being interrupted reads why. */
  get readable(): string | undefined {
    if (this.closed) return this.heir?.readable
    return this.told ? this.mark!.reason : undefined
  }

  /** True hands its scope on. */
  protected keepsScope(exit: Exit): boolean {
    return this.up?.takesScope(this, exit) === true
  }

  private exited(exit: Exit): void {
    if (this.exit !== undefined) return
    this.exit = exit
    if (!this.told && textOf(exit) === "interrupt") {
      if (exit.length > 1) this.world.leaveOpen("a failure beside a self-interrupt")
      this.mark ??= { reason: `interrupt//${this.scopeName}`, at: this.world.now }
      this.how = "cooperative"
      this.told = true
      this.committing = false
    }
    if (this.keepsScope(exit)) this.settle()
    else release(this.world, this.finalizers, () => this.settle())
  }

  private settle(): void {
    if (this.closed) return
    const stopped = this.told && !this.committing
    this.verdict = stopped ? "cancelled" : this.exit!.length === 0 ? "completed" : "failed"
    this.ended()
  }

  private ended(): void {
    const { exit, how, mark, verdict } = this
    const cause = exit === undefined || exit.length === 0 ? "" : ` ${textOf(exit)}`
    this.world.note(
      this.name,
      "ended",
      verdict === "cancelled" ? `cancelled ${how}, ${mark!.reason}` : `${verdict}${cause}`
    )
    this.close()
  }

  override tell(): void {
    // Who has failed and only cleans up has failed (K12 names those that returned).
    if (this.closed || this.told || this.committing || (this.exit !== undefined && this.exit.length > 0)) return
    this.told = true
    if (this.started) return this.exit === undefined ? this.fiber!.interrupt() : undefined
    // K10: cancelled before its first step.
    this.exit = interrupted
    this.settle()
  }

  override get givenUp(): boolean {
    return this.exit !== undefined || (this.told && !this.committing)
  }

  override abandon(): void {
    this.how = "abandoned"
    this.world.abandoned.set(this.name, this.world.now)
    if (this.exit === undefined) this.verdict = "cancelled"
    else this.verdict = this.told && !this.committing ? "cancelled" : this.exit.length === 0 ? "completed" : "failed"
    this.ended()
  }
}

/** K15: one after the other, last acquired first; what is left runs though one fails. */
export const release = (world: World, finalizers: Array<Held>, done: () => void): void => {
  const last = finalizers.pop()
  if (last === undefined) return done()
  clean(world, last.name, last.cleanup, last.by, () => release(world, finalizers, done))
}

export const clean = (world: World, name: string, { end, ms }: Cleanup, by: Unit, done: (exit: Exit) => void): void => {
  world.note(name, "cleans", by.readable ?? "", by.name)
  const over = () => {
    world.note(name, "cleaned")
    done(end === "succeed" ? ok : [`${name}!`])
  }
  if (ms === 0) over()
  else world.after(ms, over)
}
