import { describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Data from "effect/Data"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FiberMap from "effect/FiberMap"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as Latest from "../../src/combinators/Latest.ts"
import * as Race from "../../src/combinators/Race.ts"
import * as CancelReason from "../../src/fibers/CancelReason.ts"
import type { CancelResult } from "../../src/fibers/CancelResult.ts"
import * as Nursery from "../../src/fibers/Nursery.ts"
import * as Stragglers from "../../src/fibers/Stragglers.ts"
import * as Shield from "../../src/fibers/Shield.ts"
import * as Task from "../../src/fibers/Task.ts"
import { TaskCancelled } from "../../src/fibers/TaskCancelled.ts"
import type { TaskOutcome } from "../../src/fibers/TaskOutcome.ts"
import { Journal, textOf } from "../support/journal.ts"
import { leakChecked } from "../support/leaks.ts"
import { settle } from "../support/settle.ts"
import { after, ann, failureOf, logged, started, waiter } from "./telling.ts"

/** "Cancelled interrupted after 30: superseded by k#2 of k". */
const outcomeText = (outcome: TaskOutcome<unknown, unknown>): string =>
  outcome._tag === "Cancelled"
    ? `Cancelled ${outcome.how} after ${Duration.toMillis(outcome.took)}: ${textOf(outcome.reason)}`
    : outcome._tag === "Completed"
      ? `Completed ${String(outcome.value)}`
      : `Failed ${failureOf(Exit.failCause(outcome.cause))}`

const ended = (task: Task.Task<unknown, unknown>): Effect.Effect<string> => Effect.map(Task.await(task), outcomeText)

const resultText = (result: CancelResult): string =>
  `${result._tag}${"reason" in result ? `: ${textOf(result.reason)}` : ""}`

/** A body that says when it began, waits for ever, and takes `cleanup` to stop. */
const run = (journal: Journal, name: string, cleanup = 0): Effect.Effect<never> =>
  Effect.andThen(journal.note(`${name}: began`), waiter(journal, name, Effect.sleep(cleanup)))

/** Asked to stop, it takes so long to finish. */
const polite = (millis: number) => Effect.andThen(Task.awaitRequest, after(millis, `after ${millis}`))

describe("Latest", () => {
  describe("replace", () => {
    it.effect("a new run begins when the clean-up of the old one, which is superseded, has ended (K35, S4-03)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const latest = yield* Latest.make<string>()
          const one = yield* latest.start("k", run(journal, "one", 30))
          yield* settle
          const two = yield* latest.start("k", run(journal, "two"))
          expect([one.name, one.attempt, two.name, two.attempt]).toEqual(["k", 1, "k", 2])
          yield* TestClock.adjust(29)
          expect(journal.lines).toEqual(["0 one: began", "0 one: superseded by k#2 of k"])
          yield* TestClock.adjust(1)
          yield* settle
          expect(journal.lines.slice(2)).toEqual(["30 one: cleaned up", "30 two: began"])
          expect(yield* ended(one)).toBe("Cancelled interrupted after 30: superseded by k#2 of k")
        })
      )
    )

    it.effect("FiberMap.run begins the new one while the old one still cleans up, and tells it nothing (K35)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const map = yield* FiberMap.make<string>()
          yield* FiberMap.run(map, "k", run(journal, "one", 30))
          yield* settle
          yield* FiberMap.run(map, "k", run(journal, "two"))
          yield* TestClock.adjust(30)
          expect(journal.lines).toEqual([
            "0 one: began",
            "0 two: began",
            "0 one: interrupted without a reason",
            "30 one: cleaned up"
          ])
        })
      )
    )

    it.effect("cancel and replace: the slow one is really cancelled, the replacement completes (S4-37)", () =>
      leakChecked(
        Effect.gen(function* () {
          const latest = yield* Latest.make<string>()
          const slow = yield* latest.start("report", after(10_000, "slow"))
          yield* TestClock.adjust(200)
          const quick = yield* latest.start("report", after(100, "quick"))
          yield* TestClock.adjust(100)
          expect(yield* ended(slow)).toBe("Cancelled interrupted after 0: superseded by report#2 of report")
          expect(yield* ended(quick)).toBe("Completed quick")
        })
      )
    )

    it.effect("the same key and the same effect are a new attempt, never the cancelled one (S4x-08, S4-37)", () =>
      leakChecked(
        Effect.gen(function* () {
          const latest = yield* Latest.make<string>()
          let runs = 0
          const same = Effect.suspend(() => after(10, ++runs))
          const one = yield* latest.start("k", same)
          yield* settle
          const two = yield* latest.start("k", same)
          yield* settle
          yield* latest.cancel("k")
          // The key is free by now: the number goes on all the same.
          const three = yield* latest.start("k", same)
          yield* TestClock.adjust(10)
          expect([yield* ended(one), yield* ended(two), yield* ended(three)]).toEqual([
            "Cancelled interrupted after 0: superseded by k#2 of k",
            "Cancelled interrupted after 0: request of k",
            "Completed 3"
          ])
          expect([one.attempt, two.attempt, three.attempt]).toEqual([1, 2, 3])
        })
      )
    )

    it.effect("of three the second never runs, and the third begins after the clean-up of the first (K35, K10)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const latest = yield* Latest.make<string>()
          const one = yield* latest.start("k", run(journal, "one", 30))
          yield* settle
          const two = yield* latest.start("k", run(journal, "two"))
          yield* TestClock.adjust(10)
          const three = yield* latest.start("k", Effect.andThen(journal.note("three: began"), Effect.succeed(3)))
          // Decided before its first step, while the first still cleans up.
          expect(yield* ended(two)).toBe("Cancelled interrupted after 0: superseded by k#3 of k")
          expect(Option.isNone(yield* Task.poll(one))).toBe(true)
          yield* TestClock.adjust(20)
          expect(yield* ended(three)).toBe("Completed 3")
          expect(journal.lines).toEqual([
            "0 one: began",
            "0 one: superseded by k#2 of k",
            "30 one: cleaned up",
            "30 three: began"
          ])
        })
      )
    )

    it.effect("of several starts in one tick only the last one runs (K35, K10)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const latest = yield* Latest.make<string>()
          const tasks = []
          for (const name of ["one", "two", "three"])
            tasks.push(yield* latest.start("k", journal.note(`${name}: began`)))
          yield* settle
          expect(journal.lines).toEqual(["0 three: began"])
          expect(yield* Effect.forEach(tasks, ended)).toEqual([
            "Cancelled interrupted after 0: superseded by k#2 of k",
            "Cancelled interrupted after 0: superseded by k#3 of k",
            "Completed undefined"
          ])
        })
      )
    )

    it.effect(
      "a newcomer that is cancelled while it waits never runs, and the key is free for the next (K35, K10)",
      () =>
        leakChecked(
          Effect.gen(function* () {
            const journal = new Journal()
            const latest = yield* Latest.make<string>()
            yield* latest.start("k", run(journal, "one", 30))
            yield* settle
            const two = yield* latest.start("k", run(journal, "two"))
            expect(resultText(yield* Task.cancel(two, ann))).toBe("Cancelled: request by ann of k")
            const three = yield* latest.start("k", journal.note("three: began"))
            expect(three.attempt).toBe(3)
            yield* TestClock.adjust(30)
            expect(yield* ended(three)).toBe("Completed undefined")
            expect(journal.lines.slice(2)).toEqual(["30 one: cleaned up", "30 three: began"])
          })
        )
    )

    it.effect("a newcomer that was asked to stop with grace while it waited does not begin (K10, K12)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const latest = yield* Latest.make<string>()
          yield* latest.start("k", run(journal, "one", 30))
          yield* settle
          const two = yield* latest.start("k", run(journal, "two"))
          yield* Task.requestCancel(two, { ...ann, grace: 100 })
          yield* TestClock.adjust(30)
          yield* settle
          expect(yield* ended(two)).toBe("Cancelled interrupted after 30: request by ann of k")
          expect(journal.lines).not.toContain("30 two: began")
        })
      )
    )

    it.effect("a run that ended by itself leaves its key: the next one begins at once (K35)", () =>
      leakChecked((leaks) =>
        Effect.gen(function* () {
          const latest = yield* Latest.make<string>()
          const failed = yield* latest.start("k", Effect.fail("no"))
          yield* settle
          expect(yield* ended(failed)).toBe("Failed Fail:no")
          expect(Option.isNone(yield* latest.get("k"))).toBe(true)
          expect([leaks.root.children()[0]!.live, yield* latest.size]).toEqual([0, 0])
          expect((yield* latest.cancel("k"))._tag).toBe("NotFound")
          expect(yield* ended(yield* latest.start("k", Effect.succeed("yes")))).toBe("Completed yes")
        })
      )
    )

    it.effect("keys do not touch each other, nor do two of them with the same key (K35, S0x-04)", () =>
      leakChecked(
        Effect.gen(function* () {
          class Place extends Data.Class<{
            readonly instance: string
            readonly element: string
            readonly round: number
          }> {}
          const at = (instance: string, element: string, round: number) => new Place({ instance, element, round })
          const journal = new Journal()
          const latest = yield* Latest.make<Place>()
          const other = yield* Latest.make<Place>()
          const stay = [
            yield* latest.start(at("A", "approve", 1), run(journal, "A approve 1")),
            yield* latest.start(at("B", "approve", 1), run(journal, "B approve 1")),
            yield* latest.start(at("A", "approve", 2), run(journal, "A approve 2")),
            yield* other.start(at("A", "ask", 1), run(journal, "other"))
          ]
          const gone = yield* latest.start(at("A", "ask", 1), run(journal, "A ask 1"))
          yield* settle
          // Equal by structure: the same key.
          yield* latest.start(at("A", "ask", 1), Effect.void)
          expect(resultText(yield* latest.cancel(at("A", "ask", 2)))).toBe("NotFound")
          expect((yield* Task.await(gone))._tag).toBe("Cancelled")
          for (const task of stay) expect(Option.isNone(yield* Task.poll(task))).toBe(true)
        })
      )
    )

    it.effect("with overlap the new run begins beside the clean-up of the old (K35)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const latest = yield* Latest.make<string>({ overlap: true })
          yield* latest.start("k", run(journal, "one", 30))
          yield* settle
          yield* latest.start("k", run(journal, "two", 30))
          yield* TestClock.adjust(10)
          yield* latest.start("k", journal.note("three: began"))
          yield* TestClock.adjust(100)
          expect(journal.lines).toEqual([
            "0 one: began",
            "0 one: superseded by k#2 of k",
            "0 two: began",
            "10 two: superseded by k#3 of k",
            "10 three: began",
            "30 one: cleaned up",
            "40 two: cleaned up"
          ])
        })
      )
    )

    it.effect(
      "with overlap the end of the newest frees nothing that still cleans up, and nobody's grace is cut (K12, K35)",
      () =>
        leakChecked(
          Effect.gen(function* () {
            const journal = new Journal()
            const latest = yield* Latest.make<string>({ overlap: true })
            yield* latest.start("k", run(journal, "one", 30))
            yield* settle
            yield* latest.start("k", after(10, "two"))
            yield* TestClock.adjust(10)
            expect([yield* latest.get("k"), yield* latest.size]).toEqual([Option.none(), 1])
            yield* TestClock.adjust(20)
            expect(yield* latest.size).toBe(0)
            const patient = yield* Latest.make<string>({ overlap: true, grace: 50 })
            const first = yield* patient.start("k", polite(10))
            yield* settle
            const second = yield* patient.start("k", polite(20))
            yield* TestClock.adjust(5)
            yield* patient.start("k", Effect.void)
            yield* TestClock.adjust(50)
            expect([yield* ended(first), yield* ended(second)]).toEqual(["Completed after 10", "Completed after 20"])
          })
        )
    )

    it.effect("whoever waits for the old one hears of its end before the new one begins (K1, K35)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const latest = yield* Latest.make<string>()
          const one = yield* latest.start("k", run(journal, "one", 30))
          yield* Effect.forkChild(Effect.andThen(Task.await(one), journal.note("told")))
          yield* settle
          yield* latest.start("k", run(journal, "two"))
          yield* TestClock.adjust(30)
          yield* settle
          expect(journal.lines.slice(-2)).toEqual(["30 told", "30 two: began"])
        })
      )
    )

    it.effect("with grace the superseded may finish by itself, and the new one begins after it (K35, K12)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const latest = yield* Latest.make<string>({ grace: 50 })
          const one = yield* latest.start(
            "k",
            Effect.andThen(Task.awaitRequest, Effect.as(Effect.andThen(Effect.sleep(20), journal.note("saved")), "one"))
          )
          yield* settle
          yield* latest.start("k", journal.note("two: began"))
          yield* TestClock.adjust(20)
          yield* settle
          expect(yield* ended(one)).toBe("Completed one")
          expect(journal.lines).toEqual(["20 saved", "20 two: began"])
        })
      )
    )

    it.effect("a waiting newcomer is replaced at once, whatever the grace (K35)", () =>
      leakChecked(
        Effect.gen(function* () {
          const latest = yield* Latest.make<string>({ grace: 50 })
          const journal = new Journal()
          yield* latest.start("k", run(journal, "one"))
          yield* settle
          const two = yield* latest.start("k", run(journal, "two"))
          yield* latest.start("k", run(journal, "three"))
          expect(yield* ended(two)).toBe("Cancelled interrupted after 0: superseded by k#3 of k")
        })
      )
    )

    it.effect(
      "with giveUp the new one begins when the old one was given up on, which is then a straggler (K35, K12)",
      () =>
        leakChecked(
          Effect.gen(function* () {
            const journal = new Journal()
            const latest = yield* Latest.make<string>({ giveUp: 100 })
            const one = yield* latest.start("k", run(journal, "one", 500))
            yield* settle
            yield* latest.start("k", journal.note("two: began"))
            yield* TestClock.adjust(99)
            expect(journal.lines).toHaveLength(2)
            yield* TestClock.adjust(1)
            yield* settle
            expect(journal.lines.at(-1)).toBe("100 two: began")
            expect(yield* ended(one)).toBe("Cancelled abandoned after 100: superseded by k#2 of k")
            expect((yield* Stragglers.list).map(({ path }) => path)).toEqual(["latest/k"])
            yield* TestClock.adjust(400)
            expect(yield* Stragglers.list).toEqual([])
          })
        )
    )

    it.effect("whoever is cancelled keeps its first reason when it is superseded too (K8)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const latest = yield* Latest.make<string>()
          const one = yield* latest.start("k", run(journal, "one", 30))
          yield* settle
          yield* Task.requestCancel(one, ann)
          yield* latest.start("k", journal.note("two: began"))
          yield* TestClock.adjust(30)
          yield* settle
          expect(yield* ended(one)).toBe("Cancelled interrupted after 30: request by ann of k")
          expect(journal.lines.at(-1)).toBe("30 two: began")
        })
      )
    )

    it.effect(
      "a finalizer of the old one that starts a run itself is answered, and the last start wins (K35, K13)",
      () =>
        leakChecked(
          Effect.gen(function* () {
            const journal = new Journal()
            const latest = yield* Latest.make<string>()
            yield* latest.start(
              "k",
              Effect.onExit(Effect.never, () => latest.start("k", journal.note("from the clean-up: began")))
            )
            yield* settle
            const two = yield* latest.start("k", journal.note("two: began"))
            yield* settle
            expect(yield* ended(two)).toBe("Cancelled interrupted after 0: superseded by k#3 of k")
            expect(journal.lines).toEqual(["0 from the clean-up: began"])
          })
        )
    )

    it.effect("a run may replace itself (K35, K13)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const latest = yield* Latest.make<string>()
          const one = yield* latest.start(
            "k",
            Effect.onExit(Effect.andThen(latest.start("k", journal.note("two: began")), Effect.never), () =>
              journal.note("one: ended")
            )
          )
          yield* settle
          expect(yield* ended(one)).toBe("Cancelled interrupted after 0: superseded by k#2 of k")
          expect(journal.lines).toEqual(["0 one: ended", "0 two: began"])
        })
      )
    )

    it.effect("a failure of clean-up of the old one does not hold up the new one (K16)", () =>
      leakChecked(
        Effect.gen(function* () {
          const lines: Array<string> = []
          const latest = yield* logged(Latest.make<string>(), lines)
          const one = yield* logged(latest.start("k", Effect.ensuring(Effect.never, Effect.die("dirty"))), lines)
          yield* settle
          const two = yield* latest.start("k", Effect.succeed(2))
          yield* settle
          expect((yield* Task.await(one)).cleanupFailures).toHaveLength(1)
          expect(yield* ended(two)).toBe("Completed 2")
          expect(lines).toEqual(['Warn Clean-up of "k" failed: Die:dirty'])
        })
      )
    )
  })

  describe("run", () => {
    it.effect("waits for the value, or for the failure, of this run", () =>
      leakChecked(
        Effect.gen(function* () {
          const latest = yield* Latest.make<string>()
          expect(yield* latest.run("k", Effect.succeed(1))).toBe(1)
          expect(yield* Effect.flip(latest.run("k", Effect.fail("no")))).toBe("no")
          expect(failureOf(yield* Effect.exit(latest.run("k", Effect.die("bug"))))).toBe("Die:bug")
        })
      )
    )

    it.effect("whoever waits for a run that was superseded gets TaskCancelled and lives (K35, K22)", () =>
      leakChecked(
        Effect.gen(function* () {
          const latest = yield* Latest.make<string>()
          const waiting = yield* Effect.forkChild(Effect.flip(latest.run("k", Effect.never)))
          yield* settle
          expect(yield* latest.run("k", Effect.succeed(2))).toBe(2)
          const error = yield* Fiber.join(waiting)
          expect(error).toBeInstanceOf(TaskCancelled)
          expect(textOf(error.reason)).toBe("superseded by k#2 of k")
        })
      )
    )

    it.effect(
      "an interrupt of the one who waits cancels the run with the same reason, and waits for its clean-up (K1, K18)",
      () =>
        leakChecked(
          Effect.gen(function* () {
            const journal = new Journal()
            const latest = yield* Latest.make<string>()
            const task = yield* started(latest.run("k", run(journal, "run", 30)))
            const cancelling = yield* Effect.forkChild(
              Effect.tap(Task.cancel(task, ann), () => journal.note("cancelled"))
            )
            yield* TestClock.adjust(30)
            yield* Fiber.join(cancelling)
            expect(journal.lines).toEqual([
              "0 run: began",
              "0 run: request by ann of task",
              "30 run: cleaned up",
              "30 cancelled"
            ])
          })
        )
    )

    it.effect("a native interrupt of the one who waits cancels the run as an interrupt (K19)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const latest = yield* Latest.make<string>()
          const fiber = yield* Effect.forkChild(latest.run("k", run(journal, "run")))
          yield* settle
          yield* Fiber.interrupt(fiber)
          expect(journal.lines).toEqual(["0 run: began", "0 run: interrupt of k", "0 run: cleaned up"])
        })
      )
    )

    it.effect("an interrupt of one who waits for a newcomer that waits: its body never runs (K10)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const latest = yield* Latest.make<string>()
          yield* latest.start("k", run(journal, "one", 30))
          yield* settle
          const fiber = yield* Effect.forkChild(latest.run("k", run(journal, "two")))
          yield* settle
          yield* Fiber.interrupt(fiber)
          yield* TestClock.adjust(30)
          expect(journal.lines).toEqual(["0 one: began", "0 one: superseded by k#2 of k", "30 one: cleaned up"])
        })
      )
    )

    it.effect("a value that came although the one who waits was cancelled is on its task's outcome (K26)", () =>
      leakChecked(
        Effect.gen(function* () {
          const latest = yield* Latest.make<string>({ name: "saves" })
          const task = yield* started(
            latest.run(
              "k",
              Effect.as(
                Effect.addFinalizer(() => Effect.sleep(20)),
                "saved"
              )
            )
          )
          yield* Task.requestCancel(task, ann)
          yield* TestClock.adjust(20)
          expect((yield* Task.await(task)).salvaged).toEqual([{ scope: "saves", value: "saved" }])
        })
      )
    )

    it.effect("a run that waits for its own replacement is superseded as any other (K13)", () =>
      leakChecked(
        Effect.gen(function* () {
          const latest = yield* Latest.make<string>()
          const one = yield* latest.start("k", latest.run("k", Effect.succeed(2)))
          yield* settle
          expect(yield* ended(one)).toBe("Cancelled interrupted after 0: superseded by k#2 of k")
          expect(Option.isNone(yield* latest.get("k"))).toBe(true)
        })
      )
    )

    it.effect("one that stops waiting in a shield no longer counts as one that waits (K13, K45)", () =>
      leakChecked(
        Effect.gen(function* () {
          const latest = yield* Latest.make<string>()
          const waiting = Shield.run("s", Effect.timeoutOption(latest.run("k", Effect.never), 10))
          const fiber = yield* Effect.forkChild(waiting)
          yield* TestClock.adjust(10)
          expect([yield* Fiber.join(fiber), yield* latest.size]).toEqual([Option.none(), 0])
        })
      )
    )

    it.effect("a clean-up that waits for the next run of its key is a defect, not a hang (K13)", () =>
      leakChecked(
        Effect.gen(function* () {
          const ran: Array<string> = []
          const lines: Array<string> = []
          const latest = yield* logged(Latest.make<string>(), lines)
          const one = yield* logged(
            latest.start(
              "k",
              Effect.onExit(Effect.never, () =>
                Effect.ignore(
                  latest.run(
                    "k",
                    Effect.sync(() => ran.push("two"))
                  )
                )
              )
            ),
            lines
          )
          yield* settle
          yield* latest.cancel("k", ann)
          const outcome = yield* Task.await(one)
          expect(outcomeText(outcome)).toBe("Cancelled interrupted after 0: request by ann of k")
          expect(outcome.cleanupFailures.map(({ cause }) => String(Cause.squash(cause)))).toEqual([
            'Error: The run "k" waits for the one before it, which cannot end before this one: use start instead of run here'
          ])
          expect(lines).toHaveLength(1)
          yield* settle
          expect([ran, yield* latest.size]).toEqual([[], 0])
        })
      )
    )

    for (const [where, wrapped] of [
      ["a shield", (work: Effect.Effect<unknown>) => Shield.run("s", work)],
      ["a race in a shield", (work) => Shield.run("s", Effect.orDie(Race.firstSuccess([work])))],
      [
        "a race where it cannot be interrupted",
        (work) => Effect.uninterruptible(Effect.ignore(Race.firstSuccess([work])))
      ]
    ] satisfies ReadonlyArray<[string, (work: Effect.Effect<unknown>) => Effect.Effect<unknown>]>) {
      it.effect(`one that waits in ${where} for the next run of its key likewise (K13, K39)`, () =>
        leakChecked(
          Effect.gen(function* () {
            const latest = yield* Latest.make<string>()
            const waits = Effect.exit(latest.run("k", Effect.succeed(2)))
            let exit: Exit.Exit<unknown, unknown> | undefined
            const noted = Effect.map(waits, (end) => (exit = end))
            const one = yield* latest.start("k", wrapped(noted))
            yield* settle
            if (exit === undefined) yield* latest.cancel("k", { ...ann, giveUp: 0 })
            expect(exit === undefined ? "hangs" : failureOf(exit)).toContain("use start instead of run here")
            expect((yield* Task.await(one))._tag).toBe("Cancelled")
          })
        )
      )
    }

    it.effect("nor is one that waits through the clean-up of another task (K13)", () =>
      leakChecked(
        Effect.gen(function* () {
          const lines: Array<string> = []
          const latest = yield* logged(Latest.make<string>(), lines)
          const nursery = yield* Nursery.make<TaskCancelled>()
          const other = yield* nursery.spawn(
            "other",
            Effect.onExit(Effect.never, () => Effect.ignore(latest.run("k", Effect.succeed(2))))
          )
          yield* latest.start(
            "k",
            Effect.onExit(Effect.never, () => Effect.andThen(Effect.sleep(10), Task.cancel(other)))
          )
          yield* settle
          const canceller = yield* Effect.forkChild(Task.cancel(other, ann))
          yield* TestClock.adjust(10)
          expect(resultText(yield* Fiber.join(canceller))).toBe("Cancelled: request by ann of other")
          yield* settle
          expect(Option.isNone(yield* latest.get("k"))).toBe(true)
        })
      )
    )
  })

  describe("cancel", () => {
    it.effect("cancels the run of the key, waits for its clean-up, and is idempotent (K8, K35)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const latest = yield* Latest.make<string>()
          yield* latest.start("k", run(journal, "one", 30))
          yield* settle
          const calls = yield* Effect.forkChild(
            Effect.all([latest.cancel("k", ann), latest.cancel("k")], { concurrency: "unbounded" })
          )
          yield* TestClock.adjust(30)
          expect((yield* Fiber.join(calls)).map(resultText)).toEqual([
            "Cancelled: request by ann of k",
            "AlreadyCancelled: request by ann of k"
          ])
          expect(resultText(yield* latest.cancel("k"))).toBe("NotFound")
        })
      )
    )

    it.effect("with one that waits, nothing of the key is left when it answers (K1, K35)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const latest = yield* Latest.make<string>()
          yield* latest.start("k", run(journal, "one", 30))
          yield* settle
          yield* latest.start("k", run(journal, "two"))
          const call = yield* Effect.forkChild(
            Effect.tap(latest.cancel("k", ann), (result) => journal.note(resultText(result)))
          )
          yield* TestClock.adjust(29)
          expect(call.pollUnsafe()).toBeUndefined()
          yield* TestClock.adjust(1)
          expect(journal.lines.slice(1)).toEqual([
            "0 one: superseded by k#2 of k",
            "30 one: cleaned up",
            "30 Cancelled: request by ann of k"
          ])
        })
      )
    )

    it.effect("its bounds hold for the old one that still cleans up too (K8, K12)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const latest = yield* Latest.make<string>()
          const one = yield* latest.start("k", run(journal, "one", 500))
          yield* settle
          yield* latest.start("k", run(journal, "two"))
          const call = yield* Effect.forkChild(latest.cancel("k", { ...ann, giveUp: 100 }))
          yield* TestClock.adjust(100)
          expect(resultText(yield* Fiber.join(call))).toBe("Cancelled: request by ann of k")
          expect(yield* ended(one)).toBe("Cancelled abandoned after 100: superseded by k#2 of k")
          yield* TestClock.adjust(400)
        })
      )
    )

    it.effect("from inside the run it does not wait for itself (K13)", () =>
      leakChecked(
        Effect.gen(function* () {
          const latest = yield* Latest.make<string>()
          let result: CancelResult | undefined
          const one = yield* latest.start(
            "k",
            Effect.map(latest.cancel("k", ann), (answer) => {
              result = answer
            })
          )
          yield* settle
          expect(yield* ended(one)).toBe("Cancelled interrupted after 0: request by ann of k")
          expect(result?._tag ?? "Requested").toBe("Requested")
        })
      )
    )
  })

  describe("scope", () => {
    it.effect(
      "closing its scope cancels who runs and who waits, and waits for clean-up; nothing starts after it (K1, K5, K45)",
      () =>
        leakChecked(
          Effect.gen(function* () {
            const journal = new Journal()
            const scope = yield* Scope.make()
            const latest = yield* Scope.provide(Latest.make<string>({ name: "l" }), scope)
            const one = yield* latest.start("k", run(journal, "one", 30))
            const alone = yield* latest.start("other", run(journal, "alone", 10))
            yield* settle
            const two = yield* latest.start("k", run(journal, "two"))
            const closing = yield* Effect.forkChild(
              Effect.andThen(Scope.close(scope, Exit.void), journal.note("closed"))
            )
            yield* settle
            const late = yield* latest.start("k", run(journal, "late"))
            yield* TestClock.adjust(30)
            yield* Fiber.join(closing)
            expect(yield* Effect.forEach([one, two, alone, late], ended)).toEqual([
              "Cancelled interrupted after 30: superseded by k#2 of k",
              "Cancelled interrupted after 0: scope-closed by l of l",
              "Cancelled interrupted after 10: scope-closed by l of l",
              "Cancelled interrupted after 0: scope-closed by l of l"
            ])
            expect(journal.lines.filter((line) => line.endsWith("began"))).toEqual(["0 one: began", "0 alone: began"])
            expect(journal.lines.at(-1)).toBe("30 closed")
            const error = yield* Effect.flip(latest.run("k", Effect.void))
            expect(error.reason.source).toBe("scope-closed")
            expect(yield* latest.size).toBe(0)
          })
        )
    )

    it.effect("a cancel of the task that starts a run does not reach it: the Latest owns it (K11, K37)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const latest = yield* Latest.make<string>()
          const starter = yield* started(Effect.andThen(latest.start("k", run(journal, "one")), Effect.never))
          yield* Task.cancel(starter, ann)
          expect(journal.lines).toEqual(["0 one: began"])
          expect(Option.isSome(yield* latest.get("k"))).toBe(true)
        })
      )
    )
  })

  describe("keep", () => {
    it.effect("the one that runs stays, and the body of the newcomer never runs (K35)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const latest = yield* Latest.make<string>({ mode: "keep" })
          const first = yield* latest.start("k", run(journal, "one"))
          const again = yield* latest.start("k", run(journal, "two"))
          expect([first.started, again.started]).toEqual([true, false])
          expect(again.task).toBe(first.task)
          expect(yield* latest.run("k", run(journal, "three"))).toEqual({ started: false, task: first.task })
          yield* settle
          expect(journal.lines).toEqual(["0 one: began"])
        })
      )
    )

    it.effect("one that was told to stop does not hold the key: the newcomer begins after its clean-up (K35)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const latest = yield* Latest.make<string>({ mode: "keep" })
          const first = yield* latest.start("k", run(journal, "one", 30))
          yield* settle
          yield* Task.requestCancel(first.task, ann)
          const second = yield* Effect.forkChild(latest.run("k", Effect.as(journal.note("two: began"), 2)))
          yield* settle
          // Who waits for the clean-up holds the key.
          expect((yield* latest.start("k", Effect.void)).started).toBe(false)
          yield* TestClock.adjust(30)
          expect(yield* Fiber.join(second)).toEqual({ started: true, value: 2 })
          expect(journal.lines.slice(1)).toEqual(["0 one: request by ann of k", "30 one: cleaned up", "30 two: began"])
        })
      )
    )

    it.effect("of two that ask in one tick one runs (K35)", () =>
      leakChecked(
        Effect.gen(function* () {
          const gate = yield* Deferred.make<void>()
          const latest = yield* Latest.make<string>({ mode: "keep" })
          let bodies = 0
          const ask = latest.run(
            "k",
            Effect.suspend(() => {
              bodies++
              return Deferred.await(gate)
            })
          )
          const asked = yield* Effect.forkChild(Effect.all([ask, ask, ask], { concurrency: "unbounded" }))
          yield* settle
          yield* Deferred.succeed(gate, undefined)
          expect((yield* Fiber.join(asked)).map(({ started }) => started)).toEqual([true, false, false])
          expect(bodies).toBe(1)
        })
      )
    )
  })
})

describe("Latest and reasons", () => {
  it.effect("every fiber below the superseded reads the reason, native combinators included (K18)", () =>
    leakChecked(
      Effect.gen(function* () {
        const journal = new Journal()
        const latest = yield* Latest.make<string>()
        yield* latest.start(
          "k",
          Effect.all([waiter(journal, "left"), Effect.timeout(waiter(journal, "right"), 1000)], {
            concurrency: "unbounded"
          })
        )
        yield* settle
        yield* latest.start("k", Effect.void)
        yield* settle
        expect(journal.lines.toSorted()).toEqual(["0 left: superseded by k#2 of k", "0 right: superseded by k#2 of k"])
        expect(Option.isNone(yield* CancelReason.current)).toBe(true)
      })
    )
  )
})
