/** Reads the JSON that a request comes with. */
import { type A2AError, ContentTypeNotSupportedError } from "@a2a-js/sdk/errors"
import type * as ByteSize from "effect/ByteSize"
import * as Effect from "effect/Effect"
import * as HttpIncomingMessage from "effect/http/HttpIncomingMessage"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import { isTooLarge, maxDepth, nestsTooDeep, utf8 } from "../../internal/jsonText.ts"
import type { AgentServer } from "./agentServer.ts"
import { notJson, Refusal } from "./refusal.ts"

/** `undefined` of a body that is empty. */
export const readJson = (
  { bodyLimit }: AgentServer,
  request: HttpServerRequest.HttpServerRequest,
  mediaTypes: ReadonlyArray<string>
): Effect.Effect<unknown, A2AError> => {
  const given = request.headers["content-type"]
  // One that is said is wrong with or without a body.
  if (given !== undefined && !isOf(mediaTypes, given)) return Effect.fail(unsupported(given, mediaTypes))
  return request.arrayBuffer.pipe(
    Effect.provideService(HttpIncomingMessage.MaxBodySize, bodyLimit),
    Effect.mapError(({ reason }) => (isTooLarge(reason) ? tooLarge(bodyLimit) : notJson("The body could not be read"))),
    Effect.flatMap((bytes) =>
      bytes.byteLength === 0
        ? Effect.undefined
        : given === undefined
          ? Effect.fail(unsupported("", mediaTypes))
          : Effect.try({ try: () => parse(bytes), catch: (error) => unreadable(error as Error) })
    )
  )
}

const parse = (bytes: ArrayBuffer): unknown => {
  const text = utf8.decode(bytes)
  if (nestsTooDeep(text)) throw new SyntaxError(`nested more than ${maxDepth} deep`)
  return JSON.parse(text)
}

const unreadable = (error: Error): Refusal =>
  notJson(error instanceof SyntaxError ? `The body is not JSON: ${error.message}` : "The body is not valid UTF-8")

const isOf = (mediaTypes: ReadonlyArray<string>, contentType: string): boolean =>
  contentType === mediaTypes[0] || mediaTypes.includes(contentType.split(";", 1)[0]!.trim().toLowerCase())

const unsupported = (contentType: string, mediaTypes: ReadonlyArray<string>): ContentTypeNotSupportedError =>
  new ContentTypeNotSupportedError(
    `The content type ${JSON.stringify(contentType)} is not supported; send ${mediaTypes.join(" or ")}`
  )

const tooLarge = (limit: ByteSize.ByteSize): Refusal =>
  new Refusal({
    message: `The body must not be larger than ${limit.toString()} bytes`,
    reason: "BODY_TOO_LARGE",
    status: 413,
    // The rest of it is not read.
    headers: { connection: "close" }
  })
