/**
 * Calls a task server: start, run, watch, await and cancel, typed by the
 * definitions of the tasks. It speaks through Effect's `HttpClient`, so it works
 * in browsers (`FetchHttpClient`) and in Node, and it is what stands between a
 * program and an unreliable network: lost answers are asked for again without
 * starting a task twice, torn event streams go on where they were torn, and a
 * caller that is interrupted leaves no task behind that nobody knows.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type * as Option from "effect/Option"
import type * as Schedule from "effect/Schedule"
import * as CancelPolicy from "../fibers/CancelPolicy.ts"
import type { CancelResult } from "../fibers/CancelResult.ts"
import type { TaskCancelled } from "../fibers/TaskCancelled.ts"
import type { BulkCancel, BulkCancelResults } from "./BulkCancel.ts"
import { clientOf } from "./internal/client/client.ts"
import { defaultRetry } from "./internal/client/retrying.ts"
import type { Outcome } from "./RemoteEvent.ts"
import type { CancelOptions, RemoteTask } from "./RemoteTask.ts"
import * as RequestDeadline from "./RequestDeadline.ts"
import type { ListQuery } from "./TaskApi.ts"
import type { TaskClientError } from "./TaskClientError.ts"
import type { Any } from "./TaskDefinition.ts"
import type { TaskView } from "./TaskView.ts"

/**
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** Where the server is. In a browser it may be left out: then it is where the page came from. */
  readonly baseUrl?: string | URL | undefined
  /** Applied to the client before use: `HttpClient.mapRequest(HttpClientRequest.bearerToken(token))`, say. */
  readonly transformClient?: ((client: HttpClient.HttpClient) => HttpClient.HttpClient) | undefined
  /**
   * When to try again after a lost connection or an answer that may pass by itself (408, 425, 429, 502, 503, 504), at the
   * earliest after its `Retry-After`. A watch begins it anew when an event came or the connection had lived for five
   * seconds. Default: eight times in about twenty seconds.
   */
  readonly retry?: Schedule.Schedule<unknown, TaskClientError> | undefined
  /**
   * A server that says nothing for so long is taken for gone, and asked again: in the middle of an event stream too, but not
   * while a cancel waits for its task. Default: 45 seconds, three heartbeats of a server.
   */
  readonly silence?: Duration.Input | undefined
  /** How long the clean-up of an interrupted call may take until it gives up on the server. Default: 5 seconds. */
  readonly cancelWithin?: Duration.Input | undefined
  /** The longest event that is read, in characters. Default: 10 MiB. */
  readonly maxEventSize?: number | undefined
}

/**
 * @category models
 * @since 0.1.0
 */
export interface StartOptions {
  /** Default: the name of the definition and a random part. */
  readonly id?: string | undefined
  /** Words to find and cancel it by, up to 16: see `TaskLabel`. */
  readonly labels?: ReadonlyArray<string> | undefined
  /** Whether a task of this id that has ended may be replaced by a new attempt. Default: no. */
  readonly replace?: boolean | undefined
  /** How long the task may take. Default: what is left of the caller's own deadline, if it has one; `"Infinity"` for no bound. */
  readonly deadline?: Duration.Input | undefined
}

/**
 * @category models
 * @since 0.1.0
 */
export interface RunOptions extends StartOptions, CancelPolicy.CancelPolicyInput {
  /**
   * What becomes of the task when the caller is interrupted, or fails to follow it: it is cancelled, with the reason of the
   * interrupt (the default), or runs on.
   */
  readonly onInterrupt?: "cancel" | "detach" | undefined
}

/**
 * The tasks of one definition.
 *
 * @category models
 * @since 0.1.0
 */
export interface TaskCaller<Definition extends Any> {
  /**
   * Starts one, and answers when the server has it.
   *
   * **Details**
   *
   * Tried again after a lost answer, it does not start a second one: the id is known. An interrupt in the middle of it
   * waits for the answer, and cancels what was started; a server that does not answer holds it up for `cancelWithin`, twice
   * at most. Fails with `RequestRefused` for an id that is taken (`already-running`, `already-ended`).
   *
   * **Gotchas**
   *
   * Once it has answered, the task is the caller's: use `run`, or `Effect.acquireRelease` with `cancel`, for one that must not
   * outlive the caller.
   */
  readonly start: (
    payload: Definition["payload"]["Type"],
    options?: StartOptions
  ) => Effect.Effect<RemoteTask<Definition>, TaskClientError>
  /** Starts one and waits for its outcome: the task is the caller's, and ends with it, unless `onInterrupt` is `"detach"`. */
  readonly run: (
    payload: Definition["payload"]["Type"],
    options?: RunOptions
  ) => Effect.Effect<Outcome<Definition>, TaskClientError>
  /** The same, for the value; a task that was cancelled fails the caller with `TaskCancelled`. */
  readonly call: (
    payload: Definition["payload"]["Type"],
    options?: RunOptions
  ) => Effect.Effect<Definition["success"]["Type"], Definition["error"]["Type"] | TaskCancelled | TaskClientError>
  /** The task of an id that is known from elsewhere. Asks nothing. */
  readonly get: (id: string) => RemoteTask<Definition>
}

/**
 * @category models
 * @since 0.1.0
 */
export interface TaskClient<Definition extends Any> {
  /** By the name of each definition. */
  readonly tasks: { readonly [D in Definition as D["name"]]: TaskCaller<D> }
  /** All that the caller may see, oldest first. */
  readonly list: (query?: typeof ListQuery.Type) => Effect.Effect<ReadonlyArray<TaskView>, TaskClientError>
  /** A task of whichever definition; `None` if the server does not know it. */
  readonly info: (id: string) => Effect.Effect<Option.Option<TaskView>, TaskClientError>
  /** Cancels a task of whichever definition. */
  readonly cancel: (id: string, options?: CancelOptions) => Effect.Effect<CancelResult, TaskClientError>
  /**
   * Cancels all that are meant, whatever their definitions, in one step: one answer for each. Of several selectors all must
   * hold; none is refused.
   */
  readonly cancelMany: (
    which: Pick<BulkCancel, "ids" | "name" | "labels" | "state" | "all">,
    options?: CancelOptions
  ) => Effect.Effect<(typeof BulkCancelResults.Type)["results"], TaskClientError>
}

/**
 * Two definitions of one name are a defect, as in `TaskServer.layer`.
 *
 * @example
 * ```ts
 * const client = yield* TaskClient.make([FetchPage, Sum], { baseUrl: "http://localhost:3000" })
 * const outcome = yield* client.tasks.sum.run({ numbers: [1, 2] })
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <Definition extends Any>(
  definitions: ReadonlyArray<Definition>,
  options?: Options
): Effect.Effect<TaskClient<Definition>, never, HttpClient.HttpClient> =>
  Effect.flatMap(HttpClient.HttpClient, (http) =>
    Effect.sync(() => {
      const { baseUrl, cancelWithin, maxEventSize, retry, silence, transformClient } = options ?? {}
      const based =
        baseUrl === undefined ? http : HttpClient.mapRequest(http, HttpClientRequest.prependUrl(String(baseUrl)))
      const client = transformClient === undefined ? based : transformClient(based)
      return clientOf(definitions, {
        http: RequestDeadline.forward()(HttpClient.withScope(client)),
        retry: retry ?? defaultRetry,
        silence: CancelPolicy.bound("silence", silence ?? "45 seconds"),
        cancelWithin: CancelPolicy.bound("cancelWithin", cancelWithin ?? "5 seconds"),
        maxEventSize: maxEventSize ?? 10 * 1024 * 1024
      }) as TaskClient<Definition>
    })
  )
