import { connect } from "node:net"
import { Readable } from "node:stream"
import { describe, expect, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServer from "effect/http/HttpServer"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as CancelReason from "../../src/fibers/CancelReason.ts"
import * as Task from "../../src/fibers/Task.ts"
import * as CancelMiddleware from "../../src/http/CancelMiddleware.ts"
import { follow } from "./follow.ts"
import { route, textOf, until } from "./handlers.ts"
import { serving, type Site } from "./serving.ts"

/** An endless body, one line a millisecond, and what its parts read when it is stopped. */
const endless = () => {
  const read: Array<string> = []
  const reading = (who: string) =>
    Effect.map(CancelReason.current, (reason) => {
      read.push(`${who}: ${Option.match(reason, { onNone: () => "none", onSome: textOf })}`)
    })
  const body = Stream.tick(Duration.millis(1)).pipe(
    Stream.as("line\n"),
    Stream.ensuring(reading("body")),
    Stream.merge(Stream.onExit(Stream.never, () => reading("merged"))),
    Stream.encodeText
  )
  const handler = Effect.gen(function* () {
    yield* Task.onCancel((reason) => Effect.sync(() => read.push(`onCancel: ${textOf(reason)}`)))
    yield* Effect.addFinalizer(() => reading("scope"))
    return HttpServerResponse.stream(body, { contentType: "text/plain" })
  })
  return { read, handler }
}

const everywhere = (said: string) => ["body", "merged", "onCancel", "scope"].map((who) => `${who}: ${said}`)

/** Whether the answer was read to its end, and what of it. */
const ending = (site: Site, init?: RequestInit) =>
  Effect.promise(async (signal) => {
    try {
      const response = await fetch(`${site.url}/it`, { signal, ...init })
      const { headers, status } = response
      const whole = await response.text().catch(() => "torn")
      return { status, headers, whole }
    } catch {
      // Not even the head was sent.
      return { status: 200, headers: new Headers(), whole: "torn" }
    }
  })

describe("CancelMiddleware and streamed bodies", () => {
  it.live("a client that leaves in the middle cancels the body with disconnect, wherever it is read", () => {
    const { handler, read } = endless()
    return serving({ tasks: [], routes: route(handler) }, (site) =>
      Effect.gen(function* () {
        const client = yield* follow(`${site.url}/it`)
        yield* client.until((_, raw) => raw.length > 20)
        expect((yield* site.get("/tree", { accept: "text/plain" })).text).toContain("GET /it")
        yield* client.leave
        yield* until(() => read.length === 4)
        expect(read.toSorted()).toEqual(everywhere("disconnect of GET /it by 127.0.0.1"))
        while ((yield* site.handlers.count) > 0) yield* Effect.sleep(1)
      })
    )
  })

  it.live("a deadline holds for the body too, and what was sent does not look whole", () => {
    const { handler, read } = endless()
    return serving({ tasks: [], routes: route(handler) }, (site) =>
      Effect.gen(function* () {
        const answer = yield* ending(site, { headers: { "deadline-ms": "400" } })
        expect([answer.status, answer.whole]).toEqual([200, "torn"])
        expect(read.toSorted()).toEqual(everywhere("timeout of GET /it by deadline-ms"))
      })
    )
  })

  it.live("a drain stops it with shutdown; with grace it may end well by itself", () => {
    const { handler, read } = endless()
    const graceful = HttpServerResponse.stream(
      Stream.concat(
        Stream.tick(Duration.millis(1)).pipe(Stream.as("line\n"), Stream.interruptWhen(Task.awaitRequest)),
        Stream.make("bye\n")
      ).pipe(Stream.encodeText)
    )
    const routes = Layer.merge(
      route(handler),
      HttpRouter.add("GET", "/well", graceful).pipe(Layer.provide(CancelMiddleware.layer()))
    )
    return serving({ tasks: [], routes }, (site) =>
      Effect.gen(function* () {
        const client = yield* follow(`${site.url}/it`)
        const well = yield* follow(`${site.url}/well`)
        yield* Effect.all([client.until((_, raw) => raw !== ""), well.until((_, raw) => raw !== "")])
        const report = yield* site
          .drain({ grace: "1 minute", giveUp: "1 hour" })
          .pipe(Effect.raceFirst(Effect.andThen(well.ended, Effect.never)), Effect.timeoutOption("10 millis"))
        expect(Option.isNone(report)).toBe(true)
        yield* well.ended
        expect(well.raw().endsWith("bye\n")).toBe(true)
        yield* site.drain()
        expect(read.toSorted()).toEqual(everywhere("shutdown of GET /it"))
      })
    )
  })

  it.live("a client that does not read is let go when its body is cancelled", () => {
    const firehose = HttpServerResponse.stream(Stream.forever(Stream.make(new Uint8Array(65_536))))
    return serving({ tasks: [], routes: route(Effect.succeed(firehose)) }, (site) =>
      Effect.gen(function* () {
        const socket = connect(Number(new URL(site.url).port), "127.0.0.1", () => {
          socket.pause()
          socket.write("GET /it HTTP/1.1\r\nhost: x\r\n\r\n")
        })
        yield* Effect.addFinalizer(() => Effect.sync(() => socket.destroy()))
        yield* site.stuck
        expect((yield* site.drain()).cancelled).toEqual(["GET /it"])
        while ((yield* site.connections) > 0) yield* Effect.sleep(1)
      })
    )
  })

  it.live("a body passes through unchanged, with its headers, also when it is empty or is not read", () => {
    let begun = 0
    const counted = Stream.suspend(() => (begun++, Stream.range(1, 500))).pipe(
      Stream.map((n) => `${n}\n`),
      Stream.rechunk(7),
      Stream.encodeText
    )
    const text = Array.from({ length: 500 }, (_, index) => `${index + 1}\n`).join("")
    const numbers = HttpServerResponse.stream(counted, {
      contentType: "text/plain",
      contentLength: text.length,
      headers: { etag: "x" }
    })
    const empty = HttpServerResponse.stream(Stream.empty, { status: 203 })
    const piped = Effect.sync(() => HttpServerResponse.raw(Readable.from(["a", "b"]), { contentType: "text/csv" }))
    const behind = Layer.provide(CancelMiddleware.layer())
    const routes = Layer.mergeAll(
      route(Effect.succeed(HttpServerResponse.setHeader(numbers, "content-type", "text/numbers"))),
      HttpRouter.add("GET", "/empty", empty).pipe(behind),
      HttpRouter.add("GET", "/piped", piped).pipe(behind)
    )
    return serving({ tasks: [], routes }, (site) =>
      Effect.gen(function* () {
        const { headers, whole } = yield* ending(site)
        expect(whole).toBe(text)
        expect(["content-type", "content-length", "etag"].map((name) => headers.get(name))).toEqual([
          "text/numbers",
          String(text.length),
          "x"
        ])
        expect((yield* ending(site, { method: "HEAD" })).status).toBe(200)
        expect(begun).toBe(1)
        const nothing = yield* site.get("/empty")
        expect([nothing.status, nothing.text]).toEqual([203, ""])
        const csv = yield* site.get("/piped")
        expect([csv.headers.get("content-type"), csv.text]).toEqual(["text/csv", "ab"])
        while ((yield* site.handlers.count) > 0) yield* Effect.sleep(1)
      })
    )
  })

  it.live("what the handler acquired lives until its body was sent", () => {
    const order: Array<string> = []
    const handler = Effect.gen(function* () {
      yield* Effect.acquireRelease(Effect.void, () => Effect.sync(() => order.push("released")))
      const body = Stream.tick(Duration.millis(1)).pipe(
        Stream.take(3),
        Stream.tap(() => Effect.sync(() => order.push("line"))),
        Stream.as("x"),
        Stream.encodeText
      )
      return HttpServerResponse.stream(body)
    })
    return serving({ tasks: [], routes: route(handler) }, (site) =>
      Effect.gen(function* () {
        expect((yield* ending(site)).whole).toBe("xxx")
        yield* until(() => order.length === 4)
        expect(order).toEqual(["line", "line", "line", "released"])
      })
    )
  })

  it.live("so it is for a body that is piped, and a cancel tears that off too", () => {
    const order: Array<string> = []
    const piped = (path: "/it" | "/endless", pieces: Iterable<string> | AsyncIterable<string>) =>
      HttpRouter.add(
        "GET",
        path,
        Effect.gen(function* () {
          yield* Effect.acquireRelease(Effect.void, () => Effect.sync(() => order.push(`released ${path}`)))
          yield* Task.onCancel((reason) => Effect.sync(() => order.push(textOf(reason))))
          return HttpServerResponse.raw(Readable.from(pieces, { objectMode: false }))
        })
      ).pipe(Layer.provide(CancelMiddleware.layer()))
    const slowly = async function* () {
      for (let n = 0; n < 3; n++) {
        await new Promise((resolve) => setTimeout(resolve, 2))
        order.push("piece")
        yield "x"
      }
    }
    const forEver = async function* () {
      while (true) {
        await new Promise((resolve) => setTimeout(resolve, 2))
        yield "x"
      }
    }
    return serving({ tasks: [], routes: Layer.merge(piped("/it", slowly()), piped("/endless", forEver())) }, (site) =>
      Effect.gen(function* () {
        expect((yield* ending(site)).whole).toBe("xxx")
        yield* until(() => order.length === 4)
        expect(order.splice(0)).toEqual(["piece", "piece", "piece", "released /it"])
        const client = yield* follow(`${site.url}/endless`)
        yield* client.until((_, raw) => raw !== "")
        expect((yield* site.drain()).cancelled).toEqual(["GET /endless"])
        expect(order).toEqual(["shutdown of GET /endless", "released /endless"])
        expect((yield* Effect.exit(client.ended))._tag).toBe("Failure")
      })
    )
  })

  it.live("a body that fails is torn off, and so is one that is interrupted inside", () => {
    const broken = Stream.concat(Stream.make("x"), Stream.fail("broken")).pipe(Stream.encodeText)
    const stopped = Stream.concat(Stream.make("x"), Stream.fromEffect(Effect.interrupt)).pipe(Stream.encodeText)
    const routes = Layer.merge(
      route(Effect.succeed(HttpServerResponse.stream(broken))),
      HttpRouter.add("GET", "/stopped", HttpServerResponse.stream(stopped)).pipe(
        Layer.provide(CancelMiddleware.layer())
      )
    )
    return serving({ tasks: [], routes }, (site) =>
      Effect.gen(function* () {
        expect((yield* ending(site)).whole).toBe("torn")
        expect((yield* ending({ ...site, url: `${site.url}/stopped?` })).whole).toBe("torn")
        while ((yield* site.handlers.count) > 0) yield* Effect.sleep(1)
      })
    )
  })
})

describe("CancelMiddleware behind a web handler", () => {
  const handling = (routes: Layer.Layer<never, never, HttpRouter.HttpRouter>) =>
    Effect.acquireRelease(
      Effect.sync(() =>
        HttpRouter.toWebHandler(Layer.provide(routes, HttpServer.layerServices), { disableLogger: true })
      ),
      ({ dispose }) => Effect.promise(dispose)
    )

  it.live("a reader that cancels is a client that left", () => {
    const { handler, read } = endless()
    return Effect.scoped(
      Effect.gen(function* () {
        const web = yield* handling(route(handler))
        yield* Effect.promise(async () => {
          const response = await web.handler(new Request("http://localhost/it"))
          const reader = response.body!.getReader()
          await reader.read()
          await reader.cancel()
        })
        yield* until(() => read.length === 4)
        expect(read.toSorted()).toEqual(everywhere("disconnect of GET /it"))
      })
    )
  })

  it.live("a reader that waits for more is told that the body was cut", () => {
    const { handler, read } = endless()
    return Effect.scoped(
      Effect.gen(function* () {
        const web = yield* handling(route(handler))
        const whole = yield* Effect.promise(async () => {
          const response = await web.handler(new Request("http://localhost/it", { headers: { "deadline-ms": "400" } }))
          return await response.text().catch(() => "torn")
        })
        expect(whole).toBe("torn")
        expect(read.toSorted()).toEqual(everywhere("timeout of GET /it by deadline-ms"))
      })
    )
  })

  it.live("a request that is aborted is answered with 499 and the reason", () => {
    const read: Array<string> = []
    const handler = Effect.andThen(
      Task.onCancel((reason) => Effect.sync(() => read.push(textOf(reason)))),
      Effect.never
    )
    return Effect.scoped(
      Effect.gen(function* () {
        const web = yield* handling(route(handler))
        const controller = new AbortController()
        const answer = yield* Effect.forkChild(
          Effect.promise(async () => {
            const response = await web.handler(new Request("http://localhost/it", { signal: controller.signal }))
            return { status: response.status, reason: (await response.json()).reason.source }
          }),
          { startImmediately: true }
        )
        yield* Effect.sleep(10)
        controller.abort()
        expect(yield* Fiber.join(answer)).toEqual({ status: 499, reason: "disconnect" })
        expect(read).toEqual(["disconnect of GET /it"])
      })
    )
  })
})
