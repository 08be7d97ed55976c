import { createHash } from "node:crypto"
import { describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as BearerTokens from "../../src/http/BearerTokens.ts"
import * as TaskAccess from "../../src/http/TaskAccess.ts"
import { count, wait } from "./probes.ts"
import { serving } from "./serving.ts"

const sha256 = (text: string) => `sha256:${createHash("sha256").update(text).digest("hex")}`

const anns = "ann-ann-ann-ann-1"
const anns2 = "ann/ann+ann~ann.2_=="
const bobs = "bob-bob-bob-bob-1"
const roots = "root-root-root-root"

const entry = (id: string, token: string) => ({ token: Redacted.make(token), caller: { id } })

const tokens = [entry("ann", anns), entry("ann", anns2), entry("bob", sha256(bobs)), entry("root", sha256(roots))]

const options = { tokens, inspect: ({ id }: TaskAccess.Caller) => id === "root" }

const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

const challenge = 'Bearer realm="tasks"'
const invalid = `${challenge}, error="invalid_token"`

describe("BearerTokens", () => {
  it.live("S1x-40: a token says who asks: its tasks are its own, and so are its cancels", () =>
    serving({ tasks: [wait], access: BearerTokens.layer(options) }, (site) =>
      Effect.gen(function* () {
        expect((yield* site.post("/tasks/wait?id=w", {}, bearer(anns))).status).toBe(202)
        // The scheme is written in any case (RFC 9110), and the second token of a caller is as good as the first.
        for (const authorization of [`bearer ${anns}`, `BEARER   ${anns2}`]) {
          expect((yield* site.get("/tasks/w", { authorization })).json).toMatchObject({ owner: "ann", id: "w" })
        }
        expect((yield* site.get("/tasks/w", bearer(bobs))).status).toBe(404)
        expect((yield* site.get("/tree", bearer(bobs))).status).toBe(403)
        expect((yield* site.get("/tree", bearer(roots))).status).toBe(200)
        // Nearly the hash of one is not enough.
        for (const at of [0, 31]) {
          const byte = (token: string) => createHash("sha256").update(token).digest()[at]
          let other = 0
          while (![anns, bobs].some((token) => byte(token) === byte(`other-other-other-${other}`))) other++
          expect([other, (yield* site.get("/tasks", bearer(`other-other-other-${other}`))).status]).toEqual([
            other,
            401
          ])
        }
        const { json } = yield* site.post("/tasks/w/cancel", {}, bearer(anns2))
        expect(json.reason).toMatchObject({ source: "request", by: "ann" })
      })
    )
  )

  it.live("no token is 401 with a challenge; a malformed or unknown one is told so", () =>
    serving({ tasks: [wait], access: BearerTokens.layer({ ...options, cookie: "token", inQuery: true }) }, (site) =>
      Effect.gen(function* () {
        const none = yield* site.get("/tasks")
        expect([none.status, none.headers.get("www-authenticate")]).toEqual([401, challenge])
        expect(none.json).toMatchObject({ type: "urn:rescind:problem:unidentified", status: 401 })
        for (const authorization of [
          "",
          "Bearer",
          "Bearer ",
          anns,
          `Basic ${anns}`,
          `Bearer${anns}`,
          `Bearer\t${anns}`,
          `Bearer ${anns},`,
          `Bearer ${anns} ${anns}`,
          `Bearer ${anns}, Bearer ${anns}`,
          `Bearer "${anns}"`,
          `Bearer =${anns}`,
          `Bearer ${anns}\u00e9`,
          `Bearer ${anns.slice(0, -1)}`,
          `Bearer ${anns}1`,
          `Bearer ${anns.toUpperCase()}`,
          `Bearer ${sha256(bobs)}`,
          `Bearer ${sha256(bobs).slice("sha256:".length)}`
        ]) {
          const answer = yield* site.get("/tasks", { authorization, cookie: `token=${anns}` })
          expect([authorization, answer.status]).toEqual([authorization, 401])
          expect(answer.headers.get("www-authenticate")).toBe(invalid)
          expect(answer.text).not.toContain(anns.slice(0, -1))
        }
      })
    )
  )

  it.live(
    "the token of an event stream may stand in a cookie or in the query, if that is allowed, and only there",
    () => {
      const following = (path: string, extra: object, headers: Record<string, string> = {}) =>
        serving({ tasks: [count], access: BearerTokens.layer({ ...options, ...extra }) }, (site) =>
          Effect.gen(function* () {
            yield* site.post("/tasks/count?id=c", { to: 1 }, bearer(anns))
            yield* site.tasks.await("c")
            statuses.push((yield* site.get(path, headers)).status)
          })
        )
      const statuses: Array<number> = []
      const events = "/tasks/c/events"
      const cookie = { cookie: `a=b; token=${anns}` }
      return Effect.gen(function* () {
        yield* following(events, {}, cookie)
        yield* following(events, { cookie: "token" }, cookie)
        yield* following("/tasks/c", { cookie: "token" }, cookie)
        yield* following(events, { cookie: "token" }, { cookie: `token=${anns}1` })
        yield* following(events, { cookie: "other" }, cookie)
        expect(statuses.splice(0)).toEqual([401, 200, 200, 401, 401])
        const query = `access_token=${encodeURIComponent(anns2)}`
        yield* following(`${events}?${query}`, {})
        yield* following(`${events}?${query}`, { inQuery: true })
        yield* following(`${events}?${query}&${query}`, { inQuery: true })
        yield* following(`${events}?${query}`, { inQuery: true }, bearer(anns))
        yield* following(`${events}?access_token=`, { inQuery: true })
        yield* following(`/tasks/c?${query}`, { inQuery: true })
        yield* following(`/tasks?${query}`, { inQuery: true })
        expect(statuses).toEqual([401, 200, 401, 401, 401, 401, 401])
      })
    }
  )

  it.live("who comes without a token may be let in as an anonymous caller; a wrong token still is refused", () =>
    serving(
      {
        tasks: [wait],
        access: BearerTokens.layer<TaskAccess.Caller>({
          tokens,
          anonymous: { id: undefined },
          may: (caller, action, task) => action === "read" || TaskAccess.owned(caller, action, task)
        })
      },
      (site) =>
        Effect.gen(function* () {
          yield* site.post("/tasks/wait?id=w", {}, bearer(anns))
          expect((yield* site.get("/tasks/w")).status).toBe(200)
          expect((yield* site.post("/tasks/w/cancel")).status).toBe(403)
          expect((yield* site.post("/tasks/wait")).status).toBe(403)
          expect((yield* site.get("/tasks/w", bearer(`${bobs}x`))).status).toBe(401)
          expect((yield* site.get("/openapi.json")).json.paths["/tasks"].get.security).toEqual([{ bearer: [] }, {}])
        })
    )
  )

  it.live(
    "whatever an Authorization header says, it is 401 and nothing is done; nothing of it is logged (fuzz)",
    () => {
      const seed = Math.floor(Math.random() * 2 ** 31)
      let state = seed
      const below = (limit: number) => {
        state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff
        return Math.floor((state / 0x80000000) * limit)
      }
      const pieces =
        "Bearer,bearer ,Bearer , ,  ,=,\",\t,%00,sha256:,Basic,~,é,a,b,z,0,9,-,.,_,+,/,;,:,(,<,@,[,},?,!,#,$,&,*,|,^,`,',\\"
          .split(",")
          .concat(",", anns, bobs, roots)
      return serving({ tasks: [wait], access: BearerTokens.layer({ ...options, cookie: "token" }) }, (site) =>
        Effect.gen(function* () {
          for (let round = 0; round < 300; round++) {
            const authorization = Array.from({ length: 1 + below(6) }, () => pieces[below(pieces.length)]).join("")
            if (new RegExp(`^Bearer +(?:${anns}|${bobs}|${roots})$`, "i").test(authorization.trim())) continue
            const answer = yield* below(2) === 0
              ? site.get("/tasks", { authorization })
              : site.post("/tasks/wait", {}, { authorization })
            expect([seed, authorization, answer.status]).toEqual([seed, authorization, 401])
          }
          const long = yield* site.get("/tasks", bearer("a".repeat(15_000)))
          expect(long.status).toBe(401)
          expect(yield* site.tasks.list).toEqual([])
          expect(site.log).toEqual([])
        })
      )
    }
  )

  it.live("a token never stands in the log, nor in an answer: not of what fails, nor of what is refused", () =>
    serving(
      {
        tasks: [wait],
        access: BearerTokens.layer({
          ...options,
          inQuery: true,
          cookie: "token",
          may: (caller, action, task) => {
            if (task.id === "broken") throw new Error("the rule is broken")
            return action !== "cancel" && TaskAccess.owned(caller, action, task)
          }
        })
      },
      (site) =>
        Effect.gen(function* () {
          yield* site.post("/tasks/wait?id=w", {}, bearer(anns))
          const answers = [
            yield* site.post("/tasks/wait?id=broken", {}, bearer(anns)),
            yield* site.get(`/tasks/w/events?access_token=${anns}x`),
            yield* site.get(`/tasks?access_token=${anns}`, bearer(anns)),
            yield* site.post("/tasks/w/cancel", {}, { cookie: `token=${anns}` }),
            yield* site.post("/tasks/none/cancel", {}, bearer(anns)),
            yield* site.get("/tasks", bearer(`${anns}y`))
          ]
          expect(answers.map(({ status }) => status)).toEqual([500, 401, 400, 403, 404, 401])
          const log = site.log.join("\n")
          expect(log).toContain("the rule is broken")
          expect(log).toMatch(/Refused to \W*ann\W*: cancel of/)
          for (const text of [log, ...answers.map(({ text }) => text)]) expect(text).not.toContain(anns)
        })
    )
  )

  it.live("OpenAPI says how to come, at each operation, and that an event stream alone takes it in the query", () =>
    serving({ tasks: [wait], access: BearerTokens.layer({ ...options, cookie: "token", inQuery: true }) }, (site) =>
      Effect.gen(function* () {
        const { json } = yield* site.get("/openapi.json")
        expect(json.components.securitySchemes).toEqual({
          bearer: { type: "http", scheme: "bearer" },
          cookie: { type: "apiKey", in: "cookie", name: "token" },
          query: { type: "apiKey", in: "query", name: "access_token" }
        })
        const { "/health": health, "/ready": ready, ...guarded } = json.paths as Record<string, Record<string, any>>
        for (const probe of [health!, ready!]) expect(probe["get"].security).toEqual([])
        for (const path of ["/health", "/ready"]) expect((yield* site.get(path)).status).toBe(200)
        for (const [path, operations] of Object.entries(guarded)) {
          for (const operation of Object.values(operations)) {
            expect([path, operation.security]).toEqual([
              path,
              [{ bearer: [] }, { cookie: [] }, ...(path.endsWith("/events") ? [{ query: [] }] : [])]
            ])
            expect(Object.keys(operation.responses)).toContain("401")
          }
        }
        expect(Object.keys(json.paths["/tasks/{id}/cancel"].post.responses)).toContain("403")
        expect((yield* site.get("/docs")).text).toContain("access_token")
      })
    )
  )

  it.effect(
    "a token that is short, cannot be sent or stands for two is a defect that names the caller, not the token",
    () =>
      Effect.gen(function* () {
        const built = (...entries: ReadonlyArray<BearerTokens.Entry<TaskAccess.Caller>>) =>
          Effect.map(Effect.exit(Effect.scoped(Layer.build(BearerTokens.layer({ tokens: entries })))), (exit) =>
            Exit.isSuccess(exit) ? "" : String(Cause.squash(exit.cause))
          )
        expect(yield* built(entry("ann", anns), entry("ann", anns2), entry("bob", sha256(bobs)))).toBe("")
        for (const [token, message] of [
          ["short", "must have 16 characters or more"],
          ["", "has characters that cannot be sent as a bearer token"],
          ["with a blank in the middle", "has characters that cannot be sent as a bearer token"],
          ["sha256:1234567890123456", "must have 64 hex digits after `sha256:`"]
        ] as const) {
          const said = yield* built(entry("ann", anns), entry("bob", token))
          expect(said).toBe(`TypeError: The token of "bob" ${message}`)
        }
        for (const twin of [anns, sha256(anns), sha256(anns).toUpperCase().replace("SHA", "sha")]) {
          const said = yield* built(entry("ann", anns), entry("bob", twin))
          expect(said).toBe('TypeError: One token stands for "ann" and "bob"')
        }
        // Which of the two is meant, with what roles?
        expect(yield* built(entry("ann", anns), entry("ann", sha256(anns)))).toContain('"ann" and "ann"')
      })
  )

  it.effect("tokens come from one variable; what is wrong there is named by caller or place, and never shown", () =>
    Effect.gen(function* () {
      const read = (text: string) =>
        BearerTokens.config("TASK_TOKENS").parse(ConfigProvider.fromEnv({ env: { TASK_TOKENS: text } }))
      const entries = yield* read(` ann = ${anns2} ,bob=${sha256(bobs)},,`)
      expect(entries.map(({ caller, token }) => [caller.id, Redacted.value(token)])).toEqual([
        ["ann", anns2],
        ["bob", sha256(bobs)]
      ])
      expect(JSON.stringify(entries)).not.toContain(anns2)
      for (const [text, message] of [
        [`ann=${anns},${bobs}`, 'TASK_TOKENS: number 2 is not of the form "caller=token"'],
        [`ann=${anns},=${bobs}`, 'TASK_TOKENS: number 2 is not of the form "caller=token"'],
        [`ann=${anns},bob=`, 'TASK_TOKENS: number 2 is not of the form "caller=token"'],
        ["ann=secret", 'TASK_TOKENS: the token of "ann" must have 16 characters or more'],
        [`ann=${anns}!`, 'TASK_TOKENS: the token of "ann" has characters that cannot be sent as a bearer token']
      ] as const) {
        const error = yield* Effect.flip(read(text))
        expect(error.message).toContain(message)
        expect(`${error.message}${JSON.stringify(error)}`).not.toMatch(/secret|ann-ann|bob-bob/)
      }
      const missing = yield* Effect.flip(BearerTokens.config("TASK_TOKENS").parse(ConfigProvider.fromEnv({ env: {} })))
      expect(missing).toBeInstanceOf(Config.ConfigError)
      expect(missing.message).toContain("TASK_TOKENS")
    })
  )
})
