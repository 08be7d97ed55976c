/**
 * Reads the JSON body of a request as this package's own routes do, and refuses
 * in problem documents: for routes of your own beside those of `TaskServer`, or
 * instead of them. What the JSON must look like is checked by `Problem.decode`.
 *
 * @since 0.1.0
 */
import type * as ByteSize from "effect/ByteSize"
import * as Effect from "effect/Effect"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as Result from "effect/Result"
import * as Cors from "./Cors.ts"
import { bodyBytes } from "./internal/bodyBytes.ts"
import { isTooLarge, maxDepth, nestsTooDeep, utf8 } from "./internal/jsonText.ts"
import { Problem } from "./Problem.ts"

/**
 * The parsed body; one that is empty reads as an object without fields.
 *
 * **Details**
 *
 * Fails with the problem that is the answer: `foreign-origin` for a page of
 * another origin that `cors` does not list, `body-too-large` over `limit`, `not-json` without the content
 * type, and `invalid-request` for what cannot be read, is not UTF-8, is not JSON
 * or nests more than 64 deep.
 *
 * @example
 * ```ts
 * const order = yield* JsonBody.read(request, ByteSize.kibibytes(64)).pipe(Effect.flatMap(Problem.decode(Order, "body")))
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const read = (
  request: HttpServerRequest.HttpServerRequest,
  limit: ByteSize.ByteSize,
  cors?: Cors.Cors
): Effect.Effect<unknown, Problem> =>
  Cors.isForeign(request.headers, cors)
    ? Effect.fail(Cors.foreign)
    : Effect.matchEffect(bodyBytes(request, limit), {
        onFailure: ({ reason }) =>
          Effect.fail(isTooLarge(reason) ? tooLarge(limit) : notJson("The body could not be read")),
        onSuccess: (bytes) => Effect.fromResult(parse(bytes, request.headers["content-type"]))
      })

const parse = (bytes: ArrayBuffer | Uint8Array, contentType: string | undefined): Result.Result<unknown, Problem> => {
  const decoded = Result.try({
    try: () => utf8.decode(bytes),
    catch: () => notJson("The body is not valid UTF-8")
  })
  if (Result.isFailure(decoded)) return decoded
  const text = decoded.success
  if (text.trim() === "") return Result.succeed({})
  if (!isJson(contentType)) {
    return Result.fail(
      new Problem({
        code: "not-json",
        detail: 'Send the body as JSON, with the header "content-type: application/json"'
      })
    )
  }
  if (nestsTooDeep(text)) return Result.fail(notJson(`The body is nested more than ${maxDepth} deep`))
  return Result.try({
    try: (): unknown => JSON.parse(text),
    catch: (error) => notJson(`The body is not JSON: ${(error as SyntaxError).message}`)
  })
}

const tooLarge = (limit: ByteSize.ByteSize): Problem =>
  new Problem({
    code: "body-too-large",
    detail: `The body must not be larger than ${limit.toString()} bytes`,
    // The rest of it is not read.
    headers: { connection: "close" }
  })

const notJson = (message: string): Problem =>
  new Problem({
    code: "invalid-request",
    detail: message,
    extension: { errors: [{ in: "body", field: "", message }] }
  })

const isJson = (contentType: string | undefined): boolean =>
  contentType !== undefined && /^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i.test(contentType)
