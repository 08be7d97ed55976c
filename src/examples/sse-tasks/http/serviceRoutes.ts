/** The routes that are about the whole service. */
import * as Effect from "effect/Effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as PrometheusMetrics from "effect/observability/PrometheusMetrics"
import * as Problem from "../../../http/Problem.ts"
import type { Handler } from "./route.ts"

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
