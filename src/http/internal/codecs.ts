/** The schemas of a definition, compiled once for the wire. */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
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
  return (value) => Effect.flatMapEager(Effect.catchEager(encode(value), Effect.die), writable)
}

/**
 * What `Schema.Any` lets through may be nothing that JSON can say. Found out here it is a defect of the task that said
 * it; found out where its last event is written, nobody would learn that it ended.
 */
const writable = (encoded: unknown): Effect.Effect<Schema.Json> => {
  if (encoded === undefined) return Effect.succeed(null)
  if (typeof encoded === "string") return Effect.succeed<Schema.Json>(encoded)
  const text = Result.try((): string | undefined => JSON.stringify(encoded))
  if (Result.isFailure(text)) return Effect.die(text.failure)
  return text.success === undefined
    ? Effect.die(new TypeError(`A ${typeof encoded} cannot be written as JSON`))
    : Effect.succeed(encoded as Schema.Json)
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
