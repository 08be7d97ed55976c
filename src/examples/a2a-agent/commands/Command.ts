/**
 * The small language in which the agent can be told what to do: a message whose first word is the name of a command is
 * that command, with its arguments behind it. Anything else is none, and goes to the language model.
 */
import * as Result from "effect/Result"
import type * as Agent from "../../../http/a2a/Agent.ts"
import type { Turn } from "../../../http/a2a/Turn.ts"
import type { Parameter } from "./Parameter.ts"

export interface Command {
  readonly name: string
  /** Such as `stream <n> <ms>`. */
  readonly usage: string
  readonly does: string
  /** What to run, or what is wrong with the arguments. */
  readonly read: (written: string) => Result.Result<Program, string>
}

export type Program = (turn: Turn) => Agent.Run<never>

type Values<P extends ReadonlyArray<Parameter<unknown>>> = {
  readonly [K in keyof P]: P[K] extends Parameter<infer A> ? A : never
}

export const make = <const P extends ReadonlyArray<Parameter<unknown>>>(options: {
  readonly name: string
  readonly does: string
  readonly parameters: P
  readonly run: (values: Values<P>, turn: Turn) => Agent.Run<never>
}): Command => {
  const { does, name, parameters } = options
  const usage = [name, ...parameters.map(({ name }) => `<${name}>`)].join(" ")
  const wrong = (what: string) => Result.fail(`${name}: ${what} Usage: ${usage}`)
  return {
    name,
    usage,
    does,
    read: (written) => {
      let left = written
      const values: Array<unknown> = []
      for (const { expected, name, read, rest } of parameters) {
        const [, word = "", behind = ""] = rest ? ["", left] : /^(\S*)\s*([^]*)$/.exec(left)!
        if (word.trim() === "") return wrong(`<${name}> is missing; it must be ${expected}.`)
        const value = read(word)
        if (value === undefined) return wrong(`<${name}> must be ${expected}, but it is "${shown(word)}".`)
        values.push(value)
        left = behind
      }
      return left.trim() === ""
        ? Result.succeed((turn) => options.run(values as unknown as Values<P>, turn))
        : wrong(`nothing may stand behind the arguments, but there is "${shown(left.trim())}".`)
    }
  }
}

/** The command that a message is; undefined if it is none. */
export const parse = (
  commands: ReadonlyArray<Command>,
  message: string
): Result.Result<Program, string> | undefined => {
  const [, name, written = ""] = /^\s*(\S+)(?:\s+([^]*))?$/.exec(message) ?? []
  return commands.find((command) => command.name === name)?.read(written)
}

export const help = (commands: ReadonlyArray<Command>): string => {
  const width = Math.max(...commands.map(({ usage }) => usage.length))
  const lines = commands.map(({ does, usage }) => `  ${usage.padEnd(width)}  ${does}`)
  return ["Say one of these, or anything else to a language model:", ...lines].join("\n")
}

/** Messages may be long; answers about them need not be. */
const shown = (given: string): string => (given.length > 60 ? `${given.slice(0, 60)}…` : given)
