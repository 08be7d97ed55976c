/**
 * How often one visitor may ask: so many requests in a window. They are counted before anybody is believed, for the
 * address that they come from, so that guesses of tokens are bounded; what turns out to be a caller's is counted for the
 * caller instead, wherever it comes from, so that many may share the address of a proxy.
 */
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
  identify: Effect.Effect<Visitor, Problem>
) => Effect.Effect<Visitor, Problem>

export const RequestRate: Context.Reference<RequestRate> = Context.Reference<RequestRate>(
  "rescind/examples/sse-tasks/RequestRate",
  { defaultValue: () => (_, identify) => identify }
)

export const layer = (options: { readonly limit: number; readonly window: Duration.Input }): Layer.Layer<never> =>
  Layer.effect(
    RequestRate,
    Effect.map(RateLimiter.make, (limiter): RequestRate => {
      const count = (key: string, tokens: number) =>
        limiter.consume({ ...options, key, tokens, onExceeded: "fail", algorithm: "fixed-window" }).pipe(
          Effect.catch((error) => {
            if (error.reason._tag !== "RateLimitExceeded") return Effect.die(error)
            const { limit, retryAfter } = error.reason
            return Effect.fail(tooOften(limit, retryAfter))
          })
        )
      return Effect.fnUntraced(function* (request, identify) {
        const address = `address ${Option.getOrElse(request.remoteAddress, () => "local")}`
        yield* count(address, 1)
        const visitor = yield* identify
        if (visitor.id === undefined) return visitor
        yield* count(address, -1)
        yield* count(`caller ${visitor.id}`, 1)
        return visitor
      })
    })
  ).pipe(Layer.provide(RateLimiter.layerStoreMemory))

const tooOften = (limit: number, retryAfter: Duration.Duration): Problem =>
  new Problem({
    code: "too-many-requests",
    detail: `More than ${limit} requests; try again in ${Duration.format(retryAfter)}`,
    headers: { "retry-after": String(Math.ceil(Duration.toSeconds(retryAfter))) }
  })
