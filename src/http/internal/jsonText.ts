/** What is checked of the text of a body before it is parsed as JSON. */

/** Else bytes that are no text would arrive as other text than was sent. */
export const utf8: TextDecoder = /*#__PURE__*/ new TextDecoder("utf-8", { fatal: true })

/** Of the error of reading a body: whether it was over the limit. */
export const isTooLarge = (reason: { readonly _tag: string; readonly reason?: string | undefined }): boolean =>
  reason._tag === "RequestParseError" && reason.reason === "BodyTooLarge"

export const maxDepth = 64

/** Schemas recurse; a stack overflow must not be had for 64 kB. */
export const nestsTooDeep = (text: string): boolean => {
  if (text.length <= maxDepth) return false
  let depth = 0
  let inString = false
  for (let index = 0; index < text.length; index++) {
    const char = text.charCodeAt(index)
    if (inString) {
      if (char === backslash) index++
      else if (char === quote) inString = false
    } else if (char === quote) inString = true
    else if (char === opening.array || char === opening.object) {
      if (++depth > maxDepth) return true
    } else if (char === closing.array || char === closing.object) depth--
  }
  return false
}

const quote = 0x22
const backslash = 0x5c
const opening = { array: 0x5b, object: 0x7b }
const closing = { array: 0x5d, object: 0x7d }
