import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as CancelReason from "../../../../src/fibers/CancelReason.ts"
import * as TaskDefinition from "../../../../src/http/TaskDefinition.ts"
import { AgentTasks } from "../../../../src/examples/agent-tasks/AgentTasks.ts"
import { Unreachable } from "../../../../src/examples/agent-tasks/agentTaskErrors.ts"
import { joinAllSettled } from "../../../../src/examples/agent-tasks/combine/joins.ts"
import { AgentContext } from "../../../../src/examples/agent-tasks/context/AgentContext.ts"
import { all } from "../../../../src/examples/agent-tasks/kinds/all.ts"
import { Compute } from "../../../../src/examples/agent-tasks/kinds/computeTask.ts"
import { Fail } from "../../../../src/examples/agent-tasks/kinds/failTask.ts"
import { Sleep } from "../../../../src/examples/agent-tasks/kinds/sleepTask.ts"
import * as Worker from "../../../../src/examples/agent-tasks/worker/Worker.ts"
import { WorkerLink } from "../../../../src/examples/agent-tasks/WorkerLink.ts"
import { inTime, mocked, settled } from "../mocked.ts"

const Wrong = TaskDefinition.make("wrong", { success: Schema.Int })
const Watched = TaskDefinition.make("watched", { success: Schema.Void })

describe("Worker", () => {
  it.effect(
    "a cancel reaches the fiber of the task, with the reason, and its clean-up is awaited (S4-17, S4x-13)",
    () => {
      const seen: Array<string> = []
      const watched = Watched.of(() =>
        Effect.onExit(Effect.never, () =>
          Effect.gen(function* () {
            const reason = yield* CancelReason.current
            if (reason._tag === "Some")
              seen.push(`${reason.value.source} by ${reason.value.by}: ${reason.value.message}`)
            yield* Effect.sleep(30)
            seen.push("cleaned up")
          })
        )
      )
      return mocked(
        Effect.gen(function* () {
          const { schedule, submit } = yield* AgentContext
          const task = yield* schedule(Watched, {})
          yield* submit
          yield* settled
          const reason = CancelReason.request({ by: "ann", message: "enough" })
          const cancelling = yield* Effect.forkChild(task.cancel({ reason }))
          yield* settled
          expect(seen).toEqual(["request by ann: enough"])
          expect(yield* task.status).toBe("cancelling")
          yield* TestClock.adjust(30)
          yield* settled
          expect(yield* Fiber.join(cancelling)).toMatchObject({ _tag: "Cancelled", took: { value: { millis: 30 } } })
          expect(seen).toEqual(["request by ann: enough", "cleaned up"])
        }),
        { tasks: [watched] }
      )
    }
  )

  it.effect(
    "a cancel that comes between the claim and the start is not lost, nor left to the next heartbeat (S4-53)",
    () =>
      mocked(
        Effect.gen(function* () {
          const { schedule, submit } = yield* AgentContext
          const link = yield* WorkerLink
          const slow = WorkerLink.of({
            ...link,
            claim: (worker, max) => Effect.tap(link.claim(worker, max), Effect.sleep(50))
          })
          const worker = yield* Effect.forkChild(
            Effect.provideService(Worker.run({ name: "second", tasks: all }), WorkerLink, slow)
          )
          const task = yield* schedule(Sleep, { ms: 60_000 }, { on: "second" })
          yield* submit
          yield* settled
          expect(yield* task.status).toBe("running")
          const cancelling = yield* Effect.forkChild(task.cancel())
          yield* settled
          yield* TestClock.adjust(50)
          yield* settled
          expect(cancelling.pollUnsafe()).toMatchObject({ value: { _tag: "Cancelled" } })
          yield* Fiber.interrupt(worker)
        })
      )
  )

  it.effect("a task that is asked with grace may finish, or leave at its next checkpoint (S4x-13, S4x-25)", () =>
    mocked(
      Effect.gen(function* () {
        const { schedule, submit } = yield* AgentContext
        const sleeps = yield* schedule(Sleep, { ms: 50 })
        yield* submit
        yield* settled
        const patient = yield* inTime(sleeps.cancel({ grace: 1000 }))
        expect(patient).toEqual({ _tag: "AlreadyCompleted", id: sleeps.id, duringGrace: true })
        const loops = yield* schedule(Compute, { rounds: 100_000_000 })
        yield* submit
        yield* settled
        const left = yield* Effect.forkChild(loops.cancel({ grace: 1000 }))
        yield* settled
        expect(yield* Fiber.join(left)).toMatchObject({ _tag: "Cancelled", how: "cooperative" })
      })
    )
  )

  it.effect("what it cannot run, or not with this input, has failed, and says why; a defect tells no internals", () =>
    mocked(
      Effect.gen(function* () {
        const { schedule } = yield* AgentContext
        const tasks = [
          yield* schedule(Fail, { ms: 1, message: "not here" }),
          yield* schedule(Wrong, {}),
          yield* schedule({ ...Sleep, payload: Schema.Struct({ ms: Schema.String }) } as never, { ms: "soon" } as never)
        ]
        const { failed } = yield* inTime(joinAllSettled<unknown>(tasks))
        expect(failed.map(({ error }) => [error.fault, error.error])).toEqual([
          ["unknown-kind", { title: expect.stringMatching(/^This worker cannot run "fail"; it can run: \w/) }],
          ["defect", { title: "Internal error" }],
          ["invalid-input", { title: expect.stringContaining("Expected") }]
        ])
      }),
      { tasks: [Wrong.of(() => Effect.die(new Error("secret"))), all[0]!] }
    )
  )

  it.effect("runs no more at once than it has slots", () =>
    mocked(
      Effect.gen(function* () {
        const { schedule, submit } = yield* AgentContext
        const tasks = yield* Effect.forEach([1, 2, 3, 4, 5], () => schedule(Sleep, { ms: 100 }))
        yield* submit
        yield* settled
        const statuses = () => Effect.forEach(tasks, ({ status }) => status)
        expect(yield* statuses()).toEqual(["running", "running", "pending", "pending", "pending"])
        yield* TestClock.adjust(100)
        yield* settled
        expect(yield* statuses()).toEqual(["completed", "completed", "running", "running", "pending"])
      }),
      { slots: 2 }
    )
  )

  it.effect("that is interrupted stops its tasks, hands them back and says goodbye; another one runs them", () =>
    mocked(
      Effect.gen(function* () {
        const { schedule, submit } = yield* AgentContext
        const task = yield* schedule(Sleep, { ms: 100 }, { on: "second" })
        const told = yield* schedule(Sleep, { ms: 100 }, { on: "second" })
        yield* submit
        const second = yield* Effect.forkChild(Worker.run({ name: "second", tasks: all }))
        yield* settled
        yield* TestClock.adjust(50)
        expect(yield* task.status).toBe("running")
        yield* told.cancel()
        yield* Fiber.interrupt(second)
        expect(yield* task.status).toBe("pending")
        const third = yield* Effect.forkChild(Worker.run({ name: "second", tasks: all }))
        expect(yield* inTime(task.ended)).toMatchObject({ status: "completed", run: 2 })
        yield* Fiber.interrupt(third)
        const events = yield* (yield* AgentTasks).events("agent", task.id)
        expect(events.map(({ _tag }) => _tag)).toEqual([
          "TaskScheduled",
          "TaskStarted",
          "TaskReturned",
          "TaskStarted",
          "TaskCompleted"
        ])
      })
    )
  )

  it.effect("keeps its lease by heartbeats through a task that is longer than the lease", () =>
    mocked(
      Effect.gen(function* () {
        const { schedule } = yield* AgentContext
        const task = yield* schedule(Sleep, { ms: 10_000 })
        expect(yield* inTime(task.join, 100)).toEqual({ sleptMillis: 10_000 })
        expect(yield* task.ended).toMatchObject({ run: 1 })
      }),
      { lease: "1 second" }
    )
  )

  it.effect(
    "that cannot reach the table stops what it runs when its lease has ended; an outage that is shorter costs nothing",
    () =>
      mocked(
        Effect.gen(function* () {
          const { schedule, submit } = yield* AgentContext
          const link = yield* WorkerLink
          let down = false
          const stopped: Array<string> = []
          const watched = Watched.of(() =>
            Effect.onExit(Effect.never, () =>
              Effect.map(CancelReason.current, (reason) => {
                if (reason._tag === "Some") stopped.push(`${reason.value.source} by ${reason.value.by}`)
              })
            )
          )
          const flaky = <A, E>(effect: Effect.Effect<A, E>) =>
            Effect.suspend((): Effect.Effect<A, E | Unreachable> =>
              down ? Effect.fail(new Unreachable({ url: "-", message: "down" })) : effect
            )
          const unreliable = WorkerLink.of({
            ...link,
            claim: (worker, max) => flaky(link.claim(worker, max)),
            heartbeat: (worker, runs) => flaky(link.heartbeat(worker, runs)),
            report: (worker, report) => flaky(link.report(worker, report))
          })
          const worker = yield* Effect.forkChild(
            Effect.provideService(Worker.run({ name: "second", tasks: [...all, watched] }), WorkerLink, unreliable)
          )
          const short = yield* schedule(Sleep, { ms: 500 }, { on: "second" })
          yield* submit
          yield* settled
          down = true
          yield* inTime(Effect.sleep(600))
          down = false
          expect(yield* inTime(short.join)).toEqual({ sleptMillis: 500 })

          const long = yield* schedule(Watched, {}, { on: "second" })
          yield* submit
          yield* settled
          down = true
          yield* inTime(Effect.sleep(3000))
          expect(yield* long.ended).toMatchObject({ status: "failed", outcome: { fault: "worker-lost" } })
          // By itself: nobody could tell it.
          expect(stopped).toEqual(["watchdog by second"])
          down = false
          yield* inTime(Effect.sleep(3000))
          const events = yield* (yield* AgentTasks).events("agent", long.id)
          expect(events.map(({ _tag }) => _tag)).toEqual(["TaskScheduled", "TaskStarted", "TaskFailed", "TaskStopped"])
          yield* Fiber.interrupt(worker)
        }),
        { lease: "1 second" }
      )
  )
})
