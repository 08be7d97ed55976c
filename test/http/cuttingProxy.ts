/** A proxy between client and server that cuts connections at the byte that a test names, or swallows what comes. */
import { createServer, connect as dial, type AddressInfo, type Socket } from "node:net"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"

/** Of one connection: after so many bytes of the answers it is reset, closed well, or goes silent without a word. */
export interface Cut {
  readonly after: number
  readonly how: "reset" | "close" | "vanish"
}

export interface CuttingProxy {
  readonly url: string
  /** How many connections came. */
  readonly count: () => number
  /** Resets all that are open. */
  readonly cutAll: () => void
}

/** `cutOf` is asked for each connection, from 0; undefined: it is left alone. */
export const cuttingProxy = (
  target: string | (() => string),
  cutOf: (connection: number) => Cut | undefined
): Effect.Effect<CuttingProxy, never, Scope.Scope> =>
  Effect.gen(function* () {
    const sockets = new Set<Socket>()
    let count = 0
    const portOf = () => Number(new URL(typeof target === "string" ? target : target()).port)
    const own = (socket: Socket) => {
      sockets.add(socket)
      return socket.on("error", () => {}).once("close", () => sockets.delete(socket))
    }
    const server = createServer((client) => {
      const cut = cutOf(count++)
      let left = cut?.after ?? Infinity
      const upstream = own(dial(portOf(), "127.0.0.1"))
      own(client)
      client.pipe(upstream)
      const end = () => {
        if (cut!.how === "vanish") return
        upstream.destroy()
        if (cut!.how === "reset") client.resetAndDestroy()
        else client.end()
      }
      if (left <= 0) end()
      upstream.on("data", (bytes: Buffer) => {
        if (left <= 0) return
        const part = bytes.subarray(0, Math.min(left, bytes.length))
        left -= part.length
        if (left > 0) client.write(part)
        else client.write(part, end)
      })
      client.once("close", () => upstream.destroy())
      upstream.once("close", () => {
        if (cut?.how !== "vanish") client.end()
      })
    })
    yield* Effect.acquireRelease(
      Effect.callback<void>((resume) => {
        server.listen(0, "127.0.0.1", () => resume(Effect.void))
      }),
      () =>
        Effect.callback<void>((resume) => {
          for (const socket of sockets) socket.destroy()
          server.close(() => resume(Effect.void))
        })
    )
    return {
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      count: () => count,
      cutAll: () => {
        for (const socket of sockets) socket.resetAndDestroy()
      }
    }
  })
