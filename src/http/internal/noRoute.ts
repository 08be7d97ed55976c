/** Problem documents for requests that no route of the router answers. */
import * as Effect from "effect/Effect"
import type * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as HttpServerError from "effect/http/HttpServerError"
import * as Problem from "../Problem.ts"

const allowed: ReadonlyArray<readonly [RegExp, string]> = [
  [/^\/tasks$/, "GET"],
  [/^\/cancel$/, "POST"],
  [/^\/tasks\/[^/]+$/, "GET, POST"],
  [/^\/tasks\/[^/]+\/cancel$/, "POST"],
  [/^\/tasks\/[^/]+\/events$/, "GET"],
  [/^\/(?:tree|openapi\.json|docs)$/, "GET"]
]

/** A middleware for the whole router; `more` are routes that not every server has. */
export const noRoute =
  (more: ReadonlyArray<readonly [RegExp, string]>) =>
  <E, R>(
    handled: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>
  ): Effect.Effect<HttpServerResponse.HttpServerResponse, E, R> =>
    Effect.catch(handled, (error) => {
      if (!HttpServerError.isHttpServerError(error) || error.reason._tag !== "RouteNotFound") return Effect.fail(error)
      const { method, url } = error.request
      const path = url.split("?")[0]!
      const allow = [...allowed, ...more].find(
        ([pattern, methods]) => pattern.test(path) && !methods.includes(method)
      )?.[1]
      return Effect.succeed(
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
    })
