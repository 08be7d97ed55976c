import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as CancelReason from "../../../src/fibers/CancelReason.ts"
import * as Task from "../../../src/fibers/Task.ts"
import { Tasks } from "../../../src/fibers/Tasks.ts"
import type { Served } from "../../../src/http/internal/served.ts"
import { type Watcher, watch } from "../../../src/http/internal/watching.ts"
import { leakChecked } from "../../support/leaks.ts"

const ann = { reason: CancelReason.request({ by: "ann" }) }

/** What two watchers of one task are told. */
const watched = (task: Task.Task<unknown, unknown, unknown>): ReadonlyArray<string> => {
  const heard: Array<string> = []
  const watcher = (name: string): Watcher => ({
    started: () => heard.push(`${name} started`),
    requested: (_, { by }) => heard.push(`${name} requested by ${by}`),
    ended: ({ task }) => heard.push(`${name} ended ${task.name}`)
  })
  watch([watcher("a"), {}, watcher("b")], { task } as Served)
  return heard
}

const tasksOf = <A, E>(effect: Effect.Effect<A, E, Tasks>) => leakChecked(Effect.provide(effect, Tasks.layer()))

describe("watching", () => {
  it.effect("all are told of the start, of the first request alone, and of the end", () =>
    tasksOf(
      Effect.gen(function* () {
        const tasks = yield* Tasks
        const task = yield* tasks.start(
          "t",
          Effect.onInterrupt(Effect.never, () => Effect.yieldNow)
        )
        const heard = watched(task)
        expect(heard).toEqual(["a started", "b started"])
        yield* Effect.yieldNow
        yield* Task.requestCancel(task, ann)
        expect(heard.slice(2)).toEqual(["a requested by ann", "b requested by ann"])
        yield* Task.cancel(task, { reason: CancelReason.timeout() })
        expect(heard.slice(4)).toEqual(["a ended t", "b ended t"])
      })
    )
  )

  it.effect("a task that is cancelled before its first step tells them as well (K10)", () =>
    tasksOf(
      Effect.gen(function* () {
        const tasks = yield* Tasks
        const task = yield* tasks.start("t", Effect.never)
        const heard = watched(task)
        yield* Task.cancel(task, ann)
        expect(heard.filter((line) => line.startsWith("a"))).toEqual(["a started", "a requested by ann", "a ended t"])
      })
    )
  )

  it.effect("what happened before is told at once, in order", () =>
    tasksOf(
      Effect.gen(function* () {
        const tasks = yield* Tasks
        const asked = yield* tasks.start(
          "asked",
          Effect.onInterrupt(Effect.never, () => Effect.yieldNow)
        )
        yield* Effect.yieldNow
        yield* Task.requestCancel(asked, ann)
        expect(watched(asked).slice(2)).toEqual(["a requested by ann", "b requested by ann"])
        yield* Task.await(asked)
        expect(watched(asked).slice(2)).toEqual([
          "a requested by ann",
          "b requested by ann",
          "a ended asked",
          "b ended asked"
        ])
        const done = yield* tasks.start("done", Effect.void)
        yield* Task.await(done)
        expect(watched(done).slice(2)).toEqual(["a ended done", "b ended done"])
      })
    )
  )
})
