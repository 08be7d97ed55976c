/**
 * What a subscriber costs while nothing is sent to it, and what a burst costs that nobody could take so fast. Each figure
 * is of a process of its own, since memory that one round took from the system is not given back before the next.
 */
import type { HttpCase } from "../HttpCase.ts"
import { record } from "../interleaved.ts"
import { JsonConnection } from "../JsonConnection.ts"
import { orderOf, type Samples } from "../../measure.ts"
import { ServerProcess } from "../ServerProcess.ts"
import { Audience } from "./Audience.ts"
import { fanOutServers } from "./servers.ts"

const subscribers = 1000
const events = 1000

const cancelled = async (server: ServerProcess, path: string, audience: Audience): Promise<void> => {
  const connection = new JsonConnection(server.port)
  await connection.post(path, "{}")
  await audience.end()
  connection.close()
  await server.settled()
}

const weighOnce = async (name: string) => {
  const server = await ServerProcess.start("fan-out", name)
  const early = new Audience(server.name)
  const first = await server.open("early")
  await early.enter(server.port, first.events, 100)
  await server.emit(100, "paced")
  await early.until(101)
  await cancelled(server, first.cancel, early)

  const paths = await server.open("late")
  const empty = await server.usage({ collect: true })
  const audience = new Audience(server.name)
  await audience.enter(server.port, paths.events, subscribers)
  const full = await server.usage({ collect: true })
  await server.emit(events, "burst")
  await audience.until(events + 1)
  const after = await server.usage()
  await cancelled(server, paths.cancel, audience)
  await server.stop()
  return {
    "": full.heap - empty.heap,
    rss: full.rss - empty.rss,
    burst: Math.max(0, after.maxRss - full.rss)
  }
}

const label = "http-memory"

export const memoryCase: HttpCase = {
  label,
  groups: ["http", "http-fan-out"],
  rounds: 3,
  scored: {
    baseline: "hand",
    rowOf: (row) => ({ unit: "bytes", operations: subscribers, targets: row === `${label}:burst` ? {} : { hand: 2 } })
  },
  play: async (rounds) => {
    const samples: Samples = new Map()
    const players = Object.keys(fanOutServers)
    for (let index = 0; index < rounds; index++) {
      for (const name of orderOf(players, index)) {
        record(samples, label, players, rounds, name, index, await weighOnce(name))
      }
    }
    return samples
  }
}
