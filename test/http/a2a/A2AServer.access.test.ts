import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as BearerTokens from "../../../src/http/BearerTokens.ts"
import * as TaskAccess from "../../../src/http/TaskAccess.ts"
import { type Answer, hosting, message, obedient, stateOf, version } from "./hosting.ts"

const secret = (who: string) => `${who}-`.repeat(6)

const as = (who: string) => ({ authorization: `Bearer ${secret(who)}` })

const entry = (who: string) => ({ token: Redacted.make(secret(who)), caller: { id: who } })

const access = BearerTokens.layer({ tokens: [entry("ann"), entry("bob")] })

const waiting = { ...message("hang"), configuration: { returnImmediately: true } }

const codeOf = ({ json, status }: Answer) => [status, json.error.code ?? json.error.status]

describe("who asks an agent (over real sockets)", () => {
  it.live("must say so first: 401 with the challenge, in the form of the binding; the card is for everybody", () =>
    hosting(obedient().agent, { access }, (site) =>
      Effect.gen(function* () {
        for (const headers of [{}, { authorization: "Bearer nonsense-nonsense-nonsense" }]) {
          // The body is not looked at.
          const rpc = yield* site.post("/", "{", headers)
          expect([rpc.status, rpc.json.jsonrpc, rpc.json.error.code]).toEqual([401, "2.0", -32600])
          expect(rpc.headers.get("www-authenticate")).toMatch(/^Bearer /)
          const rest = yield* site.get("/tasks", headers)
          expect([rest.status, rest.json.error.status]).toEqual([401, "UNAUTHENTICATED"])
          expect(rest.headers.get("www-authenticate")).toMatch(/^Bearer /)
        }
        expect((yield* site.get("/.well-known/agent-card.json")).status).toBe(200)
      })
    )
  )

  it.live("sees its own tasks only, and stands as `by` on what it cancels", () =>
    hosting(obedient().agent, { access }, (site) =>
      Effect.gen(function* () {
        const { id } = (yield* site.rpc("SendMessage", waiting, as("ann"))).json.result.task
        expect((yield* site.rpc("GetTask", { id }, as("bob"))).json.error.code).toBe(-32001)
        expect((yield* site.post(`/tasks/${id}:cancel`, undefined, as("bob"))).status).toBe(404)
        expect((yield* site.get(`/tasks/${id}:subscribe`, as("bob"))).status).toBe(404)
        expect((yield* site.get("/tasks", as("bob"))).json.tasks).toEqual([])
        expect((yield* site.get("/tasks", as("ann"))).json.tasks).toHaveLength(1)
        const cancelled = (yield* site.rpc("CancelTask", { id, metadata: { reason: "no", by: "eve" } }, as("ann"))).json
          .result
        expect([stateOf(cancelled), cancelled.metadata.rescind]).toEqual([
          "CANCELED",
          expect.objectContaining({ source: "request", message: "no", by: "ann" })
        ])
      })
    )
  )

  it.live("may do what the rule of `TaskAccess` lets it", () => {
    const may: TaskAccess.Rule<TaskAccess.Caller> = ({ id }, action, task) =>
      task.name === "obedient" && (id === "ann" || action === "start" || (action === "read" && task.owner === "bob"))
    const access = BearerTokens.layer({ tokens: [entry("ann"), entry("bob"), entry("eve")], may })
    return hosting(obedient().agent, { access, legacy: true }, (site) =>
      Effect.gen(function* () {
        for (const [who, get, cancel, subscribe, listed] of [
          ["ann", 200, 200, 200, 1],
          ["bob", 200, 403, 403, 1],
          ["eve", 404, 404, 404, 0]
        ] as const) {
          const { id } = (yield* site.rpc("SendMessage", waiting, as(who))).json.result.task
          expect((yield* site.get(`/tasks/${id}`, as(who))).status).toBe(get)
          expect((yield* site.get("/tasks", as(who))).json.tasks).toHaveLength(listed)
          const head = { method: "HEAD", headers: { ...version, ...as(who) } }
          expect((yield* site.request(`/tasks/${id}:subscribe`, head)).status).toBe(subscribe)
          expect((yield* site.post(`/tasks/${id}:cancel`, undefined, as(who))).status).toBe(cancel)
        }
        const { id } = (yield* site.get("/tasks", as("bob"))).json.tasks[0]
        expect(codeOf(yield* site.rpc("CancelTask", { id }, as("bob")))).toEqual([403, -32600])
        expect(codeOf(yield* site.rpc("SubscribeToTask", { id }, as("bob")))).toEqual([403, -32600])
        // Clients of 0.3 are no exception.
        for (const method of ["tasks/cancel", "tasks/resubscribe", "tasks/pushNotificationConfig/list"]) {
          const old = { ...as("bob"), "a2a-version": "0.3" }
          expect([method, codeOf(yield* site.rpc(method, { id }, old))]).toEqual([method, [403, -32600]])
        }
        expect(codeOf(yield* site.rpc("ListTaskPushNotificationConfigs", { taskId: id }, as("bob")))).toEqual([
          403, -32600
        ])
      })
    )
  })

  it.live("and who may not start a task starts none", () => {
    const access = BearerTokens.layer({ tokens: [entry("ann")], may: (_, action) => action !== "start" })
    return hosting(obedient().agent, { access }, (site) =>
      Effect.gen(function* () {
        expect((yield* site.rpc("SendMessage", waiting, as("ann"))).status).toBe(403)
        expect((yield* site.post("/message:stream", waiting, as("ann"))).status).toBe(403)
        expect((yield* site.get("/tasks", as("ann"))).json.totalSize).toBe(0)
      })
    )
  })

  it.live("from a page of another origin is refused, unless it is listed", () =>
    hosting(obedient().agent, { cors: { origins: ["https://app.example.com"] }, hosts: ["127.0.0.1"] }, (site) =>
      Effect.gen(function* () {
        const evil = { origin: "https://evil.example.com" }
        expect(codeOf(yield* site.rpc("SendMessage", waiting, evil))).toEqual([403, -32600])
        expect((yield* site.post("/message:send", waiting, evil)).json.error.status).toBe("PERMISSION_DENIED")
        expect((yield* site.get("/tasks", { "sec-fetch-site": "cross-site" })).status).toBe(403)
        expect((yield* site.get("/tasks")).json.totalSize).toBe(0)
        const good = { origin: "https://app.example.com" }
        const answer = yield* site.rpc("ListTasks", {}, good)
        expect([answer.status, answer.headers.get("access-control-allow-origin")]).toEqual([200, good.origin])
        for (const [path, methods] of [
          ["/", "POST"],
          ["/tasks/x:subscribe", "GET, POST"],
          ["/acme/tasks", "GET"],
          ["/.well-known/agent-card.json", "GET"]
        ]) {
          const preflight = yield* site.request(path!, {
            method: "OPTIONS",
            headers: { ...good, "access-control-request-method": "POST" }
          })
          expect([path, preflight.status, preflight.headers.get("access-control-allow-methods")]).toEqual([
            path,
            204,
            methods
          ])
          expect(preflight.headers.get("access-control-allow-headers")).toContain("a2a-version")
        }
        const error = yield* site.get("/nothing/at/all/here", good)
        expect([error.status, error.headers.get("access-control-allow-origin")]).toEqual([404, good.origin])
      })
    )
  )

  it.live("under a name that is not the server's is told so", () =>
    hosting(obedient().agent, { hosts: ["agents.example.com"] }, (site) =>
      Effect.gen(function* () {
        expect((yield* site.rpc("ListTasks", {})).status).toBe(421)
        expect((yield* site.get("/health")).status).toBe(200)
      })
    )
  )

  it.live("is answered in the form of the binding when the program's own rules throw, and told nothing of why", () => {
    const throws = (): never => {
      throw new Error("hunter2")
    }
    return Effect.forEach(
      [
        Layer.succeed(TaskAccess.TaskAccess, { visitor: throws, security: undefined }),
        Layer.succeed(TaskAccess.TaskAccess, {
          visitor: () => Effect.succeed({ id: "ann", may: throws, mayInspect: false }),
          security: undefined
        })
      ],
      (access) =>
        hosting(obedient().agent, { access }, (site) =>
          Effect.gen(function* () {
            for (const method of ["GetTask", "CancelTask"]) {
              const rpc = yield* site.rpc(method, { id: "x" })
              expect([rpc.status, rpc.json?.error.code]).toEqual([200, -32603])
            }
            for (const rest of [yield* site.get("/tasks/x"), yield* site.post("/tasks/x:cancel")]) {
              expect([rest.status, rest.json?.error.status]).toEqual([500, "INTERNAL"])
            }
            const told = site.log.filter((line) => line.includes("level=ERROR") && line.includes("hunter2"))
            expect(told).toHaveLength(4)
          })
        )
    )
  })
})

describe("the metrics of an agent (over real sockets)", () => {
  it.live("count requests by the template of their route, tasks and streams, for who may inspect", () =>
    hosting(obedient().agent, { metrics: true }, (site) =>
      Effect.gen(function* () {
        const { id } = (yield* site.rpc("SendMessage", waiting)).json.result.task
        yield* site.get(`/acme/tasks/${id}`)
        yield* site.post(`/tasks/${id}:cancel`)
        const { text } = yield* site.get("/metrics")
        for (const route of ["/", "/:tenant/tasks/:id", "/tasks/:id"]) expect(text).toContain(`http_route="${route}"`)
        expect(text).toMatch(/^rescind_task_cancel_duration_seconds_count\{.*source="request".*\} 1$/m)
        expect(text).not.toContain(id)
      }).pipe(
        Effect.andThen(
          hosting(obedient().agent, { metrics: true, access }, (site) =>
            Effect.map(site.get("/metrics", as("ann")), ({ status }) => expect(status).toBe(403))
          )
        )
      )
    )
  )
})
