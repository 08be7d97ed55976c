/**
 * Serves task definitions: start, list, look at, follow and cancel over HTTP,
 * with `/health`, `/ready`, `/openapi.json` and `/docs`. The tasks belong to the `Tasks` service, not
 * to the requests: a client that leaves stops nothing, unless the definition
 * says so.
 *
 * @since 0.1.0
 */
import * as ByteSize from "effect/ByteSize"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { identity } from "effect/Function"
import type * as HttpApi from "effect/http-api/HttpApi"
import type * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiScalar from "effect/http-api/HttpApiScalar"
import * as OpenApi from "effect/http-api/OpenApi"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Tracer from "effect/Tracer"
import * as TaskMetrics from "../fibers/TaskMetrics.ts"
import * as Option from "effect/Option"
import * as CancelReason from "../fibers/CancelReason.ts"
import { Tasks } from "../fibers/Tasks.ts"
import * as Health from "./Health.ts"
import { bulkCancelRoute } from "./internal/bulkCancelRoute.ts"
import { cancelLog } from "./internal/cancelLog.ts"
import { cancelRoute } from "./internal/cancelRoute.ts"
import { codecsOf } from "./internal/codecs.ts"
import { eventsRoute } from "./internal/eventsRoute.ts"
import { metricsRoute } from "./internal/metricsRoute.ts"
import * as Cors from "./Cors.ts"
import { flatContext } from "./internal/flatContext.ts"
import { hostGuard } from "./internal/hostGuard.ts"
import { noRoute } from "./internal/noRoute.ts"
import { listRoute, oneRoute, treeRoute } from "./internal/readRoutes.ts"
import { requestMetrics } from "./internal/requestMetrics.ts"
import { answerOf, reasonOf } from "./internal/requestInterrupt.ts"
import type { Handler, Kind, Server } from "./internal/served.ts"
import { servedMetrics } from "./internal/servedMetrics.ts"
import { startRoute } from "./internal/startRoute.ts"
import { traceCancels } from "./internal/taskTrace.ts"
import type { Watcher } from "./internal/watching.ts"
import { timeLimit } from "./internal/timeLimit.ts"
import { OpenStreams } from "./OpenStreams.ts"
import * as Problem from "./Problem.ts"
import { RunningHandlers } from "./RunningHandlers.ts"
import * as StreamMetrics from "./StreamMetrics.ts"
import { type Security, TaskAccess } from "./TaskAccess.ts"
import * as TaskApi from "./TaskApi.ts"
import type { Implementation } from "./TaskDefinition.ts"

/**
 * @category models
 * @since 0.1.0
 */
export interface Options<R> {
  /** What can be started: `[FetchPage.of(…), RaceMirrors.of(…)]`. */
  readonly tasks: ReadonlyArray<Implementation<R>>
  /** The largest request body. Default: 64 KiB. */
  readonly bodyLimit?: ByteSize.Input | undefined
  /** How often an event stream says that it lives. Default: 15 seconds. */
  readonly heartbeat?: Duration.Input | undefined
  /** How many event streams may be open at once, in all and of one task. Default: no bound. Over it: 429. */
  readonly maxStreams?: number | undefined
  readonly maxStreamsPerTask?: number | undefined
  /** What becomes of a client that reads so slowly that it misses events. Default: `"resync"`. */
  readonly slowReaders?: "resync" | "disconnect" | undefined
  /**
   * Counts tasks, requests and event streams, and serves them to Prometheus on `GET /metrics`, to whom
   * `TaskAccess` lets inspect. Default: false.
   */
  readonly metrics?: boolean | undefined
  /** Logs each cancel of a task, at Info: when it is asked for, and when the task has ended. Default: true. */
  readonly logCancels?: boolean | undefined
  /** Pages of which other origins may use it. Default: none. */
  readonly cors?: Cors.Options | undefined
  /**
   * Under which hosts it is reached, `tasks.example.com` or, with a port, `localhost:3000`: requests to others are
   * refused (421) on every route of the router but `/health` and `/ready`, so that no page can reach a server on this
   * machine or network through a name that it points here (DNS rebinding). Default: any.
   */
  readonly hosts?: ReadonlyArray<string> | undefined
  /** How long a task may run whose definition does not say. Default: no limit. */
  readonly timeLimit?: Duration.Input | undefined
  /** How long any task may run, whatever its definition says and however often it asks for more time. Default: no limit. */
  readonly maxTimeLimit?: Duration.Input | undefined
  /** Whether it answers `/health` and `/ready`. Default: true; say false to serve your own. */
  readonly health?: boolean | undefined
  /** Of the API, in its documentation; the version is told by `/health` too. */
  readonly title?: string | undefined
  readonly version?: string | undefined
}

/**
 * Mounts the routes on the router; the definitions' services are taken from
 * where the layer is built. Two definitions of one name are a defect.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = <R>(
  options: Options<R>
): Layer.Layer<OpenStreams | RunningHandlers, never, Tasks | HttpRouter.HttpRouter | R> =>
  Layer.provideMerge(
    Layer.mergeAll(
      routes(options),
      Layer.unwrap(
        Effect.map(TaskAccess, ({ security }) =>
          HttpApiScalar.layer(apiOf(options, security), {
            path: "/docs",
            // Nothing is fetched from elsewhere.
            scalar: { withDefaultFonts: false }
          })
        )
      ),
      options.health === false ? Layer.empty : Health.layer(options)
    ),
    Layer.merge(OpenStreams.layer(options), RunningHandlers.layer)
  ).pipe(options.metrics === true ? Layer.provide([TaskMetrics.layer, streamMetrics]) : identity)

const streamMetrics = Layer.effect(StreamMetrics.Current, StreamMetrics.make)

const routes = <R>(options: Options<R>): Layer.Layer<never, never, Tasks | OpenStreams | HttpRouter.HttpRouter | R> =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const context = yield* Effect.context<R>()
      const server: Server = {
        kinds: yield* kindsOf(options.tasks),
        tasks: yield* Tasks,
        streams: yield* OpenStreams,
        context: flatContext(context),
        access: yield* TaskAccess,
        cors: options.cors === undefined ? undefined : Cors.make(options.cors),
        bodyLimit:
          options.bodyLimit === undefined ? ByteSize.kibibytes(64) : ByteSize.fromInputUnsafe(options.bodyLimit),
        scope: yield* Effect.scope,
        hooks: yield* StreamMetrics.Current,
        slowReaders: options.slowReaders ?? "resync",
        maxStreamsPerTask: options.maxStreamsPerTask ?? Infinity,
        timeLimit: timeLimit("timeLimit", options.timeLimit),
        maxTimeLimit: timeLimit("maxTimeLimit", options.maxTimeLimit),
        watchers: watchersOf(options, context)
      }
      const router = yield* HttpRouter.HttpRouter
      if (options.metrics === true) {
        yield* router.addGlobalMiddleware(requestMetrics(context))
        yield* router.add("GET", "/metrics", answer(server, metricsRoute))
      }
      if (options.hosts !== undefined) yield* router.addGlobalMiddleware(hostGuard(options.hosts))
      const more = [
        ...(options.metrics === true ? ([[/^\/metrics$/, "GET"]] as const) : []),
        ...(options.health === false ? [] : ([[/^\/(?:health|ready)$/, "GET"]] as const))
      ]
      yield* router.addGlobalMiddleware(noRoute(more, server.cors))
      yield* router.add("POST", "/tasks/:name", answer(server, startRoute))
      yield* router.add("GET", "/tasks", answer(server, listRoute))
      yield* router.add("GET", "/tasks/:id", answer(server, oneRoute))
      yield* router.add("POST", "/tasks/:id/cancel", answer(server, cancelRoute))
      yield* router.add("POST", "/cancel", answer(server, bulkCancelRoute))
      yield* router.add("GET", "/tasks/:id/events", answer(server, eventsRoute))
      yield* router.add("GET", "/tree", answer(server, treeRoute))
      const openApi = HttpServerResponse.jsonUnsafe(OpenApi.fromApi(apiOf(options, server.access.security)))
      yield* router.add(
        "GET",
        "/openapi.json",
        answer(server, () => Effect.succeed(openApi))
      )
    })
  )

const watchersOf = <R>({ logCancels, metrics }: Options<R>, context: Context.Context<R>): ReadonlyArray<Watcher> => [
  ...(logCancels === false ? [] : [cancelLog]),
  ...(metrics === true ? [servedMetrics(context)] : []),
  ...(Context.get(context, Tracer.Tracer) === Tracer.nativeTracer ? [] : [traceCancels])
]

const apiOf = <R>(
  { health, tasks, title, version }: Options<R>,
  security: Security | undefined
): HttpApi.HttpApi<string, HttpApiGroup.Constraint> =>
  TaskApi.make(
    tasks.map(({ definition }) => definition),
    { health, title, version, security }
  ) as never

const kindsOf = <R>(tasks: ReadonlyArray<Implementation<R>>): Effect.Effect<ReadonlyMap<string, Kind>> =>
  Effect.suspend(() => {
    const kinds = new Map<string, Kind>()
    for (const { definition, run } of tasks) {
      if (kinds.has(definition.name)) {
        return Effect.die(new Error(`Two tasks are defined under the name "${definition.name}"`))
      }
      kinds.set(definition.name, { definition, run, codecs: codecsOf(definition) })
    }
    return Effect.succeed(kinds)
  })

/** Whatever a handler does, the client gets an answer, and a defect is for the log only. */
const answer = (server: Server, handler: Handler): Effect.Effect<Response, never, HttpRouter.Provided> =>
  Effect.withFiber((fiber) => {
    const context = fiber.context as Context.Context<HttpServerRequest.HttpServerRequest>
    const request = Context.get(context, HttpServerRequest.HttpServerRequest)
    const open = (response: Response) => Effect.succeed(Cors.open(server.cors, request.headers, response))
    return handler(server, request, fiber).pipe(
      Effect.matchCauseEffect({
        onSuccess: open,
        onFailure: (cause) => Effect.flatMap(refusal(request, cause), open)
      }),
      Effect.onExit((exit) =>
        exit._tag === "Success" || !Cause.hasInterruptsOnly(exit.cause) ? Effect.void : interrupted(server, exit.cause)
      )
    )
  })

type Response = HttpServerResponse.HttpServerResponse

const refusal = (
  { method, url }: HttpServerRequest.HttpServerRequest,
  cause: Cause.Cause<Problem.Problem>
): Effect.Effect<Response> =>
  Effect.failCause(cause).pipe(
    Effect.catch((problem) => Effect.succeed(Problem.toResponse(problem))),
    Effect.catchCauseIf(Cause.hasDies, (cause) =>
      // Without the query, where a token may stand.
      Effect.as(Effect.logError(`${method} ${url.split("?")[0]} failed`, cause), Problem.toResponse(internal))
    )
  )

/** A client that waited reads why it waits no longer. */
const interrupted = Effect.fnUntraced(function* (server: Server, cause: Cause.Cause<unknown>) {
  const draining = yield* server.tasks.draining
  const above = Option.getOrUndefined(yield* CancelReason.current)
  const reason = reasonOf(cause, { client: undefined, above, sending: false, draining })
  const now = yield* Clock.currentTimeMillis
  return yield* Effect.die(answerOf(cause, CancelReason.stamp(reason, "request", now)))
})

const internal = new Problem.Problem({ code: "internal", detail: "The server failed; its log says why" })
