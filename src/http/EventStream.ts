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
import { Chunk } from "./internal/stream/chunk.ts"
import type { LogNode } from "./internal/stream/logNode.ts"
import { type End, type EventWriter, LogReader } from "./internal/stream/logReader.ts"
import { nodeResponseOf, NodeWriter } from "./internal/stream/nodeWriter.ts"
import { SlotWriter } from "./internal/stream/slotWriter.ts"
import { type OpenStream, OpenStreams } from "./OpenStreams.ts"
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
  /** Runs when a client that was sent the log has left or has read its end. Not for a `HEAD`, or a log that had ended. */
  readonly onClose?: Effect.Effect<void> | undefined
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
export const respond = (
  log: EventLog,
  request: HttpServerRequest.HttpServerRequest,
  options?: Options
): Effect.Effect<HttpServerResponse.HttpServerResponse, Problem, OpenStreams | Scope.Scope> =>
  Effect.gen(function* () {
    const node = log as LogNode
    const asked = cursorOf(request.headers["last-event-id"], log.prefix)
    if (log.ended && asked >= log.last) return HttpServerResponse.empty({ status: 204 })
    // A client cannot be ahead of us: its id is of an earlier life of this server.
    const cursor = asked > log.last ? 0 : asked
    if (log.ended) return HttpServerResponse.text(yield* kept(node, cursor, options), { headers, contentType })
    if (request.method === "HEAD") return HttpServerResponse.stream(Stream.empty, { headers, contentType })
    const streams = yield* OpenStreams
    const stream = yield* streams.open(log, options)
    const response = nodeResponseOf(request)
    const sending = (writer: EventWriter) => stream.run(send(node, cursor, writer, stream, options))
    const body =
      response === undefined
        ? SlotWriter.stream(sending)
        : Stream.fromEffectDrain(Effect.suspend(() => sending(new NodeWriter(response))))
    return HttpServerResponse.stream(body, { headers, contentType })
  })

const contentType = "text/event-stream"

/** No proxy may keep or delay an event. */
const headers = { "cache-control": "no-store", "x-accel-buffering": "no" }

/** The head of an answer goes out with its first bytes, and a log may be silent for long. */
const open = new Chunk(": open\n\n", 0)

const send = (
  log: LogNode,
  from: number,
  writer: EventWriter,
  stream: OpenStream,
  options: Options | undefined
): Effect.Effect<void> => {
  const readOn = (cursor: number): Effect.Effect<void> =>
    Effect.flatMap(reading(log, writer, cursor, stream), ({ end, at }) => {
      if (end === "broken") return Effect.interrupt
      if (end === "ended") return Effect.sync(() => stream.closing("end"))
      // Who comes back late was not slow.
      if (options?.slow === "disconnect" && at > from) return Effect.sync(() => stream.closing("slow"))
      const missed = { from: at + 1, to: log.first - 1 }
      return Effect.flatMap(resynced(log, missed, options), (chunk) => {
        writer.write(chunk)
        stream.hooks.resynced(missed.to - missed.from + 1)
        return readOn(missed.to)
      })
    })
  return Effect.suspend(() => {
    writer.write(open)
    return readOn(from)
  })
}

/** Reads until there is nothing more to read, or some of it was dropped. */
const reading = (
  log: LogNode,
  writer: EventWriter,
  cursor: number,
  stream: OpenStream
): Effect.Effect<{ readonly end: End; readonly at: number }> =>
  Effect.callback((resume) => {
    const reader = new LogReader(log, writer, cursor, stream.hooks, (end) => {
      stream.reader = undefined
      resume(Effect.succeed({ end, at: reader.cursor }))
    })
    stream.reader = reader
    reader.advance()
    return Effect.sync(() => {
      stream.reader = undefined
      reader.leave()
    })
  })

/** What was dropped, as one event under the id of the last of it. */
const resynced = (log: LogNode, missed: Missed, options: Options | undefined): Effect.Effect<Chunk> =>
  Effect.map(
    options?.resync?.(missed) ?? Effect.succeed({ missed: { ...missed } }),
    (data) => new Chunk(`id: ${log.prefix}${missed.to}\nevent: resync\ndata: ${JSON.stringify(data)}\n\n`, missed.to)
  )

/** All of a log that has ended, for a client that has read up to `cursor`. */
const kept = (log: LogNode, cursor: number, options: Options | undefined): Effect.Effect<string> => {
  const { first } = log
  const rest = log.after(cursor, Infinity).text
  return cursor + 1 >= first
    ? Effect.succeed(rest)
    : Effect.map(resynced(log, { from: cursor + 1, to: first - 1 }, options), ({ text }) => text + rest)
}
