/** Clients that read slowly, badly or not at all, over real sockets. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Schema from "effect/Schema"
import * as TaskDefinition from "../../src/http/TaskDefinition.ts"
import { names } from "./follow.ts"
import { wait } from "./probes.ts"
import { serving } from "./serving.ts"
import { isWhole, numbersOf, slowClient } from "./slowClient.ts"

const Talk = TaskDefinition.make("talk", {
  payload: Schema.Struct({ events: Schema.Int, size: Schema.Int }),
  success: Schema.Void,
  output: Schema.String,
  progress: Schema.String,
  history: 20
})

/** Says its events when the door opens, and ends when it opens again. */
const talk = (definition: Pick<typeof Talk, "of"> = Talk) => {
  const door = Latch.makeUnsafe()
  let spoken = false
  const task = definition.of(({ events, size }, self) =>
    Effect.gen(function* () {
      yield* self.progress("ready")
      yield* door.await
      for (let n = 0; n < events; n++) {
        yield* self.output("x".repeat(size))
        if (n % 10 === 9) yield* Effect.sleep(0)
      }
      yield* self.progress("spoken")
      spoken = true
      door.closeUnsafe()
      yield* door.await
    })
  )
  return { task, said: () => spoken, open: Effect.asVoid(door.open) }
}

const megabyte = { events: 400, size: 50_000 }

describe("EventStream, slow clients", () => {
  it.live(
    "S1x-11: a client that does not read holds up neither the task nor the others, and is told what it missed when it reads",
    () => {
      const { open, task } = talk()
      return serving({ tasks: [task] }, (site) =>
        Effect.gen(function* () {
          yield* site.post("/tasks/talk?id=t", megabyte)
          const fast = yield* site.follow("t")
          const slow = yield* slowClient(site.url, "/tasks/t/events")
          yield* fast.until((events) => events.length === 2)
          while ((yield* site.streams.count) < 2) yield* Effect.sleep(1)
          yield* open
          const seen = yield* fast.until((events) => events.at(-1)?.data.value === "spoken")
          expect(seen.map(({ data }) => data.seq)).toEqual(Array.from({ length: 403 }, (_, n) => n + 1))
          yield* site.stuck
          yield* slow.resume
          yield* slow.until((text) => text.includes('"spoken"'))
          yield* open
          const text = yield* slow.until((text) => text.includes("event: completed"))
          expect(isWhole(text)).toBe(true)
          const missed = numbersOf(text).filter((number) => typeof number !== "number")
          expect(missed.length).toBeGreaterThan(0)
          const block = text.split("\n\n").find((block) => block.includes("event: resync"))!
          const { from, to } = missed[0]!
          expect(block).toContain(`id: 1-${to}\n`)
          expect(JSON.parse(block.slice(block.indexOf("data: ") + 6))).toMatchObject({
            id: "t",
            attempt: 1,
            seq: to,
            at: expect.stringMatching(/^\d{4}-/),
            missed: { from, to },
            task: { id: "t", name: "talk", state: "running" }
          })
        })
      )
    }
  )

  it.live("a client that is too slow is disconnected where the server says so, and comes back for the rest", () => {
    const { open, said, task } = talk()
    return serving({ tasks: [task], slowReaders: "disconnect" }, (site) =>
      Effect.gen(function* () {
        yield* site.post("/tasks/talk?id=t", megabyte)
        const slow = yield* slowClient(site.url, "/tasks/t/events")
        while ((yield* site.streams.count) < 1) yield* Effect.sleep(1)
        yield* open
        while (!said()) yield* Effect.sleep(1)
        yield* site.stuck
        yield* slow.resume
        yield* site.streams.awaitNone
        const text = yield* slow.until((text) => text.endsWith("\r\n"))
        expect(text).not.toContain("event: resync")
        yield* open
        const last = numbersOf(text).at(-1)
        const rest = yield* (yield* site.follow("t", `1-${JSON.stringify(last)}`)).ended
        expect(rest[0]).toMatchObject({ event: "resync", data: { missed: { from: Number(last) + 1 } } })
        expect(names(rest).at(-1)).toBe("completed")
      })
    )
  })

  it.live("who comes late to a task that has said more than is kept, begins with what was dropped", () => {
    const { open, task } = talk()
    return serving({ tasks: [task] }, (site) =>
      Effect.gen(function* () {
        yield* site.post("/tasks/talk?id=t", { events: 50, size: 10 })
        yield* open
        while ((yield* site.get("/tasks/t")).json.state !== "running") yield* Effect.sleep(1)
        const live = yield* site.follow("t")
        yield* live.until((events) => events.at(-1)?.data.value === "spoken")
        yield* open
        yield* live.ended
        for (const raw of [live.raw(), (yield* site.get("/tasks/t/events")).text]) expect(isWhole(raw)).toBe(true)
        const late = (yield* site.get("/tasks/t/events")).text
        expect(numbersOf(late)[0]).toEqual({ from: 1, to: 34 })
        expect(numbersOf(late)).toHaveLength(21)
        expect(late).toContain('"outcome":{"_tag":"Completed"')
      })
    )
  })

  it.live("who comes back for what was dropped is not taken for a slow client", () => {
    const { open, said, task } = talk()
    return serving({ tasks: [task], slowReaders: "disconnect" }, (site) =>
      Effect.gen(function* () {
        yield* site.post("/tasks/talk?id=t", { events: 50, size: 10 })
        yield* open
        while (!said()) yield* Effect.sleep(1)
        const late = yield* site.follow("t", "1-3")
        yield* late.until((events) => events.at(-1)?.data.value === "spoken")
        yield* open
        const events = yield* late.ended
        expect(names(events).slice(-3)).toEqual(["output", "progress", "completed"])
        expect(events[0]).toMatchObject({ event: "resync", id: "1-33", data: { missed: { from: 4, to: 33 } } })
      })
    )
  })

  it.live("S1x-40: over the limit of streams, of one task or in all, the answer is 429 and says so", () =>
    serving({ tasks: [wait], maxStreams: 3, maxStreamsPerTask: 2 }, (site) =>
      Effect.gen(function* () {
        for (const id of ["v", "w"]) yield* site.post(`/tasks/wait?id=${id}`, {})
        const first = yield* site.follow("w")
        yield* site.follow("w")
        const third = yield* site.get("/tasks/w/events")
        expect([third.status, third.headers.get("retry-after")]).toEqual([429, "5"])
        expect(third.json).toMatchObject({ type: "urn:rescind:problem:too-many-streams", status: 429 })
        expect(third.json.detail).toContain("of this task")
        expect((yield* site.request("/tasks/w/events", { method: "HEAD" })).status).toBe(200)
        yield* site.follow("v")
        expect((yield* site.get("/tasks/v/events")).json.detail).not.toContain("of this task")
        yield* first.leave
        while ((yield* site.streams.count) > 2) yield* Effect.sleep(1)
        expect((yield* site.follow("w")).status).toBe(200)
      })
    )
  )

  it.live("S1x-07: with a linger, a task waits for another client before it is cancelled", () => {
    const Patient = TaskDefinition.make("patient", {
      success: Schema.Void,
      onDisconnect: "cancel",
      linger: "200 millis"
    })
    return serving({ tasks: [Patient.of(() => Effect.never)] }, (site) =>
      Effect.gen(function* () {
        yield* site.post("/tasks/patient?id=p")
        const first = yield* site.follow("p")
        yield* first.until((events) => events.length > 0)
        yield* first.leave
        yield* site.streams.awaitNone
        const second = yield* site.follow("p", "1-1")
        yield* Effect.sleep(300)
        expect((yield* site.get("/tasks/p")).json.state).toBe("running")
        yield* second.leave
        yield* site.streams.awaitNone
        expect((yield* site.get("/tasks/p")).json.state).toBe("running")
        expect(yield* site.tasks.await("p")).toMatchObject({ _tag: "Cancelled", reason: { source: "disconnect" } })
      })
    )
  })

  it.live("a linger does not hold a server that closes", () => {
    const Patient = TaskDefinition.make("patient", { success: Schema.Void, onDisconnect: "cancel", linger: "1 hour" })
    return serving({ tasks: [Patient.of(() => Effect.never)] }, (site) =>
      Effect.gen(function* () {
        yield* site.post("/tasks/patient?id=p")
        const client = yield* site.follow("p")
        yield* client.until((events) => events.length > 0)
        yield* client.leave
        yield* site.streams.awaitNone
        yield* site.close
      })
    )
  })

  it.live("a client of HTTP/1.0 gets the same events without chunks, to the end of the connection", () =>
    serving({ tasks: [wait] }, (site) =>
      Effect.gen(function* () {
        yield* site.post("/tasks/wait?id=w", {})
        const client = yield* slowClient(site.url, "/tasks/w/events", [], "1.0")
        yield* client.resume
        yield* client.until((text) => text.includes("ready"))
        yield* site.post("/tasks/w/cancel")
        const text = yield* client.until(() => false)
        expect(client.raw()).toContain("\r\n\r\n: open\n\nid: 1-1\n")
        expect(isWhole(text)).toBe(true)
        expect(text).toContain("event: cancelled")
      })
    )
  )

  it.live("pipelined requests of one connection are answered in their order", () =>
    serving({ tasks: [wait] }, (site) =>
      Effect.gen(function* () {
        yield* site.post("/tasks/wait?id=w", {})
        const client = yield* slowClient(site.url, "/tasks/w/events")
        yield* client.send("GET /tasks/w/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        yield* client.send("GET /tasks/nobody HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        yield* client.resume
        yield* client.until((text) => text.includes("ready"))
        while ((yield* site.streams.count) < 2) yield* Effect.sleep(1)
        yield* site.post("/tasks/w/cancel")
        const text = yield* client.until(() => false)
        const [first, second, third] = text.split("HTTP/1.1")
        expect(isWhole(first!)).toBe(true)
        expect(isWhole(second!)).toBe(true)
        expect(numbersOf(first!)).toEqual([1, 2, 3, 4])
        expect(numbersOf(second!)).toEqual([1, 2, 3, 4])
        expect(third).toContain(" 404 ")
      })
    )
  )

  it.live("S1x-12 S1x-29 S1x-34: clients that are torn off in the middle harm neither the task nor the others", () => {
    const { open, task } = talk()
    return serving({ tasks: [task] }, (site) =>
      Effect.gen(function* () {
        yield* site.post("/tasks/talk?id=t", { events: 400, size: 2000 })
        const fast = yield* site.follow("t")
        const doomed = yield* Effect.forEach(Array.from({ length: 20 }), () => slowClient(site.url, "/tasks/t/events"))
        while ((yield* site.streams.count) < 21) yield* Effect.sleep(1)
        yield* open
        for (const [index, client] of doomed.entries()) {
          if (index % 2 === 0) yield* client.resume
          yield* Effect.sleep(0)
          yield* client.reset
        }
        yield* fast.until((events) => events.at(-1)?.data.value === "spoken")
        while ((yield* site.streams.count) > 1) yield* Effect.sleep(1)
        yield* open
        expect(names(yield* fast.ended).at(-1)).toBe("completed")
        expect(site.log.filter((line) => !line.includes("level=INFO"))).toEqual([])
      })
    )
  })
})
