import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Metric from "effect/Metric"
import * as PrometheusMetrics from "effect/observability/PrometheusMetrics"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as Race from "../../src/combinators/Race.ts"
import * as CancelReason from "../../src/fibers/CancelReason.ts"
import { installed } from "../../src/fibers/internal/observers.ts"
import * as Nursery from "../../src/fibers/Nursery.ts"
import * as Task from "../../src/fibers/Task.ts"
import * as TaskMetrics from "../../src/fibers/TaskMetrics.ts"
import { Tasks } from "../../src/fibers/Tasks.ts"
import { leakChecked } from "../support/leaks.ts"
import { settle } from "../support/settle.ts"

const ann = { reason: CancelReason.request({ by: "ann", message: "not needed" }) }

const slow = (millis: number): Effect.Effect<never> => Effect.onInterrupt(Effect.never, () => Effect.sleep(millis))

/** Runs with a registry of its own. */
const measured = <A, E>(effect: Effect.Effect<A, E, Scope.Scope>) =>
  leakChecked(Effect.provideService(effect, Metric.MetricRegistry, new Map()))

/** `rescind_tasks_ended_total{kind="task",outcome="completed"} 1`, by name and labels, without help and buckets. */
const samples = Effect.map(PrometheusMetrics.format(), (text) =>
  text.split("\n").filter((line) => line.startsWith("rescind_") && !line.includes("_bucket"))
)

describe("TaskMetrics", () => {
  it.effect("tasks are counted as they start and end: by outcome, cancelled ones by source and how (K44, S0-87)", () =>
    measured(
      Effect.gen(function* () {
        yield* TaskMetrics.make
        const top = yield* Nursery.make<unknown>("top")
        yield* top.spawn("completes", Effect.void)
        yield* top.spawn("fails", Effect.fail("no"))
        const slept = yield* top.spawn("slept", Effect.never)
        const asked = yield* top.spawn("asked", slow(250))
        const left = yield* top.spawn("left", slow(5000))
        yield* top.spawn("stops itself", Effect.interrupt)
        yield* settle
        yield* Task.cancel(slept, { reason: CancelReason.timeout() })
        yield* Task.requestCancel(asked, ann)
        yield* Task.cancel(left, { ...ann, giveUp: 0 })
        yield* top.spawn("unborn", Effect.never).pipe(Effect.flatMap((task) => Task.cancel(task, ann)))
        yield* TestClock.adjust(100)
        expect(yield* samples).toContain('rescind_tasks_live{kind="task"} 1')
        yield* TestClock.adjust(150)
        const lines = yield* samples
        expect(lines.filter((line) => line.includes("_total"))).toEqual([
          'rescind_tasks_started_total{kind="task"} 7',
          'rescind_tasks_ended_total{kind="task",outcome="completed"} 1',
          'rescind_tasks_ended_total{kind="task",outcome="failed"} 1',
          'rescind_tasks_ended_total{kind="task",outcome="cancelled",source="interrupt",how="cooperative"} 1',
          'rescind_tasks_ended_total{kind="task",outcome="cancelled",source="timeout",how="interrupted"} 1',
          'rescind_tasks_ended_total{kind="task",outcome="cancelled",source="request",how="abandoned"} 1',
          'rescind_tasks_ended_total{kind="task",outcome="cancelled",source="request",how="interrupted"} 2'
        ])
        expect(lines).toContain('rescind_tasks_live{kind="task"} 0')
        expect(lines).toContain("rescind_stragglers 1")
        yield* TestClock.adjust(5000)
        expect(yield* samples).toContain("rescind_stragglers 0")
      })
    )
  )

  it.effect("a cancel is timed in seconds from its request to the end, by source (K44, S2-72)", () =>
    measured(
      Effect.gen(function* () {
        yield* TaskMetrics.make
        const top = yield* Nursery.make("top")
        const quick = yield* top.spawn("quick", Effect.never)
        const slower = yield* top.spawn("slow", slow(250))
        const graceful = yield* top.spawn("finishes in its grace", Effect.sleep(500))
        yield* settle
        yield* Task.cancel(quick, ann)
        yield* Task.requestCancel(slower, ann)
        yield* Task.requestCancel(graceful, { reason: CancelReason.shutdown(), grace: 1000 })
        expect((yield* Metric.value(TaskMetrics.cancelling("task"))).value).toBe(2)
        yield* TestClock.adjust(1000)
        const byRequest = yield* Metric.value(TaskMetrics.cancelDuration({ kind: "task", source: "request" }))
        expect(byRequest).toMatchObject({ count: 2, sum: 0.25, min: 0, max: 0.25 })
        expect(byRequest.buckets.find(([limit]) => limit === 0.1)).toEqual([0.1, 1])
        expect(byRequest.buckets.find(([limit]) => limit === 0.25)).toEqual([0.25, 2])
        const byShutdown = yield* Metric.value(TaskMetrics.cancelDuration({ kind: "task", source: "shutdown" }))
        expect(byShutdown).toMatchObject({ count: 1, sum: 0.5 })
      })
    )
  )

  it.effect("members of a race are counted apart from tasks (K44)", () =>
    measured(
      Effect.gen(function* () {
        yield* TaskMetrics.make
        yield* Effect.forkChild(Race.firstSuccess({ a: Effect.sleep(10), b: slow(40) }))
        yield* settle
        expect(yield* samples).toContain('rescind_tasks_live{kind="member"} 2')
        yield* TestClock.adjust(20)
        expect(yield* samples).toContain('rescind_tasks_cancelling{kind="member"} 1')
        yield* TestClock.adjust(30)
        expect((yield* samples).filter((line) => line.includes("member"))).toEqual([
          'rescind_tasks_live{kind="member"} 0',
          'rescind_tasks_cancelling{kind="member"} 0',
          'rescind_tasks_started_total{kind="member"} 2',
          'rescind_tasks_ended_total{kind="member",outcome="completed"} 1',
          'rescind_tasks_ended_total{kind="member",outcome="cancelled",source="lost-race",how="interrupted"} 1',
          'rescind_task_cancel_duration_seconds_sum{kind="member",source="lost-race"} 0.04',
          'rescind_task_cancel_duration_seconds_count{kind="member",source="lost-race"} 1'
        ])
      })
    )
  )

  it.effect("built anywhere, the layer counts the whole tree, with the attributes where it was built (K44)", () =>
    measured(
      Effect.gen(function* () {
        const tasks = yield* Tasks
        const before = yield* tasks.start("before", Effect.sleep(10))
        const scope = yield* Scope.make()
        yield* Scope.provide(TaskMetrics.make, scope).pipe(
          Effect.provideService(Metric.CurrentMetricAttributes, { service: "api" })
        )
        yield* tasks.start("after", Effect.void)
        expect(yield* samples).toContain('rescind_tasks_live{kind="task",service="api"} 2')
        yield* TestClock.adjust(10)
        yield* Task.await(before)
        yield* Scope.close(scope, Exit.void)
        yield* tasks.start("later", Effect.void)
        yield* settle
        const lines = yield* samples
        // Counts outlive the scope, gauges do not.
        expect(lines).toEqual([
          'rescind_tasks_started_total{kind="task",service="api"} 1',
          'rescind_tasks_ended_total{kind="task",outcome="completed",service="api"} 2'
        ])
      }).pipe(Effect.provide(Tasks.layer()))
    )
  )

  it.effect("another tree is not counted, and nobody watches when the last observer has gone (K44, K45)", () =>
    Effect.gen(function* () {
      yield* measured(
        Effect.gen(function* () {
          yield* TaskMetrics.make
          expect(installed).toBe(1)
          yield* leakChecked(
            Effect.gen(function* () {
              const top = yield* Nursery.make("top")
              yield* Task.await(yield* top.spawn("t", Effect.void))
            })
          )
          expect((yield* samples).filter((line) => line.includes("_total"))).toEqual([])
        })
      )
      expect(installed).toBe(0)
    })
  )

  it.effect("a task that a closed nursery refused is not counted (K5, K44)", () =>
    measured(
      Effect.gen(function* () {
        yield* TaskMetrics.make
        const scope = yield* Scope.make()
        const top = yield* Scope.provide(Nursery.make("top"), scope)
        yield* Scope.close(scope, Exit.void)
        expect((yield* Task.await(yield* top.spawn("refused", Effect.void)))._tag).toBe("Cancelled")
        expect((yield* samples).filter((line) => line.includes("_total"))).toEqual([])
      })
    )
  )

  it.effect("metrics whose scope has closed count nothing any more, though others of the same tree do (K45)", () =>
    measured(
      Effect.gen(function* () {
        yield* Effect.scoped(TaskMetrics.make)
        yield* TaskMetrics.make
        const top = yield* Nursery.make("top")
        yield* top.spawn("task", Effect.void)
        yield* settle
        expect(yield* samples).toContain('rescind_tasks_started_total{kind="task"} 1')
      })
    )
  )
})
