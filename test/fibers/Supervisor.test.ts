import { describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as CancelReason from "../../src/fibers/CancelReason.ts"
import * as Checkpoint from "../../src/fibers/Checkpoint.ts"
import * as Nursery from "../../src/fibers/Nursery.ts"
import { RestartLimitReached } from "../../src/fibers/RestartLimitReached.ts"
import * as Supervisor from "../../src/fibers/Supervisor.ts"
import * as Task from "../../src/fibers/Task.ts"
import type * as TaskOutcome from "../../src/fibers/TaskOutcome.ts"
import * as TaskTree from "../../src/fibers/TaskTree.ts"
import { Journal } from "../support/journal.ts"
import { leakChecked } from "../support/leaks.ts"
import { settle } from "../support/settle.ts"

const byAnn = { reason: CancelReason.request({ by: "ann" }) }

/** What an attempt does is the next of the list; the last one is repeated. */
const script = <A, E>(...attempts: ReadonlyArray<Effect.Effect<A, E>>): Effect.Effect<A, E> => {
  let attempt = 0
  return Effect.suspend(() => attempts[Math.min(attempt++, attempts.length - 1)]!)
}

/** Tells of restarts in the journal rather than in the log. */
const telling = (journal: Journal) => ({
  onRestart: ({ attempt, cause, child, delay }: Supervisor.Restart<unknown>) =>
    journal.note(
      `${child} ended (${attempt}): ${cause.reasons.map((reason) => reason._tag).join() || "returned"}, ${Duration.toMillis(delay)} ms`
    )
})
const silent = { onRestart: () => Effect.void }

const spawned = <A, E>(
  supervised: Effect.Effect<A, E>,
  use: (task: Task.Task<A, E>) => Effect.Effect<void, unknown>
): Effect.Effect<void, unknown> =>
  Effect.scoped(
    Effect.gen(function* () {
      const nursery = yield* Nursery.make<E>("top")
      yield* use(yield* nursery.spawn("task", supervised))
    })
  )

const failing = (millis: number) => Effect.andThen(Effect.sleep(millis), Effect.fail("no"))

const ok = (name: string) => Effect.as(Effect.sleep(50), name)

/** Three children that note their starts and how they end; the second fails once at 10 ms. */
const family = (journal: Journal) => {
  const child = (name: string, first: Effect.Effect<string, string>) => {
    const attempts = script(first, Effect.as(Effect.sleep(50), name))
    return Effect.andThen(journal.note(`${name} starts`), journal.watch(name, attempts))
  }
  return {
    a: child("a", ok("a")),
    b: child("b", Effect.andThen(Effect.sleep(10), Effect.fail("no"))),
    c: child("c", ok("c"))
  }
}

describe("Supervisor", () => {
  describe("restart", () => {
    it.effect("a failure and a defect restart alike, until the child returns", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const child = script<string, string>(Effect.fail("no"), Effect.die("bug"), Effect.succeed("value"))
          expect(yield* Supervisor.run("feed", child, telling(journal))).toBe("value")
          expect(journal.lines).toEqual(["0 feed ended (1): Fail, 0 ms", "0 feed ended (2): Die, 0 ms"])
        })
      )
    )

    it.effect("native beside it: Effect.retry never retries a defect, and keeps every attempt's resources open", () =>
      leakChecked(
        Effect.gen(function* () {
          const flaky = script(Effect.die("bug"), Effect.succeed("value"))
          const exit = yield* Effect.exit(Effect.retry(flaky, { times: 3 }))
          expect(exit._tag === "Failure" && Cause.hasDies(exit.cause)).toBe(true)

          let open = 0
          let most = 0
          const connection = Effect.acquireRelease(
            Effect.sync(() => {
              most = Math.max(most, ++open)
            }),
            () =>
              Effect.sync(() => {
                open--
              })
          )
          const using = () => {
            const uses = script<string, string>(Effect.fail("1"), Effect.fail("2"), Effect.succeed("value"))
            return Effect.andThen(connection, uses)
          }
          yield* Effect.scoped(Effect.retry(using(), { times: 3 }))
          expect(most).toBe(3)
          most = 0
          yield* Supervisor.run("db", using(), silent)
          expect(most).toBe(1)
        })
      )
    )

    it.effect("finalizers of an attempt have ended before the next one starts (K1)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          let attempt = 0
          const child = Effect.suspend(() => {
            const number = ++attempt
            return Effect.andThen(
              Effect.acquireRelease(journal.note(`open ${number}`), () =>
                Effect.andThen(Effect.sleep(30), journal.note(`close ${number}`))
              ),
              number < 3 ? Effect.fail("no") : Effect.void
            )
          })
          const fiber = yield* Effect.forkChild(Supervisor.run("db", child, silent))
          yield* TestClock.adjust(1000)
          yield* Fiber.join(fiber)
          expect(journal.lines).toEqual([
            "0 open 1",
            "30 close 1",
            "30 open 2",
            "60 close 2",
            "60 open 3",
            "90 close 3"
          ])
        })
      )
    )

    it.effect("a permanent child restarts when it returns too, a temporary one never", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const permanent = yield* Effect.flip(
            Supervisor.run("loop", Effect.void, { restart: "permanent", ...telling(journal) })
          )
          expect(permanent).toMatchObject({
            _tag: "RestartLimitReached",
            child: "loop",
            limit: "intensity",
            restarts: 3
          })
          expect(journal.lines).toEqual([1, 2, 3].map((attempt) => `0 loop ended (${attempt}): returned, 0 ms`))
          expect(yield* Effect.exit(Supervisor.run("once", Effect.fail("no"), { restart: "temporary" }))).toEqual(
            Exit.fail("no")
          )
        })
      )
    )

    it.effect("a failure that is not worth a restart leaves as it came", () =>
      leakChecked(
        Effect.gen(function* () {
          const child = script(Effect.fail("busy"), Effect.fail("no such table"), Effect.fail("busy"))
          const exit = yield* Effect.exit(
            Supervisor.run("db", child, {
              ...silent,
              shouldRestart: (cause) => Cause.squash(cause) !== "no such table"
            })
          )
          expect(exit).toEqual(Exit.fail("no such table"))
        })
      )
    )

    it.effect(
      "each attempt has the services of the caller, a number of its own, and a place in the tree (K27, K43)",
      () =>
        leakChecked(
          Effect.gen(function* () {
            class Name extends Context.Service<Name, string>()("Name") {}
            const seen: Array<string> = []
            const child = Effect.gen(function* () {
              seen.push(yield* Name)
              if (seen.length < 3) return yield* Effect.fail("no")
              return yield* Effect.never
            })
            const fiber = yield* Effect.forkChild(
              Effect.provideService(Supervisor.run("feed", child, silent), Name, "ann")
            )
            yield* settle
            expect(seen).toEqual(["ann", "ann", "ann"])
            expect(
              TaskTree.toText(yield* TaskTree.snapshot)
                .split("\n")
                .map((line) => line.trim())
            ).toEqual([
              "root (root) running",
              "feed (nursery) running",
              "body (body) running for 0 ms",
              "feed (task) running attempt 3 for 0 ms"
            ])
            yield* Fiber.interrupt(fiber)
          })
        )
    )

    it.effect("without a hook each restart is logged as a warning, with its cause", () =>
      leakChecked(
        Effect.gen(function* () {
          const lines: Array<string> = []
          const logger = Logger.make(({ logLevel, message }) => {
            lines.push(`${logLevel} ${String(Array.isArray(message) ? message[0] : message)}`)
          })
          yield* Effect.provideService(
            Supervisor.run("feed", script(Effect.fail("no"), Effect.void)),
            Logger.CurrentLoggers,
            new Set([logger])
          )
          expect(lines).toEqual(['Warn "feed" ended (attempt 1) and restarts in 0 ms'])
        })
      )
    )

    it.effect("a hook that dies ends the supervisor with its defect", () =>
      leakChecked(
        Effect.gen(function* () {
          const exit = yield* Effect.exit(
            Supervisor.run("feed", Effect.fail("no"), { onRestart: () => Effect.die("bug in the hook") })
          )
          expect(exit).toEqual(Exit.die("bug in the hook"))
        })
      )
    )

    it.effect("a failure of an attempt's clean-up is told with the restart and does not hide the cause (K16)", () =>
      leakChecked(
        Effect.gen(function* () {
          const told: Array<Supervisor.Restart<string>> = []
          const messy = Effect.andThen(
            Effect.acquireRelease(Effect.void, () => Effect.die("cannot close")),
            Effect.fail("no")
          )
          yield* Supervisor.run(
            "db",
            Effect.suspend(() => (told.length === 0 ? messy : Effect.void)),
            {
              onRestart: (restart) =>
                Effect.sync(() => {
                  told.push(restart)
                })
            }
          ).pipe(Effect.provideService(Logger.CurrentLoggers, new Set()))
          expect(told[0]!.cause).toEqual(Cause.fail("no"))
          expect(told[0]!.cleanupFailures.map(({ cause }) => Cause.squash(cause))).toEqual(["cannot close"])
        })
      )
    )
  })

  describe("limits", () => {
    it.effect("more restarts within the window than allowed: RestartLimitReached with the last cause", () =>
      leakChecked(
        Effect.gen(function* () {
          let attempt = 0
          const child = Effect.andThen(
            Effect.sleep(10),
            Effect.suspend(() => Effect.fail(`no ${++attempt}`))
          )
          const fiber = yield* Effect.forkChild(
            Effect.flip(Supervisor.run("feed", child, { ...silent, intensity: { restarts: 2, within: "1 second" } }))
          )
          yield* TestClock.adjust(1000)
          const error = yield* Fiber.join(fiber)
          expect(error).toBeInstanceOf(RestartLimitReached)
          expect(error).toMatchObject({ child: "feed", limit: "intensity", restarts: 2, cause: Cause.fail("no 3") })
          expect((error as RestartLimitReached).message).toContain('"feed" ended again after 2 restarts')
          const codec = Schema.toCodecJson(RestartLimitReached)
          const wire = yield* Schema.encodeEffect(codec)(error as RestartLimitReached)
          const back = yield* Schema.decodeUnknownEffect(codec)(JSON.parse(JSON.stringify(wire)))
          expect(back).toMatchObject({ child: "feed", limit: "intensity", restarts: 2 })
        })
      )
    )

    it.effect("restarts as old as the window no longer count", () =>
      leakChecked(
        Effect.gen(function* () {
          const child = Effect.andThen(Effect.sleep(500), Effect.fail("no"))
          const fiber = yield* Effect.forkChild(
            Supervisor.run("feed", child, { ...silent, intensity: { restarts: 2, within: "1 second" } })
          )
          yield* TestClock.adjust("1 minute")
          expect(fiber.pollUnsafe()).toBeUndefined()
          yield* Fiber.interrupt(fiber)
        })
      )
    )

    it.effect("a back-off delays each restart and begins afresh after a stable attempt", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const fail = Effect.fail("no")
          const child = script<void, string>(
            fail,
            fail,
            fail,
            Effect.andThen(Effect.sleep(1000), fail),
            fail,
            Effect.void
          )
          const fiber = yield* Effect.forkChild(
            Supervisor.run("feed", child, {
              ...telling(journal),
              backoff: Schedule.exponential(100),
              intensity: { restarts: 10, within: "1 minute" },
              stableAfter: 1000
            })
          )
          yield* TestClock.adjust("1 minute")
          yield* Fiber.join(fiber)
          expect(journal.lines).toEqual([
            "0 feed ended (1): Fail, 100 ms",
            "100 feed ended (2): Fail, 200 ms",
            "300 feed ended (3): Fail, 400 ms",
            "1700 feed ended (4): Fail, 100 ms",
            "1800 feed ended (5): Fail, 200 ms"
          ])
        })
      )
    )

    it.effect("a back-off that ends is a limit too, told as such", () =>
      leakChecked(
        Effect.gen(function* () {
          const error = yield* Effect.flip(
            Supervisor.run("feed", Effect.fail("no"), { ...silent, backoff: Schedule.recurs(2) })
          )
          expect(error).toMatchObject({ _tag: "RestartLimitReached", limit: "backoff", restarts: 2 })
        })
      )
    )

    it.effect("a child that fails at once, restarted without bound, still lets others run and be cancelled", () =>
      leakChecked(
        Effect.gen(function* () {
          let attempts = 0
          const busy = Effect.suspend(() => {
            attempts++
            return Effect.fail("no")
          })
          yield* spawned(
            Supervisor.run("busy", busy, { ...silent, intensity: { restarts: Infinity, within: "1 second" } }),
            (task) =>
              Effect.gen(function* () {
                yield* settle
                expect((yield* Task.cancel(task, byAnn))._tag).toBe("Cancelled")
                expect(attempts).toBeGreaterThan(3)
              })
          )
        })
      )
    )

    it.effect("limits that cannot be meant are defects", () =>
      leakChecked(
        Effect.gen(function* () {
          const wrong: ReadonlyArray<Supervisor.SupervisorOptions<never, never>> = [
            { intensity: { restarts: -1, within: 1 } },
            { intensity: { restarts: Number.NaN, within: 1 } },
            { intensity: { restarts: 1, within: Number.NaN } },
            { stableAfter: -1 }
          ]
          for (const options of wrong) {
            const exit = yield* Effect.exit(Supervisor.run("x", Effect.void, options))
            expect(exit._tag === "Failure" && Cause.hasDies(exit.cause)).toBe(true)
          }
        })
      )
    )
  })

  describe("cancel wins", () => {
    it.effect(
      "during the attempt, its clean-up, and the back-off: nothing restarts, all read the reason (K1, K18)",
      () =>
        leakChecked(
          Effect.gen(function* () {
            for (const [at, seen] of [
              [5, ["5 attempt 1: request by ann of task", "25 attempt 1: cleaned up"]],
              [15, ["10 attempt 1: failed", "30 attempt 1: cleaned up"]],
              [50, ["10 attempt 1: failed", "30 attempt 1: cleaned up"]]
            ] as const) {
              const journal = new Journal()
              let attempt = 0
              const child = Effect.suspend(() =>
                journal.watch(
                  `attempt ${++attempt}`,
                  Effect.andThen(Effect.sleep(10), Effect.fail("no")),
                  Effect.sleep(20)
                )
              )
              const start = yield* Effect.clockWith((clock) => clock.currentTimeMillis)
              yield* spawned(Supervisor.run("feed", child, { ...silent, backoff: Schedule.spaced(100) }), (task) =>
                Effect.gen(function* () {
                  yield* TestClock.adjust(at)
                  const cancel = yield* Effect.forkChild(Task.cancel(task, byAnn))
                  yield* TestClock.adjust(1000)
                  expect(yield* Fiber.join(cancel)).toMatchObject({ _tag: "Cancelled", reason: { by: "ann" } })
                })
              )
              const relative = journal.lines.map((line) => line.replace(/^\d+/, (now) => String(Number(now) - start)))
              expect(relative).toEqual(seen)
            }
          })
        )
    )

    it.effect("in the turn of the failure, before and after it", () =>
      leakChecked(
        Effect.gen(function* () {
          for (const first of ["cancel", "failure"] as const) {
            const failure = yield* Deferred.make<never, string>()
            let attempts = 0
            const child = Effect.suspend(() => {
              attempts++
              return Deferred.await(failure)
            })
            const quiet = Effect.provideService(Supervisor.run("feed", child, silent), Logger.CurrentLoggers, new Set())
            yield* spawned(quiet, (task) =>
              Effect.gen(function* () {
                yield* settle
                const fail = Deferred.fail(failure, "no")
                const cancel = Task.requestCancel(task, byAnn)
                yield* first === "cancel" ? Effect.andThen(cancel, fail) : Effect.andThen(fail, cancel)
                const outcome = yield* Task.await(task)
                expect(outcome).toMatchObject({ _tag: "Cancelled", reason: { by: "ann" } })
                expect(attempts).toBe(1)
              })
            )
          }
        })
      )
    )

    it.effect("in grace: an attempt may finish, but none restarts, and a back-off ends at once (K12)", () =>
      leakChecked(
        Effect.gen(function* () {
          const patient = { ...byAnn, grace: "1 minute" } as const
          const finishes = Supervisor.run("feed", Effect.as(Effect.sleep(100), "value"), silent)
          yield* spawned(finishes, (task) =>
            Effect.gen(function* () {
              yield* TestClock.adjust(5)
              const cancel = yield* Effect.forkChild(Task.cancel(task, patient))
              yield* TestClock.adjust(100)
              expect((yield* Fiber.join(cancel))._tag).toBe("AlreadyCompleted")
              expect(yield* Task.join(task)).toBe("value")
            })
          )
          const fails = Supervisor.run("feed", Effect.andThen(Effect.sleep(100), Effect.fail("no")), silent)
          yield* spawned(Effect.provideService(fails, Logger.CurrentLoggers, new Set()), (task) =>
            Effect.gen(function* () {
              yield* TestClock.adjust(5)
              const cancel = yield* Effect.forkChild(Task.cancel(task, patient))
              yield* TestClock.adjust(100)
              expect(yield* Fiber.join(cancel)).toMatchObject({ _tag: "Cancelled", how: "cooperative" })
              const outcome = yield* Task.await(task)
              // The failure that is not restarted any more is not lost.
              expect(outcome.cleanupFailures.map(({ cause }) => Cause.squash(cause))).toEqual(["no"])
            })
          )
          const waits = Supervisor.run("feed", Effect.fail("no"), { ...silent, backoff: Schedule.spaced("1 hour") })
          yield* spawned(waits, (task) =>
            Effect.gen(function* () {
              yield* settle
              expect(yield* Task.cancel(task, patient)).toMatchObject({
                _tag: "Cancelled",
                how: "cooperative",
                took: Duration.zero
              })
            })
          )
        })
      )
    )

    it.effect(
      "an attempt that stops at a checkpoint in its grace was cancelled: the task is Cancelled, not Failed (K14)",
      () =>
        leakChecked(
          Effect.gen(function* () {
            const child = Effect.forever(Effect.andThen(Effect.sleep(10), Checkpoint.checkpoint))
            yield* spawned(Supervisor.run("feed", child, silent), (task) =>
              Effect.gen(function* () {
                yield* TestClock.adjust(5)
                const cancel = yield* Effect.forkChild(Task.cancel(task, { ...byAnn, grace: "1 minute" }))
                yield* TestClock.adjust(5)
                expect(yield* Fiber.join(cancel)).toMatchObject({ _tag: "Cancelled", how: "cooperative" })
              })
            )
          })
        )
    )

    it.effect("a child that interrupts itself is not restarted; run says so with TaskCancelled (K22)", () =>
      leakChecked(
        Effect.gen(function* () {
          let attempts = 0
          const child = Effect.suspend(() => {
            attempts++
            return Effect.interrupt
          })
          const error = yield* Effect.flip(Supervisor.run("feed", child, { restart: "permanent" }))
          expect(error).toMatchObject({ _tag: "TaskCancelled", task: "feed", reason: { source: "interrupt" } })
          expect(attempts).toBe(1)
        })
      )
    )

    it.effect("native beside it: the interrupt of a retry's delay is felt at once but has no reason; ours has", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const retried = yield* Effect.forkChild(
            journal.watch("retry", Effect.retry(Effect.fail("no"), Schedule.spaced("1 hour")))
          )
          yield* settle
          yield* Fiber.interrupt(retried)
          const supervised = journal.watch(
            "supervisor",
            Supervisor.run("feed", Effect.fail("no"), { ...silent, backoff: Schedule.spaced("1 hour") })
          )
          yield* spawned(supervised, (task) => Effect.andThen(settle, Task.cancel(task, byAnn)))
          expect(journal.lines).toEqual([
            "0 retry: interrupted without a reason",
            "0 supervisor: request by ann of task"
          ])
        })
      )
    )

    it.effect("cancelled before its first step: no attempt starts (K10)", () =>
      leakChecked(
        Effect.gen(function* () {
          let attempts = 0
          const child = Effect.sync(() => {
            attempts++
          })
          yield* spawned(Supervisor.run("feed", child), (task) => Task.cancel(task, byAnn))
          expect(attempts).toBe(0)
        })
      )
    )

    it.effect("a value that was there when the cancel came is salvaged (K26)", () =>
      leakChecked(
        Effect.gen(function* () {
          const child = Effect.andThen(
            Effect.acquireRelease(Effect.void, () => Effect.sleep(50)),
            Effect.succeed("value")
          )
          const slow = Supervisor.all("pair", { quick: Effect.succeed("quick"), slow: Effect.never, late: child })
          yield* spawned(slow, (task) =>
            Effect.gen(function* () {
              yield* TestClock.adjust(100)
              yield* Task.cancel(task, byAnn)
              const outcome = (yield* Task.await(task)) as TaskOutcome.Cancelled
              expect(outcome.salvaged).toEqual([
                { scope: "quick", value: "quick" },
                { scope: "late", value: "value" }
              ])
            })
          )
        })
      )
    )
  })

  describe("several children", () => {
    const starts = ["0 a starts", "0 b starts", "0 c starts", "10 b: failed"]

    it.effect("one-for-one: siblings live on; the answer is how each ended", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const fiber = yield* Effect.forkChild(Supervisor.all("family", family(journal), silent))
          yield* TestClock.adjust(1000)
          const outcomes = yield* Fiber.join(fiber)
          expect(Object.entries(outcomes).map(([name, outcome]) => [name, outcome._tag])).toEqual([
            ["a", "Completed"],
            ["b", "Completed"],
            ["c", "Completed"]
          ])
          expect(journal.lines).toEqual([...starts, "10 b starts", "50 a: done", "50 c: done", "60 b: done"])
        })
      )
    )

    it.effect(
      "one-for-all: the others are cancelled, by name, awaited, and all start again after the back-off (K4)",
      () =>
        leakChecked(
          Effect.gen(function* () {
            const journal = new Journal()
            const fiber = yield* Effect.forkChild(
              Supervisor.all("family", family(journal), {
                ...silent,
                strategy: "one-for-all",
                backoff: Schedule.spaced(100)
              })
            )
            yield* TestClock.adjust(1000)
            expect(Object.keys(yield* Fiber.join(fiber))).toEqual(["a", "b", "c"])
            expect(journal.lines).toEqual([
              ...starts,
              "10 a: sibling-failed by b of a",
              "10 c: sibling-failed by b of c",
              "110 a starts",
              "110 b starts",
              "110 c starts",
              "160 a: done",
              "160 b: done",
              "160 c: done"
            ])
          })
        )
    )

    it.effect("rest-for-one: only those that started after it", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const fiber = yield* Effect.forkChild(
            Supervisor.all("family", family(journal), { ...silent, strategy: "rest-for-one" })
          )
          yield* TestClock.adjust(1000)
          yield* Fiber.join(fiber)
          expect(journal.lines).toEqual([
            ...starts,
            "10 c: sibling-failed by b of c",
            "10 b starts",
            "10 c starts",
            "50 a: done",
            "60 b: done",
            "60 c: done"
          ])
        })
      )
    )

    it.effect("a sibling's slow clean-up delays the restart of all; what has completed stays so", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const noted = (name: string, effect: Effect.Effect<void, string>, cleanup?: Effect.Effect<void>) =>
            Effect.andThen(journal.note(`${name} starts`), journal.watch(name, effect, cleanup))
          const fiber = yield* Effect.forkChild(
            Supervisor.all(
              "family",
              {
                done: noted("done", Effect.void),
                slow: noted("slow", script(Effect.never, Effect.void), Effect.sleep(40)),
                bad: noted("bad", script(Effect.andThen(Effect.sleep(10), Effect.fail("no")), Effect.void))
              },
              { ...silent, strategy: "one-for-all" }
            )
          )
          yield* TestClock.adjust(1000)
          const outcomes = yield* Fiber.join(fiber)
          expect(Object.values(outcomes).map(({ _tag }) => _tag)).toEqual(["Completed", "Completed", "Completed"])
          expect(journal.lines).toEqual([
            "0 done starts",
            "0 done: done",
            "0 slow starts",
            "0 bad starts",
            "10 bad: failed",
            "10 slow: sibling-failed by bad of slow",
            "50 slow: cleaned up",
            "50 slow starts",
            "50 slow: done",
            "50 bad starts",
            "50 bad: done",
            "90 slow: cleaned up"
          ])
        })
      )
    )

    it.effect("temporary ones end for good, also when a sibling takes them along; permanent ones go on", () =>
      leakChecked(
        Effect.gen(function* () {
          const fiber = yield* Effect.forkChild(
            Effect.exit(
              Supervisor.all(
                "family",
                {
                  once: Supervisor.child(Effect.never, { restart: "temporary" }),
                  failed: Supervisor.child(Effect.fail("gone"), { restart: "temporary" }),
                  self: Effect.interrupt,
                  bad: script(Effect.andThen(Effect.sleep(10), Effect.fail("no")), Effect.void)
                },
                { ...silent, strategy: "one-for-all" }
              )
            )
          )
          yield* TestClock.adjust(1000)
          const exit = yield* Fiber.join(fiber)
          expect(exit._tag === "Success" && exit.value).toMatchObject({
            once: { _tag: "Cancelled", reason: { source: "sibling-failed", by: "bad" } },
            failed: { _tag: "Failed" },
            self: { _tag: "Cancelled", reason: { source: "interrupt" } },
            bad: { _tag: "Completed" }
          })
        })
      )
    )

    it.effect("the intensity is shared; giving up cancels the others, waits for them, and tells who (K1)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const fiber = yield* Effect.forkChild(
            Effect.flip(
              Supervisor.all(
                "family",
                { a: failing(10), b: failing(25), idle: journal.watch("idle", Effect.never, Effect.sleep(30)) },
                { ...silent, intensity: { restarts: 2, within: "1 second" } }
              )
            )
          )
          yield* TestClock.adjust(100)
          expect(yield* Fiber.join(fiber)).toMatchObject({ child: "b", limit: "intensity", restarts: 2 })
          expect(journal.lines).toEqual(["25 idle: sibling-failed by b of idle", "55 idle: cleaned up"])
        })
      )
    )

    it.effect("back-offs of several children go on side by side", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const once = (name: string, at: number) =>
            Effect.andThen(journal.note(name), script(Effect.andThen(Effect.sleep(at), Effect.fail("no")), Effect.void))
          const twice = { a: once("a", 0), b: once("b", 40) }
          const fiber = yield* Effect.forkChild(
            Supervisor.all("pair", twice, { ...silent, backoff: Schedule.spaced(100) })
          )
          yield* TestClock.adjust(1000)
          yield* Fiber.join(fiber)
          expect(journal.lines).toEqual(["0 a", "0 b", "100 a", "140 b"])
        })
      )
    )

    it.effect(
      "in grace those that run may finish; who waits to restart does not, and the whole is cancelled (K12)",
      () =>
        leakChecked(
          Effect.gen(function* () {
            const journal = new Journal()
            const family = Supervisor.all(
              "family",
              {
                bad: Effect.andThen(journal.note("bad starts"), Effect.fail("no")),
                good: journal.watch("good", Effect.as(Effect.sleep(50), "value"))
              },
              { ...silent, backoff: Schedule.spaced(20) }
            )
            yield* spawned(family, (task) =>
              Effect.gen(function* () {
                yield* TestClock.adjust(10)
                const cancel = yield* Effect.forkChild(Task.cancel(task, { ...byAnn, grace: "1 minute" }))
                yield* TestClock.adjust(100)
                expect(yield* Fiber.join(cancel)).toMatchObject({ _tag: "Cancelled", how: "cooperative" })
                const outcome = yield* Task.await(task)
                expect(outcome.salvaged).toEqual([{ scope: "good", value: "value" }])
                expect(journal.lines).toEqual(["0 bad starts", "50 good: done"])
              })
            )
          })
        )
    )

    it.effect("what ended while a hook ran, and nobody read any more, is told and salvaged (K16, K26)", () =>
      leakChecked(
        Effect.gen(function* () {
          const family = Supervisor.all(
            "family",
            {
              bad: failing(10),
              good: Effect.as(Effect.sleep(20), "value"),
              worse: Effect.andThen(Effect.sleep(30), Effect.die("bug"))
            },
            { onRestart: () => Effect.sleep(100) }
          )
          yield* spawned(Effect.provideService(family, Logger.CurrentLoggers, new Set()), (task) =>
            Effect.gen(function* () {
              yield* TestClock.adjust(50)
              yield* Task.cancel(task, byAnn)
              const outcome = yield* Task.await(task)
              expect(outcome.salvaged).toEqual([{ scope: "good", value: "value" }])
              expect(outcome.cleanupFailures.map(({ cause, scope }) => [scope, Cause.squash(cause)])).toEqual([
                ["worse", "bug"]
              ])
            })
          )
        })
      )
    )

    it.effect("a sibling that fails while the supervisor gives up is told too (K16)", () =>
      leakChecked(
        Effect.gen(function* () {
          const closing = Effect.andThen(
            Effect.acquireRelease(Effect.void, () => Effect.sleep(50)),
            Effect.fail("late")
          )
          const family = Supervisor.all(
            "family",
            { closing, bad: failing(10) },
            { intensity: { restarts: 0, within: 1 } }
          )
          yield* spawned(Effect.provideService(family, Logger.CurrentLoggers, new Set()), (task) =>
            Effect.gen(function* () {
              yield* TestClock.adjust(100)
              const outcome = yield* Task.await(task)
              expect(outcome._tag === "Failed" && Cause.squash(outcome.cause)).toMatchObject({ child: "bad" })
              expect(outcome.cleanupFailures.map(({ cause, scope }) => [scope, Cause.squash(cause)])).toEqual([
                ["closing", "late"]
              ])
            })
          )
        })
      )
    )

    it.effect("no children: done at once", () =>
      leakChecked(
        Effect.gen(function* () {
          expect(yield* Supervisor.all("none", {})).toEqual({})
        })
      )
    )

    it.effect("children with limits of their own are tasks of a nursery; a cancelled one stays so", () =>
      leakChecked(
        Effect.gen(function* () {
          const { failures, value } = yield* Nursery.supervise("services", (nursery: Nursery.Nursery<unknown>) =>
            Effect.gen(function* () {
              const feed = yield* nursery.spawn("feed", Supervisor.run("feed", Effect.never, { restart: "permanent" }))
              yield* nursery.spawn("bad", Supervisor.run("bad", Effect.fail("no"), silent))
              yield* settle
              return yield* Task.cancel(feed, byAnn)
            })
          )
          expect(value._tag).toBe("Cancelled")
          expect(failures.map(({ name }) => name)).toEqual(["bad"])
        })
      )
    )
  })
})
