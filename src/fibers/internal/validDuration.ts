import * as Duration from "effect/Duration"
import { InvalidDuration } from "../CancelPolicy.ts"

/** Milliseconds of a duration that a caller wrote; throws `InvalidDuration` on NaN and on what lies in the past. */
export const validMillis = (field: string, input: Duration.Input): number => {
  if (typeof input === "number" && !(input >= 0)) throw new InvalidDuration(field, input)
  const millis = Duration.toMillis(Duration.fromInputUnsafe(input))
  if (!(millis >= 0)) throw new InvalidDuration(field, input)
  return millis
}
