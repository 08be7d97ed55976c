import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import { describe, expect, it } from "vitest"
import * as CancelReason from "../../src/fibers/CancelReason.ts"
import * as Nursery from "../../src/fibers/Nursery.ts"
import * as Task from "../../src/fibers/Task.ts"
import * as CancelEverywhere from "../../src/testing/CancelEverywhere.ts"
import * as Explore from "../../src/testing/Explore.ts"
import * as Ledger from "../../src/testing/Ledger.ts"
import type { Report } from "../../src/testing/Report.ts"
import { CheckFailed } from "../../src/testing/Report.ts"

const found = ({ failures }: Report): Record<string, string> =>
  Object.fromEntries(failures.flatMap(({ findings }) => findings.map(({ kind, message }) => [kind, message])))

/** Its clean-up waits so long, or for ever. */
const waits = (millis: number | undefined) =>
  Effect.gen(function* () {
    const never = yield* Deferred.make<void>()
    yield* Effect.ensuring(Effect.sleep(1), millis === undefined ? Deferred.await(never) : Effect.sleep(millis))
  })

const counted = () => {
  let began = 0
  return {
    program: Effect.andThen(
      Effect.sync(() => began++),
      Effect.sleep(1)
    ),
    invariant: () => (began > 1 ? `it began ${began} times` : undefined)
  }
}

/** Work on a fiber of its own that writes a last row when it is stopped, and how a button stops it. */
const cancelButton = (stop: (fiber: Fiber.Fiber<unknown>) => Effect.Effect<unknown, string>) => {
  let running: Fiber.Fiber<unknown> | undefined
  const work = Effect.onInterrupt(Effect.sleep(10), () => Effect.andThen(Effect.sleep(1), Ledger.work("last row")))
  return {
    program: Effect.gen(function* () {
      running = yield* Effect.forkChild(work)
      yield* Fiber.await(running)
    }),
    cancel: Effect.suspend(() => (running === undefined ? Effect.void : stop(running)))
  }
}

describe("CancelEverywhere", () => {
  it("cancels before the first operation, before each further one, and while all wait", () => {
    const reached: Array<string> = []
    const program = Effect.onExit(Effect.andThen(Ledger.note("began"), Effect.sleep(10)), () => Effect.void)
    const report = CancelEverywhere.run(program, {
      invariant: ({ ledger, took, cancelled }) => {
        reached.push(
          `${cancelled?.point ?? "-"} ${ledger.journal.some((line) => line.endsWith("began")) ? "began" : "not"} ${took}`
        )
      }
    })
    expect(report).toMatchObject({ failures: [], exhausted: true, runs: report.points + 2 })
    // Undisturbed it takes 10 ms; cancelled before the first step it never begins; cancelled in the sleep it has begun.
    expect(reached[0]).toBe("- began 10")
    expect(reached[1]).toBe("0 not 0")
    expect(reached.filter((line) => line.endsWith("began 0")).length).toBeGreaterThan(1)
    // The timer had fired: only what follows it can be cancelled at 10 ms.
    expect(reached.some((line) => line.startsWith(`${report.points} began 10`))).toBe(true)
  })

  it("cancels what has begun to wait before time passes", () => {
    const left: Array<string> = []
    const program = Effect.gen(function* () {
      let wake: (() => void) | undefined
      yield* Effect.forkChild(
        Effect.andThen(
          Effect.sleep(10),
          Effect.sync(() => wake!())
        ),
        { startImmediately: true }
      )
      yield* Effect.callback<void>((resume) => {
        wake = () => resume(Effect.void)
        return Ledger.note("left")
      })
    })
    CancelEverywhere.check(program, { invariant: ({ ledger }) => void left.push(...ledger.journal) })
    expect(left).toContain("0 left")
  })

  it("virtual time passes at once, and timers fire in order of their instants", () => {
    const program = Effect.gen(function* () {
      yield* Effect.all(
        [20, 5, 10].map((millis) => Effect.andThen(Effect.sleep(millis), Ledger.note(`after ${millis}`))),
        { concurrency: "unbounded" }
      )
      yield* Effect.sleep("3 days")
      yield* Ledger.note(String(yield* Clock.currentTimeMillis))
    })
    CancelEverywhere.check(program, {
      replay: "-",
      invariant: ({ ledger }) =>
        expect(ledger.journal).toEqual(["5 after 5", "10 after 10", "20 after 20", "259200020 259200020"])
    })
  })

  it("chance is the same in every run", () => {
    const drawn = new Set<number>()
    const program = Effect.gen(function* () {
      drawn.add(yield* Random.next)
      yield* Effect.retry(Effect.fail("no"), Schedule.max([Schedule.jittered(Schedule.spaced(10)), Schedule.recurs(3)]))
    })
    CancelEverywhere.check(Effect.exit(program))
    expect(drawn.size).toBe(1)
  })

  it("a second cancel at each point of the clean-up: the first reason stays, the clean-up is not cut short", () => {
    const program = Effect.gen(function* () {
      yield* Ledger.finalizer("slow", Effect.andThen(Effect.sleep(5), Effect.yieldNow))
      yield* Effect.sleep(10)
    })
    const once = CancelEverywhere.run(program)
    const twice = CancelEverywhere.run(program, { again: true })
    expect([once.failures, twice.failures]).toEqual([[], []])
    expect(twice.runs).toBeGreaterThan(once.runs * 4)

    // In the grace of the first nothing is interrupted; the second ends it, wherever the program is by then.
    const leaky = Effect.gen(function* () {
      const db = yield* Ledger.opened("db")
      yield* Effect.ensuring(Effect.sleep(10), Ledger.closed(db))
    })
    expect(CancelEverywhere.run(leaky, { grace: "1 minute" }).failures).toEqual([])
    expect(found(CancelEverywhere.run(leaky, { grace: "1 minute", again: true }))).toEqual({
      "not-released": `"db" was opened and never closed`
    })
  })

  it("a finalizer that fails, or dies", () => {
    const program = Effect.ensuring(Effect.sleep(1), Effect.die(new Error("no disk")))
    expect(found(CancelEverywhere.run(Effect.catchDefect(program, () => Effect.void)))["clean-up-failed"]).toContain(
      "no disk"
    )
  })

  it("a fiber that outlives the program", () => {
    const program = Effect.andThen(Effect.forkDetach(Effect.sleep(1000)), Effect.sleep(1))
    const report = CancelEverywhere.run(program)
    expect(found(report)).toEqual({
      "fiber-left": "1 fiber was still alive when the program had ended",
      "timer-left": "1 timer was still set when the program had ended"
    })
  })

  it("a task that was put into a scope which is never closed", () => {
    const program = Effect.gen(function* () {
      const nursery = yield* Effect.provideService(Nursery.make("forgotten"), Scope.Scope, yield* Scope.make())
      yield* nursery.spawn("worker", Effect.never)
    })
    expect(found(CancelEverywhere.run(program))["scope-left"]).toContain("forgotten")
  })

  it("a body that does nothing but spin is endless", () => {
    const report = CancelEverywhere.run(Effect.forever(Effect.sync(() => {})), { maxSteps: 500, maxRuns: 2 })
    expect(found(report)).toEqual({ endless: "It had not ended after 501 operations" })
  })

  it("clean-up that takes longer than it may", () => {
    const program = Effect.ensuring(Effect.sleep(10), Effect.sleep(800))
    expect(CancelEverywhere.run(program, { within: "1 second" }).failures).toEqual([])
    expect(found(CancelEverywhere.run(program, { within: "500 millis" }))).toEqual({
      slow: "It took 800 ms from the cancel to the end, more than 500 ms"
    })
  })

  it("with grace a program may finish, and may work on", () => {
    const program = Effect.andThen(Effect.sleep(10), Ledger.work("commit"))
    expect(found(CancelEverywhere.run(Effect.uninterruptible(program)))).toHaveProperty("work-after-cancel")
    expect(CancelEverywhere.run(program, { grace: "1 second" }).failures).toEqual([])
  })

  it("a commit may complete although the cancel came first", () => {
    const program = Task.commit(Effect.andThen(Effect.sleep(5), Ledger.work("commit")), { within: "1 minute" })
    const seen = new Set<string | undefined>()
    CancelEverywhere.check(program, { invariant: ({ outcome }) => void seen.add(outcome?._tag) })
    expect(seen).toEqual(new Set(["Cancelled", "Completed"]))
  })

  it("giveUp: what was given up is followed to its end, and reported if that never comes", () => {
    const allow = { giveUp: 50 } as const
    expect(CancelEverywhere.run(waits(200), allow).failures).toEqual([])
    expect(found(CancelEverywhere.run(waits(undefined), { ...allow, allow: ["stuck"] }))["straggler-left"]).toBe(
      `"program" never ended`
    )
  })

  it("the reason and the policy are the user's, and every finalizer reads that reason", () => {
    const read: Array<string> = []
    CancelEverywhere.check(Effect.onInterrupt(Effect.sleep(1), () => Effect.void).pipe(Ledger.watch("sleep")), {
      reason: CancelReason.shutdown({ message: "the host goes down" }),
      invariant: ({ ledger }) => void read.push(...ledger.ended.flatMap(({ reason }) => reason?.message ?? []))
    })
    expect(new Set(read)).toEqual(new Set(["the host goes down"]))
  })

  it("an invariant that throws counts as one that says what is wrong", () => {
    const report = CancelEverywhere.run(Effect.sleep(1), {
      invariant: ({ took }) => expect(took).toBe(1)
    })
    expect(report.failures.every(({ trial }) => trial.took === 0)).toBe(true)
    expect(found(report)["invariant"]).toContain("expected +0 to be 1")
  })

  it("an invariant may be made with each run, and both are asked", () => {
    expect(CancelEverywhere.run(counted).failures).toEqual([])
    expect(found(CancelEverywhere.run(counted, { replay: "-", invariant: () => "mine" }))).toEqual({
      invariant: "mine"
    })
  })

  describe("with a cancel of the program's own", () => {
    it("one that interrupts and awaits: nothing is wrong at any point", () => {
      expect(CancelEverywhere.run(() => cancelButton((fiber) => Fiber.interrupt(fiber))).failures).toEqual([])
    })

    it("one that answers while the work goes on", () => {
      const report = CancelEverywhere.run(() => cancelButton((fiber) => Effect.forkDetach(Fiber.interrupt(fiber))))
      expect(found(report)["work-after-cancel"]).toBe(`"last row" was done although the program had been cancelled`)
    })

    it("one that fails, and one that never answers", () => {
      const failing = CancelEverywhere.run(() => cancelButton(() => Effect.fail("no such task")))
      expect(found(failing)["cancel-failed"]).toContain("no such task")
      const hanging = CancelEverywhere.run(() => cancelButton(() => Effect.never))
      expect(found(hanging)["cancel-failed"]).toBe("The cancel itself has not answered")
    })
  })

  it("what is allowed is no failure", () => {
    const program = Effect.andThen(Effect.forkDetach(Effect.sleep(1000)), Effect.sleep(1))
    expect(CancelEverywhere.run(program, { allow: ["fiber-left", "timer-left"] }).failures).toEqual([])
  })

  it("of more points than runs, evenly spread ones are tried", () => {
    const report = CancelEverywhere.run(Effect.repeat(Effect.sleep(1), { times: 200 }), { maxRuns: 50 })
    expect(report).toMatchObject({ runs: 50, exhausted: false })
  })

  it.each([
    ["9999", "a cancel at point 9999 never comes"],
    ["1+9999", "a cancel at point 9999 never comes"]
  ])("a token of another program is refused, not green: %s", (replay, message) => {
    const program = Effect.sleep(1)
    for (const run of [CancelEverywhere.run, Explore.run]) expect(() => run(program, { replay })).toThrow(message)
    expect(CancelEverywhere.run(program, { replay: "1" }).failures).toEqual([])
  })

  it("check throws the report", () => {
    const program = Effect.forkDetach(Effect.sleep(1))
    expect(() => CancelEverywhere.check(program)).toThrow(CheckFailed)
    expect(() => CancelEverywhere.check(program)).toThrow(/CancelEverywhere: \d+ runs .*\n\n.*\n {2}fiber-left: .*\n/)
  })

  it.each([
    [{ maxRuns: 0 }, "maxRuns must be a whole number of 1 or more, but it is 0"],
    [{ maxSteps: NaN }, "maxSteps must be a whole number of 1 or more, but it is NaN"],
    [{ within: -1 }, "within must be a duration of zero or more"],
    [{ grace: NaN }, "grace must be a duration of zero or more"],
    [{ replay: "x" }, `replay must be a token that a failure printed`]
  ])("options that cannot be meant are refused by name: %o", (options, message) => {
    expect(() => CancelEverywhere.run(Effect.void, options)).toThrow(message)
  })
})
