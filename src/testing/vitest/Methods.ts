/**
 * `it` of `@effect/vitest` with the checkers as kinds of tests. `makeMethods` adds them to any `it`: to one that was
 * made with `test.extend`, so that programs get its fixtures, and, without being asked, to the one inside `it.layer`.
 * A check that fails says the report of the checker and points to the line of the test. The checkers run in one go: no
 * time-out ends one early, so bound a check by its runs.
 *
 * @since 0.1.0
 */
import * as EffectVitest from "@effect/vitest"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type * as Vitest from "vitest"
import type * as CancelEverywhere from "../CancelEverywhere.ts"
import type * as Explore from "../Explore.ts"
import type { Law } from "../laws/Law.ts"
import type { Checked } from "../Trial.ts"
import { checkMethod, lawsMethod } from "./internal/checkMethod.ts"
import { leakCheckedTester, leakCheckMethod } from "./internal/leakCheckMethod.ts"

/**
 * The options of each checker.
 *
 * @category models
 * @since 0.1.0
 */
export interface CheckerOptions<A, E> {
  readonly cancelEverywhere: CancelEverywhere.Options<A, E>
  readonly explore: Explore.Options<A, E>
}

/**
 * @category models
 * @since 0.1.0
 */
export type Checker = keyof CheckerOptions<unknown, unknown>

/**
 * What is checked: an effect, or a function that makes a fresh one for every run. The function gets what it destructures
 * of the test's context, the fixtures of a `test.extend` among it; a fixture is set up once a test, not once a run.
 *
 * @category models
 * @since 0.1.0
 */
export type CheckedProgram<A, E, Context> =
  | Effect.Effect<A, E, Scope.Scope>
  | ((context: Context) => Effect.Effect<A, E, Scope.Scope> | Checked<A, E>)

/**
 * Declares one test. `options` are those of the checker and those of vitest; a number is the time-out in milliseconds.
 *
 * @category models
 * @since 0.1.0
 */
export interface CheckTest<Of extends Checker, Context> {
  <A, E>(
    name: string,
    program: CheckedProgram<A, E, Context>,
    options?: number | (CheckerOptions<A, E>[Of] & Vitest.TestOptions)
  ): void
}

/**
 * @category models
 * @since 0.1.0
 */
export interface Check<Of extends Checker, Context> extends CheckTest<Of, Context> {
  readonly only: CheckTest<Of, Context>
  readonly skip: CheckTest<Of, Context>
  readonly fails: CheckTest<Of, Context>
  readonly skipIf: (condition: unknown) => CheckTest<Of, Context>
  readonly runIf: (condition: unknown) => CheckTest<Of, Context>
  /** One test a case; the name may have `$field` or `%s`, as with vitest's `it.for`. */
  readonly each: <T>(
    cases: ReadonlyArray<T>
  ) => <A, E>(
    name: string,
    program: (value: T, context: Context) => Effect.Effect<A, E, Scope.Scope> | Checked<A, E>,
    options?: number | (CheckerOptions<A, E>[Of] & Vitest.TestOptions)
  ) => void
}

/**
 * What a test is made of: a law of `Laws`, or one of your own whose `check` throws where it does not hold.
 *
 * @category models
 * @since 0.1.0
 */
export type TestableLaw = Pick<Law, "name" | "check">

/**
 * A test under `Leaks.check`, on the test clock as `it.effect`; `live` is in real time and looks at what Node holds open
 * too. If the test's time runs out, its failure has the tree of what ran then.
 *
 * @category models
 * @since 0.1.0
 */
export interface LeakCheck<R, ExtraContext> extends EffectVitest.Vitest.Tester<R, ExtraContext> {
  readonly live: EffectVitest.Vitest.Tester<R, ExtraContext>
}

/**
 * @category models
 * @since 0.1.0
 */
export interface ProofMethods<R, ExtraContext> {
  /** Cancels the program at every point: `CancelEverywhere.check`. */
  readonly cancelEverywhere: Check<"cancelEverywhere", Vitest.TestContext & ExtraContext>
  /** Runs the program under many interleavings: `Explore.check`. */
  readonly explore: Check<"explore", Vitest.TestContext & ExtraContext>
  /** One suite with one test for each law. */
  readonly laws: (subject: string, laws: ReadonlyArray<TestableLaw>) => void
  readonly leakChecked: LeakCheck<R | Scope.Scope, ExtraContext>
}

/**
 * What `it.layer` gives to its block.
 *
 * @category models
 * @since 0.1.0
 */
export interface LayerMethods<R = never, ExtraContext = {}>
  extends EffectVitest.Vitest.MethodsNonLive<R, ExtraContext>, Omit<ProofMethods<R, ExtraContext>, "leakChecked"> {
  readonly leakChecked: EffectVitest.Vitest.Tester<R | Scope.Scope, ExtraContext>
  readonly layer: <R2, E>(
    layer: Layer.Layer<R2, E, R>,
    options?: { readonly concurrent?: boolean; readonly timeout?: Duration.Input }
  ) => Block<R | R2, ExtraContext>
}

/**
 * @category models
 * @since 0.1.0
 */
export interface Methods<R = never, ExtraContext = {}>
  extends EffectVitest.Vitest.Methods<R, ExtraContext>, ProofMethods<R, ExtraContext> {
  readonly layer: <R2, E>(
    layer: Layer.Layer<R2, E, R>,
    options?: Parameters<EffectVitest.Vitest.Methods["layer"]>[1]
  ) => Block<R | R2, ExtraContext>
}

interface Block<R, ExtraContext> {
  (inside: (it: LayerMethods<R, ExtraContext>) => void): void
  (name: string, inside: (it: LayerMethods<R, ExtraContext>) => void): void
}

/**
 * As `makeMethods` of `@effect/vitest`, with the checkers: `makeMethods(test.extend({ … }))`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const makeMethods = <ExtraContext>(api: Vitest.TestAPI<ExtraContext>): Methods<never, ExtraContext> => {
  const methods = EffectVitest.makeMethods(api)
  return extended<Methods<never, ExtraContext>>(methods, {
    ...shared(methods),
    leakChecked: leakCheckMethod(methods.effect, methods.live)
  })
}

/** What both kinds of `it` have. */
const shared = <R, ExtraContext>(methods: EffectVitest.Vitest.MethodsNonLive<R, ExtraContext>) => ({
  cancelEverywhere: checkMethod<"cancelEverywhere", ExtraContext>("cancelEverywhere", methods),
  explore: checkMethod<"explore", ExtraContext>("explore", methods),
  laws: lawsMethod(methods),
  layer: layerMethod(methods.layer)
})

const layerMethod =
  <ExtraContext>(layer: (...given: ReadonlyArray<any>) => (...block: ReadonlyArray<any>) => void) =>
  (...given: ReadonlyArray<unknown>) =>
  (...block: ReadonlyArray<unknown>): void => {
    const inside = block.at(-1) as (it: LayerMethods<any, ExtraContext>) => void
    const withProofs = (methods: EffectVitest.Vitest.MethodsNonLive<any, ExtraContext>): void =>
      inside(
        extended<LayerMethods<any, ExtraContext>>(methods, {
          ...shared(methods),
          leakChecked: leakCheckedTester(methods.effect, {})
        })
      )
    layer(...given)(...block.slice(0, -1), withProofs)
  }

/** As `@effect/vitest` extends vitest's own: what is called and chained stays the same object underneath. */
const extended = <Extended>(api: object, more: object): Extended =>
  new Proxy(api, {
    get: (target, property, receiver) =>
      Object.hasOwn(more, property) ? Reflect.get(more, property) : Reflect.get(target, property, receiver)
  }) as Extended

/**
 * `it` of `@effect/vitest`, with the checkers.
 *
 * @category testing
 * @since 0.1.0
 */
export const it: Methods = /*#__PURE__*/ makeMethods(EffectVitest.test)
