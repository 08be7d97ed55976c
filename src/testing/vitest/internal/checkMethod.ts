/** A checker as a kind of test, and laws as a suite. */
import type * as EffectVitest from "@effect/vitest"
import * as Vitest from "vitest"
import * as CancelEverywhere from "../../CancelEverywhere.ts"
import * as Explore from "../../Explore.ts"
import { CheckFailed, type Report } from "../../Report.ts"
import type { Program } from "../../Trial.ts"
import type { Check, CheckedProgram, Checker, CheckerOptions, CheckTest, TestableLaw } from "../Methods.ts"
import { type CallSite, callSiteOf, sourceOf } from "./callSite.ts"

type Run = (program: Program<any, any>, options: object) => Report

const runs: { readonly [Of in Checker]: Run } = { cancelEverywhere: CancelEverywhere.run, explore: Explore.run }

type Given = (number & CheckerOptions<any, any>[Checker]) | (CheckerOptions<any, any>[Checker] & Vitest.TestOptions)

export const checkMethod = <Of extends Checker, ExtraContext>(
  checker: Of,
  api: EffectVitest.Vitest.MethodsNonLive<any, ExtraContext>
): Check<Of, Vitest.TestContext & ExtraContext> => {
  type Context = Vitest.TestContext & ExtraContext
  const declared = (test: Declare): CheckTest<Of, Context> => {
    const declare = (name: string, program: CheckedProgram<any, any, Context>, options?: number | Given): void => {
      const site = callSiteOf(declare)
      const made = typeof program === "function" ? program : () => program
      const body = (context: Context): void => check(checker, () => made(context), options, site)
      test(name, vitestOptions(options), sourceOf(typeof program === "function" ? program : nothing, body))
    }
    return declare
  }
  return Object.assign(declared(api as Declare), {
    only: declared(api.only as Declare),
    skip: declared(api.skip as Declare),
    fails: declared(api.fails as Declare),
    skipIf: (condition: unknown) => declared(api.skipIf(condition) as Declare),
    runIf: (condition: unknown) => declared(api.runIf(condition) as Declare),
    each: <T>(cases: ReadonlyArray<T>) => {
      const declare = (
        name: string,
        program: (value: T, context: Context) => ReturnType<Extract<Program<any, any>, Function>>,
        options?: number | Given
      ): void => {
        const site = callSiteOf(declare)
        const body = (value: T, context: Context): void => check(checker, () => program(value, context), options, site)
        ;(api.for(cases) as unknown as Declare)(name, vitestOptions(options), sourceOf(program, body))
      }
      return declare
    }
  })
}

/** A test's body gets the context; with vitest's `for` the case comes first. */
type Declare = (name: string, options: Vitest.TestOptions, body: (...args: ReadonlyArray<any>) => void) => void

/** Vitest takes no notice of the options of a checker. */
const vitestOptions = (options: number | Given | undefined): Vitest.TestOptions =>
  typeof options === "number" ? { timeout: options } : ((options ?? {}) as Vitest.TestOptions)

const check = (
  checker: Checker,
  program: Program<any, any>,
  options: number | Given | undefined,
  site: CallSite
): void => {
  const report = runs[checker](program, typeof options === "object" ? options : {})
  if (report.failures.length > 0) throw site.blamed(new CheckFailed(report))
}

export const lawsMethod =
  (api: object) =>
  (subject: string, laws: ReadonlyArray<TestableLaw>): void => {
    const test = api as Declare
    Vitest.describe(subject, () => {
      for (const { name, check } of laws)
        test(
          name,
          {},
          sourceOf(nothing, () => check())
        )
    })
  }

/** A body that asks for no fixture. */
const nothing = (): void => {}
