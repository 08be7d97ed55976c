/** `GET /.well-known/agent-card.json`: for everybody, and kept by whoever likes for a while (section 8). */
import * as Digest from "effect/crypto/Digest"
import * as Effect from "effect/Effect"
import * as Hex from "effect/encoding/Hex"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Cors from "../../Cors.ts"
import type { AgentServer } from "./agentServer.ts"
import { legacyVersion, versionOf } from "./calls.ts"
import { legacyCardText } from "./legacyRpc.ts"
import { cardText } from "./operations.ts"

/** The text of an answer and its mark, by which a client asks whether it has changed. */
interface Page {
  readonly text: string
  readonly etag: string
}

export const cardRoute = (
  server: AgentServer,
  maxAgeSeconds: number
): Effect.Effect<(request: HttpServerRequest.HttpServerRequest) => HttpServerResponse.HttpServerResponse> =>
  Effect.gen(function* () {
    const { cors } = server
    const page = yield* pageOf(cardText(server.card))
    const legacy = server.legacy ? yield* pageOf(yield* Effect.orDie(legacyCardText(server))) : undefined
    const cacheControl = maxAgeSeconds > 0 ? `public, max-age=${maxAgeSeconds}` : "no-cache"
    return (request: HttpServerRequest.HttpServerRequest) => {
      const { etag, text } = legacy !== undefined && versionOf(request) === legacyVersion ? legacy : page
      const headers = {
        etag,
        "cache-control": cacheControl,
        ...(legacy === undefined ? {} : { vary: "A2A-Version" })
      }
      const response = isFresh(request.headers["if-none-match"], etag)
        ? HttpServerResponse.empty({ status: 304, headers })
        : HttpServerResponse.text(text, { headers, contentType: "application/json" })
      return Cors.open(cors, request.headers, response)
    }
  }).pipe(Effect.provide(Digest.layerWebCrypto))

const pageOf = (text: string): Effect.Effect<Page, never, Digest.Digest> =>
  Effect.map(
    Digest.Digest.use((digest) => digest.digest(Digest.sha256, new TextEncoder().encode(text))),
    (bytes) => ({ text, etag: `"${Hex.encode(bytes).slice(0, 32)}"` })
  )

/** Compared weakly (RFC 9110, section 13.1.2). */
const isFresh = (ifNoneMatch: string | undefined, etag: string): boolean =>
  ifNoneMatch !== undefined &&
  ifNoneMatch.split(",").some((given) => given.trim() === "*" || given.trim().replace(/^W\//, "") === etag)
