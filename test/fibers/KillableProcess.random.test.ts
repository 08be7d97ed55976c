/**
 * K42 under a seeded scheduler, with processes that are played: at whatever step
 * the task is cancelled, a process that was spawned is told once, killed only when
 * its budget is over, and gone when the task has ended.
 */
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Logger from "effect/Logger"
import * as PlatformError from "effect/PlatformError"
import * as ChildProcess from "effect/process/ChildProcess"
import * as Spawner from "effect/process/ChildProcessSpawner"
import * as Sink from "effect/Sink"
import * as Stream from "effect/Stream"
import { describe, expect, it } from "vitest"
import * as KillableProcess from "../../src/fibers/KillableProcess.ts"
import * as Nursery from "../../src/fibers/Nursery.ts"
import * as Task from "../../src/fibers/Task.ts"
import type * as TaskOutcome from "../../src/fibers/TaskOutcome.ts"
import { randomFrom, World, wrongSeeds } from "../support/sim.ts"

interface Played {
  /** Told, though it may have been gone by then. */
  asked: boolean
  /** Signals that found it alive. */
  readonly got: Array<string>
  readonly toldAt: number
  readonly killedAt: number
  readonly endedAt: number
}

const budget = 10

const error = (text: string, tag: PlatformError.SystemErrorTag = "Unknown") =>
  PlatformError.systemError({ _tag: tag, module: "ChildProcess", method: "played", cause: new Error(text) })

/** Processes that work for a while and, when told, stop, end well or take no notice. */
const playing = (world: World, random: () => number, processes: Array<Played>) => {
  const after = (millis: number, job: () => void) =>
    Effect.runFork(Effect.andThen(world.clock.sleep(Duration.millis(millis)), Effect.sync(job)), { scheduler: world })
  return Spawner.make(() =>
    Effect.gen(function* () {
      yield* Effect.sleep(Math.floor(random() * 4))
      if (random() < 0.1) return yield* Effect.fail(error("ENOENT", "NotFound"))
      const process = { asked: false, got: [] as Array<string>, toldAt: NaN, killedAt: NaN, endedAt: NaN }
      processes.push(process)
      const exit = Deferred.makeUnsafe<Spawner.ExitCode, PlatformError.PlatformError>()
      const end = (how: number | string) => {
        if (!Number.isNaN(process.endedAt)) return
        process.endedAt = world.now
        Deferred.doneUnsafe(
          exit,
          typeof how === "number"
            ? Exit.succeed(Spawner.ExitCode(how))
            : Exit.fail(error(`Process interrupted due to receipt of signal: '${how}'`))
        )
      }
      const work = Math.floor(random() * 30)
      const notice = random()
      if (random() < 0.7) after(work, () => end(random() < 0.7 ? 0 : 3))
      const kill = (options?: ChildProcess.KillOptions) =>
        Effect.suspend(() => {
          const signal = options?.killSignal ?? "SIGTERM"
          process.asked = true
          if (!Number.isNaN(process.endedAt)) return Effect.fail(error("ESRCH"))
          process.got.push(signal)
          if (signal === "SIGKILL") {
            process.killedAt = world.now
            after(1, () => end(signal))
          } else {
            process.toldAt = world.now
            if (notice < 0.3) after(3, () => end(signal))
            else if (notice < 0.5) after(5, () => end(0))
            else if (notice < 0.6) after(2, () => end(143))
          }
          return Effect.exit(Deferred.await(exit))
        })
      return Spawner.makeHandle({
        pid: Spawner.ProcessId(7),
        exitCode: Deferred.await(exit),
        isRunning: Effect.sync(() => Number.isNaN(process.endedAt)),
        kill,
        stdin: Sink.drain,
        stdout: Stream.fromEffectDrain(Effect.exit(Deferred.await(exit))),
        stderr: Stream.empty,
        all: Stream.empty,
        getInputFd: () => Sink.drain,
        getOutputFd: () => Stream.empty,
        unref: Effect.succeed(Effect.void)
      })
    })
  )
}

/** How often each kind of run came up, so that none is missing unnoticed. */
const kinds = new Map<string, number>()

const nothing = () => {}

const scenario = (seed: number): string | undefined => {
  const random = randomFrom(seed)
  const processes: Array<Played> = []
  let cancel = nothing
  const world = new World({
    seed,
    preempt: random() * 0.5,
    at: { step: 1 + Math.floor(random() * 250), run: () => cancel() }
  })
  const grace = random() < 0.4 ? Math.floor(random() * 20) : 0
  const giveUp = random() < 0.2 ? Math.floor(random() * 15) : undefined
  let outcome: TaskOutcome.TaskOutcome<KillableProcess.ProcessResult, unknown> | undefined
  const program = Nursery.supervise("n", (nursery: Nursery.Nursery<unknown>) =>
    Effect.gen(function* () {
      const task = yield* nursery.spawn("command", KillableProcess.run(ChildProcess.make("played"), { budget }))
      cancel = () => Effect.runFork(world.leaks.within(Task.cancel(task, { grace, giveUp })), { scheduler: world })
      // Commands that never end need a cancel even when the random step comes too late.
      yield* Effect.forkChild(Effect.andThen(Effect.sleep(100), Task.cancel(task)))
      outcome = yield* Task.await(task)
      if (outcome._tag === "Cancelled" && outcome.how === "abandoned") return
      if (processes.some((process) => Number.isNaN(process.endedAt)))
        throw new Error("the task ended before its process")
    })
  )
  const exit = world.run(
    program.pipe(
      Effect.provideService(Spawner.ChildProcessSpawner, playing(world, random, processes)),
      // A failure that a cancel overtakes is logged, on purpose.
      Effect.provideService(Logger.CurrentLoggers, new Set())
    )
  )
  if (exit === undefined) return "stuck"
  if (exit._tag === "Failure") return String(exit.cause)
  if (world.left !== undefined) return world.left
  if (processes.length > 1) return `${processes.length} processes`
  const how = outcome!._tag === "Cancelled" ? outcome!.how : ""
  const kind = `${outcome!._tag} ${how} ${processes[0]?.got.join() ?? "no process"}`
  kinds.set(kind, (kinds.get(kind) ?? 0) + 1)
  if (how === "cooperative" && !processes[0]!.asked) return "it stopped for nobody had told it"
  for (const { endedAt, got, killedAt, toldAt } of processes) {
    if (Number.isNaN(endedAt)) return "a process is left"
    if (!["", "SIGTERM", "SIGTERM,SIGKILL"].includes(got.join())) return `the process got ${got.join()}`
    if (killedAt - toldAt < budget) return `killed ${killedAt - toldAt} after it was told`
    if (killedAt - toldAt > Math.max(budget, grace)) return `not killed until ${killedAt - toldAt} after it was told`
  }
  return undefined
}

describe("KillableProcess at random", () => {
  it(
    "K42: told once, killed when the budget is over, gone when the task has ended, at every step",
    { timeout: 60_000 },
    () => {
      expect(wrongSeeds(2000, scenario)).toBeUndefined()
      expect(kinds.size).toBeGreaterThan(10)
    }
  )
})
