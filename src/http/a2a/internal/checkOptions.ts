/** What a program says of its agent, where no type has checked it: from JavaScript, or from a file. */
import { format } from "effect/Formatter"
import * as Predicate from "effect/Predicate"
import type { Options } from "../Agent.ts"

/** Throws a `TypeError` that names the field. */
export const checkOptions = (name: string, options: Options<any, any>): void => {
  check("name", typeof name === "string" && name !== "", "a text that is not empty", name)
  check("options", Predicate.isObject(options), "an object", options)
  const { description, extensions, inputModes, onDisconnect, onShutdown, outputModes, partialResult, run, skills } =
    options
  text("description", description)
  if (options.version !== undefined) text("version", options.version)
  check("run", typeof run === "function", "a function", run)
  for (const [field, modes] of Object.entries({ inputModes, outputModes })) {
    const given: unknown = modes
    const are = given === undefined || (Array.isArray(given) && given.every((mode) => typeof mode === "string"))
    check(field, are, "an array of texts", given)
  }
  each("skills", skills, ["id", "name", "description"])
  each("extensions", extensions, ["uri"])
  oneOf("onDisconnect", onDisconnect, ["keep", "cancel"])
  oneOf("onShutdown", onShutdown, ["finish", "cancel"])
  const isFlag = partialResult === undefined || typeof partialResult === "boolean"
  check("partialResult", isFlag, "true or false", partialResult)
}

const check = (field: string, isRight: boolean, what: string, given: unknown): void => {
  if (!isRight) throw new TypeError(`${field} must be ${what}, but it is ${format(given)}`)
}

const text = (field: string, given: unknown): void => check(field, typeof given === "string", "a text", given)

const oneOf = (field: string, given: string | undefined, values: ReadonlyArray<string>): void =>
  check(
    field,
    given === undefined || values.includes(given),
    values.map((value) => JSON.stringify(value)).join(" or "),
    given
  )

/** An array of objects that have those texts. */
const each = (field: string, given: unknown, texts: ReadonlyArray<string>): void => {
  if (given === undefined) return
  if (!Array.isArray(given)) return check(field, false, "an array", given)
  for (const [index, element] of given.entries()) {
    const at = `${field}[${index}]`
    if (!Predicate.isObject(element)) return check(at, false, "an object", element)
    for (const name of texts) text(`${at}.${name}`, element[name])
  }
}
