/** One checker on one program: its options completed, its runs, and what is said of those that went wrong. */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as CancelPolicy from "../../fibers/CancelPolicy.ts"
import * as CancelReason from "../../fibers/CancelReason.ts"
import type { CheckOptions } from "../CheckOptions.ts"
import type { Finding } from "../Finding.ts"
import type { Failure } from "../Report.ts"
import type { Checked, Program, Trial } from "../Trial.ts"
import { chanceIn, type Diagnosis, diagnose } from "./diagnosis/diagnosis.ts"
import { checkedOf, checkOptions, wholeNumber } from "./options.ts"
import { following, type Schedule, tokenOf, undisturbed } from "./schedule.ts"
import { runTrial, type TrialSettings } from "./trial.ts"
import type { Director } from "./world.ts"

const firstReason = CancelReason.request({ by: "the checker", message: "cancelled by the checker" })
const secondReason = CancelReason.request({ by: "the checker", message: "cancelled a second time" })

/** One checker on one program. */
export class Checking<A, E> {
  readonly reason: CancelReason.Draft
  readonly policy: CancelPolicy.CancelPolicy
  private readonly program: Program<A, E>
  private readonly maxSteps: number
  private readonly within: number | undefined
  private readonly options: CheckOptions<A, E>
  /** What explained failures say: those that say the same are not explained again. */
  private readonly said = new Set<string>()
  /** What runs wait for that seemed stuck, by what was said of them. */
  private readonly escapes = new Map<string, Finding>()
  runs = 0
  steps = 0

  constructor(program: Program<A, E>, options: CheckOptions<A, E>) {
    checkOptions(options)
    this.options = options
    this.reason = options.reason ?? firstReason
    this.policy = CancelPolicy.make(options)
    this.maxSteps = wholeNumber("maxSteps", options.maxSteps ?? 100_000)
    this.within =
      options.within === undefined ? undefined : Duration.toMillis(CancelPolicy.bound("within", options.within))
    this.program = withInvariant(program, options)
  }

  /** One run as decided; `director` decides instead of the schedule's pauses and picks. */
  run(schedule: Schedule, director: Director = following(schedule)): Trial<A, E> {
    const trial = runTrial(this.program, this.settings(schedule, director))
    this.runs++
    this.steps += trial.steps
    return trial
  }

  private settings(schedule: Schedule, director: Director): TrialSettings {
    const { cancel, again } = schedule
    return {
      director,
      maxSteps: this.maxSteps,
      within: this.within,
      first: cancel === undefined ? undefined : { point: cancel, reason: this.reason, policy: this.policy },
      second: again === undefined ? undefined : { point: again, reason: secondReason, policy: CancelPolicy.immediate }
    }
  }

  /** What counts of the findings. */
  wrong({ findings }: Trial<A, E>): ReadonlyArray<Finding> {
    const { allow } = this.options
    return allow === undefined ? findings : findings.filter(({ kind }) => !allow.includes(kind))
  }

  /** Without the invariant, which is asked once a run that counts. */
  private readonly bare = (): Checked<A, E> => ({ ...checkedOf(this.program), invariant: undefined })

  /** Undefined if a closer look shows nothing but what is allowed. */
  failure(trial: Trial<A, E>, schedule: Schedule): Failure<A, E> | undefined {
    const wrong = this.wrong(trial)
    const said = sayingOf(wrong)
    let details: ReadonlyArray<string> = []
    if (!this.said.has(said) && this.said.size < mostExplained) {
      this.said.add(said)
      const { lines, escaped } = this.diagnosis(trial, schedule, wrong)
      details = lines
      if (escaped !== undefined) this.escapes.set(said, { kind: "escaped", message: `${escaped}:\n${giveFakes}` })
    }
    const escaped = this.escapes.get(said)
    const findings = wrong.map((finding) => (finding.kind === "stuck" && escaped !== undefined ? escaped : finding))
    if (escaped !== undefined && this.options.allow?.includes("escaped") === true) return undefined
    return { trial, findings, replay: tokenOf(schedule), details }
  }

  private diagnosis(trial: Trial<A, E>, schedule: Schedule, wrong: ReadonlyArray<Finding>): Diagnosis {
    const settings = this.settings(schedule, following(schedule))
    return careful(
      () => diagnose(this.bare, settings, trial, wrong),
      (line) => ({ lines: [line], escaped: undefined })
    )
  }

  /** Runs undisturbed once more: a failure if that differs from the first time. */
  repeated(first: Trial<A, E>): Failure<A, E> | undefined {
    if (this.options.allow?.includes("not-repeatable") === true) return undefined
    const settings = (): TrialSettings => this.settings(undisturbed, following(undisturbed))
    const trial = runTrial(this.bare, settings())
    const differs = differenceOf(first, trial)
    if (differs === undefined) return undefined
    const chance = careful(
      () => chanceIn(this.bare, settings()),
      (line) => [line]
    )
    const finding: Finding = { kind: "not-repeatable", message: `Two runs of the same schedule differ: ${differs}` }
    const details =
      chance.length > 0
        ? [
            "it asks the host for time or chance; Effect's Clock and Random are the same in every run:",
            ...chance.map((line) => `  ${line}`)
          ]
        : [makeFresh]
    return { trial, findings: [finding], replay: tokenOf(undisturbed), details }
  }
}

/** Whatever fails in a closer look, what is known must be reported. */
const careful = <A>(look: () => A, failed: (line: string) => A): A => {
  const exit = Effect.runSyncExit(Effect.sync(look))
  return exit._tag === "Success" ? exit.value : failed(`a closer look failed: ${String(Cause.squash(exit.cause))}`)
}

/** A report shows fewer. */
const mostExplained = 8

const giveFakes =
  "the checkers control time and turns, so promises and real timers cannot run here; give the program a fake"

const makeFresh = "it keeps state from run to run: give the checker a function that makes a fresh program for each"

/** What failures have in common that are reported together. */
const sayingOf = (findings: ReadonlyArray<Finding>): string =>
  findings.map(({ kind, message }) => kind + message).join()

const differenceOf = (first: Trial, second: Trial): string | undefined => {
  const [before, after] = [first.ledger.journal, second.ledger.journal]
  const at = before.findIndex((line, index) => line !== after[index])
  const line = at >= 0 ? at : before.length < after.length ? before.length : undefined
  if (line !== undefined) return `${quoted(before[line])}, then ${quoted(after[line])}`
  if (first.points !== second.points) return `${first.points} points, then ${second.points}`
  if (first.steps !== second.steps) return `${first.steps} steps, then ${second.steps}`
  if (first.took !== second.took) return `${first.took} ms, then ${second.took} ms`
  const [outcome, other] = [first.outcome?._tag, second.outcome?._tag]
  return outcome === other ? undefined : `it ${outcome ?? "did not end"}, then ${other ?? "did not end"}`
}

const quoted = (line: string | undefined): string => (line === undefined ? "nothing" : `"${line}"`)

/** Throws for the token of another program, whose cancel comes after the end: that nothing went wrong would say nothing. */
export const mustHaveCome = ({ again, cancel }: Schedule, { cancelled, points }: Trial<unknown, unknown>): void => {
  const missed = cancel !== undefined && cancelled === undefined ? cancel : (again ?? 0) > points ? again : undefined
  if (missed === undefined) return
  throw new RangeError(
    `replay must be a token of this program, but a cancel at point ${missed} never comes: it has ended at point ${points}`
  )
}

const withInvariant = <A, E>(program: Program<A, E>, { invariant }: CheckOptions<A, E>): Program<A, E> => {
  if (invariant === undefined) return program
  return (): Checked<A, E> => {
    const checked = checkedOf(program)
    return {
      ...checked,
      invariant: (trial) => checked.invariant?.(trial) ?? invariant(trial)
    }
  }
}
