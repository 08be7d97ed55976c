import { describe, expect, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { AgentTasks } from "../../../../src/examples/agent-tasks/AgentTasks.ts"
import {
  bestEffort,
  joinAllWithTimeout,
  perItemTimeout,
  withTimeout
} from "../../../../src/examples/agent-tasks/combine/limits.ts"
import { cancelAndReplace } from "../../../../src/examples/agent-tasks/combine/replace.ts"
import { AgentContext } from "../../../../src/examples/agent-tasks/context/AgentContext.ts"
import * as MakeContext from "../../../../src/examples/agent-tasks/context/makeContext.ts"
import { Fail } from "../../../../src/examples/agent-tasks/kinds/failTask.ts"
import { Sleep } from "../../../../src/examples/agent-tasks/kinds/sleepTask.ts"
import { inTime, mocked } from "../mocked.ts"

describe("joinAllWithTimeout", () => {
  it.effect(
    "returns at the timeout what is there, and exactly the ids that it cancelled (S4-31, S4-32, S4-33, S4x-07, S4x-21 timeout)",
    () =>
      mocked(
        Effect.gen(function* () {
          const { schedule } = yield* AgentContext
          const slow = yield* schedule(Sleep, { ms: 10_000 })
          const second = yield* schedule(Sleep, { ms: 60 })
          const fails = yield* schedule(Fail, { ms: 30, message: "no" })
          const first = yield* schedule(Sleep, { ms: 20 })
          const joined = yield* inTime(joinAllWithTimeout<unknown>([slow, second, fails, first], 100))
          expect(yield* Clock.currentTimeMillis).toBe(100)
          expect(joined).toMatchObject({
            completed: [
              { id: second.id, value: { sleptMillis: 60 } },
              { id: first.id, value: { sleptMillis: 20 } }
            ],
            failed: [{ id: fails.id }],
            cancelled: [slow.id],
            late: [],
            notCancelled: []
          })
          expect(yield* slow.await).toMatchObject({ reason: { source: "timeout" }, how: "interrupted" })
        })
      )
  )

  it.effect("ends early when all have ended, and cancels nothing", () =>
    mocked(
      Effect.gen(function* () {
        const { schedule } = yield* AgentContext
        const task = yield* schedule(Sleep, { ms: 20 })
        expect(yield* inTime(joinAllWithTimeout([task], 10_000))).toMatchObject({
          completed: [{}],
          cancelled: [],
          late: []
        })
        expect(yield* Clock.currentTimeMillis).toBe(20)
        expect(yield* joinAllWithTimeout([], 10)).toMatchObject({ completed: [], cancelled: [] })
      })
    )
  )

  it.effect("one that the server had completed when the cancel came is late, not cancelled", () =>
    mocked(
      Effect.gen(function* () {
        const tasks = yield* AgentTasks
        const slowWire = AgentTasks.of({
          ...tasks,
          cancelTask: (caller, id, call) => Effect.delay(tasks.cancelTask(caller, id, call), 50)
        })
        const { schedule } = yield* MakeContext.make({ name: "agent" }).pipe(
          Effect.provideService(AgentTasks, slowWire)
        )
        const task = yield* schedule(Sleep, { ms: 120 })
        const joined = yield* inTime(joinAllWithTimeout([task], 100))
        expect(joined).toEqual({ completed: [], failed: [], cancelled: [], late: [task.id], notCancelled: [] })
        expect(yield* task.join).toEqual({ sleptMillis: 120 })
      })
    )
  )
})

describe("bestEffort", () => {
  it.effect("has a value for each, the given one where there is none (S4x-20, S4x-21 graceful degradation)", () =>
    mocked(
      Effect.gen(function* () {
        const { schedule } = yield* AgentContext
        const tasks = [
          yield* schedule(Sleep, { ms: 10_000 }),
          yield* schedule(Fail, { ms: 10, message: "no" }),
          yield* schedule(Sleep, { ms: 10 })
        ]
        const values = yield* inTime(bestEffort<unknown, string>(tasks, { within: 50, otherwise: "cached" }))
        expect(values).toEqual(["cached", "cached", { sleptMillis: 10 }])
        expect(yield* tasks[0]!.status).toBe("cancelled")
      })
    )
  )
})

describe("perItemTimeout and withTimeout", () => {
  it.effect("each task has a limit of its own (S4x-15, S4x-20)", () =>
    mocked(
      Effect.gen(function* () {
        const { schedule } = yield* AgentContext
        const handles = [
          yield* schedule(Sleep, { ms: 80 }),
          yield* schedule(Sleep, { ms: 80 }),
          yield* schedule(Sleep, { ms: 500 })
        ]
        const timeouts = [50, 100, 60]
        const outcomes = yield* inTime(
          perItemTimeout(handles.map((handle, index) => ({ handle, timeout: timeouts[index]! })))
        )
        expect(outcomes.map(({ _tag }) => _tag)).toEqual(["Failed", "Completed", "Failed"])
        expect(yield* Clock.currentTimeMillis).toBe(80)
        expect(yield* handles[0]!.await).toMatchObject({ reason: { source: "timeout", scope: handles[0]!.id } })
      })
    )
  )

  it.effect("too late is a typed error, and the task has stopped", () =>
    mocked(
      Effect.gen(function* () {
        const { schedule } = yield* AgentContext
        const task = yield* schedule(Sleep, { ms: 500 })
        const error = yield* inTime(Effect.flip(withTimeout(task, 50)))
        expect(error).toMatchObject({ _tag: "DeadlineExceeded", scope: task.id })
        expect(error.message).toBe(`"${task.id}" did not end within its limit of 50ms`)
        expect(yield* task.status).toBe("cancelled")
        const quick = yield* schedule(Sleep, { ms: 5 })
        expect(yield* inTime(withTimeout(quick, 50))).toEqual({ sleptMillis: 5 })
      })
    )
  )
})

describe("cancelAndReplace", () => {
  it.effect("with the same input the replacement is another task, and runs (S4-03, S4x-08, S4x-21)", () =>
    mocked(
      Effect.gen(function* () {
        const { schedule, submit } = yield* AgentContext
        const old = yield* schedule(Sleep, { ms: 300 })
        yield* submit
        const replacing = yield* Effect.forkChild(
          Effect.andThen(Effect.sleep(100), cancelAndReplace(old, Sleep, { ms: 300 }))
        )
        const { old: result, replacement } = yield* inTime(Fiber.join(replacing))
        expect(result).toMatchObject({ _tag: "Cancelled", reason: { source: "superseded", by: "agent" } })
        expect(replacement.id).not.toBe(old.id)
        expect(yield* inTime(replacement.join)).toEqual({ sleptMillis: 300 })
        expect(yield* Effect.all([old.ended, replacement.ended])).toMatchObject([
          { status: "cancelled", attempt: 1 },
          { status: "completed", attempt: 2 }
        ])
      })
    )
  )

  it.effect("of a task that has ended, and of one that was never sent", () =>
    mocked(
      Effect.gen(function* () {
        const { schedule } = yield* AgentContext
        const done = yield* schedule(Sleep, { ms: 10 })
        yield* inTime(done.join)
        const after = yield* inTime(cancelAndReplace(done, Sleep, { ms: 5 }))
        expect(after.old).toMatchObject({ _tag: "AlreadyCompleted" })
        expect(yield* inTime(after.replacement.join)).toEqual({ sleptMillis: 5 })
        const unsent = yield* schedule(Sleep, { ms: 10 })
        const instead = yield* inTime(cancelAndReplace(unsent, Sleep, { ms: 6 }))
        expect(instead.old).toMatchObject({ _tag: "Cancelled" })
        expect(yield* inTime(instead.replacement.join)).toEqual({ sleptMillis: 6 })
      })
    )
  )
})
