/**
 * Batch scheduling: five tasks in one request. Of a second batch, two are cancelled: one before it was sent, which costs
 * nothing, and one while it runs.
 */
import * as Effect from "effect/Effect"
import { joinAll, joinAllSettled } from "../combine/joins.ts"
import { AgentContext } from "../context/AgentContext.ts"
import { Sleep } from "../kinds/sleepTask.ts"

const places = [1, 2, 3, 4, 5]

export const batchAgent = Effect.gen(function* () {
  const { schedule, submit } = yield* AgentContext
  const first = yield* Effect.forEach(places, (place) =>
    schedule(Sleep, { ms: 40 * place, label: `item ${place}` }, { label: `item ${place}` })
  )
  const values = yield* joinAll(first)

  const second = yield* Effect.forEach(places, (place) =>
    schedule(Sleep, { ms: place === 2 ? 10_000 : 40 * place }, { label: `more ${place}` })
  )
  const unsent = yield* second[0]!.cancel()
  yield* submit
  yield* Effect.sleep("50 millis")
  const running = yield* second[1]!.cancel()
  const settled = yield* joinAllSettled(second)
  return { labels: values.map(({ label }) => label), unsent, running, settled }
})
