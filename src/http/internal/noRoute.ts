/** Problem documents for requests that no route of the router answers. */
import * as Effect from "effect/Effect"
import type * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as HttpServerError from "effect/http/HttpServerError"
import * as Cors from "../Cors.ts"
import * as Problem from "../Problem.ts"

const allowed: ReadonlyArray<readonly [RegExp, string]> = [
  [/^\/tasks$/, "GET"],
  [/^\/cancel$/, "POST"],
  [/^\/tasks\/[^/]+$/, "GET, POST"],
  [/^\/tasks\/[^/]+\/cancel$/, "POST"],
  [/^\/tasks\/[^/]+\/events$/, "GET"],
  [/^\/(?:tree|openapi\.json|docs)$/, "GET"]
]

/**
 * A middleware for the whole router; `more` are routes that not every server has. With `cors`, also the answers to the
 * preflights of the routes that there are.
 */
export const noRoute =
  (more: ReadonlyArray<readonly [RegExp, string]>, cors: Cors.Cors | undefined) =>
  <E, R>(
    handled: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>
  ): Effect.Effect<HttpServerResponse.HttpServerResponse, E, R> =>
    Effect.catch(handled, (error) => {
      if (!HttpServerError.isHttpServerError(error) || error.reason._tag !== "RouteNotFound") return Effect.fail(error)
      const { headers, method, url } = error.request
      const path = url.split("?")[0]!
      const methods = [...allowed, ...more].find(([pattern]) => pattern.test(path))?.[1]
      if (method === "OPTIONS" && cors !== undefined && methods !== undefined) {
        return Effect.succeed(Cors.preflight(cors, headers, methods))
      }
      const allow = methods?.includes(method) === true ? undefined : methods
      return Effect.succeed(
        Cors.open(
          cors,
          headers,
          Problem.toResponse(
            allow === undefined
              ? new Problem.Problem({
                  code: "no-such-route",
                  detail: `There is no ${path}; /openapi.json lists what there is`
                })
              : new Problem.Problem({
                  code: "method-not-allowed",
                  detail: `${path} allows ${allow}, not ${method}`,
                  headers: { allow }
                })
          )
        )
      )
    })
