import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import { describe, expect, it } from "@effect/vitest"
import * as CancelReason from "../../src/fibers/CancelReason.ts"
import * as Nursery from "../../src/fibers/Nursery.ts"
import * as Task from "../../src/fibers/Task.ts"
import * as Gate from "../../src/testing/Gate.ts"
import * as Leaks from "../../src/testing/Leaks.ts"
import * as TreeOnTimeout from "../../src/testing/TreeOnTimeout.ts"

/** Interrupts the effect once it waits at the gate, and gives what was printed. */
const interrupted = <E>(
  effect: (gate: Gate.Gate) => Effect.Effect<unknown, E>,
  onPrint: (count: number) => void = () => {}
): Effect.Effect<ReadonlyArray<string>> =>
  Effect.gen(function* () {
    const printed: Array<string> = []
    const gate = yield* Gate.make("here")
    const print = (text: string): void => onPrint(printed.push(text))
    const fiber = yield* Effect.forkChild(Leaks.check(TreeOnTimeout.around(effect(gate), { print })))
    yield* gate.reached
    yield* Fiber.interrupt(fiber)
    return printed.map((text) => text.replaceAll(/#\d+/g, "#n"))
  })

describe("TreeOnTimeout", () => {
  it.effect("prints nothing when the effect ends by itself, whichever way", () =>
    Effect.gen(function* () {
      const printed: Array<string> = []
      const options = { print: (text: string) => void printed.push(text) }
      expect(yield* TreeOnTimeout.around(Effect.succeed(1), options)).toBe(1)
      expect(yield* Effect.flip(TreeOnTimeout.around(Effect.fail("no"), options))).toBe("no")
      expect(Exit.hasInterrupts(yield* Effect.exit(TreeOnTimeout.around(Effect.interrupt, options)))).toBe(true)
      expect(printed).toEqual([])
    })
  )

  it.effect("interrupted, it prints who runs, since when, and where; before anything has stopped", () =>
    Effect.gen(function* () {
      const printed = yield* interrupted((gate) =>
        Nursery.run("crawl", (nursery) =>
          Effect.gen(function* () {
            yield* nursery.spawn("page 1", Effect.withSpan(Effect.never, "download"))
            yield* TestClock.adjust("30 seconds")
            yield* nursery.spawn("page 2", gate.arrive)
            yield* Effect.never
          })
        )
      )
      expect(printed).toEqual([
        [
          "It was interrupted while this ran, at 30000 ms of the test clock:",
          "root (root) running",
          "  crawl (nursery) running",
          "    body (body) running for 30000 ms",
          "    page 1 (task) running for 30000 ms in download",
          "    page 2 (task) running for 0 ms",
          "fiber #n outside of any task",
          'fiber #n in "crawl/body"',
          'fiber #n in "crawl/page 1", span "download"',
          'fiber #n in "crawl/page 2"',
          'gate "here" was left closed: 1 fiber waits there'
        ].join("\n")
      ])
    })
  )

  it.effect("says who was asked to stop before, by whom and how long ago", () =>
    Effect.gen(function* () {
      const [printed] = yield* interrupted((gate) =>
        Nursery.run("crawl", (nursery) =>
          Effect.gen(function* () {
            const task = yield* nursery.spawn(
              "page 1",
              Effect.onInterrupt(Effect.never, () => Effect.sleep("1 minute"))
            )
            yield* Effect.yieldNow
            yield* Task.requestCancel(task, { reason: CancelReason.request({ by: "ann", message: "enough" }) })
            yield* TestClock.adjust("5 seconds")
            yield* Effect.forkChild(TestClock.adjust("1 hour"))
            yield* Effect.uninterruptible(Effect.raceFirst(gate.arrive, Effect.sleep("1 hour")))
          })
        )
      )
      expect(printed).toContain('page 1 (task) cancelling for 5000 ms asked 5000 ms ago: request by ann, "enough"')
    })
  )

  it.live("real time: what has not stopped after a second is printed again, with the reason", () =>
    Effect.gen(function* () {
      const printedAgain = Gate.makeUnsafe("printed again")
      const printed = yield* interrupted(
        (gate) =>
          Nursery.run("crawl", (nursery) =>
            Effect.gen(function* () {
              const task = yield* nursery.spawn("page 1", Effect.uninterruptible(printedAgain.arrive))
              yield* printedAgain.reached
              yield* Task.requestCancel(task, { reason: CancelReason.request({ by: "ann", message: "enough" }) })
              yield* gate.arrive
            })
          ),
        (count) => count === 2 && Effect.runSync(printedAgain.open)
      )
      expect(printed.length).toBe(2)
      expect(printed[1]).toMatch(/^One second later this has still not stopped:\nroot \(root\) running\n/)
      expect(printed[1]).toMatch(/page 1 \(task\) cancelling for \d+ ms asked \d+ ms ago: request by ann, "enough"/)
      expect(printed[1]).toContain('gate "printed again" was left closed: 1 fiber waits there')
    })
  )
})
