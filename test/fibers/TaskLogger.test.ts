import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import type * as LogLevel from "effect/LogLevel"
import * as References from "effect/References"
import * as TestClock from "effect/testing/TestClock"
import * as Race from "../../src/combinators/Race.ts"
import * as CancelReason from "../../src/fibers/CancelReason.ts"
import * as Nursery from "../../src/fibers/Nursery.ts"
import * as Task from "../../src/fibers/Task.ts"
import * as TaskLogger from "../../src/fibers/TaskLogger.ts"
import { Tasks } from "../../src/fibers/Tasks.ts"
import { leakChecked } from "../support/leaks.ts"
import { settle } from "../support/settle.ts"

const ann = { reason: CancelReason.request({ by: "ann", message: "not needed" }) }

interface Entry {
  readonly level: LogLevel.LogLevel
  readonly text: string
  readonly annotations: Record<string, unknown>
}

/** Runs with a logger that keeps its entries, and the given minimum level. */
const logged = <A, E>(
  minimum: LogLevel.LogLevel,
  effect: (entries: ReadonlyArray<Entry>) => Effect.Effect<A, E, Tasks>
) => {
  const entries: Array<Entry> = []
  const logger = Logger.make(({ fiber, logLevel, message }) => {
    const text = Array.isArray(message) ? String(message[0]) : String(message)
    entries.push({ level: logLevel, text, annotations: fiber.getRef(References.CurrentLogAnnotations) })
  })
  return leakChecked(effect(entries).pipe(Effect.provide(Tasks.layer()), Effect.provide(TaskLogger.layer()))).pipe(
    Effect.provide(Logger.layer([logger])),
    Effect.provideService(References.MinimumLogLevel, minimum)
  )
}

const slow = (millis: number): Effect.Effect<never> => Effect.onInterrupt(Effect.never, () => Effect.sleep(millis))

describe("TaskLogger", () => {
  it.effect("a cancel can be read from the log: who, why, when asked, when ended (S0-62, S0-64, S0-23, K44)", () =>
    logged("Debug", (entries) =>
      Effect.gen(function* () {
        const tasks = yield* Tasks
        yield* tasks.start("report", slow(250))
        yield* TestClock.adjust(100)
        yield* Effect.forkChild(tasks.cancel("report", ann))
        yield* TestClock.adjust(250)
        const cancel = {
          task: "report",
          path: "tasks/report",
          source: "request",
          by: "ann",
          reason: "not needed",
          scope: "report",
          askedAt: "1970-01-01T00:00:00.100Z"
        }
        expect(entries).toEqual([
          {
            level: "Debug",
            text: 'Task "report" was registered',
            annotations: { phase: "registered", task: "report", path: "tasks/report" }
          },
          {
            level: "Info",
            text: 'Cancel of task "report": request by "ann", "not needed"',
            annotations: { phase: "cancel", ...cancel }
          },
          {
            level: "Info",
            text: 'Task "report" was cancelled after 250ms: request by "ann", "not needed"',
            annotations: {
              phase: "cancelled",
              outcome: "cancelled",
              ...cancel,
              how: "interrupted",
              endedAt: "1970-01-01T00:00:00.350Z",
              tookMillis: 250
            }
          }
        ])
      })
    )
  )

  it.effect("each of the three outcomes is logged, in a shape of its own (S1-23, S0-20)", () =>
    logged("Debug", (entries) =>
      Effect.gen(function* () {
        const tasks = yield* Tasks
        yield* tasks.start("completes", Effect.void)
        yield* tasks.start("fails", Effect.fail("no"))
        yield* tasks.start("stopped", Effect.never)
        yield* settle
        yield* tasks.cancel("stopped", ann)
        const shapes = entries.map(({ annotations }) =>
          [annotations["phase"], annotations["task"], annotations["outcome"] ?? ""].join(" ").trim()
        )
        expect(shapes).toEqual([
          "registered completes",
          "registered fails",
          "registered stopped",
          "done completes completed",
          "done fails failed",
          "cancel stopped",
          "cancelled stopped cancelled"
        ])
      })
    )
  )

  it.effect("a normal run logs nothing at Info, races and closing scopes included (S2-64)", () =>
    logged("Info", (entries) =>
      Effect.gen(function* () {
        const tasks = yield* Tasks
        const task = yield* tasks.start(
          "normal",
          Effect.andThen(
            Race.firstSuccess({ a: Effect.sleep(10), b: Effect.never }),
            Nursery.run("n", (n: Nursery.Nursery) => n.spawn("background", Effect.never, { background: true }))
          )
        )
        yield* tasks.start("fails", Effect.fail("no"))
        yield* TestClock.adjust(10)
        expect((yield* Task.await(task))._tag).toBe("Completed")
        expect(entries).toEqual([])
        yield* tasks.start("asked", Effect.never)
        yield* tasks.cancel("asked", ann)
        expect(entries.map(({ annotations }) => annotations["phase"])).toEqual(["cancel", "cancelled"])
      })
    )
  )

  it.effect("a second cancel of the same task is not logged, that of a nursery once and then each task (S0-23)", () =>
    logged("Info", (entries) =>
      Effect.gen(function* () {
        const tasks = yield* Tasks
        const task = yield* tasks.start(
          "outer",
          Effect.ignore(
            Nursery.run("inner", (n: Nursery.Nursery<unknown>) =>
              Effect.gen(function* () {
                yield* n.spawn("left", Effect.never)
                yield* n.spawn("right", slow(50))
                yield* settle
                yield* n.cancel(ann)
              })
            )
          )
        )
        yield* settle
        yield* settle
        const twice = yield* tasks.start("twice", slow(50))
        yield* settle
        yield* Task.requestCancel(twice, ann)
        yield* Task.requestCancel(twice, { reason: CancelReason.timeout() })
        yield* TestClock.adjust(100)
        expect((yield* Task.await(task))._tag).toBe("Completed")
        expect(entries.map(({ annotations }) => [annotations["phase"], annotations["path"]].join(" "))).toEqual([
          "cancel tasks/outer/inner",
          "cancelled tasks/outer/inner/left",
          "cancel tasks/twice",
          "cancelled tasks/outer/inner/right",
          "cancelled tasks/twice"
        ])
      })
    )
  )

  it.effect("one that finishes by itself after the request says so, with whoever asked (S0-64, K12)", () =>
    logged("Info", (entries) =>
      Effect.gen(function* () {
        const tasks = yield* Tasks
        const graceful = yield* tasks.start("graceful", Effect.sleep(40))
        yield* settle
        yield* Task.requestCancel(graceful, { ...ann, grace: 1000 })
        yield* TestClock.adjust(40)
        expect(entries.slice(1)).toEqual([
          {
            level: "Info",
            text: 'Task "graceful" completed by itself 40ms after it was told to stop: request by "ann", "not needed"',
            annotations: {
              phase: "done",
              task: "graceful",
              path: "tasks/graceful",
              outcome: "completed",
              source: "request",
              by: "ann",
              reason: "not needed",
              scope: "graceful",
              askedAt: "1970-01-01T00:00:00.000Z",
              endedAt: "1970-01-01T00:00:00.040Z",
              tookMillis: 40
            }
          }
        ])
      })
    )
  )

  it.effect("names and messages cannot forge a line (S0-64)", () =>
    logged("Info", (entries) =>
      Effect.gen(function* () {
        const tasks = yield* Tasks
        yield* tasks.start("a\nb", Effect.never)
        yield* tasks.cancel("a\nb", { reason: CancelReason.request({ by: "x\ny", message: "m\nn" }) })
        for (const { text } of entries) expect(text).not.toContain("\n")
        expect(entries).toHaveLength(2)
      })
    )
  )

  it.effect("the annotations of a task's own logs stand on its entries too (S0-64)", () =>
    logged("Info", (entries) =>
      Effect.gen(function* () {
        const tasks = yield* Tasks
        yield* tasks.start("t", Effect.never).pipe(Effect.annotateLogs({ request: "r-1" }))
        yield* tasks.cancel("t", ann)
        expect(entries.map(({ annotations }) => annotations["request"])).toEqual(["r-1", "r-1"])
      })
    )
  )
})
