/** One event of the wire as one of a definition: its schemas, compiled once for a client. */
import * as Cause from "effect/Cause"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as Schema from "effect/Schema"
import * as CancelReason from "../../../fibers/CancelReason.ts"
import { How } from "../../../fibers/TaskOutcome.ts"
import * as PublicOutcome from "../../PublicOutcome.ts"
import type { RemoteEvent, TerminalEvent } from "../../RemoteEvent.ts"
import { RemoteDefect } from "../../TaskClientError.ts"
import type { Any, AnyCodec } from "../../TaskDefinition.ts"
import { TaskView } from "../../TaskView.ts"
import { decoder } from "./wire.ts"

type AnyEvent = RemoteEvent<Any>
type Decoded<A> = Effect.Effect<A, Schema.SchemaError>

/** Of the event, by the id that it came under. */
interface Stamp {
  readonly task: string
  readonly attempt: number
  readonly seq: number
}

export interface EventDecoder {
  /** By the name of the event; what has none here is of a newer server. */
  readonly events: ReadonlyMap<string, (data: string, stamp: Stamp) => Decoded<AnyEvent>>
  /** The end, as the view of the task tells it to who comes too late for the event. */
  readonly end: (outcome: PublicOutcome.PublicOutcome, stamp: Stamp, at: DateTime.Utc) => Decoded<TerminalEvent<Any>>
}

export const eventDecoder = (definition: Any): EventDecoder => {
  const success = unknownDecoder(definition.success)
  const error = unknownDecoder(definition.error)
  const partial = unknownDecoder(definition.partial)

  const failed = (said: Schema.Json, task: string): Decoded<Cause.Cause<unknown>> =>
    Equal.equals(said, PublicOutcome.internalError)
      ? Effect.succeed(Cause.die(new RemoteDefect({ task })))
      : Effect.map(error(said), Cause.fail)

  const end: EventDecoder["end"] = (outcome, stamp, at) => {
    const ended = { ...stamp, at, cleanupFailures: 0 }
    switch (outcome._tag) {
      case "Completed":
        return Effect.map(success(outcome.value), (value) => ({ _tag: "Completed", ...ended, value }))
      case "Failed":
        return Effect.map(failed(outcome.error, stamp.task), (cause) => ({ _tag: "Failed", ...ended, cause }))
      case "Cancelled": {
        const { how, reason, tookMillis } = outcome
        const cancelled = { _tag: "Cancelled", ...ended, reason, how, took: Duration.millis(tookMillis) } as const
        return "partial" in outcome
          ? Effect.map(partial(outcome.partial), (value) => ({ ...cancelled, partial: value }))
          : Effect.succeed(cancelled)
      }
    }
  }

  const terminal =
    (outcomeOf: (data: Data) => Decoded<PublicOutcome.PublicOutcome>) =>
    (data: Data, stamp: Stamp): Decoded<AnyEvent> =>
      Effect.flatMap(outcomeOf(data), (outcome) =>
        Effect.map(end(outcome, stamp, data.at), (event) => ({ ...event, cleanupFailures: data.cleanupFailures }))
      )

  return {
    end,
    events: new Map([
      ["started", reader({}, ({ at }, stamp) => Effect.succeed({ _tag: "Started", ...stamp, at }))],
      ["progress", said("Progress", definition.progress)],
      ["output", said("Output", definition.output)],
      ["cancel-requested", reader(why, asked("CancelRequested"))],
      ["straggling", reader(why, asked("Straggling"))],
      [
        "resync",
        reader({ missed: Schema.Struct({ from: Schema.Int, to: Schema.Int }), task: TaskView }, (data, stamp) =>
          Effect.succeed({ _tag: "Resync", ...stamp, at: data.at, missed: data.missed, info: data.task })
        )
      ],
      [
        "completed",
        reader(
          { value: Schema.Json, ...ended },
          terminal(({ value }) => Effect.succeed({ _tag: "Completed", value }))
        )
      ],
      [
        "failed",
        reader(
          { error: Schema.Json, ...ended },
          terminal(({ error }) => Effect.succeed({ _tag: "Failed", error }))
        )
      ],
      [
        "cancelled",
        reader(
          { ...why, how: How, tookMillis: Schema.Finite, partial: Schema.optionalKey(Schema.Json), ...ended },
          terminal((data) =>
            // The event tells when it ended, and how long after the request that was.
            Effect.map(reasonOf(data, DateTime.subtractDuration(data.at, data.tookMillis)), (reason) => ({
              _tag: "Cancelled",
              reason,
              how: data.how,
              tookMillis: data.tookMillis,
              ...("partial" in data ? { partial: data.partial } : {})
            }))
          )
        )
      ]
    ])
  }
}

/** What an event has beside its stamp is by its name; the compiler is not told which. */
type Data = any

const ended = { cleanupFailures: Schema.Int }

/** A source that this version does not know is none the less a reason. */
const why = {
  message: Schema.String,
  reason: Schema.String,
  by: Schema.optionalKey(Schema.String),
  scope: Schema.String,
  detail: Schema.optionalKey(Schema.Json)
}

const decodeReason = Schema.decodeUnknownEffect(CancelReason.Wire)

const reasonOf = (data: Data, at: DateTime.Utc): Decoded<CancelReason.CancelReason> => {
  const { message, reason, by, scope, detail } = data
  return decodeReason({
    source: reason,
    message,
    scope,
    at: DateTime.formatIso(at),
    ...(by === undefined ? {} : { by }),
    ...(detail === undefined ? {} : { detail })
  })
}

const asked =
  (_tag: "CancelRequested" | "Straggling") =>
  (data: Data, stamp: Stamp): Decoded<AnyEvent> =>
    Effect.map(reasonOf(data, data.at), (reason) => ({ _tag, ...stamp, at: data.at, reason }))

const said = (_tag: "Progress" | "Output", value: AnyCodec) =>
  reader({ value }, (data, stamp) => Effect.succeed({ _tag, ...stamp, at: data.at, value: data.value }))

const reader = (fields: Schema.Struct.Fields, make: (data: Data, stamp: Stamp) => Decoded<AnyEvent>) => {
  const decode = decoder(Schema.Struct({ at: Schema.DateTimeUtcFromString, ...fields }) as AnyCodec)
  return (data: string, stamp: Stamp) => Effect.flatMap(decode(data), (decoded) => make(decoded, stamp))
}

const unknownDecoder = (schema: AnyCodec): ((json: unknown) => Decoded<any>) =>
  Schema.decodeUnknownEffect(Schema.toCodecJson(schema))
