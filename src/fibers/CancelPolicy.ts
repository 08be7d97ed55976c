/**
 * How long a cancel is patient. Both bounds count from the request: until
 * `grace` has passed the task may finish by itself, then it is interrupted; at
 * `giveUp` the cancel stops waiting and the outcome is decided without the
 * fiber, which is listed as a straggler until it really ends. The default
 * interrupts at once and waits for as long as clean-up takes.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"

/**
 * The two bounds of a cancel (contract K12).
 *
 * @category models
 * @since 0.1.0
 */
export interface CancelPolicy {
  /** Time in which the task may finish by itself before it is interrupted. Zero: interrupt at once. */
  readonly grace: Duration.Duration
  /** Time after which the caller no longer waits. Infinity: wait until the task has ended. */
  readonly giveUp: Duration.Duration
}

/**
 * What callers write: anything that `Duration` accepts, both optional.
 *
 * @category models
 * @since 0.1.0
 */
export interface CancelPolicyInput {
  readonly grace?: Duration.Input | undefined
  readonly giveUp?: Duration.Input | undefined
}

/**
 * Completes a policy from its input. Dies with `InvalidDuration` on NaN or a
 * negative bound: a patience that cannot be meant is a mistake of the program.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (input?: CancelPolicyInput): CancelPolicy =>
  input === undefined || (input.grace === undefined && input.giveUp === undefined)
    ? immediate
    : {
        grace: input.grace === undefined ? Duration.zero : bound("grace", input.grace),
        giveUp: input.giveUp === undefined ? Duration.infinity : bound("giveUp", input.giveUp)
      }

/**
 * A duration that is not a number, or that lies in the past.
 *
 * @category errors
 * @since 0.1.0
 */
export class InvalidDuration extends Error {
  override readonly name = "InvalidDuration"
  readonly field: string
  readonly given: unknown
  constructor(field: string, given: unknown) {
    super(
      `${field} must be a duration of zero or more, such as "2 seconds" or 500 (milliseconds), but it is ${String(given)}`
    )
    this.field = field
    this.given = given
  }
}

/**
 * A duration of zero or more; anything else throws `InvalidDuration`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const bound = (field: string, input: Duration.Input): Duration.Duration => {
  const duration = limit(field, input)
  if (Duration.isNegative(duration)) throw new InvalidDuration(field, input)
  return duration
}

/**
 * A duration that may be zero or less; what is none throws `InvalidDuration`, NaN too.
 *
 * @category constructors
 * @since 0.1.0
 */
export const limit = (field: string, input: Duration.Input): Duration.Duration => {
  // To `Duration` NaN is zero.
  const duration = Number.isNaN(input) ? Option.none() : Duration.fromInput(input)
  if (Option.isNone(duration)) throw new InvalidDuration(field, input)
  return duration.value
}

/**
 * Interrupt at once and wait until the task has ended. The default.
 *
 * @category presets
 * @since 0.1.0
 */
export const immediate: CancelPolicy = { grace: Duration.zero, giveUp: Duration.infinity }

/**
 * The same bound without grace: for an owner that was itself interrupted.
 *
 * @category conversions
 * @since 0.1.0
 */
export const atOnce = (policy: CancelPolicy): CancelPolicy =>
  policy === immediate ? immediate : { grace: Duration.zero, giveUp: policy.giveUp }

/**
 * For merges in which the first answer wins: the winner is not held up for more
 * than 0.1 s by a loser that is slow to clean up.
 *
 * @category presets
 * @since 0.1.0
 */
export const merge: CancelPolicy = { grace: Duration.zero, giveUp: Duration.millis(100) }

/**
 * For agents behind a protocol whose cancel call must be answered: at most 2 s.
 *
 * @category presets
 * @since 0.1.0
 */
export const agent: CancelPolicy = { grace: Duration.zero, giveUp: Duration.seconds(2) }

/**
 * For the end of a process: 30 s, then what is left is named and cut off.
 *
 * @category presets
 * @since 0.1.0
 */
export const shutdown: CancelPolicy = { grace: Duration.zero, giveUp: Duration.seconds(30) }
