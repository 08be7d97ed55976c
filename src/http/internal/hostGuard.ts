/** Refuses requests that were not sent to this server by one of its names. */
import * as Effect from "effect/Effect"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import type * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Problem from "../Problem.ts"

export const hostGuard = (
  hosts: ReadonlyArray<string>
): (<E, R>(
  handled: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>
) => Effect.Effect<HttpServerResponse.HttpServerResponse, E, R | HttpServerRequest.HttpServerRequest>) => {
  const known = new Set(hosts.map((host) => checked(host).toLowerCase()))
  const isKnown = (host: string) => known.has(host) || known.has(host.replace(/:\d+$/, ""))
  return (handled) =>
    Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ headers, url }) =>
      isKnown((headers["host"] ?? "").toLowerCase()) || isProbe(url)
        ? handled
        : Effect.succeed(Problem.toResponse(misdirected))
    )
}

/** Whoever asks for these does so by address. */
const isProbe = (url: string): boolean => /^\/(?:health|ready)$/.test(url.split("?")[0]!)

const checked = (host: string): string => {
  if (/^(?:[\w.-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i.test(host)) return host
  throw new TypeError(
    `hosts: ${JSON.stringify(host)} is no host; write it as "tasks.example.com" or "localhost:3000", without a scheme or path`
  )
}

const misdirected = /*#__PURE__*/ new Problem.Problem({
  code: "misdirected",
  detail: "This server is not reached under this host; its own are in its option `hosts`"
})
