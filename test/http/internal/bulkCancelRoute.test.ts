import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpApiClient from "effect/http-api/HttpApiClient"
import * as Schema from "effect/Schema"
import * as CancelReason from "../../../src/fibers/CancelReason.ts"
import * as Task from "../../../src/fibers/Task.ts"
import * as BulkCancel from "../../../src/http/BulkCancel.ts"
import * as TaskApi from "../../../src/http/TaskApi.ts"
import * as TaskDefinition from "../../../src/http/TaskDefinition.ts"
import { count, stubborn, Wait, wait } from "../probes.ts"
import { serving, type Site } from "../serving.ts"

const decode = Schema.decodeUnknownSync(Schema.toCodecJson(BulkCancel.BulkCancelResults))

/** Starts tasks and waits until each has begun. */
const running = (site: Site, starts: ReadonlyArray<readonly [id: string, query?: string]>, name = "wait") =>
  Effect.gen(function* () {
    for (const [id, query] of starts) yield* site.post(`/tasks/${name}?id=${id}${query ?? ""}`, {})
    for (const [id] of starts) yield* (yield* site.follow(id)).until((events) => events.length > 1)
  })

const told = (answer: { readonly json: any }): ReadonlyArray<string> =>
  decode(answer.json).results.map(({ id, result }) => `${id} ${result._tag}`)

const states = (site: Site) =>
  Effect.map(site.get("/tasks"), ({ json }) => json.tasks.map(({ id, state }: any) => `${id} ${state}`))

describe("bulkCancelRoute", () => {
  it.live("K36: by ids, each has an answer of its own, in their order, unknown ones and repeated ones too", () =>
    serving({ tasks: [wait, count] }, (site) =>
      Effect.gen(function* () {
        yield* running(site, [["a"], ["b"], ["c"]])
        yield* site.post("/tasks/count?id=done", { to: 1 })
        yield* site.tasks.await("done")
        yield* site.tasks.start("inner", Effect.never)
        const answer = yield* site.post("/cancel", {
          ids: ["b", "nobody", "done", "b", "inner", "a"],
          reason: { by: "ann", message: "closing the shop", detail: { ticket: 7 } }
        })
        expect(answer.status).toBe(200)
        expect(told(answer)).toEqual([
          "b Cancelled",
          "nobody NotFound",
          "done AlreadyCompleted",
          "inner NotFound",
          "a Cancelled"
        ])
        expect(answer.json.results[0].result).toMatchObject({
          how: "interrupted",
          reason: { source: "request", by: "ann", message: "closing the shop", scope: "b", detail: { ticket: 7 } }
        })
        expect(yield* states(site)).toEqual(["a cancelled", "b cancelled", "c running", "done completed"])
        expect((yield* site.tasks.list).find(({ id }) => id === "inner")!.state).toBe("running")
        expect(site.log.filter((line) => line.includes("Cancel of 6 ids"))).toEqual([
          expect.stringMatching(/level=INFO.*Cancel of 6 ids: 2 Cancelled, 2 NotFound, 1 AlreadyCompleted/)
        ])
      })
    )
  )

  it.live("by name, label and state, which all must hold; what has ended is left out unless it is asked for", () =>
    serving({ tasks: [wait, count, Other.of(() => Effect.never)] }, (site) =>
      Effect.gen(function* () {
        yield* running(site, [
          ["a", "&label=shop=7&label=nightly"],
          ["b", "&label=shop=7"],
          ["c", "&label=nightly"],
          ["d"]
        ])
        yield* site.post("/tasks/other?id=o&label=nightly&label=shop=7", {})
        yield* site.post("/tasks/count?id=n&label=nightly", { to: 1 })
        yield* site.tasks.await("n")
        const ask = (body: object) => Effect.map(site.post("/cancel", { ...body, wait: true }), told)
        expect(yield* ask({ labels: ["shop=7", "nightly"], name: "wait" })).toEqual(["a Cancelled"])
        expect(yield* ask({ labels: ["nightly"], state: "completed" })).toEqual(["n AlreadyCompleted"])
        expect(yield* ask({ labels: ["nightly"] })).toEqual(["c Cancelled", "o Cancelled"])
        expect(yield* ask({ ids: ["d", "b", "x"], labels: ["shop=7"] })).toEqual(["b Cancelled", "x NotFound"])
        expect(yield* ask({ name: "nobody" })).toEqual([])
        expect(yield* ask({ ids: [] })).toEqual([])
        expect(yield* ask({ state: "running" })).toEqual(["d Cancelled"])
        expect(yield* ask({ all: true })).toEqual([])
        expect(site.log.some((line) => line.includes("Cancel of all: no task"))).toBe(true)
      })
    )
  )

  it.live("all: true is every task that has not ended, also one that is being cancelled", () =>
    serving({ tasks: [wait, count] }, (site) =>
      Effect.gen(function* () {
        yield* running(site, [["a"], ["b"]])
        yield* site.post("/tasks/count?id=done", { to: 1 })
        yield* site.tasks.await("done")
        yield* site.post("/cancel", { ids: ["a"], grace: "1 hour", wait: false })
        expect(yield* states(site)).toEqual(["a cancelling", "b running", "done completed"])
        expect(told(yield* site.post("/cancel", { all: true }))).toEqual(["a AlreadyCancelled", "b Cancelled"])
      })
    )
  )

  it.live("a call that names nothing is 400 and says what to name, as is one whose labels are none", () =>
    serving({ tasks: [wait] }, (site) =>
      Effect.gen(function* () {
        yield* running(site, [["a"]])
        for (const body of [undefined, {}, { reason: { by: "ann" } }]) {
          const answer = yield* site.post("/cancel", body)
          expect([answer.status, answer.headers.get("content-type")]).toEqual([400, "application/problem+json"])
          expect(answer.json.detail).toBe(
            "Say which tasks to cancel: `ids`, `name`, `labels` or `state`, or `all: true`"
          )
        }
        for (const [body, field] of [
          [{ labels: [] }, "labels"],
          [null, ""],
          [[{ all: true }], ""],
          ["all", ""],
          [{ labels: ["a b"] }, "labels[0]"],
          [{ labels: Array.from({ length: 17 }, (_, index) => `l${index}`) }, "labels"],
          [{ ids: "a" }, "ids"],
          [{ ids: [""] }, "ids[0]"],
          [{ ids: ["a", 2] }, "ids[1]"],
          [{ ids: ["x".repeat(101)] }, "ids[0]"],
          [{ all: false }, "all"],
          [{ state: "asleep" }, "state"],
          [{ name: 7 }, "name"],
          [{ al: true }, "al"],
          [{ all: true, grace: -1 }, "grace"],
          [{ all: true, reason: { by: "x".repeat(201) } }, "reason.by"],
          [{ all: true, reason: { message: "x".repeat(1001) } }, "reason.message"]
        ] as const) {
          const answer = yield* site.post("/cancel", body)
          expect([body, answer.status, answer.json.errors?.[0]]).toMatchObject([body, 400, { in: "body", field }])
        }
        expect(yield* states(site)).toEqual(["a running"])
        expect((yield* site.get("/cancel")).headers.get("allow")).toBe("POST")
      })
    )
  )

  it.live("2,000 ids of any length are one call; more than 5,000 are 400 with the bound, a megabyte more is 413", () =>
    serving({ tasks: [wait] }, (site) =>
      Effect.gen(function* () {
        yield* running(site, [["a"]])
        const ids = Array.from({ length: 1999 }, (_, index) => `${index}-`.padEnd(100, "x"))
        const answer = yield* site.post("/cancel", { ids: [...ids, "a"] })
        expect(answer.status).toBe(200)
        const { results } = decode(answer.json)
        expect(results.map(({ id }) => id)).toEqual([...ids, "a"])
        expect(results.filter(({ result }) => result._tag === "NotFound")).toHaveLength(1999)
        expect(results.at(-1)!.result._tag).toBe("Cancelled")
        const most = Array.from({ length: 5001 }, (_, index) => String(index))
        expect((yield* site.post("/cancel", { ids: most.slice(1) })).status).toBe(200)
        const tooMany = yield* site.post("/cancel", { ids: most })
        expect([tooMany.status, tooMany.json.detail]).toEqual([400, "ids: Expected at most 5000 ids"])
        const label = yield* site.post("/cancel", { labels: ["x".repeat(1_000_000)] })
        expect([label.status, label.json.errors[0].field]).toEqual([400, "labels[0]"])
        expect(label.text.length).toBeLessThan(1000)
        expect((yield* site.post("/cancel", { labels: ["x".repeat(1_100_000)] })).status).toBe(413)
      })
    )
  )

  it.live("K4: 500 tasks are told in one step before the first of them has cleaned up, and then all awaited", () => {
    const told: Array<string> = []
    const ended: Array<string> = []
    const slow = Slow.of((_, self) =>
      Effect.onInterrupt(Effect.andThen(self.progress("ready"), Effect.never), () =>
        Effect.gen(function* () {
          told.push(self.id)
          yield* Effect.sleep(20)
          ended.push(`${self.id} after ${told.length}`)
        })
      )
    )
    return serving({ tasks: [slow] }, (site) =>
      Effect.gen(function* () {
        const ids = Array.from({ length: 500 }, (_, index) => `s${index}`)
        yield* Effect.forEach(ids, (id) => site.post(`/tasks/slow?id=${id}`, {}), { concurrency: 20 })
        yield* (yield* site.follow("s499")).until((events) => events.length > 1)
        const answer = yield* site.post("/cancel", { name: "slow" })
        expect(decode(answer.json).results).toHaveLength(500)
        expect(new Set(ended)).toEqual(new Set(ids.map((id) => `${id} after 500`)))
      })
    )
  })

  it.live("K12: each task has the policy of its own definition, unless the call names one", () =>
    serving({ tasks: [wait, Polite.of(() => Effect.as(Task.awaitRequest, "wound up"))] }, (site) =>
      Effect.gen(function* () {
        yield* running(site, [["w"]])
        yield* site.post("/tasks/polite?id=p", {})
        expect(told(yield* site.post("/cancel", { all: true }))).toEqual(["w Cancelled", "p AlreadyCompleted"])
        yield* site.post("/tasks/wait?id=w2", {})
        yield* site.post("/tasks/polite?id=p2", {})
        expect(told(yield* site.post("/cancel", { all: true, grace: 0 }))).toEqual(["w2 Cancelled", "p2 Cancelled"])
      })
    )
  )

  it.live("with Prefer: respond-async or wait false the answer is 202 Requested, before the tasks have ended", () => {
    const mule = stubborn()
    return serving({ tasks: [mule, wait] }, (site) =>
      Effect.gen(function* () {
        yield* running(site, [["s"]], "stubborn")
        yield* running(site, [["w"]])
        const asked = yield* site.post("/cancel", { all: true }, { prefer: "respond-async" })
        expect([asked.status, asked.headers.get("preference-applied")]).toEqual([202, "respond-async"])
        expect(told(asked)).toEqual(["s Requested", "w Requested"])
        const again = yield* site.post("/cancel", { ids: ["w", "s", "x"], wait: false })
        expect(again.status).toBe(202)
        expect(told(again)).toEqual(["w AlreadyCancelled", "s Requested", "x NotFound"])
        expect(again.headers.get("preference-applied")).toBeNull()
        const ended = yield* site.post("/cancel", { ids: ["w"], wait: false })
        expect([ended.status, told(ended)]).toEqual([200, ["w AlreadyCancelled"]])
        const waiting = yield* Effect.forkChild(site.post("/cancel", { ids: ["s"] }))
        yield* mule.letGo
        const waited = yield* Fiber.join(waiting)
        expect([waited.status, told(waited)]).toEqual([200, ["s AlreadyCancelled"]])
      })
    )
  })

  it.live("a client that leaves while it waits takes nothing back: all were told", () => {
    const mule = stubborn()
    return serving({ tasks: [mule, wait] }, (site) =>
      Effect.gen(function* () {
        yield* running(site, [["s"]], "stubborn")
        yield* running(site, [["w"]])
        const waiting = yield* Effect.forkChild(site.post("/cancel", { all: true, reason: { by: "ann" } }))
        yield* site.tasks.await("w")
        yield* Fiber.interrupt(waiting)
        yield* mule.letGo
        expect(yield* site.tasks.await("s")).toMatchObject({ _tag: "Cancelled", reason: { by: "ann" } })
        yield* site.tasks.start("free", Effect.never)
        expect((yield* site.tasks.cancel("free", { reason: CancelReason.request() }))._tag).toBe("Cancelled")
      })
    )
  })

  it.live("the typed client cancels many, by what the contract declares", () =>
    serving({ tasks: [wait] }, (site) =>
      Effect.gen(function* () {
        const client = yield* HttpApiClient.make(TaskApi.make([Wait]), { baseUrl: site.url })
        for (const id of ["a", "b"]) {
          yield* client.start.wait({ payload: {}, query: { id, label: ["nightly", `n=${id}`] }, headers: {} })
        }
        yield* client.start.wait({ payload: {}, query: { id: "c", label: ["nightly"] }, headers: {} })
        const list = yield* client.tasks.list({ query: { label: ["nightly", "n=a"] } })
        expect(list.tasks.map(({ id, labels }) => [id, labels])).toEqual([["a", ["nightly", "n=a"]]])
        const one = yield* client.tasks.cancelMany({ headers: {}, payload: { labels: ["n=b"] } })
        expect(one.results).toMatchObject([{ id: "b", result: { _tag: "Cancelled" } }])
        const all = yield* client.tasks.cancelMany({ headers: {}, payload: { all: true, reason: { by: "ann" } } })
        expect(all.results.map(({ id }) => id)).toEqual(["a", "c"])
        const refused = yield* Effect.flip(client.tasks.cancelMany({ headers: {}, payload: {} }))
        expect(refused).toMatchObject({ _tag: "SchemaError" })
      }).pipe(Effect.provide(FetchHttpClient.layer))
    )
  )
})

const Other = TaskDefinition.make("other", { success: Schema.Void })
const Slow = TaskDefinition.make("slow", { success: Schema.Void, progress: Schema.String })
const Polite = TaskDefinition.make("polite", { success: Schema.String, cancel: { grace: "1 minute" } })
