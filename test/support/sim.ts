/**
 * The kit's deterministic world for random cancellation tests that are made from a seed by hand: the seed decides which
 * ready fiber runs next and where a fiber pauses; `at` runs a job at a point, between two operations of whatever fiber
 * was running. What a subject of `test/proof` can say, it says there.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import type { Scheduler, SchedulerDispatcher } from "effect/Scheduler"
import { format } from "../../src/testing/Leaks.ts"
import { randomFrom } from "../../src/testing/internal/random.ts"
import * as kit from "../../src/testing/internal/world.ts"
import { Leaks, waitsLeft } from "./leaks.ts"

export { randomFrom }

const limit = 50_000

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
  readonly leaks: Leaks
  private readonly world: kit.World

  constructor({ at, fifo, preempt = 0, seed }: WorldOptions) {
    const random = randomFrom(seed)
    this.world = new kit.World(
      {
        pause: preempt > 0 ? () => random() < preempt : undefined,
        pick: fifo === true ? undefined : (ready) => Math.floor(random() * ready.length)
      },
      limit
    )
    if (at !== undefined) this.world.at(at.step, at.run)
    this.leaks = new Leaks(this.clock)
  }

  shouldYield(fiber: Fiber.Fiber<unknown, unknown>): boolean {
    return this.world.shouldYield(fiber)
  }

  makeDispatcher(): SchedulerDispatcher {
    return this.world.makeDispatcher()
  }

  get clock(): Clock.Clock {
    return this.world.clock
  }

  get now(): number {
    return this.world.now
  }

  /** Places for `at` so far. */
  get steps(): number {
    return this.world.points
  }

  /** Runs until nothing can happen any more. */
  run<A, E>(effect: Effect.Effect<A, E>): Exit.Exit<A, E> | undefined {
    const fiber = Effect.runFork(this.leaks.within(Effect.provideService(effect, Clock.Clock, this.clock)), {
      scheduler: this.world
    })
    this.world.run(() => false)
    // The root fiber was started outside of the count.
    return fiber.pollUnsafe()
  }

  /** Undefined when the run came to its end and nothing is left. */
  get left(): string | undefined {
    if (this.world.overrun) return "it never came to rest"
    const { left } = this.leaks
    return left === undefined ? waitsLeft(this.leaks.root) : format(left)
  }
}

/** A run that nothing cuts, and three that are cut at a random one of its steps: the first problem, or undefined. */
export const cutAtRandom = (
  seed: number,
  run: (at: number | undefined) => { readonly problem: string | undefined; readonly steps: number }
): string | undefined => {
  const calm = run(undefined)
  if (calm.problem !== undefined) return `without a cut: ${calm.problem}`
  for (let cut = 0; cut < 3; cut++) {
    const at = 1 + Math.floor(randomFrom(seed + 99 + cut * 1000)() * calm.steps)
    const { problem } = run(at)
    if (problem !== undefined) return `step ${at} of ${calm.steps}: ${problem}`
  }
  return undefined
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
