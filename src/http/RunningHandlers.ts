/**
 * The handlers of a server while they run, each one a task below one node of the
 * scope tree: `TaskTree` shows them, a drain stops and names them, and whatever
 * they do can read why they are stopped. `CancelMiddleware` runs them here; take
 * this service to do so by hand, or to drain a server that has no tasks.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import type * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as CancelPolicy from "../fibers/CancelPolicy.ts"
import * as CancelReason from "../fibers/CancelReason.ts"
import { CurrentNode } from "../fibers/internal/currentNode.ts"
import { drain } from "../fibers/internal/drain.ts"
import { outcomeOf } from "../fibers/internal/outcome.ts"
import { afterClose } from "../fibers/internal/waits.ts"
import type { DrainOptions, DrainReport } from "../fibers/Tasks.ts"
import { type Budget, HandlerNode } from "./internal/handlerNode.ts"
import { HandlersNode } from "./internal/handlersNode.ts"
import { answerOf, reasonOf } from "./internal/requestInterrupt.ts"
import type { Problem } from "./Problem.ts"
import * as RequestCancelled from "./RequestCancelled.ts"
import * as RequestDeadline from "./RequestDeadline.ts"

/**
 * How handlers are stopped. `grace` and `giveUp` count from the moment at which
 * the client left or the deadline passed: by default a handler is interrupted at
 * once, and its end awaited.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options extends CancelPolicy.CancelPolicyInput {
  /** The longest that a handler may take, body included; `deadline-ms` only shortens it. Default: no bound. */
  readonly limit?: Duration.Input | undefined
  /**
   * When the server drains: `finish` lets it go on for as long as the drain lets
   * tasks (`finish` of `Drain`, by default not at all); `cancel` stops it at once.
   * Default: `finish`.
   */
  readonly onShutdown?: "finish" | "cancel" | undefined
  /** Its name in the tree and in reports. Default: method and route, such as `GET /orders/:id`. */
  readonly name?: ((request: HttpServerRequest.HttpServerRequest) => string) | undefined
}

type Response = HttpServerResponse.HttpServerResponse

/**
 * @category services
 * @since 0.1.0
 */
export class RunningHandlers extends Context.Service<
  RunningHandlers,
  {
    /**
     * Runs the handler of the current request as a task, and answers what it
     * answers. It is cancelled when the client leaves (`disconnect`), when the
     * budget that the request names has passed (`timeout`), and when the server
     * drains (`shutdown`). A handler that was cancelled, by these or from inside,
     * fails with `RequestCancelled`; a `deadline-ms` that is malformed with the 400.
     */
    readonly run: <E, R>(
      handler: Effect.Effect<Response, E, R>,
      options?: Options
    ) => Effect.Effect<
      Response,
      E | RequestCancelled.RequestCancelled | Problem,
      R | HttpServerRequest.HttpServerRequest | Scope.Scope
    >
    /** Refuses new handlers (503), ends the old, and reports by name. A second call joins the first. */
    readonly drain: (options?: DrainOptions) => Effect.Effect<DrainReport>
    /** How many run, bodies that are being sent included. */
    readonly count: Effect.Effect<number>
  }
>()("rescind/http/RunningHandlers") {
  /** When it closes, handlers that still run are cancelled (`shutdown`) and awaited. */
  static readonly layer: Layer.Layer<RunningHandlers> = Layer.effect(
    RunningHandlers,
    Effect.map(
      Effect.acquireRelease(
        Effect.withFiber((fiber) =>
          Effect.sync(() => new HandlersNode(fiber.getRef(CurrentNode), fiber.getRef(Clock.Clock)))
        ),
        (node) =>
          Effect.andThen(
            drain(node, { reason: CancelReason.shutdown() }, "scope-closed"),
            Effect.sync(() => node.shut())
          )
      ),
      (node) => ({
        run: (handler, options) => run(node, handler, options),
        drain: (options) => drain(node, options, "shutdown"),
        count: Effect.sync(() => node.live)
      })
    )
  )
}

const run: <E, R>(
  handlers: HandlersNode,
  handler: Effect.Effect<Response, E, R>,
  options: Options | undefined
) => Effect.Effect<
  Response,
  E | RequestCancelled.RequestCancelled | Problem,
  R | HttpServerRequest.HttpServerRequest | Scope.Scope
> = Effect.fnUntraced(function* (handlers, handler, options) {
  const request = yield* HttpServerRequest.HttpServerRequest
  const policy = CancelPolicy.make(options)
  const budget = nearest(options?.limit, yield* RequestDeadline.read(request))
  const name = options?.name?.(request) ?? (yield* nameOf(request))
  return yield* asTask(handlers, handler, request, {
    name,
    policy,
    budget,
    onShutdown: options?.onShutdown ?? "finish"
  })
})

/** Runs it and waits for its answer; the scope of the request waits for its end. */
const asTask = (
  handlers: HandlersNode,
  handler: Effect.Effect<Response, any, any>,
  request: HttpServerRequest.HttpServerRequest,
  handling: ConstructorParameters<typeof HandlerNode>[0]
): Effect.Effect<Response, any, any> =>
  Effect.withFiber((fiber) => {
    // It is known only while the client is there.
    const client = Option.getOrUndefined(request.remoteAddress)
    let answer: ((response: Response) => void) | undefined
    const node = new HandlerNode(handling, handlers, handler, fiber, (response) => answer!(response))
    const why = (cause: Cause.Cause<unknown>) =>
      reasonOf(cause, {
        client,
        above: fiber.getRef(CurrentNode).readable,
        sending: node.sending,
        draining: handlers.draining !== undefined
      })
    const over = (exit: Exit.Exit<unknown, unknown>) =>
      Effect.suspend(() => {
        if (node.gone || !node.opened) return Effect.void
        node.requestOver(exit._tag === "Failure" ? why(exit.cause) : undefined)
        return closed(node)
      })
    // oxlint-disable-next-line rescind/callback-clean-up -- the clean-up is the end of the task, below
    const answered = Effect.callback<Response, unknown>((resume) => {
      const refused = refusal(handlers, handling.budget)
      if (refused !== undefined) {
        const reason = CancelReason.stamp(refused, node.name, handlers.clock.currentTimeMillisUnsafe())
        return resume(Effect.fail(RequestCancelled.make(reason)))
      }
      answer = (response) => resume(Effect.succeed(response))
      node.open()
      node.onClosed(() => {
        if (!node.sending) resume(endOf(node))
      })
      node.begin()
    })
    return Effect.andThen(
      Scope.addFinalizerExit(Context.getUnsafe(fiber.context, Scope.Scope), over),
      Effect.onExit(answered, (exit) => {
        if (exit._tag === "Success" || !Cause.hasInterruptsOnly(exit.cause)) return Effect.void
        const { cause } = exit
        const reason = CancelReason.stamp(why(cause), node.name, handlers.clock.currentTimeMillisUnsafe())
        return Effect.andThen(
          over(exit),
          Effect.suspend(() => Effect.die(answerOf(cause, node.mark?.reason ?? reason)))
        )
      })
    )
  })

/** Why a handler must not even start; asked in the very step that would start it. */
const refusal = (handlers: HandlersNode, budget: Budget | undefined): CancelReason.Draft | undefined => {
  if (handlers.gone || handlers.draining !== undefined) return CancelReason.shutdown()
  return budget !== undefined && Duration.isZero(budget.within)
    ? CancelReason.timeout({ by: budget.by, message: "No time was left for it" })
    : undefined
}

/** What ended before it had an answer. */
const endOf = (node: HandlerNode): Effect.Effect<never, unknown> => {
  const outcome = outcomeOf(node)
  return outcome._tag === "Failed"
    ? Effect.failCause(outcome.cause)
    : Effect.fail(RequestCancelled.make(node.mark!.reason))
}

const closed = (node: HandlerNode): Effect.Effect<void> =>
  Effect.withFiber((fiber) =>
    Effect.callback<void>((resume) => {
      const withdraw = afterClose(fiber, node, () => resume(Effect.void))
      return Effect.sync(withdraw)
    })
  )

const nearest = (limit: Duration.Input | undefined, asked: Option.Option<Duration.Duration>): Budget | undefined => {
  const own = limit === undefined ? undefined : CancelPolicy.bound("limit", limit)
  if (Option.isSome(asked) && (own === undefined || Duration.isLessThan(asked.value, own))) {
    return { within: asked.value, by: RequestDeadline.header }
  }
  return own === undefined ? undefined : { within: own, by: "limit" }
}

const nameOf = (request: HttpServerRequest.HttpServerRequest): Effect.Effect<string> =>
  Effect.contextWith((context: Context.Context<never>) => {
    const matched = Context.getOption(context as Context.Context<HttpRouter.RouteContext>, HttpRouter.RouteContext)
    const path = Option.isSome(matched) ? matched.value.route.path : request.url.split("?")[0]!
    return Effect.succeed(`${request.method} ${path}`)
  })
