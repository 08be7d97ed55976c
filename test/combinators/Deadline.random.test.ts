/**
 * The laws of deadlines (K33, K34) under a seeded scheduler: random nests of
 * deadlines that move, with shields, races, nurseries and native combinators
 * between them, random order of fibers, pauses at random operations, and a
 * cancel of the task, or a native interrupt of the caller, after a random step.
 */
import * as Cause from "effect/Cause"
import { Clock as ClockService } from "effect/Clock"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import { describe, expect, it } from "vitest"
import * as Deadline from "../../src/combinators/Deadline.ts"
import { DeadlineExceeded } from "../../src/combinators/DeadlineExceeded.ts"
import * as Race from "../../src/combinators/Race.ts"
import * as CancelReason from "../../src/fibers/CancelReason.ts"
import { CurrentNode } from "../../src/fibers/internal/currentNode.ts"
import type { TaskNode } from "../../src/fibers/internal/taskNode.ts"
import * as Nursery from "../../src/fibers/Nursery.ts"
import * as Shield from "../../src/fibers/Shield.ts"
import * as Task from "../../src/fibers/Task.ts"
import type { TaskOutcome } from "../../src/fibers/TaskOutcome.ts"
import { cutAtRandom, randomFrom, World, wrongSeeds } from "../support/sim.ts"

type Any = Effect.Effect<unknown, unknown, Scope.Scope>

const sources = ["request", "timeout", "lost-race", "sibling-failed", "body-failed", "scope-closed", "interrupt"]

class Ledger {
  readonly wrong: Array<string> = []
  /** Of each guard how often it began and ended. */
  private readonly counts = new Map<string, { begun: number; ended: number; released: number }>()
  private next = 0
  /** Nothing is given up on: whoever answers has waited, and whoever is told reads why. */
  readonly reads: boolean

  constructor(reads: boolean) {
    this.reads = reads
  }

  name(kind: string): string {
    return `${kind}${this.next++}`
  }

  guard(under: string, effect: Any, pause: number): Any {
    return Effect.suspend(() => {
      const name = this.name(`${under}/g`)
      const count = { begun: 0, ended: 0, released: 0 }
      const begun = Effect.suspend(() => {
        count.begun++
        this.counts.set(name, count)
        return effect
      })
      return Effect.onExit(begun, (exit) =>
        Effect.gen({ self: this }, function* () {
          if (count.begun === 0) return
          const told = yield* Effect.withFiber((fiber) => Effect.succeed(fiber.getRef(CurrentNode).interrupted))
          const reason = yield* CancelReason.current
          const interrupted = exit._tag === "Failure" && Cause.hasInterrupts(exit.cause)
          if (this.reads && interrupted && told && Option.isNone(reason)) this.wrong.push(`${name} read no reason`)
          if (Option.isSome(reason) && !sources.includes(reason.value.source))
            this.wrong.push(`${name} read ${reason.value.source}`)
          if (pause > 0) yield* Effect.sleep(pause)
          count.ended++
        })
      )
    })
  }

  resource(under: string, pause: number): Any {
    return Effect.acquireRelease(
      Effect.sync(() => {
        const count = { begun: 1, ended: 0, released: 0 }
        this.counts.set(this.name(`${under}/r`), count)
        return count
      }),
      (count) =>
        Effect.map(pause > 0 ? Effect.sleep(pause) : Effect.void, () => {
          count.ended++
        })
    )
  }

  /** Something below this deadline that has not ended. */
  open(under: string): string | undefined {
    for (const [name, { begun, ended }] of this.counts) if (name.startsWith(`${under}/`) && begun !== ended) return name
    return undefined
  }

  get problem(): string | undefined {
    for (const [name, { begun, ended }] of this.counts)
      if (begun !== 1 || ended !== 1) return `${name} began ${begun} times and ended ${ended} times`
    return this.wrong[0]
  }
}

const program = (random: () => number, ledger: Ledger, depth: number, under: string): Any => {
  const below = () => program(random, ledger, depth - 1, under)
  const time = Math.floor(random() * 12)
  const pause = random() < 0.6 ? 0 : 1 + Math.floor(random() * 5)
  const choice = depth === 0 ? Math.floor(random() * 6) : Math.floor(random() * 16)
  const guard = (effect: Any) => ledger.guard(under, effect, pause)
  switch (choice) {
    case 0:
    case 1:
      return guard(Effect.sleep(time))
    case 2:
      return guard(Effect.yieldNow)
    case 3:
      return guard(Effect.uninterruptible(Effect.sleep(time)))
    case 4:
      return guard(Effect.andThen(Effect.sleep(time), Effect.fail("no")))
    case 5:
      return Effect.andThen(ledger.resource(under, pause), guard(Effect.sleep(time)))
    case 6: {
      const children = [below(), below()]
      const body = below()
      return guard(
        Nursery.run("n", (nursery: Nursery.Nursery<unknown>) =>
          Effect.andThen(
            Effect.forEach(children, (child, index) => nursery.spawn(`c${index}`, child)),
            Effect.scoped(body)
          )
        )
      )
    }
    case 7:
      return guard(Race.firstSettled({ a: below(), b: below() }))
    case 8:
      return guard(Effect.all([below(), below()], { concurrency: "unbounded" }))
    case 9:
      return guard(Shield.run("s", below(), { budget: random() < 0.5 ? undefined : time }))
    case 10:
      return guard(Effect.onExit(below(), () => Effect.scoped(Effect.ignore(below()))))
    default:
      return bounded(random, ledger, depth - 1, under)
  }
}

/** A deadline whose answer must agree with when its body ended. */
const bounded = (random: () => number, ledger: Ledger, depth: number, above: string): Any => {
  const limit = Math.floor(random() * 14) - 1
  const grace = random() < 0.2 ? 1 + Math.floor(random() * 3) : 0
  const move = random() < 0.4 ? { after: Math.floor(random() * 8), by: Math.floor(random() * 10) } : undefined
  const under = `${above}/d${Math.floor(random() * 1e6)}`
  const work = program(random, ledger, depth, under)
  return Effect.suspend(() => {
    let at = 0
    let bodyEnded = NaN
    const name = ledger.name("d")
    const body = (deadline: Deadline.Deadline) =>
      Effect.onExit(
        Effect.andThen(
          move === undefined
            ? Effect.void
            : Effect.forkChild(
                Effect.andThen(
                  Effect.sleep(move.after),
                  Effect.map(deadline.extend(move.by), (moved) => {
                    if (moved) at += move.by
                  })
                ),
                { startImmediately: true }
              ),
          work
        ),
        () =>
          Effect.map(Clock.currentTimeMillis, (now) => {
            bodyEnded = now
          })
      )
    return Effect.andThen(
      Effect.map(Clock.currentTimeMillis, (now) => {
        at = now + Math.max(0, limit)
      }),
      Effect.flatMap(Effect.exit(Deadline.make(name, limit, body, grace === 0 ? {} : { grace })), (exit) =>
        Effect.andThen(
          Effect.map(Clock.currentTimeMillis, (now) => {
            const problem = judge(name, exit, { at, bodyEnded, grace, limit, now })
            if (problem !== undefined) ledger.wrong.push(`${name} ${problem}`)
            const left = ledger.reads && exit._tag === "Failure" ? ledger.open(under) : undefined
            if (left !== undefined) ledger.wrong.push(`${left} was open when ${name} failed (K34)`)
          }),
          exit
        )
      )
    )
  })
}

const judge = (
  name: string,
  exit: Exit.Exit<unknown, unknown>,
  seen: { at: number; bodyEnded: number; grace: number; limit: number; now: number }
): string | undefined => {
  const { at, bodyEnded, grace, now } = seen
  const own =
    exit._tag === "Failure" &&
    exit.cause.reasons.some(
      (reason) => Cause.isFailReason(reason) && reason.error instanceof DeadlineExceeded && reason.error.scope === name
    )
  if (own) return now < at ? `was exceeded at ${now}, before ${at}` : undefined
  // The clock of a body that ends at the instant is at it.
  if (exit._tag === "Success" && bodyEnded > at + grace) return `returned what ended at ${bodyEnded}, after ${at}`
  return undefined
}

const quietly = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.provideService(effect, Logger.CurrentLoggers, new Set())

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
    let outcome: TaskOutcome<unknown, unknown> | undefined
    let node: TaskNode | undefined
    const world: World = new World({
      seed: seed * 31 + 7,
      preempt: options.preempt,
      ...(at === undefined ? {} : { at: { step: at, run: () => cut?.() } })
    })
    const work = Effect.scoped(Effect.ignore(bounded(random, ledger, 3, "root")))
    const outer =
      options.by === "cancel"
        ? Effect.scoped(
            Effect.gen(function* () {
              const nursery = yield* Nursery.make<unknown>("top")
              const task = yield* nursery.spawn("task", work)
              node = task as never
              cut = () => {
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
            cut = () => fiber.interruptUnsafe()
            yield* Fiber.await(fiber)
          })
    const end = world.run(quietly(outer))
    const problem =
      world.left ??
      (end === undefined ? "stuck" : undefined) ??
      (end!._tag === "Failure" ? Cause.pretty(end!.cause) : undefined) ??
      ledger.problem ??
      (outcome?._tag === "Failed" ? `failed: ${Cause.pretty(outcome.cause)}` : undefined) ??
      (node?.interrupted === true && outcome?._tag !== "Cancelled"
        ? `${outcome?._tag} after an interrupt`
        : undefined) ??
      (outcome?._tag === "Cancelled" && at === undefined ? "cancelled by nobody" : undefined)
    return { problem, steps: world.steps }
  }
  return cutAtRandom(seed, run)
}

const seeds = Number(process.env["SEEDS"] ?? 300)

describe("Deadline, cancelled at random", () => {
  const cases: ReadonlyArray<readonly [string, Options]> = [
    ["a cancel", { by: "cancel", preempt: 0.05 }],
    ["a cancel, with pauses everywhere", { by: "cancel", preempt: 0.5 }],
    ["a cancel with grace", { by: "cancel", preempt: 0.05, grace: 5 }],
    ["a cancel that gives up", { by: "cancel", preempt: 0.05, giveUp: 4 }],
    ["a native interrupt", { by: "interrupt", preempt: 0.05 }]
  ]
  it.each(cases)(
    "%s at any step: no deadline speaks early, none answers before its work has ended, no timer is left (K33, K34 †, K45)",
    (_, options) => {
      expect(wrongSeeds(seeds, (seed) => scenario(seed, options)) ?? "no seed failed").toBe("no seed failed")
    },
    60_000
  )
})
