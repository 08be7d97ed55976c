/**
 * Cancels many tasks in one call: those that are named, or all of a name, a
 * label, a state. All are told in one step and then awaited, and each has an
 * answer of its own.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { CancelResult } from "../fibers/CancelResult.ts"
import { CancelCall } from "./CancelCall.ts"
import { Labels } from "./TaskLabel.ts"
import { State } from "./TaskView.ts"

/**
 * How many ids one call may name.
 *
 * @category constants
 * @since 0.1.0
 */
export const maxIds = 5000

const selectors = {
  /** These; each has an answer, `NotFound` too, in this order. */
  ids: Schema.optionalKey(
    Schema.Array(
      Schema.String.check(
        Schema.isMinLength(1, { expected: "1 to 100 characters" }),
        Schema.isMaxLength(100, { expected: "1 to 100 characters" })
      )
    ).check(Schema.isMaxLength(maxIds, { expected: `at most ${maxIds} ids` }))
  ),
  /** Those of this definition. */
  name: Schema.optionalKey(Schema.String),
  /** Those that have all of these labels. */
  labels: Schema.optionalKey(Labels.check(Schema.isMinLength(1, { expected: "at least one label" }))),
  /** Those in this state. */
  state: Schema.optionalKey(State),
  /** All that there are. */
  all: Schema.optionalKey(Schema.Literal(true))
}

/**
 * The body of `POST /cancel`: which tasks, and why and how patiently as in
 * `CancelCall`.
 *
 * **Details**
 *
 * Of several selectors all must hold; a call without any is refused, since by a
 * slip it would be the largest there is. Without `ids` and `state`, tasks that
 * have ended are left out. Where no policy is named each task has that of its own
 * definition.
 *
 * @category schemas
 * @since 0.1.0
 */
export const BulkCancel = Schema.Struct({ ...selectors, ...CancelCall.fields })
  .check(Schema.makeFilter((call) => Object.keys(selectors).some((selector) => selector in call) || nothingSelected))
  .annotate({ identifier: "BulkCancel" })

const nothingSelected = "Say which tasks to cancel: `ids`, `name`, `labels` or `state`, or `all: true`"

/**
 * @category models
 * @since 0.1.0
 */
export type BulkCancel = typeof BulkCancel.Type

/**
 * One answer for each task: in the order of `ids`, an id named twice once; else
 * oldest first.
 *
 * @category schemas
 * @since 0.1.0
 */
export const BulkCancelResults = Schema.Struct({
  results: Schema.Array(Schema.Struct({ id: Schema.String, result: CancelResult }))
}).annotate({ identifier: "BulkCancelResults" })
