import { describe, expect, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as Latch from "effect/Latch"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as TaskDefinition from "../../../src/http/TaskDefinition.ts"
import { count, print, stubborn, wait } from "../probes.ts"
import { serving } from "../serving.ts"

describe("startRoute", () => {
  it.live("S1-16: a task is started by its name: 202 with its id, its attempt and where to find it", () =>
    serving({ tasks: [wait] }, (site) =>
      Effect.gen(function* () {
        const answer = yield* site.post("/tasks/wait?id=report:42", { label: "x" })
        expect(answer.status).toBe(202)
        expect(answer.headers.get("location")).toBe("/tasks/report:42")
        expect(answer.json).toEqual({
          id: "report:42",
          name: "wait",
          attempt: 1,
          links: {
            self: "/tasks/report:42",
            events: "/tasks/report:42/events",
            cancel: "/tasks/report:42/cancel"
          }
        })
        for (const link of [answer.json.links.self, answer.headers.get("location")!]) {
          expect((yield* site.get(link)).json.id).toBe("report:42")
        }
      })
    )
  )

  it.live("without an id each start gets one of its own, made from the name", () =>
    serving({ tasks: [wait] }, (site) =>
      Effect.gen(function* () {
        const answers = yield* Effect.all(Array.from({ length: 20 }, () => site.post("/tasks/wait", {})))
        const ids = answers.map(({ json }) => json.id)
        expect(new Set(ids).size).toBe(20)
        for (const id of ids) expect(id).toMatch(/^wait-[0-9a-z]{12}$/)
      })
    )
  )

  it.live("a payload without required fields may be left out", () =>
    serving({ tasks: [wait, print] }, (site) =>
      Effect.gen(function* () {
        expect((yield* site.post("/tasks/wait")).status).toBe(202)
        expect((yield* site.post("/tasks/print", {})).status).toBe(202)
      })
    )
  )

  it.live("an id of 1 to 100 letters, digits and . _ : - is taken, and any other is 400 and named", () =>
    serving({ tasks: [wait] }, (site) =>
      Effect.gen(function* () {
        for (const id of ["a", "A.b_c:d-9", "x".repeat(100)]) {
          const { status, json } = yield* site.post(`/tasks/wait?id=${id}`, {})
          expect([id, status]).toEqual([id, 202])
          expect((yield* site.get(json.links.self)).json.id).toBe(id)
        }
        for (const id of ["", "x".repeat(101), "a/b", "a b", "ä", "a\nb", "<script>", "../x"]) {
          const answer = yield* site.post(`/tasks/wait?id=${encodeURIComponent(id)}`, {})
          expect([id, answer.status]).toEqual([id, 400])
          expect(answer.json.errors).toMatchObject([{ in: "query", field: "id" }])
        }
        expect((yield* site.post("/tasks/wait?id=a1&id=b1", {})).json.errors[0].field).toBe("id")
        expect((yield* site.post("/tasks/wait?replace=maybe", {})).json.errors[0].field).toBe("replace")
      })
    )
  )

  it.live("an unknown name is 404 and says which there are", () =>
    serving({ tasks: [wait, count] }, (site) =>
      Effect.gen(function* () {
        const answer = yield* site.post("/tasks/fetch", {})
        expect(answer.status).toBe(404)
        expect(answer.headers.get("content-type")).toBe("application/problem+json")
        expect(answer.json).toEqual({
          type: "urn:rescind:problem:unknown-name",
          title: "No task of this name is defined",
          status: 404,
          detail: 'No task "fetch" is defined; there are "wait", "count"',
          known: ["wait", "count"]
        })
      })
    )
  )

  it.live("a payload that does not decode is 400, with every field that is wrong by its path", () =>
    serving({ tasks: [Mirrors.of(() => Effect.void)] }, (site) =>
      Effect.gen(function* () {
        const answer = yield* site.post("/tasks/mirrors", { urls: ["a", 2, null], limit: { bytes: 1.5 } })
        expect(answer.status).toBe(400)
        expect(answer.json.type).toBe("urn:rescind:problem:invalid-request")
        expect(answer.json.errors).toEqual([
          { in: "body", field: "urls[1]", message: "Expected string" },
          { in: "body", field: "urls[2]", message: "Expected string" },
          { in: "body", field: "limit.bytes", message: "Expected an integer" }
        ])
        expect(answer.json.detail).toBe(
          "urls[1]: Expected string; urls[2]: Expected string; limit.bytes: Expected an integer"
        )
        expect((yield* site.get("/tasks")).json.tasks).toEqual([])
      })
    )
  )

  it.live(
    "a field that the payload does not know is 400 and named: a typing mistake does not run with the default",
    () =>
      serving({ tasks: [wait] }, (site) =>
        Effect.gen(function* () {
          const answer = yield* site.post("/tasks/wait?id=w", { labl: "x" })
          expect(answer.status).toBe(400)
          expect(answer.json.errors).toMatchObject([{ in: "body", field: "labl" }])
          expect((yield* site.get("/tasks/w")).status).toBe(404)
        })
      )
  )

  it.live("a page of another origin may not start a task, with or without a body; a page of our own may", () =>
    serving({ tasks: [wait] }, (site) =>
      Effect.gen(function* () {
        const foreign = { origin: "http://evil.example" }
        expect((yield* site.post("/tasks/wait?id=w", undefined, foreign)).status).toBe(403)
        expect((yield* site.post("/tasks/wait?id=w", {}, foreign)).status).toBe(403)
        expect((yield* site.get("/tasks/w")).status).toBe(404)
        expect((yield* site.post("/tasks/wait?id=w", {}, { origin: site.url })).status).toBe(202)
      })
    )
  )

  it.live("an id that a client would take out of the path is refused", () =>
    serving({ tasks: [wait] }, (site) =>
      Effect.gen(function* () {
        for (const id of [".", ".."]) expect((yield* site.post(`/tasks/wait?id=${id}`, {})).status).toBe(400)
      })
    )
  )

  it.live("K37: the id of a task that runs is 409 with its state, whether or not it may be replaced", () =>
    serving({ tasks: [wait, stubborn()] }, (site) =>
      Effect.gen(function* () {
        yield* site.post("/tasks/wait?id=w", {})
        yield* (yield* site.follow("w")).until((events) => events.length > 1)
        for (const replace of ["", "&replace=true"]) {
          const answer = yield* site.post(`/tasks/wait?id=w${replace}`, {})
          expect(answer.status).toBe(409)
          expect(answer.json).toMatchObject({ type: "urn:rescind:problem:already-running", state: "running" })
        }
        yield* site.post("/tasks/stubborn?id=s")
        yield* (yield* site.follow("s")).until((events) => events.length > 1)
        yield* site.post("/tasks/s/cancel", { giveUp: 10 })
        expect((yield* site.post("/tasks/stubborn?id=s&replace=true")).json.state).toBe("straggling")
      })
    )
  )

  it.live("K37: a task that failed or was cancelled has ended", () =>
    serving({ tasks: [print, wait] }, (site) =>
      Effect.gen(function* () {
        yield* site.post("/tasks/print?id=p")
        yield* site.post("/tasks/wait?id=w", {})
        yield* site.post("/tasks/w/cancel")
        yield* site.tasks.await("p")
        const answers = [yield* site.post("/tasks/print?id=p"), yield* site.post("/tasks/wait?id=w", {})]
        expect(answers.map(({ status, json }) => [status, json.type, json.state])).toEqual([
          [409, "urn:rescind:problem:already-ended", "failed"],
          [409, "urn:rescind:problem:already-ended", "cancelled"]
        ])
      })
    )
  )

  it.live("K37: the id of a task that has ended is 409 with its state; with replace it is a new attempt", () =>
    serving({ tasks: [count] }, (site) =>
      Effect.gen(function* () {
        yield* site.post("/tasks/count?id=c", { to: 1 })
        yield* site.tasks.await("c")
        const refused = yield* site.post("/tasks/count?id=c", { to: 2 })
        expect(refused.status).toBe(409)
        expect(refused.json).toMatchObject({ type: "urn:rescind:problem:already-ended", state: "completed" })
        const replaced = yield* site.post("/tasks/count?id=c&replace=true", { to: 2 })
        expect([replaced.status, replaced.json.attempt]).toEqual([202, 2])
        yield* site.tasks.await("c")
        expect((yield* site.get("/tasks/c")).json).toMatchObject({
          attempt: 2,
          payload: { to: 2 },
          outcome: { value: { sum: 3 } }
        })
      })
    )
  )

  it.live("over the limit of running tasks a start is 429, and taken again when one has ended", () =>
    serving({ tasks: [wait], maxRunning: 1 }, (site) =>
      Effect.gen(function* () {
        yield* site.post("/tasks/wait?id=w", {})
        const refused = yield* site.post("/tasks/wait", {})
        expect(refused.status).toBe(429)
        expect(refused.headers.get("retry-after")).toBe("1")
        expect(refused.json.type).toBe("urn:rescind:problem:too-many-tasks")
        yield* site.post("/tasks/w/cancel")
        expect((yield* site.post("/tasks/wait", {})).status).toBe(202)
      })
    )
  )

  it.live("two starts of one id at once start one task", () =>
    serving({ tasks: [wait] }, (site) =>
      Effect.gen(function* () {
        const starts = Array.from({ length: 8 }, () => site.post("/tasks/wait?id=w", {}))
        const answers = yield* Effect.all(starts, { concurrency: "unbounded" })
        expect(answers.filter(({ status }) => status === 202)).toHaveLength(1)
        expect(answers.filter(({ status }) => status === 409)).toHaveLength(7)
      })
    )
  )

  it.live("a task gets the services of the server, and none of the request that started it", () =>
    Effect.gen(function* () {
      const seen = Latch.makeUnsafe()
      let request: unknown = "none looked"
      const Look = TaskDefinition.make("look", { success: Schema.Void })
      const look = Look.of(() =>
        Effect.contextWith((context: Context.Context<never>) => {
          request = Option.getOrUndefined(Context.getOption(context, HttpServerRequest))
          return Effect.asVoid(seen.open)
        })
      )
      yield* serving({ tasks: [look] }, (site) => Effect.andThen(site.post("/tasks/look"), seen.await))
      expect(request).toBeUndefined()
    })
  )
})

const Mirrors = TaskDefinition.make("mirrors", {
  payload: Schema.Struct({ urls: Schema.Array(Schema.String), limit: Schema.Struct({ bytes: Schema.Int }) }),
  success: Schema.Void
})
