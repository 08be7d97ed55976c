/**
 * What a cancel did. The tag follows the outcome of the task: a cancelled task
 * is `Cancelled` for the call whose reason won and `AlreadyCancelled` for every
 * other; one that ended otherwise is `AlreadyCompleted` or `AlreadyFailed`. The
 * same union is returned in process, over HTTP and on the command line.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import * as CancelReason from "./CancelReason.ts"
import { How } from "./TaskOutcome.ts"

const cancelled = {
  id: Schema.String,
  reason: CancelReason.Wire,
  how: How,
  took: Schema.DurationFromMillis
}

const finished = {
  id: Schema.String,
  /** True when the request came before the end: the task finished in its grace or in a commit. */
  duringGrace: Schema.Boolean
}

/**
 * `Requested` answers a call that does not wait: `requestCancel`, or a cancel of
 * oneself or of an ancestor (contract K13). `took` counts from the request whose
 * reason won.
 *
 * @category models
 * @since 0.1.0
 */
export const CancelResult = Schema.TaggedUnion({
  Cancelled: cancelled,
  AlreadyCancelled: cancelled,
  AlreadyCompleted: finished,
  AlreadyFailed: finished,
  Requested: { id: Schema.String, reason: CancelReason.Wire },
  NotFound: { id: Schema.String }
})

/**
 * @category models
 * @since 0.1.0
 */
export type CancelResult = typeof CancelResult.Type

/**
 * Folds a result; all cases or a type error.
 *
 * @category matching
 * @since 0.1.0
 */
export const match: typeof CancelResult.match = CancelResult.match
