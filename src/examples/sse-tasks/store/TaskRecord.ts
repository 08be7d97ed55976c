/**
 * A task as it is stored and as clients are told of it: one record, which is there before the task runs and after it.
 * The last three states but `pending` are final: nothing but a retry, which somebody must ask for, leaves them.
 */
import * as Schema from "effect/Schema"
import * as TaskKey from "../TaskKey.ts"

export const Status = Schema.Literals(["pending", "running", "completed", "failed", "cancelled", "timeout"])
export type Status = typeof Status.Type

export const isFinal = (status: Status): boolean => status !== "pending" && status !== "running"

export const JsonObject = Schema.Record(Schema.String, Schema.Json)
export type JsonObject = typeof JsonObject.Type

/** Times are ISO 8601; what has not happened is left out. */
export const TaskRecord = Schema.Struct({
  id: TaskKey.Id,
  app: TaskKey.Name,
  model: TaskKey.Name,
  status: Status,
  params: Schema.Json,
  /** Its own limit; without one it has that of its model or of the server. */
  max_run_seconds: Schema.optionalKey(Schema.Finite),
  /** How many times it was started. */
  attempts: Schema.Int,
  /** What a `ContinueTask` waits for. */
  continue: Schema.Boolean,
  owner: Schema.optionalKey(Schema.String),
  created_at: Schema.String,
  started_at: Schema.optionalKey(Schema.String),
  completed_at: Schema.optionalKey(Schema.String),
  failed_at: Schema.optionalKey(Schema.String),
  cancelled_at: Schema.optionalKey(Schema.String),
  cancellation_reason: Schema.optionalKey(Schema.String),
  cancelled_by: Schema.optionalKey(Schema.String),
  /** What the task itself said about its cancellation. */
  cancellation_details: Schema.optionalKey(JsonObject),
  final_value: Schema.optionalKey(Schema.Json),
  /** Why it failed, as its `task-error` event says it too. */
  error: Schema.optionalKey(JsonObject),
  /** The number of its last event, once it has ended. */
  last_event: Schema.optionalKey(Schema.Int)
})
export type TaskRecord = typeof TaskRecord.Type

export interface Completed {
  readonly status: "completed"
  readonly completed_at: string
  readonly final_value: Schema.Json
}

/** How an attempt ended: what changes in the record then. */
export type TaskEnd = { readonly last_event?: number } & (
  | Completed
  | { readonly status: "failed"; readonly failed_at: string; readonly error: JsonObject }
  | {
      readonly status: "cancelled" | "timeout"
      readonly cancelled_at: string
      readonly cancellation_reason: string
      readonly cancelled_by?: string
      readonly cancellation_details?: JsonObject
    }
)
