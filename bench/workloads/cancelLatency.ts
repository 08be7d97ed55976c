/**
 * From the cancel of one sleeping task to the end of its finalizer, many times in a row: while nothing else runs, and
 * among a thousand siblings that compute all the time. What counts are the percentiles; the row of the whole round has
 * the starts and the pauses in it.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import { type Operation, sleep, spawn, until } from "effection"
import { Nursery, Task } from "../../src/fibers/index.ts"
import type { Probe } from "../Probe.ts"
import { runEffect } from "../runEffect.ts"
import { runOperation } from "../runOperation.ts"
import { aborted, parentController, TaskGroup } from "../TaskGroup.ts"
import type { Case, Round, Workload } from "../Workload.ts"

const samples = 200

/** Some microseconds of work. */
const compute = (): void => {
  let sum = 0
  for (let i = 0; i < 2000; i++) sum += Math.sqrt(i)
  if (sum < 0) throw new Error("impossible")
}

/** One at a time is measured. */
class Stopwatch {
  private from = 0
  private readonly probe: Probe

  constructor(probe: Probe) {
    this.probe = probe
  }

  start(): void {
    this.from = performance.now()
  }

  stop(index: number): void {
    this.probe.latency((performance.now() - this.from) * 1e6)
    this.probe.finalized(index)
  }
}

const busy = Effect.forever(Effect.andThen(Effect.sync(compute), Effect.yieldNow))

const sleeper = (watch: Stopwatch, index: number): Effect.Effect<void> =>
  Effect.ensuring(
    Effect.sleep("1 hour"),
    Effect.sync(() => watch.stop(index))
  )

const rescind: Round = (siblings, probe) =>
  runEffect(
    probe,
    Effect.scoped(
      Effect.gen(function* () {
        const watch = new Stopwatch(probe)
        const nursery = yield* Nursery.make("busy")
        for (let i = 0; i < siblings; i++) yield* nursery.spawn("busy", busy)
        for (let index = 0; index < samples; index++) {
          const task = yield* nursery.spawn("sleeper", sleeper(watch, index))
          yield* Effect.yieldNow
          watch.start()
          yield* Task.cancel(task)
        }
      })
    )
  )

const effect: Round = (siblings, probe) =>
  runEffect(
    probe,
    Effect.scoped(
      Effect.gen(function* () {
        const watch = new Stopwatch(probe)
        const scope = yield* Effect.acquireRelease(Scope.make("parallel"), (scope) => Scope.close(scope, Exit.void))
        for (let i = 0; i < siblings; i++) yield* Effect.forkIn(busy, scope)
        for (let index = 0; index < samples; index++) {
          const fiber = yield* Effect.forkIn(sleeper(watch, index), scope, { startImmediately: true })
          yield* Effect.yieldNow
          watch.start()
          yield* Fiber.interrupt(fiber)
        }
      })
    )
  )

const cancelled = new Error("cancelled")

const pause = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

const promise: Round = async (siblings, probe) => {
  const watch = new Stopwatch(probe)
  const parent = parentController(probe)
  const group = new TaskGroup(parent.signal)
  for (let i = 0; i < siblings; i++) {
    const { done } = group.spawn(async (signal) => {
      while (!signal.aborted) {
        compute()
        await pause()
      }
    })
    done.catch(() => {})
  }
  for (let index = 0; index < samples; index++) {
    const task = group.spawn(async (signal) => {
      let timer: NodeJS.Timeout | undefined
      try {
        await Promise.race([new Promise((resolve) => (timer = setTimeout(resolve, 3_600_000))), aborted(signal)])
      } finally {
        clearTimeout(timer)
        watch.stop(index)
      }
    })
    await pause()
    watch.start()
    task.controller.abort(cancelled)
    await task.done.catch(() => {})
  }
  await group.cancel(cancelled)
}

const busyOperation = function* (): Operation<void> {
  while (true) {
    compute()
    yield* until(pause())
  }
}

const effection: Round = (siblings, probe) =>
  runOperation(probe, function* () {
    const watch = new Stopwatch(probe)
    for (let i = 0; i < siblings; i++) void (yield* spawn(busyOperation))
    for (let index = 0; index < samples; index++) {
      const task = yield* spawn(function* () {
        try {
          yield* sleep(3_600_000)
        } finally {
          watch.stop(index)
        }
      })
      yield* until(pause())
      watch.start()
      yield* task.halt()
    }
  })

const caseOf = (label: string, siblings: number): Case => ({
  label,
  n: siblings,
  finalizers: samples,
  operations: samples,
  targets: {},
  laps: { p50: { effect: 1.5, promise: 1, effection: 1 }, p99: {} }
})

export const cancelLatency: Workload = {
  name: "cancel-latency",
  summary: "from the cancel of a sleeping task to the end of its finalizer, idle and among 1,000 busy siblings",
  measures: "wall",
  rounds: 9,
  strides: { effection: 3, promise: 3 },
  cases: [caseOf("cancel-latency-idle", 0), caseOf("cancel-latency-busy", 1000)],
  contestants: { rescind, effect, promise, effection }
}
