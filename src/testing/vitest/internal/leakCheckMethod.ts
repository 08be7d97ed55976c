/** `it.effect` and `it.live` under a leak check, with the tree of tasks in the failure when the time runs out. */
import type * as EffectVitest from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type * as Vitest from "vitest"
import * as Leaks from "../../Leaks.ts"
import * as TreeOnTimeout from "../../TreeOnTimeout.ts"
import type { LeakCheck } from "../Methods.ts"
import { type CallSite, callSiteOf, sourceOf } from "./callSite.ts"

type Tester<R, ExtraContext> = EffectVitest.Vitest.Tester<R | Scope.Scope, ExtraContext>

export const leakCheckMethod = <R, ExtraContext>(
  effect: Tester<R, ExtraContext>,
  live: Tester<R, ExtraContext>
): LeakCheck<R | Scope.Scope, ExtraContext> =>
  Object.assign(leakCheckedTester(effect, {}), { live: leakCheckedTester(live, { handles: true }) })

export const leakCheckedTester = <R, ExtraContext>(
  tester: Tester<R, ExtraContext>,
  options: Leaks.Options
): Tester<R, ExtraContext> => {
  /** Of all forms the last argument is the context of the test. */
  const checked = <Of extends Body>(body: Of, site: CallSite): Of =>
    sourceOf(body, ((...args) =>
      Leaks.check(
        TreeOnTimeout.around(
          Effect.suspend(() => body(...args)),
          { print: intoFailure(args.at(-1)) }
        ),
        options
      ).pipe(
        Effect.tapDefect((defect) => Effect.sync(() => defect instanceof Leaks.LeaksFound && site.blamed(defect)))
      )) as Of)

  type Test = EffectVitest.Vitest.Test<R | Scope.Scope, ExtraContext>
  const test = (test: Test): Test => {
    const declare: Test = (name, body, given) => test(name, checked(body, callSiteOf(declare)), given)
    return declare
  }
  return Object.assign(test(tester), {
    skip: test(tester.skip),
    only: test(tester.only),
    fails: test(tester.fails),
    skipIf: (condition: unknown) => test(tester.skipIf(condition)),
    runIf: (condition: unknown) => test(tester.runIf(condition)),
    each: ((cases: ReadonlyArray<unknown>) => {
      const declare = (name: string, body: Body, given?: Given): void =>
        tester.each(cases)(name, checked(body, callSiteOf(declare)), given)
      return declare
    }) as Tester<R, ExtraContext>["each"],
    prop: (() => {
      const declare = (name: string, arbitraries: Array<any>, body: Body, given?: Given): void =>
        tester.prop(name, arbitraries, checked(body, callSiteOf(declare)), given)
      return declare
    })() as Tester<R, ExtraContext>["prop"]
  })
}

type Body = (...args: Array<any>) => Effect.Effect<any, any, any>
type Given = number | Vitest.TestOptions

/** Vitest shows the error with which it aborts the test: what is said before it goes on is in the failure. */
const intoFailure =
  ({ signal }: Vitest.TestContext) =>
  (text: string): void => {
    const error: unknown = signal.reason
    if (!(error instanceof Error) || shown.has(error)) return globalThis.console.error(text)
    shown.add(error)
    error.message = `${error.message}\n\n${text}`
  }

/** What is said later comes too late for it. */
const shown = new WeakSet<Error>()
