import { describe, expect, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Metric from "effect/Metric"
import * as OtlpExporter from "effect/observability/OtlpExporter"
import type * as Scope from "effect/Scope"
import * as Tracer from "effect/Tracer"
import * as TestClock from "effect/testing/TestClock"
import { Tasks } from "../../src/fibers/Tasks.ts"
import * as TaskServer from "../../src/http/TaskServer.ts"
import * as Telemetry from "../../src/http/Telemetry.ts"
import { type Collector, collector, plain } from "./collector.ts"
import { wait } from "./probes.ts"

type Env = Record<string, string>

const telemetry = (env: Env, options?: Telemetry.Options) =>
  Telemetry.fromEnv(options).pipe(
    Layer.provide(Layer.succeed(ConfigProvider.ConfigProvider, ConfigProvider.fromEnv({ env })))
  )

/** Runs with the environment, and what it sent until its scope closed. */
const sending = <A, E>(
  env: (url: string) => Env,
  program: Effect.Effect<A, E, OtlpExporter.Flusher>,
  options?: Telemetry.Options
): Effect.Effect<Collector, E | Telemetry.WrongVariable, Scope.Scope> =>
  Effect.gen(function* () {
    const there = yield* collector()
    yield* Effect.provide(program, telemetry(env(there.url), options)).pipe(
      Effect.provideService(Metric.MetricRegistry, new Map())
    )
    return there
  })

const json = (url: string): Env => ({
  OTEL_EXPORTER_OTLP_ENDPOINT: url,
  OTEL_EXPORTER_OTLP_PROTOCOL: "http/json"
})

/** A span, a log in it, and a metric. */
const work = Effect.gen(function* () {
  yield* Metric.update(Metric.counter("work_total", { incremental: true }), 2)
  yield* Effect.withSpan(Effect.logInfo("working"), "step", { attributes: { page: 7 } })
})

/** Of the real clock: sockets do not go by the other one. */
const turn = TestClock.withLive(Effect.sleep(1))

const pathsOf = ({ received }: Collector) => received.map(({ path }) => path).toSorted((a, b) => (a < b ? -1 : 1))

describe("Telemetry", () => {
  it.live("an endpoint is enough: spans, metrics and logs are sent there, at the latest when the program ends", () =>
    Effect.gen(function* () {
      const there = yield* sending(json, work)
      expect(pathsOf(there)).toEqual(["/v1/logs", "/v1/metrics", "/v1/traces"])
      const [span] = there.spans()
      expect([span.name, plain(span.attributes)]).toMatchObject(["step", { page: 7 }])
      const [log] = there.logs()
      expect([log.body.stringValue, log.traceId, log.spanId]).toEqual(["working", span.traceId, span.spanId])
      expect(there.metrics()).toEqual([expect.objectContaining({ name: "work_total" })])
      for (const { headers } of there.received) expect(headers["content-type"]).toBe("application/json")
    })
  )

  it.live("who sends, and how, is as the variables say; protobuf by default", () =>
    Effect.gen(function* () {
      const there = yield* sending(
        (url) => ({
          ...json(`${url}/collector/`),
          OTEL_SERVICE_NAME: "checkout",
          OTEL_RESOURCE_ATTRIBUTES: "deployment.environment=prod, service.name=other,team=a%2Cb",
          OTEL_EXPORTER_OTLP_HEADERS: "x-key=s%3Dcret",
          OTEL_EXPORTER_OTLP_LOGS_HEADERS: "x-key=other",
          OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${url}/spans`,
          OTEL_EXPORTER_OTLP_METRICS_PROTOCOL: "http/protobuf",
          OTEL_EXPORTER_OTLP_COMPRESSION: "gzip"
        }),
        work
      )
      expect(pathsOf(there)).toEqual(["/collector/v1/logs", "/collector/v1/metrics", "/spans"])
      const at = (path: string) => there.received.find((one) => one.path.endsWith(path))!
      expect(plain(at("/spans").body.resourceSpans[0].resource.attributes)).toMatchObject({
        "service.name": "checkout",
        "deployment.environment": "prod",
        team: "a,b"
      })
      expect(at("/spans").headers["x-key"]).toBe("s=cret")
      expect(at("/logs").headers["x-key"]).toBe("other")
      expect(at("/metrics").headers["content-type"]).toBe("application/x-protobuf")
      const plainly = yield* sending((url) => ({ OTEL_EXPORTER_OTLP_ENDPOINT: url }), work)
      for (const { headers } of plainly.received) expect(headers["content-type"]).toBe("application/x-protobuf")
    })
  )

  it.live("the service is named by the first of: OTEL_SERVICE_NAME, the resource's attributes, the program", () =>
    Effect.gen(function* () {
      const named = (env: Env, options?: Telemetry.Options) =>
        Effect.map(
          sending(
            (url) => ({ ...json(url), OTEL_METRICS_EXPORTER: "none", OTEL_LOGS_EXPORTER: "none", ...env }),
            work,
            options
          ),
          ({ received }) => plain(received[0]!.body.resourceSpans[0].resource.attributes)["service.name"]
        )
      const attributes = { OTEL_RESOURCE_ATTRIBUTES: "service.name=b" }
      const program = { serviceName: "c" }
      expect(yield* named({ OTEL_SERVICE_NAME: "a", ...attributes }, program)).toBe("a")
      expect(yield* named(attributes, program)).toBe("b")
      expect(yield* named({}, program)).toBe("c")
      expect(yield* named({})).toBe("unknown_service")
    })
  )

  it.live("a cancelled task is there from end to end: its span with the reason, its log, its counts", () =>
    Effect.gen(function* () {
      const ran = Effect.gen(function* () {
        const layer = Layer.provide(TaskServer.layer({ tasks: [wait], metrics: true }), Tasks.layer())
        const services = yield* Effect.context<never>()
        const { dispose, handler } = HttpRouter.toWebHandler(
          Layer.provideMerge(layer, Layer.succeedContext(services)),
          {
            disableLogger: true
          }
        )
        const post = (path: string, body: unknown) =>
          Effect.promise(async () => {
            const init = { method: "POST", body: JSON.stringify(body), headers: { "content-type": "application/json" } }
            return (await handler(new Request(`http://x${path}`, init))).status
          })
        expect(yield* post("/tasks/wait?id=w", {})).toBe(202)
        yield* Effect.sleep(20)
        expect(yield* post("/tasks/w/cancel", { reason: { by: "ann", message: "not needed" } })).toBe(200)
        yield* Effect.yieldNow
        const flusher = yield* OtlpExporter.Flusher
        yield* flusher.flush
        yield* Effect.promise(dispose)
      })
      const there = yield* sending(json, ran)
      const task = there.spans().find(({ name }) => name === "task wait")
      const cancel = there.spans().find(({ name }) => name === "cancel wait")
      const reason = {
        "rescind.cancel.source": "request",
        "rescind.cancel.by": "ann",
        "rescind.cancel.message": "not needed"
      }
      expect(plain(task.attributes)).toMatchObject(reason)
      expect(plain(task.events[0].attributes)).toMatchObject(reason)
      expect(task.links[0].spanId).toBe(cancel.spanId)
      expect(cancel.links[0].spanId).toBe(task.spanId)
      const logs = there.logs().map(({ attributes, traceId }) => [traceId, plain(attributes)])
      expect(logs).toEqual([
        [task.traceId, expect.objectContaining({ phase: "cancel", by: "ann", task: "w", definition: "wait" })],
        [task.traceId, expect.objectContaining({ phase: "cancelled", by: "ann", how: "interrupted" })]
      ])
      expect(new Set(there.metrics().map(({ name }) => name))).toContain("rescind_http_tasks_ended_total")
    })
  )

  it.live("nothing is installed while no variable names a collector, nor where it is switched off", () =>
    Effect.gen(function* () {
      const looks = Effect.gen(function* () {
        const loggers = yield* Logger.CurrentLoggers
        return [(yield* Tracer.Tracer) === Tracer.nativeTracer, loggers.size]
      })
      const plainly = yield* looks
      const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1" }
      const none = { OTEL_TRACES_EXPORTER: "none", OTEL_METRICS_EXPORTER: "none", OTEL_LOGS_EXPORTER: "none" }
      for (const env of [
        {},
        { OTEL_SERVICE_NAME: "checkout", OTEL_EXPORTER_OTLP_ENDPOINT: " " },
        { ...endpoint, OTEL_SDK_DISABLED: "true" },
        { ...endpoint, ...none }
      ]) {
        expect(yield* Effect.provide(looks, telemetry(env))).toEqual(plainly)
      }
      expect(yield* Effect.provide(looks, telemetry({ ...endpoint, OTEL_METRICS_EXPORTER: "none" }))).not.toEqual(
        plainly
      )
    })
  )

  it.live("one signal alone is sent when only it has an endpoint", () =>
    Effect.gen(function* () {
      const there = yield* sending((url) => ({ OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: `${url}/only/logs` }), work)
      expect(pathsOf(there)).toEqual(["/only/logs"])
    })
  )

  it.live.each([
    ["OTEL_EXPORTER_OTLP_ENDPOINT", "localhost:4318", /URL with http.*"localhost:4318"/],
    ["OTEL_EXPORTER_OTLP_ENDPOINT", "grpc://x", /URL with http/],
    ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "//x", /URL with http/],
    ["OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", /"http\/protobuf" or "http\/json", but it is "grpc"/],
    ["OTEL_EXPORTER_OTLP_LOGS_PROTOCOL", "grpc", /"http\/protobuf" or "http\/json"/],
    ["OTEL_EXPORTER_OTLP_COMPRESSION", "zip", /"none" or "gzip"/],
    ["OTEL_EXPORTER_OTLP_TIMEOUT", "10s", /whole number of milliseconds.*"10s"/],
    ["OTEL_EXPORTER_OTLP_METRICS_TIMEOUT", "-1", /whole number of milliseconds/],
    ["OTEL_BSP_SCHEDULE_DELAY", "0", /whole number of milliseconds from 1/],
    ["OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", "many", /whole number of entries/],
    ["OTEL_METRIC_EXPORT_INTERVAL", "1e3", /whole number of milliseconds/],
    ["OTEL_EXPORTER_OTLP_HEADERS", "hunter2", /"key=value".*entry 1/],
    ["OTEL_EXPORTER_OTLP_HEADERS", "a=1,b=hunter2%", /"key=value".*entry 2/],
    ["OTEL_EXPORTER_OTLP_HEADERS", "a b=hunter2", /headers, but entry 1/],
    ["OTEL_EXPORTER_OTLP_HEADERS", "a=hunter2%0d%0ax", /headers, but entry 1/],
    ["OTEL_RESOURCE_ATTRIBUTES", "=hunter2", /"key=value".*entry 1/],
    ["OTEL_TRACES_EXPORTER", "console", /"otlp" or "none"/],
    ["OTEL_TRACES_SAMPLER", "traceidratio", /"always_on" or "parentbased_always_on"/],
    ["OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "lowmemory", /"cumulative" or "delta"/],
    ["OTEL_SDK_DISABLED", "yes", /"true" or "false"/]
  ] as const)("a wrong %s (%s) stops the start and is named", ([variable, value, expected]) =>
    Effect.gen(function* () {
      const env = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1", [variable]: value }
      const error = yield* Effect.flip(Effect.scoped(Layer.build(telemetry(env))))
      expect(error.variable).toBe(variable)
      expect(error.message).toMatch(expected)
      expect(error.message.startsWith(`${variable} must be `)).toBe(true)
      expect(error.message).not.toContain("hunter2")
    })
  )

  it.effect("a collector that refuses, fails or never answers holds the end for the bound alone", () =>
    Effect.gen(function* () {
      const hole = yield* collector("never")
      const broken = yield* collector(503)
      for (const [url, asked] of [
        [hole.url, hole.received],
        [broken.url, broken.received],
        ["http://127.0.0.1:1", undefined]
      ] as const) {
        const ended = yield* Effect.forkChild(Effect.provide(work, telemetry(json(url), { flush: 200 })))
        if (asked !== undefined) {
          // The clock stands until all three signals are on their way.
          while (asked.length < 3) yield* turn
          yield* TestClock.adjust(199)
          if (asked === hole.received) expect(ended.pollUnsafe()).toBe(undefined)
          yield* TestClock.adjust(1)
        }
        // That a refused one is on its way nobody tells.
        for (let turns = 0; ended.pollUnsafe() === undefined && turns < 1000; turns++) {
          if (asked === undefined) yield* TestClock.adjust(1)
          yield* turn
        }
        expect([url, ended.pollUnsafe()?._tag]).toEqual([url, "Success"])
      }
    })
  )

  it.live(
    "while it runs, a collector that never answers is given up on after OTEL_EXPORTER_OTLP_TIMEOUT (real time)",
    () =>
      Effect.gen(function* () {
        const hole = yield* collector("never")
        const env = {
          ...json(hole.url),
          OTEL_EXPORTER_OTLP_TIMEOUT: "50",
          OTEL_METRICS_EXPORTER: "none",
          OTEL_LOGS_EXPORTER: "none",
          OTEL_BSP_SCHEDULE_DELAY: "20"
        }
        const twice = Effect.gen(function* () {
          yield* work
          for (let waited = 0; hole.received.length < 2 && waited < 10_000; waited++) yield* Effect.sleep(1)
          return hole.received.length
        })
        expect(yield* Effect.provide(twice, telemetry(env))).toBe(2)
      })
  )
})
