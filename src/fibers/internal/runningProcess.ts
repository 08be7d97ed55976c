/**
 * One child process and its group, as the owning scope sees it. Effect's spawner
 * starts it; how it ends is decided here: told once, terminated when the budget
 * is over, and gone when this returns. The spawner's own termination does not
 * serve: it has a second more for zombies, always (measured 1,210 ms with a
 * `forceKillAfter` of 200 ms), signals again who was told in the grace, and does
 * not say why.
 */
import * as Clock from "effect/Clock"
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type { PlatformError } from "effect/PlatformError"
import type * as ChildProcess from "effect/process/ChildProcess"
import { type ChildProcessHandle, ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import type { CancelReason } from "../CancelReason.ts"
import { steady } from "./steady.ts"

export type Tell<R> = (reason: CancelReason, process: ChildProcessHandle) => Effect.Effect<unknown, unknown, R>

export class RunningProcess<R> {
  readonly handle: ChildProcessHandle
  private readonly command: ChildProcess.StandardCommand
  private readonly scope: Scope.Closeable
  private readonly budget: number
  private readonly customTell: Tell<R> | undefined
  /** A steady instant. */
  private toldAt: number | undefined = undefined
  private telling: Fiber.Fiber<unknown> | undefined = undefined

  private constructor(
    handle: ChildProcessHandle,
    command: ChildProcess.StandardCommand,
    scope: Scope.Closeable,
    budget: number,
    tell: Tell<R> | undefined
  ) {
    this.handle = handle
    this.command = command
    this.scope = scope
    this.budget = budget
    this.customTell = tell
  }

  /** Not to be interrupted: a process that has been spawned has an owner. */
  static start<R>(
    command: ChildProcess.StandardCommand,
    budget: number,
    tell: Tell<R> | undefined
  ): Effect.Effect<RunningProcess<R>, PlatformError, ChildProcessSpawner> {
    return Effect.gen(function* () {
      const spawner = yield* ChildProcessSpawner
      const scope = yield* Scope.make()
      const handle = yield* Effect.onError(Scope.provide(spawner.spawn(command), scope), (cause) =>
        Scope.close(scope, Exit.failCause(cause))
      )
      return new RunningProcess(handle, command, scope, budget, tell)
    })
  }

  get told(): boolean {
    return this.toldAt !== undefined
  }

  /** Once: by the means of the caller, or by the signal of the command to the whole group. Does not wait. */
  tell(reason: CancelReason): Effect.Effect<void, never, R> {
    const telling =
      this.customTell === undefined
        ? this.signal
        : Effect.suspend(() => this.customTell!(reason, this.handle)).pipe(Effect.ignore)
    return Effect.flatMap(this.running, (running) => (running ? this.begin(telling) : Effect.void))
  }

  /** What a process that has exited left behind in its group is told, unless it was told before. */
  get sweep(): Effect.Effect<void> {
    return this.begin(this.signal)
  }

  private begin<R>(telling: Effect.Effect<void, never, R>): Effect.Effect<void, never, R> {
    return Effect.contextWith((context: Context.Context<R>) =>
      Clock.clockWith((clock) => {
        if (this.toldAt !== undefined) return Effect.void
        this.toldAt = steady(clock)
        // In this very step, as whoever begins may be interrupted after it.
        // oxlint-disable-next-line rescind/no-run-inside -- awaited by whoever ends the process
        this.telling = Effect.runForkWith(context)(telling)
        return Effect.void
      })
    )
  }

  /** Returns when the process and its group are gone, or have got what nothing survives. */
  stop(reason: Effect.Effect<CancelReason>, exit: Exit.Exit<unknown, unknown>): Effect.Effect<void, never, R> {
    return Effect.gen({ self: this }, function* () {
      if (yield* this.running) {
        if (!this.told) yield* this.tell(yield* reason)
        yield* this.letGo(exit)
      }
      // It may have exited just now.
      yield* this.sweep
      yield* this.withinBudget(Effect.andThen(this.toldAll, this.exited))
      if (this.telling !== undefined) yield* Fiber.interrupt(this.telling)
      // This waits for zombies too, which nobody may ever reap: that the process itself is gone is enough.
      yield* Effect.raceFirst(Effect.ignore(this.handle.kill({ killSignal: "SIGKILL" })), this.exited)
      yield* this.letGo(exit)
    })
  }

  /** Closes the scope of the spawner, which leaves alone a process that does not count for the event loop. */
  private letGo(exit: Exit.Exit<unknown, unknown>): Effect.Effect<void> {
    const closed = Scope.close(this.scope, exit)
    return Effect.matchEffect(this.handle.unref, {
      onFailure: () => closed,
      onSuccess: (countAgain) => Effect.andThen(closed, Effect.ignore(countAgain))
    })
  }

  private get toldAll(): Effect.Effect<unknown> {
    return this.telling === undefined ? Effect.void : Fiber.await(this.telling)
  }

  /** Tells the group to end, and waits for it. */
  private get signal(): Effect.Effect<void> {
    return Effect.ignore(this.handle.kill({ killSignal: this.command.options.killSignal ?? "SIGTERM" }))
  }

  private get running(): Effect.Effect<boolean> {
    return Effect.orElseSucceed(this.handle.isRunning, () => false)
  }

  /** The exit code may fail early, when the input could not be written. */
  private get exited(): Effect.Effect<void> {
    const ended = Effect.repeat(this.running, { while: (running) => running, schedule: everyFewMillis })
    return Effect.asVoid(Effect.andThen(Effect.ignore(this.handle.exitCode), ended))
  }

  private withinBudget(wait: Effect.Effect<unknown>): Effect.Effect<void> {
    return Clock.clockWith((clock) => {
      const left = Math.max(0, this.toldAt! + this.budget - steady(clock))
      return Effect.asVoid(Effect.timeoutOption(wait, Duration.millis(left)))
    })
  }
}

const everyFewMillis = Schedule.spaced("5 millis")
