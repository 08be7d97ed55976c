/**
 * The buttons of a run: pause, resume, skip, skip back, cancel. Reach for it where
 * somebody outside (a user, a debugger, an operator) steers what runs inside. A
 * cancel is final: no pause, resume or skip undoes it, and it wakes whoever is
 * paused. A control is a value that many runs and many controllers may share; it
 * owns no task, the runs stay in the scope tree.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type * as CancelReason from "./CancelReason.ts"
import type { CancelResult } from "./CancelResult.ts"
import type { ControlState } from "./ControlState.ts"
import { cancelControl, skipSteps } from "./internal/controlCancel.ts"
import { pass, passAll } from "./internal/controlGate.ts"
import { ControlledNode, StepNode } from "./internal/controlledNode.ts"
import { ControlLatch } from "./internal/controlLatch.ts"
import { own } from "./internal/groupNode.ts"
import type { ScopeCancelled } from "./ScopeCancelled.ts"
import type { StepResult } from "./StepResult.ts"
import type { CancelOptions } from "./Task.ts"

const TypeId: unique symbol = Symbol.for("rescind/fibers/Control")

/**
 * @category models
 * @since 0.1.0
 */
export interface Control {
  readonly [TypeId]: unknown
  /** The name of its runs in the tree, and the scope that its reasons name. */
  readonly name: string
  readonly state: Effect.Effect<ControlState>
  /**
   * The state now and each new one; ends after `Cancelled`, which nobody misses.
   * A slow reader does not see what came and went between two looks.
   */
  readonly changes: Stream.Stream<ControlState>
  /** Waits until somebody cancels, and answers why. */
  readonly cancelled: Effect.Effect<CancelReason.CancelReason>
  /** Runs are held at their next gate or step. Answers the state after it: paused, or cancelled for good. */
  readonly pause: Effect.Effect<ControlState>
  /** Lets pass whoever is held, also when a pause follows at once. Answers the state after it. */
  readonly resume: Effect.Effect<ControlState>
  /**
   * Latches, tells every run in one step, and waits until all have ended or the
   * policy gives up. With grace the step under way may finish; the next gate ends
   * the run. Answers what became of the runs: where the last one had already
   * ended, `AlreadyCompleted` or `AlreadyFailed`, though the control is cancelled
   * in any case.
   */
  readonly cancel: (options?: CancelOptions) => Effect.Effect<CancelResult>
  /**
   * Ends the step under way, waits for its clean-up, and lets the run go on, with
   * `Skipped`. Of steps inside steps it means the innermost; of several at once,
   * all, unless `step` names one. With no step under way it answers `NotFound` and
   * changes nothing. Under a cancel it answers `AlreadyCancelled`: cancel wins.
   */
  readonly skip: (options?: SkipOptions) => Effect.Effect<CancelResult>
  /**
   * Passes at once while running, waits while paused. In a cancelled run it ends
   * the run, also in its grace. Waiting is interruptible. Clean-up is never held:
   * in an interrupted scope it passes.
   */
  readonly gate: Effect.Effect<void>
}

/**
 * Which step, where to, why, and how patiently.
 *
 * @category models
 * @since 0.1.0
 */
export interface SkipOptions extends CancelOptions {
  /** Only steps of this name. */
  readonly step?: string | undefined
  /** Where the run should go on: told in `Skipped.to`. Default "next". */
  readonly to?: "next" | "previous" | undefined
}

/**
 * A control of its own state, running.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (name = "control"): Effect.Effect<Control> => Effect.sync(() => handle(new ControlLatch(name)))

const handle = (latch: ControlLatch): Control => ({
  [TypeId]: latch,
  name: latch.name,
  state: Effect.sync(() => latch.state),
  changes: Stream.paginate<ControlState | undefined, ControlState>(undefined, (seen) =>
    Effect.map(
      latch.until((state) => state !== seen),
      (state) => [[state], state._tag === "Cancelled" ? Option.none() : Option.some(state)]
    )
  ),
  cancelled: Effect.map(
    latch.until((state) => state._tag === "Cancelled"),
    () => latch.reason!
  ),
  pause: Effect.sync(() => latch.pause()),
  resume: Effect.sync(() => latch.resume()),
  cancel: (options) => cancelControl(latch, options),
  skip: (options) => skipSteps(latch, options),
  gate: pass([latch])
})

const latchOf = (control: Control): ControlLatch => control[TypeId] as ControlLatch

/**
 * Runs the effect under the control, in a scope of its own: a cancel of the
 * control fails it with `ScopeCancelled`, and the caller lives. Under a control
 * that is cancelled already the effect does not start.
 *
 * @category combinators
 * @since 0.1.0
 */
export const run = <A, E, R>(
  control: Control,
  effect: Effect.Effect<A, E, R>
): Effect.Effect<A, E | ScopeCancelled, Exclude<R, Scope.Scope>> =>
  own((fiber) => new ControlledNode(latchOf(control), control.name, fiber, effect)) as never

/**
 * One step of a run: waits at the gate, then runs the effect in a scope of its
 * own, which `skip` ends. A step that waits at the gate can be skipped too: its
 * effect then never starts.
 *
 * **Gotchas**
 *
 * A step belongs in a run. Without one a cancel of the control interrupts whoever
 * takes the step, with the reason.
 *
 * @category combinators
 * @since 0.1.0
 */
export const step = <A, E, R>(
  control: Control,
  name: string,
  effect: Effect.Effect<A, E, R>
): Effect.Effect<StepResult<A>, E, Exclude<R, Scope.Scope>> =>
  own((fiber) => new StepNode(latchOf(control), name, fiber, Effect.andThen(control.gate, effect))) as never

/**
 * The gates of all controls whose runs the current fiber is in: for library code
 * that nobody hands a control. Outside of any run it passes.
 *
 * @category inside
 * @since 0.1.0
 */
export const gate: Effect.Effect<void> = passAll
