/**
 * `AbortSignal`, both ways. What the platform, a framework or a user aborts
 * becomes a cancel with a reason; what is cancelled here reaches foreign code as
 * an abort that carries the reason.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as CancelReason from "./CancelReason.ts"
import { reasonOfAbort } from "./internal/abortReason.ts"
import { CurrentNode } from "./internal/currentNode.ts"
import * as Nursery from "./Nursery.ts"
import { ScopeCancelled } from "./ScopeCancelled.ts"

/**
 * Why a signal aborted, as a reason: our own error gives its reason back, also
 * one of another realm or copy of this package, or one that was JSON meanwhile; a
 * `TimeoutError` is a `timeout`, anything else a `request` with its text
 * (contract K20).
 *
 * @category conversions
 * @since 0.1.0
 */
export const reasonOf = (signal: AbortSignal): CancelReason.Draft | CancelReason.CancelReason =>
  reasonOfAbort(signal.reason)

/**
 * Runs the effect in a scope of its own that is cancelled when the signal
 * aborts: the caller lives and gets `ScopeCancelled`. With a signal that has
 * aborted already the effect does not start. The listener goes with the scope.
 *
 * @category combinators
 * @since 0.1.0
 */
export const cancelledBy = <A, E, R>(
  effect: Effect.Effect<A, E, R>,
  signal: AbortSignal
): Effect.Effect<A, E | ScopeCancelled, Exclude<R, Scope.Scope>> =>
  Effect.withFiber((fiber) => {
    if (signal.aborted) {
      const now = fiber.getRef(CurrentNode).clock.currentTimeMillisUnsafe()
      return Effect.fail(
        new ScopeCancelled({ scope: "signal", reason: CancelReason.stamp(reasonOf(signal), "signal", now) })
      )
    }
    return Nursery.run("signal", (nursery) =>
      Effect.acquireUseRelease(
        Effect.sync(() => {
          const abort = () => Effect.runForkWith(fiber.context)(nursery.cancel({ reason: reasonOf(signal) }))
          signal.addEventListener("abort", abort)
          // Between the first look and the listener other fibers may have run.
          if (signal.aborted) abort()
          return abort
        }),
        () => effect,
        (abort) => Effect.sync(() => signal.removeEventListener("abort", abort))
      )
    )
  })
