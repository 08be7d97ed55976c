/**
 * The variables of OpenTelemetry, read strictly: an empty one counts as not set, a
 * wrong one is a sentence that names it. That of a signal (`OTEL_EXPORTER_OTLP_LOGS_…`)
 * goes before that of all.
 */
import * as Config from "effect/Config"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"

/**
 * A variable of OpenTelemetry has a value that cannot be meant.
 *
 * @category errors
 * @since 0.1.0
 */
export class WrongVariable extends Data.TaggedError("WrongVariable")<{
  readonly variable: string
  readonly message: string
}> {}

export type Signal = "TRACES" | "METRICS" | "LOGS"

export interface Variable {
  readonly name: string
  readonly value: string
}

/** The first of these that is set. */
export const find = (...names: ReadonlyArray<string>): Effect.Effect<Variable | undefined, WrongVariable> =>
  Effect.gen(function* () {
    for (const name of names) {
      const value = (yield* Config.withDefault(Config.String(name), "")).trim()
      if (value !== "") return { name, value }
    }
    return undefined
  }).pipe(
    Effect.catchTag("ConfigError", ({ message }) =>
      Effect.fail(new WrongVariable({ variable: names.join(", "), message }))
    )
  )

/** That of the signal, else that of all. */
export const findFor = (signal: Signal, ending: string): Effect.Effect<Variable | undefined, WrongVariable> =>
  find(`OTEL_EXPORTER_OTLP_${signal}_${ending}`, `OTEL_EXPORTER_OTLP_${ending}`)

const wrong = (variable: string, expected: string): Effect.Effect<never, WrongVariable> =>
  Effect.fail(new WrongVariable({ variable, message: `${variable} must be ${expected}.` }))

const butItIs = ({ name, value }: Variable, expected: string): Effect.Effect<never, WrongVariable> =>
  wrong(name, `${expected}, but it is ${JSON.stringify(value)}`)

export const flag = (found: Variable | undefined): Effect.Effect<boolean, WrongVariable> => {
  if (found === undefined) return Effect.succeed(false)
  const value = found.value.toLowerCase()
  return value === "true" || value === "false" ? Effect.succeed(value === "true") : butItIs(found, '"true" or "false"')
}

export const oneOf = <const Word extends string>(
  found: Variable | undefined,
  words: ReadonlyArray<Word>
): Effect.Effect<Word | undefined, WrongVariable> => {
  if (found === undefined) return Effect.succeed(undefined)
  const word = words.find((word) => word === found.value.toLowerCase())
  return word === undefined ? butItIs(found, words.map((word) => `"${word}"`).join(" or ")) : Effect.succeed(word)
}

/** In milliseconds, or a number of things. */
export const whole = (found: Variable | undefined, of: string): Effect.Effect<number | undefined, WrongVariable> => {
  if (found === undefined) return Effect.succeed(undefined)
  return /^[1-9]\d{0,8}$/.test(found.value)
    ? Effect.succeed(Number(found.value))
    : butItIs(found, `a whole number of ${of} from 1 to 999999999`)
}

export const httpUrl = (found: Variable): Effect.Effect<URL, WrongVariable> => {
  const url = URL.canParse(found.value) ? new URL(found.value) : undefined
  // Who writes only a host and a port means its name as the scheme.
  return url?.protocol === "http:" || url?.protocol === "https:"
    ? Effect.succeed(url)
    : butItIs(found, "a URL with http:// or https://, such as http://localhost:4318")
}

/** `key=value` with commas between, percent-encoded. The values are never shown: they may be secret. */
export const pairs = (found: Variable | undefined): Effect.Effect<Record<string, string>, WrongVariable> =>
  Effect.gen(function* () {
    const result: Record<string, string> = {}
    if (found === undefined) return result
    for (const [index, entry] of found.value.split(",").entries()) {
      if (entry.trim() === "") continue
      const at = entry.indexOf("=")
      const key = decoded(entry.slice(0, Math.max(at, 0)))
      const value = decoded(entry.slice(at + 1))
      if (key === undefined || key === "" || value === undefined) {
        return yield* wrong(
          found.name,
          `"key=value", with commas between and percent-encoded where needed, but entry ${index + 1} is not`
        )
      }
      result[key] = value
    }
    return result
  })

export const headers = (found: Variable | undefined): Effect.Effect<Record<string, string>, WrongVariable> =>
  Effect.tap(pairs(found), (given) => {
    const bad = Object.entries(given).findIndex(
      ([key, value]) => !/^[!#$%&'*+.^_`|~\w-]+$/.test(key) || !/^[\t\x20-\x7e\x80-\xff]*$/.test(value)
    )
    return bad < 0 ? Effect.void : wrong(found!.name, `names and values of headers, but entry ${bad + 1} is none`)
  })

const decoded = (text: string): string | undefined =>
  Result.getOrUndefined(Schema.decodeUnknownResult(Schema.StringFromUriComponent)(text.trim()))
