/**
 * The leak check of every test (K45): the kit's, by the names that the tests use, and what only the kernel's own tests
 * can know, the waits of held-off fibers.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { RootNode } from "../../src/fibers/internal/currentNode.ts"
import { openWaits } from "../../src/fibers/internal/waits.ts"
import { check, type Options, Watch } from "../../src/testing/Leaks.ts"

export { Watch as Leaks }

/** Runs a test and fails it if a scope, a straggler, a fiber or a wait is left. */
export const leakChecked = <A, E, R>(
  effect: Effect.Effect<A, E, R> | ((watch: Watch) => Effect.Effect<A, E, R>),
  options?: Options
): Effect.Effect<A, E, Exclude<R, Scope.Scope>> =>
  Effect.gen(function* () {
    let root: RootNode | undefined
    const value = yield* check((watch: Watch) => {
      root = watch.root
      return typeof effect === "function" ? effect(watch) : effect
    }, options)
    // In real time they end a little later.
    const looks = options?.patience === undefined ? 0 : 1000
    for (let look = 0; look < looks && waitsLeft(root!) !== undefined; look++) yield* Effect.sleep(5)
    const waits = waitsLeft(root!)
    return waits === undefined ? value : yield* Effect.die(new Error(waits))
  })

/** Undefined when no wait is open in this tree. */
export const waitsLeft = (root: RootNode): string | undefined =>
  openWaits(root) === 0 ? undefined : `waits of ${openWaits(root)} are left`
