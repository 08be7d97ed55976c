/** The task server: the table of this process behind HTTP. It listens when the layer is built. */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { createServer } from "node:http"
import * as Problem from "../../../http/Problem.ts"
import * as ServerClose from "../../../http/ServerClose.ts"
import type { AgentTasks } from "../AgentTasks.ts"
import type { WorkerLink } from "../WorkerLink.ts"
import { agentRoutes } from "./agentRoutes.ts"
import { workerRoutes } from "./workerRoutes.ts"

/** The message is for whoever starts the server. */
export class CannotListen extends Data.TaggedError("CannotListen")<{ readonly message: string }> {}

export interface Options {
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
}

const noRoute = HttpRouter.route<never, never>("*", "*", (request) =>
  Effect.succeed(
    Problem.toResponse(
      new Problem.Problem({
        code: "no-such-route",
        detail: `There is no ${request.method} ${request.url.split("?")[0]} here`
      })
    )
  )
)

/** Where it listens, without a slash at the end. Closes with the scope. */
export const start = ({
  host,
  port
}: Options): Effect.Effect<string, CannotListen, AgentTasks | WorkerLink | Scope.Scope> =>
  Effect.gen(function* () {
    const listening = yield* Layer.build(
      NodeHttpServer.layer(() => ServerClose.promptly(createServer(), { within: "1 second" }), {
        host,
        port,
        disablePreemptiveShutdown: true
      })
    ).pipe(
      Effect.mapError(({ cause }) => {
        const why = cause instanceof Error ? cause.message : String(cause)
        return new CannotListen({ message: `Cannot listen on ${host}, port ${port}: ${why}. Set PORT to a free one.` })
      })
    )
    const routes = HttpRouter.addAll([...agentRoutes, ...workerRoutes, noRoute])
    const serving = HttpRouter.serve(routes, { disableLogger: true, disableListenLog: true })
    yield* Effect.provideContext(Layer.build(serving), listening)
    const { address } = Context.get(listening, HttpServer.HttpServer)
    return `http://${host.includes(":") ? `[${host}]` : host}:${"port" in address ? address.port : port}`
  })
