/** The server and its clients, in real time. */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { describe, expect, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as http from "node:http"
import type { AddressInfo } from "node:net"
import * as CancelReason from "../../../../src/fibers/CancelReason.ts"
import { AgentTasks } from "../../../../src/examples/agent-tasks/AgentTasks.ts"
import { joinAllSettled } from "../../../../src/examples/agent-tasks/combine/joins.ts"
import { selectOkWithCancel } from "../../../../src/examples/agent-tasks/combine/select.ts"
import { AgentContext } from "../../../../src/examples/agent-tasks/context/AgentContext.ts"
import * as MakeContext from "../../../../src/examples/agent-tasks/context/makeContext.ts"
import * as AgentTasksClient from "../../../../src/examples/agent-tasks/http/AgentTasksClient.ts"
import * as WorkerLinkClient from "../../../../src/examples/agent-tasks/http/WorkerLinkClient.ts"
import { Sleep } from "../../../../src/examples/agent-tasks/kinds/sleepTask.ts"
import { Stubborn } from "../../../../src/examples/agent-tasks/kinds/stubbornTask.ts"
import { call } from "../../server/serverProcess.ts"
import { eventually } from "../../server/fetchEventually.ts"
import { served } from "../served.ts"

const client = (url: string) => AgentTasksClient.layer(url).pipe(Layer.provide(NodeHttpClient.layerNodeHttp))

const as = (agent: string) => ({ "x-agent": agent })

/** A server that answers everything in one way. */
const answering = (status: number, body: string) =>
  Effect.acquireRelease(
    Effect.callback<http.Server>((resume) => {
      const server = http.createServer((_, response) => response.writeHead(status).end(body))
      server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
    }),
    (server) => Effect.sync(() => server.closeAllConnections() ?? server.close())
  ).pipe(Effect.map((server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`))

const asked = (url: string) =>
  Effect.flatMap(AgentTasks, (tasks) => Effect.flip(tasks.cancelTask("ann", crypto.randomUUID()))).pipe(
    Effect.provide(client(url))
  )

describe("the task server in real time", () => {
  it.live("cancels a running task by RPC: the result, the status, and the worker's fiber (S4-07, S4-14, S4-27)", () =>
    served(({ as: agent, url }) =>
      Effect.gen(function* () {
        const { schedule, submit } = yield* AgentContext
        const tasks = yield* AgentTasks
        const task = yield* schedule(Sleep, { ms: 60_000 })
        yield* submit
        yield* eventually(task.status, (status) => status === "running")
        const answer = yield* call(`${url}/tasks/${task.id}/cancel`, {
          body: { reason: { message: "enough", by: "ann" } },
          headers: as("agent")
        })
        expect(answer.status).toBe(200)
        expect(answer.json).toMatchObject({ _tag: "Cancelled", id: task.id, reason: { message: "enough", by: "ann" } })
        expect(yield* tasks.cancelTask("agent", task.id)).toMatchObject({ _tag: "AlreadyCancelled" })
        expect(yield* task.ended).toMatchObject({
          status: "cancelled",
          outcome: { partial: { sleptMillis: expect.any(Number) } }
        })
        const events = yield* tasks.events("agent", task.id)
        expect(events.at(-2)).toMatchObject({
          _tag: "TaskCancelled",
          toldAt: expect.any(Number),
          stoppedAt: expect.any(Number)
        })
      }).pipe(agent("agent"))
    )
  )

  it.live("answers bad requests with problem documents that name what was wrong (S4-11, S4-12, S4x-16)", () =>
    served(({ url }) =>
      Effect.gen(function* () {
        const id = crypto.randomUUID()
        yield* call(`${url}/tasks`, {
          body: { tasks: [{ id, kind: "nowhere", input: 1, on: "nobody", cancellable: false }] },
          headers: as("ann")
        })
        const unknown = crypto.randomUUID()
        const post = { method: "POST", headers: as("bob") }
        const answers = yield* Effect.all({
          malformed: call(`${url}/tasks/xyz/cancel`, post),
          unknown: call(`${url}/tasks/${unknown}/cancel`, post),
          foreign: call(`${url}/tasks/${id}/cancel`, post),
          foreignWait: call(`${url}/waits`, { body: { ids: [id], mode: "all" }, headers: as("bob") }),
          notCancellable: call(`${url}/tasks/${id}/cancel`, { ...post, headers: as("ann") }),
          nobody: call(`${url}/tasks/${id}`),
          fields: call(`${url}/tasks`, {
            body: { tasks: [{ id: "x", kind: "k", input: 1, extra: 1 }] },
            headers: as("ann")
          }),
          mode: call(`${url}/waits`, { body: { ids: [], mode: "some" }, headers: as("ann") }),
          notJson: call(`${url}/tasks`, { body: "{", headers: as("ann") }),
          noRoute: call(`${url}/nothing`),
          worker: call(`${url}/workers/a%20b/claims`, { body: { max: 1 } }),
          claim: call(`${url}/workers/w/claims`, { body: { max: 0 } })
        })
        const seen = Object.fromEntries(
          Object.entries(answers).map(([key, { json, status }]) => [
            key,
            [status, json.type.slice(20), ...(json.errors ?? []).map((error: any) => `${error.in} ${error.field}`)]
          ])
        )
        expect(seen).toEqual({
          malformed: [400, "invalid-request", "path id"],
          unknown: [404, "task-not-found"],
          foreign: [403, "forbidden"],
          foreignWait: [403, "forbidden"],
          notCancellable: [409, "wrong-state"],
          nobody: [400, "invalid-request", "header x-agent"],
          fields: [400, "invalid-request", "body tasks[0].extra", "body tasks[0].id"],
          mode: [400, "invalid-request", "body mode"],
          notJson: [400, "invalid-request", "body "],
          noRoute: [404, "no-such-route"],
          worker: [400, "invalid-request", "path name"],
          claim: [400, "invalid-request", "body max"]
        })
        expect(answers.unknown.json).toMatchObject({ result: { _tag: "NotFound", id: unknown } })
        expect(answers.notCancellable.json).toMatchObject({ state: "pending", instance: `/tasks/${id}` })
      })
    )
  )

  it.live("the client fails with the same errors as the table in this process (S4-25, S4x-16)", () =>
    served(({ table, url }) =>
      Effect.gen(function* () {
        const local = Context.get(table, AgentTasks)
        const remote = yield* AgentTasks
        const id = crypto.randomUUID()
        yield* remote.submit("ann", [{ id, kind: "k", input: null, on: "nobody", cancellable: false }])
        const unknown = crypto.randomUUID()
        const wrong: ReadonlyArray<(tasks: AgentTasks["Service"]) => Effect.Effect<unknown, unknown>> = [
          (tasks) => tasks.cancelTask("ann", "xyz"),
          (tasks) => tasks.cancelTask("bob", id),
          (tasks) => tasks.cancelTask("ann", id),
          (tasks) => tasks.results("ann", [unknown]),
          (tasks) => tasks.wait("ann", [unknown], "all"),
          (tasks) => tasks.events("bob", id),
          (tasks) => tasks.submit("bob", [{ id, kind: "other", input: 1 }])
        ]
        for (const ask of wrong) expect(yield* Effect.flip(ask(remote))).toEqual(yield* Effect.flip(ask(local)))
        expect(yield* remote.cancelTask("ann", unknown)).toEqual({ _tag: "NotFound", id: unknown })
        expect(yield* remote.list("ann")).toEqual(yield* local.list("ann"))
      }).pipe(Effect.provide(client(url)))
    )
  )

  it.live("a server that is down, and one that answers oddly, are typed errors (S4-25)", () =>
    Effect.gen(function* () {
      expect(yield* asked("http://127.0.0.1:1")).toMatchObject({
        _tag: "Unreachable",
        message: "The task server at http://127.0.0.1:1 cannot be reached: connect ECONNREFUSED 127.0.0.1:1"
      })
      expect(yield* asked(yield* answering(418, "tea"))).toMatchObject({ _tag: "UnexpectedAnswer", status: 418 })
      expect(yield* asked(yield* answering(200, "{}"))).toMatchObject({ _tag: "UnexpectedAnswer", status: 200 })
      expect(yield* asked(yield* answering(200, "<html>"))).toMatchObject({ _tag: "UnexpectedAnswer", status: 200 })
      const problem = { type: "urn:rescind:problem:internal", title: "-", status: 500, detail: "broken" }
      expect(yield* asked(yield* answering(500, JSON.stringify(problem)))).toMatchObject({
        _tag: "UnexpectedAnswer",
        status: 500
      })
      const draining = { type: "urn:rescind:problem:draining", title: "-", status: 503, detail: "going" }
      expect(yield* asked(yield* answering(503, JSON.stringify(draining)))).toMatchObject({ _tag: "Unreachable" })
      const noWorker = WorkerLinkClient.layer("http://127.0.0.1:1").pipe(Layer.provide(NodeHttpClient.layerNodeHttp))
      expect(yield* Effect.flip(Layer.build(noWorker))).toMatchObject({ _tag: "Unreachable" })
    }).pipe(Effect.scoped)
  )

  it.live("ten tasks are one request, and so is waiting for all of them (S4x-10)", () =>
    served(({ url }) =>
      Effect.gen(function* () {
        const paths: Array<string> = []
        const counting = HttpClient.tapRequest(yield* HttpClient.HttpClient, (request) =>
          Effect.sync(() => paths.push(request.url.slice(url.length)))
        )
        const remote = yield* Layer.build(AgentTasksClient.layer(url)).pipe(
          Effect.provideService(HttpClient.HttpClient, counting)
        )
        const { schedule } = yield* MakeContext.make({ name: "agent" }).pipe(Effect.provideContext(remote))
        const tasks = yield* Effect.forEach(Array.from({ length: 10 }), () => schedule(Sleep, { ms: 50 }))
        expect(paths).toEqual([])
        yield* joinAllSettled(tasks)
        expect(paths.filter((path) => path === "/tasks")).toHaveLength(1)
        expect(new Set(paths)).toEqual(new Set(["/tasks", "/waits"]))
      }).pipe(Effect.provide(NodeHttpClient.layerNodeHttp))
    )
  )

  it.live("a cancel endpoint that fails for one loser does not lose the winner (S4x-12)", () =>
    served(({ url }) =>
      Effect.gen(function* () {
        let unlucky = "-"
        const flaky = HttpClient.mapRequest(yield* HttpClient.HttpClient, (request) =>
          request.url.includes(`${unlucky}/cancel`) ? { ...request, url: "http://127.0.0.1:1/" } : request
        )
        const remote = yield* Layer.build(AgentTasksClient.layer(url)).pipe(
          Effect.provideService(HttpClient.HttpClient, flaky)
        )
        const { schedule } = yield* MakeContext.make({ name: "agent" }).pipe(Effect.provideContext(remote))
        const racers = yield* Effect.forEach([20, 5000, 5000], (ms) => schedule(Sleep, { ms }))
        unlucky = racers[1]!.id
        const won = yield* selectOkWithCancel(racers)
        expect(won).toMatchObject({ index: 0, cancelled: [racers[2]!.id], notCancelled: [{ id: unlucky }] })
        unlucky = "-"
        expect(yield* racers[1]!.cancel()).toMatchObject({ _tag: "Cancelled" })
      }).pipe(Effect.provide(NodeHttpClient.layerNodeHttp))
    )
  )

  it.live("giveUp answers in time although the work does not stop", () =>
    served(({ as: agent }) =>
      Effect.gen(function* () {
        const { schedule, submit } = yield* AgentContext
        const mule = yield* schedule(Stubborn, { ms: 600 })
        yield* submit
        yield* eventually(mule.status, (status) => status === "running")
        const [took, result] = yield* Effect.timed(mule.cancel({ giveUp: 100 }))
        expect(result).toMatchObject({ _tag: "Cancelled", how: "abandoned" })
        expect(Duration.toMillis(took)).toBeLessThan(400)
      }).pipe(agent("agent"))
    )
  )

  it.live("a client that goes away while it waits leaves nothing behind; wait: false answers 202", () =>
    served(({ as: agent, url }) =>
      Effect.gen(function* () {
        const { schedule, submit } = yield* AgentContext
        const task = yield* schedule(Sleep, { ms: 60_000 })
        yield* submit
        const waiting = yield* Effect.forkChild(task.join)
        yield* Effect.sleep(50)
        yield* Fiber.interrupt(waiting)
        const answer = yield* call(`${url}/tasks/${task.id}/cancel`, { body: { wait: false }, headers: as("agent") })
        expect([answer.status, answer.json._tag]).toEqual([202, "Requested"])
        expect(yield* task.ended).toMatchObject({ status: "cancelled" })
        const many = yield* call(`${url}/waits`, {
          body: { ids: [task.id], mode: "all", withinMillis: 0 },
          headers: as("agent")
        })
        expect(many.json.met).toBe(true)
      }).pipe(agent("agent"))
    )
  )

  it.live("an agent that is interrupted cancels its tasks over HTTP with the reason that it was interrupted with", () =>
    served(({ as: agent, table }) =>
      Effect.gen(function* () {
        const parent = yield* AgentContext
        const child = yield* parent.child(
          "child",
          Effect.gen(function* () {
            const task = yield* (yield* AgentContext).schedule(Sleep, { ms: 60_000 })
            return yield* task.run()
          })
        )
        const local = Context.get(table, AgentTasks)
        const views = yield* eventually(local.list("agent/child"), ([view]) => view?.status === "running")
        const reason = CancelReason.request({ by: "ann", message: "enough" })
        expect(yield* child.cancel({ mode: "hard", reason })).toMatchObject({ _tag: "Cancelled" })
        expect(yield* local.results("agent", [views[0]!.id])).toMatchObject([
          { status: "cancelled", outcome: { reason: { by: "ann", message: "enough", source: "request" } } }
        ])
      }).pipe(agent("agent"))
    )
  )

  it.live("of a reason that is wrong, the field that is wrong is named, and no other", () =>
    served(({ url }) =>
      Effect.gen(function* () {
        const id = crypto.randomUUID()
        yield* call(`${url}/tasks`, {
          body: { tasks: [{ id, kind: "k", input: 1, on: "nobody" }] },
          headers: as("ann")
        })
        const reasons = { source: { source: "weird" }, message: { message: 5 }, massage: { massage: "x" } }
        for (const [field, reason] of Object.entries(reasons)) {
          const answer = yield* call(`${url}/tasks/${id}/cancel`, { body: { reason }, headers: as("ann") })
          expect(answer.status).toBe(400)
          expect(answer.json.errors.map((error: { field: string }) => error.field)).toEqual([`reason.${field}`])
        }
      })
    )
  )

  it.live(
    "a server that is stopped while somebody waits is one that cannot be reached, not one that answers oddly",
    () =>
      Effect.gen(function* () {
        expect(yield* asked(yield* answering(503, ""))).toMatchObject({ _tag: "Unreachable" })
      }).pipe(Effect.scoped)
  )
})
