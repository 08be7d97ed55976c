/**
 * How a task ended, as clients are told: encoded by the schemas of its
 * definition, and without internals. A defect reads as an internal error; its
 * cause is in the log of the server.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as CancelReason from "../fibers/CancelReason.ts"
import * as TaskOutcome from "../fibers/TaskOutcome.ts"
import type { Codecs } from "./internal/codecs.ts"

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
 * @category conversions
 * @since 0.1.0
 */
export const of = (
  codecs: Pick<Codecs, "success" | "error" | "partial">,
  outcome: Ended
): Effect.Effect<PublicOutcome> => {
  switch (outcome._tag) {
    case "Completed":
      return Effect.map(codecs.success(outcome.value), (value) => ({ _tag: "Completed", value }))
    case "Failed": {
      const failure = outcome.cause.reasons.find(Cause.isFailReason)
      return failure === undefined
        ? Effect.succeed({ _tag: "Failed", error: internalError })
        : Effect.map(codecs.error(failure.error), (error) => ({ _tag: "Failed", error }))
    }
    case "Cancelled": {
      const { reason, how, took } = outcome
      const cancelled = { _tag: "Cancelled", reason, how, tookMillis: Duration.toMillis(took) } as const
      return "partial" in outcome
        ? Effect.map(codecs.partial(outcome.partial), (partial) => ({ ...cancelled, partial }))
        : Effect.succeed(cancelled)
    }
  }
}

/** An outcome, or the terminal event that tells it. */
type Ended =
  | Pick<TaskOutcome.Completed<unknown>, "_tag" | "value">
  | Pick<TaskOutcome.Failed<unknown>, "_tag" | "cause">
  | Pick<TaskOutcome.Cancelled<unknown>, "_tag" | "reason" | "how" | "took" | "partial">
