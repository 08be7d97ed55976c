/** How long blocking code has, from the moment it was told to stop, before it is terminated. */
import * as Duration from "effect/Duration"
import { InvalidDuration } from "../CancelPolicy.ts"

/** In milliseconds; a budget that cannot be meant is a mistake of the program. */
export const budgetMillis = (budget: Duration.Input): number => {
  const millis = typeof budget === "number" ? budget : Duration.toMillis(Duration.fromInputUnsafe(budget))
  if (!(millis >= 0)) throw new InvalidDuration("budget", budget)
  return millis
}
