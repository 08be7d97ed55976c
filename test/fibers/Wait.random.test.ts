/** A poll under a seeded scheduler, with a cancel after a random step: nothing is left, and no check runs after its end. */
import * as Clock from "effect/Clock"
import { Clock as ClockService } from "effect/Clock"
import * as Effect from "effect/Effect"
import { describe, expect, it } from "vitest"
import * as CancelReason from "../../src/fibers/CancelReason.ts"
import * as Nursery from "../../src/fibers/Nursery.ts"
import type { PollTimedOut } from "../../src/fibers/PollTimedOut.ts"
import * as Task from "../../src/fibers/Task.ts"
import type { TaskOutcome } from "../../src/fibers/TaskOutcome.ts"
import * as Wait from "../../src/fibers/Wait.ts"
import { randomFrom, World, wrongSeeds } from "../support/sim.ts"

const seeds = Number(process.env["SEEDS"] ?? 500)

describe("Wait, at random", () => {
  it("a poll cancelled at a random step leaves nothing, and ends as cancelled, found or timed out (K40, K45)", () => {
    const wrong = wrongSeeds(seeds, (seed) => {
      const random = randomFrom(seed * 17)
      const within = random() < 0.2 ? Infinity : Math.floor(random() * 40)
      const takes = Math.floor(random() * 6)
      const lastCheck = Math.floor(random() * 4)
      const trueFrom = random() < 0.5 && within !== Infinity ? Infinity : Math.floor(random() * 40)
      const step = 1 + Math.floor(random() * 400)
      let task: Task.Task<void, PollTimedOut> | undefined
      let outcome: TaskOutcome<void, PollTimedOut> | undefined
      let endedAt = Infinity
      let late: string | undefined
      let running = 0
      let inClock = 0
      const cancel = () => {
        if (task === undefined) return
        Effect.runFork(
          world.leaks
            .within(Task.requestCancel(task, { reason: CancelReason.request({ by: "chance" }) }))
            .pipe(Effect.provideService(ClockService, world.clock)),
          { scheduler: world }
        )
      }
      const world: World = new World({ seed, preempt: 0.2, at: { step, run: cancel } })
      const condition = Effect.acquireUseRelease(
        Effect.sync(() => {
          if (outcome !== undefined) late = "a check began after the end"
          running++
        }),
        () =>
          Effect.andThen(
            Effect.sleep(takes),
            Effect.map(Clock.currentTimeMillis, (now) => now >= trueFrom)
          ),
        () =>
          Effect.sync(() => {
            running--
          })
      )
      const exit = world.run(
        Effect.scoped(
          Effect.gen(function* () {
            const nursery = yield* Nursery.make<PollTimedOut>("n")
            task = yield* nursery.spawn("poll", Wait.poll(condition, { interval: 7, within, lastCheck }))
            outcome = yield* Task.await(task)
            endedAt = yield* Clock.currentTimeMillis
            inClock = running
          })
        )
      )
      if (world.left !== undefined) return world.left
      if (exit === undefined) return "stuck"
      if (inClock !== 0) return `${inClock} checks ran at the end`
      if (endedAt > within + Math.max(1, lastCheck)) return `within ${within} it ended at ${endedAt}`
      if (
        outcome !== undefined &&
        outcome.cleanupFailures.length + outcome.salvaged.length > 0 &&
        trueFrom === Infinity
      )
        return "a check that was never true left something"
      if (outcome?._tag === "Completed" && endedAt < trueFrom) return "it was never true"
      return late
    })
    expect(wrong ?? "no seed failed").toBe("no seed failed")
  }, 30_000)
})
