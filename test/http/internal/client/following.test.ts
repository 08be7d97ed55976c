/** Watching over a network that cuts, stalls and lies, over real sockets. */
import { describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import type * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { TaskOutcome } from "rescind/fibers"
import { Simulation } from "rescind/testing"
import * as TaskClient from "../../../../src/http/TaskClient.ts"
import * as TaskDefinition from "../../../../src/http/TaskDefinition.ts"
import { cuttingProxy } from "../../cuttingProxy.ts"
import { lot } from "../../lot.ts"
import { Count, count, Wait, wait } from "../../probes.ts"
import { serving } from "../../serving.ts"

const definitions = [Count, Wait]
const tasks = [count, wait]

const clientAt = (baseUrl: string, options?: TaskClient.Options) =>
  Effect.provide(
    TaskClient.make(definitions, { baseUrl, retry: Schedule.spaced("1 millis"), ...options }),
    FetchHttpClient.layer
  )

const rounds = 10 * Number(process.env["SOAK"] ?? 1)

/** One connection of a server that a test writes out. */
interface Sent {
  readonly status?: number
  readonly type?: string
  readonly body?: string
  /** Pieces, each a second after the one before. */
  readonly chunks?: ReadonlyArray<string | Uint8Array>
  readonly end?: "closed" | "torn" | "silent"
}

/** What a watch of `count-1` makes of it, in virtual time; the view of the task is asked for at its own path. */
const watching = (sent: ReadonlyArray<Sent>, options?: TaskClient.Options & { readonly view?: object }) => {
  const asked: Array<string | undefined> = []
  const http = HttpClient.make((request, url) => {
    const next = url.pathname.endsWith("/events") ? sent[asked.push(request.headers["last-event-id"]) - 1] : undefined
    const {
      body,
      chunks = [],
      status = 200,
      end = "closed",
      type = "text/event-stream"
    } = next ??
    (options?.view === undefined
      ? { status: 404, body: JSON.stringify({ ...problem, type: `${problem.type}task-not-found` }) }
      : { body: JSON.stringify(options.view) })
    const pieces = Stream.fromIterable(chunks).pipe(
      Stream.mapEffect((chunk) =>
        Effect.as(Effect.sleep(1000), typeof chunk === "string" ? new TextEncoder().encode(chunk) : chunk)
      )
    )
    const torn = new HttpClientError.HttpClientError({ reason: new HttpClientError.TransportError({ request }) })
    const last = end === "silent" ? Stream.never : end === "torn" ? Stream.fail(torn) : Stream.empty
    return Effect.succeed({
      status,
      headers: { "content-type": type },
      text: Effect.succeed(body ?? ""),
      stream: Stream.concat(pieces, last)
    } as unknown as HttpClientResponse.HttpClientResponse)
  })
  const trial = Simulation.run(
    TaskClient.make(definitions, { baseUrl: "http://tasks.test", retry: Schedule.recurs(3), ...options }).pipe(
      Effect.provideService(HttpClient.HttpClient, http),
      Effect.flatMap((client) => {
        const told: Array<string> = []
        return Effect.map(
          Effect.exit(
            Stream.runForEach(client.tasks.count.get("count-1").watch(), (event) =>
              Effect.sync(() => {
                const { _tag, seq } = event
                const value = "value" in event ? ` ${JSON.stringify(event.value)}` : ""
                told.push(`${seq} ${_tag}${_tag === "Resync" ? ` ${event.missed.from}-${event.missed.to}` : value}`)
              })
            )
          ),
          (exit) => ({ told, error: exit._tag === "Failure" ? Cause.squash(exit.cause) : undefined })
        )
      })
    )
  )
  const { error, told } = (trial.outcome as TaskOutcome.Completed<{ told: Array<string>; error: any }>).value
  return { told, error, asked, took: trial.took }
}

const problem = { type: "urn:rescind:problem:", title: "", status: 404, detail: "gone" }

const at = (seq: number) => `2026-11-24T10:00:${String(seq % 60).padStart(2, "0")}.000Z`

const event = (seq: number, name: string, data: object = {}, id = `1-${seq}`): string =>
  `id: ${id}\nevent: ${name}\ndata: ${JSON.stringify({ id: "count-1", attempt: 1, seq, at: at(seq), ...data })}\n\n`

const started = event(1, "started")
const output = (seq: number, value: unknown = seq) => event(seq, "output", { value })
const completed = (seq: number) => event(seq, "completed", { value: { sum: 1 }, cleanupFailures: 0 })

describe("following", () => {
  it("what is torn off, in the middle of an event or between two, is asked for from the last whole event on", () => {
    const half = output(3).slice(0, 40)
    const { asked, told } = watching([
      { chunks: [started, output(2) + half], end: "torn" },
      { chunks: [": open\n\n"], end: "closed" },
      { chunks: [output(3), completed(4)] }
    ])
    expect(asked).toEqual([undefined, "1-2", "1-2"])
    expect(told).toEqual(["1 Started", "2 Output 2", "3 Output 3", '4 Completed {"sum":1}'])
  })

  it("text that is cut inside a character, or a line inside its end, is whole", () => {
    const bytes = new TextEncoder().encode(
      `${output(2, 7).replaceAll("\n", "\r\n")}${event(3, "output", { value: 8, note: "é€😀" })}`
    )
    for (let cut = 1; cut < bytes.length; cut++) {
      const { told } = watching([{ chunks: [started, bytes.slice(0, cut), bytes.slice(cut), completed(4)] }])
      expect(told).toEqual(["1 Started", "2 Output 7", "3 Output 8", '4 Completed {"sum":1}'])
    }
  })

  it("a server that says nothing is taken for gone, and asked again; pings keep it alive", () => {
    const { asked, told, took } = watching(
      [
        { chunks: [started, ...Array.from({ length: 5 }, () => ": ping\n\n")], end: "silent" },
        { chunks: [completed(2)] }
      ],
      { silence: "3 seconds" }
    )
    expect(told).toEqual(["1 Started", '2 Completed {"sum":1}'])
    expect(asked).toEqual([undefined, "1-1"])
    expect(took).toBe(6_000 + 3_000 + 1_000)
  })

  it("gives up when the schedule does, and says why; an event, or five steady seconds, begin it anew", () => {
    const nothing: Sent = { chunks: [": open\n\n"], end: "closed" }
    const steady: Sent = { chunks: Array.from({ length: 6 }, () => ": ping\n\n"), end: "torn" }
    const dead = watching([nothing, nothing, nothing, nothing, nothing])
    expect(dead.asked).toHaveLength(4)
    expect(dead.error).toMatchObject({ _tag: "ServerUnreachable", call: "watch count-1" })
    expect(dead.error.message).toMatch(/^watch count-1: the stream ended early; look whether/)
    const alive = watching([
      nothing,
      nothing,
      nothing,
      steady,
      nothing,
      nothing,
      { chunks: [started], end: "torn" },
      nothing,
      nothing,
      { chunks: [completed(2)] }
    ])
    expect(alive.told).toEqual(["1 Started", '2 Completed {"sum":1}'])
  })

  it("what comes twice is told once, also when a proxy drops the Last-Event-ID", () => {
    const { told } = watching([
      { chunks: [started + output(2)], end: "torn" },
      { chunks: [started + output(2) + output(3) + completed(4)] }
    ])
    expect(told).toEqual(["1 Started", "2 Output 2", "3 Output 3", '4 Completed {"sum":1}'])
  })

  it("where events are left out, a Resync says which: the server's, or our own", () => {
    const info = {
      id: "count-1",
      name: "count",
      attempt: 1,
      state: "running",
      payload: {},
      labels: [],
      links: { self: "", events: "", cancel: "" }
    }
    const resync = event(4, "resync", { missed: { from: 2, to: 4 }, task: info })
    const { told } = watching([{ chunks: [started + resync + output(5) + output(9) + completed(10)] }])
    expect(told).toEqual([
      "1 Started",
      "4 Resync 2-4",
      "5 Output 5",
      "8 Resync 6-8",
      "9 Output 9",
      '10 Completed {"sum":1}'
    ])
  })

  it("events of a newer server are passed over, and are no gap; what is not ours is nothing", () => {
    const { told, error } = watching([
      {
        chunks: [
          "retry: 5\n\n: hello\n\nevent: ad\ndata: buy\n\n",
          started,
          event(2, "paused", { until: 7 }),
          "id: x\nevent: output\ndata: {}\n\n",
          "id: 1-99-2\nevent: output\ndata: {}\n\nnonsense\n\n",
          output(3).replaceAll("\n", "\r\n"),
          completed(4)
        ]
      }
    ])
    expect(error).toBeUndefined()
    expect(told).toEqual(["1 Started", "3 Output 3", '4 Completed {"sum":1}'])
  })

  it.each([
    ["no JSON", "id: 1-2\nevent: output\ndata: {\n\n"],
    ["another type", output(2, "two")],
    ["no data of ours", event(2, "output", { at: "yesterday", value: 2 })]
  ])("an event that cannot be read (%s) ends the watch, and is named, after what came before it", (_, bad) => {
    const { asked, error, told } = watching([{ chunks: [started + bad + completed(3)] }])
    expect(told).toEqual(["1 Started"])
    expect(error).toMatchObject({ _tag: "AnswerUnreadable", what: "event 1-2 (output) of count-1" })
    expect(error.message).toMatch(/do client and server have the same version of the definition\?$/)
    expect(asked).toHaveLength(1)
  })

  it("an event that is too long ends the watch, and so does an answer that is no stream", () => {
    const text = output(2, "x".repeat(2_000))
    const long = watching([{ chunks: [started, text.slice(0, 1_500), text.slice(1_500)] }], { maxEventSize: 1_000 })
    expect(long.error).toMatchObject({ _tag: "AnswerUnreadable", what: "event behind 1-1 of count-1" })
    expect(long.error.message).toContain("maximum size of 1000")
    const page = watching([{ type: "text/html", body: "<html>" }])
    expect(page.error).toMatchObject({ _tag: "AnswerUnreadable", detail: "the answer is no event stream" })
  })

  it("an event of two megabytes is one event", () => {
    const long = event(2, "output", { value: 2, note: "x".repeat(2_000_000) })
    const chunks = [started, ...(long.match(/[^]{1,65536}/g) ?? []), completed(3)]
    expect(watching([{ chunks }]).told).toEqual(["1 Started", "2 Output 2", '3 Completed {"sum":1}'])
  })

  it("a refusal that may pass is asked for again, one that stays ends the watch", () => {
    const saying = (status: number, code: string): Sent => ({
      status,
      body: JSON.stringify({ ...problem, type: `${problem.type}${code}`, status })
    })
    const full = watching([
      saying(429, "too-many-streams"),
      saying(503, "draining"),
      { chunks: [started + completed(2)] }
    ])
    expect(full.told).toEqual(["1 Started", '2 Completed {"sum":1}'])
    const shut = watching([{ chunks: [started], end: "torn" }, saying(403, "forbidden"), { chunks: [completed(2)] }])
    expect(shut.told).toEqual(["1 Started"])
    expect(shut.error).toMatchObject({ _tag: "RequestRefused", call: "watch count-1", status: 403, code: "forbidden" })
  })

  it("a task that the server no longer knows is told as that, with what was seen of it", () => {
    const { error } = watching([{ chunks: [started + output(2)], end: "torn" }])
    expect(error).toMatchObject({ _tag: "TaskUnknown", id: "count-1", why: "not-found", lastEventId: "1-2" })
    expect(error.message).toBe(
      'The server no longer knows the task "count-1" (its last event here was 1-2): it was restarted, or forgot the task'
    )
  })

  it.each([
    ["another attempt", event(1, "started", { attempt: 2 }, "2-1")],
    ["one that began at another time", event(1, "started", { at: at(30) })],
    ["one that went on at another time", started + event(2, "output", { at: at(30), value: 1 })]
  ])("another run under its id is not taken for it: %s", (_, other) => {
    const { error, told } = watching([{ chunks: [started + output(2)], end: "torn" }, { chunks: [other] }])
    expect(told).toEqual(["1 Started", "2 Output 2"])
    expect(error).toMatchObject({ _tag: "TaskUnknown", why: "replaced", lastEventId: "1-2" })
  })

  it("204: the end is told by the task; one that has not ended is asked again", () => {
    const view = {
      id: "count-1",
      name: "count",
      attempt: 1,
      payload: {},
      labels: [],
      links: { self: "", events: "", cancel: "" }
    }
    const ended = { ...view, state: "completed", startedAt: at(1), endedAt: at(3) }
    const outcome = { _tag: "Completed", value: { sum: 1 } }
    const told = watching([{ chunks: [started + output(2)], end: "torn" }, { status: 204 }], {
      view: { ...ended, outcome }
    })
    expect(told.told).toEqual(["1 Started", "2 Output 2", '2 Completed {"sum":1}'])
    expect(
      watching([{ status: 204 }, { status: 204 }, { status: 204 }, { status: 204 }], {
        view: { ...view, state: "running" }
      }).error
    ).toMatchObject({ _tag: "ServerUnreachable", detail: "the stream has ended, the task has not" })
    expect(watching([{ status: 204 }]).error).toMatchObject({ _tag: "TaskUnknown", why: "not-found" })
    const unreadable = watching([{ status: 204 }], { view: { ...ended, outcome: { ...outcome, value: 1 } } })
    expect(unreadable.error).toMatchObject({ _tag: "AnswerUnreadable", what: "outcome of count-1" })
    const other = watching([{ chunks: [started], end: "torn" }, { status: 204 }], {
      view: { ...ended, attempt: 2, outcome }
    })
    expect(other.error).toMatchObject({ _tag: "TaskUnknown", why: "replaced" })
  })

  it("a cancel by a source that this version does not know is a cancel", () => {
    const why = { message: "no quota", reason: "quota", scope: "count-1" }
    const cancelled = event(3, "cancelled", { ...why, how: "interrupted", tookMillis: 500, cleanupFailures: 0 })
    const { told, error } = watching([{ chunks: [started + event(2, "cancel-requested", why) + cancelled] }])
    expect(error).toBeUndefined()
    expect(told).toEqual(["1 Started", "2 CancelRequested", "3 Cancelled"])
  })

  it.live(
    "whatever is cut, the numbers are contiguous, nothing comes twice, and the end comes once: real sockets, random cuts",
    () =>
      serving({ tasks }, (site) =>
        Effect.gen(function* () {
          let connections = 0
          for (let round = 0; round < rounds; round++) {
            const seed = Date.now() + round
            const next = lot(seed)
            const hows = ["reset", "close"] as const
            const proxy = yield* cuttingProxy(site.url, () => ({ after: next(1_500), how: hows[next(2)]! }))
            const client = yield* clientAt(proxy.url)
            const direct = yield* clientAt(site.url)
            const to = 20 + next(60)
            const { id } = yield* direct.tasks.count.start({ to, ...(next(2) === 0 ? {} : { everyMillis: 1 }) })
            const events = yield* Stream.runCollect(client.tasks.count.get(id).watch())
            expect(
              events.map(({ attempt, seq }) => `${attempt}-${seq}`),
              `seed ${seed}`
            ).toEqual(Array.from({ length: to + 2 }, (_, index) => `1-${index + 1}`))
            const ends = events.filter(({ _tag }) => _tag === "Completed")
            expect(ends, `seed ${seed}`).toMatchObject([{ seq: to + 2, value: { sum: (to * (to + 1)) / 2 } }])
            connections += proxy.count()
          }
          expect(connections).toBeGreaterThan(3 * rounds)
        })
      )
  )

  it.live("a server that vanishes without a word is left, and asked again: real sockets", () =>
    serving({ tasks }, (site) =>
      Effect.gen(function* () {
        const proxy = yield* cuttingProxy(site.url, (connection) =>
          connection === 0 ? { after: 600, how: "vanish" } : undefined
        )
        const client = yield* clientAt(proxy.url, { silence: "300 millis" })
        const direct = yield* clientAt(site.url)
        const { id } = yield* direct.tasks.count.start({ to: 30 })
        const events = yield* Stream.runCollect(client.tasks.count.get(id).watch())
        expect(events.map(({ seq }) => seq)).toEqual(Array.from({ length: 32 }, (_, index) => index + 1))
        expect(proxy.count()).toBeGreaterThan(1)
      })
    )
  )

  it.live("a quiet task is followed for as long as its server pings: real sockets", () =>
    serving({ tasks, heartbeat: "50 millis" }, (site) =>
      Effect.gen(function* () {
        const proxy = yield* cuttingProxy(site.url, () => undefined)
        const client = yield* clientAt(proxy.url, { silence: "1 second" })
        const direct = yield* clientAt(site.url)
        const { id } = yield* direct.tasks.wait.start({})
        const watching = yield* Effect.forkChild(client.tasks.wait.get(id).await)
        yield* Effect.sleep("1500 millis")
        yield* direct.cancel(id)
        expect((yield* Fiber.join(watching))._tag).toBe("Cancelled")
        expect(proxy.count()).toBe(1)
      })
    )
  )

  it.live(
    "a server that was restarted does not know the task, and that is what the watcher is told: real sockets",
    () =>
      serving({ tasks }, (before) =>
        serving({ tasks }, (after) =>
          Effect.gen(function* () {
            let target = before.url
            const proxy = yield* cuttingProxy(
              () => target,
              () => undefined
            )
            const client = yield* clientAt(proxy.url)
            const { id } = yield* client.tasks.wait.start({})
            const seen: Array<string> = []
            const watching = yield* Effect.forkChild(
              Effect.flip(
                Stream.runForEach(client.tasks.wait.get(id).watch(), ({ _tag }) => Effect.sync(() => seen.push(_tag)))
              )
            )
            while (!seen.includes("Progress")) yield* Effect.sleep(1)
            target = after.url
            proxy.cutAll()
            expect(yield* Fiber.join(watching)).toMatchObject({
              _tag: "TaskUnknown",
              id,
              why: "not-found",
              lastEventId: "1-2"
            })
          })
        )
      )
  )

  it.live(
    "who comes too late for the first events gets a Resync with where the task stands, and the rest: real sockets",
    () =>
      serving(
        {
          tasks: [
            Brief.of(({ to }, self) =>
              Effect.forEach(
                Array.from({ length: to }, (_, n) => n),
                self.output,
                { discard: true }
              )
            )
          ]
        },
        (site) =>
          Effect.gen(function* () {
            const client = yield* Effect.provide(TaskClient.make([Brief], { baseUrl: site.url }), FetchHttpClient.layer)
            const task = yield* client.tasks.brief.start({ to: 20 })
            yield* task.await
            const [first, ...rest] = yield* Stream.runCollect(task.watch())
            expect(first).toMatchObject({
              _tag: "Resync",
              missed: { from: 1, to: 18 },
              seq: 18,
              info: { id: task.id, state: "completed" }
            })
            expect(rest.map(({ _tag, seq }) => `${seq} ${_tag}`)).toEqual([
              "19 Output",
              "20 Output",
              "21 Output",
              "22 Completed"
            ])
          })
      )
  )

  it.live("who stops watching closes the connection, wherever it is: real sockets", () =>
    serving({ tasks }, (site) =>
      Effect.gen(function* () {
        const client = yield* clientAt(site.url)
        const { id } = yield* client.tasks.wait.start({})
        for (let millis = 0; millis < 12; millis++) {
          yield* Effect.timeoutOption(client.tasks.wait.get(id).await, millis)
        }
        yield* Stream.runDrain(Stream.take(client.tasks.wait.get(id).watch(), 2))
        while ((yield* site.streams.count) > 0) yield* Effect.sleep(1)
        expect(yield* client.cancel(id)).toMatchObject({ _tag: "Cancelled" })
      })
    )
  )
})

const Brief = TaskDefinition.make("brief", {
  payload: Schema.Struct({ to: Schema.Int }),
  success: Schema.Void,
  output: Schema.Int,
  history: 4
})
