/**
 * How a task ended, as clients are told: encoded by the schemas of its
 * definition, and without internals. A defect reads as an internal error; its
 * cause is in the log of the server.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import * as CancelReason from "../fibers/CancelReason.ts"
import * as TaskOutcome from "../fibers/TaskOutcome.ts"

/**
 * `tookMillis` counts from the request to the end.
 *
 * @category schemas
 * @since 0.1.0
 */
export const PublicOutcome = Schema.TaggedUnion({
  Completed: { value: Schema.Json },
  Failed: { error: Schema.Json },
  Cancelled: {
    reason: CancelReason.Wire,
    how: TaskOutcome.How,
    tookMillis: Schema.Number,
    partial: Schema.optionalKey(Schema.Json)
  }
}).annotate({ identifier: "TaskOutcome" })

/**
 * @category models
 * @since 0.1.0
 */
export type PublicOutcome = typeof PublicOutcome.Type

/**
 * What clients read in place of a defect.
 *
 * @category constants
 * @since 0.1.0
 */
export const internalError: Schema.Json = { title: "Internal error" }

/**
 * An outcome, or the terminal event that tells it.
 *
 * @category models
 * @since 0.1.0
 */
export type Ended =
  | Pick<TaskOutcome.Completed<unknown>, "_tag" | "value">
  | Pick<TaskOutcome.Failed<unknown>, "_tag" | "cause">
  | CancelledEnd

type CancelledEnd = Pick<TaskOutcome.Cancelled<unknown>, "_tag" | "reason" | "how" | "took" | "partial">

/**
 * What has no value of its own to encode.
 *
 * @category conversions
 * @since 0.1.0
 */
export const cancelled = (
  { how, reason, took }: CancelledEnd,
  partial: { readonly partial?: Schema.Json }
): PublicOutcome => ({ _tag: "Cancelled", reason, how, tookMillis: Duration.toMillis(took), ...partial })
