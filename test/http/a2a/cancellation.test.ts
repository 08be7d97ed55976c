/** The ten tests of S2 by their names, in process, for the engine and for the executor under the SDK's handler. */
import { DefaultExecutionEventBus } from "@a2a-js/sdk/server"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as References from "effect/References"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import { Tasks } from "../../../src/fibers/Tasks.ts"
import * as Agent from "../../../src/http/a2a/Agent.ts"
import { textOf } from "../../../src/http/a2a/Content.ts"
import type { Turn } from "../../../src/http/a2a/Turn.ts"
import { callOf, requestOf, stateOf as stateNameOf, withEngine } from "./engines.ts"
import { contextOf, ours, type Served, settled, withExecutor } from "./ours.ts"
import { reading, standing } from "./sdkServer.ts"

const stateOf = (served: Served, id: string) => Effect.promise(() => served.stored(id))

/** Of the record in `Tasks`, which is the only place that tracks a task. */
const tracked = (id: string) =>
  Effect.flatMap(Tasks, ({ info }) =>
    Effect.map(info(id), (found) => (found._tag === "Some" ? found.value.state : "none"))
  )

const cancels = (served: Served, id: string) => Effect.promise(() => standing(served.cancel(id)))

/** 10 pieces, one every 100 ms, like the agent of the seed. */
const tenPieces = (): Stream.Stream<string> =>
  Stream.range(0, 9).pipe(Stream.mapEffect((n) => Effect.as(Effect.sleep("100 millis"), String(n))))

describe("test_cancellation_before_execution", () => {
  let runs = 0
  const agent = () => () =>
    Effect.andThen(
      Effect.sync(() => runs++),
      Effect.sleep("1 second")
    )

  ours("10 ms after the start, S2-32", agent, (served) =>
    Effect.gen(function* () {
      const events = reading(served.stream())
      yield* settled
      yield* TestClock.adjust("10 millis")
      expect(yield* cancels(served, events.id)).toBe("CANCELED")
      expect(yield* Effect.promise(() => events.done)).toBe("ended")
      expect(events.words).toEqual(["SUBMITTED", "WORKING", "CANCELED Task was cancelled"])
    })
  )

  ours("0 ms after the start, S2-32, S2-14", agent, (served) =>
    Effect.gen(function* () {
      const stream = served.stream()
      const id = yield* Effect.promise(async () => {
        const { value } = await stream.next()
        return value?.payload?.$case === "task" ? value.payload.value.id : "none"
      })
      const events = reading(stream)
      expect(yield* cancels(served, id)).toBe("CANCELED")
      expect(yield* Effect.promise(() => events.done)).toBe("ended")
      expect(events.words.at(-1)).toBe("CANCELED Task was cancelled")
      expect(events.words.filter((word) => word.startsWith("CANCELED"))).toHaveLength(1)
    })
  )
})

describe("test_cancellation_during_streaming", () => {
  ours(
    "at 250 ms of ten pieces of 100 ms, S2-33",
    () => tenPieces,
    (served) =>
      Effect.gen(function* () {
        const events = reading(served.stream())
        yield* settled
        for (let step = 0; step < 5; step++) yield* Effect.andThen(TestClock.adjust("50 millis"), settled)
        expect(yield* cancels(served, events.id)).toBe("CANCELED")
        expect(yield* Effect.promise(() => events.done)).toBe("ended")
        expect(events.words).toEqual(["SUBMITTED", "WORKING", "=0", "+1", "CANCELED Task was cancelled"])
        const task = yield* Effect.promise(() => served.task(events.id))
        expect(task.artifacts.map(({ parts }) => textOf(parts))).toEqual(["01"])
        expect(yield* tracked(events.id)).toBe("cancelled")
        yield* TestClock.adjust("10 seconds")
        yield* settled
        expect(yield* Effect.promise(() => served.task(events.id))).toEqual(task)
      })
  )
})

describe("test_cancellation_during_non_streaming", () => {
  ours(
    "at 100 ms of a call of 1 s, S2-34",
    () => () => Effect.as(Effect.sleep("1 second"), "result"),
    (served) =>
      Effect.gen(function* () {
        const { id } = yield* Effect.promise(() => served.send())
        yield* settled
        yield* TestClock.adjust("100 millis")
        expect(yield* cancels(served, id)).toBe("CANCELED")
        yield* TestClock.adjust("1 second")
        yield* settled
        const task = yield* Effect.promise(() => served.task(id))
        expect(task.artifacts).toEqual([])
        expect(yield* stateOf(served, id)).toBe("CANCELED")
        expect(yield* tracked(id)).toBe("cancelled")
      })
  )
})

describe("test_is_cancelled_flag", () => {
  ours(
    "is false for what never started, false while it runs, true once it is told to stop, S2-35",
    () => () => Effect.onInterrupt(Effect.never, () => Effect.sleep("1 second")),
    (served) =>
      Effect.gen(function* () {
        expect(yield* tracked("nobody")).toBe("none")
        const { id } = yield* Effect.promise(() => served.send())
        yield* settled
        expect(yield* tracked(id)).toBe("running")
        const cancelling = served.cancel(id)
        yield* settled
        expect(yield* tracked(id)).toBe("cancelling")
        yield* TestClock.adjust("1 second")
        expect(yield* Effect.promise(() => standing(cancelling))).toBe("CANCELED")
        expect(yield* tracked(id)).toBe("cancelled")
      })
  )
})

describe("test_cleanup_task_resources", () => {
  let open = 0
  const holder = () =>
    Agent.make("holder", {
      description: "Holds something",
      run: () =>
        Effect.andThen(
          Effect.acquireRelease(
            Effect.sync(() => open++),
            () => Effect.sync(() => open--)
          ),
          Effect.never
        )
    })

  ours("everything of the task is gone when it has ended, S2-36", holder, (served) =>
    Effect.gen(function* () {
      const { id } = yield* Effect.promise(() => served.send())
      yield* settled
      expect(open).toBe(1)
      expect(yield* cancels(served, id)).toBe("CANCELED")
      expect(open).toBe(0)
      expect(served.buses?.getByTaskId(id)).toBeUndefined()
    })
  )
})

describe("test_cancel_without_task_id", () => {
  ours(
    "is malformed input, and nothing else happens, S2-37",
    () => () => Effect.never,
    (served) =>
      Effect.gen(function* () {
        const events = reading(served.stream())
        yield* settled
        expect(yield* cancels(served, "")).toBe("RequestMalformedError")
        expect(yield* tracked(events.id)).toBe("running")
        expect(events.words).toEqual(["SUBMITTED", "WORKING"])
        const { list } = yield* Tasks
        expect(yield* list).toHaveLength(1)
        expect(yield* cancels(served, events.id)).toBe("CANCELED")
      })
  )
})

describe("test_cancel_nonexistent_task", () => {
  ours(
    "is a task that is not found, S2-38",
    () => () => Effect.never,
    (served) =>
      Effect.gen(function* () {
        expect(yield* cancels(served, "nobody")).toBe("TaskNotFoundError")
        expect(yield* tracked("nobody")).toBe("none")
      })
  )
})

describe("test_execution_completes_before_cancel", () => {
  ours(
    "what is done stays done, S2-39",
    () => () => Effect.succeed("done"),
    (served) =>
      Effect.gen(function* () {
        const { id } = yield* Effect.promise(() => served.send())
        yield* settled
        const task = yield* Effect.promise(() => served.task(id))
        expect(yield* cancels(served, id)).toBe("TaskNotCancelableError")
        expect(yield* Effect.promise(() => served.task(id))).toEqual(task)
        expect(yield* stateOf(served, id)).toBe("COMPLETED")
      })
  )
})

describe("test_exception_during_cancellation", () => {
  const parked = () => Effect.onInterrupt(Effect.never, () => Effect.die(new Error("clean-up")))
  const failing = (events: Stream.Stream<unknown>) =>
    Effect.exit(Stream.runForEach(events, () => Effect.die(new Error("Queue error"))))

  it.effect("the engine: who reads and fails, fails alone, S2-40, S2-58", () =>
    withEngine(parked, (engine) =>
      Effect.gen(function* () {
        const { events, taskId } = yield* engine.send(requestOf("go"), callOf())
        expect(Exit.isFailure(yield* failing(events))).toBe(true)
        yield* settled
        expect(yield* tracked(taskId)).toBe("running")
        const task = yield* engine.cancel({ tenant: "", id: taskId, metadata: undefined }, callOf())
        expect(stateNameOf(task)).toBe("CANCELED")
        expect(yield* tracked(taskId)).toBe("cancelled")
      })
    )
  )

  it.effect("the executor: a bus that throws stops nothing, S2-40, S2-58", () =>
    withExecutor(parked, ({ executor }) =>
      Effect.gen(function* () {
        const bus = new DefaultExecutionEventBus()
        bus.publish = () => {
          throw new Error("Queue error")
        }
        const running = executor.execute(contextOf("task-1"), bus)
        let over = false
        void running.then(() => (over = true))
        yield* settled
        expect(over).toBe(false)
        expect(yield* tracked("task-1")).toBe("running")
        yield* Effect.promise(() => executor.cancelTask("task-1", bus))
        yield* Effect.promise(() => running)
        expect(yield* tracked("task-1")).toBe("cancelled")
      })
    ).pipe(Effect.provideService(References.MinimumLogLevel, "None"))
  )
})

describe("test_cancellation_with_multiple_tasks", () => {
  ours(
    "a cancel of one leaves the other alone, S2-41",
    () =>
      ({ text }: Turn) =>
        Effect.as(Effect.sleep("1 second"), text),
    (served) =>
      Effect.gen(function* () {
        const first = yield* Effect.promise(() => served.send("first"))
        const second = yield* Effect.promise(() => served.send("second"))
        yield* settled
        expect(yield* cancels(served, first.id)).toBe("CANCELED")
        expect(yield* tracked(second.id)).toBe("running")
        yield* TestClock.adjust("1 second")
        yield* settled
        expect(yield* stateOf(served, second.id)).toBe("COMPLETED")
        expect(yield* stateOf(served, first.id)).toBe("CANCELED")
      })
  )
})
