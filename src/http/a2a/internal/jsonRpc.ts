/** The JSON-RPC binding (section 9): one route for all methods. */
import { type A2AError, RequestMalformedError } from "@a2a-js/sdk/errors"
import * as Effect from "effect/Effect"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import type * as HttpServerResponse from "effect/http/HttpServerResponse"
import type * as Scope from "effect/Scope"
import type { Visitor } from "../../TaskAccess.ts"
import { type AgentServer, answered, enter, respond } from "./agentServer.ts"
import * as AgentStream from "./agentStream.ts"
import { readJson } from "./bodies.ts"
import { callOf, extensionsHeader, legacyVersion, versionOf } from "./calls.ts"
import { legacyRpc, toldInLegacy } from "./legacyRpc.ts"
import { operations, streams } from "./operations.ts"
import { isObject } from "./params.ts"
import { type Id, noMethod, notJson, notRpc, type Told, toldInRpc } from "./refusal.ts"

type Request = HttpServerRequest.HttpServerRequest
type Response = HttpServerResponse.HttpServerResponse
type Answer = Effect.Effect<Response, A2AError, Scope.Scope>

export const jsonRpcRoute =
  (server: AgentServer) =>
  (request: Request): Effect.Effect<Response, never, Scope.Scope> => {
    const legacy = server.legacy && versionOf(request) === legacyVersion
    let id: Id = null
    const handle = () =>
      Effect.flatMapEager(enter(server, request), (visitor) =>
        readJson(server, request, mediaTypes, (body): Answer => {
          id = idOf(body)
          const wrong = mistakeIn(body)
          if (wrong !== undefined) return Effect.fail(wrong)
          const rpc = body as RpcRequest
          return legacy ? legacyRpc(server, request, visitor, rpc, id) : dispatch(server, request, visitor, rpc, id)
        })
      )
    const told = (error: A2AError): Told => (legacy ? toldInLegacy : toldInRpc)(error, id)
    return answered(server, request, handle, (error) => respond(told(error), contentType))
  }

const contentType = "application/json"
const mediaTypes = [contentType]

export interface RpcRequest {
  readonly jsonrpc: "2.0"
  readonly id?: Id | undefined
  readonly method: string
  readonly params?: unknown
}

/** A request without an id is answered too, under the id `null`: so does the SDK. */
const idOf = (body: unknown): Id => {
  const id = isObject(body) ? body["id"] : null
  return typeof id === "string" || Number.isInteger(id) ? (id as Id) : null
}

const mistakeIn = (body: unknown): A2AError | undefined => {
  if (body === undefined) return notJson("The body is empty")
  if (Array.isArray(body)) return notRpc("Batches are not supported; send one request at a time")
  if (!isObject(body)) return notRpc("The request must be a JSON object")
  const { id = null, jsonrpc, method } = body
  if (jsonrpc !== "2.0") return notRpc('jsonrpc must be "2.0"')
  if (id !== idOf(body)) return notRpc("id must be a string, a whole number or null")
  return typeof method === "string" && method !== "" ? undefined : notRpc("method must be a string")
}

const dispatch = (server: AgentServer, request: Request, visitor: Visitor, rpc: RpcRequest, id: Id): Answer => {
  const { method, params = method === "GetExtendedAgentCard" ? {} : undefined } = rpc
  const run = operations.get(method)
  const follow = run === undefined ? streams.get(method) : undefined
  const tenant = isObject(params) ? params["tenant"] : undefined
  return Effect.flatMapEager(
    callOf(server, "JSONRPC", request, visitor, typeof tenant === "string" ? tenant : undefined),
    (call): Answer => {
      if (run === undefined && follow === undefined) return Effect.fail(noMethod(`There is no method "${method}"`))
      if (!isObject(params)) return Effect.fail(new RequestMalformedError("params must be an object"))
      const asking = { server, visitor, call }
      return run !== undefined
        ? Effect.map(run(asking, params), (result) =>
            respond({ status: 200, headers: extensionsHeader(call), body: resultOf(id, result) }, contentType)
          )
        : Effect.flatMap(AgentStream.admit(server), (stream) =>
            Effect.flatMap(follow!(asking, params), (events) =>
              AgentStream.respond(request, stream, events, framingOf(id), extensionsHeader(call))
            )
          )
    }
  )
}

const opening = (id: Id): string => `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":`

const resultOf = (id: Id, result: string): string => `${opening(id)}${result}}`

const framingOf = (id: Id): AgentStream.Framing => ({
  before: `data: ${opening(id)}`,
  after: "}\n\n",
  failed: (error) => toldInRpc(error, id).body
})
