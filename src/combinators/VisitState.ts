/**
 * Where a visit of a merge stands: for a status page, and for clean-up that asks
 * who won.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * @category models
 * @since 0.1.0
 */
export const VisitState = Schema.TaggedUnion({
  Open: { merge: Schema.String },
  Decided: { merge: Schema.String, winner: Schema.String, at: Schema.DateTimeUtcFromString },
  Undecided: { merge: Schema.String, how: Schema.Literals(["failed", "cancelled"]) }
})

/**
 * @category models
 * @since 0.1.0
 */
export type VisitState = typeof VisitState.Type

/**
 * Folds a state; all cases or a type error.
 *
 * @category matching
 * @since 0.1.0
 */
export const match: typeof VisitState.match = VisitState.match
