/**
 * What a supervisor and a load balancer ask a server: `GET /health`, whether the
 * process lives, with what it has to do; and `GET /ready`, whether new work may be
 * sent to it, which ends when it begins to drain. `TaskServer.layer` has both;
 * mount `layer` where you serve `Tasks` by routes of your own. They ask for no
 * token, and no page of another origin reads them, whatever `cors` says.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { Tasks } from "../fibers/Tasks.ts"
import * as Drain from "./Drain.ts"
import { OpenStreams } from "./OpenStreams.ts"
import * as Problem from "./Problem.ts"

const Count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))

/**
 * The answer of `/health`. `tasks` counts those that have not ended: `cancelling`
 * were told to stop, and `straggling` are those of them that nobody waits for any
 * more. `streams` are the open event streams; `limits` are there where the server
 * has them.
 *
 * @category schemas
 * @since 0.1.0
 */
export const HealthView = Schema.Struct({
  status: Schema.Literals(["up", "draining"]),
  tasks: Schema.Struct({ waiting: Count, running: Count, cancelling: Count, straggling: Count }),
  streams: Count,
  limits: Schema.Struct({ streams: Schema.optionalKey(Count), streamsPerTask: Schema.optionalKey(Count) }),
  uptimeSeconds: Schema.Number,
  version: Schema.optionalKey(Schema.String)
}).annotate({ identifier: "Health" })

/**
 * @category models
 * @since 0.1.0
 */
export type HealthView = typeof HealthView.Type

/**
 * The answer of `/ready`, while the server is.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Ready = Schema.Struct({ status: Schema.Literal("ready") }).annotate({ identifier: "Ready" })

/**
 * What the answers say besides.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** Of the service. */
  readonly version?: string | undefined
  /** The limits of `TaskServer`, to be shown. */
  readonly maxStreams?: number | undefined
  readonly maxStreamsPerTask?: number | undefined
}

/**
 * Mounts both routes on the router.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options?: Options): Layer.Layer<never, never, Tasks | HttpRouter.HttpRouter> =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const tasks = yield* Tasks
      const streams = yield* Effect.serviceOption(OpenStreams)
      const startedAt = yield* Clock.currentTimeMillis
      const router = yield* HttpRouter.HttpRouter
      const health = Effect.map(view(tasks, streams, startedAt, options), (view) =>
        HttpServerResponse.jsonUnsafe(view, { headers: fresh })
      )
      yield* router.add("GET", "/health", health)
      yield* router.add("GET", "/ready", ready(tasks))
    })
  )

/** An answer that somebody kept would be about a moment that has passed. */
const fresh = { "cache-control": "no-store" }

const ready = (tasks: Tasks["Service"]): Effect.Effect<HttpServerResponse.HttpServerResponse> =>
  Drain.admit.pipe(
    Effect.as(HttpServerResponse.jsonUnsafe({ status: "ready" } satisfies typeof Ready.Type, { headers: fresh })),
    Effect.catch((refused) => Effect.succeed(HttpServerResponse.setHeaders(Problem.toResponse(refused), fresh))),
    Effect.provideService(Tasks, tasks)
  )

const view = (
  tasks: Tasks["Service"],
  streams: Option.Option<OpenStreams["Service"]>,
  startedAt: number,
  options: Options | undefined
): Effect.Effect<HealthView> =>
  Effect.gen(function* () {
    const counts = { waiting: 0, running: 0, cancelling: 0, straggling: 0 }
    for (const { state } of yield* tasks.list) if (state in counts) counts[state as keyof typeof counts]++
    const now = yield* Clock.currentTimeMillis
    return {
      status: (yield* tasks.draining) ? "draining" : "up",
      tasks: counts,
      streams: Option.isSome(streams) ? yield* streams.value.count : 0,
      limits: { ...limit("streams", options?.maxStreams), ...limit("streamsPerTask", options?.maxStreamsPerTask) },
      uptimeSeconds: Math.max(0, now - startedAt) / 1000,
      ...(options?.version === undefined ? {} : { version: options.version })
    }
  })

const limit = <Key extends string>(key: Key, value: number | undefined): { readonly [K in Key]?: number } =>
  value === undefined || !Number.isFinite(value) ? {} : ({ [key]: value } as { readonly [K in Key]: number })
