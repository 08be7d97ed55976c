/** Every route of the service, mounted on the router. */
import * as Effect from "effect/Effect"
import * as HttpServerError from "effect/http/HttpServerError"
import type * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as HttpRouter from "effect/http/HttpRouter"
import * as Layer from "effect/Layer"
import { Tasks } from "../../../fibers/Tasks.ts"
import * as Health from "../../../http/Health.ts"
import { hostGuard } from "../../../http/internal/hostGuard.ts"
import { OpenStreams } from "../../../http/OpenStreams.ts"
import * as Problem from "../../../http/Problem.ts"
import { TaskAccess } from "../../../http/TaskAccess.ts"
import { Coordinator } from "../coordinator/Coordinator.ts"
import { TaskStore } from "../store/TaskStore.ts"
import { route, type Site } from "./route.ts"
import { RequestRate } from "./RequestRate.ts"
import { metricsRoute, modelsRoute } from "./serviceRoutes.ts"
import { sessionRoute } from "./sessionRoute.ts"
import { streamRoute } from "./streamRoute.ts"
import {
  cancelRoute,
  continueRoute,
  createRoute,
  extendRoute,
  listRoute,
  retryRoute,
  statusRoute
} from "./taskRoutes.ts"

export interface Options extends Pick<Health.Options, "maxStreams"> {
  /** How many clients may follow one task at once. Default: no bound. */
  readonly maxStreamsPerTask?: number | undefined
  /** Under which hosts it is reached: requests to others are refused, on every route but `/health` and `/ready`. */
  readonly hosts?: ReadonlyArray<string> | undefined
}

export const layer = (
  options?: Options
): Layer.Layer<never, never, Coordinator | TaskStore | Tasks | OpenStreams | HttpRouter.HttpRouter> =>
  Layer.merge(routes(options), Health.layer(options))

const routes = (options: Options | undefined) =>
  Layer.unwrap(
    Effect.gen(function* () {
      const site: Site = {
        coordinator: yield* Coordinator,
        store: yield* TaskStore,
        tasks: yield* Tasks,
        streams: yield* OpenStreams,
        visitor: (yield* TaskAccess).visitor,
        rate: yield* RequestRate,
        maxStreamsPerTask: options?.maxStreamsPerTask ?? Infinity
      }
      const router = yield* HttpRouter.HttpRouter
      if (options?.hosts !== undefined) yield* router.addGlobalMiddleware(hostGuard(options.hosts))
      yield* router.addGlobalMiddleware(noRoute)
      return HttpRouter.addAll([
        route(site, "GET", "/stream/:app/:model/:id", streamRoute),
        route(site, "GET", "/status/:app/:model/:id", statusRoute),
        route(site, "POST", "/cancel/:app/:model/:id", cancelRoute),
        route(site, "POST", "/retry/:app/:model/:id", retryRoute),
        route(site, "POST", "/continue/:app/:model/:id", continueRoute),
        route(site, "POST", "/extend/:app/:model/:id", extendRoute),
        route(site, "GET", "/tasks", listRoute),
        route(site, "POST", "/tasks", createRoute),
        route(site, "POST", "/session", sessionRoute),
        route(site, "GET", "/models", modelsRoute),
        route(site, "GET", "/metrics", metricsRoute)
      ])
    })
  )

/** Also for paths that no router can read, such as `/%`. */
const noRoute = <E, R>(
  handled: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>
): Effect.Effect<HttpServerResponse.HttpServerResponse, E, R> =>
  Effect.catch(handled, (error) => {
    if (!HttpServerError.isHttpServerError(error) || error.reason._tag !== "RouteNotFound") return Effect.fail(error)
    const { method, url } = error.request
    const detail = `There is no ${method} ${url.split("?")[0]} here`
    return Effect.succeed(Problem.toResponse(new Problem.Problem({ code: "no-such-route", detail })))
  })
