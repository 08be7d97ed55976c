/** Whether a message can be taken at all, as the protocol has it. */
import type * as A2A from "@a2a-js/sdk"
import {
  type A2AError,
  ContentTypeNotSupportedError,
  ExtensionSupportRequiredError,
  RequestMalformedError
} from "@a2a-js/sdk/errors"
import type { ServerCallContext } from "@a2a-js/sdk/server"
import * as Effect from "effect/Effect"
import type { Agent } from "../Agent.ts"

export const malformed = (message: string): Effect.Effect<never, A2AError> =>
  Effect.fail(new RequestMalformedError(message))

export const accepted = (
  { extensions, inputModes, strictInput }: Agent<any>,
  { message }: A2A.SendMessageRequest,
  call: ServerCallContext
): Effect.Effect<A2A.Message, A2AError> => {
  if (message === undefined) return malformed("message is required")
  if (message.messageId === "") return malformed("message.messageId is required")
  if (message.parts.length === 0) return malformed("message.parts must have at least one part")
  const asked = call.requestedExtensions ?? []
  const missing = extensions.filter(({ required, uri }) => required && !asked.includes(uri))
  if (missing.length > 0) {
    const uris = missing.map(({ uri }) => uri).join(", ")
    return Effect.fail(new ExtensionSupportRequiredError(`Declare support for: ${uris}`))
  }
  const foreign = strictInput ? message.parts.find((part) => !covered(inputModes, part.mediaType)) : undefined
  if (foreign !== undefined) {
    const modes = inputModes.join(", ")
    return Effect.fail(new ContentTypeNotSupportedError(`"${foreign.mediaType}" is not supported; there are ${modes}`))
  }
  // What the agent does not know is as if it had not been asked for.
  if (asked.length > 0)
    call.setRequestedExtensions(asked.filter((asked) => extensions.some(({ uri }) => uri === asked)))
  return Effect.succeed(message)
}

/** As a media type covers itself, and `image/*` any image. */
const covered = (modes: ReadonlyArray<string>, mediaType: string): boolean => {
  const [plain = ""] = mediaType.toLowerCase().split(";")
  const type = plain.trim()
  const [kind] = type.split("/")
  return type === "" || modes.some((mode) => mode === "*/*" || mode === `${kind}/*` || mode.toLowerCase() === type)
}
