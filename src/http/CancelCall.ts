/**
 * What a client may say when it cancels: why, how patiently, and whether it
 * waits for the end.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import * as SchemaTransformation from "effect/SchemaTransformation"

/** In characters: no duration that somebody means is longer. */
const maxPatience = 64

const expected = 'a duration of zero or more, such as "2 seconds" or 500 (milliseconds)'

/**
 * `"2 seconds"`, or a number of milliseconds; `"Infinity"` for no bound.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Patience: Schema.Codec<Duration.Duration, string | number> = Schema.Union([
  Schema.String,
  Schema.Finite
]).pipe(
  Schema.decodeTo(
    Schema.Duration,
    SchemaTransformation.transformEffect({
      decode: (input: string | number) => {
        const duration =
          typeof input === "string" && input.length > maxPatience
            ? Option.none()
            : Duration.fromInput(input as Duration.Input)
        return Option.isSome(duration) && Duration.isGreaterThanOrEqualTo(duration.value, Duration.zero)
          ? Effect.succeed(duration.value)
          : Effect.fail(new SchemaIssue.InvalidValue({ message: `Expected ${expected}` }))
      },
      encode: (duration: Duration.Duration) =>
        Effect.succeed<string | number>(Duration.isFinite(duration) ? Duration.toMillis(duration) : "Infinity")
    })
  )
)

/**
 * How many characters the message of a reason may have, and who asked: they are
 * told to every client, and stand in logs.
 *
 * @category constants
 * @since 0.1.0
 */
export const maxMessage = 1000

/**
 * @category constants
 * @since 0.1.0
 */
export const maxBy = 200

const textOf = (most: number): Schema.String =>
  Schema.String.check(Schema.isMaxLength(most, { expected: `at most ${most} characters` }))

/**
 * The body of `POST /tasks/{id}/cancel`, all of it optional. `grace` and `giveUp`
 * count from the request; what is left out is taken from the definition of the
 * task. With `wait: false` the answer comes at once (202).
 *
 * @category schemas
 * @since 0.1.0
 */
export const CancelCall = Schema.Struct({
  reason: Schema.optionalKey(
    Schema.Struct({
      message: Schema.optionalKey(textOf(maxMessage)),
      by: Schema.optionalKey(textOf(maxBy)),
      detail: Schema.optionalKey(Schema.Json)
    })
  ),
  grace: Schema.optionalKey(Patience),
  giveUp: Schema.optionalKey(Patience),
  wait: Schema.optionalKey(Schema.Boolean)
}).annotate({ identifier: "CancelCall" })

/**
 * @category models
 * @since 0.1.0
 */
export type CancelCall = typeof CancelCall.Type
