import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as Scope from "effect/Scope"
import * as http from "node:http"
import * as net from "node:net"
import * as Origin from "../../../src/examples/server/origin.ts"
import { whenBusy } from "../../support/busy.ts"
import { eventually } from "./fetchEventually.ts"

interface Answer {
  readonly status: number
  readonly headers: http.IncomingHttpHeaders
  readonly body: string
  readonly ms: number
}

/** A plain node client, so that the origin is not tested by the code it is there to test. */
const get = (url: string): Effect.Effect<Answer, Error> =>
  Effect.callback((resume) => {
    const start = performance.now()
    const request = http.get(url, { agent: false }, (response) => {
      const pieces: Array<Buffer> = []
      response.on("data", (piece: Buffer) => pieces.push(piece))
      response.on("error", (error) => resume(Effect.fail(error)))
      response.on("end", () => {
        const body = Buffer.concat(pieces).toString("latin1")
        const ms = performance.now() - start
        resume(Effect.succeed({ status: response.statusCode!, headers: response.headers, body, ms }))
      })
    })
    request.on("error", (error) => resume(Effect.fail(error)))
    return Effect.sync(() => request.destroy())
  })

const listen = Effect.provide(Origin.make({ port: 0 }), Logger.layer([]))

const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length

describe("Origin", () => {
  it.live("answers at / with its routes and at anything unknown with 404 and the same", () =>
    Effect.gen(function* () {
      const origin = yield* listen
      const root = yield* get(origin.url)
      expect(root.status).toBe(200)
      for (const route of ["/page", "/slow", "/stall", "/fail", "/reset", "/chunked", "/redirect", "/huge", "/file"]) {
        expect(root.body).toContain(`\n${route}`)
      }
      expect(yield* get(`${origin.url}/nowhere`)).toMatchObject({ status: 404, body: root.body })
    })
  )

  it.live("serves a small HTML page with a title", () =>
    Effect.gen(function* () {
      const origin = yield* listen
      const page = yield* get(`${origin.url}/page`)
      expect(page.headers["content-type"]).toBe("text/html")
      expect(page.body).toContain("<title>")
    })
  )

  it.live("answers /slow after ms of real time, not before", () =>
    Effect.gen(function* () {
      const origin = yield* listen
      const slow = yield* get(`${origin.url}/slow?ms=120`)
      expect(slow.status).toBe(200)
      expect(slow.ms).toBeGreaterThanOrEqual(119)
    })
  )

  it.live("answers /fail with the status asked for", () =>
    Effect.gen(function* () {
      const origin = yield* listen
      expect((yield* get(`${origin.url}/fail?status=418`)).status).toBe(418)
      expect((yield* get(`${origin.url}/fail`)).status).toBe(503)
    })
  )

  it.live("breaks /reset off in the middle of the body and does not blame the client", () =>
    Effect.gen(function* () {
      const origin = yield* listen
      const error = yield* Effect.flip(get(`${origin.url}/reset?after=100`))
      expect(error.message).toBe("aborted")
      expect(yield* origin.closedEarly).toEqual([])
      expect(yield* origin.openRequests).toBe(0)
    })
  )

  it.live("sends /chunked in pieces ms apart, with the whole length announced only if asked", () =>
    Effect.gen(function* () {
      const origin = yield* listen
      const path = `${origin.url}/chunked?chunks=3&ms=40&bytes=5`
      const [open, announced] = yield* Effect.all([get(path), get(`${path}&length=1`)], { concurrency: 2 })
      expect(open.body).toHaveLength(15)
      expect(open.headers["content-length"]).toBeUndefined()
      expect(open.ms).toBeGreaterThanOrEqual(79)
      expect(announced.body).toBe(open.body)
      expect(announced.headers["content-length"]).toBe("15")
    })
  )

  it.live("redirects to itself times - 1 times, then to the target", () =>
    Effect.gen(function* () {
      const origin = yield* listen
      const first = yield* get(`${origin.url}/redirect?to=/page?a%26b&times=2`)
      expect(first.status).toBe(302)
      const second = yield* get(origin.url + first.headers.location!)
      expect(second.headers.location).toBe("/page?a&b")
    })
  )

  it.live("streams /huge to the last byte", () =>
    Effect.gen(function* () {
      const origin = yield* listen
      const huge = yield* get(`${origin.url}/huge?bytes=1000001`)
      expect(huge.body).toHaveLength(1_000_001)
    })
  )

  it.live("serves the same file from every mirror, spread over ms", () =>
    Effect.gen(function* () {
      const origin = yield* listen
      const mirrors = [get(`${origin.url}/file?mirror=a&ms=0`), get(`${origin.url}/file?mirror=b&ms=90`)]
      const [a, b] = yield* Effect.all(mirrors, { concurrency: 2 })
      expect(a!.body).toHaveLength(256 * 1024)
      expect(b!.body === a!.body).toBe(true)
      expect(b!.ms).toBeGreaterThanOrEqual(85)
    })
  )

  const refused: ReadonlyArray<readonly [string, string]> = [
    ["/slow?ms=abc", 'Expected a whole number\n  at ["ms"]'],
    ["/slow?ms=", 'Expected a whole number\n  at ["ms"]'],
    ["/slow?ms=1.5", 'Expected a whole number\n  at ["ms"]'],
    ["/slow?ms=600001", 'Expected a value between 0 and 600000\n  at ["ms"]'],
    ["/slow?ms=1&ms=2", 'Expected string\n  at ["ms"]'],
    ["/slow?sm=1", 'Expected no excess property\n  at ["sm"]'],
    ["/stall?after=-1", 'Expected a value between 0 and 10737418240\n  at ["after"]'],
    ["/fail?status=200", 'Expected a value between 400 and 599\n  at ["status"]'],
    ["/chunked?chunks=10001", 'Expected a value between 0 and 10000\n  at ["chunks"]'],
    ["/chunked?bytes=65537", 'Expected a value between 1 and 65536\n  at ["bytes"]'],
    ["/redirect", 'Missing key\n  at ["to"]'],
    ["/redirect?to=%0d%0aset-cookie:x", "Expected printable ASCII without spaces"],
    ["/huge?bytes=99999999999", 'Expected a value between 0 and 10737418240\n  at ["bytes"]']
  ]

  it.live.each(refused)("refuses %s with 400 and what was expected", ([path, message]) =>
    Effect.gen(function* () {
      const origin = yield* listen
      const answer = yield* get(origin.url + path)
      expect(answer.status).toBe(400)
      expect(answer.body).toContain(message)
    })
  )

  it.live("notes and logs a client that left before the answer was sent, and shows it in the ledger", () =>
    Effect.gen(function* () {
      const lines: Array<unknown> = []
      const logger = Logger.make(({ message }) => lines.push(Array.isArray(message) ? message[0] : message))
      const origin = yield* Effect.provide(Origin.make({ port: 0 }), Logger.layer([logger]))
      const before = Date.now()
      for (const path of ["/stall?after=10", "/stall?after=0", "/slow?ms=60000"]) {
        const asking = yield* Effect.forkChild(get(origin.url + path))
        yield* eventually(origin.openRequests, (open) => open === 1)
        yield* Fiber.interrupt(asking)
        yield* eventually(origin.openRequests, (open) => open === 0)
      }
      const left = yield* eventually(origin.closedEarly, (all) => all.length === 3)
      expect(left.map(({ url }) => url)).toEqual(["/stall?after=10", "/stall?after=0", "/slow?ms=60000"])
      expect(left[0]!.at).toBeGreaterThanOrEqual(before)
      const shown = yield* get(`${origin.url}/_ledger`)
      expect(JSON.parse(shown.body)).toEqual({ openRequests: 0, closedEarly: left })
      expect(lines).toContain("GET /slow?ms=60000")
      expect(lines.at(-1)).toMatch(/^client closed GET \/slow\?ms=60000 after \d+ ms$/)
    })
  )

  it.live("counts a request as open until its answer is sent", () =>
    Effect.gen(function* () {
      const origin = yield* listen
      yield* Effect.forkChild(get(`${origin.url}/slow?ms=100`))
      yield* eventually(origin.openRequests, (open) => open === 1)
      yield* eventually(origin.openRequests, (open) => open === 0)
      expect(yield* origin.closedEarly).toEqual([])
    })
  )

  it.live("stops the timer of a client that left", () =>
    Effect.gen(function* () {
      const origin = yield* listen
      const request = http.get(`${origin.url}/slow?ms=123456`, { agent: false })
      request.on("error", () => {})
      yield* eventually(origin.openRequests, (open) => open === 1)
      const waiting = timers()
      request.destroy()
      yield* eventually(origin.openRequests, (open) => open === 0)
      yield* eventually(Effect.sync(timers), (now) => now < waiting)
    })
  )

  it.live("destroys every socket when its scope closes, at once and without blaming a client", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const origin = yield* Scope.provide(listen, scope)
      const silent = net.connect(origin.port, "127.0.0.1")
      silent.on("error", () => {})
      const closed = new Promise<void>((resolve) => silent.on("close", () => resolve()))
      // One that reads nothing, one that stalls, one that waits: none may delay the close.
      const unread = http.get(`${origin.url}/huge`, { agent: false })
      unread.on("error", () => {})
      for (const path of ["/stall", "/slow?ms=60000"]) yield* Effect.forkChild(Effect.exit(get(origin.url + path)))
      yield* eventually(origin.openRequests, (open) => open === 3)
      const start = performance.now()
      yield* Scope.close(scope, Exit.void)
      expect(performance.now() - start).toBeLessThan(whenBusy(500))
      yield* Effect.promise(() => closed)
      expect(yield* origin.openRequests).toBe(0)
      expect(yield* origin.closedEarly).toEqual([])
      expect((yield* Effect.flip(get(origin.url))).message).toContain("ECONNREFUSED")
    })
  )

  it.live("says which port it could not have", () =>
    Effect.gen(function* () {
      const { port } = yield* listen
      const error = yield* Effect.flip(Origin.make({ port }))
      expect(error).toMatchObject({ _tag: "OriginError", host: "127.0.0.1", port })
      expect(error.message).toContain("EADDRINUSE")
    })
  )
})
