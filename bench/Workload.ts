/**
 * What a workload is: one job, written once per contestant with the means that contestant offers, in one or more cases
 * (sizes), and the targets that issue 2 sets for them.
 */
import type { Probe } from "./Probe.ts"

export const contestants = ["rescind", "effect", "promise", "effection"] as const
export type Contestant = (typeof contestants)[number]

/** The contestant that every ratio is taken to. */
export const baseline: Contestant = "effect"

/** One round: does the whole job for size `n`, tells the probe of every finalizer, and leaves nothing behind. */
export type Round = (n: number, probe: Probe) => Promise<void>

/** The most that Rescind may take, as a multiple of what the named contestant takes. */
type Targets = { readonly [name in Contestant]?: number }

export interface Case {
  /** Printed, and accepted on the command line; `race-10` is a case of `race`. */
  readonly label: string
  readonly n: number
  /** How many finalizers run in one round; each must run exactly once. */
  readonly finalizers: number
  /** The round's figure is divided by this to give the figure of one operation. */
  readonly operations: number
  readonly targets: Targets
  /** Phases that the contestants mark with `probe.lap`; listed ones get rows of their own. */
  readonly laps?: { readonly [name: string]: Targets }
  /** Contestants that take part, if not all do. */
  readonly only?: ReadonlyArray<Contestant>
  /** The finalizer of a child must run before its parent's; asked of Rescind alone. */
  readonly leavesFirst?: boolean
}

export interface Workload {
  readonly name: string
  readonly summary: string
  /** Wall time, CPU time of the process, or live heap (in a process of its own). */
  readonly measures: "wall" | "cpu" | "heap"
  readonly rounds: number
  /** A contestant too slow to play each round plays every `strides[name]`-th; its ratios come from those rounds. */
  readonly strides?: { readonly [name in Contestant]?: number }
  readonly cases: ReadonlyArray<Case>
  readonly contestants: { readonly [name in Contestant]: Round }
}
