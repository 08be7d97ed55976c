/** The command language: what is a command, what its arguments are, and what is said of wrong ones. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { all } from "../../../../src/examples/a2a-agent/commands/all.ts"
import * as Command from "../../../../src/examples/a2a-agent/commands/Command.ts"
import { count, millis, text, url } from "../../../../src/examples/a2a-agent/commands/Parameter.ts"

/** Says what it was given. */
const told = <P extends Parameters<typeof Command.make>[0]["parameters"]>(name: string, parameters: P) =>
  Command.make({ name, does: "", parameters, run: (values) => Effect.succeed(JSON.stringify(values)) })

const commands = [told("say", [text]), told("send", [url, count, millis]), told("ask", [])]

/** What the command is given, or what is wrong; undefined if it is none. */
const read = (message: string): unknown => {
  const parsed = Command.parse(commands, message)
  if (parsed === undefined) return undefined
  if (Result.isFailure(parsed)) return parsed.failure
  return JSON.parse(Effect.runSync(parsed.success({} as never) as Effect.Effect<string>))
}

describe("Command", () => {
  it("takes its arguments from what stands behind its name", () => {
    expect(read("send http://a.test/x?y=1 3 50")).toEqual(["http://a.test/x?y=1", 3, 50])
    expect(read("  send\n http://a.test  0\t3600000 \n")).toEqual(["http://a.test/", 0, 3_600_000])
    expect(read("ask")).toEqual([])
    expect(read(" ask \n")).toEqual([])
  })

  it("leaves a text as it is", () => {
    expect(read("say two  words\nand a line ")).toEqual(["two  words\nand a line "])
    expect(read("say say 1 2")).toEqual(["say 1 2"])
  })

  it("is none where the first word is no name of one", () => {
    for (const message of ["", " ", "SAY it", "please say it", "saying", "say,it", "constructor", "__proto__"]) {
      expect([message, read(message)]).toEqual([message, undefined])
    }
  })

  it.each([
    ["say", `say: <text> is missing; it must be a text. Usage: say <text>`],
    ["say  \n ", `say: <text> is missing; it must be a text. Usage: say <text>`],
    ["send", `send: <url> is missing; it must be an http or https URL`],
    ["send http://a.test", `send: <n> is missing; it must be a whole number from 0 to 100000.`],
    ["send http://a.test 1", `send: <ms> is missing; it must be a whole number of milliseconds from 0 to 3600000.`],
    ["send a.test 1 1", `send: <url> must be an http or https URL without a user name, but it is "a.test".`],
    ["send file:///etc/passwd 1 1", `send: <url> must be`],
    ["send http://ann:secret@a.test 1 1", `send: <url> must be`],
    ["send http://a.test -1 1", `send: <n> must be a whole number from 0 to 100000, but it is "-1".`],
    ["send http://a.test 1.5 1", `send: <n> must be`],
    ["send http://a.test 1e3 1", `send: <n> must be`],
    ["send http://a.test 100001 1", `send: <n> must be`],
    ["send http://a.test 99999999999999999999 1", `send: <n> must be`],
    ["send http://a.test NaN 1", `send: <n> must be`],
    ["send http://a.test 1 3600001", `send: <ms> must be`],
    ["send http://a.test 1 Infinity", `send: <ms> must be`],
    [
      "send http://a.test 1 1 1",
      `send: nothing may stand behind the arguments, but there is "1". Usage: send <url> <n>`
    ],
    ["ask me", `ask: nothing may stand behind the arguments, but there is "me". Usage: ask`],
    [`send http://a.test ${"9".repeat(10_000)} 1`, `but it is "${"9".repeat(60)}…". Usage: send <url> <n> <ms>`]
  ])("names the argument that is wrong: %.60s", (message, expected) => {
    expect(read(message)).toContain(expected)
  })

  it("is told of in the help, each on its line with what it does", () => {
    const lines = Command.help(all).split("\n")
    expect(lines).toHaveLength(1 + all.length)
    for (const usage of [
      "echo <text>",
      "slow <ms>",
      "stream <n> <ms>",
      "fail <text>",
      "stubborn <ms>",
      "beat <url> <n> <ms>",
      "hang <url>",
      "input"
    ]) {
      expect(lines.filter((line) => line.startsWith(`  ${usage}  `))).toHaveLength(1)
    }
  })
})
