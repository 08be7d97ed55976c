/**
 * The checkers of `rescind/testing` on a program of some 30 operations: a run with a cancel at each point, and runs with
 * random interleavings. Effect's contestant is what one writes by hand: the same program on the smallest scheduler that
 * can count operations, pause and interrupt, with a virtual clock, without a tree, a ledger or any check. The target in
 * the issue is absolute: a cancel point in at most 33 µs, an interleaving in at most 100 µs.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type { Scheduler, SchedulerDispatcher } from "effect/Scheduler"
import type { Scope } from "effect/Scope"
import { CancelEverywhere, Explore } from "../../src/testing/index.ts"
import type { Probe } from "../Probe.ts"
import type { Round, Workload } from "../Workload.ts"

/** `closed` counts the releases. */
class Ledger {
  opened = 0
  closed = 0

  readonly program: Effect.Effect<void, never, Scope> = Effect.gen({ self: this }, function* () {
    yield* Effect.acquireRelease(
      Effect.sync(() => this.opened++),
      () => Effect.sync(() => this.closed++)
    )
    yield* Effect.race(Effect.sleep(5), Effect.sleep(3))
    yield* Effect.yieldNow
    yield* Effect.sleep(1)
  })

  /** Everything that was opened was closed, in at least so many runs. */
  verify(probe: Probe, pass: number, least: number): void {
    if (this.opened === this.closed && this.closed >= least) probe.finalized(pass)
  }
}

const { points, runs } = CancelEverywhere.run(new Ledger().program)
const passes = 40
const interleavings = 2_000

const everywhere: Round = (n, probe) => {
  for (let pass = 0; pass < n; pass++) {
    const ledger = new Ledger()
    CancelEverywhere.check(ledger.program)
    ledger.verify(probe, pass, runs / 2)
  }
  return Promise.resolve()
}

const explore: Round = (n, probe) => {
  const ledger = new Ledger()
  Explore.check(ledger.program, { runs: n, strategies: [{ _tag: "random" }] })
  ledger.verify(probe, 0, n)
  return Promise.resolve()
}

/** The smallest thing that steps. */
class ByHand implements Scheduler {
  readonly executionMode = "async" as const
  steps = 0
  now = 0
  readonly ready: Array<() => void> = []
  private timers: Array<{ readonly at: number; readonly fire: () => void }> = []
  private readonly pausing = new Map<object, number>()
  private readonly pauses: (steps: number) => boolean
  private readonly pick: (length: number) => number

  constructor(pauses: (steps: number) => boolean, pick: (length: number) => number) {
    this.pauses = pauses
    this.pick = pick
  }

  shouldYield(fiber: Fiber.Fiber<unknown, unknown>): boolean {
    const calm = this.pausing.get(fiber) ?? 0
    if (calm > 0) {
      this.pausing.set(fiber, calm - 1)
      return false
    }
    const pauses = this.pauses(++this.steps)
    if (pauses) this.pausing.set(fiber, 2)
    return pauses
  }

  makeDispatcher(): SchedulerDispatcher {
    return { scheduleTask: (task) => this.ready.push(task), flush: () => {} }
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
        const timer = { at: this.now + Number(duration.valueOf()), fire: () => resume(Effect.void) }
        this.timers.push(timer)
        return Effect.sync(() => {
          this.timers = this.timers.filter((other) => other !== timer)
        })
      })
  }

  run(effect: Effect.Effect<void>, interruptAt: number): void {
    const fiber = Effect.runFork(Effect.provideService(effect, Clock.Clock, this.clock), { scheduler: this })
    let interrupted = false
    while (true) {
      if (!interrupted && this.steps >= interruptAt) {
        interrupted = true
        fiber.interruptUnsafe()
      }
      if (this.ready.length > 0) {
        const [task] = this.ready.splice(this.pick(this.ready.length), 1)
        task!()
      } else if (this.timers.length > 0) {
        const timer = this.timers.reduce((a, b) => (b.at < a.at ? b : a))
        this.timers = this.timers.filter((other) => other !== timer)
        this.now = timer.at
        timer.fire()
      } else return
    }
  }
}

const everywhereByHand: Round = (n, probe) => {
  const first = () => 0
  for (let pass = 0; pass < n; pass++) {
    const ledger = new Ledger()
    for (let run = 0; run < runs; run++) {
      const at = 1 + (run % points)
      new ByHand((steps) => steps === at, first).run(Effect.scoped(ledger.program), at)
    }
    ledger.verify(probe, pass, runs / 2)
  }
  return Promise.resolve()
}

const exploreByHand: Round = (n, probe) => {
  const ledger = new Ledger()
  const pauses = () => Math.random() < 0.3
  const pick = (length: number) => Math.floor(Math.random() * length)
  for (let run = 0; run < n; run++) new ByHand(pauses, pick).run(Effect.scoped(ledger.program), Infinity)
  ledger.verify(probe, 0, n)
  return Promise.resolve()
}

const absent: Round = () => Promise.reject(new Error("It does not take part"))
const only = ["rescind", "effect"] as const

export const cancelPoints: Workload = {
  name: "checkers",
  summary: "40 passes of a cancel at each point of a program with some 30 operations",
  measures: "wall",
  rounds: 15,
  cases: [
    {
      label: "checkers-cancel",
      n: passes,
      finalizers: passes,
      operations: passes * runs,
      targets: {},
      only
    }
  ],
  contestants: { rescind: everywhere, effect: everywhereByHand, promise: absent, effection: absent }
}

export const interleaved: Workload = {
  name: "checkers",
  summary: "2,000 random interleavings of the same program",
  measures: "wall",
  rounds: 15,
  cases: [
    {
      label: "checkers-explore",
      n: interleavings,
      finalizers: 1,
      operations: interleavings,
      targets: {},
      only
    }
  ],
  contestants: { rescind: explore, effect: exploreByHand, promise: absent, effection: absent }
}
