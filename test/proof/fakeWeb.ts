/** A web without sockets and promises: what each path answers, in virtual time, with every connection in the ledger. */
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import type * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Stream from "effect/Stream"
import { Ledger } from "rescind/testing"
import { Connect } from "../../src/examples/server/fetchPage.ts"

/** `chunks` of so many bytes, each after `every` milliseconds; "refused" has no answer at all. */
export type Site =
  | {
      readonly status: number
      readonly headers?: Record<string, string>
      readonly chunks: number
      readonly every: number
    }
  | "refused"
  | "hangs"

/** Fetches within reach these sites, by path. */
export const onFakeWeb =
  (sites: { readonly [path: string]: Site }) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.provideService(effect, Connect, Effect.as(Ledger.resource("socket", Effect.sleep(1)), client(sites)))

const client = (sites: { readonly [path: string]: Site }): HttpClient.HttpClient =>
  HttpClient.make((request, url) => {
    const site = sites[url.pathname] ?? { status: 404, chunks: 0, every: 0 }
    if (site === "hangs") return Effect.never
    if (site === "refused") {
      const cause = new Error("connect ECONNREFUSED")
      const reason = new HttpClientError.TransportError({ request, cause })
      return Effect.andThen(Effect.sleep(1), Effect.fail(new HttpClientError.HttpClientError({ reason })))
    }
    const { chunks, every, headers = {}, status } = site
    const chunk = Effect.as(Effect.sleep(every), new Uint8Array(10))
    const stream = Stream.take(Stream.fromEffectRepeat(chunk), chunks)
    return Effect.as(Effect.sleep(1), { status, headers, stream } as unknown as HttpClientResponse.HttpClientResponse)
  })
