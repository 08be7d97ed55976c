/**
 * The laws of `Latest` under a seeded scheduler: random starts, waits and cancels
 * on few keys by several fibers, bodies with slow clean-up, and, after a random
 * step, a cancel of whoever owns it all.
 */
import * as Cause from "effect/Cause"
import { Clock as ClockService } from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { describe, expect, it } from "vitest"
import * as Latest from "../../src/combinators/Latest.ts"
import * as CancelReason from "../../src/fibers/CancelReason.ts"
import * as Nursery from "../../src/fibers/Nursery.ts"
import * as Task from "../../src/fibers/Task.ts"
import { randomFrom, World, wrongSeeds } from "../support/sim.ts"

interface Settings {
  readonly preempt: number
  readonly overlap?: boolean
  readonly giveUp?: number
}

class Ledger {
  readonly wrong: Array<string> = []
  private readonly alive = new Map<string, number>()
  began = 0
  ended = 0
  private readonly settings: Settings

  constructor(settings: Settings) {
    this.settings = settings
  }

  body(key: string, name: string, random: () => number): Effect.Effect<string> {
    const cleanup = Math.floor(random() * 6)
    const time = Math.floor(random() * 12)
    const { giveUp, overlap = false } = this.settings
    let begun = false
    return Effect.onExit(
      Effect.suspend(() => {
        begun = true
        this.began++
        const beside = (this.alive.get(key) ?? 0) + 1
        this.alive.set(key, beside)
        if (!overlap && giveUp === undefined && beside > 1)
          this.wrong.push(`${name} began beside ${beside - 1} of ${key}`)
        return Effect.as(random() < 0.2 ? Effect.uninterruptible(Effect.sleep(time)) : Effect.sleep(time), name)
      }),
      (exit) =>
        Effect.gen({ self: this }, function* () {
          // Interrupted before the body's first operation.
          if (!begun) return
          const reason = yield* CancelReason.current
          // Whoever is given up on reads nothing any more.
          if (
            giveUp === undefined &&
            exit._tag === "Failure" &&
            Cause.hasInterrupts(exit.cause) &&
            Option.isNone(reason)
          )
            this.wrong.push(`${name} read no reason`)
          if (
            Option.isSome(reason) &&
            !["superseded", "request", "scope-closed", "interrupt"].includes(reason.value.source)
          )
            this.wrong.push(`${name} read ${reason.value.source}`)
          yield* Effect.sleep(cleanup)
          this.alive.set(key, this.alive.get(key)! - 1)
          this.ended++
        })
    )
  }
}

const scenario = (seed: number, settings: Settings): string | undefined => {
  const run = (step: number | undefined): { readonly problem: string | undefined; readonly steps: number } => {
    const random = randomFrom(seed)
    const ledger = new Ledger(settings)
    const tasks: Array<Task.Task<string>> = []
    let owner: Task.Task<unknown, unknown> | undefined
    const world: World = new World({
      seed: seed + 7,
      preempt: settings.preempt,
      ...(step === undefined
        ? {}
        : {
            at: {
              step,
              run: () => {
                if (owner === undefined) return
                Effect.runFork(
                  world.leaks.within(Task.requestCancel(owner)).pipe(Effect.provideService(ClockService, world.clock)),
                  { scheduler: world }
                )
              }
            }
          })
    })
    const player = (latest: Latest.Latest<string>, name: string): Effect.Effect<void> =>
      Effect.gen(function* () {
        for (let move = 0; move < 5; move++) {
          const key = random() < 0.7 ? "k" : "other"
          const body = ledger.body(key, `${name}${move}`, random)
          const choice = Math.floor(random() * 6)
          if (choice < 3) tasks.push(yield* latest.start(key, body))
          else if (choice === 3) yield* Effect.ignore(latest.run(key, body))
          else if (choice === 4) yield* Effect.ignore(Effect.timeout(latest.run(key, body), Math.floor(random() * 8)))
          else yield* latest.cancel(key, random() < 0.3 ? { grace: 2 } : undefined)
          if (random() < 0.5) yield* Effect.sleep(Math.floor(random() * 6))
        }
      })
    const exit = world.run(
      Effect.scoped(
        Effect.gen(function* () {
          const nursery = yield* Nursery.make<unknown>("top")
          owner = yield* nursery.spawn(
            "owner",
            Effect.scoped(
              Effect.flatMap(Latest.make<string>({ overlap: settings.overlap, giveUp: settings.giveUp }), (latest) =>
                Effect.all([player(latest, "x"), player(latest, "y"), player(latest, "z")], {
                  concurrency: "unbounded"
                })
              )
            )
          )
          yield* Task.await(owner)
          // Whoever was given up on is awaited too, so that nothing is left.
          yield* Effect.sleep(200)
        })
      )
    )
    const started = tasks.map(
      (task) => task as unknown as { readonly gone: boolean; readonly attempt: number; readonly name: string }
    )
    const problem =
      world.left ??
      (exit === undefined ? "stuck" : undefined) ??
      (exit!._tag === "Failure" ? Cause.pretty(exit!.cause) : undefined) ??
      ledger.wrong[0] ??
      (ledger.began === ledger.ended ? undefined : `${ledger.began} began, ${ledger.ended} ended`) ??
      (started.some(({ gone }) => !gone) ? "a task has no outcome" : undefined) ??
      (new Set(started.map(({ attempt, name }) => `${name}#${attempt}`)).size === started.length
        ? undefined
        : "two runs of a key have one number")
    return { problem, steps: world.steps }
  }
  const calm = run(undefined)
  if (calm.problem !== undefined) return `without a cancel: ${calm.problem}`
  const step = 1 + Math.floor(randomFrom(seed + 99)() * calm.steps)
  const { problem } = run(step)
  return problem === undefined ? undefined : `step ${step} of ${calm.steps}: ${problem}`
}

const seeds = Number(process.env["SEEDS"] ?? 300)

describe("Latest, cancelled at a random step", () => {
  it("at most one run of a key lives, each ends once with a reason, nothing is left (K1, K10, K18, K35)", () => {
    const wrong = wrongSeeds(seeds, (seed) => scenario(seed, { preempt: 0 }))
    expect(wrong ?? "no seed failed").toBe("no seed failed")
  }, 60_000)

  it("the same where fibers pause between any two operations (K1, K10, K18, K35)", () => {
    const wrong = wrongSeeds(seeds, (seed) => scenario(seed, { preempt: 0.2 }))
    expect(wrong ?? "no seed failed").toBe("no seed failed")
  }, 60_000)

  it("the same with overlap and with giveUp, where runs may live side by side (K12, K35)", () => {
    const wrong =
      wrongSeeds(seeds, (seed) => scenario(seed, { preempt: 0.1, overlap: true })) ??
      wrongSeeds(seeds, (seed) => scenario(seed, { preempt: 0.1, giveUp: 3 }))
    expect(wrong ?? "no seed failed").toBe("no seed failed")
  }, 60_000)

  it("keep: of those that ask together exactly one body runs, whatever the interleaving (K35)", () => {
    const wrong = wrongSeeds(seeds, (seed) => {
      let bodies = 0
      const world = new World({ seed, preempt: 0.3 })
      const exit = world.run(
        Effect.scoped(
          Effect.flatMap(Latest.make<string>({ mode: "keep" }), (latest) => {
            const ask = latest.run(
              "k",
              Effect.suspend(() => {
                bodies++
                return Effect.sleep(100)
              })
            )
            return Effect.all([ask, ask, ask], { concurrency: "unbounded" })
          })
        )
      )
      const answers = exit?._tag === "Success" ? exit.value.filter(({ started }) => started).length : -1
      return world.left ?? (bodies === 1 && answers === 1 ? undefined : `${bodies} bodies, ${answers} started`)
    })
    expect(wrong ?? "no seed failed").toBe("no seed failed")
  }, 60_000)

  it("the last start wins, whatever the interleaving: it completes, all others are superseded (K35)", () => {
    const wrong = wrongSeeds(seeds, (seed) => {
      const random = randomFrom(seed)
      const world = new World({ seed, preempt: 0.3 })
      const order: Array<Task.Task<number>> = []
      const exit = world.run(
        Effect.scoped(
          Effect.gen(function* () {
            const latest = yield* Latest.make<string>()
            const start = (value: number) =>
              Effect.andThen(
                Effect.sleep(Math.floor(random() * 4)),
                Effect.map(
                  latest.start(
                    "k",
                    Effect.onExit(Effect.as(Effect.sleep(20), value), () => Effect.sleep(3))
                  ),
                  (task) => order.push(task)
                )
              )
            yield* Effect.all([1, 2, 3, 4, 5].map(start), { concurrency: "unbounded" })
            order.sort((one, other) => one.attempt - other.attempt)
            const outcomes = yield* Effect.forEach(order, Task.await)
            return outcomes
              .map((outcome) => (outcome._tag === "Cancelled" ? outcome.reason.source : outcome._tag))
              .join()
          })
        )
      )
      const told = exit?._tag === "Success" ? exit.value : "no outcome"
      return world.left ?? (told === "superseded,superseded,superseded,superseded,Completed" ? undefined : told)
    })
    expect(wrong ?? "no seed failed").toBe("no seed failed")
  }, 60_000)
})
