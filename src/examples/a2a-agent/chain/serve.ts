/** One agent on a free port of this machine, with tasks of its own; answers its URL. */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { Tasks } from "../../../fibers/Tasks.ts"
import * as A2AServer from "../../../http/a2a/A2AServer.ts"
import type { Agent } from "../../../http/a2a/Agent.ts"
import { promptServer } from "../../server/promptServer.ts"

const host = "127.0.0.1"

export const serve = (agent: Agent<never>): Effect.Effect<string, never, Scope.Scope> =>
  Effect.gen(function* () {
    const options = { host, port: 0, gracefulShutdownTimeout: "1 second" } as const
    // Each has its own: a layer that is built twice in one scope would be shared.
    const listening = yield* Effect.orDie(Layer.build(Layer.fresh(NodeHttpServer.layer(promptServer, options))))
    const { address } = yield* Effect.provideContext(HttpServer.HttpServer, listening)
    const url = `http://${host}:${"port" in address ? address.port : ""}`
    const server = HttpRouter.serve(A2AServer.layer(agent, { url }), { disableLogger: true, disableListenLog: true })
    yield* Layer.build(Layer.fresh(Layer.provide(server, Tasks.layer()))).pipe(Effect.provideContext(listening))
    return url
  })
