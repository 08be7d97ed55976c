/**
 * What can be run: the program behind every record of one app and model. A model says what its parameters and its
 * value look like, how long it may take, and what it does; the coordinator does the rest.
 */
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type * as CancelPolicy from "../../../fibers/CancelPolicy.ts"
import type { JsonObject } from "../store/TaskRecord.ts"
import type { TaskKey } from "../TaskKey.ts"

type Codec<A> = Schema.Codec<A, any>

/** What a running task can do beside computing. */
export interface StreamTask {
  readonly key: TaskKey
  /**
   * Tells every client. What is said under the name `cancelled` is no event by itself: its fields stand on the one
   * `cancelled` event that clients get if the task was cancelled.
   */
  readonly send: (event: string, data?: JsonObject) => Effect.Effect<void>
  /** Lets others run, and stops here if the task was cancelled: for loops that compute. */
  readonly checkpoint: Effect.Effect<void>
  /** Asks for more time; false if there is no limit any more that could be moved. */
  readonly extend: (by: Duration.Input) => Effect.Effect<boolean>
}

export interface TaskModel<out R = never> {
  readonly app: string
  readonly model: string
  readonly description: string
  readonly params: Codec<any>
  readonly value: Codec<any>
  /** Of the failures that clients may read; all else they read as an internal error. */
  readonly error: Codec<any>
  /** Without it, the limit of the server counts. */
  readonly maxRunTime: Duration.Input | undefined
  readonly cancel: CancelPolicy.CancelPolicyInput
  /** Whether it waits until its record says that it may continue. */
  readonly continues: boolean
  /** The fields of the `start` event. */
  readonly start: (params: any) => JsonObject
  readonly process: (params: any, task: StreamTask) => Effect.Effect<any, any, R>
}

/** Resources that `process` acquires in its scope live until the task has ended. */
export const make = <Params, Value, R, E = never>(options: {
  readonly app: string
  readonly model: string
  readonly description: string
  readonly params: Codec<Params>
  readonly value: Codec<Value>
  /** Default: it never fails, but by a defect. */
  readonly error?: Codec<E>
  readonly maxRunTime?: Duration.Input
  readonly cancel?: CancelPolicy.CancelPolicyInput
  /** Default: it does not. */
  readonly continues?: boolean
  /** Default: none. */
  readonly start?: (params: Params) => JsonObject
  readonly process: (params: Params, task: StreamTask) => Effect.Effect<Value, E, R>
}): TaskModel<Exclude<R, Scope.Scope>> => ({
  ...options,
  error: options.error ?? Schema.Never,
  maxRunTime: options.maxRunTime,
  cancel: options.cancel ?? {},
  continues: options.continues ?? false,
  start: options.start ?? (() => ({})),
  process: options.process as never
})
