import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Schema from "effect/Schema"
import * as CancelReason from "../../../src/fibers/CancelReason.ts"
import * as Nursery from "../../../src/fibers/Nursery.ts"
import { Tasks } from "../../../src/fibers/Tasks.ts"
import * as TaskDefinition from "../../../src/http/TaskDefinition.ts"
import * as TaskServer from "../../../src/http/TaskServer.ts"
import { Count, Wait, count, stubborn, wait } from "../probes.ts"
import { serving, type Site } from "../serving.ts"

const told = (site: Site) => site.log.filter((line) => /Cancel of|was cancelled|was told to stop/.test(line))

/** The fields of a line; those that differ from run to run as what they are. */
const fieldsOf = (line: string): Record<string, string> =>
  Object.fromEntries(
    Array.from(line.matchAll(/(\w+)=("(?:[^"\\]|\\.)*"|\S+)/g), ([, name, value]) => [
      name!,
      value!.startsWith('"') ? JSON.parse(value!) : value!
    ])
  )

const instant = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)

describe("cancelLog", () => {
  it.live(
    "S1-06 S1-22 S1x-40: a cancel is one line when it is asked for and one when it has ended: who, why, when",
    () =>
      serving({ tasks: [wait] }, (site) =>
        Effect.gen(function* () {
          yield* site.post("/tasks/wait?id=shop:Countdown:42", {})
          yield* (yield* site.follow("shop:Countdown:42")).until((events) => events.length === 2)
          const body = { reason: { by: "ann", message: "not needed" } }
          yield* site.post("/tasks/shop:Countdown:42/cancel", body)
          const cancel = {
            level: "INFO",
            task: "shop:Countdown:42",
            path: "tasks/shop:Countdown:42",
            definition: "wait",
            attempt: "1",
            source: "request",
            by: "ann",
            reason: "not needed",
            scope: "shop:Countdown:42",
            askedAt: instant
          }
          expect(told(site).map(fieldsOf)).toEqual([
            expect.objectContaining({
              ...cancel,
              phase: "cancel",
              message: 'Cancel of task "shop:Countdown:42": request by "ann", "not needed"'
            }),
            expect.objectContaining({
              ...cancel,
              phase: "cancelled",
              message: expect.stringMatching(
                /^Task "shop:Countdown:42" was cancelled after .*: request by "ann", "not needed"$/
              ),
              outcome: "cancelled",
              how: "interrupted",
              endedAt: instant,
              tookMillis: expect.stringMatching(/^\d+$/)
            })
          ])
        })
      )
  )

  it.live("S1x-40: every road is logged alike: request, program, disconnect, drain", () => {
    const Watched = TaskDefinition.make("watched", { ...Wait, success: Schema.String, onDisconnect: "cancel" })
    const watched = Watched.of(() => Effect.never)
    return serving({ tasks: [wait, watched] }, (site) =>
      Effect.gen(function* () {
        for (const id of ["asked", "late", "rest"]) yield* site.post(`/tasks/wait?id=${id}`, {})
        yield* site.post("/tasks/watched?id=left", {})
        yield* site.post("/tasks/asked/cancel")
        yield* site.tasks.cancel("late", { reason: CancelReason.timeout() })
        yield* (yield* site.follow("left")).leave
        yield* site.tasks.await("left")
        yield* site.close
        expect(
          told(site)
            .map(fieldsOf)
            .map(({ phase, source, task }) => `${task} ${phase} ${source}`)
        ).toEqual([
          "asked cancel request",
          "asked cancelled request",
          "late cancel timeout",
          "late cancelled timeout",
          "left cancel disconnect",
          "left cancelled disconnect",
          "rest cancel shutdown",
          "rest cancelled shutdown"
        ])
      })
    )
  })

  it.live(
    "one that gave up is abandoned in the log, one that finished in its grace says so; a second cancel adds no line",
    () => {
      const mule = stubborn()
      const door = Latch.makeUnsafe()
      const graceful = Count.of(() => Effect.as(door.await, { sum: 0 }))
      return serving({ tasks: [mule, graceful] }, (site) =>
        Effect.gen(function* () {
          yield* site.post("/tasks/stubborn?id=m")
          yield* (yield* site.follow("m")).until((events) => events.length === 2)
          yield* site.post("/tasks/m/cancel", { giveUp: "0 millis" })
          yield* site.post("/tasks/m/cancel", { reason: { by: "bob" } })
          yield* site.post("/tasks/count?id=g", { to: 1 })
          yield* site.post("/tasks/g/cancel", { grace: "1 hour", wait: false })
          yield* door.open
          yield* site.tasks.await("g")
          yield* site.post("/tasks/g/cancel")
          const lines = told(site).map(fieldsOf)
          expect(lines.map(({ how, outcome, phase, task }) => [task, phase, outcome, how])).toEqual([
            ["m", "cancel", undefined, undefined],
            ["m", "cancelled", "cancelled", "abandoned"],
            [undefined, undefined, undefined, undefined],
            ["g", "cancel", undefined, undefined],
            ["g", "done", "completed", undefined],
            [undefined, undefined, undefined, undefined]
          ])
          expect(lines[2]!["message"]).toBe('Cancel of "m": AlreadyCancelled')
          expect(lines[5]!["message"]).toBe('Cancel of "g": AlreadyCompleted')
        })
      )
    }
  )

  it.live("children of a task are not logged apart, nor is a task that nobody told to stop", () => {
    const parent = Wait.of((_, self) =>
      Nursery.run("inner", (inner: Nursery.Nursery) =>
        Effect.gen(function* () {
          yield* inner.spawn("child", Effect.never)
          yield* self.progress("ready")
          return yield* Effect.never
        })
      ).pipe(Effect.orDie)
    )
    return serving({ tasks: [parent, count] }, (site) =>
      Effect.gen(function* () {
        yield* site.post("/tasks/count?id=c", { to: 1 })
        yield* site.tasks.await("c")
        yield* site.post("/tasks/wait?id=w", {})
        yield* (yield* site.follow("w")).until((events) => events.length === 2)
        yield* site.post("/tasks/w/cancel")
        expect(
          told(site)
            .map(fieldsOf)
            .map(({ task }) => task)
        ).toEqual(["w", "w"])
      })
    )
  })

  it.live(
    "S1x-40: what a server that closes without a drain stops is logged too, though its routes have gone before",
    () =>
      Effect.gen(function* () {
        const log: Array<string> = []
        const logger = Logger.make((entry) => log.push(Logger.formatLogFmt.log(entry)))
        const layer = Layer.provide(TaskServer.layer({ tasks: [wait] }), [Tasks.layer(), Logger.layer([logger])])
        const { dispose, handler } = HttpRouter.toWebHandler(layer, { disableLogger: true })
        yield* Effect.promise(() => handler(new Request("http://x/tasks/wait?id=w", { method: "POST" })))
        yield* Effect.promise(dispose)
        expect(log.map(fieldsOf).map(({ phase, source }) => `${phase} ${source}`)).toEqual([
          "cancel scope-closed",
          "cancelled scope-closed"
        ])
      })
  )

  it.live("with logCancels false there is none", () =>
    serving({ tasks: [wait], logCancels: false }, (site) =>
      Effect.gen(function* () {
        yield* site.post("/tasks/wait?id=w", {})
        expect((yield* site.post("/tasks/w/cancel")).status).toBe(200)
        expect(told(site)).toEqual([])
      })
    )
  )
})
