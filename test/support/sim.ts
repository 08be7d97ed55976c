/**
 * A deterministic world for random cancellation tests: one seed decides which
 * ready fiber runs next and where a fiber is made to pause; time is virtual and
 * jumps to the next timer when nobody can run. `at` runs a job after a given
 * step, between two operations of whatever fiber was running: a place where the
 * automatic yield of Effect can strike too.
 */
import type * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import type { Scheduler, SchedulerDispatcher } from "effect/Scheduler"
import * as ClockModule from "effect/Clock"
import { format } from "../../src/testing/Leaks.ts"
import { Leaks } from "./leaks.ts"

/** Numbers in [0, 1) by xorshift32. */
export const randomFrom = (seed: number): (() => number) => {
  let state = (seed * 2654435761) >>> 0 || 1
  return () => {
    state ^= state << 13
    state >>>= 0
    state ^= state >>> 17
    state ^= state << 5
    state >>>= 0
    return state / 4294967296
  }
}

const limit = 50_000

interface Timer {
  readonly at: number
  readonly fire: () => void
}

export interface WorldOptions {
  readonly seed: number
  /** How likely a fiber pauses before an operation. 0: never but at `at`. */
  readonly preempt?: number
  /** Ready fibers in order of arrival rather than at random. */
  readonly fifo?: boolean
  readonly at?: { readonly step: number; readonly run: () => void }
}

export class World implements Scheduler {
  readonly executionMode = "async" as const
  steps = 0
  now = 0
  readonly leaks: Leaks
  private readonly ready: Array<() => void> = []
  private readonly timers: Array<Timer> = []
  private readonly calm = new WeakMap<object, number>()
  private readonly random: () => number
  private readonly options: WorldOptions
  private injected: (() => void) | undefined = undefined

  constructor(options: WorldOptions) {
    this.options = options
    this.random = randomFrom(options.seed)
    this.leaks = new Leaks(this.clock)
  }

  shouldYield(fiber: Fiber.Fiber<unknown, unknown>): boolean {
    this.steps++
    // A fiber that runs in circles is stopped at the limit too.
    if (this.steps > limit) return true
    const { at, preempt = 0 } = this.options
    if (at !== undefined && this.steps >= at.step && !this.fired) {
      this.fired = true
      this.injected = at.run
    }
    // The pause itself takes two operations, which must not be paused again.
    const calm = this.calm.get(fiber) ?? 0
    if (calm > 0) {
      this.calm.set(fiber, calm - 1)
      return false
    }
    const pause = this.injected !== undefined || (preempt > 0 && this.random() < preempt)
    if (pause) this.calm.set(fiber, 2)
    return pause
  }
  private fired = false

  makeDispatcher(): SchedulerDispatcher {
    return {
      scheduleTask: (task) => {
        this.ready.push(task)
      },
      flush: () => {}
    }
  }

  readonly clock: Clock.Clock = {
    currentTimeMillisUnsafe: () => this.now,
    currentTimeNanosUnsafe: () => BigInt(this.now) * 1_000_000n,
    monotonicTimeNanosUnsafe: () => BigInt(this.now) * 1_000_000n,
    currentTimeMillis: Effect.sync(() => this.now),
    currentTimeNanos: Effect.sync(() => BigInt(this.now) * 1_000_000n),
    monotonicTimeNanos: Effect.sync(() => BigInt(this.now) * 1_000_000n),
    sleep: (duration) =>
      Effect.callback<void>((resume) => {
        const timer = { at: this.now + Duration.toMillis(duration), fire: () => resume(Effect.void) }
        this.timers.push(timer)
        return Effect.sync(() => {
          const index = this.timers.indexOf(timer)
          if (index >= 0) this.timers.splice(index, 1)
        })
      })
  }

  private inject(): void {
    const job = this.injected
    this.injected = undefined
    job?.()
  }

  /** Runs until nothing can happen any more. */
  run<A, E>(effect: Effect.Effect<A, E>): Exit.Exit<A, E> | undefined {
    const fiber = Effect.runFork(this.leaks.within(Effect.provideService(effect, ClockModule.Clock, this.clock)), {
      scheduler: this
    })
    this.inject()
    while (this.steps <= limit) {
      if (this.ready.length > 0) {
        const index = this.options.fifo === true ? 0 : Math.floor(this.random() * this.ready.length)
        const [task] = this.ready.splice(index, 1)
        task!()
      } else if (this.timers.length > 0) {
        let next = 0
        for (let index = 1; index < this.timers.length; index++) {
          if (this.timers[index]!.at < this.timers[next]!.at) next = index
        }
        const [timer] = this.timers.splice(next, 1)
        this.now = timer!.at
        timer!.fire()
      } else break
      this.inject()
    }
    // The root fiber was started outside of the count.
    return fiber.pollUnsafe()
  }

  /** Undefined when the run came to its end and nothing is left. */
  get left(): string | undefined {
    if (this.steps > limit) return "it never came to rest"
    if (this.timers.length > 0) return `${this.timers.length} timers are left`
    const { left } = this.leaks
    return left === undefined ? undefined : format(left)
  }
}

/** For every seed `scenario` says what is wrong, or undefined: undefined if nothing is, else the count and the first three. */
export const wrongSeeds = (count: number, scenario: (seed: number) => string | undefined): string | undefined => {
  const wrong: Array<string> = []
  for (let seed = 1; seed <= count; seed++) {
    const problem = scenario(seed)
    if (problem !== undefined) wrong.push(`seed ${seed}: ${problem}`)
  }
  return wrong.length === 0 ? undefined : `${wrong.length} of ${count} seeds failed; ${wrong.slice(0, 3).join("; ")}`
}
