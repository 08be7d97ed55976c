/**
 * Racing with cancel: the same file from three mirrors, the first one wins, the other two are cancelled on their workers,
 * which closes their sockets. The outcome is noted: an agent that is resumed sees the same winner and the same list.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { selectOkWithCancel } from "../combine/select.ts"
import { AgentContext } from "../context/AgentContext.ts"
import { Fetch } from "../kinds/fetchTask.ts"
import { mirror } from "./mirror.ts"

const Raced = Schema.Struct({
  winner: Schema.Int,
  bytes: Schema.Int,
  cancelled: Schema.Array(Schema.String),
  ids: Schema.Array(Schema.String)
})

export const racingAgent = Effect.fnUntraced(function* (origin: string) {
  const { name, once, schedule } = yield* AgentContext
  const from = (label: string, ms: number) =>
    schedule(Fetch, { url: mirror(origin, `${name}.${label}`, ms) }, { label })
  const mirrors = [yield* from("fast", 100), yield* from("medium", 3000), yield* from("slow", 10_000)]
  return yield* once(
    "race",
    Raced,
    Effect.map(selectOkWithCancel(mirrors), ({ cancelled, index, value }) => ({
      winner: index,
      bytes: value.bytes,
      cancelled,
      ids: mirrors.map(({ id }) => id)
    }))
  )
})
