import { describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as TestClock from "effect/testing/TestClock"
import type { CancelAbortError } from "../../src/fibers/CancelAbortError.ts"
import * as CancelReason from "../../src/fibers/CancelReason.ts"
import * as Control from "../../src/fibers/Control.ts"
import * as Nursery from "../../src/fibers/Nursery.ts"
import * as Shield from "../../src/fibers/Shield.ts"
import * as Stragglers from "../../src/fibers/Stragglers.ts"
import * as Task from "../../src/fibers/Task.ts"
import { TaskCancelled } from "../../src/fibers/TaskCancelled.ts"
import { Journal, textOf } from "../support/journal.ts"
import { leakChecked } from "../support/leaks.ts"
import { settle } from "../support/settle.ts"

/** A task below a nursery of its own, running. */
const started = <A, E, R>(effect: Effect.Effect<A, E, R>, name = "task") =>
  Effect.gen(function* () {
    const nursery = yield* Nursery.make<unknown>("top")
    const task = yield* nursery.spawn(name, effect)
    yield* settle
    return task
  })

const ann = { reason: CancelReason.request({ by: "ann" }) }
const bob = { reason: CancelReason.request({ by: "bob" }) }

const millis = (duration: Duration.Duration): number => Duration.toMillis(duration)

const save = (journal: Journal, time = 20) =>
  Effect.as(Effect.andThen(Effect.sleep(time), journal.note("saved")), "saved")

describe("Task", () => {
  describe("cancel", () => {
    it.effect("interrupts at once and waits until clean-up has ended (K12, K15, S1-22)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const task = yield* started(journal.watch("task", Effect.never, Effect.sleep(30)))
          yield* TestClock.adjust(10)
          const fiber = yield* Effect.forkChild(Task.cancel(task, ann))
          yield* TestClock.adjust(29)
          expect(fiber.pollUnsafe()).toBeUndefined()
          yield* TestClock.adjust(1)
          const result = yield* Fiber.join(fiber)
          expect(result).toMatchObject({ _tag: "Cancelled", id: "task", how: "interrupted" })
          expect(result._tag === "Cancelled" && [millis(result.took), textOf(result.reason)]).toEqual([
            30,
            "request by ann of task"
          ])
          expect(journal.lines).toEqual(["10 task: request by ann of task", "40 task: cleaned up"])
          const outcome = yield* Task.await(task)
          expect(outcome).toMatchObject({ _tag: "Cancelled", how: "interrupted", cleanupFailures: [], salvaged: [] })
          expect(outcome._tag === "Cancelled" && outcome.reason.at.epochMilliseconds).toBe(10)
        })
      )
    )

    it.effect(
      "is idempotent: the first reason wins, later calls wait like the first and are AlreadyCancelled (K8, S1-24)",
      () =>
        leakChecked(
          Effect.gen(function* () {
            const journal = new Journal()
            const task = yield* started(journal.watch("task", Effect.never, Effect.sleep(30)))
            const first = yield* Effect.forkChild(Task.cancel(task, ann))
            yield* TestClock.adjust(10)
            const second = yield* Effect.forkChild(Task.cancel(task, bob))
            yield* TestClock.adjust(19)
            expect(second.pollUnsafe()).toBeUndefined()
            yield* TestClock.adjust(1)
            expect((yield* Fiber.join(first))._tag).toBe("Cancelled")
            const late = yield* Fiber.join(second)
            expect(late._tag === "AlreadyCancelled" && [late.reason.by, millis(late.took)]).toEqual(["ann", 30])
            const third = yield* Task.cancel(task, bob)
            expect(third).toEqual(late)
            expect(journal.lines).toEqual(["0 task: request by ann of task", "30 task: cleaned up"])
          })
        )
    )

    it.effect("several simultaneous cancels have one winner (K8, S1x-28)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const task = yield* started(journal.watch("task", Effect.never, Effect.sleep(5)))
          const fiber = yield* Effect.forkChild(
            Effect.forEach(["a", "b", "c", "d"], (by) => Task.cancel(task, { reason: CancelReason.request({ by }) }), {
              concurrency: "unbounded"
            })
          )
          yield* TestClock.adjust(5)
          const results = yield* Fiber.join(fiber)
          expect(results.map(({ _tag }) => _tag)).toEqual([
            "Cancelled",
            "AlreadyCancelled",
            "AlreadyCancelled",
            "AlreadyCancelled"
          ])
          expect(journal.lines).toEqual(["0 task: request by a of task", "5 task: cleaned up"])
        })
      )
    )

    it.effect(
      "the tag follows the outcome: AlreadyCompleted and AlreadyFailed leave the outcome untouched (K8, S1-21, S1-29)",
      () =>
        leakChecked(
          Effect.gen(function* () {
            const good = yield* started(Effect.succeed(1), "good")
            const bad = yield* started(Effect.fail("no"), "bad")
            expect(yield* Task.cancel(good)).toEqual({ _tag: "AlreadyCompleted", id: "good", duringGrace: false })
            expect(yield* Task.cancel(bad)).toEqual({ _tag: "AlreadyFailed", id: "bad", duringGrace: false })
            expect(yield* Task.requestCancel(good)).toEqual({
              _tag: "AlreadyCompleted",
              id: "good",
              duringGrace: false
            })
            expect(yield* Task.join(good)).toBe(1)
            expect((yield* Task.await(bad))._tag).toBe("Failed")
          })
        )
    )

    it.effect("requestCancel answers before a slow finalizer ends (K13, S1-22)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const task = yield* started(journal.watch("task", Effect.never, Effect.sleep(30)))
          const result = yield* Task.requestCancel(task, ann)
          expect(result._tag === "Requested" && textOf(result.reason)).toBe("request by ann of task")
          expect((yield* Task.poll(task))._tag).toBe("None")
          yield* TestClock.adjust(30)
          expect((yield* Task.await(task))._tag).toBe("Cancelled")
        })
      )
    )

    it.effect("a task cancelled before its first step never runs its body, and its waiters wake (K10, S1-39)", () =>
      leakChecked(
        Effect.gen(function* () {
          let ran = false
          const nursery = yield* Nursery.make<unknown>("top")
          const task = yield* nursery.spawn(
            "task",
            Effect.sync(() => {
              ran = true
            })
          )
          const waiter = yield* Effect.forkChild(Task.await(task), { startImmediately: true })
          expect((yield* Task.cancel(task, ann))._tag).toBe("Cancelled")
          const outcome = yield* Fiber.join(waiter)
          expect(outcome._tag === "Cancelled" && textOf(outcome.reason)).toBe("request by ann of task")
          yield* settle
          expect(ran).toBe(false)
        })
      )
    )

    it.effect("reaches all descendants and neither parent nor sibling (K11)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const top = yield* Nursery.make<unknown>("top")
          const sibling = yield* top.spawn("sibling", journal.watch("sibling", Effect.sleep(20)))
          const task = yield* top.spawn(
            "task",
            journal.watch(
              "task",
              Nursery.run("a", (a: Nursery.Nursery<unknown>) =>
                a.spawn(
                  "child",
                  journal.watch(
                    "child",
                    Nursery.run("b", (b: Nursery.Nursery<unknown>) =>
                      b.spawn("grandchild", journal.watch("grandchild", Effect.never, Effect.sleep(1)))
                    )
                  )
                )
              )
            )
          )
          yield* settle
          yield* TestClock.adjust(10)
          const fiber = yield* Effect.forkChild(Task.cancel(task, ann))
          yield* TestClock.adjust(10)
          yield* Fiber.join(fiber)
          expect((yield* Task.await(sibling))._tag).toBe("Completed")
          expect(journal.lines).toEqual([
            "10 grandchild: request by ann of task",
            "11 grandchild: cleaned up",
            "11 child: request by ann of task",
            "11 task: request by ann of task",
            "20 sibling: done"
          ])
        })
      )
    )

    it.effect("an ancestor's cancel leaves a child its own first reason (K8)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          let child: Task.Task<unknown> | undefined
          const task = yield* started(
            journal.watch(
              "task",
              Nursery.run("n", (nursery: Nursery.Nursery<unknown>) =>
                Effect.gen(function* () {
                  child = yield* nursery.spawn("child", journal.watch("child", Effect.never, Effect.sleep(30)))
                  yield* nursery.spawn("other", journal.watch("other", Effect.never))
                })
              )
            )
          )
          yield* Task.requestCancel(child!, ann)
          yield* TestClock.adjust(10)
          const fiber = yield* Effect.forkChild(Task.cancel(task, bob))
          yield* TestClock.adjust(20)
          yield* Fiber.join(fiber)
          expect(journal.lines).toEqual([
            "0 child: request by ann of child",
            "10 other: request by bob of task",
            "30 child: cleaned up",
            "30 task: request by bob of task"
          ])
          const outcome = yield* Task.await(child!)
          expect(outcome._tag === "Cancelled" && [outcome.reason.by, millis(outcome.took)]).toEqual(["ann", 30])
        })
      )
    )

    it.effect("an uninterruptible last step ends Cancelled, never Completed after an interrupt (K9)", () =>
      leakChecked(
        Effect.gen(function* () {
          const task = yield* started(Effect.uninterruptible(Effect.as(Effect.sleep(10), "value")))
          const fiber = yield* Effect.forkChild(Task.cancel(task, ann))
          yield* TestClock.adjust(10)
          expect((yield* Fiber.join(fiber))._tag).toBe("Cancelled")
          expect((yield* Task.await(task))._tag).toBe("Cancelled")
        })
      )
    )
  })

  describe("grace", () => {
    it.effect("a task that finishes in its grace is AlreadyCompleted with duringGrace (K12)", () =>
      leakChecked(
        Effect.gen(function* () {
          const task = yield* started(Effect.as(Effect.andThen(Task.awaitRequest, Effect.sleep(50)), "done"))
          const fiber = yield* Effect.forkChild(Task.cancel(task, { ...ann, grace: 100 }))
          yield* TestClock.adjust(50)
          expect(yield* Fiber.join(fiber)).toEqual({ _tag: "AlreadyCompleted", id: "task", duringGrace: true })
          expect(yield* Task.join(task)).toBe("done")
        })
      )
    )

    it.effect("a task that fails in its grace is AlreadyFailed with duringGrace (K12)", () =>
      leakChecked(
        Effect.gen(function* () {
          const task = yield* started(Effect.andThen(Task.awaitRequest, Effect.fail("no")))
          expect(yield* Task.cancel(task, { ...ann, grace: 100 })).toEqual({
            _tag: "AlreadyFailed",
            id: "task",
            duringGrace: true
          })
        })
      )
    )

    it.effect("at the end of grace it is interrupted (K12)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const task = yield* started(journal.watch("task", Effect.never, Effect.sleep(5)))
          const fiber = yield* Effect.forkChild(Task.cancel(task, { ...ann, grace: 100 }))
          yield* TestClock.adjust(99)
          expect(journal.lines).toEqual([])
          yield* TestClock.adjust(6)
          const result = yield* Fiber.join(fiber)
          expect(result).toMatchObject({ _tag: "Cancelled", how: "interrupted" })
          expect(result._tag === "Cancelled" && millis(result.took)).toBe(105)
          expect(journal.lines).toEqual(["100 task: request by ann of task", "105 task: cleaned up"])
        })
      )
    )

    it.effect("a fiber that exits at the very instant at which the grace ends has finished in time (K12)", () =>
      leakChecked(
        Effect.gen(function* () {
          const task = yield* started(Effect.as(Effect.sleep(100), "value"))
          const fiber = yield* Effect.forkChild(Task.cancel(task, { ...ann, grace: 100 }))
          yield* settle
          yield* TestClock.adjust(100)
          expect((yield* Fiber.join(fiber))._tag).toBe("AlreadyCompleted")
        })
      )
    )

    it.effect(
      "a body that returned while its finalizers run at the end of grace is Cancelled, its value salvaged (K12)",
      () =>
        leakChecked(
          Effect.gen(function* () {
            const task = yield* started(
              Effect.andThen(
                Effect.addFinalizer(() => Effect.sleep(50)),
                Effect.as(Task.awaitRequest, "value")
              )
            )
            const fiber = yield* Effect.forkChild(Task.cancel(task, { ...ann, grace: 20 }))
            yield* TestClock.adjust(50)
            expect(yield* Fiber.join(fiber)).toMatchObject({ _tag: "Cancelled", how: "interrupted" })
            expect((yield* Task.await(task)).salvaged).toEqual([{ scope: "task", value: "value" }])
          })
        )
    )

    it.effect(
      "a body that returned while its children run at the end of grace is Cancelled, its value salvaged (K12)",
      () =>
        leakChecked(
          Effect.gen(function* () {
            const journal = new Journal()
            const task = yield* started(
              Nursery.run("n", (nursery: Nursery.Nursery<unknown>) =>
                Effect.as(nursery.spawn("child", journal.watch("child", Effect.never, Effect.sleep(5))), "value")
              )
            )
            const fiber = yield* Effect.forkChild(Task.cancel(task, { ...ann, grace: 20 }))
            yield* TestClock.adjust(25)
            expect(yield* Fiber.join(fiber)).toMatchObject({ _tag: "Cancelled", how: "interrupted" })
            expect(journal.lines).toEqual(["20 child: request by ann of task", "25 child: cleaned up"])
            expect((yield* Task.await(task)).salvaged).toEqual([{ scope: "n", value: "value" }])
          })
        )
    )

    it.effect("a second call may bring the interrupt forward, and never back (K8, K12)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const a = yield* started(journal.watch("a", Effect.never), "a")
          const b = yield* started(journal.watch("b", Effect.never), "b")
          const c = yield* started(journal.watch("c", Effect.never), "c")
          for (const task of [a, b, c]) yield* Task.requestCancel(task, { ...ann, grace: 100 })
          yield* TestClock.adjust(10)
          yield* Task.requestCancel(a, { ...bob, grace: 30 })
          yield* Task.requestCancel(b, { ...bob, grace: 1000 })
          yield* Task.requestCancel(c, bob)
          yield* TestClock.adjust(90)
          expect(journal.lines).toEqual([
            "10 c: request by ann of c",
            "40 a: request by ann of a",
            "100 b: request by ann of b"
          ])
        })
      )
    )

    it.effect("an ancestor's cancel brings the interrupt of a child in its grace forward (K8, K12)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          let child: Task.Task<unknown> | undefined
          const task = yield* started(
            Nursery.run("n", (nursery: Nursery.Nursery<unknown>) =>
              Effect.map(nursery.spawn("child", journal.watch("child", Effect.never)), (spawned) => {
                child = spawned
              })
            )
          )
          yield* Task.requestCancel(child!, { ...ann, grace: 100 })
          yield* TestClock.adjust(10)
          expect((yield* Task.cancel(task, bob))._tag).toBe("Cancelled")
          expect(journal.lines).toEqual(["10 child: request by ann of child"])
          yield* TestClock.adjust(1000)
          expect(journal.lines).toHaveLength(1)
        })
      )
    )

    it.effect("a parent's grace does not hold back a child's own earlier end of grace (K8, K12)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          let child: Task.Task<unknown> | undefined
          const task = yield* started(
            Nursery.run("n", (nursery: Nursery.Nursery<unknown>) =>
              Effect.andThen(
                Effect.map(nursery.spawn("child", journal.watch("child", Effect.never)), (spawned) => {
                  child = spawned
                }),
                journal.watch("body", Effect.never)
              )
            )
          )
          yield* Task.requestCancel(child!, { ...ann, grace: 20 })
          yield* Task.requestCancel(task, { ...bob, grace: 50 })
          yield* TestClock.adjust(50)
          expect(journal.lines).toEqual(["20 child: request by ann of child", "50 body: request by bob of task"])
        })
      )
    )

    it.effect("without grace a task that waits for the request is interrupted, not completed (K12)", () =>
      leakChecked(
        Effect.gen(function* () {
          const task = yield* started(Effect.as(Task.awaitRequest, "value"))
          expect(yield* Task.cancel(task, ann)).toMatchObject({ _tag: "Cancelled", how: "interrupted" })
        })
      )
    )

    it.effect("a bad duration is a defect and cancels nothing (K12)", () =>
      leakChecked(
        Effect.gen(function* () {
          const task = yield* started(Effect.sleep(10))
          const exit = yield* Effect.exit(Task.cancel(task, { grace: NaN }))
          expect(Exit.isFailure(exit) && Cause.hasDies(exit.cause)).toBe(true)
          expect(yield* Effect.exit(Task.cancel(task, { giveUp: -1 }))).toMatchObject({ _tag: "Failure" })
          yield* TestClock.adjust(10)
          expect((yield* Task.await(task))._tag).toBe("Completed")
        })
      )
    )
  })

  describe("giveUp", () => {
    it.effect(
      "the outcome is Cancelled and abandoned, waiters wake, and the fiber is listed until its real end (K12, K1)",
      () =>
        leakChecked((leaks) =>
          Effect.gen(function* () {
            const journal = new Journal()
            const task = yield* started(journal.watch("task", Effect.never, Effect.sleep(100)))
            const waiter = yield* Effect.forkChild(Task.await(task))
            const fiber = yield* Effect.forkChild(Task.cancel(task, { ...ann, giveUp: 30 }))
            yield* TestClock.adjust(29)
            expect(fiber.pollUnsafe()).toBeUndefined()
            yield* TestClock.adjust(1)
            const result = yield* Fiber.join(fiber)
            expect(result).toMatchObject({ _tag: "Cancelled", how: "abandoned" })
            expect(result._tag === "Cancelled" && millis(result.took)).toBe(30)
            expect(yield* Fiber.join(waiter)).toMatchObject({ _tag: "Cancelled", how: "abandoned" })
            expect(yield* Stragglers.list).toMatchObject([{ path: "top/task", name: "task", askedAt: 0 }])
            expect(leaks.fibers).toBeGreaterThan(0)
            yield* TestClock.adjust(70)
            expect(yield* Stragglers.list).toEqual([])
            expect(journal.lines).toEqual(["0 task: request by ann of task", "100 task: cleaned up"])
            expect(yield* Task.await(task)).toMatchObject({ _tag: "Cancelled", how: "abandoned" })
          })
        )
    )

    it.effect("at zero it does not wait at all, and what could end at once has ended (K12)", () =>
      leakChecked(
        Effect.gen(function* () {
          const quick = yield* started(Effect.never, "quick")
          const slow = yield* started(
            Effect.onInterrupt(Effect.never, () => Effect.sleep(10)),
            "slow"
          )
          expect(yield* Task.cancel(quick, { giveUp: 0 })).toMatchObject({ _tag: "Cancelled", how: "interrupted" })
          expect(yield* Task.cancel(slow, { giveUp: 0 })).toMatchObject({ _tag: "Cancelled", how: "abandoned" })
          expect((yield* Stragglers.list).map(({ name }) => name)).toEqual(["slow"])
          yield* TestClock.adjust(10)
        })
      )
    )

    it.effect("a giveUp before the end of grace interrupts and decides at once (K12)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const task = yield* started(journal.watch("task", Effect.never, Effect.sleep(5)))
          const fiber = yield* Effect.forkChild(Task.cancel(task, { ...ann, grace: 100, giveUp: 20 }))
          yield* TestClock.adjust(20)
          expect(yield* Fiber.join(fiber)).toMatchObject({ _tag: "Cancelled", how: "abandoned" })
          yield* TestClock.adjust(5)
          expect(journal.lines).toEqual(["20 task: request by ann of task", "25 task: cleaned up"])
        })
      )
    )

    it.effect("grace, then interrupt, then giveUp: both count from the request (K12)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const task = yield* started(journal.watch("task", Effect.never, Effect.sleep(500)))
          const fiber = yield* Effect.forkChild(
            Effect.tap(Task.cancel(task, { ...ann, grace: 100, giveUp: 300 }), () => journal.note("answered"))
          )
          yield* TestClock.adjust(600)
          expect(yield* Fiber.join(fiber)).toMatchObject({ _tag: "Cancelled", how: "abandoned" })
          expect(journal.lines).toEqual(["100 task: request by ann of task", "300 answered", "600 task: cleaned up"])
        })
      )
    )

    it.effect("what ends at the very instant at which the cancel gives up has ended in time (K12)", () =>
      leakChecked(
        Effect.gen(function* () {
          const task = yield* started(Effect.onInterrupt(Effect.never, () => Effect.sleep(30)))
          const fiber = yield* Effect.forkChild(Task.cancel(task, { ...ann, giveUp: 30 }))
          yield* settle
          yield* TestClock.adjust(30)
          expect(yield* Fiber.join(fiber)).toMatchObject({ _tag: "Cancelled", how: "interrupted" })
        })
      )
    )

    it.effect("a second call and an ancestor's cancel may bring giveUp forward (K8, K12)", () =>
      leakChecked(
        Effect.gen(function* () {
          const slow = Effect.onInterrupt(Effect.never, () => Effect.sleep(1000))
          const a = yield* started(slow, "a")
          let child: Task.Task<unknown> | undefined
          const parent = yield* started(
            Nursery.run("n", (nursery: Nursery.Nursery<unknown>) =>
              Effect.map(nursery.spawn("child", slow), (spawned) => {
                child = spawned
              })
            ),
            "parent"
          )
          const first = yield* Effect.forkChild(Task.cancel(a, { ...ann, giveUp: 500 }))
          const inner = yield* Effect.forkChild(Task.cancel(child!, ann))
          yield* TestClock.adjust(10)
          const second = yield* Effect.forkChild(Task.cancel(a, { ...bob, giveUp: 20 }))
          const outer = yield* Effect.forkChild(Task.cancel(parent, { ...bob, giveUp: 20 }))
          yield* TestClock.adjust(20)
          const [one, two, three, four] = yield* Fiber.joinAll([first, second, inner, outer])
          expect([one!._tag, two!._tag, three!._tag, four!._tag]).toEqual([
            "Cancelled",
            "AlreadyCancelled",
            "Cancelled",
            "Cancelled"
          ])
          expect(three).toMatchObject({ how: "abandoned", reason: { by: "ann" } })
          expect(four).toMatchObject({ how: "abandoned", reason: { by: "bob" } })
          expect((yield* Stragglers.list).map(({ name, reason }) => `${name} ${reason.by}`).toSorted()).toEqual([
            "a ann",
            "child ann"
          ])
          yield* TestClock.adjust(1000)
        })
      )
    )

    it.effect("an abandoned task stays Cancelled whatever its fiber does later (K9, K12)", () =>
      leakChecked(
        Effect.gen(function* () {
          const good = yield* started(Effect.uninterruptible(Effect.as(Effect.sleep(100), "late")), "good")
          const bad = yield* started(Effect.uninterruptible(Effect.andThen(Effect.sleep(100), Effect.fail("x"))), "bad")
          for (const task of [good, bad]) yield* Task.requestCancel(task, { ...ann, giveUp: 10 })
          yield* TestClock.adjust(10)
          const before = [yield* Task.await(good), yield* Task.await(bad)]
          yield* TestClock.adjust(100)
          const after = [yield* Task.await(good), yield* Task.await(bad)]
          expect(before.map(({ _tag }) => _tag)).toEqual(["Cancelled", "Cancelled"])
          expect(after.map((outcome) => outcome._tag === "Cancelled" && [outcome.how, millis(outcome.took)])).toEqual([
            ["abandoned", 10],
            ["abandoned", 10]
          ])
        })
      )
    )

    it.effect("a caller who merely stops waiting changes nothing (K12)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const task = yield* started(journal.watch("task", Effect.never, Effect.sleep(50)))
          const fiber = yield* Effect.forkChild(Effect.timeoutOption(Task.cancel(task, ann), 10))
          yield* TestClock.adjust(10)
          expect(Option.isNone(yield* Fiber.join(fiber))).toBe(true)
          yield* TestClock.adjust(40)
          expect(yield* Task.await(task)).toMatchObject({ _tag: "Cancelled", how: "interrupted" })
          expect(journal.lines).toEqual(["0 task: request by ann of task", "50 task: cleaned up"])
        })
      )
    )
  })

  describe("cancel from inside", () => {
    it.effect("cancelling oneself never waits and ends Cancelled (K13)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          let self: Task.Task<unknown> | undefined
          const nursery = yield* Nursery.make<unknown>("top")
          self = yield* nursery.spawn(
            "self",
            Effect.uninterruptible(
              journal.watch(
                "self",
                Effect.flatMap(
                  Effect.suspend(() => Task.cancel(self!)),
                  (result) => journal.note(result._tag)
                )
              )
            )
          )
          const outcome = yield* Task.await(self)
          expect(outcome._tag === "Cancelled" && textOf(outcome.reason)).toBe("request by self of self")
          expect(journal.lines[0]).toBe("0 Requested")
        })
      )
    )

    it.effect(
      "cancelling an ancestor answers Requested also from a finalizer, a native fiber and a nested nursery (K13)",
      () =>
        leakChecked(
          Effect.gen(function* () {
            const journal = new Journal()
            let task: Task.Task<unknown, unknown> | undefined
            const cancel = Effect.suspend(() =>
              Effect.flatMap(Effect.uninterruptible(Task.cancel(task!, ann)), (result) => journal.note(result._tag))
            ).pipe(Effect.uninterruptible)
            task = yield* started(
              Nursery.run("n", (nursery: Nursery.Nursery<unknown>) =>
                Effect.gen(function* () {
                  yield* nursery.spawn(
                    "child",
                    Effect.onExit(Effect.sleep(10), () => cancel)
                  )
                  yield* nursery.spawn(
                    "native",
                    Effect.all([cancel, Effect.never], { concurrency: 2 }).pipe(Effect.delay(10))
                  )
                  yield* Effect.never
                })
              )
            )
            yield* TestClock.adjust(10)
            expect(yield* Task.await(task)).toMatchObject({ _tag: "Cancelled", reason: { by: "ann" } })
            expect(journal.lines.filter((line) => line === "10 Requested").length).toBeGreaterThan(0)
          })
        )
    )

    it.effect("a canceller that is cancelled while waiting does not un-cancel (K13)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const target = yield* started(journal.watch("target", Effect.never, Effect.sleep(50)), "target")
          const canceller = yield* started(journal.watch("canceller", Task.cancel(target, ann)), "canceller")
          yield* TestClock.adjust(10)
          expect((yield* Task.cancel(canceller, bob))._tag).toBe("Cancelled")
          yield* TestClock.adjust(40)
          expect((yield* Task.await(target))._tag).toBe("Cancelled")
          expect(journal.lines).toEqual([
            "0 target: request by ann of target",
            "10 canceller: request by bob of canceller",
            "50 target: cleaned up"
          ])
        })
      )
    )

    it.effect("two tasks that cancel each other both end Cancelled (K13)", () =>
      leakChecked(
        Effect.gen(function* () {
          const nursery = yield* Nursery.make<unknown>("top")
          let a: Task.Task<unknown> | undefined
          const b: Task.Task<unknown> = yield* nursery.spawn(
            "b",
            Effect.andThen(
              Effect.sleep(10),
              Effect.suspend(() => Task.cancel(a!))
            )
          )
          a = yield* nursery.spawn("a", Effect.andThen(Effect.sleep(10), Task.cancel(b)))
          yield* settle
          yield* TestClock.adjust(10)
          yield* settle
          const tags = [yield* Task.poll(a), yield* Task.poll(b)].map((outcome) =>
            Option.isSome(outcome) ? outcome.value._tag : "hangs"
          )
          expect(tags.toSorted()).not.toContain("hangs")
          expect(tags).toContain("Cancelled")
        })
      )
    )

    it.effect(
      "two tasks whose finalizers cancel each other do not hang (K13)",
      () =>
        leakChecked(
          Effect.gen(function* () {
            const nursery = yield* Nursery.make<unknown>("top")
            let a: Task.Task<unknown> | undefined
            const b: Task.Task<unknown> = yield* nursery.spawn(
              "b",
              Effect.onExit(Effect.never, () => Effect.suspend(() => Task.cancel(a!)))
            )
            a = yield* nursery.spawn(
              "a",
              Effect.onExit(Effect.never, () => Task.cancel(b))
            )
            yield* settle
            yield* Task.requestCancel(a, { ...ann, giveUp: 100 })
            yield* Task.requestCancel(b, { ...ann, giveUp: 200 })
            yield* settle
            const outcomes = [yield* Task.poll(a), yield* Task.poll(b)]
            yield* TestClock.adjust(200)
            expect(outcomes.map(Option.isSome), "ended by themselves").toEqual([true, true])
          })
        ),
      2000
    )
  })

  describe("join", () => {
    it.effect("fails with a typed TaskCancelled and does not interrupt the joiner (K22)", () =>
      leakChecked(
        Effect.gen(function* () {
          const task = yield* started(Effect.never)
          const journal = new Journal()
          const joiner = yield* started(
            Effect.exit(Task.join(task)).pipe(
              Effect.tap(() => Effect.map(CancelReason.current, (reason) => expect(Option.isNone(reason)).toBe(true)))
            ),
            "joiner"
          )
          yield* Task.cancel(task, ann)
          const outcome = yield* Task.await(joiner)
          const exit = outcome._tag === "Completed" ? outcome.value : undefined
          expect(exit).toMatchObject({ _tag: "Failure" })
          const error = Option.getOrThrow(Exit.findErrorOption(exit!))
          expect(error).toBeInstanceOf(TaskCancelled)
          expect(error.task).toBe("task")
          expect(textOf(error.reason)).toBe("request by ann of task")
          expect(journal.lines).toEqual([])
        })
      )
    )

    it.effect("gives the value, the typed failure and the defect of the task (K22)", () =>
      leakChecked(
        Effect.gen(function* () {
          expect(yield* Effect.exit(Task.join(yield* started(Effect.succeed(1))))).toEqual(Exit.succeed(1))
          expect(yield* Effect.exit(Task.join(yield* started(Effect.fail("e"))))).toEqual(Exit.fail("e"))
          expect(yield* Effect.exit(Task.join(yield* started(Effect.die("d"))))).toEqual(Exit.die("d"))
        })
      )
    )

    it.effect("whoever waits may leave: that changes nothing, and the others still wake (K38)", () =>
      leakChecked(
        Effect.gen(function* () {
          const task = yield* started(Effect.sleep(20))
          const left = yield* Effect.forkChild(Task.await(task))
          const stays = yield* Effect.forkChild(Task.await(task))
          yield* settle
          yield* Fiber.interrupt(left)
          yield* TestClock.adjust(20)
          expect((yield* Fiber.join(stays))._tag).toBe("Completed")
        })
      )
    )

    it.effect("a waiter that interrupts another waiter when it wakes does not cost a third its wake-up (K38)", () =>
      leakChecked(
        Effect.gen(function* () {
          const task = yield* started(Effect.sleep(20))
          const waiters: Array<Fiber.Fiber<unknown>> = []
          waiters.push(
            yield* Effect.forkChild(
              Effect.andThen(
                Task.await(task),
                Effect.suspend(() => Fiber.interruptAll([waiters[1]!, waiters[2]!]))
              )
            )
          )
          for (let more = 0; more < 4; more++) waiters.push(yield* Effect.forkChild(Task.await(task)))
          yield* settle
          yield* TestClock.adjust(20)
          yield* settle
          expect(waiters.map((fiber) => fiber.pollUnsafe() !== undefined)).toEqual([true, true, true, true, true])
        })
      )
    )
  })

  describe("clean-up", () => {
    it.effect("each finalizer runs once, last acquired first, and one that dies stops none of the others (K15)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const task = yield* started(
            Effect.gen(function* () {
              for (const name of ["first", "second", "third"]) {
                yield* Effect.acquireRelease(Effect.void, () =>
                  Effect.gen(function* () {
                    yield* Effect.sleep(10)
                    yield* journal.note(name)
                    if (name === "second") yield* Effect.die("second died")
                  })
                )
              }
              yield* Effect.never
            })
          )
          const fiber = yield* Effect.forkChild(Task.cancel(task, ann))
          yield* TestClock.adjust(30)
          expect((yield* Fiber.join(fiber))._tag).toBe("Cancelled")
          expect(journal.lines).toEqual(["10 third", "20 second", "30 first"])
          const { cleanupFailures } = yield* Task.await(task)
          expect(cleanupFailures).toMatchObject([{ scope: "task" }])
          expect(Cause.squash(cleanupFailures[0]!.cause)).toBe("second died")
        })
      )
    )

    it.effect("clean-up failures stand on a completed outcome and leave it completed (K16)", () =>
      leakChecked(
        Effect.gen(function* () {
          const task = yield* started(
            Effect.as(
              Effect.addFinalizer(() => Effect.die("clean-up")),
              1
            )
          )
          const outcome = yield* Task.await(task)
          expect(outcome).toMatchObject({ _tag: "Completed", value: 1, cleanupFailures: [{ scope: "task" }] })
        })
      )
    )

    it.effect("a defect beside an interrupt in a native finalizer counts as a clean-up failure (K16, S1x-33)", () =>
      leakChecked(
        Effect.gen(function* () {
          const task = yield* started(Effect.onInterrupt(Effect.never, () => Effect.die("native")))
          expect((yield* Task.cancel(task, ann))._tag).toBe("Cancelled")
          const { cleanupFailures } = yield* Task.await(task)
          expect(cleanupFailures.map(({ scope, cause }) => [scope, Cause.squash(cause)])).toEqual([["task", "native"]])
        })
      )
    )

    it.effect("an uninterruptible save completes although cancelled (S1x-37)", () =>
      leakChecked(
        Effect.gen(function* () {
          let saved = false
          const task = yield* started(
            Effect.andThen(
              Effect.uninterruptible(
                Effect.andThen(
                  Effect.sleep(20),
                  Effect.sync(() => {
                    saved = true
                  })
                )
              ),
              Effect.never
            )
          )
          const fiber = yield* Effect.forkChild(Task.cancel(task, ann))
          yield* TestClock.adjust(20)
          yield* Fiber.join(fiber)
          expect(saved).toBe(true)
        })
      )
    )

    it.effect("no generic error handler catches a cancel (S1-08, S1-35, S1x-36)", () =>
      leakChecked(
        Effect.gen(function* () {
          const caught: Array<string> = []
          const handler = (name: string) => () =>
            Effect.sync(() => {
              caught.push(name)
            })
          const task = yield* started(
            Effect.never.pipe(
              Effect.catchCause(handler("catchCause")),
              Effect.catch(handler("catch")),
              Effect.catchDefect(handler("catchDefect")),
              Effect.exit,
              Effect.andThen(Effect.sync(() => caught.push("went on")))
            )
          )
          expect((yield* Task.cancel(task, ann))._tag).toBe("Cancelled")
          expect(caught).toEqual([])
        })
      )
    )
  })

  describe("onCancel", () => {
    it.effect("runs only when cancelled, with the reason, once, last registered first (K18, S1-08)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const hooked = <A, E>(effect: Effect.Effect<A, E>) =>
            Effect.gen(function* () {
              yield* Task.onCancel((reason) => journal.note(`one ${textOf(reason)}`))
              yield* Task.onCancel((reason) =>
                Effect.andThen(
                  Effect.sleep(10),
                  Effect.flatMap(CancelReason.current, (current) =>
                    journal.note(`two ${textOf(reason)} ${Option.isSome(current) && current.value === reason}`)
                  )
                )
              )
              return yield* effect
            })
          yield* Task.await(yield* started(hooked(Effect.succeed(1))))
          yield* Task.await(yield* started(hooked(Effect.fail(1))))
          expect(journal.lines).toEqual([])
          const task = yield* started(hooked(Effect.never))
          const fiber = yield* Effect.forkChild(Task.cancel(task, ann))
          yield* TestClock.adjust(10)
          yield* Fiber.join(fiber)
          expect(journal.lines).toEqual(["10 two request by ann of task true", "10 one request by ann of task"])
        })
      )
    )

    it.effect("runs also for a task that interrupts itself (K18)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const task = yield* started(
            Effect.andThen(
              Task.onCancel((reason) => journal.note(textOf(reason))),
              Effect.interrupt
            )
          )
          const outcome = yield* Task.await(task)
          expect(outcome).toMatchObject({ _tag: "Cancelled", reason: { source: "interrupt" } })
          expect(journal.lines).toEqual(["0 interrupt of task"])
        })
      )
    )

    it.effect("a hook that dies neither stops the others nor loses the cancel (K15, K16, S1x-34)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const task = yield* started(
            Effect.gen(function* () {
              yield* Task.onCancel(() => journal.note("one"))
              yield* Task.onCancel(() => Effect.die("hook"))
              yield* Effect.never
            })
          )
          expect((yield* Task.cancel(task, ann))._tag).toBe("Cancelled")
          expect(journal.lines).toEqual(["0 one"])
          expect((yield* Task.await(task)).cleanupFailures).toHaveLength(1)
        })
      )
    )

    it.effect("outside of any task it does nothing (K18)", () => leakChecked(Task.onCancel(() => Effect.die("never"))))
  })

  describe("requested", () => {
    it.effect(
      "the flag, the awaitable and the signal tell at the request, the signal with an AbortError (K12, K20)",
      () =>
        leakChecked(
          Effect.gen(function* () {
            const journal = new Journal()
            const aborted = yield* Deferred.make<unknown>()
            const task = yield* started(
              Effect.gen(function* () {
                const signal = yield* Task.signal
                signal.addEventListener("abort", () => Effect.runSync(Deferred.succeed(aborted, signal.reason)))
                expect(signal.aborted).toBe(false)
                expect(Option.isNone(yield* Task.requested)).toBe(true)
                const reason = yield* Task.awaitRequest
                yield* journal.note(textOf(reason))
                expect(Option.isNone(yield* CancelReason.current)).toBe(true)
                expect(Option.getOrThrow(yield* Task.requested)).toBe(reason)
                yield* Effect.sleep(10)
              })
            )
            const fiber = yield* Effect.forkChild(Task.cancel(task, { ...ann, grace: 20 }))
            yield* settle
            const error = (yield* Deferred.await(aborted)) as CancelAbortError
            expect(error.name).toBe("AbortError")
            expect(textOf(error.reason)).toBe("request by ann of task")
            yield* TestClock.adjust(20)
            expect((yield* Fiber.join(fiber))._tag).toBe("AlreadyCompleted")
            expect(journal.lines).toEqual(["0 request by ann of task"])
          })
        )
    )

    it.effect("a child deep below sees the request of its ancestor: flag, awaitable and signal (K12, K18)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const task = yield* started(
            Nursery.run("n", (nursery: Nursery.Nursery<unknown>) =>
              nursery.spawn(
                "child",
                Effect.gen(function* () {
                  const signal = yield* Task.signal
                  const reason = yield* Task.awaitRequest
                  yield* journal.note(`${textOf(reason)} ${signal.aborted}`)
                })
              )
            )
          )
          expect((yield* Task.cancel(task, { ...ann, grace: 20 }))._tag).toBe("AlreadyCompleted")
          expect(journal.lines).toEqual(["0 request by ann of task true"])
        })
      )
    )

    it.effect("a signal made after the request is aborted from the start (K20)", () =>
      leakChecked(
        Effect.gen(function* () {
          const task = yield* started(
            Effect.andThen(
              Task.awaitRequest,
              Effect.map(Task.signal, (signal) => signal.aborted)
            )
          )
          yield* Task.cancel(task, { ...ann, grace: 20 })
          expect(yield* Task.join(task)).toBe(true)
        })
      )
    )

    it.effect("outside of any task nothing is requested and the wait is for ever (K12)", () =>
      leakChecked(
        Effect.gen(function* () {
          expect(Option.isNone(yield* Task.requested)).toBe(true)
          const fiber = yield* Effect.forkChild(Effect.timeoutOption(Task.awaitRequest, 10))
          yield* TestClock.adjust(10)
          expect(Option.isNone(yield* Fiber.join(fiber))).toBe(true)
        })
      )
    )
  })

  describe("partial", () => {
    it.effect("the latest partial result stands on a Cancelled outcome only (K17)", () =>
      leakChecked(
        Effect.gen(function* () {
          const body = Effect.andThen(Task.partial({ done: 1 }), Task.partial({ done: 2 }))
          const cancelled = yield* started(Effect.andThen(body, Effect.never))
          yield* Task.cancel(cancelled)
          expect(yield* Task.await(cancelled)).toMatchObject({ _tag: "Cancelled", partial: { done: 2 } })
          expect(yield* Task.await(yield* started(body))).not.toHaveProperty("partial")
          const none = yield* started(Effect.never)
          yield* Task.cancel(none)
          expect(yield* Task.await(none)).not.toHaveProperty("partial")
        })
      )
    )

    it.effect("a partial that is said in a finalizer counts, one of undefined too (K17)", () =>
      leakChecked(
        Effect.gen(function* () {
          const late = yield* started(Effect.onInterrupt(Effect.never, () => Task.partial("late")))
          yield* Task.cancel(late)
          expect(yield* Task.await(late)).toMatchObject({ partial: "late" })
          const empty = yield* started(Effect.andThen(Task.partial(undefined), Effect.never))
          yield* Task.cancel(empty)
          expect(yield* Task.await(empty)).toHaveProperty("partial", undefined)
        })
      )
    )
  })

  describe("commit", () => {
    it.effect("a cancel during it waits, and the task is Completed (K9, S1x-27)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const task = yield* started(Task.commit(save(journal), { within: 100 }))
          yield* TestClock.adjust(10)
          const fiber = yield* Effect.forkChild(Task.cancel(task, ann))
          yield* settle
          expect(fiber.pollUnsafe()).toBeUndefined()
          yield* TestClock.adjust(10)
          expect(yield* Fiber.join(fiber)).toEqual({ _tag: "AlreadyCompleted", id: "task", duringGrace: true })
          expect(yield* Task.join(task)).toBe("saved")
        })
      )
    )

    it.effect("a cancel before it means that nothing is saved (K9)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const task = yield* started(
            Effect.uninterruptible(Effect.andThen(Effect.sleep(20), Task.commit(save(journal), { within: 100 })))
          )
          yield* TestClock.adjust(10)
          const fiber = yield* Effect.forkChild(Task.cancel(task, ann))
          yield* TestClock.adjust(100)
          expect((yield* Fiber.join(fiber))._tag).toBe("Cancelled")
          expect(journal.lines).toEqual([])
        })
      )
    )

    it.effect("a commit in the grace of a cancel is done and Completed (K9, K12)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const task = yield* started(
            Effect.andThen(Task.awaitRequest, Task.commit(save(journal, 80), { within: 200 }))
          )
          const fiber = yield* Effect.forkChild(Task.cancel(task, { ...ann, grace: 1000 }))
          yield* settle
          yield* TestClock.adjust(80)
          expect((yield* Fiber.join(fiber))._tag).toBe("AlreadyCompleted")
        })
      )
    )

    it.effect(
      "it outlasts the end of a grace (K9, K12)",
      () =>
        leakChecked(
          Effect.gen(function* () {
            const journal = new Journal()
            const task = yield* started(Task.commit(save(journal, 80), { within: 200 }))
            const fiber = yield* Effect.forkChild(Task.cancel(task, { ...ann, grace: 20 }))
            yield* settle
            yield* TestClock.adjust(80)
            expect((yield* Fiber.join(fiber))._tag).toBe("AlreadyCompleted")
            expect(journal.lines).toEqual(["80 saved"])
          })
        ),
      2000
    )

    it.effect(
      "it outlasts grace and giveUp together (K9, K12)",
      () =>
        leakChecked(
          Effect.gen(function* () {
            const journal = new Journal()
            const task = yield* started(Task.commit(save(journal, 80), { within: 200 }))
            const fiber = yield* Effect.forkChild(Task.cancel(task, { ...ann, grace: 20, giveUp: 40 }))
            yield* settle
            yield* TestClock.adjust(80)
            expect((yield* Fiber.join(fiber))._tag).toBe("AlreadyCompleted")
            expect(yield* Stragglers.list).toEqual([])
          })
        ),
      2000
    )

    it.effect(
      "it withholds giveUp (K9)",
      () =>
        leakChecked(
          Effect.gen(function* () {
            const journal = new Journal()
            const task = yield* started(Task.commit(save(journal, 80), { within: 200 }))
            const fiber = yield* Effect.forkChild(Task.cancel(task, { ...ann, giveUp: 20 }))
            yield* settle
            yield* TestClock.adjust(80)
            expect((yield* Fiber.join(fiber))._tag).toBe("AlreadyCompleted")
            expect(yield* Stragglers.list).toEqual([])
          })
        ),
      2000
    )

    it.effect("a cancel of an ancestor waits for the commit below (K9)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          let child: Task.Task<string, Task.CommitTimedOut> | undefined
          const task = yield* started(
            Nursery.run("n", (nursery: Nursery.Nursery<Task.CommitTimedOut>) =>
              Effect.gen(function* () {
                child = yield* nursery.spawn("child", Task.commit(save(journal), { within: 100 }))
                yield* nursery.spawn("other", journal.watch("other", Effect.never))
              })
            )
          )
          yield* TestClock.adjust(10)
          const fiber = yield* Effect.forkChild(Task.cancel(task, { ...ann, giveUp: 15 }))
          yield* TestClock.adjust(5)
          expect(journal.lines).toEqual(["10 other: request by ann of task"])
          yield* TestClock.adjust(5)
          expect((yield* Fiber.join(fiber))._tag).toBe("Cancelled")
          expect((yield* Task.await(child!))._tag).toBe("Completed")
        })
      )
    )

    it.effect("a save that fails is Failed with its error, and the cancel that waited is AlreadyFailed (K9)", () =>
      leakChecked(
        Effect.gen(function* () {
          const task = yield* started(
            Task.commit(Effect.andThen(Effect.sleep(20), Effect.fail("disk full")), { within: 100 })
          )
          const fiber = yield* Effect.forkChild(Task.cancel(task, ann))
          yield* TestClock.adjust(20)
          expect(yield* Fiber.join(fiber)).toEqual({ _tag: "AlreadyFailed", id: "task", duringGrace: true })
          const outcome = yield* Task.await(task)
          expect(outcome._tag === "Failed" && outcome.cause).toEqual(Cause.fail("disk full"))
        })
      )
    )

    it.effect("a save that takes longer than `within` is Failed with CommitTimedOut, and stopped (K9)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const task = yield* started(
            Task.commit(
              Effect.onInterrupt(Effect.never, () => journal.note("stopped")),
              { within: 50 }
            )
          )
          const fiber = yield* Effect.forkChild(Task.cancel(task, ann))
          yield* TestClock.adjust(50)
          expect((yield* Fiber.join(fiber))._tag).toBe("AlreadyFailed")
          const error = yield* Effect.flip(Task.join(task))
          expect(error).toBeInstanceOf(Task.CommitTimedOut)
          expect(journal.lines).toEqual(["50 stopped"])
        })
      )
    )

    it.effect("the scope of the task still closes after it (K9, K15)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const task = yield* started(
            Effect.andThen(
              Effect.addFinalizer(() => journal.note("closed")),
              Task.commit(save(journal), { within: 100 })
            )
          )
          const fiber = yield* Effect.forkChild(Task.cancel(task, ann))
          yield* TestClock.adjust(20)
          yield* Fiber.join(fiber)
          expect(journal.lines).toEqual(["20 saved", "20 closed"])
        })
      )
    )

    it.effect("twice in a row both save, and a cancel waits for the second too (K9)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const task = yield* started(
            Effect.andThen(Task.commit(save(journal), { within: 100 }), Task.commit(save(journal), { within: 100 }))
          )
          const fiber = yield* Effect.forkChild(Task.cancel(task, ann))
          yield* TestClock.adjust(40)
          expect((yield* Fiber.join(fiber))._tag).toBe("AlreadyCompleted")
          expect(journal.lines).toEqual(["20 saved", "40 saved"])
        })
      )
    )

    it.effect("on a fiber that is not the task's own it is a defect and saves nothing (K9)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const commit = Task.commit(save(journal, 0), { within: 100 })
          const wrong = [
            Effect.all([commit, Effect.void], { concurrency: 2 }),
            Effect.raceFirst(commit, Effect.never),
            Effect.timeout(commit, 100),
            Nursery.run("n", () => commit)
          ]
          for (const effect of wrong) {
            const outcome = yield* Task.await(yield* started(effect as Effect.Effect<unknown, unknown>))
            expect(outcome._tag === "Failed" && Cause.hasDies(outcome.cause)).toBe(true)
          }
          const outside = yield* Effect.exit(commit)
          expect(Exit.isFailure(outside) && Cause.hasDies(outside.cause)).toBe(true)
          expect(journal.lines).toEqual([])
        })
      )
    )
  })

  describe("at the edge", () => {
    it.effect("what the fiber still does in the turn in which its grace ends is in time (K12)", () =>
      leakChecked(
        Effect.gen(function* () {
          const task = yield* started(
            Effect.andThen(Effect.andThen(Effect.sleep(100), Effect.yieldNow), Effect.yieldNow)
          )
          const asking = yield* Effect.forkChild(Task.cancel(task, { ...ann, grace: 100 }))
          yield* TestClock.adjust(100)
          expect(yield* Fiber.join(asking)).toEqual({ _tag: "AlreadyCompleted", id: "task", duringGrace: true })
        })
      )
    )

    it.effect(
      "a task that ends at the instant of its grace has ended in time, also if its timer is the younger (K12)",
      () =>
        leakChecked(
          Effect.gen(function* () {
            const task = yield* started(Effect.as(Effect.andThen(Task.awaitRequest, Effect.sleep(100)), "value"))
            const asking = yield* Effect.forkChild(Task.cancel(task, { ...ann, grace: 100 }))
            yield* TestClock.adjust(100)
            expect(yield* Fiber.join(asking)).toEqual({ _tag: "AlreadyCompleted", id: "task", duringGrace: true })
          })
        )
    )

    it.effect("a later call never puts giveUp off (K8, K12)", () =>
      leakChecked(
        Effect.gen(function* () {
          const task = yield* started(Effect.onInterrupt(Effect.never, () => Effect.sleep(500)))
          yield* Effect.forkChild(Task.cancel(task, { ...ann, giveUp: 100 }))
          yield* TestClock.adjust(50)
          yield* Effect.forkChild(Task.cancel(task, { ...bob, giveUp: 300 }))
          yield* TestClock.adjust(49)
          expect(Option.isNone(yield* Task.poll(task))).toBe(true)
          yield* TestClock.adjust(1)
          expect(Option.getOrThrow(yield* Task.poll(task))).toMatchObject({ _tag: "Cancelled", how: "abandoned" })
          yield* TestClock.adjust(400)
        })
      )
    )

    it.effect("however often it is asked there is one timer, and none when it has ended (K8, K45)", () =>
      leakChecked((leaks) =>
        Effect.gen(function* () {
          const task = yield* started(Effect.andThen(Task.awaitRequest, Effect.sleep(10)))
          const before = leaks.fibers
          for (const grace of [1000, 900, 800]) yield* Task.requestCancel(task, { ...ann, grace })
          yield* settle
          expect(leaks.fibers).toBe(before + 1)
          yield* TestClock.adjust(10)
          yield* settle
          expect(yield* Task.poll(task)).toMatchObject({ value: { _tag: "Completed" } })
          expect(leaks.fibers).toBe(before - 1)
        })
      )
    )

    it.effect("tasks that are cancelled together are all told before anybody waits (K4)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const one = yield* started(journal.watch("one", Effect.never, Effect.sleep(30)), "one")
          const two = yield* started(journal.watch("two", Effect.never, Effect.sleep(30)), "two")
          const asking = yield* Effect.forkChild(Task.cancelAll([one, two], ann))
          yield* TestClock.adjust(30)
          expect((yield* Fiber.join(asking)).map(({ _tag }) => _tag)).toEqual(["Cancelled", "Cancelled"])
          expect(journal.lines.slice(0, 2)).toEqual(["0 one: request by ann of one", "0 two: request by ann of two"])
        })
      )
    )

    it.effect("each of several can have its own reason and policy, and all are told in one step (K4, K12, K36)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const polite = Effect.andThen(Task.awaitRequest, Effect.as(Effect.sleep(20), "wound up"))
          const one = yield* started(journal.watch("one", Effect.never), "one")
          const two = yield* started(journal.watch("two", polite), "two")
          const three = yield* started(journal.watch("three", polite), "three")
          const asking = yield* Effect.forkChild(
            Task.cancelAll([one, two, three, one], ({ name }, index) =>
              name === "two" ? { ...bob, grace: 30 } : { reason: CancelReason.request({ by: `ann ${index}` }) }
            )
          )
          yield* TestClock.adjust(20)
          expect(yield* Fiber.join(asking)).toMatchObject([
            { _tag: "Cancelled", reason: { by: "ann 0" } },
            { _tag: "AlreadyCompleted", duringGrace: true },
            { _tag: "Cancelled", reason: { by: "ann 2" } },
            { _tag: "AlreadyCancelled", reason: { by: "ann 0" } }
          ])
          expect(journal.lines).toEqual([
            "0 one: request by ann 0 of one",
            "0 three: request by ann 2 of three",
            "20 two: done"
          ])
          const broken = yield* Effect.exit(
            Task.cancelAll([yield* started(Effect.never, "four")], () => {
              throw new Error("no policy")
            })
          )
          expect(broken._tag === "Failure" && Cause.pretty(broken.cause)).toContain("no policy")
        })
      )
    )

    it.effect("several can be asked without waiting for any: Requested, or how it had ended (K4, K8)", () =>
      leakChecked(
        Effect.gen(function* () {
          const slow = Effect.onInterrupt(Effect.never, () => Effect.sleep(30))
          const one = yield* started(slow, "one")
          const quick = yield* started(Effect.never, "quick")
          const done = yield* started(Effect.void, "done")
          expect((yield* Task.requestCancelAll([one, quick, done], ann)).map(({ _tag }) => _tag)).toEqual([
            "Requested",
            "Requested",
            "AlreadyCompleted"
          ])
          yield* TestClock.adjust(30)
          expect((yield* Task.requestCancelAll([one, quick], bob)).map(({ _tag }) => _tag)).toEqual([
            "AlreadyCancelled",
            "AlreadyCancelled"
          ])
        })
      )
    )

    it.effect("a request to a task that was cancelled and has ended tells how it ended (K8)", () =>
      leakChecked(
        Effect.gen(function* () {
          const task = yield* started(Effect.never)
          yield* Task.cancel(task, ann)
          expect(yield* Task.requestCancel(task, bob)).toMatchObject({
            _tag: "AlreadyCancelled",
            how: "interrupted",
            reason: { by: "ann" }
          })
        })
      )
    )

    it.effect("a cancel that comes while a failed task closes its scope changes nothing (K9)", () =>
      leakChecked(
        Effect.gen(function* () {
          const closing = Effect.addFinalizer(() => Effect.sleep(100))
          const task = yield* started(Effect.andThen(closing, Effect.fail("no")))
          const asking = yield* Effect.forkChild(Task.cancel(task, ann))
          yield* TestClock.adjust(100)
          expect(yield* Fiber.join(asking)).toEqual({ _tag: "AlreadyFailed", id: "task", duringGrace: true })
          const outcome = yield* Task.await(task)
          expect(outcome._tag === "Failed" && Cause.squash(outcome.cause)).toBe("no")
        })
      )
    )

    it.effect("a hook of onCancel does not run when the task finishes in its grace (K9, K12)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const task = yield* started(
            Effect.andThen(
              Task.onCancel(() => journal.note("hook")),
              Task.awaitRequest
            )
          )
          expect((yield* Task.cancel(task, { ...ann, grace: 100 }))._tag).toBe("AlreadyCompleted")
          expect(journal.lines).toEqual([])
        })
      )
    )

    it.effect("what a straggler does changes nothing of its outcome (K12, K16, K17)", () =>
      leakChecked(
        Effect.gen(function* () {
          const task = yield* started(
            Effect.andThen(
              Task.partial("half"),
              Effect.onInterrupt(Effect.never, () =>
                Effect.andThen(Effect.andThen(Effect.sleep(50), Task.partial("all")), Effect.die("messy"))
              )
            )
          )
          yield* Task.cancel(task, { ...ann, giveUp: 0 })
          const outcome = yield* Task.await(task)
          const told = { ...outcome, cleanupFailures: [...outcome.cleanupFailures] }
          expect(told).toMatchObject({ how: "abandoned", partial: "half", cleanupFailures: [] })
          yield* TestClock.adjust(50)
          expect(outcome).toEqual(told)
          // Whoever reads it now learns of that clean-up too; all else is what was decided.
          const { cleanupFailures, ...later } = yield* Task.await(task)
          expect({ ...later, cleanupFailures: [] }).toEqual(told)
          expect(cleanupFailures).toHaveLength(1)
        })
      )
    )

    it.effect("two tasks whose scopes close by cancelling each other do not hang (K13)", () =>
      leakChecked(
        Effect.gen(function* () {
          const nursery = yield* Nursery.make("top")
          const tasks: Record<string, Task.Task<never>> = {}
          const cancelling = (other: string) =>
            Effect.andThen(
              Effect.addFinalizer(() => Effect.suspend(() => Task.cancel(tasks[other]!, bob))),
              Effect.never
            )
          tasks["a"] = yield* nursery.spawn("a", cancelling("b"))
          tasks["b"] = yield* nursery.spawn("b", cancelling("a"))
          yield* settle
          const asking = yield* Effect.forkChild(Task.cancel(tasks["a"], ann))
          yield* settle
          expect(asking.pollUnsafe()).toBeDefined()
        })
      )
    )

    it.effect("a canceller that stops waiting no longer counts as one that waits (K13)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const cleanUp = Effect.suspend(() =>
            Effect.flatMap(Task.cancel(asker, bob), ({ _tag }) => journal.note(_tag))
          )
          const slow = yield* started(
            Effect.onInterrupt(Effect.never, () => Effect.andThen(Effect.sleep(20), cleanUp)),
            "slow"
          )
          // Below the shield no cancel from above ends the wait; its time limit does.
          const limited = Effect.timeoutOption(Task.cancel(slow, ann), 10)
          const asker: Task.Task<void> = yield* started(
            Shield.run("shield", Effect.andThen(limited, Effect.sleep(40))),
            "asker"
          )
          yield* TestClock.adjust(50)
          expect(journal.lines).toEqual(["50 Cancelled"])
        })
      )
    )

    it.effect("joining a fiber of a task that was stopped does not give its reason to the joiner (K22)", () =>
      leakChecked(
        Effect.gen(function* () {
          const control = yield* Control.make("buttons")
          const forked = yield* Deferred.make<Fiber.Fiber<void>>()
          yield* started(
            Effect.andThen(
              Effect.flatMap(Effect.forkChild(Effect.andThen(Effect.sleep(10), control.gate)), (fiber) =>
                Deferred.succeed(forked, fiber)
              ),
              Effect.never
            ),
            "owner"
          )
          const joiner = yield* started(Effect.flatMap(Deferred.await(forked), Fiber.join), "joiner")
          yield* control.cancel(ann)
          yield* TestClock.adjust(10)
          const outcome = yield* Task.await(joiner)
          expect(outcome._tag === "Cancelled" && textOf(outcome.reason)).toBe("interrupt of joiner")
        })
      )
    )
  })
})
