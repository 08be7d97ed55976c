/** How long a cancel of an A2A task waits, what becomes of what does not end, and that nothing in its way stops it (S2). */
import { describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Stragglers from "../../../src/fibers/Stragglers.ts"
import { Tasks } from "../../../src/fibers/Tasks.ts"
import * as Agent from "../../../src/http/a2a/Agent.ts"
import type { AgentEngine } from "../../../src/http/a2a/AgentEngine.ts"
import type { Turn } from "../../../src/http/a2a/Turn.ts"
import { leakChecked } from "../../support/leaks.ts"
import { settle } from "../../support/settle.ts"
import { callOf, reading, requestOf, stateOf, withEngine } from "./engines.ts"

const cancelOf = (id: string) => ({ tenant: "", id, metadata: { reason: "enough" } })

const agentOf = (giveUp: Duration.Input | undefined, run: (turn: Turn) => Agent.Run<never>) =>
  Agent.make("agent", { description: "Under test", giveUp, run })

/** Is told at once, and takes so long to clean up. */
const cleansFor = (duration: Duration.Input, cleaned: () => void = () => {}) =>
  Effect.onInterrupt(Effect.never, () => Effect.andThen(Effect.sleep(duration), Effect.sync(cleaned)))

const running = (engine: AgentEngine, text = "go") =>
  Effect.gen(function* () {
    const sent = yield* engine.send(requestOf(text), callOf())
    const read = yield* reading(sent.events)
    yield* settle
    return { ...sent, read }
  })

/** How long it took until the cancel was answered, and the answer. */
const timed = (engine: AgentEngine, id: string, within: Duration.Input) =>
  Effect.gen(function* () {
    const cancelling = yield* Effect.forkChild(engine.cancel(cancelOf(id), callOf()), { startImmediately: true })
    for (let waited = 0; waited <= Duration.toMillis(within); waited += 100) {
      yield* settle
      if (cancelling.pollUnsafe() !== undefined) return { waited, task: yield* Fiber.join(cancelling) }
      yield* TestClock.adjust(100)
    }
    yield* Fiber.interrupt(cancelling)
    return undefined
  })

describe("a cancel waits", () => {
  it.effect.each([
    { cleanUp: "1900 millis", waited: 1900, how: "interrupted" },
    { cleanUp: "10 seconds", waited: 2000, how: "abandoned" }
  ])("for 2 seconds at most: clean-up of $cleanUp (S2-08, S2-50, S2-67)", ({ cleanUp, how, waited }) =>
    leakChecked(
      withEngine(
        agentOf(undefined, () => cleansFor(cleanUp as "10 seconds")),
        (engine) =>
          Effect.gen(function* () {
            const { read, taskId } = yield* running(engine)
            const answer = yield* timed(engine, taskId, "1 minute")
            expect(answer).toMatchObject({ waited, task: { metadata: { rescind: { how, tookMillis: waited } } } })
            yield* read.done
            expect(read.seen.at(-1)).toBe("CANCELED enough")
            yield* TestClock.adjust("1 minute")
          })
      )
    )
  )

  it.effect.each([
    { giveUp: 0, waited: 0 },
    { giveUp: "5 seconds", waited: 5000 },
    { giveUp: Infinity, waited: 60_000 }
  ])("as long as the agent says: $giveUp (S2-68)", ({ giveUp, waited }) =>
    leakChecked(
      withEngine(
        agentOf(giveUp as Duration.Input, () => cleansFor("1 minute")),
        (engine) =>
          Effect.gen(function* () {
            const { taskId } = yield* running(engine)
            expect((yield* timed(engine, taskId, "2 minutes"))?.waited).toBe(waited)
            yield* TestClock.adjust("1 minute")
          })
      )
    )
  )

  it.effect("and says how each ended: by force, or not at all (S2-46)", () =>
    leakChecked(
      withEngine(
        Agent.make("two", {
          description: "Ends in two ways",
          grace: "100 millis",
          giveUp: "1 second",
          run: ({ text }) =>
            text === "forced" ? Effect.never : Effect.asVoid(Effect.uninterruptible(Effect.sleep("1 minute")))
        }),
        (engine) =>
          Effect.gen(function* () {
            for (const [text, how] of [
              ["forced", "interrupted"],
              ["deaf", "abandoned"]
            ] as const) {
              const { taskId } = yield* running(engine, text)
              const answer = yield* timed(engine, taskId, "2 seconds")
              expect(answer).toMatchObject({ task: { metadata: { rescind: { how } } } })
            }
            yield* TestClock.adjust("1 minute")
          })
      )
    )
  )
})

describe("what does not end in time", () => {
  it.effect("goes on with its clean-up, is listed, and nobody hears of it again (S2-51, S2x-01)", () => {
    let cleaned = 0
    return leakChecked(
      withEngine(
        agentOf("2 seconds", ({ artifact, say }) =>
          Effect.onInterrupt(Effect.never, () =>
            Effect.gen(function* () {
              yield* Effect.sleep("10 seconds")
              yield* artifact("late")
              yield* say("late")
              cleaned++
            })
          )
        ),
        (engine) =>
          Effect.gen(function* () {
            const { read, taskId } = yield* running(engine)
            const answer = yield* timed(engine, taskId, "1 minute")
            expect([answer?.waited, cleaned]).toEqual([2000, 0])
            expect((yield* Stragglers.list).map(({ name }) => name)).toEqual([taskId])
            const stored = yield* engine.get({ tenant: "", id: taskId }, callOf())
            yield* TestClock.adjust("7900 millis")
            expect([cleaned, (yield* Stragglers.list).length]).toEqual([0, 1])
            yield* TestClock.adjust("100 millis")
            expect([cleaned, yield* Stragglers.list]).toEqual([1, []])
            yield* read.done
            expect(read.seen).toEqual(["SUBMITTED", "WORKING", "CANCELED enough"])
            expect(yield* engine.get({ tenant: "", id: taskId }, callOf())).toEqual(stored)
            // Once more the same answer.
            expect(yield* engine.cancel(cancelOf(taskId), callOf())).toEqual(stored)
          })
      )
    )
  })

  it.effect("does not complete afterwards, whatever it returns (S2x-01)", () =>
    leakChecked(
      withEngine(
        agentOf(0, () => Effect.as(Effect.uninterruptible(Effect.sleep("3 seconds")), "done")),
        (engine) =>
          Effect.gen(function* () {
            const { read, settled, taskId } = yield* running(engine)
            yield* engine.cancel(cancelOf(taskId), callOf())
            yield* TestClock.adjust("3 seconds")
            yield* read.done
            expect(read.seen).toEqual(["SUBMITTED", "WORKING", "CANCELED enough"])
            expect([stateOf(yield* settled), (yield* settled).artifacts]).toEqual(["CANCELED", []])
          })
      )
    )
  )
})

describe("a question that no cancel can interrupt", () => {
  const deaf = Effect.fnUntraced(function* (turn: Turn) {
    yield* Effect.uninterruptible(turn.ask("Well?"))
  })

  it.effect("ends when the cancel gives up, since nobody can answer it any more (S2x-01, S2x-11)", () =>
    leakChecked(
      withEngine(agentOf("1 second", deaf), (engine) =>
        Effect.gen(function* () {
          const { taskId } = yield* running(engine)
          const answer = yield* timed(engine, taskId, "1 minute")
          expect(answer).toMatchObject({ waited: 1000, task: { metadata: { rescind: { how: "abandoned" } } } })
          yield* settle
          expect(yield* Stragglers.list).toEqual([])
        })
      )
    )
  )

  it.effect("is not asked any more by a task that was given up (S2x-01)", () =>
    leakChecked(
      withEngine(
        agentOf(0, (turn) =>
          Effect.uninterruptible(Effect.andThen(Effect.sleep("1 second"), Effect.asVoid(turn.ask("Well?"))))
        ),
        (engine) =>
          Effect.gen(function* () {
            const { read, taskId } = yield* running(engine)
            yield* engine.cancel(cancelOf(taskId), callOf())
            yield* TestClock.adjust("1 second")
            yield* read.done
            expect(read.seen).toEqual(["SUBMITTED", "WORKING", "CANCELED enough"])
            expect(yield* Stragglers.list).toEqual([])
          })
      )
    )
  )
})

describe("whoever cancels", () => {
  it.effect("can itself be stopped while it waits; the task ends all the same (S2x-05)", () =>
    leakChecked(
      withEngine(
        agentOf("1 minute", () => cleansFor("1 second")),
        (engine) =>
          Effect.gen(function* () {
            const { read, taskId } = yield* running(engine)
            const cancelling = yield* Effect.forkChild(engine.cancel(cancelOf(taskId), callOf()), {
              startImmediately: true
            })
            yield* Fiber.interrupt(cancelling)
            const exit = yield* Fiber.await(cancelling)
            expect(Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause)).toBe(true)
            expect(read.seen.at(-1)).toBe("WORKING")
            yield* TestClock.adjust("1 second")
            yield* read.done
            expect(read.seen.at(-1)).toBe("CANCELED enough")
          })
      )
    )
  )

  it.effect("without an id is told so, and nothing is cancelled or thrown (S2-11, S2-37)", () =>
    leakChecked(
      withEngine(
        agentOf(undefined, () => Effect.never),
        (engine) =>
          Effect.gen(function* () {
            const { taskId } = yield* running(engine)
            for (const id of ["", "  "]) {
              const error = yield* Effect.flip(engine.cancel(cancelOf(id), callOf()))
              expect([error.name, error.message]).toEqual(["RequestMalformedError", "The id of the task is required"])
            }
            expect(stateOf(yield* engine.get({ tenant: "", id: taskId }, callOf()))).toBe("WORKING")
          })
      )
    )
  )
})

describe("what fails meanwhile", () => {
  /** Whatever breaks, the answer, the one event, and that nothing is left, are the same. */
  const faults: { readonly [what: string]: (turn: Turn) => Agent.Run<never> } = {
    "a finalizer that dies": () => Effect.onInterrupt(Effect.never, () => Effect.die(new Error("Queue error"))),
    "a finalizer that throws": () =>
      Effect.onInterrupt(Effect.never, () =>
        Effect.sync(() => {
          throw new Error("Queue error")
        })
      ),
    "a resource that cannot be released": () =>
      Effect.acquireUseRelease(
        Effect.void,
        () => Effect.never,
        () => Effect.die(new Error("Queue error"))
      ),
    "a stream whose end fails": () =>
      Stream.ensuring(Stream.concat(Stream.make("a"), Stream.never), Effect.die(new Error("Queue error")))
  }

  it.effect.each(Object.keys(faults))(
    "neither stops the cancel nor is lost: %s (S2-12, S2-13, S2-40, S2-54, S2-58)",
    (what) => {
      const log: Array<string> = []
      return leakChecked(
        withEngine(agentOf("2 seconds", faults[what]!), (engine) =>
          Effect.gen(function* () {
            const { read, taskId } = yield* running(engine)
            const task = yield* engine.cancel(cancelOf(taskId), callOf())
            yield* read.done
            expect([stateOf(task), read.seen.at(-1)]).toEqual(["CANCELED", "CANCELED enough"])
            const tasks = yield* Tasks
            expect((yield* tasks.list).map(({ state }) => state)).toEqual(["cancelled"])
          })
        )
      ).pipe(
        Effect.andThen(
          Effect.sync(() => {
            expect(log.filter((line) => line.includes("Queue error"))).toHaveLength(1)
          })
        ),
        Effect.provide(Logger.layer([Logger.make((entry) => log.push(Logger.formatLogFmt.log(entry)))]))
      )
    }
  )

  it.effect("a subscriber that dies, stalls or leaves stops neither the cancel nor the others (S2-12, S2-58)", () =>
    leakChecked(
      withEngine(
        agentOf("2 seconds", () => Stream.concat(Stream.make("a", "b"), Stream.never)),
        (engine) =>
          Effect.gen(function* () {
            const sent = yield* running(engine)
            const subscribe = engine.subscribe({ tenant: "", id: sent.taskId }, callOf())
            const dies = yield* Effect.forkChild(
              Stream.runForEach(yield* subscribe, () => Effect.die(new Error("reader")))
            )
            const stalls = yield* Effect.forkChild(Stream.runForEach(yield* subscribe, () => Effect.never))
            const leaves = yield* Effect.forkChild(Stream.runDrain(yield* subscribe))
            yield* settle
            yield* Fiber.interrupt(leaves)
            yield* settle
            expect(stateOf(yield* engine.get({ tenant: "", id: sent.taskId }, callOf()))).toBe("WORKING")
            const task = yield* engine.cancel(cancelOf(sent.taskId), callOf())
            yield* sent.read.done
            expect([stateOf(task), sent.read.seen]).toEqual([
              "CANCELED",
              ["SUBMITTED", "WORKING", "=a", "+b", "CANCELED enough"]
            ])
            expect(Exit.isFailure(yield* Fiber.await(dies))).toBe(true)
            yield* Fiber.interrupt(stalls)
          })
      )
    )
  )
})
