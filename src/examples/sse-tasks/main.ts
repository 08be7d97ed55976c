/**
 * `npm run sse-tasks`: the task service, until a signal ends it. The first SIGTERM or SIGINT starts nothing any more,
 * cancels every task, tells every client and saves how each task ended, within the limit; a second one exits at once and
 * prints what still ran.
 */
import * as Console from "effect/Console"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Logger from "effect/Logger"
import * as Queue from "effect/Queue"
import * as Runtime from "effect/Runtime"
import * as TaskTree from "../../fibers/TaskTree.ts"
import { exitCode, listen, type Signal } from "../server/signals.ts"
import { Coordinator } from "./coordinator/Coordinator.ts"
import { settings } from "./settings.ts"
import { start } from "./start.ts"
import { tryIt } from "./tryIt.ts"

/** Does not return: a fiber that ignores its interrupt must not hold the process. */
const exitNow = (signal: Signal): Effect.Effect<never> =>
  Effect.gen(function* () {
    const running = TaskTree.toText(yield* TaskTree.snapshot)
    yield* Console.error(`${signal} again: exit at once. This was still running:\n${running}`)
    return process.exit(exitCode[signal])
  })

const main = Effect.gen(function* () {
  const given = yield* settings
  const signals = yield* listen(process)
  const { address, context, origin } = yield* start(given)
  yield* Console.log(tryIt(address, origin.url))

  const signal = yield* Queue.take(signals)
  yield* Effect.forkChild(Effect.flatMap(Queue.take(signals), exitNow))
  yield* Console.error(`${signal}: no new tasks, cancelling what runs. Once more exits at once.`)
  yield* Context.get(context, Coordinator).shutdown({ timeout: given.drain, by: signal })
  return exitCode[signal]
}).pipe(
  Effect.scoped,
  Effect.catch(({ message }) => Effect.as(Console.error(message), 1)),
  Effect.tapDefect((defect) => Effect.logFatal(defect)),
  Effect.provideService(Logger.LogToStderr, true)
)

const run = Runtime.makeRunMain(({ fiber, teardown }) =>
  fiber.addObserver((exit) => teardown(exit, (code) => process.exit(code)))
)

run(main, {
  disableErrorReporting: true,
  teardown: (exit, onExit) => onExit(Exit.isSuccess(exit) ? Number(exit.value) : 1)
})
