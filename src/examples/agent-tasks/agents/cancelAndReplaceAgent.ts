/** Cancel and replace: a slow task loses patience, a fast one takes its place, and only then has the slow one's id been used up. */
import * as Effect from "effect/Effect"
import { cancelAndReplace } from "../combine/replace.ts"
import { AgentContext } from "../context/AgentContext.ts"
import { Fetch } from "../kinds/fetchTask.ts"
import { mirror } from "./mirror.ts"

export const cancelAndReplaceAgent = Effect.fnUntraced(function* (origin: string) {
  const { name, schedule, submit } = yield* AgentContext
  const slow = yield* schedule(Fetch, { url: mirror(origin, `${name}.slow`, 10_000) }, { label: "slow" })
  yield* submit
  yield* Effect.sleep("200 millis")
  const { old, replacement } = yield* cancelAndReplace(
    slow,
    Fetch,
    { url: mirror(origin, `${name}.replacement`, 100) },
    { label: "replacement" }
  )
  const page = yield* replacement.run()
  return { slow: slow.id, old, replacement: replacement.id, bytes: page.bytes, slowStatus: yield* slow.status }
})
