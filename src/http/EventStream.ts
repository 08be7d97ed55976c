/**
 * Sends an event log to a client as `text/event-stream`: what is kept, then what
 * comes, up to and with the last event, after which the stream ends. A client
 * that comes back is sent what it has not seen; one that has seen the end is told
 * to stop coming back (204, as the EventSource standard has it); one that was too
 * slow, or away for too long, is told what it missed. A client that does not read
 * holds up nobody.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type { Json } from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { EventLog } from "./EventLog.ts"
import type { LogNode } from "./internal/stream/logNode.ts"
import { sendOnNode } from "./internal/stream/onNode.ts"
import { resynced, Sending } from "./internal/stream/sending.ts"
import { SlotWriter } from "./internal/stream/slotWriter.ts"
import { OpenStreams } from "./OpenStreams.ts"
import type { Problem } from "./Problem.ts"

/**
 * The numbers of the events that a client missed: they were dropped before it could be sent them.
 *
 * @category models
 * @since 0.1.0
 */
export interface Missed {
  readonly from: number
  readonly to: number
}

/**
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /**
   * The data of the event `resync`, which takes the place of events that a client missed: the state by now, say. What
   * is kept follows. Default: `{ missed }`.
   */
  readonly resync?: ((missed: Missed) => Effect.Effect<Json>) | undefined
  /** What becomes of a client that is so slow that it misses events. Default: `"resync"`; if it is disconnected, it may come back. */
  readonly slow?: "resync" | "disconnect" | undefined
  /** How many clients may be sent this log at once. Default: no bound. */
  readonly maxReaders?: number | undefined
}

/**
 * Where a client stands, by the `Last-Event-ID` that it sends: 0 if it sends
 * none, one that we never wrote, or one of a log of another prefix. A bare number
 * counts within this log.
 *
 * @category conversions
 * @since 0.1.0
 */
export const cursorOf = (lastEventId: string | undefined, prefix: string): number => {
  const id = lastEventId ?? ""
  const number = id.startsWith(prefix) ? id.slice(prefix.length) : id
  return /^\d{1,15}$/.test(number) ? Number(number) : 0
}

/**
 * The answer to a `GET`. Fails with `too-many-streams` over a limit.
 *
 * @category responding
 * @since 0.1.0
 */
export const respond: (
  log: EventLog,
  request: HttpServerRequest.HttpServerRequest,
  options?: Options
) => Effect.Effect<HttpServerResponse.HttpServerResponse, Problem, OpenStreams | Scope.Scope> = Effect.fnUntraced(
  function* (log, request, options) {
    const node = log as LogNode
    const asked = cursorOf(request.headers["last-event-id"], log.prefix)
    if (log.ended && asked >= log.last) return HttpServerResponse.empty({ status: 204 })
    // A client cannot be ahead of us: its id is of an earlier life of this server.
    const cursor = asked > log.last ? 0 : asked
    if (log.ended) return HttpServerResponse.text(yield* kept(node, cursor, options), { headers, contentType })
    if (request.method === "HEAD") return HttpServerResponse.stream(Stream.empty, { headers, contentType })
    const streams = yield* OpenStreams
    const sending = yield* streams.open((hooks) => new Sending(node, cursor, hooks, options), {
      log,
      maxReaders: options?.maxReaders
    })
    const response = HttpServerResponse.stream(
      Stream.suspend(() => SlotWriter.stream((writer) => sending.through(writer))),
      { headers, contentType }
    )
    yield* sendOnNode(request, response, sending)
    return response
  }
)

const contentType = "text/event-stream"

/** No proxy may keep or delay an event. */
const headers = { "cache-control": "no-store", "x-accel-buffering": "no" }

/** All of a log that has ended, for a client that has read up to `cursor`. */
const kept = (log: LogNode, cursor: number, options: Options | undefined): Effect.Effect<string> => {
  const { first } = log
  const rest = log.after(cursor, Infinity).text
  return cursor + 1 >= first
    ? Effect.succeed(rest)
    : Effect.map(resynced(log, { from: cursor + 1, to: first - 1 }, options), ({ text }) => text + rest)
}
