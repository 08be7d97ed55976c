/**
 * K42 under a seeded scheduler, with threads that are played: whatever script, at
 * whatever step it is cancelled, a thread that was started is told at most once and
 * before it is terminated, terminated at most once, and gone when the task has ended.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import { describe, expect, it } from "vitest"
import { Threads, type StartThread } from "../../src/fibers/internal/workerThread.ts"
import * as KillableWorker from "../../src/fibers/KillableWorker.ts"
import * as Nursery from "../../src/fibers/Nursery.ts"
import * as Task from "../../src/fibers/Task.ts"
import type * as TaskOutcome from "../../src/fibers/TaskOutcome.ts"
import { randomFrom, World, wrongSeeds } from "../support/sim.ts"

interface Played {
  readonly did: Array<string>
  toldAt: number
  endedAt: number
}

const budget = 10

/** Threads that compute for a while and, when told, stop, return late or take no notice. */
const playing = (world: World, random: () => number, threads: Array<Played>): StartThread => {
  const after = (millis: number, job: () => void) =>
    Effect.runFork(Effect.andThen(world.clock.sleep(Duration.millis(millis)), Effect.sync(job)), { scheduler: world })
  return (_, listener) => {
    const thread: Played = { did: [], toldAt: Number.NaN, endedAt: Number.NaN }
    threads.push(thread)
    const work = Math.floor(random() * 30)
    const notice = random()
    const end = () => {
      if (!Number.isNaN(thread.endedAt)) return
      thread.endedAt = world.now
      listener.received({ _tag: "Failed", problem: "exited", error: "code 1" })
      listener.exited()
    }
    if (random() < 0.5) after(work / 2, () => listener.received({ _tag: "Sent", value: 1 }))
    if (random() < 0.8) {
      after(work, () =>
        listener.received(
          random() < 0.7 ? { _tag: "Done", value: "result" } : { _tag: "Failed", problem: "threw", error: "bad" }
        )
      )
    } else if (random() < 0.5) after(work, end)
    return {
      tell: () => {
        thread.did.push("told")
        thread.toldAt = world.now
        if (notice < 0.3) after(2, () => listener.received({ _tag: "Stopped" }))
        else if (notice < 0.5) after(4, () => listener.received({ _tag: "Done", value: "late" }))
        else if (notice < 0.6) after(3, end)
      },
      terminate: () => {
        thread.did.push("terminated")
        after(1, end)
      }
    }
  }
}

/** How often each kind of run came up, so that none is missing unnoticed. */
const kinds = new Map<string, number>()

const nothing = () => {}
const handled = () => Effect.sleep(1)

const scenario = (seed: number): string | undefined => {
  const random = randomFrom(seed)
  const threads: Array<Played> = []
  let cancel = nothing
  const world = new World({
    seed,
    preempt: random() * 0.5,
    at: { step: 1 + Math.floor(random() * 150), run: () => cancel() }
  })
  const grace = random() < 0.4 ? Math.floor(random() * 20) : 0
  const giveUp = random() < 0.2 ? Math.floor(random() * 15) : undefined
  let outcome: TaskOutcome.TaskOutcome<unknown, unknown> | undefined
  let endedAt = Number.NaN
  const onMessage = random() < 0.5 ? { onMessage: handled } : {}
  const program = Nursery.supervise("n", (nursery: Nursery.Nursery<KillableWorker.WorkerFailed>) =>
    Effect.gen(function* () {
      const task = yield* nursery.spawn(
        "script",
        KillableWorker.run({ script: "played", input: 0, budget, ...onMessage })
      )
      cancel = () => Effect.runFork(world.leaks.within(Task.cancel(task, { grace, giveUp })), { scheduler: world })
      // Scripts that never end need a cancel even when the random step comes too late.
      yield* Effect.forkChild(Effect.andThen(Effect.sleep(100), Task.cancel(task)))
      outcome = yield* Task.await(task)
      endedAt = world.now
      if (outcome._tag === "Cancelled" && outcome.how === "abandoned") return
      const alive = threads.find((thread) => Number.isNaN(thread.endedAt))
      if (alive !== undefined) throw new Error("the task ended before its thread")
    })
  )
  const exit = world.run(
    program.pipe(
      Effect.provideService(Threads, playing(world, random, threads)),
      // A failure that a cancel overtakes is logged, on purpose.
      Effect.provideService(Logger.CurrentLoggers, new Set())
    )
  )
  if (exit === undefined) return "stuck"
  if (exit._tag === "Failure") return String(exit.cause)
  if (world.left !== undefined) return world.left
  if (threads.length > 1) return `${threads.length} threads`
  const kind = `${outcome!._tag} ${outcome!._tag === "Cancelled" ? outcome!.how : ""} ${threads[0]?.did.join() ?? "no thread"}`
  kinds.set(kind, (kinds.get(kind) ?? 0) + 1)
  for (const { did, endedAt, toldAt } of threads) {
    if (Number.isNaN(endedAt)) return "a thread is left"
    if (!["told,terminated", "terminated"].includes(did.join())) return `the thread was ${did.join()}`
    // One turn of virtual time for the thread to end.
    if (endedAt - toldAt > Math.max(budget, grace) + 1 && outcome!._tag === "Cancelled")
      return `it lived ${endedAt - toldAt} after it was told`
  }
  if (outcome!._tag === "Cancelled" && outcome!.how === "interrupted" && giveUp === undefined) {
    const [thread] = threads
    if (thread !== undefined && endedAt < thread.endedAt) return "the cancel did not wait"
  }
  if (outcome!._tag === "Completed" && outcome!.value !== "result" && outcome!.value !== "late") return "no value"
  return undefined
}

describe("KillableWorker at random", () => {
  it(
    "K42: told once, then terminated once, and gone when the task has ended, at every step",
    { timeout: 60_000 },
    () => {
      expect(wrongSeeds(2000, scenario)).toBeUndefined()
      expect(kinds.size).toBeGreaterThan(8)
    }
  )
})
