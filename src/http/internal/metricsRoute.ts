/** `GET /metrics`: what was counted in the registry of this context, as Prometheus reads it. */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as PrometheusMetrics from "effect/observability/PrometheusMetrics"

export const metricsRoute = (context: Context.Context<never>): Effect.Effect<HttpServerResponse.HttpServerResponse> =>
  Effect.sync(() =>
    HttpServerResponse.text(PrometheusMetrics.formatUnsafe(context), {
      contentType: "text/plain; version=0.0.4; charset=utf-8",
      headers: { "cache-control": "no-store" }
    })
  )
