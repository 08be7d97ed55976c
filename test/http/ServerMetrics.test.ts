import { connect } from "node:net"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as HttpRouter from "effect/http/HttpRouter"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as Latch from "effect/Latch"
import * as Metric from "effect/Metric"
import type * as Scope from "effect/Scope"
import * as TaskAccess from "../../src/http/TaskAccess.ts"
import { read, valueOf } from "./exposition.ts"
import { count, print, stubborn, wait } from "./probes.ts"
import { type Options, serving, type Site } from "./serving.ts"

/** A site that counts in a registry of its own. */
const counting = <A, E>(options: Options, test: (site: Site) => Effect.Effect<A, E, Scope.Scope>) =>
  Effect.provideService(serving({ ...options, metrics: true }, test), Metric.MetricRegistry, new Map())

const scraped = (site: Site) => Effect.map(site.get("/metrics"), ({ text }) => text)

const scrapedUntil = (site: Site, done: (text: string) => boolean): Effect.Effect<string> =>
  Effect.gen(function* () {
    let text = yield* scraped(site)
    for (let asked = 0; !done(text); asked++) {
      if (asked > 1000) return yield* Effect.die(new Error(`what was waited for never came:\n${text}`))
      text = yield* scraped(site)
    }
    return text
  })

describe("ServerMetrics", () => {
  it.live("S1x-40: GET /metrics is what Prometheus reads, to the letter of the format", () =>
    counting({ tasks: [wait, count] }, (site) =>
      Effect.gen(function* () {
        yield* Metric.update(odd, 3)
        yield* site.post("/tasks/count?id=c", { to: 2 })
        yield* site.tasks.await("c")
        yield* site.post("/tasks/wait?id=w", {})
        yield* site.post("/tasks/w/cancel")
        const { headers, status, text } = yield* site.get("/metrics")
        expect(status).toBe(200)
        expect(headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8")
        expect(headers.get("cache-control")).toBe("no-store")
        const families = read(text)
        expect(families.get("odd_total")!.samples).toEqual([
          { name: "odd_total", labels: { path: 'C:\\new "x"\n}, a="b' }, value: 3 }
        ])
        expect([...families].map(([name, { type }]) => `${name} ${type}`)).toEqual(
          expect.arrayContaining([
            "rescind_tasks_live gauge",
            "rescind_tasks_started_total counter",
            "rescind_task_cancel_duration_seconds histogram",
            "rescind_http_tasks_started_total counter",
            "rescind_http_tasks_ended_total counter",
            "rescind_http_tasks_live gauge",
            "rescind_http_task_duration_seconds histogram",
            "rescind_http_task_cancel_duration_seconds histogram",
            "http_server_request_duration_seconds histogram"
          ])
        )
      })
    )
  )

  it.live("S1x-40: tasks are counted by definition, outcome and source; running ones stand in a gauge", () =>
    counting({ tasks: [wait, count, print] }, (site) =>
      Effect.gen(function* () {
        for (const id of ["a", "b", "c"]) yield* site.post(`/tasks/wait?id=${id}`, {})
        yield* site.post("/tasks/count?id=1", { to: 2 })
        yield* site.post("/tasks/print?id=p")
        yield* Effect.all([site.tasks.await("1"), site.tasks.await("p")])
        yield* site.post("/tasks/a/cancel")
        yield* site.post("/tasks/a/cancel")
        yield* site.tasks.cancel("b", { reason: { source: "timeout", message: "too long" } })
        const text = yield* scraped(site)
        const ended = (labels: Record<string, string>) => valueOf(text, "rescind_http_tasks_ended_total", labels)
        expect(valueOf(text, "rescind_http_tasks_started_total", { name: "wait" })).toBe(3)
        expect(valueOf(text, "rescind_http_tasks_started_total", { name: "count" })).toBe(1)
        expect(valueOf(text, "rescind_http_tasks_live", { name: "wait" })).toBe(1)
        expect(valueOf(text, "rescind_http_tasks_live", { name: "count" })).toBe(0)
        expect(ended({ name: "wait", outcome: "cancelled", source: "request" })).toBe(1)
        expect(ended({ name: "wait", outcome: "cancelled", source: "timeout" })).toBe(1)
        expect(ended({ name: "count", outcome: "completed" })).toBe(1)
        expect(ended({ name: "print", outcome: "failed" })).toBe(1)
        expect(valueOf(text, "rescind_http_task_cancel_duration_seconds_count", { name: "wait" })).toBe(2)
        expect(valueOf(text, "rescind_http_task_duration_seconds_count", { name: "wait", outcome: "cancelled" })).toBe(
          2
        )
        expect(valueOf(text, "rescind_tasks_started_total", { kind: "task" })).toBe(5)
      })
    )
  )

  it.live("a cancel that gave up is counted once, when it gave up, and the straggler stands in a gauge", () => {
    const mule = stubborn()
    return counting({ tasks: [mule] }, (site) =>
      Effect.gen(function* () {
        yield* site.post("/tasks/stubborn?id=m")
        yield* (yield* site.follow("m")).until((events) => events.length >= 2)
        yield* site.post("/tasks/m/cancel", { giveUp: "0 millis" })
        const labels = { name: "stubborn", outcome: "cancelled", source: "request" }
        const before = yield* scraped(site)
        expect(valueOf(before, "rescind_http_tasks_ended_total", labels)).toBe(1)
        expect(valueOf(before, "rescind_http_tasks_live", { name: "stubborn" })).toBe(0)
        expect(valueOf(before, "rescind_stragglers")).toBe(1)
        yield* mule.letGo
        const after = yield* scrapedUntil(site, (text) => valueOf(text, "rescind_stragglers") === 0)
        expect(valueOf(after, "rescind_http_tasks_ended_total", labels)).toBe(1)
      })
    )
  })

  it.live("event streams are counted: open ones, why they closed, whom a limit refused, what they were sent", () =>
    counting({ tasks: [wait], maxStreamsPerTask: 2 }, (site) =>
      Effect.gen(function* () {
        yield* site.post("/tasks/wait?id=w", {})
        const [stays, leaves] = [yield* site.follow("w"), yield* site.follow("w")]
        for (const client of [stays, leaves]) yield* client.until((events) => events.length === 2)
        expect((yield* site.get("/tasks/w/events")).status).toBe(429)
        expect(valueOf(yield* scraped(site), "rescind_http_readers")).toBe(2)
        yield* leaves.leave
        yield* scrapedUntil(site, (text) => valueOf(text, "rescind_http_readers") === 1)
        yield* site.post("/tasks/w/cancel")
        yield* stays.ended
        const text = yield* scrapedUntil(site, (text) => valueOf(text, "rescind_http_readers") === 0)
        expect(valueOf(text, "rescind_http_readers_opened_total")).toBe(2)
        expect(valueOf(text, "rescind_http_readers_closed_total", { reason: "left" })).toBe(1)
        expect(valueOf(text, "rescind_http_readers_closed_total", { reason: "end" })).toBe(1)
        expect(valueOf(text, "rescind_http_readers_refused_total", { limit: "per-log" })).toBe(1)
        // started, progress, cancel-requested, cancelled
        expect(valueOf(text, "rescind_http_events_published_total")).toBe(4)
        const bytes = valueOf(text, "rescind_http_events_delivered_bytes_total")!
        const sent = [stays, leaves].reduce((sum, client) => sum + client.raw().length, 0)
        expect([bytes > sent * 0.9, bytes < sent * 1.1]).toEqual([true, true])
      })
    )
  )

  it.live("requests are timed by the template of their route, never by what a client wrote", () =>
    counting({ tasks: [wait] }, (site) =>
      Effect.gen(function* () {
        for (const id of ["a", "b"]) yield* site.post(`/tasks/wait?id=${id}`, {})
        for (const id of ["a", "b", "nobody"]) yield* site.get(`/tasks/${id}`)
        yield* site.get("/no/such/route")
        yield* site.get("/nor/this")
        yield* site.request("/tasks", { method: "HEAD" })
        yield* raw(site, "BREW /tea HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        yield* raw(site, "PROPFIND /tasks HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        const text = yield* scraped(site)
        const counted = read(text)
          .get("http_server_request_duration_seconds")!
          .samples.filter(({ name }) => name.endsWith("_count"))
          .map(({ labels, value }) =>
            [labels["http_request_method"], labels["http_route"], labels["http_response_status_code"], value].join(" ")
          )
        expect(counted.toSorted((a, b) => (a < b ? -1 : 1))).toEqual([
          "GET /tasks/:id 200 2",
          "GET /tasks/:id 404 1",
          "GET none 404 2",
          "HEAD /tasks 200 1",
          "POST /tasks/:name 202 2",
          "_OTHER none 405 1"
        ])
        for (const written of ["nobody", "BREW", "PROPFIND", "such"]) expect(text).not.toContain(written)
      })
    )
  )

  it.live("a client that leaves before its answer is there is a 499", () => {
    const mule = stubborn()
    return counting({ tasks: [mule] }, (site) =>
      Effect.gen(function* () {
        yield* site.post("/tasks/stubborn?id=m")
        const client = yield* site.follow("m")
        yield* client.until((events) => events.length === 2)
        const leaves = yield* Effect.forkChild(site.post("/tasks/m/cancel"))
        yield* client.until((events) => events.length === 3)
        yield* Fiber.interrupt(leaves)
        const labels = {
          http_request_method: "POST",
          http_route: "/tasks/:id/cancel",
          http_response_status_code: "499"
        }
        const text = yield* scrapedUntil(
          site,
          (text) => valueOf(text, "http_server_request_duration_seconds_count", labels) !== undefined
        )
        expect(valueOf(text, "http_server_request_duration_seconds_count", labels)).toBe(1)
      })
    )
  })

  it.live("so is one that leaves a route of the program's own", () => {
    const begun = Latch.makeUnsafe()
    const routes = HttpRouter.add("GET", "/slow/:page", Effect.andThen(begun.open, Effect.never))
    return counting({ tasks: [wait], routes }, (site) =>
      Effect.gen(function* () {
        const leaves = yield* Effect.forkChild(site.get("/slow/7"))
        yield* begun.await
        yield* Fiber.interrupt(leaves)
        const labels = { http_request_method: "GET", http_route: "/slow/:page", http_response_status_code: "499" }
        const count = (text: string) => valueOf(text, "http_server_request_duration_seconds_count", labels)
        expect(count(yield* scrapedUntil(site, (text) => count(text) !== undefined))).toBe(1)
      })
    )
  })

  it.live("without the option there is no such route, and nothing is counted", () => {
    const registry = new Map()
    return Effect.provideService(
      serving({ tasks: [count] }, (site) =>
        Effect.gen(function* () {
          yield* site.post("/tasks/count?id=c", { to: 2 })
          expect((yield* site.get("/metrics")).json.type).toBe("urn:rescind:problem:no-such-route")
          expect((yield* site.post("/metrics")).status).toBe(404)
          expect(Array.from(registry.keys()).filter((key) => /rescind|http/.test(key))).toEqual([])
        })
      ),
      Metric.MetricRegistry,
      registry
    )
  })

  it.live("S1x-40: with a rule of access it is for those who may inspect", () => {
    const identify = ({ headers }: HttpServerRequest.HttpServerRequest) =>
      headers["x-user"] === undefined
        ? Effect.fail(TaskAccess.unidentified("Send x-user", "Test"))
        : Effect.succeed({ id: headers["x-user"] })
    const access = TaskAccess.layer({ identify, inspect: ({ id }) => id === "prometheus" })
    return counting({ tasks: [count], access }, (site) =>
      Effect.gen(function* () {
        const asked = [{}, { "x-user": "ann" }, { "x-user": "prometheus" }].map((headers) =>
          Effect.map(site.get("/metrics", headers), ({ status }) => status)
        )
        expect(yield* Effect.all(asked)).toEqual([401, 403, 200])
      })
    )
  })

  it.live("with it, other methods are refused with what is allowed", () =>
    counting({ tasks: [count] }, (site) =>
      Effect.gen(function* () {
        const answer = yield* site.post("/metrics")
        expect([answer.status, answer.headers.get("allow")]).toEqual([405, "GET"])
      })
    )
  )
})

/** What a program may name anything. */
const odd = Metric.counter("odd_total", {
  description: "two\nlines",
  incremental: true,
  attributes: { path: 'C:\\new "x"\n}, a="b' }
})

/** For what `fetch` would not send. */
const raw = (site: Site, text: string): Effect.Effect<void> =>
  Effect.callback((resume) => {
    const socket = connect(Number(new URL(site.url).port), "127.0.0.1", () => socket.write(text))
    socket.resume()
    socket.on("close", () => resume(Effect.void))
    socket.on("error", () => {})
  })
