/**
 * Stops a task server well: new tasks are refused (503), those that run are
 * cancelled with the source `shutdown`, every open event stream gets its
 * terminal event and ends, and only then does the server close.
 *
 * @since 0.1.0
 */
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as CancelPolicy from "../fibers/CancelPolicy.ts"
import { type DrainOptions, type DrainReport, Tasks } from "../fibers/Tasks.ts"
import { OpenStreams } from "./OpenStreams.ts"
import { RunningHandlers } from "./RunningHandlers.ts"

/**
 * `finish` is how long tasks may go on by themselves before they are cancelled
 * (default: not at all); `grace` and `giveUp` are those of the cancel (default:
 * `CancelPolicy.shutdown`); `flush` is how long clients may take to read the end
 * before their streams are cut (default: 2 seconds).
 *
 * @category models
 * @since 0.1.0
 */
export interface Options extends DrainOptions {
  readonly flush?: Duration.Input | undefined
}

/**
 * Drains now, and reports how each task ended, and each handler that ran with
 * `CancelMiddleware`. A second call joins the first, and may only bring its bounds
 * forward.
 *
 * @category running
 * @since 0.1.0
 */
export const run = (options?: Options): Effect.Effect<DrainReport, never, Tasks | OpenStreams> =>
  Effect.gen(function* () {
    const tasks = yield* Tasks
    const streams = yield* OpenStreams
    const handlers = yield* Effect.serviceOption(RunningHandlers)
    const bounds = { ...options, giveUp: options?.giveUp ?? CancelPolicy.shutdown.giveUp }
    const report = yield* Effect.zipWith(
      tasks.drain(bounds),
      Option.isSome(handlers) ? handlers.value.drain(bounds) : Effect.undefined,
      (ofTasks, ofHandlers) => (ofHandlers === undefined ? ofTasks : both(ofTasks, ofHandlers)),
      { concurrent: true }
    )
    yield* Effect.timeoutOption(streams.awaitNone, options?.flush ?? "2 seconds")
    yield* streams.cut
    return report
  })

const both = (tasks: DrainReport, handlers: DrainReport): DrainReport => ({
  completed: [...tasks.completed, ...handlers.completed],
  failed: [...tasks.failed, ...handlers.failed],
  cancelled: [...tasks.cancelled, ...handlers.cancelled],
  abandoned: [...tasks.abandoned, ...handlers.abandoned],
  took: Duration.max(tasks.took, handlers.took)
})

/**
 * Drains when its scope closes. Build it on top of the server, so that it closes
 * first:
 *
 * ```ts
 * Drain.layer({ giveUp: "10 seconds" }).pipe(
 *   Layer.provideMerge(HttpRouter.serve(TaskServer.layer({ tasks }))),
 *   Layer.provide([Tasks.layer(), NodeHttpServer.layer(() => ServerClose.promptly(createServer()), { port: 3000 })])
 * )
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (
  options?: Options & {
    /** Is told the outcome, before the server closes. */
    readonly onReport?: (report: DrainReport) => Effect.Effect<void>
  }
): Layer.Layer<never, never, Tasks | OpenStreams> =>
  Layer.effectDiscard(
    Effect.contextWith((context: Context.Context<Tasks | OpenStreams>) =>
      Effect.addFinalizer(() =>
        run(options).pipe(
          Effect.flatMap((report) => options?.onReport?.(report) ?? Effect.void),
          Effect.provideContext(context)
        )
      )
    )
  )
