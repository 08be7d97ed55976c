/**
 * What an agent says and hands out: text, data and files, in the parts of which
 * A2A messages and artifacts are made. Wherever content is asked for, a string is
 * a text part.
 *
 * @since 0.1.0
 */
import type * as A2A from "@a2a-js/sdk"
import type { Json } from "effect/Schema"
import { writablePart } from "./internal/writable.ts"

/**
 * @category models
 * @since 0.1.0
 */
export type Content = string | A2A.Part | ReadonlyArray<string | A2A.Part>

type Metadata = Readonly<Record<string, Json>>

/**
 * @category constructors
 * @since 0.1.0
 */
export const text = (value: string, metadata?: Metadata): A2A.Part => ({
  content: { $case: "text", value },
  mediaType: "text/plain",
  filename: "",
  metadata
})

/**
 * @category constructors
 * @since 0.1.0
 */
export const data = (value: Json, metadata?: Metadata): A2A.Part => ({
  content: { $case: "data", value },
  mediaType: "application/json",
  filename: "",
  metadata
})

/**
 * A file: its bytes, or where it lies.
 *
 * @category constructors
 * @since 0.1.0
 */
export const file = (
  content: { readonly bytes: Uint8Array } | { readonly url: string },
  options: { readonly mediaType: string; readonly filename?: string | undefined; readonly metadata?: Metadata }
): A2A.Part => ({
  content:
    "url" in content
      ? { $case: "url", value: content.url }
      : { $case: "raw", value: Buffer.from(content.bytes.buffer, content.bytes.byteOffset, content.bytes.byteLength) },
  mediaType: options.mediaType,
  filename: options.filename ?? "",
  metadata: options.metadata
})

/**
 * What data and metadata are now: whoever changes them later does not change the
 * parts. Throws a `TypeError` of what is no content, or what JSON cannot say.
 *
 * @category conversions
 * @since 0.1.0
 */
export const toParts = (content: Content): Array<A2A.Part> =>
  typeof content === "string"
    ? [text(content)]
    : Array.isArray(content)
      ? content.map((part) => (typeof part === "string" ? text(part) : writablePart(part)))
      : [writablePart(content as A2A.Part)]

/**
 * The text in it, part after part; other parts are left out.
 *
 * @category conversions
 * @since 0.1.0
 */
export const textOf = (parts: Iterable<A2A.Part>): string => {
  let text = ""
  for (const { content } of parts) if (content?.$case === "text") text += content.value
  return text
}
