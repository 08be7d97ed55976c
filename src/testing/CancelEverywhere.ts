/**
 * Is this code safe to cancel? `run` executes a program once to count the points at which a cancel can come: before
 * every operation of every fiber, and while all of them wait. Then it executes it once for each point with a cancel at
 * exactly that point, and looks after each run whether all that ought to hold does: it ended, nothing is left, each
 * resource was closed once, whoever was interrupted could read why. Programs are effects without promises and real
 * timers, since time and turns are the checker's: give it your code with fakes for what is outside.
 *
 * @since 0.1.0
 */
import type { CheckOptions } from "./CheckOptions.ts"
import { flag, replayed, wholeNumber } from "./internal/options.ts"
import { type Schedule, undisturbed } from "./internal/schedule.ts"
import { Checking, mustHaveCome } from "./internal/checking.ts"
import { CheckFailed, type Failure, type Report } from "./Report.ts"
import type { Program, Trial } from "./Trial.ts"

/**
 * @category models
 * @since 0.1.0
 */
export interface Options<A, E> extends CheckOptions<A, E> {
  /**
   * Also a second cancel, with another reason and a native interrupt beside it, at each point of what follows the
   * first: clean-up that is itself interrupted. Squares the number of runs.
   */
  readonly again?: boolean | undefined
  /** At most so many runs; of more places, evenly spread ones are tried. Default 20,000. */
  readonly maxRuns?: number | undefined
}

/**
 * Cancels the program at every point and reports every run that went wrong. Throws a `RangeError` that names the
 * field if an option cannot be meant.
 *
 * @category checkers
 * @since 0.1.0
 */
export const run = <A, E>(program: Program<A, E>, options: Options<A, E> = {}): Report<A, E> => {
  const checking = new Checking(program, options)
  const maxRuns = wholeNumber("maxRuns", options.maxRuns ?? 20_000)
  const again = flag("again", options.again)
  const failures: Array<Failure<A, E>> = []
  const attempt = (schedule: Schedule): Trial<A, E> => {
    const trial = checking.run(schedule)
    const failure = checking.wrong(trial).length > 0 ? checking.failure(trial, schedule) : undefined
    if (failure !== undefined) failures.push(failure)
    return trial
  }

  const schedule = options.replay === undefined ? undisturbed : replayed(options.replay)
  const first = attempt(schedule)
  if (failures.length === 0) mustHaveCome(schedule, first)
  const { points } = first
  const report = (exhausted: boolean): Report<A, E> => ({
    checker: "CancelEverywhere",
    points,
    runs: checking.runs,
    steps: checking.steps,
    exhausted,
    failures
  })
  // What goes wrong without an end goes wrong at every point; what is another program each time has no points.
  if (options.replay !== undefined || (first.outcome === undefined && failures.length > 0)) return report(false)
  const repeated = checking.repeated(first)
  if (repeated !== undefined) {
    failures.push(repeated)
    return report(false)
  }
  let exhausted = true
  // Point 0 is before the first operation.
  const everyFirst = spread(0, points, again ? Math.ceil(Math.sqrt(maxRuns)) : maxRuns - 1)
  exhausted &&= everyFirst.length === points + 1
  for (const cancel of everyFirst) {
    const last = attempt({ ...undisturbed, cancel }).points
    if (!again) continue
    const left = Math.max(1, Math.floor(maxRuns / everyFirst.length))
    const everySecond = spread(cancel + 1, last, left)
    exhausted &&= everySecond.length === last - cancel
    for (const second of everySecond) attempt({ ...undisturbed, cancel, again: second })
  }
  // What has changed since comes from the runs before.
  const changed = failures.length === 0 ? checking.repeated(first) : undefined
  if (changed !== undefined) failures.push(changed)
  return report(exhausted)
}

/**
 * The same, for tests: throws `CheckFailed`, whose message is the report, if anything went wrong.
 *
 * @category checkers
 * @since 0.1.0
 */
export const check = <A, E>(program: Program<A, E>, options?: Options<A, E>): Report<A, E> => {
  const report = run(program, options)
  if (report.failures.length > 0) throw new CheckFailed(report, check)
  return report
}

/** All whole numbers of the range, or `most` of them, evenly spread. */
const spread = (from: number, to: number, most: number): ReadonlyArray<number> => {
  const count = Math.max(0, to - from + 1)
  if (count <= most) return Array.from({ length: count }, (_, index) => from + index)
  return Array.from({ length: most }, (_, index) => from + Math.floor((index * count) / most))
}
