/**
 * A message that nobody got, and why. A correlator keeps the latest of them, so
 * that what was answered too late can be told from what was never answered.
 *
 * @since 0.1.0
 */
import type * as Cause from "effect/Cause"
import * as Schema from "effect/Schema"

/**
 * `expired`: its time to live passed. `no-waiter`: it had none, and nobody
 * waited. `full`: too many are kept. `cleared`: by `clear`. `failed`: the `use`
 * of a `receive` failed. `closed`: the correlator closed.
 *
 * @category models
 * @since 0.1.0
 */
export const DeadLetterReason = Schema.Literals(["expired", "no-waiter", "full", "cleared", "failed", "closed"])

/**
 * @category models
 * @since 0.1.0
 */
export type DeadLetterReason = typeof DeadLetterReason.Type

/**
 * @category models
 * @since 0.1.0
 */
export interface DeadLetter {
  readonly channel: string
  readonly key: string
  readonly value: unknown
  readonly reason: DeadLetterReason
  /** Epoch milliseconds. */
  readonly publishedAt: number
  /** When it became a dead letter, in epoch milliseconds. */
  readonly at: number
  /** With `failed`: what `use` failed with. */
  readonly cause?: Cause.Cause<unknown>
}
