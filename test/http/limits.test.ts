/**
 * Time limits, the caller's deadline and the roads of a cancel, over real sockets and so in real time.
 * The times are so long that a busy machine has begun a task before they are over.
 */
import { connect } from "node:net"
import { describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { InvalidDuration } from "../../src/fibers/CancelPolicy.ts"
import * as Task from "../../src/fibers/Task.ts"
import { Tasks } from "../../src/fibers/Tasks.ts"
import * as TaskAccess from "../../src/http/TaskAccess.ts"
import * as TaskDefinition from "../../src/http/TaskDefinition.ts"
import * as TaskServer from "../../src/http/TaskServer.ts"
import { names } from "./follow.ts"
import { wait } from "./probes.ts"
import { serving, type Site } from "./serving.ts"

const limited = (options: Pick<TaskDefinition.Options<any, any, any, any, any, any>, "timeLimit" | "cancel">) =>
  TaskDefinition.make("limited", {
    success: Schema.String,
    progress: Schema.String,
    partial: Schema.Int,
    ...options
  })

type Limited = ReturnType<typeof limited>

/** Says `ready`, then goes on for ever. */
const endless = (definition: Limited) =>
  definition.of((_, self) => Effect.andThen(Effect.andThen(self.partial(7), self.progress("ready")), Effect.never))

const start = (site: Site, path: string, headers?: Record<string, string>) =>
  Effect.gen(function* () {
    const { status, json } = yield* site.post(path, {}, headers)
    expect(status).toBe(202)
    return yield* site.follow(json.id as string)
  })

/** How its clients are told that a task ended. */
const ending = (site: Site, path: string, headers?: Record<string, string>) =>
  Effect.flatMap(start(site, path, headers), (client) =>
    Effect.map(client.ended, (events) => {
      const { event, data } = events.at(-1)!
      return { event, reason: data.reason, by: data.by, message: data.message, scope: data.scope }
    })
  )

const timeout = (by: string, message: string, scope = "t") => ({
  event: "cancelled",
  reason: "timeout",
  by,
  message,
  scope
})

describe("time limits over HTTP", () => {
  it.live("S1-62 S1-63 S1-64: a task over its limit is cancelled by itself, and its clients are told the limit", () =>
    serving({ tasks: [endless(limited({ timeLimit: "500 millis" }))] }, (site) =>
      Effect.gen(function* () {
        const client = yield* start(site, "/tasks/limited?id=t")
        const running = (yield* site.get("/tasks/t")).json
        const events = yield* client.ended
        expect(names(events)).toEqual(["started", "progress", "cancel-requested", "cancelled"])
        expect(events[3]!.data).toMatchObject({
          reason: "timeout",
          by: "time limit",
          message: "The time limit of 500ms passed",
          scope: "t",
          how: "interrupted",
          partial: 7
        })
        const { json } = yield* site.get("/tasks/t")
        expect(json).toMatchObject({ state: "cancelled", outcome: { _tag: "Cancelled", partial: 7 } })
        expect(json.deadline).toBe(running.deadline)
        const [began, due, ended] = [json.startedAt, json.deadline, json.endedAt].map((at) => Date.parse(at))
        expect(due! - began!).toBeLessThanOrEqual(500)
        expect(ended).toBeGreaterThanOrEqual(due!)
      })
    )
  )

  it.live("S1-62: the server's limit is for definitions that name none; theirs counts, and its maximum for all", () =>
    Effect.gen(function* () {
      const global = { timeLimit: "400 millis", maxTimeLimit: "700 millis" } as const
      for (const [definition, server, told] of [
        [limited({}), global, timeout("time limit", "The time limit of 400ms passed")],
        [limited({ timeLimit: 550 }), global, timeout("time limit", "The time limit of 550ms passed")],
        [limited({ timeLimit: 300 }), global, timeout("time limit", "The time limit of 300ms passed")],
        [limited({ timeLimit: 1000 }), global, timeout("maximum time limit", "The maximum time limit of 700ms passed")],
        [
          limited({ timeLimit: Infinity }),
          global,
          timeout("maximum time limit", "The maximum time limit of 700ms passed")
        ]
      ] as const) {
        yield* serving({ tasks: [endless(definition)], ...server }, (site) =>
          Effect.map(ending(site, "/tasks/limited?id=t"), (end) => expect(end).toEqual(told))
        )
      }
      yield* serving({ tasks: [endless(limited({ timeLimit: Infinity }))], timeLimit: "10 millis" }, (site) =>
        Effect.gen(function* () {
          yield* (yield* start(site, "/tasks/limited?id=t")).until((events) => events.length > 1)
          yield* Effect.sleep(50)
          const { json } = yield* site.get("/tasks/t")
          expect(json.state).toBe("running")
          expect(json).not.toHaveProperty("deadline")
        })
      )
    })
  )

  it.live("S1-67: a task asks for more time and gets it, as far as the maximum; it knows what it has left", () => {
    const seen: Array<unknown> = []
    const asking = limited({ timeLimit: "1 minute" }).of((_, self) =>
      Effect.gen(function* () {
        const left = Effect.map(
          self.timeLeft,
          Option.match({ onNone: () => "none", onSome: (time) => Math.ceil(Duration.toMinutes(time)) })
        )
        seen.push(yield* left, yield* self.extend("1 minute"), yield* left, yield* self.extend("10 minutes"))
        seen.push(yield* left, yield* self.extend("1 minute"))
        return "done"
      })
    )
    return Effect.gen(function* () {
      yield* serving({ tasks: [asking], maxTimeLimit: "5 minutes" }, (site) => ending(site, "/tasks/limited?id=t"))
      expect(seen.splice(0)).toEqual([1, true, 2, true, 5, false])
      yield* serving({ tasks: [asking] }, (site) => ending(site, "/tasks/limited?id=t", { "deadline-ms": "90000" }))
      expect(seen.splice(0)).toEqual([1, true, 2, true, 2, true])
    })
  })

  it.live("S1-67: a task that was given more time runs on past its first limit", () =>
    serving(
      {
        tasks: [
          limited({ timeLimit: 500 }).of((_, self) =>
            Effect.andThen(self.extend("1 minute"), Effect.as(Effect.sleep(600), "done"))
          )
        ]
      },
      (site) =>
        Effect.gen(function* () {
          expect((yield* ending(site, "/tasks/limited?id=t")).event).toBe("completed")
          const { deadline, startedAt } = (yield* site.get("/tasks/t")).json
          expect(Date.parse(deadline) - Date.parse(startedAt)).toBeGreaterThan(60_000)
        })
    )
  )

  it.live("K12: the grace of the definition holds for its limit: what winds up in it has completed", () => {
    const polite = limited({ timeLimit: 400, cancel: { grace: "1 minute" } })
    return serving({ tasks: [polite.of(() => Effect.map(Task.awaitRequest, ({ source }) => source))] }, (site) =>
      Effect.gen(function* () {
        const events = yield* (yield* start(site, "/tasks/limited?id=t")).ended
        expect(names(events)).toEqual(["started", "cancel-requested", "completed"])
        expect(events[2]!.data.value).toBe("timeout")
      })
    )
  })

  it("a limit that cannot be meant is refused where it is written", () => {
    for (const bad of [0, -1, NaN, "soon" as never]) {
      expect(() => limited({ timeLimit: bad })).toThrow(InvalidDuration)
    }
    expect(() => limited({ timeLimit: 0 })).toThrow("timeLimit must be a duration")
  })

  it.live("so is a limit of the server, when it is built", () =>
    Effect.gen(function* () {
      for (const options of [{ timeLimit: 0 }, { maxTimeLimit: -1 }]) {
        const layer = Layer.provide(TaskServer.layer({ tasks: [wait], ...options }), [HttpRouter.layer, Tasks.layer()])
        const exit = yield* Effect.exit(Effect.scoped(Layer.build(layer)))
        expect(exit._tag === "Failure" && Cause.squash(exit.cause)).toMatchObject({
          name: "InvalidDuration",
          field: Object.keys(options)[0]
        })
      }
    })
  )
})

describe("the deadline of the caller", () => {
  it.live("K33: the task runs under what is left of the caller's time, and is told apart from its own limit", () =>
    serving({ tasks: [endless(limited({ timeLimit: "1 minute" })), wait] }, (site) =>
      Effect.gen(function* () {
        expect(yield* ending(site, "/tasks/limited?id=t", { "deadline-ms": "500" })).toMatchObject({
          event: "cancelled",
          reason: "timeout",
          by: "deadline",
          message: expect.stringMatching(/^The deadline of (500|[1-4]?\d?\d)ms passed$/)
        })
        yield* site.post("/tasks/wait?id=w", {}, { "deadline-ms": "3600000" })
        const left = Date.parse((yield* site.get("/tasks/w")).json.deadline) - Date.now()
        expect(left).toBeGreaterThan(3_500_000)
        expect(left).toBeLessThanOrEqual(3_600_000)
        yield* site.post("/tasks/wait?id=none", {})
        expect((yield* site.get("/tasks/none")).json).not.toHaveProperty("deadline")
      })
    )
  )

  it.live("K10 K33: with no time left nothing runs: the task is there, cancelled, and each client is told so", () => {
    let ran = 0
    const counting = limited({ cancel: { grace: "1 hour" } }).of(() => Effect.sync(() => String(ran++)))
    return serving({ tasks: [counting], maxRunning: 1 }, (site) =>
      Effect.gen(function* () {
        for (const id of ["t", "u"]) {
          const { status, json } = yield* site.post(`/tasks/limited?id=${id}&label=late`, {}, { "deadline-ms": "0" })
          expect([status, json.id]).toEqual([202, id])
        }
        const view = (yield* site.get("/tasks/t")).json
        expect(view).toMatchObject({
          state: "cancelled",
          labels: ["late"],
          outcome: {
            _tag: "Cancelled",
            reason: { source: "timeout", by: "deadline", message: "The deadline had passed before the task began" }
          }
        })
        expect(view).not.toHaveProperty("startedAt")
        expect(names(yield* (yield* site.follow("t")).ended)).toEqual(["cancel-requested", "cancelled"])
        const again = yield* site.post("/tasks/limited?id=t", {})
        expect([again.status, again.json.state]).toEqual([409, "cancelled"])
        expect(ran).toBe(0)
        yield* ending(site, "/tasks/limited?id=t&replace=true")
        expect(ran).toBe(1)
      })
    )
  })

  it.live("the time runs while the body is still on its way: who is slow to send it may be too late", () =>
    serving({ tasks: [endless(limited({}))] }, (site) =>
      Effect.gen(function* () {
        const { hostname, port } = new URL(site.url)
        const socket = connect({ host: hostname, port: Number(port) })
        yield* Effect.addFinalizer(() => Effect.sync(() => socket.destroy()))
        socket.write(
          `POST /tasks/limited?id=t HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 2\r\ndeadline-ms: 50\r\n\r\n{`
        )
        yield* Effect.sleep(100)
        socket.write("}")
        yield* Effect.promise(() => new Promise((resolve) => socket.once("data", resolve)))
        expect((yield* site.get("/tasks/t")).json.outcome.reason).toMatchObject({
          source: "timeout",
          message: "The deadline had passed before the task began"
        })
      })
    )
  )

  it.live("the time runs while it is being found out who asks", () => {
    const slow = { identify: () => Effect.as(Effect.sleep(100), { id: "ann" }) }
    return serving({ tasks: [endless(limited({}))], access: TaskAccess.layer(slow) }, (site) =>
      Effect.gen(function* () {
        yield* site.post("/tasks/limited?id=t", {}, { "deadline-ms": "50" })
        expect((yield* site.get("/tasks/t")).json.outcome.reason).toMatchObject({
          source: "timeout",
          message: "The deadline had passed before the task began"
        })
      })
    )
  })

  it.live("one that cannot be read is 400 and names the header; nothing is started", () =>
    serving({ tasks: [wait] }, (site) =>
      Effect.gen(function* () {
        for (const said of ["", "soon", "1.5", "-1", "1e3", "0x10", "12, 13", "9".repeat(500), "2147483648"]) {
          const { status, json } = yield* site.post("/tasks/wait", {}, { "deadline-ms": said })
          expect([said, status, json.errors]).toMatchObject([said, 400, [{ in: "header", field: "deadline-ms" }]])
          expect(json.detail.length).toBeLessThan(300)
        }
        expect((yield* site.get("/tasks")).json.tasks).toEqual([])
      })
    )
  )
})

describe("the roads of a cancel", () => {
  it.live(
    "K19: request, bulk request, disconnect, time limit, deadline and drain are told apart by their source",
    () => {
      const Watched = TaskDefinition.make("watched", {
        success: Schema.Void,
        progress: Schema.String,
        onDisconnect: "cancel"
      })
      const watched = Watched.of((_, self) => Effect.andThen(self.progress("ready"), Effect.never))
      const tasks = [endless(limited({ timeLimit: 50 })), watched, wait]
      return serving({ tasks, drain: { flush: "1 hour" } }, (site) =>
        Effect.gen(function* () {
          const told: Array<string> = []
          const tell = (client: { readonly ended: Effect.Effect<ReadonlyArray<any>> }) =>
            Effect.map(
              client.ended,
              (events) => void told.push(`${events.at(-1).data.id} ${events.at(-1).data.reason}`)
            )
          const ready = (path: string) =>
            Effect.tap(start(site, path), (client) => client.until((events) => events.length > 1))
          const one = yield* ready("/tasks/wait?id=one")
          yield* site.post("/tasks/one/cancel")
          yield* tell(one)
          const many = yield* ready("/tasks/wait?id=many&label=all")
          yield* site.post("/cancel", { labels: ["all"] })
          yield* tell(many)
          yield* (yield* ready("/tasks/watched?id=left")).leave
          yield* site.tasks.await("left")
          yield* tell(yield* site.follow("left"))
          yield* tell(yield* start(site, "/tasks/limited?id=limit"))
          yield* tell(yield* start(site, "/tasks/wait?id=deadline", { "deadline-ms": "50" }))
          const last = yield* ready("/tasks/wait?id=drain")
          yield* site.close
          yield* tell(last)
          expect(told).toEqual([
            "one request",
            "many request",
            "left disconnect",
            "limit timeout",
            "deadline timeout",
            "drain shutdown"
          ])
        })
      )
    }
  )
})
