/** Reads the body of a request as bytes, up to a limit. */
import type * as ByteSize from "effect/ByteSize"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HttpIncomingMessage from "effect/http/HttpIncomingMessage"
import type { HttpServerError } from "effect/http/HttpServerError"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"

/** Fails as `request.arrayBuffer` does; see `isTooLarge`. The limit takes the place of `MaxBodySize`. */
export const bodyBytes = (
  request: HttpServerRequest.HttpServerRequest,
  limit: ByteSize.ByteSize
): Effect.Effect<ArrayBuffer, HttpServerError> =>
  Effect.withFiber((fiber) => {
    // Who frames the body holds it to the length that it says: most need no limit of their own.
    const length = Number(request.headers["content-length"])
    const bound = fiber.getRef(HttpIncomingMessage.MaxBodySize)
    return length <= limit && (bound === undefined || length <= bound)
      ? request.arrayBuffer
      : Effect.updateContext(request.arrayBuffer, Context.add(HttpIncomingMessage.MaxBodySize, limit))
  })
