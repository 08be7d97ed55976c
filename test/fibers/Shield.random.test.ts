/**
 * The laws of shields (K39) under a seeded scheduler: random programs with
 * shields, budgets, deadlines and native combinators, random order of fibers,
 * pauses at random operations, and a cancel of the task, or a native interrupt,
 * after a random step.
 */
import * as Cause from "effect/Cause"
import { Clock as ClockService } from "effect/Clock"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import { describe, expect, it } from "vitest"
import * as Deadline from "../../src/combinators/Deadline.ts"
import * as CancelReason from "../../src/fibers/CancelReason.ts"
import type { TaskNode } from "../../src/fibers/internal/taskNode.ts"
import * as Nursery from "../../src/fibers/Nursery.ts"
import * as Shield from "../../src/fibers/Shield.ts"
import * as Task from "../../src/fibers/Task.ts"
import { salvagedIn, type TaskOutcome } from "../../src/fibers/TaskOutcome.ts"
import { cutAtRandom, randomFrom, World, wrongSeeds } from "../support/sim.ts"

/** What stands around a piece of work. */
interface Around {
  /** The shield that holds off everything from outside. */
  readonly shield: { readonly budget: number | undefined; openedAt: number } | undefined
  /** Something inside that shield (outside: inside the task) may stop it for reasons of its own. */
  readonly structural: boolean
  /** A deadline stands between it and the shield. */
  readonly timed: boolean
  /** What is outside the shield may have been stopped before the cut. */
  readonly stoppedOutside: boolean
  /** What is salvaged stands on the outcome of a child, or a budget may strike between the value and whoever gets it. */
  readonly elsewhere: boolean
}

type Any = Effect.Effect<unknown, never, Scope.Scope>

class Ledger {
  readonly wrong: Array<string> = []
  cutAt: number | undefined
  private readonly ended = new Map<string, number>()
  /** Shields whose work goes on. */
  readonly open = new Set<string>()
  readonly openAtCut = new Set<string>()
  /** By name: when its work succeeded. */
  readonly succeeded = new Map<string, number>()
  readonly returned = new Set<string>()
  private next = 0
  /** Whoever is given up on reads nothing any more. */
  private readonly reads: boolean

  constructor(reads: boolean) {
    this.reads = reads
  }

  name(kind: string): string {
    return `${kind}${this.next++}`
  }

  guard(effect: Any, around: Around, pause: number): Any {
    return Effect.suspend(() => {
      const name = this.name("g")
      const begun = Effect.suspend(() => {
        this.ended.set(name, 0)
        return effect
      })
      return Effect.onExit(begun, (exit) =>
        Effect.gen({ self: this }, function* () {
          if (!this.ended.has(name)) return
          this.ended.set(name, this.ended.get(name)! + 1)
          yield* this.judge(name, around, exit)
          if (pause > 0) yield* Effect.sleep(pause)
        })
      )
    })
  }

  private judge(name: string, around: Around, exit: Exit.Exit<unknown, never>): Effect.Effect<void> {
    const { shield } = around
    return Effect.gen({ self: this }, function* () {
      const reason = yield* CancelReason.current
      const requested = yield* Task.requested
      const deadline = yield* Deadline.current
      const now = yield* Clock.currentTimeMillis
      const interrupted = exit._tag === "Failure" && Cause.hasInterrupts(exit.cause)
      if (this.reads && interrupted && !around.structural && Option.isNone(reason))
        this.wrong.push(`${name} read no reason`)
      if (shield === undefined || around.structural) return
      if (shield.budget === undefined) {
        if (interrupted) this.wrong.push(`${name} was interrupted through its shield`)
        if (Option.isSome(reason) || Option.isSome(requested)) this.wrong.push(`${name} saw through its shield`)
        if (!around.timed && Option.isSome(deadline)) this.wrong.push(`${name} saw a deadline through its shield`)
      } else if (interrupted && !around.stoppedOutside) {
        if (this.cutAt === undefined) this.wrong.push(`${name} was cut by nobody`)
        else if (now < Math.max(this.cutAt, shield.openedAt) + shield.budget)
          this.wrong.push(`${name} was cut at ${now}, with a budget of ${shield.budget} from ${this.cutAt}`)
      }
    })
  }

  get problem(): string | undefined {
    for (const [name, times] of this.ended) if (times !== 1) return `${name} ended ${times} times`
    return this.wrong[0]
  }
}

const program = (random: () => number, ledger: Ledger, depth: number, around: Around): Any => {
  const below = (inside: Partial<Around> = {}) => program(random, ledger, depth - 1, { ...around, ...inside })
  const time = Math.floor(random() * 12)
  const pause = random() < 0.6 ? 0 : 1 + Math.floor(random() * 5)
  const choice = depth === 0 ? Math.floor(random() * 4) : Math.floor(random() * 14)
  const guard = (effect: Any) => ledger.guard(effect, around, pause)
  switch (choice) {
    case 0:
    case 1:
      return guard(Effect.sleep(time))
    case 2:
      return guard(Effect.yieldNow)
    case 3:
      return guard(Effect.uninterruptible(Effect.sleep(time)))
    case 4: {
      const children = [below({ elsewhere: true }), below({ elsewhere: true })]
      const body = below()
      return guard(
        Nursery.run("n", (nursery: Nursery.Nursery) =>
          Effect.andThen(
            Effect.forEach(children, (child, index) => nursery.spawn(`c${index}`, child)),
            body
          )
        ).pipe(Effect.orDie)
      )
    }
    case 5: {
      const inside = { structural: true, stoppedOutside: true }
      return guard(Effect.race(below(inside), below(inside)))
    }
    case 6:
      return guard(Effect.all([below(), below()], { concurrency: "unbounded" }))
    case 7:
      return guard(
        Deadline.option(below({ structural: true, timed: true, stoppedOutside: true }), time, {
          grace: random() < 0.3 ? 3 : undefined
        })
      )
    case 8:
      return guard(Effect.onExit(below(), () => Effect.scoped(shielded(random, ledger, depth - 1, around))))
    default:
      return guard(shielded(random, ledger, depth - 1, around))
  }
}

const shielded = (random: () => number, ledger: Ledger, depth: number, around: Around): Any => {
  const budget = random() < 0.5 ? undefined : Math.floor(random() * 10)
  const held = { budget, openedAt: 0 }
  const work = program(random, ledger, depth, {
    shield: held,
    structural: false,
    timed: false,
    // An outer shield's budget ends when it will.
    stoppedOutside: around.stoppedOutside || around.shield !== undefined,
    elsewhere: around.elsewhere || budget !== undefined
  })
  return Effect.suspend(() => {
    const name = ledger.name("s")
    return Effect.map(
      Shield.run(
        name,
        Effect.onExit(
          Effect.andThen(
            Effect.map(Clock.currentTimeMillis, (now) => {
              held.openedAt = now
              ledger.open.add(name)
            }),
            Effect.as(work, name)
          ),
          (exit) =>
            Effect.map(Clock.currentTimeMillis, (now) => {
              ledger.open.delete(name)
              // One that its budget stops after its last step is lost as any value of Effect is.
              if (exit._tag === "Success" && budget === undefined && !around.elsewhere) ledger.succeeded.set(name, now)
            })
        ),
        { budget }
      ),
      () => {
        ledger.returned.add(name)
      }
    )
  })
}

interface Options {
  readonly preempt: number
  readonly grace?: number
  readonly giveUp?: number
  readonly by: "cancel" | "interrupt"
}

const scenario = (seed: number, options: Options) => {
  const run = (at: number | undefined) => {
    const random = randomFrom(seed)
    const ledger = new Ledger(options.giveUp === undefined)
    let cut: (() => void) | undefined
    let outcome: TaskOutcome<unknown> | undefined
    let node: TaskNode | undefined
    const world: World = new World({
      seed: seed * 31 + 7,
      preempt: options.preempt,
      ...(at === undefined ? {} : { at: { step: at, run: () => cut?.() } })
    })
    const work = Effect.scoped(
      program(random, ledger, 3, {
        shield: undefined,
        structural: options.by === "interrupt",
        timed: false,
        stoppedOutside: options.by === "interrupt",
        elsewhere: false
      })
    )
    const noted = () => {
      if (ledger.cutAt !== undefined) return
      ledger.cutAt = world.now
      for (const name of ledger.open) ledger.openAtCut.add(name)
    }
    const outer =
      options.by === "cancel"
        ? Effect.scoped(
            Effect.gen(function* () {
              const nursery = yield* Nursery.make<unknown>("top")
              const task = yield* nursery.spawn("task", work)
              node = task as never
              cut = () => {
                noted()
                const { giveUp, grace } = options
                const ask = (by: string) =>
                  world.leaks
                    .within(Task.cancel(task, { reason: CancelReason.request({ by }), grace, giveUp }))
                    .pipe(Effect.provideService(ClockService, world.clock))
                Effect.runFork(ask("ann"))
                Effect.runFork(ask("bob"), { scheduler: world })
              }
              outcome = yield* Task.await(task)
            })
          )
        : Effect.gen(function* () {
            const fiber = yield* Effect.forkChild(work)
            cut = () => {
              noted()
              fiber.interruptUnsafe()
            }
            yield* Fiber.await(fiber)
          })
    const end = world.run(outer)
    const salvaged = new Set(outcome?.salvaged.map(({ scope }) => scope))
    // Given up, the outcome was told before the work had ended.
    const lost = [...ledger.openAtCut].filter(
      (name) =>
        outcome !== undefined &&
        options.giveUp === undefined &&
        // A value that came in the grace was returned: what became of it then is Effect's.
        ledger.succeeded.get(name)! >= ledger.cutAt! + (options.grace ?? 0) + (options.grace === undefined ? 0 : 1) &&
        !ledger.returned.has(name) &&
        !salvaged.has(name)
    )
    const problem =
      world.left ??
      (end === undefined ? "stuck" : undefined) ??
      (end!._tag === "Failure" ? Cause.pretty(end!.cause) : undefined) ??
      ledger.problem ??
      (outcome?._tag === "Failed" ? `failed: ${Cause.pretty(outcome.cause)}` : undefined) ??
      (node?.interrupted === true && outcome?._tag !== "Cancelled"
        ? `${outcome?._tag} after an interrupt`
        : undefined) ??
      (outcome?._tag === "Cancelled" && at === undefined ? "cancelled by nobody" : undefined) ??
      (lost.length > 0 ? `the values of ${lost.join()} were lost` : undefined) ??
      (salvaged.size < (outcome?.salvaged.length ?? 0) ? "salvaged twice" : undefined)
    return { problem, steps: world.steps }
  }
  return cutAtRandom(seed, run)
}

const seeds = Number(process.env["SEEDS"] ?? 300)

describe("Shield, cancelled at random", () => {
  const cases: ReadonlyArray<readonly [string, Options]> = [
    ["a cancel", { by: "cancel", preempt: 0.05 }],
    ["a cancel, with pauses everywhere", { by: "cancel", preempt: 0.5 }],
    ["a cancel with grace", { by: "cancel", preempt: 0.05, grace: 5 }],
    ["a cancel that gives up", { by: "cancel", preempt: 0.05, giveUp: 4 }],
    ["a native interrupt", { by: "interrupt", preempt: 0.05 }]
  ]
  it.each(cases)(
    "%s at any step: shields hold, budgets end, nothing is left or lost (K39 †, K26, K45)",
    (_, options) => {
      expect(wrongSeeds(seeds, (seed) => scenario(seed, options)) ?? "no seed failed").toBe("no seed failed")
    },
    60_000
  )

  it("a shield that is interrupted natively at any step: its work ends, its value is kept (K39, K26)", () => {
    const wrong = wrongSeeds(60, (step) => {
      let cut: (() => void) | undefined
      let state = "new"
      let atCut = "new"
      let returned = false
      const world: World = new World({ seed: step, fifo: true, at: { step, run: () => cut?.() } })
      let exit: Exit.Exit<unknown, unknown> | undefined
      world.run(
        Effect.gen(function* () {
          const fiber = yield* Effect.forkChild(
            Effect.map(
              Shield.run(
                "save",
                Effect.gen(function* () {
                  state = "open"
                  yield* Effect.sleep(5)
                  yield* Effect.yieldNow
                  state = "done"
                  return "saved"
                })
              ),
              () => {
                returned = true
              }
            )
          )
          cut = () => {
            atCut = state
            fiber.interruptUnsafe()
          }
          exit = yield* Fiber.await(fiber)
        })
      )
      if (world.left !== undefined) return world.left
      if (state === "open") return "the work did not end"
      if (atCut !== "open" || returned) return undefined
      const kept = exit?._tag === "Failure" ? salvagedIn(exit.cause) : []
      return kept.length === 1 && kept[0]!.value === "saved" ? undefined : "the value was lost"
    })
    expect(wrong ?? "no seed failed").toBe("no seed failed")
  })
})
