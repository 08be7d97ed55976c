/**
 * What happens to one task, in order, for any number of readers: each stands at
 * its own place. Appending never waits and runs no reader's code; what was
 * appended in one turn is read in one piece. Bounded: who has fallen off its end
 * reads the whole task anew.
 */
import { StreamResponse } from "@a2a-js/sdk"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type { SchedulerDispatcher } from "effect/Scheduler"
import * as Stream from "effect/Stream"
import type { AgentEvent } from "../AgentEngine.ts"

export class Happening implements AgentEvent {
  readonly response: StreamResponse
  /** A stream of one message ends behind it. */
  readonly settles: boolean
  private text: string | undefined = undefined

  constructor(response: StreamResponse, settles: boolean) {
    this.response = response
    this.settles = settles
  }

  get json(): string {
    return (this.text ??= JSON.stringify(StreamResponse.toJSON(this.response)))
  }
}

export class AgentLog {
  /** How many have been appended. */
  last = 0
  ended = false
  private kept: Array<Happening> = []
  private start = 0
  private readonly limit: number
  private readonly dispatcher: SchedulerDispatcher
  private waiting: Set<() => void> | undefined = undefined
  private scheduled = false

  constructor(dispatcher: SchedulerDispatcher, limit: number) {
    this.dispatcher = dispatcher
    this.limit = limit
  }

  append(happening: Happening): void {
    this.last++
    this.kept.push(happening)
    if (this.kept.length - this.start > this.limit) this.start++
    // Moved now and then, so that a full log costs no shift per event.
    if (this.start > this.limit) {
      this.kept = this.kept.slice(this.start)
      this.start = 0
    }
    this.wake()
  }

  /** Nothing is appended any more. */
  end(): void {
    this.ended = true
    this.wake()
  }

  /** Whether what comes after `cursor` is no longer kept. */
  private lost(cursor: number): boolean {
    return this.last - cursor > this.kept.length - this.start
  }

  /** What comes after `cursor`, up to and with the first that settles. */
  private after(cursor: number): ReadonlyArray<Happening> {
    const { kept } = this
    const from = kept.length - (this.last - cursor)
    let to = from
    while (to < kept.length && !kept[to++]!.settles);
    return kept.slice(from, to)
  }

  private wake(): void {
    if (this.scheduled || this.waiting === undefined) return
    this.scheduled = true
    this.later(() => {
      this.scheduled = false
      const { waiting } = this
      this.waiting = undefined
      for (const wake of waiting ?? []) wake()
    })
  }

  /** Not in the step that is being taken: in the next turn. */
  later(step: () => void): void {
    this.dispatcher.scheduleTask(step, 0)
  }

  /** Waits for more than `cursor`, or for the end. */
  private more(cursor: number): Effect.Effect<void> {
    return Effect.callback<void>((resume) => {
      // The reader may have paused since it looked.
      if (this.last > cursor || this.ended) return resume(Effect.void)
      const wake = () => resume(Effect.void)
      const waiting = (this.waiting ??= new Set())
      waiting.add(wake)
      return Effect.sync(() => waiting.delete(wake))
    })
  }

  /** First `first`, then what comes after `cursor`; `anew` makes what a reader is sent that has fallen off. */
  read(cursor: number, first: Happening, anew: () => Happening, until: "settled" | "ended"): Stream.Stream<AgentEvent> {
    return Stream.fromPull(
      Effect.sync(() => {
        let at = cursor
        let greeting: Happening | undefined = first
        let over = false
        const pull: Effect.Effect<Piece, Cause.Done> = Effect.suspend(() => {
          if (over) return Cause.done()
          if (greeting !== undefined) {
            const piece = [greeting] as const
            greeting = undefined
            return Effect.succeed(piece)
          }
          if (this.lost(at)) {
            at = this.last
            const whole = anew()
            over = until === "settled" && whole.settles
            return Effect.succeed([whole] as const)
          }
          const piece = this.after(at)
          if (piece.length === 0) return this.ended ? Cause.done() : Effect.andThen(this.more(at), pull)
          at += piece.length
          over = until === "settled" && piece.at(-1)!.settles
          return Effect.succeed(piece as Piece)
        })
        return pull
      })
    )
  }
}

type Piece = readonly [Happening, ...ReadonlyArray<Happening>]
