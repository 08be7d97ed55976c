/** Handlers behind the middleware that upgrade to a WebSocket: real sockets, in real time. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Task from "../../src/fibers/Task.ts"
import { route, textOf, until } from "./handlers.ts"
import { serving, type Site } from "./serving.ts"

/** Sends every message back; what it reads when it is stopped, and how it ends. */
const echoing = () => {
  const read: Array<string> = []
  const handler = Effect.gen(function* () {
    yield* Task.onCancel((reason) => Effect.sync(() => read.push(`onCancel: ${textOf(reason)}`)))
    const request = yield* HttpServerRequest.HttpServerRequest
    const socket = yield* Effect.orDie(request.upgrade)
    const { pull } = yield* socket.reader
    const { writeAll } = yield* socket.writer
    yield* Effect.forever(Effect.flatMap(pull, writeAll))
    return HttpServerResponse.empty()
  }).pipe(
    Effect.catchTag("SocketError", ({ reason }) =>
      Effect.as(
        Effect.sync(() => read.push(reason._tag === "SocketCloseError" ? "closed" : reason._tag)),
        HttpServerResponse.empty()
      )
    ),
    Effect.onInterrupt(() => Effect.sync(() => read.push("interrupted")))
  )
  return { read, handler }
}

const connect = (site: Site) =>
  Effect.acquireRelease(
    Effect.callback<WebSocket>((resume) => {
      const socket = new WebSocket(`${site.url.replace("http", "ws")}/it`)
      socket.binaryType = "arraybuffer"
      socket.addEventListener("open", () => resume(Effect.succeed(socket)))
      socket.addEventListener("error", () => resume(Effect.die(new Error("the socket did not open"))))
    }),
    (socket) => Effect.sync(() => socket.close())
  )

const textIn = (data: unknown): string =>
  typeof data === "string" ? data : new TextDecoder().decode(data as ArrayBuffer)

describe("CancelMiddleware, with sockets", () => {
  it.live("an upgraded socket is read and written, and the handler ends with its client", () => {
    const { handler, read } = echoing()
    return serving({ tasks: [], routes: route(handler) }, (site) =>
      Effect.gen(function* () {
        const socket = yield* connect(site)
        const got: Array<string> = []
        socket.addEventListener("message", ({ data }) => got.push(textIn(data)))
        for (const word of ["one", "two"]) socket.send(word)
        yield* until(() => got.length === 2)
        expect(got).toEqual(["one", "two"])
        expect(read).toEqual([])
        socket.close()
        yield* until(() => read.length > 0)
        expect(read).toEqual(["closed"])
      })
    )
  })

  it.live("a drain cancels it with the reason, and closes the socket", () => {
    const { handler, read } = echoing()
    return serving({ tasks: [], routes: route(handler) }, (site) =>
      Effect.gen(function* () {
        const socket = yield* connect(site)
        let closed = false
        socket.addEventListener("close", () => (closed = true))
        const report = yield* site.handlers.drain()
        expect(report).toMatchObject({ cancelled: [expect.stringContaining("GET /it")], abandoned: [] })
        expect(read).toEqual(["interrupted", "onCancel: shutdown of GET /it"])
        yield* until(() => closed)
      })
    )
  })

  it.live("its limit counts while the socket is open", () => {
    const { handler, read } = echoing()
    return serving({ tasks: [], routes: route(handler, { limit: "100 millis" }) }, (site) =>
      Effect.gen(function* () {
        const socket = yield* connect(site)
        let closed = false
        socket.addEventListener("close", () => (closed = true))
        yield* until(() => closed)
        expect(read).toEqual(["interrupted", "onCancel: timeout of GET /it by limit"])
      })
    )
  })
})
