/**
 * Serves an agent to A2A clients on Effect's router: by JSON-RPC, by HTTP+JSON
 * (REST) and with its card, as the card says. Streams are server-sent events with
 * heartbeats, written past a client that is slow. No request owns a task: who
 * leaves ends what it is sent, and nothing else, unless the agent says so.
 * `TaskAccess` says who asks, `Drain` ends everything well.
 *
 * @since 0.1.0
 */
import type * as A2A from "@a2a-js/sdk"
import { getSupportedVersions } from "@a2a-js/sdk/server"
import * as ByteSize from "effect/ByteSize"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { identity } from "effect/Function"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import * as CancelPolicy from "../../fibers/CancelPolicy.ts"
import * as TaskMetrics from "../../fibers/TaskMetrics.ts"
import type { Tasks } from "../../fibers/Tasks.ts"
import * as Cors from "../Cors.ts"
import * as Health from "../Health.ts"
import { hostGuard } from "../internal/hostGuard.ts"
import { metricsRoute } from "../internal/metricsRoute.ts"
import { requestMetrics } from "../internal/requestMetrics.ts"
import { OpenStreams, type Options as StreamOptions } from "../OpenStreams.ts"
import * as Problem from "../Problem.ts"
import { RunningHandlers } from "../RunningHandlers.ts"
import * as StreamMetrics from "../StreamMetrics.ts"
import { TaskAccess } from "../TaskAccess.ts"
import * as A2AHandler from "./A2AHandler.ts"
import type { Agent } from "./Agent.ts"
import * as AgentEngine from "./AgentEngine.ts"
import * as Card from "./Card.ts"
import { type AgentServer, type Binding, promised } from "./internal/agentServer.ts"
import { legacyVersion } from "./internal/calls.ts"
import { cardRoute } from "./internal/cardRoute.ts"
import { jsonRpcRoute } from "./internal/jsonRpc.ts"
import { noAgentRoute } from "./internal/noAgentRoute.ts"
import { restRoute, restRoutes } from "./internal/rest.ts"

/**
 * @category models
 * @since 0.1.0
 */
export interface MountOptions {
  /** Where on the router: `/poet` serves JSON-RPC on `POST /poet`, REST on `/poet/message:send` and so on. Default: `/`. */
  readonly path?: string | undefined
  /** The largest request body. Default: 1 MiB. */
  readonly bodyLimit?: ByteSize.Input | undefined
  /** Pages of which other origins may use it. Default: none. */
  readonly cors?: Cors.Options | undefined
  /** Under which hosts it is reached; requests to others are refused (421). Default: any. */
  readonly hosts?: ReadonlyArray<string> | undefined
  /** How long clients may keep the card. Default: 1 hour. */
  readonly cardMaxAge?: Duration.Input | undefined
  /**
   * Serves clients of A2A 0.3 too, by JSON-RPC: those that say that version, or none. The card must offer it; see
   * `duplicateInterfacesForLegacy` of the SDK. Default: false; they are told that they are too old (-32009).
   */
  readonly legacy?: boolean | undefined
}

/**
 * Serves an engine: for one that is also served by other means. Two on one router
 * need a `path` each.
 *
 * **Gotchas**
 *
 * A path of REST may begin with a tenant: to an agent at `/`, `/poet/tasks` are the
 * tasks of the tenant `poet`, unless another agent is at `/poet`.
 *
 * @category layers
 * @since 0.1.0
 */
export const mount = (
  engine: AgentEngine.AgentEngine,
  options: MountOptions & A2AHandler.Options = {}
): Layer.Layer<never, never, OpenStreams | HttpRouter.HttpRouter> =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const path = pathOf(options.path ?? "/")
      const handler = A2AHandler.make(engine, options)
      const card = yield* Effect.orDie(promised(() => handler.getAgentCard()))
      const server: AgentServer = {
        engine,
        path,
        handler,
        card,
        offered: { JSONRPC: offeredBy(card, "JSONRPC", options), "HTTP+JSON": offeredBy(card, "HTTP+JSON", options) },
        access: yield* TaskAccess,
        streams: yield* OpenStreams,
        cors: options.cors === undefined ? undefined : Cors.make(options.cors),
        bodyLimit:
          options.bodyLimit === undefined ? ByteSize.mebibytes(1) : ByteSize.fromInputUnsafe(options.bodyLimit),
        legacy: options.legacy ?? false
      }
      const router = yield* HttpRouter.HttpRouter
      if (options.hosts !== undefined) yield* router.addGlobalMiddleware(hostGuard(options.hosts))
      yield* router.addGlobalMiddleware(noAgentRoute(server))
      const maxAge = Math.floor(Duration.toSeconds(CancelPolicy.bound("cardMaxAge", options.cardMaxAge ?? "1 hour")))
      const answerCard = yield* cardRoute(server, maxAge)
      const below = (rest: string) => `${path}${rest}` as `/${string}`
      yield* router.add("GET", below("/.well-known/agent-card.json"), (request) => Effect.succeed(answerCard(request)))
      if (server.offered.JSONRPC.size > 0) {
        yield* router.add("POST", path === "" ? "/" : below(""), jsonRpcRoute(server))
      }
      if (server.offered["HTTP+JSON"].size === 0) return
      for (const [method, rest, read] of restRoutes) {
        yield* router.add(method, below(rest), restRoute(server, read))
        yield* router.add(method, below(`/:tenant${rest}`), restRoute(server, read))
      }
    })
  )

/**
 * @category models
 * @since 0.1.0
 */
export interface RouteOptions extends MountOptions, A2AHandler.Options, Omit<Card.Options, "interfaces"> {
  /**
   * Where clients reach it, for the card: `https://agents.example.com/poet`. Default: on this machine, at the port on
   * which the server listens, which is of no use to others.
   */
  readonly url?: string | undefined
  /** Default: the path of `url`. */
  readonly path?: string | undefined
  /** How many events of a task are kept for readers that are slow. Default: 1,024. */
  readonly history?: number | undefined
  /** How webhooks are told, where they may be, and how many of a task, if the card says `pushNotifications`. */
  readonly push?: AgentEngine.PushOptions | undefined
}

/**
 * Runs an agent and serves it: for several agents in one server, or one beside
 * other routes.
 *
 * ```ts
 * const agents = Layer.mergeAll(
 *   A2AServer.routes(poet, { url: "https://agents.example.com/poet" }),
 *   A2AServer.routes(critic, { url: "https://agents.example.com/critic" })
 * ).pipe(Layer.provideMerge(OpenStreams.layer()))
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const routes = <R>(
  agent: Agent<R>,
  options: RouteOptions = {}
): Layer.Layer<never, never, Tasks | OpenStreams | HttpRouter.HttpRouter | R> =>
  Layer.unwrap(
    Effect.gen(function* () {
      const url = options.url ?? (yield* localUrl(options.path ?? "/"))
      const path = options.path ?? pathnameOf(url)
      const interfaces = ["JSONRPC", "HTTP+JSON"].map((protocolBinding) => ({ url, protocolBinding }))
      const older = options.legacy === true ? [{ url, protocolBinding: "JSONRPC", protocolVersion: "0.3" }] : []
      const card = Card.make(agent, {
        ...options,
        extendedAgentCard: options.extendedAgentCard ?? options.extendedCard !== undefined,
        interfaces: [...interfaces, ...older]
      })
      const engine = yield* AgentEngine.make(agent, { card, history: options.history, push: options.push })
      return mount(engine, { ...options, path })
    })
  )

/**
 * @category models
 * @since 0.1.0
 */
export interface Options extends RouteOptions, StreamOptions {
  /** Whether it answers `/health` and `/ready`. Default: true; say false to serve your own. */
  readonly health?: boolean | undefined
  /**
   * Counts tasks, requests and event streams, and serves them to Prometheus on `GET /metrics`, to whom `TaskAccess` lets
   * inspect. Default: false.
   */
  readonly metrics?: boolean | undefined
}

/**
 * A server of one agent, as `TaskServer.layer` is one of tasks: with `/health` and
 * `/ready`, and what `Drain` and `ServerMain` need.
 *
 * @example
 * ```ts
 * const server = HttpRouter.serve(A2AServer.layer(poet, { url: "http://localhost:41241" }))
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = <R>(
  agent: Agent<R>,
  options: Options = {}
): Layer.Layer<OpenStreams | RunningHandlers, never, Tasks | HttpRouter.HttpRouter | R> =>
  Layer.provideMerge(
    Layer.mergeAll(
      options.metrics === true ? metrics : Layer.empty,
      routes(agent, options),
      options.health === false ? Layer.empty : Health.layer({ version: agent.version })
    ),
    Layer.merge(OpenStreams.layer(options), RunningHandlers.layer)
  ).pipe(options.metrics === true ? Layer.provide([TaskMetrics.layer, streamMetrics]) : identity)

const streamMetrics = Layer.effect(StreamMetrics.Current, StreamMetrics.make)

const metrics: Layer.Layer<never, never, HttpRouter.HttpRouter> = Layer.effectDiscard(
  Effect.gen(function* () {
    const server = { context: yield* Effect.context<never>(), access: yield* TaskAccess }
    const router = yield* HttpRouter.HttpRouter
    yield* router.addGlobalMiddleware(requestMetrics(server.context))
    yield* router.add("GET", "/metrics", (request) =>
      Effect.catch(metricsRoute(server, request), (problem) => Effect.succeed(Problem.toResponse(problem)))
    )
  })
)

/** Without a slash at its end. */
const pathOf = (path: string): string => {
  if (/^\/[^?#*]*$/.test(path)) return path.replace(/\/+$/, "")
  throw new TypeError(`path: ${JSON.stringify(path)} is no path; write it as "/poet"`)
}

const pathnameOf = (url: string): string => {
  const parsed = URL.parse(url)
  if (parsed !== null && /^https?:$/.test(parsed.protocol)) return parsed.pathname
  throw new TypeError(`url: ${JSON.stringify(url)} is no URL; write it as "https://agents.example.com/poet"`)
}

const localUrl = (path: string): Effect.Effect<string> =>
  Effect.map(Effect.serviceOption(HttpServer.HttpServer), (server) => {
    if (server._tag === "Some" && "port" in server.value.address) {
      return `http://localhost:${server.value.address.port}${pathOf(path)}`
    }
    throw new TypeError('url: say where clients reach the agent, as in "https://agents.example.com/poet"')
  })

const offeredBy = (card: A2A.AgentCard, binding: Binding, { legacy = false }: MountOptions): ReadonlySet<string> => {
  const versions = getSupportedVersions(card, binding)
  // What 0.3 is by REST is another thing; and who does not say `legacy` has nothing that serves it.
  if (!legacy || binding !== "JSONRPC") versions.delete(legacyVersion)
  return versions
}
