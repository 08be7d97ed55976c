/**
 * No member of a race succeeded.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Data from "effect/Data"

/**
 * Every failure in the order of the input; a member that interrupted itself is
 * one entry, and a race without members has none.
 *
 * @category errors
 * @since 0.1.0
 */
export class RaceFailed<E> extends Data.TaggedError("RaceFailed")<{
  readonly race: string
  readonly failures: ReadonlyArray<{ readonly member: string | number; readonly cause: Cause.Cause<E> }>
}> {
  override get message(): string {
    const [first] = this.failures
    return first === undefined
      ? `The race "${this.race}" has no members`
      : `None of the ${this.failures.length} members of the race "${this.race}" succeeded; ${first.member}: ${String(Cause.squash(first.cause))}`
  }
}
