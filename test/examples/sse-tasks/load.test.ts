/** Many tasks, many clients, clients that do not read: over real sockets, in real time. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { whenBusy } from "../../support/busy.ts"
import { names } from "../../http/follow.ts"
import { sleeping, streaming, waiting } from "./models.ts"
import { serving } from "./serving.ts"

const models = [sleeping, waiting, streaming]

describe("Load", () => {
  it.live("S1x-32: 20 tasks at once, each with a client of its own, end in the time of one (real time)", () =>
    serving({ models }, (site) =>
      Effect.gen(function* () {
        const started = performance.now()
        const clients = yield* Effect.forEach(
          Array.from({ length: 20 }),
          () =>
            Effect.gen(function* () {
              const task = yield* site.create("tests", "SleepingTask", { millis: 200 })
              return yield* site.follow(task.links.stream)
            }),
          { concurrency: "unbounded" }
        )
        for (const client of clients) expect(names(yield* client.ended)).toEqual(["start", "complete"])
        expect(performance.now() - started).toBeLessThan(whenBusy(2000))
        expect(yield* site.store.count).toEqual({ completed: 20 })
      })
    )
  )

  it.live("S1x-32 S1-79: 50 clients on one task read the same, and its cancel, once each (real time)", () =>
    serving({ models }, (site) =>
      Effect.gen(function* () {
        const task = yield* site.create("tests", "WaitingTask")
        const clients = yield* Effect.forEach(Array.from({ length: 50 }), () => site.follow(task.links.stream), {
          concurrency: "unbounded"
        })
        for (const client of clients) yield* client.until((events) => events.length === 2)
        const asked = performance.now()
        yield* site.post(task.links.cancel)
        for (const client of clients) expect(names(yield* client.ended)).toEqual(["start", "progress", "cancelled"])
        expect(performance.now() - asked).toBeLessThan(whenBusy(1000))
        expect((yield* site.get(task.links.status)).json.attempts).toBe(1)
      })
    )
  )

  it.live(
    "S1x-11 S1x-32: a client that does not read costs a bounded log and no other client anything (real time)",
    () =>
      serving({ models }, (site) =>
        Effect.gen(function* () {
          const task = yield* site.create("tests", "StreamingTask", { count: 10_000 })
          const stalled = yield* Effect.all([site.stalled(task.links.stream), site.stalled(task.links.stream)])
          const client = yield* site.follow(task.links.stream)
          const events = yield* client.ended
          // What it read is complete, or it was told what it missed.
          let next = Number(events[0]!.id.slice(2))
          for (const { data, event, id } of events) {
            if (event === "resync") expect(data.missed.from).toBe(next)
            else expect(Number(id.slice(2))).toBe(next)
            next = Number(id.slice(2)) + 1
          }
          expect(events.at(-1)!.event).toBe("complete")
          const { attempt } = yield* site.coordinator.find(task)
          expect(attempt!.log.last - attempt!.log.first + 1).toBeLessThanOrEqual(1024)
          for (const { leave } of stalled) yield* leave
        })
      )
  )

  it.live(
    "S1x-12: a client that tears its connection while the others are told keeps nothing from them (real time)",
    () =>
      serving({ models }, (site) =>
        Effect.gen(function* () {
          const task = yield* site.create("tests", "WaitingTask")
          const torn = yield* site.stalled(task.links.stream)
          const clients = yield* Effect.all([site.follow(task.links.stream), site.follow(task.links.stream)])
          for (const client of clients) yield* client.until((events) => events.length === 2)
          yield* Effect.all([torn.leave, site.post(task.links.cancel)], { concurrency: "unbounded" })
          for (const client of clients) expect(names(yield* client.ended)).toEqual(["start", "progress", "cancelled"])
        })
      )
  )

  it.live("S1-80: the loop stays free while 1,000 tasks are cancelled (real time)", () =>
    serving({ models }, (site) =>
      Effect.gen(function* () {
        const keys: Array<any> = []
        for (let task = 0; task < 1000; task++) {
          const { id } = yield* Effect.orDie(
            site.coordinator.create({ app: "tests", model: "WaitingTask", params: {} })
          )
          const key = { app: "tests", model: "WaitingTask", id }
          yield* Effect.orDie(site.coordinator.start(key))
          keys.push(key)
        }
        let longest = 0
        let last = performance.now()
        const watch = setInterval(() => {
          longest = Math.max(longest, performance.now() - last)
          last = performance.now()
        }, 1)
        yield* Effect.forEach(keys, (key) => Effect.orDie(site.coordinator.cancel(key)), { concurrency: 50 })
        yield* site.coordinator.shutdown()
        clearInterval(watch)
        expect(yield* site.store.count).toEqual({ cancelled: 1000 })
        expect(longest).toBeLessThan(whenBusy(500))
      })
    )
  )
})
