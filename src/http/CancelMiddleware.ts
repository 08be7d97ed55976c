/**
 * Makes handlers of your own cancellable with a reason. Each request that passes
 * through runs as a task: a client that leaves, a `deadline-ms` that has passed and
 * a server that shuts down cancel it, and all below it read why
 * (`CancelReason.current`, `Task.onCancel`). What was cancelled, from outside or
 * inside, answers as a problem document with the reason, never as an empty 503.
 * `layer` is for the routes of an `HttpRouter`, `ForApi` for an `HttpApi`.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware"
import * as HttpRouter from "effect/http/HttpRouter"
import type * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import type * as Types from "effect/Types"
import * as CancelPolicy from "../fibers/CancelPolicy.ts"
import * as Problem from "./Problem.ts"
import * as RequestCancelled from "./RequestCancelled.ts"
import { type Options, RunningHandlers } from "./RunningHandlers.ts"

/**
 * What a route may leave to the middleware: that something it waited for was
 * cancelled, or that one of its own deadlines passed.
 *
 * @category models
 * @since 0.1.0
 */
export type Handled = RequestCancelled.RequestCancelled | RequestCancelled.Inner | Problem.Problem

/**
 * For the routes that it is provided to.
 *
 * **Gotchas**
 *
 * The routes of `TaskServer` do not need it: they have drains and disconnects of
 * their own. Routes added with `{ uninterruptible: true }` read the reason but run
 * on. An `HttpServer.serve` without a router is interruptible nowhere; its handlers
 * do not hear of a client that leaves. A handler that upgrades to a WebSocket is
 * cancelled by a drain and by its limit as any other; a client that leaves ends
 * its socket, which the handler reads.
 *
 * @example
 * ```ts
 * const routes = HttpRouter.add("GET", "/report", report).pipe(
 *   Layer.provide(CancelMiddleware.layer({ limit: "30 seconds" }))
 * )
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options?: Options): Layer.Layer<HttpRouter.Request.From<"Error", Handled>> => {
  CancelPolicy.make(options)
  const middleware = HttpRouter.middleware<{ handles: Handled }>()(
    Effect.map(
      RunningHandlers,
      (handlers) => (handler) =>
        handlers.run(handler, options).pipe(RequestCancelled.catchInner, Effect.catch(answered))
    )
  )
  return Layer.provide(middleware.layer, RunningHandlers.layer)
}

/**
 * The same for an `HttpApi`: `HttpApiGroup.make("orders").add(…).middleware(CancelMiddleware.ForApi)`.
 * Its clients fail with a `RequestCancelled` that has the reason.
 *
 * **Gotchas**
 *
 * The errors of an endpoint are its own to declare: one that fails with
 * `TaskCancelled` or `DeadlineExceeded` maps it, with `RequestCancelled.catchInner`.
 *
 * @category middleware
 * @since 0.1.0
 */
export class ForApi extends HttpApiMiddleware.Service<ForApi>()("rescind/http/CancelMiddleware/ForApi", {
  error: RequestCancelled.schemas
}) {
  static readonly layer = (options?: Options): Layer.Layer<ForApi> => {
    CancelPolicy.make(options)
    return Layer.provide(
      Layer.effect(
        ForApi,
        Effect.map(
          RunningHandlers,
          (handlers) => (handler: Effect.Effect<HttpServerResponse.HttpServerResponse, Types.unhandled>) =>
            Effect.catch(handlers.run(handler, options), answered)
        )
      ),
      RunningHandlers.layer
    )
  }
}

const answered = <E>(
  error: E
): Effect.Effect<
  HttpServerResponse.HttpServerResponse,
  Exclude<E, RequestCancelled.RequestCancelled | Problem.Problem>
> => {
  if (error instanceof RequestCancelled.RequestCancelled) return Effect.sync(() => RequestCancelled.toResponse(error))
  if (error instanceof Problem.Problem) return Effect.sync(() => Problem.toResponse(error))
  return Effect.fail(error as never)
}
