/** A2A agents without a socket: whoever sends, follows, cancels or answers is cancelled anywhere, or paused there. */
import assert from "node:assert/strict"
import type * as A2A from "@a2a-js/sdk"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Agent from "../../../../src/http/a2a/Agent.ts"
import type { AgentEngine, AgentEvent } from "../../../../src/http/a2a/AgentEngine.ts"
import { textOf } from "../../../../src/http/a2a/Content.ts"
import type { Turn } from "../../../../src/http/a2a/Turn.ts"
import { callOf, requestOf, withEngine } from "../../../http/a2a/engines.ts"
import { isTerminal, replayed, stored } from "../../../http/a2a/replayed.ts"
import { completes, sourcesReadBy } from "../../laws.ts"
import { member } from "../../reports.ts"
import type { Subject } from "../../Subject.ts"

/** The task as it is stored in the end, and what was told of it. */
interface Seen {
  stored: A2A.Task | undefined
  readonly streams: Array<ReadonlyArray<A2A.StreamResponse>>
  readonly answers: Array<A2A.Task>
}

/** Runs with an engine, and with a place for what is seen; in the end the task that `id` names is read. */
const engaged =
  (
    agent: Agent.Agent<never> | ((turn: Turn) => Agent.Run<Scope.Scope>),
    test: (engine: AgentEngine, seen: Seen) => Effect.Effect<unknown, unknown, Scope.Scope>,
    expected: ReadonlyArray<string>
  ): Subject["program"] =>
  () => {
    const seen: Seen = { stored: undefined, streams: [], answers: [] }
    return {
      program: withEngine(agent as Agent.Agent<never>, (engine) =>
        Effect.gen(function* () {
          yield* countedIds
          yield* test(engine, seen)
          const { tasks } = yield* engine.list(
            {
              tenant: "",
              contextId: "",
              status: 0,
              pageToken: "",
              statusTimestampAfter: undefined,
              includeArtifacts: true
            },
            callOf()
          )
          seen.stored = tasks[0]!
          return tasks.map((task) => stored(task).state.replace("TASK_STATE_", ""))
        })
      ),
      invariant: (trial) => {
        completes(trial, expected)
        if (seen.stored === undefined) return
        const what = stored(seen.stored)
        assert.ok(isTerminal(what), `it ended as ${what.state}`)
        for (const stream of seen.streams) assert.deepEqual(replayed(stream), what)
        for (const answer of seen.answers) assert.deepEqual(stored(answer), what)
      }
    }
  }

/** Ids are chance, and they stand in reasons: two runs of one schedule would differ. */
const countedIds = Effect.acquireRelease(
  Effect.sync(() => {
    const real: unknown = Reflect.get(crypto, "randomUUID")
    let count = 0
    Reflect.set(crypto, "randomUUID", () => `0-0-0-0-${count++}`)
    return real
  }),
  (real) => Effect.sync(() => Reflect.set(crypto, "randomUUID", real))
)

const collect = (events: Stream.Stream<AgentEvent>, { streams }: Seen) =>
  Effect.tap(
    Effect.map(Stream.runCollect(events), (events) => events.map(({ response }) => response)),
    (stream) => Effect.sync(() => streams.push(stream))
  )

const cancelled = (engine: AgentEngine, id: string, { answers }: Seen, reason = "enough") =>
  Effect.tap(engine.cancel({ tenant: "", id, metadata: { reason } }, callOf()), (task) =>
    Effect.sync(() => answers.push(task))
  )

const works = (turn: Turn) =>
  member(
    "work",
    Effect.gen(function* () {
      yield* turn.artifact("0", { id: "it" })
      yield* Effect.sleep(2)
      yield* turn.artifact("1", { id: "it", append: true })
      yield* Effect.sleep(6)
      return "done"
    })
  )

const sends: Subject = {
  name: "a message is answered when its task has ended, and its stream says the same",
  covers: [],
  laws: ["K1", "K15", "K38"],
  program: engaged(
    works,
    (engine, seen) =>
      Effect.gen(function* () {
        const { events, settled } = yield* engine.send(requestOf("go"), callOf())
        yield* Effect.all([collect(events, seen), settled], { concurrency: 2 })
      }),
    ["COMPLETED"]
  ),
  invariant: (trial) => {
    // Whoever sent it does not own it: its task ends with the service.
    for (const source of sourcesReadBy(trial, "work")) assert.equal(source, "scope-closed")
  }
}

const cancels: Subject = {
  name: "two cancels while it works have one answer, which its stream tells, and it has cleaned up before",
  covers: [],
  laws: ["K1", "K8", "K9", "K15", "K18", "K38"],
  program: engaged(
    works,
    (engine, seen) =>
      Effect.gen(function* () {
        const { events, taskId } = yield* engine.send(requestOf("go"), callOf())
        const reading = yield* Effect.forkChild(collect(events, seen))
        yield* Effect.sleep(3)
        yield* Effect.all([cancelled(engine, taskId, seen, "one"), cancelled(engine, taskId, seen, "two")], {
          concurrency: 2
        })
        yield* Fiber.join(reading)
        // Once more the same.
        yield* cancelled(engine, taskId, seen)
      }),
    ["CANCELED"]
  )
}

const unstarted: Subject = {
  name: "a cancel in the turn of the start is a cancel, whether the work has begun or not",
  covers: [],
  laws: ["K10", "K38"],
  program: engaged(
    works,
    (engine, seen) =>
      Effect.gen(function* () {
        const { events, taskId } = yield* engine.send(requestOf("go"), callOf())
        yield* cancelled(engine, taskId, seen)
        yield* collect(events, seen)
      }),
    ["CANCELED"]
  )
}

const follows: Subject = {
  name: "whoever subscribes while it works and while it is cancelled has the task as it is stored",
  covers: [],
  laws: ["K38"],
  program: engaged(
    works,
    (engine, seen) =>
      Effect.gen(function* () {
        const { taskId } = yield* engine.send(requestOf("go"), callOf())
        const subscribe = Effect.ignore(
          Effect.flatMap(engine.subscribe({ tenant: "", id: taskId }, callOf()), (events) => collect(events, seen))
        )
        const early = yield* Effect.forkChild(subscribe)
        yield* Effect.sleep(1)
        const leaves = yield* Effect.forkChild(
          Effect.flatMap(engine.subscribe({ tenant: "", id: taskId }, callOf()), Stream.runDrain)
        )
        yield* Effect.sleep(2)
        yield* Fiber.interrupt(leaves)
        yield* Effect.all([cancelled(engine, taskId, seen), subscribe], { concurrency: 2 })
        yield* Fiber.join(early)
      }),
    ["CANCELED"]
  )
}

const asks: Subject = {
  name: "a question waits for its answer, and whoever waits for the task is told of it",
  covers: [],
  laws: ["K1", "K15", "K38"],
  program: engaged(
    ({ ask }) =>
      member(
        "work",
        Effect.map(ask("Which city?"), ({ parts }) => textOf(parts))
      ),
    (engine, seen) =>
      Effect.gen(function* () {
        const { settled, taskId } = yield* engine.send(requestOf("go"), callOf())
        const { history } = yield* settled
        assert.equal(history.length, 2)
        const { events } = yield* engine.send(requestOf("Rome", { taskId }), callOf())
        yield* collect(events, seen)
      }),
    ["COMPLETED"]
  )
}

const asksInVain: Subject = {
  name: "a cancel while it asks ends it, and an answer that comes meanwhile is taken, or refused, never lost",
  covers: [],
  laws: ["K1", "K15", "K38"],
  program: engaged(
    ({ ask }) => member("work", Effect.andThen(ask("Which city?"), Effect.never)),
    (engine, seen) =>
      Effect.gen(function* () {
        const { settled, taskId } = yield* engine.send(requestOf("go"), callOf())
        yield* settled
        const answer = Effect.result(engine.send(requestOf("Rome", { taskId }), callOf()))
        const [, answered] = yield* Effect.all([cancelled(engine, taskId, seen), answer], { concurrency: 2 })
        if (answered._tag === "Success") yield* collect(answered.success.events, seen)
        else assert.equal((answered.failure as Error).name, "UnsupportedOperationError")
      }),
    ["CANCELED"]
  )
}

const leaves: Subject = {
  name: "the last of two clients that leave stops the task of an agent that works for them only",
  covers: [],
  laws: ["K1", "K15", "K18"],
  program: engaged(
    Agent.make("shy", {
      description: "Stops alone",
      onDisconnect: "cancel",
      linger: 3,
      run: () => member("work", Effect.never)
    }),
    (engine) =>
      Effect.gen(function* () {
        const { events, settled } = yield* engine.send(requestOf("go"), callOf())
        const one = yield* Effect.forkChild(Stream.runDrain(events))
        const two = yield* Effect.forkChild(settled)
        yield* Effect.sleep(1)
        yield* Fiber.interrupt(one)
        yield* Effect.sleep(5)
        yield* Fiber.interrupt(two)
        yield* Effect.sleep(20)
      }),
    ["CANCELED"]
  ),
  invariant: (trial) => {
    if (trial.cancelled === undefined) assert.deepEqual(sourcesReadBy(trial, "work"), ["disconnect"])
  }
}

export const subjects: ReadonlyArray<Subject> = [sends, cancels, unstarted, follows, asks, asksInVain, leaves]
