/**
 * The events of one task: append-only, bounded, with cursors into it. Appending
 * never waits and never runs a reader; a reader that is slower than the bound
 * sees a gap in the sequence numbers, but never misses the terminal event.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { isTerminal, type TaskEvent } from "../TaskEvent.ts"

export class TaskLog {
  private events: Array<TaskEvent> = []
  private readonly wakeups = new Set<() => void>()
  private readonly keep: number

  constructor(keep: number) {
    this.keep = keep
  }

  append(event: TaskEvent): void {
    this.events.push(event)
    // In blocks, so that a bounded log costs no shift per event.
    if (this.events.length >= this.keep * 2) this.events = this.events.slice(-this.keep)
    for (const wakeup of this.wakeups) wakeup()
    this.wakeups.clear()
  }

  get last(): TaskEvent | undefined {
    return this.events[this.events.length - 1]
  }

  private get ended(): boolean {
    return this.last !== undefined && isTerminal(this.last)
  }

  /** All events after `seq`, then the live ones, up to and with the terminal event. */
  after(seq: number): Stream.Stream<TaskEvent> {
    return Stream.paginate(seq, (cursor) =>
      Effect.map(this.nextAfter(cursor), (events) => {
        const last = events[events.length - 1]
        return [events, last === undefined || isTerminal(last) ? Option.none() : Option.some(last.seq)]
      })
    )
  }

  private nextAfter(cursor: number): Effect.Effect<ReadonlyArray<TaskEvent>> {
    return Effect.suspend(() => {
      const news = this.since(cursor)
      if (news.length > 0 || this.ended) return Effect.succeed(news)
      return Effect.andThen(
        Effect.withFiber((fiber) =>
          Effect.callback<void>((resume) => {
            // Something may have come between the look and the wait.
            if (this.since(cursor).length > 0 || this.ended) return resume(Effect.void)
            // Not in the appender's step: a reader runs in its own turn.
            const wakeup = () => fiber.currentDispatcher.scheduleTask(() => resume(Effect.void), 0)
            this.wakeups.add(wakeup)
            return Effect.sync(() => {
              this.wakeups.delete(wakeup)
            })
          })
        ),
        this.nextAfter(cursor)
      )
    })
  }

  private since(cursor: number): ReadonlyArray<TaskEvent> {
    const first = this.events[0]
    if (first === undefined) return []
    return this.events.slice(Math.max(0, cursor - first.seq + 1))
  }
}
