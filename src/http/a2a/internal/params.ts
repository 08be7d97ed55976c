/**
 * The parameters of a call, checked before the SDK's codecs read them: those take
 * whatever has a name that they know, and make a text of it.
 */
import { Role, roleFromJSON } from "@a2a-js/sdk"
import { A2AError, RequestMalformedError } from "@a2a-js/sdk/errors"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"

export type Params = Readonly<Record<string, unknown>>

/** As the codec reads them. */
export const decoded = <A>(
  codec: { readonly fromJSON: (object: unknown) => A },
  params: Params,
  mistake?: (params: Params) => string | undefined
): Effect.Effect<A, A2AError> => {
  const wrong = textMistake(params, texts) ?? mistake?.(params) ?? kindMistake(params, kinds) ?? lengthMistake(params)
  if (wrong !== undefined) return Effect.fail(new RequestMalformedError(wrong))
  // Codecs throw on some of what is no object.
  const read = Result.try(() => codec.fromJSON(params))
  if (Result.isSuccess(read)) return Effect.succeed(read.success)
  const error = read.failure
  return Effect.fail(error instanceof A2AError ? error : new RequestMalformedError("The parameters are not valid"))
}

/** Of any method. */
const texts = ["id", "taskId", "tenant", "contextId", "pageToken", "url", "token", "statusTimestampAfter"]

const kinds = { metadata: "an object", includeArtifacts: "true or false" } as const

const messageTexts = ["messageId", "taskId", "contextId"]

const textMistake = (params: Params, fields: ReadonlyArray<string>): string | undefined => {
  for (const field of fields) {
    const value = params[field]
    if (value !== undefined && value !== null && typeof value !== "string") return `${field} must be a string`
  }
  return undefined
}

/** What the codecs would leave out without a word, or read as something else. */
const checks = {
  "an object": (value: unknown) => isObject(value),
  "true or false": (value: unknown) => typeof value === "boolean",
  "an array of strings": (value: unknown) =>
    Array.isArray(value) && value.every((element) => typeof element === "string")
}

const kindMistake = (params: Params, kinds: Readonly<Record<string, keyof typeof checks>>): string | undefined => {
  for (const field in kinds) {
    const value = params[field]
    const kind = kinds[field]!
    if (value !== undefined && value !== null && !checks[kind](value)) return `${field} must be ${kind}`
  }
  return undefined
}

const messageKinds = {
  metadata: "an object",
  extensions: "an array of strings",
  referenceTaskIds: "an array of strings"
} as const

const configurationKinds = {
  returnImmediately: "true or false",
  acceptedOutputModes: "an array of strings",
  taskPushNotificationConfig: "an object"
} as const

const lengthMistake = ({ historyLength }: Params): string | undefined =>
  historyLength === undefined ||
  historyLength === null ||
  (Number.isSafeInteger(historyLength) && (historyLength as number) >= 0)
    ? undefined
    : "historyLength must be a whole number, 0 or more"

export const sendMistake = ({ configuration, message }: Params): string | undefined => {
  if (!isObject(message)) return "message is required, as an object"
  const wrong = textMistake(message, messageTexts) ?? kindMistake(message, messageKinds)
  if (wrong !== undefined) return `message.${wrong}`
  if (roleFromJSON(message["role"]) === Role.UNRECOGNIZED && message["role"] !== undefined) {
    return `message.role must be "ROLE_USER", but it is ${JSON.stringify(message["role"])}`
  }
  if (!Array.isArray(message["parts"])) return "message.parts is required, as an array"
  const parts: ReadonlyArray<unknown> = message["parts"]
  for (let index = 0; index < parts.length; index++) {
    const part = parts[index]
    const wrong = isObject(part) ? partOf(part) : "must be an object"
    if (wrong !== undefined) return `message.parts[${index}] ${wrong}`
  }
  if (configuration !== undefined && configuration !== null && !isObject(configuration)) {
    return "configuration must be an object"
  }
  const mistake = isObject(configuration)
    ? (lengthMistake(configuration) ?? kindMistake(configuration, configurationKinds))
    : undefined
  return mistake === undefined ? undefined : `configuration.${mistake}`
}

const partOf = (part: Params): string | undefined => {
  let said = 0
  let field = ""
  for (const content of contents) {
    if (part[content] === undefined || part[content] === null) continue
    said++
    field = content
  }
  if (said !== 1) return `must have one of ${contents.join(", ")}`
  const value = part[field]
  if (field !== "data" && typeof value !== "string") return `must have a string as ${field}`
  if (field === "raw" && !base64.test(value as string)) return "must have base64 as raw"
  const more = textMistake(part, partTexts) ?? kindMistake(part, partKinds)
  return more === undefined ? undefined : `is wrong: ${more}`
}

const partTexts = ["filename", "mediaType"]

const partKinds = { metadata: "an object" } as const

/** Of either alphabet, with its padding or without, as ProtoJSON has it. */
const base64 = /^[\w+/-]*={0,2}$/

const contents = ["text", "raw", "url", "data"]

/** Of a call of A2A 0.3: what the SDK would hand on as it is. */
export const legacyMistake = (method: string, params: Params): string | undefined => {
  const { configuration, id, message } = params
  const needsId = /^tasks\/(?:get|cancel|resubscribe)$/.test(method)
  if (needsId && (typeof id !== "string" || id === "")) return "id is required, as a string"
  const text = isObject(message) ? textMistake(message, messageTexts) : undefined
  if (text !== undefined) return `message.${text}`
  const length = isObject(configuration) ? lengthMistake(configuration) : undefined
  return textMistake(params, texts) ?? lengthMistake(params) ?? length
}

export const isObject = (value: unknown): value is Params =>
  typeof value === "object" && value !== null && !Array.isArray(value)
