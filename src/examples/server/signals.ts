/**
 * SIGINT and SIGTERM as values. While the scope is open the process no longer dies of them: each one is queued, in
 * order, and whoever takes it decides. This is the only file that listens to signals.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"

export type Signal = "SIGINT" | "SIGTERM"

/** What a shell shows for a process that such a signal ended: 128 and the signal's number. */
export const exitCode: { readonly [S in Signal]: number } = { SIGINT: 130, SIGTERM: 143 }

/**
 * On Ctrl-C the terminal sends SIGINT to npm and to us, and npm passes its own on: one key, two signals, measured
 * 0.6 ms apart. The same signal again within this time is that echo, and not a second wish.
 */
const echoMillis = 100

/** `source` is `process`, or what stands in for it in a test. */
export const listen = (
  source: Pick<NodeJS.EventEmitter, "on" | "off">
): Effect.Effect<Queue.Dequeue<Signal>, never, Scope.Scope> =>
  Effect.gen(function* () {
    const clock = yield* Clock.Clock
    const queue = yield* Queue.unbounded<Signal>()
    let last: { readonly signal: Signal; readonly at: number } | undefined
    const onSignal = (signal: Signal): void => {
      const at = clock.currentTimeMillisUnsafe()
      const echo = last?.signal === signal && at - last.at < echoMillis
      if (echo) return
      last = { signal, at }
      Queue.offerUnsafe(queue, signal)
    }
    yield* Effect.acquireRelease(
      Effect.sync(() => source.on("SIGINT", onSignal).on("SIGTERM", onSignal)),
      () => Effect.sync(() => source.off("SIGINT", onSignal).off("SIGTERM", onSignal))
    )
    return queue
  })
