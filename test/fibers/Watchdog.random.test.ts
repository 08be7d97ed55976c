/**
 * The observers under a seeded scheduler: random programs, a cancel after a random
 * step, and a watchdog and metrics that must have seen all of it.
 */
import { Clock as ClockService } from "effect/Clock"
import * as Cause from "effect/Cause"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Metric from "effect/Metric"
import * as Scope from "effect/Scope"
import { describe, expect, it } from "vitest"
import * as Race from "../../src/combinators/Race.ts"
import { installed } from "../../src/fibers/internal/observers.ts"
import * as Nursery from "../../src/fibers/Nursery.ts"
import type * as OverdueCancel from "../../src/fibers/OverdueCancel.ts"
import * as Task from "../../src/fibers/Task.ts"
import * as TaskMetrics from "../../src/fibers/TaskMetrics.ts"
import type * as TaskOutcome from "../../src/fibers/TaskOutcome.ts"
import { Tasks } from "../../src/fibers/Tasks.ts"
import * as Watchdog from "../../src/fibers/Watchdog.ts"
import { randomFrom, World, wrongSeeds } from "../support/sim.ts"

const threshold = 6

const program = (random: () => number, depth: number): Effect.Effect<unknown> => {
  const below = () => program(random, depth - 1)
  const millis = 1 + Math.floor(random() * 20)
  const pause = Math.floor(random() * 12)
  const choice = depth === 0 ? Math.floor(random() * 3) : Math.floor(random() * 8)
  const inner = (): Effect.Effect<unknown> => {
    switch (choice) {
      case 0:
        return Effect.sleep(millis)
      case 1:
        return Effect.uninterruptible(Effect.sleep(1 + Math.floor(millis / 2)))
      case 2:
        return Effect.scoped(
          Effect.andThen(
            Effect.addFinalizer(() => Effect.sleep(pause)),
            Effect.sleep(millis)
          )
        )
      case 3:
      case 4: {
        const children = Array.from({ length: 1 + Math.floor(random() * 3) }, below)
        const background = random() < 0.3
        const body = below()
        return Nursery.run("n", (nursery: Nursery.Nursery) =>
          Effect.andThen(
            Effect.forEach(children, (child, index) => nursery.spawn(`c${index}`, child, { background })),
            body
          )
        ).pipe(Effect.orDie)
      }
      case 5:
        return Effect.orDie(Race.firstSuccess({ a: below(), b: below() }))
      case 6:
        return Effect.uninterruptible(
          Effect.orDie(Nursery.run("held", (n: Nursery.Nursery) => n.spawn("part", Effect.sleep(millis))))
        )
      default:
        return Effect.race(below(), below())
    }
  }
  return Effect.onInterrupt(Effect.suspend(inner), () => Effect.sleep(pause))
}

/** Runs beside the program, in its world. */
const outside = (world: World, effect: Effect.Effect<unknown>): unknown =>
  Effect.runFork(world.leaks.within(Effect.provideService(effect, ClockService, world.clock)), { scheduler: world })

const scenario = (seed: number, policy: Task.CancelOptions, shutEarly: boolean): string | undefined => {
  const run = (at: number | undefined) => {
    const random = randomFrom(seed)
    const reports: Array<OverdueCancel.OverdueCancel & { readonly now: number }> = []
    const registry: Metric.MetricRegistry = new Map()
    let task: Task.Task<unknown> | undefined
    let outcome: TaskOutcome.TaskOutcome<unknown> | undefined
    let watchdogScope: Scope.Closeable | undefined
    let closedAt = Infinity
    const world: World = new World({
      seed: seed * 17 + 3,
      preempt: 0.1,
      ...(at === undefined
        ? {}
        : {
            at: {
              step: at,
              run: () => {
                if (task === undefined) return
                outside(world, Task.cancel(task, policy))
                if (shutEarly && watchdogScope !== undefined) {
                  outside(
                    world,
                    Effect.andThen(
                      Scope.close(watchdogScope, Exit.void),
                      Effect.sync(() => {
                        closedAt = world.now
                      })
                    )
                  )
                }
              }
            }
          })
    })
    const exit = world.run(
      Effect.scoped(
        Effect.gen(function* () {
          watchdogScope = yield* Scope.make()
          yield* Scope.provide(
            Watchdog.make({
              threshold,
              maxAge: 45,
              onReport: (overdue) =>
                Effect.sync(() => {
                  for (const cancel of overdue) reports.push({ ...cancel, now: world.now })
                })
            }),
            watchdogScope
          )
          yield* TaskMetrics.make
          const tasks = yield* Tasks
          task = yield* tasks.start("root", program(random, 3))
          outcome = yield* Task.await(task)
          // Stragglers, and the last timer.
          yield* Effect.sleep(200)
          yield* Scope.close(watchdogScope, Exit.void)
        })
      ).pipe(Effect.provide(Tasks.layer()), Effect.provideService(Metric.MetricRegistry, registry))
    )
    const counted = { started: 0, ended: 0 }
    for (const { hooks, id } of registry.values()) {
      const state = hooks.get(undefined as never)
      if (id === "rescind_tasks_started_total") counted.started += state.count
      if (id === "rescind_tasks_ended_total") counted.ended += state.count
    }
    const took = outcome?._tag === "Cancelled" ? Duration.toMillis(outcome.took) : 0
    // Reported itself, or as what another one holds up.
    const first = reports.find(
      ({ holdsUp, reason }) => outcome?._tag === "Cancelled" && [reason, ...holdsUp].includes(outcome.reason)
    )
    const asked = outcome?._tag === "Cancelled" ? DateTime.toEpochMillis(outcome.reason.at) : 0
    return {
      steps: world.steps,
      problem:
        world.left ??
        (exit === undefined ? "stuck" : exit._tag === "Failure" ? Cause.pretty(exit.cause) : undefined) ??
        (counted.started === 0 || counted.started !== counted.ended
          ? `${counted.started} started, ${counted.ended} ended`
          : undefined) ??
        (reports.some(({ askedMillisAgo }) => askedMillisAgo < threshold) ? "reported too early" : undefined) ??
        (!shutEarly && took > threshold && first === undefined ? `took ${took} and was not reported` : undefined) ??
        (!shutEarly && first !== undefined && first.now !== asked + threshold
          ? `first reported ${first.now - asked} after the request`
          : undefined) ??
        (reports.some(({ now }) => now > closedAt) ? "reported after its end" : undefined) ??
        (installed === 0 ? undefined : "an observer is left")
    }
  }
  const calm = run(undefined)
  if (calm.problem !== undefined) return `without a cancel: ${calm.problem}`
  const at = 1 + Math.floor(randomFrom(seed + 99)() * calm.steps)
  const { problem } = run(at)
  return problem === undefined ? undefined : `step ${at} of ${calm.steps}: ${problem}`
}

const seeds = Number(process.env["SEEDS"] ?? 200)

describe("observers, with a cancel at a random step", () => {
  it("every cancel over the threshold is reported, then and not earlier; starts equal ends; nothing is left (K44, K45)", () => {
    const wrong = wrongSeeds(seeds, (seed) => scenario(seed, {}, false))
    expect(wrong ?? "no seed failed").toBe("no seed failed")
  }, 20_000)

  it("the same with grace and giving up (K12, K44)", () => {
    const wrong = wrongSeeds(seeds, (seed) => scenario(seed, { grace: seed % 12, giveUp: 4 + (seed % 20) }, false))
    expect(wrong ?? "no seed failed").toBe("no seed failed")
  }, 20_000)

  it("a watchdog that is closed in the same step leaves no timer (K44, K45)", () => {
    const wrong = wrongSeeds(seeds, (seed) => scenario(seed, {}, true))
    expect(wrong ?? "no seed failed").toBe("no seed failed")
  }, 20_000)
})
