/** The shutdown tests of the source, in process and on the test clock; those with real signals are in `main.test.ts`. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import type { TaskStore } from "../../../src/examples/sse-tasks/store/TaskStore.ts"
import { coordinated, refused, settle } from "./coordinated.ts"
import { polite, quick, sleeping, stubborn, waiting } from "./models.ts"

const models = [waiting, quick, sleeping, polite]

describe("Shutdown", () => {
  it.effect(
    "S1-59 S1x-14 S1x-16: cancels all running tasks: every client is told that it shuts down, and cancelled",
    () =>
      coordinated({ models }, ({ client, coordinator, create, stored, tasks }) =>
        Effect.gen(function* () {
          const keys = yield* Effect.all([create("WaitingTask"), create("PoliteTask"), create("WaitingTask")])
          const listeners = yield* Effect.forEach(keys, client)
          const report = yield* coordinator.shutdown({ by: "SIGTERM" })
          yield* settle
          for (const listener of listeners) {
            const said = listener.names().filter((name) => name !== "cleanup")
            expect(said).toEqual(["start", "progress", "shutdown", "cancelled"])
            expect(listener.events().at(-1)!.data).toMatchObject({ reason: "shutdown", cancelled_by: "SIGTERM" })
            expect(listener.ended()).toBe(true)
          }
          for (const key of keys) {
            expect(yield* stored(key)).toMatchObject({ status: "cancelled", cancellation_reason: "shutdown" })
          }
          expect(report.cancelled).toEqual(["tests:WaitingTask:1", "tests:PoliteTask:2", "tests:WaitingTask:3"])
          expect((yield* tasks.list).filter(({ state }) => state === "running")).toEqual([])
        })
      )
  )

  it.effect(
    "S1-60 S1x-15 S1x-18 S1x-19: a task that ignores it cannot hold it: left behind at the bound, by name",
    () =>
      Effect.gen(function* () {
        const { letGo, model } = stubborn()
        yield* coordinated({ models: [...models, model] }, ({ client, coordinator, create, log, record }) =>
          Effect.gen(function* () {
            const [mule, other] = yield* Effect.all([create("StubbornTask"), create("WaitingTask")])
            const listeners = yield* Effect.all([client(mule), client(other)])
            const shutdown = yield* Effect.forkChild(coordinator.shutdown({ timeout: "500 millis" }))
            yield* settle
            // The others are told at once, and this one that it is about to be.
            expect(listeners[1].names().at(-1)).toBe("cancelled")
            expect(listeners[0].names().at(-1)).toBe("shutdown")
            yield* TestClock.adjust("499 millis")
            expect(shutdown.pollUnsafe()).toBeUndefined()
            yield* TestClock.adjust("1 millis")
            yield* settle
            expect((yield* Fiber.join(shutdown)).abandoned).toEqual(["tests:StubbornTask:1"])
            expect(listeners[0].names().at(-1)).toBe("cancelled")
            expect((yield* record(mule)).status).toBe("cancelled")
            const warning = log.find((line) => line.includes("level=WARN"))
            expect(warning).toMatch(
              /ended by its timeout after 500ms; still running, and left behind: tests:StubbornTask:1/
            )
            yield* letGo
            yield* settle
          })
        )
      })
  )

  it.effect("S1x-15: the bound is 30 seconds if nobody says another", () =>
    Effect.gen(function* () {
      const { letGo, model } = stubborn()
      yield* coordinated({ models: [model] }, ({ client, coordinator, create }) =>
        Effect.gen(function* () {
          yield* client(yield* create("StubbornTask"))
          const shutdown = yield* Effect.forkChild(coordinator.shutdown())
          yield* TestClock.adjust("29999 millis")
          yield* settle
          expect(shutdown.pollUnsafe()).toBeUndefined()
          yield* TestClock.adjust("1 millis")
          yield* settle
          expect(shutdown.pollUnsafe()).toBeDefined()
          yield* letGo
          yield* settle
        })
      )
    })
  )

  it.effect("S1x-20 S1x-25: is idempotent: three calls, one shutdown", () =>
    coordinated({ models }, ({ client, coordinator, create }) =>
      Effect.gen(function* () {
        const listener = yield* client(yield* create("WaitingTask"))
        const reports = yield* Effect.all([coordinator.shutdown(), coordinator.shutdown(), coordinator.shutdown()], {
          concurrency: "unbounded"
        })
        yield* coordinator.shutdown()
        yield* settle
        expect(new Set(reports.map(({ cancelled }) => cancelled.join())).size).toBe(1)
        expect(listener.names()).toEqual(["start", "progress", "shutdown", "cancelled"])
      })
    )
  )

  it.effect("S1x-21: leaves nothing: no running task, no stream", () =>
    coordinated({ models }, ({ client, coordinator, create, store, streams, tasks }) =>
      Effect.gen(function* () {
        for (let task = 0; task < 5; task++) yield* client(yield* create("WaitingTask"))
        yield* coordinator.shutdown()
        yield* settle
        expect(yield* streams.count).toBe(0)
        expect((yield* tasks.list).every(({ state }) => state === "cancelled")).toBe(true)
        expect(yield* store.count).toEqual({ cancelled: 5 })
      })
    )
  )

  it.effect("S1x-21: waits until the store has every end, also one that it takes at the second try", () => {
    let down = 1
    const through = (store: TaskStore["Service"]): TaskStore["Service"] => ({
      ...store,
      end: (...end) => (down-- > 0 ? refused : store.end(...end))
    })
    return coordinated({ models, through }, ({ client, coordinator, create, stored }) =>
      Effect.gen(function* () {
        const key = yield* create("WaitingTask")
        yield* client(key)
        const shutdown = yield* Effect.forkChild(coordinator.shutdown())
        yield* settle
        expect(shutdown.pollUnsafe()).toBeUndefined()
        yield* TestClock.adjust("1 second")
        yield* Fiber.join(shutdown)
        expect((yield* stored(key))!.status).toBe("cancelled")
      })
    )
  })

  it.effect("S1-60 S1x-21: a store that takes nothing any more cannot hold it: what it lacks is named", () => {
    const through = (store: TaskStore["Service"]): TaskStore["Service"] => ({ ...store, end: () => refused })
    return coordinated({ models, through }, ({ client, coordinator, create, log, record }) =>
      Effect.gen(function* () {
        const key = yield* create("WaitingTask")
        const listener = yield* client(key)
        const shutdown = yield* Effect.forkChild(coordinator.shutdown())
        yield* TestClock.adjust("2999 millis")
        yield* settle
        expect([listener.names().at(-1), shutdown.pollUnsafe()]).toEqual(["cancelled", undefined])
        expect(log.filter((line) => line.includes("level=ERROR"))).toEqual([])
        yield* TestClock.adjust("1 millis")
        yield* settle
        yield* Fiber.join(shutdown)
        expect((yield* record(key)).status).toBe("cancelled")
        const errors = log.filter((line) => line.includes("level=ERROR"))
        expect(errors).toEqual([expect.stringContaining("How task tests:WaitingTask:1 ended is not in the store")])
      })
    )
  })

  it.effect("S1x-22: in the middle of the work, within its bound, and clients are told", () =>
    coordinated({ models }, ({ client, coordinator, create }) =>
      Effect.gen(function* () {
        const listener = yield* client(yield* create("SleepingTask", { millis: 60_000 }))
        yield* TestClock.adjust("10 seconds")
        yield* coordinator.shutdown({ timeout: "1 second" })
        yield* settle
        expect(listener.names()).toEqual(["start", "shutdown", "cancelled"])
      })
    )
  )

  it.effect("S1x-23: with nothing running takes no time", () =>
    coordinated({ models }, ({ coordinator }) =>
      Effect.gen(function* () {
        const { abandoned, cancelled } = yield* coordinator.shutdown()
        expect([abandoned, cancelled]).toEqual([[], []])
      })
    )
  )

  it.effect("S1x-24: afterwards nothing starts: a typed refusal, and the record stays pending", () =>
    coordinated({ models }, ({ coordinator, create, record }) =>
      Effect.gen(function* () {
        const key = yield* create("WaitingTask")
        yield* coordinator.shutdown()
        expect(yield* coordinator.draining).toBe(true)
        expect(yield* Effect.flip(coordinator.create({ app: "tests", model: "QuickTask", params: {} }))).toMatchObject({
          _tag: "Draining"
        })
        const error = yield* Effect.flip(coordinator.start(key))
        expect(error).toMatchObject({
          _tag: "Draining",
          message: "The task service is shutting down and starts nothing any more"
        })
        expect(yield* record(key)).toMatchObject({ status: "pending", attempts: 0 })
      })
    )
  )

  it.effect("who closes the service without one gets it all the same, before the store closes", () => {
    const saved: Array<unknown> = []
    const through = (store: TaskStore["Service"]): TaskStore["Service"] => ({
      ...store,
      end: (key, attempt, end) =>
        Effect.tap(store.end(key, attempt, end), (done) => Effect.sync(() => saved.push([end, done])))
    })
    return Effect.gen(function* () {
      const attempt = yield* coordinated({ models, through }, ({ coordinator, create }) =>
        Effect.gen(function* () {
          const found = yield* coordinator.start(yield* create("WaitingTask"))
          yield* settle
          return found.attempt!
        })
      )
      expect(attempt.log.ended).toBe(true)
      expect(saved).toEqual([[expect.objectContaining({ status: "cancelled", cancellation_reason: "shutdown" }), true]])
    })
  })
})
