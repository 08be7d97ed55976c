/** Nurseries: who is awaited, who is told, and what leaves. */
import assert from "node:assert/strict"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import { CancelReason, type CancelResult, Nursery, type ScopeCancelled, Task, type TaskOutcome } from "rescind/fibers"
import { Ledger } from "rescind/testing"
import { answerAgrees, comesBefore, completes, isLastOf, oneWon, sourcesReadBy, toldTogether } from "../../laws.ts"
import type { Subject } from "../../Subject.ts"

/** Acquires, works and cleans up, all of which takes time. */
const worker = (name: string, millis: number) =>
  Effect.gen(function* () {
    yield* Ledger.resource(`${name}'s file`)
    yield* Ledger.finalizer(`${name}'s clean-up`, Effect.sleep(2))
    yield* Effect.sleep(millis)
    yield* Ledger.work(name)
    return name
  }).pipe(Ledger.watch(name))

const left = <A, E, R>(nursery: Effect.Effect<A, E, R>) => Effect.ensuring(nursery, Ledger.note("left"))

const waits: Subject = {
  name: "a nursery waits for its children and stops those in the background",
  covers: ["Nursery.run", "nursery.spawn"],
  laws: ["K1", "K2", "K4", "K5", "K15", "K18"],
  program: left(
    Nursery.run("import", (nursery) =>
      Effect.gen(function* () {
        const late = nursery.spawn("late", Ledger.note("late ran"))
        yield* nursery.spawn("feed", Effect.never.pipe(Ledger.watch("feed"), Effect.ensuring(late)), {
          background: true
        })
        yield* nursery.spawn("first", worker("first", 3))
        yield* nursery.spawn("second", worker("second", 5))
        yield* Effect.sleep(1)
        return "done"
      })
    )
  ),
  invariant: (trial) => {
    completes(trial, "done")
    isLastOf(trial, "left")
    assert.ok(!trial.ledger.journal.some((line) => line.endsWith("late ran")), "a child started in a closing nursery")
    if (trial.cancelled === undefined) assert.deepEqual(sourcesReadBy(trial, "feed"), ["scope-closed"])
    toldTogether(trial, "feed", "first", "second")
  }
}

const failsFast: Subject = {
  name: "the first failure cancels body and siblings, and failures of the same turn leave together",
  covers: ["Nursery.run", "nursery.spawn"],
  laws: ["K1", "K3", "K4", "K19"],
  allow: ["clean-up-failed"],
  program: () => {
    let exit: Exit.Exit<unknown, unknown> | undefined
    return {
      program: left(
        Nursery.run("import", (nursery: Nursery.Nursery<string>) =>
          Effect.gen(function* () {
            yield* nursery.spawn("good", worker("good", 9))
            yield* nursery.spawn("bad", Effect.andThen(Effect.sleep(2), Effect.fail("bad")))
            yield* nursery.spawn("worse", Effect.andThen(Effect.sleep(2), Effect.fail("worse")))
            yield* Effect.never.pipe(Ledger.watch("body"))
          })
        )
      ).pipe(
        Effect.onExit((ended) =>
          Effect.sync(() => {
            exit = ended
          })
        ),
        Effect.exit
      ),
      invariant: (trial) => {
        isLastOf(trial, "left")
        if (exit === undefined || exit._tag === "Success") {
          return trial.cancelled === undefined ? "the failure was lost" : undefined
        }
        const failures = exit.cause.reasons.filter(Cause.isFailReason).map(({ error }) => error)
        if (trial.cancelled === undefined) {
          // Paused, "bad" fails after "worse" has.
          assert.ok(failures.length > 0, "the first failure was lost")
          assert.deepEqual(sourcesReadBy(trial, "body"), ["sibling-failed"])
          assert.deepEqual(sourcesReadBy(trial, "good"), ["sibling-failed"])
        }
        assert.ok(failures.length <= 2)
      }
    }
  }
}

const supervised: Subject = {
  name: "a supervised nursery lets siblings live on and returns the failures; a cancelled child is none",
  covers: ["Nursery.supervise", "nursery.spawn"],
  laws: ["K1", "K3", "K22"],
  allow: ["clean-up-failed"],
  program: left(
    Nursery.supervise("import", (nursery: Nursery.Nursery<string>) =>
      Effect.gen(function* () {
        yield* nursery.spawn("good", worker("good", 3))
        yield* nursery.spawn("bad", Effect.andThen(Effect.sleep(1), Effect.fail("bad")))
        const stopped = yield* nursery.spawn("stopped", worker("stopped", 9))
        yield* Effect.sleep(2)
        yield* Task.cancel(stopped)
        return yield* Effect.flip(Task.join(stopped))
      })
    )
  ).pipe(Effect.map(({ failures, value }) => [value._tag, ...failures.map(({ name }) => name)])),
  invariant: (trial) => {
    completes(trial, ["TaskCancelled", "bad"])
    isLastOf(trial, "left")
    if (trial.cancelled === undefined) assert.ok(trial.ledger.work.some(({ name }) => name === "good"))
  }
}

const owned: Subject = {
  name: "a nursery of a scope ends with it, and starts nothing afterwards",
  covers: ["Nursery.make", "nursery.spawn", "Task.poll"],
  laws: ["K1", "K2", "K5", "K19"],
  program: Effect.suspend(() => {
    let pool: Nursery.Nursery | undefined
    const body = Effect.gen(function* () {
      const nursery = (pool = yield* Nursery.make("pool"))
      yield* nursery.spawn("one", worker("one", 2))
      yield* nursery.spawn("two", Effect.never.pipe(Ledger.watch("two")))
      yield* Effect.sleep(3)
      return "done"
    })
    const afterwards = Effect.gen(function* () {
      yield* Ledger.note("left")
      if (pool === undefined) return
      const late = yield* pool.spawn("late", Ledger.work("late"))
      assert.equal(Option.getOrThrow(yield* Task.poll(late))._tag, "Cancelled")
    })
    return Effect.ensuring(Effect.scoped(body), afterwards)
  }),
  invariant: (trial) => {
    completes(trial, "done")
    isLastOf(trial, "left")
    assert.ok(!trial.ledger.work.some(({ name }) => name === "late"), "a task ran in a closed nursery")
    if (trial.cancelled === undefined) assert.deepEqual(sourcesReadBy(trial, "two"), ["scope-closed"])
  }
}

type Ready<A> = (value: A) => Effect.Effect<void>

const readies: Subject = {
  name: "a caller waits until its child is ready, fails with it before, and leaves it to the nursery after",
  covers: ["nursery.spawnReady", "Nursery.run"],
  laws: ["K7", "K1", "K16"],
  // A failure on its way to the caller when that one is cancelled.
  allow: ["clean-up-failed"],
  program: left(
    Nursery.run("server", (nursery: Nursery.Nursery<string>) =>
      Effect.gen(function* () {
        const port = yield* nursery.spawnReady(
          "listener",
          (ready) =>
            Effect.gen(function* () {
              yield* Ledger.resource("socket", Effect.sleep(1))
              yield* Effect.sleep(1)
              yield* ready(80)
              yield* ready(81)
              return yield* Effect.never
            }).pipe(Ledger.watch("listener")),
          { background: true }
        )
        const early = yield* Effect.flip(nursery.spawnReady("early", (_ready: Ready<number>) => worker("early", 1)))
        const failing = yield* Effect.flip(
          nursery.spawnReady("failing", (_ready: Ready<number>) =>
            Effect.andThen(Effect.sleep(1), Effect.fail("no port"))
          )
        )
        return [port, early instanceof Nursery.NeverReady ? early.outcome._tag : early, failing]
      })
    )
  ),
  invariant: (trial) => {
    completes(trial, [80, "Completed", "no port"])
    isLastOf(trial, "left")
  }
}

const callerLeaves: Subject = {
  name: "a child that is not ready belongs to its caller: when that one is cancelled the child ends first",
  covers: ["nursery.spawnReady", "Task.cancel"],
  laws: ["K7", "K19"],
  program: () => {
    let told: string | undefined
    return {
      program: left(
        Nursery.run("server", (nursery) =>
          Effect.gen(function* () {
            const caller = yield* nursery.spawn(
              "caller",
              nursery
                .spawnReady("slow", (ready: Ready<string>) =>
                  Effect.gen(function* () {
                    yield* Ledger.resource("slow's file", Effect.sleep(3))
                    yield* Effect.sleep(3)
                    yield* ready("now")
                    told = "ready"
                    return yield* Effect.sleep(20)
                  }).pipe(Ledger.watch("slow"))
                )
                .pipe(Effect.ensuring(Ledger.note("caller left")))
            )
            yield* Effect.sleep(2)
            return (yield* Task.cancel(caller, { reason: CancelReason.request({ by: "ann" }) }))._tag
          })
        )
      ),
      invariant: (trial) => {
        completes(trial)
        isLastOf(trial, "left")
        if (told === undefined) comesBefore(trial, "closed slow's file", "caller left")
      }
    }
  }
}

const cancelledByTwo: Subject = {
  name: "two cancel a nursery from outside and a child from inside: its caller lives, and one reason is told",
  covers: ["nursery.cancel", "Nursery.run"],
  laws: ["K3", "K8", "K13", "K18"],
  program: () => {
    const answers: Array<CancelResult.CancelResult> = []
    let inner: CancelResult.CancelResult | undefined
    let failed: ScopeCancelled | undefined
    return {
      program: Nursery.run("outer", (outer) =>
        Effect.gen(function* () {
          let pool: Nursery.Nursery | undefined
          const stop = (by: string) =>
            Effect.suspend(() =>
              Effect.map(pool!.cancel({ reason: CancelReason.request({ by }) }), (answer) => answers.push(answer))
            )
          yield* outer.spawn("ann", Effect.andThen(Effect.sleep(3), stop("ann")))
          yield* outer.spawn("bob", Effect.andThen(Effect.sleep(3), stop("bob")))
          const run = Nursery.run("pool", (nursery) => {
            pool = nursery
            return Effect.gen(function* () {
              yield* nursery.spawn("one", worker("one", 9))
              yield* nursery.spawn(
                "two",
                Effect.andThen(
                  Effect.sleep(3),
                  Effect.map(nursery.cancel({ reason: CancelReason.request({ by: "two" }) }), (answer) => {
                    inner = answer
                  })
                )
              )
              yield* Effect.never.pipe(Ledger.watch("body"))
            })
          })
          failed = yield* Effect.flip(run)
          return "lives"
        })
      ),
      invariant: (trial) => {
        completes(trial, "lives")
        oneWon(answers)
        if (inner !== undefined) assert.ok(inner._tag === "Requested" || trial.cancelled !== undefined)
        for (const answer of answers) {
          if (failed === undefined || !("reason" in answer)) continue
          assert.equal(answer.reason, failed.reason, "a cancel tells another reason than the nursery")
        }
        const read = new Set(
          trial.ledger.ended.flatMap(({ name, reason }) => (name === "one" || name === "body" ? [reason] : []))
        )
        assert.ok(read.size <= 1, "body and child read different reasons")
      }
    }
  }
}

const nested: Subject = {
  name: "nested nurseries end leaves first, and each child reads the first reason",
  covers: ["Nursery.run", "Task.cancel", "Task.await"],
  laws: ["K1", "K8", "K11", "K18"],
  program: () => {
    const outcomes: Array<TaskOutcome.TaskOutcome<unknown, unknown, unknown>> = []
    let answer: CancelResult.CancelResult | undefined
    const below = (depth: number): Effect.Effect<string, never, Scope.Scope> =>
      depth === 0 ? worker("leaf", 9) : level(depth - 1)
    const level = (depth: number): Effect.Effect<string, never, Scope.Scope> =>
      Effect.gen(function* () {
        yield* Ledger.finalizer(`level ${depth}`, Effect.sleep(1))
        return yield* Nursery.run(`level ${depth}`, (nursery) =>
          Effect.gen(function* () {
            const task = yield* nursery.spawn(`child ${depth}`, below(depth))
            const outcome = yield* Task.await(task)
            outcomes.push(outcome)
            return outcome._tag
          })
        )
      }).pipe(Effect.orDie)
    return {
      program: Nursery.run("outer", (nursery) =>
        Effect.gen(function* () {
          const tree = yield* nursery.spawn("tree", level(2))
          const other = yield* nursery.spawn("other", worker("other", 8))
          yield* Effect.sleep(4)
          answer = yield* Task.cancel(tree)
          const outcome = yield* Task.await(tree)
          answerAgrees(answer, outcome)
          return (yield* Task.await(other))._tag
        })
      ),
      invariant: (trial) => {
        completes(trial, "Completed")
        comesBefore(trial, "closed leaf's file", "closed level 0")
        comesBefore(trial, "closed level 0", "closed level 1")
        comesBefore(trial, "closed level 1", "closed level 2")
        const reasons = new Set(
          trial.ledger.ended.flatMap(({ interrupted, name, reason }) =>
            interrupted && reason !== undefined && /level|leaf/.test(name) ? [reason] : []
          )
        )
        assert.ok(reasons.size <= 1, "nodes of one tree read different reasons")
      }
    }
  }
}

const duringGrace: Subject = {
  name: "what starts during the grace runs with the flag up, what starts after it never",
  covers: ["nursery.spawn", "Task.requested", "nursery.cancel"],
  laws: ["K5", "K12"],
  program: () => {
    let inGrace: boolean | undefined
    return {
      program: Nursery.run("outer", (outer) =>
        Effect.gen(function* () {
          let pool: Nursery.Nursery | undefined
          yield* outer.spawn(
            "canceller",
            Effect.andThen(
              Effect.sleep(2),
              Effect.suspend(() => pool!.cancel({ grace: 4 }))
            )
          )
          const run = Nursery.run("pool", (nursery) => {
            pool = nursery
            return Effect.gen(function* () {
              yield* Effect.sleep(4)
              yield* nursery.spawn(
                "late",
                Effect.andThen(
                  Effect.map(Task.requested, (reason) => (inGrace = Option.isSome(reason))),
                  worker("late", 9)
                )
              )
              yield* Effect.never
            }).pipe(
              Effect.ensuring(
                Effect.gen(function* () {
                  const never = yield* nursery.spawn("never", Ledger.work("never"))
                  yield* Task.await(never)
                })
              )
            )
          })
          return yield* Effect.flip(run)
        })
      ),
      invariant: (trial) => {
        completes(trial)
        assert.notEqual(inGrace, false, "a child that started in the grace did not see the request")
        assert.ok(!trial.ledger.work.some(({ name }) => name === "never"), "a child ran in an interrupted nursery")
      }
    }
  }
}

const firstReason: Subject = {
  name: "a child in its grace keeps its own reason when its nursery is cancelled, which only hurries it",
  covers: ["Task.requestCancel", "nursery.cancel"],
  laws: ["K8", "K12"],
  program: () => {
    const outcomes: Array<TaskOutcome.TaskOutcome<unknown, unknown, unknown>> = []
    return {
      program: Effect.gen(function* () {
        const nursery = yield* Nursery.make("pool")
        const task = yield* nursery.spawn("task", worker("task", 20))
        const other = yield* nursery.spawn("other", worker("other", 20))
        yield* Effect.sleep(1)
        yield* Task.requestCancel(task, { reason: CancelReason.request({ by: "ann" }), grace: 15 })
        yield* Effect.sleep(1)
        yield* nursery.cancel({ reason: CancelReason.request({ by: "bob" }) })
        outcomes.push(yield* Task.await(task), yield* Task.await(other))
        return outcomes.map((outcome) => (outcome._tag === "Cancelled" ? outcome.reason.by : outcome._tag))
      }),
      invariant: (trial) => {
        completes(trial, ["ann", "bob"])
        const read = trial.ledger.ended.flatMap(({ name, reason }) =>
          name.startsWith("task") && reason !== undefined ? [reason.by] : []
        )
        assert.ok(new Set(read).size <= 1, `one task read the reasons of ${read.join(", ")}`)
        if (trial.cancelled === undefined) assert.equal(trial.took, 4)
      }
    }
  }
}

export const subjects: ReadonlyArray<Subject> = [
  waits,
  failsFast,
  supervised,
  owned,
  readies,
  callerLeaves,
  cancelledByTwo,
  nested,
  duringGrace,
  firstReason
]
