/**
 * An agent on a real port for the time of one test, served by us or by the SDK's own express handlers, and checked for
 * leaks after it has closed.
 */
import { createServer, type IncomingMessage, request as httpRequest } from "node:http"
import { type Client, ClientFactory, JsonRpcTransportFactory, RestTransportFactory } from "@a2a-js/sdk/client"
import { agentCardHandler, jsonRpcHandler, restHandler, UserBuilder } from "@a2a-js/sdk/server/express"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
// @ts-expect-error -- it comes without types, and one call is all that there is
import express from "express"
import { type DrainReport, Tasks } from "../../../src/fibers/Tasks.ts"
import * as A2AHandler from "../../../src/http/a2a/A2AHandler.ts"
import * as A2AServer from "../../../src/http/a2a/A2AServer.ts"
import * as Agent from "../../../src/http/a2a/Agent.ts"
import * as AgentEngine from "../../../src/http/a2a/AgentEngine.ts"
import * as Card from "../../../src/http/a2a/Card.ts"
import * as Drain from "../../../src/http/Drain.ts"
import { OpenStreams } from "../../../src/http/OpenStreams.ts"
import * as ServerClose from "../../../src/http/ServerClose.ts"
import { leakChecked } from "../../support/leaks.ts"

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** The body as JSON; undefined if it is none. */
  readonly json: any
}

export interface Host {
  readonly url: string
  readonly tasks: Tasks["Service"]
  /** What the server logged so far, causes included. */
  readonly log: ReadonlyArray<string>
  readonly request: (path: string, init: RequestInit) => Effect.Effect<Answer>
  readonly get: (path: string, headers?: Record<string, string>) => Effect.Effect<Answer>
  readonly post: (path: string, body?: unknown, headers?: Record<string, string>) => Effect.Effect<Answer>
  /** A call of JSON-RPC, under the id 1. */
  readonly rpc: (method: string, params?: unknown, headers?: Record<string, string>) => Effect.Effect<Answer>
  readonly client: (transport: Transport) => Effect.Effect<Client>
  /** Of a server of ours. */
  readonly streams?: OpenStreams["Service"]
}

export interface Site extends Host {
  readonly streams: OpenStreams["Service"]
  readonly drain: (options?: Drain.Options) => Effect.Effect<DrainReport>
}

export type Transport = "JSONRPC" | "HTTP+JSON"

export interface Options extends A2AServer.Options {
  readonly maxRunning?: number
  readonly access?: Layer.Layer<never>
  /** Beside those of the agent. */
  readonly routes?: Layer.Layer<never, never, Tasks | OpenStreams | HttpRouter.HttpRouter>
}

export const version = { "a2a-version": "1.0" }

/** On Effect's router. */
export const hosting = <A, E>(
  agent: Agent.Agent<never>,
  options: Options,
  test: (site: Site) => Effect.Effect<A, E, Scope.Scope>
): Effect.Effect<void, E> =>
  Effect.asVoid(leakChecked(Effect.flatMap(open(agent, options), test), { patience: "20 seconds" }))

const open = (agent: Agent.Agent<never>, options: Options): Effect.Effect<Site, never, Scope.Scope> =>
  Effect.gen(function* () {
    const { log, logger } = logging()
    const server = Drain.layer().pipe(
      Layer.provideMerge(
        HttpRouter.serve(
          Layer.provideMerge(
            options.routes ?? Layer.empty,
            Layer.provide(A2AServer.layer(agent, options), options.access ?? Layer.empty)
          ),
          { disableLogger: true, disableListenLog: true }
        )
      ),
      Layer.provideMerge(Tasks.layer(options.maxRunning === undefined ? {} : { maxRunning: options.maxRunning })),
      Layer.provideMerge(
        NodeHttpServer.layer(() => ServerClose.promptly(createServer(), { within: "1 hour" }), {
          port: 0,
          host: "127.0.0.1"
        })
      ),
      Layer.provide(logger)
    )
    const scope = yield* Effect.acquireRelease(Scope.make(), (scope) => Scope.close(scope, Exit.void))
    const services = yield* Effect.orDie(Layer.buildWithScope(server, scope))
    const { address } = Context.get(services, HttpServer.HttpServer)
    const url = `http://127.0.0.1:${"port" in address ? address.port : ""}`
    return {
      ...hostAt(url, Context.get(services, Tasks), log),
      streams: Context.get(services, OpenStreams),
      drain: (options) => Effect.provideContext(Drain.run(options), services)
    }
  })

/** On the SDK's express handlers. */
export const onExpress = <A, E>(
  agent: Agent.Agent<never>,
  test: (site: Host) => Effect.Effect<A, E, Scope.Scope>
): Effect.Effect<void, E> =>
  Effect.asVoid(
    leakChecked(
      Effect.gen(function* () {
        const { log, logger } = logging()
        const services = yield* Layer.build(Layer.provideMerge(Tasks.layer(), logger))
        const app: App = express()
        const server = createServer(app)
        yield* Effect.promise(() => new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve)))
        yield* Effect.addFinalizer(() =>
          Effect.promise(
            () =>
              new Promise<void>((resolve) => {
                server.close(() => resolve())
                server.closeAllConnections()
              })
          )
        )
        const address = server.address() as { readonly port: number }
        const url = `http://127.0.0.1:${address.port}`
        const interfaces = ["JSONRPC", "HTTP+JSON"].map((protocolBinding) => ({ url, protocolBinding }))
        const card = Card.make(agent, { interfaces })
        const engine = yield* Effect.provideContext(AgentEngine.make(agent, { card }), services)
        const requestHandler = A2AHandler.make(engine)
        const userBuilder = UserBuilder.noAuthentication
        app.use("/.well-known/agent-card.json", agentCardHandler({ agentCardProvider: requestHandler }))
        const rest = restHandler({ requestHandler, userBuilder }) as unknown as Middleware
        const rpc = jsonRpcHandler({ requestHandler, userBuilder }) as unknown as Middleware
        app.use((request, response, next) => (request.path === "/" ? rpc : rest)(request, response, next))
        return yield* test(hostAt(url, Context.get(services, Tasks), log))
      }),
      { patience: "20 seconds" }
    )
  )

type Middleware = (request: IncomingMessage & { readonly path: string }, response: unknown, next: () => void) => void

interface App {
  (request: IncomingMessage, response: object): void
  readonly use: { (path: string, handler: unknown): void; (middleware: Middleware): void }
}

const logging = () => {
  const log: Array<string> = []
  const format = Logger.formatLogFmt
  return { log, logger: Logger.layer([Logger.make((entry) => log.push(format.log(entry)))]) }
}

const hostAt = (url: string, tasks: Tasks["Service"], log: ReadonlyArray<string>): Host => {
  const request: Host["request"] = (path, init) =>
    Effect.promise(async (signal) => {
      const response = await fetch(url + path, { signal, ...init })
      const text = await response.text()
      return { status: response.status, headers: response.headers, text, json: parsed(text) }
    })
  const post: Host["post"] = (path, body, headers) =>
    request(path, {
      method: "POST",
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
      headers: { ...version, ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers }
    })
  return {
    url,
    tasks,
    log,
    request,
    post,
    get: (path, headers) => request(path, { headers: { ...version, ...headers } }),
    rpc: (method, params, headers) => post("/", { jsonrpc: "2.0", id: 1, method, params }, headers),
    client: (transport) =>
      Effect.promise(() =>
        new ClientFactory({
          transports: [transport === "JSONRPC" ? new JsonRpcTransportFactory() : new RestTransportFactory()]
        }).createFromUrl(url)
      )
  }
}

export const parsed = (text: string): any => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** A stream as its bytes come, until the scope closes. */
export const streaming = (
  url: string,
  init: { readonly body?: unknown; readonly headers?: Record<string, string>; readonly method?: string }
): Effect.Effect<Bytes, never, Scope.Scope> =>
  Effect.gen(function* () {
    const body = init.body === undefined ? undefined : JSON.stringify(init.body)
    const bytes = new Bytes()
    const sent = httpRequest(url, {
      method: init.method ?? "POST",
      agent: false,
      headers: {
        ...version,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...init.headers
      }
    })
    yield* Effect.addFinalizer(() => Effect.sync(() => void sent.destroy()))
    sent.on("error", () => bytes.close())
    bytes.response = yield* Effect.promise(
      () => new Promise<IncomingMessage>((resolve) => sent.on("response", resolve).end(body))
    )
    bytes.response.on("data", (data: Buffer) => bytes.add(data.toString()))
    bytes.response.on("close", () => bytes.close())
    bytes.leave = Effect.sync(() => void sent.destroy())
    return bytes
  })

export class Bytes {
  text = ""
  response!: IncomingMessage
  leave: Effect.Effect<void> = Effect.void
  private closed = false
  private readonly listeners = new Set<() => void>()

  add(text: string): void {
    this.text += text
    for (const listener of this.listeners) listener()
  }

  close(): void {
    this.closed = true
    for (const listener of this.listeners) listener()
  }

  /** Waits until the text holds, or the stream has closed. */
  until(holds: (text: string) => boolean): Effect.Effect<string> {
    return Effect.callback((resume) => {
      const look = () => {
        if (!this.closed && !holds(this.text)) return
        this.listeners.delete(look)
        resume(Effect.succeed(this.text))
      }
      this.listeners.add(look)
      look()
    })
  }

  readonly ended: Effect.Effect<string> = Effect.suspend(() => this.until(() => false))
}

/** The events of a stream as JSON, without its comments. */
export const eventsOf = (text: string): ReadonlyArray<any> =>
  text.split("\n\n").flatMap((block) => {
    const data = block.split("\n").filter((line) => line.startsWith("data: "))
    return data.length === 0 ? [] : [JSON.parse(data.map((line) => line.slice(6)).join("\n"))]
  })

/** A message as it stands in JSON. */
export const message = (text: string, fields?: object): { readonly message: object } => ({
  message: { messageId: crypto.randomUUID(), role: "ROLE_USER", parts: [{ text }], ...fields }
})

/** Does what the message says: `echo <text>`, `stream <n>`, `fail <text>`, `ask`, `hang`, `auth`; `hang` tells when it was stopped. */
export const obedient = (options?: Partial<Agent.Options<never, never>>) => {
  const stopped = Deferred.makeUnsafe<void>()
  const agent = Agent.make("obedient", {
    description: "Does as it is told",
    ...options,
    run: (turn) => {
      const [verb = "", ...words] = turn.text.split(" ")
      const rest = words.join(" ")
      switch (verb) {
        case "echo":
          return Effect.succeed(rest)
        case "stream":
          return Stream.map(Stream.range(0, Number(rest) - 1), (n) => `${n} `)
        case "fail":
          return Effect.fail(new Error(rest))
        case "ask":
          return Effect.map(turn.ask("which?"), ({ parts }) => `got ${String(parts[0]?.content?.value)}`)
        case "extend":
          return Effect.sync(() => {
            turn.call.addActivatedExtension(rest)
            return "extended"
          })
        default:
          return Effect.onInterrupt(Effect.never, () => Deferred.succeed(stopped, undefined))
      }
    }
  })
  return { agent, stopped: Deferred.await(stopped) }
}

export const stateOf = (task: { readonly status?: { readonly state?: unknown } } | undefined): string =>
  String(task?.status?.state).replace("TASK_STATE_", "")
