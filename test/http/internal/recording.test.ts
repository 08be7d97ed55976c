import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as CancelReason from "../../../src/fibers/CancelReason.ts"
import * as TaskDefinition from "../../../src/http/TaskDefinition.ts"
import { serving } from "../serving.ts"

describe("recording", () => {
  it.live(
    "S1-02: whoever comes first when a task has ended reads all that happened, in order and as one who followed",
    () =>
      serving({ tasks: [idling] }, (site) =>
        Effect.gen(function* () {
          yield* site.post("/tasks/idle?id=seen", {})
          const seen = yield* site.follow("seen")
          yield* site.post("/tasks/idle?id=unseen", {})
          // Who is cancelled before its first step has not started.
          const state = Effect.map(site.get("/tasks/unseen"), ({ json }) => json.state)
          yield* Effect.repeat(state, { until: (is) => is === "running" })
          for (const id of ["seen", "unseen"])
            yield* site.post(`/tasks/${id}/cancel`, { reason: { message: "enough" } })
          const names = ["started", "cancel-requested", "cancelled"]
          const late = yield* (yield* site.follow("unseen")).ended
          expect(late.map(({ event, id }) => [id, event])).toEqual(names.map((name, index) => [`1-${index + 1}`, name]))
          const told = (yield* seen.ended).map(({ data }) => ({ ...data, id: "", scope: "", at: "", tookMillis: 0 }))
          expect(late.map(({ data }) => ({ ...data, id: "", scope: "", at: "", tookMillis: 0 }))).toEqual(told)
        })
      )
  )

  it.live("S1-02: what was said is read as it was said, though it has changed before anybody reads", () =>
    serving({ tasks: [keeping] }, (site) =>
      Effect.gen(function* () {
        for (const id of ["grace", "partial"]) yield* site.post(`/tasks/keep?id=${id}`, {})
        yield* Effect.repeat(Effect.sleep(1), { until: () => kept.length === 2 })
        const detail = { rows: [1, 2] }
        yield* site.tasks.requestCancel("grace", { reason: CancelReason.request({ detail }), grace: "1 hour" })
        yield* site.tasks.cancel("partial", { reason: CancelReason.request({ message: "enough" }) })
        for (const rows of [detail.rows, ...kept]) rows.push(3)
        const follower = yield* site.follow("grace")
        const [, requested] = yield* follower.until((events) => events.length === 2)
        expect(requested!.data.detail).toEqual({ rows: [1, 2] })
        expect((yield* (yield* site.follow("partial")).ended).at(-1)!.data.partial).toEqual([1, 2])
        yield* site.tasks.cancel("grace")
      })
    )
  )
})

/** It says nothing, so that nothing of it has to be kept as text. */
const idling = TaskDefinition.make("idle", { payload: Schema.Struct({}), success: Schema.Void }).of(() => Effect.never)

const Keeping = TaskDefinition.make("keep", { payload: Schema.Struct({}), success: Schema.Void, partial: Schema.Json })

const kept: Array<Array<number>> = []

const keeping = Keeping.of((_, { partial }) => {
  const rows = [1, 2]
  return Effect.andThen(
    partial(rows),
    Effect.andThen(
      Effect.sync(() => kept.push(rows)),
      Effect.never
    )
  )
})
