/**
 * The events of a task as clients read them: one SSE event each, whose `data` is
 * one line of JSON and whose id is `<attempt>-<seq>`, so that a client that
 * comes back after the task was run again is not taken for one of the new run.
 *
 * @since 0.1.0
 */
import * as DateTime from "effect/DateTime"
import * as Schema from "effect/Schema"
import type { CancelReason } from "../fibers/CancelReason.ts"
import { Source } from "../fibers/CancelReason.ts"
import type { TaskEvent } from "../fibers/TaskEvent.ts"
import { How } from "../fibers/TaskOutcome.ts"
import type * as EventLog from "./EventLog.ts"
import type { Said } from "./internal/said.ts"
import { TaskView } from "./TaskView.ts"

const stamp = {
  /** The id of the task. */
  id: Schema.String,
  attempt: Schema.Int,
  seq: Schema.Int,
  at: Schema.DateTimeUtcFromString
}

const why = {
  message: Schema.String,
  reason: Source,
  by: Schema.optionalKey(Schema.String),
  scope: Schema.String,
  detail: Schema.optionalKey(Schema.Json)
}

const ended = { cleanupFailures: Schema.Int }

const event = <Name extends string, Fields extends Schema.Struct.Fields>(name: Name, fields: Fields) =>
  Schema.Struct({
    id: Schema.String,
    event: Schema.Literal(name),
    data: Schema.fromJsonString(Schema.toCodecJson(Schema.Struct({ ...stamp, ...fields })))
  })

/**
 * @category schemas
 * @since 0.1.0
 */
export const WireEvent = Schema.Union([
  event("resync", { missed: Schema.Struct({ from: Schema.Int, to: Schema.Int }), task: TaskView }),
  event("started", {}),
  event("progress", { value: Schema.Json }),
  event("output", { value: Schema.Json }),
  event("cancel-requested", why),
  event("straggling", why),
  event("completed", { value: Schema.Json, ...ended }),
  event("failed", { error: Schema.Json, ...ended }),
  event("cancelled", {
    ...why,
    how: How,
    tookMillis: Schema.Number,
    partial: Schema.optionalKey(Schema.Json),
    ...ended
  })
])

/**
 * @category models
 * @since 0.1.0
 */
export type WireEvent = typeof WireEvent.Type

const reasonOf = ({ message, source, by, scope, detail }: CancelReason) => ({
  message,
  reason: source,
  ...(by === undefined ? {} : { by }),
  scope,
  ...(detail === undefined ? {} : { detail })
})

const names = {
  Started: "started",
  Progress: "progress",
  Output: "output",
  CancelRequested: "cancel-requested",
  Straggling: "straggling",
  Completed: "completed",
  Failed: "failed",
  Cancelled: "cancelled"
} as const

const bodyOf = (said: Said, event: TaskEvent): object => {
  switch (event._tag) {
    case "Started":
      return {}
    case "Progress":
    case "Output":
      // Encoded already, when it was said.
      return { value: event.value }
    case "CancelRequested":
    case "Straggling":
      return reasonOf(event.reason)
    case "Completed":
    case "Failed":
    case "Cancelled": {
      const { _tag, ...outcome } = said.outcome(event)
      return {
        ...outcome,
        ...("reason" in outcome ? reasonOf(outcome.reason) : {}),
        cleanupFailures: event.cleanupFailures.length
      }
    }
  }
}

/**
 * One event, as it stands in the log.
 *
 * @category conversions
 * @since 0.1.0
 */
export const of = (said: Said, event: TaskEvent): EventLog.Event => {
  const { attempt, seq, task } = event
  const data = { id: task, attempt, seq, at: DateTime.formatIso(event.at), ...bodyOf(said, event) }
  return { event: names[event._tag], data }
}
