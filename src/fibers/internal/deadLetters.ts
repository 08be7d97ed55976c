/** The latest dead letters, bounded, with cursors into them: a slow reader sees a gap, and never holds up a publisher. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { DeadLetter } from "../DeadLetter.ts"
import { trampoline } from "./trampoline.ts"

export class DeadLetters {
  private letters: Array<DeadLetter> = []
  private total = 0
  private ended = false
  private wakeups = new Set<() => void>()
  private readonly keep: number

  constructor(keep: number) {
    this.keep = keep
  }

  add(letter: DeadLetter): void {
    this.total++
    if (this.keep === 0) return
    this.letters.push(letter)
    // In blocks, so that a bounded log costs no shift per letter.
    if (this.letters.length >= this.keep * 2) this.letters = this.latest
    this.wake()
  }

  /** The streams end. */
  end(): void {
    this.ended = true
    this.wake()
  }

  get latest(): Array<DeadLetter> {
    return this.letters.slice(-this.keep)
  }

  /** What is kept, then the live ones, until the end. */
  get stream(): Stream.Stream<DeadLetter> {
    return Stream.paginate(0, (cursor) => this.after(cursor))
  }

  /** What is new since `cursor`, and the next cursor, read in one step. */
  private after(cursor: number): Effect.Effect<readonly [ReadonlyArray<DeadLetter>, Option.Option<number>]> {
    const page = Effect.sync(() => {
      const news = this.total > cursor ? this.latest.slice(cursor - this.total) : []
      return [news, this.ended ? Option.none() : Option.some(this.total)] as const
    })
    return Effect.callback((resume) => {
      if (this.ended || this.total > cursor) return resume(page)
      const wakeup = () => resume(page)
      this.wakeups.add(wakeup)
      return Effect.sync(() => {
        this.wakeups.delete(wakeup)
      })
    })
  }

  private wake(): void {
    if (this.wakeups.size === 0) return
    const wakeups = this.wakeups
    this.wakeups = new Set()
    for (const wakeup of wakeups) trampoline(wakeup)
  }
}
