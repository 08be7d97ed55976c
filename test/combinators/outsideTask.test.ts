/** Races and joins over tasks that run elsewhere (K28). */
import { describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as Join from "../../src/combinators/Join.ts"
import * as Race from "../../src/combinators/Race.ts"
import { RaceFailed } from "../../src/combinators/RaceFailed.ts"
import * as Nursery from "../../src/fibers/Nursery.ts"
import * as Stragglers from "../../src/fibers/Stragglers.ts"
import * as Task from "../../src/fibers/Task.ts"
import { TaskCancelled } from "../../src/fibers/TaskCancelled.ts"
import { Journal, textOf } from "../support/journal.ts"
import { leakChecked } from "../support/leaks.ts"
import { settle } from "../support/settle.ts"
import { after, ann, causeOf, during, failing, logged, started, toldAll } from "./telling.ts"

/** Starts tasks outside of the race or join under test. */
const outside: Effect.Effect<Nursery.Nursery<any>, never, Scope.Scope> = Nursery.make<any>("outside")

/** Asked for 20, and left at 50, in milliseconds. */
const patience = { grace: 20, giveUp: 50 }

/** Takes so long to clean up. */
const slowly = (millis: number) => Effect.onInterrupt(Effect.never, () => Effect.sleep(millis))

/** "slow interrupted after 25: timeout by join of join". */
const limitedText = ([name, { how, late, reason, took }]: [string, any]): string =>
  `${name} ${how} after ${Duration.toMillis(took)}: ${textOf(reason)}${late === undefined ? "" : `, late ${late}`}`

describe("tasks from outside", () => {
  it.effect("a task that loses runs on, and says so; its own outcome is untouched (K28, S4-48, S4x-15)", () =>
    leakChecked(
      Effect.gen(function* () {
        const journal = new Journal()
        const nursery = yield* outside
        const slow = yield* nursery.spawn("slow", journal.watch("slow", after(100, "slow")))
        const quick = yield* nursery.spawn("quick", after(10, "quick"))
        const report = yield* during(10, Race.firstSuccess({ slow, quick }))
        expect([report.winner, report.value]).toEqual(["quick", "quick"])
        expect(toldAll(report.losers)).toEqual({ slow: "slow runs on" })
        yield* TestClock.adjust(100)
        expect(yield* Task.join(slow)).toBe("slow")
        expect(journal.lines).toEqual(["100 slow: done"])
      })
    )
  )

  it.effect("with cancelTasks it is cancelled with the reason of the race, and awaited (K28, S4-30)", () =>
    leakChecked(
      Effect.gen(function* () {
        const journal = new Journal()
        const nursery = yield* outside
        const slow = yield* nursery.spawn("slow", journal.watch("slow", Effect.never, Effect.sleep(30)))
        const report = yield* during(
          100,
          Effect.tap(Race.firstSuccess({ slow, quick: after(10, "quick") }, { cancelTasks: true }), () =>
            journal.note("returned")
          )
        )
        expect(toldAll(report.losers)).toEqual({ slow: "cancelled after 30: lost-race by quick of race" })
        expect(journal.lines).toEqual(["10 slow: lost-race by quick of race", "40 slow: cleaned up", "40 returned"])
      })
    )
  )

  it.effect("effects beside tasks are owned: they are cancelled, the tasks are not (K28)", () =>
    leakChecked(
      Effect.gen(function* () {
        const journal = new Journal()
        const nursery = yield* outside
        const task = yield* nursery.spawn("task", after(50, 1))
        const report = yield* during(
          10,
          Race.firstSuccess({ task, own: journal.watch("own", Effect.never), quick: after(10, 2) })
        )
        expect(toldAll(report.losers)).toEqual({
          task: "task runs on",
          own: "cancelled after 0: lost-race by quick of race"
        })
        yield* TestClock.adjust(50)
        expect(yield* Task.join(task)).toBe(1)
      })
    )
  )

  it.effect("a task that was cancelled by somebody is a failure of the race, and an outcome of a join (K22, K32)", () =>
    leakChecked(
      Effect.gen(function* () {
        const nursery = yield* outside
        const task = yield* nursery.spawn("task", Effect.never)
        const race = yield* Effect.forkChild(Effect.exit(Race.firstSuccess({ task })))
        const settled = yield* Effect.forkChild(Race.firstSettled({ task, never: Effect.never }))
        const joined = yield* Effect.forkChild(Join.settled({ task }))
        const all = yield* Effect.forkChild(Effect.exit(Join.all({ task, never: Effect.never })))
        yield* settle
        yield* Task.cancel(task, ann)
        const exit = yield* Fiber.join(race)
        const error = exit._tag === "Failure" ? Cause.squash(exit.cause) : undefined
        expect(error instanceof RaceFailed && Cause.squash(error.failures[0]!.cause)).toBeInstanceOf(TaskCancelled)
        expect(yield* Fiber.join(settled)).toMatchObject({
          winner: "task",
          outcome: { _tag: "Cancelled", reason: { source: "request", by: "ann" } }
        })
        expect((yield* Fiber.join(joined)).task).toMatchObject({ _tag: "Cancelled", reason: { by: "ann" } })
        const failed = yield* Fiber.join(all)
        expect(failed._tag === "Failure" && causeOf(failed.cause)).toBe("Fail:TaskCancelled")
      })
    )
  )

  it.effect("tasks that have ended already count at once, whatever became of them (K28, S4-38)", () =>
    leakChecked(
      Effect.gen(function* () {
        const nursery = yield* outside
        const good = yield* nursery.spawn("good", Effect.succeed(1))
        const bad = yield* nursery.spawn("bad", Effect.fail("no"))
        const gone = yield* nursery.spawn("gone", Effect.never)
        yield* settle
        yield* Task.cancel(gone, ann)
        expect((yield* Race.firstSuccess({ bad, gone, good })).winner).toBe("good")
        const outcomes = yield* Join.settled([good, bad, gone])
        expect(outcomes.map(({ _tag }) => _tag)).toEqual(["Completed", "Failed", "Cancelled"])
        const { skipped, values } = yield* Join.skipCancelled({ good, gone })
        expect([values, Object.keys(skipped)]).toEqual([{ good: 1 }, ["gone"]])
      })
    )
  )

  it.effect("a limit leaves tasks running, in a place of their own, unless their cancel is asked for (K28, K31)", () =>
    leakChecked(
      Effect.gen(function* () {
        const journal = new Journal()
        const nursery = yield* outside
        const first = yield* nursery.spawn("first", journal.watch("first", after(50, 1)))
        const kept = yield* during(20, Join.within({ first, own: Effect.never, done: Effect.succeed(3) }, 20))
        expect(Object.keys(kept.running)).toEqual(["first"])
        expect(kept.running.first).toBe(first)
        expect(Object.keys(kept.cancelled)).toEqual(["own"])
        expect(kept.completed).toEqual({ done: 3 })
        const asked = yield* during(20, Join.within({ first }, 20, { cancelTasks: true }))
        expect(asked.cancelled.first?.reason.source).toBe("timeout")
        expect(asked.running).toEqual({})
        expect(journal.lines).toEqual(["40 first: timeout by join of join"])
      })
    )
  )

  it.effect("a limit of its own is a limit on the task: asking for it asks for the cancel (K28)", () =>
    leakChecked(
      Effect.gen(function* () {
        const nursery = yield* outside
        const task = yield* nursery.spawn("task", Effect.never)
        const outcomes = yield* during(20, Join.settled({ task, own: Effect.never }, { each: 10 }))
        expect(outcomes.task).toMatchObject({ _tag: "Cancelled", reason: { source: "timeout" } })
        expect(outcomes.own).toMatchObject({ _tag: "Cancelled", reason: { source: "timeout" } })
        expect(yield* Task.poll(task)).toMatchObject({ _tag: "Some" })
      })
    )
  )

  it.effect(
    "a caller that is cancelled leaves the tasks alone, or takes them with it if that was asked (K11, K28)",
    () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const nursery = yield* outside
          const left = yield* nursery.spawn("left", journal.watch("left", after(100, 1)))
          const taken = yield* nursery.spawn("taken", journal.watch("taken", Effect.never))
          const one = yield* nursery.spawn("one", Race.firstSuccess({ left }))
          const other = yield* nursery.spawn("other", Race.firstSuccess({ taken }, { cancelTasks: true }))
          yield* settle
          yield* Task.cancelAll([one, other], ann)
          expect(journal.lines).toEqual(["0 taken: request by ann of other"])
          yield* TestClock.adjust(100)
          expect(yield* Task.join(left)).toBe(1)
        })
      )
  )

  it.effect(
    "a caller that is cancelled keeps its own member's failure, and none of a task, which has it itself (K16, K28)",
    () =>
      leakChecked(
        Effect.gen(function* () {
          const nursery = yield* outside
          const lines: Array<string> = []
          const bad = yield* nursery.spawn("bad", Effect.fail("no"))
          yield* settle
          const joined = Join.settled({ bad, own: Effect.fail("mine"), never: Effect.never })
          const caller = yield* started(logged(joined, lines))
          yield* Task.cancel(caller, ann)
          const { cleanupFailures } = yield* Task.await(caller)
          expect(cleanupFailures.map(({ scope, cause }) => `${scope} ${causeOf(cause)}`)).toEqual(["own Fail:mine"])
          expect(lines.length).toBe(1)
        })
      )
  )

  it.effect("grace reaches the task at once: what it finishes in time is late, with its value (K12, K28)", () =>
    leakChecked(
      Effect.gen(function* () {
        const nursery = yield* outside
        const polite = yield* nursery.spawn("polite", Effect.andThen(Task.awaitRequest, after(5, "bye")))
        const report = yield* during(
          100,
          Race.firstSuccess({ polite, quick: after(10, 1) }, { cancelTasks: true, grace: 50 })
        )
        expect(toldAll(report.losers)).toEqual({ polite: "late after 5: bye" })
        expect(yield* Task.join(polite)).toBe("bye")
      })
    )
  )

  it.effect("giveUp bounds the wait for a task that was cancelled: it is the straggler (K12, K25, K28)", () =>
    leakChecked(
      Effect.gen(function* () {
        const nursery = yield* outside
        const slow = yield* nursery.spawn(
          "slow",
          Effect.onInterrupt(Effect.never, () => Effect.sleep(100))
        )
        const report = yield* during(
          40,
          Race.firstSuccess({ slow, quick: after(10, 1) }, { cancelTasks: true, giveUp: 30 })
        )
        expect(toldAll(report.losers)).toEqual({ slow: "abandoned after 30: lost-race by quick of race" })
        expect((yield* Stragglers.list).map(({ name }) => name)).toEqual(["slow"])
        yield* TestClock.adjust(100)
      })
    )
  )

  it.effect("a race that cancels a task around itself does not wait for it (K13, K28)", () =>
    leakChecked(
      Effect.gen(function* () {
        const nursery = yield* outside
        let around: Task.Task<unknown, unknown> | undefined
        around = yield* nursery.spawn(
          "around",
          Effect.suspend(() => Race.firstSuccess({ around: around!, quick: after(10, 1) }, { cancelTasks: true }))
        )
        yield* TestClock.adjust(10)
        const outcome = yield* Task.await(around)
        expect(outcome._tag === "Cancelled" && textOf(outcome.reason)).toBe("lost-race by quick of race")
        expect(outcome.salvaged).toEqual([{ scope: "race", value: { winner: "quick", value: 1 } }])
      })
    )
  )

  it.effect("quorum, hedge, first and bestEffort take tasks as well (K28)", () =>
    leakChecked(
      Effect.gen(function* () {
        const nursery = yield* outside
        const [a, b, c] = yield* Effect.all([
          nursery.spawn("a", after(10, "a")),
          nursery.spawn("b", failing(20, "b")),
          nursery.spawn("c", after(30, "c"))
        ])
        const quorum = yield* Effect.forkChild(Race.quorum([a, b, c], 2))
        const hedge = yield* Effect.forkChild(Race.hedge([c, a], 5))
        const first = yield* Effect.forkChild(Join.first({ a, b, c }, 2))
        const best = yield* Effect.forkChild(Join.bestEffort({ a, b, c }, { limit: 25 }))
        yield* TestClock.adjust(30)
        expect((yield* Fiber.join(quorum)).winners.map(({ value }) => value)).toEqual(["a", "c"])
        expect((yield* Fiber.join(hedge)).value).toBe("a")
        const ended = yield* Fiber.join(first)
        expect(ended.ended.map(({ member, outcome }) => `${member} ${outcome._tag}`)).toEqual([
          "a Completed",
          "b Failed"
        ])
        expect(toldAll(ended.rest)).toEqual({ c: "c runs on" })
        const had = yield* Fiber.join(best)
        expect([had.values, toldAll(had.missing)]).toEqual([{ a: "a" }, { b: "failed: Fail:b", c: "c runs on" }])
      })
    )
  )

  it.effect("options that do not ask for it leave the tasks running (K28)", () =>
    leakChecked(
      Effect.gen(function* () {
        const nursery = yield* outside
        const slow = yield* nursery.spawn("slow", after(50, 1))
        const report = yield* during(10, Race.firstSuccess({ slow, quick: after(10, 2) }, { name: "ask", giveUp: 5 }))
        expect(toldAll(report.losers)).toEqual({ slow: "slow runs on" })
        yield* TestClock.adjust(50)
        expect(yield* Task.join(slow)).toBe(1)
      })
    )
  )

  it.effect("a task that somebody had cancelled before keeps that reason in every report (K8, K28)", () =>
    leakChecked(
      Effect.gen(function* () {
        const nursery = yield* outside
        const dying = () =>
          nursery.spawn(
            "dying",
            Effect.onInterrupt(Effect.never, () => Effect.sleep(30))
          )
        const [lost, limited] = yield* Effect.all([dying(), dying()])
        const race = yield* Effect.forkChild(Race.firstSuccess({ lost, quick: after(10, 1) }, { cancelTasks: true }))
        const join = yield* Effect.forkChild(Join.within({ limited }, 10, { cancelTasks: true }))
        yield* settle
        yield* Task.requestCancel(lost, ann)
        yield* Task.requestCancel(limited, ann)
        yield* TestClock.adjust(30)
        expect(toldAll((yield* Fiber.join(race)).losers)).toEqual({
          lost: "cancelled after 30: request by ann of dying"
        })
        const { cancelled } = yield* Fiber.join(join)
        expect(cancelled.limited).toMatchObject({ reason: { source: "request", by: "ann" }, how: "interrupted" })
        expect(Duration.toMillis(cancelled.limited!.took)).toBe(30)
      })
    )
  )

  it.effect(
    "at a limit a task's own end is told: how it ended and after what time, its failure, its value (K28, K31)",
    () =>
      leakChecked(
        Effect.gen(function* () {
          const nursery = yield* outside
          const tasks = {
            slow: yield* nursery.spawn("slow", slowly(15)),
            stuck: yield* nursery.spawn("stuck", slowly(500)),
            torn: yield* nursery.spawn("torn", Task.commit(failing(40, "torn"), { within: 1000 })),
            saved: yield* nursery.spawn("saved", Task.commit(after(45, "value"), { within: 1000 }))
          }
          const options = { cancelTasks: true, grace: 10, giveUp: 30 }
          const report = yield* during(100, Join.within(tasks, 20, options))
          expect(Object.entries(report.cancelled).map(limitedText)).toEqual([
            "slow interrupted after 25: timeout by join of join",
            "stuck abandoned after 30: timeout by join of join",
            "saved interrupted after 25: timeout by join of join, late value"
          ])
          expect(Object.keys(report.failed)).toEqual(["torn"])
          yield* TestClock.adjust(500)
        })
      )
  )

  it.effect.each([
    [
      "the limit of the join",
      (task: Task.Task<never>) => Join.within({ task }, 10, { ...patience, cancelTasks: true })
    ],
    ["the limit of a member", (task: Task.Task<never>) => Join.within({ task }, Infinity, { ...patience, each: 10 })],
    [
      "the end of a race",
      (task: Task.Task<never>) => Race.firstSuccess({ task, quick: after(10, 1) }, { ...patience, cancelTasks: true })
    ]
  ] as const)("the patience with a task counts from the request: %s (K12, K25, K28)", ([, waiting]) =>
    leakChecked(
      Effect.gen(function* () {
        const nursery = yield* outside
        const journal = new Journal()
        const slow = journal.watch("slow", Effect.never, Effect.sleep(500))
        const task: Task.Task<never> = yield* nursery.spawn("slow", slow)
        const waited = Effect.andThen(waiting(task) as Effect.Effect<unknown, unknown>, journal.note("went on"))
        yield* during(1000, waited)
        expect(journal.lines.map((line) => line.replace(/:.*/, ""))).toEqual(["30 slow", "60 went on", "530 slow"])
      })
    )
  )

  it.effect("a task is asked with the grace of who cancels the caller, not with the race's (K12, K28)", () =>
    leakChecked(
      Effect.gen(function* () {
        const nursery = yield* outside
        const polite = yield* nursery.spawn("polite", Effect.andThen(Task.awaitRequest, after(5, "bye")))
        const caller = yield* started(Race.firstSuccess({ polite }, { cancelTasks: true }))
        yield* during(50, Task.cancel(caller, { ...ann, grace: 50 }))
        expect(yield* Task.join(polite)).toBe("bye")
      })
    )
  )

  it.effect("who waits for a long-lived task leaves nothing behind on it (K42, K45)", () =>
    leakChecked(
      Effect.gen(function* () {
        const nursery = yield* outside
        const task = yield* nursery.spawn("task", Effect.never)
        for (let count = 0; count < 3; count++) {
          yield* Race.firstSuccess({ task, quick: Effect.succeed(1) })
          yield* Join.within({ task }, 0)
        }
        expect((task as unknown as { readonly watchers: unknown }).watchers).toBe(undefined)
        yield* Task.cancel(task, ann)
      })
    )
  )

  it.effect("a race does not wait for a task whose clean-up waits for the race (K13, K28)", () =>
    leakChecked(
      Effect.gen(function* () {
        const nursery = yield* outside
        let around: Task.Task<unknown, unknown> | undefined
        const other = yield* nursery.spawn(
          "other",
          Effect.onInterrupt(Effect.never, () => Task.cancel(around!, ann))
        )
        around = yield* nursery.spawn(
          "around",
          Race.firstSuccess({ other, quick: after(10, 1) }, { cancelTasks: true })
        )
        yield* TestClock.adjust(10)
        yield* settle
        const ended = Option.isSome(yield* Task.poll(around)) && Option.isSome(yield* Task.poll(other))
        expect(ended).toBe(true)
      })
    )
  )

  it.effect("Join.first tells of a cancelled task by its outcome, not by the failure of who waited (K28)", () =>
    leakChecked(
      Effect.gen(function* () {
        const nursery = yield* outside
        const task = yield* nursery.spawn("task", Effect.never)
        const first = yield* Effect.forkChild(Join.first({ task, never: Effect.never }, 1))
        yield* settle
        yield* Task.cancel(task, ann)
        const { ended } = yield* Fiber.join(first)
        expect(ended).toMatchObject([{ member: "task", outcome: { _tag: "Cancelled", reason: { by: "ann" } } }])
      })
    )
  )

  it.effect("Join.bestEffort has no value of a task that has not ended: its clean-up may still fail it (K28)", () =>
    leakChecked(
      Effect.gen(function* () {
        const nursery = yield* outside
        const closing = Effect.as(
          Effect.acquireRelease(Effect.void, () => Effect.sleep(100)),
          "value"
        )
        const task = yield* nursery.spawn("closing", closing)
        const report = yield* during(10, Join.bestEffort({ task }, { limit: 10 }))
        expect([report.values, toldAll(report.missing)]).toEqual([{}, { task: "closing runs on" }])
        yield* TestClock.adjust(100)
      })
    )
  )
})
