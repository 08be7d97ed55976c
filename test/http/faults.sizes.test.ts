/** What is far too large or far too much: refused by name, with an answer that is small whatever was sent. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as TaskDefinition from "../../src/http/TaskDefinition.ts"
import { wait } from "./probes.ts"
import { serving } from "./serving.ts"

const megabyte = "x".repeat(1_000_000)

describe("a request that is far too large", () => {
  it.live("the answer to many wrong fields names the first of them, and is no larger than they", () =>
    serving({ tasks: [wait, Numbers.of(() => Effect.void)] }, (site) =>
      Effect.gen(function* () {
        const many = yield* site.post("/tasks/numbers", { numbers: Array.from({ length: 10_000 }, () => "a") })
        expect(many.status).toBe(400)
        expect(many.json.errors).toHaveLength(50)
        expect(many.json.errors[49].field).toBe("numbers[49]")
        expect(many.json.detail).toMatch(/; and 9950 more$/)
        expect(many.text.length).toBeLessThan(20_000)
        const ids = yield* site.post("/cancel", { ids: Array.from({ length: 100_000 }, () => "") })
        expect([ids.status, ids.json.errors[0].field]).toEqual([400, "ids[0]"])
        expect(ids.text.length).toBeLessThan(20_000)
        const keys = yield* site.post("/cancel", Object.fromEntries(Array.from({ length: 30_000 }, (_, n) => [n, 1])))
        expect(keys.status).toBe(400)
        expect(keys.text.length).toBeLessThan(20_000)
      })
    )
  )

  it.live("labels, names and reasons of a megabyte are 400, or 413 where no body is that large", () =>
    serving({ tasks: [wait] }, (site) =>
      Effect.gen(function* () {
        for (const [field, body] of [
          ["labels[0]", { labels: [megabyte] }],
          ["ids[0]", { ids: [megabyte] }],
          ["reason.message", { all: true, reason: { message: megabyte } }],
          ["reason.by", { all: true, reason: { by: megabyte } }],
          ["grace", { all: true, grace: megabyte }],
          ["state", { state: megabyte }]
        ] as const) {
          const answer = yield* site.post("/cancel", body)
          expect([field, answer.status, answer.json.errors?.[0].field]).toEqual([field, 400, field])
          expect(answer.text.length).toBeLessThan(2000)
        }
        const key = yield* site.post("/cancel", { [megabyte]: true })
        expect(key.status).toBe(400)
        expect(key.json.errors[0].field).toMatch(/^x{300}…$/)
        expect((yield* site.post("/tasks/wait", { label: megabyte })).status).toBe(413)
        // The server of Node answers by itself.
        expect((yield* site.post(`/tasks/wait?label=${megabyte}`, {})).status).toBe(431)
        expect((yield* site.get(`/tasks/${megabyte}`)).status).toBe(431)
        const label = yield* site.post(`/tasks/wait?label=${"x".repeat(10_000)}`, {})
        expect([label.status, label.json.errors[0].field]).toEqual([400, "label[0]"])
        expect(yield* site.tasks.list).toEqual([])
      })
    )
  )

  it.live("a Last-Event-ID of any kind reads from the start, or from where it says", () =>
    serving({ tasks: [wait] }, (site) =>
      Effect.gen(function* () {
        yield* site.post("/tasks/wait?id=w", {})
        yield* (yield* site.follow("w")).until((events) => events.length === 2)
        const odd = [
          "",
          "x",
          "-1",
          "1-",
          "1--1",
          "1-1-1",
          "1-1e0",
          "1-0x1",
          "1- 1",
          "1-1.0",
          "2-1",
          "NaN",
          "\u00e9",
          "1-\u00b2"
        ]
        for (const id of [...odd, "1-99", "9".repeat(15), "9".repeat(10_000), "1".repeat(16), "1-1, 1-1"]) {
          const follower = yield* site.follow("w", id)
          const events = yield* follower.until((events) => events.length === 2)
          expect([id, follower.status, ...events.map(({ id }) => id)]).toEqual([id, 200, "1-1", "1-2"])
          yield* follower.leave
        }
        for (const id of ["1-1", "1", "01", "1-001"]) {
          const follower = yield* site.follow("w", id)
          expect([id, (yield* follower.until((events) => events.length > 0))[0]!.id]).toEqual([id, "1-2"])
          yield* follower.leave
        }
      })
    )
  )
})

const Numbers = TaskDefinition.make("numbers", {
  payload: Schema.Struct({ numbers: Schema.Array(Schema.Int) }),
  success: Schema.Void
})
