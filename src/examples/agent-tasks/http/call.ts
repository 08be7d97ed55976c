/** One call of the task server: JSON there and back, and every way to fail as a typed error. */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import type * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { describe } from "../../server/fetchFailed.ts"
import { type AgentTasksError, UnexpectedAnswer, Unreachable } from "../agentTaskErrors.ts"
import { callerHeader } from "./api.ts"
import { errorOf } from "./problems.ts"

const decodeJson = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Json))

export interface Server {
  readonly client: HttpClient.HttpClient
  /** Without a slash at the end. */
  readonly url: string
}

export interface Call<A> {
  readonly path: string
  /** Without one it is a GET. */
  readonly body?: unknown
  readonly caller?: string | undefined
  readonly schema: Schema.Codec<A, any>
  /** Default: 10 seconds. Infinity for a call that lasts as long as what it waits for. */
  readonly timeout?: Duration.Input | undefined
}

export const unreachable = (url: string, error: HttpClientError.HttpClientError): Unreachable => {
  const cause = "cause" in error.reason ? error.reason.cause : undefined
  return new Unreachable({ url, message: `The task server at ${url} cannot be reached: ${describe(cause)}` })
}

export const call = <A>({ client, url }: Server, what: Call<A>): Effect.Effect<A, AgentTasksError> =>
  Effect.gen(function* () {
    const { body, caller = "", path, schema } = what
    const request = (body === undefined ? HttpClientRequest.get : HttpClientRequest.post)(`${url}${path}`, {
      headers: caller === "" ? {} : { [callerHeader]: caller }
    })
    const sent = body === undefined ? request : HttpClientRequest.bodyJsonUnsafe(request, body)
    const [status, text] = yield* client.execute(sent).pipe(
      Effect.flatMap((response) => Effect.map(response.text, (text) => [response.status, text] as const)),
      Effect.mapError((error) => unreachable(url, error)),
      Effect.timeoutOrElse({
        duration: what.timeout ?? "10 seconds",
        orElse: () => Effect.fail(new Unreachable({ url, message: `The task server at ${url} did not answer in time` }))
      })
    )
    const json = Option.getOrUndefined(decodeJson(text))
    if (status !== 200 && status !== 202) return yield* errorOf(url, caller, status, json)
    return yield* Effect.mapError(
      Schema.decodeUnknownEffect(Schema.toCodecJson(schema) as Schema.Codec<A, unknown>)(json),
      (error) =>
        new UnexpectedAnswer({ url, status, message: `${path} answered something unexpected: ${error.message}` })
    )
  }).pipe(Effect.provideService(HttpClient.TracerPropagationEnabled, false))
