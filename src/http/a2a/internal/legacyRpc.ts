/** Clients of A2A 0.3, by JSON-RPC: the SDK translates. */
import { LegacyJsonRpcTransportHandler, LegacyRestTransportHandler } from "@a2a-js/sdk/compat/v0_3/server"
import { A2A_ERROR_CODE, A2AError, RequestMalformedError } from "@a2a-js/sdk/errors"
import { ServerCallContext } from "@a2a-js/sdk/server"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import type * as HttpServerResponse from "effect/http/HttpServerResponse"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Action, Visitor } from "../../TaskAccess.ts"
import { type AgentServer, promised, respond } from "./agentServer.ts"
import * as AgentStream from "./agentStream.ts"
import { callOf, extensionsHeader } from "./calls.ts"
import type { RpcRequest } from "./jsonRpc.ts"
import { LegacyCall } from "./legacyCall.ts"
import { isObject, legacyMistake } from "./params.ts"
import { permitted } from "./permitted.ts"
import { type Id, Refusal, type Told, toldInRpc } from "./refusal.ts"

type Answers = AsyncGenerator<unknown, void, undefined>

export const legacyRpc: (
  server: AgentServer,
  request: HttpServerRequest.HttpServerRequest,
  visitor: Visitor,
  rpc: RpcRequest,
  id: Id
) => Effect.Effect<HttpServerResponse.HttpServerResponse, A2AError, Scope.Scope> = Effect.fnUntraced(
  function* (server, request, visitor, rpc, id) {
    const call = yield* callOf(server, "JSONRPC", request, visitor, undefined)
    const wrong = isObject(rpc.params) ? legacyMistake(rpc.method, rpc.params) : undefined
    if (wrong !== undefined) return yield* Effect.fail(new RequestMalformedError(wrong))
    const act = actOf(rpc)
    if (act !== undefined) yield* permitted({ server, visitor, call }, ...act)
    const streams = /^(?:message\/stream|tasks\/resubscribe)$/.test(rpc.method)
    const stream = streams ? yield* AgentStream.admit(server) : undefined
    const calls = new LegacyCall(server)
    const answer = yield* promised((signal) =>
      new LegacyJsonRpcTransportHandler(calls.handler(signal)).handle({ ...rpc }, call)
    )
    if ("error" in answer) yield* mistakeIn(answer.error, calls)
    const headers = extensionsHeader(call)
    if (stream === undefined || !(Symbol.asyncIterator in answer)) {
      return respond({ status: 200, headers, body: JSON.stringify(answer) }, contentType)
    }
    // Before the streams of the SDK are left: those would wait for their next event.
    yield* Effect.addFinalizer(() => Effect.sync(calls.end))
    const answers: Answers = answer
    // An error before the first event is an answer like any other.
    const first = yield* promised(() => answers.next())
    const framing = { before: "data: ", after: "\n\n", failed: (error: A2AError) => toldInLegacy(error, id).body }
    return yield* AgentStream.respond(request, stream, from(first, answers), framing, headers)
  }
)

const contentType = "application/json"

/** What is done to which task; what is not valid is for the SDK to say. */
const actOf = ({ method, params }: RpcRequest): readonly [Action, string] | undefined => {
  const { id, message, taskId } = isObject(params) ? params : {}
  switch (method) {
    case "tasks/get":
      return ["read", textOf(id)]
    case "tasks/cancel":
      return ["cancel", textOf(id)]
    case "message/send":
    case "message/stream":
      return ["start", isObject(message) ? textOf(message["taskId"]) : ""]
    case "agent/getAuthenticatedExtendedCard":
      return undefined
    default:
      return ["events", textOf(taskId ?? id)]
  }
}

const textOf = (value: unknown): string => (typeof value === "string" ? value : "")

/** What the SDK throws by itself comes of what it was given; of what the engine fails with it says too much or too little. */
const mistakeIn = (error: unknown, { raised, reached }: LegacyCall): Effect.Effect<void, A2AError> => {
  if (raised !== undefined) {
    return raised.error instanceof A2AError ? Effect.fail(raised.error) : Effect.die(raised.error)
  }
  return !reached && isObject(error) && error["code"] === A2A_ERROR_CODE.INTERNAL_ERROR
    ? Effect.fail(new RequestMalformedError("The parameters are not valid"))
    : Effect.void
}

const from = (first: IteratorResult<unknown, void>, answers: Answers): Stream.Stream<{ readonly json: string }> =>
  Stream.fromPull(
    Effect.sync(() => {
      let known: IteratorResult<unknown, void> | undefined = first
      const pull = Effect.suspend(() => {
        const ready = known
        known = undefined
        return ready === undefined ? Effect.orDie(promised(() => answers.next())) : Effect.succeed(ready)
      })
      return Effect.flatMap(pull, ({ done, value }) =>
        done === true ? Cause.done() : Effect.succeed([{ json: JSON.stringify(value) }] as const)
      )
    })
  )

/** As JSON-RPC of 0.3 tells errors. */
export const toldInLegacy = (error: A2AError, id: Id): Told => {
  const told = toldInRpc(error, id)
  if (error instanceof Refusal) return told
  const mapped = LegacyJsonRpcTransportHandler.mapToLegacyJSONRPCError(error)
  return { ...told, body: JSON.stringify({ jsonrpc: "2.0", id, error: mapped }) }
}

/** The card as clients of 0.3 read it, with what newer ones look for beside it. */
export const legacyCardText = ({ card, handler }: AgentServer): Effect.Effect<string, A2AError> => {
  const only = { ...handler, getAuthenticatedExtendedAgentCard: () => Promise.resolve(card) }
  return Effect.map(
    promised(() => new LegacyRestTransportHandler(only).getAuthenticatedExtendedAgentCard(new ServerCallContext())),
    (legacy) => JSON.stringify({ ...legacy, supportedInterfaces: card.supportedInterfaces })
  )
}
