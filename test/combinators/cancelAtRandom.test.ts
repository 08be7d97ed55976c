/**
 * The laws marked † for races and joins, under a seeded scheduler: random
 * members, random order of fibers, pauses at random operations, and a cancel of
 * the enclosing task, or a native interrupt of the caller, after a random step.
 */
import * as Cause from "effect/Cause"
import { Clock as ClockService } from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import { describe, expect, it } from "vitest"
import * as Join from "../../src/combinators/Join.ts"
import type { Loser } from "../../src/combinators/Loser.ts"
import * as Race from "../../src/combinators/Race.ts"
import type { RaceFailed } from "../../src/combinators/RaceFailed.ts"
import * as CancelReason from "../../src/fibers/CancelReason.ts"
import { salvagedIn } from "../../src/fibers/TaskOutcome.ts"
import type { TaskNode } from "../../src/fibers/internal/taskNode.ts"
import * as Nursery from "../../src/fibers/Nursery.ts"
import * as Task from "../../src/fibers/Task.ts"
import type { Salvaged, TaskOutcome } from "../../src/fibers/TaskOutcome.ts"
import { cutAtRandom, randomFrom, World, wrongSeeds } from "../support/sim.ts"
import { causeOf, failing } from "./telling.ts"

type Kind = "firstSuccess" | "firstSettled" | "all" | "settled" | "within"
type Any = Effect.Effect<unknown, unknown, Scope.Scope>
type Entries = Record<string, Any>

const sources = ["request", "lost-race", "sibling-failed", "timeout", "interrupt"]

/** One member: what it did, and what it read when it ended. */
interface Seen {
  ended: number
  exit: Exit.Exit<unknown, unknown> | undefined
  reason: CancelReason.CancelReason | undefined
}

class Ledger {
  readonly members = new Map<string, Seen>()
  readonly wrong: Array<string> = []
  private readonly resources: Array<{ readonly owner: string; released: number }> = []
  /** Whoever is given up on reads nothing any more. */
  private readonly reads: boolean

  constructor(reads: boolean) {
    this.reads = reads
  }

  /** `structural`: it may be interrupted for no reason of ours. */
  guard<A, E, R>(name: string, effect: Effect.Effect<A, E, R>, pause: number, structural: boolean) {
    return Effect.suspend(() => {
      const seen: Seen = { ended: 0, exit: undefined, reason: undefined }
      return Effect.onExit(
        Effect.suspend(() => {
          if (this.members.has(name)) this.wrong.push(`${name} started twice`)
          this.members.set(name, seen)
          return effect
        }),
        (exit) =>
          Effect.gen({ self: this }, function* () {
            if (this.members.get(name) !== seen) return
            seen.ended++
            const reason = Option.getOrUndefined(yield* CancelReason.current)
            const interrupted = exit._tag === "Failure" && Cause.hasInterrupts(exit.cause)
            if (this.reads && interrupted && !structural && reason === undefined)
              this.wrong.push(`${name} read no reason`)
            if (reason !== undefined && !sources.includes(reason.source))
              this.wrong.push(`${name} read ${reason.source}`)
            if (pause > 0) yield* Effect.sleep(pause)
            if (this.reads && reason !== undefined && reason !== Option.getOrUndefined(yield* CancelReason.current))
              this.wrong.push(`${name} read two reasons`)
            seen.exit = exit
            // Told in its clean-up: Effect drops the value.
            seen.reason = reason ?? Option.getOrUndefined(yield* CancelReason.current)
          })
      )
    })
  }

  resource(owner: string, pause: number): Effect.Effect<void, never, Scope.Scope> {
    return Effect.asVoid(
      Effect.acquireRelease(
        Effect.sync(() => {
          const resource = { owner, released: 0 }
          this.resources.push(resource)
          return resource
        }),
        (resource) =>
          Effect.andThen(
            pause > 0 ? Effect.sleep(pause) : Effect.void,
            Effect.sync(() => {
              resource.released++
            })
          )
      )
    )
  }

  releasedOf(owner: string): ReadonlyArray<number> {
    return this.resources.filter((resource) => resource.owner === owner).map(({ released }) => released)
  }

  get problem(): string | undefined {
    for (const [name, { ended }] of this.members) if (ended !== 1) return `${name} ended ${ended} times`
    for (const { owner, released } of this.resources)
      if (released !== 1) return `a resource of ${owner} was released ${released} times`
    return this.wrong[0]
  }
}

const entriesOf = (random: () => number, ledger: Ledger, depth: number, prefix: string, structural: boolean): Entries =>
  Object.fromEntries(
    Array.from({ length: 1 + Math.floor(random() * 4) }, (_, index) => {
      const name = `${prefix}${index}`
      return [name, member(random, ledger, depth, name, structural)]
    })
  )

const member = (random: () => number, ledger: Ledger, depth: number, name: string, structural: boolean): Any => {
  const pause = random() < 0.5 ? 0 : 1 + Math.floor(random() * 6)
  const time = Math.floor(random() * 12)
  const choice = Math.floor(random() * (depth === 0 ? 12 : 18))
  const guard = (effect: Any, own = structural) => ledger.guard(name, Effect.as(effect, name), pause, own)
  switch (choice) {
    case 0:
    case 1:
      return guard(Effect.sleep(time))
    case 2:
      return guard(Effect.andThen(Effect.sleep(time), Effect.fail(name)))
    case 3:
      return guard(Effect.andThen(Effect.yieldNow, Effect.die(name)))
    case 4:
      return guard(Effect.andThen(Effect.sleep(time), Effect.interrupt), true)
    case 5:
      // Longer than everything else, so that a run without a cancel ends too.
      return guard(Effect.sleep(100))
    case 6:
      return guard(Effect.uninterruptible(Effect.sleep(time)))
    case 7:
      return guard(Effect.void)
    case 8:
      return Effect.andThen(ledger.resource(name, pause), guard(Effect.sleep(time)))
    case 9:
      return Effect.andThen(ledger.resource(name, pause), guard(Effect.andThen(Effect.sleep(time), Effect.fail(name))))
    case 10:
      return Effect.andThen(ledger.resource(name, pause), guard(Effect.void))
    case 11:
      return Effect.andThen(
        Effect.addFinalizer(() => Effect.die(`dirty ${name}`)),
        guard(Effect.sleep(time))
      )
    default: {
      const kinds: ReadonlyArray<Kind> = ["firstSuccess", "firstSettled", "all", "settled", "within"]
      const kind = kinds[Math.floor(random() * kinds.length)]!
      const wrap = Math.floor(random() * 6)
      const native = structural || wrap < 3
      const entries = entriesOf(random, ledger, depth - 1, `${name}.`, native)
      const inner = combined(kind, entries, `${kind} ${name}`, random)
      switch (wrap) {
        case 0:
          return guard(Effect.timeout(inner, 8))
        case 1:
          return guard(Effect.race(inner, Effect.sleep(6)))
        case 2:
          return guard(Effect.all([inner, Effect.sleep(4)], { concurrency: "unbounded" }))
        case 3:
          return guard(Effect.uninterruptible(Effect.interruptible(inner)))
        default:
          return guard(inner)
      }
    }
  }
}

const combined = (kind: Kind, entries: Entries, name: string, random: () => number, giveUp?: number): Any => {
  const options = { name, giveUp, grace: random() < 0.2 ? 3 : undefined }
  switch (kind) {
    case "firstSuccess":
      return Race.firstSuccess(entries, options)
    case "firstSettled":
      return Race.firstSettled(entries, options)
    case "all":
      return Join.all(entries, options)
    case "settled":
      return Join.settled(entries, options)
    case "within":
      return Join.within(entries, Math.floor(random() * 14), options)
  }
}

/** What a report says of a member must be what the member saw. */
const contradiction = (name: string, told: string, seen: Seen | undefined): string | undefined => {
  const exit = seen?.exit
  const did =
    seen === undefined
      ? "nothing"
      : exit === undefined
        ? "not ended"
        : exit._tag === "Success"
          ? "succeeded"
          : Cause.hasInterruptsOnly(exit.cause)
            ? "interrupted"
            : "failed"
  const possible: Record<string, ReadonlyArray<string>> = {
    NotStarted: ["nothing"],
    won: ["succeeded"],
    Completed: ["succeeded"],
    FinishedLate: ["succeeded"],
    Failed: ["failed"],
    // One that failed while it was being told to stop.
    Cancelled: ["interrupted", "failed", "nothing", "succeeded"]
  }
  return possible[told]!.includes(did) ? undefined : `${name} is ${told} but has ${did}`
}

/** Undefined if the result of the combinator agrees with what its members did. */
const disagreement = (kind: Kind, exit: Exit.Exit<any, any>, names: ReadonlyArray<string>, ledger: Ledger) => {
  const check = (name: string, told: string) => contradiction(name, told, ledger.members.get(name))
  for (const name of names) {
    const seen = ledger.members.get(name)
    if (seen !== undefined && seen.exit === undefined) return `${name} had not ended when the ${kind} returned (K1)`
  }
  if (exit._tag === "Failure") {
    if (kind === "settled" || kind === "within") return `a ${kind} failed`
    if (kind === "all")
      return names.some((name) => ledger.members.get(name)?.exit?._tag === "Failure")
        ? undefined
        : "all failed for nobody"
    const error = Option.getOrUndefined(Cause.findErrorOption(exit.cause)) as RaceFailed<unknown> | undefined
    if (error === undefined) return `a ${kind} ended as ${Cause.pretty(exit.cause)}`
    if (kind === "firstSettled") return "firstSettled failed"
    if (error.failures.map((failure) => failure.member).join() !== names.join()) return "RaceFailed is not complete"
    return names.find((name) => ledger.members.get(name)?.exit?._tag === "Success") === undefined
      ? undefined
      : "RaceFailed although a member succeeded"
  }
  const { value } = exit
  switch (kind) {
    case "firstSuccess":
    case "firstSettled": {
      const losers = value.losers as Record<string, Loser<unknown, unknown>>
      const others = names.filter((name) => name !== value.winner)
      if (Object.keys(losers).join() !== others.join()) return `the losers are ${Object.keys(losers).join()}`
      if (kind === "firstSuccess" && value.value !== value.winner) return `${value.winner} won with ${value.value}`
      const winners = ledger.releasedOf(value.winner)
      const success = kind === "firstSuccess" || value.outcome._tag === "Completed"
      if (success && winners.some((released) => released > 0))
        return "the winner's scope closed before the race returned"
      if (others.some((name) => ledger.releasedOf(name).some((released) => released !== 1)))
        return "a loser's scope was open when the race returned"
      return (
        check(value.winner, kind === "firstSuccess" ? "won" : value.outcome._tag) ??
        others.map((name) => check(name, losers[name]!._tag)).find((problem) => problem !== undefined)
      )
    }
    case "all":
      if (names.some((name) => value[name] !== name)) return "all is not complete"
      return names.map((name) => check(name, "Completed")).find((problem) => problem !== undefined)
    case "settled":
      return names.map((name) => check(name, value[name]._tag)).find((problem) => problem !== undefined)
    case "within": {
      for (const name of names) {
        const places = Object.keys(value).filter((place) => name in value[place])
        if (places.length !== 1) return `${name} stands in [${places.join()}]`
        const told = { completed: "Completed", failed: "Failed", cancelled: "Cancelled", interrupted: "Cancelled" }
        const problem = check(name, told[places[0] as keyof typeof told])
        if (problem !== undefined) return problem
        if (places[0] === "interrupted" && value.interrupted[name].reason.source !== "interrupt")
          return `${name} was interrupted by ${value.interrupted[name].reason.source}`
      }
      return undefined
    }
  }
}

interface Options {
  readonly preempt: number
  readonly giveUp?: number
  readonly by: "cancel" | "interrupt"
}

const scenario = (kind: Kind, seed: number, options: Options) => {
  const run = (at: number | undefined) => {
    const random = randomFrom(seed)
    let cut: (() => void) | undefined
    const names: Array<string> = []
    const ledger: Ledger = new Ledger(options.giveUp === undefined)
    /** Members that had not ended when it was cut. */
    const alive = new Set<string>()
    const world: World = new World({
      seed: seed * 31 + 7,
      preempt: options.preempt,
      ...(at === undefined
        ? {}
        : {
            at: {
              step: at,
              run: () => {
                // Between the last end and the caller's next step a value is lost as any value of Effect is.
                world.leaks.root.walk((node) => {
                  if (node.name === "the root") for (const { name } of node.children()) alive.add(name)
                  return true
                })
                cut?.()
              }
            }
          })
    })
    let returned: Exit.Exit<unknown, unknown> | undefined
    let disagrees: string | undefined
    const program = Effect.suspend(() => {
      const entries = entriesOf(random, ledger, 2, "m", false)
      names.push(...Object.keys(entries))
      return Effect.flatMap(Effect.exit(combined(kind, entries, "the root", random, options.giveUp)), (exit) =>
        Effect.suspend(() => {
          returned = exit
          if (options.giveUp === undefined) disagrees = disagreement(kind, exit, names, ledger)
          return Effect.sleep(3)
        })
      )
    })
    let outcome: TaskOutcome<unknown, unknown> | undefined
    let node: TaskNode | undefined
    let exit: Exit.Exit<unknown, unknown> | undefined
    const outer =
      options.by === "cancel"
        ? Effect.scoped(
            Effect.gen(function* () {
              const nursery = yield* Nursery.make<unknown>("top")
              const task = yield* nursery.spawn("task", program)
              node = task as never
              cut = () => {
                const ask = (by: string) =>
                  world.leaks
                    .within(Task.cancel(task, { reason: CancelReason.request({ by }) }))
                    .pipe(Effect.provideService(ClockService, world.clock))
                // At once, in this very step; the second one waits in the world like everybody.
                Effect.runFork(ask("ann"))
                Effect.runFork(ask("bob"), { scheduler: world })
              }
              outcome = yield* Task.await(task)
            })
          )
        : Effect.gen(function* () {
            const fiber = yield* Effect.forkChild(Effect.scoped(program))
            cut = () => fiber.interruptUnsafe()
            exit = yield* Fiber.await(fiber)
          })
    const end = world.run(quietly(outer))
    const salvaged: ReadonlyArray<Salvaged> =
      outcome?.salvaged ?? (exit?._tag === "Failure" ? salvagedIn(exit.cause) : [])
    const stopped = outcome?._tag === "Cancelled" || (exit?._tag === "Failure" && Cause.hasInterrupts(exit.cause))
    /** Whoever lost says who had won. */
    const winner = names
      .map((name) => ledger.members.get(name)?.reason)
      .find((reason) => reason?.source === "lost-race" && reason.scope === "the root")?.by
    const lostWinner =
      stopped &&
      alive.size > 0 &&
      winner !== undefined &&
      returned === undefined &&
      !salvaged.some(({ scope, value }) => scope === "the root" && (value as { winner?: string }).winner === winner)
    /** What had ended, and well, before the cut. */
    const lostValues = names.filter((name) => {
      const seen = ledger.members.get(name)
      return (
        stopped &&
        // Who was given up on may succeed later.
        options.giveUp === undefined &&
        alive.size > 0 &&
        !alive.has(name) &&
        returned === undefined &&
        !kind.startsWith("first") &&
        seen?.exit?._tag === "Success" &&
        seen.reason === undefined &&
        !salvaged.some(({ scope, value }) => scope === "the root" && (value as Record<string, unknown>)[name] === name)
      )
    })
    const dirty = outcome?.cleanupFailures.map(({ cause }) => causeOf(cause)) ?? []
    // The very same, not its like: two members may run out of time.
    const kept = outcome?.cleanupFailures.map(({ cause }) => Cause.squash(cause)) ?? []
    const problem =
      world.left ??
      (end === undefined ? "stuck" : undefined) ??
      (end!._tag === "Failure" ? Cause.pretty(end!.cause) : undefined) ??
      ledger.problem ??
      disagrees ??
      (node?.interrupted === true && outcome?._tag !== "Cancelled"
        ? `${outcome?._tag} after an interrupt`
        : undefined) ??
      (stopped && at === undefined ? `stopped by nobody` : undefined) ??
      (outcome?._tag === "Failed" ? `failed: ${Cause.pretty(outcome.cause)}` : undefined) ??
      (lostWinner ? `the winner ${winner} was lost` : undefined) ??
      (lostValues.length > 0 ? `the values of ${lostValues.join()} were lost` : undefined) ??
      (new Set(kept).size < kept.length ? `kept twice: ${dirty.join()}` : undefined) ??
      (salvaged.filter(({ scope }) => scope === "the root").length > 1 && !kind.startsWith("first")
        ? "salvaged twice"
        : undefined)
    return { problem, steps: world.steps }
  }
  return cutAtRandom(seed, run)
}

/** One member is done, one fails where that decides anything, one is slow to clean up: cut at a step, what was done is kept. */
const doneIsKept = (kind: Kind, seed: number, step: number): string | undefined => {
  let cut: (() => void) | undefined
  let cleaning = false
  const world: World = new World({ seed, preempt: 0.5, at: { step, run: () => cut?.() } })
  const slow = Effect.ensuring(kind === "settled" ? Effect.sleep(4) : Effect.never, Effect.sleep(5))
  const entries = { done: Effect.as(Effect.sleep(1), "value"), bad: failing(2, "no"), slow }
  const races = kind === "firstSuccess" || kind === "firstSettled"
  let exit: Exit.Exit<unknown, unknown> | undefined
  let returned = false
  const end = world.run(
    quietly(
      Effect.gen(function* () {
        const combinator: Any =
          kind === "within"
            ? Join.within(entries, 3, { name: "the root" })
            : kind === "settled"
              ? Join.settled(entries, { name: "the root" })
              : kind === "all"
                ? Join.all(entries, { name: "the root" })
                : Race[kind](entries, { name: "the root" })
        const fiber = yield* Effect.forkChild(
          Effect.scoped(
            Effect.onExit(combinator, (exit) =>
              Effect.sync(() => {
                returned = exit._tag === "Success" || !Cause.hasInterrupts(exit.cause)
              })
            )
          )
        )
        cut = () => {
          world.leaks.root.walk((node) => {
            const names = node.children().map(({ name }) => name)
            if (node.name === "the root" && !names.includes("done") && names.includes("slow")) cleaning = true
            return true
          })
          fiber.interruptUnsafe()
        }
        exit = yield* Fiber.await(fiber)
      })
    )
  )
  if (world.left !== undefined) return world.left
  if (end === undefined) return "stuck"
  if (!cleaning || returned) return undefined
  const salvaged = exit?._tag === "Failure" ? salvagedIn(exit.cause) : []
  const kept = races ? { winner: "done", value: "value" } : { done: "value" }
  return JSON.stringify(salvaged) === JSON.stringify([{ scope: "the root", value: kept }])
    ? undefined
    : `at step ${step} salvaged ${JSON.stringify(salvaged)}`
}

/** Thousands of runs fail on purpose: their log is of no use. */
const quietly = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.provideService(effect, Logger.CurrentLoggers, new Set())

const seeds = Number(process.env["SEEDS"] ?? 150)
describe("cancel at a random step", () => {
  for (const kind of ["firstSuccess", "firstSettled", "all", "settled", "within"] as const) {
    it(`${kind}: each finalizer once, nothing left, the reason read, no result after an interrupt, nothing won is lost (K1, K5, K9, K18, K23, K24, K26, K27, K31)`, () => {
      expect(wrongSeeds(seeds, (seed) => scenario(kind, seed, { preempt: 0, by: "cancel" })) ?? "no seed failed").toBe(
        "no seed failed"
      )
    }, 20_000)

    it(`${kind}: the same where fibers pause between any two operations (K1, K9, K18, K24, K26, K27)`, () => {
      expect(
        wrongSeeds(seeds, (seed) => scenario(kind, seed, { preempt: 0.2, by: "cancel" })) ?? "no seed failed"
      ).toBe("no seed failed")
    }, 20_000)

    it(`${kind}: the same where the caller is interrupted natively, with no task around (K1, K26, K45)`, () => {
      expect(
        wrongSeeds(seeds, (seed) => scenario(kind, seed, { preempt: 0.1, by: "interrupt" })) ?? "no seed failed"
      ).toBe("no seed failed")
    }, 20_000)

    it(`${kind}: what was done is kept at whatever step the caller is interrupted, and wherever it pauses (K26)`, () => {
      const wrong = wrongSeeds(10, (seed) => {
        for (let step = 1; step < 200; step++) {
          const problem = doneIsKept(kind, seed, step)
          if (problem !== undefined) return problem
        }
        return undefined
      })
      expect(wrong ?? "no seed failed").toBe("no seed failed")
    }, 20_000)

    it(`${kind}: nothing is left in the end although it gave up on members (K1, K25)`, () => {
      expect(
        wrongSeeds(seeds, (seed) => scenario(kind, seed, { preempt: 0.1, giveUp: 2, by: "cancel" })) ?? "no seed failed"
      ).toBe("no seed failed")
    }, 20_000)
  }
})
