/**
 * The server takes no new task for now: it drains, or runs as many as it may. In
 * A2A there is no error of its own for that; it is told by the HTTP status (503 or
 * 429) with `Retry-After`, and by an internal error of the protocol.
 *
 * @since 0.1.0
 */
import { A2AError } from "@a2a-js/sdk/errors"

/**
 * @category errors
 * @since 0.1.0
 */
export class Unavailable extends A2AError {
  readonly status: 429 | 503
  /** Seconds after which to ask again. */
  readonly retryAfter: number

  constructor(status: 429 | 503, message: string, retryAfter: number) {
    super(message)
    this.name = "Unavailable"
    this.status = status
    this.retryAfter = retryAfter
  }
}
