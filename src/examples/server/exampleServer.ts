/**
 * The task server of the example together with the origin it fetches from. Both listen when `start` returns; closing the
 * scope closes them at once, so drain first.
 */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import type * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { Tasks } from "../../fibers/Tasks.ts"
import type { OpenStreams } from "../../http/OpenStreams.ts"
import * as TaskServer from "../../http/TaskServer.ts"
import { cannotListen } from "./cannotListen.ts"
import * as ExamplePage from "./examplePage.ts"
import { localHosts } from "./localHosts.ts"
import * as Origin from "./origin.ts"
import { promptServer } from "./promptServer.ts"
import type { Settings } from "./settings.ts"
import { all } from "./tasks/all.ts"
import { OriginUrl } from "./tasks/HttpUrl.ts"

/** The message is for whoever starts the server. */
export class CannotListen extends Data.TaggedError("CannotListen")<{ readonly message: string }> {}

export interface ExampleServer {
  readonly port: number
  readonly origin: Origin.Origin
  /** What a drain needs. */
  readonly context: Context.Context<Tasks | OpenStreams>
}

export const start = (settings: Settings): Effect.Effect<ExampleServer, CannotListen, Scope.Scope> =>
  Effect.gen(function* () {
    const { host, originPort, port } = settings
    const options = { host, port, gracefulShutdownTimeout: "1 second" } as const
    // First, so that of two busy ports the one is named that moves both.
    const listening = yield* Layer.build(NodeHttpServer.layer(promptServer, options)).pipe(
      Effect.mapError(({ cause }) => new CannotListen({ message: cannotListen("PORT", host, port, cause) }))
    )
    const origin = yield* Origin.make({ host, port: originPort }).pipe(
      Effect.mapError(
        ({ cause }) => new CannotListen({ message: cannotListen("ORIGIN_PORT", host, originPort, cause) })
      )
    )
    const hosts = localHosts(host)
    if (hosts === undefined) {
      yield* Effect.logWarning(`HOST=${host}: whoever reaches this port can make this machine fetch any URL`)
    }
    const routes = Layer.merge(
      TaskServer.layer({
        tasks: all,
        title: "Rescind example",
        metrics: true,
        // Else any page could have this machine fetch URLs, through a name that it points here.
        hosts
      }),
      ExamplePage.layer(new URL("page.html", import.meta.url))
    )
    const server = HttpRouter.serve(routes, { disableLogger: true, disableListenLog: true }).pipe(
      Layer.provideMerge(Tasks.layer({ maxRunning: 1000 })),
      Layer.provide(Layer.succeed(OriginUrl, origin.url))
    )
    const context = yield* Effect.provideContext(Layer.build(server), listening)
    const { address } = yield* Effect.provideContext(HttpServer.HttpServer, listening)
    return { port: address._tag === "UnixPathAddress" ? port : address.port, origin, context }
  })
