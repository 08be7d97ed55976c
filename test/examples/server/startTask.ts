import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as Deadline from "../../../src/combinators/Deadline.ts"
import * as Task from "../../../src/fibers/Task.ts"
import type { TaskEvent } from "../../../src/fibers/TaskEvent.ts"
import { Tasks } from "../../../src/fibers/Tasks.ts"
import * as TimeLimits from "../../../src/fibers/TimeLimits.ts"
import type { Implementation } from "../../../src/http/TaskDefinition.ts"

/** Starts an implementation as the server does, without HTTP. */
export const startTask = <R>(implementation: Implementation<R>, payload: unknown, id = "task") =>
  Effect.gen(function* () {
    const { commit, output, partial, progress } = Task
    const tasks = yield* Tasks
    const { extend } = TimeLimits
    const self = { id, progress, output, partial, commit, extend, timeLeft: Deadline.remaining }
    return yield* tasks.start(id, implementation.run(payload, self), { history: 1024 })
  })

/** A client that follows: what it has seen so far, and all of it once its stream has ended. */
export interface Client {
  readonly seen: ReadonlyArray<TaskEvent>
  readonly all: Effect.Effect<ReadonlyArray<TaskEvent>>
}

export const follow = (id = "task"): Effect.Effect<Client, never, Tasks> =>
  Effect.gen(function* () {
    const tasks = yield* Tasks
    const seen: Array<TaskEvent> = []
    const watching = Stream.runForEach(tasks.events(id), (event) => Effect.sync(() => seen.push(event)))
    const fiber = yield* Effect.forkChild(Effect.orDie(watching), { startImmediately: true })
    return { seen, all: Effect.as(Fiber.join(fiber), seen) }
  })

export const tags = (events: ReadonlyArray<TaskEvent>): ReadonlyArray<string> => events.map(({ _tag }) => _tag)
