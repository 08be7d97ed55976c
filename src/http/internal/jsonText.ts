/** What is checked of the text of a body before it is parsed as JSON. */

/** Else bytes that are no text would arrive as other text than was sent. */
export const utf8: TextDecoder = /*#__PURE__*/ new TextDecoder("utf-8", { fatal: true })

/** Of the error of reading a body: whether it was over the limit. */
export const isTooLarge = (reason: { readonly _tag: string; readonly reason?: string | undefined }): boolean =>
  reason._tag === "RequestParseError" && reason.reason === "BodyTooLarge"

export const maxDepth = 64

/** Schemas recurse; a stack overflow must not be had for 64 kB. */
export const nestsTooDeep = (text: string): boolean => {
  let depth = 0
  let inString = false
  for (let index = 0; index < text.length; index++) {
    const char = text[index]
    if (inString) {
      if (char === "\\") index++
      else if (char === '"') inString = false
    } else if (char === '"') inString = true
    else if (char === "[" || char === "{") {
      if (++depth > maxDepth) return true
    } else if (char === "]" || char === "}") depth--
  }
  return false
}
