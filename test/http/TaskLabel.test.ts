import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as Layer from "effect/Layer"
import { Tasks } from "../../src/fibers/Tasks.ts"
import * as TaskServer from "../../src/http/TaskServer.ts"
import { wait } from "./probes.ts"
import { serving } from "./serving.ts"

describe("TaskLabel", () => {
  it.live("labels are kept with the task, in the order they were given, each once", () =>
    serving({ tasks: [wait] }, (site) =>
      Effect.gen(function* () {
        yield* site.post("/tasks/wait?id=a&label=shop=7&label=user@example/x:1&label=shop=7&label=A_b-c.9", {})
        yield* site.post("/tasks/wait?id=b&label=one", {})
        yield* site.post("/tasks/wait?id=c", {})
        const labels = (id: string) => Effect.map(site.get(`/tasks/${id}`), ({ json }) => json.labels)
        expect(yield* Effect.all(["a", "b", "c"].map(labels))).toEqual([
          ["shop=7", "user@example/x:1", "A_b-c.9"],
          ["one"],
          []
        ])
        yield* site.post("/tasks/a/cancel")
        yield* site.post("/tasks/wait?id=a&replace=true&label=two", {})
        expect(yield* labels("a")).toEqual(["two"])
      })
    )
  )

  it.live("the list can be narrowed to those that have all of the labels", () =>
    serving({ tasks: [wait] }, (site) =>
      Effect.gen(function* () {
        for (const query of ["id=a&label=x&label=y", "id=b&label=y", "id=c&label=x&label=yy", "id=d"]) {
          yield* site.post(`/tasks/wait?${query}`, {})
        }
        const ids = (query: string) =>
          Effect.map(site.get(`/tasks?${query}`), ({ json }) => json.tasks.map((task: any) => task.id))
        expect(yield* ids("label=y")).toEqual(["a", "b"])
        expect(yield* ids("label=x&label=y")).toEqual(["a"])
        expect(yield* ids("label=z")).toEqual([])
        expect(yield* ids("label=x&state=running&name=wait")).toEqual(["a", "c"])
        const refused = yield* site.get("/tasks?label=a%20b")
        expect([refused.status, refused.json.errors[0]]).toMatchObject([400, { in: "query", field: "label[0]" }])
      })
    )
  )

  it.live("what is no label is 400 and named, a 17th too; nothing is started", () =>
    serving({ tasks: [wait] }, (site) =>
      Effect.gen(function* () {
        for (const label of ["", "a b", "ä", "a\nb", "x".repeat(65), "<b>", "a,b"]) {
          const answer = yield* site.post(`/tasks/wait?label=fine&label=${encodeURIComponent(label)}`, {})
          expect([label, answer.status, answer.json.errors]).toMatchObject([
            label,
            400,
            [{ in: "query", field: "label[1]", message: expect.stringContaining("1 to 64 letters") }]
          ])
        }
        const seventeen = Array.from({ length: 17 }, (_, index) => `label=l${index}`).join("&")
        const answer = yield* site.post(`/tasks/wait?${seventeen}`, {})
        expect([answer.status, answer.json.detail]).toEqual([400, "label: Expected at most 16 labels"])
        expect((yield* site.post(`/tasks/wait?id=w&${seventeen.replace("label=l0&", "")}`, {})).status).toBe(202)
        expect((yield* site.get("/tasks")).json.tasks).toHaveLength(1)
      })
    )
  )

  it.live(
    "a label of a megabyte is a short 4xx: 431 of Node's by its size, 400 that names it where that comes through",
    () =>
      Effect.gen(function* () {
        const megabyte = "x".repeat(1_000_000)
        yield* serving({ tasks: [wait] }, (site) =>
          Effect.gen(function* () {
            expect((yield* site.post(`/tasks/wait?label=${megabyte}`, {})).status).toBe(431)
            expect((yield* site.get("/tasks")).json.tasks).toEqual([])
          })
        )
        const layer = Layer.provide(TaskServer.layer({ tasks: [wait] }), Tasks.layer())
        const { dispose, handler } = HttpRouter.toWebHandler(layer, { disableLogger: true })
        for (const [path, method] of [
          [`/tasks/wait?label=${megabyte}`, "POST"],
          [`/tasks?label=${megabyte}`, "GET"],
          [`/tasks?label=${"x&label=".repeat(125_000)}`, "GET"]
        ] as const) {
          const answer = yield* Effect.promise(() => handler(new Request(`http://x${path}`, { method })))
          const text = yield* Effect.promise(() => answer.text())
          expect([answer.status, text.length < 2000]).toEqual([400, true])
          expect(JSON.parse(text).errors[0].field).toMatch(/^label/)
        }
        yield* Effect.promise(dispose)
      })
  )
})
