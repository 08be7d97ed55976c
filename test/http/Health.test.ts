import { createServer } from "node:http"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpApiClient from "effect/http-api/HttpApiClient"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Layer from "effect/Layer"
import * as Context from "effect/Context"
import * as HttpServer from "effect/http/HttpServer"
import { Tasks } from "../../src/fibers/Tasks.ts"
import * as Health from "../../src/http/Health.ts"
import * as ServerClose from "../../src/http/ServerClose.ts"
import * as TaskApi from "../../src/http/TaskApi.ts"
import { leakChecked } from "../support/leaks.ts"
import { stubborn, Wait, wait } from "./probes.ts"
import { serving } from "./serving.ts"

describe("Health", () => {
  it.live("tells what there is to do, by state, and the limits that there are (S1x-06, S1x-40)", () => {
    const mule = stubborn()
    return serving({ tasks: [wait, mule], version: "1.2.3", maxStreams: 50, maxStreamsPerTask: 5 }, (site) =>
      Effect.gen(function* () {
        expect((yield* site.get("/health")).json).toEqual({
          status: "up",
          tasks: { waiting: 0, running: 0, cancelling: 0, straggling: 0 },
          streams: 0,
          limits: { streams: 50, streamsPerTask: 5 },
          uptimeSeconds: expect.any(Number),
          version: "1.2.3"
        })
        for (const id of ["a", "b", "c"]) yield* site.post(`/tasks/wait?id=${id}`, {})
        for (const id of ["s", "t"]) {
          yield* site.post(`/tasks/stubborn?id=${id}`)
          yield* (yield* site.follow(id)).until((events) => events.length > 1)
        }
        yield* site.post("/tasks/c/cancel", {})
        yield* site.post("/tasks/s/cancel", { wait: false })
        yield* site.post("/tasks/t/cancel", { giveUp: 0 })
        const { headers, json, status } = yield* site.get("/health")
        expect([status, headers.get("cache-control")]).toEqual([200, "no-store"])
        expect(json).toMatchObject({
          status: "up",
          tasks: { waiting: 0, running: 2, cancelling: 1, straggling: 1 },
          streams: 1
        })
        expect(json.uptimeSeconds).toBeGreaterThan(0)
        expect(json.uptimeSeconds).toBeLessThan(600)
      })
    )
  })

  it.live("while it drains the process is alive but not ready, on new connections too", () => {
    const mule = stubborn()
    return serving({ tasks: [mule], drain: { flush: "1 hour", giveUp: "10 minutes" } }, (site) =>
      Effect.gen(function* () {
        yield* site.post("/tasks/stubborn?id=s")
        const before = yield* site.get("/ready")
        expect([before.status, before.json, before.headers.get("cache-control")]).toEqual([
          200,
          { status: "ready" },
          "no-store"
        ])
        const closing = yield* Effect.forkChild(site.close)
        while (!(yield* site.tasks.draining)) yield* Effect.sleep(1)
        const refused = yield* site.get("/ready", { connection: "close" })
        expect([refused.status, refused.headers.get("content-type"), refused.headers.get("cache-control")]).toEqual([
          503,
          "application/problem+json",
          "no-store"
        ])
        expect(refused.json.type).toBe("urn:rescind:problem:draining")
        expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(500)
        expect(Number(refused.headers.get("retry-after"))).toBeLessThanOrEqual(600)
        const health = yield* site.get("/health", { connection: "close" })
        expect([health.status, health.json.status, health.json.tasks.cancelling]).toEqual([200, "draining", 1])
        yield* mule.letGo
        yield* Fiber.join(closing)
      })
    )
  })

  it.live("both answer HEAD, refuse other methods by name, and stand in the typed client", () =>
    serving({ tasks: [wait] }, (site) =>
      Effect.gen(function* () {
        for (const path of ["/health", "/ready"]) {
          const head = yield* site.request(path, { method: "HEAD" })
          expect([head.status, head.text]).toEqual([200, ""])
          const post = yield* site.post(path)
          expect([post.status, post.headers.get("allow")]).toEqual([405, "GET"])
        }
        const client = yield* HttpApiClient.make(TaskApi.make([Wait]), { baseUrl: site.url }).pipe(
          Effect.provide(FetchHttpClient.layer)
        )
        expect(yield* client.server.ready()).toEqual({ status: "ready" })
        expect((yield* client.server.health()).tasks.running).toBe(0)
      }).pipe(Effect.orDie)
    )
  )

  it.live("is mounted alone where tasks are served by other routes", () =>
    leakChecked(
      Effect.gen(function* () {
        const server = HttpRouter.serve(Health.layer(), { disableLogger: true, disableListenLog: true }).pipe(
          Layer.provideMerge(Tasks.layer()),
          Layer.provideMerge(NodeHttpServer.layer(() => ServerClose.promptly(createServer()), { port: 0 }))
        )
        const services = yield* Effect.orDie(Layer.build(server))
        const { address } = Context.get(services, HttpServer.HttpServer)
        const url = `http://127.0.0.1:${"port" in address ? address.port : ""}`
        const get = (path: string) => Effect.promise(async (signal) => (await fetch(url + path, { signal })).json())
        expect(yield* get("/ready")).toEqual({ status: "ready" })
        expect(yield* get("/health")).toMatchObject({ status: "up", streams: 0, limits: {} })
      }),
      { patience: "20 seconds" }
    )
  )
})
