/** Tasks by id: look-ups, events, limits and the drain. */
import assert from "node:assert/strict"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import {
  CancelReason,
  type CancelResult,
  type DrainReport,
  Nursery,
  Task,
  type TaskEvent,
  type TaskOutcome,
  Tasks,
  TimeLimits
} from "rescind/fibers"
import { Ledger } from "rescind/testing"
import { answerAgrees, completes, eventsAreInOrder, isLastOf, oneWon } from "../../laws.ts"
import type { Subject } from "../../Subject.ts"

const by = (name: string) => ({ reason: CancelReason.request({ by: name }) })

const working = (name: string, millis = 6) =>
  Effect.gen(function* () {
    yield* Ledger.finalizer(name, Effect.sleep(2))
    yield* Effect.sleep(millis)
    return name
  }).pipe(Ledger.watch(name))

const inService = <A, E, R>(effect: Effect.Effect<A, E, R>, options?: Parameters<typeof Tasks.layer>[0]) =>
  Effect.ensuring(Effect.provide(effect, Tasks.layer(options)), Ledger.note("left"))

const byId: Subject = {
  name: "tasks are found, followed and cancelled by id, from inside another task too",
  covers: [
    "Tasks.layer",
    "tasks.start",
    "tasks.get",
    "tasks.info",
    "tasks.list",
    "tasks.await",
    "tasks.cancel",
    "tasks.draining",
    "tasks.drainsBy"
  ],
  laws: ["K1", "K8", "K27", "K37", "K45"],
  program: () => {
    const answers: Array<CancelResult.CancelResult> = []
    let outcome: TaskOutcome.TaskOutcome<unknown, unknown, unknown> | undefined
    return {
      program: inService(
        Effect.gen(function* () {
          const tasks = yield* Tasks
          assert.equal(yield* tasks.draining, false)
          assert.equal(Option.isNone(yield* tasks.drainsBy), true)
          yield* tasks.start("report", working("report"))
          const starter = yield* tasks.start(
            "starter",
            Effect.andThen(tasks.start("child", working("child", 3)), Effect.never)
          )
          assert.equal(Option.isSome(yield* tasks.get("report")), true)
          yield* Effect.sleep(1)
          assert.equal(Option.getOrThrow(yield* tasks.info("report")).state, "running")
          yield* Task.cancel(starter)
          const cancel = (name: string) =>
            Effect.map(tasks.cancel("report", by(name)), (answer) => answers.push(answer))
          yield* Effect.all([cancel("ann"), cancel("bob"), Effect.forkChild(cancel("eve"))], {
            concurrency: "unbounded"
          })
          outcome = yield* tasks.await("report")
          assert.equal((yield* tasks.cancel("nobody"))._tag, "NotFound")
          const child = yield* tasks.await("child")
          return [child._tag, ...(yield* tasks.list).map(({ id }) => id)]
        })
      ),
      invariant: (trial) => {
        completes(trial, ["Completed", "report", "starter", "child"])
        isLastOf(trial, "left")
        oneWon(answers)
        for (const answer of answers) if (outcome !== undefined) answerAgrees(answer, outcome)
      }
    }
  }
}

const events: Subject = {
  name: "events have no gap and one terminal, for every follower, also for one who comes late",
  covers: ["tasks.events", "tasks.start", "tasks.requestCancel", "Task.output", "Task.progress"],
  laws: ["K9", "K10", "K38"],
  program: () => {
    const followed = new Map<string, ReadonlyArray<TaskEvent.TaskEvent>>()
    return {
      program: inService(
        Effect.gen(function* () {
          const tasks = yield* Tasks
          const follow = (name: string, id: string) =>
            Effect.map(Effect.orDie(Stream.runCollect(tasks.events(id))), (all) =>
              followed.set(`${name} ${id}`, Array.from(all))
            )
          const steps = Effect.forEach([1, 2, 3], (step) =>
            Effect.andThen(Effect.sleep(2), Effect.andThen(Task.output(step), Task.progress(step)))
          )
          const main = Nursery.run("followers", (nursery) =>
            Effect.gen(function* () {
              yield* tasks.start(
                "a",
                Effect.andThen(Ledger.finalizer("a", Effect.andThen(Effect.sleep(1), Task.output("late"))), steps),
                { history: 100 }
              )
              yield* tasks.start("b", steps, { history: 100 })
              yield* tasks.start(
                "d",
                Effect.uninterruptible(Effect.andThen(Effect.sleep(5), Task.output("too late"))),
                { history: 100 }
              )
              yield* nursery.spawn("early d", follow("early", "d"))
              yield* nursery.spawn("early a", follow("early", "a"))
              yield* nursery.spawn("early b", follow("early", "b"))
              yield* Effect.sleep(3)
              yield* tasks.requestCancel("a", by("ann"))
              yield* tasks.requestCancel("d", { ...by("ann"), giveUp: 1 })
              yield* tasks.start("c", Effect.never, { history: 100 })
              yield* tasks.requestCancel("c", by("ann"))
              yield* nursery.spawn("late c", follow("late", "c"))
              yield* tasks.await("b")
            })
          )
          yield* main
          yield* follow("late", "a")
          yield* follow("late", "d")
          yield* follow("late", "b")
        })
      ),
      invariant: (trial) => {
        completes(trial)
        for (const [name, events] of followed) {
          if (events.length > 0) eventsAreInOrder(events, undefined)
          else return `${name} got no events`
        }
        if (trial.cancelled === undefined) {
          assert.deepEqual(
            followed.get("early a")?.map(({ _tag }) => _tag),
            ["Started", "Output", "Progress", "CancelRequested", "Output", "Cancelled"]
          )
          assert.deepEqual(followed.get("late a"), followed.get("early a"))
          assert.deepEqual(followed.get("late b"), followed.get("early b"))
        }
      }
    }
  }
}

const restarts: Subject = {
  name: "an id is taken until its task has really ended; then a new attempt takes its place",
  covers: ["tasks.start", "tasks.startIfMissing", "tasks.cancel"],
  laws: ["K10", "K37"],
  program: inService(
    Effect.gen(function* () {
      const tasks = yield* Tasks
      yield* tasks.start("a", Effect.andThen(Ledger.finalizer("a", Effect.sleep(4)), Effect.never))
      const told: Array<string> = []
      const start = (name: string) =>
        Effect.match(tasks.start("a", working(name, 1)), {
          onSuccess: ({ attempt }) => told.push(`attempt ${attempt}`),
          onFailure: (error) => told.push(error._tag === "AlreadyRunning" ? error.state : error._tag)
        })
      yield* Effect.sleep(1)
      yield* start("early")
      yield* tasks.requestCancel("a")
      yield* start("in clean-up")
      yield* tasks.cancel("a", { giveUp: 2 })
      yield* start("straggling")
      yield* Effect.sleep(5)
      yield* start("again")
      const { started } = yield* tasks.startIfMissing("a", working("never"))
      told.push(String(started))
      yield* tasks.await("a")
      const ended = yield* tasks.startIfMissing("a", working("never"))
      const fresh = yield* tasks.startIfMissing("b", working("b", 1))
      told.push(String(ended.started), String(fresh.started))
      yield* tasks.await("b")
      return told
    })
  ),
  invariant: (trial) => {
    completes(trial, ["running", "cancelling", "straggling", "attempt 2", "false", "false", "true"])
    assert.ok(!trial.ledger.ended.some(({ name }) => name === "never"))
  }
}

const limited: Subject = {
  name: "the limit and the retention hold while tasks come and go",
  covers: ["Tasks.layer", "tasks.start", "tasks.cancelAll"],
  laws: ["K4", "K37"],
  program: inService(
    Effect.gen(function* () {
      const tasks = yield* Tasks
      const told: Array<string> = []
      for (const id of ["a", "b", "c"]) {
        told.push(
          yield* Effect.match(tasks.start(id, working(id, 1)), {
            onSuccess: () => "started",
            onFailure: ({ _tag }) => _tag
          })
        )
      }
      const answers = yield* tasks.cancelAll(["a", "x", "b"], by("ann"))
      told.push(...answers.map(({ _tag }) => _tag))
      yield* tasks.start("d", Effect.void)
      yield* tasks.await("d")
      return [...told, ...(yield* tasks.list).map(({ id }) => id)]
    }),
    { maxRunning: 2, retention: { count: 1 } }
  ),
  invariant: (trial) => {
    completes(trial, ["started", "started", "TooManyTasks", "Cancelled", "NotFound", "Cancelled", "d"])
    isLastOf(trial, "left")
  }
}

const drains: Subject = {
  name: "a drain refuses, finishes, cancels and reports; a second joins it; one in a task does not wait for itself",
  covers: ["tasks.drain", "tasks.draining", "tasks.start"],
  laws: ["K4", "K13", "K37", "K45"],
  program: () => {
    const reports: Array<DrainReport> = []
    return {
      program: inService(
        Effect.gen(function* () {
          const tasks = yield* Tasks
          const drain = Effect.map(tasks.drain({ finish: 5 }), (report) => reports.push(report))
          yield* tasks.start("quick", working("quick", 1))
          yield* tasks.start("slow", working("slow", 20))
          yield* tasks.start("stubborn", Effect.andThen(Ledger.finalizer("stubborn", drain), Effect.never))
          yield* tasks.start("drainer", Effect.andThen(Effect.sleep(1), drain))
          yield* tasks.start("starting", working("starting", 2))
          yield* tasks.start("abrupt", working("abrupt", 3), { onShutdown: "cancel" })
          yield* Nursery.run("drainers", (nursery) =>
            Effect.gen(function* () {
              yield* nursery.spawn("one", drain)
              yield* nursery.spawn("two", Effect.andThen(Effect.sleep(1), drain))
              yield* Effect.sleep(2)
              const late = yield* Effect.flip(tasks.start("late", Ledger.work("late")))
              assert.equal(late._tag, "Draining")
              assert.equal(yield* tasks.draining, true)
            })
          )
          return reports.at(-1)?.cancelled
        })
      ),
      invariant: (trial) => {
        completes(trial)
        isLastOf(trial, "left")
        assert.ok(!trial.ledger.work.some(({ name }) => name === "late"), "a task was started while draining")
        if (trial.cancelled === undefined) {
          assert.deepEqual(reports.at(-1)?.completed, ["quick", "starting"])
          assert.deepEqual(reports.at(-1)?.cancelled, ["slow", "stubborn", "drainer", "abrupt"])
        }
        for (const { abandoned, cancelled, completed, failed } of reports) {
          const names = [...completed, ...cancelled, ...failed, ...abandoned]
          assert.equal(new Set(names).size, names.length, "a task stands in two lists")
        }
      }
    }
  }
}

const closing: Subject = {
  name: "tasks that in their clean-up cancel whoever closes their service, and await each other, all end",
  covers: ["Tasks.layer", "tasks.cancel", "Task.cancel"],
  laws: ["K1", "K13", "K45"],
  program: Nursery.run("outer", (nursery) =>
    Effect.gen(function* () {
      let closer: Task.Task<unknown, unknown> | undefined
      const asks = Effect.suspend(() =>
        closer === undefined ? Effect.succeed({ _tag: "unknown" }) : Task.cancel(closer)
      ).pipe(Effect.flatMap(({ _tag }) => Ledger.note(_tag)))
      closer = yield* nursery.spawn(
        "closer",
        inService(
          Effect.gen(function* () {
            const tasks = yield* Tasks
            yield* tasks.start("one", Effect.andThen(Ledger.finalizer("one", asks), Effect.never))
            yield* tasks.start(
              "two",
              Effect.andThen(
                Ledger.finalizer("two", Effect.andThen(Effect.sleep(2), tasks.cancel("one"))),
                Effect.never
              )
            )
            yield* tasks.start(
              "three",
              Effect.andThen(Ledger.finalizer("three", Effect.andThen(Effect.sleep(1), asks)), Effect.never)
            )
            yield* Effect.sleep(2)
            yield* tasks.requestCancel("one")
            yield* Effect.uninterruptible(Effect.sleep(2))
          }).pipe(Effect.orDie)
        )
      )
      return (yield* Task.await(closer))._tag
    })
  ),
  invariant: (trial) => {
    completes(trial, "Cancelled")
  }
}

const overdue: Subject = {
  name: "a task ends at its limit, one that asks for more time at the maximum, one whose time is up never runs",
  covers: ["TimeLimits.extend", "tasks.start", "tasks.await"],
  laws: ["K10", "K12", "K19", "K33"],
  program: inService(
    Effect.gen(function* () {
      const tasks = yield* Tasks
      yield* tasks.start("slow", working("slow", 20), { timeLimit: 4 })
      const asking = Effect.andThen(TimeLimits.extend(100), working("asking", 20))
      yield* tasks.start("asking", asking, { timeLimit: 2, maxTimeLimit: 8 })
      const enough = Effect.andThen(TimeLimits.extend(10), working("enough", 6))
      yield* tasks.start("enough", enough, { timeLimit: 2 })
      yield* tasks.start("never", working("never"), { deadline: 0 })
      const ends: Array<string> = []
      for (const id of ["slow", "asking", "enough", "never"]) {
        const outcome = yield* tasks.await(id)
        ends.push(outcome._tag === "Cancelled" ? `${outcome.reason.source} ${outcome.reason.by}` : outcome._tag)
      }
      return ends
    })
  ),
  invariant: (trial) => {
    completes(trial, ["timeout time limit", "timeout maximum time limit", "Completed", "timeout deadline"])
    isLastOf(trial, "left")
    assert.ok(!trial.ledger.work.some(({ name }) => name === "never"), "a task ran whose time was up")
  }
}

export const subjects: ReadonlyArray<Subject> = [byId, events, restarts, limited, overdue, drains, closing]
