/**
 * The instant by which a scope must end, and the timer that says so. Limits form
 * a chain outwards, up to the nearest shield; each node of the tree knows the
 * nearest (`ScopeNode.limit`). Of several that are due the outermost speaks
 * first: whatever is inside it has no time left to act on its own.
 */
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type { ScopeNode } from "./scopeNode.ts"
import { lastStretch } from "./sleepOut.ts"
import { steady, toWall, whole } from "./steady.ts"

export class Limit {
  /** A steady instant; Infinity while there is no limit. */
  at: number
  /** The scope was told: nothing moves any more. */
  passed = false
  private readonly node: ScopeNode
  private readonly outer: Limit | undefined
  private readonly context: Context.Context<never>
  private readonly announce: () => void
  private timer: Fiber.Fiber<void> | undefined = undefined
  private wakesAt = Infinity
  private told: number | undefined = undefined
  /** No limit from here outwards is due before this, so that a start seldom looks at all of them. */
  private floor: number
  private floorOf = broughtForward

  constructor(
    node: ScopeNode,
    outer: Limit | undefined,
    context: Context.Context<never>,
    announce: () => void,
    at = Infinity
  ) {
    this.node = node
    this.outer = outer
    this.context = context
    this.announce = announce
    this.at = whole(at)
    this.floor = outer === undefined ? this.at : Math.min(this.at, outer.earliest)
  }

  private get over(): boolean {
    return this.passed || this.node.gone
  }

  /** Sets or moves the instant, given by the wall clock or not; false if it is too late for that. */
  moveTo(to: number, wall?: number): boolean {
    if (this.over) return false
    const at = whole(to)
    if (at < this.at) broughtForward++
    this.at = at
    this.told = wall
    // A timer that wakes too early looks again.
    if (this.timer !== undefined && this.wakesAt <= at) return true
    this.stop()
    if (at !== Infinity) this.timer = Effect.runForkWith(this.context)(this.watch)
    return true
  }

  stop(): void {
    const timer = this.timer
    this.timer = undefined
    timer?.interruptUnsafe()
  }

  /** Tells the scope now, whatever the instant. */
  tell(): void {
    if (this.over) return
    this.passed = true
    this.stop()
    this.announce()
  }

  /** If an instant lies in the past, here or further out, the outermost is told at once. */
  deliverOverdue(): boolean {
    const now = steady(this.node.clock)
    if (now <= this.earliest) return false
    const due = this.outermost((limit) => limit.at < now)
    // What was due has spoken, has ended or was moved.
    if (due === undefined) this.look()
    due?.tell()
    return due !== undefined
  }

  private get earliest(): number {
    if (this.floorOf !== broughtForward) this.look()
    return this.floor
  }

  private look(): void {
    this.floor = Infinity
    this.floorOf = broughtForward
    for (let limit: Limit | undefined = this; limit !== undefined; limit = limit.outer) {
      if (!limit.over) this.floor = Math.min(this.floor, limit.at)
    }
  }

  /** The nearest that has yet to speak: for what is opened in clean-up, which the others no longer bound. */
  get ahead(): Limit | undefined {
    let limit: Limit | undefined = this
    while (limit !== undefined && limit.over) limit = limit.outer
    return limit
  }

  /** By the wall clock, to be told: the same each time while that goes on, though no two clocks tick together. */
  get wall(): number {
    const wall = toWall(this.node.clock, this.at)
    if (this.told === undefined || Math.abs(wall - this.told) > 1) this.told = wall
    return this.told
  }

  /** Of this limit and those around it, the one that is due first; undefined if none ever is. */
  get earliestAround(): Limit | undefined {
    let found: Limit | undefined
    for (let limit: Limit | undefined = this; limit !== undefined; limit = limit.outer) {
      if (!limit.node.gone && limit.at < (found?.at ?? Infinity)) found = limit
    }
    return found
  }

  private outermost(isDue: (limit: Limit) => boolean): Limit | undefined {
    let found: Limit | undefined
    for (let limit: Limit | undefined = this; limit !== undefined; limit = limit.outer) {
      if (!limit.over && isDue(limit)) found = limit
    }
    return found
  }

  /** Sleeps twice, as `sleepOut` does, but looks again in between: it may have been moved. */
  private readonly watch: Effect.Effect<void> = Effect.suspend(() => {
    const { clock } = this.node
    this.wakesAt = this.at
    const left = this.at - steady(clock)
    if (left <= 0) return this.settled
    return left > lastStretch
      ? Effect.andThen(clock.sleep(Duration.millis(left - lastStretch)), this.watch)
      : Effect.andThen(clock.sleep(Duration.millis(left)), this.settled)
  })

  /** What ends at the same instant has ended in time: let it run first. */
  private readonly settled: Effect.Effect<void> = Effect.suspend(() =>
    Effect.andThen(
      Effect.yieldNow,
      Effect.suspend(() => {
        if (this.over) return Effect.void
        if (this.at > steady(this.node.clock)) return this.watch
        const due = this.outermost((limit) => limit.at <= this.at)!
        due.tell()
        return due === this ? Effect.void : this.settled
      })
    )
  )
}

/** How often a limit was moved to an earlier instant, after which no floor holds. */
let broughtForward = 0

/** The limit by which whatever runs below `node` must end. */
export const effectiveLimit = (node: ScopeNode): Limit | undefined => {
  let at: ScopeNode | undefined = node
  while (at !== undefined && at.gone) at = at.heir
  return at?.limit?.earliestAround
}
