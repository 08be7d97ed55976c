/**
 * What a merge answers to whoever arrives from outside: it is decided now, or it
 * was before, by whom and when, or it ended without a decision. A plain value
 * that crosses HTTP unchanged: a late approver is told who was first.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

const decided = {
  /** The name of the merge. */
  merge: Schema.String,
  /** The path whose value counts. */
  winner: Schema.String,
  at: Schema.DateTimeUtcFromString
}

/**
 * `path` is the one that arrived.
 *
 * @category models
 * @since 0.1.0
 */
export const Arrival = Schema.TaggedUnion({
  Decided: decided,
  AlreadyDecided: { path: Schema.String, ...decided },
  Undecided: {
    path: Schema.String,
    merge: Schema.String,
    /** A branch failed, none was left, or the visit was cancelled. */
    how: Schema.Literals(["failed", "cancelled"])
  }
})

/**
 * @category models
 * @since 0.1.0
 */
export type Arrival = typeof Arrival.Type

/**
 * Folds an arrival; all cases or a type error.
 *
 * @category matching
 * @since 0.1.0
 */
export const match: typeof Arrival.match = Arrival.match
