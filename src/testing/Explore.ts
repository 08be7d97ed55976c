/**
 * Does this code hold under every interleaving? `run` executes a program many times, each time with another order of
 * the fibers that can run and other places at which one is made to pause, and looks after each run as
 * `CancelEverywhere` does. It searches in three ways: depth first through everything with few pauses, at random, and by
 * random priorities (PCT). The first run that fails is made as small as it gets, and can be replayed.
 *
 * @since 0.1.0
 */
import type { CheckOptions } from "./CheckOptions.ts"
import { flag, named, probability, replayed, wholeNumber } from "./internal/options.ts"
import { randomFrom } from "./internal/random.ts"
import { following, Recorder, type Schedule, undisturbed } from "./internal/schedule.ts"
import { Checking, mustHaveCome } from "./internal/checking.ts"
import { shrink } from "./internal/shrinking.ts"
import { depthFirst, pct, randomWalk, type Search } from "./internal/strategies.ts"
import type { Director } from "./internal/world.ts"
import { CheckFailed, type Failure, type Report } from "./Report.ts"
import type { Program, Trial } from "./Trial.ts"

/**
 * - `bounded`: depth first through every order of the ready fibers with at most `preemptions` pauses (default 1);
 * - `random`: before each operation a pause with probability `preempt` (default 0.3), and any ready fiber next. With
 *   probability `late` (default 0) the next timer fires although fibers could run, as on a busy machine: otherwise time
 *   passes only when nobody can. A program that means its sleeps to be exact does not hold then;
 * - `pct`: random priorities that change at `depth - 1` operations (default 3), which finds a bug that needs `depth`
 *   things in order with a probability that has a lower bound.
 *
 * @category models
 * @since 0.1.0
 */
export type Strategy =
  | { readonly _tag: "bounded"; readonly preemptions?: number | undefined }
  | { readonly _tag: "random"; readonly preempt?: number | undefined; readonly late?: number | undefined }
  | { readonly _tag: "pct"; readonly depth?: number | undefined }

/**
 * @category models
 * @since 0.1.0
 */
export interface Options<A, E> extends CheckOptions<A, E> {
  /** Default: all three, a third of the runs each. */
  readonly strategies?: ReadonlyArray<Strategy> | undefined
  /** How many runs at most. Default 1,000. */
  readonly runs?: number | undefined
  /** For `random` and `pct`. Default 1: the same runs every time. */
  readonly seed?: number | undefined
  /** Also cancel the program, in each run at another point. Default false. */
  readonly cancel?: boolean | undefined
}

const everyStrategy: ReadonlyArray<Strategy> = [{ _tag: "bounded" }, { _tag: "random" }, { _tag: "pct" }]

/**
 * Executes the program under many interleavings and reports the first run that went wrong. Throws a `RangeError` that
 * names the field if an option cannot be meant.
 *
 * @category checkers
 * @since 0.1.0
 */
export const run = <A, E>(program: Program<A, E>, options: Options<A, E> = {}): Report<A, E> => {
  const checking = new Checking(program, options)
  const runs = wholeNumber("runs", options.runs ?? 1_000)
  const random = randomFrom(wholeNumber("seed", options.seed ?? 1))
  const strategies = options.strategies ?? everyStrategy
  if (!Array.isArray(strategies) || strategies.length === 0) {
    const given = Array.isArray(strategies) ? "empty" : named(strategies)
    throw new RangeError(`strategies must name at least one strategy, but it is ${given}`)
  }
  const cancels = flag("cancel", options.cancel)
  const report = (points: number, exhausted: boolean, failure?: Failure<A, E>): Report<A, E> => ({
    checker: "Explore",
    points,
    runs: checking.runs,
    steps: checking.steps,
    exhausted,
    failures: failure === undefined ? [] : [failure]
  })
  const failureOf = (trial: Trial<A, E>, schedule: Schedule): Failure<A, E> | undefined =>
    checking.wrong(trial).length > 0 ? checking.failure(trial, schedule) : undefined

  if (options.replay !== undefined) {
    const schedule = replayed(options.replay)
    const trial = checking.run(schedule)
    if (checking.wrong(trial).length === 0) mustHaveCome(schedule, trial)
    return report(trial.points, false, failureOf(trial, schedule))
  }
  const first = checking.run(undisturbed)
  const fails = failureOf(first, undisturbed)
  if (fails !== undefined) return report(first.points, false, fails)
  const repeated = checking.repeated(first)
  if (repeated !== undefined) return report(first.points, false, repeated)

  const plans = strategies.map((strategy) => planOf(strategy, random, first, cancels))
  let exhausted = false
  for (let index = 0; index < strategies.length; index++) {
    const share = Math.ceil((runs - checking.runs) / (strategies.length - index))
    const next = plans[index]!
    for (let count = 0; count < share; count++) {
      const tried = next()
      if (tried === undefined) {
        exhausted = true
        break
      }
      const recorder = new Recorder(tried.director)
      const decided = { ...undisturbed, cancel: tried.cancel }
      const trial = checking.run(decided, recorder)
      if (checking.wrong(trial).length === 0) continue
      const schedule = { ...decided, pauses: recorder.pauses, picks: recorder.picks, lates: recorder.lates }
      const small = smallest(checking, schedule, trial)
      const failure = checking.failure(small.trial, small.schedule)
      if (failure !== undefined) return report(first.points, false, failure)
    }
  }
  // What has changed since comes from the runs before.
  return report(first.points, exhausted, checking.repeated(first))
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

interface Next {
  readonly director: Director
  readonly cancel: number | undefined
}

/** What to try next; undefined when everything was. */
type Plan = () => Next | undefined

const planOf = (
  strategy: Strategy,
  random: () => number,
  undisturbedRun: Trial<unknown, unknown>,
  cancels: boolean
): Plan => {
  const { points, steps } = undisturbedRun
  const tag: unknown = strategy?._tag ?? strategy
  switch (strategy?._tag) {
    case "bounded": {
      const preemptions = wholeNumber("preemptions", strategy.preemptions ?? 1, 0)
      const cancelAt = cancels ? Array.from({ length: points + 1 }, (_, point) => point) : []
      return inTurn([undefined, ...cancelAt], () => depthFirst(preemptions))
    }
    case "random":
      return byLot(
        randomWalk(random, probability("preempt", strategy.preempt ?? 0.3), probability("late", strategy.late ?? 0)),
        random,
        points,
        cancels
      )
    case "pct":
      return byLot(pct(random, wholeNumber("depth", strategy.depth ?? 3), steps), random, points, cancels)
    default:
      throw new RangeError(`"${named(tag)}" is no strategy: there are bounded, random and pct`)
  }
}

/** One search for each place of the cancel, in turn rather than one after another, so that few runs see all of them. */
const inTurn = (cancels: ReadonlyArray<number | undefined>, make: () => Search): Plan => {
  let searches = cancels.map((cancel) => ({ cancel, search: make() }))
  let turn = 0
  return () => {
    while (searches.length > 0) {
      const { cancel, search } = searches[turn % searches.length]!
      const director = search.next()
      if (director !== undefined) {
        turn++
        return { director, cancel }
      }
      searches = searches.filter((other) => other.search !== search)
    }
    return undefined
  }
}

/** A run with pauses has more points than one without; a cancel that comes too late makes a run without one. */
const byLot = (search: Search, random: () => number, points: number, cancels: boolean): Plan => {
  return () => ({
    director: search.next()!,
    cancel: cancels ? Math.floor(random() * (points * 1.5 + 2)) : undefined
  })
}

/** The smallest schedule that goes wrong in the same way. */
const smallest = <A, E>(
  checking: Checking<A, E>,
  schedule: Schedule,
  trial: Trial<A, E>
): { readonly trial: Trial<A, E>; readonly schedule: Schedule } => {
  const kinds = new Set(checking.wrong(trial).map(({ kind }) => kind))
  let best = { trial, schedule }
  shrink(schedule, (candidate) => {
    const next = checking.run(candidate, following(candidate))
    const fails = checking.wrong(next).some(({ kind }) => kinds.has(kind))
    if (fails) best = { trial: next, schedule: candidate }
    return fails
  })
  return best
}
