/** What stands behind the name of a command: how it is written, what it may be, and how it is read from text. */
import * as Result from "effect/Result"
import { checkUrl } from "../../server/fetchFailed.ts"

export interface Parameter<out A> {
  readonly name: string
  /** What it must be, as a reader is told who got it wrong. */
  readonly expected: string
  readonly read: (given: string) => A | undefined
  /** Takes everything to the end of the message. */
  readonly rest: boolean
}

const whole = (name: string, what: string, maximum: number): Parameter<number> => ({
  name,
  expected: `${what} from 0 to ${maximum}`,
  read: (given) => (/^\d{1,9}$/.test(given) && Number(given) <= maximum ? Number(given) : undefined),
  rest: false
})

/** At most an hour. */
export const millis: Parameter<number> = whole("ms", "a whole number of milliseconds", 3_600_000)

export const count: Parameter<number> = whole("n", "a whole number", 100_000)

export const url: Parameter<string> = {
  name: "url",
  expected: "an http or https URL without a user name",
  read: (given) => Result.getOrUndefined(Result.map(checkUrl(given), ({ href }) => href)),
  rest: false
}

export const text: Parameter<string> = { name: "text", expected: "a text", read: (given) => given, rest: true }
