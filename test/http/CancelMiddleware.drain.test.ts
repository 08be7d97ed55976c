import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as HttpRouter from "effect/http/HttpRouter"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import * as CancelReason from "../../src/fibers/CancelReason.ts"
import * as Task from "../../src/fibers/Task.ts"
import type { DrainReport } from "../../src/fibers/Tasks.ts"
import * as CancelMiddleware from "../../src/http/CancelMiddleware.ts"
import { asking, ok, route, textOf, until } from "./handlers.ts"
import { serving } from "./serving.ts"

/** A handler that waits at a door, and what it read of its cancel. */
const waiting = () => {
  const read: Array<string> = []
  const entered = Latch.makeUnsafe()
  const door = Latch.makeUnsafe()
  const handler = Effect.gen(function* () {
    yield* Task.onCancel((reason) => Effect.sync(() => read.push(textOf(reason))))
    yield* entered.open
    yield* door.await
    return ok
  })
  return { read, entered, door, handler }
}

const listsOf = ({ abandoned, cancelled, completed, failed }: DrainReport) => ({
  abandoned,
  cancelled,
  completed,
  failed
})

describe("CancelMiddleware while the server drains", () => {
  it.live(
    "a handler is cancelled with shutdown, its client reads that in a 503 with Retry-After, and the report names it",
    () => {
      const { entered, handler, read } = waiting()
      return serving({ tasks: [], routes: route(handler) }, (site) =>
        Effect.gen(function* () {
          const client = yield* asking(site)
          yield* entered.await
          const report = yield* site.drain({ reason: CancelReason.shutdown({ by: "ops" }) })
          const answer = yield* Fiber.join(client)
          expect(read).toEqual(["shutdown of GET /it by ops"])
          expect([answer.status, answer.headers.get("retry-after"), answer.json.reason.source]).toEqual([
            503,
            "5",
            "shutdown"
          ])
          expect(answer.json.type).toBe("urn:rescind:problem:draining")
          expect(listsOf(report)).toEqual({ completed: [], failed: [], cancelled: ["GET /it"], abandoned: [] })
        })
      )
    }
  )

  it.live("with finish it may answer first, and the report says that it did", () => {
    const { door, entered, handler, read } = waiting()
    return serving({ tasks: [], routes: route(handler) }, (site) =>
      Effect.gen(function* () {
        const client = yield* asking(site)
        yield* entered.await
        const draining = yield* Effect.forkChild(site.drain({ finish: "1 hour" }), { startImmediately: true })
        yield* Effect.sleep(5)
        yield* door.open
        expect((yield* Fiber.join(client)).text).toBe("ok")
        expect(listsOf(yield* Fiber.join(draining))).toMatchObject({ completed: ["GET /it"] })
        expect(read).toEqual([])
      })
    )
  })

  it.live("one that asks for it is cancelled at once, whatever time the drain gives", () => {
    const quick = waiting()
    const slow = waiting()
    const routes = Layer.merge(
      route(quick.handler, { onShutdown: "cancel" }),
      HttpRouter.add("GET", "/slow", slow.handler).pipe(Layer.provide(CancelMiddleware.layer({ onShutdown: "finish" })))
    )
    return serving({ tasks: [], routes }, (site) =>
      Effect.gen(function* () {
        const client = yield* asking(site)
        const patient = yield* Effect.forkChild(site.get("/slow"), { startImmediately: true })
        yield* Effect.all([quick.entered.await, slow.entered.await])
        const draining = yield* Effect.forkChild(site.drain({ finish: "1 hour" }), { startImmediately: true })
        expect((yield* Fiber.join(client)).status).toBe(503)
        expect([quick.read.length, slow.read.length]).toEqual([1, 0])
        yield* slow.door.open
        expect((yield* Fiber.join(patient)).status).toBe(200)
        expect(listsOf(yield* Fiber.join(draining))).toEqual({
          completed: ["GET /slow"],
          failed: [],
          cancelled: ["GET /it"],
          abandoned: []
        })
      })
    )
  })

  it.live("a new request is refused and its handler never starts", () => {
    let started = 0
    const handler = Effect.sync(() => (started++, ok))
    return serving({ tasks: [], routes: route(handler) }, (site) =>
      Effect.gen(function* () {
        yield* site.drain()
        const answer = yield* site.get("/it")
        expect([answer.status, answer.headers.get("retry-after"), answer.json.reason.source]).toEqual([
          503,
          "5",
          "shutdown"
        ])
        expect(started).toBe(0)
      })
    )
  })

  it.live("one that does not end is given up on, named, and answered all the same", () => {
    const entered = Latch.makeUnsafe()
    const door = Latch.makeUnsafe()
    const mule = Effect.as(Effect.andThen(entered.open, Effect.uninterruptible(door.await)), ok)
    return serving({ tasks: [], routes: route(mule) }, (site) =>
      Effect.gen(function* () {
        const client = yield* asking(site)
        yield* entered.await
        const report = yield* site.drain({ giveUp: 30 })
        expect(report.abandoned).toEqual(["GET /it"])
        expect((yield* Fiber.join(client)).json.reason.source).toBe("shutdown")
        expect((yield* site.get("/tree")).json.stragglers).toMatchObject([{ name: "GET /it" }])
        yield* door.open
      })
    )
  })

  it.live("the drain waits for the clean-up of a handler whose client has left", () => {
    const entered = Latch.makeUnsafe()
    const cleaning = Latch.makeUnsafe()
    const door = Latch.makeUnsafe()
    let cleaned = false
    const handler = Effect.ensuring(
      Effect.andThen(entered.open, Effect.never),
      Effect.gen(function* () {
        yield* cleaning.open
        yield* door.await
        cleaned = true
      })
    )
    return serving({ tasks: [], routes: route(handler) }, (site) =>
      Effect.gen(function* () {
        const client = yield* asking(site)
        yield* entered.await
        yield* Fiber.interrupt(client)
        yield* cleaning.await
        const draining = yield* Effect.forkChild(site.drain(), { startImmediately: true })
        yield* Effect.sleep(5)
        expect(draining.pollUnsafe()).toBeUndefined()
        yield* door.open
        expect((yield* Fiber.join(draining)).cancelled).toEqual(["GET /it"])
        expect(cleaned).toBe(true)
      })
    )
  })

  it.live("a handler that drains its own server does not wait for itself", () => {
    let drain: Effect.Effect<DrainReport> = Effect.never
    const handler = Effect.suspend(() => Effect.as(drain, ok))
    return serving({ tasks: [], routes: route(handler) }, (site) =>
      Effect.gen(function* () {
        drain = site.drain({ finish: "1 hour" })
        const client = yield* asking(site)
        yield* until(() => client.pollUnsafe() !== undefined)
        expect((yield* Fiber.join(client)).text).toBe("ok")
      })
    )
  })

  it.live("a server that closes without a drain interrupts, and says so in a typed 503", () => {
    const { entered, handler, read } = waiting()
    return serving({ tasks: [], routes: route(handler), gracefulShutdownTimeout: "20 millis", drain: "none" }, (site) =>
      Effect.gen(function* () {
        const client = yield* asking(site)
        yield* entered.await
        const closing = yield* Effect.forkChild(site.close, { startImmediately: true })
        const answer = yield* Fiber.join(client)
        expect([answer.status, answer.headers.get("retry-after"), answer.json.reason.source]).toEqual([
          503,
          "5",
          "interrupt"
        ])
        expect(read).toEqual(["interrupt of GET /it"])
        yield* Fiber.join(closing)
      })
    )
  })
})
