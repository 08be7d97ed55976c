/** From where an agent is said to be, to the way in which it is called. */
import * as A2A from "@a2a-js/sdk"
import * as Effect from "effect/Effect"
import { retryingWhile } from "../../../internal/client/retrying.ts"
import { AgentUnreadable, type CallError } from "../../RemoteAgentError.ts"
import { type Binding, document, jsonRpc, rest } from "./binding.ts"
import { ask, inTime, isTransient, type Line } from "./wire.ts"

/** `url` is that of the card if it ends in `.json`; else the card is at the well-known place below it. */
export const fetchCard = (line: Line, url: string): Effect.Effect<A2A.AgentCard, CallError> => {
  const call = document("the card", url.endsWith(".json") ? url : `${url.replace(/\/+$/, "")}/${A2A.AGENT_CARD_PATH}`)
  return Effect.retry(
    inTime(
      line,
      call,
      ask(line, call, (json) => A2A.AgentCard.fromJSON(json))
    ),
    retryingWhile(line.retry, isTransient)
  )
}

/** The first interface that this client can speak: the card has the preferred one first. */
export const bindingOf = (agent: string, card: A2A.AgentCard): Effect.Effect<Binding, AgentUnreadable> => {
  for (const { protocolBinding, protocolVersion, tenant, url } of card.supportedInterfaces) {
    if (protocolVersion !== "" && !protocolVersion.startsWith("1.")) continue
    if (protocolBinding === "JSONRPC") return Effect.succeed(jsonRpc(url, tenant))
    if (protocolBinding === "HTTP+JSON") return Effect.succeed(rest(url, tenant))
  }
  const offered = card.supportedInterfaces.map((at) => `${at.protocolBinding} of ${at.protocolVersion}`).join(", ")
  const detail = `supportedInterfaces must have JSONRPC or HTTP+JSON of A2A 1.0, but it has ${offered || "none"}`
  return Effect.fail(new AgentUnreadable({ agent, what: "the card", detail }))
}
