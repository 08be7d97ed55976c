import { describe, expect, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as TestClock from "effect/testing/TestClock"
import type { Signal } from "../../src/fibers/ProcessSignals.ts"
import { Tasks } from "../../src/fibers/Tasks.ts"
import { OpenStreams } from "../../src/http/OpenStreams.ts"
import * as ServerMain from "../../src/http/ServerMain.ts"
import { Journal } from "../support/journal.ts"
import { leakChecked } from "../support/leaks.ts"
import { settle } from "../support/settle.ts"

const quiet = Logger.layer([])

/** Runs a server whose scope notes its end, and hands over how to signal it. */
const running = <E>(
  options: ServerMain.Options<Tasks | OpenStreams>,
  use: (stage: {
    readonly journal: Journal
    readonly limits: ReadonlyArray<number>
    readonly signal: (signal: Signal) => Effect.Effect<void>
    readonly main: Fiber.Fiber<number | void>
    readonly tasks: Effect.Effect<Tasks["Service"]>
  }) => Effect.Effect<void, E>,
  starting: Effect.Effect<void> = Effect.void
) =>
  leakChecked(
    Effect.gen(function* () {
      const journal = new Journal()
      const limits: Array<number> = []
      const up = yield* Deferred.make<Tasks["Service"]>()
      const signalled = yield* Deferred.make<Signal>()
      const start = Effect.gen(function* () {
        yield* Effect.addFinalizer(() => journal.note("closed"))
        const context = yield* Layer.build(Layer.mergeAll(Tasks.layer(), OpenStreams.layer()))
        yield* Effect.onInterrupt(starting, () => journal.note("starting was interrupted"))
        yield* Deferred.succeed(up, Context.get(context, Tasks))
        return context
      })
      const exitWithin = (limit: Duration.Duration) => Effect.sync(() => void limits.push(Duration.toMillis(limit)))
      const main = yield* Effect.forkChild(
        Effect.provide(ServerMain.make(start, options)(Deferred.await(signalled), exitWithin), quiet)
      )
      yield* settle
      const signal = (signal: Signal) => Effect.andThen(Deferred.succeed(signalled, signal), settle)
      yield* use({ journal, limits, signal, main, tasks: Deferred.await(up) })
    })
  )

describe("ServerMain", () => {
  it.effect("drains at the signal, whose name the reason has, and closes only then (S1-58, S1-59, S1x-14)", () =>
    running({ finish: "2 seconds", giveUp: "3 seconds" }, ({ journal, limits, main, signal, tasks }) =>
      Effect.gen(function* () {
        const { list, start } = yield* tasks
        for (const id of ["a", "b", "c"]) {
          yield* start(id, journal.watch(id, Effect.never, Effect.sleep(100)), { onShutdown: "cancel" })
        }
        yield* start("d", journal.watch("d", Effect.sleep(1500)))
        yield* settle
        expect(limits).toEqual([])
        yield* signal("SIGTERM")
        yield* TestClock.adjust(1500)
        yield* Fiber.join(main)
        expect(journal.lines).toEqual([
          "0 a: shutdown by SIGTERM of a",
          "0 b: shutdown by SIGTERM of b",
          "0 c: shutdown by SIGTERM of c",
          "100 a: cleaned up",
          "100 b: cleaned up",
          "100 c: cleaned up",
          "1500 d: done",
          "1500 closed"
        ])
        // finish, giveUp, flush and close.
        expect(limits.at(-1)).toBe(17_000)
        expect((yield* list).every(({ state }) => state === "cancelled" || state === "completed")).toBe(true)
      })
    )
  )

  it.effect("a task that ignores it holds the end for no longer than the bound (S1-60, S1x-15, S1x-18)", () =>
    running({ giveUp: 500 }, ({ journal, main, signal, tasks }) =>
      Effect.gen(function* () {
        yield* (yield* tasks).start("stuck", Effect.uninterruptible(Effect.sleep("1 hour")))
        yield* settle
        yield* signal("SIGINT")
        yield* TestClock.adjust(499)
        expect(main.pollUnsafe()).toBeUndefined()
        yield* TestClock.adjust(1)
        yield* Fiber.join(main)
        expect(journal.lines).toEqual(["500 closed"])
        yield* TestClock.adjust("1 hour")
      })
    )
  )

  it.effect("with nothing running the end is instant (S1x-23)", () =>
    running({ finish: "1 hour" }, ({ journal, main, signal }) =>
      Effect.gen(function* () {
        yield* signal("SIGTERM")
        yield* Fiber.join(main)
        expect(journal.lines).toEqual(["0 closed"])
      })
    )
  )

  it.effect("a signal while it comes up ends that, and sets the limit", () =>
    running(
      { giveUp: "1 second", flush: 0, close: "4 seconds" },
      ({ journal, limits, main, signal }) =>
        Effect.gen(function* () {
          yield* TestClock.adjust(5)
          yield* signal("SIGTERM")
          yield* Fiber.join(main)
          expect(journal.lines).toEqual(["5 starting was interrupted", "5 closed"])
          expect(limits).toEqual([5000])
        }),
      Effect.never
    )
  )

  it.effect("without a bound for tasks there is no limit either", () =>
    running({ giveUp: "Infinity" }, ({ limits, main, signal }) =>
      Effect.gen(function* () {
        yield* signal("SIGTERM")
        yield* Fiber.join(main)
        expect(limits.at(-1)).toBe(Infinity)
      })
    )
  )
})
