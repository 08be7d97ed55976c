import { describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as CancelReason from "../../src/fibers/CancelReason.ts"
import * as Control from "../../src/fibers/Control.ts"
import * as Nursery from "../../src/fibers/Nursery.ts"
import { ScopeCancelled } from "../../src/fibers/ScopeCancelled.ts"
import type { StepResult } from "../../src/fibers/StepResult.ts"
import * as Task from "../../src/fibers/Task.ts"
import * as TaskTree from "../../src/fibers/TaskTree.ts"
import { Journal, textOf } from "../support/journal.ts"
import { leakChecked } from "../support/leaks.ts"
import { settle } from "../support/settle.ts"

const byAnn = { reason: CancelReason.request({ by: "ann", message: "wrong file" }) }

const spawned = <A, E>(
  effect: Effect.Effect<A, E>,
  use: (task: Task.Task<A, E>) => Effect.Effect<void, unknown>
): Effect.Effect<void, unknown> =>
  Effect.scoped(Effect.flatMap(Nursery.make<E>("top"), (nursery) => Effect.flatMap(nursery.spawn("task", effect), use)))

/** Steps of 10 ms each, one after another. */
const threeSteps = (control: Control.Control, journal: Journal): Effect.Effect<ReadonlyArray<string>> =>
  Effect.forEach(["one", "two", "three"], (name) =>
    Effect.map(
      Control.step(control, name, journal.watch(name, Effect.sleep(10))),
      (result) => `${result.step} ${result._tag}`
    )
  )

describe("Control", () => {
  describe("cancel", () => {
    it.effect("ends the step that executes now; the next never starts, and the caller lives (S3-12, S3-13, K4)", () =>
      leakChecked(
        Effect.gen(function* () {
          const control = yield* Control.make("playbook")
          const journal = new Journal()
          const fiber = yield* Effect.forkChild(Effect.flip(Control.run(control, threeSteps(control, journal))))
          yield* TestClock.adjust(15)
          expect(yield* control.cancel(byAnn)).toMatchObject({
            _tag: "Cancelled",
            id: "playbook",
            how: "interrupted",
            reason: { source: "request", by: "ann", scope: "playbook" }
          })
          expect((yield* control.state)._tag).toBe("Cancelled")
          expect(yield* Fiber.join(fiber)).toMatchObject({ _tag: "ScopeCancelled", scope: "playbook" })
          yield* TestClock.adjust(100)
          expect(journal.lines).toEqual(["10 one: done", "15 two: request by ann of playbook"])
        })
      )
    )

    it.effect("is final: pause, resume, skip and a pause after the step answer that it is cancelled (S3x-01)", () =>
      leakChecked(
        Effect.gen(function* () {
          type Verb = "pause" | "resume" | "skip" | "back" | "debug pause"
          const verbs: ReadonlyArray<Verb> = ["pause", "resume", "skip", "back", "debug pause"]
          const orders = verbs.flatMap((one) => verbs.map((other) => [one, other] as const))
          for (const [before, after] of orders) {
            const control = yield* Control.make("playbook")
            const press = (verb: Verb): Effect.Effect<{ readonly _tag: string }> =>
              verb === "skip"
                ? control.skip()
                : verb === "back"
                  ? control.skip({ to: "previous" })
                  : verb === "resume"
                    ? control.resume
                    : control.pause
            let second = false
            const run = Effect.gen(function* () {
              const first = Control.step(control, "one", Effect.sleep(10))
              yield* before === "debug pause" ? Effect.tap(first, control.pause) : first
              yield* Control.step(
                control,
                "two",
                Effect.sync(() => {
                  second = true
                })
              )
            })
            const fiber = yield* Effect.forkChild(Effect.flip(Control.run(control, run)))
            yield* TestClock.adjust(before === "debug pause" ? 10 : 5)
            // A pause first, so that nothing has run to its end when the cancel comes.
            if (before !== "debug pause") yield* control.pause
            if (before !== "debug pause" && before !== "resume") yield* press(before)
            yield* control.cancel(byAnn)
            const answer = yield* press(after)
            expect(`${before}, ${after}: ${answer._tag}`).toBe(
              `${before}, ${after}: ${after === "skip" || after === "back" ? "AlreadyCancelled" : "Cancelled"}`
            )
            yield* TestClock.adjust(100)
            expect((yield* control.state)._tag).toBe("Cancelled")
            expect(yield* Fiber.join(fiber)).toBeInstanceOf(ScopeCancelled)
            expect(second).toBe(false)
          }
        })
      )
    )

    it.effect("wakes a paused run at once, without grace and with it (S3x-02)", () =>
      leakChecked(
        Effect.gen(function* () {
          for (const grace of [0, 5000]) {
            const control = yield* Control.make("run")
            const journal = new Journal()
            yield* control.pause
            const fiber = yield* Effect.forkChild(
              Effect.flip(Control.run(control, journal.watch("held", control.gate)))
            )
            yield* settle
            expect(journal.lines).toEqual([])
            const result = yield* control.cancel({ ...byAnn, grace })
            expect(result).toMatchObject({ _tag: "Cancelled", how: grace === 0 ? "interrupted" : "cooperative" })
            expect((yield* Fiber.join(fiber)).reason.by).toBe("ann")
            expect(journal.lines).toEqual(["0 held: request by ann of run"])
          }
        })
      )
    )

    it.effect("with grace the step under way finishes, and the gate of the next one ends the run (S3-13, K12)", () =>
      leakChecked(
        Effect.gen(function* () {
          const control = yield* Control.make("run")
          const journal = new Journal()
          const fiber = yield* Effect.forkChild(Effect.flip(Control.run(control, threeSteps(control, journal))))
          yield* TestClock.adjust(5)
          const cancel = yield* Effect.forkChild(control.cancel({ ...byAnn, grace: "1 second" }))
          yield* settle
          expect(fiber.pollUnsafe()).toBeUndefined()
          yield* TestClock.adjust(5)
          expect(yield* Fiber.join(cancel)).toMatchObject({ _tag: "Cancelled", how: "cooperative" })
          expect((yield* Fiber.join(fiber))._tag).toBe("ScopeCancelled")
          expect(journal.lines).toEqual(["10 one: done"])
        })
      )
    )

    it.effect("a run that ends in its grace has completed (K12)", () =>
      leakChecked(
        Effect.gen(function* () {
          const control = yield* Control.make("run")
          const fiber = yield* Effect.forkChild(Control.run(control, Effect.as(Effect.sleep(10), "value")))
          yield* TestClock.adjust(5)
          const cancel = yield* Effect.forkChild(control.cancel({ grace: 1000 }))
          yield* TestClock.adjust(5)
          expect(yield* Fiber.join(cancel)).toMatchObject({ _tag: "AlreadyCompleted", id: "run", duringGrace: true })
          expect(yield* Fiber.join(fiber)).toBe("value")
          expect((yield* control.state)._tag).toBe("Cancelled")
          expect(yield* control.cancel()).toMatchObject({ _tag: "AlreadyCompleted", duringGrace: true })
        })
      )
    )

    it.effect("before the run: the body never starts, whatever it sets up (S3x-03, K5)", () =>
      leakChecked(
        Effect.gen(function* () {
          const control = yield* Control.make("run")
          let started = false
          const body = Effect.sync(() => {
            started = true
          })
          expect(yield* control.cancel(byAnn)).toMatchObject({ _tag: "Cancelled", how: "cooperative" })
          const error = yield* Effect.flip(Control.run(control, body))
          expect(error).toMatchObject({ _tag: "ScopeCancelled", scope: "run", reason: { by: "ann" } })
          expect(started).toBe(false)
          expect(yield* control.cancel()).toMatchObject({ _tag: "AlreadyCancelled", reason: { by: "ann" } })
        })
      )
    )

    it.effect("during set-up, before any step, the run ends (S3x-03)", () =>
      leakChecked(
        Effect.gen(function* () {
          const control = yield* Control.make("run")
          const journal = new Journal()
          const setUp = journal.watch("browser", Effect.never, Effect.sleep(20))
          const fiber = yield* Effect.forkChild(
            Effect.flip(Control.run(control, Effect.andThen(setUp, threeSteps(control, journal))))
          )
          yield* TestClock.adjust(5)
          const cancel = yield* Effect.forkChild(control.cancel(byAnn))
          yield* TestClock.adjust(20)
          expect((yield* Fiber.join(cancel))._tag).toBe("Cancelled")
          expect((yield* Fiber.join(fiber))._tag).toBe("ScopeCancelled")
          expect(journal.lines).toEqual(["5 browser: request by ann of run", "25 browser: cleaned up"])
        })
      )
    )

    it.effect("waits for clean-up of all that runs under it, told all at once (K1, K4)", () =>
      leakChecked(
        Effect.gen(function* () {
          const control = yield* Control.make("both")
          const journal = new Journal()
          const fibers = yield* Effect.forEach([30, 50], (pause) =>
            Effect.forkChild(
              Effect.flip(Control.run(control, journal.watch(`r${pause}`, Effect.never, Effect.sleep(pause))))
            )
          )
          yield* TestClock.adjust(5)
          const cancel = yield* Effect.forkChild(Effect.tap(control.cancel(byAnn), () => journal.note("answered")))
          yield* TestClock.adjust(100)
          expect(journal.lines).toEqual([
            "5 r30: request by ann of both",
            "5 r50: request by ann of both",
            "35 r30: cleaned up",
            "55 r50: cleaned up",
            "55 answered"
          ])
          expect(yield* Fiber.join(cancel)).toMatchObject({ _tag: "Cancelled", how: "interrupted" })
          for (const fiber of fibers) expect((yield* Fiber.join(fiber))._tag).toBe("ScopeCancelled")
        })
      )
    )

    it.effect("at giveUp the answer comes without the run, which is a straggler (K12)", () =>
      leakChecked((leaks) =>
        Effect.gen(function* () {
          const control = yield* Control.make("run")
          const fiber = yield* Effect.forkChild(
            Effect.flip(Control.run(control, Effect.uninterruptible(Effect.sleep(1000))))
          )
          yield* TestClock.adjust(5)
          const cancel = yield* Effect.forkChild(control.cancel({ giveUp: 100 }))
          yield* TestClock.adjust(100)
          expect(yield* Fiber.join(cancel)).toMatchObject({ _tag: "Cancelled", how: "abandoned" })
          expect((yield* Fiber.join(fiber))._tag).toBe("ScopeCancelled")
          expect(leaks.stragglers.size).toBe(1)
          yield* TestClock.adjust(1000)
        })
      )
    )

    it.effect("100 at once: one won, all waited, all read one reason (S2-43, K8)", () =>
      leakChecked(
        Effect.gen(function* () {
          const control = yield* Control.make("run")
          const fiber = yield* Effect.forkChild(
            Effect.flip(
              Control.run(
                control,
                Effect.onExit(Effect.never, () => Effect.sleep(10))
              )
            )
          )
          yield* settle
          const cancels = yield* Effect.forkChild(
            Effect.forEach(
              Array.from({ length: 100 }, (_, index) => CancelReason.request({ by: `c${index}` })),
              (reason) => control.cancel({ reason }),
              { concurrency: "unbounded" }
            )
          )
          yield* TestClock.adjust(10)
          const results = yield* Fiber.join(cancels)
          const { reason } = yield* Fiber.join(fiber)
          expect(results.map(({ _tag }) => _tag).toSorted()).toEqual([
            ...Array.from({ length: 99 }, () => "AlreadyCancelled"),
            "Cancelled"
          ])
          expect(new Set(results.map((result) => (result as { reason: unknown }).reason))).toEqual(new Set([reason]))
        })
      )
    )

    it.effect("from inside a run it does not wait for itself (K13)", () =>
      leakChecked(
        Effect.gen(function* () {
          const control = yield* Control.make("run")
          let answer: string | undefined
          const error = yield* Effect.flip(
            Control.run(
              control,
              Effect.uninterruptible(
                Effect.map(control.cancel(), ({ _tag }) => {
                  answer = _tag
                })
              )
            )
          )
          expect(answer).toBe("Requested")
          expect(error._tag).toBe("ScopeCancelled")
        })
      )
    )

    it.effect("two runs whose clean-ups cancel each other's control do not wait for ever (K13)", () =>
      leakChecked(
        Effect.gen(function* () {
          const one = yield* Control.make("one")
          const two = yield* Control.make("two")
          const answers: Array<string> = []
          const cancelling = (other: Control.Control) =>
            Effect.onExit(Effect.never, () =>
              Effect.map(other.cancel(), ({ _tag }) => {
                answers.push(_tag)
              })
            )
          const fibers = yield* Effect.forEach(
            [Control.run(one, cancelling(two)), Control.run(two, cancelling(one))],
            (run) => Effect.forkChild(Effect.flip(run))
          )
          yield* settle
          yield* one.cancel()
          for (const fiber of fibers) yield* Fiber.join(fiber)
          // The second asks while the first is still telling it to stop; the first then may not wait.
          expect(answers).toEqual(["Requested", "AlreadyCancelled"])
        })
      )
    )

    it.effect("after the run had ended says how it ended, and still latches (S3x-11)", () =>
      leakChecked(
        Effect.gen(function* () {
          for (const [body, tag] of [
            [Effect.void, "AlreadyCompleted"],
            [Effect.fail("no"), "AlreadyFailed"]
          ] as ReadonlyArray<readonly [Effect.Effect<void, string>, string]>) {
            const control = yield* Control.make("run")
            yield* Effect.exit(Control.run(control, body))
            expect(yield* control.cancel()).toMatchObject({ _tag: tag, id: "run", duringGrace: false })
            expect(yield* Effect.flip(Control.run(control, body))).toMatchObject({ _tag: "ScopeCancelled" })
          }
        })
      )
    )

    it.effect("leaves alone what is not under it (K11)", () =>
      leakChecked(
        Effect.gen(function* () {
          const one = yield* Control.make("one")
          const two = yield* Control.make("two")
          const results = yield* Effect.forkChild(
            Effect.all(
              [Effect.flip(Control.run(one, Effect.never)), Control.run(two, Effect.as(Effect.sleep(10), "done"))],
              { concurrency: "unbounded" }
            )
          )
          yield* TestClock.adjust(5)
          yield* one.cancel()
          yield* TestClock.adjust(5)
          expect((yield* Fiber.join(results))[1]).toBe("done")
        })
      )
    )

    it.effect("can be awaited; every waiter wakes, a later one at once (S2-44)", () =>
      leakChecked(
        Effect.gen(function* () {
          const control = yield* Control.make("run")
          const waiters = yield* Effect.forEach([1, 2, 3], () => Effect.forkChild(control.cancelled))
          const left = yield* Effect.forkChild(control.cancelled)
          yield* settle
          yield* Fiber.interrupt(left)
          yield* control.pause
          yield* settle
          expect(waiters.map((fiber) => fiber.pollUnsafe())).toEqual([undefined, undefined, undefined])
          yield* control.cancel(byAnn)
          for (const waiter of waiters) expect(textOf(yield* Fiber.join(waiter))).toBe("request by ann of run")
          expect((yield* control.cancelled).by).toBe("ann")
        })
      )
    )

    it.effect("a bound that cannot be meant is a defect and does not latch", () =>
      leakChecked(
        Effect.gen(function* () {
          const control = yield* Control.make("run")
          const exit = yield* Effect.exit(control.cancel({ grace: Number.NaN }))
          expect(exit._tag === "Failure" && Cause.hasDies(exit.cause)).toBe(true)
          expect((yield* control.state)._tag).toBe("Running")
        })
      )
    )
  })

  describe("pause and resume", () => {
    it.effect(
      "a pause holds the run at its next gate, a resume lets it go on; the step under way finishes (S3x-02)",
      () =>
        leakChecked(
          Effect.gen(function* () {
            const control = yield* Control.make("run")
            const journal = new Journal()
            const fiber = yield* Effect.forkChild(Control.run(control, threeSteps(control, journal)))
            yield* TestClock.adjust(5)
            expect((yield* control.pause)._tag).toBe("Paused")
            expect((yield* control.pause)._tag).toBe("Paused")
            yield* TestClock.adjust(100)
            expect(journal.lines).toEqual(["10 one: done"])
            expect((yield* control.resume)._tag).toBe("Running")
            expect((yield* control.resume)._tag).toBe("Running")
            yield* TestClock.adjust(20)
            expect(yield* Fiber.join(fiber)).toEqual(["one Completed", "two Completed", "three Completed"])
            expect(journal.lines).toEqual(["10 one: done", "115 two: done", "125 three: done"])
          })
        )
    )

    it.effect("a resume lets through who is held, also when a pause follows in the same turn: one step at a time", () =>
      leakChecked(
        Effect.gen(function* () {
          const control = yield* Control.make("run")
          const journal = new Journal()
          yield* control.pause
          const fiber = yield* Effect.forkChild(Control.run(control, threeSteps(control, journal)))
          for (const [index, name] of ["one", "two", "three"].entries()) {
            yield* TestClock.adjust(100)
            expect(journal.lines.length).toBe(index)
            yield* Effect.andThen(control.resume, control.pause)
            yield* TestClock.adjust(10)
            expect(journal.lines[index]).toContain(`${name}: done`)
          }
          yield* Fiber.join(fiber)
        })
      )
    )

    it.effect(
      "native Latch beside it: open and close in one turn let the waiter pass, and a close undoes a final open",
      () =>
        leakChecked(
          Effect.gen(function* () {
            // A cancel flag kept in a latch is what the source system had: the pause overwrites it.
            const latch = yield* Latch.make(true)
            const ended = yield* latch.open
            yield* latch.close
            const waiter = yield* Effect.forkChild(latch.await)
            yield* settle
            expect(ended).toBe(false)
            expect(waiter.pollUnsafe()).toBeUndefined()
            yield* Fiber.interrupt(waiter)

            const control = yield* Control.make("run")
            yield* control.cancel()
            expect((yield* control.pause)._tag).toBe("Cancelled")
            expect(Exit.isFailure(yield* Effect.exit(control.gate))).toBe(true)
          })
        )
    )

    it.effect("no wake-up is lost: pause, resume and cancel in the turn of the gate", () =>
      leakChecked(
        Effect.gen(function* () {
          const control = yield* Control.make("run")
          yield* control.pause
          const fiber = yield* Effect.forkChild(Control.run(control, control.gate), { startImmediately: true })
          yield* control.resume
          yield* control.pause
          yield* control.resume
          yield* settle
          expect(fiber.pollUnsafe()).toEqual(Exit.void)

          yield* control.pause
          const second = yield* Effect.forkChild(Effect.flip(Control.run(control, control.gate)), {
            startImmediately: true
          })
          yield* control.resume
          yield* control.pause
          yield* control.cancel()
          yield* settle
          const exit = second.pollUnsafe()
          // It had passed before the cancel came, or was ended by it: never is it held.
          expect(exit).toBeDefined()
        })
      )
    )

    it.effect("whoever is held is interrupted at once by a cancel from elsewhere, also one with grace (K12)", () =>
      leakChecked(
        Effect.gen(function* () {
          const control = yield* Control.make("run")
          yield* control.pause
          for (const grace of [0, 5000]) {
            const journal = new Journal()
            yield* Effect.gen(function* () {
              const nursery = yield* Nursery.make("n")
              const task = yield* nursery.spawn(
                "task",
                Effect.orDie(Control.run(control, journal.watch("held", control.gate)))
              )
              yield* settle
              expect(yield* Task.cancel(task, { ...byAnn, grace })).toMatchObject({
                _tag: "Cancelled",
                how: grace === 0 ? "interrupted" : "cooperative"
              })
              expect(journal.lines).toEqual(["0 held: request by ann of task"])
            }).pipe(Effect.scoped)
          }
          expect((yield* control.state)._tag).toBe("Paused")
        })
      )
    )

    it.effect("clean-up is not held, nor ended: by a gate, a step, or a step of a nursery (K15)", () =>
      leakChecked(
        Effect.gen(function* () {
          for (const cancelled of [true, false]) {
            const control = yield* Control.make("run")
            const journal = new Journal()
            const undo = Effect.all([
              control.gate,
              Control.gate,
              Control.step(control, "undo", journal.note("undone")),
              Effect.orDie(
                Nursery.run("n", (nursery: Nursery.Nursery) =>
                  nursery.spawn("child", Effect.andThen(control.gate, journal.note("child")))
                )
              )
            ])
            const run = Effect.onExit(Effect.never, () => Effect.andThen(undo, journal.note("closed")))
            yield* spawned(Effect.exit(Control.run(control, run)), (task) =>
              Effect.gen(function* () {
                yield* settle
                yield* control.pause
                yield* cancelled ? control.cancel() : Task.cancel(task)
                expect((yield* control.state)._tag).toBe(cancelled ? "Cancelled" : "Paused")
              })
            )
            expect(journal.lines).toEqual(["0 undone", "0 child", "0 closed"])
          }
        })
      )
    )

    it.effect("a resume lets everybody pass who was held, also when the first of them pauses again", () =>
      leakChecked(
        Effect.gen(function* () {
          const control = yield* Control.make("run")
          const journal = new Journal()
          yield* control.pause
          const runs = ["a", "b"].map((name) =>
            Control.run(control, Effect.andThen(control.gate, Effect.andThen(journal.note(name), control.pause)))
          )
          const fiber = yield* Effect.forkChild(Effect.all(runs, { concurrency: 2 }))
          yield* settle
          yield* control.resume
          yield* settle
          expect(journal.lines).toEqual(["0 a", "0 b"])
          yield* Fiber.join(fiber)
          expect((yield* control.state)._tag).toBe("Paused")
        })
      )
    )

    it.effect("where nothing may interrupt, a cancel still wakes the gate, and the run ends after the region", () =>
      leakChecked(
        Effect.gen(function* () {
          const control = yield* Control.make("run")
          const journal = new Journal()
          yield* control.pause
          const fiber = yield* Effect.forkChild(
            Effect.flip(
              Control.run(
                control,
                Effect.andThen(
                  Effect.uninterruptible(Effect.andThen(control.gate, journal.note("region"))),
                  journal.note("after")
                )
              )
            )
          )
          yield* settle
          yield* control.cancel()
          yield* Fiber.join(fiber)
          expect(journal.lines).toEqual(["0 region"])
        })
      )
    )

    it.effect("the ambient gate holds for every control around it, and passes outside of any run", () =>
      leakChecked(
        Effect.gen(function* () {
          yield* Control.gate
          const outer = yield* Control.make("outer")
          const inner = yield* Control.make("inner")
          const fiber = yield* Effect.forkChild(Control.run(outer, Control.run(inner, Control.gate)))
          yield* outer.pause
          yield* inner.pause
          yield* settle
          yield* outer.resume
          yield* settle
          expect(fiber.pollUnsafe()).toBeUndefined()
          yield* outer.pause
          yield* inner.resume
          yield* settle
          expect(fiber.pollUnsafe()).toBeUndefined()
          yield* outer.resume
          yield* Fiber.join(fiber)
        })
      )
    )

    it.effect("changes tells the state now, each new one, and ends after the cancel (S3-12)", () =>
      leakChecked(
        Effect.gen(function* () {
          const control = yield* Control.make("run")
          const fiber = yield* Effect.forkChild(Stream.runCollect(Stream.map(control.changes, ({ _tag }) => _tag)))
          yield* settle
          for (const verb of [control.pause, control.resume, control.pause, control.cancel()]) {
            yield* verb
            yield* settle
          }
          expect(yield* Fiber.join(fiber)).toEqual(["Running", "Paused", "Running", "Paused", "Cancelled"])
          expect(yield* Stream.runCollect(Stream.map(control.changes, ({ _tag }) => _tag))).toEqual(["Cancelled"])
        })
      )
    )
  })

  describe("skip", () => {
    it.effect("ends only the step under way, waits for its clean-up, and the run goes on (S3x-02)", () =>
      leakChecked(
        Effect.gen(function* () {
          const control = yield* Control.make("run")
          const journal = new Journal()
          const slow = Control.step(control, "slow", journal.watch("slow", Effect.never, Effect.sleep(20)))
          const quick = Control.step(control, "quick", journal.watch("quick", Effect.as(Effect.sleep(1), 7)))
          const fiber = yield* Effect.forkChild(Control.run(control, Effect.all([slow, quick])))
          yield* TestClock.adjust(5)
          const skip = yield* Effect.forkChild(Effect.tap(control.skip(byAnn), () => journal.note("skipped")))
          yield* TestClock.adjust(100)
          expect(yield* Fiber.join(skip)).toMatchObject({ _tag: "Cancelled", id: "run", how: "interrupted" })
          const [skipped, completed] = yield* Fiber.join(fiber)
          expect(skipped).toMatchObject({
            _tag: "Skipped",
            step: "slow",
            to: "next",
            reason: { source: "request", by: "ann", scope: "slow" }
          })
          expect(completed).toEqual({ _tag: "Completed", step: "quick", value: 7 })
          expect(journal.lines).toEqual([
            "5 slow: request by ann of slow",
            "25 slow: cleaned up",
            "25 skipped",
            "26 quick: done"
          ])
          expect((yield* control.state)._tag).toBe("Running")
        })
      )
    )

    it.effect("back tells the run to go on with the previous step (S3x-02)", () =>
      leakChecked(
        Effect.gen(function* () {
          const control = yield* Control.make("run")
          const fiber = yield* Effect.forkChild(Control.run(control, Control.step(control, "two", Effect.never)))
          yield* settle
          yield* control.skip({ to: "previous" })
          expect(yield* Fiber.join(fiber)).toMatchObject({ _tag: "Skipped", to: "previous" })
        })
      )
    )

    it.effect("while paused: the step that waits at the gate never starts, and the run stays paused", () =>
      leakChecked(
        Effect.gen(function* () {
          const control = yield* Control.make("run")
          const journal = new Journal()
          yield* control.pause
          const fiber = yield* Effect.forkChild(Control.run(control, threeSteps(control, journal)))
          yield* settle
          expect(yield* control.skip({ grace: 1000 })).toMatchObject({ _tag: "Cancelled", how: "cooperative" })
          expect(yield* control.skip()).toMatchObject({ _tag: "Cancelled", how: "interrupted" })
          expect((yield* control.state)._tag).toBe("Paused")
          yield* TestClock.adjust(100)
          expect(fiber.pollUnsafe()).toBeUndefined()
          yield* control.resume
          yield* TestClock.adjust(10)
          expect(yield* Fiber.join(fiber)).toEqual(["one Skipped", "two Skipped", "three Completed"])
          expect(journal.lines).toEqual(["110 three: done"])
        })
      )
    )

    it.effect("with no step under way it answers NotFound and is not remembered (K10)", () =>
      leakChecked(
        Effect.gen(function* () {
          const control = yield* Control.make("run")
          expect(yield* control.skip()).toEqual({ _tag: "NotFound", id: "run" })
          expect(yield* control.skip({ step: "x" })).toEqual({ _tag: "NotFound", id: "x" })
          const result = yield* Control.run(control, Control.step(control, "one", Effect.succeed(1)))
          expect(result._tag).toBe("Completed")
        })
      )
    )

    it.effect("against completion it is decided once (K9)", () =>
      leakChecked(
        Effect.gen(function* () {
          for (const late of [false, true]) {
            const control = yield* Control.make("run")
            const done = yield* Deferred.make<void>()
            const fiber = yield* Effect.forkChild(
              Control.run(control, Control.step(control, "one", Deferred.await(done)))
            )
            yield* settle
            let tag: string
            if (late) {
              yield* Deferred.succeed(done, undefined)
              tag = (yield* control.skip())._tag
            } else {
              const skip = yield* Effect.forkChild(control.skip(), { startImmediately: true })
              yield* Deferred.succeed(done, undefined)
              tag = (yield* Fiber.join(skip))._tag
            }
            const result = yield* Fiber.join(fiber)
            expect([tag, result._tag]).toEqual(late ? ["NotFound", "Completed"] : ["Cancelled", "Skipped"])
          }
          // In its grace the step may finish; the answer follows the outcome.
          const control = yield* Control.make("run")
          const fiber = yield* Effect.forkChild(Control.run(control, Control.step(control, "one", Effect.sleep(10))))
          yield* TestClock.adjust(5)
          const skip = yield* Effect.forkChild(control.skip({ grace: 100 }))
          yield* TestClock.adjust(5)
          expect(yield* Fiber.join(skip)).toMatchObject({ _tag: "AlreadyCompleted", duringGrace: true })
          expect((yield* Fiber.join(fiber))._tag).toBe("Completed")
        })
      )
    )

    it.effect(
      "cancel wins over a skip that cleans up, and keeps the step's first reason for the step (S3x-01, K8)",
      () =>
        leakChecked(
          Effect.gen(function* () {
            const control = yield* Control.make("run")
            const journal = new Journal()
            const steps = Effect.andThen(
              Control.step(control, "one", journal.watch("one", Effect.never, Effect.sleep(20))),
              Control.step(control, "two", journal.note("two"))
            )
            const fiber = yield* Effect.forkChild(Effect.flip(Control.run(control, journal.watch("run", steps))))
            yield* settle
            const skip = yield* Effect.forkChild(control.skip({ reason: CancelReason.request({ by: "bob" }) }))
            yield* TestClock.adjust(5)
            const cancel = yield* Effect.forkChild(control.cancel(byAnn))
            const late = yield* Effect.forkChild(control.skip())
            yield* TestClock.adjust(20)
            expect(yield* Fiber.join(skip)).toMatchObject({ _tag: "Cancelled", reason: { by: "bob" } })
            expect(yield* Fiber.join(late)).toMatchObject({ _tag: "AlreadyCancelled", reason: { by: "bob" } })
            expect(yield* Fiber.join(cancel)).toMatchObject({ _tag: "Cancelled", reason: { by: "ann" } })
            expect((yield* Fiber.join(fiber)).reason.by).toBe("ann")
            expect(journal.lines).toEqual([
              "0 one: request by bob of one",
              "20 one: cleaned up",
              "20 run: request by ann of run"
            ])
          })
        )
    )

    it.effect("of nested steps it means the innermost, of parallel ones all, unless it names one", () =>
      leakChecked(
        Effect.gen(function* () {
          const control = yield* Control.make("run")
          const nested = (name: string) => Control.step(control, name, Effect.never)
          const group = Control.step(control, "group", Effect.all([nested("a"), nested("b")], { concurrency: 2 }))
          const first = yield* Effect.forkChild(Control.run(control, group))
          yield* settle
          yield* control.skip({ step: "a" })
          yield* settle
          expect(first.pollUnsafe()).toBeUndefined()
          yield* control.skip()
          expect(yield* Fiber.join(first)).toMatchObject({
            _tag: "Completed",
            step: "group",
            value: [
              { _tag: "Skipped", step: "a" },
              { _tag: "Skipped", step: "b" }
            ]
          })
          const second = yield* Effect.forkChild(Control.run(control, group))
          yield* settle
          yield* control.skip({ step: "group" })
          expect(yield* Fiber.join(second)).toMatchObject({ _tag: "Skipped", step: "group" })
        })
      )
    )

    it.effect("from inside the step it answers Requested and ends it (K13)", () =>
      leakChecked(
        Effect.gen(function* () {
          const control = yield* Control.make("run")
          const result = yield* Control.run(
            control,
            Control.step(control, "one", Effect.andThen(control.skip(), Effect.never))
          )
          expect(result._tag).toBe("Skipped")
        })
      )
    )
  })

  describe("steps", () => {
    it.effect("a step fails as its effect does; one that interrupts itself interrupts who waits", () =>
      leakChecked(
        Effect.gen(function* () {
          const control = yield* Control.make("run")
          expect(yield* Effect.exit(Control.step(control, "one", Effect.fail("no")))).toEqual(Exit.fail("no"))
          expect(yield* Effect.exit(Control.step(control, "one", Effect.die("bug")))).toEqual(Exit.die("bug"))
          const exit = yield* Effect.exit(Control.step(control, "one", Effect.interrupt))
          expect(exit._tag === "Failure" && Cause.hasInterruptsOnly(exit.cause)).toBe(true)
        })
      )
    )

    it.effect("without a run a cancel stops who takes the step, or waits at the gate, with the reason", () =>
      leakChecked(
        Effect.gen(function* () {
          const bodies: ReadonlyArray<(control: Control.Control) => Effect.Effect<unknown>> = [
            (control) => Control.step(control, "lone", Effect.never),
            (control) => Effect.andThen(control.pause, Control.step(control, "lone", Effect.void)),
            (control) => Effect.andThen(control.pause, control.gate)
          ]
          for (const body of bodies) {
            const control = yield* Control.make("run")
            const nursery = yield* Nursery.make("n")
            const task = yield* nursery.spawn("task", body(control))
            yield* settle
            yield* control.cancel(byAnn)
            expect(yield* Task.await(task)).toMatchObject({ _tag: "Cancelled", reason: { by: "ann", scope: "run" } })
            const late = yield* nursery.spawn("late", body(control))
            expect(yield* Task.await(late)).toMatchObject({ _tag: "Cancelled", reason: { by: "ann", scope: "run" } })
          }
        }).pipe(Effect.scoped)
      )
    )

    it.effect("the tree shows the run and its step by name (K43)", () =>
      leakChecked(
        Effect.gen(function* () {
          const control = yield* Control.make("playbook")
          const fiber = yield* Effect.forkChild(
            Effect.exit(Control.run(control, Control.step(control, "install", Effect.never)))
          )
          yield* settle
          const text = TaskTree.toText(yield* TaskTree.snapshot)
          expect(text.split("\n").map((line) => line.trim().split(" ")[0])).toEqual([
            "root",
            "playbook",
            "body",
            "install",
            "body"
          ])
          yield* control.cancel()
          yield* Fiber.await(fiber)
        })
      )
    )

    it.effect("a resource of a step is released before the next step starts", () =>
      leakChecked(
        Effect.gen(function* () {
          const control = yield* Control.make("run")
          const journal = new Journal()
          const acquire = Effect.acquireRelease(journal.note("open"), () => journal.note("close"))
          const results: ReadonlyArray<StepResult<void>> = yield* Control.run(
            control,
            Effect.all([Control.step(control, "one", acquire), Control.step(control, "two", journal.note("two"))])
          )
          expect(results.map(({ _tag }) => _tag)).toEqual(["Completed", "Completed"])
          expect(journal.lines).toEqual(["0 open", "0 close", "0 two"])
        })
      )
    )
  })

  it.effect("the first reason of a control stays, for whoever asks and for whoever comes later (K8)", () =>
    leakChecked(
      Effect.gen(function* () {
        const control = yield* Control.make("playbook")
        yield* control.cancel(byAnn)
        yield* control.cancel({ reason: CancelReason.request({ by: "bob" }) })
        expect(yield* control.state).toMatchObject({ _tag: "Cancelled", reason: { by: "ann" } })
        expect(yield* control.cancelled).toMatchObject({ by: "ann" })
        expect(yield* Effect.flip(Control.run(control, Effect.never))).toMatchObject({ reason: { by: "ann" } })
      })
    )
  )
})
