import { describe, expect, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Scheduler from "effect/Scheduler"
import * as TestClock from "effect/testing/TestClock"
import * as TaskPlan from "../../src/testing/TaskPlan.ts"
import { runOf } from "../model/check.ts"

const sample = (count: number, options?: TaskPlan.ArbitraryOptions, size = 14): ReadonlyArray<TaskPlan.TaskPlan> =>
  Effect.runSync(Arbitrary.sampleEffect(TaskPlan.arbitrary(options), { count, size, seed: 7 }))

/** The smallest plan that is not as it should be. */
const smallest = (
  options: TaskPlan.ArbitraryOptions,
  isRight: (plan: TaskPlan.TaskPlan) => boolean
): TaskPlan.TaskPlan | undefined => {
  const check = Arbitrary.checkEffect(TaskPlan.arbitrary(options), isRight, {
    runs: 500,
    size: 20,
    seed: 3,
    maxShrinks: 5000
  })
  const result = Effect.runSync(Effect.provideService(check, Scheduler.MaxOpsBeforeYield, Number.MAX_SAFE_INTEGER))
  return result._tag === "Falsified" ? result.shrunkInput : undefined
}

const plan = (body: TaskPlan.Step, cancels: TaskPlan.TaskPlan["cancels"] = []): TaskPlan.TaskPlan => ({ body, cancels })
const sleep = (ms: number): TaskPlan.Step => ({ _tag: "Sleep", name: `sleep${ms}`, ms, members: [] })

describe("TaskPlan", () => {
  it("random plans of every kind end, once and leaves first, and leave nothing behind (K1, K6, K15, K38, K45)", () => {
    const wrong = sample(2000).flatMap((plan) => {
      const { journal, left } = runOf(plan)
      const problem = left ?? (journal === undefined ? "never ended" : journal.problem)
      return problem === undefined ? [] : [`${problem}: ${TaskPlan.print(plan)}`]
    })
    expect(wrong).toEqual([])
  })

  it("a seed makes the same plans each time, and others make others", () => {
    expect(sample(20).map(TaskPlan.print)).toEqual(sample(20).map(TaskPlan.print))
    expect(new Set(sample(200).map(TaskPlan.print)).size).toBeGreaterThan(150)
  })

  it("a failing plan shrinks to the steps that matter, and times to the smallest", () => {
    const found = smallest({}, (plan) => !/join\d+\(all.*die/.test(TaskPlan.print(plan)))
    expect(TaskPlan.print(found!)).toMatch(/^join1\(all, die2\)$/)
  })

  it("a cancel from outside shrinks in its time and patience", () => {
    const found = smallest({}, (plan) => !plan.cancels.some(({ grace = 0 }) => grace > 5))
    expect(TaskPlan.print(found!)).toMatch(/^succeed; at 1 (ann|bob) cancels main grace 6$/)
  })

  it("steps of the user's own take part, and a leak in one is found and shrunk", () => {
    const leaky: TaskPlan.ExtraStep = {
      name: "leaky",
      members: [1, 1],
      // The fiber is nobody's.
      run: ([member = Effect.void]) => Effect.asVoid(Effect.forkDetach(member, { startImmediately: true }))
    }
    const found = smallest({ extra: [leaky] }, (plan) => runOf(plan).problem === undefined)
    expect(TaskPlan.print(found!)).toBe("leaky extra1(1, sleep(1))")
    expect(runOf(found!).problem).toBe("extra1a starts but never stops")
  })

  it("prints a plan on a line and as a tree, with the names of the journal", () => {
    const race: TaskPlan.Step = {
      _tag: "Race",
      name: "race1",
      rule: "hedge",
      needed: 1,
      delay: 3,
      grace: 2,
      members: [sleep(5), { _tag: "Shield", name: "shield2", budget: 4, members: [sleep(6)] }]
    }
    const cancelled = plan(race, [{ at: 1, target: 5, by: "ann", giveUp: 9 }])
    expect(TaskPlan.print(cancelled)).toBe(
      "race1(hedge, delay 3, grace 2, sleep(5), shield2(budget 4, sleep(6))); at 1 ann cancels main giveUp 9"
    )
    expect(TaskPlan.printTree(cancelled)).toBe(
      [
        "race1(hedge, delay 3, grace 2) {",
        "  sleep(5)",
        "  shield2(budget 4) {",
        "    sleep(6)",
        "  }",
        "}",
        "at 1 ann cancels main giveUp 9"
      ].join("\n")
    )
    expect(TaskPlan.tasksOf(cancelled)).toEqual(["main"])
  })

  it.effect("the journal tells who did what, when, and for which reason (K18)", () =>
    Effect.gen(function* () {
      const resource: TaskPlan.Step = {
        _tag: "Resource",
        name: "resource1",
        cleanup: { ms: 2, end: "succeed" },
        members: [sleep(50)]
      }
      const running = yield* Effect.forkChild(TaskPlan.interpret(plan(resource, [{ at: 10, target: 0, by: "ann" }])))
      yield* TestClock.adjust(100)
      const journal = yield* Fiber.join(running)
      expect(journal.lines).toEqual([
        "0 main starts",
        "10 resource1 cleans: request/ann/main",
        "12 resource1 cleaned",
        "12 main stops: interrupt, request/ann/main",
        "12 main ended: cancelled interrupted, request/ann/main",
        "12 ann1 answer: Cancelled"
      ])
      expect(journal.outcome?._tag).toBe("Cancelled")
      expect(journal.problem).toBe(undefined)
    })
  )
})
