/** The fetch task against the bundled origin, over real sockets; its own time limit on the test clock. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as TestClock from "effect/testing/TestClock"
import { httpFetchTask } from "../../../src/examples/sse-tasks/models/httpFetchTask.ts"
import { Connect } from "../../../src/examples/server/fetchPage.ts"
import * as Origin from "../../../src/examples/server/origin.ts"
import * as TaskKey from "../../../src/examples/sse-tasks/TaskKey.ts"
import { whenBusy } from "../../support/busy.ts"
import { eventually } from "../server/fetchEventually.ts"
import { coordinated, settle } from "./coordinated.ts"
import { serving, type Site } from "./serving.ts"

const fetching = <A, E>(test: (site: Site, origin: Origin.Origin) => Effect.Effect<A, E, any>) =>
  Effect.scoped(
    Effect.gen(function* () {
      const origin = yield* Effect.orDie(Origin.make({ port: 0 }))
      yield* serving({ models: [httpFetchTask(`${origin.url}/slow?ms=60000`)] }, (site) => test(site, origin) as never)
    })
  )

const start = (site: Site, url?: string) =>
  Effect.gen(function* () {
    const task = yield* site.create("samples", "HttpFetchTask", url === undefined ? {} : { url })
    return { task, client: yield* site.follow(task.links.stream) }
  })

describe("HttpFetchTask", () => {
  it.live("S1-31 S1-33: says start with its url, fetching, fetched with status and size, complete (real time)", () =>
    fetching((site, origin) =>
      Effect.gen(function* () {
        const url = `${origin.url}/page`
        const { client } = yield* start(site, url)
        const events = yield* client.ended
        expect(events.map(({ data, event }) => [event, data.stage])).toEqual([
          ["start", undefined],
          ["progress", "fetching"],
          ["progress", "fetched"],
          ["complete", undefined]
        ])
        expect(events[0]!.data.url).toBe(url)
        expect(events[2]!.data).toMatchObject({ status: 200, size: events[3]!.data.final_value.size })
        expect(events[3]!.data.final_value).toEqual({ url, status: 200, size: expect.any(Number) })
      })
    )
  )

  it.live(
    "S1-30 S1-34 S1-35 S1-37 S1-79 S1x-10 S1x-31: cancelled in the middle: one event, with its own words and the url (real time)",
    () =>
      fetching((site, origin) =>
        Effect.gen(function* () {
          const { client, task } = yield* start(site)
          yield* eventually(origin.openRequests, (open) => open === 1)
          yield* site.post(task.links.cancel)
          const events = yield* client.ended
          expect(events.map(({ event }) => event)).toEqual(["start", "progress", "cancelled"])
          expect(events[2]!.data).toMatchObject({
            message: "Fetch cancelled",
            url: `${origin.url}/slow?ms=60000`,
            reason: "external_cancellation"
          })
          expect((yield* site.get(task.links.status)).json.status).toBe("cancelled")
        })
      )
  )

  it.live("S1-38: the origin sees the socket closed within 100 ms of the cancel, and none is open (real time)", () =>
    fetching((site, origin) =>
      Effect.gen(function* () {
        const { client, task } = yield* start(site, `${origin.url}/stall?after=1024`)
        yield* eventually(origin.openRequests, (open) => open === 1)
        const asked = Date.now()
        yield* site.post(task.links.cancel)
        yield* client.ended
        const [closed] = yield* eventually(origin.closedEarly, (all) => all.length === 1)
        expect(closed!.at - asked).toBeLessThan(whenBusy(100))
        expect(yield* origin.openRequests).toBe(0)
      })
    )
  )

  it.live("S1-36: what the network does wrong is a task-error with message and url, not a cancel (real time)", () =>
    fetching((site, origin) =>
      Effect.gen(function* () {
        for (const [url, kind] of [
          [`${origin.url}/fail?status=500`, "status"],
          ["http://127.0.0.1:9/", "network"],
          [`${origin.url}/reset?after=10`, "network"]
        ] as const) {
          const { client, task } = yield* start(site, url)
          const last = (yield* client.ended).at(-1)!
          expect(last).toMatchObject({
            event: "task-error",
            data: { error_type: "FetchFailed", kind, url, message: expect.any(String) }
          })
          expect((yield* site.get(task.links.status)).json.status).toBe("failed")
        }
        const bad = yield* site.post("/tasks", { app: "samples", model: "HttpFetchTask", params: { url: "ftp://x" } })
        expect([bad.status, bad.json.errors[0].field]).toEqual([400, "params.url"])
      })
    )
  )

  const silent = Effect.succeed(HttpClient.make(() => Effect.never))
  const model = httpFetchTask("http://origin.test/")
  const quiet = {
    ...model,
    process: (params: any, task: any) => Effect.provideService(model.process(params, task), Connect, silent)
  }

  it.effect("S1-32: a server that is silent for 30 s is a failure at 30 s, and not a moment before", () =>
    coordinated({ models: [quiet] }, (world) =>
      Effect.gen(function* () {
        const { id } = yield* world.coordinator.create({ app: "samples", model: "HttpFetchTask", params: {} })
        const listener = yield* world.client(TaskKey.make("samples", "HttpFetchTask", id))
        yield* TestClock.adjust("29999 millis")
        yield* settle
        expect(listener.names()).toEqual(["start", "progress"])
        yield* TestClock.adjust("1 millis")
        yield* settle
        expect(listener.names()).toEqual(["start", "progress", "task-error"])
        expect(listener.events()[2]!.data).toMatchObject({ kind: "timeout", url: "http://origin.test/" })
      })
    )
  )

  it.effect("S1x-31: network timeout against cancel: whichever is first, and it once", () =>
    coordinated({ models: [quiet] }, (world) =>
      Effect.gen(function* () {
        for (const [after, last] of [
          ["29999 millis", "cancelled"],
          ["30 seconds", "task-error"]
        ] as const) {
          const { id } = yield* world.coordinator.create({ app: "samples", model: "HttpFetchTask", params: {} })
          const key = TaskKey.make("samples", "HttpFetchTask", id)
          const listener = yield* world.client(key)
          yield* TestClock.adjust(after)
          yield* world.coordinator.cancel(key)
          yield* TestClock.adjust("1 minute")
          yield* settle
          expect(listener.names()).toEqual(["start", "progress", last])
        }
      })
    )
  )
})
