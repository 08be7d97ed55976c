/**
 * Starts and cancels: 32 kept-alive connections start tasks that wait, one call after another on each, and then cancel
 * them and wait for their ends. Rates are those of the server: the client is bare sockets and is the faster one.
 */
import type { HttpCase } from "../HttpCase.ts"
import { interleaved } from "../interleaved.ts"
import { JsonConnection } from "../JsonConnection.ts"
import type { ServerProcess } from "../ServerProcess.ts"
import { requestServers } from "./servers.ts"

const label = "http-requests"
const connections = 32
const tasks = 2000

const round = async (server: ServerProcess, count: number) => {
  const open = Array.from({ length: connections }, () => new JsonConnection(server.port))
  const ids: Array<string> = []
  /** Hands out the numbers below `count` to all connections, one call at a time on each. */
  const drive = async (call: (connection: JsonConnection, index: number) => Promise<void>) => {
    let next = 0
    const before = await server.usage()
    const from = performance.now()
    const one = async (connection: JsonConnection) => {
      while (next < count) await call(connection, next++)
    }
    await Promise.all(open.map(one))
    const wall = performance.now() - from
    return { wall: wall * 1e6, cpu: (await server.usage()).cpu - before.cpu }
  }
  const start = await drive(async (connection, index) => {
    const { status, text } = await connection.post("/tasks/wait", JSON.stringify({ label: `number ${index}` }))
    const { id } = JSON.parse(text) as { readonly id: string }
    if (status !== 202) throw new Error(`${server.name} answered a start with ${status}: ${text}`)
    ids.push(id)
  })
  if (new Set(ids).size !== count) throw new Error(`${server.name} gave ${new Set(ids).size} ids to ${count} tasks`)
  const body = JSON.stringify({ reason: { message: "It took too long", by: "bench" } })
  const cancel = await drive(async (connection, index) => {
    const { status, text } = await connection.post(`/tasks/${ids[index]}/cancel`, body)
    const { _tag, id, reason } = JSON.parse(text)
    if (status !== 200 || _tag !== "Cancelled" || id !== ids[index] || reason.by !== "bench") {
      throw new Error(`${server.name} answered a cancel with ${status}: ${text}`)
    }
  })
  for (const connection of open) connection.close()
  await server.settled()
  return { start: start.wall, "start-cpu": start.cpu, cancel: cancel.wall, "cancel-cpu": cancel.cpu }
}

/** The issue asks for 0.9 of the rate. */
const targets = { "http-api": 1 / 0.9 }

export const requestsCase: HttpCase = {
  label,
  groups: ["http"],
  rounds: 15,
  scored: {
    baseline: "http-api",
    rowOf: (row) => ({
      unit: "time",
      operations: tasks,
      ...(row.endsWith("-cpu") ? { targets: {} } : { targets, perSecond: true })
    })
  },
  play: (rounds) =>
    interleaved(label, "requests", Object.keys(requestServers), rounds, {
      warmUp: async (server) => {
        // So many until neither is compiled anew.
        for (let times = 0; times < 8; times++) await round(server, tasks)
      },
      round: (server) => round(server, tasks)
    })
}
