/** `sleep`: a timer. Cancelled, it says how far it was. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Task from "../../../fibers/Task.ts"
import * as TaskDefinition from "../../../http/TaskDefinition.ts"
import { Millis } from "./millis.ts"

const Slept = Schema.Struct({ sleptMillis: Schema.Int })

export const Sleep = TaskDefinition.make("sleep", {
  description: "Does nothing for `ms`, then answers with `label` and for how long.",
  payload: Schema.Struct({ ms: Millis, label: Schema.optionalKey(Schema.String) }),
  success: Schema.Struct({ ...Slept.fields, label: Schema.optionalKey(Schema.String) }),
  partial: Slept
})

export const implementation = Sleep.of(({ ms, ...label }, self) =>
  Effect.gen(function* () {
    const began = yield* Clock.currentTimeMillis
    yield* Task.onCancel(() =>
      Effect.flatMap(Clock.currentTimeMillis, (now) => self.partial({ sleptMillis: now - began }))
    )
    yield* Effect.sleep(ms)
    return { sleptMillis: ms, ...label }
  })
)
