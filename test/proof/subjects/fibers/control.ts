/** Controls and supervisors: runs that are steered, and runs that are restarted. */
import assert from "node:assert/strict"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import {
  CancelReason,
  type CancelResult,
  Control,
  type ControlState,
  Nursery,
  type StepResult,
  Supervisor,
  Task
} from "rescind/fibers"
import { Ledger } from "rescind/testing"
import { completes, isLastOf, oneWon } from "../../laws.ts"
import type { Subject } from "../../Subject.ts"

const by = (name: string) => ({ reason: CancelReason.request({ by: name }) })

const left = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.ensuring(effect, Ledger.note("left"))

const buttons: Subject = {
  name: "a run is paused, resumed, skipped and cancelled by two; the cancel is final",
  covers: [
    "Control.make",
    "Control.run",
    "Control.step",
    "Control.gate",
    "control.gate",
    "control.pause",
    "control.resume",
    "control.skip",
    "control.cancel",
    "control.cancelled",
    "control.changes",
    "control.state"
  ],
  laws: ["K1", "K8", "K13"],
  program: () => {
    const answers: Array<CancelResult.CancelResult> = []
    const states: Array<ControlState.ControlState["_tag"]> = []
    const steps: Array<string> = []
    const told = (result: StepResult.StepResult<unknown>) =>
      Effect.sync(() => steps.push(`${result.step} ${result._tag}`))
    return {
      program: left(
        Nursery.run("desk", (nursery) =>
          Effect.gen(function* () {
            const control = yield* Control.make("run")
            const step = (name: string, millis: number) =>
              Effect.flatMap(
                Control.step(
                  control,
                  name,
                  Effect.andThen(Ledger.finalizer(name, Effect.sleep(1)), Effect.sleep(millis))
                ),
                told
              )
            yield* nursery.spawn(
              "watcher",
              Stream.runForEach(control.changes, ({ _tag }) => Effect.sync(() => states.push(_tag)))
            )
            yield* nursery.spawn("listener", control.cancelled)
            const run = yield* nursery.spawn(
              "run",
              Effect.exit(
                Control.run(
                  control,
                  Effect.gen(function* () {
                    yield* step("one", 2)
                    yield* step("two", 9)
                    yield* control.gate
                    yield* Control.gate
                    yield* step("three", 9)
                  })
                )
              )
            )
            yield* Effect.sleep(1)
            yield* control.pause
            yield* Effect.sleep(3)
            yield* control.resume
            yield* Effect.sleep(1)
            assert.equal((yield* control.skip({ step: "two" }))._tag, "Cancelled")
            yield* Effect.sleep(1)
            const cancel = (name: string) => Effect.map(control.cancel(by(name)), (answer) => answers.push(answer))
            yield* Effect.all([cancel("ann"), cancel("bob")], { concurrency: "unbounded" })
            yield* control.resume
            yield* control.pause
            assert.equal((yield* control.skip())._tag, "AlreadyCancelled")
            const again = yield* Effect.flip(Control.run(control, Ledger.note("ran")))
            return [(yield* control.state)._tag, again._tag, (yield* Task.await(run))._tag]
          })
        )
      ),
      invariant: (trial) => {
        completes(trial, ["Cancelled", "ScopeCancelled", "Completed"])
        isLastOf(trial, "left")
        oneWon(answers)
        assert.ok(!trial.ledger.journal.some((line) => line.endsWith("ran")), "something ran under a cancelled control")
        const cancelled = states.indexOf("Cancelled")
        assert.ok(cancelled < 0 || cancelled === states.length - 1, `a state followed the cancel: ${states.join(", ")}`)
        if (trial.cancelled === undefined) assert.deepEqual(steps, ["one Completed", "two Skipped"])
      }
    }
  }
}

const held: Subject = {
  name: "a cancel with grace wakes a run that is held, and one in clean-up is not held",
  covers: ["control.cancel", "control.pause", "Control.step", "control.gate"],
  laws: ["K12", "K13", "K15"],
  program: () => {
    let answer: CancelResult.CancelResult | undefined
    return {
      program: left(
        Effect.gen(function* () {
          const control = yield* Control.make("run")
          yield* control.pause
          const run = Control.run(
            control,
            Effect.ensuring(
              Effect.andThen(Effect.ensuring(control.gate, Ledger.note("gate")), Ledger.work("behind the gate")),
              Effect.andThen(control.gate, Control.step(control, "clean-up", Effect.sleep(1)))
            )
          )
          yield* Nursery.run("desk", (nursery) =>
            Effect.gen(function* () {
              yield* nursery.spawn(
                "canceller",
                Effect.andThen(
                  Effect.sleep(2),
                  Effect.map(control.cancel({ ...by("ann"), grace: 20 }), (told) => {
                    answer = told
                  })
                )
              )
              return yield* Effect.flip(run)
            })
          )
          return yield* Effect.clockWith((clock) => clock.currentTimeMillis)
        })
      ),
      invariant: (trial) => {
        completes(trial, 3)
        isLastOf(trial, "left")
        if (trial.cancelled === undefined)
          assert.deepEqual(trial.ledger.work, [], "a held run went on after its cancel")
        if (trial.cancelled === undefined) assert.equal(answer?._tag, "Cancelled")
      }
    }
  },
  everywhere: { within: "3 millis" }
}

const supervised: Subject = {
  name: "a child is restarted after its clean-up and its back-off until it holds or the limit is reached",
  covers: ["Supervisor.run"],
  laws: ["K1", "K8", "K15", "K45"],
  allow: ["clean-up-failed"],
  program: () => {
    let runs = 0
    let open = 0
    let restarted = false
    return {
      program: left(
        Effect.gen(function* () {
          const attempt = Effect.gen(function* () {
            runs++
            const asked = Option.map(yield* Task.requested, ({ at }) => at.epochMilliseconds)
            const now = yield* Effect.clockWith((clock) => clock.currentTimeMillis)
            // In the same instant the attempt may have been on its way.
            if (runs > 1 && Option.getOrElse(asked, () => now) < now) restarted = true
            yield* Effect.acquireRelease(
              Effect.sync(() => {
                assert.equal(open++, 0, "two attempts at once")
              }),
              () =>
                Effect.andThen(
                  Effect.sleep(1),
                  Effect.sync(() => open--)
                )
            )
            yield* Ledger.resource(`attempt ${runs}`)
            yield* Effect.sleep(1)
            return runs < 3 ? yield* Effect.fail("again") : runs
          })
          const value = yield* Supervisor.run("job", attempt, { backoff: Schedule.spaced(1) })
          const limit = yield* Effect.flip(
            Supervisor.run("hopeless", Effect.fail("no"), {
              intensity: { restarts: 1, within: 100 },
              onRestart: () => Effect.sleep(1)
            })
          )
          return [value, typeof limit === "string" ? limit : limit._tag]
        })
      ),
      invariant: (trial) => {
        completes(trial, [3, "RestartLimitReached"])
        assert.ok(!restarted, "it was restarted although it had been asked to stop")
        isLastOf(trial, "left")
      }
    }
  }
}

const together: Subject = {
  name: "children that restart together end and start together, and a cancel wins over every restart",
  covers: ["Supervisor.all", "Supervisor.child"],
  laws: ["K1", "K4", "K8", "K19"],
  allow: ["clean-up-failed"],
  program: () => {
    let fails = 2
    const started: Array<string> = []
    return {
      program: left(
        Effect.map(
          Supervisor.all(
            "service",
            {
              feed: Effect.andThen(
                Effect.sync(() => started.push("feed")),
                Effect.andThen(
                  Ledger.finalizer("feed", Effect.sleep(1)),
                  Effect.andThen(
                    Effect.sleep(2),
                    Effect.suspend(() => (fails-- > 0 ? Effect.fail("feed") : Effect.sleep(3)))
                  )
                )
              ),
              index: Supervisor.child(
                Effect.andThen(
                  Effect.sync(() => started.push("index")),
                  Effect.andThen(Ledger.finalizer("index", Effect.sleep(2)), Effect.sleep(4))
                )
              ),
              once: Supervisor.child(Effect.void, { restart: "temporary" })
            },
            { strategy: "one-for-all" }
          ),
          (outcomes) => Object.values(outcomes).map(({ _tag }) => _tag)
        )
      ),
      invariant: (trial) => {
        completes(trial, ["Completed", "Completed", "Completed"])
        isLastOf(trial, "left")
        if (trial.cancelled !== undefined) return
        // Both have begun before either begins again; which is first, pauses decide.
        for (let round = 0; round < 6; round += 2) {
          assert.deepEqual(new Set(started.slice(round, round + 2)), new Set(["feed", "index"]))
        }
        assert.equal(started.length, 6)
      }
    }
  }
}

export const subjects: ReadonlyArray<Subject> = [buttons, held, supervised, together]
