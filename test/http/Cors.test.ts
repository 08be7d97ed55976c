import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Headers from "effect/http/Headers"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as BearerTokens from "../../src/http/BearerTokens.ts"
import * as Cors from "../../src/http/Cors.ts"
import * as TaskDefinition from "../../src/http/TaskDefinition.ts"
import { count, wait } from "./probes.ts"
import { serving, type Site } from "./serving.ts"

const app = { origin: "https://app.example" }
const admin = { origin: "http://localhost:5173" }
const evil = { origin: "https://evil.example" }

const cors = { origins: [app.origin, admin.origin] }

const corsHeaders = (headers: globalThis.Headers) =>
  Object.fromEntries([...headers].filter(([name]) => name.startsWith("access-control-") || name === "vary"))

const options = (site: Site, path: string, headers: Record<string, string>) =>
  site.request(path, { method: "OPTIONS", headers })

const ask = { "access-control-request-method": "POST", "access-control-request-headers": "content-type" }

describe("Cors", () => {
  it.live("by default no answer may be read by a page of another origin, and no preflight is passed", () =>
    serving({ tasks: [wait, count] }, (site) =>
      Effect.gen(function* () {
        yield* site.post("/tasks/count?id=c", { to: 1 })
        yield* site.tasks.await("c")
        for (const path of ["/tasks", "/tasks/c", "/tree", "/openapi.json", "/docs", "/tasks/none", "/none"]) {
          expect([path, corsHeaders((yield* site.get(path, evil)).headers)]).toEqual([path, {}])
        }
        const preflight = yield* options(site, "/tasks/wait", { ...evil, ...ask })
        expect([preflight.status, corsHeaders(preflight.headers)]).toEqual([405, {}])
        for (const path of ["/tasks/wait", "/tasks/c/cancel"]) {
          const refused = yield* site.post(path, {}, evil)
          expect([refused.status, refused.json.type]).toEqual([403, "urn:rescind:problem:foreign-origin"])
          expect(corsHeaders(refused.headers)).toEqual({})
        }
      })
    )
  )

  it.live("probes are not for pages: what /health and /ready answer, not even a listed origin reads", () =>
    serving({ tasks: [wait], cors }, (site) =>
      Effect.gen(function* () {
        for (const path of ["/health", "/ready"]) {
          const { headers, status } = yield* site.get(path, app)
          expect([path, status, corsHeaders(headers)]).toEqual([path, 200, {}])
        }
        expect(corsHeaders((yield* site.get("/tasks", app)).headers)).not.toEqual({})
      })
    )
  )

  it.live("a page of a listed origin reads every answer: values, problems, streams and those without a body", () =>
    serving({ tasks: [wait, count], cors }, (site) =>
      Effect.gen(function* () {
        const started = yield* site.post("/tasks/count?id=c", { to: 1 }, app)
        expect(started.status).toBe(202)
        yield* site.tasks.await("c")
        yield* site.post("/tasks/wait?id=w", {})
        const answers = [
          started,
          yield* site.get("/tasks", app),
          yield* site.get("/tasks/c", app),
          yield* site.get("/tasks/c/events", app),
          yield* site.get("/tasks/c/events", { ...app, "last-event-id": "1-9" }),
          yield* site.request("/tasks/w/events", { method: "HEAD", headers: app }),
          yield* site.get("/tree", app),
          yield* site.get("/openapi.json", app),
          yield* site.get("/tasks/none", app),
          yield* site.get("/nothing", app),
          yield* site.get("/tasks/c/cancel", app),
          yield* site.post("/tasks/count", { to: "x" }, app),
          yield* site.post("/tasks/w/cancel", {}, app)
        ]
        expect(answers.map(({ status }) => status)).toEqual([
          202, 200, 200, 200, 204, 200, 200, 200, 404, 404, 405, 400, 200
        ])
        for (const { headers } of answers) {
          expect(corsHeaders(headers)).toEqual({
            "access-control-allow-origin": app.origin,
            "access-control-expose-headers": expect.stringContaining("location"),
            vary: "Origin"
          })
        }
      })
    )
  )

  it.live(
    "an event stream that is open is read by such a page alone; another is refused, and counts as no client",
    () =>
      serving({ tasks: [leashed], cors }, (site) =>
        Effect.gen(function* () {
          yield* site.post("/tasks/leashed?id=l", {})
          for (const headers of [
            evil,
            { origin: "null" },
            // What the tags and links of a foreign page ask for.
            { "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors" },
            { "sec-fetch-site": "same-site", "sec-fetch-mode": "navigate" }
          ]) {
            const head = yield* site.request("/tasks/l/events", { method: "HEAD", headers })
            expect([headers, head.status]).toEqual([headers, 403])
            const refused = yield* site.get("/tasks/l/events", headers)
            expect([headers, refused.status]).toEqual([headers, 403])
            expect(corsHeaders(refused.headers)).toEqual({ vary: "Origin" })
          }
          expect((yield* site.get("/tasks/l")).json.state).toBe("running")
          const controller = new AbortController()
          const stream = yield* Effect.promise(() =>
            fetch(`${site.url}/tasks/l/events`, {
              headers: { ...app, "sec-fetch-site": "cross-site" },
              signal: controller.signal
            })
          )
          expect([stream.status, corsHeaders(stream.headers)]).toEqual([
            200,
            expect.objectContaining({ "access-control-allow-origin": app.origin, vary: "Origin" })
          ])
          controller.abort()
          yield* site.tasks.await("l")
        })
      )
  )

  it.live("a stranger gets no header but Vary, so that no cache hands it what others got", () =>
    serving({ tasks: [wait], cors: { ...cors, credentials: true } }, (site) =>
      Effect.gen(function* () {
        for (const origin of [
          evil.origin,
          "null",
          "https://app.example.evil.example",
          "http://app.example",
          "https://APP.example"
        ]) {
          const read = yield* site.get("/tasks", { origin })
          expect([origin, read.status, corsHeaders(read.headers)]).toEqual([origin, 200, { vary: "Origin" }])
          const written = yield* site.post("/tasks/wait", {}, { origin })
          expect([origin, written.status, corsHeaders(written.headers)]).toEqual([origin, 403, { vary: "Origin" }])
          const preflight = yield* options(site, "/tasks/wait", { origin, ...ask })
          expect([origin, preflight.status, corsHeaders(preflight.headers)]).toEqual([origin, 403, { vary: "Origin" }])
        }
        expect(corsHeaders((yield* site.get("/tasks")).headers)).toEqual({ vary: "Origin" })
        expect(yield* site.tasks.list).toEqual([])
      })
    )
  )

  it.live(
    "a preflight names the methods of the route and the headers that the routes read; of no route it is 404",
    () =>
      serving({ tasks: [wait], cors: { ...cors, maxAge: "1 hour" } }, (site) =>
        Effect.gen(function* () {
          for (const [path, methods] of [
            ["/tasks", "GET"],
            ["/tasks/wait", "GET, POST"],
            ["/tasks/w/cancel", "POST"],
            ["/tasks/w/events", "GET"],
            ["/tree", "GET"],
            ["/openapi.json", "GET"]
          ] as const) {
            const { headers, status, text } = yield* options(site, path, { ...admin, ...ask })
            expect([path, status, text]).toEqual([path, 204, ""])
            expect(corsHeaders(headers)).toMatchObject({
              "access-control-allow-origin": admin.origin,
              "access-control-allow-methods": methods,
              "access-control-max-age": "3600",
              vary: "Origin"
            })
            const allowed = headers.get("access-control-allow-headers")!.split(", ")
            for (const name of [
              "authorization",
              "content-type",
              "deadline-ms",
              "last-event-id",
              "prefer",
              "traceparent"
            ]) {
              expect(allowed).toContain(name)
            }
            expect(headers.has("access-control-allow-credentials")).toBe(false)
          }
          expect((yield* options(site, "/none", { ...admin, ...ask })).status).toBe(404)
          const plain = yield* options(site, "/tasks/wait", {})
          expect([plain.status, plain.headers.get("allow")]).toEqual([204, "GET, POST, OPTIONS"])
          expect(corsHeaders(plain.headers)).toEqual({ vary: "Origin" })
        })
      )
  )

  it.live("cookies are for listed pages only if that is said, and a preflight needs no token", () => {
    const token = "ann-ann-ann-ann-1"
    const access = BearerTokens.layer({
      tokens: [{ token: Redacted.make(token), caller: { id: "ann" } }],
      cookie: "token"
    })
    const cookie = { cookie: `token=${token}` }
    return serving({ tasks: [wait], access, cors: { ...cors, credentials: true } }, (site) =>
      Effect.gen(function* () {
        const preflight = yield* options(site, "/tasks/wait", { ...app, ...ask })
        expect([preflight.status, preflight.headers.get("access-control-allow-credentials")]).toEqual([204, "true"])
        const started = yield* site.post("/tasks/wait?id=w", {}, { ...app, ...cookie })
        expect([started.status, started.headers.get("access-control-allow-credentials")]).toEqual([202, "true"])
        const refused = yield* site.get("/tasks", app)
        expect([refused.status, refused.headers.get("access-control-allow-origin")]).toEqual([401, app.origin])
        // The browser of the victim sends the cookie along.
        expect((yield* site.post("/tasks/w/cancel", undefined, { ...evil, ...cookie })).status).toBe(403)
        expect((yield* site.get("/tasks/w", cookie)).json.state).toBe("running")
      })
    )
  })

  it("an origin that no browser would send is refused with how to write it", () => {
    for (const origin of [
      "*",
      "null",
      "",
      "app.example",
      "https://app.example/",
      "https://app.example/page",
      "https://*.example",
      "HTTPS://app.example",
      "https://App.example",
      "https://app.example:443",
      "http://app.example:80",
      "https://",
      "https://ann@app.example",
      "https://app.example?x",
      "https://app.example#x",
      "https://a b.example"
    ]) {
      expect(() => Cors.make({ origins: [app.origin, origin] })).toThrow(
        `cors.origins: ${JSON.stringify(origin)} is no origin; write it as "https://app.example.com"`
      )
    }
    const origins = [app.origin, admin.origin, "http://[::1]:3000", "capacitor://localhost", "chrome-extension://abc"]
    expect([...Cors.make({ origins }).origins]).toEqual(origins)
  })

  it("an answer keeps what it varied by", () => {
    const varied = HttpServerResponse.empty({ headers: { vary: "Accept" } })
    const opened = Cors.open(Cors.make(cors), Headers.fromInput(app), varied)
    expect(opened.headers["vary"]).toBe("Accept, Origin")
    expect(Cors.open(undefined, Headers.fromInput(app), varied)).toBe(varied)
  })

  it("who is no browser, or of our own origin, is not foreign", () => {
    const foreign = (headers: Record<string, string>) =>
      Cors.isForeign(Headers.fromInput({ host: "tasks.example", ...headers }), Cors.make(cors))
    expect(foreign({})).toBe(false)
    expect(foreign({ "sec-fetch-site": "same-origin" })).toBe(false)
    expect(foreign({ "sec-fetch-site": "none" })).toBe(false)
    expect(foreign({ origin: "https://tasks.example" })).toBe(false)
    expect(foreign({ ...app, "sec-fetch-site": "cross-site" })).toBe(false)
    expect(foreign({ origin: "https://tasks.example:8443" })).toBe(true)
    expect(foreign({ origin: "null" })).toBe(true)
    expect(foreign({ "sec-fetch-site": "cross-site" })).toBe(true)
  })
})

const leashed = TaskDefinition.make("leashed", { success: Schema.Void, onDisconnect: "cancel" }).of(() => Effect.never)
