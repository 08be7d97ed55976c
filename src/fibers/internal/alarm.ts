/**
 * Wakes at the earliest time that anybody asked for, and does `look`, which asks
 * again if there is a next time. While nothing is asked for there is no fiber and
 * no timer.
 */
import type * as Clock from "effect/Clock"
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { steady, whole } from "./steady.ts"

export class Alarm {
  private at = Infinity
  private asleep = false
  private stopped = false
  private fiber: Fiber.Fiber<void> | undefined = undefined
  private readonly clock: Clock.Clock
  private readonly context: Context.Context<never>
  private readonly look: (now: number) => Effect.Effect<void>

  constructor(clock: Clock.Clock, context: Context.Context<never>, look: (now: number) => Effect.Effect<void>) {
    this.clock = clock
    this.context = context
    this.look = look
  }

  /** Wakes at this steady instant at the latest. */
  wakeBy(by: number): void {
    const at = whole(by)
    if (at >= this.at || this.stopped) return
    this.at = at
    if (this.fiber !== undefined && !this.asleep) return
    const before = this.fiber
    this.asleep = false
    this.fiber = Effect.runForkWith(this.context)(this.begin)
    before?.interruptUnsafe()
  }

  /** Forgets what was asked for, and interrupts and awaits a look that is under way. */
  readonly stop: Effect.Effect<void> = Effect.withFiber((stopper) => {
    this.stopped = true
    const { fiber } = this
    if (fiber === undefined) return Effect.void
    // A look that ends its own watchdog cannot wait for itself.
    return fiber === stopper ? Effect.sync(() => fiber.interruptUnsafe()) : Fiber.interrupt(fiber)
  })

  /** Whoever asks is in the middle of a step: what is due now, is due in the next turn. */
  private readonly begin: Effect.Effect<void> = Effect.suspend(() =>
    this.at > steady(this.clock) ? this.run : Effect.andThen(Effect.yieldNow, this.run)
  )

  private readonly run: Effect.Effect<void> = Effect.suspend(() => {
    const now = steady(this.clock)
    if (this.at === Infinity) {
      this.fiber = undefined
      return Effect.void
    }
    if (now < this.at) {
      this.asleep = true
      return Effect.andThen(this.clock.sleep(Duration.millis(this.at - now)), this.awake)
    }
    this.at = Infinity
    return Effect.andThen(this.look(now), this.run)
  })

  private readonly awake: Effect.Effect<void> = Effect.suspend(() => {
    this.asleep = false
    return this.run
  })
}
