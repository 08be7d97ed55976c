/**
 * Tasks for code outside of Effect: a web framework's handlers, a queue consumer,
 * a test in plain promises. A started task is a promise that can be cancelled with
 * a reason, that an `AbortSignal` can cancel, and that has one outcome. The runner
 * sits on a `ManagedRuntime` and owns its tasks: when it is disposed of, it refuses
 * new ones, cancels those that run, awaits them, then disposes of the runtime.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as CancelPolicy from "./CancelPolicy.ts"
import type { CancelResult } from "./CancelResult.ts"
import * as CancelSignal from "./CancelSignal.ts"
import { cancel } from "./internal/cancelling.ts"
import { boundsOf, drain } from "./internal/drain.ts"
import { RunnerNode } from "./internal/runnerNode.ts"
import { RunningTaskPromise } from "./internal/runningTask.ts"
import { TaskRecord } from "./internal/taskRecord.ts"
import type * as Task from "./Task.ts"
import type * as TaskOutcome from "./TaskOutcome.ts"
import type { DrainOptions, DrainReport } from "./Tasks.ts"

/**
 * A task as a promise. It resolves to the value; it rejects with the typed error or
 * the defect, or, when it was cancelled, with a `CancelAbortError` (an `AbortError`
 * that carries the reason). If nobody looks, nothing is rejected.
 *
 * @category models
 * @since 0.1.0
 */
export interface RunningTask<A, E = never> extends Promise<A> {
  readonly name: string
  /** How it ended; never rejects. */
  readonly outcome: Promise<TaskOutcome.TaskOutcome<A, E>>
  /** Aborts, with a `CancelAbortError`, when the task is asked to stop. */
  readonly signal: AbortSignal
  /** As `Task.cancel`: resolves when the task has ended, or the policy gave up. */
  readonly cancel: (options?: Task.CancelOptions) => Promise<CancelResult>
  /** For `await using`: cancels with `scope-closed` and awaits the end. Nothing happens to a task that has ended. */
  readonly [Symbol.asyncDispose]: () => Promise<void>
}

/**
 * @category models
 * @since 0.1.0
 */
export interface StartOptions {
  /** Its abort is a cancel, with the reason that `CancelSignal.reasonOf` reads; aborted already, the body never runs. */
  readonly signal?: AbortSignal | undefined
  /** Whether a drain lets it `"finish"` for the time that the drain has for that (default), or cancels it at once. */
  readonly onShutdown?: "finish" | "cancel" | undefined
}

/**
 * `R` are the services that the runtime provides, `ER` is what building them may
 * fail with.
 *
 * @category models
 * @since 0.1.0
 */
export interface TaskRunner<in R, out ER = never> {
  readonly name: string
  /** Starts a task in the next turn. Throws `TaskRunnerClosed` when the runner is or was disposed of. */
  readonly start: <A, E>(
    name: string,
    effect: Effect.Effect<A, E, R | Scope.Scope>,
    options?: StartOptions
  ) => RunningTask<A, E | ER>
  /** Refuses new work, lets the old finish for a while if asked to, cancels what is left (`shutdown`) and reports. */
  readonly drain: (options?: DrainOptions) => Promise<DrainReport>
  /** For `await using`: drains, then disposes of the runtime. A second call waits for the first. */
  readonly [Symbol.asyncDispose]: () => Promise<void>
}

/**
 * The runner takes no tasks any more.
 *
 * @category errors
 * @since 0.1.0
 */
export class TaskRunnerClosed extends Schema.TaggedError<TaskRunnerClosed>()("TaskRunnerClosed", {
  runner: Schema.String,
  task: Schema.String
}) {
  override get message(): string {
    return `"${this.task}" was not started: the runner "${this.runner}" is shutting down or was disposed of; start tasks before, or make a new runner`
  }
}

/**
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** For listings. Default: "runner". */
  readonly name?: string | undefined
  /** How to drain when the runner, or its runtime, is disposed of. Default: cancel at once, wait for the end. */
  readonly shutdown?: DrainOptions | undefined
}

/**
 * Makes a runner on a runtime, or on a layer, of which it makes one. The runner
 * disposes of its runtime; when the runtime is disposed of by someone else, the
 * tasks are cancelled and awaited all the same, while their services still live.
 *
 * **Gotchas**
 *
 * `runtime.runPromise(effect, { signal })` drops `signal.reason`; a task here
 * keeps it. With a `giveUp` in `shutdown`, a straggler may use services that the
 * runtime has already released.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <R, ER = never>(
  source: ManagedRuntime.ManagedRuntime<R, ER> | Layer.Layer<R, ER>,
  options?: Options
): TaskRunner<R, ER> => {
  boundsOf(options?.shutdown)
  const runtime = ManagedRuntime.isManagedRuntime(source)
    ? (source as ManagedRuntime.ManagedRuntime<R, ER>)
    : ManagedRuntime.make(source as Layer.Layer<R, ER>)
  const node = new RunnerNode(options?.name ?? "runner", runtime)
  const run = <A>(effect: Effect.Effect<A>): Promise<A> => Effect.runPromiseWith(node.context)(effect)
  const shut = Effect.andThen(
    Effect.suspend(() => drain(node, options?.shutdown, "shutdown")),
    Effect.sync(() => node.shut())
  )
  // Whoever disposes of the runtime: before its services are released.
  Effect.runSync(Scope.addFinalizer(runtime.scope, shut))
  return {
    name: node.name,
    start: (name, effect, options) => {
      if (node.draining !== undefined) throw new TaskRunnerClosed({ runner: node.name, task: name })
      const task = node.adopt(name, effect)
      if (options?.onShutdown === "cancel") TaskRecord.of(task).onShutdown = "cancel"
      const signal = options?.signal
      if (signal !== undefined) {
        const abort = () => cancel(task, CancelSignal.reasonOf(signal), CancelPolicy.immediate, node.context)
        if (signal.aborted) abort()
        else {
          signal.addEventListener("abort", abort)
          task.onClosed(() => signal.removeEventListener("abort", abort))
        }
      }
      node.startSoon(task)
      return new RunningTaskPromise(task, node)
    },
    drain: (options) => run(drain(node, options, "shutdown")),
    [Symbol.asyncDispose]: () => run(Effect.andThen(shut, runtime.disposeEffect))
  }
}
