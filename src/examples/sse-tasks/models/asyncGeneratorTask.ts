/** `AsyncGeneratorTask`: a stream of items that come one by one, each told as it comes. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as TaskModel from "../coordinator/TaskModel.ts"
import { app } from "./appName.ts"
import { Millis } from "./Millis.ts"

export const asyncGeneratorTask = TaskModel.make({
  app,
  model: "AsyncGeneratorTask",
  description: "A stream of `items` (default 10), `item_millis` (default 300) apart",
  params: Schema.Struct({
    items: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 10_000 }))),
    item_millis: Schema.optionalKey(Millis)
  }),
  value: Schema.Struct({ items: Schema.Int }),
  start: ({ items = 10 }) => ({ message: "Generating", items }),
  process: ({ item_millis = 300, items = 10 }, task) =>
    Stream.range(1, items).pipe(
      Stream.schedule(Schedule.spaced(Duration.millis(item_millis))),
      Stream.runForEach((item) => task.send("progress", { item, items })),
      Effect.as({ items })
    )
})
