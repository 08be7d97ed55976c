/**
 * Rounds of contestants that each have a process of their own, which lives as long as the case: every round lets each
 * play once, in an order that changes from round to round, while the others idle.
 */
import { orderOf, type Samples } from "../measure.ts"
import type { Kind } from "./Contestant.ts"
import { ServerProcess } from "./ServerProcess.ts"

/** Figures by the name of their row; that of the case itself is "". */
export type Figures = { readonly [row: string]: number }

export interface Play {
  readonly strides?: { readonly [name: string]: number } | undefined
  readonly warmUp: (server: ServerProcess) => Promise<void>
  readonly round: (server: ServerProcess) => Promise<Figures>
}

export const interleaved = async (
  label: string,
  kind: Kind,
  players: ReadonlyArray<string>,
  rounds: number,
  play: Play
): Promise<Samples> => {
  const samples: Samples = new Map()
  const servers = new Map<string, ServerProcess>()
  for (const name of players) {
    const server = await ServerProcess.start(kind, name)
    servers.set(name, server)
    await play.warmUp(server)
  }
  for (let index = 0; index < rounds; index++) {
    for (const name of orderOf(players, index)) {
      if (index % (play.strides?.[name] ?? 1) !== 0) continue
      record(samples, label, players, rounds, name, index, await play.round(servers.get(name)!))
    }
  }
  for (const server of servers.values()) await server.stop()
  return samples
}

/** Notes what a contestant's round came to. */
export const record = (
  samples: Samples,
  label: string,
  players: ReadonlyArray<string>,
  rounds: number,
  name: string,
  index: number,
  figures: Figures
): void => {
  for (const [row, figure] of Object.entries(figures)) {
    const key = row === "" ? label : `${label}:${row}`
    const series = samples.get(key) ?? new Map(players.map((name) => [name, Array<number | undefined>(rounds)]))
    samples.set(key, series)
    series.get(name)![index] = figure
  }
}
