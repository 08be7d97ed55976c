/** The drain of a task service beyond its basics (`Tasks.test.ts`): the choice of each task, the bound, and what was cut off. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as References from "effect/References"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as CancelReason from "../../src/fibers/CancelReason.ts"
import * as Nursery from "../../src/fibers/Nursery.ts"
import * as Task from "../../src/fibers/Task.ts"
import { Draining, Tasks } from "../../src/fibers/Tasks.ts"
import { Journal } from "../support/journal.ts"
import { leakChecked } from "../support/leaks.ts"
import { settle } from "../support/settle.ts"

const withTasks = <A, E>(body: (tasks: Tasks["Service"]) => Effect.Effect<A, E, Scope.Scope>) =>
  leakChecked(Effect.flatMap(Tasks, body).pipe(Effect.scoped, Effect.provide(Tasks.layer())))

const atOnce = { onShutdown: "cancel" } as const

/** What was logged, as level, message and the annotations that a log shipper would index. */
const logged = () => {
  const lines: Array<{ readonly level: string; readonly message: string; readonly fields: Record<string, unknown> }> =
    []
  const logger = Logger.make(({ fiber, logLevel, message }) => {
    const fields = { ...fiber.getRef(References.CurrentLogAnnotations) }
    lines.push({ level: logLevel, message: String(message), fields })
  })
  return { lines, layer: Logger.layer([logger]) }
}

describe("Tasks.drain", () => {
  it.effect("in one drain some tasks are cancelled at once and others may finish, each as it was started (K37)", () =>
    withTasks((tasks) =>
      Effect.gen(function* () {
        const journal = new Journal()
        yield* tasks.start("cancel", journal.watch("cancel", Effect.never, Effect.sleep(5)), atOnce)
        yield* tasks.start("finishes", journal.watch("finishes", Effect.sleep(30)), { onShutdown: "finish" })
        yield* tasks.start("unsaid", journal.watch("unsaid", Effect.sleep(40)))
        yield* tasks.start("too-slow", journal.watch("too-slow", Effect.never, Effect.sleep(5)))
        yield* settle
        const fiber = yield* Effect.forkChild(
          tasks.drain({ finish: 50, reason: CancelReason.shutdown({ by: "SIGTERM" }) })
        )
        yield* TestClock.adjust(55)
        expect(yield* Fiber.join(fiber)).toMatchObject({
          completed: ["finishes", "unsaid"],
          cancelled: ["cancel", "too-slow"],
          abandoned: []
        })
        expect(journal.lines).toEqual([
          "0 cancel: shutdown by SIGTERM of cancel",
          "5 cancel: cleaned up",
          "30 finishes: done",
          "40 unsaid: done",
          "50 too-slow: shutdown by SIGTERM of too-slow",
          "55 too-slow: cleaned up"
        ])
      })
    )
  )

  it.effect("those that it cancels at once all know before the first of them cleans up, the others do not (K4)", () =>
    withTasks((tasks) =>
      Effect.gen(function* () {
        const seen: Array<unknown> = []
        const states = Effect.flatMap(tasks.list, (all) =>
          Effect.sync(() => void seen.push(all.map(({ id, state }) => `${id} ${state}`)))
        )
        for (const id of ["a", "b"])
          yield* tasks.start(
            id,
            Effect.onInterrupt(Effect.never, () => states),
            atOnce
          )
        yield* tasks.start("c", Effect.sleep(10))
        yield* settle
        const fiber = yield* Effect.forkChild(tasks.drain({ finish: 50 }))
        yield* TestClock.adjust(10)
        yield* Fiber.join(fiber)
        expect(seen[0]).toEqual(["a cancelling", "b cancelling", "c running"])
      })
    )
  )

  it.effect("a task that was started to be cancelled and ignores it is given up on in its own time (K12, S1x-18)", () =>
    withTasks((tasks) =>
      Effect.gen(function* () {
        yield* tasks.start("stuck", Effect.uninterruptible(Effect.sleep(1000)), atOnce)
        yield* tasks.start("finishes", Effect.sleep(60))
        yield* settle
        const fiber = yield* Effect.forkChild(tasks.drain({ finish: 100, giveUp: 20 }))
        yield* TestClock.adjust(20)
        expect(Option.getOrThrow(yield* tasks.info("stuck")).state).toBe("straggling")
        expect(Option.getOrThrow(yield* tasks.info("finishes")).state).toBe("running")
        yield* TestClock.adjust(40)
        expect(yield* Fiber.join(fiber)).toMatchObject({ completed: ["finishes"], abandoned: ["stuck"] })
        yield* TestClock.adjust(1000)
      })
    )
  )

  it.effect("a second drain without `finish` cancels at once those that may finish (K8, K37, S1x-20)", () =>
    withTasks((tasks) =>
      Effect.gen(function* () {
        const journal = new Journal()
        yield* tasks.start("a", journal.watch("a", Effect.never), { onShutdown: "finish" })
        yield* tasks.start("b", journal.watch("b", Effect.never), atOnce)
        yield* settle
        const first = yield* Effect.forkChild(tasks.drain({ finish: 100 }))
        yield* TestClock.adjust(10)
        const second = yield* Effect.forkChild(tasks.drain())
        const third = yield* Effect.forkChild(tasks.drain({ finish: 1000 }))
        yield* settle
        const reports = yield* Fiber.joinAll([first, second, third])
        for (const report of reports) expect(report).toMatchObject({ cancelled: ["a", "b"] })
        expect(journal.lines).toEqual(["0 b: shutdown of b", "10 a: shutdown of a"])
      })
    )
  )

  it.effect("leaves no task, no stream of events and no scope behind (S1x-21)", () =>
    leakChecked((watch) =>
      Effect.gen(function* () {
        const tasks = yield* Tasks
        for (const id of ["a", "b"]) yield* tasks.start(id, Effect.never, { history: 10 })
        const following = yield* Effect.forkChild(Stream.runDrain(tasks.events("a")))
        yield* settle
        yield* tasks.drain()
        yield* Fiber.join(following)
        expect((yield* tasks.list).map(({ state }) => state)).toEqual(["cancelled", "cancelled"])
        // What the service itself is: its node, with nothing below.
        expect(watch.root.children().flatMap((node) => node.children())).toEqual([])
      }).pipe(Effect.provide(Tasks.layer()))
    )
  )

  it.effect("a task that runs as part of another one follows that one, not the drain (K11)", () =>
    withTasks((tasks) =>
      Effect.gen(function* () {
        const journal = new Journal()
        const children = Nursery.run("group", (nursery) =>
          nursery.spawn("child", journal.watch("child", Effect.sleep(20)))
        )
        yield* tasks.start("parent", children)
        yield* settle
        const fiber = yield* Effect.forkChild(tasks.drain({ finish: 50 }))
        yield* TestClock.adjust(20)
        expect(yield* Fiber.join(fiber)).toMatchObject({ completed: ["parent"] })
        expect(journal.lines).toEqual(["20 child: done"])
      })
    )
  )

  it.effect("says by when it will be over; a second one may only bring that forward (K8, S1x-15)", () =>
    withTasks((tasks) =>
      Effect.gen(function* () {
        yield* tasks.start("stuck", Effect.uninterruptible(Effect.sleep(1000)))
        yield* settle
        expect(yield* tasks.drainsBy).toEqual(Option.none())
        yield* TestClock.adjust(7)
        const unbounded = yield* Effect.forkChild(tasks.drain({ finish: 10 }))
        yield* settle
        expect(yield* tasks.drainsBy).toEqual(Option.none())
        const fibers = [yield* Effect.forkChild(tasks.drain({ finish: 100, giveUp: 400 }))]
        yield* settle
        expect(yield* tasks.drainsBy).toEqual(Option.some(507))
        for (const giveUp of [600, 50]) fibers.push(yield* Effect.forkChild(tasks.drain({ giveUp })))
        yield* settle
        expect(yield* tasks.drainsBy).toEqual(Option.some(57))
        yield* TestClock.adjust(50)
        for (const fiber of [unbounded, ...fibers]) expect((yield* Fiber.join(fiber)).abandoned).toEqual(["stuck"])
        expect(yield* Effect.flip(tasks.start("late", Effect.void))).toEqual(new Draining())
        yield* TestClock.adjust(1000)
      })
    )
  )

  it.effect(
    "logs once, as a warning, who did not end in time: the names, and that it was a timeout (S1x-19, S1x-20)",
    () => {
      const { layer, lines } = logged()
      return withTasks((tasks) =>
        Effect.gen(function* () {
          yield* tasks.start("stuck", Effect.uninterruptible(Effect.sleep(1000)))
          yield* tasks.start(
            "frozen",
            Effect.onInterrupt(Effect.never, () => Effect.sleep(900))
          )
          yield* tasks.start("polite", Effect.never)
          yield* settle
          const fibers = []
          for (let call = 0; call < 3; call++) fibers.push(yield* Effect.forkChild(tasks.drain({ giveUp: 500 })))
          yield* TestClock.adjust(500)
          yield* Fiber.joinAll(fibers)
          yield* tasks.drain()
          expect(lines).toEqual([
            {
              level: "Warn",
              message: "The drain ended by its timeout after 500ms; still running, and left behind: stuck, frozen",
              fields: { abandoned: ["stuck", "frozen"], tookMillis: 500 }
            }
          ])
          yield* TestClock.adjust(1000)
        })
      ).pipe(Effect.provide(layer))
    }
  )

  it.effect("logs no warning when everything ended in time", () => {
    const { layer, lines } = logged()
    return withTasks((tasks) =>
      Effect.gen(function* () {
        yield* tasks.start(
          "polite",
          Effect.onInterrupt(Effect.never, () => Effect.sleep(10))
        )
        yield* settle
        const fiber = yield* Effect.forkChild(tasks.drain({ giveUp: 500 }))
        yield* TestClock.adjust(10)
        yield* Fiber.join(fiber)
        expect(lines).toEqual([])
      })
    ).pipe(Effect.provide(layer))
  })

  it.effect("a task that was cancelled before, or that asks itself, is drained like any other (K10, K13)", () =>
    withTasks((tasks) =>
      Effect.gen(function* () {
        const journal = new Journal()
        yield* tasks.start("asked", journal.watch("asked", Effect.never, Effect.sleep(20)), atOnce)
        yield* tasks.start("drains", Effect.andThen(Effect.sleep(5), tasks.drain({ finish: 50 })), atOnce)
        yield* settle
        yield* tasks.requestCancel("asked", { reason: CancelReason.request({ by: "ann" }) })
        yield* tasks.start("waiting", journal.watch("waiting", Effect.never), atOnce)
        // Before the first step of "waiting".
        const early = yield* Effect.forkChild(tasks.drain({ finish: 50 }), { startImmediately: true })
        yield* TestClock.adjust(50)
        const report = yield* Fiber.join(early)
        expect(report).toMatchObject({ cancelled: ["asked", "drains", "waiting"], completed: [], abandoned: [] })
        expect(journal.lines).toEqual(["0 asked: request by ann of asked", "20 asked: cleaned up"])
        expect(yield* Task.poll(Option.getOrThrow(yield* tasks.get("waiting")))).toMatchObject({
          value: { _tag: "Cancelled", reason: { source: "shutdown" } }
        })
      })
    )
  )
})
