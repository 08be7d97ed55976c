/** The handle of a task, and what a task does from inside. */
import assert from "node:assert/strict"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import {
  CancelReason,
  type CancelResult,
  Checkpoint,
  Nursery,
  Stragglers,
  Task,
  type TaskOutcome
} from "rescind/fibers"
import { Ledger } from "rescind/testing"
import { answerAgrees, comesBefore, completes, isLastOf, oneWon } from "../../laws.ts"
import type { Subject } from "../../Subject.ts"

type Outcome = TaskOutcome.TaskOutcome<unknown, unknown, unknown>
type Answer = CancelResult.CancelResult

const by = (name: string) => ({ reason: CancelReason.request({ by: name }) })

/** Works for ten milliseconds, and cleans up for two. */
const working = (name: string) =>
  Effect.andThen(Ledger.finalizer(name, Effect.sleep(2)), Effect.sleep(10)).pipe(Ledger.watch(name))

const waiters: Subject = {
  name: "whoever waits for a task is woken with its outcome, and may leave before",
  covers: ["Task.await", "Task.join", "Task.poll"],
  laws: ["K9", "K22"],
  program: () => {
    const woken: Array<string> = []
    const wait = <E>(name: string, effect: Effect.Effect<{ readonly _tag: string } | number, E>) =>
      Effect.onExit(effect, (exit) => Effect.sync(() => woken.push(`${name} ${exit._tag}`)))
    return {
      program: Nursery.run("waiters", (nursery) =>
        Effect.gen(function* () {
          const task = yield* nursery.spawn("task", Effect.andThen(working("work"), Effect.succeed(42)))
          yield* nursery.spawn("awaits", wait("awaits", Task.await(task)))
          yield* nursery.spawn("joins", wait("joins", Effect.orDie(Task.join(task))))
          const leaver = yield* nursery.spawn("leaves", wait("leaves", Task.await(task)))
          yield* Effect.sleep(3)
          yield* Task.cancel(leaver)
          assert.ok(Option.isNone(yield* Task.poll(task)), "the one who left took the task along")
          const outcome = yield* Task.await(task)
          assert.deepEqual(yield* Task.poll(task), Option.some(outcome))
          return yield* Effect.orDie(Task.join(task))
        })
      ),
      invariant: (trial) => {
        completes(trial, 42)
        if (trial.cancelled === undefined) {
          assert.deepEqual(woken.toSorted(), ["awaits Success", "joins Success", "leaves Failure"])
        }
      }
    }
  }
}

const joinCancelled: Subject = {
  name: "joining a cancelled task fails the joiner and does not interrupt it",
  covers: ["Task.join", "Task.cancel"],
  laws: ["K22", "K11"],
  program: Nursery.run("joiners", (nursery) =>
    Effect.gen(function* () {
      const task = yield* nursery.spawn("task", working("work"))
      const joiner = yield* nursery.spawn("joiner", Effect.flip(Task.join(task)))
      yield* Effect.sleep(1)
      yield* Task.cancel(task, by("ann"))
      const outcome = yield* Task.await(joiner)
      assert.equal(outcome._tag, "Completed")
      return outcome._tag === "Completed" ? [outcome.value._tag, outcome.value.reason.by] : undefined
    })
  ),
  invariant: (trial) => {
    completes(trial, ["TaskCancelled", "ann"])
  }
}

const twoCancellers: Subject = {
  name: "two cancel one task, one of whom is cancelled while waiting, a third only asks: one of them won",
  covers: ["Task.cancel", "Task.requestCancel", "Task.await"],
  laws: ["K8", "K13", "K18", "K19"],
  program: () => {
    const answers: Array<Answer> = []
    let asked: Answer | undefined
    let outcome: Outcome | undefined
    return {
      program: Effect.gen(function* () {
        const pool = yield* Nursery.make("pool")
        const task = yield* pool.spawn("task", working("work"))
        yield* Effect.ensuring(
          Nursery.run("cancellers", (nursery) =>
            Effect.gen(function* () {
              const cancel = (name: string) =>
                Effect.andThen(
                  Effect.sleep(2),
                  Effect.map(Task.cancel(task, by(name)), (answer) => answers.push(answer))
                )
              yield* nursery.spawn("ann", cancel("ann"))
              const bob = yield* nursery.spawn("bob", cancel("bob"))
              yield* nursery.spawn(
                "eve",
                Effect.andThen(
                  Effect.sleep(2),
                  Effect.map(Task.requestCancel(task, by("eve")), (answer) => {
                    asked = answer
                  })
                )
              )
              yield* Effect.sleep(3)
              yield* Task.cancel(bob)
            })
          ),
          Effect.map(Task.await(task), (ended) => {
            outcome = ended
          })
        )
      }),
      invariant: (trial) => {
        completes(trial)
        oneWon(answers)
        for (const answer of answers) answerAgrees(answer, outcome)
        answerAgrees(asked, outcome, true)
        const [work] = trial.ledger.ended.filter(({ name }) => name === "work")
        if (outcome?._tag === "Cancelled" && work?.reason !== undefined) assert.equal(work.reason, outcome.reason)
        if (trial.cancelled === undefined) assert.equal(outcome?._tag, "Cancelled")
      }
    }
  }
}

const cancels = (target: () => Task.Task<unknown>) =>
  Effect.andThen(
    Ledger.finalizer("self"),
    Effect.andThen(
      Effect.andThen(
        Effect.sleep(1),
        Effect.suspend(() => Task.cancel(target()))
      ),
      Ledger.note("went on")
    )
  )

const selfCancel: Subject = {
  name: "a task that cancels itself, or a task that it is part of, is answered at once and stops",
  covers: ["Task.cancel", "nursery.cancel"],
  laws: ["K13", "K11"],
  program: () => {
    const answers: Array<string> = []
    return {
      program: Nursery.run("selves", (nursery) =>
        Effect.gen(function* () {
          let self: Task.Task<unknown> | undefined
          let outer: Task.Task<unknown> | undefined
          self = yield* nursery.spawn(
            "self",
            Effect.uninterruptible(
              Effect.map(
                Effect.andThen(
                  Effect.sleep(1),
                  Effect.suspend(() => Task.cancel(self!))
                ),
                ({ _tag }) => answers.push(_tag)
              )
            )
          )
          outer = yield* nursery.spawn(
            "outer",
            Effect.ignore(
              Nursery.run("inner", (inner) =>
                inner.spawn(
                  "deep",
                  cancels(() => outer!)
                )
              )
            )
          )
          const outcomes = [yield* Task.await(self), yield* Task.await(outer)]
          return outcomes.map(({ _tag }) => _tag)
        })
      ),
      invariant: (trial) => {
        completes(trial, ["Cancelled", "Cancelled"])
        if (trial.cancelled === undefined) assert.deepEqual(answers, ["Requested"])
      }
    }
  }
}

const beforeFirstStep: Subject = {
  name: "a task that is cancelled before its first step never runs, and its waiters wake",
  covers: ["Task.cancel", "Task.await"],
  laws: ["K10", "K5"],
  program: Nursery.run("early", (nursery) =>
    Effect.gen(function* () {
      const task = yield* nursery.spawn("task", Ledger.note("ran"))
      const waiter = yield* Effect.forkChild(Task.await(task), { startImmediately: true })
      const answer = yield* Task.cancel(task, by("ann"))
      answerAgrees(answer, yield* Task.await(task))
      return [(yield* Fiber.join(waiter))._tag, answer._tag]
    })
  ),
  invariant: (trial) => {
    if (trial.outcome?._tag !== "Completed") return completes(trial)
    // Where the canceller is made to pause the task has its turn, and where the program was told before, so was the task.
    const [outcome] = trial.outcome.value as ReadonlyArray<string>
    assert.equal(outcome, trial.ledger.journal.some((line) => line.endsWith("ran")) ? outcome : "Cancelled")
  }
}

const graceful: Subject = {
  name: "in its grace a task sees the request in three ways and finishes; without time it is interrupted",
  covers: [
    "Task.requested",
    "Task.awaitRequest",
    "Task.signal",
    "Task.onCancel",
    "Task.cancel",
    "Checkpoint.checkpoint"
  ],
  laws: ["K12", "K14", "K20"],
  program: () => {
    const seen: Array<string | undefined> = []
    let answers: ReadonlyArray<Answer> = []
    const outcomes: Array<Outcome> = []
    return {
      program: Nursery.run("graceful", (nursery) =>
        Effect.gen(function* () {
          const finishing = yield* nursery.spawn(
            "finishing",
            Effect.gen(function* () {
              yield* Ledger.finalizer("finishing")
              yield* Task.onCancel(() => Ledger.note("hook"))
              const signal = yield* Task.signal
              const reason = yield* Task.awaitRequest
              seen.push(reason.by, Option.getOrUndefined(yield* Task.requested)?.by, String(signal.aborted))
              yield* Effect.sleep(1)
              return "finished"
            })
          )
          const looping = yield* nursery.spawn(
            "looping",
            Effect.forever(Effect.andThen(Effect.sleep(1), Checkpoint.checkpoint)).pipe(Ledger.watch("looping"))
          )
          const deaf = yield* nursery.spawn("deaf", working("deaf"))
          yield* Effect.sleep(2)
          answers = yield* Task.cancelAll([finishing, looping, deaf], { ...by("ann"), grace: 3 })
          for (const task of [finishing, looping, deaf]) outcomes.push(yield* Task.await(task))
          return answers.map((answer) => ("how" in answer ? answer.how : answer._tag))
        })
      ),
      invariant: (trial) => {
        completes(trial, ["AlreadyCompleted", "cooperative", "interrupted"])
        if (trial.cancelled === undefined) {
          assert.deepEqual(seen, ["ann", "ann", "true"])
          assert.ok(
            !trial.ledger.journal.some((line) => line.endsWith(" hook")),
            "a hook ran though the task completed"
          )
        }
        if (outcomes.length === 3) outcomes.forEach((outcome, index) => answerAgrees(answers[index], outcome))
      }
    }
  }
}

const all: Subject = {
  name: "many are told in one step before anybody goes on, and each answer is its own",
  covers: ["Task.cancelAll"],
  laws: ["K4", "K36"],
  program: () => {
    let answers: ReadonlyArray<Answer> = []
    return {
      program: Nursery.run("all", (nursery) =>
        Effect.gen(function* () {
          let second: Task.Task<unknown> | undefined
          const first = yield* nursery.spawn(
            "first",
            Effect.ensuring(
              Effect.never,
              Effect.suspend(() => Task.cancel(second!, by("first"))).pipe(
                Effect.flatMap(({ _tag }) => Ledger.note(_tag))
              )
            )
          )
          second = yield* nursery.spawn("second", working("second"))
          const third = yield* nursery.spawn("third", Effect.succeed("done"))
          yield* Effect.sleep(1)
          answers = yield* Task.cancelAll([first, second, third], by("ann"))
          return answers.map(({ _tag }) => _tag)
        })
      ),
      invariant: (trial) => {
        completes(trial, ["Cancelled", "Cancelled", "AlreadyCompleted"])
        if (trial.cancelled === undefined) {
          assert.ok(
            trial.ledger.journal.some((line) => line.endsWith("AlreadyCancelled")),
            "the first told before the second was asked"
          )
        }
      }
    }
  }
}

const allApart: Subject = {
  name: "many are told in one step, each with a policy of its own, and nobody is waited for",
  covers: ["Task.requestCancelAll", "Task.cancelAll"],
  laws: ["K4", "K8", "K12"],
  program: () => {
    return {
      program: Nursery.run("apart", (nursery) =>
        Effect.gen(function* () {
          const polite = yield* nursery.spawn("polite", Effect.andThen(Task.awaitRequest, Effect.sleep(1)))
          const slow = yield* nursery.spawn("slow", working("slow"))
          yield* Effect.sleep(1)
          const policy = ({ name }: { readonly name: string }) => ({
            ...by("ann"),
            ...(name === "polite" ? { grace: 5 } : {})
          })
          const asked = yield* Task.requestCancelAll([polite, slow], policy)
          const answers = yield* Task.cancelAll([polite, slow], (task) => ({ ...policy(task), ...by("bob") }))
          return [...asked, ...answers].map(({ _tag }) => _tag)
        })
      ),
      invariant: (trial) => {
        completes(trial, ["Requested", "Requested", "AlreadyCompleted", "AlreadyCancelled"])
      }
    }
  }
}

const commits: Subject = {
  name: "a commit and a cancel are decided once: what was saved is Completed",
  covers: ["Task.commit", "Task.cancel"],
  laws: ["K9", "K12"],
  program: () => {
    let saved = 0
    let outcome: Outcome | undefined
    const answers: Array<Answer> = []
    return {
      program: Effect.gen(function* () {
        const pool = yield* Nursery.make("pool")
        const task = yield* pool.spawn(
          "task",
          Effect.gen(function* () {
            yield* Ledger.finalizer("task", Effect.sleep(1))
            yield* Effect.sleep(2)
            return yield* Task.commit(
              Effect.andThen(
                Effect.sleep(2),
                Effect.sync(() => ++saved)
              ),
              { within: 5 }
            ).pipe(Effect.orDie)
          })
        )
        const cancel = Effect.map(Task.cancel(task, by("ann")), (answer) => answers.push(answer))
        yield* Effect.ensuring(
          Effect.andThen(Effect.sleep(3), cancel),
          Effect.andThen(
            cancel,
            Effect.map(Task.await(task), (ended) => {
              outcome = ended
            })
          )
        )
      }),
      invariant: (trial) => {
        completes(trial)
        oneWon(answers)
        for (const answer of answers) answerAgrees(answer, outcome)
        assert.equal(
          outcome?._tag === "Completed" ? 1 : 0,
          saved,
          "what was saved is not Completed, or the other way round"
        )
        if (trial.cancelled === undefined) assert.equal(saved, 1)
      }
    }
  },
  everywhere: { within: "20 millis" }
}

const ownCommit: Subject = {
  name: "a program that commits: a cancel comes before it, or waits for it",
  covers: ["Task.commit"],
  laws: ["K9"],
  program: () => {
    let saved = 0
    return {
      program: Effect.gen(function* () {
        yield* Ledger.finalizer("program", Effect.sleep(1))
        yield* Effect.sleep(1)
        return yield* Task.commit(
          Effect.andThen(
            Effect.sleep(2),
            Effect.sync(() => ++saved)
          ),
          { within: 5 }
        )
      }),
      invariant: (trial) => {
        completes(trial, 1)
        const { outcome } = trial
        const kept = outcome?._tag === "Completed" || outcome?.salvaged.some(({ value }) => value === 1) === true
        assert.equal(kept ? 1 : 0, saved, `saved ${saved} times, yet ${outcome?._tag}`)
      }
    }
  }
}

const failedCommit: Subject = {
  name: "a commit that fails or takes too long gives way to the cancels that waited for it",
  covers: ["Task.commit", "Task.cancel"],
  laws: ["K9", "K12"],
  program: () => {
    const outcomes: Array<Outcome> = []
    const answers: Array<ReadonlyArray<Answer>> = []
    return {
      program: Nursery.supervise("pool", (nursery: Nursery.Nursery<unknown>) =>
        Effect.gen(function* () {
          const slow = yield* nursery.spawn("slow", Task.commit(Effect.sleep(20), { within: 4 }))
          const failing = yield* nursery.spawn(
            "failing",
            Effect.andThen(
              Effect.ignore(Task.commit(Effect.andThen(Effect.sleep(4), Effect.fail("no")), { within: 9 })),
              Effect.uninterruptible(Effect.sleep(9))
            )
          )
          yield* Effect.sleep(2)
          answers.push(yield* Task.cancelAll([slow, failing], { ...by("ann"), giveUp: 1 }))
          outcomes.push(yield* Task.await(slow), yield* Task.await(failing))
          return [
            ...outcomes.map((outcome) => ("how" in outcome ? outcome.how : outcome._tag)),
            yield* Effect.clockWith((clock) => clock.currentTimeMillis)
          ]
        })
      ).pipe(Effect.map(({ value }) => value)),
      invariant: (trial) => {
        completes(trial)
        if (trial.cancelled === undefined && trial.outcome?._tag === "Completed") {
          const [slow, failing, at] = trial.outcome.value as ReadonlyArray<unknown>
          assert.equal(at, 4)
          // One that pauses when its commit has failed, or before its uninterruptible end, is stopped there.
          assert.ok(slow === "Failed" || slow === "abandoned" || slow === "interrupted", `it was ${String(slow)}`)
          assert.ok(failing === "abandoned" || failing === "interrupted", `it was ${String(failing)}`)
        }
        outcomes.forEach((outcome, index) => answerAgrees(answers[0]?.[index], outcome))
      }
    }
  },
  allow: ["clean-up-failed"]
}

const hooks: Subject = {
  name: "hooks run once, the latest first, with the reason, and only of a task that was cancelled",
  covers: ["Task.onCancel"],
  laws: ["K15", "K18"],
  program: () => {
    const ran: Array<string> = []
    const hook = (name: string) =>
      Task.onCancel((reason) =>
        Effect.andThen(
          Effect.sleep(1),
          Effect.sync(() => ran.push(`${name} ${reason.source}`))
        )
      )
    const hooked = (name: string, millis: number) =>
      Effect.gen(function* () {
        yield* hook(`${name} 1`)
        yield* hook(`${name} 2`)
        yield* Ledger.resource(name)
        yield* Effect.sleep(millis)
      })
    return {
      program: Nursery.run("hooks", (nursery) =>
        Effect.gen(function* () {
          const stopped = yield* nursery.spawn("stopped", hooked("stopped", 9))
          yield* nursery.spawn("done", hooked("done", 1))
          yield* Effect.sleep(2)
          yield* Task.cancel(stopped, by("ann"))
        })
      ),
      invariant: (trial) => {
        completes(trial)
        if (trial.cancelled === undefined) assert.deepEqual(ran, ["stopped 2 request", "stopped 1 request"])
        assert.equal(new Set(ran).size, ran.length, `a hook ran twice: ${ran.join(", ")}`)
        comesBefore(trial, "did stopped 2", "did stopped 1")
      }
    }
  }
}

const partials: Subject = {
  name: "a cancelled task leaves its latest partial result",
  covers: ["Task.partial", "Task.progress", "Task.output"],
  laws: ["K17"],
  program: () => {
    let told = 0
    let outcome: Outcome | undefined
    return {
      program: Effect.gen(function* () {
        const pool = yield* Nursery.make("pool")
        const task = yield* pool.spawn(
          "task",
          Effect.forever(
            Effect.gen(function* () {
              yield* Effect.sleep(1)
              yield* Task.progress(told)
              yield* Task.output(told)
              yield* Task.partial(told + 1)
              told++
            })
          )
        )
        yield* Effect.ensuring(
          Effect.sleep(5),
          Effect.andThen(
            Task.cancel(task),
            Effect.map(Task.await(task), (ended) => {
              outcome = ended
            })
          )
        )
      }),
      invariant: (trial) => {
        completes(trial)
        if (outcome?._tag !== "Cancelled") return
        const partial = (outcome.partial as number | undefined) ?? 0
        // Said, and not yet counted when the interrupt came.
        assert.ok(partial === told || partial === told + 1, `it said ${told}, and its partial result is ${partial}`)
      }
    }
  }
}

const gaveUp: Subject = {
  name: "a cancel that gives up during clean-up of clean-up decides the outcome, and the straggler really ends",
  covers: ["Task.cancel", "Stragglers.list", "Task.await"],
  laws: ["K1", "K9", "K12", "K45"],
  program: () => {
    let answer: Answer | undefined
    let outcome: Outcome | undefined
    const listed: Array<number> = []
    return {
      program: Effect.gen(function* () {
        const pool = yield* Nursery.make("pool")
        const task = yield* pool.spawn(
          "task",
          Effect.gen(function* () {
            yield* Ledger.finalizer("outer", Effect.sleep(5))
            yield* Ledger.finalizer(
              "inner",
              Effect.ignore(
                Nursery.run("clean-up", (nursery) =>
                  Effect.andThen(
                    nursery.spawn("deep", Effect.ensuring(Effect.sleep(2), Effect.sleep(2))),
                    Effect.sleep(1)
                  )
                )
              )
            )
            yield* Effect.never
          })
        )
        yield* Effect.sleep(1)
        answer = yield* Task.cancel(task, { ...by("ann"), giveUp: 3 })
        outcome = yield* Task.await(task)
        listed.push((yield* Stragglers.list).length)
        yield* Effect.sleep(9)
        listed.push((yield* Stragglers.list).length)
        return "how" in answer ? answer.how : answer._tag
      }),
      invariant: (trial) => {
        completes(trial, "abandoned")
        answerAgrees(answer, outcome)
        if (trial.cancelled === undefined) assert.deepEqual(listed, [1, 0])
      }
    }
  }
}

const cleanUp = (name: string, act: Effect.Effect<unknown>) =>
  Effect.andThen(Ledger.finalizer(name, Effect.andThen(Effect.sleep(1), act)), Effect.never)

const twoInCleanUp: Subject = {
  name: "tasks that cancel each other in their clean-up, several at once, all end",
  covers: ["Task.cancel", "Task.cancelAll", "Task.await"],
  laws: ["K8", "K13", "K15"],
  program: () => {
    const answers: Array<Answer> = []
    return {
      program: Nursery.run("all", (nursery) =>
        Effect.gen(function* () {
          const tasks: Array<Task.Task<unknown>> = []
          const cancelsAll = Effect.suspend(() => Task.cancelAll(tasks)).pipe(
            Effect.map((told) => answers.push(...told))
          )
          tasks.push(yield* nursery.spawn("a", cleanUp("a", cancelsAll)))
          tasks.push(yield* nursery.spawn("b", cleanUp("b", cancelsAll)))
          tasks.push(
            yield* nursery.spawn(
              "c",
              cleanUp(
                "c",
                Effect.suspend(() => Task.await(tasks[0]!))
              )
            )
          )
          yield* Effect.sleep(1)
          return (yield* Task.cancelAll(tasks, by("ann"))).map(({ _tag }) => _tag)
        })
      ),
      invariant: (trial) => {
        completes(trial, ["Cancelled", "Cancelled", "Cancelled"])
        assert.ok(answers.every(({ _tag }) => _tag === "Requested" || _tag === "AlreadyCancelled"))
      }
    }
  }
}

const cleaner: Subject = {
  name: "finalizers suspend, die and start tasks; all of them run, last first, and failures are kept",
  covers: ["nursery.spawn", "Task.cancel"],
  laws: ["K6", "K15", "K16"],
  allow: ["clean-up-failed"],
  program: () => {
    let outcome: Outcome | undefined
    return {
      program: Effect.gen(function* () {
        const pool = yield* Nursery.make("pool")
        const task = yield* pool.spawn(
          "task",
          Effect.gen(function* () {
            yield* Ledger.resource("first", Effect.sleep(1))
            yield* Effect.addFinalizer(() => Effect.die("boom"))
            yield* Ledger.resource(
              "second",
              Effect.scoped(
                Effect.andThen(
                  Ledger.resource("third"),
                  Nursery.run("clean-up", (inner) => inner.spawn("tidy", Effect.sleep(1))).pipe(Effect.orDie)
                )
              )
            )
            yield* Effect.sleep(9)
          })
        )
        yield* Effect.ensuring(
          Effect.sleep(2),
          Effect.andThen(
            Task.cancel(task),
            Effect.map(Task.await(task), (ended) => {
              outcome = ended
            })
          )
        )
      }),
      invariant: (trial) => {
        completes(trial)
        comesBefore(trial, "closed third", "closed second")
        comesBefore(trial, "closed second", "closed first")
        if (trial.cancelled === undefined)
          assert.deepEqual(
            outcome?.cleanupFailures.map(({ scope }) => scope),
            ["task"]
          )
        isLastOf(trial, "left")
      }
    }
  }
}

const read = (name: string) => Effect.never.pipe(Ledger.watch(name))

const forks: Subject = {
  name: "fibers that a task forks in Effect's own ways read its reason",
  covers: ["CancelReason.current", "Task.cancel"],
  laws: ["K18"],
  program: () => {
    let task: Task.Task<unknown> | undefined
    return {
      program: Nursery.run("natives", (nursery) =>
        Effect.gen(function* () {
          task = yield* nursery.spawn(
            "task",
            Effect.gen(function* () {
              yield* Effect.forkChild(read("child"), { startImmediately: true })
              yield* Effect.forkScoped(read("scoped"), { startImmediately: true })
              const scope = yield* Scope.make()
              yield* Effect.race(read("racer"), Effect.all([read("one"), read("two")], { concurrency: "unbounded" }))
              yield* Scope.close(scope, yield* Effect.exit(Effect.void))
            })
          )
          yield* Effect.sleep(2)
          yield* Task.cancel(task, by("ann"))
        })
      ),
      invariant: (trial) => {
        completes(trial)
        const read = new Set(trial.ledger.ended.map(({ reason }) => reason?.by))
        assert.ok(read.size <= 1, `they read ${[...read].join(", ")}`)
        if (trial.cancelled === undefined) assert.equal(trial.ledger.ended.length, 5)
      }
    }
  }
}

export const subjects: ReadonlyArray<Subject> = [
  waiters,
  joinCancelled,
  twoCancellers,
  selfCancel,
  beforeFirstStep,
  graceful,
  all,
  allApart,
  commits,
  ownCommit,
  failedCommit,
  hooks,
  partials,
  gaveUp,
  twoInCleanUp,
  cleaner,
  forks
]
