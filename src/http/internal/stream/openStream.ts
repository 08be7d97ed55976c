/** A stream to one client while it is open: it can be pinged and cut, and says why it closed. */
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type { CloseReason, Hooks } from "../../StreamMetrics.ts"
import type { Chunk } from "./chunk.ts"
import type { EventWriter } from "./logReader.ts"

export abstract class OpenStream {
  /** Why it has closed; the client has left if nothing else is said. */
  why: CloseReason = "left"
  protected readonly hooks: Hooks
  private fiber: Fiber.Fiber<unknown, unknown> | undefined = undefined

  constructor(hooks: Hooks) {
    this.hooks = hooks
  }

  /** Says that the server lives, unless something waits for room as it is. */
  abstract ping(chunk: Chunk): void

  cut(): void {
    this.why = "cut"
    this.fiber?.interruptUnsafe()
  }

  /** Runs what sends it through `writer`, so that it can be cut. */
  protected run(sending: Effect.Effect<void>, writer: EventWriter): Effect.Effect<void> {
    return Effect.withFiber((fiber) => {
      this.fiber = writer.puller ?? fiber
      return sending
    })
  }
}
