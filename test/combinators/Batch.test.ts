import { describe, expect, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as Batch from "../../src/combinators/Batch.ts"
import * as Shield from "../../src/fibers/Shield.ts"
import * as Task from "../../src/fibers/Task.ts"
import { TaskCancelled } from "../../src/fibers/TaskCancelled.ts"
import { Tasks } from "../../src/fibers/Tasks.ts"
import { Journal, textOf } from "../support/journal.ts"
import { leakChecked } from "../support/leaks.ts"
import { settle } from "../support/settle.ts"
import { after, ann, byTime, during, failing, failureOf, started } from "./telling.ts"

const told = ({ items }: Batch.BatchReport<any, any, any>): ReadonlyArray<string> =>
  items.map(({ item, outcome }) =>
    outcome._tag === "Cancelled" ? `${item} cancelled: ${textOf(outcome.reason)}` : `${item} ${outcome._tag}`
  )

const polite = (item: string) => Effect.andThen(Task.awaitRequest, after(5, item))

describe("Batch", () => {
  it.effect("collect reports every item, in the order of the input, whatever became of it (K36, S4x-06)", () =>
    leakChecked(
      Effect.gen(function* () {
        const report = yield* during(
          100,
          Batch.collect(
            new Set(["a", "b", "c", "d"]),
            (item, index) => {
              if (item === "b") return failing(5, "no")
              if (item === "c") return Effect.interrupt
              return after(10, `${item}${index}`)
            },
            { concurrency: 2 }
          )
        )
        expect(told(report)).toEqual(["a Completed", "b Failed", "c cancelled: interrupt of 2", "d Completed"])
        expect([report.completed, report.failed, report.cancelled]).toEqual([2, 1, 1])
        expect(report.items[3]!.outcome).toMatchObject({ value: "d3" })
        expect((yield* Batch.collect([], () => Effect.void)).items).toEqual([])
      })
    )
  )

  it.effect("failFast ends with the first failure, starts nobody else, and keeps the whole report (K36, S3x-14)", () =>
    leakChecked(
      Effect.gen(function* () {
        const journal = new Journal()
        const batch = Batch.failFast(
          ["a", "b", "c", "d"],
          (item) => {
            if (item === "a") return Effect.succeed(1)
            if (item === "b") return failing(10, "no")
            return Effect.andThen(journal.note(`${item} starts`), journal.watch(item, Effect.never))
          },
          { concurrency: 2, name: "imports" }
        )
        const error = yield* during(100, Effect.flip(batch))
        expect(error._tag).toBe("BatchFailed")
        expect(told(error.report)).toEqual([
          "a Completed",
          "b Failed",
          "c cancelled: sibling-failed by 1 of imports",
          "d cancelled: sibling-failed by 1 of imports"
        ])
        expect(error.message).toContain('The batch "imports" failed: 1 items completed, 1 failed, 2 were cancelled')
        expect(journal.lines).toEqual(["0 c starts", "10 c: sibling-failed by 1 of imports"])
      })
    )
  )

  it.effect(
    "cancel through the handle tells all at once, awaits all and reports per item; the owner lives (K4, K36)",
    () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const batch = yield* Batch.start(
            ["a", "b", "c", "d"],
            (item) => (item === "a" ? Effect.succeed(1) : journal.watch(item, Effect.never, Effect.sleep(20))),
            { concurrency: 2 }
          )
          const waiting = yield* Effect.forkChild(batch.report)
          const cancelling = yield* Effect.forkChild(batch.cancel(ann))
          yield* TestClock.adjust(20)
          const report = yield* Fiber.join(cancelling)
          expect(told(report)).toEqual([
            "a Completed",
            "b cancelled: request by ann of batch",
            "c cancelled: request by ann of batch",
            "d cancelled: request by ann of batch"
          ])
          expect(yield* Fiber.join(waiting)).toBe(report)
          expect(byTime(journal.lines)).toEqual([
            "0 b: request by ann of batch",
            "0 c: request by ann of batch",
            "20 b: cleaned up",
            "20 c: cleaned up"
          ])
          expect(yield* batch.cancel(ann)).toBe(report)
        })
      )
  )

  it.effect("one item is cancelled by its index, running or waiting; its place goes to the next (K36)", () =>
    leakChecked(
      Effect.gen(function* () {
        const starts: Array<string> = []
        const batch = yield* Batch.start(
          ["a", "b", "c", "d"],
          (item) => Effect.suspend(() => (starts.push(item), after(10, item))),
          { concurrency: 1 }
        )
        expect((yield* batch.cancelItem(1, ann))._tag).toBe("Cancelled")
        expect((yield* batch.cancelItem(1, ann))._tag).toBe("AlreadyCancelled")
        expect(yield* batch.cancelItem(9)).toEqual({ _tag: "NotFound", id: "9" })
        expect(starts).toEqual(["a"])
        expect((yield* batch.cancelItem(0, ann))._tag).toBe("Cancelled")
        expect(starts).toEqual(["a", "c"])
        yield* TestClock.adjust(10)
        expect(starts).toEqual(["a", "c", "d"])
        yield* TestClock.adjust(10)
        expect(told(yield* batch.report)).toEqual([
          "a cancelled: request by ann of 0",
          "b cancelled: request by ann of 1",
          "c Completed",
          "d Completed"
        ])
      })
    )
  )

  it.effect("it ends with its scope: who waits for the report is told why (K3, K36)", () =>
    leakChecked(
      Effect.gen(function* () {
        const journal = new Journal()
        const scope = yield* Scope.make()
        const batch = yield* Scope.provide(scope)(Batch.start(["a"], (item) => journal.watch(item, Effect.never)))
        const waiting = yield* Effect.forkChild(Effect.flip(batch.report))
        yield* settle
        yield* Scope.close(scope, Exit.void)
        expect(journal.lines).toEqual(["0 a: scope-closed by batch of batch"])
        const told = yield* Fiber.join(waiting)
        expect(told instanceof TaskCancelled && told.task).toBe("batch")
        const late = yield* Scope.provide(scope)(Batch.start(["a"], () => Effect.never))
        expect(yield* Effect.flip(late.report)).toBeInstanceOf(TaskCancelled)
      })
    )
  )

  it.effect("an item that throws before it makes an effect has failed, and no other (K36)", () =>
    leakChecked(
      Effect.gen(function* () {
        const report = yield* Batch.collect(["a", "b"], (item) => {
          if (item === "a") throw new Error("no effect")
          return Effect.succeed(item)
        })
        expect(told(report)).toEqual(["a Failed", "b Completed"])
      })
    )
  )

  it.effect("a cancel of the batch, or of one item, has the patience that it asks for (K12, K36)", () =>
    leakChecked(
      Effect.gen(function* () {
        const batch = yield* Batch.start(["a", "b"], polite)
        yield* settle
        const result = yield* during(5, batch.cancelItem(0, { ...ann, grace: 10 }))
        expect(result).toMatchObject({ _tag: "AlreadyCompleted", duringGrace: true })
        const report = yield* during(5, batch.cancel({ ...ann, grace: 10 }))
        expect(told(report)).toEqual(["a Completed", "b Completed"])
      })
    )
  )

  it.effect("a cancel without a reason says which task asked, as every cancel does (K19, K36)", () =>
    leakChecked(
      Effect.gen(function* () {
        const batch = yield* Batch.start(["a"], () => Effect.never)
        const asking = yield* started(batch.cancel(), "ann's task")
        const report = yield* Task.join(asking)
        expect(told(report)).toEqual(["a cancelled: request by ann's task of batch"])
      })
    )
  )

  it.effect("started to fail fast, its report fails (K36)", () =>
    leakChecked(
      Effect.gen(function* () {
        const batch = yield* Batch.start(["a", "b"], () => Effect.fail("no"), { onFailure: "fail-fast" })
        expect((yield* Effect.flip(batch.report))._tag).toBe("BatchFailed")
      })
    )
  )

  for (const [where, wrapped] of [
    ["its clean-up", (work: Effect.Effect<unknown>) => Effect.ensuring(Effect.void, work)],
    ["a shield", (work) => Shield.run("s", work)]
  ] satisfies ReadonlyArray<[string, (work: Effect.Effect<unknown>) => Effect.Effect<unknown>]>) {
    it.effect(`an item that waits for its own batch in ${where} is a defect, not a hang (K13, K36)`, () =>
      leakChecked(
        Effect.gen(function* () {
          const handle = yield* Deferred.make<Batch.Batch<number, unknown, never>>()
          const ends: Array<string> = []
          const own = (f: (batch: Batch.Batch<number, unknown, never>) => Effect.Effect<unknown, unknown>) =>
            wrapped(
              Effect.map(Effect.exit(Effect.flatMap(Deferred.await(handle), f)), (exit) => ends.push(failureOf(exit)))
            )
          const batch = yield* Batch.start([1, 2, 3], (n) =>
            n === 1 ? own((batch) => batch.report) : n === 2 ? own((batch) => batch.cancel(ann)) : Effect.never
          )
          yield* Deferred.succeed(handle, batch)
          yield* settle
          expect(ends).toHaveLength(2)
          for (const end of ends) expect(end).toContain("waits for itself")
          expect((yield* batch.report).cancelled).toBe(2)
        })
      )
    )
  }

  it.effect("an item that waits for its own batch where a cancel ends that, waits until then (K13, K36)", () =>
    leakChecked(
      Effect.gen(function* () {
        const handle = yield* Deferred.make<Batch.Batch<number, unknown, unknown>>()
        const batch: Batch.Batch<number, unknown, unknown> = yield* Batch.start([1, 2], () =>
          Effect.flatMap(Deferred.await(handle), ({ report }) => report)
        )
        yield* Deferred.succeed(handle, batch)
        yield* settle
        expect(told(yield* batch.cancel(ann))).toEqual([
          "1 cancelled: request by ann of batch",
          "2 cancelled: request by ann of batch"
        ])
      })
    )
  )

  it.effect("an item that was given up on reads the report of its batch, which has ended (K13, K36)", () =>
    leakChecked(
      Effect.gen(function* () {
        const handle = yield* Deferred.make<Batch.Batch<number, unknown, unknown>>()
        const read: Array<unknown> = []
        const batch: Batch.Batch<number, unknown, unknown> = yield* Batch.start([1], () =>
          Effect.onInterrupt(Effect.never, () =>
            Effect.gen(function* () {
              yield* Effect.sleep(50)
              const { report } = yield* Deferred.await(handle)
              read.push(yield* Effect.exit(report))
            })
          )
        )
        yield* Deferred.succeed(handle, batch)
        const report = yield* during(10, batch.cancel({ ...ann, giveUp: 10 }))
        yield* TestClock.adjust(100)
        expect(read).toEqual([Exit.succeed(report)])
      })
    )
  )

  it.effect.each(["item first", "task first"] as const)(
    "a task and an item that wait for each other in shields, %s: no hang (K13, K36)",
    (order) =>
      leakChecked(
        Effect.gen(function* () {
          const ends: Array<string> = []
          const go = { item: yield* Deferred.make<void>(), task: yield* Deferred.make<void>() }
          const shielded = (name: "item" | "task", wait: Effect.Effect<unknown, unknown>) =>
            Shield.run(
              name,
              Effect.andThen(
                Deferred.await(go[name]),
                Effect.map(Effect.exit(wait), (exit) => ends.push(`${name} ${exit._tag}`))
              )
            )
          let task: Task.Task<unknown, unknown> | undefined
          const batch = yield* Batch.start([1], () =>
            shielded(
              "item",
              Effect.suspend(() => Task.cancel(task!, ann))
            )
          )
          task = yield* started(shielded("task", batch.report))
          for (const name of order === "item first" ? (["item", "task"] as const) : (["task", "item"] as const)) {
            yield* Deferred.succeed(go[name], undefined)
            yield* settle
          }
          const expected = order === "item first" ? ["task Failure", "item Success"] : ["item Success", "task Success"]
          expect(ends).toEqual(expected)
        })
      )
  )

  it.effect("a caller that is cancelled keeps what was done in its salvaged (K26, K36)", () =>
    leakChecked(
      Effect.gen(function* () {
        const task = yield* started(Batch.collect([1, 2, 3], (n) => (n === 3 ? Effect.never : Effect.succeed(n * 10))))
        yield* Task.cancel(task, ann)
        expect((yield* Task.await(task)).salvaged).toEqual([{ scope: "batch", value: { 0: 10, 1: 20 } }])
      })
    )
  )
})

describe("cancel of many tasks", () => {
  it.effect("by id: all are told in one step, all are awaited, one answer each in order (K4, K36, S4x-20)", () =>
    leakChecked(
      Effect.gen(function* () {
        const journal = new Journal()
        const tasks = yield* Tasks
        yield* tasks.start("slow", journal.watch("slow", Effect.never, Effect.sleep(30)))
        yield* tasks.start("slower", journal.watch("slower", Effect.never, Effect.sleep(50)))
        yield* tasks.start("done", Effect.void)
        yield* settle
        const results = yield* during(50, tasks.cancelAll(["slow", "none", "slower", "done", "slow"], ann))
        expect(results.map(({ _tag, id }) => `${id} ${_tag}`)).toEqual([
          "slow Cancelled",
          "none NotFound",
          "slower Cancelled",
          "done AlreadyCompleted",
          "slow AlreadyCancelled"
        ])
        expect(byTime(journal.lines)).toEqual([
          "0 slow: request by ann of slow",
          "0 slower: request by ann of slower",
          "30 slow: cleaned up",
          "50 slower: cleaned up"
        ])
      }).pipe(Effect.provide(Tasks.layer()))
    )
  )
})
