/** Turns samples into rows, and rows into the table or the JSON lines. */
import type { Samples, Series } from "./measure.ts"
import { baseline, type Case, type Workload } from "./Workload.ts"

/** What the rows of a case are held against. */
export interface Scored {
  /** The contestant that every ratio is taken to. */
  readonly baseline: string
  readonly rowOf: (label: string) => {
    readonly unit: "time" | "bytes"
    /** A figure is divided by this to give that of one operation. */
    readonly operations: number
    /** Operations are told by the second. */
    readonly perSecond?: boolean
    /** The most that Rescind may take, as a multiple of what the named contestant takes. */
    readonly targets: { readonly [contestant: string]: number }
  }
}

/** How the workloads of one process are scored. */
export const scoredOf = (workload: Workload, of: Case): Scored => ({
  baseline,
  rowOf: (label) => ({
    unit: workload.measures === "heap" ? "bytes" : "time",
    // A percentile is of one operation.
    operations: /:p\d+$/.test(label) ? 1 : of.operations,
    targets: label === of.label ? of.targets : of.laps![label.slice(of.label.length + 1)]!
  })
})

export interface Row {
  readonly label: string
  readonly contestant: string
  readonly unit: "time" | "bytes"
  readonly median: number
  readonly perOperation: number
  readonly perSecond: boolean
  readonly baseline: string
  /** To the baseline; `undefined` where the baseline does not take part. */
  readonly ratio: Quartiles | undefined
  readonly verdict: string
}

interface Quartiles {
  readonly low: number
  readonly median: number
  readonly high: number
}

const quartiles = (figures: ReadonlyArray<number>): Quartiles | undefined => {
  if (figures.length === 0) return undefined
  const sorted = figures.toSorted((a, b) => a - b)
  const at = (share: number): number => {
    const position = share * (sorted.length - 1)
    const below = sorted[Math.floor(position)]!
    return below + (sorted[Math.ceil(position)]! - below) * (position % 1)
  }
  return { low: at(0.25), median: at(0.5), high: at(0.75) }
}

const played = (series: Series): ReadonlyArray<number> => series.filter((figure) => figure !== undefined)

/** Quartiles over the rounds that both played of the round's own quotient. */
const quotient = (of: Series | undefined, to: Series | undefined): Quartiles | undefined => {
  if (of === undefined || to === undefined) return undefined
  return quartiles(played(of.map((figure, round) => figure && to[round] && figure / to[round])))
}

/** Each target stands on the row of the contestant that Rescind is held against, the baseline's on Rescind's own. */
const verdictOf = (
  who: string,
  baseline: string,
  targets: { readonly [contestant: string]: number },
  row: ReadonlyMap<string, Series>
): string => {
  const against = who === "rescind" ? baseline : who
  const atMost = who === baseline ? undefined : targets[against]
  const is = quotient(row.get("rescind"), row.get(against))
  if (atMost === undefined || is === undefined) return ""
  const verdict = is.median <= atMost ? "ok" : "MISS"
  return who === "rescind"
    ? `≤ ${atMost.toFixed(2)} ${verdict}`
    : `rescind takes ${is.median.toFixed(2)} of it, ≤ ${atMost.toFixed(2)} ${verdict}`
}

export const rowsOf = ({ baseline, rowOf }: Scored, samples: Samples): ReadonlyArray<Row> =>
  Array.from(samples, ([label, row]) => {
    const { operations, perSecond, targets, unit } = rowOf(label)
    return Array.from(row, ([contestant, series]): Row => {
      const { median } = quartiles(played(series))!
      return {
        label,
        contestant,
        unit,
        median,
        perOperation: median / operations,
        perSecond: perSecond === true,
        baseline,
        ratio: quotient(series, row.get(baseline)),
        verdict: verdictOf(contestant, baseline, targets, row)
      }
    })
  }).flat()

const round3 = (figure: number): number => Math.round(figure * 1000) / 1000

export const jsonLine = ({ baseline, contestant, label, median, perOperation, perSecond, ratio, unit }: Row): string =>
  JSON.stringify({
    workload: label,
    contestant,
    ...(unit === "bytes" ? { medianNs: null, medianBytes: Math.round(median) } : { medianNs: Math.round(median) }),
    ...(perSecond ? { perSecond: Math.round(1e9 / perOperation) } : {}),
    ratio: ratio === undefined ? null : round3(ratio.median),
    to: baseline
  })

const figure = (value: number, units: ReadonlyArray<readonly [least: number, unit: string]>): string => {
  const [least, unit] = units.find(([from]) => value >= from) ?? units.at(-1)!
  return `${(value / least).toPrecision(3)} ${unit}`
}

const time = [
  [1e9, "s"],
  [1e6, "ms"],
  [1e3, "µs"],
  [1, "ns"]
] as const
const bytes = [
  [1e9, "GB"],
  [1e6, "MB"],
  [1e3, "kB"],
  [1, "B"]
] as const

const rate = [
  [1e6, "M/s"],
  [1e3, "k/s"],
  [1, "/s"]
] as const

export const heading =
  "| workload | contestant | median | per operation | ratio (quartiles) | target |\n|---|---|---|---|---|---|"

/** Lines of a Markdown table, which a terminal shows well enough and `bench/README.md` can take as they are. */
export const tableLine = (row: Row): string => {
  const units = row.unit === "bytes" ? bytes : time
  const { perOperation, ratio } = row
  const cells = [
    row.label.padEnd(14),
    row.contestant.padEnd(9),
    figure(row.median, units).padStart(8),
    (row.perSecond ? figure(1e9 / perOperation, rate) : figure(perOperation, units)).padStart(8),
    ratio === undefined ? "" : `${ratio.median.toFixed(2)} (${ratio.low.toFixed(2)}..${ratio.high.toFixed(2)})`,
    row.verdict
  ]
  return `| ${cells.join(" | ")} |`
}
