/**
 * One log and many clients whose sockets fill and empty at random: whatever the order, each reads every event that was
 * kept for it, in order and once; a gap is announced; the last event comes last; and nobody waits for anybody.
 */
import { describe, expect, it } from "vitest"
import type { Chunk } from "../../../../src/http/internal/stream/chunk.ts"
import { LogNode } from "../../../../src/http/internal/stream/logNode.ts"
import { type End, LogReader } from "../../../../src/http/internal/stream/logReader.ts"
import * as StreamMetrics from "../../../../src/http/StreamMetrics.ts"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"

const hooks = Context.get(Context.empty(), StreamMetrics.Current)

/** mulberry32 */
const randomOf = (seed: number) => {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}

class Turns {
  readonly tasks: Array<() => void> = []
  scheduleTask = (task: () => void): void => void this.tasks.push(task)
  flush(): void {
    for (const task of this.tasks.splice(0)) task()
  }
}

/** Takes what it is given into a socket of so many pieces, which somebody else empties. */
class Client {
  readonly read: Array<number> = []
  readonly missed: Array<number> = []
  writes = 0
  pieces = 0
  room: (() => void) | undefined
  end: End | undefined
  /** Whether it was told so after it had been sent something. */
  late = false
  reader: LogReader
  private readonly log: LogNode
  readonly capacity: number

  constructor(log: LogNode, capacity: number, cursor: number) {
    this.log = log
    this.capacity = capacity
    this.reader = this.readOn(cursor)
  }

  private readOn(cursor: number): LogReader {
    const reader = new LogReader(this.log, this, cursor, hooks)
    this.reader = reader
    reader.start((exit) => {
      const end = Effect.runSync(exit)
      if (end !== "overrun") return void (this.end = end)
      const to = this.log.first - 1
      if (this.writes > 0) this.late = true
      for (let seq = reader.cursor + 1; seq <= to; seq++) this.missed.push(seq)
      this.reader = this.readOn(to)
    })
    return this.reader
  }

  write(chunk: Chunk): boolean {
    for (const [, id] of chunk.text.matchAll(/^id: a-(\d+)$/gm)) this.read.push(Number(id))
    this.writes++
    return ++this.pieces < this.capacity
  }

  onRoom(reader: { readonly advance: () => void }): () => void {
    this.room = () => reader.advance()
    return () => (this.room = undefined)
  }

  drain(): void {
    this.pieces = 0
    const { room } = this
    this.room = undefined
    room?.()
  }
}

const run = (
  seed: number
): ReadonlyArray<{ readonly client: Client; readonly from: number; readonly log: LogNode }> => {
  const random = randomOf(seed)
  const upTo = (n: number) => Math.floor(random() * n)
  const turns = new Turns()
  const log = new LogNode(turns, {
    events: 1 + upTo(30),
    characters: random() < 0.5 ? 1_048_576 : 100 + upTo(2000),
    prefix: "a-"
  })
  const clients: Array<{ readonly client: Client; readonly from: number; readonly log: LogNode }> = []
  const steps = 20 + upTo(150)
  for (let step = 0; step < steps; step++) {
    const die = random()
    if (die < 0.45) log.append({ event: "output", data: { text: "x".repeat(upTo(40)) } })
    else if (die < 0.6) turns.flush()
    else if (die < 0.7) {
      const from = random() < 0.5 ? 0 : upTo(log.last + 1)
      const client = new Client(log, random() < 0.3 ? Infinity : 1 + upTo(3), from)
      log.opened()
      clients.push({ client, from, log })
    } else if (clients.length > 0) {
      const { client } = clients[upTo(clients.length)]!
      if (die < 0.97) client.drain()
      else client.reader.leave()
    }
  }
  log.end({ event: "completed", data: {} })
  turns.flush()
  for (let round = 0; round < 200; round++) for (const { client } of clients) client.drain()
  return clients
}

describe("the fan-out of a log", () => {
  it("random clients read each event once and in order, or are told that they missed it, and the last one comes last", () => {
    for (let seed = 1; seed <= 3000; seed++) {
      for (const { client, from, log } of run(seed)) {
        if (client.end === undefined) continue
        expect([seed, client.late && client.capacity === Infinity]).toEqual([seed, false])
        const seen = [...client.read, ...client.missed].toSorted((one, other) => one - other)
        const all = Array.from({ length: log.last - from }, (_, index) => from + 1 + index)
        expect([seed, client.end, seen]).toEqual([seed, "ended", all])
        expect([seed, client.read]).toEqual([seed, client.read.toSorted((one, other) => one - other)])
        expect([seed, client.read.at(-1) ?? from]).toEqual([seed, log.last])
      }
    }
  })

  it("only who left does not come to an end", () => {
    let ended = 0
    for (let seed = 1; seed <= 300; seed++) {
      for (const { client } of run(seed)) if (client.end !== undefined) ended++
    }
    expect(ended).toBeGreaterThan(1000)
  })

  it("what was appended in one turn is one write to each, of the same bytes", () => {
    const turns = new Turns()
    const log = new LogNode(turns, {})
    const chunks: Array<Chunk> = []
    const read = () => {
      const writer = { write: (chunk: Chunk) => chunks.push(chunk) > 0, onRoom: () => () => {} }
      const reader = new LogReader(log, writer, 0, hooks)
      reader.start(() => {})
      return reader
    }
    read()
    read()
    for (let n = 0; n < 5; n++) log.append({ data: n })
    expect(chunks).toEqual([])
    turns.flush()
    expect(chunks).toHaveLength(2)
    expect(chunks[0]).toBe(chunks[1])
    expect(chunks[0]!.framed).toBe(chunks[1]!.framed)
    expect(turns.tasks).toEqual([])
  })

  it("a client whose socket throws is told so, and stops none of the others", () => {
    const turns = new Turns()
    const log = new LogNode(turns, {})
    const ends: Array<End> = []
    const bad = {
      write: () => {
        throw new Error("torn")
      },
      onRoom: () => () => {}
    }
    const good = new Client(log, Infinity, 0)
    new LogReader(log, bad, 0, hooks).start((end) => ends.push(Effect.runSync(end)))
    const late = new Client(log, Infinity, 0)
    log.append({ data: 1 })
    turns.flush()
    log.append({ data: 2 })
    turns.flush()
    expect(ends).toEqual(["broken"])
    expect([good.writes, late.writes]).toEqual([2, 2])
  })

  it("a log without clients asks for no turn", () => {
    const turns = new Turns()
    const log = new LogNode(turns, {})
    log.append({ data: 1 })
    expect(turns.tasks).toEqual([])
  })

  it("keeps what its bounds allow, and the newest event in any case", () => {
    const log = new LogNode(new Turns(), { events: 3, characters: 200 })
    for (let n = 1; n <= 10; n++) log.append({ data: n })
    expect([log.first, log.last]).toEqual([8, 10])
    log.append({ data: "x".repeat(1000) })
    expect([log.first, log.last]).toEqual([11, 11])
    for (let n = 0; n < 5000; n++) log.append({ data: n })
    expect([log.first, log.last]).toEqual([5009, 5011])
    expect(log.after(5009, Infinity).text).toBe("id: 5010\ndata: 4998\n\nid: 5011\ndata: 4999\n\n")
  })

  it("takes nothing after its end, and no name or prefix that would break the lines", () => {
    const log = new LogNode(new Turns(), {})
    expect(() => log.append({ event: "a\nid: 9", data: 1 })).toThrow(TypeError)
    expect(() => new LogNode(new Turns(), { prefix: "1\n" })).toThrow(TypeError)
    expect(log.end({ data: 1 })).toBe(true)
    expect([log.append({ data: 2 }), log.end({ data: 3 })]).toEqual([false, false])
    expect([log.first, log.last, log.ended]).toEqual([1, 1, true])
  })
})
