import { describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as TestClock from "effect/testing/TestClock"
import { AgentTasks } from "../../../../src/examples/agent-tasks/AgentTasks.ts"
import { Unreachable } from "../../../../src/examples/agent-tasks/agentTaskErrors.ts"
import { select, selectOk, selectOkWithCancel } from "../../../../src/examples/agent-tasks/combine/select.ts"
import { AgentContext } from "../../../../src/examples/agent-tasks/context/AgentContext.ts"
import * as MakeContext from "../../../../src/examples/agent-tasks/context/makeContext.ts"
import { Fail } from "../../../../src/examples/agent-tasks/kinds/failTask.ts"
import { Sleep } from "../../../../src/examples/agent-tasks/kinds/sleepTask.ts"
import { Stubborn } from "../../../../src/examples/agent-tasks/kinds/stubbornTask.ts"
import { inTime, mocked, settled } from "../mocked.ts"

describe("selectOkWithCancel", () => {
  it.effect(
    "the first success wins, failures do not; the rest is cancelled, with the reason of the race (S4-02, S4-09, S4-28, S4-29, S4-30)",
    () =>
      mocked(
        Effect.gen(function* () {
          const { schedule } = yield* AgentContext
          const fails = yield* schedule(Fail, { ms: 10, message: "no" })
          const slow = yield* schedule(Sleep, { ms: 10_000 })
          const fast = yield* schedule(Sleep, { ms: 50 })
          const slower = yield* schedule(Sleep, { ms: 20_000 })
          const won = yield* inTime(selectOkWithCancel([fails, slow, fast, slower]))
          // One that had failed before the win was not cancelled by this call (S4x-01, S4x-23).
          expect(won).toEqual({
            index: 2,
            id: fast.id,
            value: { sleptMillis: 50 },
            cancelled: [slow.id, slower.id],
            notCancelled: []
          })
          expect(yield* Clock.currentTimeMillis).toBe(50)
          for (const loser of [slow, slower]) {
            expect(yield* loser.status).toBe("cancelled")
            expect(yield* loser.await).toMatchObject({
              reason: { source: "lost-race", by: fast.id, scope: "selectOkWithCancel" },
              how: "interrupted",
              partial: { sleptMillis: 50 }
            })
          }
          expect(yield* fails.status).toBe("failed")
        })
      )
  )

  it.effect("of several that have ended already, the first in time wins, not the first in the list (S4x-02)", () =>
    mocked(
      Effect.gen(function* () {
        const { schedule, submit } = yield* AgentContext
        const tasks = [
          yield* schedule(Sleep, { ms: 30 }),
          yield* schedule(Sleep, { ms: 20 }),
          yield* schedule(Sleep, { ms: 10 })
        ]
        yield* submit
        yield* settled
        yield* TestClock.adjust(100)
        yield* settled
        const won = yield* inTime(selectOkWithCancel(tasks))
        expect(won).toMatchObject({ index: 2, cancelled: [], notCancelled: [] })
        // Also when the agent knows of their ends already.
        expect(yield* inTime(selectOk(tasks))).toMatchObject({ index: 2 })
        expect(yield* inTime(select(tasks))).toMatchObject({ index: 2 })
      })
    )
  )

  it.effect("when all fail or are cancelled, every cause is there (S4x-03)", () =>
    mocked(
      Effect.gen(function* () {
        const { schedule } = yield* AgentContext
        const tasks = [
          yield* schedule(Fail, { ms: 20, message: "one" }),
          yield* schedule(Sleep, { ms: 1000 }),
          yield* schedule(Sleep, { ms: 1000 }, { timeout: 40 })
        ]
        const racing = yield* Effect.forkChild(Effect.flip(selectOkWithCancel(tasks)))
        yield* settled
        yield* tasks[1]!.cancel()
        const failed = yield* inTime(Fiber.join(racing))
        expect(failed._tag).toBe("AllTasksFailed")
        const causes = failed._tag === "AllTasksFailed" ? failed.failures : []
        expect(causes.map(({ id }) => id)).toEqual(tasks.map(({ id }) => id))
        expect(causes.map(({ cause }) => (Cause.squash(cause) as { _tag: string })._tag)).toEqual([
          "TaskFailed",
          "TaskCancelled",
          "TaskTimedOut"
        ])
      })
    )
  )

  it.effect("a choice among none is a typed error, at once (S4x-04)", () =>
    mocked(
      Effect.gen(function* () {
        for (const choose of [select([]), selectOk([]), selectOkWithCancel([])]) {
          expect(yield* Effect.flip(choose as Effect.Effect<unknown, unknown>)).toMatchObject({ _tag: "NoTasks" })
        }
      })
    )
  )

  it.effect("a cancel that cannot be asked for costs neither the winner nor the other losers (S4x-12)", () =>
    Effect.suspend(() => {
      const log: Array<string> = []
      const logger = Logger.make(({ logLevel, message }) => log.push(`${logLevel} ${String(message)}`))
      return mocked(
        Effect.gen(function* () {
          const tasks = yield* AgentTasks
          let unlucky = ""
          const flaky = AgentTasks.of({
            ...tasks,
            cancelTask: (caller, id, call) =>
              id === unlucky
                ? Effect.fail(new Unreachable({ url: "-", message: "down" }))
                : tasks.cancelTask(caller, id, call)
          })
          const { schedule } = yield* MakeContext.make({ name: "agent" }).pipe(Effect.provideService(AgentTasks, flaky))
          const racers = [
            yield* schedule(Sleep, { ms: 10 }),
            yield* schedule(Sleep, { ms: 500 }),
            yield* schedule(Sleep, { ms: 500 })
          ]
          unlucky = racers[1]!.id
          const won = yield* inTime(selectOkWithCancel(racers))
          expect(won).toMatchObject({ index: 0, cancelled: [racers[2]!.id], notCancelled: [{ id: unlucky }] })
          expect(won.notCancelled[0]!.error._tag).toBe("Unreachable")
          expect(yield* racers[1]!.status).toBe("running")
          expect(log).toEqual([`Warn The task "${unlucky}" could not be cancelled: down`])
        }).pipe(Effect.provide(Logger.layer([logger])))
      )
    })
  )

  it.effect("losers of the lowest priority are told first (S4x-25)", () =>
    mocked(
      Effect.gen(function* () {
        const { schedule } = yield* AgentContext
        const winner = yield* schedule(Sleep, { ms: 10 })
        const high = yield* schedule(Sleep, { ms: 1000 }, { priority: 9 })
        const low = yield* schedule(Sleep, { ms: 1000 }, { priority: -9 })
        const won = yield* inTime(selectOkWithCancel([winner, high, low]))
        expect(won.cancelled).toEqual([high.id, low.id])
        const [first, second] = [yield* low.ended, yield* high.ended]
        expect(first.ended! < second.ended!).toBe(true)
      })
    )
  )

  it.effect("a loser that does not stop holds the winner up for no longer than giveUp (S4x-25)", () =>
    mocked(
      Effect.gen(function* () {
        const { schedule } = yield* AgentContext
        const fast = yield* schedule(Sleep, { ms: 10 })
        const mule = yield* schedule(Stubborn, { ms: 5000 })
        const won = yield* inTime(selectOkWithCancel<unknown>([fast, mule], { giveUp: 100 }))
        expect(won).toMatchObject({ index: 0, cancelled: [mule.id] })
        expect(yield* Clock.currentTimeMillis).toBe(110)
        expect(yield* mule.await).toMatchObject({ how: "abandoned" })
        yield* TestClock.adjust(5000)
        yield* settled
        const events = yield* (yield* AgentTasks).events("agent", mule.id)
        expect(events.at(-1)?._tag).toBe("TaskStopped")
      })
    )
  )

  it.effect("an agent that is told to stop while it races takes all of its tasks along, with its own reason", () =>
    mocked(
      Effect.gen(function* () {
        const { schedule } = yield* AgentContext
        const racers = [yield* schedule(Sleep, { ms: 500 }), yield* schedule(Sleep, { ms: 600 })]
        const racing = yield* Effect.forkChild(selectOkWithCancel(racers))
        yield* settled
        yield* TestClock.adjust(100)
        yield* Fiber.interrupt(racing)
        for (const { await: outcome } of racers) {
          expect(yield* outcome).toMatchObject({ _tag: "Cancelled", reason: { source: "interrupt" } })
        }
      })
    )
  )
})

describe("selectOk and select", () => {
  it.effect("leave the losers running: they complete later (S4-48, S4x-15)", () =>
    mocked(
      Effect.gen(function* () {
        const { schedule } = yield* AgentContext
        const fails = yield* schedule(Fail, { ms: 5, message: "no" })
        const fast = yield* schedule(Sleep, { ms: 10 })
        const slow = yield* schedule(Sleep, { ms: 200 })
        const first = yield* inTime(select<unknown>([fails, fast, slow]))
        expect(first).toMatchObject({ index: 0, outcome: { _tag: "Failed" } })
        const won = yield* inTime(selectOk<unknown>([fails, fast, slow]))
        expect(won).toEqual({ index: 1, id: fast.id, value: { sleptMillis: 10 } })
        expect(yield* slow.status).toBe("running")
        expect(yield* inTime(slow.join)).toEqual({ sleptMillis: 200 })
        expect(yield* slow.status).toBe("completed")
      })
    )
  )
})
