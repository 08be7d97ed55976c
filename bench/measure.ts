/**
 * Interleaved rounds in one process. Each round lets every contestant play once, in an order that changes from round to
 * round, so that load on the machine, heap state and neighbours hit all alike; a contestant's ratio is then the median
 * over rounds of the round's own quotient, which a slow minute does not bend.
 */
import { sweep } from "./gc.ts"
import { Probe } from "./Probe.ts"
import { type Case, type Contestant, contestants, type Workload } from "./Workload.ts"

/** Figures in nanoseconds (or bytes) a round; `undefined` where a contestant sat the round out. */
export type Series = Array<number | undefined>

/** By row label, then by contestant. */
export type Samples = Map<string, Map<string, Series>>

const warmUps = 6

/** Of the latencies that a round told its probe; rows of their own, named as laps are. */
const percentiles = [
  ["p50", 0.5],
  ["p99", 0.99]
] as const

const wall = (): number => performance.now() * 1e6

const cpu = (): number => {
  const { user, system } = process.cpuUsage()
  return (user + system) * 1e3
}

export const playersOf = (of: Case): ReadonlyArray<Contestant> => of.only ?? contestants

/** Rotated by the round, and turned round every other time so that no one always follows the same neighbour. */
export const orderOf = <Player extends string>(
  players: ReadonlyArray<Player>,
  round: number
): ReadonlyArray<Player> => {
  const start = round % players.length
  const rotated = [...players.slice(start), ...players.slice(0, start)]
  return round % 2 === 0 ? rotated : rotated.toReversed()
}

export const measure = async (workload: Workload, of: Case, rounds: number): Promise<Samples> => {
  const clock = workload.measures === "cpu" ? cpu : wall
  const players = playersOf(of)
  const samples: Samples = new Map()
  const record = (label: string, who: Contestant, round: number, figure: number): void => {
    if (round < 0) return
    const row =
      samples.get(label) ?? new Map<string, Series>(players.map((name) => [name, Array<number | undefined>(rounds)]))
    samples.set(label, row)
    row.get(who)![round] = figure
  }

  for (let round = -warmUps; round < rounds; round++) {
    for (const who of orderOf(players, round + warmUps)) {
      if (round % (workload.strides?.[who] ?? 1) !== 0) continue
      const laps: Array<readonly [name: string, at: number]> = []
      const probe = new Probe({
        finalizers: of.finalizers,
        leavesFirst: of.leavesFirst,
        audit: round === -warmUps,
        onLap: (name) => laps.push([name, clock()])
      })
      sweep()
      const from = clock()
      await workload.contestants[who](of.n, probe)
      const to = clock()
      probe.verify(`${of.label} ${who}`)

      record(of.label, who, round, to - from)
      for (const [name, share] of percentiles) {
        const figure = probe.percentile(share)
        if (figure !== undefined) record(`${of.label}:${name}`, who, round, figure)
      }
      laps.forEach(([name, at], index) => {
        const since = index === 0 ? from : laps[index - 1]![1]
        if (of.laps?.[name] !== undefined) record(`${of.label}:${name}`, who, round, at - since)
      })
    }
  }
  return samples
}
