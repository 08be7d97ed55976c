/** Answers to requests below an agent's path that no route of the router answers, in the form of its protocol. */
import * as Effect from "effect/Effect"
import * as HttpServerError from "effect/http/HttpServerError"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import type * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Cors from "../../Cors.ts"
import { respond } from "./agentServer.ts"
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

/** A middleware for the whole router. `path` is that of the agent, without a slash at its end. */
export const noAgentRoute =
  (path: string, cors: Cors.Cors | undefined) =>
  <E, R>(
    handled: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>
  ): Effect.Effect<HttpServerResponse.HttpServerResponse, E, R> =>
    Effect.catch(handled, (error) => {
      if (!HttpServerError.isHttpServerError(error) || error.reason._tag !== "RouteNotFound") return Effect.fail(error)
      const { request } = error
      const { headers, method, url } = request
      const asked = url.split("?")[0]!
      if (asked !== path && !asked.startsWith(`${path}/`)) return Effect.fail(error)
      const below = asked.slice(path.length)
      const methods = allowed.find(([pattern]) => pattern.test(below))?.[1]
      if (method === "OPTIONS" && cors !== undefined && methods !== undefined) {
        return Effect.succeed(Cors.preflight(cors, headers, methods))
      }
      const refusal =
        methods === undefined || methods.includes(method) ? noRoute(request) : notAllowed(asked, methods, method)
      return Effect.succeed(Cors.open(cors, headers, respond(toldInRest(refusal), "application/a2a+json")))
    })

export const noRoute = ({ method, url }: HttpServerRequest.HttpServerRequest): Refusal =>
  new Refusal({ message: `There is no ${method} ${url.split("?")[0]}`, reason: "NO_SUCH_ROUTE", status: 404 })

const notAllowed = (path: string, allow: string, method: string): Refusal =>
  new Refusal({
    message: `${path} allows ${allow}, not ${method}`,
    reason: "METHOD_NOT_ALLOWED",
    status: 405,
    headers: { allow }
  })
