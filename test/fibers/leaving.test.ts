/**
 * Whoever waits, listens or follows and then leaves is no longer listed by the task, however long that lives (K42, K45).
 * The lists are private, and what stays in them is seen in no behaviour: so the test looks at them.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Control from "../../src/fibers/Control.ts"
import type { ScopeNode } from "../../src/fibers/internal/scopeNode.ts"
import type { TaskNode } from "../../src/fibers/internal/taskNode.ts"
import * as Nursery from "../../src/fibers/Nursery.ts"
import * as Task from "../../src/fibers/Task.ts"
import { Tasks } from "../../src/fibers/Tasks.ts"
import { leakChecked } from "../support/leaks.ts"
import { settle } from "../support/settle.ts"

/** How many callbacks wait for the end of this scope. */
const watchersOf = (node: ScopeNode): number => {
  const { watchers } = node as unknown as { readonly watchers: Set<unknown> | (() => void) | undefined }
  return watchers === undefined ? 0 : typeof watchers === "function" ? 1 : watchers.size
}

const listenersOf = ({ record }: TaskNode): number =>
  (record as unknown as { readonly listeners: ReadonlyArray<unknown> } | undefined)?.listeners.length ?? 0

const followersOf = ({ record }: TaskNode): number =>
  (record?.log as unknown as { readonly wakeups: Set<unknown> } | undefined)?.wakeups.size ?? 0

const heldBy = (control: Control.Control): number =>
  (control as unknown as Record<symbol, { readonly held: Set<unknown> }>)[Symbol.for("rescind/fibers/Control")]!.held
    .size

const nodeOf = (task: Task.Task<unknown, unknown>): TaskNode => task as unknown as TaskNode

/** Begins `count` of them, and interrupts all. */
const beginAndLeave = (effect: Effect.Effect<unknown, unknown>, during: () => number, count = 5) =>
  Effect.gen(function* () {
    const fibers = yield* Effect.forEach(Array.from({ length: count }), () => Effect.forkChild(effect))
    yield* settle
    expect(during()).toBe(count)
    yield* Fiber.interruptAll(fibers)
    expect(during()).toBe(0)
  })

describe("leaving", () => {
  it.effect("who waits for an outcome or for the end of a cancel, and leaves, is not listed any more (K45)", () =>
    leakChecked(
      Effect.gen(function* () {
        const nursery = yield* Nursery.make("top")
        const task = yield* nursery.spawn(
          "task",
          Effect.onInterrupt(Effect.never, () => Effect.sleep(10))
        )
        yield* settle
        const watching = (): number => watchersOf(nodeOf(task))
        yield* beginAndLeave(Task.await(task), watching, 1)
        yield* beginAndLeave(Task.await(task), watching)
        yield* beginAndLeave(Task.cancel(task), watching)
        yield* TestClock.adjust(10)
      })
    )
  )

  it.effect("a signal, and who awaits the request, is not listed any more when its scope has closed (K42, K45)", () =>
    leakChecked(
      Effect.gen(function* () {
        const nursery = yield* Nursery.make("top")
        const task: Task.Task<void> = yield* nursery.spawn(
          "task",
          Effect.suspend(() =>
            Effect.forEach(
              [Task.awaitRequest, Effect.scoped(Effect.andThen(Task.signal, Effect.never))],
              (listening) => beginAndLeave(listening, () => listenersOf(nodeOf(task))),
              { discard: true }
            )
          )
        )
        yield* settle
        expect((yield* Task.await(task))._tag).toBe("Completed")
      })
    )
  )

  it.effect("who follows the events and leaves is not listed any more (K45)", () =>
    leakChecked(
      Effect.gen(function* () {
        const tasks = yield* Tasks
        const task = yield* tasks.start("id", Effect.never)
        yield* settle
        yield* beginAndLeave(Stream.runDrain(tasks.events("id")), () => followersOf(nodeOf(task)))
      }).pipe(Effect.provide(Tasks.layer()))
    )
  )

  it.effect("who is held by a paused control and leaves is not listed any more (K42, K45)", () =>
    leakChecked(
      Effect.gen(function* () {
        const control = yield* Control.make("buttons")
        yield* control.pause
        yield* beginAndLeave(control.gate, () => heldBy(control))
      })
    )
  )
})
