/**
 * The main program of a process that signals end well. The first SIGTERM or
 * SIGINT is told to the program, which ends by itself; a second one, or the end of
 * a time limit, exits at once and prints what still ran. The process always exits,
 * with a code that says how it went, whatever still holds its event loop.
 *
 * | exit code | means |
 * |---|---|
 * | what the program returned, else 0 | it ended by itself |
 * | 1 | it failed, or died of a defect; the cause is logged (an error may bring a code of its own: `Runtime.errorExitCode`) |
 * | 130, 143 | it was ended by SIGINT or SIGTERM, in order; or by a second signal, which names what was cut off |
 * | 75 | it was ended by a signal, and something had not ended in time: a warning names it |
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Console from "effect/Console"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Runtime from "effect/Runtime"
import * as CancelPolicy from "./CancelPolicy.ts"
import * as CancelReason from "./CancelReason.ts"
import * as Nursery from "./Nursery.ts"
import * as ProcessSignals from "./ProcessSignals.ts"
import * as Stragglers from "./Stragglers.ts"
import * as Task from "./Task.ts"
import * as TaskTree from "./TaskTree.ts"

/**
 * `process`, or what stands in for it in a test.
 *
 * @category models
 * @since 0.1.0
 */
export interface Process extends ProcessSignals.Source {
  readonly exit: (code: number) => unknown
}

/**
 * A program that is handed the wait for the first signal, and a limit to set when
 * it has come: if the program has not ended so long from then on, the process exits
 * as after a second signal, with 75. A number that it returns is the exit code;
 * without one, the table above says which.
 *
 * @category models
 * @since 0.1.0
 */
export type Main<E> = (
  signalled: Effect.Effect<ProcessSignals.Signal>,
  exitWithin: (limit: Duration.Duration) => Effect.Effect<void>
) => Effect.Effect<number | void, E>

/**
 * What a shell shows for a process that such a signal ended: 128 and its number.
 *
 * @category exit codes
 * @since 0.1.0
 */
export const exitCode: { readonly [S in ProcessSignals.Signal]: number } = { SIGINT: 130, SIGTERM: 143 }

/**
 * A signal ended the process, and something had not ended in time: `EX_TEMPFAIL`
 * of `sysexits.h`, since what was cut off may be worth another try.
 *
 * @category exit codes
 * @since 0.1.0
 */
export const leftBehind = 75

/**
 * Runs the program and exits.
 *
 * @example
 * ```ts
 * ProcessMain.run(process, ProcessMain.untilSignal(program))
 * ```
 *
 * @category running
 * @since 0.1.0
 */
export const run = <E>(process: Process, main: Main<E>): void =>
  Runtime.makeRunMain(({ fiber, teardown }) => {
    fiber.addObserver((exit) =>
      exit._tag === "Success" ? process.exit(exit.value as number) : teardown(exit, (code) => process.exit(code))
    )
  })(attended(process, main), { disableErrorReporting: true })

/**
 * The same as an effect of the exit code, which `run` exits with: for a runner of
 * your own. Only a second signal, or the end of a limit, calls `process.exit`.
 *
 * @category running
 * @since 0.1.0
 */
export const attended = <E>(process: Process, main: Main<E>): Effect.Effect<number, E> =>
  Effect.gen(function* () {
    const scope = yield* Effect.scope
    const signals = yield* ProcessSignals.listen(process)
    const first = yield* Deferred.make<ProcessSignals.Signal>()
    // On a fiber of its own: whatever the program hangs in, this one hears the second signal.
    yield* Effect.forkScoped(
      Effect.gen(function* () {
        const signal = yield* Queue.take(signals)
        yield* Deferred.succeed(first, signal)
        const again = yield* Queue.take(signals)
        yield* exitNow(process, again === signal ? `${again} again` : `${again} after ${signal}`, exitCode[again])
      })
    )
    const code = yield* main(Deferred.await(first), (limit) => {
      const exit = exitNow(process, `Timeout of ${Duration.format(limit)}`, leftBehind)
      return Duration.isFinite(limit) ? Effect.asVoid(Effect.forkIn(Effect.delay(exit, limit), scope)) : Effect.void
    })
    if (typeof code === "number") return code
    const signal = yield* Deferred.poll(first)
    return Option.isSome(signal) ? yield* codeOf(yield* signal.value) : 0
  }).pipe(
    Effect.scoped,
    Effect.tapCause((cause) =>
      Cause.hasInterruptsOnly(cause) ? Effect.void : toStderr(Effect.logFatal("The program failed", cause))
    )
  )

const toStderr = Effect.provideService(Logger.LogToStderr, true)

const exitNow = (process: Process, why: string, code: number): Effect.Effect<void> =>
  Effect.gen(function* () {
    const running = TaskTree.toText(yield* TaskTree.snapshot)
    yield* Console.error(`${why}: exit at once. This was still running:\n${running}`)
    process.exit(code)
  })

/** How a program that a signal has ended exits. */
const codeOf = (signal: ProcessSignals.Signal): Effect.Effect<number> =>
  Effect.gen(function* () {
    const left = yield* Stragglers.list
    if (left.length === 0) return exitCode[signal]
    const names = left.map(({ name }) => name)
    const message = `Exit by timeout, while this was still running: ${names.join(", ")}`
    yield* toStderr(Effect.annotateLogs(Effect.logWarning(message), { abandoned: names }))
    return leftBehind
  })

/**
 * A program that the first signal cancels, with a reason of the source `shutdown`
 * that names the signal. What the program started is told at once and awaited,
 * within the patience of `policy` (default: `CancelPolicy.shutdown`, 30 seconds).
 *
 * @category constructors
 * @since 0.1.0
 */
export const untilSignal =
  <E>(program: Effect.Effect<number | void, E>, policy?: CancelPolicy.CancelPolicyInput): Main<E> =>
  (signalled) =>
    Nursery.run("process", (nursery: Nursery.Nursery<E>) =>
      Effect.gen(function* () {
        const main = yield* nursery.spawn("main", program)
        const stop = Effect.flatMap(signalled, (signal) =>
          Task.cancel(main, { ...(policy ?? CancelPolicy.shutdown), reason: CancelReason.shutdown({ by: signal }) })
        )
        yield* Effect.raceFirst(Task.await(main), stop)
        const outcome = yield* Task.await(main)
        return outcome._tag === "Completed" ? outcome.value : undefined
      })
    ).pipe(Effect.catchTag("ScopeCancelled", Effect.die))
