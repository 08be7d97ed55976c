/**
 * Where a fiber stands in the scope tree. A `Context.Reference` is inherited by
 * every fiber below, Effect's own combinators included: that is what lets all
 * of them read one reason without a registry.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import type { Observer } from "./observers.ts"
import { ScopeNode } from "./scopeNode.ts"
import type { Waits } from "./waits.ts"

/** The root of everything that runs outside of any task. */
export class RootNode extends ScopeNode {
  private readonly time: Clock.Clock
  readonly observers = new Set<Observer>()
  readonly waits: Waits = new Map()

  constructor(clock: Clock.Clock) {
    super("root", "root", undefined)
    this.time = clock
  }

  override get clock(): Clock.Clock {
    return this.time
  }
}

const processRoot = new RootNode(Context.get(Context.empty(), Clock.Clock))

export const CurrentNode = Context.Reference<ScopeNode>("rescind/fibers/CurrentNode", {
  defaultValue: () => processRoot
})
