/**
 * A deadline on the wire: the header `deadline-ms` says how many whole
 * milliseconds the caller still has. It is a time that remains and not an
 * instant, so that the clocks of two machines need not agree. A server bounds its
 * work by it (`read`), and what that work calls in turn is sent the rest of it
 * (`forward`): what was spent on the way is gone, so that it shrinks at each hop.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Headers from "effect/http/Headers"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as Option from "effect/Option"
import * as Deadline from "../combinators/Deadline.ts"
import * as CancelPolicy from "../fibers/CancelPolicy.ts"
import * as CancelReason from "../fibers/CancelReason.ts"
import { Problem } from "./Problem.ts"

/**
 * The name of the header.
 *
 * @category constants
 * @since 0.1.0
 */
export const header = "deadline-ms"

/**
 * The largest budget that the header may say, in milliseconds: 24 days, which 32
 * bits can count.
 *
 * @category constants
 * @since 0.1.0
 */
export const maxMillis = 2_147_483_647

/**
 * What the request says; `None` if it says nothing, zero if its time is up.
 *
 * **Details**
 *
 * Digits alone are read, up to `maxMillis`. Anything else, the header twice
 * included, fails with the 400 that names it.
 *
 * @category decoding
 * @since 0.1.0
 */
export const read = (
  from: Pick<HttpServerRequest.HttpServerRequest, "headers"> | Headers.Headers
): Effect.Effect<Option.Option<Duration.Duration>, Problem> => {
  const said = (Headers.isHeaders(from) ? from : from.headers)[header]
  if (said === undefined) return Effect.succeedNone
  const millis = millisOf(said)
  return millis === undefined ? Effect.fail(malformed(said)) : Effect.succeedSome(Duration.millis(millis))
}

/**
 * A call was not sent because no time was left for it: the `cause` of the
 * `HttpClientError` that it fails with.
 *
 * @category errors
 * @since 0.1.0
 */
export class NoTimeLeft extends Data.TaggedError("NoTimeLeft")<{
  /** What the deadline still gave. */
  readonly remaining: Duration.Duration
  /** What was to be kept of it. */
  readonly margin: Duration.Duration
}> {
  override get message(): string {
    const kept = Duration.isZero(this.margin)
      ? ""
      : `, of which ${Duration.format(this.margin)} are kept for the caller`
    const left = Duration.millis(Math.floor(Duration.toMillis(this.remaining)))
    return `Not sent: the deadline leaves ${Duration.format(left)}${kept}`
  }
}

/**
 * `margin` is kept back at each hop: with it, the answer that the time was up
 * still reaches a caller who can act on it (default: none).
 *
 * @category models
 * @since 0.1.0
 */
export interface ForwardOptions {
  readonly margin?: Duration.Input | undefined
}

/**
 * The client, sending with each request what is left of the deadline around the
 * fiber that calls (`Deadline.remaining`), less the margin. A call for which
 * nothing is left is not sent: it fails, and `isNoTimeLeft` tells.
 *
 * **Details**
 *
 * It counts at the moment of sending, so put it first: what is wrapped around it
 * (retries, rate limits, redirects) is then counted in, at every attempt. A
 * header that the request already has counts if it is shorter. Without a deadline,
 * or with more than `maxMillis`, nothing is added. The error is of a kind that
 * neither `HttpClient.retryTransient` tries again nor a circuit breaker holds
 * against the server.
 *
 * **Gotchas**
 *
 * In clean-up nothing is refused and nothing sent along: it is not bound by the
 * deadline that ended the work. Give it one of its own with `Deadline.run`.
 *
 * @example
 * ```ts
 * const client = Effect.map(HttpClient.HttpClient, RequestDeadline.forward({ margin: "50 millis" }))
 * ```
 *
 * @category clients
 * @since 0.1.0
 */
export const forward = (
  options?: ForwardOptions
): (<E, R>(
  client: HttpClient.HttpClient.With<E, R>
) => HttpClient.HttpClient.With<E | HttpClientError.HttpClientError, R>) => {
  const margin = CancelPolicy.bound("margin", options?.margin ?? 0)
  return (client) =>
    HttpClient.transform(client, (_, request) =>
      Effect.flatMap(budgeted(request, margin), (request) => client.postprocess(Effect.succeed(request)))
    )
}

/**
 * Whether a call failed because there was no time left to make it.
 *
 * @category guards
 * @since 0.1.0
 */
export const isNoTimeLeft = (
  error: unknown
): error is HttpClientError.HttpClientError & { readonly cause: NoTimeLeft } =>
  HttpClientError.isHttpClientError(error) && error.cause instanceof NoTimeLeft

const budgeted: (
  request: HttpClientRequest.HttpClientRequest,
  margin: Duration.Duration
) => Effect.Effect<HttpClientRequest.HttpClientRequest, HttpClientError.HttpClientError> = Effect.fnUntraced(
  function* (request, margin) {
    const remaining = yield* Deadline.remaining
    if (Option.isNone(remaining) || Option.isSome(yield* CancelReason.current)) return request
    const left = Math.floor(Duration.toMillis(remaining.value) - Duration.toMillis(margin))
    if (left <= 0) return yield* Effect.fail(notSent(request, new NoTimeLeft({ remaining: remaining.value, margin })))
    const budget = Math.min(left, millisOf(request.headers[header] ?? "") ?? Infinity)
    return budget > maxMillis ? request : HttpClientRequest.setHeader(request, header, String(budget))
  }
)

/** The request could not be made: of the three kinds of such an error this one is never retried or counted. */
const notSent = (request: HttpClientRequest.HttpClientRequest, cause: NoTimeLeft): HttpClientError.HttpClientError =>
  new HttpClientError.HttpClientError({
    reason: new HttpClientError.EncodeError({ request, cause, description: cause.message })
  })

const millisOf = (said: string): number | undefined => {
  const millis = /^(?:0|[1-9]\d{0,9})$/.test(said) ? Number(said) : Infinity
  return millis <= maxMillis ? millis : undefined
}

const malformed = (said: string): Problem => {
  const shown = said.length > 40 ? `${said.slice(0, 40)}…` : said
  const message = `Expected one whole number of milliseconds from 0 to ${maxMillis}, such as 1500, but got ${JSON.stringify(shown)}`
  return new Problem({
    code: "invalid-request",
    detail: `${header}: ${message}`,
    extension: { errors: [{ in: "header", field: header, message }] }
  })
}
