import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import { describe, expect, it } from "vitest"
import * as Ledger from "../../src/testing/Ledger.ts"
import * as Simulation from "../../src/testing/Simulation.ts"

const racers = Effect.all(
  ["a", "b", "c"].map((name) => Effect.andThen(Effect.yieldNow, Ledger.note(name))),
  { concurrency: "unbounded" }
)

const order = (seed?: number): string => Simulation.run(racers, { seed }).ledger.journal.join()

describe("Simulation", () => {
  it("a program of a day takes no time, and ends before run returns", () => {
    const program = Effect.gen(function* () {
      yield* Effect.sleep("1 day")
      return yield* Clock.currentTimeMillis
    })
    const { outcome, took, findings, cancelled } = Simulation.run(program)
    expect(outcome).toMatchObject({ _tag: "Completed", value: 86_400_000 })
    expect({ took, findings, cancelled }).toEqual({ took: 86_400_000, findings: [], cancelled: undefined })
  })

  it("cancelAt: the program is cancelled at that point, with the reason and the policy given", () => {
    const program = Effect.andThen(Effect.sleep("1 hour"), Effect.succeed("done"))
    const { points } = Simulation.run(program)
    expect(Simulation.run(program, { cancelAt: 0 }).outcome).toMatchObject({ _tag: "Cancelled" })
    const reason = { source: "request", by: "ops", message: "stop" } as const
    expect(Simulation.run(program, { cancelAt: 3, reason })).toMatchObject({
      outcome: { _tag: "Cancelled", reason: { by: "ops" } },
      cancelled: { point: 3, at: 0 },
      took: 0
    })
    expect(Simulation.run(program, { cancelAt: 3, grace: "2 hours" }).outcome).toMatchObject({ _tag: "Completed" })
    // Later than the end: no cancel.
    expect(Simulation.run(program, { cancelAt: points + 1 }).cancelled).toBeUndefined()
  })

  it("seed: another order for other seeds, the same for the same", () => {
    expect(order()).toBe("0 a,0 b,0 c")
    const orders = Array.from({ length: 30 }, (_, index) => order(index + 1))
    expect(new Set(orders).size).toBe(6)
    expect(Array.from({ length: 30 }, (_, index) => order(index + 1))).toEqual(orders)
  })

  it("replay: what a checker printed", () => {
    expect(Simulation.run(racers, { replay: "-//0,2" }).ledger.journal).not.toEqual(["0 a", "0 b", "0 c"])
    expect(Simulation.run(racers, { replay: "4" }).cancelled).toMatchObject({ point: 4 })
  })

  it("chance is the same in every run", () => {
    const outcomes = [1, 2].map(() => Simulation.run(Random.next).outcome)
    expect(outcomes[0]).toMatchObject({ _tag: "Completed" })
    expect(outcomes[0]).toEqual(outcomes[1])
  })

  it("says what stands in the way of a program that does not end", () => {
    const never = Simulation.run(Effect.never)
    expect(never.outcome).toBeUndefined()
    expect(never.findings.map(({ kind }) => kind)).toEqual(["stuck"])
    const outside = Simulation.run(
      Effect.promise(() => Promise.resolve(1)),
      { seed: 7 }
    )
    expect(outside.findings.map(({ kind }) => kind)).toEqual(["escaped"])
  })

  it.each([
    [{ cancelAt: -1 }, "cancelAt must be a whole number of 0 or more, but it is -1"],
    [{ seed: 0.5 }, "seed must be a whole number of 1 or more, but it is 0.5"],
    [{ replay: "x" }, "replay must be a token"],
    [{ replay: "3", seed: 1 }, "replay decides everything: leave out cancelAt and seed"]
  ])("options that cannot be meant are refused by name: %o", (options, message) => {
    expect(() => Simulation.run(Effect.void, options)).toThrow(message)
  })
})
