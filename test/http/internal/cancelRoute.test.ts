import { describe, expect, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import * as Schema from "effect/Schema"
import { CancelResult } from "../../../src/fibers/CancelResult.ts"
import * as Task from "../../../src/fibers/Task.ts"
import * as TaskDefinition from "../../../src/http/TaskDefinition.ts"
import { names } from "../follow.ts"
import { count, print, Stubborn, stubborn, wait } from "../probes.ts"
import { serving, type Site } from "../serving.ts"

const decode = Schema.decodeUnknownSync(Schema.toCodecJson(CancelResult))

const running = (site: Site, name: string, id: string) =>
  Effect.gen(function* () {
    yield* site.post(`/tasks/${name}?id=${id}`, {})
    const client = yield* site.follow(id)
    yield* client.until((events) => events.length > 1)
    return client
  })

describe("cancelRoute", () => {
  it.live("S1-18 S1-46: a cancel answers 200 with what it did: how, why, by whom and how long it took", () =>
    serving({ tasks: [wait] }, (site) =>
      Effect.gen(function* () {
        yield* running(site, "wait", "w")
        const answer = yield* site.post("/tasks/w/cancel", {
          reason: { message: "not needed", by: "ann", detail: { ticket: 7 } }
        })
        expect(answer.status).toBe(200)
        const result = decode(answer.json)
        expect(result).toMatchObject({
          _tag: "Cancelled",
          id: "w",
          how: "interrupted",
          reason: { source: "request", message: "not needed", by: "ann", scope: "w", detail: { ticket: 7 } }
        })
        expect((yield* site.get("/tasks/w")).json.outcome).toMatchObject({
          _tag: "Cancelled",
          how: "interrupted",
          reason: answer.json.reason
        })
      })
    )
  )

  it.live("S1-17 S1-19: a key of three parts, app:model:id, is an id like any other", () =>
    serving({ tasks: [wait] }, (site) =>
      Effect.gen(function* () {
        yield* running(site, "wait", "shop:Order:7")
        const { json } = yield* site.post("/tasks/shop:Order:7/cancel")
        expect(json).toMatchObject({ _tag: "Cancelled", id: "shop:Order:7", reason: { scope: "shop:Order:7" } })
      })
    )
  )

  it.live("S1-07: a cancel without a body says: Task was cancelled, on request", () =>
    serving({ tasks: [wait] }, (site) =>
      Effect.gen(function* () {
        yield* running(site, "wait", "w")
        const { json } = yield* site.post("/tasks/w/cancel")
        expect(json.reason).toMatchObject({ source: "request", message: "Task was cancelled" })
        expect(json.reason).not.toHaveProperty("by")
      })
    )
  )

  it.live("S1-24 K8: cancelling again is safe: the first reason stays, and clients are told once", () =>
    serving({ tasks: [wait] }, (site) =>
      Effect.gen(function* () {
        const client = yield* running(site, "wait", "w")
        const tags = []
        for (const by of ["ann", "bob", "cleo"]) {
          const { status, json } = yield* site.post("/tasks/w/cancel", { reason: { by } })
          tags.push([status, json._tag, json.reason.by])
        }
        expect(tags).toEqual([
          [200, "Cancelled", "ann"],
          [200, "AlreadyCancelled", "ann"],
          [200, "AlreadyCancelled", "ann"]
        ])
        expect(names(yield* client.ended)).toEqual(["started", "progress", "cancel-requested", "cancelled"])
      })
    )
  )

  it.live("S1-20 S1-28: an unknown id is 404 with the NotFound result, and a warning in the log", () =>
    serving({ tasks: [wait] }, (site) =>
      Effect.gen(function* () {
        const answer = yield* site.post("/tasks/99999/cancel")
        expect(answer.status).toBe(404)
        expect(answer.headers.get("content-type")).toBe("application/problem+json")
        expect(answer.json).toMatchObject({ type: "urn:rescind:problem:task-not-found", status: 404 })
        expect(decode(answer.json.result)).toEqual({ _tag: "NotFound", id: "99999" })
        expect(site.log.filter((line) => line.includes("99999"))).toEqual([
          expect.stringMatching(/level=WARN.*Cancel of .*99999.*no such task/)
        ])
        yield* site.post("/tasks/wait?id=99999", {})
        expect((yield* site.post("/tasks/99999/cancel")).json._tag).toBe("Cancelled")
      })
    )
  )

  it.live("S1-21 S1-29: a cancel of a task that has ended changes nothing and says how it had ended", () =>
    serving({ tasks: [count, print] }, (site) =>
      Effect.gen(function* () {
        yield* site.post("/tasks/count?id=c", { to: 2 })
        yield* site.post("/tasks/print?id=p")
        yield* Effect.all([site.tasks.await("c"), site.tasks.await("p")])
        const before = (yield* site.get("/tasks/c")).json
        const completed = yield* site.post("/tasks/c/cancel")
        expect([completed.status, completed.json]).toEqual([
          200,
          { _tag: "AlreadyCompleted", id: "c", duringGrace: false }
        ])
        expect((yield* site.post("/tasks/p/cancel")).json._tag).toBe("AlreadyFailed")
        expect((yield* site.get("/tasks/c")).json).toEqual(before)
        expect(site.log.some((line) => /level=INFO.*Cancel of .*c.*AlreadyCompleted/.test(line))).toBe(true)
      })
    )
  )

  it.live(
    "S1-22: with Prefer: respond-async or wait false the answer is 202 Requested, before the task has ended",
    () => {
      const mule = stubborn()
      return serving({ tasks: [mule] }, (site) =>
        Effect.gen(function* () {
          yield* running(site, "stubborn", "s")
          const asked = yield* site.post("/tasks/s/cancel", undefined, { prefer: "respond-async, wait=10" })
          expect(asked.status).toBe(202)
          expect(asked.headers.get("preference-applied")).toBe("respond-async")
          expect(decode(asked.json)).toMatchObject({ _tag: "Requested", id: "s" })
          const again = yield* site.post("/tasks/s/cancel", { wait: false })
          expect([again.status, again.json._tag]).toEqual([202, "Requested"])
          expect((yield* site.get("/tasks/s")).json.state).toBe("cancelling")
          const waiting = yield* Effect.forkChild(site.post("/tasks/s/cancel"))
          yield* mule.letGo
          const waited = yield* Fiber.join(waiting)
          expect([waited.status, waited.json._tag]).toEqual([200, "AlreadyCancelled"])
          expect((yield* site.get("/tasks/s")).json.state).toBe("cancelled")
        })
      )
    }
  )

  it.live("K12: grace lets the task finish by itself; the answer says that it did", () =>
    serving({ tasks: [Polite.of(() => Effect.as(Task.awaitRequest, "wound up"))] }, (site) =>
      Effect.gen(function* () {
        yield* site.post("/tasks/polite?id=p")
        yield* (yield* site.follow("p")).until((events) => events.length > 0)
        const { json } = yield* site.post("/tasks/p/cancel", { grace: "1 hour" })
        expect(json).toEqual({ _tag: "AlreadyCompleted", id: "p", duringGrace: true })
      })
    )
  )

  it.live(
    "K12: giveUp, in words or milliseconds, bounds the answer; the task is then straggling until its real end",
    () => {
      const mule = stubborn()
      return serving({ tasks: [mule] }, (site) =>
        Effect.gen(function* () {
          yield* running(site, "stubborn", "s")
          yield* running(site, "stubborn", "t")
          expect((yield* site.post("/tasks/s/cancel", { giveUp: 20 })).json).toMatchObject({
            _tag: "Cancelled",
            how: "abandoned"
          })
          expect((yield* site.post("/tasks/t/cancel", { giveUp: "20 millis" })).json.how).toBe("abandoned")
          expect((yield* site.get("/tasks/s")).json).toMatchObject({
            state: "straggling",
            outcome: { how: "abandoned" }
          })
          yield* mule.letGo
          while ((yield* site.get("/tasks/s")).json.state === "straggling") yield* Effect.sleep(5)
          expect((yield* site.get("/tasks/s")).json).toMatchObject({
            state: "cancelled",
            outcome: { how: "abandoned" }
          })
        })
      )
    }
  )

  it.live("a cancel that names no policy has that of the definition, bound by bound", () => {
    const mule = stubborn(Bounded)
    return serving({ tasks: [mule] }, (site) =>
      Effect.gen(function* () {
        yield* running(site, "bounded", "a")
        expect((yield* site.post("/tasks/a/cancel")).json.how).toBe("abandoned")
        yield* running(site, "bounded", "b")
        expect((yield* site.post("/tasks/b/cancel", { grace: 0 })).json.how).toBe("abandoned")
        const client = yield* running(site, "bounded", "c")
        const waiting = yield* Effect.forkChild(site.post("/tasks/c/cancel", { giveUp: "Infinity" }))
        yield* client.until((events) => names(events).includes("cancel-requested"))
        // Longer than the bound of the definition, whose timer would be first.
        yield* Effect.sleep(40)
        yield* mule.letGo
        expect((yield* Fiber.join(waiting)).json.how).toBe("interrupted")
      })
    )
  })

  it.live("a policy that cannot be meant is 400 and names the field, and cancels nothing", () =>
    serving({ tasks: [wait] }, (site) =>
      Effect.gen(function* () {
        yield* running(site, "wait", "w")
        const calls: ReadonlyArray<readonly [object, string]> = [
          [{ grace: "soon" }, "grace"],
          [{ grace: -1 }, "grace"],
          [{ giveUp: "-1 seconds" }, "giveUp"],
          [{ giveUp: [1] }, "giveUp"],
          [{ giveUp: null }, "giveUp"],
          [{ reason: "because" }, "reason"],
          [{ reason: { by: 7 } }, "reason.by"],
          [{ wait: "no" }, "wait"]
        ]
        for (const [call, field] of calls) {
          const answer = yield* site.post("/tasks/w/cancel", call)
          expect([call, answer.status]).toEqual([call, 400])
          expect(new Set(answer.json.errors.map((error: any) => error.field))).toEqual(new Set([field]))
        }
        expect((yield* site.get("/tasks/w")).json.state).toBe("running")
        expect((yield* site.post("/tasks/w/cancel", { giveUp: 1e300, grace: 0 })).json).toMatchObject({
          _tag: "Cancelled",
          reason: { source: "request" }
        })
      })
    )
  )

  it.live(
    "S1-05: a task that dies in its clean-up is cancelled nevertheless, with the failure counted and logged",
    () =>
      serving(
        {
          tasks: [
            Messy.of((_, self) =>
              Effect.ensuring(Effect.andThen(self.progress("ready"), Effect.never), Effect.die("mess"))
            )
          ]
        },
        (site) =>
          Effect.gen(function* () {
            const client = yield* running(site, "messy", "m")
            expect((yield* site.post("/tasks/m/cancel")).json._tag).toBe("Cancelled")
            expect((yield* client.ended).at(-1)).toMatchObject({ event: "cancelled", data: { cleanupFailures: 1 } })
            expect(client.raw()).not.toContain('mess"')
            expect(site.log.some((line) => /level=WARN.*Clean-up of/.test(line))).toBe(true)
          })
      )
  )

  it.live("S1-10: when the answer is there, clean-up has ended", () =>
    Effect.gen(function* () {
      let cleaned = false
      const clean = Effect.andThen(
        Effect.sleep(20),
        Effect.sync(() => (cleaned = true))
      )
      const Tidy = TaskDefinition.make("tidy", { success: Schema.Void, progress: Schema.String })
      const tidy = Tidy.of((_, self) =>
        Effect.andThen(
          Effect.addFinalizer(() => clean),
          Effect.andThen(self.progress("ready"), Effect.never)
        )
      )
      yield* serving({ tasks: [tidy] }, (site) =>
        Effect.gen(function* () {
          yield* running(site, "tidy", "t")
          const { json } = yield* site.post("/tasks/t/cancel")
          expect(cleaned).toBe(true)
          expect(Duration.toMillis((decode(json) as { took: Duration.Duration }).took)).toBeGreaterThanOrEqual(15)
        })
      )
    })
  )

  it.live("K17: the partial result of a cancelled task is in its event and its view", () =>
    serving(
      {
        tasks: [
          Pages.of((_, self) =>
            Effect.andThen(self.partial({ pages: 3 }), Effect.andThen(self.progress(3), Effect.never))
          )
        ]
      },
      (site) =>
        Effect.gen(function* () {
          const client = yield* running(site, "pages", "p")
          yield* site.post("/tasks/p/cancel")
          expect((yield* client.ended).at(-1)!.data.partial).toEqual({ pages: 3 })
          expect((yield* site.get("/tasks/p")).json.outcome.partial).toEqual({ pages: 3 })
        })
    )
  )

  it.live("K9: a commit that was begun is not undone: the cancel waits and is told that it completed", () =>
    Effect.gen(function* () {
      const saving = Latch.makeUnsafe()
      const saved = Latch.makeUnsafe()
      const Save = TaskDefinition.make("save", { success: Schema.String, error: Task.CommitTimedOut })
      const save = Save.of((_, self) =>
        self.commit(Effect.andThen(saving.open, Effect.as(saved.await, "saved")), { within: "1 hour" })
      )
      yield* serving({ tasks: [save] }, (site) =>
        Effect.gen(function* () {
          yield* site.post("/tasks/save?id=s")
          yield* saving.await
          const client = yield* site.follow("s")
          const cancelling = yield* Effect.forkChild(site.post("/tasks/s/cancel", { giveUp: 0 }))
          yield* client.until((events) => names(events).includes("cancel-requested"))
          yield* saved.open
          const { json } = yield* Fiber.join(cancelling)
          expect(json).toEqual({ _tag: "AlreadyCompleted", id: "s", duringGrace: true })
        })
      )
    })
  )

  it.live("a canceller that leaves while it waits does not take its cancel back", () => {
    const mule = stubborn()
    return serving({ tasks: [mule] }, (site) =>
      Effect.gen(function* () {
        const client = yield* running(site, "stubborn", "s")
        const cancelling = yield* Effect.forkChild(site.post("/tasks/s/cancel", { reason: { by: "ann" } }))
        yield* client.until((events) => names(events).includes("cancel-requested"))
        expect(cancelling.pollUnsafe()).toBeUndefined()
        const connections = yield* site.connections
        yield* Fiber.interrupt(cancelling)
        while ((yield* site.connections) === connections) yield* Effect.sleep(1)
        yield* mule.letGo
        expect(yield* site.tasks.await("s")).toMatchObject({ _tag: "Cancelled", reason: { by: "ann" } })
      })
    )
  })

  it.live(
    "a preference that only sounds like respond-async is none, and the grace is that of the definition (K12)",
    () => {
      const Polite = TaskDefinition.make("polite", {
        success: Schema.String,
        progress: Schema.String,
        cancel: { grace: "1 hour" }
      })
      const polite = Polite.of((_, self) => Effect.andThen(self.progress("ready"), Effect.as(Task.awaitRequest, "bye")))
      return serving({ tasks: [polite] }, (site) =>
        Effect.gen(function* () {
          yield* running(site, "polite", "p")
          const answer = yield* site.post("/tasks/p/cancel", undefined, { prefer: "x-respond-asynchronously" })
          expect(answer.headers.has("preference-applied")).toBe(false)
          expect([answer.status, answer.json]).toEqual([200, { _tag: "AlreadyCompleted", id: "p", duringGrace: true }])
        })
      )
    }
  )
})

const Polite = TaskDefinition.make("polite", { success: Schema.String })
const Bounded = TaskDefinition.make("bounded", { ...Stubborn, cancel: { giveUp: "20 millis" } })
const Messy = TaskDefinition.make("messy", { success: Schema.Void, progress: Schema.String })
const Pages = TaskDefinition.make("pages", {
  success: Schema.Void,
  progress: Schema.Int,
  partial: Schema.Struct({ pages: Schema.Int })
})
