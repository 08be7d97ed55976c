import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Schema from "effect/Schema"
import * as TaskDefinition from "../../../src/http/TaskDefinition.ts"
import { breaks, count, print, wait } from "../probes.ts"
import { serving } from "../serving.ts"

describe("readRoutes", () => {
  it.live("S1-04: a task that has ended shows its value, how it was started and when it began and ended", () =>
    serving({ tasks: [count] }, (site) =>
      Effect.gen(function* () {
        yield* site.post("/tasks/count?id=c", { to: 4 })
        yield* site.tasks.await("c")
        const { status, json } = yield* site.get("/tasks/c")
        expect(status).toBe(200)
        expect(json).toEqual({
          id: "c",
          name: "count",
          attempt: 1,
          state: "completed",
          startedAt: expect.stringMatching(/^\d{4}-.*Z$/),
          endedAt: expect.stringMatching(/^\d{4}-.*Z$/),
          labels: [],
          payload: { to: 4 },
          outcome: { _tag: "Completed", value: { sum: 10 } },
          links: { self: "/tasks/c", events: "/tasks/c/events", cancel: "/tasks/c/cancel" }
        })
        expect(Date.parse(json.endedAt)).toBeGreaterThanOrEqual(Date.parse(json.startedAt))
      })
    )
  )

  it.live("a task that runs has no outcome yet", () =>
    serving({ tasks: [wait] }, (site) =>
      Effect.gen(function* () {
        yield* site.post("/tasks/wait?id=w", { label: "x" })
        yield* (yield* site.follow("w")).until((events) => events.length > 1)
        const { json } = yield* site.get("/tasks/w")
        expect(json).toMatchObject({ state: "running", payload: { label: "x" } })
        expect(json).not.toHaveProperty("outcome")
        expect(json).not.toHaveProperty("endedAt")
      })
    )
  )

  it.live("the list has every task, oldest first, and may be narrowed by state and name", () =>
    serving({ tasks: [wait, count, print, breaks] }, (site) =>
      Effect.gen(function* () {
        expect((yield* site.get("/tasks")).json).toEqual({ tasks: [] })
        for (const [name, id] of [
          ["wait", "w"],
          ["count", "c"],
          ["print", "p"],
          ["break", "b"],
          ["wait", "v"]
        ] as const) {
          yield* site.post(`/tasks/${name}?id=${id}`, name === "count" ? { to: 1 } : {})
        }
        yield* Effect.all(["c", "p", "b"].map((id) => site.tasks.await(id)))
        yield* site.post("/tasks/v/cancel")
        const ids = (path: string) => Effect.map(site.get(path), ({ json }) => json.tasks.map((task: any) => task.id))
        expect(yield* ids("/tasks")).toEqual(["w", "c", "p", "b", "v"])
        expect(yield* ids("/tasks?state=failed")).toEqual(["p", "b"])
        expect(yield* ids("/tasks?name=wait")).toEqual(["w", "v"])
        expect(yield* ids("/tasks?name=wait&state=cancelled")).toEqual(["v"])
        expect(yield* ids("/tasks?name=nobody")).toEqual([])
        const refused = yield* site.get("/tasks?state=asleep")
        expect([refused.status, refused.json.errors[0].field]).toEqual([400, "state"])
      })
    )
  )

  it.live("tasks that the program started by itself are not to be seen, nor cancelled, nor followed", () =>
    serving({ tasks: [wait] }, (site) =>
      Effect.gen(function* () {
        yield* site.tasks.start("inner", Effect.never)
        expect((yield* site.get("/tasks")).json.tasks).toEqual([])
        expect((yield* site.get("/tasks/inner")).status).toBe(404)
        expect((yield* site.get("/tasks/inner/events")).status).toBe(404)
        expect((yield* site.post("/tasks/inner/cancel")).status).toBe(404)
        expect((yield* site.post("/tasks/wait?id=inner", {})).status).toBe(409)
        expect((yield* site.tasks.list).map(({ state }) => state)).toEqual(["running"])
      })
    )
  )

  it.live("an unknown id is 404, as a problem document", () =>
    serving({ tasks: [wait] }, (site) =>
      Effect.gen(function* () {
        const answer = yield* site.get("/tasks/nobody")
        expect(answer.status).toBe(404)
        expect(answer.headers.get("content-type")).toBe("application/problem+json")
        expect(answer.json).toMatchObject({ type: "urn:rescind:problem:task-not-found", status: 404 })
      })
    )
  )

  it.live("K43: the tree shows what runs, as JSON and, where the client accepts it, as text", () =>
    serving({ tasks: [wait] }, (site) =>
      Effect.gen(function* () {
        yield* site.post("/tasks/wait?id=w", {})
        const { json } = yield* site.get("/tree")
        const tasks = json.tree.children.find((node: any) => node.kind === "tasks")
        expect(tasks.children).toMatchObject([{ kind: "task", name: "w", children: [] }])
        expect(json.stragglers).toEqual([])
        const text = yield* site.get("/tree", { accept: "text/plain" })
        expect(text.headers.get("content-type")).toBe("text/plain")
        expect(text.text).toMatch(/^ +w \(task\) (?:waiting|running)/m)
      })
    )
  )

  it.live("K43: the tree says of a task that was told to stop since when, why and by whom", () =>
    Effect.gen(function* () {
      const leaving = Latch.makeUnsafe()
      const slow = Slow.of((_, self) => Effect.andThen(self.progress("ready"), Effect.uninterruptible(leaving.await)))
      yield* serving({ tasks: [slow] }, (site) =>
        Effect.gen(function* () {
          yield* site.post("/tasks/slow?id=s", {})
          yield* (yield* site.follow("s")).until((events) => events.length > 1)
          yield* site.post("/tasks/s/cancel", { wait: false, reason: { by: "ann" } })
          const { json } = yield* site.get("/tree")
          const node = json.tree.children.find((node: any) => node.kind === "tasks").children[0]
          expect(node).toMatchObject({ name: "s", state: "cancelling", reason: { source: "request", by: "ann" } })
          expect(node.askedMillisAgo).toBeGreaterThanOrEqual(0)
          yield* leaving.open
        })
      )
    })
  )
})

const Slow = TaskDefinition.make("slow", { success: Schema.Void, progress: Schema.String })
