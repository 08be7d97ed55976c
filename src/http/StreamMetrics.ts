/**
 * What the event streams of a server tell the metrics: clients that come and go,
 * events that a slow one missed, and clients that a limit refused. Whoever serves
 * streams takes the hooks from its context when it is built and calls them in the
 * step in which it happens. By default nobody listens and a call does nothing;
 * `ServerMetrics` gives hooks that count.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import { remembered } from "./internal/remembered.ts"

/**
 * Why a client reads no more: it was sent the `end`; it `left` by itself; it was
 * too `slow` and was disconnected by policy; or it was `cut` as the server closed.
 *
 * @category models
 * @since 0.1.0
 */
export type CloseReason = "end" | "left" | "slow" | "cut"

/**
 * Synchronous and cheap; none of them throws.
 *
 * @category models
 * @since 0.1.0
 */
export interface Hooks {
  /** A client follows a live task from now on. Each of these is closed once. */
  readonly readerOpened: () => void
  readonly readerClosed: (reason: CloseReason) => void
  /** A client was told that it missed so many events. */
  readonly resynced: (missed: number) => void
  /** A client was not let in; `limit` is one of a few fixed words. */
  readonly refused: (limit: string) => void
  /** An event was encoded, for however many clients. */
  readonly published: () => void
  /** So many bytes were handed to the socket of one client. */
  readonly delivered: (bytes: number) => void
}

const silent: Hooks = {
  readerOpened: () => {},
  readerClosed: () => {},
  resynced: () => {},
  refused: () => {},
  published: () => {},
  delivered: () => {}
}

/**
 * The hooks to call: those that do nothing unless others were given.
 *
 * @category services
 * @since 0.1.0
 */
export const Current: Context.Reference<Hooks> = Context.Reference<Hooks>("rescind/http/StreamMetrics/Current", {
  defaultValue: () => silent
})

/**
 * `rescind_http_readers`: clients that follow a live task now.
 *
 * @category metrics
 * @since 0.1.0
 */
export const readers: Metric.Gauge<number> = Metric.gauge("rescind_http_readers", {
  description: "Event streams that are open now"
})

/**
 * `rescind_http_readers_opened_total`.
 *
 * @category metrics
 * @since 0.1.0
 */
export const opened: Metric.Counter<number> = Metric.counter("rescind_http_readers_opened_total", {
  description: "Event streams that were opened",
  incremental: true
})

/**
 * `rescind_http_readers_closed_total`, by reason.
 *
 * @category metrics
 * @since 0.1.0
 */
export const closed = (reason: CloseReason): Metric.Counter<number> =>
  Metric.counter("rescind_http_readers_closed_total", {
    description: "Event streams that were closed",
    incremental: true,
    attributes: { reason }
  })

/**
 * `rescind_http_resyncs_total`: how often a client was told that it missed something.
 *
 * @category metrics
 * @since 0.1.0
 */
export const resyncs: Metric.Counter<number> = Metric.counter("rescind_http_resyncs_total", {
  description: "Times that a slow client was told that it missed events",
  incremental: true
})

/**
 * `rescind_http_events_missed_total`: what those clients missed together.
 *
 * @category metrics
 * @since 0.1.0
 */
export const missed: Metric.Counter<number> = Metric.counter("rescind_http_events_missed_total", {
  description: "Events that slow clients were not sent",
  incremental: true
})

/**
 * `rescind_http_readers_refused_total`, by the limit that was reached.
 *
 * @category metrics
 * @since 0.1.0
 */
export const refused = (limit: string): Metric.Counter<number> =>
  Metric.counter("rescind_http_readers_refused_total", {
    description: "Event streams that a limit refused",
    incremental: true,
    attributes: { limit }
  })

/**
 * `rescind_http_events_published_total`: each event once, however many read it.
 *
 * @category metrics
 * @since 0.1.0
 */
export const published: Metric.Counter<number> = Metric.counter("rescind_http_events_published_total", {
  description: "Events that were encoded for clients, each once",
  incremental: true
})

/**
 * `rescind_http_events_delivered_bytes_total`: over all clients.
 *
 * @category metrics
 * @since 0.1.0
 */
export const delivered: Metric.Counter<number> = Metric.counter("rescind_http_events_delivered_bytes_total", {
  description: "Bytes of event streams that were handed to sockets",
  incremental: true
})

/**
 * Hooks that count in the registry, and with the metric attributes, of the current fiber.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make: Effect.Effect<Hooks> = Effect.map(Effect.context<never>(), (context) => {
  const closedFor = remembered((reason: CloseReason) => reason, closed)
  const refusedBy = remembered((limit: string) => limit, refused)
  return {
    readerOpened: () => {
      opened.updateUnsafe(1, context)
      readers.modifyUnsafe(1, context)
    },
    readerClosed: (reason) => {
      closedFor(reason).updateUnsafe(1, context)
      readers.modifyUnsafe(-1, context)
    },
    resynced: (events) => {
      resyncs.updateUnsafe(1, context)
      missed.updateUnsafe(events, context)
    },
    refused: (limit) => refusedBy(limit).updateUnsafe(1, context),
    published: () => published.updateUnsafe(1, context),
    delivered: (bytes) => delivered.updateUnsafe(bytes, context)
  }
})
