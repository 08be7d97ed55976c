/** The cores of the agent tasks: the table and its desk, the combinators of handles, and the context, in one process. */
import assert from "node:assert/strict"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { CancelReason } from "rescind/fibers"
import type { Trial } from "rescind/testing"
import { AgentTasks } from "../../../../src/examples/agent-tasks/AgentTasks.ts"
import type { TaskView } from "../../../../src/examples/agent-tasks/AgentTask.ts"
import type { AgentTaskEvent } from "../../../../src/examples/agent-tasks/AgentTaskEvent.ts"
import { joinAll, joinAllSettled, joinN, skipCancelled } from "../../../../src/examples/agent-tasks/combine/joins.ts"
import { bestEffort, joinAllWithTimeout, withTimeout } from "../../../../src/examples/agent-tasks/combine/limits.ts"
import { cancelAndReplace } from "../../../../src/examples/agent-tasks/combine/replace.ts"
import { selectOkWithCancel } from "../../../../src/examples/agent-tasks/combine/select.ts"
import { AgentContext } from "../../../../src/examples/agent-tasks/context/AgentContext.ts"
import { all } from "../../../../src/examples/agent-tasks/kinds/all.ts"
import { Fail } from "../../../../src/examples/agent-tasks/kinds/failTask.ts"
import { Sleep } from "../../../../src/examples/agent-tasks/kinds/sleepTask.ts"
import * as MockContext from "../../../../src/examples/agent-tasks/MockContext.ts"
import { isTerminal } from "../../../../src/examples/agent-tasks/table/status.ts"
import { completes } from "../../laws.ts"
import type { Subject } from "../../Subject.ts"

type Services = Layer.Success<ReturnType<typeof MockContext.layer<never>>> | Scope.Scope

const ends: ReadonlyArray<string> = ["TaskCompleted", "TaskFailed", "TaskCancelled", "TaskTimedOut"]

interface Seen {
  readonly view: TaskView
  readonly events: ReadonlyArray<AgentTaskEvent>
}

/**
 * Runs the body as an agent, with table, desk and worker around it; the table is looked at when the body has ended and
 * the worker has had time to stop what it was told to.
 */
const agent =
  (body: Effect.Effect<unknown, unknown, Services>, says?: (trial: Trial.Trial, seen: ReadonlyArray<Seen>) => void) =>
  () => {
    let seen: ReadonlyArray<Seen> = []
    const look = Effect.gen(function* () {
      const tasks = yield* AgentTasks
      const views = yield* tasks.list("agent")
      seen = yield* Effect.forEach(views, (view) =>
        Effect.map(tasks.events("agent", view.id), (events) => ({ view, events }))
      )
    })
    return {
      program: Effect.flatMap(Layer.build(MockContext.layer({ tasks: all, slots: 4 })), (context) =>
        Effect.provideContext(Effect.ensuring(body, Effect.orDie(look)), context)
      ),
      invariant: (trial: Trial.Trial) => {
        for (const { events, view } of seen) oneEnd(view, events)
        says?.(trial, seen)
      }
    }
  }

/** S4-54: at most one end, and one where the status is terminal; events are numbered upwards. */
const oneEnd = ({ id, status }: TaskView, events: ReadonlyArray<AgentTaskEvent>): void => {
  const last = events.filter(({ _tag }) => ends.includes(_tag))
  // The events were read after the status, which may have moved on in between.
  assert.ok(
    last.length <= 1 && (last.length === 1 || !isTerminal(status)),
    `${id} is ${status} and has ended ${last.length} times`
  )
  assert.ok(events.every(({ seq }, index) => index === 0 || seq > events[index - 1]!.seq))
}

const runs = { again: false, policies: [], everywhere: { maxRuns: 200 }, explore: { runs: 60 } } as const

const races: Subject = {
  name: "an agent races three tasks, and names exactly those that it stopped",
  covers: [],
  laws: ["K23", "K24"],
  ...runs,
  program: agent(
    Effect.gen(function* () {
      const { schedule } = yield* AgentContext
      const handles = yield* Effect.forEach([9, 3, 20], (ms) => schedule(Sleep, { ms }))
      const { cancelled, index } = yield* selectOkWithCancel(handles)
      return [index, cancelled.map((id) => handles.findIndex((handle) => handle.id === id))]
    }),
    (trial, seen) => {
      completes(trial, [1, [0, 2]])
      if (trial.cancelled !== undefined) return
      assert.deepEqual(
        seen.map(({ view }) => view.status),
        ["cancelled", "completed", "cancelled"]
      )
    }
  )
}

const joins: Subject = {
  name: "an agent joins tasks: all, settled, two of three, without the cancelled; a failure cancels the others",
  covers: [],
  laws: ["K29", "K30"],
  // A failure that meets the cancel is kept as one (K16).
  allow: ["clean-up-failed"],
  ...runs,
  program: agent(
    Effect.gen(function* () {
      const { schedule } = yield* AgentContext
      const sleeps = (...times: ReadonlyArray<number>) => Effect.forEach(times, (ms) => schedule(Sleep, { ms }))
      const all = yield* joinAll(yield* sleeps(3, 1))
      const { completed } = yield* joinN(yield* sleeps(5, 1, 2), 2, { rest: "cancel" })
      const some = yield* sleeps(2, 60)
      yield* some[1]!.cancel()
      const kept = yield* skipCancelled(some)
      const bad = yield* schedule(Fail, { ms: 1, message: "no" })
      const error = yield* Effect.flip(joinAll([...(yield* sleeps(80)), bad]))
      const { failed, total } = yield* joinAllSettled([bad, ...(yield* sleeps(1))])
      return [all.length, completed.length, kept.length, error._tag, failed.length, total]
    }),
    (trial) => completes(trial, [2, 2, 1, "TaskFailed", 1, 2])
  )
}

const limits: Subject = {
  name: "an agent waits no longer than its limits, and what is late is cancelled and named",
  covers: [],
  laws: ["K31", "K33"],
  ...runs,
  program: agent(
    Effect.gen(function* () {
      const { schedule } = yield* AgentContext
      const sleeps = (...times: ReadonlyArray<number>) => Effect.forEach(times, (ms) => schedule(Sleep, { ms }))
      const within = yield* joinAllWithTimeout(yield* sleeps(2, 90), 10)
      const effort = yield* bestEffort(yield* sleeps(1, 70), { within: 8, otherwise: "none" })
      const [slow] = yield* sleeps(50)
      const error = yield* Effect.flip(withTimeout(slow!, 5))
      return [within.completed.length, within.cancelled.length, effort.length, effort[1], error._tag]
    }),
    (trial, seen) => {
      completes(trial, [1, 1, 2, "none", "DeadlineExceeded"])
      if (trial.cancelled === undefined) {
        assert.equal(seen.filter(({ view }) => view.status === "cancelled").length, 3)
      }
    }
  )
}

const replaces: Subject = {
  name: "an agent cancels a task and replaces it; several cancels of one task agree on who won",
  covers: [],
  laws: ["K8", "K35"],
  ...runs,
  program: agent(
    Effect.gen(function* () {
      const { schedule, submit } = yield* AgentContext
      const first = yield* schedule(Sleep, { ms: 40 })
      yield* submit
      yield* Effect.sleep(2)
      const { old, replacement } = yield* cancelAndReplace(first, Sleep, { ms: 30 })
      yield* submit
      yield* Effect.sleep(1)
      const answers = yield* Effect.forEach(
        ["ann", "bob"],
        (by) => replacement.cancel({ reason: CancelReason.request({ by }) }),
        { concurrency: "unbounded" }
      )
      return [old._tag, answers.map(({ _tag }) => _tag).toSorted()]
    }),
    (trial, seen) => {
      completes(trial, ["Cancelled", ["AlreadyCancelled", "Cancelled"]])
      if (trial.cancelled === undefined) {
        assert.deepEqual(
          seen.map(({ view }) => [view.status, view.attempt]),
          [
            ["cancelled", 1],
            ["cancelled", 2]
          ]
        )
      }
    }
  )
}

const below: Subject = {
  name: "an agent below another is stopped with grace, and cancels the tasks that it has open",
  covers: [],
  laws: ["K12", "K18"],
  ...runs,
  program: agent(
    Effect.gen(function* () {
      const { child } = yield* AgentContext
      const tasks = yield* AgentTasks
      const started = yield* child(
        "below",
        Effect.gen(function* () {
          const { schedule } = yield* AgentContext
          const task = yield* schedule(Sleep, { ms: 90 })
          return yield* task.join
        })
      )
      yield* Effect.sleep(3)
      yield* started.cancel({ mode: "graceful", timeout: 2 })
      const outcome = yield* started.await
      yield* Effect.sleep(5)
      const views = yield* tasks.list("agent/below")
      return [outcome._tag, views.map(({ status }) => status)]
    }),
    (trial) => completes(trial, ["Cancelled", ["cancelled"]])
  )
}

export const subjects: ReadonlyArray<Subject> = [races, joins, limits, replaces, below]
