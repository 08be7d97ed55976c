/**
 * Runs a program once in a deterministic world: fibers take turns in a fixed order, time is virtual and passes at once,
 * chance is seeded. It answers when the program has ended, or can do nothing more, without a promise. For a test that
 * wants to know how a program ends, when, and what it did; `CancelEverywhere` and `Explore` make many such runs.
 *
 * ```ts
 * const { outcome, took } = Simulation.run(Effect.sleep("1 hour"), { cancelAt: 2 })
 * ```
 *
 * @since 0.1.0
 */
import type { CheckOptions } from "./CheckOptions.ts"
import { replayed, wholeNumber } from "./internal/options.ts"
import { randomFrom } from "./internal/random.ts"
import { following, Recorder, undisturbed } from "./internal/schedule.ts"
import { Checking } from "./internal/checking.ts"
import { randomWalk } from "./internal/strategies.ts"
import type { Program, Trial } from "./Trial.ts"

/**
 * @category models
 * @since 0.1.0
 */
export interface Options<A, E> extends Pick<
  CheckOptions<A, E>,
  "reason" | "grace" | "giveUp" | "within" | "maxSteps" | "replay"
> {
  /** Cancels the program at this point: 0 is before its first operation, a trial's `points` is the last. */
  readonly cancelAt?: number | undefined
  /** Pauses fibers and chooses who runs next by lot, the same for the same seed. Default: the first that is ready. */
  readonly seed?: number | undefined
}

const pauses = 0.3

/**
 * What became of the program; `findings` says what a checker would hold against it. Throws a `RangeError` that names
 * the field if an option cannot be meant.
 *
 * @category running
 * @since 0.1.0
 */
export const run = <A, E>(program: Program<A, E>, options: Options<A, E> = {}): Trial<A, E> => {
  const checking = new Checking(program, options)
  const { replay, cancelAt, seed } = options
  if (replay !== undefined && (cancelAt !== undefined || seed !== undefined)) {
    throw new RangeError("replay decides everything: leave out cancelAt and seed")
  }
  if (cancelAt !== undefined) wholeNumber("cancelAt", cancelAt, 0)
  const schedule = replay === undefined ? { ...undisturbed, cancel: cancelAt } : replayed(replay)
  const walk = seed === undefined ? undefined : randomWalk(randomFrom(wholeNumber("seed", seed)), pauses).next()
  const recorder = new Recorder(walk ?? following(schedule))
  const trial = checking.run(schedule, recorder)
  if (trial.outcome !== undefined) return trial
  // A closer look tells what waits for the host from what is stuck by itself.
  const failure = checking.failure(trial, {
    ...schedule,
    pauses: recorder.pauses,
    picks: recorder.picks,
    lates: recorder.lates
  })
  return failure === undefined ? trial : { ...trial, findings: failure.findings }
}
