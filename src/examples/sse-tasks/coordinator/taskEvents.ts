/**
 * The events of a task on the wire. Every one carries the key of the task and the time; exactly one of `complete`,
 * `task-error`, `cancelled` and `timeout` is the last. A failure is not called `error`, since that is what an
 * EventSource calls its own trouble with the connection.
 */
import * as Cause from "effect/Cause"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as Struct from "effect/Struct"
import * as CancelReason from "../../../fibers/CancelReason.ts"
import type { Cancelled, Completed, Failed } from "../../../fibers/TaskEvent.ts"
import type * as EventLog from "../../../http/EventLog.ts"
import type { JsonObject, TaskEnd, TaskRecord } from "../store/TaskRecord.ts"
import type { TaskKey } from "../TaskKey.ts"

export const stamped = (key: TaskKey, event: string, data: JsonObject, at: DateTime.Utc): EventLog.Event => ({
  event,
  data: { ...data, _task_id: key.id, _app: key.app, _model: key.model, _timestamp: DateTime.formatIso(at) }
})

/** What the record says once the attempt has ended; `own` is what the task itself said about its cancellation. */
export const endOf = (
  event: Completed | Failed | Cancelled,
  error: Schema.Codec<any, any>,
  own: JsonObject | undefined
): TaskEnd => {
  const at = DateTime.formatIso(event.at)
  switch (event._tag) {
    case "Completed":
      // As the body of the task has saved it.
      return event.value as TaskEnd
    case "Failed":
      return { status: "failed", failed_at: at, error: failureOf(event.cause, error) }
    case "Cancelled": {
      const { by } = event.reason
      return {
        status: event.reason.source === "timeout" ? "timeout" : "cancelled",
        cancelled_at: at,
        cancellation_reason: whyOf(event.reason),
        ...(by === undefined ? {} : { cancelled_by: by }),
        ...(own === undefined ? {} : { cancellation_details: own })
      }
    }
  }
}

/** The terminal event that tells this end. */
export const terminalOf = (end: TaskEnd): { readonly event: string; readonly data: JsonObject } => {
  switch (end.status) {
    case "completed":
      return { event: "complete", data: { final_value: end.final_value } }
    case "failed":
      return { event: "task-error", data: end.error }
    case "timeout":
      return { event: "timeout", data: { message: end.cancellation_reason, reason: "timeout" } }
    case "cancelled": {
      const reason = end.cancellation_reason === "shutdown" ? "shutdown" : "external_cancellation"
      const asked = end.cancellation_reason === reason ? {} : { cancellation_reason: end.cancellation_reason }
      const by = end.cancelled_by === undefined ? {} : { cancelled_by: end.cancelled_by }
      return {
        event: "cancelled",
        data: { message: "Task was cancelled", reason, ...asked, ...by, ...end.cancellation_details }
      }
    }
  }
}

/** The end that a record in a final state tells; undefined in another. */
export const endIn = (record: TaskRecord): TaskEnd | undefined => {
  switch (record.status) {
    case "completed":
      return {
        status: "completed",
        completed_at: record.completed_at ?? record.created_at,
        final_value: record.final_value ?? null
      }
    case "failed":
      return {
        status: "failed",
        failed_at: record.failed_at ?? record.created_at,
        error: record.error ?? internalError
      }
    case "cancelled":
    case "timeout":
      return {
        status: record.status,
        cancelled_at: record.cancelled_at ?? record.created_at,
        cancellation_reason: record.cancellation_reason ?? "external_cancellation",
        ...Struct.pick(record, ["cancelled_by", "cancellation_details"])
      }
    case "pending":
    case "running":
      return undefined
  }
}

export const endedAt = (end: TaskEnd): string => {
  switch (end.status) {
    case "completed":
      return end.completed_at
    case "failed":
      return end.failed_at
    case "cancelled":
    case "timeout":
      return end.cancelled_at
  }
}

/** Of the reasons that nobody worded, the fixed word; otherwise the words. */
const whyOf = ({ message, source }: CancelReason.CancelReason): string => {
  if (source === "shutdown" || source === "scope-closed") return "shutdown"
  if (source === "request" && message === CancelReason.request().message) return "external_cancellation"
  // The word is ours: who wrote it is no server that stops.
  return message === "shutdown" ? '"shutdown"' : message
}

const internalError: JsonObject = { message: "Internal error", error_type: "InternalError" }

/** A defect is for the log only. */
const failureOf = (cause: Cause.Cause<unknown>, schema: Schema.Codec<any, any>): JsonObject => {
  const error = Cause.findErrorOption(cause)
  if (Option.isNone(error) || Cause.hasDies(cause)) return internalError
  const encoded = Schema.encodeUnknownOption(Schema.toCodecJson(schema))(error.value)
  if (Option.isNone(encoded)) return internalError
  const tag = Predicate.hasProperty(error.value, "_tag") ? String(error.value._tag) : "Error"
  const message = error.value instanceof Error ? error.value.message : tag
  const fields = Predicate.isObject(encoded.value) ? Object.entries(encoded.value) : []
  const own = Object.fromEntries(fields.filter(([field]) => field !== "_tag"))
  return { ...(own as JsonObject), message, error_type: tag }
}

export const overtime = (limit: Duration.Duration): string =>
  `The task ran longer than its maximum of ${Duration.format(limit)}`
