/**
 * Holds a program at a point. The program calls `arrive` and waits there; the test waits with `reached` until somebody
 * is there, does what it is about (cancels, moves the clock, looks), and calls `open`. No pause that should be long
 * enough, and the same in virtual time, on the test clock and in real time. Waiting at a gate can be interrupted like
 * any wait. A gate that is still closed in the end, with somebody before it, is named by the checkers and `Leaks`.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import { wholeNumber } from "./internal/options.ts"
import * as Leaks from "./Leaks.ts"
import * as Ledger from "./Ledger.ts"

/**
 * @category models
 * @since 0.1.0
 */
export interface Gate {
  readonly name: string
  /** How many wait before it now. */
  readonly waiting: number
  /** How often anybody came, whether it was held or not. */
  readonly arrivals: number
  readonly isOpen: boolean
  /** In the program: waits here until the gate is opened; passes at once if it is. */
  readonly arrive: Effect.Effect<void>
  /** In the test: waits until somebody is there. At an open gate nobody ever waits. */
  readonly reached: Effect.Effect<void>
  /** Waits until so many are there at once. */
  readonly reachedBy: (count: number) => Effect.Effect<void>
  /** Lets everybody pass, now and from now on. */
  readonly open: Effect.Effect<void>
  /** Lets those pass who have waited longest, one or `count`, and stays closed; says how many passed. */
  readonly letPass: (count?: number) => Effect.Effect<number>
  /** Holds whoever comes from now on. */
  readonly close: Effect.Effect<void>
}

/**
 * A closed gate. Make it in the program where a checker runs the program many times, so that each run has its own.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (name: string): Effect.Effect<Gate> => Effect.sync(() => makeUnsafe(name))

/**
 * The same outside of Effect, for a test that is one run.
 *
 * @category constructors
 * @since 0.1.0
 */
export const makeUnsafe = (name: string): Gate => new HoldingGate(name)

interface Watcher {
  readonly count: number
  readonly resume: () => void
}

class HoldingGate implements Gate {
  readonly name: string
  isOpen = false
  arrivals = 0
  private readonly held = new Set<() => void>()
  private readonly watchers = new Set<Watcher>()

  constructor(name: string) {
    this.name = name
  }

  get waiting(): number {
    return this.held.size
  }

  readonly arrive: Effect.Effect<void> = Effect.withFiber((fiber) => {
    this.arrivals++
    noted(fiber, `arrived at gate "${this.name}"`)
    if (this.isOpen) return Effect.void
    fiber.getRef(Ledger.Current)?.gates.add(this)
    fiber.getRef(Leaks.Current)?.gates.add(this)
    return Effect.callback<void>((resume) => {
      const pass = () => resume(Effect.void)
      this.held.add(pass)
      this.announce()
      return Effect.sync(() => void this.held.delete(pass))
    })
  })

  readonly reachedBy = (count: number): Effect.Effect<void> => {
    wholeNumber("count", count)
    return Effect.callback<void>((resume) => {
      if (this.waiting >= count) return resume(Effect.void)
      const watcher = { count, resume: () => resume(Effect.void) }
      this.watchers.add(watcher)
      return Effect.sync(() => void this.watchers.delete(watcher))
    })
  }

  readonly reached: Effect.Effect<void> = this.reachedBy(1)

  readonly open: Effect.Effect<void> = Effect.withFiber((fiber) => {
    this.isOpen = true
    noted(fiber, `opened gate "${this.name}"`)
    this.pass(this.waiting)
    return Effect.void
  })

  readonly letPass = (count = 1): Effect.Effect<number> => {
    wholeNumber("count", count)
    return Effect.withFiber((fiber) => {
      noted(fiber, `let ${count} pass gate "${this.name}"`)
      return Effect.succeed(this.pass(count))
    })
  }

  readonly close: Effect.Effect<void> = Effect.sync(() => {
    this.isOpen = false
  })

  /** Whoever passes may come back at once: the rest are taken out first. */
  private pass(count: number): number {
    const passing = Array.from(this.held).slice(0, count)
    for (const pass of passing) this.held.delete(pass)
    for (const pass of passing) pass()
    return passing.length
  }

  private announce(): void {
    for (const watcher of Array.from(this.watchers)) {
      if (this.waiting < watcher.count) continue
      this.watchers.delete(watcher)
      watcher.resume()
    }
  }
}

const noted = (fiber: Fiber.Fiber<unknown, unknown>, text: string): void => fiber.getRef(Ledger.Current)?.note(text)
