/**
 * Who waits, or what is kept, under one channel and key: a linked list in order
 * of arrival. It never holds both, as a message that comes while somebody waits
 * is handed over at once. A line is in its map exactly while it holds something.
 */
import type * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"

abstract class Entry {
  prev: Entry | undefined = undefined
  next: Entry | undefined = undefined
  /** The line that it stands in. */
  line: Line | undefined = undefined
}

export class Message extends Entry {
  /** An entry of the expiry queue; also while it has been taken out of the line. */
  timed = false
  readonly channel: string
  readonly key: string
  readonly value: unknown
  readonly seq: number
  /** Epoch milliseconds. */
  readonly at: number
  readonly ttl: number
  /** When it expires, a steady instant. */
  readonly until: number

  constructor(channel: string, key: string, value: unknown, seq: number, at: number, ttl: number, until: number) {
    super()
    this.channel = channel
    this.key = key
    this.value = value
    this.seq = seq
    this.at = at
    this.ttl = ttl
    this.until = until
  }

  /** One without time to live may still go to somebody who waits in the same millisecond. */
  due(now: number): boolean {
    return now >= (this.ttl > 0 ? this.until : this.until + 1)
  }
}

export class Waiter extends Entry {
  /** What was handed to it, until it is settled or given back. */
  message: Message | undefined = undefined
  resume: ((effect: Effect.Effect<unknown, any>) => void) | undefined = undefined
  fiber: Fiber.Fiber<unknown, unknown> | undefined = undefined
  timer: Fiber.Fiber<unknown, unknown> | undefined = undefined
  /** It holds its message until work on it has ended. */
  readonly holds: boolean

  constructor(holds: boolean) {
    super()
    this.holds = holds
  }
}

export type Lines = Map<string, Line>

export class Line {
  first: Entry | undefined = undefined
  private last: Entry | undefined = undefined
  readonly key: string
  private readonly lines: Lines

  constructor(key: string, lines: Lines) {
    this.key = key
    this.lines = lines
    lines.set(key, this)
  }

  push(entry: Entry): void {
    entry.line = this
    entry.prev = this.last
    if (this.last === undefined) this.first = entry
    else this.last.next = entry
    this.last = entry
  }

  /** At the head, but behind what was published before it. */
  putBack(message: Message): void {
    let after: Entry | undefined = undefined
    let before = this.first
    while (before !== undefined && (before as Message).seq < message.seq) {
      after = before
      before = before.next
    }
    if (before === undefined) return this.push(message)
    message.line = this
    message.prev = after
    message.next = before
    before.prev = message
    if (after === undefined) this.first = message
    else after.next = message
  }

  remove(entry: Entry): void {
    if (entry.prev === undefined) this.first = entry.next
    else entry.prev.next = entry.next
    if (entry.next === undefined) this.last = entry.prev
    else entry.next.prev = entry.prev
    entry.prev = entry.next = entry.line = undefined
    if (this.first === undefined) this.lines.delete(this.key)
  }

  *[Symbol.iterator](): Iterator<Message | Waiter> {
    for (let entry = this.first; entry !== undefined; entry = entry.next) yield entry as Message | Waiter
  }
}
