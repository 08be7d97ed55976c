/** The service over real sockets, in real time: what clients send and read. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as path from "node:path"
import { DatabaseSync } from "node:sqlite"
import { exampleTask } from "../../../src/examples/sse-tasks/models/exampleTask.ts"
import * as BearerTokens from "../../../src/http/BearerTokens.ts"
import { whenBusy } from "../../support/busy.ts"
import { names } from "../../http/follow.ts"
import { eventually } from "../server/fetchEventually.ts"
import { call } from "../server/serverProcess.ts"
import { continuing, failing, polite, quick, sleeping, stubborn, waiting } from "./models.ts"
import { folder } from "./serviceProcess.ts"
import { open, serving } from "./serving.ts"

const models = [waiting, quick, sleeping, failing, polite, exampleTask]

const ann = { authorization: "Bearer ann-ann-ann-ann-ann" }
const bob = { authorization: "Bearer bob-bob-bob-bob-bob" }
const annAndBob: Layer.Layer<never> = BearerTokens.layer({
  tokens: [
    { token: Redacted.make("ann-ann-ann-ann-ann"), caller: { id: "ann" } },
    { token: Redacted.make("bob-bob-bob-bob-bob"), caller: { id: "bob" } }
  ],
  cookie: "task_token"
})

const isReady = (events: ReadonlyArray<{ readonly event: string }>) => events.some(({ event }) => event === "progress")

describe("GET /stream", () => {
  it.live("S1-07 S1-54 S1-57 S1-72: the bytes of a cancelled event", () =>
    serving({ models }, (site) =>
      Effect.gen(function* () {
        const task = yield* site.create("tests", "WaitingTask")
        const client = yield* site.follow(task.links.stream)
        yield* client.until(isReady)
        yield* site.post(task.links.cancel)
        yield* client.ended
        const [id, event, data, ...rest] = client.raw().split("\n\n").at(-2)!.split("\n")
        expect([id, event, rest]).toEqual(["id: 1-3", "event: cancelled", []])
        expect(JSON.parse(data!.slice("data: ".length))).toEqual({
          message: "Task was cancelled",
          reason: "external_cancellation",
          _task_id: 1,
          _app: "tests",
          _model: "WaitingTask",
          _timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
        })
        expect(client.raw()).not.toContain("retry:")
      })
    )
  )

  it.live("S1x-01: every last event ends the stream at once", () =>
    serving({ models }, (site) =>
      Effect.gen(function* () {
        for (const [model, params, more, last] of [
          ["QuickTask", {}, {}, "complete"],
          ["FailingTask", {}, {}, "task-error"],
          ["WaitingTask", {}, {}, "cancelled"],
          ["SleepingTask", { millis: 60_000 }, { max_run_seconds: 0.05 }, "timeout"]
        ] as const) {
          const task = yield* site.create("tests", model, params, more)
          const client = yield* site.follow(task.links.stream)
          if (model === "WaitingTask") {
            yield* client.until(isReady)
            yield* site.post(task.links.cancel)
          }
          yield* client.until((events) => events.at(-1)?.event === last)
          const told = performance.now()
          yield* client.ended
          expect(performance.now() - told).toBeLessThan(whenBusy(100))
        }
      })
    )
  )

  it.live("S1x-02: a client that comes back after the end is told to stay away, and nothing runs again", () =>
    serving({ models }, (site) =>
      Effect.gen(function* () {
        const task = yield* site.create("tests", "WaitingTask")
        const client = yield* site.follow(task.links.stream)
        yield* client.until(isReady)
        yield* site.post(task.links.cancel)
        const last = (yield* client.ended).at(-1)!.id
        for (let visit = 0; visit < 5; visit++)
          expect((yield* site.get(task.links.stream, { "last-event-id": last })).status).toBe(204)
        // Whoever comes for the first time reads the record.
        const fresh = yield* site.get(task.links.stream)
        expect([fresh.status, fresh.json.status, fresh.json.attempts]).toEqual([200, "cancelled", 1])
      })
    )
  )

  it.live("S1x-03: a failure is called task-error, never error, which is a word of EventSource", () =>
    serving({ models }, (site) =>
      Effect.gen(function* () {
        const task = yield* site.create("tests", "FailingTask")
        const client = yield* site.follow(task.links.stream)
        const events = yield* client.ended
        expect(events.map(({ event }) => event)).toEqual(["start", "task-error"])
        expect(events[1]!.data).toMatchObject({ message: "Tray 2 is empty", error_type: "OutOfPaper" })
      })
    )
  )

  it.live("S1x-04: a client that lost its connection reads on where it was, without a gap", () =>
    serving({ models }, (site) =>
      Effect.gen(function* () {
        const task = yield* site.create("samples", "ExampleTask", { step_millis: 60 })
        const client = yield* site.follow(task.links.stream)
        const seen = yield* client.until((events) => events.length >= 2)
        yield* client.leave
        // It misses some before it is back, and the rest is still to come.
        yield* eventually(site.coordinator.find(task), ({ attempt }) => attempt!.log.last > seen.length)
        const rest = yield* (yield* site.follow(task.links.stream, seen.at(-1)!.id)).ended
        expect([...seen, ...rest].map(({ id }) => id)).toEqual(
          Array.from({ length: 7 }, (_, index) => `1-${index + 1}`)
        )
        expect(rest.at(-1)!.event).toBe("complete")
      })
    )
  )

  it.live("S1x-05: HEAD starts nothing", () =>
    serving({ models }, (site) =>
      Effect.gen(function* () {
        const task = yield* site.create("tests", "WaitingTask")
        const head = yield* Effect.promise(() => fetch(site.url + task.links.stream, { method: "HEAD" }))
        expect([head.status, head.headers.get("content-type")]).toEqual([200, "text/event-stream"])
        expect((yield* site.get(task.links.status)).json.status).toBe("pending")
      })
    )
  )

  it.live("S1x-02: who comes back to a number that is another task by now starts nothing", () =>
    serving({ models }, (site) =>
      Effect.gen(function* () {
        const task = yield* site.create("tests", "WaitingTask")
        expect((yield* site.get(task.links.stream, { "last-event-id": "1-2" })).status).toBe(204)
        expect((yield* site.get(task.links.status)).json).toMatchObject({ status: "pending", attempts: 0 })
      })
    )
  )

  it.live("S1x-29: who comes while a cancel is under way reads the cancelled event, who comes later the record", () => {
    const { letGo, model } = stubborn()
    return serving({ models: [model], before: letGo }, (site) =>
      Effect.gen(function* () {
        const task = yield* site.create("tests", "StubbornTask")
        yield* (yield* site.follow(task.links.stream)).until(isReady)
        expect((yield* site.post(task.links.cancel)).json).toMatchObject({ cancelled: true, status: "running" })
        const during = yield* site.follow(task.links.stream)
        yield* during.until(isReady)
        expect(names(during.events())).toEqual(["start", "progress"])
        yield* letGo
        expect(names(yield* during.ended)).toEqual(["start", "progress", "cancelled"])
        expect((yield* site.get(task.links.stream)).json).toMatchObject({ status: "cancelled", attempts: 1 })
      })
    )
  })

  it.live("a record that says it runs, which nobody here runs, is a conflict", () =>
    serving({ models }, (site) =>
      Effect.gen(function* () {
        const task = yield* site.create("tests", "WaitingTask")
        yield* site.store.claim(task)
        const { json, status } = yield* site.get(task.links.stream)
        expect([status, json.state]).toEqual([409, "running"])
      })
    )
  )
})

describe("POST /cancel", () => {
  it.live("S1-18 S1-22 S1x-40: answers true or false with a detail; with wait when it has ended; 404 for none", () =>
    serving({ models }, (site) =>
      Effect.gen(function* () {
        const task = yield* site.create("tests", "PoliteTask")
        const pending = yield* site.post(task.links.cancel)
        expect(pending.json).toEqual({
          cancelled: false,
          status: "pending",
          detail: "The task is not running: it is pending"
        })
        yield* (yield* site.follow(task.links.stream)).until(isReady)
        const won = yield* site.post(task.links.cancel, { reason: "Not needed", wait: true })
        expect([won.status, won.json]).toEqual([
          200,
          { cancelled: true, status: "cancelled", detail: "The task was cancelled" }
        ])
        expect((yield* site.post(task.links.cancel)).json).toMatchObject({ cancelled: false, status: "cancelled" })
        expect((yield* site.get(task.links.status)).json).toMatchObject({
          status: "cancelled",
          cancellation_reason: "Not needed",
          cancelled_at: expect.any(String)
        })
        const none = yield* site.post("/cancel/tests/WaitingTask/99999")
        expect([none.status, none.json.result.cancelled]).toEqual([404, false])
      })
    )
  )

  it.live("refuses a body that it does not understand, and names the field", () =>
    serving({ models }, (site) =>
      Effect.gen(function* () {
        const task = yield* site.create("tests", "WaitingTask")
        for (const [body, field] of [
          [{ wait: "yes" }, "wait"],
          [{ reason: 1 }, "reason"],
          [{ reason: "x".repeat(1001) }, "reason"],
          [{ resaon: "typo" }, "resaon"]
        ] as const) {
          const { json, status } = yield* site.post(task.links.cancel, body)
          expect([status, json.errors[0].field]).toEqual([400, field])
        }
      })
    )
  )
})

describe("POST /tasks", () => {
  it.live("creates a record, whose parameters are checked, and lists it", () =>
    serving({ models }, (site) =>
      Effect.gen(function* () {
        const created = yield* site.post("/tasks", { app: "tests", model: "SleepingTask", params: { millis: 5 } })
        expect([created.status, created.headers.get("location")]).toEqual([201, "/status/tests/SleepingTask/1"])
        expect(created.json).toMatchObject({ status: "pending", params: { millis: 5 }, attempts: 0 })
        for (const [body, status, field] of [
          [{ app: "tests", model: "SleepingTask" }, 400, "params.millis"],
          [{ app: "tests", model: "SleepingTask", params: { millis: "5" } }, 400, "params.millis"],
          [{ app: "tests", model: "SleepingTask", params: { millis: 5, more: 1 } }, 400, "params.more"],
          [{ app: "tests" }, 400, "model"],
          [{ app: "tests", model: "QuickTask", max_run_seconds: -1 }, 400, "max_run_seconds"],
          [{ app: "tests", model: "NoTask" }, 404, undefined]
        ] as const) {
          const { json, status: got } = yield* site.post("/tasks", body)
          expect([got, json.errors?.[0].field]).toEqual([status, field])
        }
        yield* site.create("tests", "WaitingTask")
        const listed = (query: string) =>
          Effect.map(site.get(`/tasks${query}`), ({ json }) => json.tasks.map(({ model }: any) => model))
        expect(yield* listed("")).toEqual(["WaitingTask", "SleepingTask"])
        expect(yield* listed("?model=WaitingTask&status=pending")).toEqual(["WaitingTask"])
        expect(yield* listed("?status=running")).toEqual([])
        expect((yield* site.get("/tasks?status=odd")).json.errors[0].field).toBe("status")
      })
    )
  )
})

describe("GET /tasks", () => {
  it.live("lists the newest 1,000 that the visitor may read, however many newer ones are another's", () =>
    serving({ models, access: annAndBob }, (site) =>
      Effect.gen(function* () {
        const create = (owner: string) =>
          Effect.orDie(site.store.create({ app: "tests", model: "QuickTask", params: {}, owner }))
        yield* create("ann")
        for (let record = 0; record < 2100; record++) yield* create("bob")
        yield* create("ann")
        const ids = (headers: Record<string, string>) =>
          Effect.map(site.get("/tasks?status=pending", headers), ({ json }) => json.tasks.map(({ id }: any) => id))
        expect(yield* ids(ann)).toEqual([2102, 1])
        expect(yield* ids(bob)).toEqual(Array.from({ length: 1000 }, (_, index) => 2101 - index))
      })
    )
  )
})

describe("The other routes", () => {
  it.live("continue lets on what waits for it, also before it runs, and refuses all else", () =>
    serving({ models: [...models, continuing] }, (site) =>
      Effect.gen(function* () {
        const task = yield* site.create("tests", "ContinuingTask")
        const path = `/continue/tests/ContinuingTask/${task.id}`
        expect(yield* site.post(path)).toMatchObject({ status: 200, json: { status: "pending", continue: true } })
        yield* (yield* site.follow(task.links.stream)).until(isReady)
        expect(yield* site.post(path)).toMatchObject({ status: 200, json: { status: "running", continue: true } })
        yield* site.post(task.links.cancel, { wait: true })
        const other = yield* site.create("tests", "WaitingTask")
        for (const [path, status, state] of [
          [`/continue/tests/ContinuingTask/${task.id}`, 409, "cancelled"],
          [`/continue/tests/WaitingTask/${other.id}`, 409, "pending"],
          ["/continue/tests/ContinuingTask/99999", 404, undefined]
        ] as const) {
          const answer = yield* site.post(path)
          expect([path, answer.status, answer.json.state]).toEqual([path, status, state])
        }
        expect((yield* site.get(other.links.status)).json.continue).toBe(false)
      })
    )
  )

  it.live("S1x-40 S1-67: retry runs again, extend gives more time", () =>
    serving({ models }, (site) =>
      Effect.gen(function* () {
        const task = yield* site.create("tests", "SleepingTask", { millis: 150 }, { max_run_seconds: 0.05 })
        expect((yield* (yield* site.follow(task.links.stream)).ended).at(-1)!.event).toBe("timeout")
        const retried = yield* site.post("/retry/tests/SleepingTask/1")
        expect([retried.status, retried.json.attempts]).toEqual([202, 2])
        yield* eventually(site.get(task.links.status), ({ json }) => json.status === "timeout")
        const late = yield* site.post("/extend/tests/SleepingTask/1", { seconds: 60 })
        expect([late.status, late.json]).toEqual([200, { extended: false }])

        const limit = whenBusy(2000)
        const longer = yield* site.create(
          "tests",
          "SleepingTask",
          { millis: limit + 500 },
          { max_run_seconds: limit / 1000 }
        )
        const client = yield* site.follow(longer.links.stream)
        yield* client.until((events) => events.length === 1)
        const path = `/extend/tests/SleepingTask/${longer.id}`
        expect((yield* site.post(path, { seconds: 60 })).json).toEqual({ extended: true })
        expect((yield* client.ended).map(({ event }) => event)).toEqual(["start", "complete"])
      })
    )
  )

  it.live("S1x-40: metrics count the tasks, health their states", () =>
    serving({ models }, (site) =>
      Effect.gen(function* () {
        const task = yield* site.create("tests", "QuickTask")
        yield* (yield* site.follow(task.links.stream)).ended
        yield* site.follow((yield* site.create("tests", "WaitingTask")).links.stream)
        expect((yield* site.get("/health")).json).toMatchObject({ tasks: { running: 1, cancelling: 0 }, streams: 1 })
        expect((yield* site.get("/ready")).status).toBe(200)
        const metrics = yield* Effect.promise(async () => (await fetch(`${site.url}/metrics`)).text())
        expect(metrics).toMatch(/rescind_tasks?_started/)
      })
    )
  )

  it.live("S1x-40: too many streams, too many tasks and too many requests are 429, and say when to come back", () =>
    Effect.gen(function* () {
      yield* serving({ models, maxTasks: 2, maxStreamsPerTask: 1, maxStreams: 2 }, (site) =>
        Effect.gen(function* () {
          const [one, two, three] = yield* Effect.all([
            site.create("tests", "WaitingTask"),
            site.create("tests", "WaitingTask"),
            site.create("tests", "WaitingTask")
          ])
          yield* (yield* site.follow(one.links.stream)).until(isReady)
          const full = yield* site.get(one.links.stream)
          expect([full.status, full.json.type]).toEqual([429, "urn:rescind:problem:too-many-streams"])
          yield* (yield* site.follow(two.links.stream)).until(isReady)
          const tasks = yield* site.get(three.links.stream)
          expect([tasks.status, tasks.json.type]).toEqual([429, "urn:rescind:problem:too-many-tasks"])
          expect(tasks.headers.get("retry-after")).toBe("1")
        })
      )
      yield* serving({ models, requestsPerMinute: 3 }, (site) =>
        Effect.gen(function* () {
          for (let request = 0; request < 3; request++) expect((yield* site.get("/tasks")).status).toBe(200)
          const refused = yield* site.get("/tasks")
          expect([refused.status, refused.json.type]).toEqual([429, "urn:rescind:problem:too-many-requests"])
          expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0)
        })
      )
    })
  )

  it.live("S1x-40: requests are counted before anybody is believed: of an address, and of each caller by itself", () =>
    serving({ models, access: annAndBob, requestsPerMinute: 3 }, (site) =>
      Effect.gen(function* () {
        const ask = (headers?: Record<string, string>) =>
          Effect.map(site.get("/tasks", headers), ({ status }) => status)
        const times = (count: number, headers?: Record<string, string>) =>
          Effect.all(Array.from({ length: count }, () => ask(headers)))
        // What turned out to be a caller's does not count for the address that it shares with others.
        expect(yield* times(4, ann)).toEqual([200, 200, 200, 429])
        expect(yield* times(4, bob)).toEqual([200, 200, 200, 429])
      })
    )
  )

  it.live("S1x-40: who guesses tokens is refused before the next guess is looked at", () =>
    serving({ models, access: annAndBob, requestsPerMinute: 3 }, (site) =>
      Effect.gen(function* () {
        const guess = (word: string) =>
          Effect.map(site.get("/tasks", { authorization: `Bearer ${word}` }), ({ status }) => status)
        const wrong = ["1111111111111111", "2222222222222222", "3333333333333333", "4444444444444444"]
        expect(yield* Effect.forEach(wrong, guess)).toEqual([401, 401, 401, 429])
        expect(yield* guess("ann-ann-ann-ann-ann")).toBe(429)
      })
    )
  )

  it.live("S1x-40: with tokens, nobody comes without one, and what is another's does not exist", () => {
    return serving({ models, access: annAndBob }, (site) =>
      Effect.gen(function* () {
        expect((yield* site.post("/tasks", { app: "tests", model: "WaitingTask" })).status).toBe(401)
        const { json: task } = yield* site.post("/tasks", { app: "tests", model: "WaitingTask" }, ann)
        expect(task.owner).toBe("ann")
        for (const { status } of [
          yield* site.get(task.links.stream, bob),
          yield* site.get(task.links.status, bob),
          yield* site.post(task.links.cancel, {}, bob),
          yield* site.post("/retry/tests/WaitingTask/1", {}, bob)
        ]) {
          expect(status).toBe(404)
        }
        expect((yield* site.get("/tasks", bob)).json.tasks).toEqual([])
        expect((yield* site.get("/metrics", bob)).status).toBe(403)
        expect((yield* site.get("/health")).status).toBe(200)
        // A page sends the token as a cookie: an EventSource can send no header.
        const client = yield* site.follow(task.links.stream, undefined, { cookie: "task_token=ann-ann-ann-ann-ann" })
        yield* client.until(isReady)
        yield* site.post(task.links.cancel, { reason: "mine" }, ann)
        expect((yield* client.ended).at(-1)!.data).toMatchObject({ cancelled_by: "ann", cancellation_reason: "mine" })
        expect(site.log.join("\n")).toMatch(/"Cancelling task tests:WaitingTask:1" .*by=ann reason=mine/)
      })
    )
  })

  it.live("S1x-40: who may only look at a task is refused the rest, and changes nothing", () => {
    const tokens = [{ token: Redacted.make("eve-eve-eve-eve-eve"), caller: { id: "eve" } }]
    const access: Layer.Layer<never> = BearerTokens.layer({
      tokens,
      may: (_, action) => action === "read" || action === "events"
    })
    const eve = { authorization: "Bearer eve-eve-eve-eve-eve" }
    return serving({ models, access }, (site) =>
      Effect.gen(function* () {
        const create = Effect.orDie(site.coordinator.create({ app: "tests", model: "WaitingTask", params: {} }))
        const [running, pending] = [yield* create, yield* create]
        yield* Effect.orDie(site.coordinator.start(running))
        const pathOf = ({ id }: { readonly id: number }) => `tests/WaitingTask/${id}`
        const answers = [
          yield* site.post(`/cancel/${pathOf(running)}`, {}, eve),
          yield* site.post(`/retry/${pathOf(running)}`, {}, eve),
          yield* site.post(`/continue/${pathOf(running)}`, {}, eve),
          yield* site.post(`/extend/${pathOf(running)}`, { seconds: 1 }, eve),
          yield* site.get(`/stream/${pathOf(pending)}`, eve)
        ]
        expect(answers.map(({ json, status }) => [status, json.type])).toEqual(
          answers.map(() => [403, "urn:rescind:problem:forbidden"])
        )
        const { json } = yield* site.get("/tasks", eve)
        expect(json.tasks.map(({ continue: flag, status }: any) => [status, flag])).toEqual([
          ["pending", false],
          ["running", false]
        ])
      })
    )
  })
})

describe("Hosts", () => {
  it.live("a page of another site that points its name here is refused, a probe is not", () =>
    serving({ models, hosts: ["127.0.0.1"] }, (site) =>
      Effect.gen(function* () {
        for (const [path, host, status] of [
          ["/tasks", "evil.example", 421],
          ["/tasks", "127.0.0.1", 200],
          ["/health", "evil.example", 200]
        ] as const) {
          const answer = yield* Effect.orDie(call(site.url + path, { headers: { host } }))
          expect([path, host, answer.status]).toEqual([path, host, status])
        }
      })
    )
  )
})

describe("A restart", () => {
  it.live(
    "S1x-02: keeps the records: what ran is told as cancelled to who comes back, once, and does not run again",
    () => {
      return Effect.gen(function* () {
        const database = path.join(yield* folder, "tasks.sqlite")
        const seen = yield* Effect.scoped(
          Effect.gen(function* () {
            const site = yield* open({ models, database })
            const task = yield* site.create("tests", "PoliteTask")
            const client = yield* site.follow(task.links.stream)
            yield* client.until(isReady)
            yield* site.close
            const events = yield* client.ended
            expect(events.map(({ event }) => event)).toEqual(["start", "progress", "shutdown", "cleanup", "cancelled"])
            return events
          })
        )
        yield* Effect.scoped(
          Effect.gen(function* () {
            const site = yield* open({ models, database })
            const stream = "/stream/tests/PoliteTask/1"
            // One client had read all, one had not read the end: it reads what the others did, the task's own words too.
            expect((yield* site.get(stream, { "last-event-id": seen.at(-1)!.id })).status).toBe(204)
            const late = yield* (yield* site.follow(stream, seen.at(-2)!.id)).ended
            expect(late.map(({ data, event }) => [event, data])).toEqual([["cancelled", seen.at(-1)!.data]])
            expect(late[0]!.data).toMatchObject({ reason: "shutdown", details: { rows: 3 }, _task_id: 1 })
            expect((yield* site.get(stream, { "last-event-id": late[0]!.id })).status).toBe(204)
            expect((yield* site.get(stream)).json).toMatchObject({ status: "cancelled", attempts: 1 })
          })
        )
      })
    }
  )

  it.live("S1x-02: a database of the first version is taken over, records and all", () =>
    Effect.gen(function* () {
      const database = path.join(yield* folder, "tasks.sqlite")
      yield* Effect.sync(() => {
        const file = new DatabaseSync(database)
        file.exec(`CREATE TABLE tasks (id INTEGER PRIMARY KEY AUTOINCREMENT, app TEXT NOT NULL, model TEXT NOT NULL,
          status TEXT NOT NULL, params TEXT NOT NULL, max_run_seconds REAL, attempts INTEGER NOT NULL DEFAULT 0,
          continue_flag INTEGER NOT NULL DEFAULT 0, owner TEXT, created_at TEXT NOT NULL, started_at TEXT,
          completed_at TEXT, failed_at TEXT, cancelled_at TEXT, cancellation_reason TEXT, cancelled_by TEXT,
          final_value TEXT, error TEXT, last_event INTEGER) STRICT`)
        file.exec(`INSERT INTO tasks (app, model, status, params, created_at)
          VALUES ('tests', 'PoliteTask', 'pending', '{}', '2026-01-01T00:00:00.000Z')`)
        file.close()
      })
      for (const visit of ["first", "second"]) {
        yield* Effect.scoped(
          Effect.gen(function* () {
            const site = yield* open({ models, database })
            if (visit === "first") {
              yield* (yield* site.follow("/stream/tests/PoliteTask/1")).until(isReady)
              yield* site.post("/cancel/tests/PoliteTask/1", { wait: true })
            }
            const { json } = yield* site.get("/status/tests/PoliteTask/1")
            expect(json).toMatchObject({ status: "cancelled", cancellation_details: { details: { rows: 3 } } })
          })
        )
      }
    })
  )

  it.live("after a crash what read as running has failed, and can be retried", () => {
    return Effect.gen(function* () {
      const database = path.join(yield* folder, "tasks.sqlite")
      yield* Effect.scoped(
        Effect.gen(function* () {
          const site = yield* open({ models, database })
          // As a process that was killed leaves it.
          yield* site.store.claim(yield* site.create("tests", "QuickTask"))
        })
      )
      yield* Effect.scoped(
        Effect.gen(function* () {
          const site = yield* open({ models, database })
          const { json } = yield* site.get("/status/tests/QuickTask/1")
          expect(json).toMatchObject({ status: "failed", error: { error_type: "ServerStopped" } })
          expect(site.log.join("\n")).toContain("Task tests:QuickTask:1 was cut off by the end of the last server")
          expect((yield* site.post("/retry/tests/QuickTask/1")).status).toBe(202)
          yield* eventually(site.get("/status/tests/QuickTask/1"), ({ json }) => json.status === "completed")
        })
      )
    })
  })
})
