import { describe, expect, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import * as HttpRouter from "effect/http/HttpRouter"
import * as Logger from "effect/Logger"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import { Tasks } from "../../src/fibers/Tasks.ts"
import * as TaskAccess from "../../src/http/TaskAccess.ts"
import * as TaskDefinition from "../../src/http/TaskDefinition.ts"
import * as TaskServer from "../../src/http/TaskServer.ts"
import { names } from "./follow.ts"
import { count, Stubborn, stubborn, wait } from "./probes.ts"
import { serving, type Site } from "./serving.ts"

interface User extends TaskAccess.Caller {
  readonly id: string
}

/** Whoever the header names. `viewer` sees everything and may do nothing, `watcher` may follow too, `admin` may everything. */
const identify = ({ headers }: HttpServerRequest.HttpServerRequest) =>
  headers["x-user"] === undefined
    ? Effect.fail(TaskAccess.unidentified("Send x-user", 'Test realm="tasks"'))
    : Effect.succeed<User>({ id: headers["x-user"] })

const may: TaskAccess.Rule<User> = (caller, action, task) => {
  switch (caller.id) {
    case "admin":
      return true
    case "viewer":
      return action === "read"
    case "watcher":
      return action === "read" || action === "events" || action === "start"
    default:
      return TaskAccess.owned(caller, action, task)
  }
}

const access = TaskAccess.layer({ identify, may, inspect: ({ id }) => id === "admin" })

/** Everybody sees what has the label `shared`, and nobody starts what has the label `forbidden`. */
const byLabel = TaskAccess.layer({
  identify,
  may: (caller, action, task) =>
    (action === "read" && task.labels.includes("shared")) ||
    (TaskAccess.owned(caller, action, task) && !task.labels.includes("forbidden"))
})

describe("TaskAccess.layer", () => {
  const warnings = (layers: Layer.Layer<never>) =>
    Effect.gen(function* () {
      const log: Array<unknown> = []
      const logger = Logger.make(({ message, logLevel }) => void (logLevel === "Warn" && log.push(String(message))))
      yield* Layer.build(layers).pipe(Effect.provide(Logger.layer([logger])))
      yield* TestClock.adjust("9999 millis")
      expect(log).toEqual([])
      yield* TestClock.adjust("1 millis")
      return log
    })
  const server = TaskServer.layer({ tasks: [wait] }).pipe(Layer.provide([HttpRouter.layer, Tasks.layer()]))

  it.effect("warns who merges it beside the server, where it protects nothing; provided, it says nothing", () =>
    Effect.gen(function* () {
      const beside = yield* warnings(Layer.mergeAll(server, access))
      expect(beside).toEqual([expect.stringContaining("provide it to `TaskServer.layer`")])
      expect(yield* warnings(Layer.provide(server, access) as Layer.Layer<never>)).toEqual([])
    })
  )
})

const as = (user: string | undefined): Record<string, string> => (user === undefined ? {} : { "x-user": user })

const running = (site: Site, id: string, owner: string, name = "wait") =>
  Effect.gen(function* () {
    expect((yield* site.post(`/tasks/${name}?id=${id}`, {}, as(owner))).status).toBe(202)
    while ((yield* site.tasks.info(id)).pipe((info) => info._tag === "None" || info.value.state !== "running")) {
      yield* Effect.sleep(1)
    }
  })

const callers = ["ann", "bob", "viewer", "watcher", "admin", undefined] as const

/** What each caller is answered about a task of ann's that runs. */
const routes: ReadonlyArray<readonly [method: string, path: string, body: object | undefined, ...Array<number>]> = [
  ["GET", "/tasks", undefined, 200, 200, 200, 200, 200, 401],
  ["GET", "/tasks/w", undefined, 200, 404, 200, 200, 200, 401],
  ["HEAD", "/tasks/w", undefined, 200, 404, 200, 200, 200, 401],
  ["HEAD", "/tasks/w/events", undefined, 200, 404, 403, 200, 200, 401],
  ["GET", "/tasks/c/events", undefined, 200, 404, 403, 200, 200, 401],
  ["GET", "/tree", undefined, 403, 403, 403, 403, 200, 401],
  ["GET", "/metrics", undefined, 403, 403, 403, 403, 200, 401],
  ["GET", "/openapi.json", undefined, 200, 200, 200, 200, 200, 200],
  ["GET", "/docs", undefined, 200, 200, 200, 200, 200, 200],
  ["GET", "/tasks/nobody", undefined, 404, 404, 404, 404, 404, 401],
  ["GET", "/tasks/nobody/events", undefined, 404, 404, 404, 404, 404, 401],
  ["POST", "/tasks/nobody/cancel", {}, 404, 404, 404, 404, 404, 401],
  ["POST", "/tasks/undefined", {}, 404, 404, 404, 404, 404, 401],
  ["POST", "/tasks/wait", {}, 202, 202, 403, 202, 202, 401],
  // Refused before the body is looked at, so that nobody learns anything from what is wrong with it.
  ["POST", "/tasks/wait", { to: 1 }, 400, 400, 400, 400, 400, 401],
  ["POST", "/tasks/w/cancel", { grace: "soon" }, 400, 400, 400, 400, 400, 401],
  ["POST", "/tasks/w/cancel", { wait: false }, 202, 404, 403, 403, 202, 401],
  ["POST", "/tasks/c/cancel", {}, 200, 404, 403, 403, 200, 401],
  ["POST", "/cancel", {}, 400, 400, 400, 400, 400, 401],
  // What one may not know of is `NotFound` in the answer.
  ["POST", "/cancel", { ids: ["w"], wait: false }, 202, 200, 403, 403, 202, 401],
  ["POST", "/cancel", { name: "stubborn", wait: false }, 202, 200, 200, 200, 202, 401]
]

describe("TaskAccess", () => {
  it.live("S1x-40: every route answers every caller by the rule: 401, 403, or 404 for what it may not know of", () =>
    serving({ tasks: [stubborn(Stubborn), wait, count], access, metrics: true }, (site) =>
      Effect.gen(function* () {
        yield* running(site, "w", "ann", "stubborn")
        yield* site.post("/tasks/count?id=c", { to: 1 }, as("ann"))
        yield* site.tasks.await("c")
        for (const [method, path, body, ...expected] of routes) {
          const statuses = []
          for (const caller of callers) {
            const answer = yield* site.request(path, {
              method,
              ...(body === undefined ? {} : { body: JSON.stringify(body) }),
              headers: { "content-type": "application/json", ...as(caller) }
            })
            statuses.push(answer.status)
            if (answer.status < 400) continue
            expect(answer.headers.get("content-type")).toBe("application/problem+json")
            expect(answer.headers.get("www-authenticate")).toBe(answer.status === 401 ? 'Test realm="tasks"' : null)
            if (method !== "HEAD") expect(answer.json.status).toBe(answer.status)
          }
          expect([method, path, ...statuses]).toEqual([method, path, ...expected])
        }
        expect(site.log.filter((line) => line.includes("level=ERROR"))).toEqual([])
      })
    )
  )

  it.live("a list shows only what the caller may read, and each task says whose it is", () =>
    serving({ tasks: [wait], access }, (site) =>
      Effect.gen(function* () {
        yield* running(site, "a", "ann")
        yield* running(site, "b", "bob")
        const list = (caller: string, query = "") =>
          Effect.map(site.get(`/tasks${query}`, as(caller)), ({ json }) =>
            json.tasks.map(({ id, owner }: any) => [id, owner])
          )
        expect(yield* list("ann")).toEqual([["a", "ann"]])
        expect(yield* list("bob")).toEqual([["b", "bob"]])
        expect(yield* list("bob", "?state=running&name=wait")).toEqual([["b", "bob"]])
        expect(yield* list("eve")).toEqual([])
        expect(yield* list("viewer")).toEqual([
          ["a", "ann"],
          ["b", "bob"]
        ])
      })
    )
  )

  it.live("many are cancelled only as far as the caller may; one that is named and may not be, cancels nothing", () =>
    serving({ tasks: [wait], access: byLabel }, (site) =>
      Effect.gen(function* () {
        for (const [id, owner, query] of [
          ["a", "ann", "&label=shared"],
          ["b", "bob", "&label=shared"],
          ["c", "bob", ""],
          ["d", "ann", ""]
        ] as const) {
          expect((yield* site.post(`/tasks/wait?id=${id}${query}`, {}, as(owner))).status).toBe(202)
        }
        const told = (body: object, caller: string) =>
          Effect.map(site.post("/cancel", body, as(caller)), ({ json, status }) =>
            status === 200 ? json.results.map(({ id, result }: any) => `${id} ${result._tag}`) : [status, json.detail]
          )
        expect((yield* site.get("/tasks?label=shared", as("ann"))).json.tasks.map(({ id }: any) => id)).toEqual([
          "a",
          "b"
        ])
        const refused = yield* told({ ids: ["d", "b", "c"] }, "ann")
        expect(refused).toEqual([403, 'You may see the task "b", but not cancel it'])
        // Not even by what it does not match.
        for (const rest of [{ name: "other" }, { labels: ["x"] }, { state: "failed" }]) {
          expect(yield* told({ ids: ["c", "none", "d"], ...rest }, "ann")).toEqual(["c NotFound", "none NotFound"])
        }
        expect(yield* told({ ids: ["c", "d"], reason: { by: "bob" } }, "ann")).toEqual([
          400,
          expect.stringMatching(/^reason.by: /)
        ])
        expect((yield* site.tasks.list).map(({ state }) => state)).toEqual(Array.from({ length: 4 }, () => "running"))
        expect(yield* told({ ids: ["d", "c"] }, "ann")).toEqual(["d Cancelled", "c NotFound"])
        expect(yield* told({ all: true }, "ann")).toEqual(["a Cancelled"])
        const outcome = yield* site.tasks.await("a")
        expect(outcome).toMatchObject({ reason: { by: "ann" } })
        expect(yield* told({ labels: ["shared"] }, "bob")).toEqual(["b Cancelled"])
        // Beside other selectors too, what one may not know of is as an id that was never given.
        for (const state of ["running", "cancelled"]) {
          expect(yield* told({ ids: ["c", "none"], state }, "ann")).toEqual(["c NotFound", "none NotFound"])
        }
        const start = yield* site.post("/tasks/wait?label=forbidden", {}, as("ann"))
        expect([start.status, start.json.detail]).toEqual([403, 'You may not start "wait"'])
      })
    )
  )

  it.live("what one may not read answers, to the letter, as an id that was never given", () =>
    serving({ tasks: [wait], access }, (site) =>
      Effect.gen(function* () {
        yield* running(site, "hers", "ann")
        for (const [method, path] of [
          ["GET", ""],
          ["GET", "/events"],
          ["POST", "/cancel"]
        ] as const) {
          const [hers, none] = yield* Effect.all(
            ["hers", "none"].map((id) => site.request(`/tasks/${id}${path}`, { method, headers: as("bob") }))
          )
          expect(hers!.status).toBe(404)
          expect(hers!.text.replaceAll("hers", "none")).toBe(none!.text)
          expect(Object.fromEntries(hers!.headers)).toMatchObject({ "content-type": none!.headers.get("content-type") })
          expect([...hers!.headers.keys()]).toEqual([...none!.headers.keys()])
        }
        expect((yield* site.get("/tasks/hers", as("ann"))).json.state).toBe("running")
      })
    )
  )

  it.live("the events are asked for anew at each reconnect, also by one who has seen the end", () =>
    serving({ tasks: [count], access }, (site) =>
      Effect.gen(function* () {
        yield* site.post("/tasks/count?id=c", { to: 2 }, as("ann"))
        yield* site.tasks.await("c")
        const events = (caller: string, last: string) =>
          Effect.map(site.get("/tasks/c/events", { "last-event-id": last, ...as(caller) }), ({ status }) => status)
        expect(yield* events("ann", "1-2")).toBe(200)
        expect(yield* events("ann", "1-4")).toBe(204)
        for (const last of ["1-2", "1-4", "1-99", "x"]) {
          expect([last, yield* events("bob", last), yield* events("viewer", last)]).toEqual([last, 404, 403])
        }
      })
    )
  )

  it.live(
    "an id that another holds is taken: whether that task runs, has ended or is the program's own is not told",
    () =>
      serving({ tasks: [wait], access }, (site) =>
        Effect.gen(function* () {
          yield* running(site, "id", "ann")
          const answers = new Set<string>()
          const claim = Effect.gen(function* () {
            for (const replace of ["true", "false"]) {
              const { json, status } = yield* site.post(`/tasks/wait?id=id&replace=${replace}`, {}, as("bob"))
              expect([status, json.type]).toEqual([409, "urn:rescind:problem:id-taken"])
              answers.add(JSON.stringify(json))
            }
          })
          yield* claim
          yield* site.post("/tasks/id/cancel", {}, as("ann"))
          yield* claim
          yield* site.tasks.start("own", Effect.never)
          const own = yield* site.post("/tasks/wait?id=own", {}, as("admin"))
          answers.add(JSON.stringify(own.json).replaceAll("own", "id"))
          expect(answers.size).toBe(1)
          expect((yield* site.get("/tasks/id", as("ann"))).json).toMatchObject({ attempt: 1, state: "cancelled" })
        })
      )
  )

  it.live("an ended task is replaced only by who may cancel it, and then belongs to that one", () =>
    serving({ tasks: [wait], access }, (site) =>
      Effect.gen(function* () {
        yield* running(site, "w", "ann")
        yield* site.post("/tasks/w/cancel", {}, as("ann"))
        const watcher = yield* site.post("/tasks/wait?id=w&replace=true", {}, as("watcher"))
        expect([watcher.status, watcher.json.type]).toEqual([403, "urn:rescind:problem:forbidden"])
        const readable = yield* site.post("/tasks/wait?id=w", {}, as("watcher"))
        expect([readable.status, readable.json.state]).toEqual([409, "cancelled"])
        expect((yield* site.get("/tasks/w", as("ann"))).json.attempt).toBe(1)
        expect((yield* site.post("/tasks/wait?id=w&replace=true", {}, as("ann"))).json.attempt).toBe(2)
        yield* site.post("/tasks/w/cancel", {}, as("ann"))
        expect((yield* site.post("/tasks/wait?id=w&replace=true", {}, as("admin"))).json.attempt).toBe(3)
        expect((yield* site.get("/tasks/w", as("ann"))).status).toBe(404)
        expect((yield* site.get("/tasks/w", as("admin"))).json.owner).toBe("admin")
      })
    )
  )

  it.live("who is identified cancels in its own name: another in the body is refused, and detail says for whom", () =>
    serving({ tasks: [wait], access }, (site) =>
      Effect.gen(function* () {
        yield* running(site, "w", "ann")
        const spoofed = yield* site.post("/tasks/w/cancel", { reason: { by: "bob" } }, as("ann"))
        expect([spoofed.status, spoofed.json.errors]).toEqual([
          400,
          [{ in: "body", field: "reason.by", message: expect.stringContaining('You are "ann"') }]
        ])
        expect((yield* site.get("/tasks/w", as("ann"))).json.state).toBe("running")
        const { json } = yield* site.post("/tasks/w/cancel", { reason: { message: "no", detail: "bob" } }, as("ann"))
        expect(json).toMatchObject({ _tag: "Cancelled", reason: { by: "ann", message: "no", detail: "bob" } })
        yield* running(site, "v", "ann")
        const named = yield* site.post("/tasks/v/cancel", { reason: { by: "admin" } }, as("admin"))
        expect(named.json.reason.by).toBe("admin")
      })
    )
  )

  it.live("an anonymous caller names whom it likes, and owns nothing that another anonymous one could claim", () => {
    const anonymous = TaskAccess.layer({
      identify: ({ headers }) => Effect.succeed({ id: headers["x-user"] }),
      may: (caller, action, task) => action === "start" || action === "cancel" || TaskAccess.owned(caller, action, task)
    })
    return serving({ tasks: [wait], access: anonymous }, (site) =>
      Effect.gen(function* () {
        yield* site.post("/tasks/wait?id=w", {})
        expect((yield* site.get("/tasks/w")).status).toBe(404)
        // Without `read` there is nothing to cancel, whatever the rule says of that.
        expect((yield* site.post("/tasks/w/cancel")).status).toBe(404)
        expect((yield* site.get("/tasks")).json.tasks).toEqual([])
        // That is about all tasks, and nobody was said to be shown it.
        expect((yield* site.get("/tree", as("ann"))).status).toBe(403)
        expect((yield* site.post("/tasks/wait?id=v", {}, as("ann"))).status).toBe(202)
        expect((yield* site.get("/tasks", as("ann"))).json.tasks.map(({ id }: any) => id)).toEqual(["v"])
      })
    )
  })

  it.live("who may only watch stops nothing by leaving; who may cancel does, in its own name", () =>
    serving({ tasks: [leashed, wait], access }, (site) =>
      Effect.gen(function* () {
        yield* running(site, "l", "ann", "leashed")
        const follow = (caller: string) =>
          Effect.gen(function* () {
            const controller = new AbortController()
            const response = yield* Effect.promise(() =>
              fetch(`${site.url}/tasks/l/events`, { signal: controller.signal, headers: as(caller) })
            )
            expect(response.status).toBe(200)
            const gone = (left: number) =>
              Effect.gen(function* () {
                controller.abort()
                while ((yield* site.streams.count) > left) yield* Effect.sleep(1)
              })
            return { gone, response }
          })
        const watching = yield* follow("watcher")
        yield* watching.gone(0)
        expect((yield* site.get("/tasks/l", as("ann"))).json.state).toBe("running")
        const staying = yield* follow("watcher")
        const hers = yield* follow("ann")
        yield* hers.gone(1)
        yield* site.tasks.await("l")
        expect((yield* site.get("/tasks/l", as("ann"))).json.outcome.reason).toMatchObject({
          source: "disconnect",
          by: "ann"
        })
        yield* staying.gone(0)
      })
    )
  )

  it.live("a rule that throws, or an identity that dies, answers 500 and does nothing; the log says why", () => {
    const broken = TaskAccess.layer({
      identify: ({ headers }) =>
        headers["x-user"] === "die" ? Effect.die(new Error("the directory is down")) : Effect.succeed({ id: "ann" }),
      may: (_, action) => {
        if (action === "start") return true
        throw new Error("no such role")
      }
    })
    return serving({ tasks: [wait], access: broken }, (site) =>
      Effect.gen(function* () {
        yield* site.post("/tasks/wait?id=w", {})
        for (const answer of [
          yield* site.get("/tasks/w"),
          yield* site.get("/tasks"),
          yield* site.get("/tasks/w/events?access_token=query-of-the-request"),
          yield* site.post("/tasks/w/cancel"),
          yield* site.post("/tasks/wait?id=w", {}),
          yield* site.get("/tasks", as("die"))
        ]) {
          expect([answer.status, answer.json.type]).toEqual([500, "urn:rescind:problem:internal"])
          expect(answer.text).not.toMatch(/role|directory/)
        }
        expect(site.log.filter((line) => /no such role|directory is down/.test(line))).toHaveLength(6)
        expect(site.log.join("\n")).not.toContain("query-of-the-request")
        expect((yield* site.tasks.list).map(({ state }) => state)).toEqual(["running"])
      })
    )
  })

  it.live("who asks may take a service to find out, and a client that leaves meanwhile stops that", () => {
    class Directory extends Context.Service<Directory, { readonly find: Effect.Effect<User> }>()("Directory") {}
    const asked = Latch.makeUnsafe()
    const stopped = Latch.makeUnsafe()
    const find = Effect.onInterrupt(Effect.andThen(asked.open, Effect.never), () => stopped.open)
    const slow = TaskAccess.layer({ identify: () => Effect.flatMap(Directory, (directory) => directory.find) })
    return serving({ tasks: [wait], access: Layer.provide(slow, Layer.succeed(Directory, { find })) }, (site) =>
      Effect.gen(function* () {
        const controller = new AbortController()
        const leaving = fetch(`${site.url}/tasks/wait`, { method: "POST", signal: controller.signal }).catch(() => {})
        yield* asked.await
        controller.abort()
        yield* Effect.promise(() => leaving)
        yield* stopped.await
        expect(yield* site.tasks.list).toEqual([])
      })
    )
  })

  it.live("without one, everybody may do everything, and tasks have no owner", () =>
    serving({ tasks: [wait] }, (site) =>
      Effect.gen(function* () {
        yield* site.post("/tasks/wait?id=w", {}, as("ann"))
        const { json } = yield* site.get("/tasks/w", as("bob"))
        expect(json.state).toBe("running")
        expect(json).not.toHaveProperty("owner")
        expect((yield* site.get("/tree")).status).toBe(200)
        expect((yield* site.post("/tasks/w/cancel", { reason: { by: "cleo" } })).json.reason.by).toBe("cleo")
        const follower = yield* site.follow("w")
        expect(names(yield* follower.ended)).toContain("cancelled")
      })
    )
  )
})

const leashed = TaskDefinition.make("leashed", { success: Schema.Void, onDisconnect: "cancel" }).of(() => Effect.never)
