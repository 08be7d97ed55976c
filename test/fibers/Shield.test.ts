import { describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as DateTime from "effect/DateTime"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as TestClock from "effect/testing/TestClock"
import * as Deadline from "../../src/combinators/Deadline.ts"
import * as Race from "../../src/combinators/Race.ts"
import { InvalidDuration } from "../../src/fibers/CancelPolicy.ts"
import * as CancelReason from "../../src/fibers/CancelReason.ts"
import * as Checkpoint from "../../src/fibers/Checkpoint.ts"
import * as Nursery from "../../src/fibers/Nursery.ts"
import * as Shield from "../../src/fibers/Shield.ts"
import * as Stragglers from "../../src/fibers/Stragglers.ts"
import * as Task from "../../src/fibers/Task.ts"
import { salvagedIn, type TaskOutcome } from "../../src/fibers/TaskOutcome.ts"
import * as TaskTree from "../../src/fibers/TaskTree.ts"
import { after, ann, causeOf, failing, logged, resource, started } from "../combinators/telling.ts"
import { Journal, textOf } from "../support/journal.ts"
import { leakChecked } from "../support/leaks.ts"
import { settle } from "../support/settle.ts"

/** "Cancelled after 300, interrupted: request by ann of task; salvaged save=saved". */
const told = (outcome: TaskOutcome<unknown, unknown>): string => {
  const salvaged = outcome.salvaged.map(({ scope, value }) => `; salvaged ${scope}=${String(value)}`).join("")
  if (outcome._tag === "Completed") return `Completed ${String(outcome.value)}${salvaged}`
  if (outcome._tag === "Failed") return `Failed ${causeOf(outcome.cause)}${salvaged}`
  return `Cancelled after ${Duration.toMillis(outcome.took)}, ${outcome.how}: ${textOf(outcome.reason)}${salvaged}`
}

const shielded = (journal: Journal, budget: Duration.Input, cleanup?: Effect.Effect<unknown>) =>
  journal.watch("task", Shield.run("save", journal.watch("work", Effect.never, cleanup), { budget }))

const inRace = (work: Effect.Effect<unknown>) => Effect.orDie(Race.firstSuccess([work]))
const inDeadline = (work: Effect.Effect<unknown>) => Effect.orDie(Deadline.run(work, "1 hour"))
const inNursery = (work: Effect.Effect<unknown>) =>
  Effect.orDie(Nursery.run("n", (nursery: Nursery.Nursery<never>) => nursery.spawn("child", work)))

const cancelOf = (handle: Deferred.Deferred<Task.Task<unknown>>) =>
  Effect.flatMap(Deferred.await(handle), (task) => Task.cancel(task, ann))

describe("Shield", () => {
  describe("holding off", () => {
    it.effect("a cancel waits for the shield's work, then takes effect; the value is salvaged (K39, K26)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const task = yield* started(
            journal.watch(
              "task",
              Effect.andThen(Shield.run("save", journal.watch("work", after(300, "saved"))), journal.note("went on"))
            )
          )
          yield* TestClock.adjust(100)
          const cancel = yield* Effect.forkChild(Task.cancel(task, ann))
          yield* TestClock.adjust(199)
          expect(cancel.pollUnsafe()).toBeUndefined()
          yield* TestClock.adjust(1)
          expect((yield* Fiber.join(cancel))._tag).toBe("Cancelled")
          expect(journal.lines).toEqual(["300 work: done", "300 task: request by ann of task"])
          expect(told(yield* Task.await(task))).toBe(
            "Cancelled after 200, interrupted: request by ann of task; salvaged save=saved"
          )
        })
      )
    )

    it.effect("critical clean-up and the final save complete although the task is cancelled (S1x-37, S1-37)", () =>
      leakChecked(
        Effect.gen(function* () {
          const saved: Array<string> = []
          const save = (what: string) =>
            Effect.andThen(
              Effect.sleep(50),
              Effect.sync(() => void saved.push(what))
            )
          const task = yield* started(
            Effect.onExit(Shield.run("write", save("rows")), () => Shield.run("last words", save("state")))
          )
          yield* TestClock.adjust(10)
          yield* Task.requestCancel(task, ann)
          yield* TestClock.adjust(90)
          expect((yield* Task.await(task))._tag).toBe("Cancelled")
          expect(saved).toEqual(["rows", "state"])
        })
      )
    )

    it.effect("without a cancel the value and the typed failure pass as they are (K39)", () =>
      leakChecked(
        Effect.gen(function* () {
          expect(yield* Shield.run("s", Effect.succeed(1))).toBe(1)
          expect(yield* Effect.flip(Shield.run("s", Effect.fail("no")))).toBe("no")
          const died = yield* Effect.exit(Shield.run("s", Effect.die("broken")))
          expect(died._tag === "Failure" && causeOf(died.cause)).toBe("Die:broken")
        })
      )
    )

    it.effect(
      "the flag, the awaitable, the signal, the checkpoint and the reason know nothing of an outer cancel (K39)",
      () =>
        leakChecked(
          Effect.gen(function* () {
            const seen: Array<string> = []
            const look = Effect.gen(function* () {
              yield* Checkpoint.checkpoint
              seen.push(`${(yield* Task.requested)._tag} ${(yield* CancelReason.current)._tag}`)
            })
            const task = yield* started(
              Shield.run(
                "s",
                Effect.gen(function* () {
                  const signal = yield* Task.signal
                  const asked = yield* Effect.forkChild(Task.awaitRequest)
                  yield* Effect.sleep(100)
                  yield* look
                  yield* Nursery.run("n", (nursery: Nursery.Nursery) => nursery.spawn("child", look))
                  yield* Effect.all([look, look], { concurrency: 2 })
                  seen.push(`aborted ${signal.aborted}, asked ${asked.pollUnsafe() !== undefined}`)
                  yield* Fiber.interrupt(asked)
                })
              )
            )
            yield* TestClock.adjust(10)
            yield* Task.requestCancel(task, ann)
            yield* TestClock.adjust(90)
            expect((yield* Task.await(task))._tag).toBe("Cancelled")
            expect(seen).toEqual([...Array.from({ length: 4 }, () => "None None"), "aborted false, asked false"])
          })
        )
    )

    it.effect("the flag and the signal get into a native uninterruptible region, but not into a shield (K39)", () =>
      leakChecked(
        Effect.gen(function* () {
          const seen: Array<string> = []
          const work = (name: string) =>
            Effect.gen(function* () {
              const signal = yield* Task.signal
              yield* Effect.sleep(50)
              seen.push(`${name}: ${(yield* Task.requested)._tag}, aborted ${signal.aborted}`)
            })
          const shielded = yield* started(Shield.run("s", work("shield")), "a")
          const native = yield* started(Effect.uninterruptible(work("native")), "b")
          yield* TestClock.adjust(10)
          yield* Task.requestCancel(shielded, ann)
          yield* Task.requestCancel(native, ann)
          yield* TestClock.adjust(40)
          yield* Task.await(shielded)
          yield* Task.await(native)
          expect(seen).toEqual(["shield: None, aborted false", "native: Some, aborted true"])
        })
      )
    )

    it.effect("a nursery inside hears nothing, and joins its children (K39)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const task = yield* started(
            Shield.run(
              "s",
              Nursery.run("n", (nursery: Nursery.Nursery) =>
                nursery.spawn("child", journal.watch("child", Effect.sleep(50)))
              )
            )
          )
          yield* TestClock.adjust(10)
          yield* Task.requestCancel(task, ann)
          yield* TestClock.adjust(40)
          expect((yield* Task.await(task))._tag).toBe("Cancelled")
          expect(journal.lines).toEqual(["50 child: done"])
        })
      )
    )

    it.effect("a task that is cancelled before its first step never opens the shield (K39, K10)", () =>
      leakChecked(
        Effect.gen(function* () {
          let ran = false
          const nursery = yield* Nursery.make("top")
          const task = yield* nursery.spawn(
            "t",
            Shield.run(
              "s",
              Effect.sync(() => void (ran = true))
            )
          )
          yield* Task.cancel(task, ann)
          yield* settle
          expect(ran).toBe(false)
        })
      )
    )

    it.effect("two cancels at once: the first reason stays, both wait (K8, K39)", () =>
      leakChecked(
        Effect.gen(function* () {
          const task = yield* started(Shield.run("s", Effect.sleep(100)))
          const one = yield* Effect.forkChild(Task.cancel(task, ann))
          const other = yield* Effect.forkChild(Task.cancel(task, { reason: CancelReason.request({ by: "bob" }) }))
          yield* TestClock.adjust(100)
          expect([(yield* Fiber.join(one))._tag, (yield* Fiber.join(other))._tag]).toEqual([
            "Cancelled",
            "AlreadyCancelled"
          ])
          expect(told(yield* Task.await(task))).toContain("request by ann of task")
        })
      )
    )

    it.effect("a failure that nobody can receive any more is a failure of clean-up (K16, K39)", () =>
      leakChecked(
        Effect.gen(function* () {
          const task = yield* started(Shield.run("save", failing(100, "disk full")))
          yield* TestClock.adjust(10)
          yield* Task.requestCancel(task, ann)
          yield* TestClock.adjust(90)
          const outcome = yield* Task.await(task)
          expect(outcome._tag).toBe("Cancelled")
          expect(outcome.cleanupFailures.map(({ scope, cause }) => `${scope}: ${causeOf(cause)}`)).toEqual([
            "save: Fail:disk full"
          ])
        })
      )
    )

    it.effect("with no task around, the value is on the interrupt (K26)", () =>
      leakChecked(
        Effect.gen(function* () {
          const fiber = yield* Effect.forkChild(Shield.run("save", after(50, "saved")))
          yield* TestClock.adjust(10)
          const stop = yield* Effect.forkChild(Fiber.interrupt(fiber))
          yield* TestClock.adjust(40)
          yield* Fiber.join(stop)
          const exit = yield* Fiber.await(fiber)
          expect(exit._tag === "Failure" && salvagedIn(exit.cause)).toEqual([{ scope: "save", value: "saved" }])
        })
      )
    )
  })

  describe("native interrupts", () => {
    it.effect("a shield in a lost native race or timeout ends its work first, like Effect.uninterruptible (K39)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const race = (name: string, shielded: Effect.Effect<unknown>) =>
            Effect.tap(Effect.raceFirst(shielded, Effect.sleep(10)), () => journal.note(`${name} returned`))
          yield* Effect.forkChild(race("shield", Shield.run("s", journal.watch("s", Effect.sleep(30)))))
          yield* Effect.forkChild(race("native", Effect.uninterruptible(journal.watch("n", Effect.sleep(40)))))
          const timed = yield* Effect.forkChild(Effect.timeoutOption(Shield.run("t", after(50, 1)), 10))
          yield* TestClock.adjust(49)
          expect(journal.lines).toEqual(["30 s: done", "30 shield returned", "40 n: done", "40 native returned"])
          expect(timed.pollUnsafe()).toBeUndefined()
          yield* TestClock.adjust(1)
          expect(yield* Fiber.join(timed)).toEqual(Option.none())
        })
      )
    )

    it.effect("a shield in a native uninterruptible region keeps its value (K39)", () =>
      leakChecked(
        Effect.gen(function* () {
          let value: unknown
          const task = yield* started(
            Effect.uninterruptible(Effect.map(Shield.run("s", after(50, "kept")), (got) => void (value = got)))
          )
          yield* TestClock.adjust(10)
          yield* Task.requestCancel(task, ann)
          yield* TestClock.adjust(40)
          expect(told(yield* Task.await(task))).toBe("Cancelled after 40, interrupted: request by ann of task")
          expect(value).toBe("kept")
        })
      )
    )
  })

  describe("inside", () => {
    it.effect("a cancel of something inside acts at once (K39)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const inner = yield* Deferred.make<Task.Task<never>>()
          const task = yield* started(
            Shield.run(
              "s",
              Nursery.run("n", (nursery: Nursery.Nursery) =>
                Effect.andThen(
                  Effect.flatMap(nursery.spawn("inner", journal.watch("inner", Effect.never)), (inside) =>
                    Deferred.succeed(inner, inside)
                  ),
                  Effect.sleep(100)
                )
              )
            )
          )
          yield* TestClock.adjust(10)
          yield* Task.requestCancel(task, { reason: CancelReason.shutdown() })
          yield* TestClock.adjust(10)
          const result = yield* Task.cancel(yield* Deferred.await(inner), ann)
          expect(result._tag === "Cancelled" && textOf(result.reason)).toBe("request by ann of inner")
          expect(journal.lines).toEqual(["20 inner: request by ann of inner"])
          yield* TestClock.adjust(80)
          expect(told(yield* Task.await(task))).toBe("Cancelled after 90, interrupted: shutdown of task")
        })
      )
    )

    it.effect("inner deadlines fire (K39)", () =>
      leakChecked(
        Effect.gen(function* () {
          const task = yield* started(
            Shield.run("s", Deadline.option(Effect.never, 30)).pipe(Effect.map((value) => value._tag))
          )
          yield* TestClock.adjust(10)
          yield* Task.requestCancel(task, ann)
          yield* TestClock.adjust(20)
          expect(told(yield* Task.await(task))).toContain("Cancelled after 20, interrupted")
        })
      )
    )

    it.effect(
      "the outer deadline is not seen inside; one that passed is delivered on exit, with its own time (K39)",
      () =>
        leakChecked(
          Effect.gen(function* () {
            const journal = new Journal()
            let at: number | undefined
            let seen: Option.Option<unknown> | undefined
            const fiber = yield* Effect.forkChild(
              Effect.flip(
                Deadline.run(
                  Effect.onExit(
                    Shield.run(
                      "s",
                      Effect.andThen(
                        Effect.sleep(300),
                        Effect.map(Deadline.current, (current) => void (seen = current))
                      )
                    ),
                    () =>
                      Effect.andThen(
                        Effect.map(CancelReason.current, (reason) => {
                          at = Option.isSome(reason) ? DateTime.toEpochMillis(reason.value.at) : undefined
                        }),
                        journal.note("told")
                      )
                  ),
                  100,
                  { name: "outer" }
                )
              )
            )
            yield* TestClock.adjust(299)
            expect(fiber.pollUnsafe()).toBeUndefined()
            yield* TestClock.adjust(1)
            expect((yield* Fiber.join(fiber)).scope).toBe("outer")
            expect(journal.lines).toEqual(["300 told"])
            expect(at).toBe(100)
            expect(seen).toEqual(Option.none())
          })
        )
    )

    it.effect("a cancel of the task from inside its shield answers Requested, and the work goes on (K13, K39)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const handle = yield* Deferred.make<Task.Task<void>>()
          const task = yield* started(
            Shield.run(
              "s",
              Effect.gen(function* () {
                const result = yield* Task.cancel(yield* Deferred.await(handle), ann)
                yield* journal.note(result._tag)
                yield* Effect.sleep(50)
                yield* journal.note("went on")
              })
            )
          )
          yield* Deferred.succeed(handle, task)
          yield* TestClock.adjust(50)
          expect(told(yield* Task.await(task))).toContain("Cancelled after 50")
          expect(journal.lines).toEqual(["0 Requested", "50 went on"])
        })
      )
    )

    for (const [where, wrapped] of [
      ["in their shields", (cancel: Effect.Effect<unknown>) => Shield.run("s", cancel)],
      ["in a race where they cannot be interrupted", (cancel) => Effect.uninterruptible(inRace(cancel))],
      ["in a race of their clean-up", (cancel) => Effect.onExit(Effect.never, () => inRace(cancel))],
      ["in a deadline of their clean-up", (cancel) => Effect.onExit(Effect.never, () => inDeadline(cancel))],
      ["in a nursery of their clean-up", (cancel) => Effect.onExit(Effect.never, () => inNursery(cancel))]
    ] satisfies ReadonlyArray<[string, (cancel: Effect.Effect<unknown>) => Effect.Effect<unknown>]>) {
      it.effect(`two tasks that cancel each other ${where} do not wait for ever (K13, K39)`, () =>
        leakChecked(
          Effect.gen(function* () {
            const [a, b] = [yield* Deferred.make<Task.Task<unknown>>(), yield* Deferred.make<Task.Task<unknown>>()]
            const tasks = [yield* started(wrapped(cancelOf(b))), yield* started(wrapped(cancelOf(a)))] as const
            yield* Deferred.succeed(a, tasks[0])
            yield* Deferred.succeed(b, tasks[1])
            yield* Effect.forkChild(Task.cancelAll(tasks, ann))
            yield* settle
            const ends = yield* Effect.all(tasks.map((task) => Task.poll(task)))
            // Else the test itself would never end.
            if (ends.some(Option.isNone)) yield* Task.cancelAll(tasks, { ...ann, giveUp: 0 })
            expect(ends.map((end) => Option.isSome(end) && end.value._tag)).toEqual(["Cancelled", "Cancelled"])
          })
        )
      )
    }

    it.effect("work that interrupts itself is what it would be without the shield (K39)", () =>
      leakChecked(
        Effect.gen(function* () {
          const task = yield* started(Shield.run("s", Effect.andThen(Effect.sleep(10), Effect.interrupt)))
          yield* TestClock.adjust(10)
          expect(told(yield* Task.await(task))).toBe("Cancelled after 0, cooperative: interrupt of task")
        })
      )
    )

    it.effect(
      "what is acquired inside lives as long as the scope around the shield, and its release reads the task's reason (K39)",
      () =>
        leakChecked(
          Effect.gen(function* () {
            const journal = new Journal()
            const task = yield* started(
              Effect.andThen(
                Shield.run(
                  "open",
                  Effect.acquireRelease(journal.note("acquired"), () =>
                    Effect.flatMap(CancelReason.current, (reason) =>
                      journal.note(`released: ${Option.isSome(reason) ? textOf(reason.value) : "no reason"}`)
                    )
                  )
                ),
                Effect.andThen(journal.note("in use"), Effect.sleep(100))
              )
            )
            yield* TestClock.adjust(10)
            yield* Task.cancel(task, ann)
            expect(journal.lines).toEqual(["0 acquired", "0 in use", "10 released: request by ann of task"])
          })
        )
    )

    it.effect(
      "a finalizer of a shield that has ended can open scopes of its own, which stand below the task (K39, K43)",
      () =>
        leakChecked(
          Effect.gen(function* () {
            const paths: Array<string> = []
            const task = yield* started(
              Effect.andThen(
                Shield.run(
                  "open",
                  Effect.acquireRelease(Effect.void, () =>
                    Nursery.run("closing", (nursery: Nursery.Nursery) =>
                      nursery.spawn(
                        "c",
                        Effect.map(TaskTree.snapshot, (snapshot) => void paths.push(TaskTree.toText(snapshot)))
                      )
                    ).pipe(Effect.ignore)
                  )
                ),
                Effect.never
              )
            )
            yield* Task.cancel(task, ann)
            expect(paths[0]!.split("\n").map((line) => line.replace(/ (running|cancelling|waiting).*/, ""))).toEqual([
              "root (root)",
              "  top (nursery)",
              "    task (task)",
              "      closing (nursery)",
              "        c (task)"
            ])
          })
        )
    )
  })

  describe("giving up", () => {
    it.effect("giveUp decides the task; the work runs on, and the straggler names the shield (K39, S0-26, S2-51)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const task = yield* started(
            Effect.andThen(Shield.run("final save", journal.watch("work", Effect.sleep(10_000))), Effect.never)
          )
          yield* TestClock.adjust(100)
          const cancel = yield* Effect.forkChild(Task.cancel(task, { ...ann, giveUp: "2 seconds" }))
          yield* TestClock.adjust(2000)
          const result = yield* Fiber.join(cancel)
          expect(result._tag === "Cancelled" && result.how).toBe("abandoned")
          const [straggler] = yield* Stragglers.list
          expect(straggler).toMatchObject({ name: "task", path: "top/task", shield: "final save", askedAt: 100 })
          expect(TaskTree.toText(yield* TaskTree.snapshot)).toBe(
            [
              "root (root) running",
              "  top (nursery) running",
              "stragglers",
              '  task (task) straggling for 2100 ms asked 2000 ms ago: request by ann, "Task was cancelled" in shield final save',
              "    final save (shield) running for 2100 ms"
            ].join("\n")
          )
          yield* TestClock.adjust(7899)
          expect(journal.lines).toEqual([])
          yield* TestClock.adjust(1)
          expect(journal.lines).toEqual(["10000 work: done"])
          expect(yield* Stragglers.list).toEqual([])
        })
      )
    )

    it.effect("a loser's shielded clean-up completes although the race gave up on it (S0-26)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const fiber = yield* Effect.forkChild(
            Race.firstSuccess(
              {
                quick: after(10, 1),
                slow: Effect.onExit(Effect.never, () => Shield.run("undo", journal.watch("undo", Effect.sleep(500))))
              },
              { giveUp: 100 }
            )
          )
          yield* TestClock.adjust(110)
          const won = yield* Fiber.join(fiber)
          expect(won.winner === "quick" && won.losers.slow!._tag).toBe("Cancelled")
          expect((yield* Stragglers.list).map(({ path, shield }) => `${path} in ${shield}`)).toEqual([
            "race/slow in undo"
          ])
          yield* TestClock.adjust(400)
          expect(journal.lines).toEqual(["510 undo: done"])
        })
      )
    )

    it.effect("a cancel of the winner's task while losers end does not orphan them (S0-84)", () =>
      leakChecked((leaks) =>
        Effect.gen(function* () {
          const journal = new Journal()
          const task = yield* started(
            Race.firstSuccess({
              quick: after(10, 1),
              slow: Effect.onExit(Effect.never, () => Shield.run("undo", journal.watch("undo", Effect.sleep(100))))
            })
          )
          yield* TestClock.adjust(50)
          yield* Task.requestCancel(task, ann)
          yield* TestClock.adjust(60)
          expect((yield* Task.await(task)).salvaged).toEqual([{ scope: "race", value: { winner: "quick", value: 1 } }])
          expect(journal.lines).toEqual(["110 undo: done"])
          expect(leaks.stragglers.size).toBe(0)
        })
      )
    )

    it.effect("a live task shows the shield that it sits in (K43)", () =>
      leakChecked(
        Effect.gen(function* () {
          yield* started(Shield.run("save", Effect.sleep(100), { budget: 30 }))
          yield* TestClock.adjust(20)
          expect(TaskTree.toText(yield* TaskTree.snapshot)).toContain(
            ["    task (task) running for 20 ms in shield save", "      save (shield) running for 20 ms"].join("\n")
          )
          yield* TestClock.adjust(80)
        })
      )
    )
  })

  describe("budget", () => {
    it.effect("counts from the request; at its end the work is interrupted with that reason (K39)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const task = yield* started(shielded(journal, 200))
          yield* TestClock.adjust(1000)
          yield* Task.requestCancel(task, ann)
          yield* TestClock.adjust(199)
          expect(journal.lines).toEqual([])
          yield* TestClock.adjust(1)
          expect(journal.lines).toEqual(["1200 work: request by ann of task", "1200 task: request by ann of task"])
          expect(told(yield* Task.await(task))).toBe("Cancelled after 200, interrupted: request by ann of task")
        })
      )
    )

    it.effect("nothing is counted while nothing is held off (K39)", () =>
      leakChecked(
        Effect.gen(function* () {
          const fiber = yield* Effect.forkChild(Shield.run("save", after(1000, "saved"), { budget: 10 }))
          yield* TestClock.adjust(1000)
          expect(yield* Fiber.join(fiber)).toBe("saved")
        })
      )
    )

    it.effect("waits for the work's clean-up, which nothing bounds but giveUp (K39, K15)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const task = yield* started(shielded(journal, 10, Effect.sleep(500)))
          yield* Task.requestCancel(task, ann)
          yield* TestClock.adjust(510)
          yield* Task.await(task)
          expect(journal.lines).toEqual([
            "10 work: request by ann of task",
            "510 work: cleaned up",
            "510 task: request by ann of task"
          ])
        })
      )
    )

    it.effect("what fails in the clean-up of the work stands on the task (K16)", () =>
      leakChecked(
        Effect.gen(function* () {
          const work = Effect.onExit(Effect.never, () => Effect.die("broken"))
          const task = yield* started(logged(Shield.run("save", work, { budget: 10 }), []))
          yield* Task.requestCancel(task, ann)
          yield* TestClock.adjust(10)
          const outcome = yield* Task.await(task)
          expect(outcome._tag).toBe("Cancelled")
          expect(outcome.cleanupFailures.map(({ scope, cause }) => `${scope}: ${causeOf(cause)}`)).toEqual([
            "save: Die:broken"
          ])
        })
      )
    )

    it.effect("counts from the request, not from the end of its grace (K39, K12)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const task = yield* started(shielded(journal, 150))
          yield* TestClock.adjust(10)
          yield* Task.requestCancel(task, { ...ann, grace: 100 })
          yield* TestClock.adjust(150)
          yield* Task.await(task)
          expect(journal.lines).toEqual(["160 work: request by ann of task", "160 task: request by ann of task"])
        })
      )
    )

    it.effect("one that ends in the grace ends the grace of the task too, which reads the reason (K39, K12)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const task = yield* started(shielded(journal, 30))
          yield* Task.requestCancel(task, { ...ann, grace: 100 })
          yield* TestClock.adjust(30)
          expect(told(yield* Task.await(task))).toBe("Cancelled after 30, interrupted: request by ann of task")
          expect(journal.lines).toEqual(["30 work: request by ann of task", "30 task: request by ann of task"])
        })
      )
    )

    it.effect("work that ends within grace and budget leaves the task free to go on (K12, K39)", () =>
      leakChecked(
        Effect.gen(function* () {
          const task = yield* started(Shield.run("save", after(50, "saved"), { budget: 80 }))
          yield* Task.requestCancel(task, { ...ann, grace: 100 })
          yield* TestClock.adjust(50)
          expect(told(yield* Task.await(task))).toBe("Completed saved")
        })
      )
    )

    it.effect("what ends at the very end of the budget has ended in time (K39, K12)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const task = yield* started(Shield.run("save", journal.watch("work", after(50, "saved")), { budget: 50 }))
          yield* Task.requestCancel(task, ann)
          yield* TestClock.adjust(50)
          expect(told(yield* Task.await(task))).toContain("salvaged save=saved")
          expect(journal.lines).toEqual(["50 work: done"])
        })
      )
    )

    it.effect("a shield that opens in a finalizer has its whole budget, counted from its opening (K39)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const task = yield* started(
            Effect.onExit(Effect.never, () =>
              Effect.andThen(
                Effect.sleep(1000),
                Effect.exit(Shield.run("last", journal.watch("last", Effect.never), { budget: 100 }))
              )
            )
          )
          yield* Task.requestCancel(task, ann)
          yield* TestClock.adjust(1100)
          yield* Task.await(task)
          expect(journal.lines).toEqual(["1100 last: request by ann of task"])
        })
      )
    )

    it.effect("the same in a nursery of that finalizer (K39)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const task = yield* started(
            Effect.onExit(Effect.never, () =>
              Nursery.run("closing", (nursery: Nursery.Nursery) =>
                nursery.spawn("c", Shield.run("last", journal.watch("last", Effect.never), { budget: 100 }))
              ).pipe(Effect.exit)
            )
          )
          yield* Task.requestCancel(task, ann)
          yield* TestClock.adjust(100)
          yield* Task.await(task)
          expect(journal.lines).toEqual(["100 last: request by ann of task"])
        })
      )
    )

    it.effect("a native interrupt starts it too (K39)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const fiber = yield* Effect.forkChild(
            Effect.timeoutOption(Shield.run("save", journal.watch("work", Effect.never), { budget: 20 }), 10)
          )
          yield* TestClock.adjust(30)
          expect(yield* Fiber.join(fiber)).toEqual(Option.none())
          expect(journal.lines).toEqual(["30 work: interrupt of save"])
        })
      )
    )

    it.effect("an outer deadline that passes starts it, with its reason (K39)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const fiber = yield* Effect.forkChild(
            Effect.flip(Deadline.run(shielded(journal, 50), 100, { name: "outer" }))
          )
          yield* TestClock.adjust(150)
          expect((yield* Fiber.join(fiber)).scope).toBe("outer")
          expect(journal.lines).toEqual(["150 work: timeout by outer of outer", "150 task: timeout by outer of outer"])
        })
      )
    )

    it.effect("the first request counts: a second neither restarts the budget nor changes the reason (K8, K39)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const task = yield* started(Nursery.run("n", () => shielded(journal, 100)).pipe(Effect.ignore))
          yield* Task.requestCancel(task, { ...ann, grace: 1000 })
          yield* TestClock.adjust(60)
          yield* Task.requestCancel(task, { reason: CancelReason.shutdown() })
          yield* TestClock.adjust(40)
          yield* Task.await(task)
          expect(journal.lines[0]).toBe("100 work: request by ann of task")
        })
      )
    )

    it.effect("while it counts, its end is the deadline of the work inside and stands in the tree (K33, K43)", () =>
      leakChecked(
        Effect.gen(function* () {
          const seen: Array<string> = []
          const task = yield* started(
            Shield.run(
              "save",
              Effect.forever(
                Effect.andThen(
                  Effect.map(Deadline.remaining, (left) => {
                    seen.push(Option.match(left, { onNone: () => "none", onSome: (some) => Duration.format(some) }))
                  }),
                  Effect.sleep(40)
                )
              ),
              { budget: 100 }
            )
          )
          yield* TestClock.adjust(10)
          yield* Task.requestCancel(task, ann)
          yield* TestClock.adjust(60)
          expect(TaskTree.toText(yield* TaskTree.snapshot)).toContain(
            "save (shield) running for 70 ms until 1970-01-01T00:00:00.110Z"
          )
          yield* TestClock.adjust(40)
          yield* Task.await(task)
          expect(seen).toEqual(["none", "70ms", "30ms"])
        })
      )
    )

    it.effect("a budget of zero interrupts at the request (K39)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const task = yield* started(shielded(journal, 0))
          yield* Task.cancel(task, ann)
          expect(journal.lines[0]).toBe("0 work: request by ann of task")
        })
      )
    )

    it.effect("work that ignores the end of its budget is given up with the task, by its own name (K12, K39)", () =>
      leakChecked(
        Effect.gen(function* () {
          const task = yield* started(Shield.run("save", Effect.uninterruptible(Effect.sleep(1000)), { budget: 100 }))
          const cancel = yield* Effect.forkChild(Task.cancel(task, { ...ann, giveUp: 200 }))
          yield* TestClock.adjust(200)
          const result = yield* Fiber.join(cancel)
          expect(result._tag === "Cancelled" && result.how).toBe("abandoned")
          expect((yield* Stragglers.list).map(({ path }) => path)).toEqual(["top/task/save"])
          yield* TestClock.adjust(800)
        })
      )
    )

    it.effect("one that is not a duration is a defect (K33)", () =>
      leakChecked(
        Effect.gen(function* () {
          for (const budget of [NaN, -1]) {
            const exit = yield* Effect.exit(Shield.run("s", Effect.void, { budget }))
            expect(exit._tag === "Failure" && Cause.squash(exit.cause)).toBeInstanceOf(InvalidDuration)
          }
        })
      )
    )
  })

  describe("nesting", () => {
    it.effect("the outer shield holds off the outer cancel, the inner one what is cancelled between them (K39)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const between = yield* Deferred.make<Task.Task<void>>()
          const task = yield* started(
            Shield.run(
              "outer",
              Nursery.run("n", (nursery: Nursery.Nursery) =>
                Effect.flatMap(
                  nursery.spawn(
                    "between",
                    journal.watch(
                      "between",
                      Shield.run("inner", journal.watch("inner", Effect.sleep(100)), { budget: 60 })
                    )
                  ),
                  (child) => Deferred.succeed(between, child)
                )
              )
            )
          )
          yield* TestClock.adjust(10)
          yield* Task.requestCancel(task, { reason: CancelReason.shutdown() })
          yield* TestClock.adjust(20)
          yield* Task.requestCancel(yield* Deferred.await(between), ann)
          yield* TestClock.adjust(60)
          expect(journal.lines).toEqual([
            "90 inner: request by ann of between",
            "90 between: request by ann of between"
          ])
          expect((yield* Task.await(task))._tag).toBe("Cancelled")
        })
      )
    )

    it.effect("the budget of an outer shield is held off by an inner one (K39)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const task = yield* started(
            Shield.run(
              "outer",
              Effect.andThen(Shield.run("inner", journal.watch("inner", Effect.sleep(100))), journal.note("went on")),
              { budget: 10 }
            )
          )
          yield* Task.requestCancel(task, ann)
          yield* TestClock.adjust(100)
          expect((yield* Task.await(task))._tag).toBe("Cancelled")
          expect(journal.lines).toEqual(["100 inner: done"])
        })
      )
    )

    const deep = 5000

    it.effect(
      `${deep} nested shields end, and a cancel waits for the innermost (K6)`,
      () =>
        leakChecked(
          Effect.gen(function* () {
            const inner = yield* Deferred.make<void>()
            let nested: Effect.Effect<unknown> = Effect.andThen(Deferred.succeed(inner, undefined), Effect.sleep(10))
            for (let level = 0; level < deep; level++) {
              const below = nested
              nested = Shield.run(
                `s${level}`,
                Effect.suspend(() => below),
                { budget: "1 second" }
              )
            }
            const task = yield* started(nested)
            yield* Deferred.await(inner)
            yield* Task.requestCancel(task, ann)
            yield* TestClock.adjust(10)
            expect((yield* Task.await(task))._tag).toBe("Cancelled")
          })
        ),
      60_000
    )
  })

  it.effect("what Task.commit holds off is the task's own cancel: in a shield it is a defect that says so (K9)", () =>
    leakChecked(
      Effect.gen(function* () {
        const task = yield* started(Shield.run("s", Task.commit(Effect.void, { within: 10 })))
        yield* settle
        const outcome = yield* Task.await(task)
        expect(outcome._tag === "Failed" && causeOf(outcome.cause)).toContain("Task.commit must be the last step")
      })
    )
  )

  it.effect("resources of a task and a shield in its scope are released once, last first (K15)", () =>
    leakChecked(
      Effect.gen(function* () {
        const journal = new Journal()
        const task = yield* started(
          Effect.gen(function* () {
            yield* resource(journal, "a")
            yield* Shield.run("s", resource(journal, "b"))
            yield* Effect.never
          })
        )
        yield* Task.cancel(task, ann)
        expect(journal.lines).toEqual(["0 a acquired", "0 b acquired", "0 b released", "0 a released"])
        expect(Exit.isSuccess(yield* Effect.exit(Task.await(task)))).toBe(true)
      })
    )
  )
})
