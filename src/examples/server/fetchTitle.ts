/**
 * The title of an HTML page, read from the start of its body with the charset that the server names. A few lines
 * instead of an HTML parser: enough for a progress line, not for indexing the web.
 */
import * as Result from "effect/Result"
import { TextDecoder } from "node:util"

/** How much of a body is kept to look for the title, in bytes. */
export const headBytes = 64 * 1024

const longest = 300

export const titleOf = (head: Uint8Array, contentType: string | undefined): string | null => {
  if (contentType === undefined || !/^\s*(text\/html|application\/xhtml\+xml)\s*(;|$)/i.test(contentType)) return null
  const html = decoderFor(contentType).decode(head)
  const title = /<title(?:\s[^<>]*)?>([^<]*)/i.exec(html)?.[1]
  if (title === undefined) return null
  const text = title
    .replace(/&(#\d{1,7}|#x[\da-f]{1,6}|[a-z]+);/gi, unescape)
    .replace(/\s+/g, " ")
    .trim()
  return text === "" ? null : text.slice(0, longest)
}

const decoderFor = (contentType: string): TextDecoder => {
  const charset = /;\s*charset\s*=\s*"?([^\s";]+)/i.exec(contentType)?.[1] ?? "utf-8"
  return Result.getOrElse(
    Result.try(() => new TextDecoder(charset)),
    () => new TextDecoder()
  )
}

const named = new Map([
  ["amp", "&"],
  ["lt", "<"],
  ["gt", ">"],
  ["quot", '"'],
  ["apos", "'"],
  ["nbsp", " "]
])

const unescape = (reference: string, name: string): string => {
  if (!name.startsWith("#")) return named.get(name.toLowerCase()) ?? reference
  const code = /^#x/i.test(name) ? Number.parseInt(name.slice(2), 16) : Number.parseInt(name.slice(1), 10)
  return code <= 0x10ffff ? String.fromCodePoint(code) : reference
}
