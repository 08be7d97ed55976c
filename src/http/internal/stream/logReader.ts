/**
 * One client's place in a log. While it is up to date the log writes to it; when
 * its socket is full it stays where it is until there is room, and takes what it
 * lacks in pieces. Everything here is one synchronous step; what takes longer is
 * done by the fiber that is told how the reading ended.
 */
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type { Hooks } from "../../StreamMetrics.ts"
import type { Chunk } from "./chunk.ts"
import type { Link, LogNode } from "./logNode.ts"

/** Where a reader writes to. */
export interface EventWriter {
  /** False when it took the bytes but wants no more for now. */
  readonly write: (chunk: Chunk) => boolean
  /** What is written in this step goes out together, with the head and the end if they come in it. */
  readonly hold?: () => void
  /** Lets the reader advance once, when it wants more; the returned function withdraws. */
  readonly onRoom: (reader: Pick<LogReader, "advance">) => () => void
  /** Takes what is written, if that is not whoever writes: it may wait for the client when all has been written. */
  readonly puller?: Fiber.Fiber<unknown, unknown>
}

/** Nothing follows; or what follows was dropped; or writing threw. */
export type End = "ended" | "overrun" | "broken"

/** Of a catch-up: so much may lie in memory for a client that then does not read it. */
const pieceCharacters = 65_536

const ended = Effect.succeed<End>("ended")
const overrun = Effect.succeed<End>("overrun")
const broken = Effect.succeed<End>("broken")

const notStarted = (): void => {}

export class LogReader implements Link {
  before: Link | undefined = undefined
  after: Link | undefined = undefined
  cursor: number
  private readonly log: LogNode
  private readonly writer: EventWriter
  private readonly hooks: Hooks
  private tell: (end: Effect.Effect<End>) => void = notStarted
  private withdraw: (() => void) | undefined = undefined

  constructor(log: LogNode, writer: EventWriter, cursor: number, hooks: Hooks) {
    this.log = log
    this.writer = writer
    this.cursor = cursor
    this.hooks = hooks
  }

  /** Reads on from its place until it comes to an end, which it tells once. */
  start(tell: (end: Effect.Effect<End>) => void): void {
    this.tell = tell
    this.advance()
  }

  /** Until the socket is full or the log has no more. */
  advance(): void {
    this.withdraw = undefined
    const { log } = this
    while (true) {
      if (this.cursor + 1 < log.first) return this.tell(overrun)
      if (this.cursor < log.last) {
        if (!this.write(log.after(this.cursor, pieceCharacters))) return
      } else if (log.ended) return this.tell(ended)
      else if (log.attach(this)) return
    }
  }

  /** Called by the log on who was sent its end. */
  finish(): void {
    this.log.detach(this)
    this.tell(ended)
  }

  /** Says that the server lives, if nothing waits for room as it is. */
  ping(chunk: Chunk): void {
    if (this.after !== undefined) this.write(chunk)
  }

  leave(): void {
    this.log.detach(this)
    this.withdraw?.()
    this.withdraw = undefined
  }

  /** Called by the log on who is up to date. False if this reader now waits, or has come to an end. */
  write(chunk: Chunk): boolean {
    let room: boolean
    // oxlint-disable-next-line repository/effect-only -- a client's socket must not stop those of the others
    try {
      room = this.writer.write(chunk)
    } catch {
      this.log.detach(this)
      this.tell(broken)
      return false
    }
    this.hooks.delivered(chunk.size)
    if (chunk.to > this.cursor) this.cursor = chunk.to
    if (room) return true
    this.log.detach(this)
    this.withdraw = this.writer.onRoom(this)
    return false
  }
}
