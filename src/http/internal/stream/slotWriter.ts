/** Writes to whoever pulls, one piece at a time: for platforms whose responses are streams. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import type { Chunk } from "./chunk.ts"
import type { EventWriter } from "./logReader.ts"

export class SlotWriter implements EventWriter {
  private slot: Array<Uint8Array> = []
  private end: Exit.Exit<void> | undefined = undefined
  private wake: (() => void) | undefined = undefined
  private room: (() => void) | undefined = undefined
  readonly puller: Fiber.Fiber<unknown, unknown>

  private constructor(puller: Fiber.Fiber<unknown, unknown>) {
    this.puller = puller
  }

  write(chunk: Chunk): boolean {
    this.slot.push(chunk.bytes)
    this.wake?.()
    // Who waits for it takes it at once.
    return this.slot.length === 0
  }

  onRoom(reader: { readonly advance: () => void }): () => void {
    this.room = () => reader.advance()
    return () => {
      this.room = undefined
    }
  }

  /** What `send` writes, to its end; the next piece is written when the one before was taken. */
  static stream(send: (writer: EventWriter) => Effect.Effect<void>): Stream.Stream<Uint8Array> {
    return Stream.scoped(
      Stream.fromPull(
        Effect.withFiber((fiber) => {
          const slot = new SlotWriter(fiber)
          const sending = Effect.onExit(send(slot), (exit) => Effect.sync(() => slot.close(exit)))
          return Effect.as(Effect.forkScoped(sending), Effect.andThen(slot.filled, slot.take))
        })
      )
    )
  }

  private close(exit: Exit.Exit<void>): void {
    this.end = exit
    this.wake?.()
  }

  private readonly take = Effect.suspend(() => {
    const bytes = this.slot.shift()
    if (bytes === undefined) return Effect.andThen(this.end!, Cause.done())
    if (this.slot.length === 0) this.hasRoom()
    return Effect.succeed([bytes] as const)
  })

  private readonly filled: Effect.Effect<void> = Effect.callback<void>((resume) => {
    const wake = () => {
      this.wake = undefined
      resume(Effect.void)
    }
    if (this.slot.length > 0 || this.end !== undefined) return wake()
    this.wake = wake
    return Effect.sync(() => {
      this.wake = undefined
    })
  })

  private hasRoom(): void {
    const { room } = this
    this.room = undefined
    room?.()
  }
}
