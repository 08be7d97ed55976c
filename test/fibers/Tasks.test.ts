import { describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Layer from "effect/Layer"
import * as Context from "effect/Context"
import * as CancelReason from "../../src/fibers/CancelReason.ts"
import type { TaskNode } from "../../src/fibers/internal/taskNode.ts"
import * as Nursery from "../../src/fibers/Nursery.ts"
import * as Stragglers from "../../src/fibers/Stragglers.ts"
import * as Task from "../../src/fibers/Task.ts"
import { AlreadyRunning, Draining, Tasks, TaskNotFound, TooManyTasks } from "../../src/fibers/Tasks.ts"
import { Journal, textOf } from "../support/journal.ts"
import { leakChecked } from "../support/leaks.ts"
import { settle } from "../support/settle.ts"

const ann = { reason: CancelReason.request({ by: "ann" }) }

type Options = Parameters<typeof Tasks.layer>[0]

const withTasks = <A, E>(body: (tasks: Tasks["Service"]) => Effect.Effect<A, E, Scope.Scope>, options?: Options) =>
  leakChecked(Effect.flatMap(Tasks, body).pipe(Effect.scoped, Effect.provide(Tasks.layer(options))))

const slow = (time: number): Effect.Effect<never> => Effect.onInterrupt(Effect.never, () => Effect.sleep(time))

const follow = (tasks: Tasks["Service"], id = "id") =>
  Effect.forkChild(Effect.map(Stream.runCollect(tasks.events(id)), (events) => events.map(({ _tag }) => _tag)))

describe("Tasks", () => {
  describe("start", () => {
    it.effect("a running id is AlreadyRunning, and the newcomer's body never runs (K37)", () =>
      withTasks((tasks) =>
        Effect.gen(function* () {
          let ran = false
          const newcomer = Effect.sync(() => {
            ran = true
          })
          yield* tasks.start("id", slow(10))
          const waiting = yield* Effect.flip(tasks.start("id", newcomer))
          yield* settle
          const running = yield* Effect.flip(tasks.start("id", newcomer))
          yield* tasks.requestCancel("id")
          const cancelling = yield* Effect.flip(tasks.start("id", newcomer))
          for (const error of [waiting, running, cancelling]) expect(error).toBeInstanceOf(AlreadyRunning)
          expect([waiting, running, cancelling].map((error) => (error as AlreadyRunning).state)).toEqual([
            "running",
            "running",
            "cancelling"
          ])
          yield* TestClock.adjust(10)
          expect(ran).toBe(false)
        })
      )
    )

    it.effect("a straggling id is AlreadyRunning until its real end, then free (K37)", () =>
      withTasks((tasks) =>
        Effect.gen(function* () {
          yield* tasks.start("id", slow(100))
          yield* settle
          yield* tasks.cancel("id", { giveUp: 0 })
          expect(yield* Effect.flip(tasks.start("id", Effect.void))).toMatchObject({
            _tag: "AlreadyRunning",
            state: "straggling"
          })
          expect((yield* tasks.info("id")).pipe(Option.map(({ state }) => state))).toEqual(Option.some("straggling"))
          yield* TestClock.adjust(100)
          expect((yield* tasks.info("id")).pipe(Option.map(({ state }) => state))).toEqual(Option.some("cancelled"))
          const task = yield* tasks.start("id", Effect.succeed("second"))
          expect(task.attempt).toBe(2)
          expect(yield* Task.join(task)).toBe("second")
        })
      )
    )

    it.effect("an ended id starts a new attempt that replaces the record (K37)", () =>
      withTasks((tasks) =>
        Effect.gen(function* () {
          const first = yield* tasks.start("id", Effect.fail("no"))
          expect((yield* Task.await(first))._tag).toBe("Failed")
          const second = yield* tasks.start("id", Effect.succeed(2))
          expect([first.attempt, second.attempt]).toEqual([1, 2])
          expect(yield* tasks.await("id")).toMatchObject({ _tag: "Completed", value: 2 })
          expect((yield* tasks.list).map(({ id, attempt, state }) => [id, attempt, state])).toEqual([
            ["id", 2, "completed"]
          ])
          // The old handle still answers for the old attempt.
          expect((yield* Task.await(first))._tag).toBe("Failed")
          expect((yield* Task.cancel(first))._tag).toBe("AlreadyFailed")
        })
      )
    )

    it.effect("startIfMissing returns a running and an ended task unstarted (K37)", () =>
      withTasks((tasks) =>
        Effect.gen(function* () {
          let ran = 0
          const body = Effect.andThen(
            Effect.sync(() => {
              ran++
            }),
            Effect.sleep(10)
          )
          const first = yield* tasks.startIfMissing("id", body)
          const second = yield* tasks.startIfMissing("id", body)
          yield* settle
          yield* TestClock.adjust(10)
          const third = yield* tasks.startIfMissing("id", body)
          expect([first.started, second.started, third.started]).toEqual([true, false, false])
          expect(second.task).toBe(first.task)
          expect(third.task).toBe(first.task)
          yield* settle
          expect(ran).toBe(1)
        })
      )
    )

    it.effect("over the limit it is TooManyTasks, and an end frees a place (K37)", () =>
      withTasks(
        (tasks) =>
          Effect.gen(function* () {
            yield* tasks.start("a", Effect.sleep(10))
            yield* tasks.start("b", Effect.sleep(20))
            const error = yield* Effect.flip(tasks.start("c", Effect.void))
            expect(error).toBeInstanceOf(TooManyTasks)
            expect(yield* Effect.flip(tasks.startIfMissing("c", Effect.void))).toBeInstanceOf(TooManyTasks)
            // The one that is there already is not a new one.
            expect((yield* tasks.startIfMissing("a", Effect.void)).started).toBe(false)
            expect(Option.isNone(yield* tasks.get("c"))).toBe(true)
            yield* settle
            yield* TestClock.adjust(10)
            yield* tasks.start("c", Effect.void)
            yield* TestClock.adjust(10)
          }),
        { maxRunning: 2 }
      )
    )

    it.effect("the caller's cancel does not reach a task that it started (K37)", () =>
      withTasks((tasks) =>
        Effect.gen(function* () {
          const journal = new Journal()
          const top = yield* Nursery.make("top")
          const caller = yield* top.spawn(
            "caller",
            Effect.andThen(Effect.orDie(tasks.start("job", journal.watch("job", Effect.sleep(20)))), Effect.never)
          )
          yield* tasks.start(
            "outer",
            Effect.andThen(tasks.start("inner", journal.watch("inner", Effect.sleep(20))), Effect.never)
          )
          yield* settle
          yield* Task.cancel(caller)
          yield* tasks.cancel("outer")
          yield* TestClock.adjust(20)
          expect(journal.lines).toEqual(["20 job: done", "20 inner: done"])
        })
      )
    )

    it.effect("a task never gets the starter's scope (K27)", () =>
      withTasks((tasks) =>
        Effect.gen(function* () {
          const journal = new Journal()
          const task = yield* Effect.scoped(
            Effect.gen(function* () {
              const mine = yield* Effect.scope
              return yield* tasks.start(
                "job",
                Effect.gen(function* () {
                  expect(yield* Effect.scope).not.toBe(mine)
                  yield* Effect.addFinalizer(() => journal.note("closed"))
                  yield* Effect.sleep(10)
                })
              )
            })
          )
          yield* settle
          expect(journal.lines).toEqual([])
          yield* TestClock.adjust(10)
          expect((yield* Task.await(task))._tag).toBe("Completed")
          expect(journal.lines).toEqual(["10 closed"])
        })
      )
    )

    it.effect("a cancel in the tick of the start finds the task, and its record says so (K10, S1-39, S1-41)", () =>
      withTasks((tasks) =>
        Effect.gen(function* () {
          let ran = 0
          for (let id = 0; id < 1000; id++) {
            // A fresh budget of operations: the cancel comes in the very turn of the start.
            yield* Effect.yieldNow
            yield* tasks.start(
              `${id}`,
              Effect.sync(() => {
                ran++
              }),
              { history: 8 }
            )
            expect((yield* tasks.cancel(`${id}`, ann))._tag).toBe("Cancelled")
          }
          yield* settle
          expect(ran).toBe(0)
          const list = yield* tasks.list
          expect(list).toHaveLength(1000)
          expect(list.every(({ state, startedAt }) => state === "cancelled" && Option.isNone(startedAt))).toBe(true)
          const events = yield* Stream.runCollect(tasks.events("7"))
          expect(events.map(({ _tag, seq }) => [_tag, seq])).toEqual([
            ["CancelRequested", 1],
            ["Cancelled", 2]
          ])
        })
      )
    )
  })

  describe("cancel", () => {
    it.effect("an unknown id is NotFound, which is never remembered (K10, S1-20, S1-28)", () =>
      withTasks((tasks) =>
        Effect.gen(function* () {
          expect(yield* tasks.cancel("99999")).toEqual({ _tag: "NotFound", id: "99999" })
          expect(yield* tasks.requestCancel("99999")).toEqual({ _tag: "NotFound", id: "99999" })
          expect(yield* Effect.flip(tasks.await("99999"))).toBeInstanceOf(TaskNotFound)
          expect(Option.isNone(yield* tasks.get("99999"))).toBe(true)
          const task = yield* tasks.start("99999", Effect.succeed(1))
          expect(yield* Task.join(task)).toBe(1)
        })
      )
    )

    it.effect(
      "running, ended and unknown are told apart, and a second cancel changes nothing (S1-18, S1-24, S1-26)",
      () =>
        withTasks((tasks) =>
          Effect.gen(function* () {
            yield* tasks.start("run", Effect.never)
            yield* tasks.start("done", Effect.succeed(1))
            yield* settle
            const before = yield* tasks.info("done")
            const tags = []
            for (const id of ["run", "run", "run", "done", "none"]) tags.push((yield* tasks.cancel(id, ann))._tag)
            expect(tags).toEqual(["Cancelled", "AlreadyCancelled", "AlreadyCancelled", "AlreadyCompleted", "NotFound"])
            expect(yield* tasks.info("done")).toEqual(before)
          })
        )
    )

    it.effect("a task may cancel itself by its id (K13)", () =>
      withTasks((tasks) =>
        Effect.gen(function* () {
          const task = yield* tasks.start("self", Effect.andThen(tasks.cancel("self", ann), Effect.never))
          expect(yield* Task.await(task)).toMatchObject({ _tag: "Cancelled", reason: { by: "ann", scope: "self" } })
        })
      )
    )
  })

  describe("retention", () => {
    it.effect("ended records are kept for the time of the layer (K37)", () =>
      withTasks(
        (tasks) =>
          Effect.gen(function* () {
            yield* tasks.start("a", Effect.succeed(1))
            yield* settle
            yield* TestClock.adjust("1 minute")
            expect((yield* tasks.list).map(({ id }) => id)).toEqual(["a"])
            yield* TestClock.adjust(1)
            expect(yield* tasks.list).toEqual([])
            expect((yield* tasks.cancel("a"))._tag).toBe("NotFound")
            // Forgotten altogether: the next is a first attempt.
            expect((yield* tasks.start("a", Effect.void)).attempt).toBe(1)
          }),
        { retention: { time: "1 minute" } }
      )
    )

    it.effect("at most `count` ended records are kept, the latest ended ones, and running ones never count (K37)", () =>
      withTasks(
        (tasks) =>
          Effect.gen(function* () {
            yield* tasks.start("runs", Effect.never)
            yield* tasks.start("ends last", Effect.sleep(50))
            for (const id of ["a", "b", "c"]) {
              yield* tasks.start(id, Effect.void)
              yield* settle
            }
            yield* TestClock.adjust(50)
            expect((yield* tasks.list).map(({ id }) => id)).toEqual(["runs", "ends last", "c"])
          }),
        { retention: { count: 2 } }
      )
    )

    it.effect("a straggler is never forgotten before its real end (K37)", () =>
      withTasks(
        (tasks) =>
          Effect.gen(function* () {
            yield* tasks.start("old", slow(1000))
            yield* settle
            yield* tasks.cancel("old", { giveUp: 0 })
            yield* TestClock.adjust(500)
            expect(yield* Effect.flip(tasks.start("old", Effect.void))).toMatchObject({ state: "straggling" })
            yield* TestClock.adjust(500)
            expect(yield* tasks.list).toEqual([])
          }),
        { retention: { time: 10, count: 0 } }
      )
    )

    it.effect("with a count of zero a waiter still gets its outcome (K37)", () =>
      withTasks(
        (tasks) =>
          Effect.gen(function* () {
            const task = yield* tasks.start("a", Effect.succeed(1))
            expect(yield* Task.join(task)).toBe(1)
            expect(yield* tasks.list).toEqual([])
          }),
        { retention: { count: 0 } }
      )
    )
  })

  describe("drain", () => {
    it.effect("cancels all at once with shutdown, waits, and reports by outcome (K37)", () =>
      withTasks((tasks) =>
        Effect.gen(function* () {
          const journal = new Journal()
          yield* tasks.start("a", journal.watch("a", Effect.never, Effect.sleep(30)))
          yield* tasks.start("b", journal.watch("b", Effect.never, Effect.sleep(40)))
          yield* tasks.start("ended", Effect.void)
          yield* settle
          const fiber = yield* Effect.forkChild(tasks.drain())
          yield* TestClock.adjust(100)
          const report = yield* Fiber.join(fiber)
          expect(report).toMatchObject({ completed: [], failed: [], cancelled: ["a", "b"], abandoned: [] })
          expect(Duration.toMillis(report.took)).toBe(40)
          expect(journal.lines).toEqual([
            "0 a: shutdown of a",
            "0 b: shutdown of b",
            "30 a: cleaned up",
            "40 b: cleaned up"
          ])
          expect(yield* tasks.draining).toBe(true)
        })
      )
    )

    it.effect("starts nothing any more (K37, S1x-24)", () =>
      withTasks((tasks) =>
        Effect.gen(function* () {
          yield* tasks.start("a", slow(10))
          yield* settle
          const fiber = yield* Effect.forkChild(tasks.drain())
          yield* settle
          expect(yield* Effect.flip(tasks.start("b", Effect.void))).toBeInstanceOf(Draining)
          expect(yield* Effect.flip(tasks.startIfMissing("b", Effect.void))).toBeInstanceOf(Draining)
          // What is there is still found.
          expect((yield* tasks.startIfMissing("a", Effect.void)).started).toBe(false)
          yield* TestClock.adjust(10)
          yield* Fiber.join(fiber)
          expect(yield* Effect.flip(tasks.start("b", Effect.void))).toBeInstanceOf(Draining)
        })
      )
    )

    it.effect("lets tasks finish first, for `finish` (K37)", () =>
      withTasks((tasks) =>
        Effect.gen(function* () {
          const journal = new Journal()
          yield* tasks.start("quick", journal.watch("quick", Effect.sleep(30)))
          yield* tasks.start("bad", Effect.andThen(Effect.sleep(10), Effect.fail("no")))
          yield* tasks.start("slow", journal.watch("slow", Effect.never, Effect.sleep(5)))
          yield* settle
          const fiber = yield* Effect.forkChild(tasks.drain({ finish: 50 }))
          yield* TestClock.adjust(55)
          expect(yield* Fiber.join(fiber)).toMatchObject({
            completed: ["quick"],
            failed: ["bad"],
            cancelled: ["slow"],
            abandoned: []
          })
          expect(journal.lines).toEqual(["30 quick: done", "50 slow: shutdown of slow", "55 slow: cleaned up"])
        })
      )
    )

    it.effect("grace and giveUp hold for each task, and what is cut off is reported and listed (K37, S1x-18)", () =>
      withTasks((tasks) =>
        Effect.gen(function* () {
          yield* tasks.start("polite", Effect.andThen(Task.awaitRequest, Effect.sleep(10)))
          yield* tasks.start("stuck", Effect.uninterruptible(Effect.sleep(1000)))
          yield* settle
          const fiber = yield* Effect.forkChild(tasks.drain({ grace: 20, giveUp: 50 }))
          yield* TestClock.adjust(50)
          const report = yield* Fiber.join(fiber)
          expect(report).toMatchObject({ completed: ["polite"], cancelled: [], abandoned: ["stuck"] })
          expect(Duration.toMillis(report.took)).toBe(50)
          expect((yield* Stragglers.list).map(({ name, reason }) => [name, textOf(reason)])).toEqual([
            ["stuck", "shutdown of stuck"]
          ])
          yield* TestClock.adjust(1000)
        })
      )
    )

    it.effect("a second drain joins the first and may bring it forward (K37, S1x-20)", () =>
      withTasks((tasks) =>
        Effect.gen(function* () {
          const journal = new Journal()
          yield* tasks.start("a", journal.watch("a", Effect.never))
          yield* settle
          const first = yield* Effect.forkChild(tasks.drain({ finish: 100 }))
          yield* TestClock.adjust(10)
          const second = yield* Effect.forkChild(tasks.drain())
          yield* settle
          expect(yield* Fiber.join(first)).toEqual(yield* Fiber.join(second))
          expect(journal.lines).toEqual(["10 a: shutdown of a"])
          expect(yield* tasks.drain()).toMatchObject({ cancelled: ["a"] })
        })
      )
    )

    it.effect("a second drain that is more patient does not cut the first one's `finish` short (K8, K37)", () =>
      withTasks((tasks) =>
        Effect.gen(function* () {
          const journal = new Journal()
          yield* tasks.start("a", journal.watch("a", Effect.sleep(30)))
          yield* settle
          const first = yield* Effect.forkChild(tasks.drain({ finish: 100 }))
          yield* TestClock.adjust(10)
          const second = yield* Effect.forkChild(tasks.drain({ finish: 1000 }))
          yield* TestClock.adjust(20)
          yield* Fiber.joinAll([first, second])
          expect(journal.lines).toEqual(["30 a: done"])
        })
      )
    )

    it.effect("a drainer that leaves does not un-drain: the tasks are still cancelled (K13, K37)", () =>
      withTasks((tasks) =>
        Effect.gen(function* () {
          const journal = new Journal()
          yield* tasks.start("a", journal.watch("a", Effect.never))
          yield* settle
          const first = yield* Effect.forkChild(tasks.drain({ finish: 50 }))
          yield* TestClock.adjust(10)
          yield* Fiber.interrupt(first)
          yield* TestClock.adjust(40)
          yield* settle
          expect(journal.lines).toEqual(["50 a: shutdown of a"])
        })
      )
    )

    it.effect("with nothing running it is instant (K37, S1x-23)", () =>
      withTasks((tasks) =>
        Effect.map(tasks.drain({ finish: 1000, grace: 1000 }), (report) => {
          expect(report).toMatchObject({ completed: [], failed: [], cancelled: [], abandoned: [] })
          expect(Duration.toMillis(report.took)).toBe(0)
        })
      )
    )

    it.effect("the layer's end cancels with scope-closed, awaits, and starts nothing any more (K1, K5, K37)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const scope = yield* Scope.make()
          const tasks = Context.get(yield* Layer.buildWithScope(Tasks.layer(), scope), Tasks)
          yield* tasks.start("a", journal.watch("a", Effect.never, Effect.sleep(20)))
          yield* settle
          const fiber = yield* Effect.forkChild(Effect.andThen(Scope.close(scope, Exit.void), journal.note("closed")))
          yield* TestClock.adjust(20)
          yield* Fiber.join(fiber)
          expect(journal.lines).toEqual(["0 a: scope-closed of a", "20 a: cleaned up", "20 closed"])
          expect(Exit.isFailure(yield* Effect.exit(tasks.start("b", Effect.void)))).toBe(true)
        })
      )
    )
  })

  describe("events", () => {
    it.effect("are numbered from 1 without a gap, with one terminal event at the end (K38)", () =>
      withTasks((tasks) =>
        Effect.gen(function* () {
          yield* tasks.start(
            "id",
            Effect.gen(function* () {
              yield* Task.progress(0.5)
              yield* Task.output("a")
              yield* Effect.sleep(10)
              yield* Task.output("b")
              return "value"
            }),
            { history: 100 }
          )
          const fiber = yield* Effect.forkChild(Stream.runCollect(tasks.events("id")))
          yield* settle
          yield* TestClock.adjust(10)
          const events = yield* Fiber.join(fiber)
          expect(events.map((event) => [event.seq, event._tag, event.at.epochMilliseconds])).toEqual([
            [1, "Started", 0],
            [2, "Progress", 0],
            [3, "Output", 0],
            [4, "Output", 10],
            [5, "Completed", 10]
          ])
          expect(events.every(({ task, attempt }) => task === "id" && attempt === 1)).toBe(true)
        })
      )
    )

    it.effect(
      "a cancel shows its request and then Cancelled with the reason, once for many cancels (K38, S1-01, S1-24)",
      () =>
        withTasks((tasks) =>
          Effect.gen(function* () {
            yield* tasks.start("id", slow(10), { history: 100 })
            const fiber = yield* Effect.forkChild(Stream.runCollect(tasks.events("id")))
            yield* settle
            for (let call = 0; call < 3; call++) yield* tasks.requestCancel("id", ann)
            yield* TestClock.adjust(10)
            const events = yield* Fiber.join(fiber)
            expect(events.map(({ _tag }) => _tag)).toEqual(["Started", "CancelRequested", "Cancelled"])
            expect(events[2]).toMatchObject({ how: "interrupted", reason: { source: "request", by: "ann" } })
          })
        )
    )

    it.effect("a giveUp shows Straggling, then Cancelled, and nothing after the real end (K9, K12, K38)", () =>
      withTasks((tasks) =>
        Effect.gen(function* () {
          yield* tasks.start("id", Effect.andThen(Effect.uninterruptible(Effect.sleep(100)), Task.output("late")), {
            history: 100
          })
          yield* settle
          yield* Effect.forkChild(tasks.cancel("id", { ...ann, giveUp: 10 }))
          yield* TestClock.adjust(200)
          const events = yield* Stream.runCollect(tasks.events("id"))
          expect(events.map(({ _tag, seq }) => [_tag, seq])).toEqual([
            ["Started", 1],
            ["CancelRequested", 2],
            ["Straggling", 3],
            ["Cancelled", 4]
          ])
          expect(events[3]).toMatchObject({ how: "abandoned" })
        })
      )
    )

    it.effect("a late subscriber gets what is kept and the end; one past the terminal event gets nothing (K38)", () =>
      withTasks((tasks) =>
        Effect.gen(function* () {
          const task = yield* tasks.start("id", Effect.succeed(1), { history: 100 })
          yield* Task.await(task)
          expect((yield* Stream.runCollect(tasks.events("id"))).map(({ seq }) => seq)).toEqual([1, 2])
          expect((yield* Stream.runCollect(tasks.events("id", { after: 1 }))).map(({ seq }) => seq)).toEqual([2])
          expect(yield* Stream.runCollect(tasks.events("id", { after: 2 }))).toEqual([])
          expect(yield* Stream.runCollect(tasks.events("id", { after: 99 }))).toEqual([])
          expect(yield* Effect.flip(Stream.runCollect(tasks.events("none")))).toBeInstanceOf(TaskNotFound)
        })
      )
    )

    it.effect("a subscriber without history gets the state first and then all that follows (K38)", () =>
      withTasks((tasks) =>
        Effect.gen(function* () {
          yield* tasks.start(
            "id",
            Effect.andThen(Task.output("unheard"), Effect.andThen(Effect.sleep(10), Task.output("heard")))
          )
          yield* settle
          const fiber = yield* Effect.forkChild(Stream.runCollect(tasks.events("id")))
          yield* settle
          yield* TestClock.adjust(10)
          expect((yield* Fiber.join(fiber)).map(({ _tag, seq }) => [_tag, seq])).toEqual([
            ["Started", 1],
            ["Output", 2],
            ["Completed", 3]
          ])
          const ended = yield* tasks.start("ended", Effect.void)
          yield* Task.await(ended)
          expect((yield* Stream.runCollect(tasks.events("ended"))).map(({ _tag }) => _tag)).toEqual([
            "Started",
            "Completed"
          ])
        })
      )
    )

    it.effect("output is accepted in clean-up, up to the terminal event (K38)", () =>
      withTasks((tasks) =>
        Effect.gen(function* () {
          yield* tasks.start(
            "id",
            Effect.andThen(
              Effect.addFinalizer(() => Task.output("closing")),
              Effect.onInterrupt(Effect.never, () => Task.output("cleaning"))
            ),
            { history: 10 }
          )
          yield* settle
          yield* tasks.cancel("id")
          expect(
            (yield* Stream.runCollect(tasks.events("id"))).map((event) =>
              event._tag === "Output" ? event.value : event._tag
            )
          ).toEqual(["Started", "CancelRequested", "cleaning", "closing", "Cancelled"])
        })
      )
    )

    it.effect("a subscriber that throws, blocks or leaves hurts neither the task nor the others (K38, S1x-34)", () =>
      withTasks((tasks) =>
        Effect.gen(function* () {
          yield* tasks.start(
            "id",
            Effect.forEach([1, 2, 3], (value) => Effect.andThen(Effect.sleep(10), Task.output(value))),
            { history: 100 }
          )
          const events = tasks.events("id")
          const throws = yield* Effect.forkChild(Effect.exit(Stream.runForEach(events, () => Effect.die("bad reader"))))
          const blocks = yield* Effect.forkChild(Stream.runForEach(events, () => Effect.never))
          const leaves = yield* Effect.forkChild(Stream.runCollect(Stream.take(events, 1)))
          const good = yield* Effect.forkChild(Stream.runCollect(events))
          yield* settle
          yield* TestClock.adjust(30)
          expect((yield* tasks.await("id"))._tag).toBe("Completed")
          expect((yield* Fiber.join(good)).map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5])
          expect(yield* Fiber.join(leaves)).toHaveLength(1)
          expect(Exit.isFailure(yield* Fiber.join(throws))).toBe(true)
          yield* Fiber.interrupt(blocks)
        })
      )
    )

    it.effect(
      "the outcome is there when its event is read, and the task has left the live list when a waiter wakes (K38, S1-76)",
      () =>
        withTasks((tasks) =>
          Effect.gen(function* () {
            const seen: Array<unknown> = []
            const task = yield* tasks.start("id", Effect.sleep(10))
            const reader = yield* Effect.forkChild(
              Stream.runForEach(tasks.events("id"), (event) =>
                Effect.map(Task.poll(task), (outcome) => {
                  seen.push([event._tag, Option.isSome(outcome)])
                })
              )
            )
            const waiter = yield* Effect.forkChild(
              Effect.andThen(
                Task.await(task),
                Effect.map(tasks.info("id"), (info) => {
                  seen.push(["waiter", Option.getOrThrow(info).state])
                })
              )
            )
            yield* settle
            yield* TestClock.adjust(10)
            yield* Fiber.joinAll([reader, waiter])
            expect(seen).toContainEqual(["Started", false])
            expect(seen).toContainEqual(["Completed", true])
            expect(seen).toContainEqual(["waiter", "completed"])
          })
        )
    )

    it.effect("a bounded history keeps the latest and always the terminal event (K38)", () =>
      withTasks((tasks) =>
        Effect.gen(function* () {
          const task = yield* tasks.start(
            "id",
            Effect.forEach(
              Array.from({ length: 100 }, (_, index) => index),
              Task.output,
              { discard: true }
            ),
            { history: 4 }
          )
          yield* Task.await(task)
          const events = yield* Stream.runCollect(tasks.events("id"))
          const seqs = events.map(({ seq }) => seq)
          expect(events.at(-1)).toMatchObject({ _tag: "Completed", seq: 102 })
          expect(seqs).toEqual(seqs.map((_, index) => 102 - seqs.length + 1 + index))
          expect(seqs.length).toBeGreaterThanOrEqual(4)
          expect((yield* Stream.runCollect(tasks.events("id", { after: 100 }))).map(({ seq }) => seq)).toEqual([
            101, 102
          ])
        })
      )
    )

    it.effect("a new attempt has events of its own, and a late end of the old never touches them (K37, K38)", () =>
      withTasks((tasks) =>
        Effect.gen(function* () {
          const body = Task.output("x")
          const first = yield* tasks.start("id", body, { history: 10 })
          yield* Task.await(first)
          const second = yield* tasks.start("id", body, { history: 10 })
          yield* Task.await(second)
          expect((yield* Stream.runCollect(tasks.events("id"))).map(({ seq, attempt }) => [seq, attempt])).toEqual([
            [1, 2],
            [2, 2],
            [3, 2]
          ])
        })
      )
    )

    it.effect("clean-up failures stand in the event and in the log (K16)", () => {
      const logged: Array<string> = []
      const logger = Logger.make(({ message }) => {
        logged.push(String(message))
      })
      return withTasks((tasks) =>
        Effect.gen(function* () {
          yield* tasks.start(
            "id",
            Effect.addFinalizer(() => Effect.die("messy")),
            { history: 10 }
          )
          yield* settle
          const last = (yield* Stream.runCollect(tasks.events("id"))).at(-1)
          expect(last?._tag === "Completed" && last.cleanupFailures.map(({ cause }) => Cause.squash(cause))).toEqual([
            "messy"
          ])
          expect(logged).toHaveLength(1)
          expect(logged[0]).toContain('Clean-up of "id" failed')
        })
      ).pipe(Effect.provide(Logger.layer([logger])))
    })
  })

  describe("at the edge", () => {
    it.effect("whoever wakes from waiting finds the terminal event, and the id free (K37, K38)", () =>
      withTasks((tasks) =>
        Effect.gen(function* () {
          const task = yield* tasks.start("id", Effect.sleep(10), { history: 10 })
          let last: string | undefined
          const again = yield* Effect.forkChild(
            Effect.flatMap(Task.await(task), () => {
              last = (task as unknown as TaskNode).record?.log?.last?._tag
              return tasks.start("id", Effect.void)
            })
          )
          yield* TestClock.adjust(10)
          expect((yield* Fiber.join(again)).attempt).toBe(2)
          expect(last).toBe("Completed")
          yield* settle
          expect(yield* tasks.list).toHaveLength(1)
        })
      )
    )

    it.effect("a straggler's output comes too late: nothing follows the terminal event (K38)", () =>
      withTasks((tasks) =>
        Effect.gen(function* () {
          const late = Effect.andThen(Effect.sleep(20), Task.output("late"))
          yield* tasks.start(
            "id",
            Effect.onInterrupt(Effect.never, () => late),
            { history: 10 }
          )
          yield* settle
          yield* tasks.cancel("id", { ...ann, giveUp: 0 })
          yield* TestClock.adjust(20)
          const events = yield* follow(tasks)
          yield* settle
          expect(events.pollUnsafe()).toEqual(Exit.succeed(["Started", "CancelRequested", "Straggling", "Cancelled"]))
        })
      )
    )

    it.effect("who follows only after the request is told of it too (K38)", () =>
      withTasks((tasks) =>
        Effect.gen(function* () {
          yield* tasks.start("id", slow(10))
          yield* settle
          yield* tasks.requestCancel("id", ann)
          const events = yield* follow(tasks)
          yield* TestClock.adjust(10)
          expect(yield* Fiber.join(events)).toEqual(["Started", "CancelRequested", "Cancelled"])
        })
      )
    )

    it.effect("the terminal event carries nothing that is only for this process (K21)", () =>
      withTasks((tasks) =>
        Effect.gen(function* () {
          yield* tasks.start("id", Effect.succeed("value"), { history: 10 })
          yield* settle
          const last = (yield* Stream.runCollect(tasks.events("id"))).at(-1)!
          expect(Object.keys(last).toSorted()).toEqual([
            "_tag",
            "at",
            "attempt",
            "cleanupFailures",
            "seq",
            "task",
            "value"
          ])
        })
      )
    )

    it.effect("of many events a bounded history keeps the latest (K38)", () =>
      withTasks((tasks) =>
        Effect.gen(function* () {
          const many = Effect.forEach(Array.from({ length: 100 }), (_, index) => Task.output(index), { discard: true })
          yield* tasks.start("id", many, { history: 4 })
          yield* settle
          const events = yield* Stream.runCollect(tasks.events("id"))
          expect(events.length).toBeLessThan(8)
          expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => 103 - events.length + index))
        })
      )
    )

    it.effect("an id that nobody knows is known once it is started (K10)", () =>
      withTasks((tasks) =>
        Effect.gen(function* () {
          expect(yield* Effect.flip(tasks.await("id"))).toBeInstanceOf(TaskNotFound)
          yield* tasks.start("id", Effect.succeed("value"))
          expect(yield* tasks.await("id")).toMatchObject({ _tag: "Completed", value: "value" })
        })
      )
    )

    it.effect("an old attempt that is forgotten takes nothing of the new one along (K37)", () =>
      withTasks(
        (tasks) =>
          Effect.gen(function* () {
            yield* tasks.start("id", Effect.void)
            yield* settle
            yield* tasks.start("id", Effect.never)
            for (const id of ["a", "b", "c"]) yield* tasks.start(id, Effect.void)
            yield* settle
            expect((yield* tasks.list).map(({ id, state }) => `${id} ${state}`)).toEqual(["id running", "c completed"])
          }),
        { retention: { count: 1 } }
      )
    )

    it.effect("whoever asks for an ended id after its time finds nothing (K37)", () =>
      withTasks(
        (tasks) =>
          Effect.gen(function* () {
            yield* tasks.start("id", Effect.void)
            yield* TestClock.adjust(100)
            expect(Option.isSome(yield* tasks.get("id"))).toBe(true)
            yield* TestClock.adjust(1)
            expect(Option.isNone(yield* tasks.get("id"))).toBe(true)
          }),
        { retention: { time: 100 } }
      )
    )

    it.effect("the cancel of whoever built the layer does not reach its tasks: its closing does (K11, K37)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const nursery = yield* Nursery.make<unknown>("top")
          const builder = yield* nursery.spawn(
            "builder",
            Effect.flatMap(Tasks, (tasks) =>
              Effect.andThen(
                tasks.start("id", journal.watch("id", Effect.never)),
                Effect.onInterrupt(Effect.never, () => Effect.sleep(10))
              )
            ).pipe(Effect.provide(Tasks.layer()))
          )
          yield* settle
          yield* Effect.forkChild(Task.cancel(builder, ann))
          yield* TestClock.adjust(10)
          expect(journal.lines).toEqual(["10 id: scope-closed of id"])
        })
      )
    )
  })
})
