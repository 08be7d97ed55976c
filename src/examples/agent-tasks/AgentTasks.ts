/**
 * The task service as agents use it: schedule a batch, look, wait, cancel. One interface with two implementations: the
 * table in this process (`AgentTasks.inProcess`) and a server over HTTP (`http/AgentTasksClient.ts`). `caller` is who asks; tasks of
 * others are out of reach, as `OwnerCheck` has it.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as CancelReason from "../../fibers/CancelReason.ts"
import { CancelResult } from "../../fibers/CancelResult.ts"
import { type NewTask, type TaskId, TaskId as TaskIdSchema, type TaskView } from "./AgentTask.ts"
import type { AgentTaskEvent } from "./AgentTaskEvent.ts"
import type { AgentTasksError } from "./agentTaskErrors.ts"

/** Why and how patiently; milliseconds count from the request. */
export const CancelCall = Schema.Struct({
  /** All that is not said has a default. With `scope` and `at` it is complete, and travels unchanged. */
  reason: Schema.optionalKey(
    Schema.Struct({
      source: Schema.optionalKey(CancelReason.Source),
      message: Schema.optionalKey(Schema.String),
      by: Schema.optionalKey(Schema.String),
      scope: Schema.optionalKey(Schema.String),
      at: Schema.optionalKey(Schema.DateTimeUtcFromString),
      detail: Schema.optionalKey(Schema.Json)
    })
  ),
  graceMillis: Schema.optionalKey(Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))),
  /** After so long the answer comes, and the outcome is decided, without the work having stopped. Default: never. */
  giveUpMillis: Schema.optionalKey(Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))),
  /** `false` answers at once with `Requested`. */
  wait: Schema.optionalKey(Schema.Boolean)
}).annotate({ identifier: "AgentCancelCall" })
export type CancelCall = typeof CancelCall.Type

/** In which order many are told: as given, or by the priority with which they were scheduled. */
export const Order = Schema.Literals(["given", "lowest-priority-first", "highest-priority-first"])
export type Order = typeof Order.Type

/** One of many cancels: the result, or why there is none. */
export const CancelItem = Schema.Struct({
  id: TaskIdSchema,
  result: Schema.optionalKey(CancelResult),
  error: Schema.optionalKey(Schema.String)
})
export type CancelItem = typeof CancelItem.Type

export const Mode = Schema.Literals(["all", "any"])
export type Mode = typeof Mode.Type

export class AgentTasks extends Context.Service<
  AgentTasks,
  {
    /** All of the batch or none. The same batch again, such as after an answer that was lost, changes nothing. */
    readonly submit: (
      caller: string,
      tasks: ReadonlyArray<NewTask>
    ) => Effect.Effect<ReadonlyArray<TaskView>, AgentTasksError>
    /** In the order of the ids. */
    readonly results: (
      caller: string,
      ids: ReadonlyArray<TaskId>
    ) => Effect.Effect<ReadonlyArray<TaskView>, AgentTasksError>
    /** Waits until all, or any, of them have ended. With no ids it answers at once. */
    readonly wait: (
      caller: string,
      ids: ReadonlyArray<TaskId>,
      mode: Mode
    ) => Effect.Effect<ReadonlyArray<TaskView>, AgentTasksError>
    readonly cancelTask: (caller: string, id: TaskId, call?: CancelCall) => Effect.Effect<CancelResult, AgentTasksError>
    /** Tells all of them in one step, then waits for each. */
    readonly cancelMany: (
      caller: string,
      ids: ReadonlyArray<TaskId>,
      call?: CancelCall,
      order?: Order
    ) => Effect.Effect<ReadonlyArray<CancelItem>, AgentTasksError>
    /** The caller's own, oldest first. */
    readonly list: (caller: string) => Effect.Effect<ReadonlyArray<TaskView>, AgentTasksError>
    readonly events: (caller: string, id: TaskId) => Effect.Effect<ReadonlyArray<AgentTaskEvent>, AgentTasksError>
  }
>()("rescind/examples/agent-tasks/AgentTasks") {}

/**
 * May this caller see and cancel a task of this owner? Default: the owner itself, and the agents above it
 * (`research` is above `research/sources`). A real service puts the identity that it has authenticated in `caller`.
 */
export const OwnerCheck = Context.Reference<(caller: string, owner: string) => boolean>(
  "rescind/examples/agent-tasks/OwnerCheck",
  { defaultValue: () => (caller, owner) => owner === caller || owner.startsWith(`${caller}/`) }
)
