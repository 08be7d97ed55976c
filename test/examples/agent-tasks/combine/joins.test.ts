import { describe, expect, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { joinAll, joinAllSettled, joinN, skipCancelled } from "../../../../src/examples/agent-tasks/combine/joins.ts"
import { AgentContext } from "../../../../src/examples/agent-tasks/context/AgentContext.ts"
import { Fail } from "../../../../src/examples/agent-tasks/kinds/failTask.ts"
import { Sleep } from "../../../../src/examples/agent-tasks/kinds/sleepTask.ts"
import { inTime, mocked } from "../mocked.ts"

describe("joinAll", () => {
  it.effect("gives the values in the order of the input; none for none (S4x-04)", () =>
    mocked(
      Effect.gen(function* () {
        const { schedule } = yield* AgentContext
        const tasks = [yield* schedule(Sleep, { ms: 30 }), yield* schedule(Sleep, { ms: 10 })]
        expect(yield* inTime(joinAll(tasks))).toEqual([{ sleptMillis: 30 }, { sleptMillis: 10 }])
        expect(yield* joinAll([])).toEqual([])
        expect(yield* joinAllSettled([])).toMatchObject({
          total: 0,
          allSucceeded: true,
          anySucceeded: false,
          allFailed: false
        })
      })
    )
  )

  it.effect("fails with the first failure; the siblings are cancelled, or kept if so asked (S4x-05)", () =>
    mocked(
      Effect.gen(function* () {
        const { schedule } = yield* AgentContext
        for (const siblings of ["cancel", "keep"] as const) {
          const fails = yield* schedule(Fail, { ms: 10, message: "no" })
          const slow = yield* schedule(Sleep, { ms: 500 })
          const began = yield* Clock.currentTimeMillis
          const error = yield* inTime(Effect.flip(joinAll<unknown>([slow, fails], { siblings })))
          expect(error).toMatchObject({ _tag: "TaskFailed", task: fails.id, error: { message: "no" } })
          expect((yield* Clock.currentTimeMillis) - began).toBe(10)
          expect(yield* slow.status).toBe(siblings === "cancel" ? "cancelled" : "running")
          if (siblings === "cancel") {
            expect(yield* slow.await).toMatchObject({ reason: { source: "sibling-failed", by: fails.id } })
          }
        }
      })
    )
  )

  it.effect("a cancelled handle is a typed error, not an interrupt: the agent goes on (S4-04)", () =>
    mocked(
      Effect.gen(function* () {
        const { schedule } = yield* AgentContext
        const kept = yield* schedule(Sleep, { ms: 30 })
        const cancelled = yield* schedule(Sleep, { ms: 30 })
        yield* cancelled.cancel()
        const error = yield* inTime(Effect.flip(joinAll([kept, cancelled], { siblings: "keep" })))
        expect(error).toMatchObject({ _tag: "TaskCancelled", task: cancelled.id })
        expect(yield* inTime(kept.join)).toEqual({ sleptMillis: 30 })
      })
    )
  )
})

describe("joinAllSettled", () => {
  it.effect("puts each task in exactly one list, in the order of the input (S4x-06)", () =>
    mocked(
      Effect.gen(function* () {
        const { schedule, submit } = yield* AgentContext
        const late = yield* schedule(Sleep, { ms: 5000 }, { timeout: 50 })
        const done = yield* schedule(Sleep, { ms: 20 })
        const failed = yield* schedule(Fail, { ms: 10, message: "no" })
        const cancelled = yield* schedule(Sleep, { ms: 5000 })
        yield* submit
        yield* inTime(Effect.andThen(Effect.sleep(5), cancelled.cancel()))
        const settled = yield* inTime(joinAllSettled<unknown>([late, done, failed, cancelled]))
        expect(settled).toMatchObject({
          completed: [{ index: 1, id: done.id, value: { sleptMillis: 20 } }],
          failed: [{ index: 2, id: failed.id, error: { _tag: "TaskFailed", error: { message: "no" } } }],
          cancelled: [{ index: 3, id: cancelled.id, reason: { source: "request", by: "agent" } }],
          timedOut: [{ index: 0, id: late.id, error: { _tag: "TaskTimedOut" } }],
          total: 4,
          allSucceeded: false,
          anySucceeded: true,
          allFailed: false
        })
        expect(yield* inTime(joinAllSettled([done]))).toMatchObject({
          allSucceeded: true,
          anySucceeded: true,
          allFailed: false
        })
        expect(yield* inTime(joinAllSettled<unknown>([failed, cancelled]))).toMatchObject({
          anySucceeded: false,
          allFailed: true
        })
      })
    )
  )
})

describe("skipCancelled", () => {
  it.effect("leaves out what was cancelled, and fails on what failed (S4x-20)", () =>
    mocked(
      Effect.gen(function* () {
        const { schedule } = yield* AgentContext
        const done = yield* schedule(Sleep, { ms: 20 })
        const cancelled = yield* schedule(Sleep, { ms: 20 })
        yield* cancelled.cancel()
        expect(yield* inTime(skipCancelled([cancelled, done]))).toEqual([{ sleptMillis: 20 }])
        const fails = yield* schedule(Fail, { ms: 1, message: "no" })
        expect(yield* inTime(Effect.flip(skipCancelled<unknown>([done, fails])))).toMatchObject({ _tag: "TaskFailed" })
      })
    )
  )
})

describe("joinN", () => {
  it.effect("takes the first n that complete, in that order; the rest runs on or is cancelled (S4x-15, S4x-25)", () =>
    mocked(
      Effect.gen(function* () {
        const { schedule } = yield* AgentContext
        for (const rest of ["keep", "cancel"] as const) {
          const slow = yield* schedule(Sleep, { ms: 500 })
          const second = yield* schedule(Sleep, { ms: 20 })
          const fails = yield* schedule(Fail, { ms: 15, message: "no" })
          const first = yield* schedule(Sleep, { ms: 10 })
          const joined = yield* inTime(joinN<unknown>([slow, second, fails, first], 2, { rest }))
          expect(joined.completed.map(({ id }) => id)).toEqual([first.id, second.id])
          expect(joined.cancelled).toEqual(rest === "cancel" ? [slow.id] : [])
          expect(yield* slow.status).toBe(rest === "cancel" ? "cancelled" : "running")
        }
      })
    )
  )

  it.effect("fails as soon as n is out of reach", () =>
    mocked(
      Effect.gen(function* () {
        const { schedule } = yield* AgentContext
        const slow = yield* schedule(Sleep, { ms: 500 })
        const fails = yield* schedule(Fail, { ms: 15, message: "no" })
        const error = yield* inTime(Effect.flip(joinN<unknown>([slow, fails], 2)))
        expect(error).toMatchObject({ _tag: "NotEnough", wanted: 2, failures: [{ id: fails.id }] })
        expect(yield* Clock.currentTimeMillis).toBe(20)
        expect(yield* Effect.flip(joinN([], 1))).toMatchObject({ _tag: "NoTasks" })
        expect(yield* joinN([], 0)).toEqual({ completed: [], cancelled: [], notCancelled: [] })
      })
    )
  )

  it.effect("cancels the rest also where n is out of reach, and those that nobody has waited for yet", () =>
    mocked(
      Effect.gen(function* () {
        const { schedule } = yield* AgentContext
        const slow = yield* schedule(Sleep, { ms: 500 })
        const fails = yield* schedule(Fail, { ms: 15, message: "no" })
        const error = yield* inTime(Effect.flip(joinN<unknown>([slow, fails], 2, { rest: "cancel" })))
        expect(error).toMatchObject({ _tag: "NotEnough", completed: [], failures: [{ id: fails.id }] })
        expect(yield* slow.await).toMatchObject({ reason: { source: "sibling-failed", by: fails.id } })
        const unwanted = yield* schedule(Sleep, { ms: 500 })
        expect(yield* joinN([unwanted], 0, { rest: "cancel" })).toMatchObject({
          completed: [],
          cancelled: [unwanted.id]
        })
        expect(String(yield* Effect.exit(joinN([unwanted], Number.NaN)))).toContain("must be a whole number")
      })
    )
  )
})
