/** What the proofs found, one law a test. */
import { describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as CancelReason from "../../src/fibers/CancelReason.ts"
import type { CancelResult } from "../../src/fibers/CancelResult.ts"
import * as Nursery from "../../src/fibers/Nursery.ts"
import * as Shield from "../../src/fibers/Shield.ts"
import * as Task from "../../src/fibers/Task.ts"
import type * as TaskOutcome from "../../src/fibers/TaskOutcome.ts"
import { type DrainReport, Tasks } from "../../src/fibers/Tasks.ts"
import * as Explore from "../../src/testing/Explore.ts"
import * as Simulation from "../../src/testing/Simulation.ts"
import { leakChecked } from "../support/leaks.ts"

const ann = { reason: CancelReason.request({ by: "ann" }) }

/** Never ends by itself; then cleans up. */
const cleaning = (cleanUp: Effect.Effect<unknown>) => Effect.ensuring(Effect.never, cleanUp)

const known = (task: Task.Task<unknown, unknown> | undefined) => task!

/** Fails before it is ready, and takes time to close. */
const failing = (_ready: (value: void) => Effect.Effect<void>) =>
  Effect.andThen(
    Effect.addFinalizer(() => Effect.sleep(5)),
    Effect.fail("no port")
  )

/** What a program answers that must end, in virtual time: one that hangs is seen at once. */
const ended = <A>(program: Effect.Effect<A, unknown, Scope.Scope>): A => {
  const { findings, outcome } = Simulation.run(leakChecked(Effect.scoped(program)))
  expect(findings).toEqual([])
  expect(outcome).toMatchObject({ _tag: "Completed" })
  return (outcome as TaskOutcome.Completed<A>).value
}

/** What a task is answered that in its clean-up cancels the task that closes the scope or layer of its owner. */
const asksItsCloser = (
  ask: (closer: Effect.Effect<CancelResult>) => Effect.Effect<CancelResult>,
  makesLayer: boolean
) =>
  ended(
    Effect.gen(function* () {
      const nursery = yield* Nursery.make("top")
      let closer: Task.Task<unknown, unknown> | undefined
      let answer: CancelResult | undefined
      const child = cleaning(
        Effect.map(ask(Effect.suspend(() => Task.cancel(known(closer), ann))), (result) => {
          answer = result
        })
      )
      if (makesLayer) {
        closer = yield* nursery.spawn(
          "closer",
          Effect.gen(function* () {
            const tasks = yield* Tasks
            const task = yield* Effect.orDie(tasks.start("task", child))
            yield* Effect.sleep(1)
            yield* Task.requestCancel(task)
            yield* Effect.uninterruptible(Effect.sleep(2))
          }).pipe(Effect.provide(Tasks.layer()))
        )
      } else {
        const scope = yield* Scope.make()
        const pool = yield* Scope.provide(Nursery.make("pool"), scope)
        const task = yield* pool.spawn("task", child)
        closer = yield* nursery.spawn(
          "closer",
          Effect.gen(function* () {
            yield* Effect.sleep(1)
            yield* Task.requestCancel(task)
            yield* Effect.uninterruptible(Effect.sleep(2))
          }).pipe(Effect.ensuring(Scope.close(scope, Exit.void)))
        )
      }
      yield* Task.await(closer)
      return answer
    })
  )

const before = (cancel: Effect.Effect<CancelResult>) => cancel
const after = (cancel: Effect.Effect<CancelResult>) => Effect.andThen(Effect.sleep(5), cancel)

/** Fails to commit when it has run for 10 ms, and goes on where nothing interrupts it. */
const failsToCommit = Effect.andThen(
  Effect.ignore(Task.commit(Effect.andThen(Effect.sleep(10), Effect.fail("no")), { within: 100 })),
  Effect.uninterruptible(Effect.sleep(1000))
)

const shieldGoesOn = (work: Effect.Effect<unknown>) =>
  Shield.run("shield", Effect.andThen(work, Effect.sleep(100)), { budget: "1 minute" })

const firstToCleanUp = (second: () => Task.Task<unknown, unknown>, told: (answer: CancelResult) => void) =>
  cleaning(Effect.suspend(() => Effect.map(Task.requestCancel(second()), (answer) => told(answer))))

describe("proved", () => {
  it.each([5, 0])("what gives up during a commit (after %i ms) gives up when that has failed (K9, K12)", (giveUp) => {
    const answer = ended(
      Effect.gen(function* () {
        const nursery = yield* Nursery.make("top")
        const task = yield* nursery.spawn("task", failsToCommit)
        yield* Effect.sleep(1)
        const answer = yield* Task.cancel(task, { ...ann, giveUp })
        yield* Effect.sleep(1000)
        return answer
      })
    )
    expect(answer).toMatchObject({ _tag: "Cancelled", how: "abandoned", took: Duration.millis(9) })
  })

  it("what ends at the instant of giving up has ended in time, also where a commit fails just then (K9, K12)", () => {
    const { outcome } = Simulation.run(
      Nursery.supervise("pool", (_nursery: Nursery.Nursery<string>) =>
        Effect.gen(function* () {
          const inner = yield* Nursery.make<string>("inner")
          const saving = Task.commit(Effect.andThen(Effect.sleep(6), Effect.fail("no")), { within: 100 })
          yield* inner.spawn("saving", Effect.andThen(Effect.ignore(saving), Effect.uninterruptible(Effect.sleep(9))))
          const closing = yield* inner.spawn("closing", cleaning(Effect.sleep(5)))
          yield* Effect.sleep(1)
          yield* inner.cancel({ ...ann, giveUp: 5 })
          return yield* Task.await(closing)
        }).pipe(Effect.scoped)
      )
    )
    expect(outcome).toMatchObject({ value: { value: { how: "interrupted" } } })
  })

  it("what gives up on a nursery during a commit gives up when that has failed (K9, K12)", () => {
    const { answer, outcome } = ended(
      Effect.gen(function* () {
        const nursery = yield* Nursery.make("top")
        const task = yield* nursery.spawn("task", failsToCommit)
        yield* Effect.sleep(1)
        const answer = yield* nursery.cancel({ ...ann, giveUp: 5 })
        const outcome = yield* Task.await(task)
        yield* Effect.sleep(1000)
        return { answer, outcome }
      })
    )
    expect(answer).toMatchObject({ _tag: "Cancelled", took: Duration.millis(9) })
    expect(outcome).toMatchObject({ how: "abandoned" })
  })

  it.each([
    ["a budget", (wait: Effect.Effect<unknown>) => Shield.run("shield", wait, { budget: 5 })],
    ["a timeout in a shield", (wait: Effect.Effect<unknown>) => shieldGoesOn(Effect.timeoutOption(wait, 5))]
  ])("a wait for several that %s ends is over for all of them (K13)", (_, ending) => {
    const answers = ended(
      Effect.gen(function* () {
        const nursery = yield* Nursery.make("top")
        let owner: Task.Task<unknown> | undefined
        const answers: Array<string> = []
        const asks = Effect.andThen(
          Effect.sleep(50),
          Effect.map(
            Effect.suspend(() => Task.cancel(known(owner))),
            ({ _tag }) => answers.push(_tag)
          )
        )
        const one = yield* nursery.spawn("one", cleaning(asks))
        const two = yield* nursery.spawn("two", cleaning(asks))
        owner = yield* nursery.spawn(
          "owner",
          ending(Task.cancelAll([one, two])).pipe(Effect.exit, Effect.ensuring(Effect.sleep(100)))
        )
        yield* Effect.sleep(1)
        yield* Task.cancel(owner, ann)
        yield* Effect.sleep(1)
        return answers
      })
    )
    expect(answers).toEqual(["AlreadyCancelled", "AlreadyCancelled"])
  })

  it("a task that drains the tasks in its clean-up does not wait for itself (K13)", () => {
    const { outcome, report } = ended(
      Effect.gen(function* () {
        const tasks = yield* Tasks
        let report: DrainReport | undefined
        yield* tasks.start("other", cleaning(Effect.sleep(5)))
        const drains = Effect.map(tasks.drain(), (drained) => {
          report = drained
        })
        const task = yield* tasks.start("task", cleaning(drains))
        yield* Effect.sleep(1)
        yield* Task.requestCancel(task, ann)
        const outcome = yield* Task.await(task)
        return { outcome, report }
      }).pipe(Effect.provide(Tasks.layer()))
    )
    expect(report).toMatchObject({ completed: [], failed: [], cancelled: ["other"], abandoned: [] })
    expect(outcome).toMatchObject({ _tag: "Cancelled", reason: { by: "ann" }, took: Duration.millis(5) })
  })

  it.each([
    ["is going to close its layer", before, true],
    ["closes its layer", after, true],
    ["is going to close its nursery", before, false],
    ["closes its nursery", after, false]
  ] as const)("clean-up that cancels who %s does not wait for that (K13)", (_, ask, makesLayer) => {
    expect(asksItsCloser(ask, makesLayer)).toMatchObject({ _tag: "Requested", id: "closer" })
  })

  it.each([
    ["awaits", Effect.never],
    ["is going to await", Effect.uninterruptible(Effect.sleep(3))]
  ])("clean-up that cancels who %s its task in clean-up does not wait for that (K13)", (_, work) => {
    const answer = ended(
      Effect.gen(function* () {
        const nursery = yield* Nursery.make("top")
        let waiter: Task.Task<unknown> | undefined
        let answer: CancelResult | undefined
        const asks = Effect.map(
          Effect.suspend(() => Task.cancel(known(waiter))),
          (result) => {
            answer = result
          }
        )
        const task = yield* nursery.spawn("task", cleaning(asks))
        waiter = yield* nursery.spawn("waiter", Effect.ensuring(work, Task.await(task)))
        yield* Effect.sleep(1)
        yield* Task.requestCancel(task, ann)
        yield* Task.await(waiter)
        return answer
      })
    )
    expect(answer).toMatchObject({ _tag: "Requested", id: "waiter" })
  })

  it.effect("three tasks that cancel each other in a circle, in clean-up, do not wait for ever (K13)", () =>
    leakChecked(
      Effect.gen(function* () {
        const nursery = yield* Nursery.make("top")
        const tasks: Array<Task.Task<unknown>> = []
        const answers: Array<string> = []
        for (const index of [0, 1, 2]) {
          const cancelNext = Effect.suspend(() => Task.cancel(tasks[(index + 1) % 3]!))
          tasks.push(
            yield* nursery.spawn(String(index), cleaning(Effect.map(cancelNext, ({ _tag }) => answers.push(_tag))))
          )
        }
        yield* TestClock.adjust(1)
        yield* Task.requestCancel(tasks[0]!, { ...ann, giveUp: 100 })
        yield* TestClock.adjust(1)
        const answered = Array.from(answers)
        yield* TestClock.adjust(100)
        // Told to wait no longer: the one who would have closed the circle.
        expect(answered).toEqual(["Requested", "AlreadyCancelled", "Cancelled"])
      }).pipe(Effect.scoped)
    )
  )

  it.effect("a child's failure on its way to a caller that was cancelled is kept (K7, K16)", () =>
    leakChecked(
      Effect.gen(function* () {
        const nursery = yield* Nursery.make<string>("top")
        const caller = yield* nursery.spawn("caller", Effect.orDie(nursery.spawnReady("child", failing)))
        yield* TestClock.adjust(1)
        yield* Task.requestCancel(caller, ann)
        yield* TestClock.adjust(5)
        const outcome = yield* Task.await(caller)
        expect(outcome._tag).toBe("Cancelled")
        expect(outcome.cleanupFailures).toEqual([{ scope: "child", cause: Cause.fail("no port") }])
      }).pipe(Effect.scoped)
    )
  )

  it.effect("who cleans up first finds all told that are cancelled together (K4)", () =>
    leakChecked(
      Effect.gen(function* () {
        const nursery = yield* Nursery.make("top")
        let second: Task.Task<unknown> | undefined
        const first = yield* nursery.spawn(
          "first",
          firstToCleanUp(
            () => known(second),
            () => {}
          )
        )
        second = yield* nursery.spawn("second", Effect.never)
        yield* TestClock.adjust(1)
        const answers = yield* Task.cancelAll([first, second], ann)
        expect(answers).toMatchObject([{ _tag: "Cancelled" }, { _tag: "Cancelled", reason: { by: "ann" } }])
      }).pipe(Effect.scoped)
    )
  )

  it.effect("who cleans up first finds all told that are drained, and all background children (K2, K4, K37)", () =>
    leakChecked(
      Effect.gen(function* () {
        const tasks = yield* Tasks
        const reasons: Array<string | undefined> = []
        let second: Task.Task<unknown> | undefined
        const told = (answer: CancelResult) => {
          if (answer._tag === "Requested") reasons.push(answer.reason.source)
        }
        const first = firstToCleanUp(() => known(second), told)
        yield* Nursery.run("nursery", (nursery) =>
          Effect.gen(function* () {
            yield* nursery.spawn("first", first, { background: true })
            second = yield* nursery.spawn("second", Effect.never, { background: true })
            yield* Effect.yieldNow
          })
        )
        yield* tasks.start("first", first)
        second = yield* tasks.start("second", Effect.never)
        yield* TestClock.adjust(1)
        yield* tasks.drain()
        expect(reasons).toEqual(["scope-closed", "shutdown"])
      }).pipe(Effect.provide(Tasks.layer()))
    )
  )

  it("whoever a shield's budget stops in the grace around it reads why, however deep it stands (K12, K18, K39)", () => {
    const report = Explore.check(
      () => {
        const unread: Array<string> = []
        const reading = (name: string, work: Effect.Effect<void>) =>
          Effect.onExit(work, (exit) =>
            Effect.map(CancelReason.current, (reason) => {
              if (exit._tag === "Failure" && Option.isNone(reason)) unread.push(name)
            })
          )
        const shield = reading("shield", Shield.run("shield", Effect.sleep(20), { budget: 2 }))
        const inner = reading("inner", Effect.orDie(Nursery.run("inner", () => shield)))
        const outer = reading("outer", Effect.orDie(Nursery.run("outer", () => inner)))
        return {
          program: Effect.all([Effect.sleep(20), outer], { concurrency: "unbounded" }),
          invariant: () => (unread.length > 0 ? `${unread.join()} read no reason` : undefined)
        }
      },
      { runs: 2000, cancel: true, grace: 10, seed: 1 }
    )
    expect(report.runs).toBeGreaterThan(1000)
  })
})
