/** `npm run agents` as a user runs it: a process of its own, in real time. */
import { describe, expect, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { spawn } from "node:child_process"
import * as fs from "node:fs"
import * as path from "node:path"
import { eventually } from "../../server/fetchEventually.ts"

const root = path.resolve(import.meta.dirname, "../../../..")

const launch = (argv: ReadonlyArray<string>, env: Record<string, string> = {}) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const child = spawn(process.execPath, ["src/examples/agent-tasks/main.ts", ...argv], {
        cwd: root,
        env: { PATH: process.env["PATH"], NO_COLOR: "1", ...env },
        stdio: ["ignore", "pipe", "pipe"]
      })
      const out = { stdout: "", stderr: "" }
      child.stdout.on("data", (chunk: Buffer) => (out.stdout += chunk.toString()))
      child.stderr.on("data", (chunk: Buffer) => (out.stderr += chunk.toString()))
      const exited = new Promise<number | null>((resolve) => child.on("close", (code) => resolve(code)))
      return { child, out, exited: Effect.promise(() => exited) }
    }),
    ({ child }) => Effect.sync(() => child.kill("SIGKILL"))
  )

/** The processes that this one has started, by /proc. */
const childrenOf = (pid: number): ReadonlyArray<number> =>
  fs
    .readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((child) => {
      const stat = fs.existsSync(`/proc/${child}/stat`) ? fs.readFileSync(`/proc/${child}/stat`, "utf8") : ""
      return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]) === pid
    })

const isAlive = (pid: number): boolean => fs.existsSync(`/proc/${pid}`)

const ready = (out: { readonly stdout: string }, text: RegExp) =>
  Effect.retry(
    Effect.sandbox(
      eventually(
        Effect.sync(() => text.test(out.stdout)),
        (is) => is
      )
    ),
    { times: 6 }
  )

describe("npm run agents in real time", () => {
  it.live(
    "prints a timeline of each of the six agents, in both kinds of worker, and exits with 0 (S4-10)",
    () =>
      Effect.gen(function* () {
        const { exited, out } = yield* launch([])
        expect(yield* exited).toBe(0)
        expect(out.stderr).toBe("")
        expect(out.stdout.match(/^(?:racing|replace|join|parallel|batch|idempotency): /gm)).toHaveLength(6)
        expect(out.stdout).not.toContain("FAIL")
        expect(out.stdout).toMatch(/slow +is told to stop, asked by racing: lost-race by fast/)
        expect(out.stdout).toMatch(/medium +its fiber on second-process reads the reason: lost-race/)
        expect(out.stdout).toMatch(/slow +its socket closed, seen by the origin/)
        expect(out.stdout).toMatch(/agent and worker in the server process +median +\d/)
        expect(out.stdout).toMatch(/worker in another, over HTTP +median +\d/)
        expect(out.stdout).toMatch(/Everything was as expected\.\n$/)
      }).pipe(Effect.scoped),
    60_000
  )

  for (const worker of ["in-process", "second-process"]) {
    it.live(
      `--worker=${worker} --agent=racing runs that one there`,
      () =>
        Effect.gen(function* () {
          const { exited, out } = yield* launch([`--worker=${worker}`, "--agent=racing"])
          expect(yield* exited).toBe(0)
          expect(new Set(out.stdout.match(/runs on \S+/g))).toEqual(new Set([`runs on ${worker}`]))
          expect(out.stdout).not.toContain("replace:")
        }).pipe(Effect.scoped),
      60_000
    )
  }

  for (const [signal, code] of [
    ["SIGINT", 130],
    ["SIGTERM", 143]
  ] as const) {
    it.live(
      `${signal} ends everything, the other process too`,
      () =>
        Effect.gen(function* () {
          const { child, exited, out } = yield* launch([])
          yield* ready(out, /^Task server/m)
          const [worker] = childrenOf(child.pid!)
          expect(worker).toBeDefined()
          child.kill(signal)
          const [took, exit] = yield* Effect.timed(exited)
          expect(exit).toBe(code)
          expect(Duration.toMillis(took)).toBeLessThan(3000)
          expect(
            yield* eventually(
              Effect.sync(() => isAlive(worker!)),
              (is) => !is
            )
          ).toBe(false)
          expect(out.stderr).toBe("")
        }).pipe(Effect.scoped),
      60_000
    )
  }

  it.live(
    "killed the hard way, it leaves no worker process behind",
    () =>
      Effect.gen(function* () {
        const { child, out } = yield* launch([])
        yield* ready(out, /^Task server/m)
        const [worker] = childrenOf(child.pid!)
        child.kill("SIGKILL")
        expect(
          yield* eventually(
            Effect.sync(() => isAlive(worker!)),
            (is) => !is
          )
        ).toBe(false)
      }).pipe(Effect.scoped),
    60_000
  )

  it.live(
    "a worker process that is killed is replaced, so that no later task waits for it for ever",
    () =>
      Effect.gen(function* () {
        const { child, exited, out } = yield* launch(["--worker=second-process", "--agent=batch"])
        yield* ready(out, /^Task server/m)
        process.kill(childrenOf(child.pid!)[0]!, "SIGKILL")
        yield* exited
        expect(out.stderr).toMatch(/The worker process "second-process" ended \(SIGKILL\): another one takes its place/)
        expect(out.stdout).toMatch(/as expected\.\n$/)
      }).pipe(Effect.scoped),
    60_000
  )

  it.live(
    "when nobody reads its output any more it ends, without a stack trace",
    () =>
      Effect.gen(function* () {
        const { child, exited, out } = yield* launch([])
        yield* ready(out, /^Task server/m)
        child.stdout.destroy()
        expect(yield* exited).toBe(141)
        expect(out.stderr).toBe("")
      }).pipe(Effect.scoped),
    60_000
  )

  it.live(
    "as a server it answers curl, takes a worker from elsewhere, and ends at a signal",
    () =>
      Effect.gen(function* () {
        const server = yield* launch(["serve", "--worker=in-process"])
        yield* ready(server.out, /Ctrl-C/)
        const url = /Agent task server: (\S+)/.exec(server.out.stdout)![1]!
        const worker = yield* launch(["worker", `--server=${url}`, "--name=elsewhere"])
        yield* ready(worker.out, /elsewhere works for/)
        const id = crypto.randomUUID()
        const headers = { "content-type": "application/json", "x-agent": "you" }
        const post = (path: string, body: unknown) =>
          Effect.promise(async () =>
            (await fetch(url + path, { method: "POST", headers, body: JSON.stringify(body) })).json()
          )
        yield* post("/tasks", { tasks: [{ id, kind: "sleep", input: { ms: 20 }, on: "elsewhere" }] })
        const { tasks } = yield* post("/waits", { ids: [id], mode: "all" })
        expect(tasks).toMatchObject([{ status: "completed", worker: "elsewhere" }])
        worker.child.kill("SIGINT")
        expect(yield* worker.exited).toBe(130)
        server.child.kill("SIGTERM")
        expect(yield* server.exited).toBe(143)
      }).pipe(Effect.scoped),
    60_000
  )

  const wrong: ReadonlyArray<readonly [string, ReadonlyArray<string>, Record<string, string>, string]> = [
    ["an unknown option", ["--agents=racing"], {}, 'There is no option --agents for "agents"'],
    ["an unknown agent", ["--agent=nobody"], {}, 'There is no agent "nobody"; there are racing, replace'],
    ["an unknown place", ["--worker=moon"], {}, '--worker must be in-process, second-process, both, not "moon"'],
    ["an option twice", ["--agent=racing", "--agent=join"], {}, "--agent is given twice"],
    ["an unknown word", ["go"], {}, '"go" is neither a command nor an option'],
    ["no server", ["worker"], {}, '--server must be the URL of a task server, not ""'],
    [
      "a server that is not there",
      ["worker", "--server=http://127.0.0.1:1"],
      {},
      "cannot be reached: connect ECONNREFUSED"
    ],
    ["a wrong port", [], { PORT: "http" }, 'PORT must be a port from 0 (any free one) to 65535, but it is "http"']
  ]
  it.live.each(wrong)(
    "%s is answered with a sentence, and 2",
    ([, argv, env, sentence]) =>
      Effect.gen(function* () {
        const { exited, out } = yield* launch(argv, env)
        expect(yield* exited).toBe(2)
        expect(out.stderr).toContain(sentence)
        expect(out.stdout).toBe("")
      }).pipe(Effect.scoped),
    30_000
  )
})
