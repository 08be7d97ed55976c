/** `GET /metrics`: what was counted where the server was built, as Prometheus reads it. */
import * as Effect from "effect/Effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as PrometheusMetrics from "effect/observability/PrometheusMetrics"
import { inspect } from "./authorize.ts"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import type { Problem } from "../Problem.ts"
import type { Server } from "./served.ts"

export const metricsRoute = (
  server: Pick<Server, "access" | "context">,
  request: HttpServerRequest.HttpServerRequest
): Effect.Effect<HttpServerResponse.HttpServerResponse, Problem> =>
  Effect.map(inspect(server, request), () =>
    HttpServerResponse.text(PrometheusMetrics.formatUnsafe(server.context), {
      contentType: "text/plain; version=0.0.4; charset=utf-8",
      headers: { "cache-control": "no-store" }
    })
  )
