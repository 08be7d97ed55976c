/** Answers to requests below an agent's path that no route of the router answers, in the form of its protocol. */
import * as Effect from "effect/Effect"
import * as HttpServerError from "effect/http/HttpServerError"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import type * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Cors from "../../Cors.ts"
import { type AgentServer, respond } from "./agentServer.ts"
import { Refusal, toldInRest } from "./refusal.ts"

/** Below the path of the agent. */
const allowed: ReadonlyArray<readonly [RegExp, string]> = [
  [/^\/?$/, "POST"],
  [/^\/\.well-known\/agent-card\.json$/, "GET"],
  [/^(?:\/[^/]+)?\/(?:extendedAgentCard|tasks)$/, "GET"],
  [/^(?:\/[^/]+)?\/message:(?:send|stream)$/, "POST"],
  [/^(?:\/[^/]+)?\/tasks\/[^/]+:cancel$/, "POST"],
  [/^(?:\/[^/]+)?\/tasks\/[^/]+:subscribe$/, "GET, POST"],
  [/^(?:\/[^/]+)?\/tasks\/[^/:]+$/, "GET"],
  [/^(?:\/[^/]+)?\/tasks\/[^/]+\/pushNotificationConfigs$/, "GET, POST"],
  [/^(?:\/[^/]+)?\/tasks\/[^/]+\/pushNotificationConfigs\/[^/]+$/, "GET, DELETE"]
]

/** A middleware for the whole router. */
export const noAgentRoute =
  ({ cors, path }: Pick<AgentServer, "cors" | "path">) =>
  <E, R>(
    handled: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>
  ): Effect.Effect<HttpServerResponse.HttpServerResponse, E, R> =>
    Effect.catch(handled, (error) => {
      if (!HttpServerError.isHttpServerError(error) || error.reason._tag !== "RouteNotFound") return Effect.fail(error)
      const { request } = error
      const { headers, method } = request
      const asked = pathOf(request)
      if (asked !== path && !asked.startsWith(`${path}/`)) return Effect.fail(error)
      const methods = methodsOf(path, asked)
      if (method === "OPTIONS" && cors !== undefined && methods !== undefined) {
        return Effect.succeed(Cors.preflight(cors, headers, methods))
      }
      const refusal = notAnswered(path, request)
      return Effect.succeed(Cors.open(cors, headers, respond(toldInRest(refusal), "application/a2a+json")))
    })

/** Whether it is the method, or there is nothing of that name. `path` is that of the agent, without a slash at its end. */
export const notAnswered = (path: string, request: HttpServerRequest.HttpServerRequest): Refusal => {
  const { method } = request
  const asked = pathOf(request)
  const methods = methodsOf(path, asked)
  return methods === undefined || methods.includes(method)
    ? new Refusal({ message: `There is no ${method} ${asked}`, reason: "NO_SUCH_ROUTE", status: 404 })
    : notAllowed(asked, methods, method)
}

const pathOf = ({ url }: HttpServerRequest.HttpServerRequest): string => url.split("?")[0]!

const methodsOf = (path: string, asked: string): string | undefined => {
  const below = asked.slice(path.length)
  return allowed.find(([pattern]) => pattern.test(below))?.[1]
}

const notAllowed = (path: string, allow: string, method: string): Refusal =>
  new Refusal({
    message: `${path} allows ${allow}, not ${method}`,
    reason: "METHOD_NOT_ALLOWED",
    status: 405,
    headers: { allow }
  })
