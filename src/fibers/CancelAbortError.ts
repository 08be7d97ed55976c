/**
 * What foreign code sees when a signal of ours aborts.
 *
 * @since 0.1.0
 */
import type { CancelReason } from "./CancelReason.ts"

/**
 * An `AbortError` by name, with the reason.
 *
 * @category errors
 * @since 0.1.0
 */
export class CancelAbortError extends Error {
  override readonly name = "AbortError"
  readonly reason: CancelReason
  constructor(reason: CancelReason) {
    super(reason.message)
    this.reason = reason
  }
}
