/**
 * A branch of a merge: a member with hooks that undo what it has done. They are
 * run only when it lost, by its own scope, after everything that the branch
 * acquired there, the last one first.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { TaskNode } from "../../fibers/internal/taskNode.ts"
import { HookTimedOut } from "../HookTimedOut.ts"
import type { Undone } from "../Undone.ts"

export interface Hook {
  readonly step: string
  readonly effect: Effect.Effect<unknown, unknown>
  readonly within: Duration.Duration
}

export class BranchNode extends TaskNode {
  private hooks: Array<Hook> | undefined = undefined
  private undoing: "no" | "on close" | "now" = "no"

  /** Keeps a hook; one that comes when the others have run is run now, as a scope would. */
  addHook(hook: Hook, lost: () => boolean, told: (undone: Undone) => void): Effect.Effect<void> {
    ;(this.hooks ??= []).push(hook)
    if (this.undoing === "no" && this.exit !== undefined && lost()) this.undoing = "now"
    return this.undoing === "now" ? this.undo(told) : Effect.void
  }

  get hookCount(): number {
    return this.hooks?.length ?? 0
  }

  /** Asked when the fiber has exited: from now on closing the scope of this branch ends with its hooks. */
  undoOnClose(told: (undone: Undone) => void): void {
    this.undoing = "on close"
    const own = Scope.makeUnsafe()
    own.state = this.state
    this.state = {
      _tag: "Open",
      finalizerKey: own,
      finalizer: (exit) =>
        Effect.ensuring(
          Scope.close(own, exit),
          Effect.suspend(() => {
            this.undoing = "now"
            return this.undo(told)
          })
        ),
      finalizers: undefined
    }
  }

  private undo(told: (undone: Undone) => void): Effect.Effect<void> {
    return Effect.suspend(() => {
      const hook = this.hooks?.pop()
      if (hook === undefined) return Effect.void
      return Effect.flatMap(Effect.exit(this.bounded(hook)), (exit) => {
        told({ path: this.name, step: hook.step, failure: Exit.isFailure(exit) ? exit.cause : undefined })
        return this.undo(told)
      })
    })
  }

  private bounded({ effect, step, within }: Hook): Effect.Effect<unknown, unknown> {
    if (!Duration.isFinite(within)) return effect
    return Effect.timeoutOrElse(effect, {
      duration: within,
      orElse: () => Effect.fail(new HookTimedOut({ path: this.name, step, within }))
    })
  }
}
