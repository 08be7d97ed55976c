/**
 * `npm start`: the example server, until a signal ends it. The first SIGTERM or SIGINT drains: no new work, every task
 * cancelled, every stream told, exit within the limit. A second one exits at once and prints what still ran.
 */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import type * as Scope from "effect/Scope"
import * as ProcessMain from "../../fibers/ProcessMain.ts"
import * as ServerMain from "../../http/ServerMain.ts"
import * as Telemetry from "../../http/Telemetry.ts"
import { type CannotListen, type ExampleServer, start } from "./exampleServer.ts"
import { type Settings, settings } from "./settings.ts"
import { tryIt, urlOf } from "./tryIt.ts"

const up = (settings: Settings): Effect.Effect<ExampleServer["context"], CannotListen, Scope.Scope> =>
  Effect.gen(function* () {
    const { context, origin, port } = yield* start(settings)
    yield* Console.log(tryIt(urlOf(settings.host, port), urlOf(settings.host, origin.port)))
    return context
  })

ProcessMain.run(process, (signalled, exitWithin) =>
  settings.pipe(
    Effect.flatMap((settings) => {
      const server = ServerMain.make(up(settings), { giveUp: settings.drain, flush: "1 second", close: "5 seconds" })
      return server(signalled, exitWithin)
    }),
    // Around all: what is left is sent when the server has closed.
    Effect.provide(Telemetry.fromEnv({ serviceName: "rescind-example", flush: "1 second" })),
    Effect.catch(({ message }) => Effect.as(Console.error(message), 1)),
    Effect.provideService(Logger.LogToStderr, true)
  )
)
