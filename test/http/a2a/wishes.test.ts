/** What S2 lists as future work, and its logs and costs: hooks, partial results, reasons, metrics, patterns of its guide. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import * as Logger from "effect/Logger"
import * as Metric from "effect/Metric"
import * as PrometheusMetrics from "effect/observability/PrometheusMetrics"
import * as References from "effect/References"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as CancelReason from "../../../src/fibers/CancelReason.ts"
import * as Task from "../../../src/fibers/Task.ts"
import * as TaskLogger from "../../../src/fibers/TaskLogger.ts"
import * as TaskMetrics from "../../../src/fibers/TaskMetrics.ts"
import { Tasks } from "../../../src/fibers/Tasks.ts"
import * as Agent from "../../../src/http/a2a/Agent.ts"
import * as Content from "../../../src/http/a2a/Content.ts"
import * as Simulation from "../../../src/testing/Simulation.ts"
import { leakChecked } from "../../support/leaks.ts"
import { settle } from "../../support/settle.ts"
import { callOf, requestOf, stateOf, withEngine, wordsOf } from "./engines.ts"

const cancelOf = (id: string, metadata: Record<string, unknown> = { reason: "enough" }) => ({
  tenant: "",
  id,
  metadata
})

describe("a cancelled A2A task", () => {
  it.effect("runs the hooks of its agent, with the reason, and only then (S2-69)", () => {
    const hooks: Array<string> = []
    return leakChecked(
      withEngine(
        ({ text }) =>
          Effect.gen(function* () {
            yield* Task.onCancel(({ by, message }) => Effect.sync(() => hooks.push(`undo 1: ${message} (${by})`)))
            yield* Task.onCancel(() => Effect.sync(() => hooks.push("undo 2")))
            if (text === "wait") yield* Effect.never
          }),
        (engine) =>
          Effect.gen(function* () {
            yield* Effect.flatMap(engine.send(requestOf("go"), callOf()), ({ settled }) => settled)
            expect(hooks).toEqual([])
            const { taskId } = yield* engine.send(requestOf("wait"), callOf())
            yield* settle
            yield* engine.cancel(cancelOf(taskId, { reason: "enough", by: "ann" }), callOf())
            expect(hooks).toEqual(["undo 2", "undo 1: enough (ann)"])
          })
      )
    )
  })

  it.effect("hands out what it had, text and media, if its agent says so (S2-70, S2x-14)", () => {
    const words = (partialResult: boolean) =>
      leakChecked(
        withEngine(
          Agent.make("painter", {
            description: "Paints and tells",
            partialResult,
            run: ({ partial }) =>
              Effect.gen(function* () {
                const parts: Array<string | ReturnType<typeof Content.data>> = []
                for (const part of ["once", " upon", Content.data({ colour: "blue" })]) {
                  parts.push(part)
                  yield* partial(parts.slice())
                }
                yield* Effect.never
              })
          }),
          (engine) =>
            Effect.gen(function* () {
              const sent = yield* engine.send(requestOf("go"), callOf())
              yield* settle
              const task = yield* engine.cancel(cancelOf(sent.taskId), callOf())
              return { words: yield* wordsOf(sent.events), artifacts: task.artifacts }
            })
        )
      )
    return Effect.gen(function* () {
      const on = yield* words(true)
      // In the same step as the end, so that no client sees the one without the other.
      expect(on.words).toEqual(["SUBMITTED", "WORKING", "=once upon.", "CANCELED enough"])
      expect(on.artifacts.map(({ artifactId, parts }) => [artifactId, parts.map(({ content }) => content)])).toEqual([
        [
          "partial",
          [
            { $case: "text", value: "once" },
            { $case: "text", value: " upon" },
            { $case: "data", value: { colour: "blue" } }
          ]
        ]
      ])
      const off = yield* words(false)
      expect([off.words, off.artifacts]).toEqual([["SUBMITTED", "WORKING", "CANCELED enough"], []])
    })
  })

  it.effect("keeps what was streamed as far as it came (S2-70)", () =>
    leakChecked(
      withEngine(
        () =>
          Stream.map(
            Stream.tap(Stream.range(1, 10), () => Effect.sleep("100 millis")),
            String
          ),
        (engine) =>
          Effect.gen(function* () {
            const { taskId } = yield* engine.send(requestOf("go"), callOf())
            yield* TestClock.adjust("350 millis")
            const { artifacts } = yield* engine.cancel(cancelOf(taskId), callOf())
            expect(artifacts.map(({ parts }) => Content.textOf(parts))).toEqual(["123"])
          })
      )
    )
  )

  it.effect("says who asked and why: status, metadata, finalizers read the same (S2-71)", () => {
    const read: Array<unknown> = []
    const reading = Effect.flatMap(CancelReason.current, (reason) => Effect.sync(() => read.push(reason)))
    return leakChecked(
      withEngine(
        () => Effect.onInterrupt(Effect.never, () => reading),
        (engine) =>
          Effect.gen(function* () {
            const { taskId } = yield* engine.send(requestOf("go"), callOf())
            yield* TestClock.adjust("1 second")
            const metadata = { reason: "Too expensive", by: "ann", detail: { budget: 3 } }
            const task = yield* engine.cancel(cancelOf(taskId, metadata), callOf())
            expect(Content.textOf(task.status!.message!.parts)).toBe("Too expensive (by ann)")
            const told = { source: "request", message: "Too expensive", by: "ann", detail: { budget: 3 } }
            expect(task.metadata!["rescind"]).toMatchObject({ ...told, at: "1970-01-01T00:00:01.000Z" })
            expect(read).toMatchObject([{ _tag: "Some", value: told }])
          })
      )
    )
  })

  it.effect("is counted and timed, by source and how it ended (S2-72)", () =>
    leakChecked(
      Effect.gen(function* () {
        yield* TaskMetrics.make
        yield* withEngine(
          Agent.make("slow", {
            description: "Takes its time",
            giveUp: "1 second",
            run: ({ text }) => Effect.onInterrupt(Effect.never, () => Effect.sleep(Number(text)))
          }),
          (engine) =>
            Effect.gen(function* () {
              for (const text of ["0", "200", "5000"]) {
                const { taskId } = yield* engine.send(requestOf(text), callOf())
                yield* settle
                const cancelling = yield* Effect.forkChild(engine.cancel(cancelOf(taskId), callOf()))
                yield* TestClock.adjust("1 second")
                yield* Fiber.join(cancelling)
              }
              yield* TestClock.adjust("1 minute")
            })
        )
        const text = yield* PrometheusMetrics.format()
        const lines = text.split("\n").filter((line) => line.startsWith("rescind_") && line.includes('"request"'))
        expect(lines.filter((line) => line.includes("ended_total"))).toEqual([
          'rescind_tasks_ended_total{kind="task",outcome="cancelled",source="request",how="interrupted"} 2',
          'rescind_tasks_ended_total{kind="task",outcome="cancelled",source="request",how="abandoned"} 1'
        ])
        expect(lines.filter((line) => /_(sum|count)/.test(line))).toEqual([
          'rescind_task_cancel_duration_seconds_sum{kind="task",source="request"} 1.2',
          'rescind_task_cancel_duration_seconds_count{kind="task",source="request"} 3'
        ])
      }).pipe(Effect.provideService(Metric.MetricRegistry, new Map()))
    )
  )
})

describe("the log", () => {
  it.effect("has nothing at Info of a normal run, a cancel in it, and each end at Debug (S2-64, S2-30)", () => {
    const log: Array<string> = []
    return leakChecked(
      withEngine(
        ({ ask, text }) =>
          text === "wait" ? Effect.never : text === "ask" ? Effect.asVoid(ask("Well?")) : Effect.succeed("done"),
        (engine) =>
          Effect.gen(function* () {
            const { settled } = yield* engine.send(requestOf("go"), callOf())
            yield* settled
            const asked = yield* engine.send(requestOf("ask"), callOf())
            yield* asked.settled
            yield* Effect.flatMap(
              engine.send(requestOf("yes", { taskId: asked.taskId }), callOf()),
              ({ settled }) => settled
            )
            yield* settle
            expect(log.filter((line) => !line.startsWith("Debug"))).toEqual([])
            expect(log.filter((line) => line.endsWith("completed"))).toHaveLength(2)
            const { taskId } = yield* engine.send(requestOf("wait"), callOf())
            yield* settle
            yield* engine.cancel(cancelOf(taskId), callOf())
            expect(log.filter((line) => line.startsWith("Info"))).toEqual([
              `Info Cancel of task "${taskId}": request, "enough"`,
              expect.stringContaining(`Info Task "${taskId}" was cancelled after`)
            ])
          })
      ).pipe(Effect.provide(TaskLogger.layer()))
    ).pipe(
      Effect.provide(
        Logger.layer([Logger.make(({ logLevel, message }) => log.push(`${logLevel} ${String(message)}`))])
      ),
      Effect.provideService(References.MinimumLogLevel, "Debug")
    )
  })
})

describe("the cost", () => {
  /** Operations of all fibers, from the start of `others` tasks that wait to the cancel of one more. */
  const stepsWith = (others: number, cancelled: boolean): number => {
    const { findings, steps } = Simulation.run(
      withEngine(
        () => Effect.never,
        (engine) =>
          Effect.gen(function* () {
            const { taskId } = yield* engine.send(requestOf("go"), callOf())
            for (let n = 0; n < others; n++) yield* engine.send(requestOf("go"), callOf())
            yield* Effect.sleep(1)
            if (cancelled) yield* engine.cancel(cancelOf(taskId), callOf())
            else yield* engine.get({ tenant: "", id: taskId }, callOf())
          })
      ),
      { maxSteps: 10_000_000 }
    )
    expect(findings).toEqual([])
    return steps
  }

  it("of a cancel is the same among 10 tasks and among 2,000 (S2-62)", () => {
    const cost = (others: number) => stepsWith(others, true) - stepsWith(others, false)
    expect(cost(10)).toBeGreaterThan(0)
    expect(cost(2000)).toBe(cost(10))
  })

  it("of a piece of a stream is the same for the thousandth as for the first, and some ten operations (S2-63)", () => {
    const steps = (pieces: number): number =>
      Simulation.run(
        withEngine(
          () => Stream.map(Stream.rechunk(Stream.range(1, pieces), 1), String),
          (engine) => Effect.flatMap(engine.send(requestOf("go"), callOf()), ({ settled }) => settled)
        ),
        { maxSteps: 10_000_000 }
      ).steps
    const each = (steps(1000) - steps(500)) / 500
    expect((steps(4000) - steps(2000)) / 2000).toBeCloseTo(each, 1)
    expect(each).toBeLessThan(12)
  })
})

describe("the patterns of its guide (S2x-15)", () => {
  it.effect("cancel after 30 seconds", () =>
    leakChecked(
      withEngine(
        Agent.make("slow", { description: "Is slow", timeLimit: "30 seconds", run: () => Effect.never }),
        (engine) =>
          Effect.gen(function* () {
            const { settled } = yield* engine.send(requestOf("go"), callOf())
            const ended = yield* Effect.forkChild(settled, { startImmediately: true })
            yield* TestClock.adjust("29999 millis")
            expect(ended.pollUnsafe()).toBeUndefined()
            yield* TestClock.adjust("1 millis")
            expect(yield* Fiber.join(ended)).toMatchObject({ metadata: { rescind: { source: "timeout" } } })
          })
      )
    )
  )

  it.effect("cancel when somebody else says so", () =>
    leakChecked(
      withEngine(
        () => Effect.never,
        (engine) =>
          Effect.gen(function* () {
            const button = yield* Latch.make()
            const { settled, taskId } = yield* engine.send(requestOf("go"), callOf())
            yield* Effect.forkChild(Effect.andThen(button.await, engine.cancel(cancelOf(taskId), callOf())))
            yield* button.open
            expect(stateOf(yield* settled)).toBe("CANCELED")
          })
      )
    )
  )

  it.effect("cancel many, and learn of each how it went", () =>
    leakChecked(
      withEngine(
        ({ text }) => (text === "done" ? Effect.succeed("done") : Effect.never),
        (engine) =>
          Effect.gen(function* () {
            const ids = yield* Effect.forEach(["wait", "done", "wait"], (text) =>
              Effect.map(engine.send(requestOf(text), callOf()), ({ taskId }) => taskId)
            )
            yield* settle
            const exits = yield* Effect.forEach(
              [...ids, "nobody"],
              (id) => Effect.exit(engine.cancel(cancelOf(id), callOf())),
              { concurrency: "unbounded" }
            )
            const answers = exits.map((exit) =>
              Exit.isSuccess(exit) ? stateOf(exit.value) : String(exit.cause).match(/Task\w+Error/)?.[0]
            )
            expect(answers).toEqual(["CANCELED", "TaskNotCancelableError", "CANCELED", "TaskNotFoundError"])
            const tasks = yield* Tasks
            expect((yield* tasks.list).map(({ state }) => state)).toEqual(["cancelled", "completed", "cancelled"])
          })
      )
    )
  )
})
