/**
 * What has ended leaves nothing in the heap, also below a scope and beside a task
 * that live on. Weighed after full collections, once at work as at the end; a task
 * that was kept would weigh 500 bytes at least, the bound is 100 each.
 */
import * as Effect from "effect/Effect"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { describe, expect, it } from "vitest"
import * as Batch from "../../src/combinators/Batch.ts"
import * as Deadline from "../../src/combinators/Deadline.ts"
import * as Join from "../../src/combinators/Join.ts"
import * as Latest from "../../src/combinators/Latest.ts"
import * as Race from "../../src/combinators/Race.ts"
import * as Nursery from "../../src/fibers/Nursery.ts"
import * as Shield from "../../src/fibers/Shield.ts"
import * as Task from "../../src/fibers/Task.ts"
import { Tasks } from "../../src/fibers/Tasks.ts"

setFlagsFromString("--expose-gc")
const gc = runInNewContext("gc") as () => void

const weigh = Effect.sync(() => {
  for (let turn = 0; turn < 4; turn++) gc()
  return process.memoryUsage().heapUsed
})

const waiting = Effect.onInterrupt(Effect.never, () => Effect.void)

const times = <E, R>(operation: (index: number) => Effect.Effect<unknown, E, R>, from: number, to: number) =>
  Effect.gen(function* () {
    for (let index = from; index < to; index++) yield* operation(index)
    // What was told in the last turn ends in the next.
    yield* Effect.sleep(1)
  })

/** Bytes that are left of each of `count` operations. */
const leftOf = <E, R>(count: number, operation: (index: number) => Effect.Effect<unknown, E, R>) =>
  Effect.gen(function* () {
    yield* times(operation, 0, 1000)
    const before = yield* weigh
    yield* times(operation, 1000, 1000 + count)
    return ((yield* weigh) - before) / count
  })

type Here = {
  readonly nursery: Nursery.Nursery<never>
  readonly outside: Task.Task<never>
  readonly tasks: Tasks["Service"]
  readonly latest: Latest.Latest<number>
}

const operations: Record<string, readonly [number, (here: Here, index: number) => Effect.Effect<unknown, unknown>]> = {
  "100,000 cancelled tasks": [
    100_000,
    ({ nursery }) =>
      Effect.flatMap(nursery.spawn("t", waiting), (task) => Effect.andThen(Effect.yieldNow, Task.cancel(task)))
  ],
  "100,000 tasks cancelled by their id": [
    100_000,
    ({ tasks }, index) => Effect.andThen(tasks.start(`t${index % 10}`, waiting), tasks.cancel(`t${index % 10}`))
  ],
  "10,000 replacements": [
    10_000,
    ({ latest }, index) => Effect.andThen(latest.start(index % 2 === 0 ? 0 : index, waiting), latest.cancel(index - 1))
  ],
  "10,000 races": [10_000, ({ outside }) => Race.firstSuccess([Effect.yieldNow, waiting, outside])],
  "10,000 joins with a limit": [10_000, ({ outside }) => Join.within([Effect.yieldNow, waiting, outside], 0)],
  "10,000 deadlines that passed": [10_000, () => Deadline.option(waiting, 0)],
  "10,000 shields": [10_000, () => Shield.run("s", Effect.yieldNow, { budget: "1 second" })],
  "1,000 batches": [1000, () => Batch.collect([1, 2, 3, 4, 5], () => Effect.yieldNow, { concurrency: 2 })]
}

describe("in real time", () => {
  for (const [what, [count, operation]] of Object.entries(operations)) {
    it(`heap returns to its baseline after ${what} (K45)`, async () => {
      const left = Effect.gen(function* () {
        const nursery = yield* Nursery.make<never>()
        const latest = yield* Latest.make<number>()
        const here = { nursery, latest, tasks: yield* Tasks, outside: yield* nursery.spawn("outside", Effect.never) }
        return yield* leftOf(count, (index) => operation(here, index))
      })
      const layer = Tasks.layer({ maxRunning: 100 })
      expect(await Effect.runPromise(Effect.scoped(Effect.provide(left, layer)))).toBeLessThan(100)
    }, 60_000)
  }
})
