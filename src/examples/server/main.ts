/**
 * `npm start`: the example server, until a signal ends it. The first SIGTERM or SIGINT drains: no new work, every task
 * cancelled, every stream told, exit within the limit. A second one exits at once and prints what still ran.
 */
import * as Console from "effect/Console"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Logger from "effect/Logger"
import * as Queue from "effect/Queue"
import * as Runtime from "effect/Runtime"
import * as CancelReason from "../../fibers/CancelReason.ts"
import * as TaskTree from "../../fibers/TaskTree.ts"
import * as Drain from "../../http/Drain.ts"
import { type ExampleServer, start } from "./exampleServer.ts"
import { settings } from "./settings.ts"
import { exitCode, listen, type Signal } from "./signals.ts"
import { tryIt, urlOf } from "./tryIt.ts"

const drain = (server: ExampleServer, signal: Signal, limit: Duration.Duration): Effect.Effect<void> =>
  Effect.gen(function* () {
    const { abandoned, took } = yield* Effect.provideContext(
      Drain.run({ reason: CancelReason.shutdown({ by: signal }), giveUp: limit, flush: "1 second" }),
      server.context
    )
    if (abandoned.length > 0) {
      yield* Console.error(`Still running after ${Duration.format(took)}, and left behind: ${abandoned.join(", ")}`)
    }
  })

/** Does not return: a fiber that ignores its interrupt must not hold the process. */
const exitNow = (signal: Signal): Effect.Effect<never> =>
  Effect.gen(function* () {
    const running = TaskTree.toText(yield* TaskTree.snapshot)
    yield* Console.error(`${signal} again: exit at once. This was still running:\n${running}`)
    return process.exit(exitCode[signal])
  })

const main = Effect.gen(function* () {
  const { drain: limit, host, ...ports } = yield* settings
  const signals = yield* listen(process)
  const server = yield* start({ drain: limit, host, ...ports })
  yield* Console.log(tryIt(urlOf(host, server.port), urlOf(host, server.origin.port)))

  const signal = yield* Queue.take(signals)
  yield* Effect.forkChild(Effect.flatMap(Queue.take(signals), exitNow))
  yield* Console.error(`${signal}: no new tasks, cancelling what runs. Once more exits at once.`)
  yield* drain(server, signal, limit)
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
