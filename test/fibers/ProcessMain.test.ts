import { EventEmitter } from "node:events"
import { describe, expect, it } from "@effect/vitest"
import * as Console from "effect/Console"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as References from "effect/References"
import * as TestClock from "effect/testing/TestClock"
import * as Nursery from "../../src/fibers/Nursery.ts"
import * as ProcessMain from "../../src/fibers/ProcessMain.ts"
import { Journal } from "../support/journal.ts"
import { leakChecked } from "../support/leaks.ts"
import { settle } from "../support/settle.ts"

/** A process that notes with which codes it was told to exit, and what it printed and logged. */
const stage = () => {
  const emitter = new EventEmitter()
  const exits: Array<number> = []
  const printed: Array<string> = []
  const logs: Array<{ readonly level: string; readonly message: string; readonly fields: unknown }> = []
  const process: ProcessMain.Process = Object.assign(emitter, { exit: (code: number) => exits.push(code) })
  const logger = Logger.make(({ fiber, logLevel, message }) => {
    const fields = { ...fiber.getRef(References.CurrentLogAnnotations) }
    logs.push({ level: logLevel, message: String(Array.isArray(message) ? message[0] : message), fields })
  })
  const console: Console.Console = { ...globalThis.console, error: (text: unknown) => printed.push(String(text)) }
  return {
    exits,
    printed,
    logs,
    kill: (signal: "SIGINT" | "SIGTERM") =>
      Effect.andThen(
        Effect.sync(() => emitter.emit(signal, signal)),
        settle
      ),
    listeners: () => emitter.listenerCount("SIGINT") + emitter.listenerCount("SIGTERM"),
    start: <E>(main: ProcessMain.Main<E>) =>
      ProcessMain.attended(process, main).pipe(
        Effect.provideService(Console.Console, console),
        Effect.provide(Logger.layer([logger])),
        Effect.forkChild,
        Effect.tap(() => settle)
      )
  }
}

const group = (name: string, child: string, effect: Effect.Effect<unknown>) =>
  Effect.asVoid(Nursery.run(name, (nursery) => nursery.spawn(child, effect)))

describe("ProcessMain", () => {
  it.effect("a program that ends by itself has the exit code that it returns, or 0", () =>
    leakChecked(
      Effect.gen(function* () {
        const { exits, listeners, start } = stage()
        expect(yield* Fiber.join(yield* start(() => Effect.void))).toBe(0)
        expect(yield* Fiber.join(yield* start(() => Effect.succeed(7)))).toBe(7)
        expect([exits, listeners()]).toEqual([[], 0])
      })
    )
  )

  for (const [signal, code] of [
    ["SIGINT", 130],
    ["SIGTERM", 143]
  ] as const) {
    it.effect(`${signal} is told to the program, which ends by itself, with ${code} (S1-58, S1x-13)`, () =>
      leakChecked(
        Effect.gen(function* () {
          const { exits, kill, listeners, logs, start } = stage()
          const told: Array<string> = []
          const fiber = yield* start((signalled) =>
            Effect.gen(function* () {
              told.push(yield* signalled)
              // Whoever asks later is told too.
              told.push(yield* signalled)
              yield* Effect.sleep("1 hour")
            })
          )
          expect(listeners()).toBe(2)
          yield* kill(signal)
          expect(told).toEqual([signal, signal])
          yield* TestClock.adjust("1 hour")
          expect(yield* Fiber.join(fiber)).toBe(code)
          expect([exits, logs, listeners()]).toEqual([[], [], 0])
        })
      )
    )
  }

  it.effect("a program that says how it ended is believed, after a signal too", () =>
    leakChecked(
      Effect.gen(function* () {
        const { kill, start } = stage()
        const fiber = yield* start((signalled) => Effect.as(signalled, 0))
        yield* kill("SIGTERM")
        expect(yield* Fiber.join(fiber)).toBe(0)
      })
    )
  )

  for (const [first, second, code, line] of [
    ["SIGTERM", "SIGTERM", 143, "SIGTERM again"],
    ["SIGINT", "SIGINT", 130, "SIGINT again"],
    ["SIGTERM", "SIGINT", 130, "SIGINT after SIGTERM"]
  ] as const) {
    it.effect(
      `${line} exits at once with ${code} and prints what still runs, whatever the program hangs in (S1x-25)`,
      () =>
        leakChecked(
          Effect.gen(function* () {
            const { exits, kill, printed, start } = stage()
            const stuck = Effect.uninterruptible(Effect.sleep("1 hour"))
            const fiber = yield* start(ProcessMain.untilSignal(group("work", "mule", stuck), {}))
            yield* kill(first)
            yield* TestClock.adjust(150)
            expect(exits).toEqual([])
            yield* kill(second)
            expect(exits).toEqual([code])
            expect(printed).toHaveLength(1)
            expect(printed[0]).toContain(`${line}: exit at once. This was still running:\n`)
            expect(printed[0]).toMatch(new RegExp(`mule \\(task\\) .*asked 150 ms ago: shutdown by ${first}`))
            yield* TestClock.adjust("1 hour")
            yield* Fiber.join(fiber)
          })
        )
    )
  }

  it.effect("the echo of a Ctrl-C that npm passes on is no second signal (S1x-25)", () =>
    leakChecked(
      Effect.gen(function* () {
        const { exits, kill, start } = stage()
        const fiber = yield* start((signalled) => Effect.andThen(signalled, Effect.sleep("1 second")))
        yield* kill("SIGINT")
        yield* TestClock.adjust(99)
        yield* kill("SIGINT")
        expect(exits).toEqual([])
        yield* TestClock.adjust("1 second")
        expect(yield* Fiber.join(fiber)).toBe(130)
      })
    )
  )

  it.effect("a limit that the program sets ends the process with 75, if nothing else does; none is no limit", () =>
    leakChecked(
      Effect.gen(function* () {
        const { exits, kill, printed, start } = stage()
        const fiber = yield* start((signalled, exitWithin) =>
          Effect.gen(function* () {
            yield* signalled
            yield* exitWithin(Duration.infinity)
            yield* exitWithin(Duration.seconds(5))
            yield* Effect.sleep("1 hour")
          })
        )
        yield* TestClock.adjust("1 minute")
        yield* kill("SIGTERM")
        yield* TestClock.adjust(4999)
        expect(exits).toEqual([])
        yield* TestClock.adjust(1)
        expect(exits).toEqual([ProcessMain.leftBehind])
        expect(printed[0]).toMatch(/^Timeout of 5s: exit at once. This was still running:\n/)
        yield* TestClock.adjust("1 hour")
        yield* Fiber.join(fiber)
      })
    )
  )

  it.effect("a limit does not outlive a program that has ended in time (K45)", () =>
    leakChecked(
      Effect.gen(function* () {
        const { exits, kill, start } = stage()
        const fiber = yield* start((signalled, exitWithin) =>
          Effect.andThen(signalled, exitWithin(Duration.seconds(5)))
        )
        yield* kill("SIGTERM")
        expect(yield* Fiber.join(fiber)).toBe(143)
        yield* TestClock.adjust("1 minute")
        expect(exits).toEqual([])
      })
    )
  )

  it.effect("a failure and a defect are logged, and fail (a runner makes 1 of that)", () =>
    leakChecked(
      Effect.gen(function* () {
        const { kill, logs, start } = stage()
        const failed = yield* start(() => Effect.fail("no config"))
        const died = yield* start((signalled) => Effect.andThen(signalled, Effect.die(new Error("bug"))))
        yield* kill("SIGTERM")
        expect(yield* Fiber.await(failed)).toEqual(Exit.fail("no config"))
        expect(Exit.hasDies(yield* Fiber.await(died))).toBe(true)
        expect(logs.map(({ level, message }) => `${level} ${message}`)).toEqual([
          "Fatal The program failed",
          "Fatal The program failed"
        ])
      })
    )
  )

  it.effect("what was left running when the program had ended is named, and the code is 75 (S1-60, S1x-19)", () =>
    leakChecked(
      Effect.gen(function* () {
        const { kill, logs, start } = stage()
        const work = Nursery.run("work", (nursery) =>
          Effect.gen(function* () {
            yield* nursery.spawn("stuck", Effect.uninterruptible(Effect.sleep("1 hour")))
            yield* nursery.spawn("polite", Effect.never)
          })
        )
        const fiber = yield* start(ProcessMain.untilSignal(work, { giveUp: "2 seconds" }))
        yield* kill("SIGTERM")
        yield* TestClock.adjust(1999)
        expect(fiber.pollUnsafe()).toBeUndefined()
        yield* TestClock.adjust(1)
        expect(yield* Fiber.join(fiber)).toBe(ProcessMain.leftBehind)
        expect(logs).toHaveLength(1)
        expect(logs[0]).toMatchObject({ level: "Warn", message: expect.stringMatching(/timeout.*stuck/) })
        expect((logs[0]!.fields as any).abandoned).toContain("stuck")
        expect((logs[0]!.fields as any).abandoned).not.toContain("polite")
        yield* TestClock.adjust("1 hour")
      })
    )
  )
})

describe("ProcessMain.untilSignal", () => {
  it.effect("cancels the program with a reason that names the signal, and awaits what it started (K18)", () =>
    leakChecked(
      Effect.gen(function* () {
        const { kill, start } = stage()
        const journal = new Journal()
        const child = journal.watch("child", Effect.never, Effect.sleep(20))
        const work = journal.watch("work", group("group", "child", child), Effect.sleep(5))
        const fiber = yield* start(ProcessMain.untilSignal(Effect.asVoid(work)))
        yield* TestClock.adjust(10)
        yield* kill("SIGTERM")
        yield* TestClock.adjust(25)
        expect(yield* Fiber.join(fiber)).toBe(143)
        expect(journal.lines).toEqual([
          "10 child: shutdown by SIGTERM of main",
          "30 child: cleaned up",
          "30 work: shutdown by SIGTERM of main",
          "35 work: cleaned up"
        ])
      })
    )
  )

  it.effect("the program that ends first gives the code, or the failure", () =>
    leakChecked(
      Effect.gen(function* () {
        const { start } = stage()
        const value = yield* start(ProcessMain.untilSignal(Effect.delay(Effect.succeed(3), 10)))
        const failure = yield* start(ProcessMain.untilSignal(Effect.delay(Effect.fail("no"), 10)))
        yield* TestClock.adjust(10)
        expect(yield* Fiber.join(value)).toBe(3)
        expect(yield* Fiber.await(failure)).toEqual(Exit.fail("no"))
      })
    )
  )

  it.effect("a signal before the first step of the program ends it unrun (K10)", () =>
    leakChecked(
      Effect.gen(function* () {
        const { kill, start } = stage()
        let ran = false
        const program = Effect.sync(() => void (ran = true))
        const late: ProcessMain.Main<never> = (signalled, exitWithin) =>
          Effect.andThen(
            signalled,
            ProcessMain.untilSignal(Effect.andThen(Effect.yieldNow, program))(signalled, exitWithin)
          )
        const fiber = yield* start(late)
        yield* kill("SIGINT")
        expect(yield* Fiber.join(fiber)).toBe(130)
        expect(ran).toBe(false)
      })
    )
  )

  it.effect("a program that uses its grace to finish has its own code", () =>
    leakChecked(
      Effect.gen(function* () {
        const { kill, start } = stage()
        const fiber = yield* start(ProcessMain.untilSignal(Effect.delay(Effect.succeed(0), 50), { grace: 100 }))
        yield* kill("SIGTERM")
        yield* TestClock.adjust(50)
        expect(yield* Fiber.join(fiber)).toBe(0)
      })
    )
  )
})
