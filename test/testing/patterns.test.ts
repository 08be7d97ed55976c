/**
 * The ten tests of S2 on cancellation as the kit writes them: each cancel at an exact instant or at a gate, none after a
 * sleep, on tasks that are kept by id; and the checklist of S3 as a check. The same over the wire comes with its server.
 */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as CancelReason from "../../src/fibers/CancelReason.ts"
import * as Shield from "../../src/fibers/Shield.ts"
import * as Task from "../../src/fibers/Task.ts"
import { Tasks } from "../../src/fibers/Tasks.ts"
import * as CancelEverywhere from "../../src/testing/CancelEverywhere.ts"
import * as Gate from "../../src/testing/Gate.ts"
import * as Ledger from "../../src/testing/Ledger.ts"
import { describe, expect, it } from "../../src/testing/vitest/index.ts"

const enough = { reason: CancelReason.request({ by: "ann", message: "enough" }) }

/** Ten chunks of 100 ms each. */
const streamed = (seen: Array<number>) =>
  Stream.runForEach(
    Stream.tap(Stream.range(1, 10), () => Effect.sleep("100 millis")),
    (chunk) => Effect.sync(() => seen.push(chunk))
  )

describe("the ten tests of S2, without a sleep", () => {
  it.leakChecked("S2-32: cancelled before it was executed, it ends as cancelled, and says so once", () =>
    Effect.gen(function* () {
      const tasks = yield* Tasks
      let ran = false
      const task = yield* tasks.start(
        "task-1",
        Effect.sync(() => {
          ran = true
        }),
        { history: 10 }
      )
      const events = yield* Effect.forkChild(Stream.runCollect(tasks.events("task-1")), { startImmediately: true })
      // 0 ms after the start; its first turn has not come.
      expect((yield* tasks.cancel("task-1", enough))._tag).toBe("Cancelled")
      expect(yield* Task.await(task)).toMatchObject({ _tag: "Cancelled", reason: { by: "ann" } })
      const told = Array.from(yield* Fiber.join(events), ({ _tag }) => _tag)
      expect([ran, told.filter((tag) => tag === "Cancelled").length]).toEqual([false, 1])
    }).pipe(Effect.provide(Tasks.layer()))
  )

  it.cancelEverywhere("S2-32: and so at each point of its start", () =>
    Effect.gen(function* () {
      const tasks = yield* Tasks
      const task = yield* tasks.start("task-1", Effect.scoped(Ledger.resource("model")))
      yield* tasks.cancel("task-1", enough)
      expect(["Cancelled", "Completed"]).toContain((yield* Task.await(task))._tag)
    }).pipe(Effect.provide(Tasks.layer()))
  )

  it.leakChecked("S2-33: cancelled at 250 ms of ten chunks of 100 ms, exactly two were seen and nothing is kept", () =>
    Effect.gen(function* () {
      const tasks = yield* Tasks
      const seen: Array<number> = []
      yield* tasks.start("task-1", streamed(seen))
      yield* TestClock.adjust("250 millis")
      expect((yield* tasks.cancel("task-1", enough))._tag).toBe("Cancelled")
      yield* TestClock.adjust("10 seconds")
      expect(seen).toEqual([1, 2])
      expect((yield* tasks.list).filter(({ state }) => state !== "cancelled")).toEqual([])
    }).pipe(Effect.provide(Tasks.layer()))
  )

  it.leakChecked("S2-34: cancelled at 100 ms of a call of one second, it ends at once as cancelled", () =>
    Effect.gen(function* () {
      const tasks = yield* Tasks
      const task = yield* tasks.start("task-1", Effect.as(Effect.sleep("1 second"), "answer"))
      yield* TestClock.adjust("100 millis")
      yield* tasks.cancel("task-1", enough)
      expect(yield* Task.await(task)).toMatchObject({ _tag: "Cancelled", reason: { message: "enough" } })
    }).pipe(Effect.provide(Tasks.layer()))
  )

  it.leakChecked("S2-35: whether it was asked to stop can be read inside, before and after", () =>
    Effect.gen(function* () {
      const tasks = yield* Tasks
      const gate = yield* Gate.make("asked")
      const read: Array<boolean> = []
      const reading = Effect.map(Task.requested, (reason) => read.push(Option.isSome(reason)))
      const task = yield* tasks.start("task-1", Effect.andThen(reading, Effect.andThen(gate.arrive, reading)))
      yield* gate.reached
      yield* tasks.requestCancel("task-1", { ...enough, grace: "2 seconds" })
      yield* gate.open
      yield* Task.await(task)
      expect(read).toEqual([false, true])
    }).pipe(Effect.provide(Tasks.layer()))
  )

  it.cancelEverywhere("S2-36: what a task held is released, wherever it was cancelled", () =>
    Effect.gen(function* () {
      const tasks = yield* Tasks
      const holding = Effect.gen(function* () {
        yield* Ledger.resource("queue")
        yield* Ledger.resource("model")
        yield* Effect.sleep("1 second")
      })
      yield* Task.join(yield* tasks.start("task-1", holding))
    }).pipe(Effect.provide(Tasks.layer()))
  )

  it.leakChecked("S2-37, S2-38: an id that is unknown or empty is answered, and starts or says nothing", () =>
    Effect.gen(function* () {
      const tasks = yield* Tasks
      expect(yield* tasks.cancel("")).toEqual({ _tag: "NotFound", id: "" })
      expect(yield* tasks.cancel("never-started")).toEqual({ _tag: "NotFound", id: "never-started" })
      expect(yield* tasks.list).toEqual([])
      expect(yield* Effect.flip(Stream.runDrain(tasks.events("never-started")))).toMatchObject({ _tag: "TaskNotFound" })
    }).pipe(Effect.provide(Tasks.layer()))
  )

  it.leakChecked("S2-39: a cancel after the end changes nothing", () =>
    Effect.gen(function* () {
      const tasks = yield* Tasks
      const task = yield* tasks.start("task-1", Effect.succeed("answer"))
      yield* Task.await(task)
      expect((yield* tasks.cancel("task-1", enough))._tag).toBe("AlreadyCompleted")
      expect(yield* Task.await(task)).toMatchObject({ _tag: "Completed", value: "answer" })
    }).pipe(Effect.provide(Tasks.layer()))
  )

  it.cancelEverywhere(
    "S2-40: a queue that fails while the cancel is told leaves the cancel a cancel",
    () =>
      Effect.gen(function* () {
        const tasks = yield* Tasks
        const gate = yield* Gate.make("working")
        const told = Effect.die(new Error("Queue error"))
        const task = yield* tasks.start(
          "task-1",
          Effect.onInterrupt(gate.arrive, () => told)
        )
        yield* gate.reached
        expect((yield* tasks.cancel("task-1", enough))._tag).toBe("Cancelled")
        const outcome = yield* Task.await(task)
        expect(outcome).toMatchObject({ _tag: "Cancelled", reason: { by: "ann" } })
        expect(outcome.cleanupFailures.length).toBe(1)
      }).pipe(Effect.provide(Tasks.layer())),
    { allow: ["clean-up-failed"] }
  )

  it.leakChecked("S2-41: of two tasks only the one that was meant is cancelled", () =>
    Effect.gen(function* () {
      const tasks = yield* Tasks
      const gate = yield* Gate.make("both run")
      const work = Effect.andThen(gate.arrive, Effect.map(Task.requested, Option.isSome))
      yield* tasks.start("task-1", work)
      const other = yield* tasks.start("task-2", work)
      yield* gate.reachedBy(2)
      yield* tasks.cancel("task-1", enough)
      yield* gate.open
      expect(yield* Task.await(other)).toMatchObject({ _tag: "Completed", value: false })
    }).pipe(Effect.provide(Tasks.layer()))
  )
})

/** What a cancel of the step is found to do wrong. */
const kinds = (step: Effect.Effect<unknown>): ReadonlySet<string> =>
  new Set(
    CancelEverywhere.run(step, { within: "1 second" }).failures.flatMap(({ findings }) =>
      findings.map(({ kind }) => kind)
    )
  )

describe("the checklist of S3", () => {
  it("S3-53: a step that holds a cancel up for more than a second is found, one that only takes long is not", () => {
    expect(kinds(Effect.sleep("30 seconds"))).toEqual(new Set())
    expect(kinds(Effect.uninterruptible(Effect.sleep("900 millis")))).toEqual(new Set())
    expect(kinds(Effect.uninterruptible(Effect.sleep("1100 millis"))).has("slow")).toBe(true)
    expect(kinds(Shield.run("save", Effect.sleep("2 seconds"))).has("slow")).toBe(true)
  })

  it("S3-56: the report says that the cancel was tried, and that no point was left out", () => {
    const report = CancelEverywhere.check(Effect.andThen(Ledger.resource("file"), Effect.sleep("30 seconds")))
    expect(report).toMatchObject({ exhausted: true, failures: [] })
    // Once undisturbed, and once for each point, the one before the first operation among them.
    expect(report.runs).toBe(report.points + 2)
  })
})
