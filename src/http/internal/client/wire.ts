/** One request and its answer, with every way in which that fails told apart. */
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import type * as HttpClientError from "effect/http/HttpClientError"
import type * as HttpClientRequest from "effect/http/HttpClientRequest"
import type * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Problem from "../../Problem.ts"
import { AnswerUnreadable, RequestRefused, ServerUnreachable, type TaskClientError } from "../../TaskClientError.ts"
import { type Retry, whileTransient } from "./retrying.ts"

/** What all calls of one client share. */
export interface Wire {
  /** Its requests end with their scope: an answer that nobody reads holds no connection. */
  readonly http: HttpClient.HttpClient.With<HttpClientError.HttpClientError, Scope.Scope>
  readonly retry: Retry
  readonly silence: Duration.Duration
  readonly cancelWithin: Duration.Duration
  readonly maxEventSize: number
}

/** The answer, whatever its status. */
export const send = (
  wire: Wire,
  call: string,
  request: HttpClientRequest.HttpClientRequest
): Effect.Effect<HttpClientResponse.HttpClientResponse, ServerUnreachable, Scope.Scope> =>
  // A client of the user's may fail for a status: it is an answer like any other.
  Effect.catch(wire.http.execute(request), (error) =>
    error.response === undefined ? Effect.fail(unreachable(call, error)) : Effect.succeed(error.response)
  )

/** Sends once, and reads the answer, which comes at once. */
export const ask = <A>(
  wire: Wire,
  call: string,
  request: HttpClientRequest.HttpClientRequest,
  decode: (body: string) => Effect.Effect<A, Schema.SchemaError>
): Effect.Effect<A, TaskClientError> =>
  Effect.timeoutOrElse(askPatiently(wire, call, request, decode), {
    duration: wire.silence,
    orElse: () => Effect.fail(silent(wire, call))
  })

/** The same for an answer that may take as long as a task takes to end. */
export const askPatiently: <A>(
  wire: Wire,
  call: string,
  request: HttpClientRequest.HttpClientRequest,
  decode: (body: string) => Effect.Effect<A, Schema.SchemaError>
) => Effect.Effect<A, TaskClientError> = Effect.fnUntraced(function* (wire, call, request, decode) {
  const response = yield* send(wire, call, request)
  if (response.status < 200 || response.status > 299) return yield* refused(call, response)
  const body = yield* bodyOf(call, response)
  return yield* Effect.mapError(decode(body), (cause) => unreadable(call, cause))
}, Effect.scoped)

/** Tried again for as long as the client is patient. Only for what may be done twice. */
export const askAgain = <A>(
  wire: Wire,
  call: string,
  request: HttpClientRequest.HttpClientRequest,
  decode: (body: string) => Effect.Effect<A, Schema.SchemaError>
): Effect.Effect<A, TaskClientError> => Effect.retry(ask(wire, call, request, decode), whileTransient(wire.retry))

export const decoder = <S extends Schema.ConstraintDecoder<unknown>>(
  schema: S
): ((body: string) => Effect.Effect<S["Type"], Schema.SchemaError>) =>
  Schema.decodeUnknownEffect(Schema.fromJsonString(Schema.toCodecJson(schema)))

/** A refusal, read as the problem document that it is, or told by its status. */
export const refused: (
  call: string,
  response: HttpClientResponse.HttpClientResponse
) => Effect.Effect<never, RequestRefused | ServerUnreachable> = Effect.fnUntraced(function* (call, response) {
  const body = yield* bodyOf(call, response)
  const problem = Option.getOrUndefined(decodeProblem(body))
  const code =
    problem?.type.startsWith(Problem.typePrefix) === true ? problem.type.slice(Problem.typePrefix.length) : undefined
  const retryAfter = retryAfterOf(response.headers["retry-after"], yield* Clock.currentTimeMillis)
  return yield* Effect.fail(
    new RequestRefused({
      call,
      status: response.status,
      detail: problem?.detail ?? "the answer is no problem document; is this a task server?",
      ...(code === undefined ? {} : { code }),
      ...(problem === undefined ? {} : { problem }),
      ...(retryAfter === undefined ? {} : { retryAfter })
    })
  )
})

const decodeProblem = Schema.decodeUnknownOption(Schema.fromJsonString(Problem.Document))

/** RFC 9110, section 10.2.3: seconds, or an instant. */
export const retryAfterOf = (said: string | undefined, now: number): Duration.Duration | undefined => {
  if (said === undefined) return undefined
  if (/^\d{1,9}$/.test(said)) return Duration.seconds(Number(said))
  const instant = DateTime.make(said)
  return Option.isNone(instant) ? undefined : Duration.millis(Math.max(0, instant.value.epochMilliseconds - now))
}

const bodyOf = (call: string, response: HttpClientResponse.HttpClientResponse) =>
  Effect.mapError(response.text, (error) => unreachable(call, error))

export const unreachable = (call: string, cause: HttpClientError.HttpClientError): ServerUnreachable =>
  new ServerUnreachable({ call, detail: cause.message, cause })

export const silent = ({ silence }: Wire, call: string): ServerUnreachable =>
  new ServerUnreachable({ call, detail: `the server said nothing for ${Duration.format(silence)}` })

export const unreadable = (what: string, cause: Schema.SchemaError): AnswerUnreadable =>
  new AnswerUnreadable({ what, detail: cause.message, cause })
