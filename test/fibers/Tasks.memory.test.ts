/** What the record of an ended task keeps alive: its outcome, and nothing of its run. */
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { expect, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import { Tasks } from "../../src/fibers/Tasks.ts"

setFlagsFromString("--expose-gc")
const gc = runInNewContext("gc") as () => void

class Held extends Context.Service<Held, { readonly much: object }>()("test/Held") {}

/** Starts a task with services of its own, on which it works; returns what must be free once it has ended. */
const started = (id: string, end: Effect.Effect<unknown, unknown, Held>) =>
  Effect.gen(function* () {
    const tasks = yield* Tasks
    const held = { much: { of: id } }
    const task = yield* Effect.provideService(tasks.start(id, end), Held, held)
    return { task, held: new WeakRef(held), tasks }
  })

const ends = {
  completed: Effect.flatMap(Held, () => Effect.yieldNow),
  failed: Effect.flatMap(Held, () => Effect.fail("no")),
  cancelled: Effect.flatMap(Held, () => Effect.never)
}

it.live.each(Object.entries(ends))(
  "in real time: a task that has %s keeps no services of whoever started it",
  ([id, end]) =>
    Effect.gen(function* () {
      const { held, tasks } = yield* started(id, end)
      yield* Effect.yieldNow
      yield* Effect.yieldNow
      yield* tasks.cancel(id)
      expect(yield* tasks.await(id)).toMatchObject({ _tag: id[0]!.toUpperCase() + id.slice(1) })
      // A `WeakRef` holds what it has read until the turn of the event loop is over.
      yield* Effect.sleep(1)
      gc()
      expect(held.deref()).toBeUndefined()
      expect((yield* tasks.list).map(({ state }) => state)).toEqual([id])
    }).pipe(Effect.provide(Tasks.layer()))
)

it.live("in real time: one that was given up keeps them while it runs, and is told apart from one that has ended", () =>
  Effect.gen(function* () {
    const said: Array<unknown> = []
    const listening = Logger.layer([Logger.make(({ message }) => said.push(message))])
    const stubborn = Effect.uninterruptible(
      Effect.flatMap(Held, () => Effect.andThen(Effect.sleep(50), Effect.fail("late")))
    )
    const { held, task, tasks } = yield* Effect.provide(started("stubborn", stubborn), listening)
    yield* Effect.sleep(5)
    expect(yield* tasks.cancel("stubborn", { giveUp: 1 })).toMatchObject({ _tag: "Cancelled", how: "abandoned" })
    yield* Effect.sleep(1)
    gc()
    expect(held.deref()).toBeDefined()
    expect((yield* tasks.list).map(({ state }) => state)).toEqual(["straggling"])
    yield* Effect.sleep(80)
    expect((yield* tasks.list).map(({ state }) => state)).toEqual(["cancelled"])
    expect(task.name).toBe("stubborn")
    // What it failed with in the end is logged as it would log itself.
    expect(said).toEqual([expect.arrayContaining(['Clean-up of "stubborn" failed'])])
  }).pipe(Effect.provide(Tasks.layer()))
)
