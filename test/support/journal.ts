/** What happened, in order, with the time of the test clock: "100 child: request by ann". */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Cause from "effect/Cause"
import * as Option from "effect/Option"
import * as CancelReason from "../../src/fibers/CancelReason.ts"

export class Journal {
  readonly lines: Array<string> = []

  /** Writes a line, with the time. */
  note(text: string): Effect.Effect<void> {
    return Effect.map(Clock.currentTimeMillis, (now) => {
      this.lines.push(`${now} ${text}`)
    })
  }

  /** Runs the effect; when it ends, writes who it was and which reason it reads. `cleanup` then runs, and its end is written too. */
  watch<A, E, R>(
    name: string,
    effect: Effect.Effect<A, E, R>,
    cleanup?: Effect.Effect<unknown>
  ): Effect.Effect<A, E, R> {
    return Effect.onExit(effect, (exit) =>
      Effect.gen({ self: this }, function* () {
        yield* this.note(`${name}: ${yield* this.seen(exit)}`)
        if (cleanup === undefined) return
        yield* cleanup
        yield* this.note(`${name}: cleaned up`)
      })
    )
  }

  private seen(exit: Exit.Exit<unknown, unknown>): Effect.Effect<string> {
    return Effect.map(CancelReason.current, (reason) => {
      if (exit._tag === "Success") return "done"
      if (!Cause.hasInterrupts(exit.cause)) return "failed"
      return Option.match(reason, {
        onNone: () => "interrupted without a reason",
        onSome: textOf
      })
    })
  }
}

/** "request by ann of work". */
export const textOf = (reason: CancelReason.CancelReason): string =>
  `${reason.source}${reason.by === undefined ? "" : ` by ${reason.by}`} of ${reason.scope}`
