/**
 * What 10,000 cancelled tasks leave behind in the heap of the server. Weighed against a server that has cancelled 3,000
 * before, so that what it keeps of ended tasks is as much as it ever keeps; each figure is of a process of its own.
 */
import type { HttpCase } from "../HttpCase.ts"
import { record } from "../interleaved.ts"
import { orderOf, type Samples } from "../../measure.ts"
import { ServerProcess } from "../ServerProcess.ts"
import { cancel, cancelled, start, startedTask } from "./calls.ts"
import { wait } from "./commands.ts"
import { closeAll, connected, drive } from "./rounds.ts"
import { agentServers } from "./servers.ts"

const label = "a2a-memory"
const tasks = 10_000

const cancelSome = async (server: ServerProcess, count: number): Promise<void> => {
  const open = await connected(server, 50)
  await drive(open, count, async (connection, index) => {
    const id = startedTask(server.name, await connection.call(start(index, wait)))
    cancelled(server.name, index, id, await connection.call(cancel(index, id)))
  })
  closeAll(open)
  await server.settled()
}

const weighOnce = async (name: string) => {
  const server = await ServerProcess.start("agents", name)
  await cancelSome(server, 3000)
  const before = await server.usage({ collect: true })
  await cancelSome(server, tasks)
  const after = await server.usage({ collect: true })
  await server.stop()
  return { "": Math.max(0, after.heap - before.heap) }
}

export const memoryCase: HttpCase = {
  label,
  groups: ["a2a"],
  rounds: 3,
  // A tenth of what the SDK keeps is the noise of a heap, and no more after 25,000.
  scored: { baseline: "sdk", rowOf: () => ({ unit: "bytes", operations: tasks, targets: { sdk: 1 / 10 } }) },
  play: async (rounds) => {
    const samples: Samples = new Map()
    const players = Object.keys(agentServers)
    for (let index = 0; index < rounds; index++) {
      for (const name of orderOf(players, index)) {
        record(samples, label, players, rounds, name, index, await weighOnce(name))
      }
    }
    return samples
  }
}
