/**
 * Races that need several winners or start one by one, joins that run a few at a
 * time, and members that are tasks from outside, under a seeded scheduler and
 * with a cancel of the caller after a random step: each started member ends once,
 * nobody runs beyond the bound, every report adds up, and nothing is left.
 */
import * as Effect from "effect/Effect"
import { Clock as ClockService } from "effect/Clock"
import * as Logger from "effect/Logger"
import { describe, expect, it } from "vitest"
import * as Batch from "../../src/combinators/Batch.ts"
import * as Join from "../../src/combinators/Join.ts"
import * as Race from "../../src/combinators/Race.ts"
import * as CancelReason from "../../src/fibers/CancelReason.ts"
import * as Nursery from "../../src/fibers/Nursery.ts"
import * as Task from "../../src/fibers/Task.ts"
import type { TaskOutcome } from "../../src/fibers/TaskOutcome.ts"
import { cutAtRandom, randomFrom, World, wrongSeeds } from "../support/sim.ts"

const kinds = ["quorum", "hedge", "first", "all", "settled", "batch", "tasks", "cancelTasks"] as const
type Kind = (typeof kinds)[number]

class Ledger {
  starts = 0
  running = 0
  most = 0
  readonly ends: Array<number> = []
  readonly values: Array<number> = []
  readonly wrong: Array<string> = []

  member(index: number, random: () => number): Effect.Effect<number, string> {
    const time = Math.floor(random() * 10)
    const cleanup = random() < 0.4 ? 1 + Math.floor(random() * 5) : 0
    const choice = random()
    const work: Effect.Effect<unknown, string> =
      choice < 0.45
        ? Effect.sleep(time)
        : choice < 0.6
          ? Effect.andThen(Effect.sleep(time), Effect.fail("no"))
          : choice < 0.7
            ? Effect.void
            : choice < 0.8
              ? Effect.fail("at once")
              : choice < 0.9
                ? Effect.andThen(Effect.yieldNow, Effect.interrupt)
                : Effect.sleep(60)
    // The start is within: an interrupt may come between two steps.
    return Effect.suspend(() => {
      let started = false
      const counted = Effect.suspend(() => {
        if (this.ends[index] !== undefined) this.wrong.push(`${index} started twice`)
        started = true
        this.ends[index] = 0
        this.starts++
        this.most = Math.max(this.most, ++this.running)
        return Effect.as(work, index)
      })
      return Effect.onExit(counted, (exit) =>
        started
          ? Effect.andThen(
              cleanup > 0 ? Effect.sleep(cleanup) : Effect.void,
              Effect.sync(() => {
                this.ends[index]!++
                this.running--
                if (exit._tag === "Success") this.values.push(index)
              })
            )
          : Effect.void
      )
    })
  }
}

/** Runs one and says what is wrong with its report. */
const checked = (kind: Kind, ledger: Ledger, random: () => number, nursery: Nursery.Nursery<any>) => {
  const size = 1 + Math.floor(random() * 6)
  const bound = 1 + Math.floor(random() * 3)
  const effects = Array.from({ length: size }, (_, index) => ledger.member(index, random))
  const grace = random() < 0.2 ? 3 : undefined
  const wrong = (text: string) => ledger.wrong.push(text)
  const each = random() < 0.3 ? 5 : undefined
  switch (kind) {
    case "quorum":
      return Effect.match(Race.quorum(effects, bound, { grace }), {
        onSuccess: ({ losers, winners }) => {
          if (winners.length !== bound) wrong(`${winners.length} winners of ${bound}`)
          if (winners.some(({ winner, value }) => winner !== value)) wrong("a winner has the value of another")
          if (losers.filter((loser) => loser === undefined).length !== bound) wrong("losers do not add up")
        },
        onFailure: ({ failures, succeeded }) => {
          if (succeeded.length >= bound) wrong("failed although enough succeeded")
          if (size >= bound && failures.length <= size - bound) wrong("failed although it was in reach")
        }
      })
    case "hedge":
      return Effect.match(Race.hedge(effects, 4, { grace }), {
        onSuccess: ({ losers, value, winner }) => {
          if (winner !== value) wrong("the winner has the value of another")
          const started = losers.filter((loser) => loser === undefined || loser._tag !== "NotStarted").length
          if (started !== ledger.starts) wrong(`${started} started in the report, ${ledger.starts} did`)
        },
        onFailure: ({ failures }) => {
          if (failures.length !== size) wrong("not all failures are told")
        }
      })
    case "first":
      return Effect.map(Join.first(effects, bound, { concurrency: 2, grace }), ({ ended, rest }) => {
        if (ended.length !== Math.min(bound, size)) wrong(`${ended.length} ends of ${bound}`)
        if (rest.filter((loser) => loser === undefined).length !== ended.length) wrong("the rest does not add up")
      })
    case "all":
      return Effect.match(Join.all(effects, { concurrency: bound, grace, each }), {
        onSuccess: (values) => {
          if (values.some((value, index) => value !== index)) wrong("the values are out of order")
        },
        onFailure: () => {}
      })
    case "settled":
      return Effect.map(Join.settled(effects, { concurrency: bound, each }), (outcomes) => {
        const completed = outcomes.filter(({ _tag }) => _tag === "Completed").length
        if (outcomes.length !== size || completed > ledger.values.length) wrong("outcomes do not add up")
      })
    case "batch":
      return Effect.scoped(
        Effect.gen(function* () {
          const batch = yield* Batch.start([...effects.keys()], (index) => effects[index]!, { concurrency: bound })
          yield* Effect.sleep(Math.floor(random() * 6))
          const item = yield* batch.cancelItem(Math.floor(random() * size))
          if (item._tag === "Requested" || item._tag === "NotFound") wrong(`cancelItem answered ${item._tag}`)
          const report = yield* random() < 0.5 ? batch.cancel({ grace }) : batch.report
          if (report.items.length !== size) wrong("an item is missing in the report")
          if (report.completed + report.failed + report.cancelled !== size) wrong("the report does not add up")
        })
      )
    case "tasks":
    case "cancelTasks":
      return Effect.gen(function* () {
        const tasks: Array<Task.Task<number, string>> = []
        for (const [index, effect] of effects.entries()) tasks.push(yield* nursery.spawn(`t${index}`, effect))
        const cancelTasks = kind === "cancelTasks"
        yield* Effect.match(Race.firstSuccess(tasks, { cancelTasks, grace }), {
          onSuccess: ({ losers, value, winner }) => {
            if (winner !== value) wrong("the winner has the value of another")
            for (const loser of losers) if (cancelTasks && loser?._tag === "Running") wrong("a cancelled task runs on")
          },
          onFailure: () => {}
        })
      })
  }
}

const scenario = (kind: Kind, seed: number, preempt: number): string | undefined => {
  const run = (step: number | undefined) => {
    const random = randomFrom(seed)
    const ledger = new Ledger()
    let cut: (() => void) | undefined
    const at = step === undefined ? {} : { at: { step, run: () => cut?.() } }
    const world: World = new World({ seed: seed * 31 + 7, preempt, ...at })
    let outcome: TaskOutcome<unknown, unknown> | undefined
    const end = world.run(
      Effect.scoped(
        Effect.gen(function* () {
          const nursery = yield* Nursery.make<unknown>("top")
          const task = yield* nursery.spawn("task", checked(kind, ledger, random, nursery) as Effect.Effect<unknown>)
          cut = () => {
            Effect.runFork(
              world.leaks
                .within(Task.cancel(task, { reason: CancelReason.request({ by: "ann" }) }))
                .pipe(Effect.provideService(ClockService, world.clock)),
              { scheduler: world }
            )
          }
          outcome = yield* Task.await(task)
        })
      ).pipe(Effect.provideService(Logger.CurrentLoggers, new Set()))
    )
    const bound = kind === "all" || kind === "settled" || kind === "batch" ? 3 : kind === "first" ? 2 : 99
    const problem =
      world.left ??
      (end === undefined ? "stuck" : undefined) ??
      ledger.wrong[0] ??
      (outcome?._tag === "Failed" ? `failed: ${String(outcome.cause)}` : undefined) ??
      (ledger.ends.some((ends) => ends !== 1) ? `ends: ${ledger.ends.join()}` : undefined) ??
      (ledger.most > bound ? `${ledger.most} ran at a time` : undefined)
    return { problem, steps: world.steps }
  }
  return cutAtRandom(seed, run)
}

const seeds = Number(process.env["SEEDS"] ?? 150)
describe("a cancel at a random step", () => {
  for (const kind of kinds) {
    for (const preempt of [0, 0.2]) {
      const pauses = preempt === 0 ? "" : ", where fibers pause between any two operations"
      it(`${kind}: each end once, the bound holds, the report adds up, nothing is left${pauses} (K1, K23, K28, K36)`, () => {
        const wrong = wrongSeeds(seeds, (seed) => scenario(kind, seed, preempt))
        expect(wrong ?? "no seed failed").toBe("no seed failed")
      }, 20_000)
    }
  }
})
