/**
 * The requirements of S2 in both modes, an agent that streams and one that answers at once: each is cancelled at every
 * one of the points at which the source asks its flag. Here nothing is asked: the interrupt comes there by itself.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as CancelReason from "../../../src/fibers/CancelReason.ts"
import * as Checkpoint from "../../../src/fibers/Checkpoint.ts"
import * as Stragglers from "../../../src/fibers/Stragglers.ts"
import * as Task from "../../../src/fibers/Task.ts"
import { Tasks } from "../../../src/fibers/Tasks.ts"
import * as Agent from "../../../src/http/a2a/Agent.ts"
import type { AgentEngine } from "../../../src/http/a2a/AgentEngine.ts"
import type { Turn } from "../../../src/http/a2a/Turn.ts"
import * as Gate from "../../../src/testing/Gate.ts"
import { leakChecked } from "../../support/leaks.ts"
import { settle } from "../../support/settle.ts"
import { callOf, reading, requestOf, stateOf, withEngine } from "./engines.ts"

const cancelOf = (id: string) => ({ tenant: "", id, metadata: { reason: "enough", by: "ann" } })

const end = "CANCELED enough (by ann)"

/** Runs a test with an engine over the agent, and nothing may be left of it. */
const engine = (
  agent: Agent.Agent<never> | ((turn: Turn) => Agent.Run<Scope.Scope>),
  test: (engine: AgentEngine, tasks: Tasks["Service"]) => Effect.Effect<unknown, unknown, any>
): Effect.Effect<void> =>
  leakChecked(
    withEngine(agent as Agent.Agent<never>, (engine) =>
      Effect.gen(function* () {
        const tasks = yield* Tasks
        yield* test(engine, tasks)
        const left = yield* tasks.list
        expect(left.filter(({ endedAt }) => endedAt._tag === "None")).toEqual([])
        expect(yield* Stragglers.list).toEqual([])
      })
    )
  ) as Effect.Effect<void>

/** What an agent did, and how often it closed what it had opened. */
class Diary {
  readonly did: Array<string> = []
  open = 0
  private readonly stage: string
  private readonly gate: Gate.Gate

  constructor(stage: string, gate: Gate.Gate) {
    this.stage = stage
    this.gate = gate
  }

  /** Stays here if this is the stage. */
  at(stage: string): Effect.Effect<void> {
    return stage === this.stage ? this.gate.arrive : Effect.void
  }

  do(what: string): Effect.Effect<void> {
    return Effect.sync(() => this.did.push(what))
  }

  readonly resource = Effect.acquireRelease(
    Effect.sync(() => this.open++),
    () => Effect.sync(() => this.open--)
  )
}

const modes = {
  streaming: {
    stages: ["start", "chunk 0", "chunk 1", "chunk 2", "publish"],
    agent: (diary: Diary) => (turn: Turn) =>
      Effect.gen(function* () {
        yield* diary.resource
        yield* diary.at("start")
        yield* diary.do("called")
        yield* Stream.runForEach(Stream.range(0, 2), (n) =>
          Effect.gen(function* () {
            yield* diary.at(`chunk ${n}`)
            yield* turn.artifact(String(n), { id: "result", append: true })
          })
        )
        yield* diary.at("publish")
        yield* turn.artifact("all", { id: "final", last: true })
        yield* diary.do("published")
      })
  },
  "non-streaming": {
    stages: ["start", "call", "called", "publish"],
    agent: (diary: Diary) => (turn: Turn) =>
      Effect.gen(function* () {
        yield* diary.resource
        yield* diary.at("start")
        yield* diary.do("called")
        yield* diary.at("call")
        yield* diary.do("answered")
        yield* diary.at("called")
        yield* diary.at("publish")
        yield* turn.artifact("all", { id: "final", last: true })
        yield* diary.do("published")
      })
  }
} as const

const stages = Object.entries(modes).flatMap(([mode, { stages }]) => stages.map((stage) => ({ mode, stage }) as const))

const started = (agent: AgentEngine) =>
  Effect.gen(function* () {
    const sent = yield* agent.send(requestOf("go"), callOf())
    return { ...sent, read: yield* reading(sent.events) }
  })

describe("a cancel at each point, in both modes", () => {
  it.effect.each(stages)(
    "ends the task there, with one event, all closed: $mode at $stage (S2-01, S2-02, S2-16, S2-17, S2-18, S2-65, S2-66)",
    ({ mode, stage }) =>
      Effect.gen(function* () {
        const gate = yield* Gate.make(stage)
        const diary = new Diary(stage, gate)
        yield* engine(modes[mode as keyof typeof modes].agent(diary), (agent) =>
          Effect.gen(function* () {
            const { read, taskId } = yield* started(agent)
            yield* gate.reached
            expect(diary.open).toBe(1)
            const task = yield* agent.cancel(cancelOf(taskId), callOf())
            yield* gate.open
            yield* read.done
            yield* settle
            expect(stateOf(task)).toBe("CANCELED")
            expect(diary.open).toBe(0)
            const chunks = stage === "publish" ? 3 : stage.startsWith("chunk") ? Number(stage.slice(6)) : 0
            const artifacts = mode === "streaming" ? ["=0", "+1", "+2"].slice(0, chunks) : []
            expect(read.seen).toEqual(["SUBMITTED", "WORKING", ...artifacts, end])
            expect(diary.did).not.toContain("published")
          })
        )
      })
  )

  it.effect("before the start nothing is called: streaming (S2-19, S2-47, S2-55, S2x-04)", () => before("streaming"))

  it.effect("before the start nothing is called: non-streaming (S2-22, S2-47, S2-55, S2x-04)", () =>
    before("non-streaming")
  )

  const before = (mode: keyof typeof modes) =>
    Effect.gen(function* () {
      // Nothing holds it: what it does it would have done by then.
      const diary = new Diary("nowhere", yield* Gate.make("nowhere"))
      yield* engine(modes[mode].agent(diary), (agent) =>
        Effect.gen(function* () {
          // In the turn of the start, so before the first step of the work (S2-14).
          const sent = yield* agent.send(requestOf("go"), callOf())
          const task = yield* agent.cancel(cancelOf(sent.taskId), callOf())
          yield* settle
          expect([stateOf(task), diary.did, diary.open]).toEqual(["CANCELED", [], 0])
          const read = yield* reading(sent.events)
          yield* read.done
          expect(read.seen).toEqual(["SUBMITTED", end])
        })
      )
    })

  it.effect("in the turn of the start it finds the task, one turn later too (S2-14, S2-15, S2-04, S2-07)", () =>
    engine(
      () => Effect.never,
      (agent, tasks) =>
        Effect.forEach([0, 1, 2, 3], (turns) =>
          Effect.gen(function* () {
            const { taskId } = yield* agent.send(requestOf("go"), callOf())
            expect((yield* tasks.info(taskId))._tag).toBe("Some")
            if (turns > 0) yield* Effect.repeat(Effect.yieldNow, { times: turns - 1 })
            expect(stateOf(yield* agent.cancel(cancelOf(taskId), callOf()))).toBe("CANCELED")
          })
        )
    )
  )

  it.effect("after chunk k no other is published (S2-20, S2-48, S2-56)", () =>
    engine(
      () =>
        Stream.map(
          Stream.tap(Stream.range(0, 9), () => Effect.sleep("100 millis")),
          String
        ),
      (agent) =>
        Effect.gen(function* () {
          for (let k = 0; k < 10; k++) {
            const { read, taskId } = yield* started(agent)
            yield* TestClock.adjust(100 * k + 50)
            yield* agent.cancel(cancelOf(taskId), callOf())
            yield* read.done
            expect(read.seen.filter((word) => /^[=+]/.test(word))).toHaveLength(k)
            expect(read.seen.at(-1)).toBe(end)
          }
        })
    )
  )

  it.effect("between the last chunk and the end no result is committed (S2-21, S2-25, S2-49)", () =>
    Effect.gen(function* () {
      const gate = yield* Gate.make("collected")
      const collecting = () =>
        Effect.gen(function* () {
          const chunks = yield* Stream.runCollect(Stream.make("a", "b"))
          yield* gate.arrive
          return chunks.join("")
        })
      yield* engine(collecting, (agent) =>
        Effect.gen(function* () {
          const { read, taskId } = yield* started(agent)
          yield* gate.reached
          yield* agent.cancel(cancelOf(taskId), callOf())
          yield* gate.open
          yield* read.done
          expect(read.seen).toEqual(["SUBMITTED", "WORKING", end])
          expect((yield* agent.get({ tenant: "", id: taskId }, callOf())).artifacts).toEqual([])
        })
      )
    })
  )

  it.effect("between start and call, the call never happens (S2-23)", () =>
    Effect.gen(function* () {
      const gate = yield* Gate.make("prepared")
      let calls = 0
      const model = Effect.sync(() => `answer ${++calls}`)
      yield* engine(
        () => Effect.andThen(gate.arrive, model),
        (agent) =>
          Effect.gen(function* () {
            const { taskId } = yield* started(agent)
            yield* gate.reached
            yield* agent.cancel(cancelOf(taskId), callOf())
            yield* gate.open
            yield* settle
            expect(calls).toBe(0)
          })
      )
    })
  )

  it.effect("a call that ignores the cancel has its result discarded (S2-24)", () =>
    Effect.gen(function* () {
      const did: Array<string> = []
      const deaf = Effect.uninterruptible(
        Effect.andThen(
          Effect.sleep("1 second"),
          Effect.sync(() => did.push("answered"))
        )
      )
      yield* engine(
        () => Effect.map(deaf, () => "the answer"),
        (agent) =>
          Effect.gen(function* () {
            const { read, taskId } = yield* started(agent)
            yield* TestClock.adjust("100 millis")
            const cancelling = yield* Effect.forkChild(agent.cancel(cancelOf(taskId), callOf()), {
              startImmediately: true
            })
            yield* TestClock.adjust("899 millis")
            expect(cancelling.pollUnsafe()).toBeUndefined()
            yield* TestClock.adjust("1 millis")
            expect(stateOf(yield* Fiber.join(cancelling))).toBe("CANCELED")
            yield* read.done
            expect([did, read.seen]).toEqual([["answered"], ["SUBMITTED", "WORKING", end]])
          })
      )
    })
  )
})

describe("the signal", () => {
  /** Asked to stop, it has a minute to do so by itself. */
  const graceful = (run: (turn: Turn) => Agent.Run<never>) =>
    Agent.make("graceful", { description: "Has grace", grace: "1 minute", giveUp: "2 minutes", run })

  it.effect(
    "is seen by the task that asks for it, of the task that was meant (S2-03, S2-06, S2-27, S2-41, S2-45)",
    () => {
      const looked: Array<string> = []
      const looking = graceful(({ text }) =>
        Effect.repeat(
          Effect.gen(function* () {
            const requested = yield* Task.requested
            looked.push(`${text} ${requested._tag === "Some" ? requested.value.message : "-"}`)
            if (requested._tag === "Some") return yield* Effect.interrupt
            yield* Effect.sleep("1 second")
          }),
          { times: 4 }
        )
      )
      return engine(looking, (agent, tasks) =>
        Effect.gen(function* () {
          const one = yield* agent.send(requestOf("one"), callOf())
          const two = yield* agent.send(requestOf("two"), callOf())
          const state = (id: string) =>
            Effect.map(Effect.flatMap(tasks.info(id), Effect.fromOption), ({ state }) => state)
          yield* TestClock.adjust("1500 millis")
          const cancelling = yield* Effect.forkChild(agent.cancel(cancelOf(one.taskId), callOf()), {
            startImmediately: true
          })
          expect([yield* state(one.taskId), yield* state(two.taskId)]).toEqual(["cancelling", "running"])
          yield* TestClock.adjust("10 seconds")
          expect(yield* Fiber.join(cancelling)).toMatchObject({
            metadata: { rescind: { how: "cooperative", tookMillis: 500 } }
          })
          expect(stateOf(yield* two.settled)).toBe("COMPLETED")
          expect(looked.filter((line) => line.startsWith("one"))).toEqual(["one -", "one -", "one enough"])
          expect(looked.filter((line) => line === "two -")).toHaveLength(5)
          // Of one that never was, nothing is known (S2-28).
          expect(yield* tasks.info("nobody")).toMatchObject({ _tag: "None" })
        })
      )
    }
  )

  it.effect("can be awaited, and 100 at once are one (S2-43, S2-44)", () => {
    const woken: Array<string> = []
    const waiting = graceful(() =>
      Effect.map(Task.awaitRequest, ({ message }) => {
        woken.push(message)
        return "too late"
      })
    )
    return engine(waiting, (agent) =>
      Effect.gen(function* () {
        const { read, taskId } = yield* started(agent)
        yield* settle
        const answers = yield* Effect.all(
          Array.from({ length: 100 }, (_, n) =>
            Effect.flip(agent.cancel({ tenant: "", id: taskId, metadata: { reason: `reason ${n}` } }, callOf()))
          ),
          { concurrency: "unbounded" }
        )
        // It finished in its grace: that is not a cancel.
        expect(new Set(answers.map(({ name }) => name))).toEqual(new Set(["TaskNotCancelableError"]))
        yield* read.done
        expect([woken, read.seen]).toEqual([["reason 0"], ["SUBMITTED", "WORKING", "=too late.", "COMPLETED"]])
      })
    )
  })

  it.effect("ends a loop that only asks now and then, and one that only waits (S2-26, S2-45, S2-46)", () =>
    engine(
      graceful(({ text }) => (text === "waits" ? Effect.never : Effect.forever(Checkpoint.checkpoint))),
      (agent) =>
        Effect.forEach(
          [
            ["asks", "cooperative", 0],
            ["waits", "interrupted", 60_000]
          ] as const,
          ([text, how, tookMillis]) =>
            Effect.gen(function* () {
              const { taskId } = yield* agent.send(requestOf(text), callOf())
              yield* settle
              const cancelling = yield* Effect.forkChild(agent.cancel(cancelOf(taskId), callOf()), {
                startImmediately: true
              })
              yield* settle
              yield* TestClock.adjust(tookMillis)
              expect((yield* Fiber.join(cancelling)).metadata).toMatchObject({
                rescind: { how, tookMillis, source: "request" }
              })
            })
        )
    )
  )
})

describe("the flow", () => {
  it.effect(
    "in its order: signal, interrupt, wait, clean-up, one event, nothing left (S2-31, S2-10, S2-29, S2-60, S2x-02)",
    () => {
      const order: Array<string> = []
      const note = (what: string) => Effect.sync(() => order.push(what))
      const agent = Agent.make("agent", {
        description: "Is cancelled in order",
        grace: "100 millis",
        giveUp: "1 second",
        run: () =>
          Effect.gen(function* () {
            yield* Task.onCancel(({ message }) => note(`hook: ${message}`))
            yield* Effect.forkChild(
              Effect.flatMap(Task.awaitRequest, () => note("signal")),
              { startImmediately: true }
            )
            yield* Effect.never.pipe(
              Effect.onInterrupt(() =>
                Effect.gen(function* () {
                  const reason = yield* CancelReason.current
                  yield* note(`interrupt: ${reason._tag === "Some" ? reason.value.by : "nobody"}`)
                  yield* Effect.sleep("200 millis")
                  yield* note("clean")
                })
              )
            )
          })
      })
      return engine(agent, (agent, tasks) =>
        Effect.gen(function* () {
          const { events, taskId } = yield* agent.send(requestOf("go"), callOf())
          yield* Effect.forkChild(
            Stream.runForEach(events, ({ response: { payload } }) =>
              note(payload!.$case === "task" ? "task" : "event")
            ),
            { startImmediately: true }
          )
          yield* settle
          const cancelling = Effect.tap(agent.cancel(cancelOf(taskId), callOf()), note("answer"))
          const both = yield* Effect.forkChild(Effect.all([cancelling, cancelling], { concurrency: 2 }))
          yield* TestClock.adjust("99 millis")
          expect(order).toEqual(["task", "event", "signal"])
          yield* TestClock.adjust("1 millis")
          expect(order.slice(3)).toEqual(["interrupt: ann"])
          yield* TestClock.adjust("200 millis")
          yield* Fiber.join(both)
          expect(order.slice(4, 6)).toEqual(["clean", "hook: enough"])
          // Who reads the stream is told in a turn of its own.
          yield* settle
          expect(order.slice(6).toSorted()).toEqual(["answer", "answer", "event"])
          // In the tick of the end it is no longer among those that run.
          expect((yield* tasks.list).map(({ state }) => state)).toEqual(["cancelled"])
        })
      )
    }
  )

  it.effect("of a life: SUBMITTED, WORKING, a status for what it says, pieces, a last one, the end (S2x-12)", () => {
    const life = (run: (turn: Turn) => Agent.Run<never>) =>
      Effect.gen(function* () {
        const words: Array<string> = []
        yield* engine(run, (agent) =>
          Effect.gen(function* () {
            const { read } = yield* started(agent)
            yield* read.done
            words.push(...read.seen)
          })
        )
        return words
      })
    return Effect.gen(function* () {
      const streaming = yield* life(({ artifact, say }) =>
        Effect.gen(function* () {
          yield* say("thinking")
          yield* artifact("a", { id: "it" })
          yield* artifact("b", { id: "it", append: true })
          yield* artifact("c", { id: "it", append: true, last: true })
        })
      )
      expect(streaming).toEqual(["SUBMITTED", "WORKING", "WORKING thinking", "=a", "+b", "+c.", "COMPLETED"])
      expect(yield* life(() => Effect.succeed("answer"))).toEqual(["SUBMITTED", "WORKING", "=answer.", "COMPLETED"])
      const failing = yield* life(() => Effect.fail(new Error("no such model")))
      expect(failing).toEqual(["SUBMITTED", "WORKING", "FAILED no such model"])
    })
  })

  it.effect("a task is done again under a new id, beside its straggling first run (S2-53)", () => {
    let runs = 0
    return engine(
      Agent.make("mule", {
        description: "Ignores its first cancel",
        giveUp: "1 second",
        run: () =>
          Effect.suspend(() =>
            ++runs === 1 ? Effect.as(Effect.uninterruptible(Effect.sleep("1 minute")), "old") : Effect.succeed("new")
          )
      }),
      (agent) =>
        Effect.gen(function* () {
          const first = yield* agent.send(requestOf("go"), callOf())
          yield* settle
          const cancelling = yield* Effect.forkChild(agent.cancel(cancelOf(first.taskId), callOf()))
          yield* TestClock.adjust("1 second")
          yield* Fiber.join(cancelling)
          expect(yield* Stragglers.list).toHaveLength(1)
          const again = yield* agent.send(requestOf("go", { contextId: first.task.contextId }), callOf())
          const task = yield* again.settled
          expect([stateOf(task), task.contextId === first.task.contextId, task.id === first.taskId]).toEqual([
            "COMPLETED",
            true,
            false
          ])
          yield* TestClock.adjust("1 minute")
          expect(yield* again.settled).toEqual(task)
          expect(stateOf(yield* first.settled)).toBe("CANCELED")
        })
    )
  })
})
