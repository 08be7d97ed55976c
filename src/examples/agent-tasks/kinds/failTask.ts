/** `fail`: fails after a while, typed; to see what a race, a join and a retry make of it. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as TaskDefinition from "../../../http/TaskDefinition.ts"
import { Millis } from "./millis.ts"

class Failure extends Schema.TaggedError<Failure>()("Failure", { message: Schema.String }) {}

export const Fail = TaskDefinition.make("fail", {
  description: "Fails with `message` after `ms`.",
  payload: Schema.Struct({ ms: Millis, message: Schema.String }),
  success: Schema.Never,
  error: Failure
})

export const implementation = Fail.of(({ message, ms }) =>
  Effect.andThen(Effect.sleep(ms), Effect.fail(new Failure({ message })))
)
