/**
 * The state of one control, and who listens to it. Invariants: `Cancelled` is
 * never left; state is complete before anybody is told; a scope is in `scopes`
 * exactly while it is open. The scopes listen as one listens to an `AbortSignal`:
 * they live in the scope tree, which alone says what runs.
 */
import * as Effect from "effect/Effect"
import type * as CancelReason from "../CancelReason.ts"
import type { ControlState } from "../ControlState.ts"
import { CurrentNode } from "./currentNode.ts"
import type { ControlledNode, Ended } from "./controlledNode.ts"
import type { ScopeNode } from "./scopeNode.ts"
import { TaskNode } from "./taskNode.ts"
import { TaskRecord } from "./taskRecord.ts"
import { together, trampoline } from "./trampoline.ts"

const running: ControlState = { _tag: "Running" }
const paused: ControlState = { _tag: "Paused" }

export class ControlLatch {
  readonly name: string
  state: ControlState = running
  /** Open runs and steps, outer ones first. */
  readonly scopes = new Set<ControlledNode>()
  /** How the latest batch of outermost scopes ended; absent while none has. */
  last: Ended | undefined = undefined
  private outermost = 0
  private readonly held = new Set<(granted: boolean) => void>()
  private readonly watchers = new Set<() => void>()

  constructor(name: string) {
    this.name = name
  }

  get reason(): CancelReason.CancelReason | undefined {
    return this.state._tag === "Cancelled" ? this.state.reason : undefined
  }

  enter(scope: ControlledNode): void {
    this.scopes.add(scope)
    if (scope.outermost && this.outermost++ === 0) this.last = undefined
  }

  leave(scope: ControlledNode): void {
    if (!this.scopes.delete(scope) || !scope.outermost) return
    this.outermost--
    const { ended } = scope
    if (this.last === undefined || rank[ended.ending] >= rank[this.last.ending]) this.last = ended
  }

  pause(): ControlState {
    if (this.state._tag === "Running") this.become(paused)
    return this.state
  }

  /** Whoever is held now passes, even if a pause follows in the same turn. */
  resume(): ControlState {
    if (this.state._tag === "Paused") {
      const held = Array.from(this.held)
      this.held.clear()
      this.become(running, () => {
        for (const pass of held) trampoline(() => pass(true))
      })
    }
    return this.state
  }

  /** True for the one call that latches; `tell` reaches the scopes before anybody goes on. */
  cancel(reason: CancelReason.CancelReason, tell: () => void): boolean {
    const first = this.state._tag !== "Cancelled"
    const held = Array.from(this.held)
    this.held.clear()
    const all = () => {
      tell()
      for (const wake of held) trampoline(() => wake(false))
    }
    if (first) this.become({ _tag: "Cancelled", reason }, all)
    else together(all)
    return first
  }

  private become(state: ControlState, tell?: () => void): void {
    this.state = state
    together(() => {
      tell?.()
      const watchers = Array.from(this.watchers)
      this.watchers.clear()
      for (const watcher of watchers) trampoline(watcher)
    })
  }

  /** The innermost open scope of this control around `node`. */
  scopeAround(node: ScopeNode): ControlledNode | undefined {
    for (let at: ScopeNode | undefined = node; at !== undefined; at = at.up) {
      if (this.scopes.has(at as ControlledNode)) return at as ControlledNode
      // No cancel from above passes it.
      if (at.standsAlone) return undefined
    }
    return undefined
  }

  /** Holds the current fiber while paused: true when a resume let it pass, false when it should look again. */
  readonly hold: Effect.Effect<boolean> = Effect.withFiber((fiber) =>
    Effect.callback<boolean>((resume) => {
      const node = fiber.getRef(CurrentNode)
      const asked = node.mark !== undefined && !node.gone
      if (this.state._tag !== "Paused" || asked) return resume(Effect.succeed(false))
      const pass = (granted: boolean) => {
        withdraw()
        resume(Effect.succeed(granted))
      }
      this.held.add(pass)
      const noLongerAsk = node instanceof TaskNode ? TaskRecord.of(node).onRequest(() => pass(false)) : undefined
      const withdraw = () => {
        this.held.delete(pass)
        noLongerAsk?.()
      }
      return Effect.sync(withdraw)
    })
  )

  /** Waits until the state is one that `fits` accepts. Between two looks of a slow reader states may come and go. */
  until(fits: (state: ControlState) => boolean): Effect.Effect<ControlState> {
    return Effect.suspend(() =>
      fits(this.state) ? Effect.succeed(this.state) : Effect.andThen(this.change(fits), this.until(fits))
    )
  }

  private change(fits: (state: ControlState) => boolean): Effect.Effect<void> {
    return Effect.withFiber((fiber) =>
      Effect.callback<void>((resume) => {
        // It may have come between the look and the wait.
        if (fits(this.state)) return resume(Effect.void)
        // A reader runs in its own turn, not in the step of the one who changes the state.
        const watcher = () => fiber.currentDispatcher.scheduleTask(() => resume(Effect.void), 0)
        this.watchers.add(watcher)
        return Effect.sync(() => {
          this.watchers.delete(watcher)
        })
      })
    )
  }
}

const rank = { completed: 0, failed: 1, cancelled: 2 } as const
