/**
 * Where the SDK's `DefaultRequestHandler` falls short when a task is cancelled, with executors as its README and its
 * samples have them (E1 to E11), each shown once; and the same situation with what is ours.
 */
import { TaskState } from "@a2a-js/sdk"
import type * as A2A from "@a2a-js/sdk"
import { InMemoryTaskStore } from "@a2a-js/sdk/server"
import * as Effect from "effect/Effect"
import { TestClock } from "effect/testing"
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest"
import { textOf } from "../../../src/http/a2a/Content.ts"
import type { Turn } from "../../../src/http/a2a/Turn.ts"
import { type Kind, ours, type Served, settled } from "./ours.ts"
import {
  AbortingExecutor,
  AskingExecutor,
  failingStore,
  gate,
  ReadmeExecutor,
  reading,
  sdkServer,
  standing,
  turns
} from "./sdkServer.ts"

// The handler writes what it fails at to the console.
beforeEach(() => {
  vi.spyOn(console, "error").mockImplementation(() => {})
  vi.spyOn(console, "warn").mockImplementation(() => {})
})
afterEach(() => vi.restoreAllMocks())

const { TASK_STATE_CANCELED } = TaskState

const listenersOf = (bus: unknown): number =>
  (bus as { readonly eventListeners: ReadonlyMap<unknown, unknown> }).eventListeners.size

const cancels = ({ cancel, send, stored }: Served) =>
  Effect.promise(async () => {
    const { id } = await send()
    await turns()
    expect(await standing(cancel(id))).toBe("CANCELED")
    expect(await stored(id)).toBe("CANCELED")
  })

describe("E1, the work is one long await", () => {
  it("the SDK: the cancel waits until the work ends by itself", async () => {
    const work = gate()
    const { cancel, send } = sdkServer(new ReadmeExecutor(() => work.promise))
    const { id } = await send()
    const cancelling = cancel(id)
    expect(await standing(cancelling)).toBe("pending")
    work.resolve()
    expect(await standing(cancelling)).toBe("CANCELED")
  })

  const interrupted: Array<string> = []
  ours(
    "the cancel interrupts it",
    () =>
      ({ taskId }: Turn) =>
        Effect.onInterrupt(Effect.sleep("3 seconds"), () => Effect.sync(() => interrupted.push(taskId))),
    ({ cancel, send }) =>
      Effect.promise(async () => {
        const { id } = await send()
        await turns()
        expect(await standing(cancel(id))).toBe("CANCELED")
        expect(interrupted).toContain(id)
      })
  )
})

describe("E2, the run ends before CANCELED is published", () => {
  it("the SDK: the cancel is refused, and the task is WORKING for ever", async () => {
    const executor = new AbortingExecutor(
      (signal) => new Promise((resolve) => signal.addEventListener("abort", () => resolve())),
      async (publishing) => {
        await turns(1)
        publishing.status(TASK_STATE_CANCELED)
      }
    )
    const { cancel, send, stored } = sdkServer(executor)
    const { id } = await send()
    expect(await standing(cancel(id))).toBe("TaskNotCancelableError")
    expect(await stored(id)).toBe("WORKING")
  })

  ours(
    "the task is CANCELED",
    () => () =>
      Effect.promise((signal) => new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()))),
    cancels
  )
})

describe("E3, the run fails with an AbortError first", () => {
  it("the SDK: the task is FAILED, and the cancel is refused", async () => {
    const executor = new AbortingExecutor(
      (signal) =>
        new Promise((_, reject) =>
          signal.addEventListener("abort", () => reject(new DOMException("aborted", "AbortError")))
        ),
      async (publishing) => {
        await turns(1)
        publishing.status(TASK_STATE_CANCELED)
      }
    )
    const { cancel, send, stored } = sdkServer(executor)
    const { id } = await send()
    expect(await standing(cancel(id))).toBe("TaskNotCancelableError")
    expect(await stored(id)).toBe("FAILED")
  })

  ours(
    "the task is CANCELED",
    () => () =>
      Effect.tryPromise(
        (signal) =>
          new Promise<void>((_, reject) =>
            signal.addEventListener("abort", () => reject(new DOMException("aborted", "AbortError")))
          )
      ),
    cancels
  )
})

describe("E4, pieces come between the cancel and the end", () => {
  it("the SDK: the stored artifact has them twice", async () => {
    const executor = new AbortingExecutor(
      async (signal, publishing) => {
        publishing.chunk("0")
        await new Promise((resolve) => signal.addEventListener("abort", resolve))
        for (const text of ["1", "2"]) {
          publishing.chunk(text)
          await turns(1)
        }
        publishing.status(TASK_STATE_CANCELED)
      },
      async () => {}
    )
    const { cancel, stream, task } = sdkServer(executor)
    const events = reading(stream())
    await turns()
    expect(await standing(cancel(events.id))).toBe("CANCELED")
    await events.done
    const { artifacts } = await task(events.id)
    expect(artifacts.map(({ parts }) => textOf(parts))).toEqual(["01122"])
  })

  const pieces = ({ artifact }: Turn) => {
    const piece = (text: string) => artifact(text, { id: "a", append: true })
    return Effect.onInterrupt(Effect.andThen(piece("0"), Effect.never), () =>
      Effect.andThen(piece("1"), Effect.andThen(Effect.sleep("1 second"), piece("2")))
    )
  }
  ours(
    "the artifact has each once",
    () => pieces,
    ({ cancel, stream, task }) =>
      Effect.gen(function* () {
        const events = reading(stream())
        yield* settled
        const cancelling = cancel(events.id)
        yield* settled
        yield* TestClock.adjust("1 second")
        expect(yield* Effect.promise(() => standing(cancelling))).toBe("CANCELED")
        expect(yield* Effect.promise(() => events.done)).toBe("ended")
        expect(events.words).toEqual(["SUBMITTED", "WORKING", "=0", "+1", "+2", "CANCELED Task was cancelled"])
        const { artifacts } = yield* Effect.promise(() => task(events.id))
        expect(artifacts.map(({ parts }) => textOf(parts))).toEqual(["012"])
      })
  )
})

describe("E6, the transport calls `return` when the client has left", () => {
  it("the SDK: the task is WORKING for ever, though it has finished", async () => {
    const work = gate()
    const { stored, stream } = sdkServer(new ReadmeExecutor(() => work.promise))
    const events = stream()
    const first = (await events.next()).value as A2A.StreamResponse
    await events.next()
    await events.return()
    work.resolve()
    await turns()
    expect(await stored(first.payload?.$case === "task" ? first.payload.value.id : "none")).toBe("WORKING")
  })

  const leave = (state: string, kind: Kind, law: string) =>
    ours(
      law,
      () => () => Effect.sleep("3 seconds"),
      ({ stored, stream }) =>
        Effect.gen(function* () {
          const events = stream()
          const first = (yield* Effect.promise(() => events.next())).value as A2A.StreamResponse
          yield* Effect.promise(() => events.return())
          yield* TestClock.adjust("3 seconds")
          yield* settled
          const id = first.payload?.$case === "task" ? first.payload.value.id : "none"
          expect(yield* Effect.promise(() => stored(id))).toBe(state)
        }),
      [kind]
    )
  leave("COMPLETED", "the engine", "the task is COMPLETED")
  leave("SUBMITTED", "the executor", "as the SDK has it, since it lies above any executor")
})

describe("E7, the cancel of the executor throws", () => {
  it("the SDK: the caller gets that error, the work goes on, and listeners leak", async () => {
    const work = gate()
    const executor = new AbortingExecutor(
      () => work.promise,
      () => Promise.reject(new Error("Cancel is not supported."))
    )
    const { buses, call, cancel, send, stored } = sdkServer(executor)
    const { id } = await send()
    await turns()
    const before = listenersOf(buses.getByTaskId(id, call))
    for (const _ of [1, 2]) expect(await standing(cancel(id))).toBe("Error")
    expect(listenersOf(buses.getByTaskId(id, call))).toBe(before + 2)
    expect(await stored(id)).toBe("WORKING")
    work.resolve()
    await turns()
  })

  ours(
    "whatever the clean-up does, the caller is answered, and the task is CANCELED",
    () => () => Effect.onInterrupt(Effect.never, () => Effect.die(new Error("clean-up"))),
    cancels
  )
})

describe("E8, nothing runs: the task waits for input", () => {
  it("the SDK: the cancel never ends with the executor of the samples", async () => {
    const { cancel, send, stored } = sdkServer(new AskingExecutor(async () => {}))
    const { id } = await send()
    await turns()
    expect(await stored(id)).toBe("INPUT_REQUIRED")
    expect(await standing(cancel(id))).toBe("pending")
  })

  it("the SDK: the bus stays for ever, even if the executor publishes CANCELED by itself", async () => {
    const executor = new AskingExecutor(async (publishing) => publishing.status(TASK_STATE_CANCELED))
    const { buses, call, cancel, send, stored } = sdkServer(executor)
    const { id } = await send()
    await turns()
    expect(await standing(cancel(id))).toBe("CANCELED")
    expect(await stored(id)).toBe("CANCELED")
    expect(buses.getByTaskId(id, call)).toBeDefined()
  })

  ours(
    "the cancel ends the wait, and nothing is left of it",
    () =>
      ({ ask }: Turn) =>
        Effect.asVoid(ask("Which city?")),
    (served) =>
      Effect.promise(async () => {
        const { id } = await served.send()
        await turns()
        expect(await served.stored(id)).toBe("INPUT_REQUIRED")
        expect(await standing(served.cancel(id))).toBe("CANCELED")
        expect(await served.stored(id)).toBe("CANCELED")
        expect(served.buses?.getByTaskId(id)).toBeUndefined()
      })
  )
})

describe("E9, a listener of the bus throws", () => {
  it("the SDK: nobody can catch it, and the process has an uncaught exception", async () => {
    const uncaught: Array<unknown> = []
    const others = process.listeners("uncaughtException")
    process.removeAllListeners("uncaughtException")
    process.on("uncaughtException", (error) => uncaught.push(error))
    try {
      const work = gate()
      const { buses, call, send } = sdkServer(new ReadmeExecutor(() => work.promise))
      const { id } = await send()
      buses.getByTaskId(id, call)!.on("event", () => {
        throw new Error("listener")
      })
      work.resolve()
      await turns()
      expect(uncaught).toEqual([new Error("listener")])
    } finally {
      process.removeAllListeners("uncaughtException")
      for (const listener of others) process.on("uncaughtException", listener)
    }
  })
})

describe("E10, two cancel at once", () => {
  it("the SDK: the executor is asked twice", async () => {
    const executor = new AbortingExecutor(
      (signal) => new Promise((resolve) => signal.addEventListener("abort", () => resolve())),
      async (publishing) => publishing.status(TASK_STATE_CANCELED)
    )
    const { cancel, send } = sdkServer(executor)
    const { id } = await send()
    expect(await Promise.all([standing(cancel(id)), standing(cancel(id))])).toEqual(["CANCELED", "CANCELED"])
    expect(executor.cancels).toBe(2)
  })

  let cleanUps = 0
  ours(
    "both are told the same, and the clean-up runs once",
    () => () => Effect.onInterrupt(Effect.never, () => Effect.sync(() => cleanUps++)),
    ({ cancel, send, stored, task }) =>
      Effect.promise(async () => {
        cleanUps = 0
        const { id } = await send()
        await turns()
        const [first, second] = await Promise.all([cancel(id), cancel(id)])
        expect(first).toEqual(second)
        expect(await cancel(id)).toEqual(await task(id))
        expect(await stored(id)).toBe("CANCELED")
        expect(cleanUps).toBe(1)
      })
  )
})

describe("E11, the store cannot save the end", () => {
  it("the SDK: the cancel fails, the task is WORKING, and a second cancel heals it", async () => {
    const store = failingStore()
    const executor = new AbortingExecutor(
      (signal) => new Promise((resolve) => signal.addEventListener("abort", () => resolve())),
      async (publishing) => publishing.status(TASK_STATE_CANCELED)
    )
    const { cancel, stored, stream } = sdkServer(executor, { store })
    const events = reading(stream())
    await turns()
    const { id } = events
    expect(await standing(cancel(id))).toBe("Error")
    expect(await events.done).toBe("The disk is full")
    expect(await stored(id)).toBe("WORKING")
    store.mend()
    expect(await standing(cancel(id))).toBe("CANCELED")
  })

  it("the SDK: for who did not wait for the end the task is FAILED for good", async () => {
    const store = failingStore()
    const executor = new AbortingExecutor(
      (signal) => new Promise((resolve) => signal.addEventListener("abort", () => resolve())),
      async (publishing) => publishing.status(TASK_STATE_CANCELED)
    )
    const { cancel, send, stored } = sdkServer(executor, { store })
    const { id } = await send()
    expect(await standing(cancel(id))).toBe("Error")
    expect(await stored(id)).toBe("FAILED")
    store.mend()
    expect(await standing(cancel(id))).toBe("TaskNotCancelableError")
  })
})

describe("a stream of many pieces", () => {
  it("the SDK: each piece costs a copy of all before it", async () => {
    const store = new InMemoryTaskStore()
    const load = store.load.bind(store)
    let copied = 0
    store.load = async (id, context) => {
      const task = await load(id, context)
      copied += task?.artifacts[0]?.parts.length ?? 0
      return task
    }
    const count = 200
    const executor = new ReadmeExecutor(async (publishing) => {
      for (let index = 0; index < count; index++) publishing.chunk("x")
    })
    const { stream } = sdkServer(executor, { store })
    await reading(stream()).done
    expect(copied).toBeGreaterThanOrEqual((count * (count - 1)) / 2)
  })
})
