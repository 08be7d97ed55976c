/** One call of a remote agent and its answer, or its events, with every way in which that fails told apart. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import type * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Option from "effect/Option"
import type * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { isUnsendable, passing } from "../../../internal/client/retrying.ts"
import { retryAfterOf } from "../../../internal/client/wire.ts"
import { sseEvents } from "../../../internal/client/sseEvents.ts"
import { AgentRefused, AgentUnreachable, AgentUnreadable, type CallError } from "../../RemoteAgentError.ts"
import type { Binding, Call } from "./binding.ts"

/** What all calls of one agent share. */
export interface Line {
  /** Its name, as it stands in errors. */
  readonly agent: string
  readonly extensions: ReadonlyArray<string>
  /** Its requests end with their scope: an answer that nobody reads holds no connection. */
  readonly http: HttpClient.HttpClient.With<HttpClientError.HttpClientError, Scope.Scope>
  readonly retry: Schedule.Schedule<unknown, CallError>
  readonly silence: Duration.Duration
  readonly giveUp: Duration.Duration
  readonly maxEventSize: number
}

export interface Wire extends Line {
  /** Whether it sends events; if not, it is asked again and again. */
  readonly streams: boolean
  readonly binding: Binding
}

/** The result of a call that answers at once, as JSON. */
export const ask = <A>(
  line: Line,
  call: Call,
  decode: (json: unknown) => A,
  headers: Readonly<Record<string, string>> = {}
): Effect.Effect<A, CallError> => Effect.map(askText(line, call, decode, headers), ({ value }) => value)

/** The same with the text of it: an answer that says the same again need not be looked at. */
export const askText: <A>(
  line: Line,
  call: Call,
  decode: (json: unknown) => A,
  headers?: Readonly<Record<string, string>>
) => Effect.Effect<{ readonly value: A; readonly text: string }, CallError> = Effect.fnUntraced(function* (
  line,
  call,
  decode,
  headers = {}
) {
  const response = yield* send(line, call, "application/json", headers)
  const text = yield* textOf(line, call, response)
  return { value: yield* decoded(line, `the answer to ${call.name}`, text, response.status, call, decode), text }
}, Effect.scoped)

/** Fails with `AgentUnreachable` when the agent does not answer in time. */
export const inTime = <A, E>(
  line: Line,
  call: Call,
  self: Effect.Effect<A, E>
): Effect.Effect<A, E | AgentUnreachable> =>
  Effect.timeoutOrElse(self, { duration: line.silence, orElse: () => Effect.fail(silent(line, call)) })

/** The events of a call, once the agent has begun to send them. The connection lives as long as the scope. */
export const open: <A>(
  line: Line,
  call: Call,
  decode: (json: unknown) => A,
  options: { readonly silence: () => Duration.Duration; readonly headers?: Readonly<Record<string, string>> }
) => Effect.Effect<Stream.Stream<A, CallError>, CallError, Scope.Scope> = Effect.fnUntraced(
  function* (line, call, decode, options) {
    const response = yield* send(line, call, "text/event-stream", options.headers ?? {})
    if (response.headers["content-type"]?.startsWith("text/event-stream") !== true) {
      // JSON-RPC has its errors with the status 200.
      const text = yield* textOf(line, call, response)
      yield* decoded(line, `the answer to ${call.name}`, text, response.status, call, (json) => json)
      const detail = `${response.headers["content-type"] ?? "what came"} is no event stream`
      return yield* Effect.fail(new AgentUnreadable({ agent: line.agent, what: `the answer to ${call.name}`, detail }))
    }
    const what = `an event of ${call.name}`
    return Stream.mapEffect(
      sseEvents<CallError>(
        Stream.mapError(response.stream, (error) => unreachable(line, call, error)),
        {
          silence: options.silence,
          onSilence: () => silent(line, call),
          maxEventSize: line.maxEventSize,
          onTooLarge: (cause) => new AgentUnreadable({ agent: line.agent, what, detail: cause.message, cause })
        }
      ),
      ({ data }) => decoded(line, what, data, response.status, call, decode)
    )
  }
)

const send: (
  line: Line,
  call: Call,
  accept: string,
  headers: Readonly<Record<string, string>>
) => Effect.Effect<HttpClientResponse.HttpClientResponse, CallError, Scope.Scope> = Effect.fnUntraced(
  function* (line, call, accept, headers) {
    const request = HttpClientRequest.setHeaders(HttpClientRequest.accept(call.request, accept), {
      "a2a-version": "1.0",
      ...(line.extensions.length === 0 ? {} : { "a2a-extensions": line.extensions.join(", ") }),
      ...headers
    })
    // A client of the user's may fail for a status: it is an answer like any other.
    const response = yield* Effect.catch(line.http.execute(request), (error) =>
      error.response === undefined ? Effect.fail(unreachable(line, call, error)) : Effect.succeed(error.response)
    )
    return response.status >= 200 && response.status <= 299 ? response : yield* refused(line, call, response)
  }
)

const refused: (
  line: Line,
  call: Call,
  response: HttpClientResponse.HttpClientResponse
) => Effect.Effect<never, CallError> = Effect.fnUntraced(function* (line, call, response) {
  const { agent } = line
  const { status } = response
  const text = yield* textOf(line, call, response)
  const retryAfter = retryAfterOf(response.headers["retry-after"], yield* Clock.currentTimeMillis)
  const read = yield* Effect.option(Effect.try(() => call.read(JSON.parse(text), status)))
  const error = Option.isSome(read) && "error" in read.value ? read.value.error : undefined
  return yield* Effect.fail(
    new AgentRefused({
      agent,
      call: call.name,
      status,
      detail: error?.message ?? "the answer is none of A2A; is this an agent?",
      ...(error === undefined ? {} : { error }),
      ...(retryAfter === undefined ? {} : { retryAfter })
    })
  )
})

const decoded = <A>(
  { agent }: Line,
  what: string,
  text: string,
  status: number,
  call: Call,
  decode: (json: unknown) => A
): Effect.Effect<A, AgentRefused | AgentUnreadable> =>
  Effect.flatMap(
    Effect.try({
      try: () => {
        const read = call.read(JSON.parse(text), status)
        return "error" in read ? read : { value: decode(read.result) }
      },
      catch: (cause) =>
        new AgentUnreadable({ agent, what, detail: cause instanceof Error ? cause.message : String(cause), cause })
    }),
    (read) =>
      "error" in read
        ? Effect.fail(
            new AgentRefused({ agent, call: call.name, status, error: read.error, detail: read.error.message })
          )
        : Effect.succeed(read.value)
  )

const textOf = (line: Line, call: Call, response: HttpClientResponse.HttpClientResponse) =>
  Effect.mapError(response.text, (error) => unreachable(line, call, error))

const unreachable = ({ agent }: Line, { name }: Call, cause: HttpClientError.HttpClientError): AgentUnreachable =>
  new AgentUnreachable({ agent, call: name, detail: cause.message, cause })

const silent = ({ agent, silence }: Line, { name }: Call): AgentUnreachable =>
  new AgentUnreachable({ agent, call: name, detail: `it said nothing for ${Duration.format(silence)}` })

/** Whether it may pass by itself. */
export const isTransient = (error: CallError): boolean => {
  if (error._tag === "AgentRefused") return passing.has(error.status)
  return error._tag === "AgentUnreachable" && !isUnsendable(error.cause)
}

/** Whether it is sure that the agent has not taken what it was sent. What a proxy says leaves open what happened behind it. */
export const isDecided = (error: CallError): boolean =>
  error._tag === "AgentRefused"
    ? error.error !== undefined || (error.status >= 400 && error.status < 500 && error.status !== 408)
    : error._tag === "AgentUnreachable" && isUnsendable(error.cause)

/** The reasons of A2A have the same names in all bindings. */
export const hasReason = (error: CallError, reason: string): boolean =>
  error._tag === "AgentRefused" && error.error?.reason === reason
