/**
 * Which pages of other origins may use the API from a browser: none, unless
 * listed. Others are not given the headers that let a page read an answer, and
 * are refused where a request has effects. Unlike `HttpMiddleware.cors`, it opens
 * nothing but the routes of the task server, refuses the preflights of strangers
 * and leaves those of routes that do not exist to the 404.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import type * as Headers from "effect/http/Headers"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { Problem, toResponse } from "./Problem.ts"

/**
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** As browsers name them: scheme, host and port, such as `https://app.example.com`. No pattern, no `*`, no `null`. */
  readonly origins: ReadonlyArray<string>
  /** Whether their pages may send cookies. Default: false. */
  readonly credentials?: boolean | undefined
  /** How long a browser may keep the answer to a preflight. Default: 10 minutes. */
  readonly maxAge?: Duration.Input | undefined
}

/**
 * @category models
 * @since 0.1.0
 */
export interface Cors {
  readonly origins: ReadonlySet<string>
  readonly credentials: boolean
  readonly maxAgeSeconds: number
}

/**
 * Throws on an origin that no browser would send.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = ({ origins, credentials = false, maxAge = "10 minutes" }: Options): Cors => {
  for (const origin of origins) {
    const isOrigin = /^[a-z][a-z0-9+.-]*:\/\/[^\s/?#@*]+$/.test(origin)
    if (!isOrigin || (/^https?:/.test(origin) && URL.parse(origin)?.origin !== origin)) {
      throw new TypeError(
        `cors.origins: ${JSON.stringify(origin)} is no origin; write it as "https://app.example.com": lower case, without a path, a pattern, or the port that goes without saying`
      )
    }
  }
  return { origins: new Set(origins), credentials, maxAgeSeconds: Math.floor(Duration.toSeconds(maxAge)) }
}

/**
 * Whether a browser sends this for a page of another origin that is not listed.
 * It says so by itself and the page cannot change it; what is no browser says
 * nothing.
 *
 * @category reading
 * @since 0.1.0
 */
export const isForeign = (headers: Headers.Headers, cors?: Cors): boolean => {
  const { host, origin } = headers
  if (origin !== undefined) return !cors?.origins.has(origin) && origin.replace(/^https?:\/\//, "") !== host
  // An image or a link of such a page sends no origin.
  const site = headers["sec-fetch-site"]
  return site === "cross-site" || site === "same-site"
}

/**
 * The answer to those (403).
 *
 * @category errors
 * @since 0.1.0
 */
export const foreign: Problem = /*#__PURE__*/ new Problem({
  code: "foreign-origin",
  detail: "A page of another origin may not do this"
})

/**
 * The answer with what the browser of a listed page needs to hand it on.
 *
 * @category responding
 * @since 0.1.0
 */
export const open = (
  cors: Cors | undefined,
  { origin }: Headers.Headers,
  response: HttpServerResponse.HttpServerResponse
): HttpServerResponse.HttpServerResponse => {
  if (cors === undefined) return response
  const { vary } = response.headers
  return HttpServerResponse.setHeaders(response, {
    // Also on an answer to others: a cache must not hand it to these.
    vary: vary === undefined ? "Origin" : `${vary}, Origin`,
    ...allowed(cors, origin),
    ...(cors.origins.has(origin ?? "") ? { "access-control-expose-headers": exposed } : {})
  })
}

/**
 * The answer to `OPTIONS` of a route with these methods: `GET, POST`.
 *
 * @category responding
 * @since 0.1.0
 */
export const preflight = (
  cors: Cors,
  headers: Headers.Headers,
  methods: string
): HttpServerResponse.HttpServerResponse => {
  const { origin } = headers
  if (origin === undefined || headers["access-control-request-method"] === undefined) {
    return HttpServerResponse.empty({ status: 204, headers: { allow: `${methods}, OPTIONS`, vary: "Origin" } })
  }
  if (isForeign(headers, cors)) return open(cors, headers, toResponse(foreign))
  return HttpServerResponse.empty({
    status: 204,
    headers: {
      vary: "Origin",
      ...allowed(cors, origin),
      "access-control-allow-methods": methods,
      "access-control-allow-headers": sent,
      "access-control-max-age": String(cors.maxAgeSeconds)
    }
  })
}

const allowed = ({ credentials, origins }: Cors, origin: string | undefined): Record<string, string> =>
  origin === undefined || !origins.has(origin)
    ? {}
    : {
        "access-control-allow-origin": origin,
        ...(credentials ? { "access-control-allow-credentials": "true" } : {})
      }

/** What the routes read, and the trace headers that Effect's `HttpClient` sends by itself. */
const sent =
  "authorization, content-type, deadline-ms, last-event-id, prefer, a2a-version, a2a-extensions, traceparent, tracestate, b3, baggage"

const exposed = "location, preference-applied, retry-after, www-authenticate, a2a-extensions"
