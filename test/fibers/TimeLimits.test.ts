import { describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Deadline from "../../src/combinators/Deadline.ts"
import { InvalidDuration } from "../../src/fibers/CancelPolicy.ts"
import * as CancelReason from "../../src/fibers/CancelReason.ts"
import * as Nursery from "../../src/fibers/Nursery.ts"
import * as Task from "../../src/fibers/Task.ts"
import type { TaskOutcome } from "../../src/fibers/TaskOutcome.ts"
import { Tasks, type StartOptions } from "../../src/fibers/Tasks.ts"
import * as TaskTree from "../../src/fibers/TaskTree.ts"
import * as TimeLimits from "../../src/fibers/TimeLimits.ts"
import { Journal } from "../support/journal.ts"
import { leakChecked } from "../support/leaks.ts"
import { settle } from "../support/settle.ts"

const withTasks = <A, E>(body: (tasks: Tasks["Service"]) => Effect.Effect<A, E, Scope.Scope>) =>
  leakChecked(Effect.flatMap(Tasks, body).pipe(Effect.scoped, Effect.provide(Tasks.layer())))

const tell = (outcome: TaskOutcome<unknown, unknown, unknown>): string => {
  if (outcome._tag === "Completed") return `Completed ${outcome.value as string}`
  if (outcome._tag === "Failed") return `Failed ${String(Cause.squash(outcome.cause))}`
  const { how, partial, reason } = outcome
  const part = partial === undefined ? "" : `; partial ${partial as string}`
  return `${how}: ${reason.source} by ${reason.by} of ${reason.scope}: ${reason.message}${part}`
}

/** Starts one task as "t" and answers how it stands: its outcome, or its state. */
const starting = <E>(tasks: Tasks["Service"], effect: Effect.Effect<unknown, E>, options: StartOptions) =>
  Effect.map(Effect.orDie(tasks.start("t", effect, options)), (task) =>
    Effect.flatMap(Task.poll(task), (outcome) =>
      Option.isSome(outcome)
        ? Effect.succeed(tell(outcome.value))
        : Effect.map(tasks.info("t"), (info) => Option.getOrThrow(info).state)
    )
  )

describe("TimeLimits", () => {
  it.effect("S1-62 S1-63 S1-65: a task runs up to its limit and is cancelled at it, with timeout and not Failed", () =>
    withTasks((tasks) =>
      Effect.gen(function* () {
        const state = yield* starting(tasks, Effect.never, { timeLimit: "30 seconds" })
        yield* TestClock.adjust(29_999)
        expect(yield* state).toBe("running")
        yield* TestClock.adjust(1)
        expect(yield* state).toBe("interrupted: timeout by time limit of t: The time limit of 30s passed")
      })
    )
  )

  it.effect("what ends at the very instant has ended in time; a task in time leaves no timer (K12, K33)", () =>
    withTasks((tasks) =>
      Effect.gen(function* () {
        const state = yield* starting(tasks, Effect.as(Effect.sleep(100), "done"), { timeLimit: 100 })
        yield* TestClock.adjust(100)
        expect(yield* state).toBe("Completed done")
        expect((yield* tasks.info("t")).pipe(Option.flatMap(({ deadline }) => deadline))).toEqual(Option.some(100))
      })
    )
  )

  it.effect("the nearest limit counts, and the reason names it; at one instant the outer one speaks (K33)", () =>
    withTasks((tasks) =>
      Effect.gen(function* () {
        for (const [limits, millis, told] of [
          [{ timeLimit: 20, maxTimeLimit: 30, deadline: 40 }, 20, "time limit of 20ms"],
          [{ timeLimit: 20, maxTimeLimit: 10, deadline: 40 }, 10, "maximum time limit of 10ms"],
          [{ timeLimit: 20, maxTimeLimit: 30, deadline: 5 }, 5, "deadline of 5ms"],
          [{ timeLimit: 20, maxTimeLimit: 20, deadline: 20 }, 20, "deadline of 20ms"],
          [{ timeLimit: 20, maxTimeLimit: 20 }, 20, "maximum time limit of 20ms"],
          [{ maxTimeLimit: 7 }, 7, "maximum time limit of 7ms"],
          [{ deadline: 8, timeLimit: Infinity }, 8, "deadline of 8ms"]
        ] as const) {
          const state = yield* starting(tasks, Effect.never, limits)
          yield* TestClock.adjust(millis - 1)
          expect(yield* state).toBe("running")
          yield* TestClock.adjust(1)
          expect(yield* state).toContain(`: The ${told} passed`)
        }
        const state = yield* starting(tasks, Effect.never, { timeLimit: Infinity })
        yield* TestClock.adjust("3650 days")
        expect(yield* state).toBe("running")
        expect((yield* tasks.info("t")).pipe(Option.flatMap(({ deadline }) => deadline))).toEqual(Option.none())
      })
    )
  )

  it.effect(
    "a task whose time is up before it begins never runs, without grace, and has its terminal event (K10)",
    () =>
      withTasks((tasks) =>
        Effect.gen(function* () {
          let ran = 0
          const body = Effect.sync(() => ran++)
          for (const deadline of [0, -1, Duration.negativeInfinity]) {
            const options = { deadline, overdue: { grace: "1 minute" }, history: 10 } as const
            const state = yield* starting(tasks, body, options)
            expect(yield* state).toBe(
              "interrupted: timeout by deadline of t: The deadline had passed before the task began"
            )
            const events = yield* Stream.runCollect(tasks.events("t"))
            expect(events.map(({ _tag }) => _tag)).toEqual(["CancelRequested", "Cancelled"])
            yield* settle
          }
          expect(ran).toBe(0)
          expect(yield* tasks.cancel("t")).toMatchObject({ _tag: "AlreadyCancelled" })
          const again = yield* tasks.start("t", body)
          expect(yield* Task.join(again)).toBe(0)
        })
      )
  )

  it.effect("the cancel waits for clean-up, keeps what the task had, and is seen as what it is below (K17, K18)", () =>
    withTasks((tasks) =>
      Effect.gen(function* () {
        const journal = new Journal()
        const body = Effect.andThen(
          Task.partial("half"),
          Nursery.run("inner", (nursery) =>
            Effect.andThen(nursery.spawn("child", journal.watch("child", Effect.never, Effect.sleep(20))), Effect.never)
          )
        )
        const state = yield* starting(tasks, body, { timeLimit: 50 })
        yield* TestClock.adjust(69)
        expect(yield* state).toBe("cancelling")
        yield* TestClock.adjust(1)
        expect(yield* state).toContain("timeout by time limit of t: The time limit of 50ms passed; partial half")
        expect(journal.lines).toEqual(["50 child: timeout by time limit of t", "70 child: cleaned up"])
      })
    )
  )

  it.effect("with grace the task is asked first and may finish; without giving up nothing is cut off (K12)", () =>
    withTasks((tasks) =>
      Effect.gen(function* () {
        const polite = Effect.andThen(Task.awaitRequest, Effect.as(Effect.sleep(10), "wound up"))
        const finished = yield* starting(tasks, polite, { timeLimit: 50, overdue: { grace: 20 } })
        yield* TestClock.adjust(60)
        expect(yield* finished).toBe("Completed wound up")
        const cut = yield* starting(tasks, polite, { timeLimit: 50, overdue: { grace: 5 } })
        yield* TestClock.adjust(55)
        expect(yield* cut).toContain("interrupted: timeout")
        const deaf = Effect.uninterruptible(Effect.sleep(100))
        const given = yield* starting(tasks, deaf, { timeLimit: 50, overdue: { giveUp: 10 } })
        yield* TestClock.adjust(60)
        expect(yield* given).toContain("abandoned: timeout")
        yield* TestClock.adjust(100)
      })
    )
  )

  it.effect("the first reason stays: a cancel before the limit, and a limit before the cancel (K8, K19)", () =>
    withTasks((tasks) =>
      Effect.gen(function* () {
        const slow = Effect.onInterrupt(Effect.never, () => Effect.sleep(100))
        const first = yield* starting(tasks, slow, { timeLimit: 50 })
        yield* settle
        yield* tasks.requestCancel("t", { reason: CancelReason.request({ by: "ann" }) })
        yield* TestClock.adjust(100)
        expect(yield* first).toContain("request by ann")
        const second = yield* starting(tasks, slow, { timeLimit: 50 })
        yield* TestClock.adjust(50)
        yield* tasks.requestCancel("t", { reason: CancelReason.request({ by: "ann" }) })
        yield* TestClock.adjust(100)
        expect(yield* second).toContain("timeout by time limit")
        const third = yield* starting(tasks, Effect.never, { timeLimit: 50 })
        yield* settle
        yield* tasks.requestCancel("t", { reason: CancelReason.request({ by: "ann" }), grace: "1 hour" })
        yield* TestClock.adjust(49)
        expect(yield* third).toBe("cancelling")
        yield* TestClock.adjust(1)
        expect(yield* third).toContain("interrupted: request by ann")
      })
    )
  )

  it.effect("a commit that has begun is not undone by the limit (K9)", () =>
    withTasks((tasks) =>
      Effect.gen(function* () {
        const saving = Task.commit(Effect.as(Effect.sleep(100), "saved"), { within: "1 minute" })
        const state = yield* starting(tasks, saving, { timeLimit: 50 })
        yield* TestClock.adjust(100)
        expect(yield* state).toBe("Completed saved")
      })
    )
  )

  it.effect("InvalidDuration: NaN is a defect, and nothing was started", () =>
    withTasks((tasks) =>
      Effect.gen(function* () {
        for (const field of ["timeLimit", "maxTimeLimit", "deadline"]) {
          const exit = yield* Effect.exit(tasks.start("t", Effect.void, { [field]: NaN }))
          const defect = exit._tag === "Failure" && Cause.squash(exit.cause)
          expect(defect).toBeInstanceOf(InvalidDuration)
          expect(defect).toMatchObject({ field })
        }
        const exit = yield* Effect.exit(tasks.start("t", Effect.void, { timeLimit: 1, overdue: { grace: -1 } }))
        expect(exit._tag === "Failure" && Cause.squash(exit.cause)).toMatchObject({ field: "grace" })
        expect(yield* tasks.list).toEqual([])
      })
    )
  )

  it.effect("a task that starts another gives it none of its limit (K27)", () =>
    withTasks((tasks) =>
      Effect.gen(function* () {
        const inner = tasks.start("inner", Effect.never)
        const state = yield* starting(tasks, Effect.andThen(inner, Effect.never), { timeLimit: 50 })
        yield* TestClock.adjust(100)
        expect(yield* state).toContain("timeout")
        expect((yield* tasks.info("inner")).pipe(Option.map(({ state }) => state))).toEqual(Option.some("running"))
      })
    )
  )

  it.effect("the instant shows in the listing and in the tree, and below the task it is the deadline", () =>
    withTasks((tasks) =>
      Effect.gen(function* () {
        const seen: Array<unknown> = []
        const body = Effect.andThen(
          Effect.flatMap(Effect.all([Deadline.current, Deadline.remaining]), ([current, remaining]) =>
            Effect.sync(() =>
              seen.push(Option.map(current, DateTime.toEpochMillis), Option.map(remaining, Duration.toMillis))
            )
          ),
          Effect.never
        )
        yield* TestClock.adjust(1000)
        yield* starting(tasks, body, { timeLimit: 50, deadline: "1 minute" })
        yield* settle
        expect(seen).toEqual([Option.some(1050), Option.some(50)])
        expect((yield* tasks.list).map(({ deadline }) => deadline)).toEqual([Option.some(1050)])
        const { tree } = yield* TaskTree.snapshot
        expect(TaskTree.toText({ tree, stragglers: [] })).toContain("t")
        expect(JSON.stringify(tree)).toContain('"deadline":"1970-01-01T00:00:01.050Z"')
      })
    )
  )

  describe("extend", () => {
    const extending = (steps: ReadonlyArray<number>, by: Duration.Input, answers: Array<boolean>) =>
      Effect.as(
        Effect.forEach(steps, (step) =>
          Effect.flatMap(Effect.andThen(Effect.sleep(step), TimeLimits.extend(by)), (answer) =>
            Effect.sync(() => answers.push(answer))
          )
        ),
        "done"
      )

    it.effect("S1-67: a task that asks for more time gets it, counted from the present instant of the limit", () =>
      withTasks((tasks) =>
        Effect.gen(function* () {
          const answers: Array<boolean> = []
          const body = Effect.andThen(extending([40, 40, 40], 40, answers), Effect.never)
          const state = yield* starting(tasks, body, { timeLimit: 50 })
          yield* TestClock.adjust(40)
          expect((yield* tasks.info("t")).pipe(Option.flatMap(({ deadline }) => deadline))).toEqual(Option.some(90))
          yield* TestClock.adjust(129)
          expect(yield* state).toBe("running")
          yield* TestClock.adjust(1)
          expect(yield* state).toContain("The time limit of 170ms passed")
          expect(answers).toEqual([true, true, true])
        })
      )
    )

    it.effect("the maximum is as far as it goes: then the answer is false, and the maximum is named", () =>
      withTasks((tasks) =>
        Effect.gen(function* () {
          const answers: Array<boolean> = []
          const body = Effect.andThen(extending([10, 10, 10], 40, answers), Effect.never)
          const state = yield* starting(tasks, body, { timeLimit: 50, maxTimeLimit: 100 })
          yield* TestClock.adjust(99)
          expect(answers).toEqual([true, true, false])
          expect(yield* state).toBe("running")
          yield* TestClock.adjust(1)
          expect(yield* state).toContain("timeout by maximum time limit of t: The maximum time limit of 100ms passed")
        })
      )
    )

    it.effect("a deadline stays where it is", () =>
      withTasks((tasks) =>
        Effect.gen(function* () {
          const answers: Array<boolean> = []
          const body = Effect.andThen(extending([10], "1 hour", answers), Effect.never)
          const state = yield* starting(tasks, body, { timeLimit: 50, deadline: 70 })
          yield* TestClock.adjust(69)
          expect([answers, yield* state]).toEqual([[true], "running"])
          yield* TestClock.adjust(1)
          expect(yield* state).toContain("timeout by deadline")
        })
      )
    )

    it.effect("once the limit has passed it is too late, also in the grace", () =>
      withTasks((tasks) =>
        Effect.gen(function* () {
          const answers: Array<boolean> = []
          const polite = Effect.andThen(Task.awaitRequest, extending([5], "1 hour", answers))
          const state = yield* starting(tasks, polite, { timeLimit: 50, overdue: { grace: 10 } })
          yield* TestClock.adjust(55)
          expect([answers, yield* state]).toEqual([[false], "Completed done"])
        })
      )
    )

    it.effect("an infinite time lifts the limit, up to the maximum; no time at all moves nothing", () =>
      withTasks((tasks) =>
        Effect.gen(function* () {
          const answers: Array<boolean> = []
          const lifted = yield* starting(tasks, Effect.andThen(extending([1], Infinity, answers), Effect.never), {
            timeLimit: 50
          })
          yield* TestClock.adjust("365 days")
          expect(yield* lifted).toBe("running")
          expect((yield* tasks.info("t")).pipe(Option.flatMap(({ deadline }) => deadline))).toEqual(Option.none())
          yield* tasks.cancel("t")
          const bound = yield* starting(tasks, Effect.andThen(extending([1, 1], Infinity, answers), Effect.never), {
            timeLimit: 50,
            maxTimeLimit: 200
          })
          yield* TestClock.adjust(200)
          expect(yield* bound).toContain("maximum time limit")
          const none = yield* starting(tasks, Effect.andThen(extending([1], 0, answers), Effect.never), {
            timeLimit: 50
          })
          yield* TestClock.adjust(50)
          expect(yield* none).toContain("The time limit of 50ms passed")
          expect(answers).toEqual([true, true, false, true])
        })
      )
    )

    it.effect("a child of the task moves the limit of the task; where nothing is limited there is time enough", () =>
      withTasks((tasks) =>
        Effect.gen(function* () {
          const inner = Nursery.run("inner", (nursery) =>
            Effect.flatMap(nursery.spawn("child", TimeLimits.extend(100)), Task.join)
          )
          const answers: Array<unknown> = []
          const body = Effect.andThen(
            Effect.flatMap(inner, (answer) => Effect.sync(() => answers.push(answer))),
            Effect.never
          )
          const state = yield* starting(tasks, body, { timeLimit: 50 })
          yield* TestClock.adjust(149)
          expect(yield* state).toBe("running")
          yield* TestClock.adjust(1)
          expect(yield* state).toContain("150ms")
          expect(answers).toEqual([true])
          expect(yield* TimeLimits.extend("1 minute")).toBe(true)
          const unlimited = yield* tasks.start("u", TimeLimits.extend("1 minute"))
          expect(yield* Task.join(unlimited)).toBe(true)
        })
      )
    )

    it.effect("InvalidDuration: less than none, or no duration, is a defect", () =>
      Effect.gen(function* () {
        for (const by of [-1, NaN]) {
          const exit = yield* Effect.exit(TimeLimits.extend(by))
          expect(exit._tag === "Failure" && Cause.squash(exit.cause)).toBeInstanceOf(InvalidDuration)
        }
      })
    )
  })
})
