/** The schemas of a definition, compiled once for the wire. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Problem from "../Problem.ts"
import type { Any, AnyCodec } from "../TaskDefinition.ts"

/** Encodes, or dies: a value that its schema does not allow is a mistake of the program that said it. */
type Encode = (value: unknown) => Effect.Effect<Schema.Json>

export interface Codecs {
  readonly decodePayload: (body: unknown) => Effect.Effect<unknown, Problem.Problem>
  readonly payload: Encode
  readonly success: Encode
  readonly error: Encode
  readonly progress: Encode
  readonly output: Encode
  readonly partial: Encode
}

const encoder = (schema: AnyCodec): Encode => {
  const encode = Schema.encodeUnknownEffect(Schema.toCodecJson(schema))
  return (value) => Effect.mapEager(Effect.catchEager(encode(value), Effect.die), writable)
}

/**
 * What `Schema.Any` lets through may be nothing that JSON can say. Found out here it is a defect of the task that said
 * it; found out where its last event is written, nobody would learn that it ended.
 */
const writable = (encoded: unknown): Schema.Json => {
  if (encoded === undefined) return null
  if (typeof encoded === "string") return encoded
  if (JSON.stringify(encoded) === undefined) throw new TypeError(`A ${typeof encoded} cannot be written as JSON`)
  return encoded as Schema.Json
}

export const codecsOf = (definition: Any): Codecs => ({
  decodePayload: Problem.decode(Schema.toCodecJson(definition.payload as AnyCodec), "body"),
  payload: encoder(definition.payload),
  success: encoder(definition.success),
  error: encoder(definition.error),
  progress: encoder(definition.progress),
  output: encoder(definition.output),
  partial: encoder(definition.partial)
})
