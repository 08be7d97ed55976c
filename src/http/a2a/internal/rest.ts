/** The HTTP+JSON binding (section 11): a route a method, each also below a tenant. */
import type { A2AError } from "@a2a-js/sdk/errors"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { RequestMalformedError } from "@a2a-js/sdk/errors"
import { type AgentServer, answered, enter, respond } from "./agentServer.ts"
import * as AgentStream from "./agentStream.ts"
import { readJson } from "./bodies.ts"
import { callOf, extensionsHeader } from "./calls.ts"
import { notAnswered } from "./noAgentRoute.ts"
import { type Asking, operations, streams } from "./operations.ts"
import { isObject, type Params } from "./params.ts"
import { toldInRest } from "./refusal.ts"

type Request = HttpServerRequest.HttpServerRequest
type Response = HttpServerResponse.HttpServerResponse
type Answer = Effect.Effect<Response, A2AError, Scope.Scope>
type Query = Readonly<Record<string, string | Array<string>>>

/** What a request asks for: the name of a method and its parameters. */
interface Asked {
  readonly method: string
  readonly params: Params
  readonly status?: 200 | 201 | 204
}

type Read = (path: Readonly<Record<string, string | undefined>>, query: Query, body: Params) => Asked | undefined

/** As `path`, of a router of Effect's, whose `::` is one colon. */
export const restRoutes: ReadonlyArray<readonly ["GET" | "POST" | "DELETE", string, Read]> = [
  ["GET", "/extendedAgentCard", () => ({ method: "GetExtendedAgentCard", params: {} })],
  ["POST", "/message::send", (_, __, body) => ({ method: "SendMessage", params: body })],
  ["POST", "/message::stream", (_, __, body) => ({ method: "SendStreamingMessage", params: body })],
  ["GET", "/tasks", (_, query) => ({ method: "ListTasks", params: listQuery(query) })],
  ["GET", "/tasks/:id", ({ id }, query) => taskOf(id, { subscribe: "SubscribeToTask", "": "GetTask" }, numbers(query))],
  ["POST", "/tasks/:id", ({ id }, _, body) => taskOf(id, { cancel: "CancelTask", subscribe: "SubscribeToTask" }, body)],
  [
    "POST",
    "/tasks/:id/pushNotificationConfigs",
    ({ id }, _, body) => ({ method: "CreateTaskPushNotificationConfig", params: { ...body, taskId: id }, status: 201 })
  ],
  [
    "GET",
    "/tasks/:id/pushNotificationConfigs",
    ({ id }, query) => ({ method: "ListTaskPushNotificationConfigs", params: { ...numbers(query), taskId: id } })
  ],
  [
    "GET",
    "/tasks/:id/pushNotificationConfigs/:config",
    ({ config, id }) => ({ method: "GetTaskPushNotificationConfig", params: { taskId: id, id: config } })
  ],
  [
    "DELETE",
    "/tasks/:id/pushNotificationConfigs/:config",
    ({ config, id }) => ({
      method: "DeleteTaskPushNotificationConfig",
      params: { taskId: id, id: config },
      status: 204
    })
  ]
]

/** `{id}:cancel`: the name behind the last colon is the verb. */
const taskOf = (
  segment: string | undefined,
  verbs: Readonly<Record<string, string>>,
  params: Params
): Asked | undefined => {
  const [, id, verb = ""] = /^(.*?)(?::([^:]*))?$/s.exec(segment ?? "")!
  const method = Object.hasOwn(verbs, verb) ? verbs[verb] : undefined
  return method === undefined ? undefined : { method, params: { ...params, id } }
}

const counts = new Set(["pageSize", "historyLength"])

/** What is empty is as if it were not there. */
const numbers = (query: Query): Params =>
  Object.fromEntries(
    Object.entries(query).flatMap(([name, value]) =>
      value === "" ? [] : [[name, counts.has(name) ? numberOf(value) : value]]
    )
  )

const numberOf = (value: string | Array<string>): number =>
  typeof value === "string" && /^-?\d+$/.test(value) ? Number(value) : Number.NaN

const listQuery = (query: Query): Params => {
  const { includeArtifacts, status, ...params } = numbers(query)
  return {
    ...params,
    ...(status === undefined
      ? {}
      : { status: typeof status === "string" && /^\d+$/.test(status) ? Number(status) : status }),
    includeArtifacts: includeArtifacts === "true" || (includeArtifacts === "false" ? false : includeArtifacts)
  }
}

export const restRoute =
  (server: AgentServer, read: Read) =>
  (request: Request): Effect.Effect<Response, never, HttpRouter.Provided> =>
    Effect.flatMap(HttpRouter.RouteContext, ({ params }) =>
      Effect.flatMap(HttpServerRequest.ParsedSearchParams, (query) =>
        answered(
          server,
          request,
          () =>
            Effect.flatMapEager(enter(server, request), (visitor) =>
              Effect.flatMapEager(callOf(server, "HTTP+JSON", request, visitor, params["tenant"]), (call) =>
                withBody(server, request, (body) => {
                  const asked = read(params, query, body)
                  return asked === undefined
                    ? Effect.fail(notAnswered(server.path, request))
                    : dispatch(request, { server, visitor, call }, asked, params["tenant"] ?? "")
                })
              )
            ),
          (error) => respond(toldInRest(error), contentType)
        )
      )
    )

const contentType = "application/a2a+json"
const mediaTypes = ["application/json", contentType]

const empty: Params = {}

const withBody = (server: AgentServer, request: Request, use: (body: Params) => Answer): Answer =>
  request.method !== "POST"
    ? use(empty)
    : readJson(server, request, mediaTypes, (body = empty) =>
        isObject(body) ? use(body) : Effect.fail(new RequestMalformedError("The body must be a JSON object"))
      )

const dispatch = (
  request: Request,
  asking: Asking,
  { method, params, status = 200 }: Asked,
  tenant: string
): Answer => {
  const { call, server } = asking
  const run = operations.get(method)
  // The tenant is that of the path.
  const asked = { ...params, tenant }
  if (run !== undefined) {
    return Effect.map(run(asking, asked), (body) =>
      status === 204
        ? HttpServerResponse.empty({ status, headers: extensionsHeader(call) })
        : respond({ status, headers: extensionsHeader(call), body }, contentType)
    )
  }
  return Effect.flatMap(AgentStream.admit(server), (stream) =>
    Effect.flatMap(streams.get(method)!(asking, asked), (events) =>
      AgentStream.respond(
        request,
        stream,
        request.method === "HEAD" ? Stream.empty : events,
        framing,
        extensionsHeader(call)
      )
    )
  )
}

const framing: AgentStream.Framing = {
  before: "data: ",
  after: "\n\n",
  failed: (error) => toldInRest(error).body
}
