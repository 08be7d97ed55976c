/** What most of the code wants of a duration that a caller wrote: a number, checked. */
import * as Duration from "effect/Duration"
import * as CancelPolicy from "../CancelPolicy.ts"

/** In milliseconds; throws `InvalidDuration` on what is none, or lies in the past. */
export const validMillis = (field: string, input: Duration.Input): number =>
  Duration.toMillis(CancelPolicy.bound(field, input))
