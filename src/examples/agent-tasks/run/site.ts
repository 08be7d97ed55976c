/** Everything that the agents run against: an origin to fetch from, the task server, and its workers. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Origin from "../../server/origin.ts"
import type { AgentTasks } from "../AgentTasks.ts"
import * as TaskServer from "../http/taskServer.ts"
import { all } from "../kinds/all.ts"
import * as InProcess from "../table/inProcess.ts"
import * as Worker from "../worker/Worker.ts"
import type { WorkerLink } from "../WorkerLink.ts"
import { type WorkerChoice, WrongUse } from "./commandLine.ts"
import * as WorkerProcess from "./workerProcess.ts"

export interface Site {
  readonly url: string
  readonly origin: Origin.Origin
  /** The names of the workers. */
  readonly workers: ReadonlyArray<string>
  readonly table: Context.Context<AgentTasks | WorkerLink | InProcess.Desk>
}

export const start = (options: {
  readonly host: string
  readonly port: number
  readonly worker: WorkerChoice
}): Effect.Effect<Site, WrongUse | TaskServer.CannotListen, Scope.Scope> =>
  Effect.gen(function* () {
    const { host, port, worker } = options
    const origin = yield* Effect.mapError(Origin.make({ port: 0 }), ({ message }) => new WrongUse({ message }))
    const table = yield* Layer.build(InProcess.layer())
    const url = yield* Effect.provideContext(TaskServer.start({ host, port }), table)
    const workers: Array<string> = []
    if (worker !== "second-process") {
      yield* Effect.provideContext(Layer.build(Worker.layer({ name: "in-process", tasks: all })), table)
      workers.push("in-process")
    }
    if (worker !== "in-process") {
      const desk = Context.get(table, InProcess.Desk)
      yield* WorkerProcess.start(
        url,
        "second-process",
        Effect.sync(() => desk.isHere("second-process"))
      )
      workers.push("second-process")
    }
    return { url, origin, workers, table }
  })
