import { TaskState } from "@a2a-js/sdk"
import {
  type AgentExecutionEvent,
  DefaultExecutionEventBus,
  DefaultExecutionEventBusManager,
  type ExecutionEventBus,
  InMemoryTaskStore
} from "@a2a-js/sdk/server"
import { describe, expect, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Logger from "effect/Logger"
import * as Scope from "effect/Scope"
import { TestClock } from "effect/testing"
import * as Stragglers from "../../../src/fibers/Stragglers.ts"
import * as Task from "../../../src/fibers/Task.ts"
import { Tasks } from "../../../src/fibers/Tasks.ts"
import * as Agent from "../../../src/http/a2a/Agent.ts"
import * as AgentExecutor from "../../../src/http/a2a/AgentExecutor.ts"
import { textOf } from "../../../src/http/a2a/Content.ts"
import type { Turn } from "../../../src/http/a2a/Turn.ts"
import { leakChecked } from "../../support/leaks.ts"
import { stateOf, wordOf } from "./engines.ts"
import { contextOf, executorOf, settled, withExecutor } from "./ours.ts"
import { failingStore, reading, sdkServer, standing, turns } from "./sdkServer.ts"

const id = "task-1"

/** What an executor publishes on a bus of the SDK's, in words. */
const recorded = () => {
  const bus = new DefaultExecutionEventBus()
  const events: Array<AgentExecutionEvent> = []
  bus.on("event", (event) => events.push(event))
  return {
    bus,
    events,
    get words(): ReadonlyArray<string> {
      return events.map(({ data, kind }) => `${kind === "task" ? "task " : ""}${wordOf(responseOf(data, kind))}`)
    }
  }
}

const responseOf = (value: unknown, $case: string) => ({ payload: { $case, value } }) as Parameters<typeof wordOf>[0]

/** Whether a promise is fulfilled after everything that can happen now. */
const done = (promise: Promise<void>) =>
  Effect.promise(async () => {
    let over = "pending"
    promise.then(
      () => (over = "fulfilled"),
      () => (over = "rejected")
    )
    await turns()
    return over
  })

const asking = ({ artifact, ask }: Turn) =>
  Effect.gen(function* () {
    yield* artifact("before", { id: "a", append: true })
    const city = yield* ask("Which city?")
    return `Sunny in ${textOf(city.parts)}`
  })

describe("execute", () => {
  it.effect("publishes the task first, in its first step, and is fulfilled behind the end", () =>
    leakChecked(
      withExecutor(
        () => Effect.succeed("result"),
        ({ executor }) =>
          Effect.gen(function* () {
            const out = recorded()
            const running = executor.execute(contextOf(id), out.bus)
            expect(out.words).toEqual(["task SUBMITTED"])
            let atTheEnd = 0
            void running.then(() => (atTheEnd = out.events.length))
            expect(yield* done(running)).toBe("fulfilled")
            expect(out.words).toEqual(["task SUBMITTED", "WORKING", "=result.", "COMPLETED"])
            expect(atTheEnd).toBe(4)
          })
      )
    )
  )

  it.effect("is fulfilled for every way to end", () =>
    leakChecked(
      withExecutor(
        ({ reject, text }) =>
          text === "fail"
            ? Effect.fail("no")
            : text === "die"
              ? Effect.die("x")
              : text === "reject"
                ? reject("no")
                : Effect.interrupt,
        ({ executor }) =>
          Effect.forEach(["fail", "die", "reject", "interrupt"], (text) =>
            Effect.gen(function* () {
              const out = recorded()
              expect(yield* done(executor.execute(contextOf(text, text), out.bus))).toBe("fulfilled")
              return out.words.at(-1)
            })
          )
      )
    ).pipe(
      Effect.provide(Logger.layer([])),
      Effect.map((ends) =>
        expect(ends).toEqual([
          "FAILED no",
          "FAILED The agent failed",
          "REJECTED no",
          expect.stringContaining("CANCELED")
        ])
      )
    )
  )

  it.effect("is fulfilled at a question; the next turn begins with the task, and the agent goes on", () =>
    leakChecked(
      withExecutor(asking, ({ executor }) =>
        Effect.gen(function* () {
          const first = recorded()
          expect(yield* done(executor.execute(contextOf(id), first.bus))).toBe("fulfilled")
          expect(first.words).toEqual(["task SUBMITTED", "WORKING", "=before", "INPUT_REQUIRED Which city?"])
          const second = recorded()
          expect(yield* done(executor.execute(contextOf(id, "Rome"), second.bus))).toBe("fulfilled")
          expect(second.words).toEqual(["task WORKING", "WORKING", "=Sunny in Rome.", "COMPLETED"])
          expect(first.events).toHaveLength(4)
        })
      )
    )
  )

  it.effect("says the end again to a turn that comes behind it", () =>
    withExecutor(
      () => Effect.succeed("result"),
      ({ executor }) =>
        Effect.gen(function* () {
          yield* done(executor.execute(contextOf(id), recorded().bus))
          const late = recorded()
          expect(yield* done(executor.execute(contextOf(id, "more"), late.bus))).toBe("fulfilled")
          expect(late.words).toEqual(["task COMPLETED", "COMPLETED"])
        })
    )
  )

  it.effect("rejects a task that Tasks does not take: in a drain, and over the limit", () =>
    leakChecked(
      withExecutor(
        () => Effect.never,
        ({ executor }) =>
          Effect.gen(function* () {
            const first = executor.execute(contextOf(id), recorded().bus)
            const full = recorded()
            expect(yield* done(executor.execute(contextOf("task-2"), full.bus))).toBe("fulfilled")
            expect(full.words).toEqual(["task REJECTED", expect.stringContaining("REJECTED 1 tasks are running")])
            const { drain } = yield* Tasks
            yield* drain()
            expect(yield* done(first)).toBe("fulfilled")
            const late = recorded()
            yield* done(executor.execute(contextOf("task-3"), late.bus))
            expect(late.words.at(-1)).toContain("REJECTED The task service is shutting down")
          }),
        { maxRunning: 1 }
      )
    )
  )

  it.effect("fails a task that was lost with another process, and keeps what is stored of it", () =>
    withExecutor(asking, ({ executor }) =>
      Effect.gen(function* () {
        const out = recorded()
        const stored = {
          id,
          contextId: "context",
          status: { state: TaskState.TASK_STATE_INPUT_REQUIRED, message: undefined, timestamp: undefined },
          artifacts: [],
          history: [contextOf(id, "weather").userMessage, contextOf(id, "Rome").userMessage],
          metadata: undefined
        }
        expect(yield* done(executor.execute(contextOf(id, "Rome", stored), out.bus))).toBe("fulfilled")
        expect(out.words).toEqual(["task FAILED", expect.stringContaining("FAILED The work on this task is lost")])
        const [task] = out.events
        const history = task?.kind === "task" ? task.data.history : []
        expect(history.map(({ parts }) => textOf(parts))).toEqual(["weather", "Rome"])
      })
    )
  )
})

describe("cancelTask", () => {
  it.effect("interrupts in its first step, before anything is published", () => {
    let seen = -1
    const out = recorded()
    return leakChecked(
      withExecutor(
        () => Effect.onInterrupt(Effect.never, () => Effect.sync(() => (seen = out.events.length))),
        ({ executor }) =>
          Effect.gen(function* () {
            const running = executor.execute(contextOf(id), out.bus)
            yield* settled
            const cancelling = executor.cancelTask(id, out.bus)
            expect(seen).toBe(2)
            expect(yield* done(cancelling)).toBe("fulfilled")
            expect(yield* done(running)).toBe("fulfilled")
            expect(out.words).toEqual(["task SUBMITTED", "WORKING", "CANCELED Task was cancelled"])
          })
      )
    )
  })

  it.effect("is fulfilled when the agent's giveUp has passed, and nothing follows the end", () =>
    withExecutor(
      Agent.make("stubborn", {
        description: "Does not stop",
        giveUp: "5 seconds",
        run: ({ artifact }) =>
          Effect.uninterruptible(Effect.as(Effect.andThen(Effect.sleep("1 minute"), artifact("late")), "x"))
      }),
      ({ executor }) =>
        Effect.gen(function* () {
          const out = recorded()
          const running = executor.execute(contextOf(id), out.bus)
          yield* settled
          const cancelling = executor.cancelTask(id, out.bus)
          yield* TestClock.adjust("4999 millis")
          expect(yield* done(cancelling)).toBe("pending")
          expect(yield* done(running)).toBe("pending")
          yield* TestClock.adjust("1 millis")
          expect(yield* done(cancelling)).toBe("fulfilled")
          expect(yield* done(running)).toBe("fulfilled")
          const words = out.words
          expect(words).toEqual(["task SUBMITTED", "WORKING", "CANCELED Task was cancelled"])
          expect((yield* Stragglers.list).map(({ name }) => name)).toContain(id)
          yield* TestClock.adjust("1 minute")
          yield* settled
          expect(out.words).toEqual(words)
        })
    )
  )

  it.effect("publishes the end of a task that waits for input", () =>
    leakChecked(
      withExecutor(asking, ({ executor }) =>
        Effect.gen(function* () {
          const out = recorded()
          yield* done(executor.execute(contextOf(id), out.bus))
          let published = 0
          void executor.cancelTask(id, out.bus).then(() => (published = out.events.length))
          yield* settled
          expect(out.words.at(-1)).toBe("CANCELED Task was cancelled")
          expect(published).toBe(5)
        })
      )
    )
  )

  it.effect("before execute is remembered: the agent never runs, S2-55", () => {
    let runs = 0
    return leakChecked(
      withExecutor(
        () => Effect.sync(() => void runs++),
        ({ executor }) =>
          Effect.gen(function* () {
            const before = recorded()
            expect(yield* done(executor.cancelTask(id, before.bus))).toBe("fulfilled")
            expect(before.words).toEqual(["CANCELED"])
            const out = recorded()
            expect(yield* done(executor.execute(contextOf(id), out.bus))).toBe("fulfilled")
            expect(out.words).toEqual(["task CANCELED", "CANCELED Task was cancelled"])
            const [, end] = out.events
            expect(end?.kind === "statusUpdate" && end.data.metadata).toMatchObject({ rescind: { source: "request" } })
            expect(runs).toBe(0)
            // Others are not touched.
            expect(yield* done(executor.execute(contextOf("task-2"), recorded().bus))).toBe("fulfilled")
            expect(runs).toBe(1)
          })
      )
    )
  })

  it.effect("in the step that publishes the task is in time: the agent never runs", () => {
    let runs = 0
    return leakChecked(
      withExecutor(
        () => Effect.sync(() => void runs++),
        ({ executor }) =>
          Effect.gen(function* () {
            const out = recorded()
            out.bus.on("event", ({ kind }) => kind === "task" && void executor.cancelTask(id, out.bus))
            expect(yield* done(executor.execute(contextOf(id), out.bus))).toBe("fulfilled")
            expect(out.words).toEqual(["task SUBMITTED", "CANCELED Task was cancelled"])
            expect(runs).toBe(0)
          })
      )
    )
  })

  it.effect("by a listener of what is published leaves nothing behind the end", () =>
    leakChecked(
      withExecutor(
        ({ artifact }) => Effect.andThen(Effect.andThen(artifact("0"), artifact("1")), Effect.never),
        ({ executor }) =>
          Effect.gen(function* () {
            const out = recorded()
            out.bus.on("event", ({ kind }) => kind === "artifactUpdate" && void executor.cancelTask(id, out.bus))
            expect(yield* done(executor.execute(contextOf(id), out.bus))).toBe("fulfilled")
            const end = "CANCELED Task was cancelled"
            expect(out.words.slice(0, 5)).toEqual(["task SUBMITTED", "WORKING", "=0", "=1", end])
            expect(new Set(out.words.slice(4))).toEqual(new Set([end]))
          })
      )
    )
  )

  it.effect("says the end again to who asks when it has been published, and interrupts once", () => {
    let cleanUps = 0
    return leakChecked(
      withExecutor(
        () => Effect.onInterrupt(Effect.never, () => Effect.sync(() => cleanUps++)),
        ({ executor }) =>
          Effect.gen(function* () {
            const out = recorded()
            const running = executor.execute(contextOf(id), out.bus)
            yield* settled
            const cancels = Array.from({ length: 50 }, () => executor.cancelTask(id, out.bus))
            for (const cancel of [...cancels, running]) expect(yield* done(cancel)).toBe("fulfilled")
            expect(cleanUps).toBe(1)
            const late = recorded()
            expect(yield* done(executor.cancelTask(id, late.bus))).toBe("fulfilled")
            expect(late.words).toEqual(["CANCELED Task was cancelled"])
          })
      )
    )
  })

  it.effect("without an id is a warning, and nothing else, S2-11, S2-37", () => {
    const said: Array<unknown> = []
    return withExecutor(
      () => Effect.never,
      ({ executor }) =>
        Effect.gen(function* () {
          const running = recorded()
          void executor.execute(contextOf(id), running.bus)
          const out = recorded()
          for (const none of ["", "  "]) {
            expect(yield* done(executor.cancelTask(none, out.bus))).toBe("fulfilled")
            expect(said.splice(0)).toEqual([["A cancel named no task: there is nothing to cancel"]])
          }
          expect(out.words).toEqual([])
          expect(running.words).toEqual(["task SUBMITTED", "WORKING"])
          const { list } = yield* Tasks
          expect((yield* list).map((info) => [info.id, info.state])).toEqual([[id, "running"]])
        })
    ).pipe(Effect.provide(Logger.layer([Logger.make(({ message }) => said.push(message))])))
  })

  it.effect("is not held up by a bus that throws, or that calls back", () =>
    leakChecked(
      withExecutor(
        () => Effect.never,
        ({ executor }) =>
          Effect.gen(function* () {
            const bus: ExecutionEventBus = new DefaultExecutionEventBus()
            bus.publish = () => {
              void executor.cancelTask(id, bus)
              throw new Error("Queue error")
            }
            const running = executor.execute(contextOf(id), bus)
            yield* settled
            expect(yield* done(executor.cancelTask(id, bus))).toBe("fulfilled")
            expect(yield* done(running)).toBe("fulfilled")
          })
      )
    ).pipe(Effect.provide(Logger.layer([])))
  )
})

describe("the surrounding scope", () => {
  it.effect("cancels what runs when it closes, publishes that, and starts nothing any more", () =>
    leakChecked(
      Effect.gen(function* () {
        const scope = yield* Scope.make()
        const agent = Agent.make("agent", {
          description: "Waits",
          run: () => Effect.onInterrupt(Effect.never, () => Effect.sleep("1 second"))
        })
        const { executor } = yield* Scope.provide(AgentExecutor.make(agent), scope)
        const out = recorded()
        const running = executor.execute(contextOf(id), out.bus)
        yield* settled
        const closing = yield* Effect.forkChild(Scope.close(scope, Exit.void), { startImmediately: true })
        yield* TestClock.adjust("1 second")
        yield* settled
        expect(closing.pollUnsafe()).toBeDefined()
        expect(yield* done(running)).toBe("fulfilled")
        expect(out.words.at(-1)).toBe("CANCELED The owning scope has ended")
        const late = recorded()
        yield* done(executor.execute(contextOf("task-2"), late.bus))
        expect(late.words.at(-1)).toContain("REJECTED")
      }).pipe(Effect.provide(Tasks.layer()))
    )
  )
})

describe("under the SDK's handler", () => {
  const pieces = ({ artifact }: Turn) => {
    const piece = (text: string) => artifact(text, { id: "a", append: true })
    return Effect.andThen(
      piece("0"),
      Effect.onInterrupt(Effect.andThen(Task.awaitRequest, Effect.andThen(piece("1"), piece("2"))), () => piece("3"))
    )
  }

  it.effect("no piece is stored twice, also with a bus manager that is not ours, E4", () =>
    leakChecked(
      executorOf(
        Agent.make("agent", { description: "Goes on", grace: "1 second", run: pieces }),
        ({ cancel, stream, task }) =>
          Effect.gen(function* () {
            const events = reading(stream())
            yield* settled
            const cancelling = cancel(events.id)
            expect(yield* Effect.promise(() => standing(cancelling))).toBe("TaskNotCancelableError")
            expect(yield* Effect.promise(() => events.done)).toBe("ended")
            const { artifacts } = yield* Effect.promise(() => task(events.id))
            expect(artifacts.map(({ parts }) => textOf(parts))).toEqual(["012"])
          }),
        { busManager: new DefaultExecutionEventBusManager() }
      )
    )
  )

  it.effect("a listener that throws is logged, and stops neither the others nor the process, E9", () => {
    const said: Array<unknown> = []
    return leakChecked(
      executorOf(
        () => Effect.as(Effect.sleep("1 second"), "done"),
        ({ buses, send, stored }) =>
          Effect.gen(function* () {
            const task = yield* Effect.promise(() => send())
            const seen: Array<string> = []
            const bus = buses!.getByTaskId(task.id)!
            bus.on("event", () => {
              throw new Error("listener")
            })
            bus.on("event", ({ kind }) => seen.push(kind))
            yield* TestClock.adjust("1 second")
            yield* settled
            expect(seen).toEqual(["statusUpdate", "artifactUpdate", "statusUpdate"].slice(-seen.length))
            expect(seen.length).toBeGreaterThan(0)
            expect(yield* Effect.promise(() => stored(task.id))).toBe("COMPLETED")
            expect(JSON.stringify(said)).toContain("cannot publish")
            bus.removeAllListeners()
            expect(buses!.getByTaskId(task.id)).toBeUndefined()
          })
      )
    ).pipe(Effect.provide(Logger.layer([Logger.make(({ message }) => said.push(message))])))
  })

  it.effect("a store that cannot save the end is above the executor; a second cancel heals it, E11", () => {
    const store = failingStore()
    return executorOf(
      () => Effect.never,
      ({ cancel, stored, stream }) =>
        Effect.promise(async () => {
          const events = reading(stream())
          await turns()
          expect(await standing(cancel(events.id))).toBe("Error")
          expect(await events.done).toBe("The disk is full")
          store.mend()
          expect(await standing(cancel(events.id))).toBe("CANCELED")
          expect(await stored(events.id)).toBe("CANCELED")
        }),
      { store }
    )
  })

  it.effect("a conversation ends with everything stored once", () =>
    leakChecked(
      executorOf(asking, ({ buses, stream, task }) =>
        Effect.promise(async () => {
          const first = reading(stream("weather"))
          expect(await first.done).toBe("ended")
          expect(first.words).toEqual(["SUBMITTED", "WORKING", "=before", "INPUT_REQUIRED Which city?"])
          const second = reading(stream("Rome", { taskId: first.id }))
          expect(await second.done).toBe("ended")
          expect(second.words).toEqual(["WORKING", "WORKING", "=Sunny in Rome.", "COMPLETED"])
          const { artifacts, history, ...stored } = await task(first.id)
          expect(stateOf({ artifacts, history, ...stored })).toBe("COMPLETED")
          expect(artifacts.map(({ parts }) => textOf(parts))).toEqual(["before", "Sunny in Rome"])
          expect(history.map(({ parts }) => textOf(parts))).toEqual(["weather", "Which city?", "Rome"])
          expect(buses!.getByTaskId(first.id)).toBeUndefined()
        })
      )
    )
  )

  it.effect("a message that the task does not ask for is refused, and disturbs nobody", () =>
    leakChecked(
      executorOf(
        () => Effect.as(Effect.sleep("1 second"), "done"),
        ({ send, stored, stream }) =>
          Effect.gen(function* () {
            const events = reading(stream())
            yield* settled
            const refused = yield* Effect.promise(() => standing(send("more", { taskId: events.id })))
            expect(refused).toBe("UnsupportedOperationError")
            const second = reading(stream("more", { taskId: events.id }))
            expect(yield* Effect.promise(() => second.done)).toContain("does not ask for a message")
            yield* TestClock.adjust("1 second")
            expect(yield* Effect.promise(() => events.done)).toBe("ended")
            expect(events.words).toEqual(["SUBMITTED", "WORKING", "=done.", "COMPLETED"])
            expect(yield* Effect.promise(() => stored(events.id))).toBe("COMPLETED")
          })
      )
    )
  )

  it.effect("a stream goes on over a question for credentials, and the answer's stream beside it", () =>
    leakChecked(
      executorOf(
        ({ artifact, askForAuth }) =>
          Effect.gen(function* () {
            yield* artifact("0", { id: "a", append: true })
            yield* askForAuth("Who are you?")
            yield* artifact("1", { id: "a", append: true })
          }),
        ({ stream, subscribe, task }) =>
          Effect.promise(async () => {
            const first = reading(stream())
            await turns()
            const third = reading(subscribe(first.id))
            await turns()
            const second = reading(stream("Ann", { taskId: first.id }))
            expect(await Promise.all([first.done, second.done, third.done])).toEqual(["ended", "ended", "ended"])
            const { artifacts } = await task(first.id)
            expect(artifacts.map(({ parts }) => textOf(parts))).toEqual(["01"])
            expect(third.words).toEqual(["AUTH_REQUIRED", "WORKING", "=01", "COMPLETED"])
          })
      )
    )
  )

  it.effect("a second cancel between the end and its record is told the same", () => {
    const store = new InMemoryTaskStore()
    const save = store.save.bind(store)
    const slow = Promise.withResolvers<void>()
    store.save = async (task, context) => {
      if (task.status?.state === TaskState.TASK_STATE_CANCELED) await slow.promise
      return save(task, context)
    }
    return leakChecked(
      executorOf(
        () => Effect.never,
        ({ buses, cancel, send }) =>
          Effect.promise(async () => {
            const { id } = await send()
            const first = cancel(id)
            expect(await standing(first)).toBe("pending")
            const second = cancel(id)
            expect(await standing(second)).toBe("pending")
            slow.resolve()
            expect(await standing(first)).toBe("CANCELED")
            expect(await standing(second)).toBe("CANCELED")
            expect(buses!.getByTaskId(id)).toBeUndefined()
          }),
        { store }
      )
    )
  })
})

it.effect("an executor of one's own can do more, or replace it, S2-73", () => {
  const audit: Array<string> = []
  class Audited extends AgentExecutor.Extended {
    override cancelTask(taskId: string, bus: ExecutionEventBus): Promise<void> {
      audit.push(taskId)
      return super.cancelTask(taskId, bus)
    }
  }
  return leakChecked(
    withExecutor(
      () => Effect.never,
      ({ busManager, executor }) =>
        Effect.promise(async () => {
          const { cancel, send } = sdkServer(new Audited(executor), { busManager })
          const task = await send()
          expect(await standing(cancel(task.id))).toBe("CANCELED")
          expect(audit).toEqual([task.id])
        })
    )
  )
})

class City extends Context.Service<City, string>()("test/City") {}

it.effect("the agent has the services of who made the executor", () =>
  withExecutor(
    Agent.make("agent", { description: "Asks", run: () => Effect.map(City, (city) => city) }) as Agent.Agent<never>,
    ({ executor }) =>
      Effect.gen(function* () {
        const out = recorded()
        yield* done(executor.execute(contextOf(id), out.bus))
        expect(out.words).toContain("=Rome.")
      })
  ).pipe(Effect.provideService(City, "Rome"))
)
