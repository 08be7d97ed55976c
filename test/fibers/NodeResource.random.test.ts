/**
 * A readable of our own making under a seeded scheduler: it pushes, ends, fails or
 * closes at random times. Every item is read in order, no pull sleeps through a
 * change, and a cancel at a random step destroys it with the reason.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { EventEmitter } from "node:events"
import { describe, expect, it } from "vitest"
import { CancelAbortError } from "../../src/fibers/CancelAbortError.ts"
import * as CancelReason from "../../src/fibers/CancelReason.ts"
import * as NodeResource from "../../src/fibers/NodeResource.ts"
import * as Nursery from "../../src/fibers/Nursery.ts"
import * as Task from "../../src/fibers/Task.ts"
import { randomFrom, World, wrongSeeds } from "../support/sim.ts"

class Source extends EventEmitter implements NodeResource.Readable {
  private readonly buffer: Array<number> = []
  private done = false
  readableEnded = false
  closed = false
  destroyed: { readonly error: Error | undefined } | undefined = undefined

  read(): number | null {
    const item = this.buffer.shift()
    if (item !== undefined) return item
    if (this.done && !this.readableEnded) {
      this.readableEnded = true
      this.emit("end")
    }
    return null
  }

  push(item: number | null): void {
    if (this.destroyed !== undefined) return
    if (item === null) this.done = true
    else this.buffer.push(item)
    this.emit("readable")
  }

  destroy(error?: Error): void {
    if (this.destroyed !== undefined) return
    this.destroyed = { error }
    this.closed = true
    if (error !== undefined) this.emit("error", error)
    this.emit("close")
  }
}

/** Time passes only when nobody can run: without any, the writer and the reader run at once. */
const pause = (millis: number) => (millis === 0 ? Effect.yieldNow : Effect.sleep(millis))

const scenario =
  (cancels: boolean) =>
  (seed: number): string | undefined => {
    const random = randomFrom(seed)
    const source = new Source()
    const count = Math.floor(random() * 6)
    const end = random()
    const pauses = Array.from({ length: count + 1 }, () => Math.floor(random() * 3))
    let cancel: (() => void) | undefined
    const world: World = new World({
      seed,
      preempt: 0.4,
      at: { step: cancels ? 1 + Math.floor(random() * 120) : Infinity, run: () => cancel?.() }
    })
    const writing = Effect.gen(function* () {
      for (let item = 0; item < count; item++) {
        yield* pause(pauses[item]!)
        source.push(item)
      }
      yield* pause(pauses[count]!)
      if (end < 0.6) source.push(null)
      else source.destroy(end < 0.8 ? new Error("disk") : undefined)
    })
    Effect.runFork(Effect.provideService(writing, Clock.Clock, world.clock), { scheduler: world })
    const seen: Array<number> = []
    const reading = Stream.runForEach(
      NodeResource.fromReadable<number, string>(() => source, { catch: (error) => (error as Error).message }),
      (item) => Effect.sync(() => seen.push(item))
    )
    const program = Nursery.supervise("top", (nursery: Nursery.Nursery<string>) =>
      Effect.gen(function* () {
        const task = yield* nursery.spawn("read", reading)
        const context = yield* Effect.context<never>()
        cancel = () => Effect.runForkWith(context)(Task.cancel(task, { reason: CancelReason.request({ by: "ann" }) }))
        return yield* Task.await(task)
      })
    )
    const exit = world.run(program)
    if (exit?._tag !== "Success") return exit === undefined ? "it never ended" : "it failed"
    const outcome = exit.value.value
    if (source.destroyed === undefined && !(outcome._tag === "Cancelled" && source.listenerCount("close") === 0)) {
      return "it was not destroyed"
    }
    if (seen.some((item, index) => item !== index)) return `it read ${seen.join()}`
    const expected = end < 0.6 ? "Completed" : "Failed"
    if (outcome._tag !== "Cancelled" && outcome._tag !== expected) return `it ended ${outcome._tag}`
    if (outcome._tag === "Completed" && seen.length !== count) return `it read ${seen.length} of ${count}`
    if (outcome._tag === "Cancelled" && !cancels) return "nobody cancelled it"
    const error = source.destroyed?.error
    if (error instanceof CancelAbortError && error.reason.by !== "ann") return "destroyed for another reason"
    return world.left
  }

describe("NodeResource.fromReadable, at random", () => {
  for (const cancels of [false, true]) {
    it(`every item is read in order and nothing sleeps through a change (K45, ${cancels ? "cancelled" : "to its end"})`, () => {
      expect(wrongSeeds(Number(process.env["SEEDS"] ?? 300), scenario(cancels))).toBeUndefined()
    })
  }
})
