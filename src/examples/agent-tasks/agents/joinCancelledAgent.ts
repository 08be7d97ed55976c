/**
 * Join with a cancelled handle: `joinAll` fails with a typed error that names the cancelled task, and the agent lives;
 * `joinAllSettled` and `skipCancelled` take what there is.
 */
import * as Effect from "effect/Effect"
import { joinAll, joinAllSettled, skipCancelled } from "../combine/joins.ts"
import { AgentContext } from "../context/AgentContext.ts"
import { Sleep } from "../kinds/sleepTask.ts"

export const joinCancelledAgent = Effect.gen(function* () {
  const { schedule, submit } = yield* AgentContext
  const kept = yield* schedule(Sleep, { ms: 300, label: "kept" }, { label: "kept" })
  const cancelled = yield* schedule(Sleep, { ms: 10_000, label: "cancelled" }, { label: "cancelled" })
  yield* submit
  yield* Effect.sleep("100 millis")
  const result = yield* cancelled.cancel()
  const joined = yield* Effect.result(joinAll([kept, cancelled], { siblings: "keep" }))
  const settled = yield* joinAllSettled([kept, cancelled])
  const rest = yield* skipCancelled([kept, cancelled])
  return { cancelledId: cancelled.id, result, joined, settled, rest }
})
