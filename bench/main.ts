/**
 * `npm run bench -- [workload…] [--json] [--rounds N]`: every workload, or the named ones (a workload's name or a case's
 * label), all contestants side by side. See `bench/README.md`.
 */
import * as os from "node:os"
import { parseArgs } from "node:util"
import { httpCases } from "./http/cases.ts"
import { measure, type Samples } from "./measure.ts"
import { heading, jsonLine, rowsOf, type Scored, scoredOf, tableLine } from "./report.ts"
import { weigh } from "./weigh.ts"
import type { Workload } from "./Workload.ts"
import { cancelLatency } from "./workloads/cancelLatency.ts"
import { cancelPoints, interleaved } from "./workloads/checkers.ts"
import { correlator } from "./workloads/correlator.ts"
import { deep } from "./workloads/deep.ts"
import { hedge } from "./workloads/hedge.ts"
import { idleMemory } from "./workloads/idleMemory.ts"
import { joinWithin } from "./workloads/joinWithin.ts"
import { keyed } from "./workloads/keyed.ts"
import { latest } from "./workloads/latest.ts"
import { poll } from "./workloads/poll.ts"
import { quorumOfThree } from "./workloads/quorum.ts"
import { race } from "./workloads/race.ts"
import { spawnCancel } from "./workloads/spawnCancel.ts"

const workloads: ReadonlyArray<Workload> = [
  spawnCancel,
  race,
  quorumOfThree,
  hedge,
  joinWithin,
  keyed,
  idleMemory,
  cancelLatency,
  latest,
  correlator,
  poll,
  cancelPoints,
  interleaved,
  deep
]

interface Entry {
  /** What it may be called on the command line. */
  readonly names: ReadonlyArray<string>
  readonly rounds: number
  readonly scored: Scored
  readonly play: (rounds: number) => Samples | Promise<Samples>
}

const entries: ReadonlyArray<Entry> = [
  ...workloads.flatMap((workload) =>
    workload.cases.map((of) => ({
      names: [workload.name, of.label],
      rounds: workload.rounds,
      scored: scoredOf(workload, of),
      play: (rounds: number) => (workload.measures === "heap" ? weigh(of, rounds) : measure(workload, of, rounds))
    }))
  ),
  ...httpCases.map((of) => ({ ...of, names: [...of.groups, of.label] }))
]

const stop = (message: string): never => {
  console.error(message)
  process.exit(2)
}

const readArguments = () => {
  try {
    return parseArgs({
      allowPositionals: true,
      options: { json: { type: "boolean", default: false }, rounds: { type: "string" } }
    })
  } catch (error) {
    return stop(`${(error as Error).message}\nUsage: npm run bench -- [workload…] [--json] [--rounds N]`)
  }
}

const { positionals, values } = readArguments()
const rounds = values.rounds === undefined ? undefined : Number(values.rounds)
if (rounds !== undefined && !(Number.isInteger(rounds) && rounds > 0)) stop("--rounds takes a whole number above 0")

const unknown = positionals.find((name) => !entries.some(({ names }) => names.includes(name)))
if (unknown !== undefined) {
  stop(`Unknown workload ${unknown}; there are: ${[...new Set(entries.flatMap(({ names }) => names))].join(", ")}`)
}

if (!values.json) {
  const load = os.loadavg().map((share) => share.toFixed(1))
  console.log(
    `Node ${process.version}, ${os.availableParallelism()} × ${os.cpus()[0]?.model}, load ${load.join(" ")}\n`
  )
  console.log(heading)
}
for (const { names, play, rounds: usual, scored } of entries) {
  if (positionals.length > 0 && !positionals.some((name) => names.includes(name))) continue
  const samples = await play(rounds ?? usual)
  for (const row of rowsOf(scored, samples)) console.log(values.json ? jsonLine(row) : tableLine(row))
}
