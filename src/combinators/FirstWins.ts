/**
 * Several whole branches lead into one merge, and the first to arrive decides:
 * all others are cancelled wherever they are (`lost-race`, by the winner). Reach
 * for it where paths compete for one decision, such as an approval that comes by
 * e-mail or by hand. A branch arrives by succeeding, a denial as well as an
 * approval; who is not a branch arrives through the visit. Each visit has a state
 * of its own, so that a loop passes the same merge again. What a losing branch
 * has done it can undo.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import type * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { Severity } from "effect/LogLevel"
import * as CancelPolicy from "../fibers/CancelPolicy.ts"
import { own } from "../fibers/internal/groupNode.ts"
import type { AllServices, Failure, KeyName, Success } from "./Entries.ts"
import { visitHandle } from "./internal/visitHandle.ts"
import { VisitNode } from "./internal/visitNode.ts"
import type { Loser } from "./Loser.ts"
import type { RaceFailed } from "./RaceFailed.ts"
import type { Undone } from "./Undone.ts"
import type { Visit } from "./Visit.ts"

/**
 * By name; what they succeed with is the decision.
 *
 * @category models
 * @since 0.1.0
 */
export type Branches<Decision = any> = { readonly [name: string]: Effect.Effect<Decision, any, any> }

/**
 * How a merge treats losers. `grace` and `giveUp` are the patience with them, by
 * default `CancelPolicy.merge`: told at once, and after 0.1 s the winner goes on
 * without them; they are then listed as stragglers.
 *
 * @category models
 * @since 0.1.0
 */
export interface MergeOptions extends CancelPolicy.CancelPolicyInput {
  /** When hooks run: for losers of a decision, or also when the visit fails or is cancelled. Default: "losers". */
  readonly undo?: "losers" | "always" | undefined
  /** How long one hook may take. Default: 30 seconds. */
  readonly undoWithin?: Duration.Input | undefined
  /** The level of the line that each cancelled branch is logged with. Default: "Info". */
  readonly logLevel?: Severity | "None" | undefined
}

/**
 * An ordinary failure of a branch, while nothing was decided.
 *
 * @category models
 * @since 0.1.0
 */
export interface BranchFailure<out E> {
  readonly path: string
  readonly cause: Cause.Cause<E>
}

/**
 * What a failure of a branch does before the decision: it fails the whole visit,
 * the others being cancelled (`sibling-failed`), which is the default; or only
 * this branch is out; or a handler goes on in its place and may still arrive. It
 * is never dropped. A branch that was cancelled alone, or interrupted itself, is
 * out, but has not failed.
 *
 * @category models
 * @since 0.1.0
 */
export type OnFailure<E = any, A = any, E2 = any, R2 = any> = "fail-run" | "fail-branch" | Handler<E, A, E2, R2>

/**
 * @category models
 * @since 0.1.0
 */
export type Handler<in E, out A, out E2, out R2> = (failure: BranchFailure<E>) => Effect.Effect<A, E2, R2>

type ErrorOf<T> = T extends Effect.Effect<any, infer E, any> ? E : never
type SuccessOf<T> = T extends Effect.Effect<infer A, any, any> ? A : never

interface ReportOf<B extends Branches, Winner, Value> {
  readonly merge: string
  readonly winner: Winner
  readonly value: Value
  /** Where the decision came from: the branch itself, or `visit.arrive`. */
  readonly from: "branch" | "outside"
  readonly at: DateTime.Utc
  /** What became of every other branch. */
  readonly losers: { readonly [K in keyof B]?: Loser<SuccessOf<B[K]>, ErrorOf<B[K]>> }
  /** Losers that had not ended when the winner went on; also in `Stragglers`. */
  readonly stragglers: ReadonlyArray<Extract<KeyName<keyof B>, string>>
  /** The hooks that ran, in that order. */
  readonly undone: ReadonlyArray<Undone>
}

/**
 * The report of a visit: `winner` narrows `value`. `Handled` is what a handler of
 * failures arrives with.
 *
 * @category models
 * @since 0.1.0
 */
export type Report<B extends Branches, Decision = never, Path extends string = never, Handled = never> =
  | {
      readonly [K in keyof B]: ReportOf<
        B,
        KeyName<K>,
        Success<B, K> | Handled | (KeyName<K> extends Path ? Decision : never)
      >
    }[keyof B]
  | (Path extends KeyName<keyof B> ? never : ReportOf<B, Path, Decision>)

interface Failing {
  readonly onFailure?: "fail-run" | undefined
}

interface Dropping {
  readonly onFailure: "fail-branch"
}

interface Handling<in E, out A, out E2, out R2> {
  readonly onFailure: Handler<E, A, E2, R2>
}

/**
 * One visit of a merge. Annotate the handle where something arrives from outside:
 * `(visit: Visit<Answer, "manual">) => …`. It fails with what a branch fails with,
 * see `OnFailure`, and with `RaceFailed` when no branch is left.
 *
 * @example
 * ```ts
 * const report = yield* FirstWins.run("approval", (visit: Visit<Answer, "manual">) => ({
 *   email: askByMail(visit),
 *   manual: Effect.never
 * }))
 * report.winner // "email" | "manual"
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const run: {
  <const B extends Branches<D>, D = any, Path extends string = never>(
    name: string,
    branches: (visit: Visit<D, Path>) => B,
    options?: MergeOptions & Failing
  ): Effect.Effect<Report<B, D, Path>, Failure<B> | RaceFailed<Failure<B>>, AllServices<B>>
  <const B extends Branches<D>, D = any, Path extends string = never>(
    name: string,
    branches: (visit: Visit<D, Path>) => B,
    options: MergeOptions & Dropping
  ): Effect.Effect<Report<B, D, Path>, RaceFailed<Failure<B>>, AllServices<B>>
  <const B extends Branches<D>, A2 extends D, E2, R2, D = any, Path extends string = never>(
    name: string,
    branches: (visit: Visit<D, Path>) => B,
    options: MergeOptions & Handling<Failure<B>, A2, E2, R2>
  ): Effect.Effect<Report<B, D, Path, A2>, E2 | RaceFailed<E2>, AllServices<B> | R2>
} = (
  name: string,
  branches: (visit: Visit<any, any>) => Branches,
  options?: MergeOptions & { readonly onFailure?: OnFailure | undefined }
): Effect.Effect<any, any, any> => visitOf(name, branches, options, options?.onFailure)

/**
 * A merge with a name, visited as often as the work passes it.
 *
 * @category models
 * @since 0.1.0
 */
export interface Merge<D, Path extends string = never> {
  readonly name: string
  readonly visit: {
    <const B extends Branches<D>>(
      branches: B | ((visit: Visit<D, Path>) => B),
      options?: Failing
    ): Effect.Effect<Report<B, D, Path>, Failure<B> | RaceFailed<Failure<B>>, AllServices<B>>
    <const B extends Branches<D>>(
      branches: B | ((visit: Visit<D, Path>) => B),
      options: Dropping
    ): Effect.Effect<Report<B, D, Path>, RaceFailed<Failure<B>>, AllServices<B>>
    <const B extends Branches<D>, A2 extends D, E2, R2>(
      branches: B | ((visit: Visit<D, Path>) => B),
      options: Handling<Failure<B>, A2, E2, R2>
    ): Effect.Effect<Report<B, D, Path, A2>, E2 | RaceFailed<E2>, AllServices<B> | R2>
  }
}

/**
 * Defines a merge. `Decision` is what arrives, `Path` names who may arrive from
 * outside.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <Decision, Path extends string = never>(
  name: string,
  options?: MergeOptions
): Merge<Decision, Path> => ({
  name,
  visit: (
    branches: Branches | ((visit: Visit<any, any>) => Branches),
    visitOptions?: { readonly onFailure?: OnFailure | undefined }
  ): Effect.Effect<any, any, any> =>
    visitOf(name, typeof branches === "function" ? branches : () => branches, options, visitOptions?.onFailure)
})

const visitOf = (
  merge: string,
  branches: (visit: Visit<any, any>) => Branches,
  options: MergeOptions | undefined,
  onFailure: OnFailure = "fail-run"
): Effect.Effect<any, any, any> =>
  own((owner) => {
    const settings = {
      merge,
      policy: policyOf(options),
      failsRun: onFailure !== "fail-branch",
      undoAlways: options?.undo === "always",
      undoWithin: CancelPolicy.bound("undoWithin", options?.undoWithin ?? "30 seconds"),
      logLevel: options?.logLevel ?? "Info"
    } as const
    let node: VisitNode | undefined
    const given = branches(visitHandle(merge, () => node))
    node = new VisitNode(settings, owner, typeof onFailure === "function" ? handled(given, onFailure) : given)
    return node
  })

/** A grace of one's own does not shorten the bound, which counts from the request too. */
const policyOf = (options: MergeOptions | undefined): CancelPolicy.CancelPolicy => {
  if (options?.grace === undefined && options?.giveUp === undefined) return CancelPolicy.merge
  const { giveUp, grace } = CancelPolicy.make(options)
  return options.giveUp === undefined
    ? { grace, giveUp: Duration.sum(grace, CancelPolicy.merge.giveUp) }
    : { grace, giveUp }
}

/** The handler goes on in the place of the branch, on its fiber. */
const handled = (
  branches: Branches,
  handler: (failure: BranchFailure<any>) => Effect.Effect<any, any, any>
): Branches =>
  Object.fromEntries(
    Object.entries(branches).map(([path, branch]) => [
      path,
      Effect.catchCause(branch, (cause) =>
        Cause.hasInterruptsOnly(cause) ? Effect.failCause(cause) : handler({ path, cause })
      )
    ])
  )
