/** What all rounds of `a2a` do: calls over a fixed number of connections, timed, with the CPU time of the server. */
import type { ServerProcess } from "../ServerProcess.ts"
import { RpcConnection } from "./RpcConnection.ts"

export const connected = async (server: ServerProcess, count: number): Promise<ReadonlyArray<RpcConnection>> => {
  const open = Array.from({ length: count }, () => new RpcConnection(server.port))
  await Promise.all(open.map((connection) => connection.connected()))
  return open
}

export const closeAll = (open: ReadonlyArray<RpcConnection>): void => {
  for (const connection of open) connection.close()
}

/** Hands out the numbers below `count` to all connections, one call at a time on each. */
export const drive = async (
  open: ReadonlyArray<RpcConnection>,
  count: number,
  call: (connection: RpcConnection, index: number) => Promise<void>
): Promise<void> => {
  let next = 0
  await Promise.all(
    open.map(async (connection) => {
      while (next < count) await call(connection, next++)
    })
  )
}

/** Nanoseconds: of the clock, and of the CPU of the server. */
export const timed = async (server: ServerProcess, run: () => Promise<void>) => {
  const before = await server.usage()
  const from = performance.now()
  await run()
  const wall = performance.now() - from
  return { wall: wall * 1e6, cpu: (await server.usage()).cpu - before.cpu }
}
