/** However the body of a request arrives, it is read whole, once, and whoever reads it again reads the same: raw sockets. */
import { createServer } from "node:http"
import { connect, type Socket } from "node:net"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { describe, expect, it } from "@effect/vitest"
import * as ByteSize from "effect/ByteSize"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServer from "effect/http/HttpServer"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import { bodyBytes } from "../../../src/http/internal/bodyBytes.ts"
import { serving, type Site } from "../serving.ts"

const textOf = (bytes: ArrayBuffer | Uint8Array): string => new TextDecoder().decode(bytes)

/** Reads the body as all routes do, then as a middleware would that logs it. */
const reader = (request: HttpServerRequest.HttpServerRequest) =>
  Effect.gen(function* () {
    const before = request.url.includes("before") ? yield* Effect.orDie(request.text) : undefined
    const first = textOf(yield* bodyBytes(request, ByteSize.bytes(100)))
    const again = textOf(yield* bodyBytes(request, ByteSize.bytes(100)))
    const text = yield* request.text
    const buffer = yield* request.arrayBuffer
    const rest = { again, text, buffer: textOf(buffer), isBuffer: buffer instanceof ArrayBuffer }
    return HttpServerResponse.jsonUnsafe({ before, first, ...rest })
  }).pipe(Effect.catchTag("HttpServerError", ({ reason }) => Effect.succeed(HttpServerResponse.text(reason._tag))))

const routes = HttpRouter.add("POST", "/echo", reader)

const head = (length: number, more = "", path = "/echo") =>
  `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-length: ${length}\r\n${more}\r\n`

/** Sends the pieces, each in a turn of its own, and answers with the bodies of so many answers. */
const exchanged = (
  site: Pick<Site, "url">,
  pieces: ReadonlyArray<string>,
  count = 1
): Effect.Effect<ReadonlyArray<any>> =>
  Effect.callback((resume) => {
    let received = ""
    const socket: Socket = connect(Number(new URL(site.url).port), "127.0.0.1")
    socket.setNoDelay(true)
    const send = (index: number): void => {
      if (index === pieces.length) return
      socket.write(pieces[index]!, () => setTimeout(() => send(index + 1), 5))
    }
    send(0)
    socket.on("data", (data) => {
      received += data.toString()
      const bodies = Array.from(received.matchAll(/^\{.*\}/gm), ([body]) => JSON.parse(body))
      if (bodies.length < count) return
      resume(Effect.succeed(bodies))
      socket.destroy()
    })
    socket.on("error", () => {})
    socket.on("close", () => resume(Effect.succeed([received])))
    return Effect.sync(() => socket.destroy())
  })

const body = '"Grüße, and more"'
const size = Buffer.byteLength(body)
const whole = { first: body, again: body, text: body, buffer: body, isBuffer: true }

describe("the body of a request (in real time)", () => {
  const ways: Readonly<Record<string, ReadonlyArray<string>>> = {
    "with its head": [head(size) + body],
    "behind its head": [head(size), body],
    "in pieces": [head(size) + body.slice(0, 3), body.slice(3, 5), body.slice(5)],
    "in chunks": [
      `POST /echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n${size.toString(16)}\r\n${body}\r\n0\r\n\r\n`
    ],
    "when it is told to go on": [head(size, "expect: 100-continue\r\n"), body]
  }

  it.live.each(Object.entries(ways))("is read whole that comes %s", ([, pieces]) =>
    serving({ tasks: [], routes }, (site) =>
      Effect.map(exchanged(site, pieces), (bodies) => expect(bodies).toEqual([whole]))
    )
  )

  it.live("is its own, of several requests in one piece and one after the other on a connection", () =>
    serving({ tasks: [], routes }, (site) =>
      Effect.gen(function* () {
        const bodies = ["1", "22", "", "4444"]
        const sent = bodies.map((body) => head(body.length) + body)
        const expected = bodies.map((body) => ({ first: body, again: body, text: body, buffer: body, isBuffer: true }))
        expect(yield* exchanged(site, [sent.join("")], 4)).toEqual(expected)
        expect(yield* exchanged(site, sent, 4)).toEqual(expected)
      })
    )
  )

  it.live("is there for who reads it after a middleware has", () =>
    serving({ tasks: [], routes }, (site) =>
      Effect.gen(function* () {
        const sent = [head(size, "", "/echo?before") + body]
        expect(yield* exchanged(site, sent)).toEqual([{ before: body, ...whole }])
      })
    )
  )

  it.live("is refused over the limit, whether that is said or not, and not waited for when its client has left", () =>
    serving({ tasks: [], routes }, (site) =>
      Effect.gen(function* () {
        const long = "x".repeat(101)
        const closing = "connection: close\r\n"
        const [announced] = yield* exchanged(site, [head(101, closing) + long])
        expect(announced).toMatch(/RequestParseError$/)
        const chunked = `POST /echo HTTP/1.1\r\nhost: x\r\n${closing}transfer-encoding: chunked\r\n\r\n65\r\n${long}\r\n0\r\n\r\n`
        expect((yield* exchanged(site, [chunked]))[0]).toMatch(/RequestParseError/)
        const left = connect(Number(new URL(site.url).port), "127.0.0.1", () => left.end(head(50) + "short"))
        yield* Effect.callback<void>((resume) => void left.resume().once("close", () => resume(Effect.void)))
        expect(yield* exchanged(site, [head(2) + "ok"])).toMatchObject([{ first: "ok" }])
        expect(site.log.filter((line) => line.includes("level=ERROR"))).toEqual([])
      })
    )
  )

  it.live("is refused over the limit where nobody holds it to the length that it says", () =>
    Effect.promise(async () => {
      const { dispose, handler } = HttpRouter.toWebHandler(routes, { disableLogger: true })
      const headers = { "content-length": "1" }
      const long = new Request("http://x/echo", { method: "POST", body: "x".repeat(101), headers })
      expect(await (await handler(long)).text()).toBe("RequestParseError")
      await dispose()
    })
  )

  it.live("is refused over the limit by a parser that takes a length and chunks", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const services = yield* Layer.build(
          HttpRouter.serve(routes, { disableLogger: true, disableListenLog: true }).pipe(
            Layer.provideMerge(
              NodeHttpServer.layer(() => createServer({ insecureHTTPParser: true }), { port: 0, host: "127.0.0.1" })
            )
          )
        )
        const { address } = Context.get(services, HttpServer.HttpServer)
        const url = `http://127.0.0.1:${"port" in address ? address.port : ""}`
        const both = head(5, "connection: close\r\ntransfer-encoding: chunked\r\n")
        const sent = `${both}65\r\n${"x".repeat(101)}\r\n0\r\n\r\n`
        expect((yield* exchanged({ url }, [sent]))[0]).toMatch(/RequestParseError$/)
      })
    )
  )
})
