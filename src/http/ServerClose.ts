/**
 * Makes a Node server close well: at once where nothing is to be sent, and not
 * before its last bytes were sent where something is. By itself, `server.close()`
 *
 * - waits up to 90 seconds for connections on which nothing was asked yet, which
 *   browsers open in advance;
 * - waits 5 seconds for a connection that is kept alive after its last answer;
 * - tears off answers that were written but not yet taken by a slow client, such
 *   as the last event of a stream;
 * - waits for ever for a client that does not read.
 *
 * @since 0.1.0
 */
import type { Server } from "node:http"
import type { Socket } from "node:net"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"

/**
 * What is asked of a server: the `Server` of `node:http` has it. Written out, so
 * that the declarations of this package do not need those of Node.
 *
 * @category models
 * @since 0.1.0
 */
export interface Closable {
  readonly close: (callback?: (error?: Error) => void) => unknown
  readonly closeAllConnections: () => void
  readonly closeIdleConnections: () => void
}

/**
 * The same server, of HTTP/1.1. What is left `within` (default: 5 seconds) after
 * it began to close is cut.
 *
 * ```ts
 * NodeHttpServer.layer(() => ServerClose.promptly(createServer()), { port: 3000 })
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const promptly = <S extends Closable>(
  server: S,
  options?: { readonly within?: Duration.Input | undefined }
): S => {
  closePromptly(server as unknown as Server, options)
  return server
}

const closePromptly = (server: Server, options?: { readonly within?: Duration.Input | undefined }): void => {
  const within = Duration.fromInputUnsafe(options?.within ?? "5 seconds")
  /** How many answers each connection still owes. */
  const owed = new Map<Socket, number>()
  let closing = false
  server.on("connection", (socket: Socket) => {
    owed.set(socket, 0)
    socket.once("close", () => owed.delete(socket))
  })
  // Before all other listeners, which may answer at once.
  server.prependListener("request", ({ socket }, response) => {
    owed.set(socket, (owed.get(socket) ?? 0) + 1)
    response.once("close", () => {
      const left = (owed.get(socket) ?? 1) - 1
      if (closing && left === 0) socket.destroy()
      else if (owed.has(socket)) owed.set(socket, left)
    })
  })
  // Called by `close`; Node's own takes an answer that is written for one that was sent.
  server.closeIdleConnections = () => {
    for (const [socket, answers] of owed) if (answers === 0) socket.destroy()
  }
  const close = server.close.bind(server)
  server.close = (callback) => {
    closing = true
    const cutting = Effect.runFork(
      Effect.delay(
        Effect.sync(() => server.closeAllConnections()),
        within
      )
    )
    return close((error) => {
      Effect.runFork(Fiber.interrupt(cutting))
      callback?.(error)
    })
  }
}
