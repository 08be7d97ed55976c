import { describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as References from "effect/References"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { getEventListeners } from "node:events"
import { InvalidDuration } from "../../src/fibers/CancelPolicy.ts"
import { CancelAbortError } from "../../src/fibers/CancelAbortError.ts"
import * as CancelReason from "../../src/fibers/CancelReason.ts"
import * as Nursery from "../../src/fibers/Nursery.ts"
import { PollTimedOut } from "../../src/fibers/PollTimedOut.ts"
import { ScopeCancelled } from "../../src/fibers/ScopeCancelled.ts"
import * as Task from "../../src/fibers/Task.ts"
import * as Wait from "../../src/fibers/Wait.ts"
import { Journal } from "../support/journal.ts"
import { leakChecked } from "../support/leaks.ts"
import { settle } from "../support/settle.ts"

/** True, or a value, from the `n`th check on; `at` has the time of each check. */
const trueAt = (n: number) => {
  const at: Array<number> = []
  const condition = Effect.map(Clock.currentTimeMillis, (now) => at.push(now) >= n)
  return { at, condition }
}

const isFalse = Effect.succeed(false)

/** Fails until its `n`th run. */
const broken = (n: number) => {
  let checks = 0
  return Effect.suspend(() => (++checks < n ? Effect.fail(`down ${checks}`) : Effect.succeed(true)))
}

/** True at its second run, each of which takes a while. */
const slow = (millis: number) => Effect.tap(trueAt(2).condition, () => Effect.sleep(millis))

/** Runs a poll to its end, moving the clock far enough, and gives its exit with the time at which it came. */
const ended = <A, E>(effect: Effect.Effect<A, E>, by: Duration.Input = "1 hour") =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(
      Effect.flatMap(Effect.exit(effect), (exit) =>
        Effect.map(Clock.currentTimeMillis, (now) => ({ exit, at: now }) as const)
      )
    )
    yield* TestClock.adjust(by)
    return yield* Fiber.join(fiber)
  })

const failure = (exit: { readonly _tag: string }): any =>
  (exit as any).cause?.reasons.find(Cause.isFailReason)?.error ?? "did not fail"

const defect = (exit: { readonly _tag: string }): any =>
  (exit as any).cause?.reasons.find(Cause.isDieReason)?.defect ?? "did not die"

/** A task that waits, cancelled at `at`: its outcome, and the time at which it had ended. */
const cancelledAt = <A, E>(at: number, wait: Effect.Effect<A, E>) =>
  Effect.gen(function* () {
    const nursery = yield* Nursery.make("n")
    const task = yield* nursery.spawn("waiter", Effect.exit(wait))
    yield* TestClock.adjust(at)
    yield* settle
    yield* Effect.forkChild(Task.cancel(task, { reason: CancelReason.request({ by: "ann" }) }))
    yield* settle
    const outcome = yield* Task.poll(task)
    return { outcome: Option.getOrUndefined(outcome), now: yield* Clock.currentTimeMillis }
  })

describe("Wait", () => {
  describe("poll", () => {
    it.effect("checks at once, then after each interval, until the condition is true (K40, S3-21, S3-29)", () =>
      leakChecked(
        Effect.gen(function* () {
          const { at, condition } = trueAt(3)
          const { at: end, exit } = yield* ended(Wait.poll(condition))
          expect(exit._tag).toBe("Success")
          expect(at).toEqual([0, 1000, 2000])
          expect(end).toBe(2000)
        })
      )
    )

    it.effect("gives the value that the condition found (K40)", () =>
      leakChecked(
        Effect.gen(function* () {
          const { at, condition } = trueAt(2)
          const found = Effect.map(condition, (yes) => (yes ? Option.some(`found at ${at.length}`) : Option.none()))
          const { exit } = yield* ended(Wait.poll(found, { interval: 10 }))
          expect(exit).toMatchObject({ _tag: "Success", value: "found at 2" })
          // A value that is false or absent is found all the same.
          expect(yield* Wait.poll(Effect.succeedSome(false))).toBe(false)
          expect(yield* Wait.poll(Effect.succeedSome(undefined))).toBe(undefined)
        })
      )
    )

    it.effect("the condition is an effect: one that takes its time, false then true (S3x-15)", () =>
      leakChecked(
        Effect.gen(function* () {
          const { condition } = trueAt(2)
          const { at, exit } = yield* ended(Wait.poll(Effect.delay(condition, 30), { interval: 100 }))
          expect(exit._tag).toBe("Success")
          expect(at).toBe(160)
        })
      )
    )

    it.effect("after the deadline fails with the caller's message, the checks and the time waited (S3-21)", () =>
      leakChecked(
        Effect.gen(function* () {
          const { at, exit } = yield* ended(
            Wait.poll(isFalse, { interval: 400, within: 1000, message: "The window did not open" })
          )
          const error = failure(exit)
          expect(error).toBeInstanceOf(PollTimedOut)
          // At 0, 400, 800 and 1000: the last pause is cut short (S3x-16).
          expect(error).toMatchObject({ message: "The window did not open", checks: 4, failure: Option.none() })
          expect(Duration.toMillis(error.waited)).toBe(1000)
          expect(at).toBe(1000)
        })
      )
    )

    it.effect("by default gives up after 30 seconds and says what it did", () =>
      leakChecked(
        Effect.gen(function* () {
          const { at, exit } = yield* ended(Wait.poll(isFalse))
          expect(at).toBe(30_000)
          expect(failure(exit).message).toBe(
            "The condition did not come true in 31 checks over 30s, and the deadline has passed"
          )
        })
      )
    )

    it.effect("finds what becomes true exactly at the deadline (K40, S3x-16)", () =>
      leakChecked(
        Effect.gen(function* () {
          const condition = Effect.map(Clock.currentTimeMillis, (now) => now >= 1000)
          const { at, exit } = yield* ended(Wait.poll(condition, { interval: 300, within: 1000 }))
          expect(exit._tag).toBe("Success")
          expect(at).toBe(1000)
          // Also when the deadline is a multiple of the interval, and when the check is slow there.
          expect((yield* ended(Wait.poll(condition, { interval: 500, within: 1000 }))).exit._tag).toBe("Success")
        })
      )
    )

    it.effect("a check that begins at the deadline may take `lastCheck`, from its start (S3x-16)", () =>
      leakChecked(
        Effect.gen(function* () {
          const options = { interval: 500, within: 500, lastCheck: 200 }
          // Checks at 0 and at 500.
          const first = yield* ended(Wait.poll(slow(1), options))
          expect([first.exit._tag, first.at]).toEqual(["Success", 501])
          const start = yield* Clock.currentTimeMillis
          const late = yield* ended(Wait.poll(Effect.as(Effect.sleep(400), false), options))
          // From 0 to 400, then again at 500: cut off at 700.
          expect([failure(late.exit).checks, late.at - start]).toEqual([2, 700])
        })
      )
    )

    it.effect("within 0 checks once, also if the check takes its time (S3x-16)", () =>
      leakChecked(
        Effect.gen(function* () {
          const { at, condition } = trueAt(1)
          expect((yield* ended(Wait.poll(condition, { within: 0 }))).exit._tag).toBe("Success")
          expect((yield* ended(Wait.poll(Effect.delay(Effect.succeed(true), 50), { within: 0 }))).exit._tag).toBe(
            "Success"
          )
          expect(at).toEqual([0])
          const { exit } = yield* ended(Wait.poll(isFalse, { within: 0 }))
          expect(failure(exit).checks).toBe(1)
        })
      )
    )

    it.effect(
      "a check that hangs at the deadline is interrupted with reason timeout, and its clean-up awaited (K34)",
      () =>
        leakChecked(
          Effect.gen(function* () {
            const journal = new Journal()
            const { at, exit } = yield* ended(
              Wait.poll(journal.watch("check", Effect.never, Effect.sleep(70)), {
                within: 2000,
                message: "No answer"
              })
            )
            expect(failure(exit)).toMatchObject({ _tag: "PollTimedOut", message: "No answer", checks: 1 })
            expect(at).toBe(2070)
            expect(journal.lines).toEqual(["2000 check: timeout by poll of poll", "2070 check: cleaned up"])
          })
        )
    )

    it.effect("a condition that fails: at once, or retried with the last failure in the error (S3x-17)", () =>
      leakChecked(
        Effect.gen(function* () {
          expect(failure((yield* ended(Wait.poll(broken(3)))).exit)).toBe("down 1")
          const retried = yield* ended(Wait.poll(broken(3), { onError: "retry" }))
          expect(retried.exit._tag).toBe("Success")
          const exit = (yield* ended(Wait.poll(broken(Infinity), { onError: "retry", within: 2000 }))).exit
          expect(failure(exit)).toMatchObject({ _tag: "PollTimedOut", checks: 3, failure: Option.some("down 3") })
          const died = (yield* ended(Wait.poll(Effect.die("bug"), { onError: "retry" }))).exit
          expect(defect(died)).toBe("bug")
        })
      )
    )

    it.effect("a failure of the condition's own is never taken for the deadline", () =>
      leakChecked(
        Effect.gen(function* () {
          const own = Nursery.run("own", (nursery: Nursery.Nursery) =>
            Effect.andThen(nursery.cancel(), Effect.as(Effect.never, true))
          )
          const { exit } = yield* ended(Wait.poll(own))
          expect(failure(exit)).toBeInstanceOf(ScopeCancelled)
        })
      )
    )

    it.effect("with a schedule the pauses are its own, and its end is told (S3-29)", () =>
      leakChecked(
        Effect.gen(function* () {
          const { at, condition } = trueAt(4)
          yield* ended(Wait.poll(condition, { schedule: Schedule.exponential(100) }))
          expect(at).toEqual([0, 100, 300, 700])
          const { exit } = yield* ended(Wait.poll(isFalse, { schedule: Schedule.recurs(2) }))
          expect(failure(exit).message).toBe(
            "The condition did not come true in 3 checks over 0, and the schedule has no further one"
          )
        })
      )
    )

    it.effect("the trap: Effect.repeat with until and schedule succeeds when the schedule runs out", () =>
      leakChecked(
        Effect.gen(function* () {
          const native = Effect.repeat(isFalse, { until: (yes) => yes, schedule: Schedule.recurs(2) })
          expect((yield* ended(native)).exit).toMatchObject({ _tag: "Success", value: false })
          const ours = Wait.poll(isFalse, { schedule: Schedule.recurs(2) })
          expect(failure((yield* ended(ours)).exit)._tag).toBe("PollTimedOut")
        })
      )
    )

    it.effect("cancelled in a pause it ends at once, the clock unmoved (K40, S3-18, S3-20, S3-22, S3-30)", () =>
      leakChecked(
        Effect.gen(function* () {
          const { at, condition } = trueAt(9)
          const { now, outcome } = yield* cancelledAt(1000, Wait.poll(condition, { interval: 5000 }))
          expect(outcome).toMatchObject({ _tag: "Cancelled", reason: { source: "request", by: "ann" } })
          expect([now, at]).toEqual([1000, [0]])
          // The same without a deadline, where nothing but the caller's fiber runs.
          const forever = yield* cancelledAt(1000, Wait.poll(condition, { interval: 5000, within: Infinity }))
          expect([forever.outcome?._tag, forever.now]).toEqual(["Cancelled", 2000])
        })
      )
    )

    it.effect("cancelled in a check it ends at once, and the check reads the reason (K18, S3-22)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const check = journal.watch("check", Effect.as(Effect.never, true))
          expect((yield* cancelledAt(700, Wait.poll(check))).outcome?._tag).toBe("Cancelled")
          expect((yield* cancelledAt(700, Wait.poll(check, { within: Infinity }))).outcome?._tag).toBe("Cancelled")
          expect(journal.lines).toEqual(["700 check: request by ann of waiter", "1400 check: request by ann of waiter"])
        })
      )
    )

    it.effect("each check has a scope of its own, closed when it ends", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const { condition } = trueAt(2)
          const scoped = Effect.andThen(
            Effect.acquireRelease(journal.note("open"), () => journal.note("close")),
            condition
          )
          yield* ended(Wait.poll(scoped))
          yield* ended(Wait.poll(scoped, { within: Infinity }))
          expect(journal.lines.map((line) => line.split(" ")[1]).join()).toBe("open,close,open,close,open,close")
        })
      )
    )

    it.effect("with no deadline it runs on the caller's fiber and starts none", () =>
      leakChecked((leaks) =>
        Effect.gen(function* () {
          const before = leaks.fibers
          const ids = yield* Wait.poll(
            Effect.map(Effect.fiberId, (id) => Option.some([id, leaks.fibers])),
            { within: Infinity }
          )
          expect(ids).toEqual([yield* Effect.fiberId, before])
        })
      )
    )

    it.effect("a bound that cannot be meant is a defect that names it (K33)", () =>
      leakChecked(
        Effect.gen(function* () {
          for (const bad of [
            { interval: NaN },
            { interval: -1 },
            { within: NaN },
            { within: -1 },
            { lastCheck: NaN }
          ]) {
            const { exit } = yield* ended(Wait.poll(isFalse, bad))
            expect(defect(exit)).toBeInstanceOf(InvalidDuration)
            expect(defect(exit).field).toBe(Object.keys(bad)[0])
          }
        })
      )
    )
  })

  describe("until", () => {
    it.effect("an abort ends the wait and answers why; no listener is left (K20, K42)", () =>
      leakChecked(
        Effect.gen(function* () {
          const controller = new AbortController()
          const fiber = yield* Effect.forkChild(Wait.until(controller.signal))
          yield* settle
          expect(getEventListeners(controller.signal, "abort").length).toBe(1)
          yield* TestClock.adjust(5)
          controller.abort(new Error("closed the page"))
          expect(yield* Fiber.join(fiber)).toMatchObject({
            source: "request",
            message: "closed the page",
            scope: "signal"
          })
          expect(getEventListeners(controller.signal, "abort").length).toBe(0)
          // One that has aborted already.
          expect((yield* Wait.until(controller.signal)).message).toBe("closed the page")
          const reason = CancelReason.stamp(CancelReason.shutdown(), "server", 7)
          expect(yield* Wait.until(AbortSignal.abort(new CancelAbortError(reason)))).toBe(reason)
        })
      )
    )

    it.effect("a latch and a deferred, with the failure of the latter", () =>
      leakChecked(
        Effect.gen(function* () {
          const latch = yield* Latch.make()
          const deferred = yield* Deferred.make<number, string>()
          const fiber = yield* Effect.forkChild(Effect.andThen(Wait.until(latch), Effect.flip(Wait.until(deferred))))
          yield* settle
          yield* latch.open
          yield* Deferred.fail(deferred, "no")
          expect(yield* Fiber.join(fiber)).toBe("no")
        })
      )
    )

    it.effect("a cancel ends each of them at once and leaves no listener (K40, S3-40)", () =>
      leakChecked(
        Effect.gen(function* () {
          const controller = new AbortController()
          const latch = yield* Latch.make()
          const deferred = yield* Deferred.make<void>()
          for (const wait of [Wait.until(controller.signal), Wait.until(latch), Wait.until(deferred)]) {
            expect((yield* cancelledAt(0, wait)).outcome?._tag).toBe("Cancelled")
          }
          expect(getEventListeners(controller.signal, "abort").length).toBe(0)
        })
      )
    )
  })

  it.effect("whatever waits ends at once when it is cancelled, the clock unmoved (S3-18, S3-40, S3x-05)", () =>
    leakChecked(
      Effect.gen(function* () {
        const queue = yield* Queue.unbounded<number>()
        const waits: Record<string, Effect.Effect<unknown, unknown>> = {
          sleep: Effect.sleep(30_000),
          "our sleep": Wait.sleep(30_000),
          "queue take": Queue.take(queue),
          deferred: Deferred.await(yield* Deferred.make<void>()),
          "stream pull": Stream.runDrain(Stream.never),
          "the pause between retries": Effect.retry(Effect.fail("no"), Schedule.spaced("1 hour"))
        }
        for (const [name, wait] of Object.entries(waits)) {
          const { now, outcome } = yield* cancelledAt(0, wait)
          expect([name, outcome?._tag, now]).toEqual([name, "Cancelled", 0])
        }
      })
    )
  )

  it.effect("a part that computes is cancelled at the wait that follows it (S3-38)", () =>
    leakChecked(
      Effect.gen(function* () {
        const steps: Array<string> = []
        let task: Task.Task<void> | undefined
        const nursery = yield* Nursery.make("n")
        task = yield* nursery.spawn(
          "cpu",
          Effect.gen(function* () {
            yield* Task.requestCancel(task!)
            steps.push("computes on")
            yield* Wait.sleep(1000)
            steps.push("never reached")
          }).pipe(Effect.delay(1))
        )
        yield* TestClock.adjust(1)
        expect((yield* Task.await(task))._tag).toBe("Cancelled")
        expect(steps.includes("never reached")).toBe(false)
      })
    )
  )

  it.effect("a cancelled sleep writes to the debug log how long it slept and why it was woken (S3-39)", () =>
    leakChecked(
      Effect.gen(function* () {
        const lines: Array<string> = []
        const logger = Logger.make(({ logLevel, message }) => {
          lines.push(`${logLevel} ${String(message)}`)
        })
        yield* cancelledAt(4000, Wait.sleep("30 seconds")).pipe(
          Effect.provide(Logger.layer([logger])),
          Effect.provideService(References.MinimumLogLevel, "Debug")
        )
        expect(lines).toEqual(["Debug A sleep of 30s was cancelled after 4s (request): Task was cancelled"])
        expect((yield* ended(Wait.sleep(10))).at).toBe(4010)
        expect(defect((yield* ended(Wait.sleep(-1))).exit)).toBeInstanceOf(InvalidDuration)
      })
    )
  )
})
