/**
 * No member of a race succeeded.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Data from "effect/Data"

/**
 * Every failure in the order of the input; a member that interrupted itself is
 * one entry, and a race without members has none. Where more than one member
 * was `needed`, those that did succeed keep their values in `succeeded`.
 *
 * @category errors
 * @since 0.1.0
 */
export class RaceFailed<E, A = never> extends Data.TaggedError("RaceFailed")<{
  readonly race: string
  /** How many had to succeed. */
  readonly needed: number
  readonly failures: ReadonlyArray<{ readonly member: string | number; readonly cause: Cause.Cause<E> }>
  readonly succeeded: ReadonlyArray<{ readonly member: string | number; readonly value: A }>
}> {
  override get message(): string {
    const [first] = this.failures
    const race = `the race "${this.race}"`
    if (first === undefined) {
      return this.needed > 1 ? `Fewer than ${this.needed} members in ${race}` : `T${race.slice(1)} has no members`
    }
    const what =
      this.needed > 1
        ? `${this.failures.length} members of ${race} failed, so that ${this.needed} could not succeed`
        : `None of the ${this.failures.length} members of ${race} succeeded`
    return `${what}; ${first.member}: ${String(Cause.squash(first.cause))}`
  }
}
