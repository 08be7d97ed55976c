/** What a caller may get wrong without noticing: each is refused, or changes nothing. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import { AgentTasks } from "../../../../src/examples/agent-tasks/AgentTasks.ts"
import { AgentContext } from "../../../../src/examples/agent-tasks/context/AgentContext.ts"
import * as MakeContext from "../../../../src/examples/agent-tasks/context/makeContext.ts"
import { Sleep } from "../../../../src/examples/agent-tasks/kinds/sleepTask.ts"
import { inTime, mocked, settled } from "../mocked.ts"
import { completed, tabled } from "../tabled.ts"

describe("an id that is used twice", () => {
  it.effect("is refused for another task, in one batch or later; the same task again changes nothing (S4x-08)", () =>
    tabled(({ tasks }) =>
      Effect.gen(function* () {
        const id = crypto.randomUUID()
        const task = { id, kind: "k", input: { deep: [1, { of: "it" }] } }
        const other = { ...task, input: { deep: [1, { of: "another" }] } }
        const refused = { _tag: "WrongState", id, message: `The id "${id}" is taken by another task; take a fresh one` }
        expect(yield* Effect.flip(tasks.submit("ann", [task, other]))).toMatchObject({ ...refused, status: "pending" })
        expect(yield* tasks.list("ann")).toEqual([])
        expect(yield* tasks.submit("ann", [task, structuredClone(task)])).toHaveLength(2)
        yield* tasks.submit("ann", [structuredClone(task)])
        expect(yield* Effect.flip(tasks.submit("ann", [other]))).toMatchObject(refused)
        expect(yield* tasks.list("ann")).toHaveLength(1)
      })
    )
  )
})

describe("a report that comes twice", () => {
  it.effect("is stale, and tells nothing new of a task that had ended by itself", () =>
    tabled((played) =>
      Effect.gen(function* () {
        const id = yield* played.add()
        const [job] = yield* played.claim()
        expect(yield* played.report(job!, completed)).toBe("accepted")
        expect(yield* played.report(job!, completed)).toBe("stale")
        expect(yield* played.tags(id)).toEqual(["TaskScheduled", "TaskStarted", "TaskCompleted"])
      })
    )
  )

  it.effect("of a run that was given up on, the end of its work is told once", () =>
    tabled((played) =>
      Effect.gen(function* () {
        const id = yield* played.add()
        const [job] = yield* played.claim()
        const cancel = yield* Effect.forkChild(played.tasks.cancelTask("ann", id, { giveUpMillis: 10 }))
        yield* TestClock.adjust(10)
        yield* Fiber.join(cancel)
        for (let time = 0; time < 3; time++) expect(yield* played.report(job!, completed)).toBe("stale")
        expect((yield* played.tags(id)).slice(-2)).toEqual(["TaskCancelled", "TaskStopped"])
      })
    )
  )
})

describe("the grace of a later cancel", () => {
  it.effect("cancel now means now: what the first one left of its grace is not given again", () =>
    mocked(
      Effect.gen(function* () {
        const { schedule, submit } = yield* AgentContext
        const task = yield* schedule(Sleep, { ms: 60_000 })
        yield* submit
        yield* settled
        yield* task.cancel({ grace: "30 seconds", wait: false })
        yield* TestClock.adjust("2 seconds")
        yield* inTime(task.cancel())
        expect(yield* task.ended).toMatchObject({ outcome: { tookMillis: 2000 } })
      })
    )
  )
})

describe("what an agent schedules", () => {
  const wrong = {
    priority: { priority: 5000 },
    retries: { retries: -1 },
    timeoutMillis: { timeout: "2 days" },
    on: { on: "my worker" }
  } as const
  for (const [field, options] of Object.entries(wrong)) {
    it.effect(`is a defect that names ${field}, where the server would refuse the batch`, () =>
      mocked(
        Effect.gen(function* () {
          const { schedule } = yield* AgentContext
          const exit = yield* Effect.exit(schedule(Sleep, { ms: 1 }, options))
          expect(String(exit)).toMatch(new RegExp(`Die\\(SchemaError.*\\["${field}"\\]`, "s"))
          const good = yield* schedule(Sleep, { ms: 1 })
          expect(yield* inTime(good.join)).toEqual({ sleptMillis: 1 })
        })
      )
    )
  }

  it.effect("needs an agent with a name that fits in a header", () =>
    mocked(
      Effect.gen(function* () {
        const exit = yield* Effect.exit(Effect.scoped(MakeContext.make({ name: "my agent" })))
        expect(String(exit)).toContain("Expected a name of letters, digits")
      })
    )
  )

  it.effect("may be asked to stop with a grace without an end", () =>
    mocked(
      Effect.gen(function* () {
        const tasks = yield* AgentTasks
        const calls: Array<unknown> = []
        const noted = AgentTasks.of({
          ...tasks,
          cancelTask: (caller, id, call) =>
            Effect.suspend(() => {
              calls.push(JSON.parse(JSON.stringify(call)))
              return tasks.cancelTask(caller, id, call)
            })
        })
        const { schedule, submit } = yield* MakeContext.make({ name: "agent" }).pipe(
          Effect.provideService(AgentTasks, noted)
        )
        const task = yield* schedule(Sleep, { ms: 100 })
        yield* submit
        yield* settled
        expect(yield* inTime(task.cancel({ grace: "Infinity" }))).toMatchObject({
          _tag: "AlreadyCompleted",
          duringGrace: true
        })
        expect(calls).toMatchObject([{ graceMillis: Number.MAX_SAFE_INTEGER }])
      })
    )
  )
})
