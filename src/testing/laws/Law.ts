/**
 * A law as data: a sentence, where it comes from, and a check that runs code under test through scenarios under both
 * checkers. A broken law tells the scenario and the run, with all that is needed to see it again.
 *
 * @since 0.1.0
 */
import * as CancelEverywhere from "../CancelEverywhere.ts"
import type { CheckOptions } from "../CheckOptions.ts"
import * as Explore from "../Explore.ts"
import type { Kind } from "../Finding.ts"
import * as Report from "../Report.ts"
import type { Checked } from "../Trial.ts"

/**
 * One run of one scenario: what a `LawBroken` prints.
 *
 * @category models
 * @since 0.1.0
 */
export interface Run {
  /** Counted from 0. */
  readonly scenario: number
  readonly checker: Report.Report["checker"]
  readonly replay: string
}

/**
 * `name` is a sentence that states the law, `rule` its number in the contract. `check` throws a `LawBroken` if the law
 * does not hold; with `only` it makes that one run.
 *
 * @category models
 * @since 0.1.0
 */
export interface Law {
  readonly name: string
  readonly rule: string
  readonly check: (only?: Run) => void
}

/**
 * @category models
 * @since 0.1.0
 */
export interface LawOptions {
  /** How many interleavings of each scenario are tried. Default: 50. */
  readonly runs?: number | undefined
}

/**
 * A law that does not hold: `report` is that of the checker.
 *
 * @category errors
 * @since 0.1.0
 */
export class LawBroken extends Error {
  override readonly name = "LawBroken"
  readonly law: string
  readonly rule: string
  readonly run: Run
  readonly report: Report.Report

  constructor(
    law: { readonly name: string; readonly rule: string },
    scenario: string,
    run: Run,
    report: Report.Report
  ) {
    const only = `check({ scenario: ${run.scenario}, checker: "${run.checker}", replay: "${run.replay}" })`
    super(`${law.name} (${law.rule}): not so where ${scenario}.\nOnly this run: ${only}\n\n${Report.format(report)}`)
    this.law = law.name
    this.rule = law.rule
    this.run = run
    this.report = report
  }
}

/** One situation in which a law must hold. */
export interface Scenario {
  /** Completes "where …". */
  readonly where: string
  readonly program: () => Checked<any, any>
  /** Without any cancel from outside. */
  readonly calm?: boolean | undefined
  /** What both checkers are told. */
  readonly options?: CheckOptions<any, any> | undefined
  /** A second cancel at every point after the first, instead of interleavings. */
  readonly again?: boolean | undefined
}

/** What a law may leave to others; all other kinds, such as `stuck`, break every law. */
const separable: ReadonlyArray<Kind> = [
  "fiber-left",
  "timer-left",
  "scope-left",
  "straggler-left",
  "not-released",
  "released-twice",
  "completed-after-cancel",
  "work-after-cancel",
  "reason-unread",
  "reason-changed",
  "clean-up-failed",
  "slow"
]

/** What is left behind. */
export const leftovers: ReadonlyArray<Kind> = ["fiber-left", "timer-left", "scope-left", "straggler-left"]

/** What is not closed exactly once. */
export const closings: ReadonlyArray<Kind> = ["not-released", "released-twice"]

/** How many pairs of cancels are tried. */
const pairs = 600

/** `looksAt`: the findings that break this law, beside what the scenarios say themselves. */
export const law = (
  rule: string,
  name: string,
  looksAt: ReadonlyArray<Kind>,
  scenarios: ReadonlyArray<Scenario>,
  { runs = 50 }: LawOptions = {}
): Law => ({
  name,
  rule,
  check: (only) => {
    const allow = separable.filter((kind) => !looksAt.includes(kind))
    for (const [index, scenario] of scenarios.entries()) {
      if (only !== undefined && only.scenario !== index) continue
      const { again, calm, options, program, where } = scenario
      const settings = { ...options, allow, replay: only?.replay }
      const reports: ReadonlyArray<() => Report.Report> = [
        ...(calm === true || only?.checker === "Explore"
          ? []
          : [() => CancelEverywhere.run(program, { ...settings, again, maxRuns: pairs })]),
        ...(again === true || only?.checker === "CancelEverywhere"
          ? []
          : [() => Explore.run(program, { ...settings, runs, cancel: calm !== true })])
      ]
      for (const make of reports) {
        const report = make()
        const [failure] = report.failures
        if (failure === undefined) continue
        const run = { scenario: index, checker: report.checker, replay: failure.replay }
        throw new LawBroken({ name, rule }, where, run, report)
      }
    }
  }
})
