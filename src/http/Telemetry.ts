/**
 * Sends spans, metrics and logs to a collector of OpenTelemetry, as the standard
 * variables of the environment say. Nothing is installed while none of them names
 * a collector; a wrong one stops the start with a sentence that names it. What is
 * left when the program ends is sent first, but a collector that does not answer
 * holds the exit for a bounded time only.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import * as Layer from "effect/Layer"
import * as OtlpExporter from "effect/observability/OtlpExporter"
import * as OtlpLogger from "effect/observability/OtlpLogger"
import * as OtlpMetrics from "effect/observability/OtlpMetrics"
import * as OtlpSerialization from "effect/observability/OtlpSerialization"
import * as OtlpTracer from "effect/observability/OtlpTracer"
import * as CancelSpans from "../fibers/CancelSpans.ts"
import type { WrongVariable } from "./internal/otlpEnv.ts"
import { type Settings, type SignalSettings, settings } from "./internal/otlpSettings.ts"

export { WrongVariable } from "./internal/otlpEnv.ts"

/**
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** Where neither `OTEL_SERVICE_NAME` nor `OTEL_RESOURCE_ATTRIBUTES` names the service. Default: `unknown_service`. */
  readonly serviceName?: string | undefined
  /** How long the end may wait for the collector. Default: 2 seconds. */
  readonly flush?: Duration.Input | undefined
}

/**
 * Give it to the whole program: fibers that run outside of what it is given to
 * have neither its tracer nor its logger.
 *
 * **Details**
 *
 * | variable | |
 * |---|---|
 * | `OTEL_EXPORTER_OTLP_ENDPOINT` | where the collector is; each of `…_TRACES_ENDPOINT`, `…_METRICS_ENDPOINT`, `…_LOGS_ENDPOINT` is the whole URL of one signal |
 * | `OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES` | who sends |
 * | `OTEL_EXPORTER_OTLP_HEADERS`, `…_PROTOCOL` (`http/protobuf`, `http/json`), `…_COMPRESSION`, `…_TIMEOUT` | how; also for one signal |
 * | `OTEL_TRACES_EXPORTER`, `OTEL_METRICS_EXPORTER`, `OTEL_LOGS_EXPORTER` | `none` leaves the signal out; `otlp` without an endpoint means `http://localhost:4318` |
 * | `OTEL_BSP_SCHEDULE_DELAY`, `OTEL_BLRP_SCHEDULE_DELAY`, `OTEL_METRIC_EXPORT_INTERVAL` | how often |
 * | `OTEL_BSP_MAX_EXPORT_BATCH_SIZE`, `OTEL_BLRP_MAX_EXPORT_BATCH_SIZE` | how many at once |
 * | `OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE` | `cumulative` or `delta` |
 * | `OTEL_SDK_DISABLED` | `true` installs nothing |
 *
 * Spans that a cancel ends have the reason as attributes (`CancelSpans`). Logs are
 * sent beside those that are printed.
 *
 * @category layers
 * @since 0.1.0
 */
export const fromEnv = (options?: Options): Layer.Layer<OtlpExporter.Flusher, WrongVariable> =>
  Layer.unwrap(
    Effect.map(settings(options?.serviceName ?? "unknown_service"), (found): Layer.Layer<OtlpExporter.Flusher> => {
      const layers: Array<Layer.Layer<OtlpExporter.Flusher>> = []
      if (found?.traces !== undefined) layers.push(tracesOf(found, found.traces, options))
      if (found?.metrics !== undefined) layers.push(metricsOf(found, found.metrics, options))
      if (found?.logs !== undefined) layers.push(logsOf(found, found.logs, options))
      return Layer.mergeAll(OtlpExporter.layerFlusher, ...layers)
    })
  )

type OfSignal = (all: Settings, own: SignalSettings, options: Options | undefined) => Layer.Layer<OtlpExporter.Flusher>

const tracesOf: OfSignal = (all, own, options) =>
  CancelSpans.layer.pipe(
    Layer.provide(OtlpTracer.layer(common(all, own, options))),
    Layer.merge(OtlpExporter.layerFlusher),
    sentAs(own)
  )

const metricsOf: OfSignal = (all, own, options) =>
  OtlpMetrics.layer({ ...common(all, own, options), temporality: all.temporality }).pipe(sentAs(own))

const logsOf: OfSignal = (all, own, options) => OtlpLogger.layer(common(all, own, options)).pipe(sentAs(own))

const common = (
  { attributes, serviceName }: Settings,
  { compression, exportInterval, headers, maxBatchSize, timeout, url }: SignalSettings,
  options: Options | undefined
) => ({
  url,
  headers,
  compression,
  exportInterval,
  maxBatchSize,
  resource: { serviceName, attributes },
  shutdownTimeout: Math.min(timeout, Duration.toMillis(options?.flush ?? "2 seconds"))
})

const sentAs = ({ protocol, timeout }: SignalSettings) =>
  Layer.provide([
    impatientClient(timeout),
    protocol === "http/json" ? OtlpSerialization.layerJson : OtlpSerialization.layerProtobuf
  ])

/** The exporter itself would wait for a collector that never answers, and keep all that comes meanwhile. */
const impatientClient = (millis: number): Layer.Layer<HttpClient.HttpClient> =>
  Layer.effect(
    HttpClient.HttpClient,
    Effect.map(
      HttpClient.HttpClient,
      HttpClient.transform((answer, request) =>
        Effect.timeoutOrElse(answer, {
          duration: millis,
          orElse: () => {
            const reason = new HttpClientError.TransportError({ request, description: `No answer in ${millis} ms` })
            return Effect.fail(new HttpClientError.HttpClientError({ reason }))
          }
        })
      )
    )
  ).pipe(Layer.provide(FetchHttpClient.layer))
