/**
 * `npm run sse-tasks`: the task service, until a signal ends it. The first SIGTERM or SIGINT starts nothing any more,
 * cancels every task, tells every client and saves how each task ended, within the limit; a second one exits at once and
 * prints what still ran.
 */
import * as Console from "effect/Console"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as ProcessMain from "../../fibers/ProcessMain.ts"
import { Coordinator } from "./coordinator/Coordinator.ts"
import { settings } from "./settings.ts"
import { start } from "./start.ts"
import { tryIt } from "./tryIt.ts"

/** How long sockets and the database may take to close. */
const closing = Duration.seconds(10)

ProcessMain.run(process, (signalled, exitWithin) =>
  Effect.gen(function* () {
    const given = yield* settings
    const { address, context, origin } = yield* start(given)
    yield* Console.log(tryIt(address, origin.url))

    const signal = yield* signalled
    yield* exitWithin(Duration.sum(given.drain, closing))
    yield* Console.error(`${signal}: no new tasks, cancelling what runs. Once more exits at once.`)
    yield* Context.get(context, Coordinator).shutdown({ timeout: given.drain, by: signal })
  }).pipe(
    Effect.scoped,
    Effect.catch(({ message }) => Effect.as(Console.error(message), 1)),
    Effect.provideService(Logger.LogToStderr, true)
  )
)
