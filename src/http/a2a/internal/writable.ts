/**
 * What an agent hands out, as JSON has it now. What JSON cannot say is a defect of
 * the step that says it: found out where it is written, the task could be neither
 * read nor listed nor cancelled any more.
 */
import type * as A2A from "@a2a-js/sdk"
import { isObject } from "./params.ts"

/** A copy: who changes a value later does not change what was said. Throws a `TypeError` that names `field`. */
export const writable = (field: string, value: unknown): any => {
  // oxlint-disable-next-line repository/effect-only -- called in steps that are no fiber's; it says where, and throws again
  try {
    const text: string | undefined = JSON.stringify(value)
    if (text !== undefined) return JSON.parse(text)
  } catch (error) {
    throw new TypeError(`${field} cannot be written as JSON`, { cause: error })
  }
  throw new TypeError(`${field} cannot be written as JSON: it is a ${typeof value}`)
}

/** The metadata of something; undefined of none. */
export const metadataOf = (field: string, metadata: object | undefined): Record<string, unknown> | undefined =>
  metadata === undefined ? undefined : writable(field, metadata)

/** A part that the codecs can write; throws a `TypeError` that says what is wrong with it. */
export const writablePart = (part: A2A.Part): A2A.Part => {
  const content: unknown = isObject(part) ? part.content : undefined
  if (!isObject(content)) throw new TypeError("content: a part must be a text, data or a file; see Content")
  const { $case, value } = content
  const metadata = metadataOf("content: the metadata of a part", part.metadata)
  switch ($case) {
    case "data":
      return { ...part, metadata, content: { $case, value: writable("content: the value of a data part", value) } }
    case "text":
    case "url":
      if (typeof value === "string") break
      throw new TypeError(`content: the value of a ${$case} part must be a string`)
    case "raw":
      if (value instanceof Uint8Array) break
      throw new TypeError("content: the value of a raw part must be bytes")
    default:
      throw new TypeError(`content: there is no part with ${JSON.stringify(String($case))}`)
  }
  return metadata === undefined ? part : { ...part, metadata }
}
