/** Times every request of a router, by method, template of the route, and status. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerError from "effect/http/HttpServerError"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import type * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as ServerMetrics from "../ServerMetrics.ts"
import { remembered } from "./remembered.ts"

/** A middleware for the whole router. */
export const requestMetrics = (context: Context.Context<never>) => {
  const durationOf = remembered(
    (method: string, route: string, status: number) => `${method} ${status} ${route}`,
    (method, route, status) =>
      ServerMetrics.requestDuration({
        http_request_method: method,
        http_route: route,
        http_response_status_code: String(status)
      })
  )
  const clock = Context.get(context, Clock.Clock)
  return <E, R>(
    handled: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>
  ): Effect.Effect<HttpServerResponse.HttpServerResponse, E, R | HttpServerRequest.HttpServerRequest> =>
    Effect.withFiber((fiber) => {
      const { method } = Context.getUnsafe(fiber.context, HttpServerRequest.HttpServerRequest)
      const from = clock.monotonicTimeNanosUnsafe()
      return Effect.onExit(handled, (exit) =>
        Effect.map(statusOf(exit), (status) => {
          const took = Number(clock.monotonicTimeNanosUnsafe() - from) / 1e9
          durationOf(methodOf(method), routeOf(fiber), status).updateUnsafe(took, context)
        })
      )
    })
}

const usual = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])

const methodOf = (method: string): string => (usual.has(method) ? method : "_OTHER")

/** The router has left there which of its routes it chose. */
const routeOf = (fiber: Fiber.Fiber<unknown, unknown>): string =>
  Context.getOrUndefined(fiber.context as Context.Context<HttpRouter.RouteContext>, HttpRouter.RouteContext)?.route
    .path ?? "none"

const statusOf = (exit: Exit.Exit<HttpServerResponse.HttpServerResponse, unknown>): Effect.Effect<number> =>
  exit._tag === "Success"
    ? Effect.succeed(exit.value.status)
    : Effect.map(HttpServerError.causeResponse(exit.cause), ([{ status }]) => status)
