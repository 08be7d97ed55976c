/**
 * `GET /stream/{app}/{model}/{id}`: starts the task if it is pending, joins it if it runs, and sends its events. What has
 * ended is answered with its record as JSON. An EventSource that comes back by itself never starts anything: it is sent
 * what it missed, and 204 once it has seen the end, also by a server that was started after that end.
 */
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Stream from "effect/Stream"
import * as EventLog from "../../../http/EventLog.ts"
import * as EventStream from "../../../http/EventStream.ts"
import { OpenStreams } from "../../../http/OpenStreams.ts"
import * as Attempt from "../coordinator/Attempt.ts"
import { WrongState } from "../coordinator/coordinatorErrors.ts"
import { endedAt, endIn, stamped, terminalOf } from "../coordinator/taskEvents.ts"
import type { TaskRecord } from "../store/TaskRecord.ts"
import { type Call, type Handler, taskInPath } from "./route.ts"
import { recordJson } from "./taskRoutes.ts"

export const streamRoute: Handler = (call) =>
  Effect.gen(function* () {
    const { request, site } = call
    const asked = yield* taskInPath(call, "events")
    const { key } = asked
    const seen = request.headers["last-event-id"]
    if (asked.record.status === "pending") {
      // What it followed is another task, of a database that is gone.
      if (seen !== undefined) return HttpServerResponse.empty({ status: 204 })
      yield* taskInPath(call, "start")
      if (request.method === "HEAD")
        return HttpServerResponse.stream(Stream.empty, { contentType: "text/event-stream" })
    }
    const { attempt, record } = asked.record.status === "pending" ? yield* site.coordinator.start(key) : asked
    if (endIn(record) !== undefined && seen === undefined) return recordJson(record)
    if (attempt !== undefined) return yield* send(call, attempt.log, resync(call, attempt, record))
    if (endIn(record) !== undefined) return yield* lateEnd(call, record, seen)
    const message = "Its record says that it runs, but this server does not run it: somebody else wrote that"
    return yield* Effect.fail(new WrongState({ key, status: record.status, message }))
  })

type Resync = EventStream.Options["resync"]

const send = ({ request, site }: Call, log: EventLog.EventLog, resync?: Resync) =>
  EventStream.respond(log, request, { resync, maxReaders: site.maxStreamsPerTask }).pipe(
    Effect.provideService(OpenStreams, site.streams)
  )

/** Where a client stands that was too slow, or away for too long. */
const resync =
  ({ site }: Call, attempt: Attempt.Attempt, record: TaskRecord): NonNullable<Resync> =>
  (missed) =>
    Effect.gen(function* () {
      const at = DateTime.makeUnsafe(yield* Clock.currentTimeMillis)
      const now = yield* Effect.match(site.coordinator.find(attempt.key), {
        onFailure: () => record,
        onSuccess: (found) => found.record
      })
      return stamped(attempt.key, "resync", { missed: { ...missed }, task: now }, at).data
    })

/** The end of an attempt whose events are gone, for one who comes back and may not have seen it. */
const lateEnd = (call: Call, record: TaskRecord, seen: string | undefined) =>
  Effect.gen(function* () {
    if (seen === `${Attempt.prefixOf(record.attempts)}${record.last_event}`) {
      return HttpServerResponse.empty({ status: 204 })
    }
    const end = endIn(record)!
    const log = yield* EventLog.make({ prefix: `${record.attempts}-end-` })
    const { data, event } = terminalOf(end)
    yield* EventLog.end(log, stamped(record, event, data, DateTime.makeUnsafe(endedAt(end))))
    return yield* send(call, log)
  })
