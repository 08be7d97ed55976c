import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import { describe, expect, it } from "../../src/testing/vitest/index.ts"
import * as Task from "../../src/fibers/Task.ts"
import * as Nursery from "../../src/fibers/Nursery.ts"
import * as CancelEverywhere from "../../src/testing/CancelEverywhere.ts"
import * as Explore from "../../src/testing/Explore.ts"
import * as Gate from "../../src/testing/Gate.ts"
import * as Leaks from "../../src/testing/Leaks.ts"
import * as Ledger from "../../src/testing/Ledger.ts"

describe("Gate", () => {
  it.leakChecked("the program waits at the gate, the test until it is there, and time stands still meanwhile", () =>
    Effect.gen(function* () {
      const gate = yield* Gate.make("saving")
      const steps: Array<string> = []
      const program = Effect.gen(function* () {
        yield* Effect.sleep("1 second")
        steps.push("before")
        yield* gate.arrive
        steps.push("after")
      })
      const fiber = yield* Effect.forkChild(program)
      const reached = yield* Effect.forkChild(gate.reached, { startImmediately: true })
      expect([gate.waiting, reached.pollUnsafe()]).toEqual([0, undefined])
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(reached)
      expect([steps, gate.waiting, gate.arrivals, gate.isOpen]).toEqual([["before"], 1, 1, false])
      yield* gate.open
      yield* Fiber.join(fiber)
      expect([steps, gate.waiting, gate.isOpen]).toEqual([["before", "after"], 0, true])
    })
  )

  it.leakChecked("an open gate holds nobody; closed again, it holds the next", () =>
    Effect.gen(function* () {
      const gate = yield* Gate.make("door")
      yield* gate.open
      yield* gate.arrive
      yield* gate.arrive
      expect([gate.arrivals, gate.waiting]).toEqual([2, 0])
      yield* gate.close
      const fiber = yield* Effect.forkChild(gate.arrive)
      yield* gate.reached
      expect([fiber.pollUnsafe(), gate.waiting]).toEqual([undefined, 1])
      yield* gate.open
      yield* Fiber.join(fiber)
    })
  )

  it.leakChecked("several arrivals: reachedBy waits for so many, letPass lets those through who waited longest", () =>
    Effect.gen(function* () {
      const gate = yield* Gate.make("lock")
      const through: Array<number> = []
      const arrive = (id: number) =>
        Effect.andThen(
          gate.arrive,
          Effect.sync(() => through.push(id))
        )
      const fibers = yield* Effect.forEach([1, 2, 3], (id) => Effect.forkChild(arrive(id)))
      yield* gate.reachedBy(3)
      expect(yield* gate.letPass()).toBe(1)
      yield* Fiber.join(fibers[0]!)
      expect([through, gate.waiting]).toEqual([[1], 2])
      expect(yield* gate.letPass(5)).toBe(2)
      yield* Fiber.joinAll(fibers)
      expect([through, gate.waiting, yield* gate.letPass()]).toEqual([[1, 2, 3], 0, 0])
    })
  )

  it.leakChecked("one that passes and comes back at once is held again, and not let through a second time", () =>
    Effect.gen(function* () {
      const gate = yield* Gate.make("turnstile")
      const fiber = yield* Effect.forkChild(Effect.forever(gate.arrive))
      yield* gate.reached
      expect(yield* gate.letPass(10)).toBe(1)
      yield* gate.reached
      expect([gate.arrivals, gate.waiting]).toEqual([2, 1])
      yield* Fiber.interrupt(fiber)
      expect(gate.waiting).toBe(0)
    })
  )

  it.leakChecked("whoever waits can be interrupted, and is gone from the gate", () =>
    Effect.gen(function* () {
      const gate = yield* Gate.make("never")
      const fiber = yield* Effect.forkChild(gate.arrive)
      yield* gate.reached
      yield* Fiber.interrupt(fiber)
      const other = yield* Effect.forkChild(gate.reached, { startImmediately: true })
      expect([gate.waiting, other.pollUnsafe()]).toEqual([0, undefined])
      yield* Fiber.interrupt(other)
      expect(Reflect.get(gate, "watchers")).toHaveProperty("size", 0)
    })
  )

  it("works in real time", () =>
    Effect.runPromise(
      Effect.gen(function* () {
        const gate = Gate.makeUnsafe("real")
        const fiber = yield* Effect.forkChild(Effect.andThen(Effect.sleep(1), gate.arrive))
        yield* gate.reached
        yield* gate.open
        expect(yield* Fiber.await(fiber)).toEqual(Exit.void)
      })
    ))

  it("S1-40, S1-41: a cancel comes exactly at the point that the gate holds, without a pause", () => {
    // What the source did with a sleep of 10 ms before each cancel.
    const report = Explore.check(
      () => {
        const steps: Array<string> = []
        return {
          program: Nursery.run("work", (nursery) =>
            Effect.gen(function* () {
              const gate = yield* Gate.make("row written")
              const task = yield* nursery.spawn(
                "import",
                Effect.onInterrupt(
                  Effect.andThen(
                    gate.arrive,
                    Effect.sync(() => steps.push("went on"))
                  ),
                  () => Effect.sync(() => steps.push("undone"))
                )
              )
              yield* gate.reached
              expect((yield* Task.cancel(task))._tag).toBe("Cancelled")
            })
          ),
          invariant: () => expect(steps).toEqual(["undone"])
        }
      },
      { runs: 200 }
    )
    expect(report.runs).toBeGreaterThan(30)
  })

  it("left closed with somebody before it, a checker and the leak check name it", async () => {
    const program = Effect.gen(function* () {
      const gate = yield* Gate.make("forgotten")
      yield* Effect.all([gate.arrive, gate.arrive], { concurrency: 2 })
    })
    const { failures } = CancelEverywhere.run(program)
    expect(failures.map(({ findings }) => findings.map(({ kind }) => kind))).toEqual([["stuck", "gate-closed"]])
    expect(failures[0]!.findings[1]!.message).toBe('gate "forgotten" was left closed: 2 fibers wait there')
    expect(failures[0]!.trial.ledger.journal).toEqual([
      '0 arrived at gate "forgotten"',
      '0 arrived at gate "forgotten"'
    ])

    const detached = Effect.gen(function* () {
      const gate = yield* Gate.make("forgotten")
      yield* Effect.forkDetach(gate.arrive)
      yield* gate.reached
    })
    const exit = await Effect.runPromiseExit(Leaks.check(detached))
    expect(String(exit)).toContain('gate "forgotten" was left closed: 1 fiber waits there')
  })

  it("opened, or left by all who waited, it is no finding", () => {
    const opened = Effect.gen(function* () {
      const gate = yield* Gate.make("opened")
      yield* Effect.all([gate.arrive, Effect.andThen(gate.reached, gate.open)], { concurrency: 2 })
      yield* Ledger.note("through")
    })
    expect(CancelEverywhere.run(opened).failures).toEqual([])
    expect(Explore.run(opened, { cancel: true, runs: 300 }).failures).toEqual([])
    const left = Effect.gen(function* () {
      const gate = yield* Gate.make("left")
      yield* Effect.raceFirst(gate.arrive, gate.reached)
    })
    expect(Explore.run(left, { cancel: true, runs: 300 }).failures).toEqual([])
  })

  it("a count that cannot be meant is refused", () => {
    const gate = Gate.makeUnsafe("door")
    expect(() => gate.reachedBy(0)).toThrow("count must be a whole number of 1 or more, but it is 0")
    expect(() => gate.letPass(1.5)).toThrow("count must be a whole number of 1 or more, but it is 1.5")
  })
})
