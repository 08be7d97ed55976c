/**
 * The handle of one visit of a merge: for its branches, which register here how
 * to undo what they have done, and for whoever arrives, looks or cancels from
 * outside. It may be kept: after the visit it answers how that ended.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type { CancelResult } from "../fibers/CancelResult.ts"
import type { CancelOptions } from "../fibers/Task.ts"
import type { Arrival } from "./Arrival.ts"
import type { VisitState } from "./VisitState.ts"

/**
 * @category models
 * @since 0.1.0
 */
export interface HookOptions {
  /** What is undone, for the report. Default: its number in the branch. */
  readonly step?: string | undefined
  /** How long the hook may take. Default: that of the merge. */
  readonly within?: Duration.Input | undefined
}

/**
 * @category models
 * @since 0.1.0
 */
export interface Visit<in Decision, in Path extends string = never> {
  readonly merge: string
  /**
   * Arrives on behalf of a path: the first one decides, and every branch is
   * cancelled; the branch of that path too, since its value is there. A later one
   * is told who was first.
   */
  readonly arrive: (path: Path, value: Decision) => Effect.Effect<Arrival>
  readonly state: Effect.Effect<VisitState>
  /**
   * Inside a branch: how to undo a step that is done. If the branch loses, its
   * hooks run after its finalizers, the last one first, each once; if it wins they
   * are dropped. A failure of one stands in the report and stops none.
   */
  readonly compensate: <E, R>(
    hook: Effect.Effect<unknown, E, R>,
    options?: HookOptions
  ) => Effect.Effect<void, never, R>
  /**
   * Inside a branch: does a step and registers how to undo it, with no gap between
   * in which a cancel could strike. The step is uninterruptible unless it says
   * otherwise; then a cancel may leave it done, as any interrupted effect, and not
   * undone.
   */
  readonly step: <A, E, R, E2, R2>(
    step: string,
    effect: Effect.Effect<A, E, R>,
    undo: (value: A) => Effect.Effect<unknown, E2, R2>,
    options?: { readonly interruptible?: boolean | undefined; readonly within?: Duration.Input | undefined }
  ) => Effect.Effect<A, E, R | R2>
  /** Cancels one branch; the others go on. `NotFound` before it was started. */
  readonly cancel: (branch: string, options?: CancelOptions) => Effect.Effect<CancelResult>
}
