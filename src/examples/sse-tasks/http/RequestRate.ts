/** How often one visitor may ask: so many requests in a window, counted by who it is or where it comes from. */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as RateLimiter from "effect/persistence/RateLimiter"
import { Problem } from "../../../http/Problem.ts"
import type { Visitor } from "../../../http/TaskAccess.ts"

export type RequestRate = (
  request: HttpServerRequest.HttpServerRequest,
  visitor: Visitor
) => Effect.Effect<void, Problem>

export const RequestRate: Context.Reference<RequestRate> = Context.Reference<RequestRate>(
  "rescind/examples/sse-tasks/RequestRate",
  { defaultValue: () => () => Effect.void }
)

export const layer = (options: { readonly limit: number; readonly window: Duration.Input }): Layer.Layer<never> =>
  Layer.effect(
    RequestRate,
    Effect.map(RateLimiter.make, (limiter): RequestRate => (request, visitor) => {
      const key = visitor.id ?? Option.getOrElse(request.remoteAddress, () => "local")
      return limiter.consume({ ...options, key, onExceeded: "fail", algorithm: "fixed-window" }).pipe(
        Effect.catch((error) => {
          if (error.reason._tag !== "RateLimitExceeded") return Effect.die(error)
          const { limit, retryAfter } = error.reason
          return Effect.fail(tooOften(limit, retryAfter))
        }),
        Effect.asVoid
      )
    })
  ).pipe(Layer.provide(RateLimiter.layerStoreMemory))

const tooOften = (limit: number, retryAfter: Duration.Duration): Problem =>
  new Problem({
    code: "too-many-requests",
    detail: `More than ${limit} requests; try again in ${Duration.format(retryAfter)}`,
    headers: { "retry-after": String(Math.ceil(Duration.toSeconds(retryAfter))) }
  })
