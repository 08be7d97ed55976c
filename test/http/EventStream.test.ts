import { spawn } from "node:child_process"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as CancelReason from "../../src/fibers/CancelReason.ts"
import * as Task from "../../src/fibers/Task.ts"
import * as EventStream from "../../src/http/EventStream.ts"
import * as TaskDefinition from "../../src/http/TaskDefinition.ts"
import { names } from "./follow.ts"
import { breaks, count, print, stubborn, wait } from "./probes.ts"
import { serving } from "./serving.ts"

const isReady = (events: ReadonlyArray<{ readonly event: string }>) => events.some(({ event }) => event === "progress")

describe("EventStream", () => {
  it.live(
    "S1-11 S1-14 S1-47 S1-72 S1-75 S1-79: three clients that follow a task are all told of its cancel, once, and their streams end",
    () =>
      serving({ tasks: [wait] }, (site) =>
        Effect.gen(function* () {
          yield* site.post("/tasks/wait?id=w", {})
          const clients = yield* Effect.all([site.follow("w"), site.follow("w"), site.follow("w")])
          for (const client of clients) yield* client.until(isReady)
          yield* site.post("/tasks/w/cancel", { reason: { message: "not needed", by: "ann" } })
          for (const client of clients) {
            const events = yield* client.ended
            expect(names(events)).toEqual(["started", "progress", "cancel-requested", "cancelled"])
            expect(events[3]!.data).toMatchObject({ message: "not needed", reason: "request", by: "ann", scope: "w" })
          }
        })
      )
  )

  it.live("S1-07 S1-54: the bytes of a cancelled event have its id, its name and one line of JSON that says why", () =>
    serving({ tasks: [wait] }, (site) =>
      Effect.gen(function* () {
        yield* site.post("/tasks/wait?id=w", {})
        const client = yield* site.follow("w")
        yield* client.until(isReady)
        yield* site.post("/tasks/w/cancel")
        yield* client.ended
        const block = client.raw().split("\n\n").at(-2)!
        const [id, event, data, ...rest] = block.split("\n")
        expect([id, event, rest]).toEqual(["id: 1-4", "event: cancelled", []])
        expect(JSON.parse(data!.slice("data: ".length))).toEqual({
          id: "w",
          attempt: 1,
          seq: 4,
          at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
          message: "Task was cancelled",
          reason: "request",
          scope: "w",
          how: "interrupted",
          tookMillis: expect.any(Number),
          cleanupFailures: 0
        })
        expect(client.raw()).not.toContain("retry:")
      })
    )
  )

  it.live("S1-12: a stream is open before the task says anything, uncached and unbuffered", () =>
    serving({ tasks: [Silent.of(() => Effect.never)] }, (site) =>
      Effect.gen(function* () {
        yield* site.post("/tasks/silent?id=s")
        const first = yield* site.follow("s")
        yield* first.until((events) => events.length === 1)
        const client = yield* site.follow("s", "1-1")
        expect(client.status).toBe(200)
        expect(client.headers.get("content-type")).toBe("text/event-stream")
        expect(client.headers.get("cache-control")).toBe("no-store")
        expect(client.headers.get("x-accel-buffering")).toBe("no")
        yield* client.until((_, raw) => raw === ": open\n\n")
      })
    )
  )

  it.live("a late subscriber reads everything from the start to the terminal event, and the end", () =>
    serving({ tasks: [count] }, (site) =>
      Effect.gen(function* () {
        yield* site.post("/tasks/count?id=c", { to: 3 })
        yield* (yield* site.follow("c")).ended
        const events = yield* (yield* site.follow("c")).ended
        expect(names(events)).toEqual(["started", "output", "output", "output", "completed"])
        expect(events.map(({ id }) => id)).toEqual(["1-1", "1-2", "1-3", "1-4", "1-5"])
        expect(events[4]!.data).toMatchObject({ value: { sum: 6 }, cleanupFailures: 0 })
      })
    )
  )

  it.live(
    "S1x-04: a client that leaves and comes back with Last-Event-ID, again and again, reads every event once",
    () =>
      serving({ tasks: [count] }, (site) =>
        Effect.gen(function* () {
          yield* site.post("/tasks/count?id=c", { to: 60, everyMillis: 2 })
          const read: Array<number> = []
          let last: string | undefined
          for (let visits = 0; ; visits++) {
            const client = yield* site.follow("c", last)
            if (client.status === 204) break
            const events = yield* client.until((events) => events.length >= 7 || names(events).includes("completed"))
            yield* client.leave
            // What came between the look and the leaving is not taken: a client only knows what it has read.
            read.push(...events.map(({ data }) => data.seq))
            last = events.at(-1)!.id
            expect(visits).toBeLessThan(20)
          }
          expect(read).toEqual(Array.from({ length: 62 }, (_, index) => index + 1))
        })
      )
  )

  it.live("the stream of an ended task resumes after the id that the client names", () =>
    serving({ tasks: [count] }, (site) =>
      Effect.gen(function* () {
        yield* site.post("/tasks/count?id=c", { to: 3 })
        yield* (yield* site.follow("c")).ended
        const ids = Effect.fnUntraced(function* (lastEventId: string) {
          return (yield* (yield* site.follow("c", lastEventId)).ended).map(({ data }) => data.seq)
        })
        expect(yield* ids("1-3")).toEqual([4, 5])
        expect(yield* ids("3")).toEqual([4, 5])
        // Of another attempt.
        expect(yield* ids("2-3")).toEqual([1, 2, 3, 4, 5])
        for (const rubbish of ["x", "-1", "1-", "1e9", "999999999999999999999", "1-2-3", "../"]) {
          expect([rubbish, yield* ids(rubbish)]).toEqual([rubbish, [1, 2, 3, 4, 5]])
        }
      })
    )
  )

  it.live("S1x-02: at or past the terminal event the answer is 204, which stops an EventSource", () =>
    serving({ tasks: [count] }, (site) =>
      Effect.gen(function* () {
        yield* site.post("/tasks/count?id=c", { to: 1 })
        yield* (yield* site.follow("c")).ended
        for (const id of ["1-3", "1-4", "3", "400"]) {
          const answer = yield* site.get("/tasks/c/events", { "last-event-id": id })
          expect([id, answer.status, answer.text]).toEqual([id, 204, ""])
        }
      })
    )
  )

  it.live("an id from before a restart of the server, ahead of a running task, does not hide its events", () =>
    serving({ tasks: [wait] }, (site) =>
      Effect.gen(function* () {
        yield* site.post("/tasks/wait?id=w", {})
        yield* (yield* site.follow("w")).until(isReady)
        const clients = yield* Effect.forEach(["1-50", "1-3"], (id) => site.follow("w", id))
        for (const client of clients) yield* client.until(isReady)
        yield* site.post("/tasks/w/cancel")
        for (const client of clients) {
          expect(names(yield* client.ended)).toEqual(["started", "progress", "cancel-requested", "cancelled"])
        }
      })
    )
  )

  it.live("an id of the attempt before hides nothing of the new one", () =>
    serving({ tasks: [wait] }, (site) =>
      Effect.gen(function* () {
        yield* site.post("/tasks/wait?id=w", {})
        const before = yield* site.follow("w")
        yield* before.until(isReady)
        yield* site.post("/tasks/w/cancel")
        const last = (yield* before.ended).at(-1)!.id
        expect(last).toBe("1-4")
        yield* site.post("/tasks/wait?id=w&replace=true", {})
        const after = yield* site.follow("w", last)
        expect((yield* after.until(isReady)).map(({ id }) => id)).toEqual(["2-1", "2-2"])
      })
    )
  )

  it.live("K11: a client that leaves does not stop the task, unless its definition says so", () =>
    serving({ tasks: [wait] }, (site) =>
      Effect.gen(function* () {
        yield* site.post("/tasks/wait?id=w", {})
        const client = yield* site.follow("w")
        yield* client.until(isReady)
        yield* client.leave
        yield* site.streams.awaitNone
        expect((yield* site.get("/tasks/w")).json.state).toBe("running")
      })
    )
  )

  it.live(
    "with onDisconnect cancel, the task is cancelled with source disconnect when the last client has left, not before",
    () =>
      serving({ tasks: [Attended.of(() => Effect.never)] }, (site) =>
        Effect.gen(function* () {
          yield* site.post("/tasks/attended?id=a")
          const [first, second] = yield* Effect.all([site.follow("a"), site.follow("a")])
          yield* second.until((events) => events.length > 0)
          yield* first.leave
          while ((yield* site.streams.count) > 1) yield* Effect.sleep(1)
          expect((yield* site.get("/tasks/a")).json.state).toBe("running")
          yield* second.leave
          const outcome = yield* site.tasks.await("a")
          expect(outcome).toMatchObject({ _tag: "Cancelled", reason: { source: "disconnect" } })
        })
      )
  )

  it.live("K12: who leaves cancels with the patience of the definition", () => {
    const Polite = TaskDefinition.make("polite", {
      success: Schema.String,
      onDisconnect: "cancel",
      cancel: { grace: "1 hour" }
    })
    return serving({ tasks: [Polite.of(() => Effect.as(Task.awaitRequest, "bye"))] }, (site) =>
      Effect.gen(function* () {
        yield* site.post("/tasks/polite?id=p")
        const client = yield* site.follow("p")
        yield* client.until((events) => events.length > 0)
        yield* client.leave
        expect(yield* site.tasks.await("p")).toMatchObject({ _tag: "Completed", value: "bye" })
      })
    )
  })

  it.live("K16 K19: the terminal event tells the detail of the reason, and how many clean-ups failed", () => {
    const Messy = TaskDefinition.make("messy", { success: Schema.Void })
    const dirty = Effect.acquireRelease(Effect.void, () => Effect.die("dirty"))
    return serving({ tasks: [Messy.of(() => Effect.andThen(dirty, Effect.never))] }, (site) =>
      Effect.gen(function* () {
        yield* site.post("/tasks/messy?id=m")
        const client = yield* site.follow("m")
        yield* client.until((events) => events.length > 0)
        yield* site.post("/tasks/m/cancel", { reason: { detail: { ticket: 7 } } })
        const [requested, cancelled] = (yield* client.ended).slice(-2)
        expect(requested!.data.detail).toEqual({ ticket: 7 })
        expect(cancelled!.data).toMatchObject({ detail: { ticket: 7 }, cleanupFailures: 1 })
      })
    )
  })

  it.live("a HEAD follows nothing, so that nobody leaves when it is answered", () =>
    serving({ tasks: [Attended.of(() => Effect.never)] }, (site) =>
      Effect.gen(function* () {
        yield* site.post("/tasks/attended?id=a")
        expect((yield* site.request("/tasks/a/events", { method: "HEAD" })).status).toBe(200)
        yield* Effect.sleep(10)
        expect((yield* site.get("/tasks/a")).json.state).toMatch(/^(?:waiting|running)$/)
      })
    )
  )

  it.live("with onDisconnect cancel, clients that read the end have left nothing to cancel", () =>
    serving({ tasks: [Attended.of(() => Effect.sleep(20))] }, (site) =>
      Effect.gen(function* () {
        yield* site.post("/tasks/attended?id=a")
        expect(names(yield* (yield* site.follow("a")).ended)).toEqual(["started", "completed"])
        yield* site.streams.awaitNone
        expect((yield* site.get("/tasks/a")).json.state).toBe("completed")
      })
    )
  )

  it.live("a quiet stream says from time to time that it lives", () =>
    serving({ tasks: [wait], heartbeat: "10 millis" }, (site) =>
      Effect.gen(function* () {
        yield* site.post("/tasks/wait?id=w", {})
        const client = yield* site.follow("w")
        yield* client.until((_, raw) => raw.split(": ping\n\n").length > 3)
        yield* site.post("/tasks/w/cancel")
        expect(names(yield* client.ended)).toEqual(["started", "progress", "cancel-requested", "cancelled"])
      })
    )
  )

  it.live("K12: a task that a cancel gave up on is told as straggling and cancelled, and the stream ends", () =>
    serving({ tasks: [stubborn()] }, (site) =>
      Effect.gen(function* () {
        yield* site.post("/tasks/stubborn?id=s")
        const client = yield* site.follow("s")
        yield* client.until(isReady)
        yield* site.post("/tasks/s/cancel", { giveUp: 20 })
        const events = yield* client.ended
        expect(names(events)).toEqual(["started", "progress", "cancel-requested", "straggling", "cancelled"])
        expect(events[3]!.data).toMatchObject({ reason: "request", message: "Task was cancelled" })
        expect(events[4]!.data.how).toBe("abandoned")
      })
    )
  )

  it.live("text of a task cannot break the lines of the stream", () =>
    serving({ tasks: [Echo.of(({ text }, self) => Effect.as(self.progress(text), text))] }, (site) =>
      Effect.gen(function* () {
        const text = "a\n\nevent: forged\r\ndata: {}\n\nid: 9\u2028\u0000 é 🙂"
        yield* site.post("/tasks/echo?id=e", { text })
        const events = yield* (yield* site.follow("e")).ended
        expect(names(events)).toEqual(["started", "progress", "completed"])
        expect(events.map(({ data }) => data.value)).toEqual([undefined, text, text])
      })
    )
  )

  it.live("S1-02 S1x-01: however a task ends, its clients read exactly one terminal event, and it is the last", () =>
    serving({ tasks: [wait, count, print, breaks] }, (site) =>
      Effect.gen(function* () {
        const ends = { wait: "cancelled", count: "completed", print: "failed", break: "failed" }
        for (const [name, end] of Object.entries(ends)) {
          yield* site.post(`/tasks/${name}?id=${name}`, name === "count" ? { to: 1 } : {})
          const client = yield* site.follow(name)
          yield* client.until((events) => events.length > 0)
          yield* site.post(`/tasks/${name}/cancel`)
          const seen = names(yield* client.ended)
          expect(seen.filter((event) => ["completed", "failed", "cancelled"].includes(event))).toEqual([end])
          expect(seen.at(-1)).toBe(end)
        }
      })
    )
  )

  it.live(
    "S1-39 S1-40 S1x-29 K10: a cancel right after the start loses nothing: each client is told once, each time",
    () =>
      serving({ tasks: [wait] }, (site) =>
        Effect.gen(function* () {
          for (let round = 0; round < 30; round++) {
            yield* site.post(`/tasks/wait?id=w${round}`, {})
            const [client] = yield* Effect.all([site.follow(`w${round}`), site.post(`/tasks/w${round}/cancel`)], {
              concurrency: 2
            })
            const seen = names(yield* client.ended)
            expect(seen.filter((event) => event === "cancelled")).toHaveLength(1)
            expect(seen.at(-1)).toBe("cancelled")
          }
        })
      )
  )

  it.live("S1-08: after its clients were told, the task is cancelled for the program too, with the same reason", () =>
    serving({ tasks: [wait] }, (site) =>
      Effect.gen(function* () {
        yield* site.post("/tasks/wait?id=w", {})
        const client = yield* site.follow("w")
        yield* client.until(isReady)
        yield* site.post("/tasks/w/cancel", { reason: { message: "enough", by: "ann" } })
        const { data } = (yield* client.ended).at(-1)!
        const outcome = yield* site.tasks.await("w")
        expect(outcome).toMatchObject({ _tag: "Cancelled", reason: { message: data.message, by: data.by } })
      })
    )
  )

  it.live("S1-57: an EventSource that listens to cancelled gets JSON with the message", () =>
    serving({ tasks: [wait] }, (site) =>
      Effect.gen(function* () {
        yield* site.post("/tasks/wait?id=w", {})
        const browser = yield* Effect.acquireRelease(
          Effect.sync(() => spawn(process.execPath, ["--experimental-eventsource", "-e", listening(site.url)])),
          (browser) => Effect.sync(() => browser.kill())
        )
        let heard = ""
        browser.stdout.on("data", (data) => (heard += data.toString()))
        while (!heard.includes("open\n")) yield* Effect.sleep(2)
        yield* site.post("/tasks/w/cancel", { reason: { message: "not needed", by: "ann" } })
        yield* Effect.callback<void>((resume) => void browser.once("exit", () => resume(Effect.void)))
        expect(heard).toBe("open\n1-4 not needed request ann\n")
      })
    )
  )

  it.live("S1-64: a task that was cancelled for its time limit says so by its reason", () =>
    serving({ tasks: [wait] }, (site) =>
      Effect.gen(function* () {
        yield* site.post("/tasks/wait?id=w", {})
        const client = yield* site.follow("w")
        yield* client.until(isReady)
        yield* site.tasks.cancel("w", { reason: CancelReason.timeout({ message: "30 seconds have passed" }) })
        expect((yield* client.ended).at(-1)).toMatchObject({
          event: "cancelled",
          data: { reason: "timeout", message: "30 seconds have passed" }
        })
      })
    )
  )

  it.live("an unknown id is 404, as a problem document", () =>
    serving({ tasks: [wait] }, (site) =>
      Effect.gen(function* () {
        const answer = yield* site.get("/tasks/nobody/events")
        expect(answer.status).toBe(404)
        expect(answer.headers.get("content-type")).toBe("application/problem+json")
        expect(answer.json.type).toBe("urn:rescind:problem:task-not-found")
      })
    )
  )

  it("reads a cursor from what it wrote, and 0 from anything else", () => {
    expect(EventStream.cursorOf("1-7", "1-")).toBe(7)
    expect(EventStream.cursorOf("7", "3-")).toBe(7)
    expect(EventStream.cursorOf("2-7", "3-")).toBe(0)
    expect(EventStream.cursorOf(undefined, "1-")).toBe(0)
    expect(EventStream.cursorOf("", "1-")).toBe(0)
    expect(EventStream.cursorOf("1-7\n", "1-")).toBe(0)
  })
})

/** What a page would run. */
const listening = (url: string): string => `
  const source = new EventSource("${url}/tasks/w/events")
  source.addEventListener("open", () => console.log("open"))
  source.addEventListener("cancelled", (event) => {
    const { message, reason, by } = JSON.parse(event.data)
    console.log(event.lastEventId, message, reason, by)
    source.close()
  })
`

const Silent = TaskDefinition.make("silent", { success: Schema.Void })
const Attended = TaskDefinition.make("attended", { success: Schema.Void, onDisconnect: "cancel" })
const Echo = TaskDefinition.make("echo", {
  payload: Schema.Struct({ text: Schema.String }),
  success: Schema.String,
  progress: Schema.String
})
