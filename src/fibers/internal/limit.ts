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

export class Limit {
  /** Epoch milliseconds; Infinity while there is no limit. */
  at: number
  /** The scope was told: nothing moves any more. */
  passed = false
  private readonly node: ScopeNode
  private readonly outer: Limit | undefined
  private readonly context: Context.Context<never>
  private readonly announce: () => void
  private timer: Fiber.Fiber<void> | undefined = undefined
  private wakesAt = Infinity
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
    this.at = at
    this.floor = outer === undefined ? at : Math.min(at, outer.earliest)
  }

  private get over(): boolean {
    return this.passed || this.node.gone
  }

  /** Sets or moves the instant; false if it is too late for that. */
  moveTo(at: number): boolean {
    if (this.over) return false
    if (at < this.at) broughtForward++
    this.at = at
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
    const now = this.node.clock.currentTimeMillisUnsafe()
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

  /** The earliest instant of this limit and those around it. */
  get effective(): number {
    let at = Infinity
    for (let limit: Limit | undefined = this; limit !== undefined; limit = limit.outer) {
      if (!limit.node.gone) at = Math.min(at, limit.at)
    }
    return at
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
    const left = this.at - clock.currentTimeMillisUnsafe()
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
        if (this.at > this.node.clock.currentTimeMillisUnsafe()) return this.watch
        const due = this.outermost((limit) => limit.at <= this.at)!
        due.tell()
        return due === this ? Effect.void : this.settled
      })
    )
  )
}

/** How often a limit was moved to an earlier instant, after which no floor holds. */
let broughtForward = 0

/** The instant by which whatever runs below `node` must end; Infinity if there is none. */
export const effectiveLimit = (node: ScopeNode): number => {
  let at: ScopeNode | undefined = node
  while (at !== undefined && at.gone) at = at.heir
  return at?.limit?.effective ?? Infinity
}
