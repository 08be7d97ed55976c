import { AgentCard, generateAgentCardSignature, verifyAgentCardSignature } from "@a2a-js/sdk"
import type * as A2A from "@a2a-js/sdk"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as Layer from "effect/Layer"
import { Tasks } from "../../../src/fibers/Tasks.ts"
import * as A2AServer from "../../../src/http/a2a/A2AServer.ts"
import * as Agent from "../../../src/http/a2a/Agent.ts"
import { OpenStreams } from "../../../src/http/OpenStreams.ts"
import { hosting, message, obedient } from "./hosting.ts"

const path = "/.well-known/agent-card.json"

describe("the card of an agent (over real sockets)", () => {
  it.live("is JSON of the protocol with every required field, kept for an hour, and not sent again unchanged", () =>
    hosting(obedient().agent, {}, (site) =>
      Effect.gen(function* () {
        const card = yield* site.get(path)
        expect([card.status, card.headers.get("content-type")]).toEqual([200, "application/json"])
        expect(card.headers.get("cache-control")).toBe("public, max-age=3600")
        const local = `http://localhost:${new URL(site.url).port}`
        expect(card.json).toMatchObject({
          name: "obedient",
          description: "Does as it is told",
          version: "1.0.0",
          supportedInterfaces: [
            { url: local, protocolBinding: "JSONRPC", protocolVersion: "1.0" },
            { url: local, protocolBinding: "HTTP+JSON", protocolVersion: "1.0" }
          ],
          capabilities: { streaming: true },
          defaultInputModes: ["text/plain"],
          defaultOutputModes: ["text/plain"],
          skills: [{ id: "obedient", name: "obedient", description: "Does as it is told", tags: [] }]
        })
        const etag = card.headers.get("etag")!
        expect(etag).toMatch(/^"[0-9a-f]{32}"$/)
        for (const given of [etag, `W/${etag}`, `"x", ${etag}`, "*"]) {
          const fresh = yield* site.get(path, { "if-none-match": given })
          expect([given, fresh.status, fresh.text, fresh.headers.get("etag")]).toEqual([given, 304, "", etag])
        }
        expect((yield* site.get(path, { "if-none-match": '"other"' })).status).toBe(200)
        const head = yield* site.request(path, { method: "HEAD" })
        expect([head.status, head.headers.get("etag"), head.text]).toEqual([200, etag, ""])
        // Whatever the version: it is by the card that a client finds out.
        expect((yield* site.get(path, { "a2a-version": "7.0" })).status).toBe(200)
      })
    )
  )

  it.live("may be signed, once; a second one is for those who ask", () =>
    Effect.gen(function* () {
      const keys = yield* Effect.promise(() =>
        crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign", "verify"])
      )
      const generate = generateAgentCardSignature(keys.privateKey, { alg: "ES256", kid: "k", typ: "JOSE" })
      let signed = 0
      const sign = (card: A2A.AgentCard) =>
        Effect.promise(() => {
          signed++
          return generate(card)
        })
      const extendedCard = () => Effect.succeed({ ...AgentCard.fromJSON({}), name: "more" })
      yield* hosting(obedient().agent, { sign, extendedCard }, (site) =>
        Effect.gen(function* () {
          const one = yield* site.get(path)
          expect(one.json.capabilities.extendedAgentCard).toBe(true)
          expect((yield* site.get(path)).text).toBe(one.text)
          expect(signed).toBe(1)
          const verify = verifyAgentCardSignature(() => Promise.resolve(keys.publicKey))
          yield* Effect.promise(() => verify(AgentCard.fromJSON(one.json)))
          expect((yield* site.get("/extendedAgentCard")).json).toMatchObject({ name: "more", signatures: [{}] })
          expect((yield* site.rpc("GetExtendedAgentCard")).json.result.name).toBe("more")
        })
      )
    })
  )

  it.live("and all else of it lies below its path: two agents share a server", () => {
    const poet = Agent.make("poet", { description: "Verses", run: () => Effect.succeed("a verse") })
    const routes = A2AServer.routes(poet, { url: "https://agents.example.com/deep/poet/", path: "/poet/" })
    return hosting(obedient().agent, { routes }, (site) =>
      Effect.gen(function* () {
        const card = yield* site.get(`/poet${path}`)
        expect(card.json.supportedInterfaces[0].url).toBe("https://agents.example.com/deep/poet/")
        const body = { jsonrpc: "2.0", id: 1, method: "SendMessage", params: message("go") }
        for (const at of ["/poet", "/poet/"]) {
          expect((yield* site.post(at, body)).json.result.task.artifacts[0].parts[0].text).toBe("a verse")
        }
        const { id } = (yield* site.post("/poet/acme/message:send", message("go"))).json.task
        expect((yield* site.get(`/poet/acme/tasks/${id}`)).status).toBe(200)
        // One agent does not know the tasks of the other.
        expect((yield* site.get(`/acme/tasks/${id}`)).status).toBe(404)
        expect((yield* site.get("/poet/tasks")).json.totalSize).toBe(2)
        const wrong = yield* site.get(`/poet/acme/tasks/${id}:cancel`)
        expect([wrong.status, wrong.headers.get("allow")]).toEqual([405, "POST"])
        expect((yield* site.get("/tasks")).json.totalSize).toBe(0)
        expect(
          (yield* site.post("/", { ...body, params: message("echo me") })).json.result.task.artifacts[0].parts[0].text
        ).toBe("me")
      })
    )
  })

  it.effect("a setting that is none is refused where the server is built", () =>
    Effect.gen(function* () {
      for (const [options, field] of [
        [{ url: "agents.example.com" }, "url"],
        [{ url: "ftp://agents.example.com" }, "url"],
        [{ url: "https://agents.example.com", path: "poet" }, "path"],
        [{}, "url"],
        [{ url: "https://agents.example.com", history: NaN }, "history"],
        [{ url: "https://agents.example.com", history: 0 }, "history"],
        [{ url: "https://agents.example.com", history: 1.5 }, "history"],
        [{ url: "https://agents.example.com", cardMaxAge: -5 }, "cardMaxAge"]
      ] as const) {
        const built = HttpRouter.toHttpEffect(
          A2AServer.routes(obedient().agent, options).pipe(Layer.provide([OpenStreams.layer(), Tasks.layer()]))
        )
        const exit = yield* Effect.exit(Effect.scoped(built))
        expect(JSON.stringify(exit)).toContain("Die")
        expect([options, String(exit)]).toEqual([options, expect.stringMatching(`${field}(?:: | must be)`)])
      }
    })
  )
})
