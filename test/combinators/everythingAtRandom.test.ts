/**
 * Everything inside everything, under a seeded scheduler: races, joins, batches,
 * merges, deadlines, shields, runs of a `Latest` and nurseries, nested in each
 * other, in native combinators and in finalizers, with a cancel of the task, two
 * cancels at once or a native interrupt after a random step.
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
import * as Batch from "../../src/combinators/Batch.ts"
import * as Deadline from "../../src/combinators/Deadline.ts"
import * as FirstWins from "../../src/combinators/FirstWins.ts"
import * as Join from "../../src/combinators/Join.ts"
import * as Latest from "../../src/combinators/Latest.ts"
import type { Loser } from "../../src/combinators/Loser.ts"
import * as Race from "../../src/combinators/Race.ts"
import * as CancelReason from "../../src/fibers/CancelReason.ts"
import * as Nursery from "../../src/fibers/Nursery.ts"
import * as Shield from "../../src/fibers/Shield.ts"
import * as Task from "../../src/fibers/Task.ts"
import type { TaskOutcome } from "../../src/fibers/TaskOutcome.ts"
import { randomFrom, World, wrongSeeds } from "../support/sim.ts"

type Any = Effect.Effect<unknown, unknown, Scope.Scope>

interface Setting {
  readonly preempt: number
  readonly giveUp: boolean
  readonly by: "cancel" | "both" | "interrupt" | "grace"
}

interface Leaf {
  ended: number
  exit: Exit.Exit<unknown, unknown> | undefined
}

class Ledger {
  readonly leaves = new Map<string, Leaf>()
  readonly resources: Array<{ readonly owner: string; released: number }> = []
  readonly wrong: Array<string> = []
  readonly strict: boolean
  private readonly random: () => number
  private count = 0

  constructor(strict: boolean, random: () => number) {
    this.strict = strict
    this.random = random
  }

  pick(bound: number): number {
    return Math.floor(this.random() * bound)
  }

  chance(likely: number): boolean {
    return this.random() < likely
  }

  fresh(name: string): string {
    return `${name}.${++this.count}`
  }

  /** `structural`: it may be interrupted for no reason of ours. */
  leaf(name: string, effect: Any, structural: boolean): Any {
    const cleanup = this.chance(0.4) ? 1 + this.pick(5) : 0
    return Effect.suspend(() => {
      const leaf: Leaf = { ended: 0, exit: undefined }
      const key = this.fresh(name)
      return Effect.onExit(
        Effect.suspend(() => {
          this.leaves.set(key, leaf)
          return Effect.as(effect, name)
        }),
        (exit) =>
          Effect.gen({ self: this }, function* () {
            if (!this.leaves.has(key)) return
            leaf.ended++
            const before = Option.getOrUndefined(yield* CancelReason.current)
            const interrupted = exit._tag === "Failure" && Cause.hasInterrupts(exit.cause)
            if (this.strict && interrupted && !structural && before === undefined)
              this.wrong.push(`${name} read no reason`)
            if (cleanup > 0) yield* Effect.sleep(cleanup)
            const after = Option.getOrUndefined(yield* CancelReason.current)
            if (this.strict && before !== undefined && before !== after)
              this.wrong.push(
                `${name} read ${before.source} of ${before.scope}, then ${after?.source} of ${after?.scope}`
              )
            leaf.exit = exit
          })
      )
    })
  }

  resource(owner: string): Effect.Effect<void, never, Scope.Scope> {
    const pause = this.chance(0.5) ? 1 + this.pick(4) : 0
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

  /** What of this part of the tree has not ended. */
  openBelow(name: string): string | undefined {
    for (const [key, { ended, exit }] of this.leaves)
      if (key.startsWith(name) && (ended !== 1 || exit === undefined)) return key
    return undefined
  }

  unreleasedBelow(name: string): string | undefined {
    return this.resources.find(({ owner, released }) => owner.startsWith(name) && released !== 1)?.owner
  }

  get problem(): string | undefined {
    for (const [name, { ended }] of this.leaves) if (ended !== 1) return `${name} ended ${ended} times`
    for (const { owner, released } of this.resources)
      if (released !== 1) return `a resource of ${owner} was released ${released} times`
    return this.wrong[0]
  }
}

const kinds = [
  "firstSuccess",
  "firstSettled",
  "quorum",
  "hedge",
  "all",
  "settled",
  "within",
  "bestEffort",
  "skipCancelled",
  "first",
  "collect",
  "failFast",
  "latest",
  "keep",
  "firstWins",
  "deadline",
  "option",
  "shield",
  "nursery",
  "tasks",
  "timeout",
  "race",
  "uninterruptible",
  "fork",
  "finalizer",
  "scoped",
  "catch"
] as const
type Kind = (typeof kinds)[number]

/** Those that keep the scope of what wins for their caller. */
const handsOn = new Set<Kind>([
  "firstSuccess",
  "firstSettled",
  "quorum",
  "hedge",
  "first",
  "firstWins",
  "deadline",
  "option"
])
const passes = new Set<Kind>(["shield", "timeout", "race", "uninterruptible", "finalizer", "catch", "fork", "scoped"])

class Builder {
  readonly ledger: Ledger
  private readonly setting: Setting
  private readonly latest: Latest.Latest<string>
  private readonly keeping: Latest.Keeping<string>

  constructor(ledger: Ledger, setting: Setting, latest: Latest.Latest<string>, keeping: Latest.Keeping<string>) {
    this.ledger = ledger
    this.setting = setting
    this.latest = latest
    this.keeping = keeping
  }

  private leaf(name: string, structural: boolean): Any {
    const { ledger } = this
    const time = ledger.pick(12)
    switch (ledger.pick(11)) {
      case 0:
        return ledger.leaf(name, Effect.void, structural)
      case 1:
        return ledger.leaf(name, Effect.fail(name), structural)
      case 2:
        return ledger.leaf(name, Effect.andThen(Effect.sleep(time), Effect.fail(name)), structural)
      case 3:
        return ledger.leaf(name, Effect.andThen(Effect.yieldNow, Effect.die(name)), structural)
      case 4:
        return ledger.leaf(name, Effect.andThen(Effect.sleep(time), Effect.interrupt), true)
      case 5:
        return ledger.leaf(name, Effect.sleep(100), structural)
      case 6:
        return ledger.leaf(name, Effect.uninterruptible(Effect.sleep(time)), structural)
      case 7:
        return Effect.andThen(ledger.resource(name), ledger.leaf(name, Effect.sleep(time), structural))
      case 8:
        return ledger.leaf(
          name,
          Effect.sync(() => {
            throw new Error(name)
          }),
          structural
        )
      default:
        return ledger.leaf(name, Effect.sleep(time), structural)
    }
  }

  private patience(): { grace?: number; giveUp?: number } {
    const { ledger } = this
    return {
      ...(ledger.chance(0.2) ? { grace: ledger.pick(5) } : {}),
      ...(this.setting.giveUp && ledger.chance(0.4) ? { giveUp: ledger.pick(6) } : {})
    }
  }

  build(depth: number, name: string, structural: boolean): Any {
    const { ledger } = this
    if (depth === 0 || ledger.chance(0.15)) return this.leaf(name, structural)
    const kind = kinds[ledger.pick(kinds.length)]!
    const full = `${name}/${kind}`
    return this.checked(kind, full, this.combined(kind, depth - 1, full, structural))
  }

  private members(depth: number, name: string, structural: boolean): Array<Any> {
    return Array.from({ length: 1 + this.ledger.pick(3) }, (_, index) =>
      this.build(depth, `${name}${index}`, structural)
    )
  }

  private record(depth: number, name: string, structural: boolean): Record<string, Any> {
    return Object.fromEntries(this.members(depth, name, structural).map((member, index) => [`m${index}`, member]))
  }

  /** When it returns, all that it started has ended (K1). */
  private checked(kind: Kind, name: string, effect: Any): Any {
    const { ledger } = this
    if (!ledger.strict || kind === "fork") return effect
    return Effect.onExit(effect, (exit) =>
      Effect.sync(() => {
        const open = ledger.openBelow(name)
        if (open !== undefined && !passes.has(kind)) ledger.wrong.push(`${name} returned while ${open} ran`)
        if (passes.has(kind) || (handsOn.has(kind) && (exit._tag === "Success" || Cause.hasInterrupts(exit.cause))))
          return
        const held = ledger.unreleasedBelow(name)
        if (held !== undefined)
          ledger.wrong.push(
            `${name} returned with a resource of ${held}: ${exit._tag === "Success" ? "ok" : Cause.pretty(exit.cause)}`
          )
      })
    )
  }

  private combined(kind: Kind, depth: number, name: string, structural: boolean): Effect.Effect<unknown, unknown, any> {
    const { ledger } = this
    const wrong = (text: string) => ledger.wrong.push(`${name}: ${text}`)
    const below = () => this.build(depth, `${name}_`, structural)
    const limit = ledger.pick(15) - 1
    const patience = this.patience()
    const joining = {
      ...patience,
      ...(ledger.chance(0.4) ? { concurrency: 1 + ledger.pick(2) } : {}),
      ...(ledger.chance(0.3) ? { each: ledger.pick(12) } : {})
    }
    const adds = (entries: Record<string, unknown>, ...parts: Array<object>) => {
      const keys = parts.flatMap((part) => Object.keys(part)).toSorted()
      if (keys.join() !== Object.keys(entries).toSorted().join()) wrong(`the report has ${keys.join()}`)
    }
    const losersTrue = (losers: Record<string, Loser<unknown, unknown> | undefined>) => {
      for (const [key, loser] of Object.entries(losers)) {
        if (loser === undefined) continue
        if (loser._tag === "Cancelled" && loser.reason === undefined) wrong(`${key} has no reason`)
        if (loser._tag === "Failed" && loser.cause === undefined) wrong(`${key} has no cause`)
      }
    }
    switch (kind) {
      case "firstSuccess":
      case "hedge": {
        const entries = this.record(depth, name, structural)
        const race =
          kind === "hedge" ? Race.hedge(entries, ledger.pick(6), patience) : Race.firstSuccess(entries, patience)
        return Effect.map(race, ({ losers, winner }) => {
          adds(entries, { [winner]: 1 }, losers)
          losersTrue(losers)
        })
      }
      case "firstSettled": {
        const entries = this.record(depth, name, structural)
        return Effect.map(Race.firstSettled(entries, patience), ({ losers, winner }) => {
          adds(entries, { [winner]: 1 }, losers)
          losersTrue(losers)
        })
      }
      case "quorum": {
        const entries = this.record(depth, name, structural)
        const needed = 1 + ledger.pick(2)
        return Effect.map(Race.quorum(entries, needed, patience), ({ losers, winners }) => {
          if (winners.length !== needed) wrong(`${winners.length} winners`)
          adds(entries, Object.fromEntries(winners.map(({ winner }) => [winner, 1])), losers)
          losersTrue(losers)
        })
      }
      case "all": {
        const entries = this.record(depth, name, structural)
        return Effect.map(Join.all(entries, joining), (values) => adds(entries, values))
      }
      case "settled": {
        const entries = this.record(depth, name, structural)
        return Effect.map(Join.settled(entries, joining), (outcomes) => adds(entries, outcomes))
      }
      case "within": {
        const entries = this.record(depth, name, structural)
        return Effect.map(Join.within(entries, limit, joining), (w) =>
          adds(entries, w.completed, w.failed, w.cancelled, w.interrupted, w.running)
        )
      }
      case "bestEffort": {
        const entries = this.record(depth, name, structural)
        return Effect.map(Join.bestEffort(entries, { ...joining, limit }), ({ missing, values }) =>
          adds(entries, missing, values)
        )
      }
      case "skipCancelled": {
        const entries = this.record(depth, name, structural)
        return Effect.map(Join.skipCancelled(entries, joining), ({ skipped, values }) => adds(entries, skipped, values))
      }
      case "first": {
        const entries = this.record(depth, name, structural)
        return Effect.map(Join.first(entries, 1 + ledger.pick(2), patience), ({ ended, rest }) =>
          adds(entries, Object.fromEntries(ended.map(({ member }) => [member, 1])), rest)
        )
      }
      case "collect":
      case "failFast": {
        const members = this.members(depth, name, structural)
        const batch: Effect.Effect<Batch.BatchReport<number, unknown, unknown>, unknown, any> = Batch[kind](
          members.keys(),
          (index) => members[index]!,
          joining
        )
        return Effect.map(batch, ({ cancelled, completed, failed, items }) => {
          if (items.length !== members.length || cancelled + completed + failed !== items.length) wrong("adds up not")
        })
      }
      case "latest":
        return this.latest.run(`k${ledger.pick(2)}`, below())
      case "keep":
        return this.keeping.run(`k${ledger.pick(2)}`, below())
      case "firstWins": {
        const entries = this.record(depth, name, structural)
        const path = `m${ledger.pick(3)}`
        const arrives = ledger.chance(0.4)
        const at = ledger.pick(8)
        return Effect.map(
          FirstWins.run(
            name,
            (visit) => ({
              ...entries,
              ...(arrives
                ? {
                    x: Effect.andThen(
                      Effect.sleep(at),
                      Effect.flatMap(visit.arrive(path as never, 1), () => Effect.never)
                    )
                  }
                : {})
            }),
            {
              giveUp: Infinity,
              ...patience,
              onFailure: ledger.chance(0.5) ? "fail-branch" : ("fail-run" as never),
              undo: ledger.chance(0.5) ? "always" : "losers"
            }
          ) as Effect.Effect<any, unknown, any>,
          ({ losers, winner }) => {
            losersTrue(losers)
            const names = new Set([...Object.keys(losers), winner])
            for (const key of Object.keys(entries)) if (!names.has(key)) wrong(`${key} is missing`)
          }
        )
      }
      case "deadline":
        return ledger.chance(0.5)
          ? Deadline.run(below(), limit, { ...patience, name })
          : Deadline.make(
              name,
              limit,
              (deadline) => Effect.andThen(Effect.andThen(Effect.sleep(2), deadline.extend(ledger.pick(6))), below()),
              patience
            )
      case "option":
        return Deadline.option(below(), limit, { ...patience, name })
      case "shield":
        return Shield.run(name, below(), ledger.chance(0.5) ? { budget: ledger.pick(8) } : {})
      case "nursery": {
        const members = this.members(depth, name, structural)
        return Nursery.run(name, (nursery: Nursery.Nursery<any>) =>
          Effect.andThen(
            Effect.forEach(members.entries(), ([index, member]) =>
              nursery.spawn(`c${index}`, member, { background: ledger.chance(0.3) })
            ),
            Effect.sleep(ledger.pick(4))
          )
        )
      }
      case "tasks": {
        // Tasks of a nursery around the race, as members.
        const members = this.members(depth, name, structural)
        const cancelTasks = ledger.chance(0.5)
        return Nursery.supervise(name, (nursery: Nursery.Nursery<any>) =>
          Effect.gen(function* () {
            const tasks: Array<Task.Task<unknown, unknown>> = []
            for (const [index, member] of members.entries()) tasks.push(yield* nursery.spawn(`c${index}`, member))
            const entries = [...tasks, tasks[0]!]
            const result: Effect.Effect<unknown, unknown> = ledger.chance(0.5)
              ? Race.firstSuccess(entries, { ...patience, cancelTasks })
              : Join.within(entries, limit, { ...joining, cancelTasks })
            yield* result
          })
        )
      }
      case "timeout":
        return Effect.timeout(this.build(depth, `${name}_`, true), Math.max(1, limit))
      case "race":
        return Effect.race(this.build(depth, `${name}a`, true), this.build(depth, `${name}b`, true))
      case "uninterruptible":
        return Effect.uninterruptible(below())
      case "fork":
        return Effect.flatMap(Effect.forkChild(this.build(depth, `${name}_`, true)), (fiber) =>
          Effect.andThen(Effect.sleep(ledger.pick(6)), ledger.chance(0.5) ? Fiber.join(fiber) : Fiber.interrupt(fiber))
        )
      case "finalizer":
        return Effect.onExit(this.build(depth, `${name}a`, structural), () =>
          Effect.scoped(Effect.ignore(Effect.sandbox(this.build(depth, `${name}b`, structural))))
        )
      case "scoped":
        return Effect.scoped(below())
      case "catch":
        return Effect.andThen(Effect.exit(below()), below())
    }
  }
}

const cuts = {
  cancel: "a cancel of the task",
  both: "two cancels, one after the other",
  interrupt: "a native interrupt",
  grace: "a cancel with grace"
} as const

const scenario = (seed: number, setting: Setting): string | undefined => {
  const run = (step: number | undefined): { readonly problem: string | undefined; readonly steps: number } => {
    const random = randomFrom(seed)
    const ledger = new Ledger(!setting.giveUp, random)
    let cut: (() => void) | undefined
    const at = step === undefined ? {} : { at: { step, run: () => cut?.() } }
    const world: World = new World({ seed: seed * 31 + 7, preempt: setting.preempt, ...at })
    let outcome: TaskOutcome<unknown, unknown> | undefined
    const fork = (effect: Effect.Effect<unknown, unknown>) =>
      Effect.runFork(world.leaks.within(effect).pipe(Effect.provideService(ClockService, world.clock)), {
        scheduler: world
      })
    const program = Effect.gen(function* () {
      const latest = yield* Latest.make<string>(setting.giveUp ? { giveUp: 3 } : {})
      const keeping = yield* Latest.make<string>({ mode: "keep" })
      const builder = new Builder(ledger, setting, latest, keeping)
      const body = builder.build(3, "r", setting.by === "interrupt")
      if (setting.by === "interrupt") {
        const fiber = yield* Effect.forkChild(Effect.scoped(body))
        cut = () => fiber.interruptUnsafe()
        yield* Fiber.await(fiber)
        return
      }
      const nursery = yield* Nursery.make<unknown>("top")
      const task = yield* nursery.spawn("task", body as Effect.Effect<unknown, unknown>)
      const policy = setting.by === "grace" ? { grace: 3, ...(setting.giveUp ? { giveUp: 8 } : {}) } : {}
      cut = () => {
        fork(Task.cancel(task, { reason: CancelReason.request({ by: "ann" }), ...policy }))
        if (setting.by === "both")
          fork(
            Effect.andThen(
              Effect.sleep(2),
              Task.cancel(task, { reason: CancelReason.request({ by: "bob" }), giveUp: setting.giveUp ? 2 : Infinity })
            )
          )
      }
      outcome = yield* Task.await(task)
    })
    const end = world.run(Effect.scoped(program).pipe(Effect.provideService(Logger.CurrentLoggers, new Set())))
    const problem =
      world.left ??
      (end === undefined ? "stuck" : undefined) ??
      (end?._tag === "Failure" ? `the program failed: ${Cause.pretty(end.cause)}` : undefined) ??
      ledger.problem ??
      (outcome?._tag === "Cancelled" && outcome.reason.source === "request" && outcome.reason.by !== "ann"
        ? "a later reason"
        : undefined)
    return { problem, steps: world.steps }
  }
  const calm = run(undefined)
  if (calm.problem !== undefined) return `without a cancel: ${calm.problem}`
  for (let cutAt = 0; cutAt < 4; cutAt++) {
    const at = 1 + Math.floor(randomFrom(seed + 99 + cutAt * 1000)() * calm.steps)
    const { problem } = run(at)
    if (problem !== undefined) return `step ${at} of ${calm.steps}: ${problem}`
  }
  return undefined
}

const seeds = Number(process.env["SEEDS"] ?? 60)
describe("everything inside everything", () => {
  for (const by of ["cancel", "both", "interrupt", "grace"] as const) {
    for (const preempt of [0, 0.2]) {
      for (const giveUp of [false, true]) {
        const pauses = preempt === 0 ? "" : ", where fibers pause between any two operations"
        const bounds = giveUp ? ", with giveUp" : ""
        it(`${cuts[by]}${bounds}${pauses}: each end once, reasons are kept, reports add up, nothing is left (K1, K5, K8, K18, K24, K27, K31, K35, K36, K39)`, () => {
          const wrong = wrongSeeds(seeds, (seed) => scenario(seed, { by, preempt, giveUp }))
          expect(wrong ?? "no seed failed").toBe("no seed failed")
        }, 120_000)
      }
    }
  }
})
