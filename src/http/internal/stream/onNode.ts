/**
 * Sends an event stream past Effect's own writing of responses, where Node is
 * below: just before the response would be sent, and with the head that it has by
 * then, so that middlewares that add headers are heeded. A stream of Effect's
 * costs a subscriber 4 kB more, and each write twice as much (`bench/README.md`).
 */
import type { IncomingMessage, ServerResponse } from "node:http"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Cookies from "effect/http/Cookies"
import * as HttpEffect from "effect/http/HttpEffect"
import * as HttpServerError from "effect/http/HttpServerError"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import type { HttpServerResponse } from "effect/http/HttpServerResponse"
import { isRead } from "../bodyBytes.ts"
import type { EventWriter } from "./logReader.ts"
import { NodeWriter } from "./nodeWriter.ts"

/** Ends when all was written, or fails to say that the client must not take what it was sent for all. */
export interface Sending {
  readonly through: (writer: EventWriter) => Effect.Effect<void>
}

/** Takes over the sending of `response`, if nothing speaks against it when it is to be sent. */
export const sendOnNode = (
  request: HttpServerRequest.HttpServerRequest,
  { body }: HttpServerResponse,
  sending: Sending
): Effect.Effect<void> => {
  const node = nodeResponseOf(request)
  if (node === undefined || node.req.httpVersionMajor !== 1) return Effect.void
  return Effect.withFiber((fiber) =>
    Effect.sync(() =>
      HttpEffect.appendPreResponseHandlerUnsafe(fiber.context, (_, final) =>
        final.body === body && isPlain(final) && hasNoBody(node.req) && !node.destroyed
          ? Effect.as(send(node, final, sending), final)
          : Effect.succeed(final)
      )
    )
  )
}

/** What a middleware has compressed, or given cookies, goes the way of any other response. */
const isPlain = ({ cookies, headers }: HttpServerResponse): boolean =>
  headers["content-encoding"] === undefined && Cookies.isEmpty(cookies)

/** What a client sends with its request in vain is for Effect to read away. */
const hasNoBody = (request: IncomingMessage): boolean => {
  if (isRead(request)) return true
  const { headers } = request
  return headers["content-length"] === undefined && headers["transfer-encoding"] === undefined
}

/** Once it has ended, Effect has nothing more to send. */
const send = (node: ServerResponse, { headers, status }: HttpServerResponse, sending: Sending): Effect.Effect<void> =>
  Effect.suspend(() => {
    if (node.req.headers.upgrade !== undefined) hearOfItsEnd(node)
    node.writeHead(status, headers)
    return sending.through(new NodeWriter(node))
  }).pipe(
    Effect.interruptible,
    Effect.onExit((exit) =>
      Effect.sync(() => {
        if (Exit.isSuccess(exit)) node.end()
        else node.destroy()
      })
    ),
    // Its log and its span take the status from here, as of any other response that was cut off: else from nowhere, as 500.
    Effect.catchCause((cause) =>
      Effect.flatMap(HttpServerError.causeResponse(cause), ([, told]) => Effect.failCause(told))
    )
  )

/** Nobody reads the socket of an upgrade that nobody took, and so nobody would hear that its client has left. */
const hearOfItsEnd = ({ socket }: ServerResponse): void => {
  socket?.once("end", () => socket.destroy()).resume()
}

/** The response of Node, if that is what runs below (as `NodeHttpServerRequest.toServerResponse` finds it, without that package). */
const nodeResponseOf = (request: HttpServerRequest.HttpServerRequest): ServerResponse | undefined => {
  const held: unknown = (request as { readonly response?: unknown }).response
  const response: unknown = typeof held === "function" ? held() : held
  return typeof response === "object" && response !== null && "flushHeaders" in response && "write" in response
    ? (response as ServerResponse)
    : undefined
}
