/** A Node `Readable` in our hands, read chunk by chunk in paused mode. */
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type * as Pull from "effect/Pull"
import type { Readable } from "../NodeResource.ts"
import { HeldResource } from "./heldResource.ts"

/** How many reads make one chunk at most. */
const batch = 4096

export class HeldReadable<A> extends HeldResource<Readable> {
  constructor(readable: Readable) {
    super(readable, { readable: () => this.tell(), end: () => this.tell() })
  }

  /** The next chunk; ends with the readable, fails with its error or when it closes before its end. */
  pull<E>(failWith: (error: unknown) => E): Pull.Pull<Arr.NonEmptyReadonlyArray<A>, E> {
    return Effect.suspend(() => {
      const seen = this.changes
      return this.next(failWith) ?? Effect.flatMap(this.changedSince(seen), () => this.pull(failWith))
    })
  }

  private next<E>(failWith: (error: unknown) => E): Pull.Pull<Arr.NonEmptyReadonlyArray<A>, E> | undefined {
    const { resource } = this
    const first = resource.read() as A | null
    if (first !== null) {
      const chunk = Arr.of(first)
      while (chunk.length < batch) {
        const item = resource.read() as A | null
        if (item === null) break
        chunk.push(item)
      }
      return Effect.succeed(chunk)
    }
    if (this.failure !== undefined) return Effect.fail(failWith(this.failure.error))
    if (resource.readableEnded) return Cause.done()
    if (this.closed) return Effect.fail(failWith(new Error("The readable was closed before its end")))
    return undefined
  }

  /** Others may run between a look and the wait. */
  private changedSince(seen: number): Effect.Effect<void> {
    return Effect.callback<void>((resume) => {
      if (this.changes !== seen) return resume(Effect.void)
      return Effect.sync(this.onChange(() => resume(Effect.void)))
    })
  }
}
