/** The routes that are about the whole service. */
import * as Effect from "effect/Effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as PrometheusMetrics from "effect/observability/PrometheusMetrics"
import * as Problem from "../../../http/Problem.ts"
import type { Handler, Site } from "./route.ts"

/** `GET /health`: 200 as long as the server answers at all, with what there is to count. For anybody: probes have no token. */
export const healthRoute = (site: Site): Effect.Effect<HttpServerResponse.HttpServerResponse> =>
  Effect.gen(function* () {
    return HttpServerResponse.jsonUnsafe({
      status: "OK",
      draining: yield* site.coordinator.draining,
      streams: yield* site.streams.count,
      tasks: yield* site.store.count
    })
  }).pipe(
    Effect.catch((error) => {
      const detail = { status: "FAIL", detail: "The store does not answer" }
      return Effect.as(
        Effect.logError("The store does not answer", error),
        HttpServerResponse.jsonUnsafe(detail, { status: 503 })
      )
    })
  )

/** `GET /metrics`: of all tasks, so not for everybody. */
export const metricsRoute: Handler = ({ visitor }) =>
  visitor.mayInspect
    ? Effect.map(PrometheusMetrics.format(), (text) =>
        HttpServerResponse.text(text, { contentType: "text/plain; version=0.0.4; charset=utf-8" })
      )
    : Effect.fail(new Problem.Problem({ code: "forbidden", detail: "You may not see what is about all tasks" }))

/** `GET /models`: what can be created. */
export const modelsRoute: Handler = ({ site }) =>
  Effect.succeed(
    HttpServerResponse.jsonUnsafe({
      models: site.coordinator.models.map(({ app, description, model }) => ({ app, model, description }))
    })
  )
