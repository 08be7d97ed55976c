/**
 * Random families of children under a random strategy, with random failures,
 * defects, clean-up and back-offs, under a seeded scheduler; two cancels come
 * after a random step, or nobody cancels.
 */
import * as Cause from "effect/Cause"
import { Clock as ClockService } from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import { describe, expect, it } from "vitest"
import * as CancelReason from "../../src/fibers/CancelReason.ts"
import type { CancelResult } from "../../src/fibers/CancelResult.ts"
import * as Nursery from "../../src/fibers/Nursery.ts"
import { RestartLimitReached } from "../../src/fibers/RestartLimitReached.ts"
import * as Supervisor from "../../src/fibers/Supervisor.ts"
import * as Task from "../../src/fibers/Task.ts"
import type * as TaskOutcome from "../../src/fibers/TaskOutcome.ts"
import { randomFrom, World, wrongSeeds } from "../support/sim.ts"

const seeds = Number(process.env["SEEDS"] ?? 500)

const strategies: ReadonlyArray<Supervisor.Strategy> = ["one-for-one", "one-for-all", "rest-for-one"]
const policies: ReadonlyArray<Supervisor.RestartPolicy> = ["transient", "transient", "permanent", "temporary"]

interface Plan {
  readonly preempt: number
  readonly grace?: number
  readonly giveUp?: number
}

const scenario = (seed: number, plan: Plan): string | undefined => {
  const run = (at: number | undefined) => {
    const random = randomFrom(seed)
    const upTo = (n: number) => Math.floor(random() * n)
    const wrong: Array<string> = []
    const alive = new Map<string, number>()
    let hard = false
    let node: Task.Task<unknown, unknown> | undefined
    let outcome: TaskOutcome.TaskOutcome<unknown, unknown> | undefined
    const results: Array<CancelResult> = []

    const childOf = (name: string) => {
      const attempts = Array.from({ length: 1 + upTo(4) }, () => ({
        millis: upTo(8),
        pause: upTo(4),
        end: upTo(8)
      }))
      let number = 0
      const attempt = Effect.suspend(() => {
        const { end, millis, pause } = attempts[Math.min(number++, attempts.length - 1)]!
        let opened = false
        const body = Effect.suspend((): Effect.Effect<string, string> => {
          opened = true
          if (hard && number > 1 && plan.preempt === 0) wrong.push(`${name} restarted after the cancel`)
          const others = alive.get(name) ?? 0
          if (others > 0) wrong.push(`two attempts of ${name} at once`)
          alive.set(name, others + 1)
          // Turns rather than time: ends that come while the supervisor is about something else.
          const work = millis < 4 ? Effect.forEach(Array(millis * 2), () => Effect.yieldNow) : Effect.sleep(millis)
          if (end < 3) return Effect.andThen(work, Effect.fail("no"))
          if (end === 3) return Effect.andThen(work, Effect.die("bug"))
          if (end === 4) return Effect.andThen(work, Effect.interrupt)
          return Effect.as(work, name)
        })
        const released = Effect.gen(function* () {
          if (!opened) return
          if (pause > 0) yield* Effect.sleep(pause)
          alive.set(name, alive.get(name)! - 1)
        })
        return Effect.onExit(body, (exit) =>
          Effect.flatMap(CancelReason.current, (reason) => {
            const own = exit._tag === "Failure" && end === 4
            if (exit._tag === "Failure" && Cause.hasInterrupts(exit.cause) && Option.isNone(reason) && !own)
              wrong.push(`${name} read no reason`)
            if (Option.isSome(reason) && !["request", "sibling-failed"].includes(reason.value.source))
              wrong.push(`${name} read ${reason.value.source}`)
            return released
          })
        )
      })
      return Supervisor.child(attempt, { restart: policies[upTo(policies.length)]! })
    }

    const world: World = new World({
      seed: seed * 31 + 7,
      preempt: plan.preempt,
      ...(at === undefined
        ? {}
        : {
            at: {
              step: at,
              run: () => {
                if (node === undefined) return
                const task = node
                hard = plan.grace === undefined
                for (const by of ["ann", "bob"]) {
                  Effect.runFork(
                    world.leaks
                      .within(
                        Effect.map(Task.cancel(task, { ...plan, reason: CancelReason.request({ by }) }), (result) => {
                          results.push(result)
                        })
                      )
                      .pipe(Effect.provideService(ClockService, world.clock)),
                    { scheduler: world }
                  )
                }
              }
            }
          })
    })

    let restarts = 0
    const names = Array.from({ length: 1 + upTo(3) }, (_, index) => "abc"[index]!)
    const children = Object.fromEntries(names.map((name) => [name, childOf(name)]))
    const limit = upTo(6)
    const family = Supervisor.all("family", children, {
      strategy: strategies[upTo(3)]!,
      intensity: { restarts: limit, within: 10_000 },
      onRestart: () =>
        Effect.sync(() => {
          restarts++
        }),
      ...(upTo(2) === 0 ? {} : { backoff: Schedule.spaced(1 + upTo(5)) })
    })
    const end = world.run(
      Effect.provideService(
        Effect.scoped(
          Effect.gen(function* () {
            const nursery = yield* Nursery.make<unknown>("top")
            const task = yield* nursery.spawn("task", family)
            node = task
            outcome = yield* Task.await(task)
          })
        ),
        Logger.CurrentLoggers,
        new Set()
      )
    )
    const error = outcome?._tag === "Failed" ? Cause.squash(outcome.cause) : undefined
    const problem =
      (end === undefined ? "stuck" : undefined) ??
      world.left ??
      (end!._tag === "Failure" ? Cause.pretty(end!.cause) : undefined) ??
      wrong[0] ??
      (plan.giveUp === undefined
        ? [...alive].filter(([, times]) => times !== 0).map(([name]) => `${name} lives on`)[0]
        : undefined) ??
      (restarts > limit ? `${restarts} restarts, allowed are ${limit}` : undefined) ??
      (error !== undefined && !(error instanceof RestartLimitReached) ? "failed otherwise" : undefined) ??
      (error !== undefined && restarts !== limit ? `gave up after ${restarts} of ${limit} restarts` : undefined) ??
      (at === undefined && outcome?._tag === "Cancelled" ? "cancelled by nobody" : undefined) ??
      (results.filter(({ _tag }) => _tag === "Cancelled").length > 1 ? "two winners" : undefined)
    return { problem, steps: world.steps }
  }
  const calm = run(undefined)
  if (calm.problem !== undefined) return `without a cancel: ${calm.problem}`
  const at = 1 + Math.floor(randomFrom(seed + 99)() * calm.steps)
  const { problem } = run(at)
  return problem === undefined ? undefined : `step ${at} of ${calm.steps}: ${problem}`
}

describe("Supervisor, cancelled at random", () => {
  it("nothing is left, one attempt at a time, no restart after the cancel, limits hold (K1, K5, K8, K18)", () => {
    const wrong = wrongSeeds(seeds, (seed) => scenario(seed, { preempt: 0 }))
    expect(wrong ?? "no seed failed").toBe("no seed failed")
  }, 60_000)

  it("the same where fibers pause between any two operations (K1, K8, K18)", () => {
    const wrong = wrongSeeds(seeds, (seed) => scenario(seed, { preempt: 0.2 }))
    expect(wrong ?? "no seed failed").toBe("no seed failed")
  }, 60_000)

  it("the same with grace (K12)", () => {
    const wrong = wrongSeeds(seeds, (seed) => scenario(seed, { preempt: 0.1, grace: 5 }))
    expect(wrong ?? "no seed failed").toBe("no seed failed")
  }, 60_000)

  it("the same with giveUp (K12)", () => {
    const wrong = wrongSeeds(seeds, (seed) => scenario(seed, { preempt: 0.1, giveUp: 2 }))
    expect(wrong ?? "no seed failed").toBe("no seed failed")
  }, 60_000)
})
