/** Small models that the tests of this folder run. */
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Schema from "effect/Schema"
import * as TaskModel from "../../../src/examples/sse-tasks/coordinator/TaskModel.ts"

const app = "tests"
const none = Schema.Struct({})

/** Says `ready`, then waits until it is cancelled. */
export const waiting = TaskModel.make({
  app,
  model: "WaitingTask",
  description: "waits until it is cancelled",
  params: none,
  value: Schema.Void,
  process: (_, task) => Effect.andThen(task.send("progress", { message: "ready" }), Effect.never)
})

/** Ends at once. */
export const quick = TaskModel.make({
  app,
  model: "QuickTask",
  description: "ends at once",
  params: none,
  value: Schema.Int,
  process: () => Effect.succeed(42)
})

/** Sleeps. */
export const sleeping = TaskModel.make({
  app,
  model: "SleepingTask",
  description: "sleeps",
  params: Schema.Struct({ millis: Schema.Int }),
  value: Schema.String,
  process: ({ millis }) => Effect.as(Effect.sleep(millis), "slept")
})

class OutOfPaper extends Schema.TaggedError<OutOfPaper>()("OutOfPaper", {
  message: Schema.String,
  tray: Schema.Int
}) {}

export const failing = TaskModel.make({
  app,
  model: "FailingTask",
  description: "fails",
  params: none,
  value: Schema.Void,
  error: OutOfPaper,
  process: () => Effect.fail(new OutOfPaper({ message: "Tray 2 is empty", tray: 2 }))
})

export const breaking = TaskModel.make({
  app,
  model: "BreakingTask",
  description: "dies",
  params: none,
  value: Schema.Void,
  process: () => Effect.die(new Error("password=hunter2"))
})

/** Cleans up after itself and has its own words for its cancellation (S1-56). */
export const polite = TaskModel.make({
  app,
  model: "PoliteTask",
  description: "cleans up after itself",
  params: none,
  value: Schema.Void,
  process: (_, task) =>
    task.send("progress", { message: "ready" }).pipe(
      Effect.andThen(Effect.never),
      Effect.onInterrupt(() =>
        Effect.andThen(
          task.send("cleanup", { message: "Tidied up" }),
          task.send("cancelled", { message: "Custom task cancelled", details: { rows: 3 } })
        )
      )
    )
})

/** Its clean-up breaks. */
export const clumsy = TaskModel.make({
  app,
  model: "ClumsyTask",
  description: "breaks while it cleans up",
  params: none,
  value: Schema.Void,
  process: (_, task) =>
    task.send("progress", { message: "ready" }).pipe(
      Effect.andThen(Effect.never),
      Effect.onInterrupt(() => Effect.die(new Error("Cleanup failed")))
    )
})

/** Sends `count` events of `bytes` (default: a kilobyte) each, one a turn, so that clients read in between. */
export const streaming = TaskModel.make({
  app,
  model: "StreamingTask",
  description: "sends much",
  params: Schema.Struct({ count: Schema.Int, bytes: Schema.optionalKey(Schema.Int) }),
  value: Schema.Int,
  process: ({ bytes = 1000, count }, task) =>
    Effect.gen(function* () {
      for (let number = 1; number <= count; number++) {
        yield* task.send("progress", { number, padding: "x".repeat(bytes) })
        yield* Effect.yieldNow
      }
      return count
    })
})

/** Waits until its record says that it may continue. */
export const continuing = TaskModel.make({
  app,
  model: "ContinuingTask",
  description: "waits to be continued",
  params: none,
  value: Schema.Void,
  continues: true,
  process: (_, task) => Effect.andThen(task.send("progress", { message: "ready" }), Effect.never)
})

export interface Stubborn {
  readonly model: TaskModel.TaskModel
  readonly letGo: Effect.Effect<void>
}

/** Ignores its cancel until it is let go. */
export const stubborn = (): Stubborn => {
  const door = Latch.makeUnsafe()
  return {
    model: TaskModel.make({
      app,
      model: "StubbornTask",
      description: "ignores its cancel",
      params: none,
      value: Schema.Void,
      process: (_, task) =>
        Effect.andThen(task.send("progress", { message: "ready" }), Effect.uninterruptible(door.await))
    }),
    letGo: Effect.asVoid(door.open)
  }
}
