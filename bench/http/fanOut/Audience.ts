/**
 * The subscribers of one round. Each must see every event once and in order, from `started` to `cancelled`, and then the
 * end of its stream; the round throws if one does not.
 */
import { EventSocket, nameOf } from "../EventSocket.ts"

/** So many connections are opened at once. */
const batch = 100

export class Audience {
  readonly #sockets: Array<EventSocket> = []
  readonly #seen: Array<number> = []
  #reject: (error: Error) => void = () => {}
  /** How many have seen event `#mark`, and whoever waits for all of them. */
  #mark = 1
  #reached = 0
  #onReached = () => {}
  #ended = 0
  #onEnded = () => {}
  #cancelledAt = 0
  /** Rejects as soon as one sees what it should not. */
  readonly failed: Promise<never> = new Promise((_, reject) => {
    this.#reject = reject
  })

  readonly #of: string

  constructor(of: string) {
    this.#of = of
    this.failed.catch(() => {})
  }

  /** Opens so many streams; resolves when all have read their first event. */
  async enter(port: number, path: string, count: number): Promise<void> {
    for (let from = 0; from < count; from += batch) {
      const all = Math.min(count, from + batch)
      const here = new Promise<void>((resolve) => {
        this.#onReached = resolve
      })
      while (this.#sockets.length < all) this.#subscribe(port, path)
      this.#size = all
      await this.#race(here)
    }
  }

  #size = 0

  /** Resolves when all have read the event with this number. */
  until(seq: number): Promise<void> {
    this.#mark = seq
    this.#reached = this.#seen.filter((seen) => seen >= seq).length
    if (this.#reached === this.#size) return Promise.resolve()
    return this.#race(
      new Promise((resolve) => {
        this.#onReached = resolve
      })
    )
  }

  /** Resolves when all streams have ended, with the instant at which the last one read `cancelled`. */
  async end(): Promise<number> {
    if (this.#ended < this.#size) {
      await this.#race(
        new Promise<void>((resolve) => {
          this.#onEnded = resolve
        })
      )
    }
    return this.#cancelledAt
  }

  leave(): void {
    for (const socket of this.#sockets) socket.leave()
  }

  #subscribe(port: number, path: string): void {
    const index = this.#sockets.length
    let cancelled = false
    this.#seen.push(0)
    this.#sockets.push(
      new EventSocket(port, path, {
        event: (_, seq, text, from, to) => {
          if (seq !== this.#seen[index]! + 1 || cancelled) {
            this.#reject(
              new Error(`${this.#of}: subscriber ${index} read ${text.slice(from, to)} after ${this.#seen[index]}`)
            )
          }
          this.#seen[index] = seq
          // Of all names only those of the end begin so.
          const name = text.indexOf("event:", from) + 6
          if (text[name] === "c" || text[name + 1] === "c") {
            cancelled = nameOf(text, from, to) === "cancelled"
            if (cancelled) this.#cancelledAt = performance.now()
          }
          if (seq === this.#mark && ++this.#reached === this.#size) this.#onReached()
        },
        closed: (status, ended) => {
          if (status !== 200 || !ended || !cancelled) {
            this.#reject(
              new Error(`${this.#of}: subscriber ${index} was torn off after ${this.#seen[index]} (status ${status})`)
            )
          }
          if (++this.#ended === this.#size) this.#onEnded()
        }
      })
    )
  }

  #race<A>(promise: Promise<A>): Promise<A> {
    return Promise.race([promise, this.failed])
  }
}
