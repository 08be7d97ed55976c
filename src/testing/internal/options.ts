/** What callers give the checkers, refused by name where it cannot be meant: not every caller has types. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as CancelReason from "../../fibers/CancelReason.ts"
import type { CheckOptions } from "../CheckOptions.ts"
import type { Kind } from "../Finding.ts"
import type { Checked, Program } from "../Trial.ts"
import { type Schedule, scheduleOf } from "./schedule.ts"

/** One program, fresh if it is made for each run. */
export const checkedOf = <A, E>(program: Program<A, E>): Checked<A, E> => {
  if (Effect.isEffect(program)) return { program }
  const isFunction = typeof program === "function"
  const made: unknown = isFunction ? program() : program
  if (Effect.isEffect(made)) return { program: made as Checked<A, E>["program"] }
  if (!Predicate.hasProperty(made, "program")) {
    const what = isFunction ? `a function that returned ${named(made)}` : named(made)
    throw new RangeError(`program must be an effect, or a function that returns one, but it is ${what}`)
  }
  const checked = made as unknown as Checked<A, E>
  if (!Effect.isEffect(checked.program)) {
    throw new RangeError(`program.program must be an effect, but it is ${named(checked.program)}`)
  }
  aFunction("program.invariant", checked.invariant)
  if (checked.cancel !== undefined && !Effect.isEffect(checked.cancel)) {
    throw new RangeError(`program.cancel must be an effect, but it is ${named(checked.cancel)}`)
  }
  return checked
}

/** Throws for what no checker takes; durations and numbers are looked at where they are read. */
export const checkOptions = <A, E>(options: CheckOptions<A, E>): void => {
  if (!Predicate.isObject(options)) throw new RangeError(`options must be an object, but it is ${named(options)}`)
  const { reason, invariant, allow } = options
  if (reason !== undefined && !isDraft(reason)) {
    throw new RangeError(
      `reason must be a reason, such as CancelReason.request({ by: "ann" }), but it is ${named(reason)}`
    )
  }
  aFunction("invariant", invariant)
  if (allow !== undefined && !Array.isArray(allow)) {
    throw new RangeError(`allow must be a list of kinds of findings, but it is ${named(allow)}`)
  }
  const unknown: unknown = allow?.find((kind) => !Object.hasOwn(kinds, kind))
  if (unknown !== undefined)
    throw new RangeError(`allow must be a list of kinds of findings, but it has ${named(unknown)}`)
}

/** To tell them from words that are none. */
const kinds: { readonly [kind in Kind]: true } = {
  stuck: true,
  escaped: true,
  "gate-closed": true,
  died: true,
  endless: true,
  "fiber-left": true,
  "timer-left": true,
  "scope-left": true,
  "straggler-left": true,
  "not-released": true,
  "released-twice": true,
  "completed-after-cancel": true,
  "work-after-cancel": true,
  "cancel-failed": true,
  "reason-unread": true,
  "reason-changed": true,
  "clean-up-failed": true,
  slow: true,
  "not-repeatable": true,
  invariant: true
}

const isSource = Schema.is(CancelReason.Source)

const isDraft = (reason: unknown): boolean =>
  Predicate.hasProperty(reason, "source") &&
  isSource(reason.source) &&
  Predicate.hasProperty(reason, "message") &&
  typeof reason.message === "string"

const aFunction = (field: string, given: unknown): void => {
  if (given === undefined || typeof given === "function") return
  throw new RangeError(`${field} must be a function, but it is ${named(given)}`)
}

/** Throws for what is no whole number of `least` or more. */
export const wholeNumber = (field: string, given: number, least = 1): number => {
  if (Number.isInteger(given) && given >= least) return given
  throw new RangeError(`${field} must be a whole number of ${least} or more, but it is ${named(given)}`)
}

/** Throws for what is no probability. */
export const probability = (field: string, given: number): number => {
  if (typeof given === "number" && given >= 0 && given <= 1) return given
  throw new RangeError(`${field} must be a number from 0 to 1, but it is ${named(given)}`)
}

/** False if nothing is given; throws for what is neither true nor false. */
export const flag = (field: string, given: boolean | undefined): boolean => {
  if (given === undefined || typeof given === "boolean") return given ?? false
  throw new RangeError(`${field} must be true or false, but it is ${named(given)}`)
}

/** Throws for what is no token. */
export const replayed = (token: string): Schedule =>
  Option.getOrThrowWith(
    typeof token === "string" ? scheduleOf(token) : Option.none(),
    () =>
      new RangeError(
        `replay must be a token that a failure printed, such as "12" or "-/3,9/0,2", but it is ${typeof token === "string" ? `"${token}"` : named(token)}`
      )
  )

/** What somebody gave, in a few words. */
export const named = (given: unknown): string => {
  if (typeof given === "function") return "a function"
  if (Predicate.isPromiseLike(given)) return "a promise"
  if (Effect.isEffect(given)) return "an effect"
  if (Predicate.isObject(given) && Predicate.hasProperty(given, "next") && Predicate.isIterable(given)) {
    return "a generator: wrap it in Effect.gen"
  }
  return typeof given === "object" && given !== null ? "an object of another kind" : String(given)
}
