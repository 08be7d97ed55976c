import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as CancelReason from "../../../src/fibers/CancelReason.ts"
import { type Accompanied, companion } from "../../../src/fibers/internal/companion.ts"
import * as Task from "../../../src/fibers/Task.ts"
import { type StartOptions, Tasks } from "../../../src/fibers/Tasks.ts"
import type { Kind, Server } from "../../../src/http/internal/served.ts"
import { Served } from "../../../src/http/internal/servedTask.ts"
import type { Watcher } from "../../../src/http/internal/watching.ts"
import { leakChecked } from "../../support/leaks.ts"

const ann = { reason: CancelReason.request({ by: "ann" }) }

/** Starts a task that two watch; returns what they are told. */
const watched = (effect: Effect.Effect<unknown>) =>
  Effect.gen(function* () {
    const heard: Array<string> = []
    const watcher = (name: string): Watcher => ({
      started: ({ task }) => heard.push(`${name} started ${task.name}`),
      requested: (_, { by }) => heard.push(`${name} requested by ${by}`),
      ended: ({ task }) => heard.push(`${name} ended ${task.name}`)
    })
    const server = { watchers: [watcher("a"), {}, watcher("b")] } as unknown as Server
    const kind = { definition: {} } as Kind
    const services = yield* Effect.context()
    const served = new Served(server, { kind, payload: null, owner: undefined, labels: [], services })
    const tasks = yield* Tasks
    const options: StartOptions & Accompanied = { [companion]: served }
    return { task: yield* tasks.start("t", effect, options), heard }
  })

const tasksOf = <A, E>(effect: Effect.Effect<A, E, Tasks>) => leakChecked(Effect.provide(effect, Tasks.layer()))

describe("watching", () => {
  it.effect("all are told of the start, of the first request alone, and of the end", () =>
    tasksOf(
      Effect.gen(function* () {
        const { heard, task } = yield* watched(Effect.onInterrupt(Effect.never, () => Effect.yieldNow))
        expect(heard).toEqual(["a started t", "b started t"])
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
        const { heard, task } = yield* watched(Effect.never)
        yield* Task.cancel(task, ann)
        expect(heard.filter((line) => line.startsWith("a"))).toEqual(["a started t", "a requested by ann", "a ended t"])
      })
    )
  )
})
