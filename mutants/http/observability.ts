/** Breaks of what a server says of itself: metrics, the log of cancels, spans, telemetry (S1-06, S1-22, S1x-40, K44). */
import type { Mutant } from "../Mutant.ts"

const log = ["test/http/internal/cancelLog.test.ts"]
const watch = ["test/http/internal/watching.test.ts", ...log]
const metrics = ["test/http/ServerMetrics.test.ts"]
const trace = ["test/http/internal/taskTrace.test.ts"]
const sent = ["test/http/Telemetry.test.ts"]
const served = "src/http/internal/servedTask.ts"
const servedMetrics = "src/http/internal/servedMetrics.ts"
const requestMetrics = "src/http/internal/requestMetrics.ts"
const streamMetrics = "src/http/StreamMetrics.ts"
const taskTrace = "src/http/internal/taskTrace.ts"
const telemetry = "src/http/Telemetry.ts"
const otlpEnv = "src/http/internal/otlpEnv.ts"
const otlpSettings = "src/http/internal/otlpSettings.ts"

export const mutants: ReadonlyArray<Mutant> = [
  {
    name: "a cancel is not logged when it is asked for",
    law: "S1-22 S1x-40",
    file: "src/http/internal/cancelLog.ts",
    find: "requested: (served, reason) => say(served, () => requestEntry(nodeOf(served), reason)),",
    replace: "requested: (served, reason) => void [served, requestEntry, reason],",
    tests: log
  },
  {
    name: "a task that nobody told to stop ends with a line in the log of cancels",
    law: "S1-06 S1x-40",
    file: "src/http/internal/cancelLog.ts",
    find: "if (reason !== undefined) say(served, () => endEntry(node, reason))",
    replace:
      'say(served, () => (reason === undefined ? { message: "was told to stop", fields: {} as never } : endEntry(node, reason)))',
    tests: log
  },
  {
    name: "the log of cancels does not say which definition it was",
    law: "S1x-40",
    file: "src/http/internal/cancelLog.ts",
    find: "definition: served.kind.definition.name",
    replace: "definition: served.task.name",
    tests: log
  },
  {
    name: "a cancel that changed nothing is logged as one that did",
    law: "S1-21",
    file: "src/http/internal/cancelRoute.ts",
    find: 'if (result._tag.startsWith("Already"))',
    replace: 'if (!result._tag.startsWith("Already"))',
    tests: [...log, "test/http/internal/cancelRoute.test.ts"]
  },
  {
    name: "the first request to stop a served task is told to the first watcher alone",
    law: "S1x-40",
    file: served,
    find: "for (const { requested } of this.server.watchers) requested?.(this, reason)",
    replace: "this.server.watchers[0]!.requested?.(this, reason)",
    tests: watch
  },
  {
    name: "the end of a served task is told to the first watcher alone",
    law: "S1x-40",
    file: served,
    find: "for (const { ended } of this.server.watchers) ended?.(this)",
    replace: "this.server.watchers[0]!.ended?.(this)",
    tests: watch
  },
  {
    name: "the end of a task is not taken from the live ones",
    law: "S1x-40",
    file: servedMetrics,
    find: "live(name).modifyUnsafe(-1, context)",
    replace: "",
    tests: metrics
  },
  {
    name: "a cancelled task is counted without its source",
    law: "S1x-40",
    file: servedMetrics,
    find: 'outcome === "cancelled" ? mark!.reason.source : undefined',
    replace: 'outcome === "cancelled" ? "request" : undefined',
    tests: metrics
  },
  {
    name: "one series is counted for all outcomes",
    law: "S1x-40",
    file: servedMetrics,
    find: "`${name} ${outcome} ${source}`",
    replace: "`${name}`",
    tests: metrics
  },
  {
    name: "what a client wrote as its path is a label",
    law: "S1x-40",
    file: requestMetrics,
    find: "routeOf(fiber), status)",
    replace: "Context.getUnsafe(fiber.context, HttpServerRequest.HttpServerRequest).url + routeOf(fiber), status)",
    tests: metrics
  },
  {
    name: "what a client wrote as its method is a label",
    law: "S1x-40",
    file: requestMetrics,
    find: 'usual.has(method) ? method : "_OTHER"',
    replace: 'method || "_OTHER"',
    tests: metrics
  },
  {
    name: "a client that left is counted as a failure of the server",
    law: "S1x-40",
    file: requestMetrics,
    find: ": Effect.map(HttpServerError.causeResponse(exit.cause), ([{ status }]) => status)",
    replace: ": Effect.succeed(HttpServerError.exitResponse(exit).status)",
    tests: metrics
  },
  {
    name: "a reader that leaves stays in the gauge",
    law: "S1x-40",
    file: streamMetrics,
    find: "readers.modifyUnsafe(-1, context)",
    replace: "",
    tests: ["test/http/StreamMetrics.test.ts", ...metrics]
  },
  {
    name: "a resync is counted without what was missed",
    law: "S1x-40",
    file: streamMetrics,
    find: "missed.updateUnsafe(events, context)",
    replace: "missed.updateUnsafe(1, context)",
    tests: ["test/http/StreamMetrics.test.ts"]
  },
  {
    name: "the metrics are served whether they were asked for or not",
    law: "S1x-40",
    file: "src/http/TaskServer.ts",
    find: "if (options.metrics === true) {",
    replace: "if (options.tasks.length >= 0) {",
    tests: metrics
  },
  {
    name: "the metrics are for whoever asks",
    law: "S1x-40",
    file: "src/http/internal/metricsRoute.ts",
    find: "Effect.map(inspect(server, request), () =>",
    replace: "Effect.map(Effect.sync(() => void [inspect, request]), () =>",
    tests: metrics
  },
  {
    name: "the hooks of event streams are not those that count",
    law: "S1x-40",
    file: "src/http/TaskServer.ts",
    find: "Layer.provide([TaskMetrics.layer, streamMetrics])",
    replace: "Layer.provide([TaskMetrics.layer])",
    tests: metrics
  },
  {
    name: "a task's span is not below that of its request",
    law: "K44",
    file: taskTrace,
    find: "parent === undefined ? context : Context.add(context, Tracer.ParentSpan, parent)",
    replace: "parent === undefined ? context : context",
    tests: trace
  },
  {
    name: "a span that an interrupt ends at once does not tell of the cancel",
    law: "K44",
    file: taskTrace,
    find: "if (Option.isSome(reason)) this.cancelled(reason.value)",
    replace: "void reason",
    tests: trace
  },
  {
    name: "a span that goes on after the request tells of the cancel only at its end",
    law: "K44",
    file: taskTrace,
    find: "requested: ({ trace }, reason) => trace.cancelled(reason)",
    replace: "requested: ({ trace }, reason) => void [trace, reason]",
    tests: trace
  },
  {
    name: "the cancel is an event twice",
    law: "K44",
    file: taskTrace,
    find: "this.span === undefined || this.told",
    replace: "this.span === undefined",
    tests: trace
  },
  {
    name: "the span of a task is not linked to that of its cancel",
    law: "K44",
    file: taskTrace,
    find: 'trace.span?.addLinks([{ span, attributes: { "rescind.link": "cancel" } }])',
    replace: "void trace",
    tests: trace
  },
  {
    name: "spans are made where nobody traces",
    law: "K44",
    file: taskTrace,
    find: "fiber.getRef(Tracer.Tracer) === Tracer.nativeTracer ? plain : traced()",
    replace: "fiber === undefined ? plain : traced()",
    tests: trace
  },
  {
    name: "spans that a cancel ended are sent without the reason",
    law: "K44",
    file: telemetry,
    find: "CancelSpans.layer.pipe(\n    Layer.provide(OtlpTracer.layer(common(all, own, options))),\n    Layer.merge(OtlpExporter.layerFlusher),",
    replace: "CancelSpans.layer.pipe(\n    Layer.merge(OtlpTracer.layer(common(all, own, options))),",
    tests: sent
  },
  {
    name: "a collector that does not answer holds the end for its own time-out",
    law: "S1x-40",
    file: telemetry,
    find: 'Math.min(timeout, Duration.toMillis(options?.flush ?? "2 seconds"))',
    replace: "timeout",
    tests: sent
  },
  {
    name: "a collector that never answers is waited for without bound",
    law: "S1x-40",
    file: telemetry,
    find: "duration: millis,",
    replace: "duration: Infinity,",
    tests: sent
  },
  {
    name: "the variable of all goes before that of a signal",
    law: "S1x-40",
    file: otlpEnv,
    find: "find(`OTEL_EXPORTER_OTLP_${signal}_${ending}`, `OTEL_EXPORTER_OTLP_${ending}`)",
    replace: "find(`OTEL_EXPORTER_OTLP_${ending}`, `OTEL_EXPORTER_OTLP_${signal}_${ending}`)",
    tests: sent
  },
  {
    name: "an empty variable counts as set",
    law: "S1x-40",
    file: otlpEnv,
    find: 'yield* Config.withDefault(Config.String(name), "")).trim()',
    replace: 'yield* Config.withDefault(Config.String(name), ""))',
    tests: sent
  },
  {
    name: "a host without a scheme is taken for a URL",
    law: "D8",
    file: otlpEnv,
    find: 'url?.protocol === "http:" || url?.protocol === "https:"',
    replace: "url !== undefined",
    tests: sent
  },
  {
    name: "a header that cannot be sent is found out when it is sent",
    law: "D8",
    file: otlpEnv,
    find: "return bad < 0 ? Effect.void :",
    replace: "return bad < 1000 ? Effect.void :",
    tests: sent
  },
  {
    name: "telemetry is sent though it was switched off",
    law: "S1x-40",
    file: otlpSettings,
    find: 'if (yield* flag(yield* find("OTEL_SDK_DISABLED"))) return undefined',
    replace: 'yield* flag(yield* find("OTEL_SDK_DISABLED"))',
    tests: sent
  },
  {
    name: "a signal that was left out is sent",
    law: "S1x-40",
    file: otlpSettings,
    find: 'if (exporter === "none" || url === undefined) return undefined',
    replace: "if (url === undefined) return undefined",
    tests: sent
  },
  {
    name: "the program's own name for the service goes before that of the operator",
    law: "S1x-40",
    file: otlpSettings,
    find: '(yield* find("OTEL_SERVICE_NAME"))?.value ?? attributes["service.name"] ?? serviceName',
    replace: 'serviceName ?? (yield* find("OTEL_SERVICE_NAME"))?.value ?? attributes["service.name"]',
    tests: sent
  },
  {
    name: "a client that leaves a stream is a failure of the server",
    law: "S1x-40",
    file: "src/http/internal/stream/onNode.ts",
    find: "([, told]) => Effect.failCause(told)",
    replace: "() => Effect.failCause(cause)",
    tests: trace
  }
]
