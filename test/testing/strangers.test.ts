/** What somebody does who has not read the documentation: each of these was once passed over, blamed wrongly, or answered by a crash. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import { PreventSchedulerYield } from "effect/Scheduler"
import * as TestClock from "effect/testing/TestClock"
import { describe, expect, it } from "vitest"
import { installed } from "../../src/fibers/internal/observers.ts"
import * as Shield from "../../src/fibers/Shield.ts"
import * as Task from "../../src/fibers/Task.ts"
import { Tasks } from "../../src/fibers/Tasks.ts"
import * as Watchdog from "../../src/fibers/Watchdog.ts"
import * as CancelEverywhere from "../../src/testing/CancelEverywhere.ts"
import * as Explore from "../../src/testing/Explore.ts"
import * as Ledger from "../../src/testing/Ledger.ts"
import * as Report from "../../src/testing/Report.ts"
import * as Simulation from "../../src/testing/Simulation.ts"

const messages = ({ failures }: Report.Report): ReadonlyArray<string> => [
  ...new Set(failures.flatMap(({ findings }) => findings.map(({ kind, message }) => `${kind}: ${message}`)))
]

/** As somebody who writes JavaScript. */
const untyped = (given: unknown): never => given as never

/** Between reading the sum and writing it the other must not write. */
const losing = () => {
  let sum = 0
  const add = (millis: number) =>
    Effect.gen(function* () {
      yield* Effect.sleep(millis)
      const seen = sum
      yield* Effect.sync(() => {})
      sum = seen + 1
    })
  return {
    program: Effect.all([add(1), add(2)], { concurrency: 2 }),
    invariant: () => (sum === 2 ? undefined : `the sum is ${sum}`)
  }
}

/** From the sixth run on it takes longer. */
const slowly = () => {
  let runs = 0
  return Effect.suspend(() => (++runs > 5 ? Effect.sleep(2) : Effect.sleep(1)))
}

describe("what is no program", () => {
  it.each<[name: string, given: unknown, message: string]>([
    ["undefined", undefined, "program must be an effect, or a function that returns one, but it is undefined"],
    ["null", null, "program must be an effect, or a function that returns one, but it is null"],
    ["a number", 5, "program must be an effect, or a function that returns one, but it is 5"],
    ["a promise", Promise.resolve(1), "but it is a promise"],
    ["a function that returns nothing", () => {}, "but it is a function that returned undefined"],
    ["an async function", async () => Effect.void, "but it is a function that returned a promise"],
    ["a generator", function* () {}, "but it is a function that returned a generator: wrap it in Effect.gen"],
    [
      "a program that is none",
      () => ({ program: () => Effect.void }),
      "program.program must be an effect, but it is a f"
    ],
    [
      "an invariant that is none",
      () => ({ program: Effect.void, invariant: 1 }),
      "program.invariant must be a function"
    ],
    ["a cancel that is none", () => ({ program: Effect.void, cancel: () => 1 }), "program.cancel must be an effect"]
  ])("%s is refused by name", (_, given, message) => {
    expect(() => CancelEverywhere.run(untyped(given))).toThrow(message)
    expect(() => Explore.run(untyped(given))).toThrow(message)
    expect(() => Simulation.run(untyped(given))).toThrow(message)
  })

  it("a function with a default argument is one", () => {
    expect(CancelEverywhere.run((millis = 3) => Effect.sleep(millis)).failures).toEqual([])
  })
})

describe("options that cannot be meant", () => {
  it.each<[options: unknown, message: string]>([
    [null, "options must be an object, but it is null"],
    ["fast", "options must be an object, but it is fast"],
    [{ reason: "because" }, 'reason must be a reason, such as CancelReason.request({ by: "ann" }), but it is because'],
    [{ reason: { source: "mood", message: "" } }, "reason must be a reason"],
    [{ invariant: 3 }, "invariant must be a function, but it is 3"],
    [{ allow: "stuck" }, "allow must be a list of kinds of findings, but it is stuck"],
    [{ allow: ["stuk"] }, "allow must be a list of kinds of findings, but it has stuk"],
    [{ replay: 12 }, "replay must be a token that a failure printed"]
  ])("are refused by name: %j", (options, message) => {
    expect(() => CancelEverywhere.run(Effect.void, untyped(options))).toThrow(message)
    expect(() => Explore.run(Effect.void, untyped(options))).toThrow(message)
    expect(() => Simulation.run(Effect.void, untyped(options))).toThrow(message)
  })

  it.each<[options: unknown, message: string]>([
    [{ strategies: "random" }, "strategies must name at least one strategy, but it is random"],
    [{ strategies: [null] }, `"null" is no strategy`],
    [{ strategies: ["random"] }, `"random" is no strategy`],
    [{ strategies: [{ _tag: "random", preempt: "0.3" }] }, "preempt must be a number from 0 to 1, but it is 0.3"],
    [{ strategies: [{ _tag: "random", late: 1.5 }] }, "late must be a number from 0 to 1, but it is 1.5"],
    [{ cancel: "no" }, "cancel must be true or false, but it is no"]
  ])("are refused by name: %j", (options, message) => {
    expect(() => Explore.run(Effect.void, untyped(options))).toThrow(message)
  })

  it("again", () => {
    expect(() => CancelEverywhere.run(Effect.void, untyped({ again: "yes" }))).toThrow(
      "again must be true or false, but it is yes"
    )
  })
})

describe("an invariant", () => {
  it.each<[name: string, invariant: unknown, message: string]>([
    ["a promise", async () => "wrong", "invariant: It answered a promise: it must say at once what is wrong"],
    ["an effect", () => Effect.fail("wrong"), "invariant: It answered an effect: it must say at once what is wrong"]
  ])("that answers %s is no check", (_, invariant, message) => {
    expect(messages(CancelEverywhere.run(Effect.void, { invariant: untyped(invariant) }))).toEqual([message])
  })
})

describe("correct programs", () => {
  it("fractions of a millisecond", () => {
    const program = Effect.gen(function* () {
      yield* Effect.withSpan(Effect.sleep("1500 micros"), "outer")
      return yield* Clock.currentTimeNanos
    })
    expect(Simulation.run(program).outcome).toMatchObject({ value: 1_500_000n })
    expect(messages(CancelEverywhere.run(program))).toEqual([])
  })

  it("a cancel of its own that answers some time after the program has ended", () => {
    const report = CancelEverywhere.run(() => {
      let fiber: Fiber.Fiber<unknown, unknown> | undefined
      let ended = false
      return {
        program: Effect.withFiber((current) => {
          fiber = current
          current.addObserver(() => {
            ended = true
          })
          return Effect.sleep(20)
        }),
        cancel: Effect.suspend(() => {
          fiber?.interruptUnsafe()
          const looks = Effect.sync(() => ended || fiber === undefined)
          return Effect.repeat(looks, { until: Boolean, schedule: Schedule.spaced(10) })
        })
      }
    })
    expect(messages(report)).toEqual([])
  })

  it.each([
    ["interrupted natively, a moment before the cancel", {}],
    ["interrupted natively, in the grace", { grace: 10 }]
  ])("work that is %s: there is no reason to read", (_, options) => {
    const program = Effect.timeoutOption(Ledger.watch("slow")(Effect.sleep(20)), 1)
    expect(messages(CancelEverywhere.run(program, options))).toEqual([])
  })

  it("work that is interrupted natively in a shield: there is no reason to read", () => {
    const program = Shield.run("save", Effect.timeoutOption(Ledger.watch("slow")(Effect.sleep(20)), 3))
    expect(messages(CancelEverywhere.run(program))).toEqual([])
  })
})

/** Wrong unless what the program notes comes in that order. */
const inOrder =
  (program: (note: (name: string) => Effect.Effect<void>) => Effect.Effect<unknown>, order: string) => () => {
    const notes: Array<string> = []
    const note = (name: string) =>
      Effect.sync(() => {
        notes.push(name)
      })
    return { program: program(note), invariant: () => (notes.join() === order ? undefined : notes.join()) }
  }

describe("an order that Effect keeps", () => {
  it("children of one parent start in the order of their forks, and before the parent goes on from a yield", () => {
    const program = inOrder(
      (note) =>
        Effect.gen(function* () {
          yield* Effect.forkChild(note("a"))
          yield* Effect.forkChild(note("b"))
          yield* Effect.yieldNow
          yield* note("parent")
          yield* Effect.sleep(1)
        }),
      "a,b,parent"
    )
    expect(messages(Explore.run(program))).toEqual([])
  })

  it("of what one fiber has scheduled, the lower priority comes first", () => {
    const program = inOrder(
      (note) =>
        Effect.withFiber(({ currentDispatcher }) => {
          const schedule = (name: string, priority: number) =>
            currentDispatcher.scheduleTask(() => Effect.runSync(note(name)), priority)
          schedule("late", 5)
          schedule("early", 1)
          return Effect.sleep(1)
        }),
      "early,late"
    )
    expect(messages(Explore.run(program))).toEqual([])
  })
})

describe("incorrect programs", () => {
  it("one that loses an update only where a timer fires while another fiber is held", () => {
    expect(Explore.run(losing).failures).toEqual([])
    const report = Explore.run(losing, { strategies: [{ _tag: "random", late: 0.2 }] })
    expect(messages(report)).toEqual(["invariant: the sum is 1"])
    const { replay, details } = report.failures[0]!
    expect(replay).toMatch(/^-\/\d+\/[\d,]*\/\d+$/)
    expect(details).toContain("time passed once although somebody could run")
    expect(messages(Explore.run(losing, { replay }))).toEqual(["invariant: the sum is 1"])
  })

  it("one that asserts inside, and one that lacks a service: a defect is a finding, a failure is none", () => {
    const asserting = Effect.gen(function* () {
      const order: Array<string> = []
      const note = (name: string) =>
        Effect.andThen(
          Effect.yieldNow,
          Effect.sync(() => order.push(name))
        )
      yield* Effect.all([note("a"), note("b")], { concurrency: 2 })
      if (order.join() !== "a,b") throw new TypeError(`it was ${order.join()}`)
    })
    const report = Explore.run(asserting)
    expect(messages(report)).toEqual(["died: It died: TypeError: it was b,a"])
    expect(report.failures[0]!.details).toContainEqual(expect.stringMatching(/^the program threw in `.*` at test/))
    expect(messages(CancelEverywhere.run(untyped(Tasks)))).toEqual([
      expect.stringContaining("died: It died: Error: Service not found: rescind/fibers/Tasks")
    ])
    expect(messages(Explore.run(asserting, { allow: ["died"] }))).toEqual([])
    expect(messages(CancelEverywhere.run(Effect.fail("no")))).toEqual([])
  })

  it("one that sleeps in a circle where nothing may yield is endless, and does not hang the checker", () => {
    const program = Effect.provideService(Effect.forever(Effect.sleep(1)), PreventSchedulerYield, true)
    expect(messages(CancelEverywhere.run(program, { maxSteps: 1000 }))).toEqual([
      expect.stringContaining("endless: It had not ended after ")
    ])
  })

  it("a circle of turns that waits for a timer: the checker says why it never fires", () => {
    const program = Effect.timeoutOption(Effect.forever(Effect.yieldNow), 10)
    expect(messages(CancelEverywhere.run(program, { maxSteps: 1000 }))).toEqual([
      "endless: It had not ended after 1001 operations. 1 timer was set: time passes only when nobody can run, so a loop that waits for it must sleep"
    ])
  })
})

describe("a program that keeps state from run to run", () => {
  it("is found out also where it shows only after some runs", () => {
    const once = [CancelEverywhere.run(slowly()), Explore.run(slowly(), { runs: 10 })]
    for (const report of once)
      expect(messages(report)).toEqual([expect.stringMatching(/^not-repeatable: .*1 ms, then 2 ms/)])
    expect(CancelEverywhere.run(slowly).failures).toEqual([])
  })
})

describe("a report", () => {
  it("is short, however many things went wrong", () => {
    const opens = Effect.forEach(
      Array.from({ length: 2000 }, (_, index) => index),
      (index) => Ledger.opened(`db ${index} ${"x".repeat(100)}`)
    )
    const text = Report.format(CancelEverywhere.run(opens, { replay: "-" }))
    expect(text).toContain("and 1994 more")
    expect(text.length).toBeLessThan(10_000)
    const tasks = Effect.gen(function* () {
      const all = yield* Tasks
      for (let index = 0; index < 500; index++) yield* all.start(`task ${index}`, Effect.never)
      yield* Effect.never
    })
    const stuck = Report.format(CancelEverywhere.run(Effect.provide(tasks, Tasks.layer()), { replay: "-" }))
    expect(stuck).toContain("more")
    expect(stuck.length).toBeLessThan(5000)
  })

  it("does not stand among what an error shows beside its message", () => {
    const error = Effect.runSync(
      Effect.flip(Effect.try({ try: () => CancelEverywhere.check(Ledger.opened("db")), catch: (error) => error }))
    )
    expect(error).toBeInstanceOf(Report.CheckFailed)
    expect(Object.keys(error as object)).not.toContain("report")
    expect((error as Report.CheckFailed).report.failures.length).toBeGreaterThan(0)
  })

  it("leaves out a cancel that has no part in the failure", () => {
    const failing = () => {
      const order: Array<string> = []
      const note = (name: string) =>
        Effect.andThen(
          Effect.yieldNow,
          Effect.sync(() => order.push(name))
        )
      return {
        program: Effect.all([note("a"), note("b")], { concurrency: 2 }),
        invariant: () => (order.at(0) === "b" ? "b came first" : undefined)
      }
    }
    const report = Explore.run(failing, { cancel: true, strategies: [{ _tag: "random" }] })
    expect(messages(report)).toEqual(["invariant: b came first"])
    expect(report.failures[0]!.replay).toMatch(/^-/)
  })

  it("says that a program brought a clock of its own, such as the test clock", () => {
    const report = CancelEverywhere.run(Effect.provide(Effect.sleep(5), TestClock.layer()))
    expect(messages(report)).toEqual(["stuck: Nothing can run any more, but the program has not ended"])
    expect(report.failures[0]!.details).toContain(
      "the program has a Clock of its own, which no checker moves on: leave it out, time passes by itself here"
    )
  })

  it("names Effect.never", () => {
    const text = Report.format(CancelEverywhere.run(Effect.andThen(Effect.forkDetach(Effect.never), Effect.void)))
    expect(text).not.toContain("Function.constant")
  })
})

describe("a run that is stuck", () => {
  it("leaves nothing behind in the process", () => {
    const cancelling = Effect.gen(function* () {
      const tasks = yield* Tasks
      const endless = yield* tasks.start(
        "endless",
        Effect.onInterrupt(Effect.never, () => Effect.never)
      )
      yield* Effect.uninterruptible(Task.cancel(endless))
    })
    const before = installed
    const watched = cancelling.pipe(Effect.provide(Tasks.layer()), Effect.provide(Watchdog.layer()))
    expect(messages(CancelEverywhere.run(watched))).not.toEqual([])
    expect(installed).toBe(before)
  })
})
