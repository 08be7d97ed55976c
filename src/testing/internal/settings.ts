/** The options that both checkers share, checked and completed. */
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as CancelPolicy from "../../fibers/CancelPolicy.ts"
import * as CancelReason from "../../fibers/CancelReason.ts"
import type { CheckOptions } from "../CheckOptions.ts"
import type { Finding } from "../Finding.ts"
import type { Failure } from "../Report.ts"
import type { Checked, Program, Trial } from "../Trial.ts"
import { diagnose } from "./diagnosis.ts"
import { following, type Schedule, scheduleOf, tokenOf } from "./schedule.ts"
import { checkedOf, runTrial, type TrialSettings } from "./trial.ts"
import type { Director } from "./world.ts"

export const firstReason = CancelReason.request({ by: "the checker", message: "cancelled by the checker" })
export const secondReason = CancelReason.request({ by: "the checker", message: "cancelled a second time" })

/** One checker on one program. */
export class Checking<A, E> {
  readonly reason: CancelReason.Draft
  readonly policy: CancelPolicy.CancelPolicy
  private readonly program: Program<A, E>
  private readonly maxSteps: number
  private readonly within: number | undefined
  private readonly options: CheckOptions<A, E>
  runs = 0
  steps = 0

  constructor(program: Program<A, E>, options: CheckOptions<A, E>) {
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

  failure(trial: Trial<A, E>, schedule: Schedule, explained: boolean): Failure<A, E> {
    const details = explained ? diagnose(this.program, this.settings(schedule, following(schedule))) : []
    return { trial, findings: this.wrong(trial), replay: tokenOf(schedule), details }
  }
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

/** Throws for what is no whole number of `least` or more. */
export const wholeNumber = (field: string, given: number, least = 1): number => {
  if (Number.isInteger(given) && given >= least) return given
  throw new RangeError(`${field} must be a whole number of ${least} or more, but it is ${String(given)}`)
}

/** Throws for what is no probability. */
export const probability = (field: string, given: number): number => {
  if (given >= 0 && given <= 1) return given
  throw new RangeError(`${field} must be a number from 0 to 1, but it is ${String(given)}`)
}

/** Throws for what is no token. */
export const replayed = (token: string): Schedule =>
  Option.getOrThrowWith(
    scheduleOf(token),
    () =>
      new RangeError(`replay must be a token that a failure printed, such as "12" or "-/3,9/0,2", but it is "${token}"`)
  )
