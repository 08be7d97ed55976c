/**
 * A named region that a cancel does not reach: a final save, the release of a
 * lease, a step that must not be left half done. Its work runs on a fiber of its
 * own and sees nothing of a cancel, a deadline or an interrupt from outside;
 * these take effect when the work has ended. A budget bounds how long it may
 * hold them off, and whoever asks where a cancel hangs is told the name.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { own } from "./internal/groupNode.ts"
import { ShieldNode } from "./internal/shieldNode.ts"
import { validMillis } from "./internal/validDuration.ts"

/**
 * @category models
 * @since 0.1.0
 */
export interface ShieldOptions {
  /**
   * How long the shield may hold off the first cancel that it meets; then the
   * work is interrupted with the reason of that cancel. Default: for ever.
   */
  readonly budget?: Duration.Input | undefined
}

/**
 * Runs the effect where no cancel from outside reaches it, and returns its value
 * or failure. Inside, `Task.requested`, `Task.signal`, `CancelReason.current` and
 * `Deadline.current` know nothing of what is outside; a cancel or deadline of
 * something inside works as everywhere (contract K39).
 *
 * **Details**
 *
 * A cancel that came meanwhile takes effect as soon as the work has ended; the
 * value, which then nobody can receive, is on the `salvaged` of the enclosing
 * task. A cancel with `giveUp` decides the task in time; the work runs on, and
 * `Stragglers` and `TaskTree` name the shield.
 *
 * The budget counts from the request, its grace included. For a shield that
 * opens when the cancel is already under way, in a finalizer say, it counts from
 * the opening: a last save has its whole budget, however long the clean-up before
 * it took. Scopes pass through: what the effect acquires lives as long as what
 * is acquired around the shield.
 *
 * **Gotchas**
 *
 * An interrupt of Effect's own (`Effect.timeout`, a lost `Effect.race`) is held
 * off too and starts the budget, but one that came before the shield opened
 * leaves no trace to count from.
 *
 * @example
 * ```ts
 * yield* Shield.run("save invoice", save(invoice), { budget: "2 seconds" })
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const run = <A, E, R>(
  name: string,
  effect: Effect.Effect<A, E, R>,
  options?: ShieldOptions
): Effect.Effect<A, E, R> =>
  Effect.suspend(() => {
    const budget = options?.budget === undefined ? Infinity : validMillis("budget", options.budget)
    return own((owner) => new ShieldNode(name, owner, effect, budget))
  })
