/**
 * What a task server counts, with the names of the definitions as labels, and how
 * its requests are timed. Ids are never a label: what a client may choose has no
 * bound. `TaskServer.layer({ metrics: true })` counts and serves it; read one with
 * `Metric.value(ServerMetrics.started("countdown"))`. Tasks of all kinds, those
 * that no client started too, are in `TaskMetrics`, event streams in `StreamMetrics`.
 *
 * @since 0.1.0
 */
import * as Metric from "effect/Metric"
import type { Source } from "../fibers/CancelReason.ts"

/**
 * The labels of an end; `source` stands with `cancelled` only.
 *
 * @category models
 * @since 0.1.0
 */
export type EndLabels =
  | { readonly name: string; readonly outcome: "completed" | "failed" }
  | { readonly name: string; readonly outcome: "cancelled"; readonly source: Source }

/**
 * `rescind_http_tasks_started_total`, by the name of the definition.
 *
 * @category metrics
 * @since 0.1.0
 */
export const started = (name: string): Metric.Counter<number> =>
  Metric.counter("rescind_http_tasks_started_total", {
    description: "Tasks that clients started",
    incremental: true,
    attributes: { name }
  })

/**
 * `rescind_http_tasks_ended_total`: by name and outcome; cancelled ones also by source.
 *
 * @category metrics
 * @since 0.1.0
 */
export const ended = (labels: EndLabels): Metric.Counter<number> =>
  Metric.counter("rescind_http_tasks_ended_total", {
    description: "Tasks that clients started and that have ended",
    incremental: true,
    attributes: labels
  })

/**
 * `rescind_http_tasks_live`: those that have not ended now.
 *
 * @category metrics
 * @since 0.1.0
 */
export const live = (name: string): Metric.Gauge<number> =>
  Metric.gauge("rescind_http_tasks_live", {
    description: "Tasks that clients started and that live now",
    attributes: { name }
  })

/**
 * `rescind_http_task_duration_seconds`: from the start of the body to the end.
 *
 * @category metrics
 * @since 0.1.0
 */
export const duration = (labels: {
  readonly name: string
  readonly outcome: "completed" | "failed" | "cancelled"
}): Metric.Histogram<number> =>
  Metric.histogram("rescind_http_task_duration_seconds", {
    description: "Time from the start of a task to its end",
    attributes: labels,
    boundaries: [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 1800, 3600]
  })

/**
 * `rescind_http_task_cancel_duration_seconds`: from the request to the end, of whoever was told to stop.
 *
 * @category metrics
 * @since 0.1.0
 */
export const cancelDuration = (name: string): Metric.Histogram<number> =>
  Metric.histogram("rescind_http_task_cancel_duration_seconds", {
    description: "Time from the request to stop to the end",
    attributes: { name },
    boundaries: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]
  })

/**
 * `http_server_request_duration_seconds`, with names and labels of the semantic
 * conventions of OpenTelemetry: the method (`_OTHER` if it is none of the usual),
 * the template of the route (`none` if no route answered), the status; 499 if the
 * client left first. Until the head of the answer is there: a stream goes on longer.
 *
 * @category metrics
 * @since 0.1.0
 */
export const requestDuration = (labels: {
  readonly http_request_method: string
  readonly http_route: string
  readonly http_response_status_code: string
}): Metric.Histogram<number> =>
  Metric.histogram("http_server_request_duration_seconds", {
    description: "Time from a request to the head of its answer",
    attributes: labels,
    boundaries: [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]
  })
