/** The node that owns the handlers of a server while they run; see `RunningHandlers`. */
import type * as Clock from "effect/Clock"
import type * as Effect from "effect/Effect"
import type { Drainable } from "../../fibers/internal/drain.ts"
import { ScopeNode } from "../../fibers/internal/scopeNode.ts"
import type { DrainReport } from "../../fibers/Tasks.ts"

export class HandlersNode extends ScopeNode implements Drainable {
  private readonly time: Clock.Clock
  draining: Effect.Effect<DrainReport> | undefined = undefined
  declare drainsBy?: number
  readonly onEmpty: Array<() => void> = []

  constructor(near: ScopeNode, clock: Clock.Clock) {
    // Below the root, as the node of `Tasks` is: no task's cancel reaches it.
    super("tasks", "handlers", near.root)
    this.time = clock
    this.open()
  }

  override get clock(): Clock.Clock {
    return this.time
  }

  override childClosed(): void {
    if (this.live > 0) return
    for (const listener of this.onEmpty.splice(0)) listener()
  }

  /** Leaves the tree; nothing is started here any more. */
  shut(): void {
    if (!this.gone) this.close()
  }
}
