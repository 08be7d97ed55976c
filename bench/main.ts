/**
 * `npm run bench -- [workload…] [--json] [--rounds N]`: every workload, or the named ones (a workload's name or a case's
 * label), all contestants side by side. See `bench/README.md`.
 */
import * as os from "node:os"
import { parseArgs } from "node:util"
import { measure } from "./measure.ts"
import { heading, jsonLine, rowsOf, tableLine } from "./report.ts"
import { weigh } from "./weigh.ts"
import type { Case, Workload } from "./Workload.ts"
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

const matches = (name: string, workload: Workload, of: Case): boolean => name === workload.name || name === of.label
const chosen = workloads.flatMap((workload) => workload.cases.map((of) => [workload, of] as const))
const unknown = positionals.find((name) => !chosen.some(([workload, of]) => matches(name, workload, of)))
if (unknown !== undefined) {
  const labels = new Set(chosen.flatMap(([workload, of]) => [workload.name, of.label]))
  stop(`Unknown workload ${unknown}; there are: ${[...labels].join(", ")}`)
}

if (!values.json) {
  const load = os.loadavg().map((share) => share.toFixed(1))
  console.log(
    `Node ${process.version}, ${os.availableParallelism()} × ${os.cpus()[0]?.model}, load ${load.join(" ")}\n`
  )
  console.log(heading)
}
for (const [workload, of] of chosen) {
  if (positionals.length > 0 && !positionals.some((name) => matches(name, workload, of))) continue
  const count = rounds ?? workload.rounds
  const samples = workload.measures === "heap" ? weigh(of, count) : await measure(workload, of, count)
  for (const row of rowsOf(of, samples)) {
    console.log(values.json ? jsonLine(workload.measures, row) : tableLine(workload.measures, row))
  }
}
