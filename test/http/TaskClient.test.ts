/** The client against a real server, over real sockets; how it takes faults is in `internal/client`. */
import { describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as TaskClient from "../../src/http/TaskClient.ts"
import * as TaskDefinition from "../../src/http/TaskDefinition.ts"
import { cuttingProxy } from "./cuttingProxy.ts"
import { lot } from "./lot.ts"
import { Break, breaks, Count, count, Print, print, Wait, wait } from "./probes.ts"
import { serving, type Site } from "./serving.ts"

const definitions = [Count, Wait, Print, Break]
const tasks = [count, wait, print, breaks]

const clientOf = (site: Site, options?: TaskClient.Options) =>
  Effect.provide(TaskClient.make(definitions, { baseUrl: site.url, ...options }), FetchHttpClient.layer)

describe("TaskClient", () => {
  it.live("starts, watches and awaits a task, typed by its definition", () =>
    serving({ tasks }, (site) =>
      Effect.gen(function* () {
        const client = yield* clientOf(site)
        const task = yield* client.tasks.count.start({ to: 3 })
        expect(task.id).toMatch(/^count-[0-9a-z]{12}$/)
        expect(task.attempt).toBe(1)
        const events = yield* Stream.runCollect(task.watch())
        expect(events.map(({ _tag, seq }) => `${seq} ${_tag}`)).toEqual([
          "1 Started",
          "2 Output",
          "3 Output",
          "4 Output",
          "5 Completed"
        ])
        expect(events[4]).toMatchObject({ task: task.id, attempt: 1, value: { sum: 6 }, cleanupFailures: 0 })
        expect(yield* task.await).toEqual({
          _tag: "Completed",
          value: { sum: 6 },
          cleanupFailures: [],
          salvaged: []
        })
        expect(yield* task.join).toEqual({ sum: 6 })
        expect(yield* client.tasks.count.call({ to: 4 })).toEqual({ sum: 10 })
      })
    )
  )

  it.live("a failure comes back as the typed error, a defect as one that tells no more than the server does", () =>
    serving({ tasks }, (site) =>
      Effect.gen(function* () {
        const client = yield* clientOf(site)
        expect(yield* Effect.flip(client.tasks.print.call({}))).toMatchObject({ _tag: "OutOfPaper", tray: 2 })
        const outcome = yield* client.tasks.break.run({})
        expect(outcome).toMatchObject({ _tag: "Failed" })
        const defect = outcome._tag === "Failed" && outcome.cause.reasons.find(Cause.isDieReason)?.defect
        expect(String(defect)).toMatch(/^RemoteDefect: The task "break-\w+" failed with a defect; the log/)
      })
    )
  )

  it.live("cancels with reason and patience; an id that nobody knows is NotFound, which is no failure", () =>
    serving({ tasks }, (site) =>
      Effect.gen(function* () {
        const client = yield* clientOf(site)
        const task = yield* client.tasks.wait.start({})
        const reason = { message: "not needed", by: "ann", detail: { ticket: 7 } }
        const result = yield* task.cancel({ reason, grace: "10 millis" })
        expect(result).toMatchObject({ _tag: "Cancelled", id: task.id, how: "interrupted", reason })
        expect(yield* client.cancel(task.id)).toMatchObject({ _tag: "AlreadyCancelled", reason })
        const outcome = yield* task.await
        expect(outcome).toMatchObject({
          _tag: "Cancelled",
          how: "interrupted",
          reason: { ...reason, source: "request" }
        })
        const view = yield* client.info(task.id)
        const told = view._tag === "Some" && view.value.outcome?._tag === "Cancelled" && view.value.outcome.reason
        expect(outcome._tag === "Cancelled" && outcome.reason).toEqual(told)
        expect(yield* client.cancel("nobody")).toEqual({ _tag: "NotFound", id: "nobody" })
        expect(yield* client.cancel("../tree")).toEqual({ _tag: "NotFound", id: "../tree" })
        expect(yield* Effect.flip(task.join)).toMatchObject({ _tag: "TaskCancelled", task: task.id, reason })
      })
    )
  )

  it.live("starts with labels, lists by them, and cancels all that have them, with an answer for each", () =>
    serving({ tasks }, (site) =>
      Effect.gen(function* () {
        const client = yield* clientOf(site)
        yield* client.tasks.wait.start({}, { id: "a", labels: ["shop=7", "nightly"] })
        yield* client.tasks.wait.start({}, { id: "b", labels: ["nightly"] })
        yield* client.tasks.wait.start({}, { id: "c" })
        expect((yield* client.list({ label: ["nightly", "shop=7"] })).map(({ id, labels }) => [id, labels])).toEqual([
          ["a", ["shop=7", "nightly"]]
        ])
        const results = yield* client.cancelMany({ labels: ["nightly"] }, { reason: { by: "ann" }, grace: 0 })
        expect(results).toMatchObject([
          { id: "a", result: { _tag: "Cancelled", reason: { by: "ann", source: "request" } } },
          { id: "b", result: { _tag: "Cancelled" } }
        ])
        const rest = yield* client.cancelMany({ ids: ["c", "x", "a"] }, { wait: false })
        expect(rest.map(({ id, result }) => `${id} ${result._tag}`)).toEqual([
          "c Requested",
          "x NotFound",
          "a AlreadyCancelled"
        ])
        expect(yield* Effect.flip(client.cancelMany({}))).toMatchObject({
          _tag: "RequestRefused",
          status: 400,
          detail: expect.stringMatching(/^Say which tasks to cancel/)
        })
        const badly = yield* Effect.flip(client.tasks.wait.start({}, { labels: ["a b"] }))
        expect(badly).toMatchObject({ _tag: "RequestRefused", status: 400, code: "invalid-request" })
      })
    )
  )

  it.live("a reason that is too long for the server is cut short: the cancel counts more than what is said of it", () =>
    serving({ tasks }, (site) =>
      Effect.gen(function* () {
        const client = yield* clientOf(site)
        const task = yield* client.tasks.wait.start({})
        const result = yield* task.cancel({ reason: { message: "x".repeat(1001), by: "y".repeat(5000) } })
        expect(result).toMatchObject({
          _tag: "Cancelled",
          reason: { message: `${"x".repeat(999)}…`, by: `${"y".repeat(199)}…` }
        })
      })
    )
  )

  it.live("lists and looks, also for ids that nobody knows", () =>
    serving({ tasks }, (site) =>
      Effect.gen(function* () {
        const client = yield* clientOf(site)
        yield* client.tasks.count.run({ to: 1 }, { id: "c" })
        yield* client.tasks.wait.start({ label: "w" }, { id: "w" })
        expect((yield* client.list()).map(({ id }) => id)).toEqual(["c", "w"])
        expect((yield* client.list({ name: "wait" })).map(({ id }) => id)).toEqual(["w"])
        expect(yield* client.info("w")).toMatchObject({
          _tag: "Some",
          value: { state: "running", payload: { label: "w" } }
        })
        expect(yield* client.tasks.wait.get("nobody").info).toMatchObject({ _tag: "None" })
        expect(yield* client.info("a/b")).toMatchObject({ _tag: "None" })
        const lost = yield* Effect.flip(client.tasks.wait.get("nobody").await)
        expect(lost).toMatchObject({ _tag: "TaskUnknown", id: "nobody", why: "not-found" })
        expect((yield* Effect.flip(client.tasks.wait.get("..").await))._tag).toBe("TaskUnknown")
      })
    )
  )

  it.live("an id that is taken is refused, and one that has ended can be replaced", () =>
    serving({ tasks }, (site) =>
      Effect.gen(function* () {
        const client = yield* clientOf(site)
        yield* client.tasks.wait.start({}, { id: "w" })
        const refused = yield* Effect.flip(client.tasks.wait.start({}, { id: "w" }))
        expect(refused).toMatchObject({ _tag: "RequestRefused", status: 409, code: "already-running" })
        expect(refused.message).toMatch(/^start wait: 409 already-running: The task "w" is running/)
        yield* client.cancel("w")
        expect(yield* Effect.flip(client.tasks.wait.start({}, { id: "w" }))).toMatchObject({ code: "already-ended" })
        const again = yield* client.tasks.wait.start({}, { id: "w", replace: true })
        expect(again.attempt).toBe(2)
        yield* again.cancel()
        // A handle is of the run that it started.
        const old = yield* client.tasks.count.start({ to: 1 }, { id: "c" })
        yield* old.await
        yield* client.tasks.count.start({ to: 1 }, { id: "c", replace: true })
        expect(yield* Effect.flip(old.await)).toMatchObject({ _tag: "TaskUnknown", why: "replaced" })
        expect(yield* client.tasks.count.get("c").join).toEqual({ sum: 1 })
      })
    )
  )

  it.live("who has seen the end is told it again by the task itself, as the server sends nothing more (204)", () =>
    serving({ tasks }, (site) =>
      Effect.gen(function* () {
        const client = yield* clientOf(site)
        const task = yield* client.tasks.count.start({ to: 2 })
        const all = yield* Stream.runCollect(task.watch())
        expect((yield* site.get(`/tasks/${task.id}/events`, { "last-event-id": "1-4" })).status).toBe(204)
        const after = yield* Stream.runCollect(task.watch({ after: all[3]! }))
        expect(after).toEqual([{ ...all[3], at: expect.anything() }])
        const rest = yield* Stream.runCollect(task.watch({ after: all[1]! }))
        expect(rest).toEqual(all.slice(2))
      })
    )
  )

  it.live("a payload that its schema does not allow is refused without asking, in the words of the server", () =>
    serving({ tasks }, (site) =>
      Effect.gen(function* () {
        const client = yield* clientOf(site)
        const here = yield* Effect.flip(client.tasks.count.start({ to: 1.5 }))
        expect(here).toMatchObject({ _tag: "RequestRefused", status: 400, code: "invalid-request" })
        const there = yield* site.post("/tasks/count", { to: 1.5 })
        expect(here).toMatchObject({ detail: there.json.detail })
        expect(here.message).toContain("to: ")
      })
    )
  )

  it.live("a cancel waits for the clean-up of its tasks, however long the server says nothing: real time", () =>
    serving({ tasks: [slowly] }, (site) =>
      Effect.gen(function* () {
        const options = { baseUrl: site.url, silence: "200 millis", retry: Schedule.recurs(0) } as const
        const client = yield* Effect.provide(TaskClient.make([Slowly], options), FetchHttpClient.layer)
        for (const id of ["a", "b"]) yield* client.tasks.slowly.start({}, { id })
        while ((yield* site.tasks.list).some(({ state }) => state !== "running")) yield* Effect.sleep(1)
        const [many, one] = yield* Effect.all([client.cancelMany({ ids: ["a"] }), client.cancel("b")], {
          concurrency: "unbounded"
        })
        expect([many[0]!.result._tag, one._tag]).toEqual(["Cancelled", "Cancelled"])
      })
    )
  )

  it.live("whatever is cut, a call runs its task once and gets its value: real sockets, random cuts", () =>
    serving({ tasks }, (site) =>
      Effect.gen(function* () {
        const seed = Date.now()
        const next = lot(seed)
        const proxy = yield* cuttingProxy(site.url, () => ({
          after: next(900),
          how: next(2) === 0 ? "reset" : "close"
        }))
        const client = yield* clientOf(site, { baseUrl: proxy.url, retry: Schedule.spaced("1 millis") })
        const calls = 30
        for (let call = 0; call < calls; call++) {
          const id = call % 2 === 0 ? {} : { id: `call-${call}` }
          expect(yield* client.tasks.count.call({ to: 5 }, id), `seed ${seed}`).toEqual({ sum: 15 })
        }
        expect(
          (yield* site.tasks.list).map(({ attempt }) => attempt),
          `seed ${seed}`
        ).toEqual(Array(calls).fill(1))
        expect(proxy.count(), `seed ${seed}`).toBeGreaterThan(2 * calls)
      })
    )
  )

  it.live("a caller that is interrupted at any moment leaves no task that runs: real sockets, real time", () =>
    serving({ tasks }, (site) =>
      Effect.gen(function* () {
        const client = yield* clientOf(site)
        for (let round = 0; round < 40; round++) {
          const run = client.tasks.wait.run({ label: `${round}` })
          yield* Effect.timeoutOption(run, Duration.micros(BigInt(round * 300)))
          const left = (yield* site.tasks.list).filter(({ state }) => state === "running" || state === "cancelling")
          expect(left, `round ${round}`).toEqual([])
        }
        const ended = yield* site.tasks.list
        expect(new Set(ended.map(({ state }) => state))).toEqual(new Set(["cancelled"]))
      })
    )
  )

  it.live("the token of the caller goes along with every request", () =>
    Effect.gen(function* () {
      const said: Array<string | undefined> = []
      const http = HttpClient.make((request) => {
        said.push(request.headers["authorization"])
        return Effect.succeed(HttpClientResponse.fromWeb(request, new Response("{}", { status: 401 })))
      })
      const client = yield* Effect.provideService(
        TaskClient.make(definitions, {
          baseUrl: "http://localhost",
          transformClient: HttpClient.mapRequest(HttpClientRequest.bearerToken("secret"))
        }),
        HttpClient.HttpClient,
        http
      )
      const { tasks } = client
      for (const call of [
        tasks.wait.run({}),
        tasks.wait.get("x").await,
        client.list(),
        client.info("x"),
        client.cancel("x")
      ]) {
        expect(yield* Effect.flip(Effect.asVoid<unknown, unknown, never>(call))).toMatchObject({
          _tag: "RequestRefused",
          status: 401
        })
      }
      expect(said).toEqual(Array(5).fill("Bearer secret"))
    })
  )

  it("two definitions of one name are a defect", () => {
    const twice = [Count, TaskDefinition.make("count", { success: Schema.Void })]
    const made = Effect.provide(TaskClient.make(twice), FetchHttpClient.layer)
    return expect(Effect.runPromise(made)).rejects.toThrow('Two tasks are defined under the name "count"')
  })
})

const Slowly = TaskDefinition.make("slowly", { success: Schema.Void })

/** Cleans up for half a second. */
const slowly = Slowly.of(() => Effect.ensuring(Effect.never, Effect.sleep("500 millis")))
