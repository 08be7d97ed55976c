/**
 * The state of one correlator. Each operation is one synchronous step that first
 * brings the state into order and only then resumes anybody, through the
 * trampoline, since a waiter that is resumed runs on the stack of the publisher
 * and may publish, wait and cancel. Invariant, after each step: a published
 * message is exactly one of taken, held, kept and dead.
 */
import type * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import { Scheduler, type SchedulerDispatcher } from "effect/Scheduler"
import type { CorrelatorStats, Published } from "../Correlator.ts"
import { CorrelatorClosed } from "../CorrelatorClosed.ts"
import type { DeadLetterReason } from "../DeadLetter.ts"
import { DeadLetters } from "./deadLetters.ts"
import { ExpiryQueue } from "./expiryQueue.ts"
import { Line, type Lines, Message, Waiter } from "./messageLine.ts"
import { steady, toWall, whole } from "./steady.ts"
import { trampoline } from "./trampoline.ts"

const delivered: Published = { _tag: "Delivered" }

export class Correlation {
  readonly channels = new Map<string, Lines>()
  private readonly expiry = new ExpiryQueue()
  readonly letters: DeadLetters
  closed = false
  private seq = 0
  private waiting = 0
  private kept = 0
  private held = 0
  private taken = 0
  private returned = 0
  private readonly dead: Record<DeadLetterReason, number> = {
    expired: 0,
    "no-waiter": 0,
    full: 0,
    cleared: 0,
    failed: 0,
    closed: 0
  }
  private readonly maxKept: number
  private readonly clock: Clock.Clock
  private readonly dispatcher: SchedulerDispatcher
  private readonly context: Context.Context<never>
  /** One timer for the earliest expiry, set in a turn of its own: most messages are taken in the turn they came. */
  private timer: Fiber.Fiber<unknown> | undefined = undefined
  private timerAt = Infinity
  private timing = false

  constructor(context: Context.Context<never>, maxKept: number, deadLetters: number) {
    this.context = context
    this.clock = Context.get(context, Clock.Clock)
    this.dispatcher = Context.get(context, Scheduler).makeDispatcher()
    this.maxKept = maxKept
    this.letters = new DeadLetters(deadLetters)
  }

  publish(channel: string, key: string, value: unknown, ttl: number): Published {
    const at = this.clock.currentTimeMillisUnsafe()
    const until = ttl === Infinity ? ttl : whole(steady(this.clock) + ttl)
    const message = new Message(channel, key, value, ++this.seq, at, ttl, until)
    if (this.closed) return this.bury(message, "closed")
    const first = this.channels.get(channel)?.get(key)?.first
    if (first instanceof Waiter) {
      this.handOver(message, first)
      return delivered
    }
    if (ttl === 0) return this.bury(message, "no-waiter")
    if (this.kept >= this.maxKept) this.sweep()
    if (this.kept >= this.maxKept) return this.bury(message, "full")
    this.lineOf(channel, key).push(message)
    this.keep(message)
    return { _tag: "Kept", until: at + ttl }
  }

  /** The message that is next in line there, if one is kept that has not expired. */
  next(channel: string, key: string): Message | undefined {
    const now = steady(this.clock)
    while (true) {
      const first = this.channels.get(channel)?.get(key)?.first
      if (!(first instanceof Message)) return undefined
      if (!first.due(now)) return first
      this.remove(first, "expired")
    }
  }

  /** Takes a kept message out of its line. */
  take(message: Message, waiter: Waiter | undefined): void {
    this.unkeep(message)
    if (waiter === undefined) this.taken++
    else this.give(message, waiter)
  }

  queue(channel: string, key: string, waiter: Waiter): void {
    this.lineOf(channel, key).push(waiter)
    this.waiting++
  }

  /** The waiter goes, and whatever it was handed goes back. */
  leave(waiter: Waiter): void {
    if (waiter.line !== undefined) this.unqueue(waiter)
    const message = this.release(waiter)
    if (message !== undefined) this.giveBack(message)
    waiter.timer?.interruptUnsafe()
  }

  unqueue(waiter: Waiter): void {
    waiter.line!.remove(waiter)
    this.waiting--
  }

  /** Work on the message has ended well. */
  settle(waiter: Waiter): void {
    if (this.release(waiter) !== undefined) this.taken++
  }

  /** Work on the message has failed. */
  reject(waiter: Waiter, cause: Cause.Cause<unknown>): void {
    const message = this.release(waiter)
    if (message !== undefined) this.bury(message, "failed", cause)
  }

  private give(message: Message, waiter: Waiter): void {
    waiter.message = message
    if (waiter.holds) this.held++
    else this.taken++
  }

  /** What the waiter had: a plain one gives up what it was counted to have taken. */
  private release(waiter: Waiter): Message | undefined {
    const { message } = waiter
    waiter.message = undefined
    if (message === undefined) return undefined
    if (waiter.holds) this.held--
    else this.taken--
    return message
  }

  private handOver(message: Message, waiter: Waiter): void {
    this.unqueue(waiter)
    this.give(message, waiter)
    this.wake(waiter, Effect.succeed(message.value))
  }

  /** Fibers that answer each other must not keep the event loop for ever: each 1,024th wake-up takes a turn. */
  private wake(waiter: Waiter, effect: Effect.Effect<unknown, CorrelatorClosed>): void {
    const job = () => {
      waiter.timer?.interruptUnsafe()
      waiter.resume!(effect)
    }
    if ((++this.wakeups & 1023) === 0) this.dispatcher.scheduleTask(job, 0)
    else trampoline(job)
  }
  private wakeups = 0

  /** To the next waiter, or to the place in the queue that it had. */
  private giveBack(message: Message): void {
    const now = steady(this.clock)
    this.returned++
    if (this.closed) return void this.bury(message, "closed")
    if (message.due(now)) return void this.bury(message, message.ttl === 0 ? "no-waiter" : "expired")
    const line = this.lineOf(message.channel, message.key)
    if (line.first instanceof Waiter) return this.handOver(message, line.first)
    line.putBack(message)
    this.keep(message)
    if (message.ttl === 0) this.remove(message, "no-waiter")
  }

  private keep(message: Message): void {
    this.kept++
    if (message.until === Infinity) return
    this.expiry.add(message)
    if (message.until < this.timerAt) this.time()
  }

  private unkeep(message: Message): void {
    message.line!.remove(message)
    this.kept--
    if (message.until === Infinity) return
    this.expiry.drop()
    if (this.expiry.empty && this.timer !== undefined) this.time()
  }

  private remove(message: Message, reason: DeadLetterReason): void {
    this.unkeep(message)
    this.bury(message, reason)
  }

  private bury(message: Message, reason: DeadLetterReason, cause?: Cause.Cause<unknown>): Published {
    const { at: publishedAt, channel, key, value } = message
    this.dead[reason]++
    const at = this.clock.currentTimeMillisUnsafe()
    const letter = { channel, key, value, reason, publishedAt, at }
    this.letters.add(cause === undefined ? letter : { ...letter, cause })
    return { _tag: "DeadLettered", reason }
  }

  private lineOf(channel: string, key: string): Line {
    let lines = this.channels.get(channel)
    if (lines === undefined) this.channels.set(channel, (lines = new Map()))
    return lines.get(key) ?? new Line(key, lines)
  }

  /** When it expires, by the wall clock. */
  expiryOf({ until }: Message): number {
    return toWall(this.clock, until)
  }

  /** Whatever has expired by now. */
  sweep(): void {
    const now = steady(this.clock)
    for (let first = this.expiry.first; first?.due(now) === true; first = this.expiry.first) {
      this.remove(first, "expired")
    }
  }

  /** How many kept messages became dead letters. */
  clear(key: string, channel: string | undefined): number {
    this.sweep()
    let cleared = 0
    for (const [name, lines] of this.channels) {
      if (channel !== undefined && channel !== name) continue
      for (let first = lines.get(key)?.first; first instanceof Message; first = lines.get(key)?.first) {
        this.remove(first, "cleared")
        cleared++
      }
    }
    return cleared
  }

  private time(): void {
    if (this.timing) return
    this.timing = true
    this.dispatcher.scheduleTask(() => {
      this.timing = false
      this.setTimer()
    }, 0)
  }

  private setTimer(): void {
    if (this.closed) return
    this.sweep()
    const at = this.expiry.first?.until ?? Infinity
    if (at >= this.timerAt && at !== Infinity) return
    this.stopTimer()
    if (at === Infinity) return
    this.timerAt = at
    const rest = Duration.millis(at - steady(this.clock))
    const timer = (this.timer = Effect.runForkWith(this.context)(this.clock.sleep(rest)))
    timer.addObserver(() => {
      if (this.timer !== timer) return
      this.timer = undefined
      this.timerAt = Infinity
      this.setTimer()
    })
  }

  private stopTimer(): void {
    const { timer } = this
    this.timer = undefined
    this.timerAt = Infinity
    timer?.interruptUnsafe()
  }

  /** What is kept becomes dead letters; who waits is told. */
  close(): void {
    if (this.closed) return
    this.closed = true
    this.stopTimer()
    const waiters: Array<readonly [Waiter, CorrelatorClosed]> = []
    for (const [channel, lines] of this.channels) {
      for (const [key, line] of lines) {
        for (const entry of Array.from(line)) {
          if (entry instanceof Message) this.remove(entry, "closed")
          else {
            this.unqueue(entry)
            waiters.push([entry, new CorrelatorClosed({ channel, key })])
          }
        }
      }
    }
    this.letters.end()
    for (const [waiter, error] of waiters) this.wake(waiter, Effect.fail(error))
  }

  get stats(): CorrelatorStats {
    this.sweep()
    const { dead, held, kept, returned, seq: published, taken, waiting } = this
    return { waiting, kept, held, published, taken, returned, deadLetters: { ...dead } }
  }
}
