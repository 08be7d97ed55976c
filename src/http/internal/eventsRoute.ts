/** `GET /tasks/{id}/events`. */
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Json } from "effect/Schema"
import * as Schema from "effect/Schema"
import * as CancelReason from "../../fibers/CancelReason.ts"
import * as Task from "../../fibers/Task.ts"
import type { EventLog } from "../EventLog.ts"
import * as EventStream from "../EventStream.ts"
import { OpenStreams } from "../OpenStreams.ts"
import type { Visitor } from "../TaskAccess.ts"
import * as TaskView from "../TaskView.ts"
import { authorize, may } from "./authorize.ts"
import { follow } from "./followers.ts"
import { type Handler, pathParam, type Server } from "./served.ts"
import type { Served } from "./servedTask.ts"

export const eventsRoute: Handler = Effect.fnUntraced(function* (server, request, fiber) {
  const id = pathParam(fiber, "id")
  const { served, visitor } = yield* authorize(server, request, "events", id)
  served.sending ??= optionsOf(server, served)
  const response = yield* Effect.provideService(
    EventStream.respond(logOf(served), request, served.sending),
    OpenStreams,
    server.streams
  )
  const counts = served.kind.definition.onDisconnect === "cancel" && request.method !== "HEAD"
  if (counts && may(visitor, "cancel", served)) yield* followedBy(server, served, visitor)
  return response
})

const logOf = ({ recording, task }: Served): EventLog => recording.log(task.attempt)

const optionsOf = (server: Server, served: Served): EventStream.Options => ({
  slow: server.slowReaders,
  maxReaders: server.maxStreamsPerTask,
  resync: (missed) => resync(server, served, missed)
})

/** Where the task stands by now: what follows may be older. */
const resync: (server: Server, served: Served, missed: EventStream.Missed) => Effect.Effect<Json> = Effect.fnUntraced(
  function* (server, served, missed) {
    const { attempt, name } = served.task
    const at = DateTime.formatIso(DateTime.makeUnsafe(yield* Clock.currentTimeMillis))
    const stamp = { id: name, attempt, seq: missed.to, at, missed: { ...missed } }
    const info = yield* server.tasks.info(name)
    // An attempt that was replaced is not looked up any more.
    if (Option.isNone(info) || info.value.attempt !== attempt) return stamp
    return { ...stamp, task: encodeView(yield* TaskView.of(info.value, served)) }
  }
)

const encodeView = Schema.encodeSync(Schema.toCodecJson(TaskView.TaskView))

/** Who may only watch is not counted: it stops nothing by leaving. */
const followedBy = (server: Server, served: Served, { id }: Visitor) => {
  const { cancel, linger } = served.kind.definition
  const { task } = served
  const stop = Task.requestCancel(task, { ...cancel, reason: CancelReason.disconnect({ by: id }) })
  return follow(served, { task, linger, stop, scope: server.scope })
}
