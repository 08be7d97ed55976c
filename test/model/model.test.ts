/**
 * Rescind against the model of its contract: random task trees, run in virtual
 * time, must do what `predict` says (K1 to K5, K8 to K13, K15, K18, K19, K23 to
 * K27, K29 to K36, K39). More of them: `MODEL_RUNS=50000 npx vitest run
 * test/model`, with `MODEL_SEED` for others and `MODEL_SIZE` for larger ones;
 * `MODEL_REPLAY` takes the token that a failure prints.
 */
import * as Effect from "effect/Effect"
import * as Arbitrary from "effect/Arbitrary"
import { describe, expect, it } from "vitest"
import * as TaskPlan from "../../src/testing/TaskPlan.ts"
import { check, problemOf } from "./check.ts"

const seeds = process.env["MODEL_SEED"] === undefined ? [1, 2, 3] : [Number(process.env["MODEL_SEED"])]
const runs = Number(process.env["MODEL_RUNS"] ?? 1000)
const size = Number(process.env["MODEL_SIZE"] ?? 14)
const replay = process.env["MODEL_REPLAY"]

describe("the model of the contract", () => {
  it.each(seeds)(
    "%#: random trees end as it predicts: who, how, when, for which reason, in which order",
    (seed) => {
      const { compared, open, wrong } = check(replay === undefined ? { runs, size, seed } : { replay })
      expect(wrong ?? "as predicted").toBe("as predicted")
      // Else it would say little.
      expect(compared).toBeGreaterThan(replay === undefined ? open : -1)
    },
    600_000
  )

  it("has an opinion on every kind of step", () => {
    const plans = Effect.runSync(
      Arbitrary.sampleEffect(TaskPlan.arbitrary({ longest: 5000 }), { count: 2000, size: 8, seed: 1 })
    )
    const seen = new Set<string>()
    for (const plan of plans) {
      if (problemOf(plan) === "open") continue
      for (const tag of TaskPlan.print(plan).matchAll(/[a-z]+/gi)) seen.add(tag[0])
    }
    const kinds = ["sleep", "fail", "die", "interrupt", "finalizer", "cancel", "catch", "resource", "shield", "budget"]
    const more = ["uninterruptible", "commit", "nursery", "supervise", "background", "hedge", "quorum", "firstSettled"]
    const joins = ["all", "settled", "within", "concurrency", "each", "deadline", "latest", "grace", "giveUp", "wait"]
    expect([...kinds, ...more, ...joins].filter((kind) => !seen.has(kind))).toEqual([])
  })
})
