/**
 * The event streams that clients are being sent right now: a server that shuts
 * down waits for them, so that every client reads how its task ended, and cuts
 * those that do not read.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"

/**
 * @category services
 * @since 0.1.0
 */
export class OpenStreams extends Context.Service<
  OpenStreams,
  {
    readonly count: Effect.Effect<number>
    /** Waits until none is open. */
    readonly awaitNone: Effect.Effect<void>
    /** Tears off those that are open. A stream whose client does not read ends in no other way: nothing pulls it. */
    readonly cut: Effect.Effect<void>
    /** Counts the request that runs on this fiber until its scope closes. */
    readonly opened: Effect.Effect<void, never, Scope.Scope>
  }
>()("rescind/http/OpenStreams") {
  static readonly layer: Layer.Layer<OpenStreams> = Layer.sync(OpenStreams, () => {
    const open = new Set<Fiber.Fiber<unknown, unknown>>()
    const none = Latch.makeUnsafe(true)
    return {
      count: Effect.sync(() => open.size),
      awaitNone: none.await,
      cut: Effect.sync(() => {
        for (const fiber of open) fiber.interruptUnsafe()
      }),
      opened: Effect.asVoid(
        Effect.acquireRelease(
          Effect.withFiber((fiber) =>
            Effect.sync(() => {
              open.add(fiber)
              none.closeUnsafe()
              return fiber
            })
          ),
          (fiber) =>
            Effect.sync(() => {
              open.delete(fiber)
              if (open.size === 0) none.openUnsafe()
            })
        )
      )
    }
  })
}
