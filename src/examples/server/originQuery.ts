/**
 * Query parameters of the origin: decoded by a schema, bounded, and answered with a 400 that names each wrong one.
 * Unknown parameters are refused too, so that a typing mistake does not quietly run with the default.
 */
import * as Effect from "effect/Effect"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Schema from "effect/Schema"
import * as SchemaTransformation from "effect/SchemaTransformation"

type Whole = Schema.withDecodingDefaultTypeKey<Schema.decodeTo<Schema.Finite, Schema.String>>

/** A whole number within bounds, both included; `otherwise` when it is not given. */
export const whole = (minimum: number, maximum: number, otherwise: number): Whole =>
  Schema.String.check(Schema.isPattern(/^-?\d{1,15}$/, { expected: "a whole number" })).pipe(
    Schema.decodeTo(Schema.Finite.check(Schema.isBetween({ minimum, maximum })), SchemaTransformation.numberFromString),
    Schema.withDecodingDefaultTypeKey(Effect.succeed(otherwise))
  )

/** Milliseconds, up to ten minutes. */
export const milliseconds = (otherwise: number): Whole => whole(0, 600_000, otherwise)

/** Bytes, up to 10 GiB. */
export const bytes = (otherwise: number): Whole => whole(0, 10 * 1024 ** 3, otherwise)

/** What may stand in a URL and in a header as it is. */
export const printable: Schema.String = Schema.String.check(
  Schema.isPattern(/^[\x21-\x7e]+$/, { expected: "printable ASCII without spaces, percent-encoded where needed" })
)

/** Answers with the decoded query, or 400. */
export const withQuery = <A, E, R>(
  schema: Schema.ConstraintCodec<
    A,
    Readonly<Record<string, string | ReadonlyArray<string> | undefined>>,
    never,
    unknown
  >,
  answer: (query: A) => Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>
): Effect.Effect<HttpServerResponse.HttpServerResponse, E, R | HttpServerRequest.ParsedSearchParams> =>
  HttpServerRequest.schemaSearchParams(schema, { errors: "all", onExcessProperty: "error" }).pipe(
    Effect.matchEffect({
      onFailure: (wrong) => Effect.succeed(HttpServerResponse.text(`${wrong.message}\n`, { status: 400 })),
      onSuccess: answer
    })
  )
