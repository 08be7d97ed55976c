import { describe, expect, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as A2AServer from "../../../src/http/a2a/A2AServer.ts"
import * as Agent from "../../../src/http/a2a/Agent.ts"
import * as AgentEngine from "../../../src/http/a2a/AgentEngine.ts"
import * as Card from "../../../src/http/a2a/Card.ts"
import { eventsOf, hosting, message, obedient, stateOf, streaming, version } from "./hosting.ts"

const rpc = (method: string, params: object, id: unknown = 1) => ({ jsonrpc: "2.0", id, method, params })

const cardOptions = {
  interfaces: ["JSONRPC", "HTTP+JSON"].map((protocolBinding) => ({ url: "http://agent.test/broken", protocolBinding }))
}

const one = (text: string) => text.includes("\n\n")

describe("streams of an agent (over real sockets)", () => {
  it.live("are events that no proxy keeps, under the id of the call, with a comment now and then", () =>
    hosting(obedient().agent, { heartbeat: "20 millis" }, (site) =>
      Effect.gen(function* () {
        const stream = yield* streaming(site.url, { body: rpc("SendStreamingMessage", message("hang"), 'a"b') })
        expect(stream.response.headers).toMatchObject({
          "content-type": "text/event-stream",
          "cache-control": "no-store",
          "x-accel-buffering": "no"
        })
        const text = yield* stream.until((text) => text.split(": ping\n\n").length > 2)
        const [first, second] = eventsOf(text)
        expect(first).toMatchObject({ jsonrpc: "2.0", id: 'a"b', result: { task: { status: {} } } })
        expect(second.result.statusUpdate.status.state).toBe("TASK_STATE_WORKING")
        yield* site.rpc("CancelTask", { id: first.result.task.id })
        const end = eventsOf(yield* stream.ended)
        expect(stateOf(end.at(-1).result.statusUpdate)).toBe("CANCELED")
      })
    )
  )

  it.live("of REST are the bare events, by POST, and by GET or POST of a task that runs", () =>
    hosting(obedient().agent, {}, (site) =>
      Effect.gen(function* () {
        const sent = yield* streaming(`${site.url}/message:stream`, { body: message("hang") })
        const [{ task }] = eventsOf(yield* sent.until(one))
        const got = yield* streaming(`${site.url}/tasks/${task.id}:subscribe`, { method: "GET" })
        const posted = yield* streaming(`${site.url}/tasks/${task.id}:subscribe`, {})
        for (const stream of [got, posted]) expect(eventsOf(yield* stream.until(one))[0].task.id).toBe(task.id)
        const head = yield* site.request(`/tasks/${task.id}:subscribe`, { method: "HEAD", headers: version })
        expect([head.status, head.headers.get("content-type")]).toEqual([200, "text/event-stream"])
        yield* site.post(`/tasks/${task.id}:cancel`, { metadata: { reason: "enough" } })
        for (const stream of [sent, got, posted]) {
          const { statusUpdate } = eventsOf(yield* stream.ended).at(-1)
          expect(stateOf(statusUpdate)).toBe("CANCELED")
          expect(statusUpdate.status.message.parts[0].text).toBe("enough")
        }
        const late = yield* site.get(`/tasks/${task.id}:subscribe`)
        expect([late.status, late.json.error.details[0].reason]).toEqual([400, "UNSUPPORTED_OPERATION"])
        yield* site.streams.awaitNone
      })
    )
  )

  it.live("that cannot begin are answered as any other error, and start nothing", () =>
    hosting(obedient().agent, { maxStreams: 1, maxRunning: 2 }, (site) =>
      Effect.gen(function* () {
        const invalid = yield* site.rpc("SendStreamingMessage", { message: { messageId: "m", parts: [] } })
        expect([invalid.status, invalid.json.error.code]).toEqual([200, -32602])
        expect(invalid.headers.get("content-type")).toBe("application/json")
        const open = yield* streaming(site.url, { body: rpc("SendStreamingMessage", message("hang")) })
        const [first] = eventsOf(yield* open.until(one))
        const over = yield* site.rpc("SendStreamingMessage", message("hang"))
        expect([over.status, over.json.error.code, over.headers.get("retry-after")]).toEqual([429, -32603, "5"])
        const rest = yield* site.post("/message:stream", message("hang"))
        expect([rest.status, rest.json.error]).toEqual([
          429,
          expect.objectContaining({ code: 429, status: "RESOURCE_EXHAUSTED" })
        ])
        expect((yield* site.get("/tasks")).json.totalSize).toBe(1)
        yield* site.rpc("CancelTask", { id: first.result.task.id })
      })
    )
  )

  it.live("over the bound of tasks: 429 with when to come back", () =>
    hosting(obedient().agent, { maxRunning: 1 }, (site) =>
      Effect.gen(function* () {
        const { id } = (yield* site.rpc("SendMessage", {
          ...message("hang"),
          configuration: { returnImmediately: true }
        })).json.result.task
        for (const answer of [
          yield* site.rpc("SendMessage", message("echo x")),
          yield* site.rpc("SendStreamingMessage", message("echo x"))
        ]) {
          expect([answer.status, answer.headers.get("retry-after"), answer.json.error.code]).toEqual([429, "1", -32603])
        }
        const rest = yield* site.post("/message:send", message("echo x"))
        expect([rest.status, rest.json.error.status]).toEqual([429, "RESOURCE_EXHAUSTED"])
        yield* site.rpc("CancelTask", { id })
      })
    )
  )

  it.live("get the end of their task when the server drains, and new messages are refused until it has closed", () =>
    hosting(obedient().agent, {}, (site) =>
      Effect.gen(function* () {
        const stream = yield* streaming(site.url, { body: rpc("SendStreamingMessage", message("hang")) })
        yield* stream.until(one)
        const waiting = yield* Effect.forkScoped(site.rpc("SendMessage", message("hang")), { startImmediately: true })
        yield* Effect.repeat(site.get("/tasks"), { until: ({ json }) => json.totalSize === 2 })
        const report = yield* site.drain()
        expect(report.cancelled).toHaveLength(2)
        const last = eventsOf(yield* stream.ended).at(-1).result.statusUpdate
        expect(stateOf(last)).toBe("CANCELED")
        expect(last.metadata.rescind.source).toBe("shutdown")
        expect(stateOf((yield* Fiber.join(waiting)).json.result.task)).toBe("CANCELED")
        for (const answer of [
          yield* site.rpc("SendMessage", message("echo x")),
          yield* site.rpc("SendStreamingMessage", message("echo x")),
          yield* site.post("/message:send", message("echo x"))
        ]) {
          expect(answer.status).toBe(503)
          expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0)
        }
        expect((yield* site.get("/ready")).status).toBe(503)
        expect((yield* site.get("/tasks")).status).toBe(200)
      })
    )
  )

  it.live("of an agent that goes by its clients: the last to leave stops it, a stream or whoever waits", () =>
    Effect.gen(function* () {
      for (const way of ["stream", "waits"] as const) {
        const { agent, stopped } = obedient({ onDisconnect: "cancel" })
        yield* hosting(agent, {}, (site) =>
          Effect.gen(function* () {
            const method = way === "stream" ? "SendStreamingMessage" : "SendMessage"
            const waiting = yield* Effect.forkScoped(
              streaming(site.url, { body: rpc(method, message("hang")) }).pipe(
                Effect.flatMap(() => Effect.never),
                Effect.scoped
              ),
              { startImmediately: true }
            )
            const running = yield* Effect.repeat(site.get("/tasks"), {
              until: ({ json }) => stateOf(json.tasks[0]) === "WORKING"
            })
            if (way === "stream") {
              // Another client follows: the first may go.
              const { id } = running.json.tasks[0]
              yield* Effect.scoped(
                Effect.gen(function* () {
                  const other = yield* streaming(`${site.url}/tasks/${id}:subscribe`, {})
                  yield* other.until(one)
                  yield* Fiber.interrupt(waiting)
                  const get = site.get(`/tasks/${id}`)
                  // The server has noticed.
                  yield* Effect.repeat(Effect.andThen(get, site.streams.count), { until: (count) => count === 1 })
                  expect(stateOf((yield* get).json)).toBe("WORKING")
                })
              )
            } else yield* Fiber.interrupt(waiting)
            yield* stopped
            const { json } = yield* Effect.repeat(site.get("/tasks"), {
              until: ({ json }) => stateOf(json.tasks[0]) === "CANCELED"
            })
            expect(json.tasks[0].metadata.rescind.source).toBe("disconnect")
          })
        )
      }
    })
  )

  it.live("of a client that reads nothing hold up nobody, and are cut when the server drains", () => {
    const go = Deferred.makeUnsafe<void>()
    const big = "x".repeat(100_000)
    const agent = Agent.make("flood", {
      description: "Says more than fits in between",
      run: () =>
        Stream.concat(
          Stream.fromEffect(Effect.as(Deferred.await(go), "begin")),
          Stream.map(Stream.range(1, 300), () => big)
        )
    })
    return hosting(agent, { history: 16 }, (site) =>
      Effect.gen(function* () {
        const stuck = yield* streaming(site.url, { body: rpc("SendStreamingMessage", message("go")) })
        const [first] = eventsOf(yield* stuck.until(one))
        stuck.response.pause()
        const { id } = first.result.task
        const reader = yield* streaming(`${site.url}/tasks/${id}:subscribe`, {})
        yield* Deferred.succeed(go, undefined)
        const events = eventsOf(yield* reader.ended)
        expect(stateOf((events.at(-1).statusUpdate ?? events.at(-1).task) as never)).toBe("COMPLETED")
        expect(yield* site.streams.count).toBe(1)
        yield* site.drain({ flush: 0 })
        yield* site.streams.awaitNone
      })
    )
  })

  it.live("that come to grief say so, as an event, and tell nothing of why", () => {
    const { agent } = obedient()
    // No engine of ours does that.
    const routes = Layer.unwrap(
      Effect.map(AgentEngine.make(agent, { card: Card.make(agent, cardOptions) }), (engine) => {
        const breaking = <A>(events: Stream.Stream<A>) => Stream.concat(Stream.take(events, 1), Stream.die("hunter2"))
        return A2AServer.mount(
          {
            ...engine,
            send: (request, call) =>
              Effect.map(engine.send(request, call), (sent) => ({ ...sent, events: breaking(sent.events) })),
            get: () => Effect.die("hunter2")
          },
          { path: "/broken" }
        )
      })
    )
    return hosting(agent, { routes }, (site) =>
      Effect.gen(function* () {
        const body = rpc("SendStreamingMessage", message("echo x"), 7)
        const byRpc = yield* (yield* streaming(`${site.url}/broken`, { body })).ended
        const error = byRpc.split("\n\n").at(-2)!
        expect(error).toMatch(/^event: error\ndata: /)
        expect(eventsOf(error)).toMatchObject([{ jsonrpc: "2.0", id: 7, error: { code: -32603 } }])
        const byRest = yield* (yield* streaming(`${site.url}/broken/message:stream`, { body: message("echo x") })).ended
        expect(eventsOf(byRest).at(-1)).toMatchObject({ error: { code: 500, status: "INTERNAL" } })
        // Before any event, as anywhere else.
        const unary = yield* site.post("/broken", rpc("GetTask", { id: "x" }))
        expect([unary.status, unary.json.error.code]).toEqual([200, -32603])
        expect((yield* site.get("/broken/tasks/x")).status).toBe(500)
        for (const text of [byRpc, byRest, unary.text]) expect(text).not.toContain("hunter2")
        expect(site.log.filter((line) => line.includes("level=ERROR") && line.includes("hunter2"))).toHaveLength(4)
      })
    )
  })

  it.live("and answers tell the extensions that were used", () =>
    hosting(obedient().agent, {}, (site) =>
      Effect.gen(function* () {
        const uri = "https://example.com/ext"
        const asked = { "a2a-extensions": `${uri}, https://example.com/unknown` }
        for (const answer of [
          yield* site.rpc("SendMessage", message(`extend ${uri}`), asked),
          yield* site.post("/message:send", message(`extend ${uri}`), asked)
        ]) {
          expect(answer.headers.get("a2a-extensions")).toBe(uri)
        }
        expect((yield* site.rpc("SendMessage", message("echo x"), asked)).headers.get("a2a-extensions")).toBe(null)
      })
    )
  )
})
