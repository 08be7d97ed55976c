/** A kept-alive connection for JSON calls, one after another: bare, so that the client costs less than any server. */
import { connect, type Socket } from "node:net"

export interface Answer {
  readonly status: number
  readonly text: string
}

export class JsonConnection {
  readonly #socket: Socket
  #rest = ""
  #waiting: { readonly resolve: (answer: Answer) => void; readonly reject: (error: Error) => void } | undefined

  constructor(port: number) {
    this.#socket = connect({ port, host: "127.0.0.1", noDelay: true })
    this.#socket.on("data", (bytes: Buffer) => this.#data(bytes))
    this.#socket.on("error", (error) => this.#waiting?.reject(error))
    this.#socket.on("close", () => this.#waiting?.reject(new Error("The connection closed before its answer came")))
  }

  post(path: string, body: string): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (this.#socket.destroyed) return reject(new Error("The server has closed this connection"))
      this.#waiting = { resolve, reject }
      this.#socket.write(
        `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`
      )
    })
  }

  close(): void {
    this.#waiting = undefined
    this.#socket.destroy()
  }

  #data(bytes: Buffer): void {
    this.#rest += bytes.toString("latin1")
    const head = this.#rest.indexOf("\r\n\r\n")
    if (head < 0) return
    const length = /\r\ncontent-length: (\d+)/i.exec(this.#rest.slice(0, head))
    const waiting = this.#waiting!
    if (length === null) return waiting.reject(new Error(`This answer has no length:\n${this.#rest}`))
    const end = head + 4 + Number(length[1])
    if (this.#rest.length < end) return
    this.#waiting = undefined
    const answer = { status: Number(this.#rest.slice(9, 12)), text: this.#rest.slice(head + 4, end) }
    this.#rest = this.#rest.slice(end)
    waiting.resolve(answer)
  }
}
