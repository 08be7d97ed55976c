/**
 * The log behind `EventLog`, with the readers that are up to date linked into
 * it: those are written to together, the others take what they lack when their
 * sockets have room.
 */
import type { SchedulerDispatcher } from "effect/Scheduler"
import type { Event, EventLog, Options } from "../../EventLog.ts"
import { Chunk } from "./chunk.ts"
import type { LogReader } from "./logReader.ts"

/** A place in the ring of readers; out of it, it has no neighbours. */
export interface Link {
  before: Link | undefined
  after: Link | undefined
}

export class LogNode implements EventLog {
  readonly prefix: string
  last = 0
  ended = false
  readers = 0
  private readonly maxEvents: number
  private readonly maxCharacters: number
  private readonly dispatcher: SchedulerDispatcher
  /** Encoded, oldest first, from index `start`. */
  private texts: Array<string> = []
  private start = 0
  private characters = 0
  /** What the readers that are up to date were sent. */
  private flushed = 0
  private scheduled = false
  /** Begins and ends the ring of readers that are up to date. */
  private readonly ring: Link
  /** What was sent last: readers that fell behind together catch up together. */
  private piece: { readonly from: number; readonly chunk: Chunk } | undefined = undefined

  constructor(dispatcher: SchedulerDispatcher, options?: Options) {
    this.dispatcher = dispatcher
    this.prefix = options?.prefix ?? ""
    if (!/^[A-Za-z0-9._-]*$/.test(this.prefix)) {
      throw new TypeError(`The prefix "${this.prefix}" must be letters, digits, ".", "_" or "-": it stands in ids`)
    }
    this.maxEvents = options?.events ?? 1024
    this.maxCharacters = options?.characters ?? 1_048_576
    this.ring = { before: undefined, after: undefined }
    this.ring.before = this.ring.after = this.ring
  }

  get first(): number {
    return this.last - (this.texts.length - this.start) + 1
  }

  append({ data, event }: Event): boolean {
    if (this.ended) return false
    if (event !== undefined && /[\r\n]/.test(event)) throw new TypeError("The name of an event is one line")
    const name = event === undefined ? "" : `event: ${event}\n`
    const text = `id: ${this.prefix}${this.last + 1}\n${name}data: ${JSON.stringify(data)}\n\n`
    this.last++
    this.texts.push(text)
    this.characters += text.length
    this.trim()
    this.schedule()
    return true
  }

  end(event: Event): boolean {
    if (!this.append(event)) return false
    this.ended = true
    return true
  }

  private trim(): void {
    const { texts } = this
    // The newest stays: it may be the terminal one. So does what readers that are up to date get in the next turn.
    const unsent = this.ring.after === this.ring ? 0 : this.last - this.flushed
    const kept = Math.max(1, unsent)
    while (
      texts.length - this.start > kept &&
      (texts.length - this.start > this.maxEvents || this.characters > this.maxCharacters)
    ) {
      this.characters -= texts[this.start]!.length
      texts[this.start++] = ""
    }
    // Moved now and then, so that a full log costs no shift per event.
    if (this.start > 1024 && this.start * 2 > texts.length) {
      this.texts = texts.slice(this.start)
      this.start = 0
    }
  }

  /** What comes after `cursor` and is kept; several pieces if it is more than `limit` characters. */
  after(cursor: number, limit: number): Chunk {
    const { first, last, piece } = this
    if (piece?.from === cursor && (piece.chunk.to === last || piece.chunk.text.length >= limit)) return piece.chunk
    const begin = this.start + Math.max(cursor + 1, first) - first
    let end = begin
    for (let size = 0; end < this.texts.length && size < limit; end++) size += this.texts[end]!.length
    const chunk = new Chunk(this.texts.slice(begin, end).join(""), last - (this.texts.length - end))
    this.piece = { from: cursor, chunk }
    return chunk
  }

  /** Takes in a reader that was sent everything, unless there is more: then it answers false. */
  attach(reader: LogReader): boolean {
    // Who is up to date by its own reading would be sent again what the others still wait for.
    this.flush()
    if (reader.cursor !== this.last) return false
    const { ring } = this
    reader.before = ring.before
    reader.after = ring
    ring.before!.after = reader
    ring.before = reader
    return true
  }

  detach(reader: LogReader): void {
    const { after, before } = reader
    if (before === undefined || after === undefined) return
    before.after = after
    after.before = before
    reader.before = reader.after = undefined
  }

  opened(): void {
    this.readers++
  }

  closed(): void {
    if (--this.readers === 0) this.piece = undefined
  }

  /** Sends what is new to all that are up to date. */
  private readonly flush = (): void => {
    this.scheduled = false
    const { flushed, ring } = this
    if (flushed === this.last) return
    this.flushed = this.last
    if (ring.after === ring) return
    const chunk = this.after(flushed, Infinity)
    this.trim()
    this.forReaders((reader) => reader.write(chunk))
    // Who ends has clean-up to do: not before all have been sent the end.
    if (this.ended) this.forReaders((reader) => reader.finish())
  }

  private forReaders(visit: (reader: LogReader) => void): void {
    for (let link = this.ring.after; link !== this.ring;) {
      const reader = link as LogReader
      link = reader.after
      visit(reader)
    }
  }

  private schedule(): void {
    if (this.scheduled || this.ring.after === this.ring) return
    this.scheduled = true
    this.dispatcher.scheduleTask(this.flush, 0)
  }
}
