import { describe, expect, it } from "@effect/vitest"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerRespondable from "effect/http/HttpServerRespondable"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Deadline from "../../src/combinators/Deadline.ts"
import * as CancelReason from "../../src/fibers/CancelReason.ts"
import { InvalidDuration } from "../../src/fibers/CancelPolicy.ts"
import * as Nursery from "../../src/fibers/Nursery.ts"
import * as Task from "../../src/fibers/Task.ts"
import * as TaskTree from "../../src/fibers/TaskTree.ts"
import * as CancelMiddleware from "../../src/http/CancelMiddleware.ts"
import type { Options } from "../../src/http/RunningHandlers.ts"
import { asking, ok, raw, route, textOf, until } from "./handlers.ts"
import { serving } from "./serving.ts"

/** Reads the reason in every way there is, all over a handler that waits for ever. */
const readers = () => {
  const read: Array<string> = []
  const reading = (who: string) =>
    Effect.map(CancelReason.current, (reason) =>
      read.push(`${who}: ${Option.match(reason, { onNone: () => "none", onSome: textOf })}`)
    )
  const waiting = (who: string) => Effect.onInterrupt(Effect.never, () => reading(who))
  const entered = Latch.makeUnsafe()
  const handler = Effect.gen(function* () {
    yield* Task.onCancel((reason) => Effect.sync(() => read.push(`onCancel: ${textOf(reason)}`)))
    yield* Effect.addFinalizer(() => reading("scope"))
    yield* Effect.forkChild(waiting("fork"), { startImmediately: true })
    return yield* Effect.onInterrupt(
      Nursery.run("below", (nursery) =>
        Effect.gen(function* () {
          yield* nursery.spawn("child", waiting("child"))
          yield* Effect.sleep(1)
          yield* entered.open
          yield* Effect.race(waiting("left"), waiting("right"))
          return ok
        })
      ),
      () => reading("handler")
    )
  })
  return { read, entered, handler }
}

const everywhere = (said: string) =>
  ["child", "fork", "handler", "left", "onCancel", "right", "scope"].map((who) => `${who}: ${said}`)

describe("CancelMiddleware", () => {
  it.live("a client that leaves cancels the handler, and all below it read why", () => {
    const { entered, handler, read } = readers()
    return serving({ tasks: [], routes: route(handler) }, (site) =>
      Effect.gen(function* () {
        const client = yield* asking(site)
        yield* entered.await
        yield* Fiber.interrupt(client)
        yield* until(() => read.length === 7)
        expect(read.toSorted()).toEqual(everywhere("disconnect of GET /it by 127.0.0.1"))
      })
    )
  })

  it.live("a budget that has passed cancels it with timeout, and the client is told in a 504", () => {
    const { handler, read } = readers()
    return serving({ tasks: [], routes: route(handler) }, (site) =>
      Effect.gen(function* () {
        const answer = yield* site.get("/it", { "deadline-ms": "250" })
        expect(read.toSorted()).toEqual(everywhere("timeout of GET /it by deadline-ms"))
        expect([answer.status, answer.headers.get("content-type")]).toEqual([504, "application/problem+json"])
        expect(answer.json).toMatchObject({
          type: "urn:rescind:problem:deadline-passed",
          status: 504,
          reason: { source: "timeout", scope: "GET /it", by: "deadline-ms", message: "The limit of 250ms passed" }
        })
      })
    )
  })

  it.live("clean-up runs to its end though the client is gone, and the tree and the server wait for it", () => {
    const entered = Latch.makeUnsafe()
    const door = Latch.makeUnsafe()
    let cleaned = false
    const handler = Effect.ensuring(
      Effect.andThen(entered.open, Effect.never),
      Effect.andThen(
        door.await,
        Effect.sync(() => (cleaned = true))
      )
    )
    return serving({ tasks: [], routes: route(handler) }, (site) =>
      Effect.gen(function* () {
        const client = yield* asking(site)
        yield* entered.await
        yield* Fiber.interrupt(client)
        const tree = Effect.map(site.get("/tree", { accept: "text/plain" }), ({ text }) => text)
        while (!(yield* tree).includes("cancelling")) yield* Effect.sleep(1)
        expect(yield* tree).toMatch(/GET \/it .*cancelling.*disconnect/)
        expect([yield* site.handlers.count, cleaned]).toEqual([1, false])
        yield* door.open
        yield* until(() => cleaned)
      })
    )
  })

  it.live("a handler is told how long it has, and a limit of the server is only shortened by the caller", () => {
    const left = Effect.map(Deadline.remaining, (left) =>
      HttpServerResponse.jsonUnsafe(Option.match(left, { onNone: () => -1, onSome: Duration.toMillis }))
    )
    return serving({ tasks: [], routes: route(left, { limit: "1 minute" }) }, (site) =>
      Effect.gen(function* () {
        const told = (headers?: Record<string, string>) =>
          Effect.map(site.get("/it", headers), ({ json }) => json as number)
        expect(yield* told()).toBeGreaterThan(50_000)
        expect(yield* told({ "deadline-ms": "120000" })).toBeGreaterThan(50_000)
        expect(yield* told({ "deadline-ms": "120000" })).toBeLessThanOrEqual(60_000)
        expect(yield* told({ "deadline-ms": "5000" })).toBeLessThanOrEqual(5000)
      })
    )
  })

  it.live("a budget of zero, and one that is malformed, never start the handler", () => {
    let started = 0
    const handler = Effect.sync(() => (started++, ok))
    return serving({ tasks: [], routes: route(handler) }, (site) =>
      Effect.gen(function* () {
        const spent = yield* site.get("/it", { "deadline-ms": "0" })
        expect([spent.status, spent.json.reason.source, spent.json.reason.by]).toEqual([504, "timeout", "deadline-ms"])
        for (const said of ["-1", "1.5", "1e9", "NaN", "2147483648", "9".repeat(5000)]) {
          const answer = yield* site.get("/it", { "deadline-ms": said })
          expect([said, answer.status, answer.json.errors[0]]).toMatchObject([
            said,
            400,
            { in: "header", field: "deadline-ms" }
          ])
        }
        const twice = yield* raw(
          site,
          "GET /it HTTP/1.1\r\nhost: x\r\ndeadline-ms: 50\r\ndeadline-ms: 60\r\nconnection: close\r\n\r\n"
        )
        expect(twice).toMatch(/^HTTP\/1.1 400 [\s\S]*deadline-ms/)
        expect(started).toBe(0)
        expect((yield* site.get("/it")).text).toBe("ok")
      })
    )
  })

  it.live("in the grace a handler may still answer; with giveUp the client is answered though clean-up hangs", () => {
    const graceful = Effect.as(Task.awaitRequest, ok)
    const door = Latch.makeUnsafe()
    const stubborn = Effect.uninterruptible(Effect.as(door.await, ok))
    const routes = Layer.merge(
      route(graceful, { grace: "1 minute" }),
      HttpRouter.add("GET", "/mule", stubborn).pipe(Layer.provide(CancelMiddleware.layer({ giveUp: 20 })))
    )
    expect(() => CancelMiddleware.layer({ grace: NaN })).toThrow(InvalidDuration)
    return serving({ tasks: [], routes }, (site) =>
      Effect.gen(function* () {
        const answer = yield* site.get("/it", { "deadline-ms": "20" })
        expect([answer.status, answer.text]).toEqual([200, "ok"])
        const mule = yield* site.get("/mule", { "deadline-ms": "20" })
        expect([mule.status, mule.json.reason.source]).toEqual([504, "timeout"])
        expect((yield* site.get("/tree")).json.stragglers).toMatchObject([{ name: "GET /mule" }])
        yield* door.open
      })
    )
  })

  it.live("a route that is not to be interrupted reads the reason and runs to its answer", () => {
    const entered = Latch.makeUnsafe()
    const door = Latch.makeUnsafe()
    let end = ""
    const handler = Effect.gen(function* () {
      yield* entered.open
      const reason = yield* Task.awaitRequest
      yield* door.await
      end = textOf(reason)
      return ok
    })
    const routes = HttpRouter.add("GET", "/it", handler, { uninterruptible: true }).pipe(
      Layer.provide(CancelMiddleware.layer())
    )
    return serving({ tasks: [], routes }, (site) =>
      Effect.gen(function* () {
        const client = yield* asking(site, { "deadline-ms": "20" })
        yield* entered.await
        yield* Effect.sleep(40)
        expect(client.pollUnsafe()).toBeUndefined()
        yield* door.open
        expect((yield* Fiber.join(client)).text).toBe("ok")
        expect(end).toBe("timeout of GET /it by deadline-ms")
      })
    )
  })

  it.live(
    "the name in the tree is the route, without what the client wrote into the path, or what is asked for",
    () => {
      const named = (options?: Options) => {
        const handler = Effect.map(TaskTree.snapshot, (tree) => HttpServerResponse.text(TaskTree.toText(tree)))
        return HttpRouter.add("POST", "/orders/:secret", handler).pipe(Layer.provide(CancelMiddleware.layer(options)))
      }
      const told = (routes: Layer.Layer<never, never, HttpRouter.HttpRouter>) => {
        let text = ""
        return Effect.map(
          serving({ tasks: [], routes }, (site) =>
            Effect.map(site.post("/orders/hunter2?token=hunter3"), (answer) => {
              text = answer.text
            })
          ),
          () => text
        )
      }
      return Effect.gen(function* () {
        const byRoute = yield* told(named())
        expect(byRoute).toContain("POST /orders/:secret")
        expect(byRoute).not.toContain("hunter")
        expect(yield* told(named({ name: ({ method }) => `an order by ${method}` }))).toContain("an order by POST")
      })
    }
  )

  describe("what ends inside", () => {
    const cancelled = (reason: CancelReason.Draft) =>
      Nursery.run("below", (nursery) =>
        Effect.gen(function* () {
          const task = yield* nursery.spawn("child", Effect.never)
          yield* Task.cancel(task, { reason })
          return yield* Task.join(task)
        })
      )
    const interrupted = Effect.gen(function* () {
      const fiber = yield* Effect.forkChild(Effect.never)
      yield* Fiber.interrupt(fiber)
      return yield* Fiber.join(fiber)
    })
    const ends: ReadonlyArray<readonly [string, Effect.Effect<any, any, any>, number, string]> = [
      ["a joined task that somebody cancelled", cancelled(CancelReason.request({ by: "ann" })), 409, "request"],
      ["a joined task whose run was replaced", cancelled(CancelReason.superseded()), 409, "superseded"],
      ["a joined task whose own client left", cancelled(CancelReason.disconnect()), 409, "disconnect"],
      ["a joined task that a watchdog stopped", cancelled(CancelReason.watchdog()), 500, "watchdog"],
      ["a deadline of its own", Deadline.run(Effect.never, 5), 504, "timeout"],
      [
        "a nursery that was cancelled",
        Nursery.run("below", (nursery) => Effect.andThen(nursery.cancel(), Effect.never)),
        409,
        "request"
      ],
      ["a joined fiber that was interrupted", interrupted, 500, "interrupt"],
      ["an interrupt of itself", Effect.interrupt, 500, "interrupt"]
    ]
    for (const [what, handler, status, source] of ends) {
      it.live(`${what} is answered with ${status} and the reason, not with an empty 503`, () =>
        serving({ tasks: [], routes: route(handler) }, (site) =>
          Effect.gen(function* () {
            const answer = yield* site.get("/it")
            expect([answer.status, answer.json?.status, answer.json?.reason?.source]).toEqual([status, status, source])
          })
        )
      )
    }

    it.live("failures, defects and responses that are thrown stay what they are", () => {
      class Teapot extends Data.TaggedError("Teapot") {
        [HttpServerRespondable.symbol]() {
          return Effect.succeed(HttpServerResponse.text("short and stout", { status: 418 }))
        }
      }
      const handler = Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ headers }) => {
        if (headers["how"] === "fail") return Effect.fail(new Teapot())
        return headers["how"] === "die"
          ? Effect.die(new Error("secret"))
          : Effect.die(HttpServerResponse.text("thrown", { status: 202 }))
      })
      return serving({ tasks: [], routes: route(handler) }, (site) =>
        Effect.gen(function* () {
          const answers = yield* Effect.forEach(["fail", "die", "throw"], (how) => site.get("/it", { how }))
          expect(answers.map(({ status, text }) => [status, text])).toEqual([
            [418, "short and stout"],
            [500, ""],
            [202, "thrown"]
          ])
        })
      )
    })
  })
})
