/**
 * Stops a task server well: new work is refused (503, with when to come back),
 * what runs is cancelled with the source `shutdown` or may finish first, every
 * open event stream gets its terminal event and ends, and only then does the
 * server close. Meanwhile it listens on: clients read how their tasks ended, and
 * a load balancer reads that it is not ready.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as CancelPolicy from "../fibers/CancelPolicy.ts"
import { Draining, type DrainOptions, type DrainReport, Tasks } from "../fibers/Tasks.ts"
import { OpenStreams } from "./OpenStreams.ts"
import { RunningHandlers } from "./RunningHandlers.ts"
import { Problem } from "./Problem.ts"

/**
 * A service that ends its work when it is asked to, as `Tasks` does.
 *
 * @category models
 * @since 0.1.0
 */
export interface Drainable {
  readonly drain: (options?: DrainOptions) => Effect.Effect<DrainReport>
}

/**
 * `finish` is how long tasks may go on by themselves before they are cancelled
 * (default: not at all), but for those with `onShutdown: "cancel"`; `grace` and
 * `giveUp` are those of the cancel (default: `CancelPolicy.shutdown`); `flush` is
 * how long clients may take to read the end before their streams are cut
 * (default: 2 seconds).
 *
 * @category models
 * @since 0.1.0
 */
export interface Options<R = never> extends DrainOptions {
  readonly flush?: Duration.Input | undefined
  /** What is drained at the same time as `Tasks` and `RunningHandlers`: its names are in the report too. */
  readonly also?: ReadonlyArray<Effect.Effect<Drainable, never, R>> | undefined
}

/**
 * Drains now, and reports how each task ended, and each handler that ran with
 * `CancelMiddleware`. A second call joins the first, and may only bring its bounds
 * forward. What did not end in time is named in the report, and in a warning in
 * the log.
 *
 * @category running
 * @since 0.1.0
 */
export const run = <R = never>(options?: Options<R>): Effect.Effect<DrainReport, never, Tasks | OpenStreams | R> =>
  Effect.gen(function* () {
    const tasks = yield* Tasks
    const handlers = yield* Effect.serviceOption(RunningHandlers)
    const services: ReadonlyArray<Drainable> = [
      tasks,
      ...Option.toArray(handlers),
      ...(yield* Effect.all(options?.also ?? []))
    ]
    const streams = yield* OpenStreams
    const { also: _, flush, ...given } = options ?? {}
    const bounds = { ...given, giveUp: given.giveUp ?? CancelPolicy.shutdown.giveUp }
    const reports = yield* Effect.all(
      services.map((service) => service.drain(bounds)),
      { concurrency: "unbounded" }
    )
    yield* Effect.timeoutOption(streams.awaitNone, flush ?? defaultFlush)
    yield* streams.cut
    return reports.reduce(joined)
  })

const defaultFlush = Duration.seconds(2)

/**
 * How long `run` takes at most, if only its bounds end it: infinite without a bound.
 *
 * @category conversions
 * @since 0.1.0
 */
export const longest = (options?: Pick<Options, "finish" | "giveUp" | "flush">): Duration.Duration => {
  const bounds = {
    finish: options?.finish ?? Duration.zero,
    giveUp: options?.giveUp ?? CancelPolicy.shutdown.giveUp,
    flush: options?.flush ?? defaultFlush
  }
  return Object.entries(bounds)
    .map(([field, input]) => CancelPolicy.bound(field, input))
    .reduce(Duration.sum)
}

const joined = (one: DrainReport, other: DrainReport): DrainReport => ({
  completed: [...one.completed, ...other.completed],
  failed: [...one.failed, ...other.failed],
  cancelled: [...one.cancelled, ...other.cancelled],
  abandoned: [...one.abandoned, ...other.abandoned],
  took: Duration.max(one.took, other.took)
})

/**
 * Succeeds while new work may begin, and fails with the 503 of a server that
 * drains: for routes of your own that start something. Its `Retry-After` is the
 * time in which the drain will be over.
 *
 * @category guards
 * @since 0.1.0
 */
export const admit: Effect.Effect<void, Problem, Tasks> = Effect.gen(function* () {
  const tasks = yield* Tasks
  if (yield* tasks.draining) return yield* Effect.flatMap(refusal(tasks), Effect.fail)
})

/**
 * What `admit` fails with, whether it drains or not.
 *
 * @category guards
 * @since 0.1.0
 */
export const refusal: (tasks: Pick<Tasks["Service"], "drainsBy">) => Effect.Effect<Problem> = Effect.fnUntraced(
  function* (tasks) {
    const by = yield* tasks.drainsBy
    const now = yield* Clock.currentTimeMillis
    const seconds = by._tag === "Some" ? Math.max(1, Math.ceil((by.value - now) / 1000)) : unbounded
    const { message } = new Draining()
    return new Problem({ code: "draining", detail: message, headers: { "retry-after": String(seconds) } })
  }
)

/** Seconds after which to ask again, where nobody knows when the drain ends. */
const unbounded = 5

/**
 * @category models
 * @since 0.1.0
 */
export interface LayerOptions<R = never> extends Options<R> {
  /** Is told the outcome, before the server closes. */
  readonly onReport?: ((report: DrainReport) => Effect.Effect<void>) | undefined
}

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
export const layer = <R = never>(options?: LayerOptions<R>): Layer.Layer<never, never, Tasks | OpenStreams | R> =>
  Layer.effectDiscard(
    Effect.contextWith((context: Context.Context<Tasks | OpenStreams | R>) =>
      Effect.addFinalizer(() =>
        run(options).pipe(
          Effect.flatMap((report) => options?.onReport?.(report) ?? Effect.void),
          Effect.provideContext(context)
        )
      )
    )
  )
