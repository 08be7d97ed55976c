/**
 * What one writes without a join that reports: members started, a deadline, the finished kept by index, the unfinished
 * cancelled and awaited. One for each contestant that has to write it.
 */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import { type Operation, race, scoped, sleep, spawn, type Task } from "effection"
import { TaskGroup } from "../TaskGroup.ts"

export const joinFibers = Effect.fnUntraced(function* (entries: ReadonlyArray<Effect.Effect<number>>, limit: number) {
  const fibers: Array<Fiber.Fiber<number>> = []
  for (const entry of entries) fibers.push(yield* Effect.forkChild(entry, { startImmediately: true }))
  const ended = yield* Effect.timeoutOption(Fiber.awaitAll(fibers), limit)
  const completed = new Map<number, number>()
  const unfinished = new Map<number, Fiber.Fiber<number>>()
  fibers.forEach((fiber, index) => {
    const exit = fiber.pollUnsafe()
    if (exit === undefined) unfinished.set(index, fiber)
    else if (exit._tag === "Success") completed.set(index, exit.value)
  })
  if (Option.isNone(ended)) yield* Fiber.interruptAll(unfinished.values())
  return { completed, cancelled: Array.from(unfinished.keys()) }
})

const late = new Error("deadline")

export const joinPromises = async (
  bodies: ReadonlyArray<(signal: AbortSignal) => Promise<number>>,
  limit: number,
  parent: AbortSignal
) => {
  const group = new TaskGroup(parent)
  const completed = new Map<number, number>()
  const unfinished = new Set<number>()
  const all = bodies.map(async (body, index) => {
    unfinished.add(index)
    completed.set(index, await group.spawn(body).done)
    unfinished.delete(index)
  })
  let timer: NodeJS.Timeout | undefined
  const deadline = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, limit)
  })
  await Promise.race([Promise.allSettled(all), deadline])
  clearTimeout(timer)
  const report = { completed: new Map(completed), cancelled: Array.from(unfinished) }
  await group.cancel(late)
  return report
}

// The end of the scope halts and awaits the unfinished.
export const joinOperations = (entries: ReadonlyArray<() => Operation<number>>, limit: number) =>
  scoped(function* () {
    const completed = new Map<number, number>()
    const unfinished = new Set<number>()
    const tasks: Array<Task<void>> = []
    for (const [index, entry] of entries.entries()) {
      unfinished.add(index)
      const member = yield* spawn(function* () {
        completed.set(index, yield* entry())
        unfinished.delete(index)
      })
      tasks.push(member)
    }
    const everyTask: Operation<void> = {
      *[Symbol.iterator]() {
        for (const task of tasks) yield* task
      }
    }
    yield* race([everyTask, sleep(limit)])
    return { completed, cancelled: Array.from(unfinished) }
  })
