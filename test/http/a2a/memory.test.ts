/** What cancelled A2A tasks leave in the heap: nothing. Weighed after full collections, once at work as at the end. */
import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import * as Stragglers from "../../../src/fibers/Stragglers.ts"
import { Tasks } from "../../../src/fibers/Tasks.ts"
import type { AgentEngine } from "../../../src/http/a2a/AgentEngine.ts"
import { callOf, requestOf, withEngine } from "./engines.ts"

setFlagsFromString("--expose-gc")
const gc = runInNewContext("gc") as () => void

const weigh = Effect.sync(() => {
  for (let turn = 0; turn < 4; turn++) gc()
  return process.memoryUsage().heapUsed
})

/** Messages whose tasks work and are followed, cancelled in the middle of it, 100 at a time. */
const cancelMany = (engine: AgentEngine, count: number) =>
  Effect.forEach(
    Array.from({ length: count }),
    () =>
      Effect.gen(function* () {
        const { events, taskId } = yield* engine.send(requestOf("go"), callOf())
        const cancel = engine.cancel({ tenant: "", id: taskId, metadata: { reason: "enough" } }, callOf())
        yield* Effect.all([Stream.runDrain(events), Effect.andThen(Effect.yieldNow, cancel)], { concurrency: 2 })
      }),
    { concurrency: 100, discard: true }
  )

it.live(
  "in real time: 10,000 cancelled tasks leave less than 100 bytes each (S2-52, S2-59, S2-61)",
  () =>
    withEngine(
      ({ artifact }) =>
        Effect.andThen(
          artifact("so far"),
          Effect.onInterrupt(Effect.never, () => Effect.yieldNow)
        ),
      (engine) =>
        Effect.gen(function* () {
          yield* cancelMany(engine, 1000)
          const before = yield* weigh
          yield* cancelMany(engine, 10_000)
          expect(((yield* weigh) - before) / 10_000).toBeLessThan(100)
          // What is kept of ended tasks is bounded by the retention, however many there were.
          const tasks = yield* Tasks
          expect(yield* tasks.list).toHaveLength(10)
          expect(yield* Stragglers.list).toEqual([])
        }),
      { retention: { count: 10 } }
    ),
  60_000
)
