/** The twelve tests that the source had before its cancellation work, by what they say (S1x-08, S1-48, S1-81). */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import * as TaskKey from "../../../src/examples/sse-tasks/TaskKey.ts"
import { all } from "../../../src/examples/sse-tasks/models/all.ts"
import { eventually } from "../server/fetchEventually.ts"
import type { Client, World } from "./coordinated.ts"
import { coordinated, settle } from "./coordinated.ts"
import { serving } from "./serving.ts"
import { sleeping, streaming } from "./models.ts"

const models = [...all("http://127.0.0.1:9"), sleeping, streaming]

const sample = (world: World, model: string, params: Record<string, unknown> = {}) =>
  Effect.map(
    Effect.orDie(world.coordinator.create({ app: "samples", model, params: params as never })),
    ({ id }): TaskKey.TaskKey => TaskKey.make("samples", model, id)
  )

/** A second at a time, so that clients read in between. */
const pass = (seconds: number) =>
  Effect.gen(function* () {
    for (let second = 0; second < seconds; second++) {
      yield* TestClock.adjust("1 second")
      yield* settle
    }
  })

const five = ["start", "progress", "progress", "progress", "progress", "progress", "complete"]

describe("Existing behaviour", () => {
  it.effect("S1x-08 test_example_task_sends_five_progress_events_in_order", () =>
    coordinated({ models }, (world) =>
      Effect.gen(function* () {
        const listener = yield* world.client(yield* sample(world, "ExampleTask"))
        yield* pass(5)
        expect(listener.names()).toEqual(five)
        expect(listener.events().map(({ data }) => data.step)).toEqual([undefined, 1, 2, 3, 4, 5, undefined])
        expect(listener.events()[1]!.data).toEqual({
          step: 1,
          total_steps: 5,
          message: "Step 1 of 5",
          _task_id: 1,
          _app: "samples",
          _model: "ExampleTask",
          _timestamp: "1970-01-01T00:00:01.000Z"
        })
      })
    )
  )

  it.effect("S1x-08 test_two_clients_receive_same_events", () =>
    coordinated({ models }, (world) =>
      Effect.gen(function* () {
        const key = yield* sample(world, "ExampleTask")
        const [one, two] = yield* Effect.all([world.client(key), world.client(key)])
        yield* pass(5)
        expect(one.names()).toEqual(five)
        expect(two.events()).toEqual(one.events())
      })
    )
  )

  it.effect("S1x-08 test_new_client_gets_latest_event: and everything before it", () =>
    coordinated({ models }, (world) =>
      Effect.gen(function* () {
        const key = yield* sample(world, "ExampleTask")
        yield* world.client(key)
        yield* pass(3)
        const late = yield* world.client(key)
        expect(late.events().map(({ data }) => data.step)).toEqual([undefined, 1, 2, 3])
      })
    )
  )

  it.effect("S1x-08 S1x-09 test_coordinator_manages_tasks: three loads at once are one instance and one run", () =>
    coordinated({ models }, (world) =>
      Effect.gen(function* () {
        const key = yield* sample(world, "ExampleTask")
        const found = yield* Effect.all(
          Array.from({ length: 3 }, () => world.coordinator.start(key)),
          { concurrency: "unbounded" }
        )
        expect(new Set(found.map(({ attempt }) => attempt)).size).toBe(1)
        yield* settle
        const listener = yield* world.client(key)
        expect(listener.names()).toEqual(["start"])
        expect((yield* world.record(key)).attempts).toBe(1)
        expect((yield* world.tasks.list).map(({ id, state }) => [id, state])).toEqual([
          ["samples:ExampleTask:1", "running"]
        ])
      })
    )
  )

  it.effect("S1x-07 S1x-08 S1x-29 test_task_continues_after_all_clients_disconnect", () =>
    coordinated({ models }, (world) =>
      Effect.gen(function* () {
        const key = yield* sample(world, "ExampleTask")
        const clients: ReadonlyArray<Client> = yield* Effect.all([world.client(key), world.client(key)])
        yield* pass(2)
        for (const client of clients) yield* client.leave
        expect(yield* world.streams.count).toBe(0)
        yield* pass(3)
        expect(yield* world.record(key)).toMatchObject({ status: "completed", final_value: { steps: 5 } })
      })
    )
  )

  it.effect("S1x-08 S1x-30 test_two_clients_with_continue_flag: written from outside", () =>
    coordinated({ models }, (world) =>
      Effect.gen(function* () {
        const key = yield* sample(world, "ContinueTask")
        const clients = yield* Effect.all([world.client(key), world.client(key)])
        yield* pass(60)
        for (const client of clients) expect(client.names()).toEqual(["start", "progress"])
        expect(yield* world.store.letContinue(key)).toBe(true)
        yield* pass(1)
        for (const client of clients) {
          expect(client.names()).toEqual(["start", "progress", "progress", "complete"])
          expect(client.events().at(-1)!.data.final_value).toEqual({ continued: true })
        }
      })
    )
  )

  it.effect("a sync generator is stopped between its steps, an async one while it waits", () =>
    coordinated({ models }, (world) =>
      Effect.gen(function* () {
        for (const model of ["SyncGeneratorTask", "AsyncGeneratorTask"]) {
          const key = yield* sample(world, model)
          const { attempt } = yield* world.coordinator.start(key)
          for (let turn = 0; turn < 1000 && attempt!.log.last < 3; turn++) {
            yield* TestClock.adjust("100 millis")
          }
          yield* world.coordinator.cancel(key, { wait: true })
          const listener = yield* world.client(key)
          expect(listener.names().at(-1)).toBe("cancelled")
          expect(listener.names().length).toBeLessThan(200)
        }
      })
    )
  )

  it.live("S1x-08 S1x-11 test_slow_client_does_not_block_the_others (real time)", () =>
    serving({ models }, (site) =>
      Effect.gen(function* () {
        // 40 MB, which is more than all buffers between the two.
        const task = yield* site.create("tests", "StreamingTask", { count: 2000, bytes: 20_000 })
        const slow = yield* site.stalled(task.links.stream)
        const quick = yield* site.follow(task.links.stream)
        expect((yield* quick.ended).at(-1)).toMatchObject({ event: "complete", data: { final_value: 2000 } })
        // The slow one waits for room still.
        expect(yield* site.streams.count).toBe(1)
        yield* slow.leave
        yield* eventually(site.streams.count, (count) => count === 0)
      })
    )
  )

  it.live("S1x-08 test_sse_endpoint_end_to_end (real time)", () =>
    serving({ models }, (site) =>
      Effect.gen(function* () {
        const task = yield* site.create("samples", "ExampleTask", { step_millis: 5 })
        const client = yield* site.follow(task.links.stream)
        expect(client.status).toBe(200)
        expect(client.headers.get("content-type")).toBe("text/event-stream")
        expect(client.headers.get("cache-control")).toBe("no-store")
        const events = yield* client.ended
        expect(events.map(({ event }) => event)).toEqual(five)
        expect(events.map(({ id }) => id)).toEqual(five.map((_, index) => `1-${index + 1}`))
      })
    )
  )

  it.live("S1x-06 S1x-08 test_health_check (real time)", () =>
    serving({ models }, (site) =>
      Effect.gen(function* () {
        const { json, status } = yield* site.get("/health")
        expect([status, json.status]).toEqual([200, "up"])
      })
    )
  )

  it.live("S1-04 S1x-05 S1x-08 test_completed_task_returns_json (real time)", () =>
    serving({ models }, (site) =>
      Effect.gen(function* () {
        const task = yield* site.create("samples", "ExampleTask", { step_millis: 0 })
        yield* (yield* site.follow(task.links.stream)).ended
        const { headers, json, status } = yield* site.get(task.links.stream)
        expect([status, headers.get("content-type")]).toEqual([200, "application/json"])
        expect(json).toMatchObject({
          status: "completed",
          final_value: { steps: 5 },
          completed_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT/)
        })
        expect((yield* site.get(task.links.status)).json).toEqual(json)
      })
    )
  )

  it.live("S1x-05 S1x-08 test_nonexistent_task_is_404, and a number that is none is 400 (real time)", () =>
    serving({ models }, (site) =>
      Effect.gen(function* () {
        for (const [path, status, code] of [
          ["/stream/samples/ExampleTask/99999", 404, "task-not-found"],
          ["/stream/samples/NoSuchTask/1", 404, "task-not-found"],
          ["/stream/no-app/ExampleTask/1", 404, "task-not-found"],
          ["/stream/samples/1", 404, "no-such-route"],
          ["/stream/samples/ExampleTask/%", 404, "no-such-route"],
          ["/%E0%A4%A", 404, "no-such-route"],
          ["/stream/samples/ExampleTask/abc", 400, "invalid-request"],
          ["/stream/samples/ExampleTask/1.5", 400, "invalid-request"],
          ["/stream/samples/ExampleTask/-1", 400, "invalid-request"],
          ["/stream/samples/ExampleTask/0", 400, "invalid-request"],
          ["/stream/samples/ExampleTask/9999999999999999", 400, "invalid-request"],
          ["/stream/samples/ExampleTask/..%2F1", 400, "invalid-request"]
        ] as const) {
          const answer = yield* site.get(path)
          expect([path, answer.status, answer.json.type]).toEqual([path, status, `urn:rescind:problem:${code}`])
        }
      })
    )
  )

  it.live("S1x-08 test_five_concurrent_connections (real time)", () =>
    serving({ models }, (site) =>
      Effect.gen(function* () {
        const task = yield* site.create("samples", "ExampleTask", { step_millis: 20 })
        const clients = yield* Effect.all(
          Array.from({ length: 5 }, () => site.follow(task.links.stream)),
          { concurrency: "unbounded" }
        )
        for (const client of clients) expect((yield* client.ended).map(({ event }) => event)).toEqual(five)
        expect((yield* site.get(task.links.status)).json.attempts).toBe(1)
      })
    )
  )
})
