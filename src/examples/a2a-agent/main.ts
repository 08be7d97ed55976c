/**
 * `npm run a2a`: the agent, until a signal ends it. The first SIGTERM or SIGINT takes no new message, cancels every task
 * and tells every client, within the limit; a second one exits at once and prints what still ran.
 */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import type * as Scope from "effect/Scope"
import * as ProcessMain from "../../fibers/ProcessMain.ts"
import * as ServerMain from "../../http/ServerMain.ts"
import * as Telemetry from "../../http/Telemetry.ts"
import { type Settings, settings } from "./settings.ts"
import { type CannotListen, start, type Started } from "./start.ts"
import { tryIt } from "./tryIt.ts"

const up = (settings: Settings): Effect.Effect<Started["context"], CannotListen, Scope.Scope> =>
  Effect.gen(function* () {
    const { context, url } = yield* start(settings)
    yield* Console.log(tryIt(url))
    return context
  })

ProcessMain.run(process, (signalled, exitWithin) =>
  settings.pipe(
    Effect.flatMap((settings) => {
      const server = ServerMain.make(up(settings), { giveUp: settings.drain, flush: "1 second", close: "5 seconds" })
      return server(signalled, exitWithin)
    }),
    // Around all: what is left is sent when the server has closed.
    Effect.provide(Telemetry.fromEnv({ serviceName: "rescind-a2a-example", flush: "1 second" })),
    Effect.catch(({ message }) => Effect.as(Console.error(message), 1)),
    Effect.provideService(Logger.LogToStderr, true)
  )
)
