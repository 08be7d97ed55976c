/**
 * `npm run a2a:chain`: three agents in a row, the caller of the first is cancelled, and the third must stop. Exits with 1
 * if it has not within five seconds. `WORK_MILLIS` is how long it works before.
 */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as Console from "effect/Console"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as References from "effect/References"
import * as Deadline from "../../combinators/Deadline.ts"
import * as ProcessMain from "../../fibers/ProcessMain.ts"
import { read, whole } from "../server/settings.ts"
import { runChain } from "./chain/runChain.ts"

const limit = Duration.seconds(5)

const main = Effect.gen(function* () {
  const millis = yield* read("WORK_MILLIS", whole(0, 60_000), "a whole number of milliseconds from 0 to 60000", 500)
  const works = Duration.millis(millis)
  // Should nothing come of it at all.
  const inTime = Deadline.run(runChain({ works, limit }), Duration.sum(works, Duration.seconds(20)))
  return (yield* inTime) ? 0 : 1
}).pipe(
  Effect.provide(NodeHttpClient.layerNodeHttp),
  Effect.provideService(Logger.LogToStderr, true),
  Effect.provideService(References.MinimumLogLevel, "Warn"),
  Effect.catch(({ message }) => Effect.as(Console.error(message), 1))
)

ProcessMain.run(process, ProcessMain.untilSignal(main))
