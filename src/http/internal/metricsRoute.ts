/** `GET /metrics`: what was counted where the server was built, as Prometheus reads it. */
import * as Effect from "effect/Effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as PrometheusMetrics from "effect/observability/PrometheusMetrics"
import { inspect } from "./authorize.ts"
import type { Handler } from "./served.ts"

export const metricsRoute: Handler = (server, request) =>
  Effect.map(inspect(server, request), () =>
    HttpServerResponse.text(PrometheusMetrics.formatUnsafe(server.context), {
      contentType: "text/plain; version=0.0.4; charset=utf-8",
      headers: { "cache-control": "no-store" }
    })
  )
