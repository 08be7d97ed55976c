/** The same events where there is no response of Node below, over HTTP/2, and behind a network that loses a client. */
import { connect as connectHttp2, createServer as createHttp2 } from "node:http2"
import { createServer as createProxy, connect } from "node:net"
import type { AddressInfo } from "node:net"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { describe, expect, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { Tasks } from "../../src/fibers/Tasks.ts"
import * as EventLog from "../../src/http/EventLog.ts"
import * as EventStream from "../../src/http/EventStream.ts"
import { OpenStreams } from "../../src/http/OpenStreams.ts"
import * as TaskDefinition from "../../src/http/TaskDefinition.ts"
import * as TaskServer from "../../src/http/TaskServer.ts"
import { leakChecked } from "../support/leaks.ts"
import { follow, names } from "./follow.ts"
import { wait } from "./probes.ts"
import { serving } from "./serving.ts"
import { isWhole, numbersOf } from "./slowClient.ts"

describe("EventStream, elsewhere", () => {
  it.live("a web handler sends the same events, as fast as they are taken", () =>
    Effect.promise(async () => {
      const { dispose, handler } = HttpRouter.toWebHandler(
        TaskServer.layer({ tasks: [Talk.of(talk)] }).pipe(Layer.provide(Tasks.layer())),
        { disableLogger: true }
      )
      const call = (path: string, init?: RequestInit) => handler(new Request(`http://localhost${path}`, init))
      await call("/tasks/talk?id=t", { method: "POST" })
      const response = await call("/tasks/t/events")
      expect([response.status, response.headers.get("content-type")]).toEqual([200, "text/event-stream"])
      const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
      let text = ""
      while (!text.includes('"spoken"')) text += await next(reader)
      await call("/tasks/t/cancel", { method: "POST" })
      for (let read = await reader.read(); !read.done; read = await reader.read()) text += read.value
      expect(isWhole(text)).toBe(true)
      expect(numbersOf(text).at(-1)).toBe(2004)
      const again = await call("/tasks/t/events", { headers: { "last-event-id": "1-2004" } })
      expect(again.status).toBe(204)
      await dispose()
    })
  )

  it.live("who cancels the body of a web handler follows no more", () =>
    Effect.promise(async () => {
      const Attended = TaskDefinition.make("attended", { success: Schema.Void, onDisconnect: "cancel" })
      const { dispose, handler } = HttpRouter.toWebHandler(
        TaskServer.layer({ tasks: [Attended.of(() => Effect.never)] }).pipe(Layer.provide(Tasks.layer())),
        { disableLogger: true }
      )
      const call = (path: string, init?: RequestInit) => handler(new Request(`http://localhost${path}`, init))
      await call("/tasks/attended?id=a", { method: "POST" })
      const { body } = await call("/tasks/a/events")
      const reader = body!.getReader()
      await reader.read()
      await reader.cancel()
      let view = { state: "running", outcome: {} }
      while (view.state !== "cancelled") view = (await (await call("/tasks/a")).json()) as typeof view
      expect(view.outcome).toMatchObject({ _tag: "Cancelled", reason: { source: "disconnect" } })
      await dispose()
    })
  )

  it.live("over HTTP/2 many streams share a connection", () =>
    leakChecked(
      Effect.gen(function* () {
        const server = HttpRouter.serve(TaskServer.layer({ tasks: [Talk.of(talk)] }), {
          disableLogger: true,
          disableListenLog: true
        }).pipe(
          Layer.provide(Tasks.layer()),
          Layer.provideMerge(NodeHttpServer.layer(() => createHttp2() as never, { port: 0, host: "127.0.0.1" }))
        )
        const services = yield* Layer.build(server)
        const { address } = Context.get(services, HttpServer.HttpServer)
        const client = connectHttp2(`http://127.0.0.1:${"port" in address ? address.port : ""}`)
        yield* Effect.addFinalizer(() => Effect.sync(() => client.destroy()))
        const call = (method: string, path: string, done: (text: string) => boolean = () => false) =>
          Effect.callback<string>((resume) => {
            const stream = client.request({ ":method": method, ":path": path })
            let text = ""
            stream.setEncoding("utf8")
            stream.on("data", (data: string) => {
              text += data
              if (done(text)) resume(Effect.succeed(text))
            })
            stream.on("close", () => resume(Effect.succeed(text)))
            stream.end()
          })
        yield* call("POST", "/tasks/talk?id=t")
        const followers = yield* Effect.all(
          [
            ...Array.from({ length: 10 }, () => call("GET", "/tasks/t/events")),
            Effect.delay(call("POST", "/tasks/t/cancel"), 50)
          ],
          { concurrency: "unbounded" }
        )
        for (const text of followers.slice(0, 10)) {
          expect(isWhole(text)).toBe(true)
          expect(text).toContain("event: cancelled")
        }
      }),
      { patience: "20 seconds" }
    )
  )

  it.live("a client that vanished without a word is found by the heartbeat", () =>
    serving({ tasks: [wait], heartbeat: "20 millis" }, (site) =>
      Effect.gen(function* () {
        yield* site.post("/tasks/wait?id=w", {})
        const network = yield* lossy(Number(new URL(site.url).port))
        const client = yield* follow(`http://127.0.0.1:${network.port}/tasks/w/events`)
        yield* client.until((events) => events.length > 1)
        expect(yield* site.streams.count).toBe(1)
        network.lose()
        yield* site.streams.awaitNone
        expect((yield* site.get("/tasks/w")).json.state).toBe("running")
      })
    )
  )

  it.live("a middleware adds headers and cookies to a stream, or puts another answer in its place", () => {
    const adding = HttpRouter.middleware(
      (handled) =>
        Effect.gen(function* () {
          const { url } = yield* HttpServerRequest.HttpServerRequest
          const response = HttpServerResponse.setHeader(yield* handled, "x-served-by", "me")
          if (url.includes("teapot")) return HttpServerResponse.text("short and stout", { status: 418 })
          return url.includes("cookie") ? HttpServerResponse.setCookieUnsafe(response, "seen", "1") : response
        }),
      { global: true }
    )
    return serving({ tasks: [wait], routes: adding }, (site) =>
      Effect.gen(function* () {
        yield* site.post("/tasks/wait?id=w", {})
        const plain = yield* follow(`${site.url}/tasks/w/events`)
        const cookie = yield* follow(`${site.url}/tasks/w/events?cookie`)
        const other = yield* site.get("/tasks/w/events?teapot")
        expect([other.status, other.text]).toEqual([418, "short and stout"])
        for (const client of [plain, cookie]) {
          yield* client.until((events) => events.length > 1)
          expect(client.headers.get("x-served-by")).toBe("me")
          expect(client.headers.get("cache-control")).toBe("no-store")
        }
        expect([plain.headers.get("set-cookie"), cookie.headers.get("set-cookie")]).toEqual([null, "seen=1"])
        yield* site.post("/tasks/w/cancel")
        for (const client of [plain, cookie]) expect(names(yield* client.ended).at(-1)).toBe("cancelled")
      })
    )
  })

  it.live("a log of one's own is sent like that of a task", () =>
    leakChecked(
      Effect.gen(function* () {
        const log = yield* EventLog.make({ prefix: "v2-", events: 2 })
        const routes = Layer.unwrap(
          Effect.map(OpenStreams, (streams) =>
            HttpRouter.add("GET", "/news", (request) =>
              EventStream.respond(log, request, { maxReaders: 1 }).pipe(
                Effect.provideService(OpenStreams, streams),
                Effect.orDie
              )
            )
          )
        ).pipe(Layer.provide(OpenStreams.layer()))
        const server = HttpRouter.serve(routes, { disableLogger: true, disableListenLog: true }).pipe(
          Layer.provideMerge(NodeHttpServer.layerTest)
        )
        const services = yield* Layer.build(server)
        const { address } = Context.get(services, HttpServer.HttpServer)
        const url = `http://127.0.0.1:${"port" in address ? address.port : ""}/news`
        for (const data of ["one", "two", "three"]) yield* EventLog.append(log, { event: "news", data })
        const client = yield* follow(url)
        yield* client.until((events) => events.length === 3)
        expect([log.first, log.last, log.readers]).toEqual([2, 3, 1])
        yield* EventLog.end(log, { event: "end", data: null })
        expect(yield* EventLog.append(log, { data: "late" })).toBe(false)
        expect((yield* client.ended).map(({ data, event, id }) => [id, event, data])).toEqual([
          ["v2-1", "resync", { missed: { from: 1, to: 1 } }],
          ["v2-2", "news", "two"],
          ["v2-3", "news", "three"],
          ["v2-4", "end", null]
        ])
        expect(names(yield* (yield* follow(url, { "last-event-id": "v2-3" })).ended)).toEqual(["end"])
        expect((yield* follow(url, { "last-event-id": "v2-4" })).status).toBe(204)
      }),
      { patience: "20 seconds" }
    )
  )
})

const next = async (reader: ReadableStreamDefaultReader<string>): Promise<string> => {
  const { done, value } = await reader.read()
  if (done) throw new Error("the stream has ended")
  return value
}

const Talk = TaskDefinition.make("talk", {
  success: Schema.Void,
  output: Schema.Int,
  progress: Schema.String,
  history: 4000
})

const talk = (_: object, self: TaskDefinition.Self<string, number, never>) =>
  Effect.gen(function* () {
    for (let n = 0; n < 2000; n++) yield* self.output(n)
    yield* self.progress("spoken")
    return yield* Effect.never
  })

/** Passes bytes on until it is told to lose them; then whoever sends learns that nobody is there. */
const lossy = (to: number) =>
  Effect.gen(function* () {
    let lost = false
    const proxy = createProxy((client) => {
      const server = connect(to, "127.0.0.1")
      server.on("data", (data) => (lost ? server.resetAndDestroy() : client.write(data)))
      client.on("data", (data) => lost || server.write(data))
      for (const socket of [client, server]) socket.on("error", () => {})
      client.on("close", () => lost || server.destroy())
    })
    yield* Effect.acquireRelease(
      Effect.callback<void>((resume) => void proxy.listen(0, "127.0.0.1", () => resume(Effect.void))),
      () => Effect.sync(() => proxy.close())
    )
    return { port: (proxy.address() as AddressInfo).port, lose: () => void (lost = true) }
  })
