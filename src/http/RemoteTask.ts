/**
 * A task on a server: what its client does with it. It is a name and no
 * connection: it can be made from an id (`client.tasks.sum.get(id)`), and holds
 * nothing open until something of it runs.
 *
 * @since 0.1.0
 */
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type * as Stream from "effect/Stream"
import type { CancelResult } from "../fibers/CancelResult.ts"
import type { TaskCancelled } from "../fibers/TaskCancelled.ts"
import type { CancelOptions } from "./internal/client/cancelling.ts"
import type { Outcome, RemoteEvent } from "./RemoteEvent.ts"
import type { TaskClientError } from "./TaskClientError.ts"
import type { Any } from "./TaskDefinition.ts"
import type { TaskView } from "./TaskView.ts"

export type {
  /**
   * Why (`reason`), how patiently (`grace`, `giveUp`), and whether the call waits
   * for the end (`wait`, true by default).
   *
   * @category models
   * @since 0.1.0
   */
  CancelOptions
}

/**
 * @category models
 * @since 0.1.0
 */
export interface WatchOptions {
  /** The last event that was seen, by an earlier watch say: what it and those before it told is not sent again. */
  readonly after?: { readonly attempt: number; readonly seq: number } | undefined
}

/**
 * @category models
 * @since 0.1.0
 */
export interface RemoteTask<Definition extends Any> {
  readonly id: string
  /** The run that this client started; undefined for a task that was found by its id, which is whichever runs. */
  readonly attempt: number | undefined
  /**
   * Its events, from the first that the server keeps on, up to and with the terminal event.
   *
   * **Details**
   *
   * One stream over as many connections as it takes: one that is torn off, or says nothing for `silence`, is followed by
   * the next, which goes on behind the last event. No number is left out but where a `Resync` says so, none comes
   * twice, and there is one terminal event, also for who was told to come after it.
   *
   * **Gotchas**
   *
   * Of a task that is defined with `onDisconnect: "cancel"` the last one who stops watching cancels it.
   */
  readonly watch: (options?: WatchOptions) => Stream.Stream<RemoteEvent<Definition>, TaskClientError>
  /** Waits for the outcome, by watching. Whoever waits may leave. */
  readonly await: Effect.Effect<Outcome<Definition>, TaskClientError>
  /** Waits for the value. A task that was cancelled fails its joiner with `TaskCancelled`. */
  readonly join: Effect.Effect<
    Definition["success"]["Type"],
    Definition["error"]["Type"] | TaskCancelled | TaskClientError
  >
  /** Asks it to stop, and waits until it has ended. An id that the server does not know is `NotFound`, not a failure. */
  readonly cancel: (options?: CancelOptions) => Effect.Effect<CancelResult, TaskClientError>
  /** Where it stands; `None` if the server does not know it. */
  readonly info: Effect.Effect<Option.Option<TaskView>, TaskClientError>
}
