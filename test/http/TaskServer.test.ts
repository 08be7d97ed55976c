import { describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerError from "effect/http/HttpServerError"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { Tasks } from "../../src/fibers/Tasks.ts"
import type { OpenStreams } from "../../src/http/OpenStreams.ts"
import * as TaskDefinition from "../../src/http/TaskDefinition.ts"
import * as TaskServer from "../../src/http/TaskServer.ts"
import { names } from "./follow.ts"
import { Break, breaks, count, print, stubborn, wait } from "./probes.ts"
import { serving } from "./serving.ts"

describe("TaskServer", () => {
  it.live(
    "S1-09: a typed failure is the failed event and outcome, encoded by its schema; the start was still 202",
    () =>
      serving({ tasks: [print] }, (site) =>
        Effect.gen(function* () {
          expect((yield* site.post("/tasks/print?id=p")).status).toBe(202)
          const events = yield* (yield* site.follow("p")).ended
          expect(names(events)).toEqual(["started", "failed"])
          expect(events[1]!.data).toMatchObject({ error: { _tag: "OutOfPaper", tray: 2 }, cleanupFailures: 0 })
          expect((yield* site.get("/tasks/p")).json).toMatchObject({
            state: "failed",
            outcome: { _tag: "Failed", error: { _tag: "OutOfPaper", tray: 2 } }
          })
          expect(site.log.filter((line) => line.includes("level=ERROR"))).toEqual([])
        })
      )
  )

  it.live("S1-05: a defect is a failed outcome without internals for the client, and its cause is in the log", () =>
    serving({ tasks: [breaks, count] }, (site) =>
      Effect.gen(function* () {
        yield* site.post("/tasks/break?id=b")
        const client = yield* site.follow("b")
        const events = yield* client.ended
        expect(names(events)).toEqual(["started", "failed"])
        expect(events[1]!.data.error).toEqual({ title: "Internal error" })
        const view = yield* site.get("/tasks/b")
        expect(view.json.outcome).toEqual({ _tag: "Failed", error: { title: "Internal error" } })
        const list = yield* site.get("/tasks")
        for (const text of [client.raw(), view.text, list.text]) expect(text).not.toContain("hunter2")
        const logged = site.log.filter((line) => line.includes("level=ERROR"))
        expect(logged).toHaveLength(1)
        expect(logged[0]).toMatch(/Task .*b.* of .*break.* failed with a defect/)
        expect(logged[0]).toContain("hunter2")
        expect((yield* site.post("/tasks/count", { to: 1 })).status).toBe(202)
      })
    )
  )

  it.live("an implementation that throws before it makes an effect is a defect of its task, not of the server", () =>
    serving({ tasks: [Break.of((): Effect.Effect<void> => thrown())] }, (site) =>
      Effect.gen(function* () {
        expect((yield* site.post("/tasks/break?id=b")).status).toBe(202)
        expect((yield* (yield* site.follow("b")).ended)[1]!.data.error).toEqual({ title: "Internal error" })
      })
    )
  )

  it.live("a value that its schema does not allow is a defect of the task that said it", () =>
    serving({ tasks: [Percent.of(({ say }, self) => says(say, self))] }, (site) =>
      Effect.gen(function* () {
        for (const say of ["progress", "output", "partial", "value", "error"] as const) {
          yield* site.post(`/tasks/percent?id=${say}`, { say })
          const last = (yield* (yield* site.follow(say)).ended).at(-1)!
          expect([say, last.event, last.data.error]).toEqual([say, "failed", { title: "Internal error" }])
        }
        yield* site.post("/tasks/percent?id=fine", { say: "nothing" })
        expect((yield* (yield* site.follow("fine")).ended).at(-1)!.data.value).toBe(100)
        expect(site.log.filter((line) => line.includes("level=ERROR"))).toHaveLength(5)
      })
    )
  )

  it.live("what is said later changes nothing of what was said before", () =>
    serving({ tasks: [Lines.of((_, self) => Effect.suspend(() => changing(self)))] }, (site) =>
      Effect.gen(function* () {
        yield* site.post("/tasks/lines?id=l")
        yield* site.tasks.await("l")
        const events = yield* (yield* site.follow("l")).ended
        expect(events.slice(1, 3).map(({ data }) => data.value)).toEqual([["a"], ["a", "b"]])
      })
    )
  )

  it.live("the services that implementations need come from where the layer is built", () =>
    Effect.gen(function* () {
      const whoami = Whoami.of(() => Effect.map(Name, (name) => `I am ${name}`))
      const routes: Layer.Layer<OpenStreams, never, Tasks | Name | HttpRouter.HttpRouter> = TaskServer.layer({
        tasks: [whoami]
      })
      const layer = Layer.provide(routes, [Layer.succeed(Name, "ann"), Tasks.layer()])
      const { dispose, handler } = HttpRouter.toWebHandler(layer, { disableLogger: true })
      const call = (path: string, init?: RequestInit) =>
        Effect.promise(() => handler(new Request(`http://x${path}`, init)))
      yield* call("/tasks/whoami?id=w", { method: "POST" })
      const events = yield* call("/tasks/w/events")
      expect(yield* Effect.promise(() => events.text())).toContain('"value":"I am ann"')
      yield* Effect.promise(dispose)
    })
  )

  it.live("other routes of the same router are left as they are, and may take the place of /health", () =>
    Effect.gen(function* () {
      const own = Layer.mergeAll(
        HttpRouter.add("GET", "/health", HttpServerResponse.text("fine")),
        HttpRouter.add("GET", "/tasks-page", HttpServerResponse.text("page")),
        HttpRouter.add("GET", "/teapot", Effect.die(HttpServerResponse.empty({ status: 418 }))),
        HttpRouter.add("GET", "/unread", unread)
      )
      const served = TaskServer.layer({ tasks: [wait], health: false })
      const layer = Layer.provide(Layer.merge(own, served), Tasks.layer())
      const { dispose, handler } = HttpRouter.toWebHandler(layer, { disableLogger: true })
      const status = (path: string) =>
        Effect.promise(async () => (await handler(new Request(`http://x${path}`))).status)
      const paths = ["/health", "/tasks-page", "/teapot", "/unread", "/tasks", "/ready"]
      expect(yield* Effect.all(paths.map(status))).toEqual([200, 200, 418, 400, 200, 404])
      yield* Effect.promise(dispose)
    })
  )

  it.live("two definitions of one name are refused when the server is built", () =>
    Effect.gen(function* () {
      const layer = TaskServer.layer({ tasks: [wait, count, wait] }).pipe(
        Layer.provide([HttpRouter.layer, Tasks.layer()])
      )
      const exit = yield* Effect.exit(Effect.scoped(Layer.build(layer)))
      expect(exit._tag === "Failure" && Cause.pretty(exit.cause)).toContain(
        'Two tasks are defined under the name "wait"'
      )
    })
  )

  it.live("whoever waits when the server stops reads why in a typed 503, not in an empty one", () => {
    const mule = stubborn()
    return serving({ tasks: [mule], drain: "none", gracefulShutdownTimeout: "50 millis" }, (site) =>
      Effect.gen(function* () {
        yield* site.post("/tasks/stubborn?id=mule", {})
        const waiting = yield* Effect.forkChild(site.post("/tasks/mule/cancel"), { startImmediately: true })
        const isAsked = Effect.map(site.get("/tasks/mule"), ({ json }) => json.state === "cancelling")
        while (!(yield* isAsked)) yield* Effect.sleep(1)
        const closing = yield* Effect.forkChild(site.close, { startImmediately: true })
        const answer = yield* Fiber.join(waiting)
        expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "5"])
        expect(answer.json).toMatchObject({ type: "urn:rescind:problem:draining", reason: { source: "interrupt" } })
        yield* mule.letGo
        yield* Fiber.join(closing)
      })
    )
  })
})

const thrown = (): never => {
  throw new Error("thrown")
}

/** Fails as a route does that cannot read its request. */
const unread = (request: HttpServerRequest.HttpServerRequest) =>
  Effect.fail(new HttpServerError.HttpServerError({ reason: new HttpServerError.RequestParseError({ request }) }))

const Whole = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 100 }))
const Percent = TaskDefinition.make("percent", {
  payload: Schema.Struct({ say: Schema.Literals(["progress", "output", "partial", "value", "error", "nothing"]) }),
  success: Whole,
  error: Whole,
  progress: Whole,
  output: Whole,
  partial: Whole
})

const says = (
  say: "progress" | "output" | "partial" | "value" | "error" | "nothing",
  self: TaskDefinition.Self<number, number, number>
): Effect.Effect<number, number> => {
  if (say === "error") return Effect.fail(101)
  if (say === "value" || say === "nothing") return Effect.succeed(say === "value" ? -1 : 100)
  return Effect.as(self[say](NaN), 1)
}

const Lines = TaskDefinition.make("lines", {
  success: Schema.Void,
  progress: Schema.mutable(Schema.Array(Schema.String))
})

const changing = (self: TaskDefinition.Self<Array<string>, never, never>): Effect.Effect<void> => {
  const lines = ["a"]
  return self
    .progress(lines)
    .pipe(
      Effect.andThen(Effect.sync(() => lines.push("b"))),
      Effect.andThen(Effect.suspend(() => self.progress(lines))),
      Effect.andThen(Effect.sync(() => lines.push("c")))
    )
}

class Name extends Context.Service<Name, string>()("test/Name") {}
const Whoami = TaskDefinition.make("whoami", { success: Schema.String })
