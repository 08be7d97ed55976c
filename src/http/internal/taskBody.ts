/** The program of a task: what its implementation does, with its words encoded as they are said. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type { Json } from "effect/Schema"
import * as Deadline from "../../combinators/Deadline.ts"
import * as Task from "../../fibers/Task.ts"
import * as TimeLimits from "../../fibers/TimeLimits.ts"
import type { Said } from "./said.ts"
import type { Kind } from "./served.ts"

export const taskBody = (
  { codecs, definition, run }: Kind,
  id: string,
  payload: unknown,
  said: Said
): Effect.Effect<unknown, unknown> => {
  return Effect.suspend(() =>
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
  ).pipe(
    Effect.tap((value) => Effect.map(codecs.success(value), (json) => (said.success = { value, json }))),
    Effect.tapError((error) => Effect.map(codecs.error(error), (json) => (said.error = { value: error, json }))),
    Effect.tapCause((cause) =>
      Cause.hasDies(cause)
        ? Effect.logError(`Task "${id}" of "${definition.name}" failed with a defect`, cause)
        : Effect.void
    )
  ) as Effect.Effect<unknown, unknown>
}

const say =
  (encode: (value: unknown) => Effect.Effect<Json>, emit: (value: Json) => Effect.Effect<void>) => (value: unknown) =>
    Effect.flatMap(encode(value), emit)
