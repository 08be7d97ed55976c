import * as Duration from "effect/Duration"
import * as CancelPolicy from "../../fibers/CancelPolicy.ts"

/** A limit as a program names it: above zero, or it could not be meant. */
export const timeLimit = (field: string, input: Duration.Input | undefined): Duration.Duration | undefined => {
  if (input === undefined) return undefined
  const limit = CancelPolicy.bound(field, input)
  if (Duration.isZero(limit)) throw new CancelPolicy.InvalidDuration(field, input)
  return limit
}
