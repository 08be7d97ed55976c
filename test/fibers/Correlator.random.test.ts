/**
 * Cancel against delivery under a seeded scheduler (S0x-11): whoever is cancelled
 * when, and wherever the wait stands, each message is had exactly once or kept
 * exactly once, and nobody who was cancelled gets one.
 */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import { describe, expect, it } from "vitest"
import * as Join from "../../src/combinators/Join.ts"
import * as Race from "../../src/combinators/Race.ts"
import { Correlator } from "../../src/fibers/Correlator.ts"
import * as Nursery from "../../src/fibers/Nursery.ts"
import * as Task from "../../src/fibers/Task.ts"
import { randomFrom, World, wrongSeeds } from "../support/sim.ts"

const numbers = Correlator.channel<number>("numbers")

type Wrap = (effect: Effect.Effect<unknown, any>) => Effect.Effect<unknown, any>

/** Where a wait may stand. */
const wraps: Record<string, Wrap> = {
  plain: (effect) => effect,
  "Effect.timeout": (effect) => Effect.timeoutOption(effect, "1 day"),
  "Effect.raceFirst": (effect) => Effect.raceFirst(effect, Effect.never),
  "Effect.race": (effect) => Effect.race(Effect.never, effect),
  "Race.firstSuccess": (effect) => Race.firstSuccess({ effect, never: Effect.never }),
  "Join.settled": (effect) => Join.settled({ effect, quick: Effect.void }),
  "Effect.all": (effect) => Effect.all([effect, Effect.yieldNow], { concurrency: 2 }),
  "a nursery": (effect) => Nursery.run("n", () => effect),
  "suspended steps": (effect) =>
    Effect.andThen(
      Effect.yieldNow,
      Effect.suspend(() => Effect.flatMap(effect, (value) => Effect.as(Effect.yieldNow, value)))
    )
}
const names = Object.keys(wraps)

const turns = (count: number): Effect.Effect<void> =>
  count <= 0 ? Effect.void : Effect.andThen(Effect.yieldNow, turns(count - 1))

/** How a scenario gets a message and says that it has it, in one step with what it says it after. */
type Take = (correlator: Correlator["Service"], wrap: Wrap, had: (value: number) => void) => Effect.Effect<unknown, any>

/** Undefined if every message was had once or kept once; else what is wrong. */
const scenario =
  (take: Take, only?: string) =>
  (seed: number): string | undefined => {
    const random = randomFrom(seed * 31)
    const world = new World({ seed, preempt: 0.25 })
    const had: Array<number> = []
    const wrong: Array<string> = []
    const messages = 1 + Math.floor(random() * 4)
    const exit = world.run(
      Effect.scoped(
        Effect.gen(function* () {
          const correlator = yield* Correlator.make()
          const nursery = yield* Nursery.make<any>("waiters")
          const waiters: Array<Task.Task<unknown, any>> = []
          const count = 1 + Math.floor(random() * 4)
          const note = (value: number) => {
            const { _interruptedCause: interrupted } = Fiber.getCurrent() as { _interruptedCause?: unknown }
            if (interrupted !== undefined) wrong.push(`${value} reached a cancelled waiter`)
            had.push(value)
          }
          const start = Effect.gen(function* () {
            for (let index = 0; index < count; index++) {
              const name = only ?? names[Math.floor(random() * names.length)]!
              waiters.push(yield* nursery.spawn(name, take(correlator, wraps[name]!, note)))
              yield* turns(Math.floor(random() * 3))
            }
          })
          const publish = Effect.gen(function* () {
            for (let value = 1; value <= messages; value++) {
              yield* turns(Math.floor(random() * 6))
              yield* correlator.publish(numbers, "key", value)
            }
          })
          const cancel = Effect.gen(function* () {
            for (let times = Math.floor(random() * 4); times > 0; times--) {
              yield* turns(Math.floor(random() * 8))
              const waiter = waiters[Math.floor(random() * waiters.length)]
              if (waiter !== undefined) yield* Task.requestCancel(waiter)
            }
          })
          yield* Effect.all([start, publish, cancel], { concurrency: "unbounded" })
          // Whoever still waits leaves; what is left can be taken.
          for (const waiter of waiters) yield* Task.cancel(waiter)
          const stats = yield* correlator.stats
          if (stats.waiting !== 0 || stats.held !== 0) wrong.push(`${stats.waiting} wait, ${stats.held} held`)
          if (stats.taken + stats.kept !== messages) wrong.push(`${stats.taken} taken, ${stats.kept} kept`)
          const left: Array<number> = []
          for (let more = true; more;) {
            const next = yield* Effect.option(correlator.wait(numbers, "key", { within: 0 }))
            if (Option.isSome(next)) left.push(next.value)
            more = Option.isSome(next)
          }
          if (left.join() !== left.toSorted((a, b) => a - b).join()) wrong.push(`kept in the order ${left.join()}`)
          had.push(...left)
        })
      )
    )
    const all = had.toSorted((a, b) => a - b).join()
    const expected = Array.from({ length: messages }, (_, index) => index + 1).join()
    return (
      world.left ??
      (exit === undefined ? "stuck" : exit._tag === "Failure" ? `failed: ${String(exit.cause)}` : undefined) ??
      wrong[0] ??
      (all === expected ? undefined : `of ${expected} were had or kept ${all}`)
    )
  }

const seeds = Number(process.env["SEEDS"] ?? 1000)

describe("Correlator, at random", () => {
  it("wait: a message reaches what follows it exactly once, or is kept, wherever the wait stands (S0x-11, S0-57)", () => {
    const wrong = wrongSeeds(
      seeds,
      scenario((correlator, wrap, had) => wrap(Effect.map(correlator.wait(numbers, "key"), had)))
    )
    expect(wrong ?? "no seed failed").toBe("no seed failed")
  }, 60_000)

  it("wait within: the same with a time limit", () => {
    const wrong = wrongSeeds(
      seeds,
      scenario((correlator, wrap, had) => wrap(Effect.map(correlator.wait(numbers, "key", { within: "1 day" }), had)))
    )
    expect(wrong ?? "no seed failed").toBe("no seed failed")
  }, 60_000)

  it("receive: each message is worked on to the end exactly once, or is kept (S0x-11)", () => {
    const wrong = wrongSeeds(
      seeds,
      scenario((correlator, wrap, had) =>
        wrap(
          correlator.receive(numbers, "key", (value) =>
            Effect.andThen(
              turns(value),
              Effect.sync(() => had(value))
            )
          )
        )
      )
    )
    expect(wrong ?? "no seed failed").toBe("no seed failed")
  }, 60_000)

  it("the limit that wait has: a value on its way out of a native timeout or race can be dropped, of receive not", () => {
    for (const name of ["Effect.timeout", "Effect.raceFirst"]) {
      const outside: Take = (correlator, wrap, had) =>
        Effect.map(wrap(correlator.wait(numbers, "key")), (value) =>
          had(Option.isOption(value) ? (Option.getOrThrow(value) as number) : (value as number))
        )
      const inside: Take = (correlator, wrap, had) =>
        wrap(correlator.receive(numbers, "key", (value) => Effect.sync(() => had(value))))
      expect(wrongSeeds(seeds, scenario(outside, name)) ?? "no seed failed").toContain("were had or kept")
      expect(wrongSeeds(seeds, scenario(inside, name)) ?? "no seed failed").toBe("no seed failed")
    }
  }, 60_000)

  it("of two that race for a kept message, one gets it and the other goes on waiting", () => {
    const wrong = wrongSeeds(seeds, (seed) => {
      const world = new World({ seed, preempt: 0.4 })
      const exit = world.run(
        Effect.scoped(
          Effect.gen(function* () {
            const correlator = yield* Correlator.make()
            yield* correlator.publish(numbers, "key", 1)
            const waits = yield* Effect.forEach([1, 2, 3], () => Effect.forkChild(correlator.wait(numbers, "key")))
            yield* turns(6)
            yield* correlator.publish(numbers, "key", 2)
            yield* correlator.publish(numbers, "key", 3)
            return yield* Effect.forEach(waits, (fiber) => Fiber.join(fiber))
          })
        )
      )
      return (
        world.left ??
        (exit?._tag === "Success" && exit.value.toSorted((a, b) => a - b).join() === "1,2,3" ? undefined : "wrong")
      )
    })
    expect(wrong ?? "no seed failed").toBe("no seed failed")
  }, 60_000)
})
