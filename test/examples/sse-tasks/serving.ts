/** The service on a free port for the time of one test, spoken to with the host's `fetch`, and checked for leaks. */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Scope from "effect/Scope"
import { createServer } from "node:http"
import * as net from "node:net"
import { Coordinator } from "../../../src/examples/sse-tasks/coordinator/Coordinator.ts"
import { TaskStore } from "../../../src/examples/sse-tasks/store/TaskStore.ts"
import * as TaskService from "../../../src/examples/sse-tasks/taskService.ts"
import { OpenStreams } from "../../../src/http/OpenStreams.ts"
import * as ServerClose from "../../../src/http/ServerClose.ts"
import { type Follower, follow } from "../../http/follow.ts"
import { leakChecked } from "../../support/leaks.ts"

interface Answer {
  readonly status: number
  readonly headers: Headers
  /** The body as JSON; undefined if it is none. */
  readonly json: any
}

export interface Site {
  readonly url: string
  readonly coordinator: Coordinator["Service"]
  readonly store: TaskStore["Service"]
  readonly streams: OpenStreams["Service"]
  /** What the server logged so far, causes included. */
  readonly log: ReadonlyArray<string>
  readonly get: (path: string, headers?: Record<string, string>) => Effect.Effect<Answer>
  readonly post: (path: string, body?: unknown, headers?: Record<string, string>) => Effect.Effect<Answer>
  readonly create: (app: string, model: string, params?: unknown, more?: object) => Effect.Effect<any>
  readonly follow: (
    path: string,
    lastEventId?: string,
    headers?: Record<string, string>
  ) => Effect.Effect<Follower, never, Scope.Scope>
  /** Asks for a stream and never reads. */
  readonly stalled: (path: string) => Effect.Effect<{ readonly leave: Effect.Effect<void> }, never, Scope.Scope>
  /** Closes the server, as the end of the test does. */
  readonly close: Effect.Effect<void>
}

export interface Options extends Partial<TaskService.Options> {
  readonly models: TaskService.Options["models"]
  /** Runs before the server closes: lets go of what would hold it. */
  readonly before?: Effect.Effect<void>
}

export const serving = <A, E>(
  options: Options,
  test: (site: Site) => Effect.Effect<A, E, Scope.Scope>
): Effect.Effect<void, E> =>
  // Sockets that the client closed are noticed a little later.
  Effect.asVoid(leakChecked(Effect.flatMap(open(options), test), { patience: "20 seconds" }))

export const open = (options: Options): Effect.Effect<Site, never, Scope.Scope> =>
  Effect.gen(function* () {
    const log: Array<string> = []
    const logger = Logger.make((entry) => log.push(Logger.formatLogFmt.log(entry)))
    const listening = () => ServerClose.promptly(createServer(), { within: "1 hour" })
    const server = TaskService.layer({ database: ":memory:", ...options }).pipe(
      Layer.provideMerge(NodeHttpServer.layer(listening, { port: 0, host: "127.0.0.1" })),
      Layer.provide(Logger.layer([logger]))
    )
    const scope = yield* Scope.make()
    yield* Effect.addFinalizer(() => Effect.andThen(options.before ?? Effect.void, Scope.close(scope, Exit.void)))
    const services = yield* Effect.orDie(Layer.buildWithScope(server, scope))
    const { address } = Context.get(services, HttpServer.HttpServer)
    const port = "port" in address ? address.port : 0
    const url = `http://127.0.0.1:${port}`
    const request = (path: string, init: RequestInit) =>
      Effect.promise(async (signal): Promise<Answer> => {
        const response = await fetch(url + path, { signal, ...init })
        const text = await response.text()
        const json: unknown = /json/.test(response.headers.get("content-type") ?? "") ? JSON.parse(text) : undefined
        return { status: response.status, headers: response.headers, json }
      })
    const post: Site["post"] = (path, body = {}, headers) =>
      request(path, {
        method: "POST",
        body: JSON.stringify(body),
        headers: { "content-type": "application/json", ...headers }
      })
    return {
      url,
      coordinator: Context.get(services, Coordinator),
      store: Context.get(services, TaskStore),
      streams: Context.get(services, OpenStreams),
      log,
      get: (path, headers = {}) => request(path, { headers }),
      post,
      create: (app, model, params = {}, more = {}) =>
        Effect.map(post("/tasks", { app, model, params, ...more }), ({ json }) => json),
      follow: (path, lastEventId, headers = {}) =>
        follow(url + path, lastEventId === undefined ? headers : { ...headers, "last-event-id": lastEventId }),
      stalled: (path) =>
        Effect.gen(function* () {
          const socket = net.connect(port, "127.0.0.1")
          const leave = Effect.sync(() => socket.destroy())
          yield* Effect.addFinalizer(() => leave)
          yield* Effect.promise(
            () =>
              new Promise<void>((resolve) => {
                socket.write(`GET ${path} HTTP/1.1\r\nhost: localhost\r\n\r\n`)
                socket.once("readable", () => resolve())
              })
          )
          return { leave: Effect.asVoid(leave) }
        }),
      close: Scope.close(scope, Exit.void)
    }
  })
