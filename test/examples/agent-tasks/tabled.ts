/** The table alone on the test clock, leak-checked, with a worker played by hand. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type { NewTask, Outcome } from "../../../src/examples/agent-tasks/AgentTask.ts"
import { AgentTasks } from "../../../src/examples/agent-tasks/AgentTasks.ts"
import * as InProcess from "../../../src/examples/agent-tasks/table/inProcess.ts"
import { WorkerLink } from "../../../src/examples/agent-tasks/WorkerLink.ts"
import type { Assignment } from "../../../src/examples/agent-tasks/workerMessages.ts"
import { leakChecked } from "../../support/leaks.ts"

export interface Played {
  readonly tasks: AgentTasks["Service"]
  readonly link: WorkerLink["Service"]
  /** Submits a task of "ann"; answers with its id. */
  readonly add: (options?: Partial<NewTask>, owner?: string) => Effect.Effect<string>
  /** Takes what is pending as worker "w". */
  readonly claim: (max?: number) => Effect.Effect<ReadonlyArray<Assignment>>
  readonly report: (assignment: Assignment, outcome: Outcome) => Effect.Effect<"accepted" | "stale">
  /** The tags of the events of a task of "ann", in order. */
  readonly tags: (id: string) => Effect.Effect<ReadonlyArray<string>>
  readonly status: (id: string) => Effect.Effect<string>
}

export const completed: Outcome = { _tag: "Completed", value: "done" }
export const failed: Outcome = { _tag: "Failed", error: "no" }

export const tabled = <A, E>(
  body: (played: Played) => Effect.Effect<A, E, Scope.Scope>,
  options?: InProcess.Options
): Effect.Effect<A, E> => leakChecked(Effect.scoped(Effect.flatMap(play(options), body)))

const play = (options?: InProcess.Options): Effect.Effect<Played, never, Scope.Scope> =>
  Effect.map(Layer.build(InProcess.layer({ lease: "1 hour", ...options })), (context) => {
    const tasks = Context.get(context, AgentTasks)
    const link = Context.get(context, WorkerLink)
    return {
      tasks,
      link,
      add: (options, owner = "ann") =>
        Effect.suspend(() => {
          const id = crypto.randomUUID()
          return Effect.orDie(Effect.as(tasks.submit(owner, [{ id, kind: "k", input: {}, ...options }]), id))
        }),
      claim: (max = 1) => Effect.orDie(link.claim("w", max)),
      report: ({ id, run }, outcome) => Effect.orDie(link.report("w", { id, run, outcome, stoppedAt: 0 })),
      tags: (id) =>
        Effect.orDie(Effect.map(tasks.events("ann", id), (events) => events.map(({ _tag }) => _tag as string))),
      status: (id) => Effect.orDie(Effect.map(tasks.results("ann", [id]), ([view]) => view!.status as string))
    }
  })
