/** Streams that go the way of any other response, of clients that read nothing: over real sockets. */
import { randomBytes } from "node:crypto"
import { describe, expect, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as HttpMiddleware from "effect/http/HttpMiddleware"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Latch from "effect/Latch"
import type * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Agent from "../../src/http/a2a/Agent.ts"
import * as TaskDefinition from "../../src/http/TaskDefinition.ts"
import { eventsOf, hosting, message, streaming } from "./a2a/hosting.ts"
import { serving } from "./serving.ts"
import { slowClient } from "./slowClient.ts"

/** A response with a cookie is for Effect to send. */
const cookies = HttpRouter.middleware(
  (handled) => Effect.map(handled, (response) => HttpServerResponse.setCookieUnsafe(response, "seen", "1")),
  { global: true }
)

const big = "x".repeat(100_000)

describe("streams that Effect sends, of clients that read nothing (over real sockets, in real time)", () => {
  it.live("are cut when the server of an agent drains", () => {
    const go = Deferred.makeUnsafe<void>()
    const agent = Agent.make("flood", {
      description: "Says more than fits in between",
      run: () =>
        Stream.concat(
          Stream.fromEffect(Effect.as(Deferred.await(go), "begin")),
          Stream.map(Stream.range(1, 300), () => big)
        )
    })
    return hosting(agent, { history: 16, routes: cookies }, (site) =>
      Effect.gen(function* () {
        const body = { jsonrpc: "2.0", id: 1, method: "SendStreamingMessage", params: message("go") }
        const stuck = yield* streaming(site.url, { body })
        expect(stuck.response.headers["set-cookie"]).toBeDefined()
        const [first] = eventsOf(yield* stuck.until((text) => text.includes("\n\n")))
        stuck.response.pause()
        const { id } = first.result.task
        const reader = yield* streaming(`${site.url}/tasks/${id}:subscribe`, {})
        yield* Deferred.succeed(go, undefined)
        yield* reader.ended
        expect(yield* site.streams.count).toBe(1)
        yield* site.drain({ flush: 0 })
        yield* site.streams.awaitNone
      })
    )
  })

  it.live("are cut when a server of tasks drains", () => {
    const Talk = TaskDefinition.make("talk", { success: Schema.Void, output: Schema.String, history: 20 })
    const door = Latch.makeUnsafe()
    const task = Talk.of((_, self) =>
      Effect.andThen(
        door.await,
        Effect.forEach(Array.from({ length: 300 }), () => Effect.andThen(self.output(big), Effect.sleep(0)), {
          discard: true
        })
      )
    )
    return serving({ tasks: [task], routes: cookies }, (site) =>
      Effect.gen(function* () {
        yield* site.post("/tasks/talk?id=t")
        yield* slowClient(site.url, "/tasks/t/events")
        while ((yield* site.streams.count) < 1) yield* Effect.sleep(1)
        yield* door.open
        yield* site.stuck
        yield* site.drain({ flush: 0 })
        yield* site.streams.awaitNone
      })
    )
  })

  it.live("are cut when all has been written, and the client takes none of it", () => {
    const agent = Agent.make("whale", {
      description: "Says much at once",
      run: () => Effect.as(Effect.sleep(50), "x".repeat(20_000_000))
    })
    return hosting(agent, { routes: cookies }, (site) =>
      Effect.gen(function* () {
        const stuck = yield* streaming(`${site.url}/message:stream`, { body: message("go") })
        stuck.response.pause()
        const [info] = yield* site.tasks.list
        yield* Effect.orDie(site.tasks.await(info!.id))
        yield* Effect.sleep(100)
        expect(yield* site.streams.count).toBe(1)
        yield* site.drain({ flush: 0 })
        yield* site.streams.awaitNone
      })
    )
  })

  it.live("are cut when a middleware has compressed them", () => {
    const door = Latch.makeUnsafe()
    const agent = Agent.make("noise", {
      description: "Says what cannot be made smaller",
      run: () =>
        Stream.concat(
          Stream.fromEffect(Effect.as(door.await, "begin")),
          Stream.map(Stream.range(1, 300), () => randomBytes(60_000).toString("base64"))
        )
    })
    const compressed = HttpRouter.middleware((handled) => HttpMiddleware.compression()(handled as never) as never, {
      global: true
    }) as Layer.Layer<never, never, HttpRouter.HttpRouter>
    return hosting(agent, { history: 16, routes: compressed }, (site) =>
      Effect.gen(function* () {
        const headers = { "accept-encoding": "gzip" }
        const stuck = yield* streaming(`${site.url}/message:stream`, { body: message("go"), headers })
        expect(stuck.response.headers["content-encoding"]).toBe("gzip")
        stuck.response.pause()
        const [info] = yield* site.tasks.list
        yield* door.open
        yield* Effect.orDie(site.tasks.await(info!.id))
        yield* Effect.sleep(100)
        expect(yield* site.streams.count).toBe(1)
        yield* site.drain({ flush: 0 })
        yield* site.streams.awaitNone
      })
    )
  })

  it.live("are told again that the server lives when they read on", () => {
    const agent = Agent.make("whale", {
      description: "Says much at once, and then nothing",
      run: (turn) => Effect.andThen(turn.artifact("x".repeat(8_000_000)), Effect.never)
    })
    return hosting(agent, { routes: cookies, heartbeat: "10 millis" }, (site) =>
      Effect.gen(function* () {
        const slow = yield* streaming(`${site.url}/message:stream`, { body: message("go") })
        slow.response.pause()
        yield* Effect.sleep(100)
        slow.response.resume()
        yield* slow.until((text) => text.length > 8_000_000 && text.endsWith(": ping\n\n".repeat(3)))
      })
    )
  })
})
