/**
 * Runs several effects and keeps one. The losers are cancelled (`lost-race`, by
 * the winner) and awaited, and the report says what became of each of them:
 * nothing that lost keeps running unnoticed, and no failure is dropped.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as CancelPolicy from "../fibers/CancelPolicy.ts"
import { own } from "../fibers/internal/groupNode.ts"
import { outcomeOf } from "../fibers/internal/outcome.ts"
import type * as TaskOutcome from "../fibers/TaskOutcome.ts"
import type { AllServices, Entries, Failure, FailureOf, KeyName, Success } from "./Entries.ts"
import { subjectOf } from "./internal/outsideTask.ts"
import { RaceNode, type RaceOptions as Plan, valueOf } from "./internal/raceNode.ts"
import * as Loser from "./Loser.ts"
import type { RaceFailed } from "./RaceFailed.ts"

/**
 * @category models
 * @since 0.1.0
 */
export interface RaceOptions extends CancelPolicy.CancelPolicyInput {
  /** The name in the tree and in reasons. Default: that of the function. */
  readonly name?: string | undefined
  /** Cancel also the tasks from outside that lose. Default: they are only waited for, and run on. */
  readonly cancelTasks?: boolean | undefined
}

/**
 * What became of the losers: by key for a record; for a list by index, with
 * `undefined` in the winner's place.
 *
 * @category models
 * @since 0.1.0
 */
export type Losers<T extends Entries> =
  T extends ReadonlyArray<unknown>
    ? ReadonlyArray<Loser.LoserOf<T[number]> | undefined>
    : { readonly [K in keyof T]?: Loser.LoserOf<T[K]> }

/**
 * The report of `firstSuccess`: a union over the keys of the record, so that
 * `winner` narrows `value`.
 *
 * @category models
 * @since 0.1.0
 */
export type Won<T extends Entries> =
  T extends ReadonlyArray<unknown>
    ? { readonly winner: number; readonly value: Success<T>; readonly losers: Losers<T> }
    : {
        readonly [K in keyof T]: {
          readonly winner: KeyName<K>
          readonly value: Success<T, K>
          readonly losers: Losers<T>
        }
      }[keyof T]

/**
 * The report of `firstSettled`.
 *
 * @category models
 * @since 0.1.0
 */
export type Settled<T extends Entries> =
  T extends ReadonlyArray<unknown>
    ? {
        readonly winner: number
        readonly outcome: TaskOutcome.TaskOutcome<Success<T>, Failure<T>>
        readonly losers: Losers<T>
      }
    : {
        readonly [K in keyof T]: {
          readonly winner: KeyName<K>
          readonly outcome: TaskOutcome.TaskOutcome<Success<T, K>, FailureOf<T[K]>>
          readonly losers: Losers<T>
        }
      }[keyof T]

/**
 * The report of `quorum`. The winners stand in the order of their ends.
 *
 * @category models
 * @since 0.1.0
 */
export interface Quorum<T extends Entries> {
  readonly winners: ReadonlyArray<
    T extends ReadonlyArray<unknown>
      ? { readonly winner: number; readonly value: Success<T> }
      : { readonly [K in keyof T]: { readonly winner: KeyName<K>; readonly value: Success<T, K> } }[keyof T]
  >
  readonly losers: Losers<T>
}

/**
 * The first success wins. Members start in order, and none starts once there is
 * a winner. If none succeeds, `RaceFailed` has every failure. `giveUp` lets the
 * winner leave before a slow loser, which is then listed in `Stragglers`. The
 * winner's `Scope` moves to the caller's; a loser's closes before the race
 * returns (contract K23 to K27).
 *
 * @example
 * ```ts
 * const answer = yield* Race.firstSuccess({ openai: ask(openai), claude: ask(claude) })
 * answer.winner // "openai" | "claude"
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const firstSuccess = <const T extends Entries>(
  entries: T,
  options?: RaceOptions
): Effect.Effect<Won<T>, RaceFailed<Failure<T>>, AllServices<T>> => race(entries, options, successWins, "race")

/**
 * The first member to end wins, however it ends. Does not fail, unless there are
 * no members.
 *
 * @category constructors
 * @since 0.1.0
 */
export const firstSettled = <const T extends Entries>(
  entries: T,
  options?: RaceOptions
): Effect.Effect<Settled<T>, RaceFailed<never>, AllServices<T>> => race(entries, options, endWins, "race")

/**
 * The first `needed` successes win together. As soon as so many have failed that
 * they are out of reach, the rest is cancelled (`sibling-failed`) and the race
 * fails with `RaceFailed`, which keeps the values that were there (contract K23).
 * A quorum of more members than there are starts nobody; one of 0 has won
 * already. Anything but a whole number from 0 on is a defect.
 *
 * @category constructors
 * @since 0.1.0
 */
export const quorum = <const T extends Entries>(
  entries: T,
  needed: number,
  options?: RaceOptions
): Effect.Effect<Quorum<T>, RaceFailed<Failure<T>, Success<T>>, AllServices<T>> =>
  Effect.suspend(() => {
    if (!Number.isInteger(needed) || needed < 0) {
      throw new RangeError(`A quorum must be a whole number from 0 on, but it is ${String(needed)}`)
    }
    return race(entries, options, { ...successWins, needed, render: quorate }, "quorum")
  })

/**
 * Like `firstSuccess`, but members start one by one, in order: the next when
 * `delay` has passed without a success, or at once when one has failed. A member
 * that succeeds in time leaves no timer and starts nobody else (contract K23).
 * For reads whose slow tail costs more than a second request now and then (Dean
 * and Barroso, "The Tail at Scale", 2013), and for connecting to several addresses
 * (RFC 8305). The members must be safe to run more than once.
 *
 * @category constructors
 * @since 0.1.0
 */
export const hedge = <const T extends Entries>(
  entries: T,
  delay: Duration.Input,
  options?: RaceOptions
): Effect.Effect<Won<T>, RaceFailed<Failure<T>>, AllServices<T>> =>
  Effect.suspend(() => {
    const stagger = CancelPolicy.bound("delay", delay)
    return race(entries, options, { ...successWins, stagger }, "hedge")
  })

const won = (race: RaceNode): unknown => {
  const winner = race.winners[0]!
  return { winner: race.memberKey(winner), value: valueOf(winner), losers: losersOf(race) }
}

const settled = (race: RaceNode): unknown => {
  const winner = race.winners[0]!
  return { winner: race.memberKey(winner), outcome: outcomeOf(subjectOf(winner)), losers: losersOf(race) }
}

const quorate = (race: RaceNode): unknown => ({
  winners: race.winners.map((winner) => ({ winner: race.memberKey(winner), value: valueOf(winner) })),
  losers: losersOf(race)
})

const successWins: Plan = {
  kind: "race",
  counts: "success",
  needed: 1,
  stagger: undefined,
  render: won,
  policy: CancelPolicy.immediate,
  cancelTasks: false,
  concurrency: Infinity
}

const endWins: Plan = { ...successWins, counts: "settled", render: settled }

const losersOf = (race: RaceNode): unknown => race.collect(Loser.fromMember, race.winners)

const race = (
  entries: Entries,
  options: RaceOptions | undefined,
  plan: Plan,
  name: string
): Effect.Effect<any, any, any> =>
  own(
    (owner) =>
      new RaceNode(options?.name ?? name, owner, entries, options === undefined ? plan : withOptions(plan, options))
  )

const withOptions = (plan: Plan, options: RaceOptions): Plan => ({
  ...plan,
  policy: CancelPolicy.make(options),
  cancelTasks: options.cancelTasks === true
})
