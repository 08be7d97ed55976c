/**
 * The server under load in real time: tasks that talk, readers that follow them, a tenth of which stall, and random
 * cancels and reconnects. Nothing that the law of `SoakReader` forbids may happen, memory must be level, and in the end
 * nothing may be left.
 */
import { randomFrom } from "../../../src/testing/internal/random.ts"
import { Calls } from "./Calls.ts"
import { Memory } from "./Memory.ts"
import { Slot, type Ends } from "./Slot.ts"
import { SoakedServer } from "./SoakedServer.ts"
import type { Held } from "./soakServer.ts"
import { type Counts, SoakReader } from "./SoakReader.ts"

export interface Options {
  readonly subscribers: number
  readonly tasks: number
  readonly seconds: number
  readonly seed: number
  readonly log?: (line: string) => void
}

export interface Report {
  readonly counts: Counts & Ends
  /** What was against the law; the first hundred. */
  readonly failures: Array<string>
  /** Of readers that had not stalled, in milliseconds from the event's own time. */
  readonly latency: { readonly p50: number; readonly p99: number }
  readonly memory: Memory
  readonly left: Held
}

const tick = 100

/** For so long a server must know an ended task: a little less than its retention, in milliseconds. */
const kept = 15_000

const pause = (millis: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, millis))

export const soak = async ({ log = () => {}, seconds, seed, subscribers, tasks }: Options): Promise<Report> => {
  const random = randomFrom(seed)
  const failures: Array<string> = []
  const fail = (message: string): void => {
    if (failures.length < 100) failures.push(message)
    if (failures.length < 10) log(`FAILED: ${message}`)
  }
  const counts = {
    events: 0,
    terminals: 0,
    resyncs: 0,
    dropped: 0,
    stalls: 0,
    leaves: 0,
    cuts: 0,
    dones: 0,
    forgotten: 0
  }
  const ends = { started: 0, cancels: 0, completed: 0, cancelled: 0 }
  const latencies: Array<number> = []
  /** When the first reader was told of the end of each task. */
  const endedAt = new Map<string, number>()
  const server = await SoakedServer.start()
  const first = await server.held(true)
  // The heartbeat has one, which may just have been between two beats.
  const idle = { ...first, timers: Math.max(1, first.timers) }
  const calls = new Calls(server.port, 8)

  const slots = Array.from({ length: tasks }, (_, index): Slot => {
    const readers = Array.from({ length: subscribers / tasks }, (_, number) => {
      return new SoakReader(`reader ${number} of slot ${index}`, {
        port: server.port,
        counts,
        fail,
        random,
        ended: (task, terminal) => {
          if (!endedAt.has(task)) endedAt.set(task, performance.now())
          slots[index]!.ended(task, terminal)
        },
        forgettable: (task) => {
          const ended = endedAt.get(task)
          const from = ended ?? slots[index]!.startedAt.get(task)! + 5000
          return performance.now() - from > kept
        },
        latency: (millis) => latencies.push(millis)
      })
    })
    // One in twenty-five: enough that stalled readers fall off the log, and no more than a loopback carries.
    return new Slot({ readers, loud: index % 25 === 0, calls, random, fail, ends })
  })
  const readers = slots.flatMap(({ readers }) => readers)
  const anyOf = <A>(all: ReadonlyArray<A>): A => all[Math.floor(random() * all.length)]!

  /** Mostly those whose readers are all there: a machine that has too much to do gets fewer cancels, and not fewer readers. */
  const readyOne = (): Slot | undefined => {
    const slot = anyOf(slots)
    return slot.ready || random() < 0.05 ? slot : undefined
  }
  // One after another: Node accepts one connection a turn.
  for (const slot of slots) {
    await slot.start()
    while (!slot.ready) await pause(5)
  }
  const memory = new Memory()
  const until = performance.now() + seconds * 1000
  let weighAt = 0
  let weighed = 0
  /** Stalled readers, with the time at which they go on. */
  const stalled = new Map<SoakReader, number>()
  while (performance.now() < until) {
    await pause(tick)
    const now = performance.now()
    for (const [reader, end] of stalled) {
      if (now < end && reader.stalled) continue
      reader.resume()
      stalled.delete(reader)
    }
    while (stalled.size < readers.length / 10) {
      // Those of the loud tasks stall most: only they can fall behind in so short a time.
      const reader =
        random() < 0.2 ? anyOf(anyOf(slots.filter((_, index) => index % 25 === 0)).readers) : anyOf(readers)
      reader.stall()
      stalled.set(reader, now + random() * Math.min(8000, seconds * 400))
    }
    for (let count = readers.length / 400; count > 0; count--) anyOf(readers).leave(random() < 0.2)
    for (let count = tasks / 200; count > 0; count--) if (random() < 0.8) void readyOne()?.cancel()
    if (random() < 0.1) {
      const slot = readyOne()
      void slot?.cancel()
      void slot?.cancel()
    }
    if (now < weighAt) continue
    weighAt = now + 1000
    const weigh = weighed++ % 5 === 0
    const held = await server.held(weigh)
    if (weigh) memory.add(held)
    log(
      `${Math.round(seconds - (until - now) / 1000)} s: ${held.running} tasks, ${held.streams} streams, ${Math.round(held.heap / 1e6)} MB, ` +
        `${counts.events} events, ${counts.terminals} terminal, ${counts.resyncs} resyncs, ${counts.cuts} cut, ${failures.length} failures`
    )
  }

  for (const reader of readers) reader.resume()
  await Promise.all(slots.map((slot) => slot.close()))
  const left = await settled(server, readers, idle)
  for (const reader of readers.filter(({ done }) => !done)) fail(`${reader.place} was never told how its task ended`)
  for (const reader of readers) reader.stop()
  calls.close()
  await server.stop()
  for (const what of ["running", "streams", "fibers", "timers"] as const) {
    if (left[what] > idle[what]) fail(`${left[what]} ${what} are left, where ${idle[what]} were in the beginning`)
  }
  const sorted = latencies.toSorted((a, b) => a - b)
  const at = (share: number): number => sorted[Math.floor(share * sorted.length)] ?? 0
  return { counts: { ...counts, ...ends }, failures, latency: { p50: at(0.5), p99: at(0.99) }, memory, left }
}

/** What is left once all readers are through; given up on after half a minute in which nothing went on. */
const settled = async (server: SoakedServer, readers: ReadonlyArray<SoakReader>, idle: Held): Promise<Held> => {
  let before = ""
  for (let still = 0; ; still++) {
    const held = await server.held(true)
    const waiting = readers.filter(({ done }) => !done).map(({ place }) => place)
    const over = held.running + held.streams === 0 && held.fibers <= idle.fibers && held.timers <= idle.timers
    if (waiting.length === 0 && over) return held
    const now = `${held.running} ${held.streams} ${held.fibers} ${held.timers} ${waiting.join()}`
    if (now !== before) still = 0
    if (still > 150) return held
    before = now
    await pause(200)
  }
}
