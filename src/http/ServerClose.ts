/**
 * Makes a Node server close well: at once where nothing is to be sent, and not
 * before its last bytes were sent where something is. By itself, `server.close()`
 *
 * - waits up to 90 seconds for connections on which nothing was asked yet, which
 *   browsers open in advance;
 * - waits 5 seconds for a connection that is kept alive after its last answer;
 * - tears off answers that were written but not yet taken by a slow client, such
 *   as the last event of a stream;
 * - resets a connection whose client is still sending, so that an answer that is
 *   on its way may not arrive;
 * - waits for ever for a client that does not read, and for upgraded connections.
 *
 * @since 0.1.0
 */
import type { IncomingMessage, Server, ServerResponse } from "node:http"
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
  const farewell = Duration.min(within, Duration.seconds(1))
  /** How many answers each connection still owes; NaN once it takes no more requests. */
  const owed = new Map<Socket, number>()
  let closing = false
  /** First our end, so that what is on its way arrives though the client goes on sending; the client then ends its own. */
  const leave = (socket: Socket): void => {
    owed.set(socket, NaN)
    socket.end()
    socket.resume()
    const cutting = Effect.runFork(
      Effect.delay(
        Effect.sync(() => socket.destroy()),
        farewell
      )
    )
    socket.once("close", () => cutting.interruptUnsafe())
  }
  const owe = (socket: Socket): (() => void) => {
    owed.set(socket, (owed.get(socket) ?? 0) + 1)
    let settled = false
    return () => {
      if (settled || !owed.has(socket)) return
      settled = true
      const left = owed.get(socket)! - 1
      owed.set(socket, left)
      if (closing && left === 0) leave(socket)
    }
  }
  const track = (socket: Socket): void => {
    owed.set(socket, 0)
    socket.once("close", () => owed.delete(socket))
  }
  server.on("connection", track)
  // The encrypted connection stands for the one below it.
  server.on("secureConnection", (socket: Socket) => {
    for (const below of owed.keys()) {
      if (below.remotePort === socket.remotePort && below.remoteAddress === socket.remoteAddress) owed.delete(below)
    }
    track(socket)
  })
  // Not by listeners: to Node, one for `checkContinue` or `upgrade` says that somebody answers those. Before all that
  // there are, which may answer at once.
  const emit = server.emit.bind(server) as (event: string, ...args: ReadonlyArray<unknown>) => boolean
  server.emit = (event: string, ...args: ReadonlyArray<unknown>): boolean => {
    switch (event) {
      case "request":
      case "checkContinue":
      case "checkExpectation": {
        const [request, response] = args as [IncomingMessage, ServerResponse]
        // Nobody would read the answer.
        if (Number.isNaN(owed.get(request.socket))) return true
        response.once("close", owe(request.socket))
        break
      }
      case "upgrade": {
        const [, socket] = args as [unknown, Socket]
        const settle = owe(socket)
        socket.once("finish", settle)
        onSwitch(socket, settle)
      }
    }
    return emit(event, ...args)
  }
  // Called by `close`; Node's own takes an answer that is written for one that was sent.
  server.closeIdleConnections = () => {
    for (const [socket, answers] of owed) if (answers === 0) leave(socket)
  }
  const close = server.close.bind(server)
  server.close = (callback) => {
    closing = true
    const cutting = Effect.runFork(
      Effect.delay(
        Effect.sync(() => {
          // Those that were upgraded are in no list of Node.
          for (const socket of owed.keys()) socket.destroy()
        }),
        within
      )
    )
    return close((error) => {
      Effect.runFork(Fiber.interrupt(cutting))
      callback?.(error)
    })
  }
}

/** Calls back when an upgraded connection speaks another protocol, in which no answer is owed; else it gets one as usual. */
const onSwitch = (socket: Socket, tell: () => void): void => {
  const write = socket.write.bind(socket)
  socket.write = (chunk: unknown, ...rest: ReadonlyArray<never>) => {
    socket.write = write
    if (typeof chunk === "string" && chunk.startsWith("HTTP/1.1 101 ")) tell()
    return write(chunk as string, ...rest)
  }
}
