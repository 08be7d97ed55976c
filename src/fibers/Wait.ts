/**
 * Waits that stop at once when their fiber is cancelled: for a condition that
 * must be asked again and again (`poll`), for a signal that comes by itself
 * (`until`), and for time (`sleep`). Nothing here is cut into slices, as Effect's
 * own waits need none: `Effect.sleep`, `Effect.retry`, `Queue.take`,
 * `Fiber.await` and the like stop natively, and are what one uses where they do.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Latch from "effect/Latch"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as CancelReason from "./CancelReason.ts"
import { reasonOf } from "./CancelSignal.ts"
import { Polling } from "./internal/polling.ts"
import { validMillis } from "./internal/validDuration.ts"
import type { PollTimedOut } from "./PollTimedOut.ts"

/**
 * How to poll: all bounds take what `Duration` accepts.
 *
 * @category models
 * @since 0.1.0
 */
export interface PollOptions {
  /** The pause between the end of a check and the next one. Default: 1 second. */
  readonly interval?: Duration.Input | undefined
  /** The pauses, in place of `interval`: `Schedule.exponential("100 millis")`. When it ends the poll has failed. */
  readonly schedule?: Schedule.Schedule<unknown> | undefined
  /** When to give up, from the start. Default: 30 seconds; `Infinity`: never; 0: one check. */
  readonly within?: Duration.Input | undefined
  /**
   * How long, from its own start, a check may take that is under way at the
   * deadline. Default: 1 second. At least 1 millisecond.
   */
  readonly lastCheck?: Duration.Input | undefined
  /** The message of `PollTimedOut`, and of the reason that a check reads which is cut off. */
  readonly message?: string | undefined
}

/**
 * Checks at once, then after each pause, until the condition is true or gives a
 * value; a last check begins exactly at the deadline. Then it fails with
 * `PollTimedOut` (contract K40).
 *
 * **Details**
 *
 * With `onError: "fail"`, the default, a condition that fails ends the poll with
 * its error; with `"retry"` it counts as not yet true, and the last failure
 * stands in `PollTimedOut`. Defects always leave.
 *
 * A check that hangs is interrupted with a reason of source `timeout` at the
 * deadline, and its clean-up is awaited (K34); one that began less than
 * `lastCheck` before has that time. Each check has a scope of its own. With a
 * deadline the checks run on one fiber of their own, below a scope named `poll`;
 * with `within: Infinity` on the caller's. A value that is found after the caller
 * was cancelled is in the task's `salvaged` (K26).
 *
 * **Gotchas**
 *
 * `Effect.repeat({ until, schedule })` looks the same, but when its schedule runs
 * out it succeeds with the last value, as if the condition had come true.
 *
 * @category waiting
 * @since 0.1.0
 */
export const poll: {
  <A, E, R>(
    condition: Effect.Effect<Option.Option<A>, E, R>,
    options: PollOptions & { readonly onError: "retry" }
  ): Effect.Effect<A, PollTimedOut<E>, Exclude<R, Scope.Scope>>
  <E, R>(
    condition: Effect.Effect<boolean, E, R>,
    options: PollOptions & { readonly onError: "retry" }
  ): Effect.Effect<void, PollTimedOut<E>, Exclude<R, Scope.Scope>>
  <A, E, R>(
    condition: Effect.Effect<Option.Option<A>, E, R>,
    options?: PollOptions & { readonly onError?: "fail" | undefined }
  ): Effect.Effect<A, E | PollTimedOut, Exclude<R, Scope.Scope>>
  <E, R>(
    condition: Effect.Effect<boolean, E, R>,
    options?: PollOptions & { readonly onError?: "fail" | undefined }
  ): Effect.Effect<void, E | PollTimedOut, Exclude<R, Scope.Scope>>
} = (
  condition: Effect.Effect<any, any, any>,
  options?: PollOptions & { readonly onError?: "fail" | "retry" | undefined }
): Effect.Effect<any, any, any> =>
  Effect.withFiber((fiber) => {
    const interval = validMillis("interval", options?.interval ?? "1 second")
    const plan = {
      pauses: options?.schedule ?? Schedule.spaced(Duration.millis(interval)),
      within: validMillis("within", options?.within ?? "30 seconds"),
      lastCheck: Math.max(1, validMillis("lastCheck", options?.lastCheck ?? "1 second")),
      retryFailures: options?.onError === "retry",
      message: options?.message
    }
    return new Polling(Effect.scoped(condition) as Effect.Effect<any, any>, plan, fiber.getRef(Clock.Clock)).run()
  })

/**
 * Waits for a signal that somebody else gives: an `AbortSignal` that aborts,
 * which answers why; a latch that opens; a deferred that is completed.
 *
 * **Details**
 *
 * The listener on an `AbortSignal` is gone when the wait has ended, however it
 * ended. The two others are `Latch.await` and `Deferred.await`.
 *
 * @category waiting
 * @since 0.1.0
 */
export const until: {
  (signal: AbortSignal): Effect.Effect<CancelReason.CancelReason>
  (latch: Latch.Latch): Effect.Effect<void>
  <A, E>(deferred: Deferred.Deferred<A, E>): Effect.Effect<A, E>
} = (signal: AbortSignal | Latch.Latch | Deferred.Deferred<any, any>): Effect.Effect<any> => {
  // Its failure is in the type that the caller sees.
  if (Deferred.isDeferred(signal)) return Deferred.await(signal) as Effect.Effect<any>
  if ("openUnsafe" in signal) return signal.await
  return Effect.flatMap(aborted(signal), () =>
    Effect.map(Clock.currentTimeMillis, (now) => CancelReason.stamp(reasonOf(signal), "signal", now))
  )
}

const aborted = (signal: AbortSignal): Effect.Effect<void> =>
  Effect.callback<void>((resume) => {
    if (signal.aborted) return resume(Effect.void)
    const onAbort = () => resume(Effect.void)
    signal.addEventListener("abort", onAbort, { once: true })
    return Effect.sync(() => signal.removeEventListener("abort", onAbort))
  })

/**
 * `Effect.sleep`, which when it is cancelled writes to the debug log how long it
 * slept, and why it was woken.
 *
 * @category waiting
 * @since 0.1.0
 */
export const sleep = (duration: Duration.Input): Effect.Effect<void> =>
  Effect.flatMap(Clock.currentTimeMillis, (startedAt) => {
    const millis = validMillis("duration", duration)
    return Effect.onInterrupt(Effect.sleep(Duration.millis(millis)), () => tellOfSleep(millis, startedAt))
  })

const tellOfSleep = Effect.fnUntraced(function* (millis: number, startedAt: number) {
  const slept = Duration.format(Duration.millis((yield* Clock.currentTimeMillis) - startedAt))
  const why = Option.match(yield* CancelReason.current, {
    onNone: () => "",
    onSome: ({ message, source }) => ` (${source}): ${message}`
  })
  yield* Effect.logDebug(`A sleep of ${Duration.format(Duration.millis(millis))} was cancelled after ${slept}${why}`)
})
