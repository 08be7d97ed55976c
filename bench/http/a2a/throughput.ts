/**
 * How many messages and how many short streams a second, 50 at a time, and how long one long stream takes. The client is
 * bare sockets and is the faster one; where it is not, the rows of CPU time tell what the server takes.
 */
import type { HttpCase } from "../HttpCase.ts"
import { interleaved } from "../interleaved.ts"
import type { ServerProcess } from "../ServerProcess.ts"
import { echoed, follow, Reader, send } from "./calls.ts"
import { echo, type Pace, stream } from "./commands.ts"
import { closeAll, connected, drive, timed } from "./rounds.ts"
import { verifiedBySdk } from "./sdkClient.ts"
import { agentServers } from "./servers.ts"

const players = Object.keys(agentServers)

const wide = 50

const messages = async (server: ServerProcess, count: number) => {
  const open = await connected(server, wide)
  const bodies = Array.from({ length: count }, (_, index) => send(index, echo(`number ${index}`)))
  const answers = Array<string>(count)
  const { cpu, wall } = await timed(server, () =>
    drive(open, count, async (connection, index) => {
      answers[index] = await connection.call(bodies[index]!)
    })
  )
  // When the clock has stopped: the client is to wait for the server, not the server for it.
  for (const [index, answer] of answers.entries()) echoed(server.name, index, `number ${index}`, answer)
  closeAll(open)
  await server.settled()
  return { "": wall, cpu }
}

const streams = async (server: ServerProcess, count: number, chunks: number, pace: Pace, connections = wide) => {
  const open = await connected(server, connections)
  const bodies = Array.from({ length: count }, (_, index) => follow(index, stream(chunks, pace)))
  const { cpu, wall } = await timed(server, () =>
    drive(open, count, async (connection, index) => {
      const reader = new Reader(server.name, index, "COMPLETED")
      await connection.follow(bodies[index]!, reader.onEvent)
      reader.check(chunks)
    })
  )
  closeAll(open)
  await server.settled()
  return { "": wall, cpu }
}

/** So many rounds, until neither is compiled anew. */
const warmUp =
  (times: number, round: (server: ServerProcess) => Promise<unknown>) =>
  async (server: ServerProcess): Promise<void> => {
    await verifiedBySdk(server)
    for (let time = 0; time < times; time++) await round(server)
  }

const messagesCase: HttpCase = {
  label: "a2a-messages",
  groups: ["a2a"],
  rounds: 11,
  scored: {
    baseline: "sdk",
    rowOf: (row) => ({
      unit: "time",
      operations: 10_000,
      perSecond: row === "a2a-messages",
      targets: { sdk: 1 / 4 }
    })
  },
  play: (rounds) => {
    // Half a second at least: a shorter one, behind the idleness in which the other plays, measures how a process wakes up.
    const round = (server: ServerProcess) => messages(server, 10_000)
    return interleaved("a2a-messages", "agents", players, rounds, { warmUp: warmUp(4, round), round })
  }
}

/** With the task, WORKING and COMPLETED they are 23 events. */
const streamsCase = (pace: Pace): HttpCase => {
  const label = `a2a-streams-${pace}`
  return {
    label,
    groups: ["a2a", "a2a-streams"],
    rounds: 15,
    scored: {
      baseline: "sdk",
      rowOf: (row) => ({ unit: "time", operations: 500, perSecond: row === label, targets: { sdk: 1 / 3 } })
    },
    play: (rounds) => {
      const round = (server: ServerProcess) => streams(server, 500, 20, pace)
      return interleaved(label, "agents", players, rounds, { warmUp: warmUp(8, round), round })
    }
  }
}

/** The SDK's takes a time that grows with the square; at 4,000 it would play for half a minute. */
const chunksCase = (chunks: number, pace: Pace, rounds: number): HttpCase => {
  const label = `a2a-chunks-${chunks}${pace === "at-once" ? "" : `-${pace}`}`
  return {
    label,
    groups: ["a2a", "a2a-chunks"],
    rounds,
    scored: {
      baseline: "sdk",
      rowOf: (row) => ({
        unit: "time",
        operations: chunks,
        targets: chunks === 2000 && pace === "at-once" && row === label ? { sdk: 1 / 50 } : {}
      })
    },
    play: (rounds) =>
      interleaved(label, "agents", chunks === 4000 ? ["rescind"] : players, rounds, {
        warmUp: async (server) => {
          await warmUp(5, (server) => streams(server, 100, 20, pace))(server)
          // Ours is over in a moment, and is to be as warm as one that is not.
          for (let times = 0; times < (server.name === "rescind" ? 10 : 1); times++) {
            await streams(server, 1, 500, pace, 1)
          }
        },
        round: (server) => streams(server, 1, chunks, pace, 1)
      })
  }
}

export const throughputCases: ReadonlyArray<HttpCase> = [
  messagesCase,
  streamsCase("at-once"),
  streamsCase("by-turn"),
  chunksCase(500, "at-once", 7),
  chunksCase(1000, "at-once", 5),
  chunksCase(2000, "at-once", 5),
  chunksCase(4000, "at-once", 5),
  chunksCase(2000, "by-turn", 3)
]
