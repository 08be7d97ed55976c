/** The program of one task: what its agent does with the message, and what comes of it. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { Agent } from "../Agent.ts"
import type { Turning } from "./turning.ts"

const result = "result"
const appended = { id: result, append: true }
const whole = { id: result, last: true }

export const runAgent = <R>(agent: Agent<R>, turn: Turning): Effect.Effect<void, unknown, R> =>
  Effect.suspend(() => {
    const run = agent.run(turn)
    return Stream.isStream(run)
      ? Stream.runForEach(run, (piece) => turn.publish(piece, appended))
      : Effect.flatMap(run, (content) => (content === undefined ? Effect.void : turn.publish(content, whole)))
  }).pipe(
    Effect.tapCause((cause) =>
      Cause.hasDies(cause)
        ? Effect.logError(`Task "${turn.taskId}" of the agent "${agent.name}" failed with a defect`, cause)
        : Effect.void
    )
  )
