/** What DESIGN section 8 and issue 2 decide on rubbish: an answer that says what was wrong, and a server that lives on. */
import { expect, layer } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as net from "node:net"
import { call, type Request, type ServerProcess, sse, startServer } from "./serverProcess.ts"

class Server extends Context.Service<Server, ServerProcess>()("test/Server") {
  static readonly layer = Layer.effect(Server, startServer())
}

const ask = (path: string, request?: Request) => Effect.flatMap(Server, ({ url }) => call(url + path, request))

/** What comes back on a raw socket. */
const raw = (text: string) =>
  Effect.flatMap(Server, ({ url }) =>
    Effect.promise(
      () =>
        new Promise<string>((resolve) => {
          const { hostname, port } = new URL(url)
          let answer = ""
          const socket = net.connect(Number(port), hostname === "localhost" ? "127.0.0.1" : hostname, () =>
            socket.end(text)
          )
          socket
            .on("data", (chunk) => (answer += chunk.toString()))
            .on("close", () => resolve(answer))
            .on("error", () => {})
        })
    )
  )

type Case = readonly [what: string, path: string, request: Request, status: number, field?: string]

const urls = (count: number): ReadonlyArray<string> => Array.from({ length: count }, (_, i) => `http://127.0.0.1/${i}`)

const cases: ReadonlyArray<Case> = [
  ["a body that is not JSON", "/tasks/fetch-page", { body: "{url:" }, 400],
  ["a body of the wrong kind", "/tasks/fetch-page", { body: "[1]" }, 400],
  [
    "a body that is not said to be JSON",
    "/tasks/fetch-page",
    { body: "{}", headers: { "content-type": "text/plain" } },
    415
  ],
  ["a body of 70 KiB", "/tasks/fetch-page", { body: { url: `http://127.0.0.1/${"a".repeat(70 * 1024)}` } }, 413],
  ["an unknown name", "/tasks/fetch-pages", { body: {} }, 404],
  ["an unknown route", "/nowhere", {}, 404],
  ["a wrong method", "/tasks", { method: "DELETE" }, 405],
  ["an unknown id", "/tasks/nobody", {}, 404],
  ["events of an unknown id", "/tasks/nobody/events", {}, 404],
  ["a cancel of an unknown id", "/tasks/nobody/cancel", { body: {} }, 404],
  ["an id with a slash", "/tasks/countdown?id=a%2Fb", { body: {} }, 400, "id"],
  ["a url that is a number", "/tasks/fetch-page", { body: { url: 7 } }, 400, "url"],
  ["a url without a scheme", "/tasks/fetch-page", { body: { url: "localhost" } }, 400, "url"],
  ["a url of a file", "/tasks/fetch-page", { body: { url: "file:///etc/passwd" } }, 400, "url"],
  ["a url with a password", "/tasks/fetch-page", { body: { url: "http://me:secret@127.0.0.1/" } }, 400, "url"],
  [
    "a bad url among good ones",
    "/tasks/race-mirrors",
    { body: { urls: [...urls(2), "ftp://127.0.0.1/"] } },
    400,
    "urls[2]"
  ],
  ["no mirror", "/tasks/race-mirrors", { body: { urls: [] } }, 400, "urls"],
  ["17 mirrors", "/tasks/race-mirrors", { body: { urls: urls(17) } }, 400, "urls"],
  ["65 pages", "/tasks/gather", { body: { urls: urls(65) } }, 400, "urls"],
  ["a deadline in words", "/tasks/gather", { body: { within: "soon" } }, 400, "within"],
  ["a deadline in the past", "/tasks/gather", { body: { within: -1 } }, 400, "within"],
  ["a deadline for ever", "/tasks/gather", { body: { within: "Infinity" } }, 400, "within"],
  ["a countdown from 0", "/tasks/countdown", { body: { from: 0 } }, 400, "from"],
  ["a countdown from 3601", "/tasks/countdown", { body: { from: 3601 } }, 400, "from"],
  ["a countdown from 1.5", "/tasks/countdown", { body: { from: 1.5 } }, 400, "from"],
  ["a countdown without a pause", "/tasks/countdown", { body: { everyMillis: 0 } }, 400, "everyMillis"],
  ["a stubborn task for ever", "/tasks/stubborn", { body: { millis: 1e12 } }, 400, "millis"]
]

layer(Server.layer, { excludeTestServices: true })("Bad input", (it) => {
  it.effect.each(cases)(
    "is answered with a problem document that names the field: %s",
    ([, path, request, status, field]) =>
      Effect.gen(function* () {
        const answer = yield* ask(path, request)
        expect([answer.status, answer.headers["content-type"]]).toEqual([status, "application/problem+json"])
        expect(answer.json).toMatchObject({ type: expect.any(String), title: expect.any(String), status })
        expect(answer.json.detail).not.toBe("")
        if (field !== undefined)
          expect(answer.json.errors.map(({ field }: { field: string }) => field)).toEqual([field])
        expect(answer.text).not.toContain("secret")
        expect(answer.text).not.toMatch(/\n\s+at /)
      })
  )

  it.effect("does not start a task", () =>
    Effect.gen(function* () {
      expect((yield* ask("/tasks")).json).toEqual({ tasks: [] })
    })
  )

  it.effect("says which names are known", () =>
    Effect.gen(function* () {
      const { json } = yield* ask("/tasks/fetch-pages", { body: {} })
      expect(json.known).toEqual(["fetch-page", "race-mirrors", "gather", "countdown", "stubborn"])
    })
  )

  it.effect("in a cancel leaves the task alone and names the field", () =>
    Effect.gen(function* () {
      yield* ask("/tasks/countdown?id=held", { body: { from: 3600 } })
      for (const [body, field] of [
        [{ grace: "soon" }, "grace"],
        [{ giveUp: -1 }, "giveUp"],
        [{ reason: "tired" }, "reason"],
        [{ reason: { by: 7 } }, "reason.by"]
      ] as const) {
        const answer = yield* ask("/tasks/held/cancel", { body })
        expect([answer.status, answer.json.errors[0].field]).toEqual([400, field])
      }
      expect((yield* ask("/tasks/held")).json.state).toBe("running")
    })
  )

  it.effect("is a taken id: 409 with the state while it runs and when it has ended, unless replaced", () =>
    Effect.gen(function* () {
      const start = (query: string) => ask(`/tasks/countdown?id=taken${query}`, { body: { from: 3600 } })
      yield* start("")
      for (const query of ["", "&replace=true"]) {
        const again = yield* start(query)
        expect([again.status, again.json.state]).toEqual([409, "running"])
      }
      yield* ask("/tasks/taken/cancel", { method: "POST" })
      const ended = yield* start("")
      expect([ended.status, ended.json.state]).toEqual([409, "cancelled"])
      const replaced = yield* start("&replace=true")
      expect([replaced.status, replaced.json.attempt]).toEqual([202, 2])
    })
  )

  it.effect("under a name that somebody else points here is refused, the page included", () =>
    Effect.gen(function* () {
      for (const path of ["/", "/tasks"]) {
        const get = (host: string) => raw(`GET ${path} HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`)
        expect(yield* get("evil.example")).toMatch(/^HTTP\/1\.1 421 /)
        for (const host of ["localhost:3000", "127.0.0.1", "[::1]:3000"]) {
          expect(yield* get(host)).toMatch(/^HTTP\/1\.1 200 /)
        }
      }
    })
  )

  it.effect("below HTTP does not crash the server", () =>
    Effect.gen(function* () {
      expect(yield* raw("RUBBISH\r\n\r\n")).toMatch(/^HTTP\/1\.1 400/)
      yield* raw(
        "POST /tasks/fetch-page HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"
      )
      yield* raw("GET /tasks/%E0%A4%A/events HTTP/1.1\r\nhost: localhost\r\n\r\n")
      yield* raw("GET /tasks/a%00b HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
      const client = yield* sse(`${(yield* Server).url}/tasks/held/events`)
      yield* client.leave
      expect((yield* ask("/tasks")).status).toBe(200)
      expect((yield* Server).stderr()).not.toMatch(/ERROR|FATAL/)
    })
  )
})
