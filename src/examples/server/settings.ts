/**
 * The settings of the example server, from the environment. A wrong one stops the start with a sentence that names the
 * variable, says what is allowed and shows what was given; an empty one counts as not set.
 */
import * as Config from "effect/Config"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as SchemaTransformation from "effect/SchemaTransformation"

export interface Settings {
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
  readonly originPort: number
  /** How long the end of the process may wait for tasks. */
  readonly drain: Duration.Duration
}

export class WrongSetting extends Data.TaggedError("WrongSetting")<{
  readonly variable: string
  readonly message: string
}> {}

export const whole = (minimum: number, maximum: number): Schema.Codec<number, string> =>
  Schema.String.check(Schema.isPattern(/^\d{1,9}$/)).pipe(
    Schema.decodeTo(Schema.Finite.check(Schema.isBetween({ minimum, maximum })), SchemaTransformation.numberFromString)
  )

export const Host = Schema.String.check(Schema.isPattern(/^[\w.:-]+$/))

export const read = <A>(
  variable: string,
  schema: Schema.Codec<A, string>,
  expected: string,
  otherwise: A
): Effect.Effect<A, WrongSetting> =>
  Effect.gen(function* () {
    const given = yield* Config.withDefault(Config.String(variable), "")
    if (given === "") return otherwise
    const message = `${variable} must be ${expected}, but it is "${given}".`
    return yield* Effect.mapError(Schema.decodeEffect(schema)(given), () => new WrongSetting({ variable, message }))
  }).pipe(
    Effect.catchTag("ConfigError", (error) => Effect.fail(new WrongSetting({ variable, message: error.message })))
  )

export const port = (variable: string, otherwise: number): Effect.Effect<number, WrongSetting> =>
  read(variable, whole(0, 65_535), "a port from 0 (any free one) to 65535", otherwise)

export const settings: Effect.Effect<Settings, WrongSetting> = Effect.gen(function* () {
  const host = yield* read("HOST", Host, "a host name or an IP address", "127.0.0.1")
  const listen = yield* port("PORT", 3000)
  const originPort = yield* port("ORIGIN_PORT", listen === 0 ? 0 : listen === 65_535 ? listen - 1 : listen + 1)
  const seconds = yield* read("DRAIN_SECONDS", whole(0, 3600), "a whole number of seconds from 0 to 3600", 10)
  return { host, port: listen, originPort, drain: Duration.seconds(seconds) }
})
