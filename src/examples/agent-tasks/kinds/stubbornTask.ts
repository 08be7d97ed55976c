/** `stubborn`: cannot be cancelled while it waits, as a blocking call cannot. To see what `giveUp` is for. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as TaskDefinition from "../../../http/TaskDefinition.ts"
import { Millis } from "./millis.ts"

export const Stubborn = TaskDefinition.make("stubborn", {
  description: "Ignores every cancel for `ms`.",
  payload: Schema.Struct({ ms: Millis }),
  success: Schema.Struct({ waitedMillis: Schema.Int })
})

export const implementation = Stubborn.of(({ ms }) =>
  // oxlint-disable-next-line rescind/no-bare-uninterruptible -- the bad example, on purpose
  Effect.sleep(ms).pipe(Effect.as({ waitedMillis: ms }), Effect.uninterruptible)
)
