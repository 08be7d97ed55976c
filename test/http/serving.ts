/**
 * A real server on an ephemeral port for the time of one test, spoken to with
 * the host's `fetch`, and checked for leaks after it has closed (K45).
 */
import { createServer } from "node:http"
import type { Socket } from "node:net"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Scope from "effect/Scope"
import { type DrainReport, Tasks } from "../../src/fibers/Tasks.ts"
import * as Drain from "../../src/http/Drain.ts"
import { OpenStreams } from "../../src/http/OpenStreams.ts"
import { RunningHandlers } from "../../src/http/RunningHandlers.ts"
import * as ServerClose from "../../src/http/ServerClose.ts"
import * as TaskServer from "../../src/http/TaskServer.ts"
import { leakChecked } from "../support/leaks.ts"
import { type Follower, follow } from "./follow.ts"
import { isMule } from "./probes.ts"

interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** The body as JSON; undefined if it is none. */
  readonly json: any
}

export interface Site {
  readonly url: string
  readonly tasks: Tasks["Service"]
  readonly streams: OpenStreams["Service"]
  readonly handlers: RunningHandlers["Service"]
  /** What the server logged so far, causes included. */
  readonly log: ReadonlyArray<string>
  readonly get: (path: string, headers?: Record<string, string>) => Effect.Effect<Answer>
  readonly post: (path: string, body?: unknown, headers?: Record<string, string>) => Effect.Effect<Answer>
  readonly request: (path: string, init: RequestInit) => Effect.Effect<Answer>
  readonly follow: (id: string, lastEventId?: string) => Effect.Effect<Follower, never, Scope.Scope>
  /** Waits until what is being written goes nowhere, since the client does not read and nothing more fits in between. */
  readonly stuck: Effect.Effect<void>
  /** How many the server has not yet seen closed. */
  readonly connections: Effect.Effect<number>
  readonly drain: (options?: Drain.Options) => Effect.Effect<DrainReport>
  /** Closes the server, as the end of the test does. */
  readonly close: Effect.Effect<void>
}

export interface Options extends TaskServer.Options<never> {
  readonly maxRunning?: number
  /** Who asks, and what they may do. */
  readonly access?: Layer.Layer<never>
  readonly drain?: Drain.LayerOptions | "none"
  /** Beside those of the tasks. */
  readonly routes?: Layer.Layer<never, never, HttpRouter.HttpRouter>
  /** How long the server waits for requests when it closes. Default: 20 seconds. */
  readonly gracefulShutdownTimeout?: string
}

export const serving = <A, E>(
  options: Options,
  test: (site: Site) => Effect.Effect<A, E, Scope.Scope>
): Effect.Effect<void, E> =>
  // Stragglers end a little later, and sockets that the client closed are noticed a little later.
  Effect.asVoid(leakChecked(Effect.flatMap(open(options), test), { patience: "20 seconds" }))

const open = (options: Options): Effect.Effect<Site, never, Scope.Scope> =>
  Effect.gen(function* () {
    const log: Array<string> = []
    const sockets = new Set<Socket>()
    // Whatever a close would wait for without us, it would wait for until the test has timed out.
    const listening = () =>
      ServerClose.promptly(
        createServer({ keepAliveTimeout: 600_000 }).on("connection", (socket) => {
          sockets.add(socket.once("close", () => sockets.delete(socket)))
        }),
        { within: "1 hour" }
      )
    const format = Logger.formatLogFmt
    const logger = Logger.make((entry) => log.push(format.log(entry)))
    const server = (options.drain === "none" ? Layer.empty : Drain.layer(options.drain)).pipe(
      Layer.provideMerge(
        HttpRouter.serve(
          Layer.merge(
            Layer.provide(TaskServer.layer(options), options.access ?? Layer.empty),
            options.routes ?? Layer.empty
          ),
          {
            disableLogger: true,
            disableListenLog: true
          }
        )
      ),
      Layer.provideMerge(Tasks.layer(options.maxRunning === undefined ? {} : { maxRunning: options.maxRunning })),
      Layer.provideMerge(
        NodeHttpServer.layer(listening, {
          port: 0,
          host: "127.0.0.1",
          gracefulShutdownTimeout: (options.gracefulShutdownTimeout ?? "20 seconds") as "20 seconds"
        })
      ),
      Layer.provide(Logger.layer([logger]))
    )
    const scope = yield* Scope.make()
    const letGo = Effect.forEach(options.tasks.filter(isMule), (mule) => mule.letGo)
    yield* Effect.addFinalizer(() => Effect.andThen(letGo, Scope.close(scope, Exit.void)))
    const services = yield* Effect.orDie(Layer.buildWithScope(server, scope))
    const { address } = Context.get(services, HttpServer.HttpServer)
    const url = `http://127.0.0.1:${"port" in address ? address.port : ""}`
    const request: Site["request"] = (path, init) =>
      Effect.promise(async (signal) => {
        const response = await fetch(url + path, { signal, ...init })
        const text = await response.text()
        return { status: response.status, headers: response.headers, text, json: parsed(text) }
      })
    return {
      url,
      tasks: Context.get(services, Tasks),
      streams: Context.get(services, OpenStreams),
      handlers: Context.get(services, RunningHandlers),
      log,
      request,
      get: (path, headers) => request(path, { headers: headers ?? {} }),
      post: (path, body, headers) =>
        request(path, {
          method: "POST",
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
          headers: { ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers }
        }),
      follow: (id, lastEventId) =>
        follow(`${url}/tasks/${id}/events`, lastEventId === undefined ? {} : { "last-event-id": lastEventId }),
      stuck: stuck(sockets),
      connections: Effect.sync(() => sockets.size),
      drain: (options) => Effect.provideContext(Drain.run(options), services),
      close: Scope.close(scope, Exit.void)
    }
  })

/** Full for so many turns, in which nothing was taken. */
const stuck = (sockets: ReadonlySet<Socket>) =>
  Effect.gen(function* () {
    let before = ""
    for (let turns = 0; turns < 50;) {
      yield* Effect.sleep(1)
      const full = Array.from(sockets).filter(({ writableNeedDrain }) => writableNeedDrain)
      const now = full.map(({ bytesWritten, writableLength }) => `${bytesWritten} ${writableLength}`).join()
      turns = now !== "" && now === before ? turns + 1 : 0
      before = now
    }
  })

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
