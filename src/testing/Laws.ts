/**
 * What must hold for anything that calls itself a race, a join, a task body, a resource or a server, as data: a list of
 * laws, each a sentence with a check. Reach for it when you write such a thing yourself, and make one test of each law.
 * A law plays many small scenarios under both checkers, cancels included, with members and handlers of its own; what
 * you give is the code under test, in its plainest shape, and which of the optional laws it does not claim to keep.
 *
 * @example
 * ```ts
 * for (const { name, check } of Laws.race((members) => myRace(members))) it(name, () => check())
 * ```
 *
 * @since 0.1.0
 */
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { joinLaws, type JoinOptions } from "./laws/joinLaws.ts"
import type { Law } from "./laws/Law.ts"
import { raceLaws, type RaceOptions } from "./laws/raceLaws.ts"
import { resourceLaws, type ResourceOptions } from "./laws/resourceLaws.ts"
import { type Server, serverLaws, type ServerOptions } from "./laws/serverLaws.ts"
import { type Body, taskLaws, type TaskOptions } from "./laws/taskLaws.ts"

export type { Law, LawOptions, Run } from "./laws/Law.ts"
export {
  /**
   * What `check` throws where a law does not hold.
   *
   * @category errors
   * @since 0.1.0
   */
  LawBroken
} from "./laws/Law.ts"
export type { Body, JoinOptions, RaceOptions, ResourceOptions, Server, ServerOptions, TaskOptions }

/**
 * The laws of a race: the first success wins; losers are interrupted with a reason and awaited; without a winner it
 * fails with every failure, and without members too; a cancel leaves nothing and loses no winner (contract K23 to K27).
 *
 * **Details**
 *
 * `Effect.raceAll` breaks four of them: it hangs without members, its losers cannot read why they were interrupted, a
 * failure in their clean-up is dropped, and a winner is lost when a cancel comes while they clean up.
 *
 * **Gotchas**
 *
 * Give `value` rather than mapping the result: in the step of the mapping a cancel can take the winner.
 *
 * @category laws
 * @since 0.1.0
 */
export const race = <R>(
  race: (members: ReadonlyArray<Effect.Effect<string, string>>) => Effect.Effect<R, unknown>,
  options?: RaceOptions<R>
): ReadonlyArray<Law> => raceLaws(race, options)

/**
 * The laws of a join: values in order; the first failure stays typed, has the rest interrupted with a reason, and waits
 * for them; a cancel leaves nothing and loses no value (contract K26, K29 to K32). With `failFast: false` those of a
 * join that waits for all, whatever they end with.
 *
 * **Details**
 *
 * `Effect.all` breaks four of them: a clean-up that dies makes a defect of the failure, of two failures in one turn it
 * keeps the first, members cannot read why they were interrupted, and a cancel loses the values that are there.
 *
 * @category laws
 * @since 0.1.0
 */
export const join = <R>(
  join: (members: ReadonlyArray<Effect.Effect<string, string>>) => Effect.Effect<R, unknown>,
  options?: JoinOptions<R>
): ReadonlyArray<Law> => joinLaws(join, options)

/**
 * The laws of a task's body: it can be cancelled at every point, ends within a bound, leaves nothing, closes once what
 * it opened, begins no work after a cancel and never returns after one (contract K1, K8 to K10, K12, K15 to K18). Put
 * probes of the `Ledger` into its fakes.
 *
 * @category laws
 * @since 0.1.0
 */
export const task = <A, E>(body: Body<A, E>, options?: TaskOptions): ReadonlyArray<Law> => taskLaws(body, options)

/**
 * The laws of a resource: interrupted at any point of its acquisition it leaks nothing; it is released once, after its
 * user, by no second cancel cut short, and a release that fails is told (contract K15, K16). Its fakes must tell the
 * ledger what they open and close, in the step in which they do.
 *
 * @category laws
 * @since 0.1.0
 */
export const resource = (
  acquire: Effect.Effect<unknown, unknown, Scope.Scope>,
  options?: ResourceOptions
): ReadonlyArray<Law> => resourceLaws(acquire, options)

/**
 * The laws of a server: each request is answered; closing its scope cancels those in flight with a reason, waits for
 * their clean-up, and starts no other (contract K1, K4, K5, K18, K45).
 *
 * @category laws
 * @since 0.1.0
 */
export const server = (start: Server, options?: ServerOptions): ReadonlyArray<Law> => serverLaws(start, options)
