/** When a call is tried again: after what may pass by itself, and not before the server wants. */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpClientError from "effect/http/HttpClientError"
import * as Schedule from "effect/Schedule"
import type { TaskClientError } from "../../TaskClientError.ts"

export type Retry = Schedule.Schedule<unknown, TaskClientError>

/** Eight tries more in about twenty seconds. */
export const defaultRetry: Schedule.Schedule<unknown> = Schedule.min([
  Schedule.exponential("200 millis"),
  Schedule.spaced("5 seconds")
]).pipe(Schedule.jittered, Schedule.upTo({ times: 8 }))

/** What proxies and servers say of a state, not of the request. */
export const passing: ReadonlySet<number> = new Set([408, 425, 429, 502, 503, 504])

const isTransient = (error: TaskClientError): boolean => {
  if (error._tag === "RequestRefused") return passing.has(error.status)
  return error._tag === "ServerUnreachable" && !isUnsendable(error.cause)
}

/** The request could not even be made, and it will not be another one next time. */
export const isUnsendable = (cause: unknown): boolean =>
  HttpClientError.isHttpClientError(cause) &&
  (cause.reason._tag === "InvalidUrlError" || cause.reason._tag === "EncodeError")

/** `isSteady` tells that things went well for a while: what comes then is a new trouble, and begins the schedule anew. */
export const whileTransient = (retry: Retry, isSteady: () => boolean = () => false): Retry =>
  retryingWhile(retry, isTransient, isSteady)

export const retryingWhile = <E extends { readonly _tag: string }>(
  retry: Schedule.Schedule<unknown, E>,
  isTransient: (error: E) => boolean,
  isSteady: () => boolean = () => false
): Schedule.Schedule<unknown, E> =>
  Schedule.fromStep(
    Effect.map(Schedule.toStep(retry), (first) => {
      let step = first
      const anew = Effect.map(Schedule.toStep(retry), (fresh) => {
        step = fresh
      })
      return (now: number, error: E) =>
        isTransient(error)
          ? Effect.flatMap(isSteady() ? anew : Effect.void, () =>
              Effect.map(step(now, error), ([output, delay]): [unknown, Duration.Duration] => [
                output,
                "retryAfter" in error && Duration.isDuration(error.retryAfter)
                  ? Duration.max(delay, error.retryAfter)
                  : delay
              ])
            )
          : Cause.done(undefined)
    })
  )
