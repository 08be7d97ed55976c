/**
 * K1, K10 and K20 for tasks that promises own: cancels, aborts and disposals in
 * random order and after a random number of turns. Promises escape a played
 * scheduler, so this takes real turns; the seed decides what happens in which.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import { getEventListeners } from "node:events"
import { describe, expect, it } from "vitest"
import * as TaskRunner from "../../src/fibers/TaskRunner.ts"
import * as TaskTree from "../../src/fibers/TaskTree.ts"
import { randomFrom } from "../support/sim.ts"

class Store extends Context.Service<Store, { readonly open: boolean }>()("Store") {}

const turns = async (count: number): Promise<void> => {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve))
}

const yields = (count: number) => Effect.forEach(Array.from({ length: count }), () => Effect.yieldNow)

const scenario = async (seed: number): Promise<string | undefined> => {
  const random = randomFrom(seed)
  const below = (limit: number) => Math.floor(random() * limit)
  const wrong: Array<string> = []
  const service = { open: true }
  const layer = Layer.effect(
    Store,
    Effect.acquireRelease(Effect.as(yields(below(6)), service), () => Effect.sync(() => (service.open = false)))
  )
  const runtime = ManagedRuntime.make(layer)
  const runner = TaskRunner.make(runtime)
  const controller = new AbortController()
  const { signal } = controller
  const acquired: Array<number> = []
  const released: Array<number> = []
  const body = (id: number) =>
    Effect.acquireUseRelease(
      Effect.sync(() => acquired.push(id)),
      () => (random() < 0.5 ? Effect.never : Effect.as(yields(below(10)), id)),
      () =>
        Effect.andThen(
          yields(below(5)),
          Effect.sync(() => {
            released.push(id)
            if (!service.open) wrong.push("the store was released before its user")
          })
        )
    ).pipe(Effect.andThen(random() < 0.3 ? Effect.fail("bad") : Effect.void))
  const tasks: Array<TaskRunner.RunningTask<void, string>> = []
  const dispose = () => (random() < 0.5 ? runner[Symbol.asyncDispose]() : runtime.dispose())
  const actions: Array<() => unknown> = Array.from({ length: 5 }, (_, id) => () => {
    const effect = Effect.andThen(Store, body(id))
    try {
      tasks.push(runner.start(`${id}`, effect, random() < 0.5 ? { signal } : {}))
    } catch (error) {
      if (!(error instanceof TaskRunner.TaskRunnerClosed)) wrong.push(String(error))
    }
  })
  actions.push(
    () => tasks[0]?.cancel(),
    () => tasks.at(-1)?.cancel({ grace: 1 }),
    () => tasks.at(-1)?.[Symbol.asyncDispose](),
    () => controller.abort(new Error("gone"))
  )
  if (random() < 0.5) actions.push(dispose)
  const pending: Array<unknown> = []
  while (actions.length > 0) {
    pending.push(actions.splice(below(Math.min(actions.length, 4)), 1)[0]!())
    await turns(below(3))
  }

  await Promise.all([...pending, dispose(), runner[Symbol.asyncDispose]()])
  if (service.open && acquired.length > 0) wrong.push("the store is still open")
  for (const id of acquired)
    if (released.filter((other) => other === id).length !== 1) wrong.push(`${id} was not released once`)
  for (const task of tasks) {
    const outcome = await task.outcome
    const settled = await task.then(
      () => "Completed",
      (error: unknown) => (error === "bad" ? "Failed" : "Cancelled")
    )
    if (settled !== outcome._tag) wrong.push(`${outcome._tag} but ${settled}`)
    if (outcome._tag === "Cancelled" && !["request", "shutdown", "scope-closed"].includes(outcome.reason.source)) {
      wrong.push(`cancelled by ${outcome.reason.source}`)
    }
  }
  if (getEventListeners(signal, "abort").length > 0) wrong.push("a listener is left")
  if (Effect.runSync(TaskTree.snapshot).tree.children.length > 0) wrong.push("a scope is left")
  return wrong[0]
}

describe("TaskRunner at random, in real time", () => {
  it("every task ends once, with its services alive, whoever stops it when", { timeout: 60_000 }, async () => {
    const wrong: Array<string> = []
    for (let seed = 1; seed <= 300; seed++) {
      const problem = await scenario(seed)
      if (problem !== undefined) wrong.push(`seed ${seed}: ${problem}`)
    }
    expect(wrong).toEqual([])
  })
})
