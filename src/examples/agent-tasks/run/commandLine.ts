/** What was asked for on the command line and in the environment. Wrong words get a sentence that says which and what is right. */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import { scenarios } from "./scenarios.ts"

export class WrongUse extends Data.TaggedError("WrongUse")<{ readonly message: string }> {}

const workers = ["in-process", "second-process", "both"] as const
export type WorkerChoice = (typeof workers)[number]

export type Command =
  | { readonly _tag: "Help" }
  | { readonly _tag: "Agents"; readonly agents: ReadonlyArray<string>; readonly worker: WorkerChoice }
  | { readonly _tag: "Serve"; readonly worker: WorkerChoice }
  | { readonly _tag: "Worker"; readonly server: string; readonly name: string; readonly withParent: boolean }

const names = scenarios.map(({ name }) => name)

export const usage = `Usage: npm run agents -- [options]

Runs the agents against a task server of its own and prints a timeline of each. Exits with 0 if all was as expected.

  --agent=NAME       only this one: ${names.join(", ")}
  --worker=WHERE     who runs the tasks: in-process, second-process (over HTTP), or both (default)
  serve              only the server, with an origin and workers, to be asked by curl
  worker             only a worker, of the server at --server=URL; --name=NAME (default: worker-<pid>)

PORT (default: any free one) and HOST (default: 127.0.0.1) say where the server listens.
`

const wrong = (message: string): Effect.Effect<never, WrongUse> =>
  Effect.fail(new WrongUse({ message: `${message}\n\n${usage}` }))

const isOneOf = <A extends string>(all: ReadonlyArray<A>, text: string): text is A => all.includes(text as A)

const allowed: { readonly [command: string]: ReadonlyArray<string> } = {
  agents: ["agent", "worker"],
  serve: ["worker"],
  worker: ["server", "name", "with-parent"]
}

export const parse = (argv: ReadonlyArray<string>): Effect.Effect<Command, WrongUse> =>
  Effect.gen(function* () {
    const given = new Map<string, string>()
    let command = "agents"
    for (const word of argv) {
      if (word === "--help" || word === "-h") return { _tag: "Help" }
      const option = /^--([a-z-]+)(?:=(.*))?$/.exec(word)
      if (option !== null) {
        if (given.has(option[1]!)) return yield* wrong(`--${option[1]} is given twice`)
        given.set(option[1]!, option[2] ?? "")
      } else if (command === "agents" && (word === "serve" || word === "worker")) command = word
      else return yield* wrong(`"${word}" is neither a command nor an option`)
    }
    for (const option of given.keys()) {
      if (!allowed[command]!.includes(option)) return yield* wrong(`There is no option --${option} for "${command}"`)
    }
    const worker = given.get("worker") ?? "both"
    if (!isOneOf(workers, worker)) return yield* wrong(`--worker must be ${workers.join(", ")}, not "${worker}"`)
    if (command === "serve") return { _tag: "Serve", worker }
    if (command === "worker") {
      const server = given.get("server") ?? ""
      if (!/^https?:\/\//.test(server) || !URL.canParse(server)) {
        return yield* wrong(`--server must be the URL of a task server, not "${server}"`)
      }
      const name = given.get("name") ?? `worker-${process.pid}`
      if (!/^[\w.:-]{1,128}$/.test(name))
        return yield* wrong(`--name must be letters, digits, "_", ".", ":" or "-", not "${name}"`)
      return { _tag: "Worker", server: server.replace(/\/+$/, ""), name, withParent: given.has("with-parent") }
    }
    const agent = given.get("agent")
    if (agent !== undefined && !names.includes(agent)) {
      return yield* wrong(`There is no agent "${agent}"; there are ${names.join(", ")}`)
    }
    return { _tag: "Agents", agents: agent === undefined ? names : [agent], worker }
  })

export const address = (
  env: Record<string, string | undefined>
): Effect.Effect<{ readonly host: string; readonly port: number }, WrongUse> =>
  Effect.gen(function* () {
    const port = env["PORT"] ?? ""
    if (!/^\d{0,5}$/.test(port) || Number(port) > 65_535) {
      return yield* Effect.fail(
        new WrongUse({ message: `PORT must be a port from 0 (any free one) to 65535, but it is "${port}".` })
      )
    }
    const host = env["HOST"] ?? ""
    if (host !== "" && !/^[\w.:-]+$/.test(host)) {
      return yield* Effect.fail(
        new WrongUse({ message: `HOST must be a host name or an IP address, but it is "${host}".` })
      )
    }
    return { host: host === "" ? "127.0.0.1" : host, port: Number(port) }
  })
