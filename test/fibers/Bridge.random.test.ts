/**
 * The bridges under a seeded scheduler: foreign operations that answer at random
 * times with a value or a rejection, before or after a cancel at a random step.
 * Each value is used or goes to `onLate`, exactly one of both; each aborted signal
 * carries the reason; nothing is left.
 */
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import { Clock as ClockService } from "effect/Clock"
import { describe, expect, it } from "vitest"
import * as Bridge from "../../src/fibers/Bridge.ts"
import { CancelAbortError } from "../../src/fibers/CancelAbortError.ts"
import * as CancelReason from "../../src/fibers/CancelReason.ts"
import * as Nursery from "../../src/fibers/Nursery.ts"
import * as Task from "../../src/fibers/Task.ts"
import { randomFrom, World, wrongSeeds } from "../support/sim.ts"

interface Call {
  opened: boolean
  rejected: boolean
  used: number
  late: number
  signal: AbortSignal
}

/** A thenable that answers by the virtual clock of the world: no microtasks. */
const answering = (world: World, random: () => number, call: Call): PromiseLike<Call> => {
  const fails = random() < 0.25
  const answersAbort = random() < 0.3
  const after = random() < 0.4 ? 0 : Math.floor(random() * 12)
  let answered = false
  const answer = (ok: (call: Call) => void, no: (error: unknown) => void) => {
    if (answered) return
    answered = true
    if (fails) {
      call.rejected = true
      return no(new Error("failed"))
    }
    call.opened = true
    return ok(call)
  }
  return {
    // oxlint-disable-next-line unicorn/no-thenable -- it stands for a promise
    then: ((ok: (call: Call) => void, no: (error: unknown) => void) => {
      const now = () => answer(ok, no)
      if (answersAbort) call.signal.addEventListener("abort", now)
      if (after === 0) now()
      else
        Effect.runFork(
          Effect.andThen(Effect.provideService(Effect.sleep(after), ClockService, world.clock), Effect.sync(now)),
          { scheduler: world }
        )
    }) as never
  }
}

const scenario =
  (kind: "promise" | "callback" | "stop") =>
  (seed: number): string | undefined => {
    const random = randomFrom(seed)
    const calls: Array<Call> = []
    let stopped = 0
    let acquired = 0
    let cancel: (() => void) | undefined
    const world: World = new World({
      seed,
      preempt: random() < 0.5 ? 0.4 : 0.1,
      fifo: random() < 0.3,
      at: { step: 1 + Math.floor(random() * 150), run: () => cancel?.() }
    })
    const open = (signal: AbortSignal): Call => {
      const call: Call = { opened: false, rejected: false, used: 0, late: 0, signal }
      calls.push(call)
      return call
    }
    const onLate = (call: Call) =>
      Effect.andThen(
        Effect.sleep(1),
        Effect.sync(() => {
          call.late++
        })
      )
    const mode = random() < 0.5 ? "wait" : "abandon"
    const promised: Effect.Effect<Call, unknown> =
      kind === "callback"
        ? Bridge.fromCallback<Call, unknown>(
            (resume, signal) => {
              const call = open(signal)
              const later = random() < 0.5
              void answering(world, random, call).then(
                (value) => {
                  if (!later) return resume(Effect.succeed(value))
                  // Interrupted while it runs, it has not opened anything.
                  value.opened = false
                  const opening = Effect.map(Effect.yieldNow, () => {
                    value.opened = true
                    return value
                  })
                  return resume(opening)
                },
                (error) => resume(Effect.fail(error))
              )
            },
            { mode: random() < 0.3 ? "forget" : mode, onLate }
          )
        : Bridge.fromPromise((signal) => answering(world, random, open(signal)), { mode, onLate })
    // The value is ours from the very step that gets it.
    const used = Effect.map(promised, (call) => {
      call.used++
    })
    const one = Effect.exit(used)
    const work =
      kind === "stop"
        ? Bridge.stopOnCancel(
            Effect.sync(() => {
              acquired++
            }),
            () => one,
            () =>
              Effect.andThen(
                Effect.sleep(2),
                Effect.sync(() => {
                  stopped++
                })
              )
          )
        : one
    const program = Nursery.supervise("top", (nursery: Nursery.Nursery<unknown>) =>
      Effect.gen(function* () {
        const task = yield* nursery.spawn("task", Effect.all([work, work], { concurrency: random() < 0.5 ? 2 : 1 }))
        const context = yield* Effect.context<never>()
        cancel = () =>
          Effect.runForkWith(context)(
            Task.cancel(task, {
              reason: CancelReason.request({ by: "ann" }),
              grace: random() < 0.3 ? 2 : 0,
              ...(random() < 0.2 ? { giveUp: 4 } : {})
            })
          )
        yield* Task.await(task)
      })
    )
    const exit = world.run(Effect.provideService(program, Metric.MetricRegistry, new Map()))
    if (exit === undefined) return "it never ended"
    if (exit._tag === "Failure") return `it failed: ${String(exit.cause)}`
    for (const call of calls) {
      if (call.opened && call.used + call.late !== 1)
        return `a value was used ${call.used} times and late ${call.late} times`
      if (!call.opened && call.used + call.late > 0) return "a value came from nowhere"
      if (!call.signal.aborted) continue
      const abort: unknown = call.signal.reason
      if (!(abort instanceof CancelAbortError)) return "an abort had no reason"
      if (abort.reason.by !== "ann" && abort.reason.source !== "interrupt")
        return `an abort said ${abort.reason.source}`
      if (call.used > 0) return "a call that was used was aborted"
    }
    if (stopped !== acquired) return `acquired ${acquired}, stopped ${stopped}`
    return world.left
  }

const seeds = Number(process.env["SEEDS"] ?? 400)

describe("Bridge, cancelled at random", () => {
  for (const kind of ["promise", "callback", "stop"] as const) {
    it(`no value is lost or used twice, every abort has its reason, nothing is left (K41, K45, ${kind})`, () => {
      expect(wrongSeeds(seeds, scenario(kind))).toBeUndefined()
    })
  }
})
