/**
 * The one state machine of a task. A status moves only along these arrows, by compare-and-set; the four last ones are
 * terminal and never change. `running` goes back to `pending` when a failed run is retried or a worker hands it back.
 */
import * as Schema from "effect/Schema"

export const Status = Schema.Literals([
  "pending",
  "running",
  "cancelling",
  "completed",
  "failed",
  "cancelled",
  "timed-out"
])
export type Status = typeof Status.Type

const arrows: { readonly [From in Status]: ReadonlyArray<Status> } = {
  pending: ["running", "cancelled", "timed-out"],
  running: ["pending", "cancelling", "completed", "failed", "cancelled"],
  cancelling: ["completed", "failed", "cancelled", "timed-out"],
  completed: [],
  failed: [],
  cancelled: [],
  "timed-out": []
}

export const isTerminal = (status: Status): boolean => arrows[status].length === 0

export const leads = (from: Status, to: Status): boolean => arrows[from].includes(to)
