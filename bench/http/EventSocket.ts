/**
 * A reader of one event stream on a bare socket, which costs the machine as little as a correct one can: it takes the
 * chunks of HTTP/1.1 apart, cuts their bytes into events and reads the id of each. The rest of an event is for whoever
 * asks. It can stall, and be torn off at any moment.
 */
import { connect, type Socket } from "node:net"

export interface Listener {
  /** The head of the answer has come. */
  readonly opened?: (status: number) => void
  /** One event with an id: it stands in `text` from `from` to `to`, as ASCII. */
  readonly event: (attempt: number, seq: number, text: string, from: number, to: number) => void
  /** `ended` is false if the answer was torn off; the status is 0 if none came. Not called after `leave`. */
  readonly closed: (status: number, ended: boolean) => void
}

export class EventSocket {
  readonly #socket: Socket
  readonly #listener: Listener
  #status = 0
  /** What is not yet complete: of the head first, then of the last event. */
  #rest = ""
  /** Of the chunk that is being read; `closing` are the two bytes after it. */
  #left = 0
  #closing = 0
  #size = 0
  #ended = false
  #gone = false

  constructor(port: number, path: string, listener: Listener, lastEventId?: string) {
    this.#listener = listener
    this.#socket = connect({ port, host: "127.0.0.1", noDelay: true })
    const resume = lastEventId === undefined ? "" : `last-event-id: ${lastEventId}\r\n`
    this.#socket.write(`GET ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: text/event-stream\r\n${resume}\r\n`)
    this.#socket.on("data", (bytes: Buffer) => this.#data(bytes))
    // What is torn off is told by `close`.
    this.#socket.on("error", () => {})
    this.#socket.on("close", () => this.#close())
  }

  /** Reads nothing until `resume`. */
  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  /** Tears the connection off; nothing is told after this. */
  leave(): void {
    this.#gone = true
    this.#socket.destroy()
  }

  #data(bytes: Buffer): void {
    let at = 0
    if (this.#status === 0) {
      this.#rest += bytes.toString("latin1")
      const end = this.#rest.indexOf("\r\n\r\n")
      if (end < 0) return
      at = bytes.length - (this.#rest.length - end - 4)
      this.#head(this.#rest.slice(0, end + 2).toLowerCase())
      this.#rest = ""
    }
    while (at < bytes.length && !this.#gone && !this.#ended) {
      if (this.#left > 0) {
        const to = Math.min(bytes.length, at + this.#left)
        this.#left -= to - at
        this.#body(bytes.toString("latin1", at, to))
        at = to
        if (this.#left === 0) this.#closing = 2
      } else if (this.#closing > 0) {
        this.#closing--
        at++
      } else this.#sizeLine(bytes[at++]!)
    }
    if (this.#ended) this.#close()
  }

  #head(head: string): void {
    this.#status = Number(head.slice(9, 12))
    this.#listener.opened?.(this.#status)
    // Answers that are no streams have a length; of those, 200 is that of a task that has ended.
    const length = /\r\ncontent-length: (\d+)\r\n/.exec(head)
    if (length !== null || this.#status === 204) {
      this.#left = Number(length?.[1] ?? 0)
      this.#whole = true
      if (this.#left === 0) this.#ended = true
    } else if (!head.includes("\r\ntransfer-encoding: chunked\r\n")) {
      throw new Error(`This answer has no length and no chunks:\n${head}`)
    }
  }

  /** The body is one piece of a known length, which is read as one chunk with nothing after it. */
  #whole = false

  #sizeLine(byte: number): void {
    if (byte === 10) {
      this.#left = this.#size
      this.#size = 0
      if (this.#left === 0) this.#ended = true
    } else if (byte !== 13) this.#size = this.#size * 16 + (byte <= 57 ? byte - 48 : (byte | 32) - 87)
  }

  #body(piece: string): void {
    const text = this.#rest === "" ? piece : this.#rest + piece
    let from = 0
    for (;;) {
      const end = text.indexOf("\n\n", from)
      if (end < 0) break
      const id = text.startsWith("id:", from) ? from : text.indexOf("\nid:", from) + 1
      // Comments have none.
      if (id >= from && id < end && text[id] === "i" && !this.#gone) this.#event(text, id + 3, from, end)
      from = end + 2
    }
    this.#rest = text.slice(from)
    if (this.#whole && this.#left === 0) this.#ended = true
  }

  #event(text: string, id: number, from: number, to: number): void {
    let attempt = 0
    let number = 0
    for (let at = id; ; at++) {
      const code = text.charCodeAt(at)
      if (code >= 48 && code <= 57) number = number * 10 + code - 48
      else if (code === 45) {
        attempt = number
        number = 0
      } else if (code !== 32) break
    }
    this.#listener.event(attempt, number, text, from, to)
  }

  #close(): void {
    if (this.#gone) return
    this.#gone = true
    this.#socket.destroy()
    this.#listener.closed(this.#status, this.#ended)
  }
}

/** The name of the event that stands there. */
export const nameOf = (text: string, from: number, to: number): string => {
  const at = text.startsWith("event:", from) ? from + 6 : text.indexOf("\nevent:", from) + 7
  const start = text[at] === " " ? at + 1 : at
  const end = text.indexOf("\n", start)
  return text.slice(start, end < 0 || end > to ? to : end)
}

/** Its data, parsed. */
export const dataOf = (text: string, from: number, to: number): any => {
  const at = text.startsWith("data:", from) ? from + 5 : text.indexOf("\ndata:", from) + 6
  const end = text.indexOf("\n", at)
  return JSON.parse(text.slice(at, end < 0 || end > to ? to : end))
}
