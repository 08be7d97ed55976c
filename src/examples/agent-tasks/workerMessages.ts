/**
 * What a worker and the table say to each other, the same in one process and over HTTP. A run is a task's id with the
 * number of times it was begun: what is said of an older run changes nothing.
 */
import * as Schema from "effect/Schema"
import * as CancelReason from "../../fibers/CancelReason.ts"
import { Name, Outcome, TaskId } from "./AgentTask.ts"

export const Run = Schema.Struct({ id: TaskId, run: Schema.Int })
export type Run = typeof Run.Type

/** Run this. */
export const Assignment = Schema.Struct({ ...Run.fields, kind: Name, input: Schema.Json, owner: Name })
export type Assignment = typeof Assignment.Type

/** Stop that, for this reason; within `graceMillis` from now it may finish by itself. */
export const Notice = Schema.Struct({ ...Run.fields, reason: CancelReason.Wire, graceMillis: Schema.Finite })
export type Notice = typeof Notice.Type

/** That is how it ended, and when by the worker's clock. */
export const Report = Schema.Struct({
  ...Run.fields,
  outcome: Outcome,
  toldAt: Schema.optionalKey(Schema.Finite),
  stoppedAt: Schema.Finite
})
export type Report = typeof Report.Type

/** `stale`: the run is no longer this worker's; its outcome was decided without it. */
export const Receipt = Schema.Literals(["accepted", "stale"])
export type Receipt = typeof Receipt.Type

/** The answer to a heartbeat: runs to drop, and notices that may have been missed. */
export const Pulse = Schema.Struct({ stale: Schema.Array(Run), cancelling: Schema.Array(Notice) })
export type Pulse = typeof Pulse.Type
