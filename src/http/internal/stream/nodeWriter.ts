/**
 * Writes to the response of a Node server, past what Effect does per piece and
 * per client. Over HTTP/1.1 the chunk is framed once for all clients and goes to
 * the socket as it is, which halves the cost of a write (`shared/facts`,
 * `bench/README.md`); otherwise through the response.
 */
import type { ServerResponse } from "node:http"
import type { Socket } from "node:net"
import type { Chunk } from "./chunk.ts"
import type { EventWriter } from "./logReader.ts"

export class NodeWriter implements EventWriter {
  private readonly response: ServerResponse
  /** Who was written to last: it says when there is room. */
  private target: ServerResponse | Socket

  /** The head must have been written; it goes out now, since a task may be silent for long. */
  constructor(response: ServerResponse) {
    this.response = response
    this.target = response
    this.hold()
    response.flushHeaders()
  }

  /** Each write of its own is a system call, and wakes the client. */
  hold(): void {
    const { socket } = this.response
    if (socket === null) return
    socket.cork()
    // oxlint-disable-next-line repository/effect-only -- in this very turn, however the fiber that writes goes on
    queueMicrotask(() => socket.uncork())
  }

  write(chunk: Chunk): boolean {
    const { response } = this
    const { socket } = response
    // No socket: an earlier answer of the same connection is still under way.
    if (socket === null || !response.chunkedEncoding || response.req.httpVersionMajor !== 1) {
      this.target = response
      return response.write(chunk.bytes)
    }
    if (!socket.writable) return true
    this.target = socket
    return socket.write(chunk.framed)
  }

  onRoom(reader: { readonly advance: () => void }): () => void {
    const { target } = this
    const room = () => reader.advance()
    target.once("drain", room)
    return () => target.off("drain", room)
  }
}
