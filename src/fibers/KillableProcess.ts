/**
 * A command in a process of its own that a cancel really ends: it is told by
 * SIGTERM, or in a way of your own, and killed when its budget is over, with
 * everything that it started in its group. Reach for it for programs, and for
 * code that no thread can be freed from: native calls that block. The platform
 * starts the process (`NodeServices.layer` of `@effect/platform-node`); this owns
 * it until it has really ended (contract K42).
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type { PlatformError } from "effect/PlatformError"
import * as ChildProcess from "effect/process/ChildProcess"
import type { ChildProcessHandle, ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as CommandLine from "effect/process/CommandLine"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type * as CancelReason from "./CancelReason.ts"
import * as Checkpoint from "./Checkpoint.ts"
import { RunningProcess } from "./internal/runningProcess.ts"
import { standingReason } from "./internal/standingReason.ts"
import { validMillis } from "./internal/validDuration.ts"
import * as Task from "./Task.ts"

/**
 * @category models
 * @since 0.1.0
 */
export interface Options<R = never> {
  /** Time from the telling until SIGKILL. Default: 2 seconds. */
  readonly budget?: Duration.Input | undefined
  /**
   * How the process is told, with the reason: a line on its input, say. Default: the
   * `killSignal` of the command (SIGTERM) to it and all of its group.
   */
  readonly tell?:
    | ((reason: CancelReason.CancelReason, process: ChildProcessHandle) => Effect.Effect<unknown, unknown, R>)
    | undefined
}

/**
 * @category models
 * @since 0.1.0
 */
export interface RunOptions<R = never> extends Options<R> {
  /** Which exit codes are a success. Default: 0. */
  readonly accept?: ((exitCode: number) => boolean) | undefined
}

/**
 * @category models
 * @since 0.1.0
 */
export interface ProcessResult {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

/**
 * The process ended with an exit code that is no success, or by a signal that
 * was not ours.
 *
 * @category errors
 * @since 0.1.0
 */
export class ProcessFailed extends Schema.TaggedError<ProcessFailed>()("ProcessFailed", {
  command: Schema.String,
  exitCode: Schema.optionalKey(Schema.Int),
  signal: Schema.optionalKey(Schema.String),
  stdout: Schema.String,
  stderr: Schema.String
}) {
  override get message(): string {
    const how = this.signal === undefined ? `exited with code ${this.exitCode}` : `was ended by ${this.signal}`
    const said = this.stderr.trimEnd().split("\n").at(-1)!
    return `"${this.command}" ${how}${said === "" ? "" : `: ${said}`}`
  }
}

/**
 * Starts a command that lives as long as the current scope at most, for whoever
 * wants its streams. When the scope closes, a process that still runs is told and,
 * `budget` later, killed; the scope is closed when it has ended. A task that is
 * asked to stop tells its process at the request, so that it may end in the grace.
 *
 * **Gotchas**
 *
 * On Windows there is no telling: the tree is ended at once. A descendant that
 * left the process group (`setsid`, `detached`) is not reached. Where process 1
 * does not reap orphans, as in a container without an init, zombies count as alive:
 * the platform waits up to a second for them, within the budget. Without a task
 * around, nothing is told before the scope closes.
 *
 * @category constructors
 * @since 0.1.0
 */
export const spawn = <R = never>(
  command: ChildProcess.StandardCommand,
  options?: Options<R>
): Effect.Effect<ChildProcessHandle, PlatformError, ChildProcessSpawner | Scope.Scope | R> =>
  Effect.map(start(command, options), ({ handle }) => handle)

/**
 * Runs a command to its end and returns its output as text. Without a `stdin` of
 * its own the command reads nothing. What it leaves running in its group when it
 * has exited is told and killed too.
 *
 * **Details**
 *
 * A command that was told in the grace of its task and then ends with no success
 * was cancelled cooperatively; one that ends well has completed.
 *
 * @category constructors
 * @since 0.1.0
 */
export const run = <R = never>(
  command: ChildProcess.StandardCommand,
  options?: RunOptions<R>
): Effect.Effect<ProcessResult, ProcessFailed | PlatformError, ChildProcessSpawner | Exclude<R, Scope.Scope>> =>
  Effect.scoped(
    Effect.gen(function* () {
      const process = yield* start(withoutInput(command), options)
      const { exitCode, stderr, stdout } = process.handle
      const output = { stdout: "", stderr: "" }
      const reading = yield* Effect.forkChild(
        Effect.all(
          [
            Stream.runForEach(Stream.decodeText(stdout), (text) => Effect.sync(() => (output.stdout += text))),
            Stream.runForEach(Stream.decodeText(stderr), (text) => Effect.sync(() => (output.stderr += text)))
          ],
          { concurrency: 2, discard: true }
        ),
        { startImmediately: true }
      )
      const ended = yield* Effect.catch(Effect.map(exitCode, Number), signalOf)
      const { told } = process
      // The pipes stay open for as long as anybody whom the command left behind holds them.
      yield* process.sweep
      yield* Effect.timeoutOption(Fiber.join(reading), budgetOf(options))
      const accept = options?.accept ?? succeeded
      if (typeof ended === "number" && accept(ended)) return { exitCode: ended, ...output }
      if (told) yield* Checkpoint.checkpoint
      return yield* new ProcessFailed({
        command: CommandLine.display([command.command, ...command.args]),
        ...(typeof ended === "number" ? { exitCode: ended } : { signal: ended }),
        ...output
      })
    })
  )

const start = <R>(
  command: ChildProcess.StandardCommand,
  options: Options<R> | undefined
): Effect.Effect<RunningProcess<R>, PlatformError, ChildProcessSpawner | Scope.Scope | R> =>
  Effect.acquireRelease(
    Effect.suspend(() => RunningProcess.start(command, budgetOf(options), options?.tell)),
    (running, exit) => running.stop(standingReason("process"), exit)
  ).pipe(
    Effect.tap((running) =>
      Effect.forkScoped(
        Effect.flatMap(Task.awaitRequest, (reason) => running.tell(reason)),
        { startImmediately: true }
      )
    )
  )

const budgetOf = (options: Options<any> | undefined): number => validMillis("budget", options?.budget ?? 2000)

const withoutInput = (command: ChildProcess.StandardCommand): ChildProcess.StandardCommand =>
  command.options.stdin === undefined
    ? ChildProcess.make(command.command, command.args, { ...command.options, stdin: "ignore" })
    : command

const succeeded = (exitCode: number): boolean => exitCode === 0

/** The spawner says only in words that a signal ended the process. */
const signalOf = (error: PlatformError): Effect.Effect<string, PlatformError> => {
  const signal = error.cause instanceof Error ? /due to receipt of signal: '(\w+)'/.exec(error.cause.message) : null
  return signal === null ? Effect.fail(error) : Effect.succeed(signal[1]!)
}
