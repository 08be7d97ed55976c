/**
 * `ContinueTask`: waits until its record says that it may continue, which `POST /continue/…` or whoever else writes to the
 * store can bring about.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Wait from "../../../fibers/Wait.ts"
import * as TaskModel from "../coordinator/TaskModel.ts"
import { TaskStore } from "../store/TaskStore.ts"
import { app } from "./appName.ts"
import { Millis } from "./Millis.ts"

class RecordGone extends Schema.TaggedError<RecordGone>()("RecordGone", { message: Schema.String }) {}

export const continueTask = TaskModel.make({
  app,
  model: "ContinueTask",
  description: "Waits for `POST /continue/…`, looking every `look_millis` (default 100)",
  params: Schema.Struct({ look_millis: Schema.optionalKey(Millis.check(Schema.isGreaterThan(0))) }),
  value: Schema.Struct({ continued: Schema.Boolean }),
  error: RecordGone,
  continues: true,
  start: () => ({ message: "Waiting to be continued" }),
  process: ({ look_millis = 100 }, task) =>
    Effect.gen(function* () {
      const store = yield* TaskStore
      yield* task.send("progress", { message: "Waiting" })
      const look = Effect.flatMap(Effect.orDie(store.get(task.key)), (record) =>
        Option.isNone(record)
          ? Effect.fail(new RecordGone({ message: "The record was deleted, so nobody can let it continue" }))
          : Effect.succeed(record.value.continue)
      )
      yield* Wait.poll(look, { interval: Duration.millis(look_millis), within: "Infinity" })
      yield* task.send("progress", { message: "Continued" })
      return { continued: true }
    })
})
