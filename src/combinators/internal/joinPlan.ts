/** What callers of a join write, checked and completed. A bound that cannot be meant is a defect, before any member starts. */
import type * as Duration from "effect/Duration"
import * as CancelPolicy from "../../fibers/CancelPolicy.ts"
import type { JoinOptions as Input } from "../Join.ts"
import type { JoinOptions } from "./joinNode.ts"
import type { MembersOptions } from "./membersNode.ts"

/** A limit may be zero or less: it then allows the synchronous prefix (contract K33). */
const limitOf = (limit: Duration.Input | undefined): Duration.Duration | undefined =>
  limit === undefined ? undefined : CancelPolicy.limit("limit", limit)

export const membersOf = (input: Input | undefined): MembersOptions => {
  const concurrency = input?.concurrency ?? Infinity
  if (!(concurrency >= 1)) {
    throw new RangeError(`concurrency must be 1 or more, or left out, but it is ${String(concurrency)}`)
  }
  return { policy: CancelPolicy.make(input), cancelTasks: input?.cancelTasks === true, concurrency }
}

export const planOf = (
  input: Input | undefined,
  failFast: JoinOptions["failFast"],
  limit?: Duration.Input
): JoinOptions => ({ ...membersOf(input), failFast, limit: limitOf(limit), each: limitOf(input?.each) })
