/**
 * A task that can be started from outside: its name, the schemas of everything
 * that crosses the wire, and how it behaves when its clients leave. Defined once,
 * implemented with `of`, served by `TaskServer.layer`; routes, OpenAPI and the
 * typed client come from it.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type * as Deadline from "../combinators/Deadline.ts"
import * as CancelPolicy from "../fibers/CancelPolicy.ts"
import type * as Task from "../fibers/Task.ts"
import type * as TimeLimits from "../fibers/TimeLimits.ts"
import { timeLimit } from "./internal/timeLimit.ts"

/**
 * A schema that needs no services.
 *
 * @category models
 * @since 0.1.0
 */
export type AnyCodec = Schema.Codec<any, any>

/**
 * What an implementation says while it runs. Values are encoded when they are
 * said: one that its schema does not allow is a defect of the task.
 *
 * @category models
 * @since 0.1.0
 */
export interface Self<in Progress, in Output, in Partial> {
  /** The id under which this task runs. */
  readonly id: string
  /** How far it is: only the latest matters. */
  readonly progress: (value: Progress) => Effect.Effect<void>
  /** A piece of the result: every one matters. */
  readonly output: (value: Output) => Effect.Effect<void>
  /** What it would answer if it were cancelled now: the latest counts. */
  readonly partial: (value: Partial) => Effect.Effect<void>
  /** The last step, which a cancel can no longer undo: see `Task.commit`. */
  readonly commit: typeof Task.commit
  /**
   * Asks for more time than the time limit gives: later by so much, as far as the server allows. False if there is no
   * more to be had. The deadline of the caller does not move.
   */
  readonly extend: typeof TimeLimits.extend
  /** How long there is until the nearest limit; `None` without one. */
  readonly timeLeft: typeof Deadline.remaining
}

/**
 * @category models
 * @since 0.1.0
 */
export interface TaskDefinition<
  Name extends string,
  Payload extends AnyCodec,
  Success extends AnyCodec,
  Error extends AnyCodec,
  Progress extends AnyCodec,
  Output extends AnyCodec,
  Partial extends AnyCodec
> {
  readonly name: Name
  readonly description: string | undefined
  readonly payload: Payload
  readonly success: Success
  readonly error: Error
  readonly progress: Progress
  readonly output: Output
  readonly partial: Partial
  /** What happens when the last client that follows the events has left. */
  readonly onDisconnect: "keep" | "cancel"
  /** How long a task that is to be cancelled then waits for another client. */
  readonly linger: Duration.Duration | undefined
  /** How many events are kept for clients that come late or are slow. */
  readonly history: number
  /** How many characters of encoded events are kept at most, but for the newest event. */
  readonly historyCharacters: number
  /** What a drain of the server does with it first. */
  readonly onShutdown: "finish" | "cancel"
  /** The policy of cancel calls that name none, and of a time limit that has passed. */
  readonly cancel: CancelPolicy.CancelPolicyInput
  /** How long it may run before it is cancelled with the source `timeout`; undefined: as the server has it. */
  readonly timeLimit: Duration.Duration | undefined
  /** Implements it. Resources that `run` acquires in its scope live until the task has ended. */
  of<R>(
    run: (
      payload: Payload["Type"],
      self: Self<Progress["Type"], Output["Type"], Partial["Type"]>
    ) => Effect.Effect<Success["Type"], Error["Type"], R>
  ): Implementation<Exclude<R, Scope.Scope>>
}

/**
 * @category models
 * @since 0.1.0
 */
export type Any = TaskDefinition<string, any, any, any, any, any, any>

/**
 * A definition with its program; `R` is what the program needs.
 *
 * @category models
 * @since 0.1.0
 */
export interface Implementation<out R> {
  readonly definition: Any
  readonly run: (payload: any, self: Self<any, any, any>) => Effect.Effect<any, any, R>
}

/**
 * What callers of `make` write; all but `success` may be left out.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options<
  Payload extends AnyCodec,
  Success extends AnyCodec,
  Error extends AnyCodec,
  Progress extends AnyCodec,
  Output extends AnyCodec,
  Partial extends AnyCodec
> {
  readonly description?: string | undefined
  /** The body of the call that starts it. Default: an object without fields. */
  readonly payload?: Payload | undefined
  readonly success: Success
  /** Default: it never fails, but by a defect. */
  readonly error?: Error | undefined
  readonly progress?: Progress | undefined
  readonly output?: Output | undefined
  readonly partial?: Partial | undefined
  /** Default: `"keep"`. With `"cancel"`, the reason has the source `disconnect`. */
  readonly onDisconnect?: "keep" | "cancel" | undefined
  /** With `onDisconnect: "cancel"`: how long to wait for another client, or the same one again. Default: not at all. */
  readonly linger?: Duration.Input | undefined
  /** Default: 1,024. */
  readonly history?: number | undefined
  /** Default: 1,048,576. */
  readonly historyCharacters?: number | undefined
  /**
   * Whether a drain of the server lets it `"finish"` for the time that the drain has for that, which is none unless it
   * says so (default), or cancels it at once, with the source `shutdown`.
   */
  readonly onShutdown?: "finish" | "cancel" | undefined
  readonly cancel?: CancelPolicy.CancelPolicyInput | undefined
  /** Above zero. Default: the server's. `Infinity`: none, whatever the server's default is. */
  readonly timeLimit?: Duration.Input | undefined
}

/**
 * Defines a task. The name stands in URLs: letters, digits, `.`, `_` and `-`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <
  const Name extends string,
  Success extends AnyCodec,
  Payload extends AnyCodec = typeof empty,
  Error extends AnyCodec = typeof Schema.Never,
  Progress extends AnyCodec = typeof Schema.Never,
  Output extends AnyCodec = typeof Schema.Never,
  Partial extends AnyCodec = typeof Schema.Never
>(
  name: Name,
  options: Options<Payload, Success, Error, Progress, Output, Partial>
): TaskDefinition<Name, Payload, Success, Error, Progress, Output, Partial> => {
  if (!/^[A-Za-z0-9._-]{1,64}$/.test(name)) {
    throw new TypeError(`The task name "${name}" must be 1 to 64 letters, digits, ".", "_" or "-": it stands in URLs`)
  }
  const definition: TaskDefinition<Name, Payload, Success, Error, Progress, Output, Partial> = {
    name,
    description: options.description,
    payload: options.payload ?? (empty as AnyCodec as Payload),
    success: options.success,
    error: options.error ?? (Schema.Never as AnyCodec as Error),
    progress: options.progress ?? (Schema.Never as AnyCodec as Progress),
    output: options.output ?? (Schema.Never as AnyCodec as Output),
    partial: options.partial ?? (Schema.Never as AnyCodec as Partial),
    onDisconnect: options.onDisconnect ?? "keep",
    linger: options.linger === undefined ? undefined : CancelPolicy.bound("linger", options.linger),
    history: options.history ?? 1024,
    historyCharacters: options.historyCharacters ?? 1_048_576,
    onShutdown: options.onShutdown ?? "finish",
    cancel: options.cancel ?? {},
    timeLimit: timeLimit("timeLimit", options.timeLimit),
    of: (run) => ({ definition, run: run as never })
  }
  return definition
}

const empty = Schema.Struct({})
