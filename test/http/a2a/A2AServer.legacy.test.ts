import { ClientFactory, DefaultAgentCardResolver, JsonRpcTransportFactory } from "@a2a-js/sdk/client"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as A2AServer from "../../../src/http/a2a/A2AServer.ts"
import * as AgentEngine from "../../../src/http/a2a/AgentEngine.ts"
import * as Card from "../../../src/http/a2a/Card.ts"
import { requestOf, wordOf } from "./engines.ts"
import { eventsOf, hosting, message, obedient, stateOf, streaming } from "./hosting.ts"

const old = { "a2a-version": "" }

const said = (text: string, fields?: object) => ({
  message: { kind: "message", messageId: crypto.randomUUID(), role: "user", parts: [{ kind: "text", text }], ...fields }
})

const call = (method: string, params: unknown) => ({ jsonrpc: "2.0", id: 1, method, params })

describe("clients of A2A 0.3 (over real sockets)", () => {
  it.live("are told that they are too old, with what there is, by the header or by the query", () =>
    hosting(obedient().agent, {}, (site) =>
      Effect.gen(function* () {
        for (const version of ["", "0.3", "2.0", "1", "x"]) {
          const answer = yield* site.rpc("ListTasks", {}, { "a2a-version": version })
          expect([version, answer.status, answer.json.error.code]).toEqual([version, 200, -32009])
          expect(answer.json.error.message).toContain("1.0")
          const rest = yield* site.get("/tasks", { "a2a-version": version })
          expect([version, rest.status, rest.json.error.details[0].reason]).toEqual([
            version,
            400,
            "VERSION_NOT_SUPPORTED"
          ])
        }
        for (const version of ["1.0", "1.0.7", " 1.0 "]) {
          expect((yield* site.rpc("ListTasks", {}, { "a2a-version": version })).json.result.tasks).toEqual([])
        }
        const without = (path: string) => site.request(path, {})
        expect((yield* without("/tasks?A2A-Version=1.0")).status).toBe(200)
        expect((yield* without("/tasks?a2a-version=1.0.1&pageSize=1")).status).toBe(200)
        expect((yield* without("/tasks?A2A-Version=0.3")).status).toBe(400)
        expect((yield* without("/tasks")).status).toBe(400)
        // The header is what counts.
        expect((yield* site.get("/tasks?A2A-Version=0.3")).status).toBe(200)
        const posted = yield* site.request("/?A2A-Version=1.0", {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify(call("ListTasks", {}))
        })
        expect(posted.json.result.tasks).toEqual([])
      })
    )
  )

  it.live("are told so too where the card offers what the server was not told to serve", () => {
    const { agent } = obedient()
    const url = "http://agent.test/other"
    const older = { url, protocolBinding: "JSONRPC", protocolVersion: "0.3" }
    const routes = Layer.unwrap(
      Effect.map(AgentEngine.make(agent, { card: Card.make(agent, { interfaces: [url, older] }) }), (engine) =>
        A2AServer.mount(engine, { path: "/other" })
      )
    )
    return hosting(agent, { routes }, (site) =>
      Effect.gen(function* () {
        const answer = yield* site.post("/other", call("message/send", said("echo x")), old)
        expect([answer.status, answer.json.error.code]).toEqual([200, -32009])
        expect((yield* site.post("/other", call("ListTasks", {}))).json.result.tasks).toEqual([])
        // Nor is there what the card does not offer.
        expect((yield* site.get("/other/acme/tasks")).status).toBe(404)
      })
    )
  })

  it.live("S2x-10: are served beside others if the server says so, in their own words", () =>
    hosting(obedient().agent, { legacy: true }, (site) =>
      Effect.gen(function* () {
        const sent = (yield* site.post("/", call("message/send", said("echo hello")), old)).json.result
        expect(sent).toMatchObject({
          kind: "task",
          status: { state: "completed" },
          artifacts: [{ parts: [{ kind: "text", text: "hello" }] }]
        })
        const read = (yield* site.post("/", call("tasks/get", { id: sent.id }), old)).json.result
        expect(read).toMatchObject({ id: sent.id, kind: "task" })
        expect((yield* site.rpc("GetTask", { id: sent.id })).json.result.id).toBe(sent.id)
        const again = yield* site.post("/", call("tasks/cancel", { id: sent.id }), old)
        expect(again.json.error.code).toBe(-32002)
        expect((yield* site.post("/", call("tasks/get", { id: "ghost" }), old)).json.error.code).toBe(-32001)
        expect((yield* site.post("/", call("tasks/nonsense", {}), old)).json.error.code).toBe(-32601)
        expect((yield* site.post("/", call("message/send", {}), old)).json.error.code).toBe(-32602)
        expect((yield* site.post("/", "{", old)).json.error.code).toBe(-32700)
        expect((yield* site.post("/", [], old)).json.error.code).toBe(-32600)
        const late = yield* site.post("/", call("tasks/resubscribe", { id: sent.id }), old)
        expect([late.headers.get("content-type"), late.json.error.code]).toEqual(["application/json", -32004])
        // What is not JSON-RPC is of 1.0 alone.
        expect((yield* site.get("/tasks", old)).status).toBe(400)
      })
    )
  )

  it.live("read a stream to its end, and leave it as others do", () =>
    hosting(obedient({ onDisconnect: "cancel" }).agent, { legacy: true }, (site) =>
      Effect.gen(function* () {
        const body = call("message/stream", said("hang"))
        const stream = yield* streaming(site.url, { body, headers: old })
        expect(stream.response.headers["content-type"]).toBe("text/event-stream")
        const [first] = eventsOf(yield* stream.until((text) => text.includes("\n\n")))
        expect(first).toMatchObject({ jsonrpc: "2.0", id: 1, result: { kind: "task" } })
        const { id } = first.result
        const other = yield* streaming(site.url, { body: call("tasks/resubscribe", { id }), headers: old })
        yield* other.until((text) => text.includes("\n\n"))
        yield* site.post("/", call("tasks/cancel", { id }), old)
        for (const one of [stream, other]) {
          expect(eventsOf(yield* one.ended).at(-1).result).toMatchObject({
            kind: "status-update",
            final: true,
            status: { state: "canceled" }
          })
        }
        // The last that follows it, by a stream that is silent: its leaving is noticed at once.
        const last = yield* streaming(site.url, { body: call("message/stream", said("hang")), headers: old })
        const [begun] = eventsOf(yield* last.until((text) => text.split("\n\n").length > 2))
        yield* last.leave
        yield* Effect.repeat(site.rpc("GetTask", { id: begun.result.id }), {
          until: ({ json }) => stateOf(json.result) === "CANCELED"
        })
        yield* site.streams.awaitNone
      })
    )
  )

  it.live("are stopped with the wait for an answer when they leave, where the agent goes by its clients", () => {
    const { agent, stopped } = obedient({ onDisconnect: "cancel" })
    return hosting(agent, { legacy: true }, (site) =>
      Effect.gen(function* () {
        const body = call("message/send", said("hang"))
        yield* Effect.raceFirst(
          Effect.scoped(streaming(site.url, { body, headers: old })),
          Effect.repeat(site.get("/tasks"), { until: ({ json }) => stateOf(json.tasks[0]) === "WORKING" })
        )
        yield* stopped
      })
    )
  })

  it.live("find a card of theirs where others find another, and caches tell them apart", () =>
    hosting(obedient().agent, { legacy: true }, (site) =>
      Effect.gen(function* () {
        const path = "/.well-known/agent-card.json"
        const theirs = yield* site.request(path, {})
        expect(theirs.headers.get("vary")).toBe("A2A-Version")
        expect(theirs.json).toMatchObject({
          name: "obedient",
          protocolVersion: "0.3",
          preferredTransport: "JSONRPC",
          url: expect.stringMatching(/^http:/),
          supportedInterfaces: [{}, {}, {}]
        })
        const others = yield* site.get(path)
        expect(others.headers.get("vary")).toBe("A2A-Version")
        expect(others.json.protocolVersion).toBe(undefined)
        expect(others.headers.get("etag")).not.toBe(theirs.headers.get("etag"))
        const fresh = yield* site.request(path, { headers: { "if-none-match": theirs.headers.get("etag")! } })
        expect(fresh.status).toBe(304)
      })
    )
  )

  it.live("the SDK's client that speaks both works with either", () =>
    hosting(obedient().agent, { legacy: true }, (site) =>
      Effect.gen(function* () {
        const legacyCompat = { enabled: true }
        const factory = new ClientFactory({
          transports: [new JsonRpcTransportFactory({ legacyCompat })],
          cardResolver: new DefaultAgentCardResolver({ legacyCompat })
        })
        const card = (yield* site.request("/.well-known/agent-card.json", {})).json
        delete card.supportedInterfaces
        const client = yield* Effect.promise(() => factory.createFromAgentCard(card))
        expect(client.protocolVersion).toMatch(/^0\.3/)
        const words: Array<string> = []
        yield* Effect.promise(async () => {
          for await (const event of client.sendMessageStream(requestOf("stream 2"))) words.push(wordOf(event))
        })
        expect(words).toEqual(["SUBMITTED", "WORKING", "=0 ", "+1 ", "COMPLETED"])
        expect((yield* site.rpc("SendMessage", message("echo x"))).json.result.task.status.state).toBe(
          "TASK_STATE_COMPLETED"
        )
      })
    )
  )
})
