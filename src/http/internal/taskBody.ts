/** The program of a task: what its implementation does, with its words encoded as they are said. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type { Json } from "effect/Schema"
import * as Deadline from "../../combinators/Deadline.ts"
import * as Task from "../../fibers/Task.ts"
import * as TimeLimits from "../../fibers/TimeLimits.ts"
import type { Said } from "./said.ts"
import type { Kind } from "./served.ts"

export const taskBody = (kind: Kind, id: string, payload: unknown, said: Said): Effect.Effect<unknown, unknown> => {
  const { codecs, definition, run } = kind
  const logged = Effect.tapCause((cause: Cause.Cause<unknown>) =>
    Cause.hasDies(cause)
      ? Effect.logError(`Task "${id}" of "${definition.name}" failed with a defect`, cause)
      : Effect.void
  )
  // One frame for all that happens at the end: it is kept for as long as the task runs.
  return Effect.matchCauseEffect(
    Effect.suspend(() =>
      run(payload, {
        id,
        progress: say(codecs.progress, Task.progress),
        output: say(codecs.output, Task.output),
        // On the outcome it is a value of the program, encoded when it is told.
        partial: (value) =>
          Effect.flatMap(codecs.partial(value), (json) => {
            said.partial = { value, json }
            return Task.partial(value)
          }),
        commit: Task.commit,
        extend: TimeLimits.extend,
        timeLeft: Deadline.remaining
      })
    ),
    {
      onSuccess: (value) =>
        logged(
          Effect.map(codecs.success(value), (json) => {
            said.success = { value, json }
            return value
          })
        ),
      onFailure: (cause) => logged(Effect.andThen(encodeError(kind, said, cause), Effect.failCause(cause)))
    }
  ) as Effect.Effect<unknown, unknown>
}

const encodeError = ({ codecs }: Kind, said: Said, cause: Cause.Cause<unknown>): Effect.Effect<void> => {
  const failure = cause.reasons.find(Cause.isFailReason)
  if (failure === undefined) return Effect.void
  const { error: value } = failure
  return Effect.map(codecs.error(value), (json) => {
    said.error = { value, json }
  })
}

const say =
  (encode: (value: unknown) => Effect.Effect<Json>, emit: (value: Json) => Effect.Effect<void>) => (value: unknown) =>
    Effect.flatMap(encode(value), emit)
