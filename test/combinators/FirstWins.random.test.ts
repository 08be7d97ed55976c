/**
 * The laws of `FirstWins` under a seeded scheduler: arrivals that meet in every
 * order, and random visits (values, failures, slow clean-up, hooks, nested
 * visits, arrivals from outside) that are cancelled after a random step.
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
import type * as Arrival from "../../src/combinators/Arrival.ts"
import * as FirstWins from "../../src/combinators/FirstWins.ts"
import type { Visit } from "../../src/combinators/Visit.ts"
import * as CancelReason from "../../src/fibers/CancelReason.ts"
import * as Nursery from "../../src/fibers/Nursery.ts"
import * as Task from "../../src/fibers/Task.ts"
import type { TaskOutcome } from "../../src/fibers/TaskOutcome.ts"
import { randomFrom, World, wrongSeeds } from "../support/sim.ts"

const quiet = { logLevel: "None" } as const

const turns = (count: number): Effect.Effect<void> =>
  count === 0 ? Effect.void : Effect.andThen(Effect.yieldNow, turns(count - 1))

type Path = "a" | "b"

/** Two arrivals after up to three turns each; says what is wrong. */
const meeting = (seed: number, from: readonly ["branch" | "outside", "branch" | "outside"]): string | undefined => {
  const random = randomFrom(seed)
  const world = new World({ seed, preempt: 0.3 })
  const told: Array<Arrival.Arrival> = []
  const stopped: Record<Path, number> = { a: 0, b: 0 }
  const wait = { a: Math.floor(random() * 4), b: Math.floor(random() * 4) }
  const exit = world.run(
    FirstWins.run(
      "m",
      (visit: Visit<string, Path>) => {
        const branch = (path: Path, kind: "branch" | "outside") =>
          Effect.onInterrupt(
            kind === "branch" ? Effect.as(turns(wait[path]), path as string) : (Effect.never as Effect.Effect<string>),
            () =>
              Effect.sync(() => {
                stopped[path]++
              })
          )
        const arrive = (path: Path) =>
          Effect.andThen(
            turns(wait[path]),
            Effect.map(visit.arrive(path, path), (arrival) => {
              told.push(arrival)
            })
          )
        return {
          a: branch("a", from[0]),
          b: branch("b", from[1]),
          // Who arrives from outside is a fiber of its own, which no cancel of the visit reaches.
          door: Effect.gen(function* () {
            for (const [index, path] of (["a", "b"] as const).entries()) {
              if (from[index] === "outside") yield* Effect.forkDetach(arrive(path))
            }
            return yield* Effect.never
          })
        }
      },
      quiet
    )
  )
  if (world.left !== undefined) return world.left
  if (exit?._tag !== "Success") return exit === undefined ? "stuck" : "failed"
  const { losers, value, winner } = exit.value
  const decided = told.filter(({ _tag }) => _tag === "Decided")
  if (value !== winner) return `${winner} won with the value of ${value}`
  if (decided.length !== (exit.value.from === "outside" ? 1 : 0)) return `${decided.length} were told that they decided`
  for (const arrival of told) {
    if (arrival._tag === "Undecided") return "an arrival found the visit undecided"
    if (arrival.winner !== winner) return `${winner} won, but ${arrival.winner} was named`
  }
  if (winner in losers) return "the winner is among the losers"
  const loser = winner === "a" ? "b" : "a"
  return stopped[loser] > 1 ? `the loser was stopped ${stopped[loser]} times` : undefined
}

interface Branch {
  readonly name: string
  began: boolean
  finished: number
  hooks: number
  undone: Array<number>
  undoneBeforeEnd: boolean
}

class Ledger {
  readonly branches = new Map<string, Branch>()
  readonly resources: Array<{ released: number }> = []
  readonly wrong: Array<string> = []

  /** Remembers a branch; its end takes `pause`. */
  watch<A>(name: string, pause: number, body: (branch: Branch) => Effect.Effect<A, string, Scope.Scope>) {
    const branch: Branch = { name, began: false, finished: 0, hooks: 0, undone: [], undoneBeforeEnd: false }
    return Effect.onExit(
      Effect.suspend(() => {
        branch.began = true
        this.branches.set(name, branch)
        return body(branch)
      }),
      (exit) =>
        Effect.gen({ self: this }, function* () {
          if (!branch.began) return
          const reason = yield* CancelReason.current
          if (exit._tag === "Failure" && Cause.hasInterrupts(exit.cause) && Option.isNone(reason))
            this.wrong.push(`${name} read no reason`)
          yield* Effect.sleep(pause)
          branch.finished++
        })
    )
  }

  readonly resource: Effect.Effect<void, never, Scope.Scope> = Effect.asVoid(
    Effect.acquireRelease(
      Effect.sync(() => {
        const resource = { released: 0 }
        this.resources.push(resource)
        return resource
      }),
      (resource) =>
        Effect.andThen(
          Effect.sleep(1),
          Effect.sync(() => {
            resource.released++
          })
        )
    )
  )

  step(visit: Visit<string>, branch: Branch): Effect.Effect<void> {
    const undo = (number: number) =>
      Effect.andThen(
        Effect.sleep(1),
        Effect.suspend(() => {
          branch.undone.push(number)
          if (branch.finished === 0) branch.undoneBeforeEnd = true
          return number % 3 === 0 ? Effect.die("stuck") : Effect.void
        })
      )
    return Effect.asVoid(
      visit.step(
        `s${branch.hooks + 1}`,
        Effect.sync(() => ++branch.hooks),
        undo
      )
    )
  }
}

type Any = Effect.Effect<string, string, Scope.Scope>
type Reported = FirstWins.Report<Record<string, Any>, string, "door">

const branchOf = (random: () => number, ledger: Ledger, visit: Visit<string>, name: string, depth: number): Any => {
  const time = Math.floor(random() * 12)
  const pause = Math.floor(random() * 5)
  const steps = Math.floor(random() * 4)
  const choice = Math.floor(random() * (depth === 0 ? 7 : 9))
  const holds = random() < 0.4
  const inner = depth > 0 ? visitOf(random, ledger, `${name}.`, depth - 1) : Effect.void
  return ledger.watch(name, pause, (branch) =>
    Effect.gen(function* () {
      if (holds) yield* ledger.resource
      for (let step = 0; step < steps; step++) {
        yield* ledger.step(visit, branch)
        if (step % 2 === 0) yield* Effect.sleep(1)
      }
      if (choice === 0) yield* Effect.sleep(60)
      else if (choice === 1) yield* Effect.uninterruptible(Effect.sleep(time))
      else if (choice === 2) yield* Effect.andThen(Effect.sleep(time), Effect.fail(name))
      else if (choice > 6) yield* Effect.exit(inner)
      else yield* Effect.sleep(time)
      return name
    })
  )
}

const visitOf = (
  random: () => number,
  ledger: Ledger,
  prefix: string,
  depth: number
): Effect.Effect<Reported, unknown> => {
  const count = 1 + Math.floor(random() * 3)
  const undo = random() < 0.5 ? "always" : "losers"
  const onFailure = random() < 0.5 ? "fail-branch" : "fail-run"
  const outside = random() < 0.4 ? Math.floor(random() * 12) : undefined
  const names = Array.from({ length: count }, (_, index) => `${prefix}${index}`)
  // Without a bound: whoever is given up on is tested on the test clock.
  const options = { ...quiet, undo, onFailure, giveUp: Infinity, grace: random() < 0.2 ? 3 : 0 } as const
  const told: Array<Arrival.Arrival> = []
  const merge = FirstWins.run(
    prefix,
    (visit: Visit<string, "door">) =>
      Object.fromEntries([
        ...names.map((name) => [name, branchOf(random, ledger, visit, name, depth)] as const),
        ...(outside === undefined
          ? []
          : [
              [
                `${prefix}door`,
                Effect.andThen(
                  Effect.sleep(outside),
                  Effect.andThen(
                    // The arrival stops this branch too.
                    Effect.uninterruptible(
                      Effect.map(visit.arrive("door", "outside"), (arrival) => {
                        told.push(arrival)
                      })
                    ),
                    Effect.never
                  )
                )
              ] as const
            ])
      ]) as Record<string, Any>,
    // Either policy: the types say the same here.
    options as FirstWins.MergeOptions & { readonly onFailure: "fail-branch" }
  )
  return Effect.onExit(Effect.scoped(merge), (exit) =>
    Effect.sync(() => {
      judge(ledger, prefix, names, told, exit)
    })
  )
}

/** What a visit did to its branches must be what it says. */
const judge = (
  ledger: Ledger,
  prefix: string,
  names: ReadonlyArray<string>,
  told: ReadonlyArray<Arrival.Arrival>,
  exit: Exit.Exit<Reported, unknown>
): void => {
  const wrong = (what: string) => ledger.wrong.push(`${prefix} ${what}`)
  const report = exit._tag === "Success" ? exit.value : undefined
  for (const arrival of told) {
    if (report !== undefined && arrival._tag === "Decided" && report.winner !== arrival.winner)
      wrong(`told ${arrival.winner} that it decided, but ${report.winner} won`)
  }
  if (report?.from === "outside" && told[0]?._tag !== "Decided") wrong("was decided by nobody")
  for (const name of names) {
    const branch = ledger.branches.get(name)
    if (branch === undefined) continue
    if (branch.finished !== 1) wrong(`${name} ended ${branch.finished} times`)
    if (branch.undoneBeforeEnd) wrong(`${name} was undone before its end`)
    const all = Array.from({ length: branch.hooks }, (_, index) => branch.hooks - index).join()
    const undone = branch.undone.join()
    if (undone !== "" && undone !== all) wrong(`${name} was undone as ${undone}, not ${all}`)
    if (report !== undefined && report.winner !== name && undone !== all) wrong(`${name} lost and was not undone`)
    if (report?.winner === name && undone !== "") wrong(`${name} won and was undone`)
  }
  const says = report?.undone.map(({ path, step }) => `${path} ${step}`) ?? []
  const did = names.flatMap((name) => ledger.branches.get(name)?.undone.map((step) => `${name} s${step}`) ?? [])
  if (report !== undefined && says.toSorted().join() !== did.toSorted().join())
    wrong(`reports [${says.join()}], did [${did.join()}]`)
}

const scenario = (seed: number, preempt: number, how: "task" | "native"): string | undefined => {
  const run = (step: number | undefined): { readonly problem: string | undefined; readonly steps: number } => {
    const random = randomFrom(seed)
    const ledger = new Ledger()
    let cut: (() => void) | undefined
    let outcome: TaskOutcome<unknown, unknown> | undefined
    const world: World = new World({
      seed: seed + 13,
      preempt,
      ...(step === undefined ? {} : { at: { step, run: () => cut?.() } })
    })
    // Failures on purpose: they are not for the output of the test.
    const program = Effect.provideService(
      Effect.exit(visitOf(random, ledger, "v", 1)),
      Logger.CurrentLoggers,
      new Set<never>()
    )
    const exit = world.run(
      how === "native"
        ? Effect.gen(function* () {
            const fiber = yield* Effect.forkChild(program)
            cut = () => fiber.interruptUnsafe()
            yield* Fiber.await(fiber)
          })
        : Effect.scoped(
            Effect.gen(function* () {
              const nursery = yield* Nursery.make("top")
              const task = yield* nursery.spawn("task", program)
              cut = () => {
                Effect.runFork(
                  world.leaks.within(Task.requestCancel(task)).pipe(Effect.provideService(ClockService, world.clock)),
                  { scheduler: world }
                )
              }
              outcome = yield* Task.await(task)
            })
          )
    )
    const problem =
      world.left ??
      (exit === undefined ? "stuck" : undefined) ??
      (exit!._tag === "Failure" ? Cause.pretty(exit!.cause) : undefined) ??
      ledger.wrong[0] ??
      (ledger.resources.some(({ released }) => released !== 1) ? "a resource was not released once" : undefined) ??
      (how === "task" && outcome === undefined ? "no outcome" : undefined)
    return { problem, steps: world.steps }
  }
  const calm = run(undefined)
  if (calm.problem !== undefined) return `without a cancel: ${calm.problem}`
  const step = 1 + Math.floor(randomFrom(seed + 99)() * calm.steps)
  const { problem } = run(step)
  return problem === undefined ? undefined : `step ${step} of ${calm.steps}: ${problem}`
}

const seeds = Number(process.env["SEEDS"] ?? 300)

describe("two arrivals at one merge", () => {
  for (const from of [
    ["branch", "branch"],
    ["branch", "outside"],
    ["outside", "outside"]
  ] as const) {
    it(`${from.join(" and ")}: one decision and one winner in 1,000 interleavings, the loser is stopped once at most (S0-83, K9, K23)`, () => {
      expect(wrongSeeds(Math.max(1000, seeds), (seed) => meeting(seed, from)) ?? "no seed failed").toBe(
        "no seed failed"
      )
    }, 60_000)
  }
})

describe("FirstWins, cancelled at a random step", () => {
  it("nothing is left, reports are true, and exactly the losers are undone, in reverse, once (K1, K18, K24, K26, S0-84, S0-86)", () => {
    expect(wrongSeeds(seeds, (seed) => scenario(seed, 0, "task")) ?? "no seed failed").toBe("no seed failed")
  }, 60_000)

  it("the same where fibers pause between any two operations (K1, K18, K24, K26, S0-84, S0-86)", () => {
    expect(wrongSeeds(seeds, (seed) => scenario(seed, 0.2, "task")) ?? "no seed failed").toBe("no seed failed")
  }, 60_000)

  it("the same for a native interrupt of the caller (K1, S0-84, S0-86)", () => {
    expect(wrongSeeds(seeds, (seed) => scenario(seed, 0.1, "native")) ?? "no seed failed").toBe("no seed failed")
  }, 60_000)
})
