import * as Effect from "effect/Effect"
import * as Ref from "effect/Ref"
import { describe, expect, it } from "vitest"
import * as Explore from "../../src/testing/Explore.ts"
import * as Ledger from "../../src/testing/Ledger.ts"

const both = <A, B>(a: Effect.Effect<A>, b: Effect.Effect<B>) => Effect.all([a, b], { concurrency: "unbounded" })

/** Two who each do two things: 6 orders in which these can mix. */
const steps = (name: string) => Effect.forEach([1, 2], (step) => Ledger.note(name + step), { discard: true })
const mixing = both(steps("a"), steps("b"))

const orders = (options: Explore.Options<unknown, unknown>) => {
  const seen = new Set<string>()
  const report = Explore.run(mixing, {
    ...options,
    invariant: ({ ledger }) => void seen.add(ledger.journal.map((line) => line.slice(2)).join(" "))
  })
  return { seen, report }
}

/** Goes wrong if the other one's step falls between the read and the write. */
const lostUpdate = () => {
  let total = 0
  const add = Effect.gen(function* () {
    const read = yield* Effect.sync(() => total)
    yield* Effect.sync(() => {
      total = read + 1
    })
  })
  return { program: both(add, add), invariant: () => (total === 2 ? undefined : `the total is ${total}`) }
}

const runsOf = (seed: number) => [...orders({ seed, strategies: [{ _tag: "random" }], runs: 5 }).seen]

describe("Explore", () => {
  it("depth first: with enough pauses it sees every order, then it is exhausted", () => {
    const { seen, report } = orders({ strategies: [{ _tag: "bounded", preemptions: 3 }], runs: 100_000 })
    expect(report.exhausted).toBe(true)
    expect(seen.size).toBe(6)
  })

  it("depth first: with no pause allowed it sees one after the other", () => {
    const { seen, report } = orders({ strategies: [{ _tag: "bounded", preemptions: 0 }] })
    expect(report).toMatchObject({ exhausted: true })
    expect([...seen].toSorted()).toEqual(["a1 a2 b1 b2"])
  })

  it.each(["random", "pct"] as const)("%s: every order comes up sooner or later", (tag) => {
    const { seen } = orders({ strategies: [tag === "pct" ? { _tag: tag, depth: 8 } : { _tag: tag }], runs: 5_000 })
    expect(seen.size).toBe(6)
  })

  it("the same seed makes the same runs, another seed others", () => {
    expect(runsOf(7)).toEqual(runsOf(7))
    expect(runsOf(7)).not.toEqual(runsOf(8))
  })

  it("the failing schedule is made small: one pause, nothing else", () => {
    for (const _tag of ["bounded", "random", "pct"] as const) {
      const [failure] = Explore.run(lostUpdate, { strategies: [{ _tag }] }).failures
      expect(failure?.replay).toMatch(/^-\/\d+$/)
      expect(failure?.findings).toEqual([{ kind: "invariant", message: "the total is 1" }])
      expect(Explore.run(lostUpdate, { replay: failure!.replay }).failures).toHaveLength(1)
    }
  })

  it("a replay of a schedule that is not wrong says so", () => {
    expect(Explore.run(lostUpdate, { replay: "-" })).toMatchObject({ runs: 1, failures: [] })
  })

  it("with cancel, a bug that needs both a pause and a cancel is found", () => {
    // The undo runs only if the cancel comes after the other has taken the lock and before this one noticed.
    const program = Effect.gen(function* () {
      const lock = yield* Ref.make<string | undefined>(undefined)
      const take = (name: string) =>
        Effect.gen(function* () {
          if ((yield* Ref.get(lock)) !== undefined) return
          yield* Ref.set(lock, name)
          yield* Effect.onInterrupt(Effect.sleep(1), () =>
            Effect.flatMap(Ref.get(lock), (owner) =>
              owner === name ? Effect.void : Ledger.work(`${name} undid ${owner}`)
            )
          )
        })
      yield* both(take("a"), take("b"))
    })
    for (const _tag of ["bounded", "random", "pct"] as const) {
      expect(Explore.run(program, { strategies: [{ _tag }], runs: 5000 }).failures).toEqual([])
      const report = Explore.run(program, { strategies: [{ _tag }], cancel: true, runs: 5000 })
      expect(report.failures[0]?.findings[0]).toMatchObject({ kind: "work-after-cancel" })
      expect(report.failures[0]?.replay).toMatch(/^\d+\/\d+(,\d+){0,4}$/)
    }
  })

  it("depth first with cancel: every point is tried before any is tried with pauses twice", () => {
    const points = new Set<number | undefined>()
    const report = Explore.run(Effect.sleep(1), {
      strategies: [{ _tag: "bounded" }],
      cancel: true,
      invariant: ({ cancelled }) => void points.add(cancelled?.point)
    })
    expect(report.exhausted).toBe(true)
    for (let point = 0; point <= report.points; point++) expect(points).toContain(point)
    expect(points).toContain(undefined)
  })

  it("no more runs than asked for", () => {
    expect(Explore.run(mixing, { runs: 30 }).runs).toBe(30)
    expect(Explore.run(mixing, { runs: 1 }).runs).toBe(1)
  })

  it.each([
    [{ runs: 0 }, "runs must be a whole number of 1 or more, but it is 0"],
    [{ seed: 1.5 }, "seed must be a whole number of 1 or more, but it is 1.5"],
    [{ strategies: [] }, "strategies must name at least one strategy"],
    [
      { strategies: [{ _tag: "bounded", preemptions: -1 }] },
      "preemptions must be a whole number of 0 or more, but it is -1"
    ],
    [{ strategies: [{ _tag: "random", preempt: 2 }] }, "preempt must be a number from 0 to 1, but it is 2"],
    [{ strategies: [{ _tag: "pct", depth: 0 }] }, "depth must be a whole number of 1 or more, but it is 0"],
    [{ strategies: [{ _tag: "guess" }] }, `"guess" is no strategy`]
  ])("options that cannot be meant are refused by name: %o", (options, message) => {
    expect(() => Explore.run(Effect.void, options as Explore.Options<void, never>)).toThrow(message)
  })
})
