/** Instants as they stand in statuses. */
import * as DateTime from "effect/DateTime"

let millis = NaN
let text = ""

/** Written once for all that happens in one millisecond: each task has three, and a busy server many tasks. */
export const isoOf = (at: number): string => {
  if (at !== millis) {
    text = DateTime.formatIso(DateTime.makeUnsafe(at))
    millis = at
  }
  return text
}
