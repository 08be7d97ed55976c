/**
 * Why something was cancelled: by what kind of event, by whom, which scope was
 * addressed, and when. A reason is a plain value: it crosses HTTP, storage and
 * logs unchanged. Every fiber below a cancelled scope reads the same one with
 * `CancelReason.current`, also inside Effect's own combinators.
 *
 * @since 0.1.0
 */
import type * as Cause from "effect/Cause"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as SchemaTransformation from "effect/SchemaTransformation"
import * as Struct from "effect/Struct"
import { annotatedIn } from "./internal/cancelAnnotation.ts"
import { CurrentNode } from "./internal/currentNode.ts"

const sources = [
  "request",
  "timeout",
  "lost-race",
  "sibling-failed",
  "body-failed",
  "scope-closed",
  "superseded",
  "shutdown",
  "disconnect",
  "watchdog",
  "interrupt"
] as const

/**
 * What kind of event asked for the cancel. `interrupt` is a native Effect
 * interrupt that carries no reason of ours.
 *
 * @category models
 * @since 0.1.0
 */
export const Source = Schema.Literals(sources)

/**
 * @category models
 * @since 0.1.0
 */
export type Source = typeof Source.Type

const fields = {
  source: Source,
  message: Schema.String,
  by: Schema.optionalKey(Schema.String),
  scope: Schema.String,
  at: Schema.DateTimeUtcFromString,
  detail: Schema.optionalKey(Schema.Json)
}

/**
 * The reason itself: `scope` names the scope that was addressed, `by` the task,
 * user or system that asked, `detail` is JSON of the asker's own.
 *
 * @category models
 * @since 0.1.0
 */
export class CancelReason extends Schema.Class<CancelReason>("rescind/CancelReason")(fields) {}

/**
 * A reason before it is sent: the cancel stamps `scope` and `at`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Draft {
  readonly source: Source
  readonly message: string
  readonly by?: string | undefined
  readonly detail?: Schema.Json | undefined
}

const draft =
  (source: Source, fallback: string) =>
  (options?: {
    readonly message?: string | undefined
    readonly by?: string | undefined
    readonly detail?: Schema.Json | undefined
  }): Draft => ({ source, message: options?.message ?? fallback, by: options?.by, detail: options?.detail })

/**
 * Somebody asked: a user, an API call, another task.
 *
 * @category constructors
 * @since 0.1.0
 */
export const request = draft("request", "Task was cancelled")
/**
 * A time limit passed.
 *
 * @category constructors
 * @since 0.1.0
 */
export const timeout = draft("timeout", "The time limit passed")
/**
 * Another member of the race won; `by` is the winner.
 *
 * @category constructors
 * @since 0.1.0
 */
export const lostRace = draft("lost-race", "Another member won the race")
/**
 * A sibling failed; `by` is the first that did.
 *
 * @category constructors
 * @since 0.1.0
 */
export const siblingFailed = draft("sibling-failed", "A sibling failed")
/**
 * The body of the scope failed.
 *
 * @category constructors
 * @since 0.1.0
 */
export const bodyFailed = draft("body-failed", "The body of the scope failed")
/**
 * The scope that owns the task has ended.
 *
 * @category constructors
 * @since 0.1.0
 */
export const scopeClosed = draft("scope-closed", "The owning scope has ended")
/**
 * A newer run under the same key took its place.
 *
 * @category constructors
 * @since 0.1.0
 */
export const superseded = draft("superseded", "A newer run took its place")
/**
 * The service or the process stops.
 *
 * @category constructors
 * @since 0.1.0
 */
export const shutdown = draft("shutdown", "The service is shutting down")
/**
 * The client for whom the work was done has left.
 *
 * @category constructors
 * @since 0.1.0
 */
export const disconnect = draft("disconnect", "The client disconnected")
/**
 * A watchdog found the task stuck.
 *
 * @category constructors
 * @since 0.1.0
 */
export const watchdog = draft("watchdog", "The watchdog found it stuck")
/**
 * A native Effect interrupt without a reason of ours.
 *
 * @category constructors
 * @since 0.1.0
 */
export const interrupt = draft("interrupt", "The fiber was interrupted")

/**
 * Stamps a draft with the scope it is sent to and the time. A complete reason,
 * such as one that came over HTTP, passes unchanged.
 *
 * @category constructors
 * @since 0.1.0
 */
export const stamp = (reason: Draft | CancelReason, scope: string, atMillis: number): CancelReason => {
  if (reason instanceof CancelReason) return reason
  // Not the validating constructor: it costs more than a race of two.
  const self = Object.create(CancelReason.prototype) as { -readonly [K in keyof CancelReason]: CancelReason[K] }
  self.source = reason.source
  self.message = reason.message
  if (reason.by !== undefined) self.by = reason.by
  self.scope = scope
  self.at = instant(atMillis)
  if (reason.detail !== undefined) self.detail = reason.detail
  return self
}

let latest = DateTime.makeUnsafe(0)

/** Many reasons are of the same millisecond. */
const instant = (millis: number): DateTime.Utc =>
  latest.epochMilliseconds === millis ? latest : (latest = DateTime.makeUnsafe(millis))

const known: ReadonlySet<string> = new Set(sources)

/**
 * The codec for wires and storage. A source that this version does not know
 * decodes to `interrupt`, with the original kept in `detail.source`, so that an
 * old reader never fails on a new writer.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Wire = Schema.Struct({ ...fields, source: Schema.String })
  .annotate({ identifier: "CancelReason" })
  .pipe(
    Schema.decodeTo(
      Schema.toType(CancelReason),
      SchemaTransformation.transform({
        decode: (wire) =>
          known.has(wire.source)
            ? new CancelReason({ ...wire, source: wire.source as Source })
            : new CancelReason({
                ...wire,
                source: "interrupt",
                detail: { source: wire.source, ...(wire.detail === undefined ? {} : { detail: wire.detail }) }
              }),
        // A plain copy: what is encoded is not an instance.
        encode: (reason) => Struct.omit(reason, [])
      })
    )
  )

/**
 * Why the current fiber is being interrupted: for finalizers and hooks. `None`
 * while nothing was interrupted (a task in its grace reads `Task.requested`),
 * and for a native race loser that nobody cancelled.
 *
 * @category reading
 * @since 0.1.0
 */
export const current: Effect.Effect<Option.Option<CancelReason>> = Effect.withFiber((fiber) =>
  Effect.succeed(Option.fromUndefinedOr(fiber.getRef(CurrentNode).readable))
)

/**
 * The first reason of ours in a cause: for whoever awaits a fiber from outside.
 *
 * @category reading
 * @since 0.1.0
 */
export const fromCause = (cause: Cause.Cause<unknown>): Option.Option<CancelReason> =>
  Option.map(Option.fromUndefinedOr(annotatedIn(cause)), (annotated) => annotated.reason)

/**
 * The first reason of ours in an exit, `None` for a success.
 *
 * @category reading
 * @since 0.1.0
 */
export const fromExit = (exit: Exit.Exit<unknown, unknown>): Option.Option<CancelReason> =>
  exit._tag === "Failure" ? fromCause(exit.cause) : Option.none()
