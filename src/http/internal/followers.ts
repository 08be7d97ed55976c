/** Counts the clients that follow a task which stops when the last of them has left. */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Task from "../../fibers/Task.ts"

export interface Followed {
  /** How many follow it who may stop it. */
  followers: number
  /** How many times one of them has left. */
  departures: number
}

export interface Leaving {
  readonly task: Task.Task<unknown, unknown, unknown>
  /** How long to wait for another client. */
  readonly linger: Duration.Duration | undefined
  readonly stop: Effect.Effect<unknown>
  /** Of the server: the client is gone, and its request with it. */
  readonly scope: Scope.Scope
}

/** Counts this client until the scope closes. */
export const follow = (followed: Followed, leaving: Leaving): Effect.Effect<void, never, Scope.Scope> =>
  Effect.asVoid(
    Effect.acquireRelease(
      Effect.sync(() => followed.followers++),
      () =>
        Effect.suspend(() => {
          followed.followers--
          return left(followed, leaving)
        })
    )
  )

/** The last client to leave stops the task, unless another comes in time. */
const left = (followed: Followed, { linger, scope, stop, task }: Leaving): Effect.Effect<void> => {
  const departure = ++followed.departures
  const unlessAnother = Effect.suspend(() =>
    followed.followers > 0 || followed.departures !== departure ? Effect.void : Effect.asVoid(stop)
  )
  if (linger === undefined || followed.followers > 0) return unlessAnother
  const waited = Effect.andThen(Effect.sleep(linger), unlessAnother)
  // The task ends the wait when it ends by itself.
  return Effect.asVoid(Effect.forkIn(Effect.raceFirst(waited, Task.await(task)), scope))
}
