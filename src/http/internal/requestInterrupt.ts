/**
 * What an interrupt of the fiber of a request means. It is the server's doing, and
 * says at most that the client left; Effect would answer it with an empty 503.
 */
import * as Cause from "effect/Cause"
import * as HttpServerError from "effect/http/HttpServerError"
import type * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Option from "effect/Option"
import * as CancelReason from "../../fibers/CancelReason.ts"
import * as RequestCancelled from "../RequestCancelled.ts"

export interface Circumstances {
  /** The address of the client. */
  readonly client: string | undefined
  /** The cancel of a task of ours that the request runs in, as in a test. */
  readonly above: CancelReason.CancelReason | undefined
  /** Whether the answer was being sent already. */
  readonly sending: boolean
  readonly draining: boolean
}

export const reasonOf = (
  cause: Cause.Cause<unknown>,
  { above, client, draining, sending }: Circumstances
): CancelReason.Draft | CancelReason.CancelReason => {
  if (!Cause.hasInterrupts(cause)) return CancelReason.scopeClosed({ message: "The answer could not be sent" })
  if (hasLeft(cause)) return CancelReason.disconnect({ by: client })
  const ours = Option.getOrElse(CancelReason.fromCause(cause), () => above)
  if (ours !== undefined) return ours
  if (draining) return CancelReason.shutdown()
  // Who reads an answer through the web's streams leaves without saying so.
  return sending
    ? CancelReason.disconnect({ by: client })
    : CancelReason.interrupt({ message: "The server interrupted the request" })
}

/** As a defect beside the interrupt, it is what Effect answers. */
export const answerOf = (
  cause: Cause.Cause<unknown>,
  reason: CancelReason.CancelReason
): HttpServerResponse.HttpServerResponse =>
  RequestCancelled.toResponse(new RequestCancelled.RequestCancelled({ reason, status: hasLeft(cause) ? 499 : 503 }))

const hasLeft = (cause: Cause.Cause<unknown>): boolean =>
  cause.reasons.some(
    (reason) => Cause.isInterruptReason(reason) && reason.annotations.has(HttpServerError.ClientAbort.key)
  )
