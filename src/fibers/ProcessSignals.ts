/**
 * SIGINT and SIGTERM as values. While the scope is open the process no longer
 * dies of them: each one is queued, in order, and whoever takes it decides.
 * `ProcessMain` does what most programs want with them.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"

/**
 * @category models
 * @since 0.1.0
 */
export type Signal = "SIGINT" | "SIGTERM"

/**
 * What signals come from: `process`, or what stands in for it in a test. Written
 * out, so that this package needs no module of Node.
 *
 * @category models
 * @since 0.1.0
 */
export interface Source {
  readonly on: (event: Signal, listener: (signal: Signal) => void) => unknown
  readonly off: (event: Signal, listener: (signal: Signal) => void) => unknown
}

/**
 * On Ctrl-C the terminal sends SIGINT to npm and to us, and npm passes its own on: one key, two signals, measured
 * 0.6 ms apart. The same signal again within this time is that echo, and not a second wish.
 */
const echoMillis = 100

/**
 * Listens until the scope closes. The same signal again within 100 ms counts
 * once: npm passes on a Ctrl-C that the process has already got.
 *
 * @category constructors
 * @since 0.1.0
 */
export const listen = (source: Source): Effect.Effect<Queue.Dequeue<Signal>, never, Scope.Scope> =>
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
      Effect.sync(() => {
        source.on("SIGINT", onSignal)
        source.on("SIGTERM", onSignal)
      }),
      () =>
        Effect.sync(() => {
          source.off("SIGINT", onSignal)
          source.off("SIGTERM", onSignal)
        })
    )
    return queue
  })
