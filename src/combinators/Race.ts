/**
 * Runs several effects and keeps one. The losers are cancelled (`lost-race`, by
 * the winner) and awaited, and the report says what became of each of them:
 * nothing that lost keeps running unnoticed, and no failure is dropped.
 *
 * @since 0.1.0
 */
import type * as Effect from "effect/Effect"
import * as CancelPolicy from "../fibers/CancelPolicy.ts"
import { own } from "../fibers/internal/groupNode.ts"
import type * as TaskOutcome from "../fibers/TaskOutcome.ts"
import type { AllServices, Entries, Failure, KeyName, Success } from "./Entries.ts"
import { RaceNode } from "./internal/raceNode.ts"
import type { Loser } from "./Loser.ts"
import type { RaceFailed } from "./RaceFailed.ts"

/**
 * @category models
 * @since 0.1.0
 */
export interface RaceOptions extends CancelPolicy.CancelPolicyInput {
  /** The name in the tree and in reasons. Default: "race". */
  readonly name?: string | undefined
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
    ? ReadonlyArray<Loser<Success<T>, Failure<T>> | undefined>
    : {
        readonly [K in keyof T]?: Loser<Success<T, K>, T[K] extends Effect.Effect<any, infer E, any> ? E : never>
      }

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
          readonly outcome: TaskOutcome.TaskOutcome<
            Success<T, K>,
            T[K] extends Effect.Effect<any, infer E, any> ? E : never
          >
          readonly losers: Losers<T>
        }
      }[keyof T]

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
): Effect.Effect<Won<T>, RaceFailed<Failure<T>>, AllServices<T>> => race(entries, options, "success")

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
): Effect.Effect<Settled<T>, RaceFailed<never>, AllServices<T>> => race(entries, options, "settled")

const race = (
  entries: Entries,
  options: RaceOptions | undefined,
  first: "success" | "settled"
): Effect.Effect<any, any, any> =>
  own((owner) => new RaceNode(options?.name ?? "race", owner, entries, first, CancelPolicy.make(options)))
