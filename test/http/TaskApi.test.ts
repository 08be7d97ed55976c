import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpApiClient from "effect/http-api/HttpApiClient"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as TaskApi from "../../src/http/TaskApi.ts"
import { Count, count, Print, print, Wait, wait } from "./probes.ts"
import { serving } from "./serving.ts"

const api = TaskApi.make([Wait, Count, Print])

describe("TaskApi", () => {
  it.live("OpenAPI 3.1 has one operation for each definition, with its payload, and those that all share", () =>
    serving({ tasks: [wait, count, print], title: "Probes", version: "2.0.0" }, (site) =>
      Effect.gen(function* () {
        const answer = yield* site.get("/openapi.json")
        expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "application/json"])
        const spec = answer.json
        expect(spec.openapi).toBe("3.1.0")
        expect(spec.info).toMatchObject({ title: "Probes", version: "2.0.0" })
        const operations = Object.entries<Record<string, any>>(spec.paths).flatMap(([path, methods]) =>
          Object.keys(methods).map((method) => `${method} ${path}`)
        )
        expect(operations.toSorted()).toEqual(
          [
            "post /tasks/wait",
            "post /tasks/count",
            "post /tasks/print",
            "get /tasks",
            "get /tasks/{id}",
            "post /tasks/{id}/cancel",
            "post /cancel",
            "get /tasks/{id}/events",
            "get /tree",
            "get /health",
            "get /ready"
          ].toSorted()
        )
        const start = spec.paths["/tasks/count"].post
        expect(start.requestBody.content["application/json"].schema).toMatchObject({
          type: "object",
          required: ["to"],
          properties: { to: { type: "integer" }, everyMillis: { type: "integer" } }
        })
        expect(spec.paths["/tasks/wait"].post.description).toBe("Waits until it is cancelled")
        expect(Object.keys(start.responses)).toEqual([
          "202",
          "400",
          "401",
          "403",
          "409",
          "413",
          "415",
          "421",
          "429",
          "503"
        ])
        expect(start.responses[409].content).toEqual({
          "application/problem+json": { schema: { $ref: "#/components/schemas/Problem409" } }
        })
        expect(Object.keys(spec.paths["/tasks/{id}/events"].get.responses[200].content)).toEqual(["text/event-stream"])
        expect(start.parameters.map((parameter: any) => parameter.name)).toEqual([
          "deadline-ms",
          "id",
          "replace",
          "label"
        ])
        const label = start.parameters.find((parameter: any) => parameter.name === "label")
        expect(label).toMatchObject({
          in: "query",
          required: false,
          schema: { type: "array", maxItems: 16, items: { pattern: "^[A-Za-z0-9._:=/@-]{1,64}$" } }
        })
        expect(spec.paths["/tasks"].get.parameters.map((parameter: any) => parameter.name)).toEqual([
          "state",
          "name",
          "label"
        ])
        const bulk = spec.paths["/cancel"].post
        expect(Object.keys(bulk.responses)).toEqual(["200", "202", "400", "401", "403", "413", "415", "421"])
        const component = bulk.requestBody.content["application/json"].schema.$ref.split("/").at(-1)
        expect(component).toBe("BulkCancel")
        expect(Object.keys(spec.components.schemas.BulkCancel.properties)).toEqual([
          "ids",
          "name",
          "labels",
          "state",
          "all",
          "reason",
          "grace",
          "giveUp",
          "wait"
        ])
        expect(spec.components.schemas.Task.properties).toMatchObject({ labels: { type: "array" }, deadline: {} })
        expect(Object.keys(spec.components.schemas).filter((name) => /_\d+$/.test(name))).toEqual([])
      })
    )
  )

  it.live("a server without probes lists none, allows no method of theirs, and its contract has no group of them", () =>
    serving({ tasks: [wait], health: false }, (site) =>
      Effect.gen(function* () {
        const { paths, tags } = (yield* site.get("/openapi.json")).json
        expect(Object.keys(paths)).toContain("/tree")
        expect(Object.keys(paths).filter((path) => /health|ready/.test(path))).toEqual([])
        expect(tags.map(({ name }: { name: string }) => name)).toEqual(["start", "tasks"])
        expect((yield* site.get("/docs")).text).not.toMatch(/"\/(?:health|ready)"/)
        for (const path of ["/health", "/ready"]) {
          for (const method of ["GET", "POST"]) {
            const { headers, json, status } = yield* site.request(path, { method })
            expect([path, method, status, json.type, headers.get("allow")]).toEqual([
              path,
              method,
              404,
              "urn:rescind:problem:no-such-route",
              null
            ])
          }
        }
        const client = yield* HttpApiClient.make(TaskApi.make([Wait], { health: false }), { baseUrl: site.url })
        expect(Object.keys(client)).toEqual(["start", "tasks"])
        expect((yield* client.tasks.list({ query: {} })).tasks).toEqual([])
      }).pipe(Effect.provide(FetchHttpClient.layer), Effect.orDie)
    )
  )

  it.live("the documentation is a page that needs nothing from elsewhere", () =>
    serving({ tasks: [wait], title: "Probes" }, (site) =>
      Effect.gen(function* () {
        const answer = yield* site.get("/docs")
        expect(answer.status).toBe(200)
        expect(answer.headers.get("content-type")).toMatch(/^text\/html/)
        expect(answer.text).toContain("<title>Probes</title>")
        expect(answer.text).toContain("/tasks/wait")
        expect(answer.text).not.toMatch(/<script[^>]+src=/)
      })
    )
  )

  it.live("the typed client that comes from the contract speaks to the server: start, follow, look, cancel", () =>
    serving({ tasks: [wait, count, print] }, (site) =>
      Effect.gen(function* () {
        const client = yield* HttpApiClient.make(api, { baseUrl: site.url })
        const started = yield* client.start.count({ payload: { to: 3 }, query: { id: "c" }, headers: {} })
        expect(started).toMatchObject({ id: "c", name: "count", attempt: 1 })
        const events = yield* client.tasks.events({ params: { id: "c" }, headers: {} })
        const read = yield* Stream.runCollect(events as Stream.Stream<any>)
        expect(read.map(({ event }) => event)).toEqual(["started", "output", "output", "output", "completed"])
        expect(read[4]).toMatchObject({ id: "1-5", data: { seq: 5, value: { sum: 6 } } })
        expect((yield* client.tasks.get({ params: { id: "c" } })).outcome).toEqual({
          _tag: "Completed",
          value: { sum: 6 }
        })

        yield* client.start.wait({ payload: {}, query: { id: "w" }, headers: {} })
        const cancelled = yield* client.tasks.cancel({
          params: { id: "w" },
          headers: {},
          payload: { reason: { by: "ann" } }
        })
        expect(cancelled).toMatchObject({ _tag: "Cancelled", reason: { by: "ann" } })
        const after = yield* client.tasks.events({ params: { id: "w" }, headers: {} })
        const end = (yield* Stream.runCollect(after as Stream.Stream<any>)).at(-1)!
        expect(end).toMatchObject({ event: "cancelled", data: { reason: "request", by: "ann" } })
        expect((yield* client.tasks.list({ query: { name: "wait" } })).tasks.map(({ id }) => id)).toEqual(["w"])
        expect((yield* client.tasks.tree()).stragglers).toEqual([])
      }).pipe(Effect.provide(FetchHttpClient.layer))
    )
  )

  it.live("every problem that the server answers is the one that the contract declares", () =>
    serving({ tasks: [wait, count, print] }, (site) =>
      Effect.gen(function* () {
        const client = yield* HttpApiClient.make(api, { baseUrl: site.url })
        yield* client.start.wait({ payload: {}, query: { id: "w" }, headers: {} })
        const taken = yield* Effect.flip(client.start.wait({ payload: {}, query: { id: "w" }, headers: {} }))
        expect(taken).toMatchObject({ status: 409, type: "urn:rescind:problem:already-running" })
        const lost = yield* Effect.flip(client.tasks.get({ params: { id: "nobody" } }))
        expect(lost).toMatchObject({ status: 404, type: "urn:rescind:problem:task-not-found" })
        const none = yield* Effect.flip(client.tasks.cancel({ params: { id: "nobody" }, headers: {}, payload: {} }))
        expect(none).toMatchObject({ status: 404, result: { _tag: "NotFound", id: "nobody" } })
      }).pipe(Effect.provide(FetchHttpClient.layer))
    )
  )

  it("the contract needs no implementation", () => {
    expect(Object.keys(OpenApi.fromApi(api).paths)).toContain("/tasks/count")
    expect(Schema.isSchema(TaskApi.StartedTask)).toBe(true)
  })
})
