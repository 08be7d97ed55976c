/**
 * The eight named cancellation tests of seed 001, and the rows of its first two sections that need no HTTP, on the tasks
 * of the example and the test clock.
 */
import { describe, expect, expectTypeOf, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as TestClock from "effect/testing/TestClock"
import * as CountdownTask from "../../../src/examples/server/tasks/countdownTask.ts"
import { OriginUrl } from "../../../src/examples/server/tasks/HttpUrl.ts"
import * as StubbornTask from "../../../src/examples/server/tasks/stubbornTask.ts"
import * as CancelReason from "../../../src/fibers/CancelReason.ts"
import * as CancelResult from "../../../src/fibers/CancelResult.ts"
import * as Task from "../../../src/fibers/Task.ts"
import * as TaskOutcome from "../../../src/fibers/TaskOutcome.ts"
import { Tasks } from "../../../src/fibers/Tasks.ts"
import type { Implementation } from "../../../src/http/TaskDefinition.ts"
import { leakChecked } from "../../support/leaks.ts"
import { follow, startTask, tags } from "./startTask.ts"

const law = <A, E>(name: string, effect: Effect.Effect<A, E, Tasks | OriginUrl>): void =>
  it.effect(name, () =>
    leakChecked(effect.pipe(Effect.provide(Tasks.layer()), Effect.provideService(OriginUrl, "http://origin.test")))
  )

const countdown = CountdownTask.implementation
const message = "Task was cancelled"

/** What a caller of the source's `cancel_task` got: true if this call stopped the task. */
const stopped = CancelResult.match({
  Cancelled: () => true,
  Requested: () => true,
  AlreadyCancelled: () => false,
  AlreadyCompleted: () => false,
  AlreadyFailed: () => false,
  NotFound: () => false
})

/** The lines of the source's usage example. */
const say = (result: CancelResult.CancelResult): string =>
  stopped(result) ? "Task cancelled successfully" : "Task not running or already completed"

/** The key that the source gives to a task. */
const key = (app: string, model: string, id: number): string => `${app}:${model}:${id}`

const withRun = (run: Implementation<never>["run"]): Implementation<never> => ({ ...countdown, run })

describe("TaskCancellationTests", () => {
  law(
    "test_task_cancellation_sends_cancelled_event_to_clients (S1-12, S1-07): started, then cancelled with message and reason, at once",
    Effect.gen(function* () {
      yield* startTask(countdown, {})
      const client = yield* follow()
      yield* TestClock.adjust(0)
      expect(tags(client.seen)).toEqual(["Started", "Progress"])
      const tasks = yield* Tasks
      yield* tasks.cancel("task", { reason: CancelReason.request({ by: "ann" }) })
      const events = yield* client.all
      expect(tags(events)).toEqual(["Started", "Progress", "CancelRequested", "Cancelled"])
      expect(events.at(-1)).toMatchObject({ reason: { source: "request", message, by: "ann" }, partial: { left: 10 } })
    })
  )

  law(
    "test_task_cancellation_is_re_raised (S1-13, S1-08, S1-35): whoever awaits the task sees an interrupt, after its own handler ran",
    Effect.gen(function* () {
      const handled: Array<string> = []
      const handler = (exit: Exit.Exit<unknown, unknown>) =>
        Effect.sync(() =>
          handled.push(Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause) ? "interrupt" : "no")
        )
      const task = yield* startTask(
        withRun((payload, self) => Effect.onExit(countdown.run(payload, self), handler)),
        {}
      )
      yield* TestClock.adjust(0)
      yield* Task.cancel(task)
      expect(handled).toEqual(["interrupt"])
      const exit = TaskOutcome.toExit(yield* Task.await(task))
      expect(Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause)).toBe(true)
    })
  )

  law(
    "test_multiple_clients_all_receive_cancellation_event (S1-14, S1-11): three clients see started, then one cancelled",
    Effect.gen(function* () {
      const task = yield* startTask(countdown, {})
      const clients = [yield* follow(), yield* follow(), yield* follow()]
      yield* TestClock.adjust(0)
      yield* Task.cancel(task)
      for (const client of clients) {
        expect(tags(yield* client.all)).toEqual(["Started", "Progress", "CancelRequested", "Cancelled"])
      }
    })
  )

  law(
    "test_task_cleanup_happens_on_cancellation (S1-15, S1-10, S1-01): the client is told, clean-up runs, nothing is left running",
    Effect.gen(function* () {
      let cleaned = 0
      const cleaning = withRun((payload, self) =>
        Effect.ensuring(
          countdown.run(payload, self),
          Effect.sync(() => cleaned++)
        )
      )
      const tasks = yield* Tasks
      const running = Effect.map(tasks.list, (all) =>
        all.filter(({ state }) => state === "running").map(({ id }) => id)
      )
      yield* startTask(cleaning, {})
      const client = yield* follow()
      yield* TestClock.adjust(0)
      expect(yield* running).toEqual(["task"])
      yield* tasks.cancel("task")
      expect(cleaned).toBe(1)
      expect(yield* running).toEqual([])
      expect(tags(yield* client.all).filter((tag) => tag === "Cancelled")).toHaveLength(1)
    })
  )
})

describe("TaskCancellationAPITests", () => {
  law(
    "test_cancel_task_method_exists (S1-26)",
    Effect.gen(function* () {
      const tasks = yield* Tasks
      expectTypeOf(tasks.cancel).parameter(0).toEqualTypeOf<string>()
      expectTypeOf(tasks.cancel).returns.toEqualTypeOf<Effect.Effect<CancelResult.CancelResult>>()
    })
  )

  law(
    "test_cancel_task_cancels_running_task (S1-27, S1-16): the cancel says so, and the client sees started, then cancelled",
    Effect.gen(function* () {
      const tasks = yield* Tasks
      yield* startTask(countdown, {})
      const client = yield* follow()
      yield* TestClock.adjust(0)
      expect(stopped(yield* tasks.cancel("task"))).toBe(true)
      const events = tags(yield* client.all)
      expect([events[0], events.at(-1)]).toEqual(["Started", "Cancelled"])
    })
  )

  law(
    "test_cancel_nonexistent_task_returns_false (S1-28, S1-20): id 99999",
    Effect.gen(function* () {
      const result = yield* (yield* Tasks).cancel("99999")
      expect(result).toEqual({ _tag: "NotFound", id: "99999" })
      expect(stopped(result)).toBe(false)
    })
  )

  law(
    "test_cancel_already_completed_task_returns_false (S1-29, S1-21, S1-03): the task stays completed, with its value and its end",
    Effect.gen(function* () {
      const tasks = yield* Tasks
      const task = yield* startTask(countdown, { from: 3 })
      yield* TestClock.adjust("3 seconds")
      const before = yield* tasks.info("task")
      yield* TestClock.adjust("1 minute")
      const result = yield* tasks.cancel("task")
      expect(result).toMatchObject({ _tag: "AlreadyCompleted", duringGrace: false })
      expect(stopped(result)).toBe(false)
      expect(yield* tasks.info("task")).toEqual(before)
      expect(Option.getOrThrow(before)).toMatchObject({ state: "completed", endedAt: Option.some(3000) })
      expect(yield* Task.await(task)).toMatchObject({ _tag: "Completed", value: { from: 3 } })
    })
  )
})

describe("A cancel of the example's tasks", () => {
  law(
    "answers true, false, false when repeated, with one cancelled event (S1-24, S1-18)",
    Effect.gen(function* () {
      const tasks = yield* Tasks
      yield* startTask(countdown, {})
      const client = yield* follow()
      const answers = [yield* tasks.cancel("task"), yield* tasks.cancel("task"), yield* tasks.cancel("task")]
      expect(answers.map(stopped)).toEqual([true, false, false])
      expect(tags(yield* client.all).filter((tag) => tag === "Cancelled")).toHaveLength(1)
    })
  )

  law(
    "prints what the usage example of the source prints (S1-25)",
    Effect.gen(function* () {
      const tasks = yield* Tasks
      yield* startTask(countdown, {})
      expect(say(yield* tasks.cancel("task"))).toBe("Task cancelled successfully")
      expect(say(yield* tasks.cancel("task"))).toBe("Task not running or already completed")
    })
  )

  law(
    "finds a task by a key of three parts, app:model:id (S1-17, S1-19)",
    Effect.gen(function* () {
      const tasks = yield* Tasks
      yield* startTask(countdown, {}, key("library", "Countdown", 7))
      yield* TestClock.adjust(0)
      expect(stopped(yield* tasks.cancel("library:Countdown:8"))).toBe(false)
      expect(yield* tasks.cancel("library:Countdown:7")).toMatchObject({ _tag: "Cancelled", id: "library:Countdown:7" })
    })
  )

  law(
    "can be asked for without waiting for a slow end (S1-22)",
    Effect.gen(function* () {
      const tasks = yield* Tasks
      const task = yield* startTask(StubbornTask.implementation, { millis: 5000 })
      yield* TestClock.adjust(1000)
      expect(stopped(yield* tasks.requestCancel("task"))).toBe(true)
      expect(Option.getOrThrow(yield* tasks.info("task")).state).toBe("cancelling")
      yield* TestClock.adjust(4000)
      expect(yield* Task.await(task)).toMatchObject({ _tag: "Cancelled", how: "interrupted" })
    })
  )

  law(
    "in the same turn as the start loses neither the event nor the record, without a pause of 10 ms (S1-39, S1-40, S1-41)",
    Effect.gen(function* () {
      const tasks = yield* Tasks
      let ran = 0
      const counted = withRun((payload, self) =>
        Effect.andThen(
          Effect.sync(() => ran++),
          countdown.run(payload, self)
        )
      )
      for (let round = 0; round < 1000; round++) {
        yield* startTask(counted, {}, `early-${round}`)
        const client = yield* follow(`early-${round}`)
        expect(stopped(yield* tasks.cancel(`early-${round}`))).toBe(true)
        expect(tags(yield* client.all).at(-1)).toBe("Cancelled")
      }
      expect(ran).toBe(0)
      expect((yield* tasks.list).every(({ state }) => state === "cancelled")).toBe(true)
    })
  )

  law(
    "can wait until the task has started (S1-42)",
    Effect.gen(function* () {
      const tasks = yield* Tasks
      yield* startTask(countdown, {})
      expect(Option.getOrThrow(yield* tasks.info("task")).state).toBe("waiting")
      const client = yield* follow()
      yield* TestClock.adjust(0)
      expect(tags(client.seen)).toContain("Started")
      yield* tasks.cancel("task")
    })
  )
})

describe("A task of the example", () => {
  const ends: ReadonlyArray<readonly [string, Implementation<never>["run"], ReadonlyArray<string>]> = [
    ["completes", () => Effect.succeed({ from: 1 }), ["Started", "Completed"]],
    ["fails", () => Effect.fail("no"), ["Started", "Failed"]],
    ["dies", () => Effect.die(new Error("mistake")), ["Started", "Failed"]],
    ["is cancelled", () => Effect.never, ["Started", "CancelRequested", "Cancelled"]],
    [
      "is cancelled and its clean-up dies",
      () => Effect.ensuring(Effect.never, Effect.die("late")),
      ["Started", "CancelRequested", "Cancelled"]
    ],
    ["interrupts itself", () => Effect.interrupt, ["Started", "Cancelled"]]
  ]

  for (const [how, run, expected] of ends) {
    law(
      `that ${how} has exactly one terminal event, and cancelled is never taken for an error (S1-02, S1-05, S1-09)`,
      Effect.gen(function* () {
        const tasks = yield* Tasks
        yield* startTask(withRun(run), {})
        const client = yield* follow()
        yield* TestClock.adjust(0)
        yield* tasks.cancel("task")
        expect(tags(yield* client.all)).toEqual(expected)
      })
    )
  }
})
