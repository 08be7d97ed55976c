/** Those who watch a tree: metrics, logs, spans, snapshots, the watchdog. */
import assert from "node:assert/strict"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Metric from "effect/Metric"
import * as References from "effect/References"
import * as Tracer from "effect/Tracer"
import {
  CancelReason,
  CancelSpans,
  Nursery,
  type OverdueCancel,
  Stragglers,
  Task,
  TaskLogger,
  TaskMetrics,
  TaskTree,
  Watchdog
} from "rescind/fibers"
import { Ledger } from "rescind/testing"
import { completes, isLastOf, wasGivenUp } from "../../laws.ts"
import type { Subject } from "../../Subject.ts"

const by = (name: string) => ({ reason: CancelReason.request({ by: name }) })

/** Three tasks: one ends, one fails, one is cancelled. */
const three = Nursery.supervise("three", (nursery: Nursery.Nursery<string>) =>
  Effect.gen(function* () {
    yield* nursery.spawn("good", Effect.sleep(1))
    yield* nursery.spawn("bad", Effect.andThen(Effect.sleep(1), Effect.fail("bad")))
    const stopped = yield* nursery.spawn(
      "stopped",
      Effect.andThen(Ledger.finalizer("stopped", Effect.sleep(1)), Effect.sleep(9))
    )
    yield* Effect.sleep(2)
    yield* Task.cancel(stopped, by("ann"))
  })
)

const sum = (snapshot: ReadonlyArray<Metric.Metric.Snapshot>, id: string) =>
  snapshot.reduce((total, { attributes, id: of, state }) => {
    if (of !== id || attributes?.["kind"] !== "task") return total
    return total + ("count" in state ? Number(state.count) : "value" in state ? Number(state.value) : 0)
  }, 0)

const counted: Subject = {
  name: "every task that was counted in is counted out, however it ends",
  covers: ["TaskMetrics.make", "TaskMetrics.layer"],
  laws: ["K44", "K45"],
  allow: ["clean-up-failed"],
  program: () => {
    let started = 0
    let ended = 0
    let live = 0
    return {
      program: Effect.ensuring(
        Effect.exit(three).pipe(Effect.andThen(Effect.void)),
        Effect.map(Metric.snapshot, (snapshot) => {
          started = sum(snapshot, "rescind_tasks_started_total")
          ended = sum(snapshot, "rescind_tasks_ended_total")
          live = sum(snapshot, "rescind_tasks_live")
        })
      ).pipe(Effect.provide(TaskMetrics.layer), Effect.provideService(Metric.MetricRegistry, new Map())),
      invariant: (trial) => {
        completes(trial)
        if (wasGivenUp(trial)) return
        assert.equal(started, ended, "not all that were started have ended")
        // The program itself lives.
        assert.ok(live <= 1, `${live} tasks live`)
        if (trial.cancelled === undefined) assert.equal(started, 3)
      }
    }
  }
}

const logged: Subject = {
  name: "the log tells the end of every task that it has registered, once",
  covers: ["TaskLogger.make", "TaskLogger.layer"],
  laws: ["K9", "K16"],
  allow: ["clean-up-failed"],
  program: () => {
    const phases = new Map<string, Array<string>>()
    const logger = Logger.make(({ fiber }) => {
      const { phase, task } = fiber.getRef(References.CurrentLogAnnotations) as {
        readonly phase?: string
        readonly task?: string
      }
      if (phase !== undefined && task !== undefined) phases.set(task, [...(phases.get(task) ?? []), phase])
    })
    return {
      program: Effect.exit(three).pipe(
        Effect.andThen(Effect.void),
        Effect.provide(TaskLogger.layer({ others: "Info" })),
        Effect.provide(Logger.layer([logger]))
      ),
      invariant: (trial) => {
        completes(trial)
        if (wasGivenUp(trial)) return
        for (const [task, told] of phases) {
          const ends = told.filter((phase) => phase === "done" || phase === "cancelled")
          if (task !== "program") assert.equal(ends.length, 1, `${task}: ${told.join(", ")}`)
        }
        if (trial.cancelled === undefined)
          assert.deepEqual(phases.get("stopped"), ["registered", "cancel", "cancelled"])
      }
    }
  }
}

const spans: Subject = {
  name: "spans end once, and those that were cancelled with the reason",
  covers: ["CancelSpans.layer", "CancelSpans.wrap"],
  laws: ["K18", "K44"],
  program: () => {
    const open = new Set<Tracer.Span>()
    const sources: Array<unknown> = []
    const tracer = Tracer.make({
      span: (options) => {
        const span = new Tracer.NativeSpan(options)
        open.add(span)
        const end = span.end.bind(span)
        span.end = (time, exit) => {
          assert.ok(open.delete(span), "a span ended twice")
          if (exit._tag === "Failure") sources.push(span.attributes.get("rescind.cancel.source"))
          end(time, exit)
        }
        return span
      }
    })
    return {
      program: Nursery.run("spans", (nursery) =>
        Effect.gen(function* () {
          const task = yield* nursery.spawn(
            "task",
            Effect.withSpan(Effect.sleep(9), "inner").pipe(Effect.withSpan("outer"))
          )
          yield* Effect.withSpan(Effect.sleep(2), "body")
          yield* Task.cancel(task, by("ann"))
        })
      ).pipe(Effect.provide(CancelSpans.layer.pipe(Layer.provide(Layer.succeed(Tracer.Tracer, tracer))))),
      invariant: (trial) => {
        completes(trial)
        assert.equal(open.size, 0, "a span is open")
        if (wasGivenUp(trial)) return
        assert.ok(
          sources.every((source) => source === "request"),
          `spans were cancelled with ${sources.join(", ")}`
        )
        if (trial.cancelled === undefined) assert.equal(sources.length, 2)
      }
    }
  }
}

const seen: Subject = {
  name: "a snapshot at any time shows who is there, and at the end nobody",
  covers: ["TaskTree.snapshot", "Stragglers.list"],
  laws: ["K43", "K45"],
  allow: ["clean-up-failed"],
  program: () => {
    const texts: Array<string> = []
    const looks = Effect.map(TaskTree.snapshot, (snapshot) => texts.push(TaskTree.toText(snapshot)))
    return {
      program: Effect.gen(function* () {
        yield* Effect.race(Effect.exit(three), Effect.forever(Effect.andThen(looks, Effect.sleep(1))))
        yield* looks
        assert.deepEqual(yield* Stragglers.list, [])
      }),
      invariant: (trial) => {
        completes(trial)
        if (trial.cancelled !== undefined) return
        assert.ok(texts.some((text) => /stopped \(task\) cancelling .*request by ann/.test(text)))
        assert.ok(!/stopped|good|bad/.test(texts.at(-1)!), texts.at(-1))
      }
    }
  }
}

const watched: Subject = {
  name: "the watchdog reports a cancel that hangs, cancels who is too old, and ends with its scope",
  covers: ["Watchdog.make", "Watchdog.layer", "watchdog.overdue"],
  laws: ["K44", "K45", "K19"],
  program: () => {
    const reports: Array<ReadonlyArray<OverdueCancel.OverdueCancel>> = []
    const options = {
      threshold: 2,
      maxAge: ({ name }: Watchdog.AgingTask) => (name === "old" ? 3 : Infinity),
      ages: "all",
      onReport: (overdue: ReadonlyArray<OverdueCancel.OverdueCancel>) => Effect.sync(() => reports.push(overdue))
    } as const
    return {
      program: Effect.ensuring(
        Effect.gen(function* () {
          const watchdog = yield* Watchdog.Watchdog
          return yield* Nursery.run("watched", (nursery) =>
            Effect.gen(function* () {
              const old = yield* nursery.spawn("old", Effect.never.pipe(Ledger.watch("old")))
              const slow = yield* nursery.spawn(
                "slow",
                Effect.andThen(Ledger.finalizer("slow", Effect.sleep(5)), Effect.never)
              )
              yield* Effect.sleep(1)
              yield* Task.requestCancel(slow, by("ann"))
              yield* Effect.sleep(4)
              const [overdue] = yield* watchdog.overdue
              const outcome = yield* Task.await(old)
              return [overdue?.name, outcome._tag === "Cancelled" ? outcome.reason.source : outcome._tag]
            })
          )
        }).pipe(Effect.provide(Watchdog.layer(options))),
        Effect.andThen(Ledger.note("left"), Effect.scoped(Effect.asVoid(Watchdog.make())))
      ),
      invariant: (trial) => {
        completes(trial, ["slow", "watchdog"])
        isLastOf(trial, "left")
        if (trial.cancelled === undefined)
          assert.ok(reports.some((overdue) => overdue.some(({ name }) => name === "slow")))
      }
    }
  }
}

export const subjects: ReadonlyArray<Subject> = [counted, logged, spans, seen, watched]
