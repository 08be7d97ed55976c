/**
 * Reads the body of a request as bytes, up to a limit. On Node, most bodies have
 * come when the parser returns from the piece of the connection that their head
 * came in: those are taken as they are, which spares a fiber and the dozen
 * listeners that wait for the end of a stream (`bench/README.md`).
 */
import type { IncomingMessage } from "node:http"
import type * as ByteSize from "effect/ByteSize"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HttpIncomingMessage from "effect/http/HttpIncomingMessage"
import type { HttpServerError } from "effect/http/HttpServerError"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"

type Request = HttpServerRequest.HttpServerRequest
type Bytes = Effect.Effect<ArrayBuffer | Uint8Array, HttpServerError>

/** Fails as `request.arrayBuffer` does; see `isTooLarge`. The limit takes the place of `MaxBodySize`. */
export const bodyBytes = (request: Request, limit: ByteSize.ByteSize): Bytes =>
  Effect.withFiber((fiber): Bytes => {
    const source = nodeSource(request)
    const length = source === undefined ? NaN : lengthOf(request, source)
    const bound = fiber.getRef(HttpIncomingMessage.MaxBodySize)
    if (source === undefined || !(length <= limit && (bound === undefined || length <= bound))) {
      return Effect.updateContext(request.arrayBuffer, Context.add(HttpIncomingMessage.MaxBodySize, limit))
    }
    // Who waits to be told to go on is told by the adapter.
    return length === 0 || request.headers["expect"] !== undefined
      ? request.arrayBuffer
      : Effect.callback((resume) => {
          // oxlint-disable-next-line repository/effect-only -- when the parser has returned, and before anything else
          queueMicrotask(() => resume(arrived(source, length) ? taken(request, source) : request.arrayBuffer))
        })
  })

const nodeSource = ({ source }: Request): IncomingMessage | undefined =>
  "httpVersionMajor" in source && source.httpVersionMajor === 1 && "readableLength" in source
    ? (source as IncomingMessage)
    : undefined

/** Node's parser holds a body to this, so that it needs no limit. `NaN` where that is not so, or a middleware reads it otherwise. */
const lengthOf = ({ headers }: Request, source: IncomingMessage): number => {
  const said = source.headers["content-length"]
  return said !== undefined && said === headers["content-length"] && source.headers["transfer-encoding"] === undefined
    ? Number(said)
    : NaN
}

/** All of it, and nobody else has begun to read it. */
const arrived = (source: IncomingMessage, length: number): boolean =>
  source.readableLength === length && source.readableFlowing === null && source.readableEncoding === null

const taken = (request: Request, source: IncomingMessage): Bytes => {
  const bytes: Uint8Array = source.read()
  // Up to its end, which is all that is left of it.
  ;(source.resume() as Taken)[isTaken] = true
  // Where the adapter keeps what it has read, for whoever reads it again.
  ;(request as Kept).arrayBufferEffect = Effect.sync(() => Uint8Array.from(bytes).buffer)
  return Effect.succeed(bytes)
}

const isTaken: unique symbol = Symbol("rescind/body taken")

type Taken = IncomingMessage & { [isTaken]?: true }

/** Whether nothing of its body is left to be read. */
export const isRead = (source: IncomingMessage): boolean => source.complete || (source as Taken)[isTaken] === true

type Kept = { arrayBufferEffect?: Effect.Effect<ArrayBuffer> }
