/** `ExampleTask`: five steps with a pause after each, and a `progress` event for every one of them. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as TaskModel from "../coordinator/TaskModel.ts"
import { app } from "./appName.ts"
import { Millis } from "./Millis.ts"

export const exampleTask = TaskModel.make({
  app,
  model: "ExampleTask",
  description: "Five progress events, `step_millis` (default 1000) apart",
  params: Schema.Struct({ step_millis: Schema.optionalKey(Millis) }),
  value: Schema.Struct({ steps: Schema.Int }),
  start: () => ({ message: "Starting", total_steps: steps }),
  process: ({ step_millis = 1000 }, task) =>
    Effect.gen(function* () {
      for (let step = 1; step <= steps; step++) {
        yield* Effect.sleep(Duration.millis(step_millis))
        yield* task.send("progress", { step, total_steps: steps, message: `Step ${step} of ${steps}` })
      }
      return { steps }
    })
})

const steps = 5
