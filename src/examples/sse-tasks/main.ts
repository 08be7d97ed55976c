/**
 * `npm run sse-tasks`: the task service, until a signal ends it. The first SIGTERM or SIGINT starts nothing any more,
 * cancels every task, tells every client and saves how each task ended, within the limit; a second one exits at once and
 * prints what still ran.
 */
import * as Context from "effect/Context"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import type * as Scope from "effect/Scope"
import * as ProcessMain from "../../fibers/ProcessMain.ts"
import * as ServerMain from "../../http/ServerMain.ts"
import { type Settings, settings } from "./settings.ts"
import { type CannotStart, start, type Started } from "./start.ts"
import { TaskStore } from "./store/TaskStore.ts"
import { tryIt } from "./tryIt.ts"

const up = (settings: Settings): Effect.Effect<Started["context"], CannotStart, Scope.Scope> =>
  Effect.gen(function* () {
    const { address, context, origin } = yield* start(settings)
    const next = yield* Effect.orDie(Context.get(context, TaskStore).next)
    const { database, tokens } = settings
    yield* Console.log(tryIt({ address, origin: origin.url, database, next, secured: tokens.length > 0 }))
    return context
  })

ProcessMain.run(process, (signalled, exitWithin) =>
  settings.pipe(
    Effect.flatMap((settings) => {
      const server = ServerMain.make(up(settings), { giveUp: settings.drain, flush: "1 second", close: "5 seconds" })
      return server(signalled, exitWithin)
    }),
    Effect.catch(({ message }) => Effect.as(Console.error(message), 1)),
    Effect.provideService(Logger.LogToStderr, true)
  )
)
