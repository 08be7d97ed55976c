/** Cancel idempotency: one task, cancelled three times and once more after its end. The first reason stays. */
import * as Effect from "effect/Effect"
import * as CancelReason from "../../../fibers/CancelReason.ts"
import { AgentContext } from "../context/AgentContext.ts"
import { Sleep } from "../kinds/sleepTask.ts"

export const cancelIdempotencyAgent = Effect.gen(function* () {
  const { name, schedule, submit } = yield* AgentContext
  const task = yield* schedule(Sleep, { ms: 10_000 }, { label: "task" })
  yield* submit
  yield* Effect.sleep("100 millis")
  const results = yield* Effect.forEach(["first", "second", "third"], (message) =>
    task.cancel({ reason: CancelReason.request({ by: name, message }) })
  )
  return { results, status: yield* task.status }
})
