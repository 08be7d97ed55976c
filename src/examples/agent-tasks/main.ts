/**
 * `npm run agents`: the six agents against a task server of their own, with workers in this process and in a second one.
 * A signal ends everything: agents, workers (the other process too), server, origin. A second signal exits at once.
 */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as Console from "effect/Console"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as References from "effect/References"
import * as Deadline from "../../combinators/Deadline.ts"
import * as ProcessMain from "../../fibers/ProcessMain.ts"
import type { AgentTasksError } from "./agentTaskErrors.ts"
import { AgentTasks } from "./AgentTasks.ts"
import * as AgentTasksClient from "./http/AgentTasksClient.ts"
import type { CannotListen } from "./http/taskServer.ts"
import * as WorkerLinkClient from "./http/WorkerLinkClient.ts"
import { all } from "./kinds/all.ts"
import { address, type Command, parse, usage, type WorkerChoice, type WrongUse } from "./run/commandLine.ts"
import { measure } from "./run/measure.ts"
import { runAgent } from "./run/runAgent.ts"
import { scenarios } from "./run/scenarios.ts"
import { tryIt } from "./run/tryIt.ts"
import * as Site from "./run/site.ts"
import * as Worker from "./worker/Worker.ts"

type Failure = WrongUse | CannotListen | AgentTasksError

const runAgents = (names: ReadonlyArray<string>, worker: WorkerChoice): Effect.Effect<number, Failure> =>
  Effect.gen(function* () {
    const site = yield* Site.start({ ...(yield* address(process.env)), worker })
    yield* Console.log(`Task server ${site.url}, origin ${site.origin.url}, workers: ${site.workers.join(", ")}`)
    const overHttp = AgentTasksClient.layer(site.url).pipe(Layer.provideMerge(NodeHttpClient.layerNodeHttp))
    return yield* Effect.gen(function* () {
      let held = true
      for (const scenario of scenarios) {
        if (names.includes(scenario.name)) held = (yield* runAgent(site, scenario)) && held
      }
      if (names.length > 1) {
        const measured = measure(site.workers, Context.get(site.table, AgentTasks), AgentTasks).pipe(
          Deadline.run("1 minute", { name: "measurement" }),
          Effect.catchTag("DeadlineExceeded", ({ message }) => Effect.as(Console.log(`  FAIL  ${message}`), false))
        )
        held = (yield* measured) && held
      }
      yield* Console.log(held ? "\nEverything was as expected." : "\nNot everything was as expected.")
      return held ? 0 : 1
    }).pipe(Effect.provide(overHttp))
  }).pipe(Effect.scoped)

const serve = (worker: WorkerChoice): Effect.Effect<never, Failure> =>
  Effect.gen(function* () {
    const site = yield* Site.start({ ...(yield* address(process.env)), worker })
    yield* Console.log(tryIt(site.url, site.origin.url))
    return yield* Effect.never
  }).pipe(Effect.scoped)

/** Ends when whoever started this process has gone. */
const parentGone: Effect.Effect<number> = Effect.callback((resume) => {
  const gone = (): void => resume(Effect.succeed(0))
  process.stdin.once("end", gone).once("error", gone).resume()
  return Effect.sync(() => process.stdin.off("end", gone).off("error", gone).pause())
})

/** Nobody reads any more, as behind `| head`: 128 and the number of SIGPIPE. Still listening, so that no later write throws. */
// oxlint-disable-next-line rescind/callback-clean-up -- it goes on listening until the process ends
const unread: Effect.Effect<number> = Effect.callback((resume) => {
  process.stdout.on("error", () => resume(Effect.succeed(141)))
})

const work = ({ name, server, withParent }: Extract<Command, { readonly _tag: "Worker" }>) =>
  Effect.gen(function* () {
    const link = WorkerLinkClient.layer(server).pipe(Layer.provide(NodeHttpClient.layerNodeHttp))
    const working = Effect.gen(function* () {
      yield* Console.log(`${name} works for ${server}. Ctrl-C stops.`)
      return yield* Worker.run({ name, tasks: all })
    }).pipe(Effect.provide(link))
    return yield* withParent ? Effect.raceFirst(working, parentGone) : working
  })

const run = (command: Command): Effect.Effect<number, Failure> => {
  switch (command._tag) {
    case "Help":
      return Effect.as(Console.log(usage), 0)
    case "Agents":
      return runAgents(command.agents, command.worker)
    case "Serve":
      return serve(command.worker)
    case "Worker":
      return work(command)
  }
}

const main: ProcessMain.Main<never> = (signalled, exitWithin) =>
  ProcessMain.untilSignal(
    Effect.flatMap(parse(process.argv.slice(2)), (command) => Effect.raceFirst(run(command), unread))
  )(signalled, exitWithin).pipe(
    Effect.catch(({ message }) => Effect.as(Console.error(message), 2)),
    Effect.provideService(Logger.LogToStderr, true),
    Effect.provideService(References.MinimumLogLevel, "Warn")
  )

ProcessMain.run(process, main)
