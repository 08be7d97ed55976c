/** Runs the routes of an Effect contestant on a free port, with logs of requests and answers off, as all others have. */
import { createServer } from "node:http"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as ByteSize from "effect/ByteSize"
import * as Effect from "effect/Effect"
import * as HttpIncomingMessage from "effect/http/HttpIncomingMessage"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as References from "effect/References"

export const effectServer = async <A>(
  // What routes may fail with and what requests bring along are requirements of their layer, which `serve` knows.
  routes: Layer.Layer<A, never, any>
) => {
  const runtime = ManagedRuntime.make(
    HttpRouter.serve(routes as Layer.Layer<A, never, HttpRouter.HttpRouter>, {
      disableLogger: true,
      disableListenLog: true
    }).pipe(
      Layer.provideMerge(
        NodeHttpServer.layer(() => createServer({ keepAliveTimeout: 60_000 }), {
          port: 0,
          host: "127.0.0.1",
          backlog: 2048
        })
      ),
      Layer.provide(Layer.succeed(References.MinimumLogLevel, "Warn")),
      // Effect itself sets no limit.
      Layer.provide(Layer.succeed(HttpIncomingMessage.MaxBodySize, ByteSize.kibibytes(64)))
    )
  )
  const port = await runtime.runPromise(
    Effect.map(HttpServer.HttpServer, ({ address }) => ("port" in address ? address.port : 0))
  )
  return { port, runtime }
}
