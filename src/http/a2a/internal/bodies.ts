/** Reads the JSON that a request comes with. */
import { type A2AError, ContentTypeNotSupportedError } from "@a2a-js/sdk/errors"
import type * as ByteSize from "effect/ByteSize"
import * as Effect from "effect/Effect"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as Result from "effect/Result"
import { bodyBytes } from "../../internal/bodyBytes.ts"
import { isTooLarge, maxDepth, nestsTooDeep, utf8 } from "../../internal/jsonText.ts"
import type { AgentServer } from "./agentServer.ts"
import { notJson, Refusal } from "./refusal.ts"

/** Goes on with the body; `undefined` of one that is empty. */
export const readJson = <A, R>(
  { bodyLimit }: AgentServer,
  request: HttpServerRequest.HttpServerRequest,
  mediaTypes: ReadonlyArray<string>,
  use: (body: unknown) => Effect.Effect<A, A2AError, R>
): Effect.Effect<A, A2AError, R> => {
  const given = request.headers["content-type"]
  // One that is said is wrong with or without a body.
  if (given !== undefined && !isOf(mediaTypes, given)) return Effect.fail(unsupported(given, mediaTypes))
  return Effect.matchEffect(bodyBytes(request, bodyLimit), {
    onFailure: ({ reason }) =>
      Effect.fail(isTooLarge(reason) ? tooLarge(bodyLimit) : notJson("The body could not be read")),
    onSuccess: (bytes) => {
      if (bytes.byteLength === 0) return use(undefined)
      if (given === undefined) return Effect.fail(unsupported("", mediaTypes))
      const body = Result.try(() => parse(bytes))
      return Result.isSuccess(body) ? use(body.success) : Effect.fail(unreadable(body.failure))
    }
  })
}

const parse = (bytes: ArrayBuffer | Uint8Array): unknown => {
  const text = utf8.decode(bytes)
  if (nestsTooDeep(text)) throw new SyntaxError(`nested more than ${maxDepth} deep`)
  return JSON.parse(text)
}

const unreadable = (error: unknown): Refusal =>
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
