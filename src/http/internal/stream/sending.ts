/** Sends a log to one client: what is kept, then what comes, with a word where something was dropped. */
import * as Effect from "effect/Effect"
import type { Missed, Options } from "../../EventStream.ts"
import type { OpenStream } from "../../OpenStreams.ts"
import { Chunk } from "./chunk.ts"
import type { LogNode } from "./logNode.ts"
import { type End, type EventWriter, LogReader } from "./logReader.ts"

/** The head of an answer goes out with its first bytes, and a log may be silent for long. */
const open = new Chunk(": open\n\n", 0)

export class Sending {
  private readonly log: LogNode
  private readonly from: number
  private readonly stream: OpenStream
  private readonly options: Options | undefined

  constructor(log: LogNode, from: number, stream: OpenStream, options: Options | undefined) {
    this.log = log
    this.from = from
    this.stream = stream
    this.options = options
  }

  /** Ends when the client was sent the end, or is disconnected by policy; interrupts itself when writing fails. */
  through(writer: EventWriter): Effect.Effect<void> {
    return this.stream.run(
      Effect.suspend(() => {
        writer.write(open)
        return this.readOn(writer, new LogReader(this.log, writer, this.from, this.stream.hooks))
      })
    )
  }

  private readOn(writer: EventWriter, reader: LogReader): Effect.Effect<void> {
    this.stream.reader = reader
    return Effect.flatMap(reading(reader), (end) => this.after(end, writer, reader))
  }

  private after(end: End, writer: EventWriter, reader: LogReader): Effect.Effect<void> {
    const { log, options, stream } = this
    stream.reader = undefined
    if (end === "broken") return Effect.interrupt
    // Who comes back late was not slow.
    const isSlow = end === "overrun" && options?.slow === "disconnect" && reader.cursor > this.from
    if (end === "ended" || isSlow) return Effect.sync(() => stream.closing(isSlow ? "slow" : "end"))
    const missed = { from: reader.cursor + 1, to: log.first - 1 }
    return Effect.flatMap(resynced(log, missed, options), (chunk) => {
      writer.write(chunk)
      stream.hooks.resynced(missed.to - missed.from + 1)
      return this.readOn(writer, new LogReader(log, writer, missed.to, stream.hooks))
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
