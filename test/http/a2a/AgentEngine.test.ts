import type * as A2A from "@a2a-js/sdk"
import { describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scheduler from "effect/Scheduler"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import * as Nursery from "../../../src/fibers/Nursery.ts"
import * as Stragglers from "../../../src/fibers/Stragglers.ts"
import * as CancelReason from "../../../src/fibers/CancelReason.ts"
import * as Task from "../../../src/fibers/Task.ts"
import { Tasks } from "../../../src/fibers/Tasks.ts"
import * as Agent from "../../../src/http/a2a/Agent.ts"
import * as AgentEngine from "../../../src/http/a2a/AgentEngine.ts"
import * as Card from "../../../src/http/a2a/Card.ts"
import { textOf } from "../../../src/http/a2a/Content.ts"
import type { Turn } from "../../../src/http/a2a/Turn.ts"
import { callOf, reading, requestOf, stateOf, withEngine, wordOf, wordsOf } from "./engines.ts"

const idOf = (id: string, metadata?: Record<string, unknown>): A2A.CancelTaskRequest => ({ tenant: "", id, metadata })

const errorName = <A>(effect: Effect.Effect<A, Error>): Effect.Effect<string> =>
  Effect.match(effect, { onFailure: ({ name }) => name, onSuccess: () => "no error" })

/** Until everything that can go on waits for something; the clock does not warn of its sleeps then, which ends those of a clean-up. */
const turns = Effect.andThen(TestClock.adjust(0), Effect.repeat(Effect.yieldNow, { times: 8 }))

const begun = (sent: AgentEngine.Sent) => Effect.as(turns, sent)

describe("a task", () => {
  it.effect("is SUBMITTED, then WORKING, then has its result and is COMPLETED", () =>
    withEngine(
      ({ text }) => Effect.succeed(`You said ${text}`),
      (engine) =>
        Effect.gen(function* () {
          const sent = yield* engine.send(requestOf("hello"), callOf())
          expect(yield* wordsOf(sent.events)).toEqual(["SUBMITTED", "WORKING", "=You said hello.", "COMPLETED"])
          const task = yield* engine.get({ tenant: "", id: sent.taskId }, callOf())
          expect(stateOf(task)).toBe("COMPLETED")
          expect(task.artifacts).toHaveLength(1)
          expect(task.artifacts[0]).toMatchObject({ artifactId: "result", name: "result" })
          expect(task.history.map(({ parts, taskId }) => [textOf(parts), taskId])).toEqual([["hello", sent.taskId]])
        })
    )
  )

  it.effect("of a streaming agent appends each piece to one artifact", () =>
    withEngine(
      () => Stream.make("a", "b", "c"),
      (engine) =>
        Effect.gen(function* () {
          const sent = yield* engine.send(requestOf("go"), callOf())
          expect(yield* wordsOf(sent.events)).toEqual(["SUBMITTED", "WORKING", "=a", "+b", "+c", "COMPLETED"])
          const task = yield* sent.settled
          expect(task.artifacts.map(({ parts }) => textOf(parts))).toEqual(["abc"])
        })
    )
  )

  it.effect("has in an artifact what each of its pieces says of it", () =>
    withEngine(
      ({ artifact }) =>
        Effect.gen(function* () {
          yield* artifact("a", { id: "it", extensions: ["urn:one"], metadata: { a: 1 } })
          yield* artifact("b", { id: "it", append: true, extensions: ["urn:two", "urn:one"], metadata: { b: 2 } })
          yield* artifact("c", { id: "it", append: true, name: "It" })
        }),
      (engine) =>
        Effect.gen(function* () {
          const sent = yield* engine.send(requestOf("go"), callOf())
          const events = yield* Stream.runCollect(sent.events)
          const said = events.flatMap(({ response: { payload } }) =>
            payload?.$case === "artifactUpdate" ? [payload.value.artifact!.extensions] : []
          )
          expect(said).toEqual([["urn:one"], ["urn:two", "urn:one"], []])
          expect((yield* sent.settled).artifacts).toMatchObject([
            { artifactId: "it", name: "It", extensions: ["urn:one", "urn:two"], metadata: { a: 1, b: 2 } }
          ])
        })
    )
  )

  it.effect("that fails is FAILED with the failure's message, and a defect tells nothing of itself", () =>
    withEngine(
      ({ text }) => (text === "die" ? Effect.die(new Error("secret")) : Effect.fail(new Error("no such city"))),
      (engine) =>
        Effect.gen(function* () {
          const failed = yield* engine.send(requestOf("fail"), callOf())
          expect((yield* wordsOf(failed.events)).at(-1)).toBe("FAILED no such city")
          const died = yield* engine.send(requestOf("die"), callOf())
          expect((yield* wordsOf(died.events)).at(-1)).toBe("FAILED The agent failed")
        })
    )
  )

  it.effect("knows the tasks that its message refers to, each once, but none of others and none that is unknown", () =>
    withEngine(
      ({ references, text }) =>
        text === "tell" ? Effect.succeed(references.map((task) => `${stateOf(task)} ${task.id}`)) : Effect.void,
      (engine) =>
        Effect.gen(function* () {
          const own = yield* engine.send(requestOf("go"), callOf({ user: "ann" }))
          const other = yield* engine.send(requestOf("go"), callOf({ user: "bob" }))
          yield* turns
          // As many as the largest body has room for: a copy of the task for each would be too much for any server.
          const referenceTaskIds = [other.taskId, "unknown", ...Array<string>(25_000).fill(own.taskId)]
          const telling = yield* engine.send(requestOf("tell", { referenceTaskIds }), callOf({ user: "ann" }))
          const told = yield* telling.settled
          expect(told.artifacts[0]!.parts.map((part) => textOf([part]))).toEqual([`COMPLETED ${own.taskId}`])
        })
    )
  )

  it.effect("that the agent rejects is REJECTED, and says why", () =>
    withEngine(
      ({ reject }) => reject("I write only verses"),
      (engine) =>
        Effect.gen(function* () {
          const sent = yield* engine.send(requestOf("prose"), callOf())
          expect((yield* wordsOf(sent.events)).at(-1)).toBe("REJECTED I write only verses")
        })
    )
  )

  it.effect("goes on when the request that started it, and its streams, are gone", () =>
    withEngine(
      () => Effect.as(Effect.sleep("1 minute"), "done"),
      (engine) =>
        Effect.gen(function* () {
          const fiber = yield* Effect.forkChild(
            Effect.flatMap(engine.send(requestOf("go"), callOf()), ({ events }) => Stream.runDrain(events))
          )
          yield* turns
          yield* Fiber.interrupt(fiber)
          yield* TestClock.adjust("1 minute")
          const { tasks } = yield* engine.list(listOf(), callOf())
          expect(tasks.map(stateOf)).toEqual(["COMPLETED"])
        })
    )
  )
})

const listOf = (fields?: Partial<A2A.ListTasksRequest>): A2A.ListTasksRequest => ({
  tenant: "",
  contextId: "",
  status: 0,
  pageToken: "",
  statusTimestampAfter: undefined,
  ...fields
})

describe("a cancel", () => {
  it.effect("between the first event and the first step means that the work never starts", () => {
    let steps = 0
    return withEngine(
      () => Effect.sync(() => void steps++),
      (engine) =>
        Effect.gen(function* () {
          const sent = yield* engine.send(requestOf("go"), callOf())
          const task = yield* engine.cancel(idOf(sent.taskId), callOf())
          expect(stateOf(task)).toBe("CANCELED")
          expect(yield* wordsOf(sent.events)).toEqual(["SUBMITTED", "CANCELED Task was cancelled"])
          expect(steps).toBe(0)
        })
    )
  })

  it.effect("interrupts at once, tells who asked and why, and nothing follows", () => {
    const seen: Array<string> = []
    return withEngine(
      ({ artifact, say }) =>
        Effect.onInterrupt(Effect.andThen(artifact("first"), Effect.sleep("1 hour")), () =>
          Effect.gen(function* () {
            const reason = yield* CancelReason.current
            seen.push(reason._tag === "Some" ? reason.value.message : "none")
            yield* Effect.sleep("1 second")
            yield* say("cleaning up")
          })
        ),
      (engine) =>
        Effect.gen(function* () {
          const sent = yield* Effect.flatMap(engine.send(requestOf("go"), callOf({ user: "ann" })), begun)
          const events = yield* reading(sent.events)
          const cancelling = yield* Effect.forkChild(
            engine.cancel(idOf(sent.taskId, { reason: "too late", by: "mallory" }), callOf({ user: "ann" }))
          )
          yield* TestClock.adjust("1 second")
          const task = yield* Fiber.join(cancelling)
          expect(stateOf(task)).toBe("CANCELED")
          expect(task.metadata).toMatchObject({
            rescind: { source: "request", message: "too late", by: "ann", how: "interrupted", tookMillis: 1000 }
          })
          yield* events.done
          expect(events.seen).toEqual([
            "SUBMITTED",
            "WORKING",
            "=first",
            "WORKING cleaning up",
            "CANCELED too late (by ann)"
          ])
          expect(seen).toEqual(["too late"])
        })
    )
  })

  it.effect("gives up after 2 seconds by default, lists the straggler, and its later words go nowhere", () =>
    withEngine(
      ({ artifact }) =>
        Effect.as(Effect.uninterruptible(Effect.andThen(Effect.sleep("10 seconds"), artifact("late"))), "x"),
      (engine) =>
        Effect.gen(function* () {
          const sent = yield* Effect.flatMap(engine.send(requestOf("go"), callOf()), begun)
          const cancelling = yield* Effect.forkChild(engine.cancel(idOf(sent.taskId), callOf()))
          yield* TestClock.adjust("1999 millis")
          expect(cancelling.pollUnsafe()).toBeUndefined()
          yield* TestClock.adjust("1 millis")
          const task = yield* Fiber.join(cancelling)
          expect(task.metadata).toMatchObject({ rescind: { how: "abandoned", stragglers: [sent.taskId] } })
          expect((yield* Stragglers.list).map(({ name }) => name)).toContain(sent.taskId)
          yield* TestClock.adjust("20 seconds")
          expect(yield* engine.get({ tenant: "", id: sent.taskId }, callOf())).toEqual(task)
          expect(yield* wordsOf(sent.events)).toEqual(["SUBMITTED", "WORKING", expect.stringContaining("CANCELED")])
        })
    )
  )

  it.effect("with grace lets a task finish, and then it was not cancelable", () =>
    withEngine(
      Agent.make("graceful", {
        description: "Finishes",
        grace: "5 seconds",
        giveUp: "10 seconds",
        run: () => Effect.as(Effect.sleep("3 seconds"), "finished")
      }),
      (engine) =>
        Effect.gen(function* () {
          const sent = yield* Effect.flatMap(engine.send(requestOf("go"), callOf()), begun)
          const cancelling = yield* Effect.forkChild(errorName(engine.cancel(idOf(sent.taskId), callOf())))
          yield* TestClock.adjust("3 seconds")
          expect(yield* Fiber.join(cancelling)).toBe("TaskNotCancelableError")
          expect(stateOf(yield* sent.settled)).toBe("COMPLETED")
        })
    )
  )

  it.effect("answers the same to all who ask, also afterwards", () =>
    withEngine(
      () => Effect.onInterrupt(Effect.never, () => Effect.sleep("1 second")),
      (engine) =>
        Effect.gen(function* () {
          const sent = yield* Effect.flatMap(engine.send(requestOf("go"), callOf()), begun)
          const cancels = yield* Effect.forkChild(
            Effect.all(
              Array.from({ length: 100 }, (_, index) =>
                engine.cancel(idOf(sent.taskId, { reason: `number ${index}` }), callOf())
              ),
              { concurrency: "unbounded" }
            )
          )
          yield* TestClock.adjust("1 second")
          const answers = yield* Fiber.join(cancels)
          const again = yield* engine.cancel(idOf(sent.taskId), callOf())
          expect(new Set([...answers, again].map((task) => JSON.stringify(task))).size).toBe(1)
          expect(again.metadata).toMatchObject({ rescind: { message: "number 0" } })
        })
    )
  )

  it.effect("is refused for what ended otherwise, and for what nobody knows", () =>
    withEngine(
      ({ reject, text }) => (text === "fail" ? Effect.fail("no") : text === "reject" ? reject("no") : Effect.void),
      (engine) =>
        Effect.gen(function* () {
          for (const text of ["fail", "reject", "complete"]) {
            const { settled, taskId } = yield* engine.send(requestOf(text), callOf())
            const before = yield* settled
            expect(yield* errorName(engine.cancel(idOf(taskId), callOf()))).toBe("TaskNotCancelableError")
            expect(yield* settled).toEqual(before)
          }
          expect(yield* errorName(engine.cancel(idOf("nobody"), callOf()))).toBe("TaskNotFoundError")
          expect(yield* errorName(engine.cancel(idOf(" "), callOf()))).toBe("RequestMalformedError")
        })
    )
  )

  it.effect("whose caller leaves is not taken back", () =>
    withEngine(
      () => Effect.onInterrupt(Effect.never, () => Effect.sleep("1 second")),
      (engine) =>
        Effect.gen(function* () {
          const sent = yield* Effect.flatMap(engine.send(requestOf("go"), callOf()), begun)
          const cancelling = yield* Effect.forkChild(engine.cancel(idOf(sent.taskId), callOf()), {
            startImmediately: true
          })
          yield* turns
          const exit = yield* Effect.andThen(Fiber.interrupt(cancelling), Fiber.await(cancelling))
          expect(Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause)).toBe(true)
          yield* TestClock.adjust("1 second")
          expect(stateOf(yield* sent.settled)).toBe("CANCELED")
        })
    )
  )

  it.effect("publishes what there is, for an agent that has partial results", () => {
    const agent = (partialResult: boolean) =>
      Agent.make("writer", {
        description: "Writes",
        partialResult,
        run: ({ partial }) => Effect.andThen(Effect.andThen(partial("half a"), partial("half a verse")), Effect.never)
      })
    const words = (partialResult: boolean) =>
      withEngine(agent(partialResult), (engine) =>
        Effect.gen(function* () {
          const sent = yield* Effect.flatMap(engine.send(requestOf("go"), callOf()), begun)
          yield* engine.cancel(idOf(sent.taskId), callOf())
          return yield* wordsOf(sent.events)
        })
      )
    return Effect.gen(function* () {
      const end = "CANCELED Task was cancelled"
      expect(yield* words(true)).toEqual(["SUBMITTED", "WORKING", "=half a verse.", end])
      expect(yield* words(false)).toEqual(["SUBMITTED", "WORKING", end])
    })
  })
})

describe("a question", () => {
  const asking = ({ ask }: { readonly ask: (question: string) => Effect.Effect<A2A.Message> }) =>
    Effect.gen(function* () {
      const city = yield* ask("Which city?")
      const day = yield* ask("Which day?")
      return `${textOf(city.parts)} on ${textOf(day.parts)}`
    })

  it.effect("waits for the next message to the task, and the first waiter has its answer", () =>
    withEngine(asking, (engine) =>
      Effect.gen(function* () {
        const first = yield* engine.send(requestOf("weather"), callOf())
        expect(yield* wordsOf(first.events)).toEqual(["SUBMITTED", "WORKING", "INPUT_REQUIRED Which city?"])
        const { contextId, id } = yield* first.settled
        const second = yield* engine.send(requestOf("Rome", { taskId: id }), callOf())
        expect(yield* wordsOf(second.events)).toEqual(["WORKING", "INPUT_REQUIRED Which day?"])
        const third = yield* engine.send(requestOf("Monday", { taskId: id, contextId }), callOf())
        const task = yield* third.settled
        expect(stateOf(task)).toBe("COMPLETED")
        expect(task.artifacts.map(({ parts }) => textOf(parts))).toEqual(["Rome on Monday"])
        expect(task.history.map(({ parts }) => textOf(parts))).toEqual([
          "weather",
          "Which city?",
          "Rome",
          "Which day?",
          "Monday"
        ])
      })
    )
  )

  it.effect("does not outlive a cancel", () =>
    withEngine(asking, (engine) =>
      Effect.gen(function* () {
        const sent = yield* engine.send(requestOf("weather"), callOf())
        yield* sent.settled
        const stream = yield* engine.subscribe({ tenant: "", id: sent.taskId }, callOf())
        const events = yield* reading(stream)
        expect(stateOf(yield* engine.cancel(idOf(sent.taskId), callOf()))).toBe("CANCELED")
        yield* events.done
        expect(events.seen).toEqual(["INPUT_REQUIRED", "CANCELED Task was cancelled"])
        const late = engine.send(requestOf("Rome", { taskId: sent.taskId }), callOf())
        expect(yield* errorName(late)).toBe("UnsupportedOperationError")
      })
    )
  )

  it.effect("is not asked by a task that is being stopped: its streams wait for the end, not for an answer", () =>
    withEngine(
      ({ ask }) => Effect.uninterruptible(Effect.andThen(Effect.sleep("1 second"), Effect.asVoid(ask("Sure?")))),
      (engine) =>
        Effect.gen(function* () {
          const sent = yield* Effect.flatMap(engine.send(requestOf("go"), callOf()), begun)
          const events = yield* reading(sent.events)
          const cancelling = yield* Effect.forkChild(engine.cancel(idOf(sent.taskId), callOf()))
          yield* TestClock.adjust("1 second")
          expect(stateOf(yield* Fiber.join(cancelling))).toBe("CANCELED")
          yield* events.done
          expect(events.seen).toEqual(["SUBMITTED", "WORKING", "CANCELED Task was cancelled"])
        })
    )
  )

  it.effect("that is not waited for any longer leaves the task WORKING", () =>
    withEngine(
      ({ ask }) => Effect.andThen(Effect.timeoutOption(ask("Well?"), "1 minute"), Effect.sleep("1 minute")),
      (engine) =>
        Effect.gen(function* () {
          const sent = yield* engine.send(requestOf("go"), callOf())
          expect(stateOf(yield* sent.settled)).toBe("INPUT_REQUIRED")
          yield* TestClock.adjust("1 minute")
          expect(stateOf(yield* engine.get({ tenant: "", id: sent.taskId }, callOf()))).toBe("WORKING")
          const late = engine.send(requestOf("Rome", { taskId: sent.taskId }), callOf())
          expect(yield* errorName(late)).toBe("UnsupportedOperationError")
          yield* TestClock.adjust("1 minute")
          expect(stateOf(yield* sent.settled)).toBe("COMPLETED")
        })
    )
  )

  it.effect("of a child that is cancelled alone leaves the task WORKING", () =>
    withEngine(
      ({ ask }) =>
        Nursery.run("children", (nursery: Nursery.Nursery<never>) =>
          Effect.gen(function* () {
            const child = yield* nursery.spawn("asks", ask("Well?"))
            yield* Effect.sleep("1 minute")
            yield* Task.cancel(child)
            yield* Effect.sleep("1 minute")
          })
        ),
      (engine) =>
        Effect.gen(function* () {
          const sent = yield* engine.send(requestOf("go"), callOf())
          expect(stateOf(yield* sent.settled)).toBe("INPUT_REQUIRED")
          yield* TestClock.adjust("1 minute")
          expect(stateOf(yield* engine.get({ tenant: "", id: sent.taskId }, callOf()))).toBe("WORKING")
          yield* TestClock.adjust("1 minute")
          expect(stateOf(yield* sent.settled)).toBe("COMPLETED")
        })
    )
  )

  it.effect("waits until the one before it is answered", () =>
    withEngine(
      ({ ask, askForAuth }) =>
        Effect.map(Effect.all([ask("One?"), askForAuth("Two?")], { concurrency: 2 }), (answers) =>
          answers.map(({ parts }) => textOf(parts)).join()
        ),
      (engine) =>
        Effect.gen(function* () {
          const sent = yield* engine.send(requestOf("go"), callOf())
          expect(stateOf(yield* sent.settled)).toBe("INPUT_REQUIRED")
          const next = yield* engine.send(requestOf("1", { taskId: sent.taskId }), callOf())
          expect(stateOf(yield* next.settled)).toBe("AUTH_REQUIRED")
          const last = yield* engine.send(requestOf("2", { taskId: sent.taskId }), callOf())
          expect((yield* last.settled).artifacts.map(({ parts }) => textOf(parts))).toEqual(["1,2"])
        })
    )
  )

  const askingAndSaying = (asking: (turn: Turn) => Effect.Effect<A2A.Message>) => (turn: Turn) =>
    Effect.raceFirst(
      Effect.map(asking(turn), ({ parts }) => textOf(parts)),
      Effect.forEach(
        ["a half", "all"],
        (much) => Effect.andThen(Effect.sleep("1 minute"), turn.say(`I have read ${much}`, { [much]: true })),
        { discard: true }
      ).pipe(Effect.andThen(Effect.never))
    )

  it.effect("stays open, and in the status, while the agent says something else", () =>
    withEngine(
      askingAndSaying(({ ask }) => ask("Which city?")),
      (engine) =>
        Effect.gen(function* () {
          const sent = yield* engine.send(requestOf("weather"), callOf())
          const asked = yield* sent.settled
          const follower = yield* reading(yield* engine.subscribe({ tenant: "", id: sent.taskId }, callOf()))
          yield* TestClock.adjust("1 minute")
          yield* TestClock.adjust("1 minute")
          const task = yield* engine.get({ tenant: "", id: sent.taskId }, callOf())
          expect(task.status).toEqual(asked.status)
          expect(task.metadata).toEqual({ "a half": true, all: true })
          // Nor does it end the streams that wait for the answer.
          expect(follower.seen).toEqual([
            "INPUT_REQUIRED",
            "INPUT_REQUIRED I have read a half",
            "INPUT_REQUIRED I have read all"
          ])
          const last = yield* engine.send(requestOf("Rome", { taskId: sent.taskId }), callOf())
          expect(stateOf(last.task)).toBe("WORKING")
          expect(stateOf(yield* last.settled)).toBe("COMPLETED")
          yield* follower.done
          expect(follower.seen.slice(3)).toEqual(["WORKING", "=Rome.", "COMPLETED"])
          expect((yield* last.settled).history.map(({ parts }) => textOf(parts))).toEqual([
            "weather",
            "Which city?",
            "I have read a half",
            "I have read all",
            "Rome"
          ])
        }).pipe(Effect.scoped)
    )
  )

  it.effect("for credentials stays open too, and what is said meanwhile goes to the streams, which go on", () =>
    withEngine(
      askingAndSaying(({ askForAuth }) => askForAuth("Who are you?")),
      (engine) =>
        Effect.gen(function* () {
          const sent = yield* engine.send(requestOf("weather"), callOf())
          const first = yield* reading(sent.events)
          yield* turns
          yield* TestClock.adjust("1 minute")
          const last = yield* engine.send(requestOf("Ann", { taskId: sent.taskId }), callOf())
          yield* Effect.andThen(last.settled, first.done)
          expect(first.seen).toEqual([
            "SUBMITTED",
            "WORKING",
            "AUTH_REQUIRED Who are you?",
            "AUTH_REQUIRED I have read a half",
            "WORKING",
            "=Ann.",
            "COMPLETED"
          ])
        }).pipe(Effect.scoped)
    )
  )
})

describe("readers", () => {
  it.effect("that are too slow are sent the whole task anew", () =>
    withEngine(
      () => Stream.range(0, 99).pipe(Stream.map(String)),
      (engine) =>
        Effect.gen(function* () {
          const sent = yield* engine.send(requestOf("go"), callOf())
          yield* sent.settled
          const events = yield* Stream.runCollect(sent.events)
          expect(events.map(({ response }) => wordOf(response))).toEqual(["SUBMITTED", "COMPLETED"])
          const { payload } = events[1]!.response
          expect(payload?.$case === "task" && payload.value.artifacts[0]?.parts).toHaveLength(100)
        }),
      { history: 10 }
    )
  )

  it.effect("that keep up miss nothing of an agent that says more at once than is kept", () => {
    const all = Array.from({ length: 5000 }, (_, n) => n)
    const said = (events: Stream.Stream<AgentEngine.AgentEvent>) =>
      Effect.map(wordsOf(events), (words) => words.map((word) => Number(word.replace(/^.* /, "").slice(-4))))
    return withEngine(
      ({ artifact, say, text }) =>
        text === "stream"
          ? Stream.fromIterable(all).pipe(Stream.map((n) => `${n}`.padStart(4, "0")))
          : Effect.forEach(all, (n) => (text === "say" ? say : artifact)(`${n}`.padStart(4, "0")), { discard: true }),
      (engine) =>
        Effect.forEach(["stream", "say", "artifact"], (text) =>
          Effect.gen(function* () {
            const { events } = yield* engine.send(requestOf(text), callOf())
            expect((yield* said(events)).slice(2, -1)).toEqual(all)
          })
        ),
      { history: 128 }
    )
  })

  it.effect("each get all of it, from where they came in", () =>
    withEngine(
      ({ artifact }) =>
        Effect.forEach(
          [0, 1, 2],
          (n) => Effect.andThen(Effect.sleep("1 second"), artifact(String(n), { id: "a", append: true })),
          { discard: true }
        ),
      (engine) =>
        Effect.gen(function* () {
          const sent = yield* Effect.flatMap(engine.send(requestOf("go"), callOf()), begun)
          const all = yield* reading(sent.events)
          yield* TestClock.adjust("1500 millis")
          const later = yield* reading(yield* engine.subscribe({ tenant: "", id: sent.taskId }, callOf()))
          yield* TestClock.adjust("2 seconds")
          yield* Effect.andThen(all.done, later.done)
          expect(all.seen).toEqual(["SUBMITTED", "WORKING", "=0", "+1", "+2", "COMPLETED"])
          expect(later.seen).toEqual(["WORKING", "+1", "+2", "COMPLETED"])
          const refused = engine.subscribe({ tenant: "", id: sent.taskId }, callOf())
          expect(yield* errorName(refused)).toBe("UnsupportedOperationError")
        })
    )
  )

  it.effect("are the last to leave a task of an agent that then stops", () =>
    withEngine(
      Agent.make("shy", { description: "Stops", onDisconnect: "cancel", linger: "1 minute", run: () => Effect.never }),
      (engine) =>
        Effect.gen(function* () {
          const sent = yield* Effect.flatMap(engine.send(requestOf("go"), callOf()), begun)
          const get = engine.get({ tenant: "", id: sent.taskId }, callOf())
          const first = yield* Effect.forkChild(Stream.runDrain(sent.events))
          const second = yield* Effect.forkChild(sent.settled)
          yield* turns
          yield* Fiber.interrupt(first)
          yield* turns
          yield* TestClock.adjust("2 minutes")
          expect(stateOf(yield* get)).toBe("WORKING")
          yield* Fiber.interrupt(second)
          yield* turns
          yield* TestClock.adjust("59 seconds")
          expect(stateOf(yield* get)).toBe("WORKING")
          yield* TestClock.adjust("1 second")
          yield* turns
          expect(yield* get).toMatchObject({ metadata: { rescind: { source: "disconnect" } } })
        })
    )
  )
})

describe("whoever waits for the answer", () => {
  const shy = Agent.make("shy", { description: "Stops alone", onDisconnect: "cancel", run: () => Effect.never })

  it.effect("stops the task of an agent that works for it only, at whatever step it leaves", () =>
    withEngine(shy, (engine) =>
      Effect.gen(function* () {
        for (let steps = 0; steps < 80; steps++) {
          const client = yield* engine
            .answer(requestOf("go"), callOf())
            .pipe(Effect.provideService(Scheduler.MaxOpsBeforeYield, 3), Effect.forkChild)
          yield* Effect.repeat(Effect.yieldNow, { times: steps })
          yield* Fiber.interrupt(client)
          yield* turns
        }
        const { tasks } = yield* engine.list(listOf({ pageSize: 100 }), callOf())
        expect(tasks.length).toBeGreaterThan(10)
        expect(new Set(tasks.map(stateOf))).toEqual(new Set(["CANCELED"]))
      })
    )
  )

  const asking = (linger?: "1 minute") =>
    Agent.make("shy", {
      description: "Stops alone, and asks",
      onDisconnect: "cancel",
      linger,
      run: ({ ask }) => Effect.map(ask("Which city?"), ({ parts }) => textOf(parts))
    })

  it.effect("has not left when it is asked", () =>
    withEngine(asking(), (engine) =>
      Effect.gen(function* () {
        const { id } = yield* engine.answer(requestOf("go"), callOf())
        yield* turns
        yield* TestClock.adjust("1 hour")
        expect(stateOf(yield* engine.get({ tenant: "", id }, callOf()))).toBe("INPUT_REQUIRED")
        expect(stateOf(yield* engine.answer(requestOf("Rome", { taskId: id }), callOf()))).toBe("COMPLETED")
      })
    )
  )

  it.effect("has the time to answer for which its task lingers", () =>
    withEngine(asking("1 minute"), (engine) =>
      Effect.gen(function* () {
        const ids: Array<string> = []
        for (let count = 0; count < 2; count++) ids.push((yield* engine.answer(requestOf("go"), callOf())).id)
        yield* turns
        yield* TestClock.adjust("59 seconds")
        const [late, intime] = ids as [string, string]
        expect(stateOf(yield* engine.answer(requestOf("Rome", { taskId: intime }), callOf()))).toBe("COMPLETED")
        yield* TestClock.adjust("1 second")
        yield* turns
        expect(yield* engine.get({ tenant: "", id: late }, callOf())).toMatchObject({
          metadata: { rescind: { source: "disconnect" } }
        })
      })
    )
  )

  it.effect("has it when the task has ended, or asks; at once if it says so", () =>
    withEngine(
      ({ ask }) => Effect.map(ask("Which city?"), ({ parts }) => textOf(parts)),
      (engine) =>
        Effect.gen(function* () {
          const asked = yield* engine.answer(requestOf("go"), callOf())
          expect(stateOf(asked)).toBe("INPUT_REQUIRED")
          const ended = yield* engine.answer(requestOf("Rome", { taskId: asked.id }), callOf())
          expect(stateOf(ended)).toBe("COMPLETED")
          const atOnce = yield* engine.answer(requestOf("go", {}, { returnImmediately: true }), callOf())
          expect(stateOf(atOnce)).toBe("SUBMITTED")
        })
    )
  )

  it.effect("waits on when what it waited for was answered before it was told", () => {
    let onStart: Effect.Effect<unknown> = Effect.void
    const states: Array<string> = []
    return withEngine(
      ({ ask }) =>
        Effect.gen(function* () {
          yield* onStart
          yield* ask("Which city?")
          yield* Effect.sleep("1 second")
        }),
      (engine) =>
        Effect.gen(function* () {
          const answered = (request: A2A.SendMessageRequest) =>
            Effect.map(engine.answer(request, callOf()), (task) => states.push(stateOf(task)))
          // It does not know that there is a question yet, and comes in the turn in which it is asked.
          onStart = Effect.flatMap(Effect.orDie(engine.list(listOf(), callOf())), ({ tasks }) =>
            Effect.forkDetach(answered(requestOf("Rome", { taskId: tasks[0]!.id })))
          )
          yield* Effect.forkChild(answered(requestOf("go")))
          yield* turns
          expect(states).toEqual([])
          yield* TestClock.adjust("1 second")
          yield* turns
          expect(states).toEqual(["COMPLETED", "COMPLETED"])
        })
    )
  })
})

describe("artifacts", () => {
  it.effect.each([1, 30])(
    "stand once each, as they were published last, in the order of the first: %d of them",
    (count) =>
      withEngine(
        ({ artifact }) =>
          Effect.gen(function* () {
            const ids = Array.from({ length: count }, (_, index) => `${index}`)
            for (const id of ids) yield* artifact(`old ${id}`, { id })
            for (const id of ids) yield* artifact(`new ${id}`, { id, name: `name ${id}` })
            for (const id of ids) yield* artifact("!", { id, append: true })
          }),
        (engine) =>
          Effect.gen(function* () {
            const { artifacts } = yield* engine.answer(requestOf("go"), callOf())
            const read = artifacts.map(({ artifactId, name, parts }) => `${artifactId} ${name}: ${textOf(parts)}`)
            expect(read).toEqual(Array.from({ length: count }, (_, index) => `${index} name ${index}: new ${index}!`))
          })
      )
  )
})

describe("agents in one service", () => {
  it.effect("know nothing of the tasks of each other, nor of what the program runs", () =>
    withEngine(
      () => Effect.never,
      (engine) =>
        Effect.gen(function* () {
          const other = Agent.make("other", { description: "Another", run: () => Effect.never })
          const card = Card.make(other, { interfaces: ["http://other.test/"] })
          const beside = yield* AgentEngine.make(other, { card })
          const { taskId } = yield* engine.send(requestOf("go"), callOf())
          const tasks = yield* Tasks
          yield* tasks.start("own", Effect.never)
          for (const id of [taskId, "own"]) {
            expect(yield* errorName(beside.get({ tenant: "", id }, callOf()))).toBe("TaskNotFoundError")
            expect(yield* errorName(beside.cancel(idOf(id), callOf()))).toBe("TaskNotFoundError")
          }
          expect((yield* beside.list(listOf(), callOf())).tasks).toEqual([])
          expect((yield* engine.list(listOf(), callOf())).tasks.map(({ id }) => id)).toEqual([taskId])
        })
    )
  )
})

describe("who asks", () => {
  it.effect("sees the tasks of its own user and tenant only", () =>
    withEngine(
      () => Effect.never,
      (engine) =>
        Effect.gen(function* () {
          const ann = callOf({ user: "ann", tenant: "red" })
          const { taskId } = yield* engine.send(requestOf("go"), ann)
          for (const call of [callOf(), callOf({ user: "ann" }), callOf({ user: "bob", tenant: "red" })]) {
            expect(yield* errorName(engine.get({ tenant: "", id: taskId }, call))).toBe("TaskNotFoundError")
            expect(yield* errorName(engine.cancel(idOf(taskId), call))).toBe("TaskNotFoundError")
            expect(yield* errorName(engine.subscribe({ tenant: "", id: taskId }, call))).toBe("TaskNotFoundError")
            expect(yield* errorName(engine.send(requestOf("x", { taskId }), call))).toBe("TaskNotFoundError")
            expect((yield* engine.list(listOf(), call)).totalSize).toBe(0)
          }
          expect((yield* engine.list(listOf(), ann)).tasks.map(({ id }) => id)).toEqual([taskId])
        })
    )
  )

  it.effect("gets pages, the latest first", () =>
    withEngine(
      () => Effect.void,
      (engine) =>
        Effect.gen(function* () {
          const ids: Array<string> = []
          for (let index = 0; index < 5; index++) {
            const sent = yield* engine.send(
              requestOf(String(index), { contextId: index < 3 ? "one" : "two" }),
              callOf()
            )
            yield* sent.settled
            yield* TestClock.adjust("1 second")
            ids.unshift(sent.taskId)
          }
          const list = (fields: Partial<A2A.ListTasksRequest>) => engine.list(listOf(fields), callOf())
          const first = yield* list({ pageSize: 2 })
          expect(first).toMatchObject({ totalSize: 5, pageSize: 2 })
          const second = yield* list({ pageSize: 2, pageToken: first.nextPageToken })
          const third = yield* list({ pageSize: 2, pageToken: second.nextPageToken })
          expect([first, second, third].flatMap(({ tasks }) => tasks.map(({ id }) => id))).toEqual(ids)
          expect(third.nextPageToken).toBe("")
          expect((yield* list({ contextId: "one" })).totalSize).toBe(3)
          expect((yield* list({ status: 2 })).totalSize).toBe(0)
          expect((yield* list({ statusTimestampAfter: "1970-01-01T00:00:03Z" })).totalSize).toBe(2)
          for (const wrong of [{ pageSize: 0 }, { pageToken: "x" }, { status: 99 }, { statusTimestampAfter: "soon" }]) {
            expect(yield* errorName(list(wrong))).toBe("RequestMalformedError")
          }
        })
    )
  )
})

describe("a message that cannot be taken", () => {
  it.effect("is refused by what is wrong with it, and starts nothing", () =>
    withEngine(
      Agent.make("picky", {
        description: "Takes text",
        inputModes: ["text/*"],
        extensions: [{ uri: "urn:needed", required: true }],
        run: () => Effect.never
      }),
      (engine) =>
        Effect.gen(function* () {
          const call = () => callOf({ extensions: ["urn:needed"] })
          const image = { metadata: undefined, filename: "", mediaType: "image/png" }
          const send = (request: A2A.SendMessageRequest) => errorName(engine.send(request, call()))
          expect(yield* send({ ...requestOf("x"), message: undefined })).toBe("RequestMalformedError")
          expect(yield* send(requestOf("x", { messageId: "" }))).toBe("RequestMalformedError")
          expect(yield* send(requestOf("x", { parts: [] }))).toBe("RequestMalformedError")
          expect(yield* send(requestOf("x", { taskId: "nobody" }))).toBe("TaskNotFoundError")
          expect(yield* send(requestOf("x", { parts: [image] }))).toBe("ContentTypeNotSupportedError")
          expect(yield* errorName(engine.send(requestOf("x"), callOf()))).toBe("ExtensionSupportRequiredError")
          const { contextId, id } = (yield* engine.send(requestOf("x"), call())).task
          expect(yield* send(requestOf("x", { taskId: id, contextId: `not ${contextId}` }))).toBe(
            "RequestMalformedError"
          )
          expect(yield* send(requestOf("x", { taskId: id }))).toBe("UnsupportedOperationError")
          expect((yield* engine.list(listOf(), call())).totalSize).toBe(1)
        })
    )
  )

  it.effect("is refused by a server that drains, or runs as many as it may", () =>
    withEngine(
      () => Effect.never,
      (engine) =>
        Effect.gen(function* () {
          const sent = yield* Effect.flatMap(engine.send(requestOf("x"), callOf()), begun)
          const events = yield* reading(sent.events)
          const full = yield* Effect.flip(engine.send(requestOf("x"), callOf()))
          expect(full).toMatchObject({ name: "Unavailable", status: 429, retryAfter: 1 })
          const tasks = yield* Tasks
          yield* tasks.drain({ giveUp: "30 seconds" })
          yield* events.done
          expect(events.seen.at(-1)).toBe("CANCELED The service is shutting down")
          const drained = yield* Effect.flip(engine.send(requestOf("x"), callOf()))
          expect(drained).toMatchObject({ name: "Unavailable", status: 503 })
        }),
      { maxRunning: 1 }
    )
  )
})

it.effect("one stream of 2,000 pieces keeps each piece once", () =>
  withEngine(
    () => Stream.range(0, 1999).pipe(Stream.map(String)),
    (engine) =>
      Effect.gen(function* () {
        const sent = yield* engine.send(requestOf("go"), callOf())
        const task = yield* sent.settled
        expect(task.artifacts[0]!.parts.map((part) => Number(textOf([part])))).toEqual(
          Array.from({ length: 2000 }, (_, n) => n)
        )
      })
  )
)
