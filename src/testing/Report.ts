/**
 * What a checker answers: how many runs it made, and every run that went wrong, with the token that replays it.
 *
 * @since 0.1.0
 */
import type { Finding } from "./Finding.ts"
import type { Trial } from "./Trial.ts"

/**
 * One run that went wrong. `replay` is the schedule as a token: give it to the same checker as `{ replay }`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Failure<out A = unknown, out E = unknown> {
  readonly trial: Trial<A, E>
  readonly findings: ReadonlyArray<Finding>
  readonly replay: string
  /**
   * Where the cancel struck, where things were opened, who waits for what: from a second run of the same schedule,
   * watched, in lines of text. Empty for failures that say what an earlier one said.
   */
  readonly details: ReadonlyArray<string>
}

/**
 * @category models
 * @since 0.1.0
 */
export interface Report<out A = unknown, out E = unknown> {
  readonly checker: "CancelEverywhere" | "Explore"
  /** Points of the run that nobody disturbed: places at which a cancel can come. */
  readonly points: number
  readonly runs: number
  /** Operations of all runs together. */
  readonly steps: number
  /** Every place, or every interleaving within the bound, was tried. */
  readonly exhausted: boolean
  /** The runs that went wrong: `CancelEverywhere` has all of them, `Explore` the first, made as small as it gets. */
  readonly failures: ReadonlyArray<Failure<A, E>>
}

/**
 * The report as text: what went wrong first, where, and how to replay it.
 *
 * @category conversions
 * @since 0.1.0
 */
export const format = (report: Report): string => {
  const { failures, runs, points, checker } = report
  const summary = `${checker}: ${count(runs, "run")} of a program with ${count(points, "point")}`
  if (failures.length === 0) return `${summary}, nothing wrong`
  const groups = grouped(failures)
  const lines = [`${summary}, ${failures.length} went wrong`]
  for (const group of groups.slice(0, shown)) lines.push("", ...formatGroup(group))
  if (groups.length > shown) lines.push("", `and ${groups.length - shown} more kinds of failure`)
  return lines.join("\n")
}

const count = (number: number, what: string): string => `${number} ${what}${number === 1 ? "" : "s"}`

const shown = 3

/** Failures that say the same. */
const grouped = (failures: ReadonlyArray<Failure>): ReadonlyArray<ReadonlyArray<Failure>> =>
  Array.from(
    Map.groupBy(failures, ({ findings }) => findings.map(({ kind, message }) => kind + message).join()).values()
  )

const formatGroup = (group: ReadonlyArray<Failure>): ReadonlyArray<string> => {
  const [first] = group
  const { trial, findings, details, replay } = first!
  return [
    `${placeOf(group)}:`,
    ...findings.map(({ kind, message }) => `  ${kind}: ${message.replaceAll(/\n(?=.)/g, "\n    ")}`),
    ...details.map((line) => `  ${line}`),
    ...(trial.ledger.journal.length === 0 ? [] : ["  journal (virtual ms):", ...lastOf(trial.ledger.journal)]),
    `  replay with { replay: "${replay}" }`
  ]
}

const journalLines = 20

const lastOf = (journal: ReadonlyArray<string>): ReadonlyArray<string> => [
  ...(journal.length > journalLines ? [`    (${journal.length - journalLines} earlier lines)`] : []),
  ...journal.slice(-journalLines).map((line) => `    ${line}`)
]

const placeOf = (group: ReadonlyArray<Failure>): string => {
  const cancels = group.flatMap(({ trial }) => (trial.cancelled === undefined ? [] : [trial.cancelled.point]))
  // With a second cancel there are many runs with one first point.
  const points = Array.from(new Set(cancels))
  const cancelled = points.length === 1 ? `cancelled at point ${points[0]}` : `cancelled at points ${ranges(points)}`
  if (cancels.length === group.length) return cancelled
  return points.length === 0 ? "without a cancel" : `without a cancel, and ${cancelled}`
}

/** "3 to 5, 9". */
const ranges = (points: ReadonlyArray<number>): string => {
  const parts: Array<string> = []
  let from = points[0]!
  for (let index = 0; index < points.length; index++) {
    const point = points[index]!
    if (points[index + 1] === point + 1) continue
    parts.push(from === point ? String(point) : `${from} to ${point}`)
    from = points[index + 1] ?? point
  }
  return parts.join(", ")
}

/**
 * A program that did not pass; the message is the whole report.
 *
 * @category errors
 * @since 0.1.0
 */
export class CheckFailed extends Error {
  override readonly name = "CheckFailed"
  readonly report: Report
  /** `check` and what it called are left out of the stack: the first line of it is the user's. */
  constructor(report: Report, check?: Function) {
    const causes = report.failures.flatMap(({ findings }) => findings.map(({ cause }) => cause))
    const cause = causes.find((cause) => cause !== undefined)
    super(format(report), cause === undefined ? undefined : { cause })
    this.report = report
    if (check !== undefined) Error.captureStackTrace?.(this, check)
  }
}
