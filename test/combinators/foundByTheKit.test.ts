/** Faults that the checkers found, each as small as it gets. */
import * as Effect from "effect/Effect"
import { describe, expect, it } from "vitest"
import * as Race from "../../src/combinators/Race.ts"
import * as Nursery from "../../src/fibers/Nursery.ts"
import * as CancelEverywhere from "../../src/testing/CancelEverywhere.ts"
import * as Explore from "../../src/testing/Explore.ts"
import * as Ledger from "../../src/testing/Ledger.ts"

describe("found by the kit", () => {
  it("a quorum out of reach closes what those that succeeded hold, also when its caller is interrupted as it ends (K15, K27)", () => {
    const holds = Effect.andThen(Ledger.resource("file"), Effect.succeed(1))
    const report = CancelEverywhere.check(
      Effect.flip(Race.quorum([holds, Effect.andThen(Effect.sleep(1), Effect.fail("no"))], 2)),
      { allow: ["clean-up-failed"] }
    )
    expect(report.exhausted).toBe(true)
  })

  it("a task from outside that is cancelled together with the race is no failure of its clean-up (K16, K28)", () => {
    const report = Explore.check(
      Nursery.run("outside", (nursery) =>
        Effect.flatMap(nursery.spawn("task", Effect.never), (task) =>
          Race.firstSuccess([Effect.sleep(3), task], { cancelTasks: true })
        )
      ),
      { cancel: true, runs: 2_000, strategies: [{ _tag: "bounded", preemptions: 3 }, { _tag: "random" }] }
    )
    expect(report.runs).toBeGreaterThan(1)
  })
})
