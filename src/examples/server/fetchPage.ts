/**
 * Fetches one page over http or https: streams the body, tells how far it is, and answers with its size, title and
 * sha-256. Interrupting it closes the socket at once, since each hop owns its connection: no pool outlives a fetch.
 * Every limit (time, body, redirects) is a typed failure; a cancel never is.
 */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import type * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { createHash } from "node:crypto"
import { checkUrl, FetchFailed, networkFailure } from "./fetchFailed.ts"
import { headBytes, titleOf } from "./fetchTitle.ts"

/** `url` is the address that answered, after redirects; `bytes` and `sha256` are of the body as it was sent. */
export const Page = Schema.Struct({
  url: Schema.String,
  status: Schema.Int,
  bytes: Schema.Int,
  title: Schema.NullOr(Schema.String),
  sha256: Schema.String
})
export type Page = typeof Page.Type

/** Bytes so far; `total` where the server announced it. */
export const FetchProgress = Schema.Struct({ bytes: Schema.Int, total: Schema.optionalKey(Schema.Int) })
export type FetchProgress = typeof FetchProgress.Type

/** A connection for one hop, which closes with the scope. */
type Connection = Effect.Effect<HttpClient.HttpClient, never, Scope.Scope>

const nodeConnection: Connection = Effect.flatMap(NodeHttpClient.makeAgent(), (agent) =>
  Effect.provideService(NodeHttpClient.makeNodeHttp, NodeHttpClient.HttpAgent, agent)
)

/** How fetches connect. Default: through Node; the proofs put a fake in its place. */
export const Connect: Context.Reference<Connection> = Context.Reference<Connection>("rescind/examples/server/Connect", {
  defaultValue: () => nodeConnection
})

interface FetchLimits {
  /** For the whole fetch, redirects and body included. */
  readonly time: Duration.Input
  /** The largest body, in bytes. */
  readonly bytes: number
  readonly redirects: number
}

const defaultLimits: FetchLimits = { time: "30 seconds", bytes: 10 * 1024 * 1024, redirects: 5 }

export interface FetchOptions<R = never> {
  /** Called once for all that has arrived since the last call, so not once per chunk. The fetch waits for it. */
  readonly onProgress?: (progress: FetchProgress) => Effect.Effect<unknown, never, R>
  readonly limits?: Partial<FetchLimits>
}

type Visit<R> = Required<FetchOptions<R>> & { readonly limits: FetchLimits }

export const fetchPage = <R = never>(
  url: string,
  options: FetchOptions<R> = {}
): Effect.Effect<Page, FetchFailed, R> => {
  const limits = { ...defaultLimits, ...options.limits }
  const message = `No complete answer within ${Duration.format(Duration.fromInputUnsafe(limits.time))}.`
  return follow(url, { onProgress: options.onProgress ?? (() => Effect.void), limits }).pipe(
    Effect.timeoutOrElse({
      duration: limits.time,
      orElse: () => Effect.fail(new FetchFailed({ url, kind: "timeout", message }))
    }),
    // Trace ids are nothing for strangers' servers.
    Effect.provideService(HttpClient.TracerPropagationEnabled, false)
  )
}

const follow = Effect.fnUntraced(function* <R>(url: string, options: Visit<R>) {
  let target = yield* Effect.fromResult(checkUrl(url))
  for (let redirects = 0; redirects <= options.limits.redirects; redirects++) {
    const answer = yield* Effect.scoped(visit(target, options))
    if (typeof answer !== "string") return answer
    target = yield* Effect.fromResult(checkUrl(answer, target))
  }
  const message = `More than ${options.limits.redirects} redirects. Give the address they lead to, or they are a loop.`
  return yield* Effect.fail(new FetchFailed({ url: target.href, kind: "too-many-redirects", message }))
})

/** One request on a connection of its own: the page, or where it redirects to. */
const visit = Effect.fnUntraced(function* <R>(url: URL, options: Visit<R>) {
  const client = yield* yield* Connect
  // As text: from a URL object the client would write the query anew, and signed queries would break.
  const response = yield* client
    .get(url.href, { headers: { "user-agent": "rescind-example", accept: "*/*", "accept-encoding": "identity" } })
    .pipe(Effect.mapError((error) => networkFailure(url, error)))
  const { location } = response.headers
  if (response.status >= 300 && response.status < 400 && location !== undefined) return location
  if (response.status >= 400) {
    const message = `The server answered ${response.status}.`
    return yield* Effect.fail(new FetchFailed({ url: url.href, kind: "status", message, status: response.status }))
  }
  return yield* readBody(url, response, options)
})

const readBody = Effect.fnUntraced(function* <R>(
  url: URL,
  response: HttpClientResponse.HttpClientResponse,
  { onProgress, limits }: Visit<R>
) {
  const announced = response.headers["content-length"]
  const total = announced === undefined ? undefined : Number(announced)
  const message = `The body is larger than ${limits.bytes} bytes. Raise the limit or fetch a smaller one.`
  const tooLarge = Effect.fail(new FetchFailed({ url: url.href, kind: "too-large", message }))
  if (total !== undefined && total > limits.bytes) return yield* tooLarge

  const hash = createHash("sha256")
  const head: Array<Uint8Array> = []
  let bytes = 0
  yield* response.stream.pipe(
    Stream.mapError((error) => networkFailure(url, error)),
    Stream.runForEachArray((pieces) => {
      for (const piece of pieces) {
        if (bytes < headBytes) head.push(piece.subarray(0, headBytes - bytes))
        hash.update(piece)
        bytes += piece.length
      }
      return bytes > limits.bytes ? tooLarge : onProgress(total === undefined ? { bytes } : { bytes, total })
    })
  )
  const title = titleOf(Buffer.concat(head), response.headers["content-type"])
  return { url: url.href, status: response.status, bytes, title, sha256: hash.digest("hex") } satisfies Page
})
