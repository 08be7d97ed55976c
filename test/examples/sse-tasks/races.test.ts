/** The races of the source's test list: cancels against completions, saves, clients and other hands on the record. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as References from "effect/References"
import * as TestClock from "effect/testing/TestClock"
import { Coordinator } from "../../../src/examples/sse-tasks/coordinator/Coordinator.ts"
import { TaskStore } from "../../../src/examples/sse-tasks/store/TaskStore.ts"
import * as TaskKey from "../../../src/examples/sse-tasks/TaskKey.ts"
import * as TaskService from "../../../src/examples/sse-tasks/taskService.ts"
import * as Gate from "../../../src/testing/Gate.ts"
import { randomFrom, World, wrongSeeds } from "../../support/sim.ts"
import { coordinated, refused, settle } from "./coordinated.ts"
import { failing, polite, quick, sleeping, stubborn, waiting } from "./models.ts"

const models = [waiting, quick, sleeping, polite]

type Store = TaskStore["Service"]

/** The store holds every save of an end at the gate. */
const heldAt =
  (gate: Gate.Gate) =>
  (store: Store): Store => ({ ...store, end: (...end) => Effect.andThen(gate.arrive, store.end(...end)) })

describe("Races", () => {
  it("S1x-26 S1x-28: cancels at the moment of the completion, 1,000 times: one last event, which is what is stored", () => {
    const ends = new Set<string>()
    const wrong = wrongSeeds(250, (seed) => {
      const world = new World({ seed, preempt: 0.15 })
      const random = randomFrom(seed * 7 + 1)
      const one = Effect.gen(function* () {
        const coordinator = yield* Coordinator
        const { id } = yield* coordinator.create({ app: "tests", model: "SleepingTask", params: { millis: 10 } })
        const key = TaskKey.make("tests", "SleepingTask", id)
        const { attempt } = yield* coordinator.start(key)
        const cancels = yield* Effect.forEach([true, false, true], (wait) =>
          Effect.forkChild(Effect.delay(coordinator.cancel(key, { wait }), 8 + Math.floor(random() * 5)))
        )
        const answers = yield* Effect.forEach(cancels, Fiber.join)
        yield* attempt!.saved.await
        const record = Option.getOrThrow(yield* (yield* TaskStore).get(key))
        const told = attempt!.end!.status
        ends.add(told)
        const won = answers.filter(({ cancelled }) => cancelled).length
        if (record.status !== told) return `told ${told}, stored ${record.status}`
        if (won > 1) return `${won} cancels won`
        if (told === "cancelled" && won !== 1) return "cancelled, but nobody did"
        if (record.last_event !== attempt!.log.last) return `last event ${record.last_event} of ${attempt!.log.last}`
        return attempt!.log.ended ? undefined : "no end was told"
      })
      const exit = world.run(
        Effect.all([one, one, one, one], { concurrency: "unbounded" }).pipe(
          Effect.map((all) => all.find((problem) => problem !== undefined)),
          Effect.scoped,
          Effect.provide(TaskService.coordinating({ models, database: ":memory:" }).pipe(Layer.orDie)),
          Effect.provideService(References.MinimumLogLevel, "None")
        )
      )
      if (exit === undefined) return `it hangs; ${world.left}`
      return exit._tag === "Failure" ? String(exit.cause) : (exit.value ?? world.left)
    })
    expect(wrong).toBeUndefined()
    expect(Array.from(ends).toSorted()).toEqual(["cancelled", "completed"])
  }, 120_000)

  it.effect(
    "S1x-27 S1x-37: a cancel while the final value is being saved comes too late: completed, told and stored",
    () =>
      Effect.gen(function* () {
        const gate = yield* Gate.make("save")
        yield* coordinated({ models, through: heldAt(gate) }, ({ client, coordinator, create, record, stored }) =>
          Effect.gen(function* () {
            const key = yield* create("QuickTask")
            const listener = yield* client(key)
            yield* gate.reached
            // Asked in either way.
            expect(yield* coordinator.cancel(key)).toEqual({
              cancelled: false,
              status: "running",
              detail: "The task has its value, which is being saved"
            })
            yield* TestClock.adjust("10 seconds")
            const waiting = yield* Effect.forkChild(coordinator.cancel(key, { wait: true }))
            yield* settle
            expect(listener.names()).toEqual(["start"])
            yield* gate.open
            expect(yield* Fiber.join(waiting)).toEqual({
              cancelled: false,
              status: "completed",
              detail: "The task ended before the cancel"
            })
            yield* settle
            expect(listener.names()).toEqual(["start", "complete"])
            expect(yield* stored(key)).toEqual(yield* record(key))
            expect(yield* record(key)).toMatchObject({ status: "completed", final_value: 42 })
          })
        )
      })
  )

  it.effect("S1x-27: a final value that cannot be saved is a failure, told and stored as one", () =>
    Effect.gen(function* () {
      const through = (store: Store): Store => ({
        ...store,
        end: (key, attempt, end) => (end.status === "completed" ? refused : store.end(key, attempt, end))
      })
      yield* coordinated({ models, through }, ({ client, create, stored }) =>
        Effect.gen(function* () {
          const key = yield* create("QuickTask")
          const listener = yield* client(key)
          expect(listener.names()).toEqual(["start", "task-error"])
          expect(yield* stored(key)).toMatchObject({ status: "failed", error: { error_type: "InternalError" } })
        })
      )
    })
  )

  it.effect("S1x-28: while the store is down an end is told at once, the status agrees, and it is saved later", () =>
    Effect.gen(function* () {
      let down = 2
      const through = (store: Store): Store => ({
        ...store,
        end: (...end) => (down-- > 0 ? refused : store.end(...end))
      })
      yield* coordinated({ models, through }, ({ client, coordinator, create, record, stored }) =>
        Effect.gen(function* () {
          const key = yield* create("WaitingTask")
          const listener = yield* client(key)
          yield* coordinator.cancel(key)
          yield* settle
          expect(listener.names()).toEqual(["start", "progress", "cancelled"])
          expect((yield* record(key)).status).toBe("cancelled")
          expect((yield* stored(key))!.status).toBe("running")
          yield* TestClock.adjust("1 second")
          expect((yield* stored(key))!.status).toBe("cancelled")
        })
      )
    })
  )

  it.effect(
    "S1x-28: however long the store is down, the end is saved when it is back; a retry asks to come later",
    () => {
      let down = true
      const through = (store: Store): Store => ({
        ...store,
        end: (...end) => Effect.suspend(() => (down ? refused : store.end(...end)))
      })
      return coordinated({ models, through }, ({ client, coordinator, create, log, record, stored }) =>
        Effect.gen(function* () {
          const key = yield* create("WaitingTask")
          yield* client(key)
          yield* coordinator.cancel(key)
          yield* TestClock.adjust("5 minutes")
          expect([(yield* record(key)).status, (yield* stored(key))!.status]).toEqual(["cancelled", "running"])
          const retry = yield* Effect.forkChild(Effect.flip(coordinator.retry(key)))
          yield* TestClock.adjust("5 seconds")
          expect(yield* Fiber.join(retry)).toMatchObject({
            _tag: "WrongState",
            message: expect.stringMatching(/not saved yet/)
          })
          down = false
          yield* TestClock.adjust("1 second")
          expect((yield* stored(key))!.status).toBe("cancelled")
          // Told once, not at every try.
          expect(log.filter((line) => /level=(WARN|ERROR)/.test(line))).toHaveLength(1)
          yield* coordinator.retry(key)
          expect((yield* record(key)).attempts).toBe(2)
        })
      )
    }
  )

  it.effect("S1x-28: several cancels at once, with no client at all", () =>
    coordinated({ models }, ({ coordinator, create, record }) =>
      Effect.gen(function* () {
        const key = yield* create("PoliteTask")
        yield* coordinator.start(key)
        const answers = yield* Effect.all(
          Array.from({ length: 10 }, () => coordinator.cancel(key, { wait: true })),
          { concurrency: "unbounded" }
        )
        expect(answers.filter(({ cancelled }) => cancelled)).toHaveLength(1)
        expect((yield* record(key)).status).toBe("cancelled")
      })
    )
  )

  it.effect("S1x-29 S1x-35: who comes while the task cleans up reads its cancelled event too", () =>
    Effect.gen(function* () {
      const { letGo, model } = stubborn()
      yield* coordinated({ models: [model] }, ({ client, coordinator, create }) =>
        Effect.gen(function* () {
          const key = yield* create("StubbornTask")
          yield* client(key)
          yield* coordinator.cancel(key)
          const late = yield* client(key)
          expect(late.names()).toEqual(["start", "progress"])
          yield* letGo
          yield* settle
          expect(late.names()).toEqual(["start", "progress", "cancelled"])
          expect(late.ended()).toBe(true)
        })
      )
    })
  )

  it.effect(
    "S1x-34: a client whose socket throws while it is told stops neither the cancel nor what the others read",
    () =>
      coordinated({ models }, ({ breaking, client, coordinator, create, record, stored, streams }) =>
        Effect.gen(function* () {
          const key = yield* create("PoliteTask")
          const one = yield* client(key)
          const broken = yield* breaking(key, "cancelled")
          const three = yield* client(key)
          expect(yield* coordinator.cancel(key, { wait: true })).toMatchObject({
            cancelled: true,
            status: "cancelled"
          })
          yield* settle
          for (const listener of [one, three]) expect(listener.names().at(-1)).toBe("cancelled")
          expect([broken.names().at(-1), broken.ended()]).toEqual(["cancelled", true])
          expect(yield* record(key)).toMatchObject({ status: "cancelled" })
          expect(yield* stored(key)).toEqual(yield* record(key))
          expect(yield* streams.count).toBe(0)
        })
      )
  )

  it.effect("S1x-12 S1x-29: a client that leaves while it is told, or is gone, keeps nothing from the others", () =>
    coordinated({ models }, ({ client, coordinator, create }) =>
      Effect.gen(function* () {
        const key = yield* create("WaitingTask")
        const [one, two, three] = yield* Effect.all([client(key), client(key), client(key)])
        const leaving = yield* Effect.forkChild(two.leave)
        yield* coordinator.cancel(key)
        yield* Fiber.join(leaving)
        yield* settle
        for (const listener of [one, three]) expect(listener.names()).toEqual(["start", "progress", "cancelled"])
      })
    )
  )

  it.effect("S1x-30: a record that is deleted or changed outside ends no other task and no coordinator", () =>
    coordinated({ models }, ({ client, coordinator, create, log, stored, store }) =>
      Effect.gen(function* () {
        const deleted = yield* create("SleepingTask", { millis: 1000 })
        const cancelled = yield* create("WaitingTask")
        const listeners = yield* Effect.all([client(deleted), client(cancelled)])
        yield* store.remove(deleted)
        yield* store.end(cancelled, 1, { status: "failed", failed_at: "2026-01-01T00:00:00.000Z", error: {} })
        yield* TestClock.adjust("1 second")
        yield* settle
        expect(listeners[0].names()).toEqual(["start", "task-error"])
        yield* Effect.flip(coordinator.cancel(deleted))
        // What somebody else decided stays as it is.
        expect(yield* coordinator.cancel(cancelled)).toMatchObject({ cancelled: false })
        expect((yield* stored(cancelled))!.status).toBe("failed")
        yield* coordinator.shutdown()
        expect((yield* stored(cancelled))!.status).toBe("failed")
        expect(log.join("\n")).toMatch(/level=WARN .*is left as it is/)
      })
    )
  )

  it.effect("S1x-35: the start of what has ended does nothing, and the two views agree at every moment", () =>
    coordinated({ models }, ({ coordinator, create, record, stored, tasks }) =>
      Effect.gen(function* () {
        const key = yield* create("QuickTask")
        expect((yield* coordinator.start(key)).record.status).toBe("running")
        const agree = Effect.gen(function* () {
          const info = Option.getOrThrow(yield* tasks.info(TaskKey.toString(key)))
          expect(info.state.replace("waiting", "running")).toBe((yield* record(key)).status)
        })
        for (let turn = 0; turn < 20; turn++) {
          yield* agree
          yield* Effect.yieldNow
        }
        expect((yield* stored(key))!.status).toBe("completed")
        expect((yield* coordinator.start(key)).record).toMatchObject({ status: "completed", attempts: 1 })
      })
    )
  )

  it.effect("a start that is refused leaves the record pending", () =>
    coordinated({ models, maxTasks: 1 }, ({ client, coordinator, create, record }) =>
      Effect.gen(function* () {
        const first = yield* create("WaitingTask")
        const second = yield* create("WaitingTask")
        yield* client(first)
        expect(yield* Effect.flip(coordinator.start(second))).toMatchObject({ _tag: "TooManyTasks" })
        expect(yield* record(second)).toMatchObject({ status: "pending", attempts: 0 })
        yield* coordinator.cancel(first, { wait: true })
        yield* client(second)
        expect((yield* record(second)).status).toBe("running")
      })
    )
  )

  it.effect(
    "S1x-40: a retry runs what was cancelled again, as a new attempt; what runs or is complete it refuses",
    () =>
      coordinated({ models }, ({ client, coordinator, create, record }) =>
        Effect.gen(function* () {
          const key = yield* create("WaitingTask")
          expect(yield* Effect.flip(coordinator.retry(key))).toMatchObject({ _tag: "WrongState", status: "pending" })
          yield* client(key)
          expect(yield* Effect.flip(coordinator.retry(key))).toMatchObject({ _tag: "WrongState", status: "running" })
          yield* coordinator.cancel(key, { wait: true })
          yield* coordinator.retry(key)
          const again = yield* client(key)
          expect(again.events().map(({ id }) => id)).toEqual(["2-1", "2-2"])
          const now = yield* record(key)
          expect(now).toMatchObject({ status: "running", attempts: 2 })
          expect(now).not.toHaveProperty("cancelled_at")
          const done = yield* create("QuickTask")
          yield* client(done)
          expect(yield* Effect.flip(coordinator.retry(done))).toMatchObject({ _tag: "WrongState", status: "completed" })
        })
      )
  )

  it.effect("a retry that is refused, by a full or a stopping service, leaves how the task ended as it was told", () =>
    coordinated({ models: [...models, failing], maxTasks: 1 }, ({ client, coordinator, create, stored }) =>
      Effect.gen(function* () {
        const failed = yield* create("FailingTask")
        yield* client(failed)
        const cancelled = yield* create("WaitingTask")
        yield* client(cancelled)
        yield* coordinator.cancel(cancelled, { wait: true, reason: "enough", by: "ann" })
        yield* settle
        yield* client(yield* create("WaitingTask"))
        const before = yield* Effect.forEach([failed, cancelled], stored)
        expect(before.map((record) => record!.status)).toEqual(["failed", "cancelled"])
        for (const tag of ["TooManyTasks", "Draining"]) {
          for (const key of [failed, cancelled]) {
            expect(yield* Effect.flip(coordinator.retry(key))).toMatchObject({ _tag: tag })
          }
          expect(yield* Effect.forEach([failed, cancelled], stored)).toEqual(before)
          yield* coordinator.shutdown()
        }
      })
    )
  )

  it.effect("a retry while the attempt before still runs on is refused, and can be tried again", () =>
    Effect.gen(function* () {
      const { letGo, model } = stubborn()
      yield* coordinated({ models: [model] }, ({ client, coordinator, create, record, stored }) =>
        Effect.gen(function* () {
          const key = yield* create("StubbornTask")
          yield* client(key)
          const cancel = yield* Effect.forkChild(coordinator.cancel(key, { wait: true }))
          yield* TestClock.adjust("5 seconds")
          expect((yield* Fiber.join(cancel)).detail).toMatch(/has not stopped: it ignores the cancel/)
          const ended = yield* stored(key)
          expect(ended).toMatchObject({ status: "cancelled", attempts: 1, last_event: 3 })
          const refused = { _tag: "WrongState", status: "cancelled", message: expect.stringMatching(/still runs/) }
          expect(yield* Effect.flip(coordinator.retry(key))).toMatchObject(refused)
          expect(yield* Effect.flip(coordinator.retry(key))).toMatchObject(refused)
          expect([yield* stored(key), yield* record(key)]).toEqual([ended, ended])
          yield* letGo
          yield* settle
          yield* coordinator.retry(key)
          expect(yield* record(key)).toMatchObject({ status: "running", attempts: 2 })
        })
      )
    })
  )
})
