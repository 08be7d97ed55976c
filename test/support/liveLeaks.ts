/**
 * The leak check for tests in real time: nodes, stragglers and fibers as in
 * `leakChecked`, and what Node still holds open: threads, ports, processes, pipes.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import { Leaks } from "./leaks.ts"

const handles = (): ReadonlyArray<string> =>
  process
    .getActiveResourcesInfo()
    .filter((kind) => /Worker|MessagePort|Process|Pipe/.test(kind))
    .toSorted()

/** Answers once `condition` holds; dies when it does not within so many seconds. */
export const eventually = (condition: () => boolean, what: () => string, seconds = 20): Effect.Effect<void> =>
  Effect.gen(function* () {
    for (let tries = 0; !condition(); tries++) {
      if (tries > seconds * 100) return yield* Effect.die(new Error(`never came true: ${what()}`))
      yield* Effect.sleep(10)
    }
  })

export const liveLeakChecked = <A, E, R>(
  effect: Effect.Effect<A, E, R> | ((leaks: Leaks) => Effect.Effect<A, E, R>)
): Effect.Effect<A, E, Exclude<R, Scope.Scope>> =>
  Effect.gen(function* () {
    const before = handles()
    const leaks = new Leaks(yield* Clock.Clock)
    const body = typeof effect === "function" ? effect(leaks) : effect
    const fiber = yield* Effect.forkChild(leaks.within(Effect.scoped(body)))
    const exit = yield* Fiber.await(fiber)
    const value = yield* exit
    yield* eventually(
      () => leaks.left === undefined && handles().length <= before.length,
      () => `${leaks.left ?? "nothing left in the tree"}; handles [${handles().join()}], before [${before.join()}]`
    )
    return value
  })
