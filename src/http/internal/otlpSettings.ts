/** What the variables of OpenTelemetry say about each signal. */
import * as Effect from "effect/Effect"
import {
  find,
  findFor,
  flag,
  headers,
  httpUrl,
  oneOf,
  pairs,
  type Signal,
  whole,
  type WrongVariable
} from "./otlpEnv.ts"

export interface SignalSettings {
  readonly url: string
  readonly protocol: "http/protobuf" | "http/json"
  readonly headers: Record<string, string>
  readonly compression: "gzip" | "none"
  /** Milliseconds that one export may take. */
  readonly timeout: number
  readonly exportInterval: number | undefined
  readonly maxBatchSize: number | undefined
}

export interface Settings {
  readonly serviceName: string
  readonly attributes: Record<string, string>
  readonly temporality: "delta" | "cumulative"
  readonly traces: SignalSettings | undefined
  readonly metrics: SignalSettings | undefined
  readonly logs: SignalSettings | undefined
}

/** Undefined if nothing is to be sent anywhere. */
export const settings = (serviceName: string): Effect.Effect<Settings | undefined, WrongVariable> =>
  Effect.gen(function* () {
    if (yield* flag(yield* find("OTEL_SDK_DISABLED"))) return undefined
    const traces = yield* signal("TRACES", "OTEL_BSP_SCHEDULE_DELAY", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE")
    const metrics = yield* signal("METRICS", "OTEL_METRIC_EXPORT_INTERVAL", undefined)
    const logs = yield* signal("LOGS", "OTEL_BLRP_SCHEDULE_DELAY", "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE")
    if (traces === undefined && metrics === undefined && logs === undefined) return undefined
    // All spans are sent: whoever asked for fewer must hear that.
    yield* oneOf(yield* find("OTEL_TRACES_SAMPLER"), ["always_on", "parentbased_always_on"])
    const attributes = yield* pairs(yield* find("OTEL_RESOURCE_ATTRIBUTES"))
    const preference = yield* find("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE")
    return {
      serviceName: (yield* find("OTEL_SERVICE_NAME"))?.value ?? attributes["service.name"] ?? serviceName,
      attributes,
      temporality: (yield* oneOf(preference, ["cumulative", "delta"])) ?? "cumulative",
      traces,
      metrics,
      logs
    }
  })

const signal = (
  signal: Signal,
  interval: string,
  batchSize: string | undefined
): Effect.Effect<SignalSettings | undefined, WrongVariable> =>
  Effect.gen(function* () {
    const exporter = yield* oneOf(yield* find(`OTEL_${signal}_EXPORTER`), ["otlp", "none"])
    const url = yield* urlOf(signal, exporter === "otlp")
    if (exporter === "none" || url === undefined) return undefined
    return {
      url,
      protocol: (yield* oneOf(yield* findFor(signal, "PROTOCOL"), ["http/protobuf", "http/json"])) ?? "http/protobuf",
      headers: yield* headers(yield* findFor(signal, "HEADERS")),
      compression: (yield* oneOf(yield* findFor(signal, "COMPRESSION"), ["none", "gzip"])) ?? "none",
      timeout: (yield* whole(yield* findFor(signal, "TIMEOUT"), "milliseconds")) ?? 10_000,
      exportInterval: yield* whole(yield* find(interval), "milliseconds"),
      maxBatchSize: batchSize === undefined ? undefined : yield* whole(yield* find(batchSize), "entries")
    }
  })

/** A URL of the signal is taken as it is; that of all is where the paths of the signals begin. */
const urlOf = (signal: Signal, wanted: boolean): Effect.Effect<string | undefined, WrongVariable> =>
  Effect.gen(function* () {
    const own = yield* find(`OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`)
    if (own !== undefined) return (yield* httpUrl(own)).href
    const shared = yield* find("OTEL_EXPORTER_OTLP_ENDPOINT")
    if (shared === undefined && !wanted) return undefined
    const base = shared === undefined ? new URL("http://localhost:4318") : yield* httpUrl(shared)
    base.pathname = `${base.pathname.replace(/\/$/, "")}/v1/${signal.toLowerCase()}`
    return base.href
  })
