import { describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as TestClock from "effect/testing/TestClock"
import { createHash } from "node:crypto"
import * as http from "node:http"
import * as net from "node:net"
import { FetchFailed } from "../../../src/examples/server/fetchFailed.ts"
import { type FetchOptions, fetchPage, type FetchProgress } from "../../../src/examples/server/fetchPage.ts"
import * as Origin from "../../../src/examples/server/origin.ts"
import { whenBusy } from "../../support/busy.ts"
import { eventually } from "./fetchEventually.ts"

const listen = Effect.provide(Origin.make({ port: 0 }), Logger.layer([]))

const failure = (url: string, options?: FetchOptions): Effect.Effect<FetchFailed, unknown> =>
  Effect.flip(fetchPage(url, options))

/** Closed by this process: nothing listens there any more. */
const refusing = Effect.map(Effect.scoped(listen), ({ url }) => url)

/** A server that answers with exactly this. */
const answering = (headers: http.OutgoingHttpHeaders, body: string | Buffer) =>
  Effect.acquireRelease(
    Effect.callback<{ url: string; seen: Array<http.IncomingMessage>; server: http.Server }>((resume) => {
      const seen: Array<http.IncomingMessage> = []
      const server = http.createServer((request, response) => {
        seen.push(request)
        response.writeHead(200, headers).end(body)
      })
      server.listen(0, "127.0.0.1", () => {
        const url = `http://127.0.0.1:${(server.address() as net.AddressInfo).port}`
        resume(Effect.succeed({ url, seen, server }))
      })
    }),
    ({ server }) => Effect.sync(() => server.close())
  )

const sockets = (): number => process.getActiveResourcesInfo().filter((name) => name === "TCPSocketWrap").length

describe("fetchPage", () => {
  it.live("gives size, title and sha-256 of what it fetched (S1-33)", () =>
    Effect.gen(function* () {
      const { url } = yield* listen
      const body = yield* Effect.promise(() => fetch(`${url}/page`).then((response) => response.text()))
      expect(yield* fetchPage(`${url}/page`)).toEqual({
        url: `${url}/page`,
        status: 200,
        bytes: body.length,
        title: "A small page & nothing else",
        sha256: createHash("sha256").update(body).digest("hex")
      })
    })
  )

  it.live("gives no title for what is not HTML, and the same sha-256 from every mirror", () =>
    Effect.gen(function* () {
      const { url } = yield* listen
      const a = yield* fetchPage(`${url}/file?mirror=a&ms=0`)
      const b = yield* fetchPage(`${url}/file?mirror=b&ms=30`)
      expect(a).toMatchObject({ title: null, bytes: 256 * 1024 })
      expect(b.sha256).toBe(a.sha256)
    })
  )

  it.live("tells its progress as the body arrives, with the total where it was announced", () =>
    Effect.gen(function* () {
      const { url } = yield* listen
      const told: Array<FetchProgress> = []
      const onProgress = (progress: FetchProgress) => Effect.sync(() => told.push(progress))
      yield* fetchPage(`${url}/chunked?chunks=3&ms=40&bytes=5`, { onProgress })
      expect(told).toEqual([{ bytes: 5 }, { bytes: 10 }, { bytes: 15 }])
      told.length = 0
      yield* fetchPage(`${url}/huge?bytes=3000000`, { onProgress })
      expect(told.at(-1)).toEqual({ bytes: 3_000_000, total: 3_000_000 })
      expect(told.length).toBeLessThanOrEqual(100)
    })
  )

  it.live("reads an empty body", () =>
    Effect.gen(function* () {
      const { url } = yield* listen
      const page = yield* fetchPage(`${url}/chunked?chunks=0`)
      expect(page).toMatchObject({ bytes: 0, title: null, sha256: createHash("sha256").digest("hex") })
    })
  )

  it.live("sends the query as it was written and no trace ids", () =>
    Effect.gen(function* () {
      const server = yield* answering({}, "ok")
      yield* Effect.withSpan(fetchPage(`${server.url}/a%20b?q=x%20y+z&empty#part`), "test")
      expect(server.seen[0]!.url).toBe("/a%20b?q=x%20y+z&empty")
      expect(server.seen[0]!.headers["traceparent"]).toBeUndefined()
      expect(server.seen[0]!.headers["b3"]).toBeUndefined()
    })
  )

  const interrupted: ReadonlyArray<readonly [string, string, number]> = [
    ["before the headers came", "/stall?after=0", 0],
    ["in the middle of the body", "/stall?after=100000", 100_000],
    ["while the body pours in", "/huge?bytes=10000000000", 1]
  ]

  it.live.each(interrupted)("closes its socket within 100 ms when interrupted %s (S1-38)", ([, path, bytes]) =>
    Effect.gen(function* () {
      const origin = yield* listen
      let got = 0
      const onProgress = (progress: FetchProgress) => Effect.sync(() => void (got = progress.bytes))
      const limits = { bytes: Number.MAX_SAFE_INTEGER }
      const fiber = yield* Effect.forkChild(fetchPage(origin.url + path, { onProgress, limits }))
      yield* eventually(origin.openRequests, (open) => open === 1)
      yield* eventually(
        Effect.sync(() => got),
        (n) => n >= bytes
      )
      const asked = Date.now()
      yield* Fiber.interrupt(fiber)
      const [left] = yield* eventually(origin.closedEarly, (all) => all.length === 1)
      expect(left!.url).toBe(path)
      expect(left!.at - asked).toBeLessThan(whenBusy(100))
      expect(yield* origin.openRequests).toBe(0)
      // S1-35: a cancelled fetch ends as interrupted, it is not turned into a failure.
      const exit = yield* Fiber.await(fiber)
      expect(Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause)).toBe(true)
    })
  )

  it.live("closes its socket when interrupted during a TLS handshake that nobody answers", () =>
    Effect.gen(function* () {
      const opened = Promise.withResolvers<net.Socket>()
      const closed = Promise.withResolvers<void>()
      const silent = net.createServer((socket) => {
        socket.on("error", () => {}).on("close", () => closed.resolve())
        socket.resume()
        opened.resolve(socket)
      })
      yield* Effect.addFinalizer(() => Effect.sync(() => silent.close()))
      yield* Effect.callback<void>((resume) => void silent.listen(0, "127.0.0.1", () => resume(Effect.void)))
      const { port } = silent.address() as net.AddressInfo
      const fiber = yield* Effect.forkChild(fetchPage(`https://127.0.0.1:${port}/`))
      yield* Effect.promise(() => opened.promise)
      yield* Fiber.interrupt(fiber)
      yield* Effect.promise(() => closed.promise)
    })
  )

  it.live("stops waiting for its progress callback when interrupted", () =>
    Effect.gen(function* () {
      const origin = yield* listen
      const fiber = yield* Effect.forkChild(fetchPage(`${origin.url}/stall`, { onProgress: () => Effect.never }))
      yield* eventually(origin.openRequests, (open) => open === 1)
      yield* Fiber.interrupt(fiber)
      yield* eventually(origin.closedEarly, (all) => all.length === 1)
    })
  )

  it.effect("fails with timeout after 30 s, which is no cancellation (S1-32; real sockets, test clock)", () =>
    Effect.gen(function* () {
      const origin = yield* listen
      const url = `${origin.url}/stall?after=10`
      const fiber = yield* Effect.forkChild(Effect.flip(fetchPage(url)))
      yield* TestClock.withLive(eventually(origin.openRequests, (open) => open === 1))
      yield* TestClock.adjust(29_999)
      expect(fiber.pollUnsafe()).toBeUndefined()
      yield* TestClock.adjust(1)
      const error = yield* Fiber.join(fiber)
      expect(error).toEqual(new FetchFailed({ url, kind: "timeout", message: "No complete answer within 30s." }))
      yield* TestClock.withLive(eventually(origin.closedEarly, (all) => all.length === 1))
    })
  )

  it.live("counts redirects and body against one time limit", () =>
    Effect.gen(function* () {
      const { url } = yield* listen
      const body = "/chunked?chunks=100&ms=20"
      const target = `${url}/redirect?to=${encodeURIComponent(body)}`
      expect(yield* failure(target, { limits: { time: 100 } })).toMatchObject({ kind: "timeout", url: target })
    })
  )

  it.live("refuses a body larger than the limit, as soon as it knows", () =>
    Effect.gen(function* () {
      const origin = yield* listen
      let told = 0
      const onProgress = ({ bytes }: FetchProgress) => Effect.sync(() => void (told = bytes))
      const announced = yield* failure(`${origin.url}/huge?bytes=10485761`, { onProgress })
      expect(announced).toMatchObject({ _tag: "FetchFailed", kind: "too-large" })
      expect(told).toBe(0)
      const chunked = `${origin.url}/chunked?chunks=10&ms=0&bytes=100`
      expect(yield* failure(chunked, { onProgress, limits: { bytes: 999 } })).toMatchObject({ kind: "too-large" })
      expect(told).toBeLessThanOrEqual(999)
      expect(yield* fetchPage(chunked, { limits: { bytes: 1000 } })).toMatchObject({ bytes: 1000 })
      yield* eventually(origin.openRequests, (open) => open === 0)
    })
  )

  it.live("follows five redirects and not six", () =>
    Effect.gen(function* () {
      const { url } = yield* listen
      expect(yield* fetchPage(`${url}/redirect?to=/page&times=5`)).toMatchObject({ url: `${url}/page`, status: 200 })
      const error = yield* failure(`${url}/redirect?to=/page&times=6`)
      expect(error).toMatchObject({ kind: "too-many-redirects", url: `${url}/page` })
      expect((yield* failure(`${url}/redirect?to=/page`, { limits: { redirects: 0 } })).kind).toBe("too-many-redirects")
    })
  )

  const badHops: ReadonlyArray<readonly [string, FetchFailed["kind"], string]> = [
    ["file:///etc/passwd", "unsupported-protocol", "file:///etc/passwd"],
    ["http://", "invalid-url", "http://"],
    ["http://me:secret@127.0.0.1/", "invalid-url", "http://127.0.0.1/"]
  ]

  it.live.each(badHops)("checks where a redirect leads: %s is %s", ([to, kind, url]) =>
    Effect.gen(function* () {
      const origin = yield* listen
      const error = yield* failure(`${origin.url}/redirect?to=${encodeURIComponent(to)}`)
      expect(error).toMatchObject({ kind, url })
      expect(JSON.stringify(error)).not.toContain("secret")
    })
  )

  const refused: ReadonlyArray<readonly [string, FetchFailed["kind"]]> = [
    ["", "invalid-url"],
    ["page", "invalid-url"],
    ["http://", "invalid-url"],
    ["http://127.0.0.1:99999/", "invalid-url"],
    ["http://me@127.0.0.1/", "invalid-url"],
    ["http://:secret@127.0.0.1/", "invalid-url"],
    ["file:///etc/passwd", "unsupported-protocol"],
    ["ftp://me:secret@example.org/", "unsupported-protocol"],
    ["data:text/html,hello", "unsupported-protocol"],
    ["javascript:alert(1)", "unsupported-protocol"]
  ]

  it.live.each(refused)("refuses %s with %s before it opens a socket", ([url, kind]) =>
    Effect.gen(function* () {
      const error = yield* failure(url)
      expect(error.kind).toBe(kind)
      expect(JSON.stringify(error)).not.toContain("secret")
    })
  )

  it.live("fails with the status on 400 and above (S1-36)", () =>
    Effect.gen(function* () {
      const { url } = yield* listen
      for (const status of [400, 404, 500, 599]) {
        expect(yield* failure(`${url}/fail?status=${status}`)).toMatchObject({ kind: "status", status })
      }
    })
  )

  it.live("fails with network on a refused connection, an unknown host and a broken body (S1-36)", () =>
    Effect.gen(function* () {
      const origin = yield* listen
      const refused = yield* refusing
      expect(yield* failure(refused)).toMatchObject({ kind: "network", url: `${refused}/` })
      expect((yield* failure(refused)).message).toMatch(/^No answer: connect ECONNREFUSED/)
      const localhost = refused.replace("127.0.0.1", "localhost")
      expect((yield* failure(localhost)).message).toMatch(/^No answer: connect ECONNREFUSED/)
      expect((yield* failure("http://nowhere.invalid/")).kind).toBe("network")
      const broken = yield* failure(`${origin.url}/reset?after=100`)
      expect(broken).toMatchObject({ kind: "network" })
      expect(broken.message).toBe("The connection broke before the body ended: aborted.")
      expect((yield* failure(origin.url.replace("http:", "https:"))).kind).toBe("network")
    })
  )

  it.live("leaves no socket behind, however it ends", () =>
    Effect.gen(function* () {
      const before = sockets()
      yield* Effect.scoped(
        Effect.gen(function* () {
          const origin = yield* listen
          const paths = ["/page", "/redirect?to=/page", "/fail", "/huge", "/reset", "/chunked?chunks=2&ms=1"]
          yield* Effect.forEach(paths, (path) => Effect.exit(fetchPage(origin.url + path)), { concurrency: 6 })
          yield* fetchPage(`${origin.url}/stall`).pipe(Effect.timeoutOption(30))
          yield* eventually(origin.openRequests, (open) => open === 0)
          yield* eventually(Effect.sync(sockets), (open) => open <= before)
        })
      )
    })
  )
})
