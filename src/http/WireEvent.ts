/**
 * The events of a task as clients read them: one SSE event each, whose `data` is
 * one line of JSON and whose id is `<attempt>-<seq>`, so that a client that
 * comes back after the task was run again is not taken for one of the new run.
 *
 * @since 0.1.0
 */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { CancelReason } from "../fibers/CancelReason.ts"
import { Source } from "../fibers/CancelReason.ts"
import type { TaskEvent } from "../fibers/TaskEvent.ts"
import { How } from "../fibers/TaskOutcome.ts"
import type { Codecs } from "./internal/codecs.ts"
import * as PublicOutcome from "./PublicOutcome.ts"

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

const bodyOf = (codecs: Codecs, event: TaskEvent): Effect.Effect<object> => {
  switch (event._tag) {
    case "Started":
      return Effect.succeed({})
    case "Progress":
    case "Output":
      // Encoded already, when it was said.
      return Effect.succeed({ value: event.value })
    case "CancelRequested":
    case "Straggling":
      return Effect.succeed(reasonOf(event.reason))
    case "Completed":
    case "Failed":
    case "Cancelled":
      return Effect.map(PublicOutcome.of(codecs, event), ({ _tag, ...outcome }) => ({
        ...outcome,
        ...("reason" in outcome ? reasonOf(outcome.reason) : {}),
        cleanupFailures: event.cleanupFailures.length
      }))
  }
}

/**
 * The text of one event, as it goes over the wire.
 *
 * @category conversions
 * @since 0.1.0
 */
export const toText = (codecs: Codecs, event: TaskEvent): Effect.Effect<string> =>
  Effect.map(bodyOf(codecs, event), (body) => {
    const { attempt, seq } = event
    const data = { id: event.task, attempt, seq, at: DateTime.formatIso(event.at), ...body }
    return `id: ${attempt}-${seq}\nevent: ${names[event._tag]}\ndata: ${JSON.stringify(data)}\n\n`
  })
