/**
 * One run of a program in a deterministic world, and what is known when it has ended. `Simulation.run` makes one;
 * the checkers make thousands and judge each.
 *
 * @since 0.1.0
 */
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type * as CancelReason from "../fibers/CancelReason.ts"
import type { TaskOutcome } from "../fibers/TaskOutcome.ts"
import type { Finding } from "./Finding.ts"
import type { Ledger } from "./Ledger.ts"

/**
 * @category models
 * @since 0.1.0
 */
export interface Trial<out A = unknown, out E = unknown> {
  /** How the program ended, as a task; undefined if it did not. */
  readonly outcome: TaskOutcome<A, E> | undefined
  /** The cancel that was injected: before which point, and when in virtual milliseconds. */
  readonly cancelled: { readonly point: number; readonly at: number; readonly reason: CancelReason.Draft } | undefined
  readonly ledger: Ledger
  /** How many points the run had up to its end: places at which a cancel can come. */
  readonly points: number
  /** How many operations all fibers executed together. */
  readonly steps: number
  /** Virtual milliseconds from the start to the end. */
  readonly took: number
  readonly findings: ReadonlyArray<Finding>
}

/**
 * What a user's own check says of a trial: a sentence that says what is wrong, or nothing. It may throw, as `expect` does.
 *
 * @category models
 * @since 0.1.0
 */
export type Invariant<A, E> = (trial: Trial<A, E>) => string | undefined | void

/**
 * A program together with what was made with it: a check that looks at its state, and the way in which it is cancelled
 * if that is another than to interrupt it, such as the handler behind its cancel button. From the moment that this
 * answers, no `Ledger.work` may begin: "cancelled" must not be said while the work goes on.
 *
 * @category models
 * @since 0.1.0
 */
export interface Checked<A, E> {
  readonly program: Effect.Effect<A, E, Scope.Scope>
  readonly invariant?: Invariant<A, E> | undefined
  readonly cancel?: Effect.Effect<unknown, unknown> | undefined
}

/**
 * What a checker runs: an effect, or a function that makes a fresh one for every run, which programs need that close
 * over mutable state.
 *
 * @category models
 * @since 0.1.0
 */
export type Program<A, E> = Effect.Effect<A, E, Scope.Scope> | (() => Effect.Effect<A, E, Scope.Scope> | Checked<A, E>)
