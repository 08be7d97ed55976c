import { describe, expect, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Option from "effect/Option"
import * as TestClock from "effect/testing/TestClock"
import { getEventListeners } from "node:events"
import { afterEach, vi } from "vitest"
import { CancelAbortError } from "../../src/fibers/CancelAbortError.ts"
import { InvalidDuration } from "../../src/fibers/CancelPolicy.ts"
import * as CancelReason from "../../src/fibers/CancelReason.ts"
import * as Stragglers from "../../src/fibers/Stragglers.ts"
import * as Task from "../../src/fibers/Task.ts"
import * as TaskOutcome from "../../src/fibers/TaskOutcome.ts"
import * as TaskRunner from "../../src/fibers/TaskRunner.ts"
import * as TaskTree from "../../src/fibers/TaskTree.ts"

// A loaded machine is slow, not wrong.
vi.setConfig({ testTimeout: 30_000 })

class Store extends Context.Service<Store, { readonly rows: string }>()("Store") {}

/** What happened, in order. */
const journal: Array<string> = []
const note = (text: string) => Effect.sync(() => void journal.push(text))

/** A service that takes a turn to build and says when it is released. */
const store = Layer.effect(
  Store,
  Effect.acquireRelease(Effect.as(Effect.sleep(1), { rows: "rows" }), () => note("store released"))
)

/** Runs until it is cancelled, reads why, and needs the service to clean up. */
const working = (name: string) =>
  Effect.onInterrupt(Effect.never, () =>
    Effect.gen(function* () {
      yield* Effect.sleep(1)
      const { rows } = yield* Store
      const reason = Option.getOrThrow(yield* CancelReason.current)
      yield* note(`${name}: ${reason.source} by ${reason.by ?? "nobody"}, ${rows}`)
    })
  )

/** Says that it ran, and what it read when it was stopped. */
const reads = (name: string) =>
  Effect.onInterrupt(Effect.andThen(note(`${name} ran`), Effect.never), () =>
    Effect.flatMap(CancelReason.current, (reason) =>
      note(`${name}: ${Option.match(reason, { onNone: () => "no reason", onSome: ({ message }) => message })}`)
    )
  )

/** Lets promises, timers of zero and fibers run. */
const turn = () => new Promise((resolve) => setTimeout(resolve, 5))

const runners: Array<AsyncDisposable> = []
const made = <R, ER>(
  source: Layer.Layer<R, ER> | ManagedRuntime.ManagedRuntime<R, ER>,
  options?: TaskRunner.Options
): TaskRunner.TaskRunner<R, ER> => {
  const runner = TaskRunner.make(source, options)
  runners.push(runner)
  return runner
}

afterEach(async () => {
  for (const runner of runners.splice(0)) await runner[Symbol.asyncDispose]()
  journal.length = 0
  expect(Effect.runSync(TaskTree.snapshot).tree.children).toEqual([])
})

describe("TaskRunner, in real time", () => {
  it("a started task is a promise of its value", async () => {
    const runner = made(store)
    const task = runner.start(
      "read",
      Effect.map(Store, ({ rows }) => rows)
    )
    expect(task).toBeInstanceOf(Promise)
    expect(task.name).toBe("read")
    expect(await task).toBe("rows")
    expect(await task.outcome).toMatchObject({ _tag: "Completed", value: "rows" })
    expect(await Promise.all([task, runner.start("again", Effect.succeed(2))])).toEqual(["rows", 2])
    // What is derived from it is a plain promise.
    expect(Object.getPrototypeOf(task.then((rows) => rows))).toBe(Promise.prototype)
  })

  it("rejects with the typed error, with the defect, or with an AbortError that carries the reason", async () => {
    const runner = made(Layer.empty)
    await expect(runner.start("fails", Effect.fail("disk full"))).rejects.toBe("disk full")
    const defect = new Error("bug")
    await expect(runner.start("dies", Effect.die(defect))).rejects.toBe(defect)
    const task = runner.start("waits", Effect.never)
    const result = await task.cancel({ reason: CancelReason.request({ by: "ann", message: "not needed" }) })
    expect(result).toMatchObject({ _tag: "Cancelled", id: "waits", reason: { by: "ann" } })
    const error: unknown = await task.catch((error: unknown) => error)
    expect(error).toBeInstanceOf(CancelAbortError)
    expect(error).toMatchObject({ name: "AbortError", message: "not needed", reason: { source: "request", by: "ann" } })
    expect(await task.outcome).toMatchObject({ _tag: "Cancelled", how: "interrupted" })
    expect((await task.cancel())._tag).toBe("AlreadyCancelled")
  })

  it("what nobody looks at rejects nothing, what somebody looks at does", async () => {
    const unhandled: Array<unknown> = []
    const listener = (error: unknown) => unhandled.push(error)
    process.on("unhandledRejection", listener)
    const runner = made(Layer.empty)
    const task = runner.start("fails", Effect.fail("nobody looks"))
    void runner.start("waits", Effect.never).cancel()
    await task.outcome
    await turn()
    expect(unhandled).toEqual([])
    void task.then(() => {})
    await turn()
    expect(unhandled).toEqual(["nobody looks"])
    process.off("unhandledRejection", listener)
  })

  it("services that cannot be built fail the task with their error", async () => {
    const runner = made(Layer.effect(Store, Effect.fail("no such file" as const)))
    const task = runner.start("read", Store)
    await expect(task).rejects.toBe("no such file")
    expect(await task.outcome).toMatchObject({ _tag: "Failed" })
  })

  it("K10: cancelled before its first step, or while the services are built, the body never runs", async () => {
    const runner = made(Layer.effect(Store, Effect.never))
    const early = runner.start("early", note("ran"))
    expect((await early.cancel())._tag).toBe("Cancelled")
    const waiting = runner.start("waiting", note("ran"))
    await turn()
    expect((await waiting.cancel())._tag).toBe("Cancelled")
    expect(journal).toEqual([])
  })

  it("K20: an AbortSignal cancels with its reason, whatever kind that is", async () => {
    const runner = made(Layer.empty)
    const seen = async (reason: unknown) => {
      const controller = new AbortController()
      const task = runner.start("waits", Effect.never, { signal: controller.signal })
      await turn()
      controller.abort(reason)
      const outcome = await task.outcome
      return outcome._tag === "Cancelled" ? `${outcome.reason.source}: ${outcome.reason.message}` : outcome._tag
    }
    expect(await seen(new Error("the user left"))).toBe("request: the user left")
    expect(await seen("plain text")).toBe("request: plain text")
    expect(await seen(new DOMException("too slow", "TimeoutError"))).toBe("timeout: too slow")
    const ours = CancelReason.stamp(CancelReason.superseded({ message: "newer" }), "elsewhere", 0)
    expect(await seen(new CancelAbortError(ours))).toBe("superseded: newer")
  })

  it("native: runPromise drops the reason of the signal, and runs the first steps under one that has aborted", async () => {
    const runtime = ManagedRuntime.make(Layer.empty)
    const controller = new AbortController()
    const native = runtime.runPromise(reads("native"), { signal: controller.signal }).catch((error: unknown) => error)
    const runner = made(runtime)
    const ours = runner.start("ours", reads("ours"), { signal: controller.signal }).catch((error: unknown) => error)
    await turn()
    controller.abort(new Error("the user left"))
    expect(String(await native)).not.toContain("the user left")
    expect(String(await ours)).toBe("AbortError: the user left")
    expect(journal).toEqual(["native ran", "ours ran", "native: no reason", "ours: the user left"])

    journal.length = 0
    await runtime.runPromise(reads("native"), { signal: controller.signal }).catch(() => {})
    const never = runner.start("ours", reads("ours"), { signal: controller.signal })
    await expect(never).rejects.toMatchObject({ name: "AbortError" })
    expect(never.signal.aborted).toBe(true)
    expect(journal).toEqual(["native ran", "native: no reason"])
  })

  it("a signal that lives long gathers no listeners", async () => {
    const { signal } = new AbortController()
    const runner = made(Layer.empty)
    const tasks = Array.from({ length: 20 }, (_, index) => runner.start(`${index}`, Effect.void, { signal }))
    const stays = runner.start("stays", Effect.never, { signal })
    expect(getEventListeners(signal, "abort").length).toBe(21)
    await Promise.all(tasks)
    expect(getEventListeners(signal, "abort").length).toBe(1)
    await stays.cancel()
    expect(getEventListeners(signal, "abort").length).toBe(0)
    void runner.start("refused", Effect.never, { signal: AbortSignal.abort() })
  })

  it("its own signal aborts at the request, with the reason, for foreign code", async () => {
    const runner = made(Layer.empty)
    const task = runner.start("graceful", Effect.as(Task.awaitRequest, "saved"))
    const { signal } = task
    expect(task.signal).toBe(signal)
    expect(signal.aborted).toBe(false)
    await turn()
    const cancelling = task.cancel({ grace: "10 seconds", reason: CancelReason.request({ by: "ann" }) })
    expect(signal.aborted).toBe(true)
    expect(signal.reason).toMatchObject({ name: "AbortError", reason: { by: "ann" } })
    expect(await cancelling).toMatchObject({ _tag: "AlreadyCompleted", duringGrace: true })
    expect(await task).toBe("saved")
  })

  it("await using a task cancels it with scope-closed and awaits its clean-up; one that ended is left alone", async () => {
    const runner = made(store)
    {
      await using task = runner.start("work", working("work"))
      await using failed = runner.start("fails", Effect.fail("no"))
      await runner.start("warm up", Effect.void)
      await failed.outcome
      await turn()
      expect(task.signal.aborted).toBe(false)
    }
    expect(journal).toEqual(["work: scope-closed by nobody, rows"])
  })

  it("await using a runner refuses, cancels all with shutdown, awaits them, then releases the services", async () => {
    {
      await using runner = made(store)
      void runner.start("one", working("one"))
      void runner.start("two", working("two"))
      await turn()
      await turn()
    }
    expect(journal).toEqual(["one: shutdown by nobody, rows", "two: shutdown by nobody, rows", "store released"])
  })

  it("disposed of twice, it waits twice; a start afterwards throws what to do", async () => {
    const runner = made(store)
    void runner.start("one", working("one"))
    await turn()
    await turn()
    const first = runner[Symbol.asyncDispose]()
    expect(() => runner.start("late", Effect.void)).toThrow(TaskRunner.TaskRunnerClosed)
    await runner[Symbol.asyncDispose]()
    expect(journal).toEqual(["one: shutdown by nobody, rows", "store released"])
    await first
    await runner[Symbol.asyncDispose]()
    expect(() => runner.start("late", Effect.void)).toThrow(
      /"late" was not started: the runner "runner" .* make a new runner/
    )
  })

  it("a runtime that someone else disposes of takes its tasks along, while their services live", async () => {
    const runtime = ManagedRuntime.make(store)
    const runner = made(runtime)
    const task = runner.start("one", working("one"))
    await turn()
    await turn()
    await runtime.dispose()
    expect(journal).toEqual(["one: shutdown by nobody, rows", "store released"])
    expect(await task.outcome).toMatchObject({ _tag: "Cancelled", reason: { source: "shutdown" } })
    expect(() => runner.start("late", Effect.void)).toThrow(TaskRunner.TaskRunnerClosed)
    expect(() => made(runtime).start("late", Effect.void)).toThrow(TaskRunner.TaskRunnerClosed)
  })

  it("a task that disposes of its own runner hangs nobody", async () => {
    const runner = made(store)
    const task = runner.start(
      "stop",
      Effect.promise(() => runner[Symbol.asyncDispose]())
    )
    expect(await task.outcome).toMatchObject({ _tag: "Cancelled", reason: { source: "shutdown" } })
    await runner[Symbol.asyncDispose]()
  })

  it("drain lets tasks finish for a while, cancels the rest, gives up on the last, and reports", async () => {
    const runner = made(Layer.empty)
    const latch = Deferred.makeUnsafe<void>()
    void runner.start("quick", Effect.sleep(5))
    void runner.start("slow", Effect.never)
    const stuck = runner.start("stuck", Effect.uninterruptible(Deferred.await(latch)))
    await turn()
    const report = await runner.drain({ finish: "40 millis", giveUp: "40 millis" })
    expect(report).toMatchObject({ completed: ["quick"], failed: [], cancelled: ["slow"], abandoned: ["stuck"] })
    expect(Duration.toMillis(report.took)).toBeGreaterThanOrEqual(39)
    expect(Effect.runSync(Stragglers.list).map(({ path }) => path)).toEqual(["runner/stuck"])
    Deferred.doneUnsafe(latch, Effect.void)
    expect(await stuck.outcome).toMatchObject({ _tag: "Cancelled", how: "abandoned" })
    expect(Effect.runSync(Stragglers.list)).toEqual([])
  })

  it("K37: in one drain some are cancelled at once and others may finish, each as it was started", async () => {
    const runner = made(Layer.empty)
    void runner.start("quick", Effect.sleep(5), { onShutdown: "finish" })
    void runner.start("unsaid", Effect.sleep(5))
    const endless = runner.start("endless", Effect.never, { onShutdown: "cancel" })
    await turn()
    const report = await runner.drain({ finish: "20 seconds" })
    expect(report).toMatchObject({ completed: ["quick", "unsaid"], cancelled: ["endless"], abandoned: [] })
    expect(Duration.toMillis(report.took)).toBeLessThan(10_000)
    expect(await endless.outcome).toMatchObject({ _tag: "Cancelled", reason: { source: "shutdown" } })
  })

  it("K45: its tasks are seen in the tree by name, and leave nothing when it is disposed of", async () => {
    const runner = made(Layer.empty, { name: "web" })
    void runner.start("one", Effect.never)
    await turn()
    const paths = Effect.runSync(TaskTree.snapshot).tree.children.map(
      ({ children, name }) => `${name}/${children[0]!.name}`
    )
    expect(paths).toEqual(["web/one"])
  })

  it("services captured inside another task do not bring that task along", async () => {
    const outer = made(Layer.empty)
    const captured = Deferred.makeUnsafe<Context.Context<never>>()
    const one = outer.start(
      "outer",
      Effect.flatMap(Effect.context<never>(), (context) => Deferred.succeed(captured, context))
    )
    await one
    const runner = made(Layer.effectContext(Deferred.await(captured)))
    const task = runner.start("inner", Task.awaitRequest)
    await turn()
    expect(await task.cancel({ grace: "10 seconds" })).toMatchObject({ _tag: "AlreadyCompleted" })
    const result = await runner.start("second", Effect.never).cancel()
    expect(result._tag === "Cancelled" && result.reason.by).toBeUndefined()
  })

  it("a patience that cannot be meant rejects the cancel", async () => {
    const runner = made(Layer.empty)
    await expect(runner.start("one", Effect.never).cancel({ grace: -1 })).rejects.toBeInstanceOf(InvalidDuration)
  })

  it("so does one of its shutdown the making of the runner, which later could not stop its tasks", () => {
    for (const shutdown of [{ grace: NaN }, { finish: -1 }, { giveUp: "soon" as never }]) {
      expect(() => TaskRunner.make(Layer.empty, { shutdown })).toThrow(InvalidDuration)
    }
  })

  it("a failure of clean-up goes to the logger of the runtime, and stands on the outcome", async () => {
    const logged: Array<unknown> = []
    const logger = Logger.make<unknown, void>(({ message }) => void logged.push(message))
    const runner = made(Logger.layer([logger]))
    await runner.start("warm up", Effect.void)
    const task = runner.start(
      "dirty",
      Effect.onInterrupt(Effect.never, () => Effect.die(new Error("no space")))
    )
    await turn()
    await task.cancel()
    expect((await task.outcome).cleanupFailures.map(({ scope }) => scope)).toEqual(["dirty"])
    expect(JSON.stringify(logged)).toContain("dirty")
  })
})

describe("TaskRunner on a test clock", () => {
  it("grace and took are told by the clock of the runtime", async () => {
    const runtime = ManagedRuntime.make(TestClock.layer())
    const runner = made(runtime)
    const task = runner.start("deaf", Effect.sleep("1 hour"))
    await turn()
    const cancelling = task.cancel({ grace: "10 minutes" })
    await turn()
    await runtime.runPromise(TestClock.adjust("9 minutes"))
    expect(await Promise.race([cancelling, turn().then(() => "waits")])).toBe("waits")
    await runtime.runPromise(TestClock.adjust("1 minute"))
    const result = await cancelling
    expect(result._tag === "Cancelled" && Duration.toMinutes(result.took)).toBe(10)
    const outcome = await task.outcome
    expect(
      TaskOutcome.match(outcome, {
        Completed: () => 0,
        Failed: () => 0,
        Cancelled: ({ took }) => Duration.toMinutes(took)
      })
    ).toBe(10)
    expect(await runner.start("clock", Clock.currentTimeMillis)).toBe(600_000)
  })
})
