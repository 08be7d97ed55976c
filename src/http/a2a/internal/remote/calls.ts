/** What is asked of a remote agent, but for its streams. */
import * as A2A from "@a2a-js/sdk"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import type { CancelReason, Draft } from "../../../../fibers/CancelReason.ts"
import { maxBy, maxMessage } from "../../../CancelCall.ts"
import { clip } from "../../../internal/client/cancelling.ts"
import type { CallError } from "../../RemoteAgentError.ts"
import type { Call, Params } from "./binding.ts"
import { ask, askText, inTime, type Wire } from "./wire.ts"

export const sendCall = (
  wire: Wire,
  message: A2A.Message,
  options: {
    readonly acceptedOutputModes?: ReadonlyArray<string> | undefined
    readonly metadata?: Readonly<Record<string, unknown>> | undefined
  }
): Call =>
  wire.binding(
    wire.streams ? "SendStreamingMessage" : "SendMessage",
    A2A.SendMessageRequest.toJSON({
      tenant: "",
      message,
      configuration: {
        acceptedOutputModes: Array.from(options.acceptedOutputModes ?? []),
        taskPushNotificationConfig: undefined,
        // What blocks until the end does not tell the id by which it could be cancelled.
        returnImmediately: !wire.streams
      },
      metadata: options.metadata
    }) as Params
  )

export const getTask = (wire: Wire, id: string): Effect.Effect<A2A.Task, CallError> => {
  const call = wire.binding("GetTask", { id })
  return inTime(wire, call, ask(wire, call, taskOf))
}

/** The task again and again, as often as it has changed. */
export const snapshots = (wire: Wire, id: string): Stream.Stream<A2A.StreamResponse, CallError> => {
  const call = wire.binding("GetTask", { id })
  return Stream.fromEffectSchedule(inTime(wire, call, askText(wire, call, taskOf)), pace).pipe(
    Stream.changesWith((one, other) => one.text === other.text),
    Stream.map(({ value }) => ({ payload: { $case: "task", value } }))
  )
}

/** Sooner at the beginning: many tasks are short. */
const pace = Schedule.min([Schedule.exponential("100 millis", 1.5), Schedule.spaced("2 seconds")])

/**
 * The task that a message has made, of those that the agent has. `unknown`: it keeps no history to tell by, or has more
 * tasks than anybody should look through.
 */
export const findTask = (
  wire: Wire,
  { contextId, messageId }: A2A.Message
): Effect.Effect<A2A.Task | "none" | "unknown", CallError> =>
  Effect.gen(function* () {
    let pageToken = ""
    for (let page = 0; page < maxPages; page++) {
      const params = {
        pageSize: 100,
        historyLength: 100,
        ...(contextId === "" ? {} : { contextId }),
        ...(pageToken === "" ? {} : { pageToken })
      }
      const call = wire.binding("ListTasks", params)
      const list = yield* inTime(
        wire,
        call,
        ask(wire, call, (json) => A2A.ListTasksResponse.fromJSON(json))
      )
      const found = list.tasks.find((task) => hasMessage(task, messageId))
      if (found !== undefined) return found
      if (list.tasks.some(({ history }) => history.length === 0)) return "unknown"
      if (list.nextPageToken === "") return "none"
      pageToken = list.nextPageToken
    }
    return "unknown"
  })

const maxPages = 10

export const hasMessage = ({ history }: A2A.Task, messageId: string): boolean =>
  history.some((message) => message.messageId === messageId)

/** Once. */
export const cancelTask = (
  wire: Wire,
  id: string,
  { by, detail, message, source }: CancelReason | Draft
): Effect.Effect<A2A.Task, CallError> => {
  const metadata = {
    reason: clip(message, maxMessage),
    source,
    ...(by === undefined ? {} : { by: clip(by, maxBy) }),
    ...(detail === undefined ? {} : { detail })
  }
  return ask(wire, wire.binding("CancelTask", { id, metadata }), taskOf)
}

const taskOf = (json: unknown): A2A.Task => {
  const task = A2A.Task.fromJSON(json)
  if (task.id === "" || task.status === undefined) throw new TypeError("it is no task: id or status is missing")
  return task
}

/** Undefined for what a newer agent may say. */
export const responseOf = (json: unknown): A2A.StreamResponse | undefined => {
  const response = A2A.StreamResponse.fromJSON(json)
  if (response.payload?.$case === "task") taskOf((json as { readonly task: unknown }).task)
  return response.payload === undefined ? undefined : response
}
