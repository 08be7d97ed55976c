/**
 * A resource that is stopped the moment its user is cancelled, while the user may
 * still be blocked on it: that is what ends the blocked call. The user is the body
 * of a nursery; beside it a guard, which is told with it, stops the resource.
 * However many ask, `stop` runs once, and all wait for it.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"
import type { CancelReason } from "../CancelReason.ts"
import * as Nursery from "../Nursery.ts"
import type { ScopeCancelled } from "../ScopeCancelled.ts"
import { CurrentNode } from "./currentNode.ts"
import { interruptRequest } from "./interruptRequest.ts"

export interface ForcedStop<A, E, R, B, E2, R2, E3, R3> {
  readonly name: string
  readonly acquire: Effect.Effect<A, E, R>
  readonly use: (resource: A) => Effect.Effect<B, E2, R2>
  /** Runs beside the user; fails when the resource is of no more use. */
  readonly watch: (resource: A) => Effect.Effect<never, E3>
  /** With the reason of the cancel; without one when the user has ended by itself. */
  readonly stop: (resource: A, reason: CancelReason | undefined) => Effect.Effect<unknown, unknown, R3>
}

export const forcedStop = <A, E, R, B, E2, R2, E3, R3>({
  acquire,
  name,
  stop,
  use,
  watch
}: ForcedStop<A, E, R, B, E2, R2, E3, R3>): Effect.Effect<B, E | E2 | E3, Exclude<R | R2 | R3, Scope.Scope>> =>
  Nursery.run(name, (nursery: Nursery.Nursery<E3>) =>
    Effect.acquireUseRelease(
      Effect.map(acquire, (resource) => ({ resource, stop: once(name, (reason) => stop(resource, reason)) })),
      ({ resource, stop }) => {
        const guard = (ready: (value: void) => Effect.Effect<void>): Effect.Effect<never, E3, R3> =>
          Effect.onInterrupt(Effect.andThen(ready(undefined), watch(resource)), () =>
            // The user is told first: what fails because of the stop is then no failure of the user.
            Effect.andThen(Effect.yieldNow, Effect.flatMap(whyInterrupted, stop))
          )
        const guarded = nursery.spawnReady("stop", guard, { background: true })
        // Only a cancel ends the guard early, and then the user with it.
        const ready = Effect.catchTag(
          guarded as typeof guarded & Effect.Effect<void, Nursery.NeverReady>,
          "NeverReady",
          Effect.die
        )
        return Effect.andThen(ready, Effect.scoped(use(resource)))
      },
      ({ stop }, exit) => (Exit.hasInterrupts(exit) ? Effect.flatMap(whyInterrupted, stop) : stop(undefined))
    )
  ) as Effect.Effect<B, Exclude<E | E2 | E3, ScopeCancelled>, any>

/** Why the current fiber is being interrupted. */
export const whyInterrupted: Effect.Effect<CancelReason> = Effect.withFiber((fiber) =>
  Effect.succeed(interruptRequest(fiber.getRef(CurrentNode)).reason)
)

/** The first caller runs `stop`; its failure is one of clean-up. */
const once = <R>(
  name: string,
  stop: (reason: CancelReason | undefined) => Effect.Effect<unknown, unknown, R>
): ((reason: CancelReason | undefined) => Effect.Effect<void, never, R>) => {
  const stopped = Deferred.makeUnsafe<void>()
  let begun = false
  return (reason) =>
    Effect.withFiber((fiber) => {
      if (begun) return Deferred.await(stopped)
      begun = true
      const node = fiber.getRef(CurrentNode)
      return Effect.suspend(() => stop(reason)).pipe(
        Effect.catchCause((cause) => Effect.sync(() => node.cleanupFailed(name, cause, fiber.context))),
        Effect.andThen(Deferred.succeed(stopped, undefined))
      )
    })
}
