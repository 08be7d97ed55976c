/**
 * How long from a cancel until the terminal event is read on the stream of the task: of a task that waits, of one in the
 * middle of its stream, and of one beside 100 streams that run; and how long 1,000 cancels take that come at once.
 */
import type { HttpCase } from "../HttpCase.ts"
import { type Figures, interleaved } from "../interleaved.ts"
import type { ServerProcess } from "../ServerProcess.ts"
import { cancel, cancelled, follow, Reader, start, startedTask } from "./calls.ts"
import { stream, wait } from "./commands.ts"
import { closeAll, connected, drive, timed } from "./rounds.ts"
import type { RpcConnection } from "./RpcConnection.ts"
import { verifiedBySdk } from "./sdkClient.ts"
import { agentServers } from "./servers.ts"

const players = Object.keys(agentServers)

/** More chunks than a round has time for. */
const endless = 1e6

/** Milliseconds from the cancel to the terminal event; `chunks` have been read before it is sent. */
const cancelOnce = async (
  server: ServerProcess,
  following: RpcConnection,
  cancelling: RpcConnection,
  text: string,
  chunks: number
): Promise<number> => {
  let asked = 0
  let answer: Promise<string> | undefined
  const ask = () => {
    asked = performance.now()
    answer = cancelling.call(cancel(2, reader.taskId))
  }
  const reader = new Reader(server.name, 1, "CANCELED", chunks === 0 ? ask : undefined)
  await following.follow(follow(1, text), (event, from, to) => {
    reader.onEvent(event, from, to)
    if (answer === undefined && chunks > 0 && reader.chunks >= chunks) ask()
  })
  reader.check()
  cancelled(server.name, 2, reader.taskId, await answer!)
  return reader.endedAt - asked
}

const latencies = async (server: ServerProcess, count: number, text: string, chunks: number): Promise<Figures> => {
  const open = await connected(server, 2)
  const took: Array<number> = []
  const { cpu } = await timed(server, async () => {
    for (let index = 0; index < count; index++) {
      took.push(await cancelOnce(server, open[0]!, open[1]!, text, chunks))
    }
  })
  closeAll(open)
  took.sort((a, b) => a - b)
  const at = (share: number): number => took[Math.floor(share * (count - 1))]! * 1e6
  return { p50: at(0.5), p99: at(0.99), cpu: cpu / count }
}

/** Streams of 40 tokens a second, as language models write them. */
const beside = async (server: ServerProcess, running: number, run: () => Promise<Figures>): Promise<Figures> => {
  const open = await connected(server, running)
  const readers = open.map((_, index) => new Reader(server.name, index, "CANCELED"))
  const all = open.map((connection, index) =>
    connection.follow(follow(index, stream(endless, 25)), readers[index]!.onEvent)
  )
  while (readers.some(({ chunks }) => chunks < 2)) await new Promise((resolve) => setTimeout(resolve, 5))
  const figures = await run()
  const stopping = await connected(server, running)
  await Promise.all(
    stopping.map(async (connection, index) => {
      const { taskId } = readers[index]!
      cancelled(server.name, 1, taskId, await connection.call(cancel(1, taskId)))
    })
  )
  await Promise.all(all)
  for (const reader of readers) reader.check()
  closeAll(open)
  closeAll(stopping)
  return figures
}

const latencyCase = (name: string, rounds: number, round: (server: ServerProcess) => Promise<Figures>): HttpCase => {
  const label = `a2a-cancel-${name}`
  return {
    label,
    groups: ["a2a", "a2a-cancel"],
    rounds,
    scored: {
      baseline: "sdk",
      // The CPU time beside streams is theirs for the most part, as long as a round takes.
      rowOf: (row) => ({ unit: "time", operations: 1, targets: row.endsWith(":cpu") ? {} : { sdk: 1 } })
    },
    play: (rounds) =>
      interleaved(label, "agents", players, rounds, {
        warmUp: async (server) => {
          await verifiedBySdk(server)
          for (let times = 0; times < 5; times++) await latencies(server, 200, wait, 0)
          await latencies(server, 100, stream(endless, 1), 5)
        },
        round: async (server) => {
          const figures = await round(server)
          await server.settled()
          return figures
        }
      })
  }
}

const allAtOnce = 1000

const cancelAll = async (server: ServerProcess): Promise<Figures> => {
  const open = await connected(server, allAtOnce)
  const ids: Array<string> = []
  await drive(open.slice(0, 50), allAtOnce, async (connection, index) => {
    ids[index] = startedTask(server.name, await connection.call(start(index, wait)))
  })
  const { cpu, wall } = await timed(server, async () => {
    const answers = await Promise.all(open.map((connection, index) => connection.call(cancel(index, ids[index]!))))
    for (const [index, answer] of answers.entries()) cancelled(server.name, index, ids[index]!, answer)
  })
  closeAll(open)
  await server.settled()
  return { "": wall, cpu }
}

const cancelAllCase: HttpCase = {
  label: "a2a-cancel-all",
  groups: ["a2a", "a2a-cancel"],
  rounds: 9,
  scored: { baseline: "sdk", rowOf: () => ({ unit: "time", operations: allAtOnce, targets: { sdk: 1 } }) },
  play: (rounds) =>
    interleaved("a2a-cancel-all", "agents", players, rounds, {
      warmUp: async (server) => {
        for (let times = 0; times < 3; times++) await cancelAll(server)
      },
      round: cancelAll
    })
}

export const cancelCases: ReadonlyArray<HttpCase> = [
  latencyCase("idle", 9, (server) => latencies(server, 400, wait, 0)),
  latencyCase("mid-stream", 15, (server) => latencies(server, 200, stream(endless, 1), 10)),
  latencyCase("beside-100", 5, (server) => beside(server, 100, () => latencies(server, 400, wait, 0))),
  cancelAllCase
]
