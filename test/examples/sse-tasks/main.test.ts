/** The service as a process: signals, exit codes, a Unix socket, wrong settings. Real time. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as fs from "node:fs"
import * as http from "node:http"
import { DatabaseSync } from "node:sqlite"
import * as path from "node:path"
import { whenBusy } from "../../support/busy.ts"
import { call, sse } from "../server/serverProcess.ts"
import { eventually } from "../server/fetchEventually.ts"
import { create, folder, launchService, startService } from "./serviceProcess.ts"

const database = Effect.map(folder, (folder) => path.join(folder, "tasks.sqlite"))

describe("npm run sse-tasks", () => {
  for (const [signal, code] of [
    ["SIGTERM", 143],
    ["SIGINT", 130]
  ] as const) {
    it.live(
      `S1-58 S1-59 S1x-13 S1x-17: on ${signal} three tasks are cancelled, every client told within a second (real time)`,
      () =>
        Effect.gen(function* () {
          const DATABASE = yield* database
          const server = yield* startService({ DATABASE })
          const tasks = yield* Effect.all([
            create(server, "ExampleTask", { step_millis: 60_000 }),
            create(server, "ContinueTask"),
            create(server, "HttpFetchTask", { url: `${server.origin}/stall` })
          ])
          const clients = yield* Effect.forEach(tasks, ({ stream }) => sse(stream))
          for (const client of clients) yield* client.first("start")
          const asked = server.kill(signal)
          for (const client of clients) {
            const events = yield* client.ended
            expect(events.slice(-2).map(({ event }) => event)).toEqual(["shutdown", "cancelled"])
            expect(events.at(-1)!.data).toMatchObject({ reason: "shutdown", cancelled_by: signal })
            expect(events.at(-1)!.at - asked).toBeLessThan(whenBusy(1000))
          }
          expect((yield* server.exited).code).toBe(code)
          // It can be read what became of them, and nothing starts again.
          const again = yield* startService({ DATABASE })
          for (const [index, { status }] of tasks.entries()) {
            const { json } = yield* call(status.replace(server.url, again.url))
            expect(json).toMatchObject({ status: "cancelled", cancellation_reason: "shutdown", attempts: 1 })
            const id = clients[index]!.events.at(-1)!.id
            const back = yield* call(tasks[index]!.stream.replace(server.url, again.url), {
              headers: { "last-event-id": id }
            })
            expect(back.status).toBe(204)
          }
        })
    )
  }

  it.live("S1-60 S1x-18 S1x-19: a stuck task holds it no longer than the bound, and is named (real time)", () =>
    Effect.gen(function* () {
      const server = yield* startService({ DATABASE: yield* database, DRAIN_SECONDS: "1" })
      const stuck = yield* create(server, "StubbornTask")
      const client = yield* sse(stuck.stream)
      yield* client.first("start")
      const asked = server.kill("SIGTERM")
      const exit = yield* server.exited
      // 75: something was left behind (the table of `ProcessMain`).
      expect(exit.code).toBe(75)
      expect(exit.at - asked).toBeGreaterThanOrEqual(999)
      expect(exit.at - asked).toBeLessThan(whenBusy(2500))
      expect(client.events.map(({ event }) => event)).toEqual(["start", "shutdown", "cancelled"])
      expect(server.stderr()).toMatch(/WARN .*timeout.*left behind: samples:StubbornTask:1/)
    })
  )

  it.live(
    "S1x-25: several signals run one shutdown; another kind of signal, or one later, exits at once (real time)",
    () =>
      Effect.gen(function* () {
        const server = yield* startService({ DATABASE: yield* database, DRAIN_SECONDS: "600" })
        const client = yield* sse((yield* create(server, "StubbornTask")).stream)
        yield* client.first("start")
        server.kill("SIGTERM")
        yield* client.first("shutdown")
        server.kill("SIGINT")
        expect((yield* server.exited).code).toBe(130)
        expect(client.events.filter(({ event }) => event === "shutdown")).toHaveLength(1)
        expect(server.stderr()).toMatch(
          /SIGINT after SIGTERM: exit at once\. This was still running:\n[^]*StubbornTask/
        )
      })
  )

  it.live("S1x-24: while it drains, nothing starts: 503, and when to come back (real time)", () =>
    Effect.gen(function* () {
      const server = yield* startService({ DATABASE: yield* database, DRAIN_SECONDS: "600" })
      const client = yield* sse((yield* create(server, "StubbornTask")).stream)
      const later = yield* create(server, "ExampleTask")
      yield* client.first("start")
      server.kill("SIGTERM")
      yield* client.first("shutdown")
      const refused = yield* call(later.stream)
      expect([refused.status, refused.headers["retry-after"]]).toEqual([503, expect.stringMatching(/^\d+$/)])
      expect((yield* call(`${server.url}/health`)).json).toMatchObject({ status: "draining" })
      server.kill("SIGINT")
      yield* server.exited
    })
  )

  it.live("S1x-23: with nothing running it ends at once (real time)", () =>
    Effect.gen(function* () {
      const server = yield* startService({ DATABASE: yield* database })
      const asked = server.kill("SIGTERM")
      expect((yield* server.exited).at - asked).toBeLessThan(whenBusy(500))
    })
  )

  it.live("goes on beside a record that somebody else wrote, and prints lines that fit the database (real time)", () =>
    Effect.gen(function* () {
      const DATABASE = yield* database
      const first = yield* startService({ DATABASE })
      const { id } = yield* create(first, "ContinueTask")
      first.kill("SIGTERM")
      yield* first.exited
      const file = new DatabaseSync(DATABASE)
      file.exec(
        `INSERT INTO tasks (app, model, status, params, created_at) VALUES ('samples', 'X', 'running', '{', '')`
      )
      file.close()
      const second = yield* startService({ DATABASE })
      const { json } = yield* call(`${second.url}/tasks`)
      expect(json.tasks.map((task: any) => task.id)).toEqual([id])
      expect(second.stderr()).toMatch(/WARN .*The record 2 is not one of this service, and is left out/)
      const next = yield* create(second, "ExampleTask")
      expect(second.stdout()).toContain(`/stream/samples/ExampleTask/${next.id}`)
    })
  )

  it.live("S1x-06: listens on a Unix socket (real time)", () =>
    Effect.gen(function* () {
      const home = yield* folder
      const socketPath = path.join(home, "s")
      const server = yield* launchService({ SOCKET: socketPath, DATABASE: path.join(home, "db"), ORIGIN_PORT: "0" })
      yield* eventually(
        Effect.sync(() => server.stdout()),
        (text) => text.includes("Ctrl-C")
      )
      const body = yield* Effect.promise(
        () =>
          new Promise<string>((resolve, reject) => {
            http
              .get({ socketPath, path: "/health", agent: false }, (response) => {
                let text = ""
                response.on("data", (chunk: Buffer) => (text += chunk.toString()))
                response.on("end", () => resolve(text))
              })
              .on("error", reject)
          })
      )
      expect(JSON.parse(body)).toMatchObject({ status: "up" })
      server.kill("SIGTERM")
      expect((yield* server.exited).code).toBe(143)
    })
  )

  it.live(
    "a second one on the same database, or a wrong setting, says so in one line and exits with 1 (real time)",
    () =>
      Effect.gen(function* () {
        const DATABASE = yield* database
        const server = yield* startService({ DATABASE })
        const folderOf = path.dirname(DATABASE)
        const corrupt = path.join(folderOf, "corrupt.sqlite")
        yield* Effect.sync(() => fs.writeFileSync(corrupt, "garbage ".repeat(20)))
        // As a server that was killed leaves it.
        const socket = path.join(folderOf, "socket")
        const killed = yield* launchService({ SOCKET: socket, ORIGIN_PORT: "0", DATABASE: ":memory:" })
        yield* eventually(
          Effect.sync(() => killed.stdout()),
          (text) => text.includes("Ctrl-C")
        )
        killed.kill("SIGKILL")
        yield* killed.exited
        for (const [env, line] of [
          [
            { PORT: "0", DATABASE },
            /^Cannot use the database .*tasks\.sqlite: .*database is locked\. Set DATABASE to a file that .*\n$/
          ],
          [{ PORT: new URL(server.url).port, DATABASE }, /^Cannot listen on 127.*in use.*set PORT to a free one\.\n$/],
          [
            { PORT: "0", ORIGIN_PORT: new URL(server.origin).port, DATABASE },
            /^Cannot listen on 127.*set ORIGIN_PORT to a free one\.\n$/
          ],
          [{ SOCKET: socket, ORIGIN_PORT: "0", DATABASE }, /^Cannot listen on the socket .*remove the file if nothing/],
          [{ PORT: "0", DATABASE: folderOf }, /^Cannot use the database .*unable to open database file\. Set DATABASE/],
          [{ PORT: "0", DATABASE: corrupt }, /^Cannot use the database .*file is not a database\. Set DATABASE/],
          [
            { PORT: "0", DATABASE: "/no/such/folder/x" },
            /^Cannot use the database \/no\/such\/folder\/x: .*unable to open/
          ],
          [{ PORT: "many" }, 'PORT must be a port from 0 (any free one) to 65535, but it is "many".\n'],
          [{ PORT: "0", TASK_TOKENS: "ann=short" }, /^TASK_TOKENS: .*"ann" must have 16 characters or more\n$/]
        ] as const) {
          const child = yield* launchService(env)
          expect((yield* child.exited).code).toBe(1)
          const said = child
            .stderr()
            .split("\n")
            .filter((text) => !text.includes("INFO"))
            .join("\n")
          expect(said).toMatch(line)
        }
      })
  )
})
