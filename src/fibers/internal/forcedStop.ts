/**
 * A resource that is stopped the moment its user is cancelled, while the user may
 * still be blocked on it: that is what ends the blocked call. The user is the body
 * of a nursery; beside it a guard, which is told with it, stops the resource.
 * However many ask, `stop` runs once, and all wait for it.
 */
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"
import type { CancelReason } from "../CancelReason.ts"
import { CurrentNode } from "./currentNode.ts"
import { own } from "./groupNode.ts"
import { interruptRequest } from "./interruptRequest.ts"
import { NurseryNode } from "./nurseryNode.ts"

export interface ForcedStop<A, E, R, B, E2, R2, E3, R3> {
  readonly name: string
  readonly acquire: Effect.Effect<A, E, R>
  readonly use: (resource: A) => Effect.Effect<B, E2, R2>
  /** Runs beside the user; fails when the resource is of no more use. */
  readonly watch: (resource: A) => Effect.Effect<never, E3>
  /** With the reason of the cancel; without one when the user has ended by itself. */
  readonly stop: (resource: A, reason: CancelReason | undefined) => Effect.Effect<unknown, unknown, R3>
}

export const forcedStop = <A, E, R, B, E2, R2, E3, R3>(
  options: ForcedStop<A, E, R, B, E2, R2, E3, R3>
): Effect.Effect<B, E | E2 | E3, Exclude<R | R2 | R3, Scope.Scope>> =>
  own((fiber) => {
    const nursery: NurseryNode = new NurseryNode(
      options.name,
      fiber,
      "cancel-siblings",
      Effect.suspend(() => using(nursery, options))
    )
    return nursery
  })

/** The body. Not `acquireUseRelease`: what the user fails with because of the stop must be seen. */
const using = (
  nursery: NurseryNode,
  { acquire, name, stop, use, watch }: ForcedStop<any, any, any, any, any, any, any, any>
): Effect.Effect<any, any, any> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.flatMap(acquire, (resource) => {
      const stopping = new Stopping(name, (reason) => stop(resource, reason))
      // In the same turn as the acquire: who listens to the resource misses nothing.
      const guarded = Effect.andThen(
        startGuard(nursery, watch(resource), stopping),
        Effect.scoped(Effect.suspend(() => use(resource)))
      )
      return Effect.flatMap(Effect.exit(restore(guarded)), (exit) => {
        // A blocked call that failed because its resource was stopped is part of the cancel.
        const ended = stopping.forced && Exit.isFailure(exit) && !Cause.hasDies(exit.cause) ? Effect.interrupt : exit
        const last =
          Exit.hasInterrupts(ended as Exit.Exit<unknown>) || stopping.forced ? stopping.force : stopping.run(undefined)
        return Effect.andThen(last, ended)
      })
    })
  )

/** Goes on when the guard stands; if it cannot, the user has been cancelled with it. */
const startGuard = (nursery: NurseryNode, watch: Effect.Effect<never, any>, stopping: Stopping): Effect.Effect<void> =>
  Effect.withFiber((fiber) =>
    Effect.callback<void>((resume) => {
      const watching = Effect.suspend(() => {
        resume(Effect.void)
        return watch
      })
      // The user is told first: what fails because of the stop is then no failure of the user.
      const guard = Effect.onInterrupt(watching, () => Effect.andThen(Effect.yieldNow, stopping.force))
      const child = nursery.adopt("stop", guard, fiber, { background: true })
      const withdraw = child.onClosed(() => resume(Effect.void))
      child.start()
      return Effect.sync(withdraw)
    })
  )

/** Why the current fiber is being interrupted. */
export const whyInterrupted: Effect.Effect<CancelReason> = Effect.withFiber((fiber) =>
  Effect.succeed(interruptRequest(fiber.getRef(CurrentNode)).reason)
)

class Stopping {
  /** Begun because of a cancel, and not because the user had ended. */
  forced = false
  private begun = false
  private readonly done = Deferred.makeUnsafe<void>()
  private readonly name: string
  private readonly stop: (reason: CancelReason | undefined) => Effect.Effect<unknown, unknown, any>

  constructor(name: string, stop: (reason: CancelReason | undefined) => Effect.Effect<unknown, unknown, any>) {
    this.name = name
    this.stop = stop
  }

  get force(): Effect.Effect<void, never, any> {
    return Effect.flatMap(whyInterrupted, (reason) => this.run(reason))
  }

  /** The first caller runs it; its failure is one of clean-up. */
  run(reason: CancelReason | undefined): Effect.Effect<void, never, any> {
    return Effect.withFiber((fiber) => {
      if (this.begun) return Deferred.await(this.done)
      this.begun = true
      this.forced = reason !== undefined
      const node = fiber.getRef(CurrentNode)
      return Effect.suspend(() => this.stop(reason)).pipe(
        Effect.catchCause((cause) => Effect.sync(() => node.cleanupFailed(this.name, cause, fiber.context))),
        Effect.andThen(Deferred.succeed(this.done, undefined))
      )
    })
  }
}
