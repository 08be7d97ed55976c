/**
 * One stream to one client: sends it a log, what is kept, then what comes, with a
 * word where something was dropped, until the end, or until it is cut.
 */
import * as Effect from "effect/Effect"
import type { Missed, Options } from "../../EventStream.ts"
import type { Hooks } from "../../StreamMetrics.ts"
import { Chunk } from "./chunk.ts"
import type { LogNode } from "./logNode.ts"
import { type End, type EventWriter, LogReader } from "./logReader.ts"
import { OpenStream } from "./openStream.ts"

/** The head of an answer goes out with its first bytes, and a log may be silent for long. */
const open = new Chunk(": open\n\n", 0)

export class Sending extends OpenStream {
  private readonly log: LogNode
  private readonly from: number
  private readonly options: Options | undefined
  /** While something is being written. */
  private reader: LogReader | undefined = undefined

  constructor(log: LogNode, from: number, hooks: Hooks, options: Options | undefined) {
    super(hooks)
    this.log = log
    this.from = from
    this.options = options
  }

  /** Ends when the client was sent the end, or is disconnected by policy; interrupts itself when writing fails. */
  through(writer: EventWriter): Effect.Effect<void> {
    return this.run(
      Effect.suspend(() => {
        writer.write(open)
        return this.readOn(writer, this.from)
      }),
      writer
    )
  }

  override ping(chunk: Chunk): void {
    this.reader?.ping(chunk)
  }

  private readOn(writer: EventWriter, cursor: number): Effect.Effect<void> {
    const reader = new LogReader(this.log, writer, cursor, this.hooks)
    this.reader = reader
    return Effect.flatMap(reading(reader), (end) => this.after(end, writer, reader))
  }

  private after(end: End, writer: EventWriter, reader: LogReader): Effect.Effect<void> {
    const { hooks, log, options } = this
    this.reader = undefined
    if (end === "broken") return Effect.interrupt
    // Who comes back late was not slow.
    const isSlow = end === "overrun" && options?.slow === "disconnect" && reader.cursor > this.from
    if (end === "ended" || isSlow) {
      this.why = isSlow ? "slow" : "end"
      return Effect.void
    }
    const missed = { from: reader.cursor + 1, to: log.first - 1 }
    return Effect.flatMap(resynced(log, missed, options), (chunk) => {
      writer.write(chunk)
      hooks.resynced(missed.to - missed.from + 1)
      return this.readOn(writer, missed.to)
    })
  }
}

const reading = (reader: LogReader): Effect.Effect<End> =>
  Effect.callback((resume) => {
    reader.start(resume)
    return Effect.sync(() => reader.leave())
  })

/** What was dropped, as one event under the id of the last of it. */
export const resynced = (log: LogNode, missed: Missed, options: Options | undefined): Effect.Effect<Chunk> =>
  Effect.map(
    options?.resync?.(missed) ?? Effect.succeed({ missed: { ...missed } }),
    (data) => new Chunk(`id: ${log.prefix}${missed.to}\nevent: resync\ndata: ${JSON.stringify(data)}\n\n`, missed.to)
  )
