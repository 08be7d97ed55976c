/**
 * Blocking code in a thread of its own: a parser, a search, a user's script,
 * whatever may compute for long or for ever without yielding. A cancel tells the
 * script why, gives it a budget to come to an end, then terminates the thread: also
 * `while (true) {}` dies. Reach for it where a `Checkpoint` cannot be put into the
 * code. It owns one thread a run, and returns when that has really ended (K42).
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Queue from "effect/Queue"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type { CancelAbortError } from "./CancelAbortError.ts"
import type * as CancelReason from "./CancelReason.ts"
import * as Checkpoint from "./Checkpoint.ts"
import { CurrentNode } from "./internal/currentNode.ts"
import { type Ended, RunningScript } from "./internal/runningScript.ts"
import { standingReason } from "./internal/standingReason.ts"
import { steady } from "./internal/steady.ts"
import { validMillis } from "./internal/validDuration.ts"
import { type FromThread, Threads } from "./internal/workerThread.ts"
import * as Task from "./Task.ts"

/**
 * What a script exports as default. Input and result cross by structured clone:
 * plain data, maps, typed arrays, errors; no functions and no class instances.
 *
 * @category scripts
 * @since 0.1.0
 */
export type Script<in I = any, out A = unknown> = (input: I, context: ScriptContext) => A | Promise<A>

/**
 * What a script gets besides its input.
 *
 * @category scripts
 * @since 0.1.0
 */
export interface ScriptContext {
  /** For code that waits: aborted when the script is told to stop, with an `AbortError` whose `reason` says why. */
  readonly signal: AbortSignal
  /** For a loop that never yields: whether it was told to stop. Costs some nanoseconds. */
  readonly cancelRequested: () => boolean
  /** Why, once it was told. */
  readonly reason: ToldReason | undefined
  /** Throws the `AbortError`, once told. */
  readonly throwIfCancelled: () => void
  /** Blocks the thread for so many milliseconds, at most until it is told; true if it was. */
  readonly pause: (millis: number) => boolean
  /** Sends a value to `onMessage` of whoever runs the script. */
  readonly send: (value: unknown) => void
}

/**
 * A `CancelReason` as plain data: `at` is an ISO date.
 *
 * @category scripts
 * @since 0.1.0
 */
export type ToldReason = typeof CancelReason.Wire.Encoded

/**
 * @category models
 * @since 0.1.0
 */
export interface Options<I, E = never, R = never> {
  /** The module whose default export runs: `new URL("./parse.js", import.meta.url)`. */
  readonly script: URL | string
  readonly input: I
  /** Time from the telling until the thread is terminated. Default: 200 milliseconds. */
  readonly budget?: Duration.Input | undefined
  /** The name of the thread in debuggers and inspectors. */
  readonly name?: string | undefined
  /** What of the input is moved rather than copied: array buffers, message ports. */
  readonly transfer?: ReadonlyArray<unknown> | undefined
  /** The environment of the script. Default: a copy of this process's. */
  readonly env?: Readonly<Record<string, string>> | undefined
  /** Handles what the script sends, one after another, before the result. Default: it is dropped. */
  readonly onMessage?: ((value: unknown) => Effect.Effect<unknown, E, R>) | undefined
}

/**
 * The script did not return a result. `not-started`: it could not be loaded, or
 * exports no function. `threw`: `cause` is the error, as plain data. `not-cloneable`:
 * input or result holds a function, say. `exited`: the thread ended before.
 *
 * @category errors
 * @since 0.1.0
 */
export class WorkerFailed extends Schema.TaggedError<WorkerFailed>()("WorkerFailed", {
  script: Schema.String,
  problem: Schema.Literals(["not-started", "threw", "not-cloneable", "exited"]),
  cause: Schema.Defect()
}) {
  override get message(): string {
    const text = this.cause instanceof Error ? this.cause.message : String(this.cause)
    const script = this.script.startsWith("data:") ? "a data: URL" : this.script
    return `${advice[this.problem]} (${script}): ${text}`
  }
}

const advice = {
  "not-started": "The script could not be started; name a module whose default export is a function",
  threw: "The script failed",
  "not-cloneable": "Input and result of a script must be plain data",
  exited: "The thread ended before the script returned"
}

/**
 * Runs the default function of a script in a thread and waits for its result. The
 * type of the script, if you name it, gives the types of input and result; a
 * `schema` checks the result.
 *
 * **Details**
 *
 * When the task is asked to stop, the script is told: at the request, so that it may
 * finish in the grace, else at the interrupt. When `budget` has passed since then
 * and the task was interrupted, the thread is terminated. Either way the cancel waits
 * for the real end of the thread; a value that comes too late stands in `salvaged`
 * of the task, an error in `cleanupFailures`. A script that stops in the grace with the `AbortError` of its
 * context, or by ending its thread, was cancelled cooperatively.
 *
 * **Gotchas**
 *
 * A thread cannot be terminated inside a native call that blocks, such as
 * `execSync` or `pbkdf2Sync`: the cancel then waits for the call, or gives up by
 * its `giveUp`. Use a `KillableProcess` for those, and for scripts that may take
 * too much memory: Node's limit for a thread often aborts the whole process.
 *
 * @category constructors
 * @since 0.1.0
 */
export const run: {
  <A, I = unknown, E = never, R = never, RD = never>(
    options: Options<I, E, R> & { readonly schema: Schema.ConstraintDecoder<A, RD> }
  ): Effect.Effect<A, WorkerFailed | Schema.SchemaError | E, R | RD>
  <S extends Script, E = never, R = never>(
    options: Options<Parameters<S>[0], E, R>
  ): Effect.Effect<Awaited<ReturnType<S>>, WorkerFailed | E, R>
} = (options: Options<unknown, any, any> & { readonly schema?: Schema.ConstraintDecoder<any, any> }) =>
  Effect.suspend(() => {
    const budget = validMillis("budget", options.budget ?? 200)
    const { schema } = options
    const value = Effect.acquireUseRelease(
      start(options),
      (running) => Effect.flatMap(followed(running, options.onMessage), (ended) => resultOf(options.script, ended)),
      (running, exit) => stopped(running, options, budget, exit)
    )
    return schema === undefined ? value : Effect.flatMap(value, Schema.decodeUnknownEffect(schema))
  })

const start = (options: Options<unknown, any, any>): Effect.Effect<RunningScript, WorkerFailed> =>
  Effect.withFiber((fiber) =>
    Effect.flatMap(options.onMessage === undefined ? none : Queue.unbounded<FromThread>(), (inbox) =>
      Effect.try({
        try: () => new RunningScript(fiber.getRef(Threads), { ...options, script: String(options.script) }, inbox),
        catch: (cause) =>
          failureOf(options.script, (cause as Error).name === "DataCloneError" ? "not-cloneable" : "not-started", cause)
      })
    )
  )

const none = Effect.succeed(undefined)

/** The end of the script, which hears of a request meanwhile. */
const followed = <E, R>(
  running: RunningScript,
  handle: ((value: unknown) => Effect.Effect<unknown, E, R>) | undefined
): Effect.Effect<Ended, E, Exclude<R, Scope.Scope>> =>
  Effect.scoped(
    Effect.gen(function* () {
      const signal = yield* Task.signal
      const clock = yield* Clock.Clock
      const tell = () => running.tell((signal.reason as CancelAbortError).reason, steady(clock))
      if (signal.aborted) tell()
      else signal.addEventListener("abort", tell)
      return yield* running.awaitEnd(handle)
    })
  )

const resultOf = (script: URL | string, ended: Ended): Effect.Effect<any, WorkerFailed> => {
  if (ended._tag === "Done") return Effect.succeed(ended.value)
  if (ended._tag === "Failed") return Effect.fail(failureOf(script, ended.problem, ended.error))
  // It stopped because it was told to: that is the end of the grace.
  return Effect.andThen(Checkpoint.checkpoint, Effect.fail(failureOf(script, "exited", "It was told to stop")))
}

const failureOf = (script: URL | string, problem: WorkerFailed["problem"], error: unknown): WorkerFailed =>
  new WorkerFailed({ script: String(script), problem, cause: errorOf(error) })

/** What the script threw, an `Error` again. */
const errorOf = (sent: unknown): unknown => {
  if (sent instanceof Error || typeof sent !== "object" || sent === null) return sent
  if ("thrown" in sent) return sent.thrown
  const { cause, message, ...rest } = sent as { readonly message: string; readonly cause?: unknown }
  const error = cause === undefined ? new Error(message) : new Error(message, { cause: errorOf(cause) })
  return Object.assign(error, rest)
}

/** The thread has ended after this; what it returned or threw but could not be received is kept. */
const stopped = (
  running: RunningScript,
  { script }: Options<unknown, any, any>,
  budget: number,
  exit: Exit.Exit<unknown, unknown>
): Effect.Effect<void> =>
  Effect.andThen(
    running.stop(standingReason("worker"), budget),
    Effect.withFiber((fiber) => {
      const { ended } = running
      if (ended === undefined || !Exit.hasInterrupts(exit)) return Effect.void
      const node = fiber.getRef(CurrentNode)
      if (ended._tag === "Done") node.salvage("worker", ended.value)
      if (ended._tag === "Failed") {
        node.cleanupFailed("worker", Cause.fail(failureOf(script, ended.problem, ended.error)), fiber.context)
      }
      return Effect.void
    })
  )
