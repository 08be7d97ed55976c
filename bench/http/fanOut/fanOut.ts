/**
 * One task, many subscribers. A round opens a task, lets all subscribers in, has the task emit its events, and cancels
 * it while it emits one event each 10 ms. Cost is the CPU time of the server's process from the order to emit until the
 * last subscriber has read the last event; the wall time of the same span is that of server and client together, and
 * where the client is the slower one it says nothing about the server.
 */
import type { HttpCase } from "../HttpCase.ts"
import { interleaved } from "../interleaved.ts"
import { JsonConnection } from "../JsonConnection.ts"
import type { ServerProcess } from "../ServerProcess.ts"
import { Audience } from "./Audience.ts"
import { fanOutServers } from "./servers.ts"

interface Size {
  readonly mode: "paced" | "burst"
  readonly subscribers: number
  readonly events: number
  readonly rounds: number
  /** The most CPU time that Rescind may take, as a multiple of what the one by hand takes. */
  readonly cpu?: number
  readonly strides?: { readonly [name: string]: number }
}

/** Those that are five times slower and more play every third round. */
const slow = { hono: 3, pubsub: 3 }

const sizes: ReadonlyArray<Size> = [
  { mode: "paced", subscribers: 1, events: 1000, rounds: 9 },
  { mode: "paced", subscribers: 100, events: 1000, rounds: 7, cpu: 0.9 },
  { mode: "paced", subscribers: 1000, events: 1000, rounds: 3, cpu: 0.9, strides: slow },
  { mode: "burst", subscribers: 1, events: 1000, rounds: 9 },
  { mode: "burst", subscribers: 100, events: 1000, rounds: 7, cpu: 0.1 },
  { mode: "burst", subscribers: 1000, events: 1000, rounds: 3, cpu: 0.1, strides: slow }
]

/** Longer than any cancel may take. */
const endless = 1e9

let tasks = 0

const round = async (server: ServerProcess, { events, mode, subscribers }: Omit<Size, "rounds">) => {
  const id = `fan-${tasks++}`
  const paths = await server.open(id)
  const audience = new Audience(server.name)
  await audience.enter(server.port, paths.events, subscribers)

  const before = await server.usage()
  const from = performance.now()
  const handedOver = server.emit(events, mode)
  await audience.until(events + 1)
  const wall = performance.now() - from
  const after = await server.usage()
  await handedOver
  const turns = after.turns - before.turns
  if (mode === "paced" && turns < events)
    throw new Error(`${server.name}: ${events} events were paced in ${turns} turns`)

  const emitting = server.emit(endless, "calm")
  await audience.until(events + 4)
  const connection = new JsonConnection(server.port)
  const asked = performance.now()
  const answer = connection.post(paths.cancel, JSON.stringify({ reason: { by: "bench" } }))
  const heard = await audience.end()
  const { status, text } = await answer
  connection.close()
  if (status !== 200 || JSON.parse(text)._tag !== "Cancelled")
    throw new Error(`The cancel was answered ${status} ${text}`)
  await emitting
  await server.settled()
  return { "": wall * 1e6, cpu: after.cpu - before.cpu, cancel: (heard - asked) * 1e6 }
}

export const fanOutCases: ReadonlyArray<HttpCase> = sizes.map((size): HttpCase => {
  const label = `http-${size.mode}-${size.subscribers}`
  const delivered = size.events * size.subscribers
  const cancel = size.subscribers === 1000 && size.mode === "paced" ? { hand: 1.5 } : {}
  return {
    label,
    groups: ["http", "http-fan-out", `http-${size.mode}`],
    rounds: size.rounds,
    scored: {
      baseline: "hand",
      rowOf: (row) =>
        row === `${label}:cancel`
          ? { unit: "time", operations: 1, targets: cancel }
          : row === `${label}:cpu`
            ? { unit: "time", operations: delivered, targets: size.cpu === undefined ? {} : { hand: size.cpu } }
            : { unit: "time", operations: delivered, perSecond: true, targets: {} }
    },
    play: (rounds) =>
      interleaved(label, "fan-out", Object.keys(fanOutServers), rounds, {
        strides: size.strides,
        warmUp: async (server) => {
          for (const mode of ["paced", "burst"] as const) await round(server, { mode, subscribers: 20, events: 500 })
        },
        round: (server) => round(server, size)
      })
  }
})
