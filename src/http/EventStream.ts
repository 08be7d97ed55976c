/**
 * The events of one task as a `text/event-stream`: what is kept, then what
 * comes, up to and with the terminal event, after which the stream ends. A
 * client that comes back is sent what it has not seen; one that has seen the end
 * is told to stop coming back (204, as the EventSource standard has it).
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as CancelReason from "../fibers/CancelReason.ts"
import * as Task from "../fibers/Task.ts"
import type { TaskEvent } from "../fibers/TaskEvent.ts"
import { findServed, type Handler, pathParam, type Served, type Server } from "./internal/served.ts"
import { taskNotFound } from "./internal/taskNotFound.ts"
import * as WireEvent from "./WireEvent.ts"

/**
 * Where a client stands, by the `Last-Event-ID` that it sends: 0 if it sends
 * none, one that we never wrote, or one of another attempt. A bare number counts
 * within the current attempt.
 *
 * @category conversions
 * @since 0.1.0
 */
export const cursorOf = (lastEventId: string | undefined, attempt: number): number => {
  const match = /^(?:(\d{1,15})-)?(\d{1,15})$/.exec(lastEventId ?? "")
  return match === null || (match[1] !== undefined && Number(match[1]) !== attempt) ? 0 : Number(match[2])
}

/**
 * `GET /tasks/{id}/events`.
 *
 * @category handlers
 * @since 0.1.0
 */
export const respond: Handler = (server, request) =>
  Effect.gen(function* () {
    const id = yield* pathParam("id")
    const found = yield* findServed(server, id)
    if (Option.isNone(found)) return yield* Effect.fail(taskNotFound(id))
    const served = found.value
    const { task } = served
    const cursor = cursorOf(request.headers["last-event-id"], task.attempt)
    if (Option.isSome(yield* Task.poll(task))) {
      const kept = yield* Stream.runCollect(server.tasks.events(id, { after: cursor })).pipe(
        Effect.orElseSucceed(() => [])
      )
      if (kept.length === 0) return HttpServerResponse.empty({ status: 204 })
      return HttpServerResponse.text((yield* textsOf(served, kept)).join(""), { headers, contentType })
    }
    if (request.method !== "HEAD") yield* follow(server, served)
    return HttpServerResponse.stream(live(server, served, cursor), { headers, contentType })
  })

const contentType = "text/event-stream"

/** No proxy may keep or delay an event. */
const headers = { "cache-control": "no-store", "x-accel-buffering": "no" }

/** Counts this client for as long as its request lives; the last one to leave may stop the task. */
const follow = (server: Server, served: Served) =>
  Effect.andThen(
    server.streams.opened,
    Effect.acquireRelease(
      Effect.sync(() => served.followers++),
      () =>
        Effect.suspend(() => {
          served.followers--
          const { cancel, onDisconnect } = served.kind.definition
          return onDisconnect === "keep" || served.followers > 0
            ? Effect.void
            : Task.requestCancel(served.task, { ...cancel, reason: CancelReason.disconnect() })
        })
    )
  )

const live = (server: Server, served: Served, cursor: number): Stream.Stream<Uint8Array> =>
  server.tasks.events(served.task.name).pipe(
    Stream.mapAccumArray(
      () => cursor,
      (cursor: number, events) => {
        // A client cannot be ahead of us: its id is of an earlier life of this server.
        const known = cursor > events[events.length - 1]!.seq ? 0 : cursor
        return [0, known === 0 ? events : events.filter((event) => event.seq > known)]
      }
    ),
    Stream.mapArrayEffect((events) => Effect.map(textsOf(served, events), (texts) => [texts.join("")] as const)),
    Stream.catchTag("TaskNotFound", () => Stream.empty),
    Stream.merge(pings(server), { haltStrategy: "left" }),
    // The head of an answer goes out with its first bytes, and a task may be silent for long.
    (events) => Stream.concat(Stream.succeed(": open\n\n"), events),
    Stream.encodeText
  )

const pings = ({ heartbeat }: Server): Stream.Stream<string> =>
  Stream.drop(Stream.as(Stream.tick(heartbeat), ": ping\n\n"), 1)

/** Encoded once for all who follow. */
const written = new WeakMap<TaskEvent, string>()

const textsOf = ({ kind }: Served, events: ReadonlyArray<TaskEvent>): Effect.Effect<ReadonlyArray<string>> =>
  Effect.forEach(events, (event) => {
    const text = written.get(event)
    if (text !== undefined) return Effect.succeed(text)
    return Effect.tap(WireEvent.toText(kind.codecs, event), (text) => Effect.sync(() => written.set(event, text)))
  })
