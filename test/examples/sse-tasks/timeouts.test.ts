/** How long a task may run: its own limit, its model's, the server's, and more time for one that asks. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as TaskModel from "../../../src/examples/sse-tasks/coordinator/TaskModel.ts"
import { coordinated, settle } from "./coordinated.ts"
import { sleeping, stubborn } from "./models.ts"

const limited = TaskModel.make({
  app: "tests",
  model: "LimitedTask",
  description: "may run for two seconds",
  params: Schema.Struct({}),
  value: Schema.Void,
  maxRunTime: "2 seconds",
  process: () => Effect.never
})

/** Three steps of 50 ms each, and asks for more time if it is to. */
const steps = TaskModel.make({
  app: "tests",
  model: "StepsTask",
  description: "three steps",
  params: Schema.Struct({ extend: Schema.Boolean }),
  value: Schema.Int,
  process: ({ extend }, task) =>
    Effect.gen(function* () {
      for (let step = 1; step <= 3; step++) {
        yield* Effect.sleep("50 millis")
        if (extend && step === 1) yield* task.send("progress", { extended: yield* task.extend("200 millis") })
      }
      return 3
    })
})

const models = [sleeping, limited, steps]

describe("Maximum run time", () => {
  it.effect(
    "S1-62 S1-63 S1-64 S1-65: of the record: a millisecond before it the task runs, at it the task has timed out, not been cancelled",
    () =>
      coordinated({ models }, ({ client, create, record }) =>
        Effect.gen(function* () {
          const key = yield* create("SleepingTask", { millis: 60_000 }, 5)
          const listener = yield* client(key)
          yield* TestClock.adjust("4999 millis")
          yield* settle
          expect([(yield* record(key)).status, listener.names()]).toEqual(["running", ["start"]])
          yield* TestClock.adjust("1 millis")
          yield* settle
          expect(listener.names()).toEqual(["start", "timeout"])
          expect(listener.events()[1]!.data).toMatchObject({
            message: "The task ran longer than its maximum of 5s",
            reason: "timeout"
          })
          expect(listener.ended()).toBe(true)
          expect(yield* record(key)).toMatchObject({
            status: "timeout",
            cancellation_reason: "The task ran longer than its maximum of 5s"
          })
        })
      )
  )

  it.effect("S1-62: of the model, unless the record has its own; and of the server, which bounds both", () =>
    coordinated({ models, maxRunTime: "10 seconds" }, ({ client, create, record }) =>
      Effect.gen(function* () {
        const [ofModel, ofRecord, ofServer] = yield* Effect.all([
          create("LimitedTask"),
          create("LimitedTask", {}, 4),
          create("SleepingTask", { millis: 60_000 }, 3600)
        ])
        for (const key of [ofModel, ofRecord, ofServer]) yield* client(key)
        const statuses = Effect.forEach([ofModel, ofRecord, ofServer], (key) =>
          Effect.map(record(key), ({ status }) => status)
        )
        yield* TestClock.adjust("2 seconds")
        expect(yield* statuses).toEqual(["timeout", "running", "running"])
        yield* TestClock.adjust("2 seconds")
        expect(yield* statuses).toEqual(["timeout", "timeout", "running"])
        yield* TestClock.adjust("6 seconds")
        expect(yield* statuses).toEqual(["timeout", "timeout", "timeout"])
      })
    )
  )

  it.effect(
    "S1-67: over several steps; a task that asks for more gets it, and so does one for which somebody asks",
    () =>
      coordinated({ models }, ({ client, coordinator, create, record }) =>
        Effect.gen(function* () {
          const plain = yield* create("StepsTask", { extend: false }, 0.1)
          const asking = yield* create("StepsTask", { extend: true }, 0.1)
          const asked = yield* create("StepsTask", { extend: false }, 0.1)
          for (const key of [plain, asking, asked]) yield* client(key)
          expect(yield* coordinator.extend(asked, "200 millis")).toBe(true)
          for (let step = 0; step < 3; step++) {
            yield* TestClock.adjust("50 millis")
            yield* settle
          }
          const statuses = yield* Effect.forEach([plain, asking, asked], (key) =>
            Effect.map(record(key), ({ status }) => status)
          )
          expect(statuses).toEqual(["timeout", "completed", "completed"])
          expect(yield* coordinator.extend(plain, "1 second")).toBe(false)
        })
      )
  )

  it.effect("a task that ignores the end of its time is timed out all the same, five seconds later", () =>
    Effect.gen(function* () {
      const { letGo, model } = stubborn()
      yield* coordinated({ models: [model] }, ({ client, create }) =>
        Effect.gen(function* () {
          const key = yield* create("StubbornTask", {}, 1)
          const listener = yield* client(key)
          yield* TestClock.adjust("5999 millis")
          yield* settle
          expect(listener.names()).toEqual(["start", "progress"])
          yield* TestClock.adjust("1 millis")
          yield* settle
          expect(listener.names()).toEqual(["start", "progress", "timeout"])
          yield* letGo
          yield* settle
        })
      )
    })
  )
})
