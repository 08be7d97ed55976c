/**
 * Time that only goes forward, for whatever is waited for: limits, graces,
 * budgets. The wall clock is set by people and by the network, now and then by
 * hours; nothing must end early or late for that. A steady instant means
 * something to the clock that it was read from alone. Instants that are told are
 * of the wall clock, as it stands when they are told.
 */
import type * as Clock from "effect/Clock"

/** Milliseconds since some instant in the past, with fractions down to the nanosecond. */
export const steady = (clock: Clock.Clock): number => Number(clock.monotonicTimeNanosUnsafe()) / nanos

/**
 * A sum of instants and durations, to the nanosecond, as sleeps are: what is left of
 * less could not be slept, and instants that are the same are equal.
 */
export const whole = (at: number): number => Math.round(at * nanos) / nanos

/** Epoch milliseconds of a steady instant. */
export const toWall = (clock: Clock.Clock, at: number): number =>
  Math.round(clock.currentTimeMillisUnsafe() + at - steady(clock))

/** The steady instant of epoch milliseconds. */
export const fromWall = (clock: Clock.Clock, at: number): number =>
  whole(steady(clock) + at - clock.currentTimeMillisUnsafe())

const nanos = 1_000_000
