/**
 * `stubborn`: cannot be cancelled while it waits, as code in an uninterruptible region or a blocking call cannot. Only
 * here to show what a cancel does then: it gives up, says so, and lists the task as a straggler until its real end.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as CancelPolicy from "../../../fibers/CancelPolicy.ts"
import * as TaskDefinition from "../../../http/TaskDefinition.ts"

const Waited = Schema.Struct({ millis: Schema.Int })

const definition = TaskDefinition.make("stubborn", {
  description:
    "Ignores cancellation for `millis` (default 30000): a cancel gives up on it after 2 seconds, and `GET /tree` lists " +
    "it as a straggler until its real end.",
  payload: Schema.Struct({
    millis: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 600_000 })))
  }),
  success: Waited,
  cancel: CancelPolicy.agent
})

export const implementation = definition.of(({ millis = 30_000 }) =>
  // oxlint-disable-next-line rescind/no-bare-uninterruptible -- the bad example, on purpose
  Effect.sleep(Duration.millis(millis)).pipe(Effect.as({ millis }), Effect.uninterruptible)
)
