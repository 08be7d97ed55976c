/** Every route of the service, mounted on the router. */
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as Layer from "effect/Layer"
import { Tasks } from "../../../fibers/Tasks.ts"
import * as Health from "../../../http/Health.ts"
import { OpenStreams } from "../../../http/OpenStreams.ts"
import * as Problem from "../../../http/Problem.ts"
import { TaskAccess } from "../../../http/TaskAccess.ts"
import { Coordinator } from "../coordinator/Coordinator.ts"
import { TaskStore } from "../store/TaskStore.ts"
import { route, type Site } from "./route.ts"
import { RequestRate } from "./RequestRate.ts"
import { metricsRoute, modelsRoute } from "./serviceRoutes.ts"
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
        access: yield* TaskAccess,
        rate: yield* RequestRate,
        maxStreamsPerTask: options?.maxStreamsPerTask ?? Infinity
      }
      return HttpRouter.addAll([
        route(site, "GET", "/stream/:app/:model/:id", streamRoute),
        route(site, "GET", "/status/:app/:model/:id", statusRoute),
        route(site, "POST", "/cancel/:app/:model/:id", cancelRoute),
        route(site, "POST", "/retry/:app/:model/:id", retryRoute),
        route(site, "POST", "/continue/:app/:model/:id", continueRoute),
        route(site, "POST", "/extend/:app/:model/:id", extendRoute),
        route(site, "GET", "/tasks", listRoute),
        route(site, "POST", "/tasks", createRoute),
        route(site, "GET", "/models", modelsRoute),
        route(site, "GET", "/metrics", metricsRoute),
        ...noRoutes
      ])
    })
  )

// Not for HEAD, which would then never be answered by the GET of the same path.
const noRoutes = (["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] as const).map((method) =>
  HttpRouter.route<never, never>(method, "*", (request) =>
    Effect.succeed(
      Problem.toResponse(
        new Problem.Problem({
          code: "no-such-route",
          detail: `There is no ${method} ${request.url.split("?")[0]} here`
        })
      )
    )
  )
)
