/**
 * Who asks, and what they may do: a rule over caller, action and task that every
 * route of `TaskServer` goes by. Without one, everybody may do everything. What
 * one may not read does not exist for one: it is in no list, and answers 404 as
 * an id that was never given; what one may read but not do is refused with 403.
 * `BearerTokens` is a ready way to say who asks.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as OpenApi from "effect/http-api/OpenApi"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as Layer from "effect/Layer"
import { Problem } from "./Problem.ts"

/**
 * `start` a task; `read` it, by itself and in lists; follow its `events`, also
 * when one comes back; `cancel` it, by itself and with others, or put a new
 * attempt in the place of an ended one. Without `read`, none of the others but
 * `start` is possible.
 *
 * @category models
 * @since 0.1.0
 */
export type Action = "start" | "read" | "events" | "cancel"

/**
 * The task that it is about; at `start`, the one that is asked for.
 *
 * @category models
 * @since 0.1.0
 */
export interface Subject {
  /** Of its definition. */
  readonly name: string
  readonly id: string
  /** The caller who started it; undefined if that was an anonymous one. */
  readonly owner: string | undefined
  readonly labels: ReadonlyArray<string>
}

/**
 * Whoever sent a request. Add to it what the rule goes by: roles, a tenant.
 *
 * @category models
 * @since 0.1.0
 */
export interface Caller {
  /** Stands as the owner on the tasks that it starts and as `by` on the reasons of its cancels; undefined if anonymous. */
  readonly id: string | undefined
}

/**
 * Decides in one step, so that nothing changes between the answer and the act:
 * what it needs to know is loaded by `identify` and stands on the caller.
 *
 * @category models
 * @since 0.1.0
 */
export type Rule<in C extends Caller> = (caller: C, action: Action, task: Subject) => boolean

/**
 * How a caller says who it is, for the OpenAPI document.
 *
 * @category models
 * @since 0.1.0
 */
export interface Security {
  /** By name; any one of them is enough. */
  readonly schemes: Readonly<Record<string, OpenApi.OpenAPISecurityScheme>>
  /** Whether one may come without. */
  readonly optional?: boolean | undefined
}

/**
 * A caller together with the rule.
 *
 * @category models
 * @since 0.1.0
 */
export interface Visitor {
  readonly id: string | undefined
  readonly may: (action: Action, task: Subject) => boolean
  /** Whether it is shown what is about all tasks: the tree, metrics. */
  readonly mayInspect: boolean
}

/**
 * @category models
 * @since 0.1.0
 */
export interface TaskAccess {
  readonly visitor: (request: HttpServerRequest.HttpServerRequest) => Effect.Effect<Visitor, Problem>
  readonly security: Security | undefined
}

const everybody: Effect.Effect<Visitor> = Effect.succeed({ id: undefined, may: () => true, mayInspect: true })

/**
 * Taken by `TaskServer.layer` where it is built. A server of your own takes
 * `visitor` from it when its routes are mounted.
 *
 * @category references
 * @since 0.1.0
 */
export const TaskAccess: Context.Reference<TaskAccess> = Context.Reference<TaskAccess>("rescind/http/TaskAccess", {
  defaultValue: () => ({ visitor: () => everybody, security: undefined })
})

/**
 * @category models
 * @since 0.1.0
 */
export interface Options<C extends Caller, R> {
  /** Who sent this request; fails with the answer to one that does not say so: see `unidentified`. */
  readonly identify: (request: HttpServerRequest.HttpServerRequest) => Effect.Effect<C, Problem, R>
  /** Default: `owned`. */
  readonly may?: Rule<C> | undefined
  /** Who is shown what is about all tasks: the tree, metrics. Default: nobody. */
  readonly inspect?: ((caller: C) => boolean) | undefined
  readonly security?: Security | undefined
}

/**
 * **Gotchas**
 *
 * It must be *provided* to `TaskServer.layer`. Merged beside it, it does nothing,
 * and the tasks are open: a warning says so if no server has taken it 10 seconds
 * later; see that a request without credentials answers 401. It is asked once a
 * request: an event stream that is open stays open.
 *
 * @example
 * ```ts
 * const server = TaskServer.layer({ tasks }).pipe(Layer.provide(TaskAccess.layer({ identify, may })))
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = <C extends Caller, R = never>({
  identify,
  may = owned,
  inspect = () => false,
  security
}: Options<C, R>): Layer.Layer<never, never, R> =>
  Layer.effect(
    TaskAccess,
    Effect.gen(function* () {
      const context = yield* Effect.context<R>()
      const visitor = (request: HttpServerRequest.HttpServerRequest) =>
        Effect.map(Effect.provideContext(identify(request), context), (caller) => ({
          id: caller.id,
          may: (action: Action, task: Subject) => may(caller, action, task),
          mayInspect: inspect(caller)
        }))
      let taken = false
      const warning = Effect.suspend(() => (taken ? Effect.void : Effect.logWarning(nobodyTookIt)))
      yield* Effect.forkScoped(Effect.delay(warning, "10 seconds"))
      return {
        get visitor() {
          taken = true
          return visitor
        },
        get security() {
          taken = true
          return security
        }
      }
    })
  )

const nobodyTookIt =
  "A TaskAccess was made and no server has taken it, so it protects nothing: " +
  "provide it to `TaskServer.layer` with `Layer.provide`, do not merge it beside"

/**
 * Everybody who is identified may start tasks, and sees and cancels its own.
 *
 * @category rules
 * @since 0.1.0
 */
export const owned: Rule<Caller> = (caller, _action, task) => caller.id !== undefined && caller.id === task.owner

/**
 * The answer to whoever did not say who it is, or not so that we believe it
 * (401). `challenge` is the `www-authenticate` header.
 *
 * @category errors
 * @since 0.1.0
 */
export const unidentified = (detail: string, challenge: string): Problem =>
  new Problem({ code: "unidentified", detail, headers: { "www-authenticate": challenge } })
