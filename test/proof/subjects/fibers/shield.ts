/** Shields and waits: what a cancel does not reach, and what it stops at once. */
import assert from "node:assert/strict"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Latch from "effect/Latch"
import * as Option from "effect/Option"
import {
  CancelReason,
  CancelSignal,
  Nursery,
  PollTimedOut,
  Shield,
  Stragglers,
  Task,
  type TaskOutcome,
  Wait
} from "rescind/fibers"
import { Ledger } from "rescind/testing"
import { answerAgrees, completes, isLastOf, sourcesReadBy, wasGivenUp } from "../../laws.ts"
import type { Subject } from "../../Subject.ts"

type Outcome = TaskOutcome.TaskOutcome<unknown, unknown, unknown>

const by = (name: string) => ({ reason: CancelReason.request({ by: name }) })

const holds: Subject = {
  name: "what runs in a shield ends, and its value is kept where nobody can receive it",
  covers: ["Shield.run", "Task.requested", "CancelReason.current"],
  laws: ["K26", "K39"],
  program: () => {
    let begun = 0
    let saved = 0
    let received = 0
    return {
      program: Effect.gen(function* () {
        yield* Ledger.finalizer("program", Effect.sleep(1))
        yield* Effect.sleep(1)
        const value = yield* Shield.run(
          "save",
          Effect.gen(function* () {
            begun++
            yield* Effect.sleep(3)
            assert.ok(Option.isNone(yield* Task.requested), "the flag is up in the shield")
            assert.ok(Option.isNone(yield* CancelReason.current), "there is a reason in the shield")
            return ++saved
          })
        )
        received++
        return value
      }),
      invariant: (trial) => {
        completes(trial, 1)
        if (trial.outcome?._tag !== "Cancelled" || wasGivenUp(trial)) return
        assert.equal(saved, begun, "the shield did not hold")
        // Known: Effect drops what an interrupt meets in the one step between the frame of the shield and what follows it.
        const atTheDoor = trial.cancelled?.at === 4
        if (received === 0 && !atTheDoor)
          assert.equal(trial.outcome.salvaged.length, saved, "what was saved is nowhere")
      }
    }
  }
}

const inside: Subject = {
  name: "in a shield a cancel of something inside works, and a budget ends what takes too long",
  covers: ["Shield.run", "Task.cancel", "Task.cancelAll"],
  laws: ["K13", "K39"],
  program: () => {
    let cut: Exit.Exit<unknown, unknown> | undefined
    let outcome: Outcome | undefined
    return {
      program: Nursery.run("outer", (outer) =>
        Effect.gen(function* () {
          const owner = yield* outer.spawn(
            "owner",
            Effect.gen(function* () {
              const inner = yield* Shield.run(
                "first",
                Nursery.run("inner", (nursery) =>
                  Effect.gen(function* () {
                    const task = yield* nursery.spawn("task", Effect.never.pipe(Ledger.watch("task")))
                    yield* Effect.sleep(1)
                    return (yield* Task.cancel(task, by("inside")))._tag
                  })
                )
              )
              assert.equal(inner, "Cancelled")
              yield* Shield.run("second", Effect.andThen(Ledger.finalizer("second"), Effect.sleep(20)), {
                budget: 3
              }).pipe(
                Effect.onExit((exit) =>
                  Effect.sync(() => {
                    cut = exit
                  })
                )
              )
            })
          )
          yield* Effect.sleep(3)
          const answer = yield* Task.cancel(owner, by("outside"))
          outcome = yield* Task.await(owner)
          answerAgrees(answer, outcome)
          return [outcome._tag, yield* Effect.clockWith((clock) => clock.currentTimeMillis)]
        })
      ),
      invariant: (trial) => {
        completes(trial, ["Cancelled", 6])
        if (trial.cancelled === undefined) {
          assert.deepEqual(sourcesReadBy(trial, "task"), ["request"])
          assert.equal(cut?._tag, "Failure")
        }
      }
    }
  },
  everywhere: { within: "10 millis" }
}

const inCleanUp: Subject = {
  name: "a last save in clean-up has its whole budget, also under a second cancel",
  covers: ["Shield.run"],
  laws: ["K15", "K39"],
  program: () => {
    let saved = 0
    return {
      program: Effect.andThen(
        Effect.addFinalizer(() =>
          Effect.ignore(
            Shield.run(
              "last save",
              Effect.andThen(
                Effect.sleep(3),
                Effect.sync(() => saved++)
              ),
              { budget: 5 }
            )
          )
        ),
        Effect.sleep(2)
      ),
      invariant: (trial) => {
        if (wasGivenUp(trial)) return
        assert.ok(saved <= 1)
        // Cancelled before the finalizer was there.
        if (trial.cancelled === undefined || trial.cancelled.at > 0) assert.equal(saved, 1)
      }
    }
  }
}

const committing: Subject = {
  name: "a shield around a commit is refused, a commit in a task around a shield is not",
  covers: ["Task.commit", "Shield.run", "Stragglers.list"],
  laws: ["K9", "K39"],
  program: () => {
    let saved = 0
    let outcome: Outcome | undefined
    return {
      program: Nursery.run("outer", (nursery) =>
        Effect.gen(function* () {
          const wrong = yield* nursery.spawn(
            "wrong",
            Effect.exit(
              Shield.run(
                "shield",
                Task.commit(
                  Effect.sync(() => saved++),
                  { within: 1 }
                )
              )
            )
          )
          const task = yield* nursery.spawn(
            "task",
            Effect.orDie(
              Task.commit(
                Shield.run(
                  "shield",
                  Effect.andThen(
                    Effect.sleep(3),
                    Effect.sync(() => ++saved)
                  )
                ),
                { within: 9 }
              )
            )
          )
          yield* Effect.sleep(1)
          const answer = yield* Task.cancel(task, { ...by("ann"), giveUp: 1 })
          outcome = yield* Task.await(task)
          answerAgrees(answer, outcome)
          assert.deepEqual(yield* Stragglers.list, [])
          const refused = yield* Task.await(wrong)
          return [outcome._tag, refused._tag === "Completed" ? refused.value._tag : refused._tag, saved]
        })
      ),
      invariant: (trial) => {
        completes(trial, ["Completed", "Failure", 1])
        assert.ok(saved <= 1, "a commit ran in a shield")
      }
    }
  }
}

const polls: Subject = {
  name: "a poll asks until it is true or the deadline has passed, and stops at once",
  covers: ["Wait.poll"],
  laws: ["K40", "K45"],
  program: () => {
    let asked = 0
    return {
      program: Effect.ensuring(
        Effect.gen(function* () {
          const found = yield* Wait.poll(
            Effect.andThen(
              Ledger.resource("check"),
              Effect.sync(() => (++asked < 3 ? Option.none() : Option.some("found")))
            ),
            { interval: 1, within: 9 }
          )
          const late = yield* Effect.flip(
            Wait.poll(Effect.as(Effect.sleep(1), false), { interval: 1, within: 3, message: "too late" })
          )
          const hangs = yield* Effect.flip(
            Wait.poll(Effect.as(Effect.never.pipe(Ledger.watch("check")), true), { within: 2, lastCheck: 2 })
          )
          const failing = yield* Effect.flip(
            Wait.poll(Effect.fail("broken"), { interval: 1, within: 2, onError: "retry" })
          )
          return [
            found,
            late.message,
            hangs instanceof PollTimedOut,
            Option.getOrNull(failing.failure),
            yield* Effect.clockWith((clock) => clock.currentTimeMillis)
          ]
        }),
        Ledger.note("left")
      ),
      invariant: (trial) => {
        completes(trial, ["found", "too late", true, "broken", 9])
        isLastOf(trial, "left")
        if (trial.cancelled === undefined) assert.deepEqual(sourcesReadBy(trial, "check"), ["timeout"])
      }
    }
  },
  everywhere: { within: 0 }
}

const until: Subject = {
  name: "a wait for a latch, a deferred, a signal or time stops at once and leaves no listener",
  covers: ["Wait.until", "Wait.sleep"],
  laws: ["K40"],
  program: () => {
    const controller = new AbortController()
    let listeners = 0
    const { signal } = controller
    const add = signal.addEventListener.bind(signal)
    const remove = signal.removeEventListener.bind(signal)
    signal.addEventListener = (...given: Parameters<typeof add>) => {
      listeners++
      add(...given)
    }
    signal.removeEventListener = (...given: Parameters<typeof remove>) => {
      listeners--
      remove(...given)
    }
    return {
      program: Nursery.run("waiters", (nursery) =>
        Effect.gen(function* () {
          const latch = yield* Latch.make()
          const deferred = yield* Deferred.make<string>()
          yield* nursery.spawn("latch", Wait.until(latch).pipe(Ledger.watch("latch")))
          const value = yield* nursery.spawn("deferred", Wait.until(deferred).pipe(Ledger.watch("deferred")))
          const reason = yield* nursery.spawn("signal", Wait.until(signal).pipe(Ledger.watch("signal")))
          const stopped = yield* nursery.spawn("stopped", Wait.until(signal))
          yield* nursery.spawn("sleep", Wait.sleep(3))
          yield* Effect.sleep(2)
          yield* Task.cancel(stopped)
          yield* latch.open
          yield* Deferred.succeed(deferred, "value")
          controller.abort(new Error("stop"))
          return [yield* Task.join(value), (yield* Task.join(reason)).source]
        }).pipe(Effect.orDie)
      ),
      invariant: (trial) => {
        completes(trial, ["value", "request"])
        // The one that has heard it was removed with it.
        assert.ok(listeners === 0 || (listeners === 1 && signal.aborted), `${listeners} listeners are left`)
      }
    }
  },
  everywhere: { within: 0 }
}

const signals: Subject = {
  name: "a signal from outside cancels with its reason; one that has aborted starts nothing",
  covers: ["CancelSignal.cancelledBy", "Task.signal"],
  laws: ["K5", "K20"],
  program: () => {
    const controller = new AbortController()
    const aborted: Array<string> = []
    return {
      program: Effect.gen(function* () {
        const stops = Nursery.run("outer", (nursery) =>
          Effect.gen(function* () {
            yield* nursery.spawn(
              "aborter",
              Effect.andThen(
                Effect.sleep(2),
                Effect.sync(() => controller.abort(new Error("enough")))
              )
            )
            const work = Effect.gen(function* () {
              yield* Ledger.finalizer("work", Effect.sleep(1))
              const signal = yield* Task.signal
              signal.addEventListener("abort", () => aborted.push("aborted"))
              return yield* Effect.sleep(9)
            }).pipe(Ledger.watch("work"))
            return yield* Effect.flip(CancelSignal.cancelledBy(work, controller.signal))
          })
        )
        const { reason } = yield* stops
        const never = yield* Effect.flip(CancelSignal.cancelledBy(Ledger.note("ran"), controller.signal))
        return [reason.message, never._tag]
      }).pipe(Effect.orDie),
      invariant: (trial) => {
        completes(trial, ["enough", "ScopeCancelled"])
        assert.ok(!trial.ledger.journal.some((line) => line.endsWith("ran")), "it ran under a signal that had aborted")
        if (trial.cancelled === undefined) assert.deepEqual(aborted, ["aborted"])
      }
    }
  }
}

export const subjects: ReadonlyArray<Subject> = [holds, inside, inCleanUp, committing, polls, until, signals]
