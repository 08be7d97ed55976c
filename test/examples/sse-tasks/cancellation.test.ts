/**
 * The eight tests of the source project, by name, and what its document says around them. The source had to wait 10 ms
 * between start and cancel; nothing here waits (S1-40, S1-43, S1-44, S1-77, S1-83).
 */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as TestClock from "effect/testing/TestClock"
import * as Coordinator from "../../../src/examples/sse-tasks/coordinator/Coordinator.ts"
import * as TaskKey from "../../../src/examples/sse-tasks/TaskKey.ts"
import * as Task from "../../../src/fibers/Task.ts"
import { coordinated, settle } from "./coordinated.ts"
import { breaking, clumsy, failing, polite, quick, sleeping, stubborn, waiting } from "./models.ts"

const models = [waiting, quick, sleeping, failing, breaking, polite, clumsy]

describe("TaskCancellationTests", () => {
  it.effect("test_task_cancellation_sends_cancelled_event_to_clients (S1-07, S1-12)", () =>
    coordinated({ models }, ({ client, coordinator, create }) =>
      Effect.gen(function* () {
        const key = yield* create("WaitingTask")
        const listener = yield* client(key)
        expect(listener.names()[0]).toBe("start")
        yield* coordinator.cancel(key)
        yield* settle
        const [, , cancelled] = listener.events()
        expect(cancelled).toMatchObject({
          event: "cancelled",
          data: { message: "Task was cancelled", reason: "external_cancellation" }
        })
        expect(listener.ended()).toBe(true)
      })
    )
  )

  it.effect("test_task_cancellation_is_re_raised (S1-08, S1-13, S1-45, S1-51, S1-71)", () =>
    coordinated({ models }, ({ client, coordinator, create, tasks }) =>
      Effect.gen(function* () {
        // Its clean-up says something to the clients, as a handler in the source did.
        const key = yield* create("PoliteTask")
        yield* client(key)
        yield* coordinator.cancel(key, { wait: true })
        const task = Option.getOrThrow(yield* tasks.get(TaskKey.toString(key)))
        expect(yield* Task.await(task)).toMatchObject({ _tag: "Cancelled", how: "interrupted" })
        expect(yield* Effect.flip(Task.join(task))).toMatchObject({ _tag: "TaskCancelled" })
      })
    )
  )

  it.effect("test_multiple_clients_all_receive_cancellation_event (S1-11, S1-14, S1-47, S1-75)", () =>
    coordinated({ models }, ({ client, coordinator, create }) =>
      Effect.gen(function* () {
        const key = yield* create("WaitingTask")
        const listeners = yield* Effect.all([client(key), client(key), client(key)])
        yield* coordinator.cancel(key)
        yield* settle
        for (const listener of listeners) {
          expect(listener.names()).toEqual(["start", "progress", "cancelled"])
          expect(listener.ended()).toBe(true)
        }
      })
    )
  )

  it.effect("test_task_cleanup_happens_on_cancellation (S1-10, S1-15, S1-53, S1-73, S1-76)", () =>
    coordinated({ models }, ({ client, coordinator, create, streams, tasks }) =>
      Effect.gen(function* () {
        const key = yield* create("PoliteTask")
        const listener = yield* client(key)
        const running = Effect.map(tasks.list, (all) => all.filter(({ state }) => state === "running").length)
        expect(yield* running).toBe(1)
        yield* coordinator.cancel(key)
        yield* settle
        // Notified first, and gone afterwards.
        expect(listener.names()).toEqual(["start", "progress", "cleanup", "cancelled"])
        expect([yield* running, yield* streams.count]).toEqual([0, 0])
      })
    )
  )
})

describe("TaskCancellationAPITests", () => {
  it.effect("test_cancel_task_method_exists (S1-17, S1-19, S1-26)", () =>
    coordinated({ models }, ({ coordinator }) =>
      Effect.sync(() => {
        const cancelTask: (app: string, model: string, id: number) => Effect.Effect<boolean, unknown> =
          coordinator.cancelTask
        expect(cancelTask).toBeInstanceOf(Function)
        expect(TaskKey.toString(TaskKey.make("myapp", "MyTask", 123))).toBe("myapp:MyTask:123")
      })
    )
  )

  it.effect("test_cancel_task_cancels_running_task (S1-16, S1-18, S1-27, S1-46, S1-74)", () =>
    coordinated({ models }, ({ client, coordinator, create, log }) =>
      Effect.gen(function* () {
        const key = yield* create("WaitingTask")
        const listener = yield* client(key)
        expect(yield* coordinator.cancelTask("tests", "WaitingTask", key.id)).toBe(true)
        yield* settle
        expect(listener.names()).toEqual(["start", "progress", "cancelled"])
        // S1-06, S1-23
        expect(log.join("\n")).toMatch(/level=INFO .*"Cancelling task tests:WaitingTask:1"/)
        expect(log.join("\n")).toMatch(/level=INFO .*"Task tests:WaitingTask:1 has ended: cancelled"/)
      })
    )
  )

  it.effect("test_cancel_nonexistent_task_returns_false (S1-20, S1-23, S1-28)", () =>
    coordinated({ models }, ({ coordinator, log }) =>
      Effect.gen(function* () {
        expect(yield* coordinator.cancelTask("tests", "WaitingTask", 99999)).toBe(false)
        expect(log.join("\n")).toMatch(/level=WARN .*"Cannot cancel task tests:WaitingTask:99999: not found"/)
      })
    )
  )

  it.effect("test_cancel_already_completed_task_returns_false (S1-21, S1-23, S1-29)", () =>
    coordinated({ models }, ({ client, coordinator, create, log, record }) =>
      Effect.gen(function* () {
        const key = yield* create("QuickTask")
        yield* client(key)
        const before = yield* record(key)
        expect(before).toMatchObject({ status: "completed", final_value: 42, completed_at: expect.any(String) })
        yield* TestClock.adjust("1 second")
        expect(yield* coordinator.cancelTask("tests", "QuickTask", key.id)).toBe(false)
        expect(yield* record(key)).toEqual(before)
        expect(log.join("\n")).toMatch(/level=INFO .*"Cannot cancel task tests:QuickTask:1: it is completed"/)
      })
    )
  )
})

describe("A cancel", () => {
  it.effect("S1-24: called three times it is true, false, false, and there is one event", () =>
    coordinated({ models }, ({ client, coordinator, create }) =>
      Effect.gen(function* () {
        const key = yield* create("WaitingTask")
        const listener = yield* client(key)
        const answers = yield* Effect.all([1, 2, 3].map(() => coordinator.cancelTask("tests", "WaitingTask", key.id)))
        expect(answers).toEqual([true, false, false])
        yield* settle
        expect(listener.names().filter((name) => name === "cancelled")).toHaveLength(1)
      })
    )
  )

  it.effect("S1-24: of a task that is stopping, only the first call is true", () =>
    Effect.gen(function* () {
      const { letGo, model } = stubborn()
      yield* coordinated({ models: [model] }, ({ client, coordinator, create }) =>
        Effect.gen(function* () {
          const key = yield* create("StubbornTask")
          yield* client(key)
          const first = yield* coordinator.cancel(key)
          const second = yield* coordinator.cancel(key)
          expect([first, second]).toEqual([
            { cancelled: true, status: "running", detail: "The task is being cancelled" },
            { cancelled: false, status: "running", detail: "The task is already being cancelled" }
          ])
          yield* letGo
        })
      )
    })
  )

  it.effect("S1-22: answers at once; the variant that waits answers when the task has ended", () =>
    Effect.gen(function* () {
      const { letGo, model } = stubborn()
      yield* coordinated({ models: [model] }, ({ client, coordinator, create }) =>
        Effect.gen(function* () {
          const key = yield* create("StubbornTask")
          const listener = yield* client(key)
          expect((yield* coordinator.cancel(key)).cancelled).toBe(true)
          const waiter = yield* Effect.forkChild(coordinator.cancel(key, { wait: true }))
          yield* settle
          expect(waiter.pollUnsafe()).toBeUndefined()
          expect(listener.ended()).toBe(false)
          yield* letGo
          yield* settle
          expect(waiter.pollUnsafe()).toMatchObject({ value: { cancelled: false, status: "cancelled" } })
          expect(listener.ended()).toBe(true)
        })
      )
    })
  )

  it.effect("S1-39 S1-40: right after the start, without a pause: the client is told, and nothing is left", () =>
    coordinated({ models }, ({ coordinator, create, record, stored, tasks }) =>
      Effect.gen(function* () {
        const key = yield* create("WaitingTask")
        const { attempt } = yield* coordinator.start(key)
        expect((yield* coordinator.cancel(key)).cancelled).toBe(true)
        yield* settle
        expect(attempt!.log.ended).toBe(true)
        expect([(yield* record(key)).status, (yield* stored(key))?.status]).toEqual(["cancelled", "cancelled"])
        expect((yield* tasks.list).map(({ state }) => state)).toEqual(["cancelled"])
      })
    )
  )

  it.effect("S1-41: a thousand of those", () =>
    coordinated({ models }, ({ coordinator, create, store }) =>
      Effect.gen(function* () {
        for (let run = 0; run < 1000; run++) {
          const key = yield* create("PoliteTask")
          yield* coordinator.start(key)
          yield* coordinator.cancel(key)
        }
        yield* settle
        yield* coordinator.shutdown()
        expect(yield* store.count).toEqual({ cancelled: 1000 })
      })
    )
  )

  it.effect("of a pending task does nothing: it was not running", () =>
    coordinated({ models }, ({ coordinator, create, record }) =>
      Effect.gen(function* () {
        const key = yield* create("WaitingTask")
        expect(yield* coordinator.cancel(key)).toMatchObject({ cancelled: false, status: "pending" })
        expect((yield* record(key)).status).toBe("pending")
      })
    )
  )

  it.effect("S1-56: a task's own words stand on the one cancelled event, after what its clean-up said", () =>
    coordinated({ models }, ({ client, coordinator, create }) =>
      Effect.gen(function* () {
        const key = yield* create("PoliteTask")
        const listener = yield* client(key)
        yield* coordinator.cancel(key, { reason: "not needed", by: "ann" })
        yield* settle
        expect(listener.names()).toEqual(["start", "progress", "cleanup", "cancelled"])
        expect(listener.events().at(-1)!.data).toMatchObject({
          message: "Custom task cancelled",
          details: { rows: 3 },
          reason: "external_cancellation",
          cancellation_reason: "not needed",
          cancelled_by: "ann"
        })
      })
    )
  )

  it.effect("S1-07: who writes shutdown as the reason is told apart from a service that shuts down", () =>
    coordinated({ models }, ({ client, coordinator, create, record }) =>
      Effect.gen(function* () {
        const key = yield* create("WaitingTask")
        const listener = yield* client(key)
        yield* coordinator.cancel(key, { reason: "shutdown" })
        yield* settle
        expect(listener.events().at(-1)!.data).toMatchObject({
          reason: "external_cancellation",
          cancellation_reason: '"shutdown"'
        })
        expect((yield* record(key)).cancellation_reason).toBe('"shutdown"')
      })
    )
  )

  it.effect("S1-55 S1-25: from code, and branch on the boolean", () =>
    coordinated({ models }, ({ client, create, coordinator: service }) =>
      Effect.gen(function* () {
        const key = yield* create("WaitingTask")
        yield* client(key)
        const say = Effect.gen(function* () {
          const coordinator = yield* Coordinator.Coordinator
          return (yield* coordinator.cancelTask("tests", "WaitingTask", key.id))
            ? "Task cancelled successfully"
            : "Task not running or already completed"
        }).pipe(Effect.provideService(Coordinator.Coordinator, service))
        expect(yield* say).toBe("Task cancelled successfully")
        expect(yield* say).toBe("Task not running or already completed")
      })
    )
  )
})

describe("The end of a task", () => {
  it.effect("S1-02: every kind of end is told by exactly one last event, the stored state says the same", () =>
    coordinated({ models }, ({ client, coordinator, create, record, stored }) =>
      Effect.gen(function* () {
        const told: Array<unknown> = []
        for (const [model, params, limit] of [
          ["QuickTask", {}],
          ["FailingTask", {}],
          ["BreakingTask", {}],
          ["WaitingTask", {}],
          ["SleepingTask", { millis: 60_000 }, 1]
        ] as const) {
          const key = yield* create(model, params, limit)
          const listener = yield* client(key)
          if (model === "WaitingTask") yield* coordinator.cancel(key)
          if (model === "SleepingTask") yield* TestClock.adjust("1 second")
          yield* settle
          expect(listener.ended()).toBe(true)
          const last = listener.events().at(-1)!
          const ends = listener.names().filter((name) => /^(complete|task-error|cancelled|timeout)$/.test(name))
          expect(ends).toEqual([last.event])
          expect((yield* stored(key))!).toEqual(yield* record(key))
          told.push([last.event, (yield* record(key)).status])
        }
        expect(told).toEqual([
          ["complete", "completed"],
          ["task-error", "failed"],
          ["task-error", "failed"],
          ["cancelled", "cancelled"],
          ["timeout", "timeout"]
        ])
      })
    )
  )

  it.effect("S1-03 S1-04: a value is on the complete event and in the record", () =>
    coordinated({ models }, ({ client, create, record }) =>
      Effect.gen(function* () {
        const key = yield* create("QuickTask")
        const listener = yield* client(key)
        expect(listener.events().at(-1)).toMatchObject({ event: "complete", data: { final_value: 42, _task_id: 1 } })
        expect(yield* record(key)).toMatchObject({ status: "completed", final_value: 42, attempts: 1, last_event: 2 })
      })
    )
  )

  it.effect("S1-05 S1-09 S1-52 S1-70: a failure is told with its type and fields, a defect is kept for the log", () =>
    coordinated({ models }, ({ client, create, log, record }) =>
      Effect.gen(function* () {
        const failed = yield* create("FailingTask")
        expect((yield* client(failed)).events().at(-1)).toMatchObject({
          event: "task-error",
          data: { message: "Tray 2 is empty", error_type: "OutOfPaper", tray: 2 }
        })
        expect((yield* record(failed)).error).toEqual({
          message: "Tray 2 is empty",
          error_type: "OutOfPaper",
          tray: 2
        })
        const broken = yield* create("BreakingTask")
        const listener = yield* client(broken)
        expect(listener.events().at(-1)!.data).toMatchObject({
          message: "Internal error",
          error_type: "InternalError"
        })
        expect(JSON.stringify([listener.events(), yield* record(broken)])).not.toContain("hunter2")
        expect(log.join("\n")).toContain("hunter2")
      })
    )
  )

  it.effect(
    "S1-05 S1x-33: a clean-up that breaks while the task is cancelled: cancelled, and the defect is logged",
    () =>
      coordinated({ models }, ({ client, coordinator, create, log }) =>
        Effect.gen(function* () {
          const key = yield* create("ClumsyTask")
          const listener = yield* client(key)
          yield* coordinator.cancel(key)
          yield* settle
          expect(listener.names()).toEqual(["start", "progress", "cancelled"])
          expect(log.join("\n")).toContain("Cleanup failed")
        })
      )
  )

  it.effect("S1-01 S1-82: a cancel from end to end: told, stored, gone, answered, logged", () =>
    coordinated({ models }, ({ client, coordinator, create, log, stored, tasks }) =>
      Effect.gen(function* () {
        const key = yield* create("PoliteTask")
        const listener = yield* client(key)
        const answer = yield* coordinator.cancel(key, { wait: true, reason: "not needed" })
        yield* settle
        expect(answer).toEqual({ cancelled: true, status: "cancelled", detail: "The task was cancelled" })
        expect(listener.names().at(-1)).toBe("cancelled")
        expect(yield* stored(key)).toMatchObject({
          status: "cancelled",
          cancellation_reason: "not needed",
          cancelled_at: "1970-01-01T00:00:00.000Z"
        })
        expect((yield* tasks.list).filter(({ state }) => state === "running")).toEqual([])
        expect(log.join("\n")).toContain("Cancelling task tests:PoliteTask:1")
      })
    )
  )
})
