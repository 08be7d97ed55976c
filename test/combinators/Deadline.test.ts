import { describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as Deadline from "../../src/combinators/Deadline.ts"
import { DeadlineExceeded } from "../../src/combinators/DeadlineExceeded.ts"
import * as Join from "../../src/combinators/Join.ts"
import * as Race from "../../src/combinators/Race.ts"
import { InvalidDuration } from "../../src/fibers/CancelPolicy.ts"
import * as CancelReason from "../../src/fibers/CancelReason.ts"
import * as Nursery from "../../src/fibers/Nursery.ts"
import * as Shield from "../../src/fibers/Shield.ts"
import * as Stragglers from "../../src/fibers/Stragglers.ts"
import * as Task from "../../src/fibers/Task.ts"
import { salvagedIn, type TaskOutcome } from "../../src/fibers/TaskOutcome.ts"
import * as TaskTree from "../../src/fibers/TaskTree.ts"
import { Journal, textOf } from "../support/journal.ts"
import { leakChecked } from "../support/leaks.ts"
import { withHands } from "../support/setClock.ts"
import { settle } from "../support/settle.ts"
import { after, ann, causeOf, cleanupOf, during, failing, logged, resource, started, waiter } from "./telling.ts"

/** "DeadlineExceeded fetch after 100: interrupted; late save=5; clean-up of fetch: Die:broken". */
const errorOf = (error: unknown): string => {
  if (!(error instanceof DeadlineExceeded)) return String(error)
  const late = error.late.map(({ scope, value }) => `; late ${scope}=${String(value)}`).join("")
  return `${error._tag} ${error.scope} after ${Duration.toMillis(error.limit)}: ${error.how}${late}${cleanupOf(error.cleanupFailures)}`
}

const exitOf = (exit: Exit.Exit<unknown, unknown>): string => {
  if (exit._tag === "Success") return `Success ${String(exit.value)}`
  const failed = exit.cause.reasons.filter(Cause.isFailReason)
  return failed.length === exit.cause.reasons.length
    ? failed.map(({ error }) => errorOf(error)).join(", ")
    : causeOf(exit.cause)
}

const outcomeOf = (outcome: TaskOutcome<unknown, unknown>): string => {
  const salvaged = outcome.salvaged.map(({ scope, value }) => `; salvaged ${scope}=${String(value)}`).join("")
  const rest = `${salvaged}${cleanupOf(outcome.cleanupFailures)}`
  if (outcome._tag === "Completed") return `Completed ${String(outcome.value)}${rest}`
  if (outcome._tag === "Failed") return `Failed ${exitOf(Exit.failCause(outcome.cause))}${rest}`
  return `Cancelled: ${textOf(outcome.reason)}${rest}`
}

const leftOf = (left: Option.Option<Duration.Duration>): string =>
  Option.match(left, { onNone: () => "none", onSome: (some) => Duration.format(some) })

/** Runs the effect while the clock passes `millis`, and tells how it ended. */
const ended = <A, E, R>(millis: number, effect: Effect.Effect<A, E, R>): Effect.Effect<string, never, R> =>
  Effect.map(during(millis, Effect.exit(effect)), exitOf)

const using = (
  journal: Journal,
  bound: (work: Effect.Effect<void, never, Scope.Scope>) => Effect.Effect<unknown, unknown, Scope.Scope>
) =>
  Effect.scoped(
    Effect.andThen(
      Effect.exit(bound(Effect.andThen(resource(journal, "r", Effect.sleep(20)), Effect.never))),
      Effect.andThen(journal.note("went on"), Effect.sleep(200))
    )
  )

const steps = (journal: Journal) =>
  Effect.forEach([1, 2, 3], (step) => Effect.andThen(Effect.sleep(50), journal.note(`step ${step}`)), {
    discard: true
  })

const nested = (outer: number, inner: number) =>
  Deadline.run(Deadline.run(Effect.never, inner, { name: "inner" }), outer, { name: "outer" })

const overdue = (start: (mark: (name: string) => Effect.Effect<void>) => Effect.Effect<unknown, unknown>) =>
  Effect.gen(function* () {
    const ran: Array<string> = []
    const mark = (name: string) => Effect.sync(() => void ran.push(name))
    const text = yield* withHands(({ block }) =>
      ended(
        0,
        Deadline.run(
          Effect.andThen(
            Effect.andThen(
              Effect.sleep(0),
              Effect.sync(() => block(150))
            ),
            start(mark)
          ),
          100,
          {
            name: "outer"
          }
        )
      )
    )
    return { ran, text }
  })

const limited = <A, E, R>(task: Effect.Effect<A, E, R>) => Deadline.run(task, 1000, { name: "every task" })

describe("Deadline", () => {
  describe("run", () => {
    it.effect("a value or failure in time is returned as it is, and no timer is left (K33)", () =>
      leakChecked(
        Effect.gen(function* () {
          expect(yield* ended(50, Deadline.run(after(50, 1), 100))).toBe("Success 1")
          expect(yield* ended(50, Deadline.run(failing(50, "no"), 100))).toBe("no")
          expect(yield* ended(0, Deadline.run(Effect.die("broken"), 100))).toBe("Die:broken")
          expect(yield* ended(0, Effect.succeed(2).pipe(Deadline.run(100)))).toBe("Success 2")
        })
      )
    )

    it.effect(
      "at the limit it fails with a typed DeadlineExceeded; one millisecond before, it still runs (K33, S1-63, S1-65)",
      () =>
        leakChecked(
          Effect.gen(function* () {
            const fiber = yield* Effect.forkChild(
              Deadline.run(Effect.never, 100, { name: "fetch" }).pipe(
                Effect.catchTag("DeadlineExceeded", (error) => Effect.succeed(error.message))
              )
            )
            yield* TestClock.adjust(99)
            expect(fiber.pollUnsafe()).toBeUndefined()
            yield* TestClock.adjust(1)
            expect(yield* Fiber.join(fiber)).toBe('"fetch" did not end within its limit of 100ms')
          })
        )
    )

    it.effect("the inside reads timeout, by the scope's name, with the limit in the message (K19, S1-67)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          let message = ""
          const body = Effect.onExit(waiter(journal, "work"), () =>
            Effect.map(CancelReason.current, (reason) => {
              message = Option.isSome(reason) ? reason.value.message : ""
            })
          )
          yield* ended(100, Deadline.run(body, 100, { name: "fetch" }))
          expect(journal.lines).toEqual(["100 work: timeout by fetch of fetch"])
          expect(message).toBe("The limit of 100ms passed")
        })
      )
    )

    it.effect("a cancel is told apart from a timeout (S1-67, K19)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const work = (name: string) => Deadline.run(waiter(journal, name), 100, { name })
          const cancelled = yield* started(work("cancelled"), "a")
          const overran = yield* started(work("overran"), "b")
          yield* TestClock.adjust(50)
          yield* Task.cancel(cancelled, ann)
          yield* TestClock.adjust(50)
          expect(outcomeOf(yield* Task.await(cancelled))).toBe("Cancelled: request by ann of a")
          expect(outcomeOf(yield* Task.await(overran))).toBe("Failed DeadlineExceeded overran after 100: interrupted")
          expect(journal.lines).toEqual([
            "50 cancelled: request by ann of a",
            "100 overran: timeout by overran of overran"
          ])
        })
      )
    )

    it.effect("every descendant reads the same reason (K18)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const work = Nursery.run("n", (nursery: Nursery.Nursery) =>
            Effect.andThen(
              nursery.spawn("child", waiter(journal, "child")),
              Effect.all([waiter(journal, "native"), Race.firstSuccess({ m: waiter(journal, "member") })], {
                concurrency: 2
              })
            )
          )
          yield* ended(100, Deadline.run(work, 100, { name: "d" }))
          expect(journal.lines.toSorted()).toEqual([
            "100 child: timeout by d of d",
            "100 member: timeout by d of d",
            "100 native: timeout by d of d"
          ])
        })
      )
    )

    it.effect("a timeout waits for clean-up and for shields (K34)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const fibers = [
            yield* Effect.forkChild(
              Effect.exit(Deadline.run(waiter(journal, "work", Effect.sleep(200)), 100, { name: "slow" }))
            ),
            yield* Effect.forkChild(
              Effect.exit(Deadline.run(Shield.run("save", after(300, 1)), 100, { name: "shielded" }))
            )
          ]
          yield* TestClock.adjust(299)
          expect(fibers.map((fiber) => fiber.pollUnsafe())).toEqual([undefined, undefined])
          yield* TestClock.adjust(1)
          expect((yield* Effect.forEach(fibers, Fiber.join)).map(exitOf)).toEqual([
            "DeadlineExceeded slow after 100: interrupted",
            "DeadlineExceeded shielded after 100: interrupted; late save=1"
          ])
          expect(journal.lines).toEqual(["100 work: timeout by slow of slow", "300 work: cleaned up"])
        })
      )
    )

    it.effect("giveUp is the form that does not wait; the work is listed until it ends (K34)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const task = yield* started(
            Deadline.run(waiter(journal, "work", Effect.sleep(500)), 100, { name: "fetch", giveUp: 50 })
          )
          yield* TestClock.adjust(150)
          const outcome = yield* Task.await(task)
          expect(outcomeOf(outcome)).toBe("Failed DeadlineExceeded fetch after 100: abandoned")
          expect(outcome._tag === "Failed" && String(Cause.squash(outcome.cause))).toContain(
            '"fetch" did not end within its limit of 100ms; it still runs and is listed in Stragglers'
          )
          expect((yield* Stragglers.list).map(({ path, reason }) => `${path}: ${textOf(reason)}`)).toEqual([
            "top/task/fetch: timeout by fetch of fetch"
          ])
          yield* TestClock.adjust(450)
          expect(journal.lines).toEqual(["100 work: timeout by fetch of fetch", "600 work: cleaned up"])
        })
      )
    )

    it.effect("giveUp does not wait for a shield either, and names it (K34, K39)", () =>
      leakChecked(
        Effect.gen(function* () {
          const fiber = yield* Effect.forkChild(
            Effect.exit(Deadline.run(Shield.run("save", Effect.sleep(500)), 100, { name: "d", giveUp: 50 }))
          )
          yield* TestClock.adjust(150)
          expect(exitOf(yield* Fiber.join(fiber))).toBe("DeadlineExceeded d after 100: abandoned")
          expect((yield* Stragglers.list).map(({ name, shield }) => `${name} in ${shield}`)).toEqual(["d in save"])
          yield* TestClock.adjust(350)
        })
      )
    )

    it.effect("grace lets the work finish by itself: then its value counts (K12)", () =>
      leakChecked(
        Effect.gen(function* () {
          const polite = Effect.andThen(Task.awaitRequest, after(30, "rest"))
          expect(yield* ended(130, Deadline.run(polite, 100, { grace: 50 }))).toBe("Success rest")
          const slow = Effect.andThen(Task.awaitRequest, after(60, "rest"))
          expect(yield* ended(150, Deadline.run(slow, 100, { grace: 50, name: "d" }))).toBe(
            "DeadlineExceeded d after 100: interrupted"
          )
        })
      )
    )

    it.effect(
      "what finishes in a shield after the limit is late, as is the value of a scope that waits for it (K33, K26)",
      () =>
        leakChecked(
          Effect.gen(function* () {
            const save = Shield.run("save", after(150, "value"))
            expect(yield* ended(150, Deadline.run(save, 100, { name: "d" }))).toBe(
              "DeadlineExceeded d after 100: interrupted; late save=value"
            )
            const nursery = Nursery.run("n", (nursery: Nursery.Nursery) =>
              Effect.as(nursery.spawn("slow", Effect.never), "body")
            )
            expect(yield* ended(100, Deadline.run(nursery, 100, { name: "d" }))).toBe(
              "DeadlineExceeded d after 100: interrupted; late n=body"
            )
            const error = yield* during(10, Effect.flip(Deadline.run(Effect.never, 10)))
            expect(error.late).toEqual([])
          })
        )
    )

    it.effect(
      "Effect.timeout tells nothing of a failed clean-up and of what finished late; here both are on the error (K33, K16)",
      () =>
        leakChecked(
          Effect.gen(function* () {
            const lines: Array<string> = []
            const messy = Effect.onExit(Shield.run("save", after(150, "value")), () => Effect.die("broken"))
            const native = yield* during(150, Effect.exit(Effect.timeout(messy, 100)))
            expect(native._tag === "Failure" && Cause.pretty(native.cause)).toMatch(/^TimeoutError/)
            expect(native._tag === "Failure" && native.cause.reasons.length).toBe(1)
            expect(yield* ended(150, logged(Deadline.run(messy, 100, { name: "d" }), lines))).toBe(
              "DeadlineExceeded d after 100: interrupted; late save=value; clean-up of d: Die:broken"
            )
            expect(lines).toEqual(['Warn Clean-up of "d" failed: Die:broken'])
          })
        )
    )

    it.effect("the error crosses a wire; what is late stays in process (K21)", () =>
      Effect.gen(function* () {
        const error = yield* during(150, Effect.flip(Deadline.run(Shield.run("s", after(150, 1)), 100, { name: "d" })))
        const codec = Schema.toCodecJson(DeadlineExceeded)
        const wire = yield* Schema.encodeEffect(codec)(error)
        expect(wire).toEqual({
          _tag: "DeadlineExceeded",
          scope: "d",
          limit: 100,
          how: "interrupted",
          cleanupFailures: []
        })
        const back = yield* Schema.decodeEffect(codec)(wire)
        expect(errorOf(back)).toBe("DeadlineExceeded d after 100: interrupted")
        expect(back.message).toBe('"d" did not end within its limit of 100ms')
      })
    )

    it.effect("what ends at the very instant has ended in time: value, own failure, defect (K12, K33)", () =>
      leakChecked(
        Effect.gen(function* () {
          expect(yield* ended(100, Deadline.run(after(100, 1), 100))).toBe("Success 1")
          expect(yield* ended(100, Deadline.run(failing(100, "no"), 100))).toBe("no")
          expect(yield* ended(100, Deadline.run(Effect.andThen(Effect.sleep(100), Effect.die("x")), 100))).toBe("Die:x")
          const nursery = Nursery.run("n", (nursery: Nursery.Nursery) =>
            Effect.as(nursery.spawn("c", Effect.sleep(100)), "joined")
          )
          expect(yield* ended(100, Deadline.run(nursery, 100))).toBe("Success joined")
        })
      )
    )

    it.effect("own failure while it cleans up after it stays typed, though the limit passes (K33, K16)", () =>
      leakChecked(
        Effect.gen(function* () {
          const work = Effect.andThen(
            Effect.addFinalizer(() => Effect.sleep(100)),
            failing(50, "no")
          )
          expect(yield* ended(150, Effect.scoped(Deadline.run(work, 100)))).toBe("no")
        })
      )
    )

    it.effect("a limit of zero or less runs the synchronous prefix (K33)", () =>
      leakChecked(
        Effect.gen(function* () {
          for (const limit of [0, -5]) {
            const journal = new Journal()
            expect(yield* ended(0, Deadline.run(Effect.succeed(1), limit))).toBe("Success 1")
            const work = Effect.andThen(journal.note("prefix"), Effect.andThen(Effect.yieldNow, journal.note("more")))
            expect(yield* ended(0, Deadline.run(work, limit, { name: "d" }))).toBe(
              "DeadlineExceeded d after 0: interrupted"
            )
            expect(journal.lines).toEqual(["0 prefix"])
            const race = Race.firstSuccess({ a: Effect.succeed("prefix of a member") })
            expect(
              yield* ended(
                0,
                Deadline.run(
                  Effect.map(race, ({ value }) => value),
                  limit
                )
              )
            ).toBe("Success prefix of a member")
          }
        })
      )
    )

    it.effect("NaN is a defect InvalidDuration, as is a bad policy (K33)", () =>
      leakChecked(
        Effect.gen(function* () {
          for (const effect of [
            Deadline.run(Effect.void, NaN),
            Deadline.option(Effect.void, NaN),
            Deadline.make("d", NaN, () => Effect.void),
            Deadline.run(Effect.void, 10, { giveUp: -1 }),
            Deadline.make("d", 10, (deadline) => Effect.asVoid(deadline.extend(NaN)))
          ]) {
            const exit = yield* Effect.exit(effect)
            expect(exit._tag === "Failure" && Cause.squash(exit.cause)).toBeInstanceOf(InvalidDuration)
          }
        })
      )
    )

    it.effect("an infinite limit is none (K33)", () =>
      leakChecked((leaks) =>
        Effect.gen(function* () {
          const before = leaks.fibers
          const fiber = yield* Effect.forkChild(
            Deadline.run(Effect.andThen(Deadline.remaining, after(10, 1)), "Infinity")
          )
          yield* settle
          // The child, and the fiber of the work: no timer.
          expect(leaks.fibers - before).toBe(2)
          yield* TestClock.adjust(10)
          expect(yield* Fiber.join(fiber)).toBe(1)
        })
      )
    )

    it.effect("retries below a deadline do not outlive it, and the timeout itself is not retried (S4x-19)", () =>
      leakChecked(
        Effect.gen(function* () {
          let attempts = 0
          const step = Effect.suspend(() => {
            attempts++
            return failing(10, "again")
          })
          const work = Deadline.run(Effect.retry(step, Schedule.spaced(40)), 120, { name: "job" })
          expect(
            yield* ended(200, Effect.retry(work, { while: (error) => error === "again", schedule: Schedule.forever }))
          ).toBe("DeadlineExceeded job after 120: interrupted")
          expect(attempts).toBe(3)
        })
      )
    )

    it.effect("work that interrupts itself interrupts the caller, as without a deadline", () =>
      leakChecked(
        Effect.gen(function* () {
          const task = yield* started(Deadline.run(Effect.interrupt, 100))
          expect(outcomeOf(yield* Task.await(task))).toBe("Cancelled: interrupt of task")
        })
      )
    )
  })

  describe("resources", () => {
    it.effect("those of a value in time belong to the caller's scope (K27)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const program = Effect.scoped(
            Effect.gen(function* () {
              yield* Deadline.run(Effect.andThen(resource(journal, "connection"), Effect.sleep(10)), 100)
              yield* journal.note("in use")
              yield* Effect.sleep(200)
            })
          )
          yield* during(210, program)
          expect(journal.lines).toEqual(["0 connection acquired", "10 in use", "210 connection released"])
        })
      )
    )

    it.effect(
      "those of work that overran are released before the error leaves; natively they stay held (K27, K34)",
      () =>
        leakChecked(
          Effect.gen(function* () {
            const ours = new Journal()
            yield* during(
              400,
              using(ours, (work) => Deadline.run(work, 100))
            )
            expect(ours.lines).toEqual(["0 r acquired", "120 r released", "120 went on"])
            const native = new Journal()
            yield* during(
              400,
              using(native, (work) => Effect.timeout(work, 100))
            )
            expect(native.lines.map((line) => line.replace(/^\d+ /, ""))).toEqual([
              "r acquired",
              "went on",
              "r released"
            ])
          })
        )
    )

    it.effect("own failure releases before it leaves (K27)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const work = Effect.scoped(
            Effect.andThen(
              Effect.exit(Deadline.run(Effect.andThen(resource(journal, "r"), Effect.fail("no")), 100)),
              journal.note("went on")
            )
          )
          yield* work
          expect(journal.lines).toEqual(["0 r acquired", "0 r released", "0 went on"])
        })
      )
    )
  })

  describe("moving", () => {
    it.effect("100 ms over three operations of 50 ms fails; extended by 200 ms it passes (S1-67, K33)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          expect(
            yield* ended(
              150,
              Deadline.make("block", 100, () => steps(journal))
            )
          ).toBe("DeadlineExceeded block after 100: interrupted")
          expect(
            yield* ended(
              150,
              Deadline.make("block", 100, (deadline) =>
                Effect.andThen(
                  Effect.forkChild(Effect.andThen(Effect.sleep(60), deadline.extend(200))),
                  Effect.as(steps(journal), "passed")
                )
              )
            )
          ).toBe("Success passed")
        })
      )
    )

    it.effect("limit is the time that it had, with every extension (K33)", () =>
      leakChecked(
        Effect.gen(function* () {
          expect(
            yield* ended(
              350,
              Deadline.make("block", 100, (deadline) => Effect.andThen(deadline.extend(200), Effect.never))
            )
          ).toBe("DeadlineExceeded block after 300: interrupted")
        })
      )
    )

    it.effect("moveTo sets the instant, later or earlier; at tells it (K33)", () =>
      leakChecked(
        Effect.gen(function* () {
          const seen: Array<string> = []
          const note = (at: Option.Option<DateTime.Utc>) =>
            Effect.sync(() => {
              seen.push(
                Option.match(at, { onNone: () => "never", onSome: (some) => String(DateTime.toEpochMillis(some)) })
              )
            })
          const text = yield* ended(
            500,
            Deadline.make("d", 100, (deadline) =>
              Effect.gen(function* () {
                yield* Effect.flatMap(deadline.at, note)
                yield* deadline.moveTo(400)
                yield* Effect.flatMap(deadline.at, note)
                yield* deadline.extend("Infinity")
                yield* Effect.flatMap(deadline.at, note)
                yield* Effect.sleep(200)
                yield* deadline.moveTo(DateTime.makeUnsafe(250))
                yield* Effect.flatMap(deadline.at, note)
                yield* Effect.never
              })
            )
          )
          expect(seen).toEqual(["100", "400", "never", "250"])
          expect(text).toBe("DeadlineExceeded d after 250: interrupted")
        })
      )
    )

    it.effect("one that is brought forward fires at the new instant (K33)", () =>
      leakChecked(
        Effect.gen(function* () {
          const sooner = Deadline.make("d", 400, (deadline) =>
            Effect.andThen(Effect.andThen(Effect.sleep(10), deadline.moveTo(100)), Effect.never)
          )
          expect(yield* ended(100, sooner)).toBe("DeadlineExceeded d after 100: interrupted")
        })
      )
    )

    it.effect("moved to the past it fires in the next turn; what ends in this one has ended in time (K33)", () =>
      leakChecked(
        Effect.gen(function* () {
          yield* TestClock.adjust(1000)
          const late = Deadline.make("d", 100, (deadline) => Effect.andThen(deadline.moveTo(10), Effect.never))
          expect(yield* ended(0, late)).toBe("DeadlineExceeded d after 0: interrupted")
          expect(
            yield* ended(
              0,
              Deadline.make("d", 100, (deadline) => deadline.moveTo(10))
            )
          ).toBe("Success true")
        })
      )
    )

    it.effect("an extension sets no limit where there is none, and brings none forward (K33)", () =>
      leakChecked(
        Effect.gen(function* () {
          const lifted = Deadline.make("d", Infinity, (deadline) =>
            Effect.andThen(deadline.extend(10), Effect.andThen(Effect.sleep(100), deadline.at))
          )
          expect(yield* during(100, lifted)).toEqual(Option.none())
          const exit = yield* Effect.exit(Deadline.make("d", 100, (deadline) => deadline.extend(-5)))
          expect(exit._tag === "Failure" && Cause.squash(exit.cause)).toBeInstanceOf(InvalidDuration)
        })
      )
    )

    it.effect("an instant that is none is a defect", () =>
      leakChecked(
        Effect.gen(function* () {
          const exit = yield* Effect.exit(Deadline.make("d", 100, (deadline) => deadline.moveTo(NaN)))
          expect(exit._tag === "Failure" && Cause.squash(exit.cause)).toBeInstanceOf(RangeError)
        })
      )
    )

    it.effect("once it has passed, or the scope has ended, it moves no more (K33)", () =>
      leakChecked(
        Effect.gen(function* () {
          const moved: Array<boolean> = []
          let kept: Deadline.Deadline | undefined
          const text = yield* ended(
            200,
            Deadline.make("d", 100, (deadline) => {
              kept = deadline
              return Effect.onExit(Effect.never, () =>
                Effect.map(deadline.extend(1000), (did) => {
                  moved.push(did)
                })
              )
            })
          )
          expect(text).toBe("DeadlineExceeded d after 100: interrupted")
          moved.push(yield* kept!.extend(1000))
          let ok: Deadline.Deadline | undefined
          yield* Deadline.make("ok", 100, (deadline) =>
            Effect.sync(() => {
              ok = deadline
            })
          )
          moved.push(yield* ok!.moveTo(5000))
          expect(moved).toEqual([false, false, false])
        })
      )
    )

    it.effect("work that extends at every step never wakes a timer too late or too early (K33)", () =>
      leakChecked((leaks) =>
        Effect.gen(function* () {
          let most = 0
          const text = yield* ended(
            20_000,
            Deadline.make("d", 100, (deadline) =>
              Effect.andThen(
                Effect.forEach(Array.from({ length: 100 }), () =>
                  Effect.andThen(
                    Effect.sleep(90),
                    Effect.map(deadline.extend(90), () => {
                      most = Math.max(most, leaks.fibers)
                    })
                  )
                ),
                Effect.never
              )
            )
          )
          expect(text).toBe("DeadlineExceeded d after 9100: interrupted")
          // The test, its child, the work and one timer.
          expect(most).toBeLessThanOrEqual(4)
        })
      )
    )
  })

  describe("nesting", () => {
    it.effect("the nearest in time counts, whichever scope it belongs to (K33)", () =>
      leakChecked(
        Effect.gen(function* () {
          expect(yield* ended(100, nested(100, 200))).toBe("DeadlineExceeded outer after 100: interrupted")
          expect(yield* ended(100, nested(200, 100))).toBe("DeadlineExceeded inner after 100: interrupted")
        })
      )
    )

    it.effect("at equal instants the outer one counts: nothing inside has time left (K33)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const inner = Effect.exit(Deadline.run(waiter(journal, "work"), 100, { name: "inner" }))
          const middle = Deadline.run(Effect.andThen(inner, journal.note("recovered")), 100, { name: "middle" })
          expect(yield* ended(100, Deadline.run(middle, 100, { name: "outer" }))).toBe(
            "DeadlineExceeded outer after 100: interrupted"
          )
          expect(journal.lines).toEqual(["100 work: timeout by outer of outer"])
        })
      )
    )

    it.effect(
      "the outer one fires while the inner one cleans up: the first reason stays below, the outer error leaves (K8, K34)",
      () =>
        leakChecked(
          Effect.gen(function* () {
            const journal = new Journal()
            const inner = Deadline.run(waiter(journal, "work", Effect.sleep(200)), 50, { name: "inner" })
            const outer = Deadline.run(Effect.andThen(Effect.exit(inner), journal.note("went on")), 100, {
              name: "outer"
            })
            const fiber = yield* Effect.forkChild(Effect.exit(outer))
            yield* TestClock.adjust(249)
            expect(fiber.pollUnsafe()).toBeUndefined()
            yield* TestClock.adjust(1)
            expect(exitOf(yield* Fiber.join(fiber))).toBe("DeadlineExceeded outer after 100: interrupted")
            expect(journal.lines).toEqual(["50 work: timeout by inner of inner", "250 work: cleaned up"])
          })
        )
    )

    it.effect("what an inner scope could not return stands on the outer error (K26)", () =>
      leakChecked(
        Effect.gen(function* () {
          const inner = Deadline.run(Shield.run("save", after(150, "value")), 50, { name: "inner" })
          expect(yield* ended(150, Deadline.run(inner, 100, { name: "outer" }))).toBe(
            "DeadlineExceeded outer after 100: interrupted; late save=value"
          )
        })
      )
    )

    it.effect("an inner deadline fires in an uninterruptible region, with its own reason (K39, K19)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const task = yield* started(
            Effect.uninterruptible(
              Effect.flatMap(
                Effect.exit(Deadline.run(Effect.interruptible(waiter(journal, "work")), 100, { name: "inner" })),
                (exit) => journal.note(exitOf(exit))
              )
            )
          )
          yield* TestClock.adjust(50)
          yield* Task.requestCancel(task, ann)
          yield* TestClock.adjust(50)
          yield* Task.await(task)
          expect(journal.lines).toEqual([
            "100 work: timeout by inner of inner",
            "100 DeadlineExceeded inner after 100: interrupted"
          ])
        })
      )
    )

    it.effect("a deadline in clean-up is bound by none that has passed (K34)", () =>
      leakChecked(
        Effect.gen(function* () {
          const seen: Array<string> = []
          const look = (name: string) =>
            Effect.map(Deadline.remaining, (left) => {
              seen.push(`${name} ${leftOf(left)}`)
            })
          const work = Effect.onExit(Effect.never, () =>
            Effect.andThen(
              look("clean-up"),
              Effect.andThen(
                Deadline.option(Effect.andThen(look("inside"), Effect.never), 500),
                Nursery.run("n", () => look("nursery")).pipe(Effect.ignore)
              )
            )
          )
          expect(yield* ended(600, Deadline.run(work, 100, { name: "outer" }))).toBe(
            "DeadlineExceeded outer after 100: interrupted"
          )
          expect(seen).toEqual(["clean-up 0", "inside 500ms", "nursery none"])
        })
      )
    )

    const deep = 5000

    it.effect(
      `${deep} nested deadlines end, and the outermost stops them all, leaves first (K6)`,
      () =>
        leakChecked(
          Effect.gen(function* () {
            const nest = (innermost: Effect.Effect<unknown>, limit: number, ended: Array<number>) => {
              let nested: Effect.Effect<unknown, unknown> = innermost
              for (let level = deep; level > 0; level--) {
                const below = nested
                const work = Effect.onExit(
                  Effect.suspend(() => below),
                  () => Effect.sync(() => void ended.push(level))
                )
                nested = Deadline.run(work, level === 1 ? limit : 1_000_000, { name: `d${level}` })
              }
              return nested
            }
            const completed: Array<number> = []
            const whole = yield* Effect.forkChild(Effect.exit(nest(Effect.sleep(10), 1_000_000, completed)))
            for (let turn = 0; turn < 200; turn++) yield* Effect.yieldNow
            yield* TestClock.adjust(10)
            expect(exitOf(yield* Fiber.join(whole))).toBe("Success undefined")
            expect(completed).toEqual(Array.from({ length: deep }, (_, index) => deep - index))
            const stopped: Array<number> = []
            const cut = yield* Effect.forkChild(Effect.exit(nest(Effect.never, 100, stopped)))
            for (let turn = 0; turn < 200; turn++) yield* Effect.yieldNow
            yield* TestClock.adjust(100)
            expect(exitOf(yield* Fiber.join(cut))).toBe("DeadlineExceeded d1 after 100: interrupted")
            expect(stopped).toEqual(Array.from({ length: deep }, (_, index) => deep - index))
          })
        ),
      60_000
    )
  })

  describe("overdue", () => {
    const never = "a member that starts under an already expired outer deadline never starts (K33)"

    const expected = { ran: [], text: "DeadlineExceeded outer after 100: interrupted" }

    it.effect(`race: ${never}`, () =>
      leakChecked(
        Effect.gen(function* () {
          expect(yield* overdue((mark) => Race.firstSuccess({ a: mark("a"), b: mark("b") }))).toEqual(expected)
        })
      )
    )

    it.effect(`join: ${never}`, () =>
      leakChecked(
        Effect.gen(function* () {
          expect(yield* overdue((mark) => Join.all({ a: mark("a"), b: mark("b") }))).toEqual(expected)
          expect(yield* overdue((mark) => Join.within({ a: mark("a") }, 1000))).toEqual(expected)
        })
      )
    )

    it.effect(`nursery and inner deadline: ${never}`, () =>
      leakChecked(
        Effect.gen(function* () {
          expect(yield* overdue((mark) => Nursery.run("n", () => mark("body")))).toEqual(expected)
          expect(yield* overdue((mark) => Deadline.run(mark("inner"), 1000))).toEqual(expected)
        })
      )
    )

    it.effect(`a nursery's spawn: ${never}`, () =>
      leakChecked(
        Effect.gen(function* () {
          const ran: Array<string> = []
          const text = yield* withHands(({ block }) =>
            ended(
              0,
              Deadline.run(
                Nursery.run("n", (nursery: Nursery.Nursery) =>
                  Effect.gen(function* () {
                    yield* nursery.spawn(
                      "child",
                      Effect.sync(() => void ran.push("child"))
                    )
                    yield* Effect.sync(() => block(150))
                    yield* Effect.never
                  })
                ),
                100,
                { name: "outer" }
              )
            )
          )
          expect({ ran, text }).toEqual(expected)
        })
      )
    )

    it.effect(`where the outer deadline was brought forward: ${never}`, () =>
      leakChecked(
        Effect.gen(function* () {
          const ran: Array<string> = []
          const text = yield* withHands(({ block }) =>
            ended(
              0,
              Deadline.make("outer", 1000, (outer) =>
                Deadline.run(
                  Effect.gen(function* () {
                    yield* outer.moveTo(100)
                    yield* Effect.sync(() => block(150))
                    yield* Race.firstSuccess({ a: Effect.sync(() => void ran.push("a")) })
                  }),
                  2000
                )
              )
            )
          )
          expect({ ran, text }).toEqual(expected)
        })
      )
    )

    it.effect("but an uninterruptible region starts its members all the same", () =>
      leakChecked(
        Effect.gen(function* () {
          const { ran, text } = yield* overdue((mark) => Effect.uninterruptible(Race.firstSuccess({ a: mark("a") })))
          expect(ran).toEqual(["a"])
          expect(text).toBe("DeadlineExceeded outer after 100: interrupted")
        })
      )
    )
  })

  describe("current and remaining", () => {
    it.effect("tell the nearest instant of all deadlines around, as it is now (K33)", () =>
      leakChecked(
        Effect.gen(function* () {
          const seen: Array<string> = []
          const look = (name: string) =>
            Effect.gen(function* () {
              const at = yield* Deadline.current
              seen.push(
                `${name}: ${Option.isSome(at) ? DateTime.toEpochMillis(at.value) : "none"}, ${leftOf(yield* Deadline.remaining)}`
              )
            })
          yield* look("outside")
          const work = Effect.gen(function* () {
            yield* Effect.sleep(20)
            yield* look("outer")
            yield* Deadline.make("inner", 1000, (inner) =>
              Effect.gen(function* () {
                yield* look("inner is longer")
                yield* inner.moveTo(60)
                yield* look("inner is moved")
                yield* Nursery.run("n", (nursery: Nursery.Nursery) => nursery.spawn("child", look("child")))
                yield* Effect.all([look("native"), Effect.void], { concurrency: 2 })
                yield* Shield.run("s", look("shield"))
                yield* Shield.run("s", Deadline.run(look("in shield"), 500))
              })
            )
            yield* look("outer again")
          })
          yield* during(100, Deadline.run(work, 100))
          expect(seen).toEqual([
            "outside: none, none",
            "outer: 100, 80ms",
            "inner is longer: 100, 80ms",
            "inner is moved: 60, 40ms",
            "child: 60, 40ms",
            "native: 60, 40ms",
            "shield: none, none",
            "in shield: 520, 500ms",
            "outer again: 100, 80ms"
          ])
        })
      )
    )

    it.effect("zero is left once it has passed, in grace and in clean-up", () =>
      leakChecked(
        Effect.gen(function* () {
          const seen: Array<string> = []
          const look = Effect.map(Deadline.remaining, (left) => void seen.push(leftOf(left)))
          const work = Effect.onExit(Effect.andThen(Task.awaitRequest, Effect.andThen(look, Effect.never)), () => look)
          yield* ended(150, Deadline.run(work, 100, { grace: 50 }))
          expect(seen).toEqual(["0", "0"])
        })
      )
    )

    it.effect("the tree tells the instant of each deadline (K43)", () =>
      leakChecked(
        Effect.gen(function* () {
          yield* started(Deadline.run(Effect.sleep(50), 100, { name: "fetch" }))
          expect(TaskTree.toText(yield* TaskTree.snapshot)).toContain(
            "fetch (deadline) running for 0 ms until 1970-01-01T00:00:00.100Z"
          )
          yield* TestClock.adjust(50)
        })
      )
    )
  })

  describe("option", () => {
    it.effect("Some in time, None at the limit; failures stay typed (K33)", () =>
      leakChecked(
        Effect.gen(function* () {
          expect(yield* during(50, Deadline.option(after(50, 1), 100))).toEqual(Option.some(1))
          expect(yield* during(100, Effect.never.pipe(Deadline.option(100)))).toEqual(Option.none())
          expect(yield* ended(50, Deadline.option(failing(50, "no"), 100))).toBe("no")
        })
      )
    )

    it.effect("a late value and failures of clean-up stand on the task's outcome (K26, K16)", () =>
      leakChecked(
        Effect.gen(function* () {
          const work = Effect.andThen(
            Effect.addFinalizer(() => Effect.die("broken")),
            Shield.run("save", after(150, "late"))
          )
          const task = yield* started(logged(Effect.map(Deadline.option(work, 100, { name: "d" }), Option.isNone), []))
          yield* TestClock.adjust(150)
          expect(outcomeOf(yield* Task.await(task))).toBe(
            "Completed true; salvaged save=late; clean-up of d: Die:broken"
          )
        })
      )
    )
  })

  describe("a caller that is cancelled", () => {
    it.effect("while the clean-up of the deadline runs: the late value is salvaged, with its failures (K26, K16)", () =>
      leakChecked(
        Effect.gen(function* () {
          const work = Effect.onExit(Shield.run("save", after(150, "late")), () => Effect.sleep(50))
          const task = yield* started(Deadline.run(work, 100, { name: "d" }))
          yield* TestClock.adjust(120)
          yield* Task.requestCancel(task, ann)
          yield* TestClock.adjust(80)
          expect(outcomeOf(yield* Task.await(task))).toBe("Cancelled: request by ann of task; salvaged save=late")
        })
      )
    )

    it.effect("with no task around, the late value is on the interrupt (K26)", () =>
      leakChecked(
        Effect.gen(function* () {
          const fiber = yield* Effect.forkChild(
            Deadline.run(Shield.run("save", after(150, "late")), 100, { name: "d" })
          )
          yield* TestClock.adjust(120)
          const stop = yield* Effect.forkChild(Fiber.interrupt(fiber))
          yield* TestClock.adjust(30)
          yield* Fiber.join(stop)
          const exit = yield* Fiber.await(fiber)
          expect(exit._tag === "Failure" && salvagedIn(exit.cause)).toEqual([{ scope: "d", value: "late" }])
        })
      )
    )

    it.effect("before the deadline: the work reads the cancel's reason, once, and no timer is left (K8, K18)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const task = yield* started(Deadline.run(waiter(journal, "work", Effect.sleep(200)), 100))
          yield* TestClock.adjust(50)
          yield* Task.requestCancel(task, ann)
          yield* TestClock.adjust(200)
          expect(outcomeOf(yield* Task.await(task))).toBe("Cancelled: request by ann of task")
          expect(journal.lines).toEqual(["50 work: request by ann of task", "250 work: cleaned up"])
        })
      )
    )

    it.effect("in its grace the deadline still fires: the first reason is read, the error leaves (K8, K19)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const task = yield* started(Effect.flip(Deadline.run(waiter(journal, "work"), 100, { name: "d" })))
          yield* TestClock.adjust(50)
          yield* Task.requestCancel(task, { ...ann, grace: 1000 })
          yield* TestClock.adjust(50)
          const outcome = yield* Task.await(task)
          expect(outcome._tag === "Completed" && errorOf(outcome.value)).toBe(
            "DeadlineExceeded d after 100: interrupted"
          )
          expect(journal.lines).toEqual(["100 work: request by ann of task"])
        })
      )
    )

    it.effect("before its first step: the work never starts (K10)", () =>
      leakChecked(
        Effect.gen(function* () {
          let ran = false
          const nursery = yield* Nursery.make("top")
          const task = yield* nursery.spawn(
            "t",
            Effect.orDie(
              Deadline.run(
                Effect.sync(() => void (ran = true)),
                100
              )
            )
          )
          yield* Task.cancel(task, ann)
          yield* settle
          expect(ran).toBe(false)
        })
      )
    )

    it.effect("natively, by a race that was won: the work is interrupted and awaited (K1)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const race = Effect.raceFirst(Deadline.run(waiter(journal, "work", Effect.sleep(30)), 100), after(10, "won"))
          expect(
            yield* ended(
              40,
              Effect.tap(race, () => journal.note("returned"))
            )
          ).toBe("Success won")
          expect(journal.lines).toEqual(["10 work: interrupt of deadline", "40 work: cleaned up", "40 returned"])
        })
      )
    )

    it.effect("the work has the deadline's giveUp, and none of its grace (K12, K34)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const slow = waiter(journal, "slow", Effect.sleep(100))
          const task = yield* started(Deadline.run(slow, 1000, { grace: 20, giveUp: 50 }))
          yield* TestClock.adjust(10)
          yield* Task.requestCancel(task, ann)
          yield* TestClock.adjust(49)
          const before = Option.isNone(yield* Task.poll(task))
          yield* TestClock.adjust(1)
          const decided = Option.isSome(yield* Task.poll(task))
          yield* TestClock.adjust(100)
          expect([before, decided]).toEqual([true, true])
          expect(journal.lines).toEqual(["10 slow: request by ann of task", "110 slow: cleaned up"])
        })
      )
    )

    it.effect("the work's own failure, whose clean-up the cancel met, is kept on the task (K16)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const work = Effect.andThen(resource(journal, "r", Effect.sleep(50)), Effect.fail("no"))
          const task = yield* started(logged(Effect.scoped(Deadline.run(work, 1000, { name: "d" })), []))
          yield* TestClock.adjust(10)
          yield* Task.requestCancel(task, ann)
          yield* TestClock.adjust(50)
          expect(outcomeOf(yield* Task.await(task))).toBe("Cancelled: request by ann of task; clean-up of d: Fail:no")
        })
      )
    )

    it.effect(
      "what an inner scope could not return goes to the task when the work goes on and ends in time (K26)",
      () =>
        leakChecked(
          Effect.gen(function* () {
            const journal = new Journal()
            const inner = Race.firstSuccess({ quick: after(10, 1), slow: waiter(journal, "slow", Effect.sleep(50)) })
            const task = yield* started(Deadline.run(Effect.as(Effect.timeoutOption(inner, 20), "went on"), 1000))
            yield* TestClock.adjust(100)
            expect(yield* Task.await(task)).toMatchObject({
              _tag: "Completed",
              value: "went on",
              salvaged: [{ scope: "race", value: { winner: "quick", value: 1 } }]
            })
          })
        )
    )

    it.effect("giving up on the task gives up on the work (K12)", () =>
      leakChecked(
        Effect.gen(function* () {
          const task = yield* started(Deadline.run(Effect.uninterruptible(Effect.sleep(500)), 1000, { name: "d" }))
          const cancel = yield* Effect.forkChild(Task.cancel(task, { ...ann, giveUp: 100 }))
          yield* TestClock.adjust(100)
          const result = yield* Fiber.join(cancel)
          expect(result._tag === "Cancelled" && result.how).toBe("abandoned")
          expect((yield* Stragglers.list).map(({ path }) => path)).toEqual(["top/task/d"])
          yield* TestClock.adjust(400)
        })
      )
    )
  })

  it.effect("a limit for every task, and another for one: the nearest counts (S1-62)", () =>
    leakChecked(
      Effect.gen(function* () {
        expect(yield* ended(1000, limited(Effect.never))).toBe("DeadlineExceeded every task after 1000: interrupted")
        expect(yield* ended(100, limited(Deadline.run(Effect.never, 100, { name: "this task" })))).toBe(
          "DeadlineExceeded this task after 100: interrupted"
        )
      })
    )
  )
})
