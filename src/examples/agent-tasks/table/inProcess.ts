/** Both sides of one table in this process: `AgentTasks` for agents and `WorkerLink` for workers. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { AgentTasks } from "../AgentTasks.ts"
import { WorkerLink } from "../WorkerLink.ts"
import { alarm } from "./alarm.ts"
import { agentSide } from "./agentSide.ts"
import { type TableOptions, TaskTable } from "./TaskTable.ts"
import { WorkerDesk } from "./WorkerDesk.ts"

export interface Options extends TableOptions {
  /** So long a worker may be silent before its tasks are taken from it. Default: 3 seconds. */
  readonly lease?: Duration.Input | undefined
}

/** What the server asks beside both services. */
export class Desk extends Context.Service<Desk, WorkerDesk>()("rescind/examples/agent-tasks/Desk") {}

export const layer = (options?: Options): Layer.Layer<AgentTasks | WorkerLink | Desk> =>
  Layer.effectContext(
    Effect.gen(function* () {
      const table = new TaskTable(yield* Clock.Clock, options)
      const desk = new WorkerDesk(table, Duration.toMillis(options?.lease ?? "3 seconds"))
      yield* Effect.forkScoped(alarm(table, desk))
      return Context.make(AgentTasks, agentSide(table)).pipe(
        Context.add(Desk, desk),
        Context.add(WorkerLink, {
          leaseMillis: desk.leaseMillis,
          claim: (worker, max) => desk.claim(worker, max),
          notices: (worker) => desk.notices(worker),
          heartbeat: (worker, runs) => Effect.sync(() => desk.heartbeat(worker, runs)),
          report: (worker, report) => Effect.sync(() => desk.report(worker, report)),
          leave: (worker) => Effect.sync(() => desk.leave(worker))
        })
      )
    })
  )
