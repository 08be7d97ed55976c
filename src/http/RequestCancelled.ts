/**
 * What a client reads when the work of its request was cancelled: who or what
 * stopped it, as a problem document with the reason, in place of the empty 503
 * that an interrupt would be. The status says whose turn it is: 504 and 503 may be
 * tried again, 409 was somebody's wish, 500 is ours to look at.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as HttpServerRespondable from "effect/http/HttpServerRespondable"
import type * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Schema from "effect/Schema"
import * as SchemaTransformation from "effect/SchemaTransformation"
import { DeadlineExceeded } from "../combinators/DeadlineExceeded.ts"
import * as CancelReason from "../fibers/CancelReason.ts"
import { ScopeCancelled } from "../fibers/ScopeCancelled.ts"
import { TaskCancelled } from "../fibers/TaskCancelled.ts"
import * as Problem from "./Problem.ts"

/**
 * The statuses of such an answer.
 *
 * - 409: somebody cancelled it, or a newer run took its place (`request`,
 *   `superseded`; also work that was done for another client, who left)
 * - 499: this client left; nobody reads it but the log
 * - 500: it was stopped by something inside the server: a sibling that failed, a
 *   watchdog, an interrupt without a reason
 * - 503, with `Retry-After`: the server shuts down
 * - 504: the deadline passed, the caller's or one of our own
 *
 * @category models
 * @since 0.1.0
 */
export type Status = 409 | 499 | 500 | 503 | 504

const codes = {
  409: "cancelled",
  499: "client-left",
  500: "interrupted",
  503: "draining",
  504: "deadline-passed"
} as const satisfies Record<Status, Problem.Code>

/**
 * `scope` of the reason is what was addressed: the handler, or a scope inside it.
 * In a router's handler it answers for itself; a client of an `HttpApi` fails with
 * it.
 *
 * @category errors
 * @since 0.1.0
 */
export class RequestCancelled extends Data.TaggedError("RequestCancelled")<{
  readonly status: Status
  readonly reason: CancelReason.CancelReason
}> {
  override get message(): string {
    const { message, scope, source } = this.reason
    return `"${scope}" was cancelled (${source}): ${message}`
  }

  [HttpServerRespondable.symbol](): Effect.Effect<HttpServerResponse.HttpServerResponse> {
    return Effect.sync(() => toResponse(this))
  }
}

/**
 * For a cancel of the request's own work, or of something that it waited for.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (reason: CancelReason.CancelReason): RequestCancelled =>
  new RequestCancelled({ reason, status: statuses[reason.source] })

/**
 * Errors that say of work inside a handler that it was cancelled.
 *
 * @category models
 * @since 0.1.0
 */
export type Inner = TaskCancelled | ScopeCancelled | DeadlineExceeded

/**
 * Answers such an error with its reason, for a handler that has no better answer.
 * The middleware for routers does so by itself; the handler of an `HttpApi`, whose
 * errors are declared, says it: `buy(order).pipe(RequestCancelled.catchInner)`.
 *
 * @category error handling
 * @since 0.1.0
 */
export const catchInner = <A, E, R>(
  self: Effect.Effect<A, E, R>
): Effect.Effect<A, Exclude<E, Inner> | RequestCancelled, R> =>
  Effect.catch(self, (error): Effect.Effect<never, Exclude<E, Inner> | RequestCancelled> => {
    if (error instanceof TaskCancelled || error instanceof ScopeCancelled) return Effect.fail(make(error.reason))
    return error instanceof DeadlineExceeded ? exceeded(error) : Effect.fail(error as Exclude<E, Inner>)
  })

const exceeded = ({ limit, scope }: DeadlineExceeded): Effect.Effect<never, RequestCancelled> =>
  Effect.flatMap(Clock.currentTimeMillis, (now) => {
    const message = `The limit of ${Duration.format(limit)} passed`
    return Effect.fail(make(CancelReason.stamp(CancelReason.timeout({ by: scope, message }), scope, now)))
  })

/**
 * The answer.
 *
 * @category conversions
 * @since 0.1.0
 */
export const toResponse = (error: RequestCancelled): HttpServerResponse.HttpServerResponse =>
  Problem.toResponse(
    new Problem.Problem({
      code: codes[error.status],
      detail: error.message,
      extension: { reason: encodeReason(error.reason) },
      ...(error.status === 503 ? { headers: { "retry-after": "5" } } : {})
    })
  )

const encodeReason = Schema.encodeSync(Schema.toCodecJson(CancelReason.Wire))

const statuses: Record<CancelReason.Source, Status> = {
  request: 409,
  superseded: 409,
  disconnect: 409,
  timeout: 504,
  shutdown: 503,
  "lost-race": 500,
  "sibling-failed": 500,
  "body-failed": 500,
  "scope-closed": 500,
  watchdog: 500,
  interrupt: 500
}

const schemaOf = <const S extends Exclude<Status, 499>>(status: S) => {
  const [, title] = Problem.codes[codes[status]]
  return Schema.Struct({ ...Problem.Document.fields, reason: CancelReason.Wire })
    .annotate({ identifier: `RequestCancelled${status}` })
    .pipe(
      Schema.decodeTo(
        Schema.instanceOf(RequestCancelled),
        SchemaTransformation.transform({
          decode: ({ reason }) => new RequestCancelled({ reason, status }),
          encode: (error) => ({
            type: Problem.typeOf(codes[status]),
            title,
            status,
            detail: error.message,
            reason: error.reason
          })
        })
      ),
      HttpApiSchema.status(status),
      HttpApiSchema.asJson({ contentType: Problem.contentType })
    )
}

/**
 * For the contract of an `HttpApi`: one schema a status that a client may read.
 *
 * @category schemas
 * @since 0.1.0
 */
export const schemas = [schemaOf(409), schemaOf(500), schemaOf(503), schemaOf(504)] as const
