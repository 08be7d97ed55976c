/**
 * How long a cancel takes on the real clock. What is cancelled is held at a gate until it is inside, so that nothing but
 * the cancel is timed.
 */
import * as Effect from "effect/Effect"
import { describe, expect, it } from "@effect/vitest"
import * as Bridge from "../../src/fibers/Bridge.ts"
import * as Nursery from "../../src/fibers/Nursery.ts"
import * as Task from "../../src/fibers/Task.ts"
import * as Gate from "../../src/testing/Gate.ts"
import { whenBusy } from "../support/busy.ts"

const runs = 100

const operations: Record<string, Effect.Effect<void>> = {
  sleep: Effect.sleep("30 seconds"),
  promise: Bridge.fromPromise(
    (signal) =>
      new Promise<void>((resolve, reject) => {
        const timer = setTimeout(resolve, 30_000)
        signal.addEventListener("abort", () => {
          clearTimeout(timer)
          reject(signal.reason as Error)
        })
      })
  ).pipe(Effect.orDie),
  "ten children": Nursery.run("fan-out", (nursery) =>
    Effect.forEach(
      Array.from({ length: 10 }, (_, index) => `part ${index}`),
      (name) => nursery.spawn(name, Effect.sleep("30 seconds")),
      { discard: true }
    )
  ).pipe(Effect.orDie)
}

/** Milliseconds of each cancel, in ascending order. */
const latencies = (operation: Effect.Effect<void>) =>
  Nursery.run("test", (nursery) =>
    Effect.forEach(Array.from({ length: runs }), () =>
      Effect.gen(function* () {
        const gate = yield* Gate.make("inside")
        const held = Effect.raceFirst(operation, gate.arrive)
        const task = yield* nursery.spawn("operation", held)
        yield* gate.reached
        const asked = performance.now()
        const { _tag } = yield* Task.cancel(task)
        expect(_tag).toBe("Cancelled")
        return performance.now() - asked
      })
    )
  ).pipe(Effect.map((all) => all.toSorted((a, b) => a - b)))

/** The value below which this share of them lies. */
const at = (sorted: ReadonlyArray<number>, share: number): number => sorted[Math.ceil(sorted.length * share) - 1]!

const figure = (millis: number): string => `${millis.toFixed(2)} ms`

describe("cancel latency", () => {
  // S3-05 and S3-06 measured 251 and 262 ms; S3-07 wants 0.5 s, S3-46, S3-48 and S3-70 one second; over 2 s is broken (S3-44).
  it.live.each(Object.keys(operations))(
    "S3-05, S3-06, S3-07, S3-14, S3-44, S3-46, S3-48, S3-70: real time: %s of 30 s, cancelled 100 times, ends each time within 500 ms",
    (name) =>
      Effect.gen(function* () {
        const sorted = yield* latencies(operations[name]!)
        console.log(
          `cancel of ${name}: p50 ${figure(at(sorted, 0.5))}, p99 ${figure(at(sorted, 0.99))}, max ${figure(sorted.at(-1)!)}`
        )
        expect(sorted.length).toBe(runs)
        expect(sorted.at(-1)).toBeLessThan(whenBusy(500))
      })
  )

  it.live("S3-45, S3-47: real time: started, cancelled, seen as cancelled, all within a second", () =>
    Effect.gen(function* () {
      const began = performance.now()
      yield* Nursery.run("test", (nursery) =>
        Effect.gen(function* () {
          const gate = yield* Gate.make("inside")
          const task = yield* nursery.spawn("playbook", Effect.andThen(gate.arrive, Effect.sleep("30 seconds")))
          // Where the row waits two seconds for it to be inside.
          yield* gate.reached
          yield* Task.cancel(task)
          expect(yield* Task.await(task)).toMatchObject({ _tag: "Cancelled" })
        })
      )
      expect(performance.now() - began).toBeLessThan(whenBusy(1000))
    })
  )
})
