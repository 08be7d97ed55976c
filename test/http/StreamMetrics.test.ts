import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as PrometheusMetrics from "effect/observability/PrometheusMetrics"
import * as StreamMetrics from "../../src/http/StreamMetrics.ts"

const samples = Effect.map(PrometheusMetrics.format(), (text) =>
  text.split("\n").filter((line) => line.startsWith("rescind_"))
)

const alone = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.provideService(effect, Metric.MetricRegistry, new Map())

describe("StreamMetrics", () => {
  it.effect("readers, what they missed, who was refused: each call is counted where the hooks were made", () =>
    Effect.gen(function* () {
      const hooks = yield* StreamMetrics.make
      hooks.readerOpened()
      hooks.readerOpened()
      hooks.readerOpened()
      hooks.readerClosed("slow")
      hooks.readerClosed("end")
      hooks.resynced(40)
      hooks.resynced(2)
      hooks.refused("streams")
      hooks.published()
      hooks.delivered(100)
      hooks.delivered(23)
      expect(yield* samples).toEqual([
        "rescind_http_readers_opened_total 3",
        "rescind_http_readers 1",
        'rescind_http_readers_closed_total{reason="slow"} 1',
        'rescind_http_readers_closed_total{reason="end"} 1',
        "rescind_http_resyncs_total 2",
        "rescind_http_events_missed_total 42",
        'rescind_http_readers_refused_total{limit="streams"} 1',
        "rescind_http_events_published_total 1",
        "rescind_http_events_delivered_bytes_total 123"
      ])
    }).pipe(alone)
  )

  it.effect("by default nobody listens: a call counts nothing", () =>
    Effect.gen(function* () {
      const hooks = yield* StreamMetrics.Current
      hooks.readerOpened()
      hooks.readerClosed("left")
      hooks.resynced(1)
      hooks.refused("streams")
      hooks.published()
      hooks.delivered(1)
      expect(yield* samples).toEqual([])
    }).pipe(alone)
  )
})
