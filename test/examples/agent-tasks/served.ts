/** The task server over real HTTP with one worker or more, in this process and leak-checked; agents reach it as clients. */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as References from "effect/References"
import type * as Scope from "effect/Scope"
import type { AgentTasks } from "../../../src/examples/agent-tasks/AgentTasks.ts"
import type { AgentContext } from "../../../src/examples/agent-tasks/context/AgentContext.ts"
import * as MakeContext from "../../../src/examples/agent-tasks/context/makeContext.ts"
import * as AgentTasksClient from "../../../src/examples/agent-tasks/http/AgentTasksClient.ts"
import * as TaskServer from "../../../src/examples/agent-tasks/http/taskServer.ts"
import * as WorkerLinkClient from "../../../src/examples/agent-tasks/http/WorkerLinkClient.ts"
import { all } from "../../../src/examples/agent-tasks/kinds/all.ts"
import * as InProcess from "../../../src/examples/agent-tasks/table/inProcess.ts"
import * as Worker from "../../../src/examples/agent-tasks/worker/Worker.ts"
import * as Origin from "../../../src/examples/server/origin.ts"
import { leakChecked } from "../../support/leaks.ts"

export interface Site {
  readonly url: string
  readonly origin: Origin.Origin
  /** The table itself, behind the server. */
  readonly table: Context.Context<AgentTasks | InProcess.Desk>
  /** Runs an agent of this name over HTTP. */
  readonly as: (
    name: string,
    options?: Partial<MakeContext.Options>
  ) => <A, E, R>(
    agent: Effect.Effect<A, E, R>
  ) => Effect.Effect<A, E, Exclude<R, AgentContext | AgentTasks | HttpClient.HttpClient | Scope.Scope>>
}

export interface Options extends InProcess.Options {
  /** Where the workers are: beside the table, or behind HTTP like one in another process. Default: one behind HTTP. */
  readonly workers?: ReadonlyArray<"in-process" | "http">
}

export const served = <A, E>(
  body: (site: Site) => Effect.Effect<A, E, Scope.Scope>,
  options: Options = {}
): Effect.Effect<void, E> =>
  // Sockets that the client closed are noticed a little later.
  leakChecked(Effect.asVoid(Effect.flatMap(open(options), body)), { patience: "20 seconds" }).pipe(
    Effect.provideService(References.MinimumLogLevel, "None")
  )

const open = (options: Options): Effect.Effect<Site, never, Scope.Scope> =>
  Effect.gen(function* () {
    const origin = yield* Effect.orDie(Origin.make({ port: 0 }))
    // Heartbeats repeat what a worker may have missed; with such a lease there is none within a test.
    const table = yield* Layer.build(InProcess.layer({ lease: "1 hour", ...options }))
    const url = yield* TaskServer.start({ host: "127.0.0.1", port: 0 }).pipe(Effect.provideContext(table), Effect.orDie)
    for (const [index, where] of (options.workers ?? ["http"]).entries()) {
      const worker = Worker.layer({ name: `worker-${index + 1}`, tasks: all })
      yield* where === "in-process"
        ? Effect.provideContext(Layer.build(worker), table)
        : Layer.build(
            worker.pipe(
              Layer.provide(Layer.orDie(WorkerLinkClient.layer(url))),
              Layer.provide(NodeHttpClient.layerNodeHttp)
            )
          )
    }
    return {
      url,
      origin,
      table,
      as: (name, options) => (agent) =>
        agent.pipe(
          Effect.provide(
            MakeContext.layer({ ...options, name }).pipe(
              Layer.provideMerge(AgentTasksClient.layer(url)),
              Layer.provideMerge(NodeHttpClient.layerNodeHttp)
            )
          ),
          Effect.scoped
        ) as never
    }
  })
