/** What HTTP/1.1 allows and few clients do, and what it does not allow: byte by byte, by sockets of our own. */
import { connect, type Socket } from "node:net"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { count, wait } from "./probes.ts"
import { serving, type Site } from "./serving.ts"

const host = "\r\nHost: x\r\n"
const close = `${host}Connection: close\r\n`
const json = "Content-Type: application/json\r\n"

describe("the wire", () => {
  it.live("every route refuses every other method by a problem document that says which it allows", () =>
    serving({ tasks: [wait], metrics: true }, (site) =>
      Effect.gen(function* () {
        yield* site.post("/tasks/wait?id=w", {})
        const routes: ReadonlyArray<readonly [path: string, allow: string]> = [
          ["/tasks", "GET"],
          ["/tasks/w", "GET, POST"],
          ["/tasks/w/cancel", "POST"],
          ["/tasks/w/events", "GET"],
          ["/cancel", "POST"],
          ["/tree", "GET"],
          ["/metrics", "GET"],
          ["/health", "GET"],
          ["/ready", "GET"],
          ["/openapi.json", "GET"],
          ["/docs", "GET"]
        ]
        for (const [path, allow] of routes) {
          for (const method of ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY", "PROPFIND"]) {
            const answer = yield* raw(site, `${method} ${path} HTTP/1.1${close}\r\n`)
            expect([method, path, statusOf(answer)]).toEqual([method, path, 405])
            expect(answer).toContain(`\r\nallow: ${allow}\r\n`)
            expect(answer).toContain("urn:rescind:problem:method-not-allowed")
          }
          const head = yield* raw(site, `HEAD ${path} HTTP/1.1${close}\r\n`)
          expect([path, statusOf(head)]).toEqual([path, allow === "POST" ? 405 : 200])
          expect(head.slice(head.indexOf("\r\n\r\n"))).toBe("\r\n\r\n")
        }
        expect((yield* site.get("/tasks")).json.tasks).toHaveLength(1)
        expect(yield* site.streams.count).toBe(0)
      })
    )
  )

  it.live("what is not HTTP/1.1 is 400 and starts nothing", () =>
    serving({ tasks: [wait] }, (site) =>
      Effect.gen(function* () {
        const start = `POST /tasks/wait HTTP/1.1`
        for (const bytes of [
          `${start}\r\n${json}Content-Length: 2\r\n\r\n{}`,
          `${start}${host}${json}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}`,
          `${start}${host}${json}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n`,
          `${start}${host}${json}Transfer-Encoding: gzip\r\n\r\n{}`,
          `${start}${host}${json}Content-Length: -2\r\n\r\n{}`,
          `${start}${host}${json}Content-Length: 0x2\r\n\r\n{}`,
          `${start}${host}${json}Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n`,
          `${start}${host}Last-Event-ID: \u0000\r\n\r\n`,
          `${start}${host}Folded: a\r\n b: c\r\nContent Length: 2\r\n\r\n{}`,
          `BREW /tasks/wait HTTP/1.1${host}\r\n`,
          `POST /tasks/wait?id=\u00e9 HTTP/1.1${host}\r\n`,
          `POST /tasks/wait?id=a b HTTP/1.1${host}\r\n`
        ]) {
          const answer = yield* raw(site, bytes)
          expect([bytes, statusOf(answer)]).toEqual([bytes, 400])
        }
        expect(yield* raw(site, `CONNECT /tasks/wait HTTP/1.1${host}\r\n`)).toBe("")
        expect(yield* site.tasks.list).toEqual([])
      })
    )
  )

  it.live("what HTTP/1.1 allows is understood", () =>
    serving({ tasks: [wait] }, (site) =>
      Effect.gen(function* () {
        const start = (id: string) => `POST /tasks/wait?id=${id} HTTP/1.1${close}${json}`
        // The other side of an asked continue; a header that comes too late to count; bytes one by one.
        const asked = yield* raw(site, `${start("c")}Expect: 100-continue\r\nContent-Length: 2\r\n\r\n{}`)
        expect(asked).toMatch(/^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 202 /)
        const trailing = `${start("t")}Transfer-Encoding: chunked\r\n\r\n2;x=y\r\n{}\r\n0\r\nDeadline-Ms: 1\r\n\r\n`
        expect(statusOf(yield* raw(site, trailing))).toBe(202)
        expect((yield* site.get("/tasks/t")).json.deadline).toBe(undefined)
        const dripped = `${start("d")}Content-Length: 2\r\n\r\n{}`
        expect(statusOf(yield* raw(site, ...Array.from(dripped)))).toBe(202)
        expect(statusOf(yield* raw(site, `${start("e")}Expect: the-best\r\nContent-Length: 2\r\n\r\n{}`))).toBe(417)
        for (const path of ["http://evil.example/tasks/d", "http://[/tasks/d", "//tasks///d/", "/tasks/%64"]) {
          expect([path, statusOf(yield* raw(site, `GET ${path} HTTP/1.1${close}\r\n`))]).toEqual([path, 200])
        }
        expect(statusOf(yield* raw(site, "GET /tasks/d HTTP/1.0\r\n\r\n"))).toBe(200)
        // None of our routes becomes another protocol: it answers as ever.
        for (const protocol of ["websocket", "h2c", "x"]) {
          const upgrade = `Connection: Upgrade\r\nUpgrade: ${protocol}\r\n\r\n`
          expect(statusOf(yield* raw(site, `GET /tasks/d HTTP/1.1${host}${upgrade}`))).toBe(200)
          expect(statusOf(yield* raw(site, `GET /nowhere HTTP/1.1${host}${upgrade}`))).toBe(404)
        }
        expect((yield* site.tasks.list).map(({ id }) => id)).toEqual(["c", "t", "d"])
      })
    )
  )

  it.live("ids with line ends, escapes, NUL and tricks of paths are nobody's, and start nothing", () =>
    serving({ tasks: [wait] }, (site) =>
      Effect.gen(function* () {
        yield* site.post("/tasks/wait?id=w", {})
        const tricks = [
          ".",
          "..",
          "%2e%2e",
          "%2E",
          "w%00",
          "w%0d%0aset-cookie:x",
          "w%2fevents",
          "w%252fevents",
          "..%2fw"
        ]
        for (const id of [
          ...tricks,
          "%5c..%5cw",
          "%ff",
          "%zz",
          "w%",
          "x".repeat(101),
          "x".repeat(9000),
          "%F0%9F%9A%80"
        ]) {
          for (const [method, path] of [
            ["GET", `/tasks/${id}`],
            ["GET", `/tasks/${id}/events`],
            ["POST", `/tasks/${id}/cancel`]
          ] as const) {
            const answer = yield* raw(site, `${method} ${path} HTTP/1.1${close}Content-Length: 0\r\n\r\n`)
            expect([path, statusOf(answer)]).toEqual([path, 404])
            expect(answer).toContain("content-type: application/problem+json")
            expect(answer).not.toMatch(/\r\nset-cookie/i)
          }
          const start = yield* raw(site, `POST /tasks/wait?id=${id} HTTP/1.1${close}Content-Length: 0\r\n\r\n`)
          expect([id, statusOf(start)]).toEqual([id, 400])
          expect(start).toContain('"field":"id"')
          const named = yield* raw(site, `POST /tasks/${id} HTTP/1.1${close}Content-Length: 0\r\n\r\n`)
          expect([id, statusOf(named)]).toEqual([id, 404])
        }
        expect((yield* site.tasks.list).map(({ id }) => id)).toEqual(["w"])
        // What a caller sends stands in no log line as more than one.
        expect(site.log.filter((line) => line.includes("\n"))).toEqual([])
      })
    )
  )

  it.live("who never finishes a request holds up nobody, and a close no longer than it may take", () =>
    serving({ tasks: [wait], gracefulShutdownTimeout: "100 millis" }, (site) =>
      Effect.gen(function* () {
        const slow = [
          yield* open(site, ""),
          yield* open(site, "POST /tasks/wa"),
          yield* open(site, `GET /tasks HTTP/1.1\r\nHost: x\r\nX-Drip: `),
          yield* open(site, `POST /tasks/wait?id=s HTTP/1.1${host}${json}Content-Length: 100\r\n\r\n{`),
          yield* open(site, `POST /cancel HTTP/1.1${host}${json}Transfer-Encoding: chunked\r\n\r\n5\r\n{`)
        ]
        for (let byte = 0; byte < 5; byte++) {
          for (const socket of slow) socket.write("x")
          expect((yield* site.post("/tasks/wait", {})).status).toBe(202)
        }
        expect((yield* site.tasks.list).some(({ id }) => id === "s")).toBe(false)
        yield* site.close
      })
    )
  )

  it.live("who ends its side has its stream ended, and counts as gone", () =>
    serving({ tasks: [wait, count] }, (site) =>
      Effect.gen(function* () {
        yield* site.post("/tasks/wait?id=w", {})
        const socket = yield* open(site, `GET /tasks/w/events HTTP/1.1${host}\r\n`)
        while ((yield* site.streams.count) === 0) yield* Effect.sleep(1)
        socket.end()
        yield* site.streams.awaitNone
        expect((yield* site.get("/tasks/w")).json.state).toBe("running")
        // A stream under an upgrade that nobody takes is a stream as any other.
        const upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\n"
        const upgraded = yield* open(site, `GET /tasks/w/events HTTP/1.1${host}${upgrade}\r\n`)
        // What it has not read it would answer with a reset; so it leaves with no more than a FIN.
        while (upgraded.bytesRead === 0) yield* Effect.sleep(1)
        upgraded.destroy()
        yield* site.streams.awaitNone
        yield* open(site, `GET /tasks/w/events HTTP/1.1${host}${upgrade}\r\n`)
        while ((yield* site.streams.count) === 0) yield* Effect.sleep(1)
        yield* site.close
      })
    )
  )
})

const statusOf = (answer: string): number => Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 0)

/** A connection that stays open until the end of the test. */
const open = (site: Site, bytes: string): Effect.Effect<Socket, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.callback<Socket>((resume) => {
      const socket = connect({ port: Number(new URL(site.url).port), host: "127.0.0.1", allowHalfOpen: true }, () => {
        socket.write(Buffer.from(bytes, "latin1"))
        resume(Effect.succeed(socket))
      })
      socket.on("error", () => {})
      socket.resume()
    }),
    (socket) => Effect.sync(() => socket.destroy())
  )

/** Sends the pieces, each in a packet of its own, and answers all that comes back until the server closes. */
const raw = (site: Site, ...pieces: ReadonlyArray<string>): Effect.Effect<string> =>
  Effect.callback<string>((resume) => {
    let received = ""
    const socket = connect(Number(new URL(site.url).port), "127.0.0.1")
    socket.setNoDelay(true)
    const next = (index: number): void => {
      if (index < pieces.length) socket.write(Buffer.from(pieces[index]!, "latin1"), () => next(index + 1))
    }
    next(0)
    socket.on("data", (data) => {
      received += data.toString()
      // Node leaves the connection open behind this one.
      if (received.startsWith("HTTP/1.1 417")) socket.destroy()
    })
    socket.on("error", () => {})
    socket.on("close", () => resume(Effect.succeed(received)))
    return Effect.sync(() => socket.destroy())
  })
