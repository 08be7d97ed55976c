/**
 * The task service as workers use it. In one process it is the table itself; in another one it is HTTP
 * (`http/WorkerLinkClient.ts`), with the same words.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"
import type { AgentTasksError } from "./agentTaskErrors.ts"
import type { Assignment, Notice, Pulse, Receipt, Report, Run } from "./workerMessages.ts"

export class WorkerLink extends Context.Service<
  WorkerLink,
  {
    /** A worker that is silent for so long has lost its tasks. */
    readonly leaseMillis: number
    /** Waits for work; may come back empty to be asked again. */
    readonly claim: (worker: string, max: number) => Effect.Effect<ReadonlyArray<Assignment>, AgentTasksError>
    /** Who is to stop and why: first what is under way, then as it comes. The same may be said twice. */
    readonly notices: (worker: string) => Stream.Stream<Notice, AgentTasksError>
    readonly heartbeat: (worker: string, runs: ReadonlyArray<Run>) => Effect.Effect<Pulse, AgentTasksError>
    readonly report: (worker: string, report: Report) => Effect.Effect<Receipt, AgentTasksError>
    /** Goodbye: whatever is still in this worker's name is free again. */
    readonly leave: (worker: string) => Effect.Effect<void, AgentTasksError>
  }
>()("rescind/examples/agent-tasks/WorkerLink") {}
