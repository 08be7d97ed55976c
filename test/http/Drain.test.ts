import { connect } from "node:net"
import { describe, expect, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import { type DrainReport, Tasks } from "../../src/fibers/Tasks.ts"
import * as Drain from "../../src/http/Drain.ts"
import { OpenStreams } from "../../src/http/OpenStreams.ts"
import * as TaskDefinition from "../../src/http/TaskDefinition.ts"
import { names } from "./follow.ts"
import { leakChecked } from "../support/leaks.ts"
import { settle } from "../support/settle.ts"
import { count, Stubborn, stubborn, Wait, wait } from "./probes.ts"
import { serving } from "./serving.ts"

const reported = () => {
  const reports: Array<DrainReport> = []
  return { reports, onReport: (report: DrainReport) => Effect.sync(() => void reports.push(report)) }
}

/** Clients of a busy machine may take their time to read the end. */
const patient = { flush: "1 hour" } as const

describe("Drain", () => {
  it.live(
    "S1-59 S1x-17: when the server closes, every open stream reads one cancelled with reason shutdown, then its end",
    () => {
      const { onReport, reports } = reported()
      return serving({ tasks: [wait], drain: { ...patient, onReport } }, (site) =>
        Effect.gen(function* () {
          const clients = []
          for (const id of ["a", "b", "c"]) {
            yield* site.post(`/tasks/wait?id=${id}`, {})
            clients.push(yield* site.follow(id), yield* site.follow(id))
          }
          for (const client of clients) yield* client.until((events) => events.length > 1)
          yield* site.close
          for (const client of clients) {
            const events = yield* client.ended
            expect(names(events)).toEqual(["started", "progress", "cancel-requested", "cancelled"])
            expect(events[3]!.data).toMatchObject({ reason: "shutdown", message: "The service is shutting down" })
          }
          expect(reports).toMatchObject([{ cancelled: ["a", "b", "c"], abandoned: [], completed: [], failed: [] }])
        })
      )
    }
  )

  it.live("while it drains a start is 503, what is there can still be looked at, and streams go on", () => {
    const mule = stubborn()
    return serving({ tasks: [mule], drain: patient }, (site) =>
      Effect.gen(function* () {
        yield* site.post("/tasks/stubborn?id=s")
        const client = yield* site.follow("s")
        yield* client.until((events) => events.length > 1)
        const closing = yield* Effect.forkChild(site.close)
        yield* client.until((events) => events.length > 2)
        const refused = yield* site.post("/tasks/stubborn")
        expect(refused.status).toBe(503)
        expect(["30", "29", "28"]).toContain(refused.headers.get("retry-after"))
        expect(refused.json.type).toBe("urn:rescind:problem:draining")
        expect((yield* site.get("/tasks/s")).json.state).toBe("cancelling")
        yield* mule.letGo
        expect(names(yield* client.ended).at(-1)).toBe("cancelled")
        yield* Fiber.join(closing)
      })
    )
  })

  it.live("S1-60: a task that ignores the cancel is given up on, named, and its clients are told", () => {
    const { onReport, reports } = reported()
    return serving({ tasks: [stubborn(), wait], drain: { giveUp: "30 millis", ...patient, onReport } }, (site) =>
      Effect.gen(function* () {
        yield* site.post("/tasks/stubborn?id=s")
        yield* site.post("/tasks/wait?id=w", {})
        const client = yield* site.follow("s")
        yield* client.until((events) => events.length > 1)
        yield* site.close
        expect((yield* client.ended).at(-1)).toMatchObject({
          event: "cancelled",
          data: { how: "abandoned", reason: "shutdown" }
        })
        expect(reports).toMatchObject([{ cancelled: ["w"], abandoned: ["s"] }])
      })
    )
  })

  it.live("with finish, tasks may end by themselves first", () => {
    const { onReport, reports } = reported()
    const mule = stubborn()
    return serving({ tasks: [mule, wait], drain: { finish: "500 millis", ...patient, onReport } }, (site) =>
      Effect.gen(function* () {
        yield* site.post("/tasks/stubborn?id=c")
        yield* site.post("/tasks/wait?id=w", {})
        const client = yield* site.follow("c")
        yield* client.until((events) => events.length > 1)
        const closing = yield* Effect.forkChild(site.close)
        while (!(yield* site.tasks.draining)) yield* Effect.yieldNow
        yield* mule.letGo
        yield* Fiber.join(closing)
        expect(names(yield* client.ended).at(-1)).toBe("completed")
        expect(reports).toMatchObject([{ completed: ["c"], cancelled: ["w"] }])
      })
    )
  })

  it.live("in one drain some definitions are cancelled at once, others may finish (S1-59)", () => {
    const { onReport, reports } = reported()
    const mule = stubborn(TaskDefinition.make("finishing", { ...Stubborn, onShutdown: "finish" }))
    const abrupt = TaskDefinition.make("abrupt", { ...Wait, onShutdown: "cancel" }).of((_, self) =>
      Effect.andThen(self.progress("ready"), Effect.never)
    )
    return serving({ tasks: [mule, abrupt, wait], drain: { finish: "1 hour", ...patient, onReport } }, (site) =>
      Effect.gen(function* () {
        yield* site.post("/tasks/finishing?id=f")
        yield* site.post("/tasks/abrupt?id=a", {})
        yield* site.post("/tasks/wait?id=w", {})
        const [finishing, stopped, waiting] = [
          yield* site.follow("f"),
          yield* site.follow("a"),
          yield* site.follow("w")
        ]
        for (const client of [finishing, stopped, waiting]) yield* client.until((events) => events.length > 1)
        const closing = yield* Effect.forkChild(site.close)
        expect((yield* stopped.ended).at(-1)).toMatchObject({ event: "cancelled", data: { reason: "shutdown" } })
        expect(names(finishing.events())).toEqual(["started", "progress"])
        const refused = yield* site.post("/tasks/abrupt")
        expect(refused.status).toBe(503)
        expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(3600)
        // Cancels go on working, and their answers are waited for.
        expect((yield* site.post("/tasks/w/cancel", { reason: { by: "ann" } })).json._tag).toBe("Cancelled")
        expect((yield* waiting.ended).at(-1)).toMatchObject({ event: "cancelled", data: { by: "ann" } })
        expect((yield* site.get("/tasks")).json.tasks).toHaveLength(3)
        yield* mule.letGo
        yield* Fiber.join(closing)
        expect(names(yield* finishing.ended).at(-1)).toBe("completed")
        expect(reports).toMatchObject([{ completed: ["f"], cancelled: ["a", "w"], abandoned: [] }])
      })
    )
  })

  it.live(
    "in the midst of work it ends within its bounds, everybody is told, and nothing is left (S1x-21, S1x-22)",
    () => {
      const { onReport, reports } = reported()
      const drain = { giveUp: "1 minute", ...patient, onReport } as const
      return serving({ tasks: [count], drain }, (site) =>
        Effect.gen(function* () {
          const clients = []
          for (const id of ["a", "b", "c"]) {
            yield* site.post(`/tasks/count?id=${id}`, { to: 1_000_000, everyMillis: 1 })
            clients.push(yield* site.follow(id))
          }
          for (const client of clients) yield* client.until((events) => events.length > 10)
          yield* site.close
          for (const client of clients) {
            const events = yield* client.ended
            expect(events.filter(({ event }) => event === "cancelled")).toHaveLength(1)
            expect(events.at(-1)).toMatchObject({ event: "cancelled", data: { reason: "shutdown" } })
          }
          expect(reports).toMatchObject([{ cancelled: ["a", "b", "c"], abandoned: [] }])
          expect(yield* site.streams.count).toBe(0)
          while ((yield* site.connections) > 0) yield* Effect.sleep(1)
        })
      )
    }
  )

  it.live("a start whose body is long in coming is refused before it is read", () => {
    const mule = stubborn()
    return serving({ tasks: [mule], drain: patient }, (site) =>
      Effect.gen(function* () {
        yield* site.post("/tasks/stubborn?id=s")
        const closing = yield* Effect.forkChild(site.close)
        while (!(yield* site.tasks.draining)) yield* Effect.sleep(1)
        const socket = connect(Number(new URL(site.url).port), "127.0.0.1")
        yield* Effect.addFinalizer(() => Effect.sync(() => socket.destroy()))
        let read = ""
        socket.on("data", (data) => (read += data.toString())).on("error", () => {})
        socket.write(
          "POST /tasks/stubborn HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n"
        )
        while (!read.includes("draining")) yield* Effect.sleep(1)
        expect(read).toMatch(/^HTTP\/1\.1 503 /)
        yield* mule.letGo
        yield* Fiber.join(closing)
      })
    )
  })

  it.live("a client that does not read is cut off after flush, and the server closes", () =>
    serving(
      {
        tasks: [Flood.of((_, self) => Effect.forever(self.output("x".repeat(60_000))))],
        drain: { flush: "100 millis" }
      },
      (site) =>
        Effect.gen(function* () {
          yield* site.post("/tasks/flood?id=f")
          const socket = connect(Number(new URL(site.url).port), "127.0.0.1")
          yield* Effect.addFinalizer(() => Effect.sync(() => socket.destroy()))
          socket.on("error", () => {})
          socket.pause()
          socket.write("GET /tasks/f/events HTTP/1.1\r\nhost: x\r\n\r\n")
          yield* site.stuck
          const [took] = yield* Effect.timed(site.close)
          expect(Duration.toMillis(took)).toBeGreaterThanOrEqual(99)
        })
    )
  )

  it.live("a slow client reads the end too, though the server has begun to close", () =>
    serving(
      { tasks: [Flood.of((_, self) => Effect.forever(self.output("x".repeat(60_000))))], drain: patient },
      (site) =>
        Effect.gen(function* () {
          yield* site.post("/tasks/flood?id=f")
          const socket = connect(Number(new URL(site.url).port), "127.0.0.1")
          yield* Effect.addFinalizer(() => Effect.sync(() => socket.destroy()))
          socket.pause()
          socket.write("GET /tasks/f/events HTTP/1.1\r\nhost: x\r\n\r\n")
          yield* site.stuck
          const closing = yield* Effect.forkChild(site.close)
          while (!(yield* site.tasks.draining)) yield* Effect.sleep(1)
          yield* site.tasks.await("f")
          yield* Effect.sleep(20)
          expect(yield* site.streams.count).toBe(1)
          let read = ""
          socket.on("data", (data) => (read = (read + data.toString()).slice(-1000)))
          socket.resume()
          yield* Fiber.join(closing)
          while (!socket.closed) yield* Effect.sleep(1)
          expect(read).toMatch(/event: cancelled\ndata: .*"reason":"shutdown".*\n\n\r\n0\r\n\r\n$/)
        })
    )
  )

  it.live("a quiet server closes at once", () =>
    serving({ tasks: [wait] }, (site) =>
      Effect.gen(function* () {
        yield* site.get("/tasks")
        yield* site.close
      })
    )
  )

  it.effect("a task that does not end is waited for 30 seconds, unless said otherwise (S1-60)", () =>
    Effect.gen(function* () {
      const asked: Array<unknown> = []
      const drain = (options: unknown) => Effect.sync(() => (asked.push(options), { ended: [] }))
      const stub = Effect.provideService(Tasks, { drain } as never)
      yield* Drain.run().pipe(stub)
      yield* Drain.run({ giveUp: "5 seconds", grace: 10 }).pipe(stub)
      expect(asked).toEqual([{ giveUp: Duration.seconds(30) }, { giveUp: "5 seconds", grace: 10 }])
    }).pipe(Effect.provide(OpenStreams.layer()))
  )
})

describe("Drain of several services", () => {
  class Handlers extends Context.Service<Handlers, Drain.Drainable>()("test/Handlers") {}

  const report = (given: Partial<DrainReport>): DrainReport => ({
    completed: [],
    failed: [],
    cancelled: [],
    abandoned: [],
    took: Duration.zero,
    ...given
  })

  it.effect("asks all of them at once, with the same bounds, and reports them together", () =>
    Effect.gen(function* () {
      const asked: Array<unknown> = []
      const gate = yield* Latch.make()
      const drainable = (name: string, given: Partial<DrainReport>): Drain.Drainable => ({
        drain: (options) =>
          Effect.suspend(() => {
            asked.push([name, options?.giveUp])
            return Effect.as(gate.await, report(given))
          })
      })
      const tasks = drainable("tasks", { completed: ["a"], abandoned: ["b"], took: Duration.seconds(3) })
      const handlers = drainable("handlers", { cancelled: ["GET /x"], failed: ["f"], took: Duration.seconds(2) })
      const fiber = yield* Effect.forkChild(
        Drain.run({ also: [Handlers], giveUp: "4 seconds" }).pipe(
          Effect.provideService(Handlers, handlers),
          Effect.provideService(Tasks, tasks as never)
        )
      )
      yield* settle
      expect(asked).toEqual([
        ["tasks", "4 seconds"],
        ["handlers", "4 seconds"]
      ])
      yield* gate.open
      expect(yield* Fiber.join(fiber)).toEqual({
        completed: ["a"],
        failed: ["f"],
        cancelled: ["GET /x"],
        abandoned: ["b"],
        took: Duration.seconds(3)
      })
    }).pipe(Effect.provide(OpenStreams.layer()))
  )

  it("takes no longer than its bounds together", () => {
    expect(Drain.longest()).toEqual(Duration.seconds(32))
    expect(Drain.longest({ finish: "5 seconds", giveUp: "1 second", flush: 500 })).toEqual(Duration.millis(6500))
    expect(Duration.isFinite(Drain.longest({ giveUp: "Infinity" }))).toBe(false)
    expect(() => Drain.longest({ finish: -1 })).toThrow(/finish must be a duration/)
  })

  it.effect("admits new work until it begins, then says when to come back (S1x-24)", () =>
    Effect.gen(function* () {
      const tasks = yield* Tasks
      yield* tasks.start("stuck", Effect.uninterruptible(Effect.sleep("1 minute")))
      yield* settle
      yield* Drain.admit
      const seconds = Effect.map(Effect.flip(Drain.admit), ({ code, headers }) => [code, headers?.["retry-after"]])
      const first = yield* Effect.forkChild(tasks.drain())
      yield* settle
      expect(yield* seconds).toEqual(["draining", "5"])
      const second = yield* Effect.forkChild(tasks.drain({ finish: "2 seconds", giveUp: "8 seconds" }))
      yield* settle
      for (const [after, expected] of [
        [0, "10"],
        [1, "10"],
        [8998, "2"],
        [1, "1"],
        [5000, "1"]
      ] as const) {
        yield* TestClock.adjust(after)
        expect(yield* seconds).toEqual(["draining", expected])
      }
      yield* Fiber.joinAll([first, second])
      yield* TestClock.adjust("1 minute")
    }).pipe(Effect.provide(Tasks.layer()), leakChecked)
  )
})

const Flood = TaskDefinition.make("flood", { success: Schema.Void, output: Schema.String, history: 16 })
