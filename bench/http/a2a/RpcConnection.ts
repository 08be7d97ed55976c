/**
 * A kept-alive connection for JSON-RPC: one call after another, answered by JSON or by a stream of server-sent events.
 * Bare, so that the client costs less than any server.
 */
import { connect, type Socket } from "node:net"

/** An event of a stream: it stands in `text` from `from` to `to`. */
export type OnEvent = (text: string, from: number, to: number) => void

interface Waiting {
  readonly resolve: (text: string) => void
  readonly reject: (error: Error) => void
  readonly onEvent: OnEvent | undefined
}

export class RpcConnection {
  readonly #socket: Socket
  #waiting: Waiting | undefined
  /** Of the head, or of the line before a chunk, what has come. */
  #rest = ""
  #body = ""
  #state: "head" | "length" | "size" | "chunk" | "closing" = "head"
  #left = 0
  #isStream = false

  constructor(port: number) {
    this.#socket = connect({ port, host: "127.0.0.1", noDelay: true })
    this.#socket.on("data", (bytes: Buffer) => this.#data(bytes.toString("latin1")))
    this.#socket.on("error", (error) => this.#waiting?.reject(error))
    this.#socket.on("close", () => this.#waiting?.reject(new Error("The connection closed before its answer came")))
  }

  connected(): Promise<void> {
    return new Promise((resolve, reject) => this.#socket.once("connect", resolve).once("error", reject))
  }

  /** Resolves with the answer, JSON as text. */
  call(body: string): Promise<string> {
    return this.#send(body, undefined)
  }

  /** Resolves when the stream has ended. */
  async follow(body: string, onEvent: OnEvent): Promise<void> {
    const rest = await this.#send(body, onEvent)
    if (rest !== "") throw new Error(`The stream ended with ${rest}`)
  }

  close(): void {
    this.#waiting = undefined
    this.#socket.destroy()
  }

  #send(body: string, onEvent: OnEvent | undefined): Promise<string> {
    return new Promise((resolve, reject) => {
      if (this.#socket.destroyed) return reject(new Error("The server has closed this connection"))
      this.#waiting = { resolve, reject, onEvent }
      this.#socket.write(
        `POST / HTTP/1.1\r\nhost: 127.0.0.1\r\na2a-version: 1.0\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`
      )
    })
  }

  #data(piece: string): void {
    const text = this.#rest === "" ? piece : this.#rest + piece
    this.#rest = ""
    let at = 0
    while (at < text.length) {
      if (this.#state === "length" || this.#state === "chunk") {
        const to = Math.min(text.length, at + this.#left)
        this.#left -= to - at
        this.#take(text.slice(at, to))
        at = to
        if (this.#left > 0) return
        if (this.#state === "length") this.#done()
        else this.#state = "closing"
      } else {
        const mark = this.#state === "head" ? "\r\n\r\n" : "\r\n"
        const end = text.indexOf(mark, at)
        if (end < 0) {
          this.#rest = text.slice(at)
          return
        }
        if (this.#state === "head") this.#head(text.slice(at, end + 2).toLowerCase())
        else if (this.#state === "size") {
          this.#left = Number.parseInt(text.slice(at, end), 16)
          this.#state = this.#left === 0 ? "closing" : "chunk"
          this.#ending = this.#left === 0
        } else if (this.#ending) this.#done()
        else this.#state = "size"
        at = end + mark.length
      }
    }
  }

  /** The last chunk has come, which is empty. */
  #ending = false

  #head(head: string): void {
    if (!head.startsWith("http/1.1 200 ")) return this.#waiting!.reject(new Error(`The answer was ${head}`))
    const length = /\r\ncontent-length: (\d+)\r\n/.exec(head)
    this.#isStream = head.includes("\r\ncontent-type: text/event-stream")
    if (length !== null) {
      this.#left = Number(length[1])
      this.#state = "length"
    } else if (head.includes("\r\ntransfer-encoding: chunked\r\n")) this.#state = "size"
    else this.#waiting!.reject(new Error(`This answer has no length and no chunks:\n${head}`))
  }

  #take(piece: string): void {
    const text = this.#body === "" ? piece : this.#body + piece
    if (!this.#isStream) {
      this.#body = text
      return
    }
    let from = 0
    for (;;) {
      const end = text.indexOf("\n\n", from)
      if (end < 0) break
      // Not a comment.
      if (text[from] !== ":") this.#waiting!.onEvent!(text, from, end)
      from = end + 2
    }
    this.#body = text.slice(from)
  }

  #done(): void {
    const waiting = this.#waiting!
    const body = this.#body
    this.#waiting = undefined
    this.#body = ""
    this.#state = "head"
    waiting.resolve(body)
  }
}
