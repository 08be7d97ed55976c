/** The agent of the example on a port, over the bundled language model. It listens when `start` returns. */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import type * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import * as PrometheusMetrics from "effect/observability/PrometheusMetrics"
import type * as Scope from "effect/Scope"
import * as TaskLogger from "../../fibers/TaskLogger.ts"
import * as TaskMetrics from "../../fibers/TaskMetrics.ts"
import { Tasks } from "../../fibers/Tasks.ts"
import * as A2AServer from "../../http/a2a/A2AServer.ts"
import type { OpenStreams } from "../../http/OpenStreams.ts"
import { cannotListen } from "../server/cannotListen.ts"
import { localHosts } from "../server/localHosts.ts"
import { promptServer } from "../server/promptServer.ts"
import { urlOf } from "../server/tryIt.ts"
import * as ExampleAgent from "./agent.ts"
import * as FakeModel from "./model/FakeModel.ts"
import type { Settings } from "./settings.ts"

/** The message is for whoever starts the agent. */
export class CannotListen extends Data.TaggedError("CannotListen")<{ readonly message: string }> {}

export interface Started {
  readonly url: string
  /** What a drain needs. */
  readonly context: Context.Context<Tasks | OpenStreams>
}

export const start = (settings: Settings): Effect.Effect<Started, CannotListen, Scope.Scope> =>
  Effect.gen(function* () {
    const { giveUp, host, maxTasks, pace, port, stallAfter } = settings
    const options = { host, port, gracefulShutdownTimeout: "1 second" } as const
    const listening = yield* Layer.build(NodeHttpServer.layer(promptServer, options)).pipe(
      Effect.mapError(({ cause }) => new CannotListen({ message: cannotListen("PORT", host, port, cause) }))
    )
    const { address } = yield* Effect.provideContext(HttpServer.HttpServer, listening)
    const url = urlOf(host, address._tag === "UnixPathAddress" ? port : address.port)
    const hosts = localHosts(host)
    if (hosts === undefined) {
      yield* Effect.logWarning(`HOST=${host}: whoever reaches this port can make this machine fetch any URL`)
    }
    // The hosts: else any page could have this machine fetch URLs, through a name that it points here.
    const agent = A2AServer.layer(ExampleAgent.make({ giveUp }), { url, hosts })
    const server = HttpRouter.serve(Layer.provideMerge(PrometheusMetrics.layerHttp(), agent), {
      disableLogger: true,
      disableListenLog: true
    }).pipe(
      Layer.provideMerge(Tasks.layer({ maxRunning: maxTasks })),
      Layer.provide([TaskLogger.layer(), TaskMetrics.layer, FakeModel.layer({ pace, stallAfter })])
    )
    return { url, context: yield* Effect.provideContext(Layer.build(server), listening) }
  })
