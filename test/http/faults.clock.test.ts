/** The clock of the machine is set by a day, forth or back, while tasks run: nothing takes less than no time. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TaskAccess from "../../src/http/TaskAccess.ts"
import * as TaskDefinition from "../../src/http/TaskDefinition.ts"
import * as Schema from "effect/Schema"
import { withHands } from "../support/setClock.ts"
import { wait } from "./probes.ts"
import { serving, type Site } from "./serving.ts"

const day = 86_400_000
const ways = [
  ["back", -day],
  ["forth", day]
] as const

describe("a clock that is set", () => {
  for (const [way, by] of ways) {
    it.live(`${way} by a day leaves streams, cancels, starts and answers whole`, () =>
      withHands(({ set: jump }) =>
        serving({ tasks: [wait], heartbeat: "20 millis", metrics: true }, (site) =>
          Effect.gen(function* () {
            yield* site.post("/tasks/wait?id=before", {})
            const follower = yield* site.follow("before")
            yield* follower.until((events) => events.length === 2)
            jump(by)
            // The heartbeat goes on.
            const pings = follower.raw().split(": ping").length
            yield* follower.until((_, raw) => raw.split(": ping").length > pings + 1)
            expect((yield* site.post("/tasks/wait?id=after", {}, { "deadline-ms": "600000" })).status).toBe(202)
            const { json } = yield* site.post("/tasks/before/cancel", { grace: 30, giveUp: 2000 })
            expect(json._tag).toBe("Cancelled")
            expect(json.took).toBeGreaterThanOrEqual(0)
            const end = (yield* follower.ended).at(-1)!
            expect([end.id, end.event, end.data.tookMillis >= 0]).toEqual(["1-4", "cancelled", true])
            for (const path of ["/tasks", "/tree", "/metrics", "/health"]) {
              expect([path, (yield* site.get(path)).status]).toEqual([path, 200])
            }
            expect((yield* site.get("/metrics")).text).not.toMatch(/ -\d/)
            expect((yield* site.get("/tasks/after")).json.state).toBe("running")
            jump(-by)
            yield* endsNow(site, "after")
          })
        )
      )
    )
  }

  for (const [way, by] of ways) {
    it.live(`${way} by a day while it is found out who starts: the caller's time is what the header says (K33)`, () =>
      withHands(({ set }) => {
        const identify = () =>
          Effect.sync(() => {
            set(by)
            return { id: "ann" }
          })
        return serving({ tasks: [wait], access: TaskAccess.layer({ identify }) }, (site) =>
          Effect.gen(function* () {
            yield* site.post("/tasks/wait?id=long", {}, { "deadline-ms": "600000" })
            yield* site.post("/tasks/wait?id=short", {}, { "deadline-ms": "150" })
            const last = (yield* (yield* site.follow("short")).ended).at(-1)!
            expect([last.event, last.data.reason]).toEqual(["cancelled", "timeout"])
            expect((yield* site.get("/tasks/long")).json.state).toBe("running")
            yield* endsNow(site, "long")
          })
        )
      })
    )

    it.live(`${way} by a day neither ends nor holds a limit, a deadline or a grace (K12, K33; short real times)`, () =>
      withHands(({ set: jump }) =>
        serving({ tasks: [limited, patient, wait] }, (site) =>
          Effect.gen(function* () {
            const states = Effect.map(
              Effect.all([site.get("/tasks/L"), site.get("/tasks/D"), site.get("/tasks/G")]),
              (all) => all.map(({ json }) => json.state)
            )
            yield* site.post("/tasks/patient?id=L", {})
            yield* site.post("/tasks/wait?id=D", {}, { "deadline-ms": "600000" })
            yield* site.post("/tasks/wait?id=G", {})
            yield* site.post("/tasks/G/cancel", { grace: 600_000, wait: false })
            yield* site.post("/tasks/limited?id=l", {})
            yield* site.post("/tasks/wait?id=d", {}, { "deadline-ms": "150" })
            yield* site.post("/tasks/wait?id=g", {})
            yield* site.post("/tasks/g/cancel", { grace: 150, wait: false })
            jump(by)
            for (const [id, reason] of [
              ["l", "timeout"],
              ["d", "timeout"],
              ["g", "request"]
            ]) {
              const last = (yield* (yield* site.follow(id!)).ended).at(-1)!
              expect([id, last.event, last.data.reason]).toEqual([id, "cancelled", reason])
              expect(last.data.tookMillis).toBeGreaterThanOrEqual(0)
            }
            // Those whose time is far from over.
            expect(yield* states).toEqual(["running", "running", "cancelling"])
            for (const id of ["L", "D"]) yield* endsNow(site, id)
            yield* site.post("/tasks/G/cancel", {})
          })
        )
      )
    )
  }
})

const limited = TaskDefinition.make("limited", { success: Schema.Void, timeLimit: "150 millis" }).of(() => Effect.never)
const patient = TaskDefinition.make("patient", { success: Schema.Void, timeLimit: "10 minutes" }).of(() => Effect.never)

const endsNow = (site: Site, id: string) =>
  Effect.map(site.post(`/tasks/${id}/cancel`, {}), ({ json }) => expect([id, json._tag]).toEqual([id, "Cancelled"]))
