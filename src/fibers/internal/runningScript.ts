/**
 * One script in its thread, as the owning fiber sees it: what it sent, how it
 * ended, and whether the thread is gone. The first end counts; a thread that
 * was told and then ends without an answer has stopped.
 */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Queue from "effect/Queue"
import * as CancelReason from "../CancelReason.ts"
import * as Schema from "effect/Schema"
import { steady } from "./steady.ts"
import type { FromThread, StartThread, Thread, ThreadListener, ThreadOptions } from "./workerThread.ts"

export type Ended = Exclude<FromThread, { readonly _tag: "Sent" }>

export class RunningScript implements ThreadListener {
  private readonly thread: Thread
  private readonly inbox: Queue.Queue<FromThread> | undefined
  private readonly over = Deferred.makeUnsafe<Ended>()
  private readonly gone = Deferred.makeUnsafe<void>()
  /** A steady instant. */
  private toldAt: number | undefined = undefined
  ended: Ended | undefined = undefined

  /** Throws what the thread throws that cannot be started. */
  constructor(start: StartThread, options: ThreadOptions, inbox: Queue.Queue<FromThread> | undefined) {
    this.inbox = inbox
    this.thread = start(options, this)
  }

  received(message: FromThread): void {
    if (this.ended !== undefined) return
    if (message._tag !== "Sent") {
      const stopped = message._tag === "Failed" && message.problem === "exited" && this.toldAt !== undefined
      this.ended = stopped ? { _tag: "Stopped" } : message
    }
    if (this.inbox !== undefined) Queue.offerUnsafe(this.inbox, this.ended ?? message)
    if (this.ended !== undefined) Deferred.doneUnsafe(this.over, Exit.succeed(this.ended))
  }

  exited(): void {
    Deferred.doneUnsafe(this.gone, Exit.void)
  }

  /** Now is a steady instant. */
  tell(reason: CancelReason.CancelReason, now: number): void {
    if (this.toldAt !== undefined || this.ended !== undefined) return
    this.toldAt = now
    this.thread.tell(encode(reason))
  }

  /** How the script ended, after everything that it sent before was handled. */
  awaitEnd<E, R>(handle: ((value: unknown) => Effect.Effect<unknown, E, R>) | undefined): Effect.Effect<Ended, E, R> {
    const { inbox } = this
    if (inbox === undefined || handle === undefined) return Deferred.await(this.over)
    const next: Effect.Effect<Ended, E, R> = Effect.flatMap(Queue.take(inbox), (message) =>
      message._tag === "Sent" ? Effect.andThen(handle(message.value), next) : Effect.succeed(message)
    )
    return next
  }

  /** Told when the script is still at work, terminated when its budget is over; returns when the thread has ended. */
  stop(reason: Effect.Effect<CancelReason.CancelReason>, budget: number): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      if (this.ended === undefined) {
        const now = steady(yield* Clock.Clock)
        this.tell(yield* reason, now)
        const left = Math.max(0, this.toldAt! + budget - now)
        yield* Effect.timeoutOption(Deferred.await(this.over), Duration.millis(left))
      }
      this.thread.terminate()
      yield* Deferred.await(this.gone)
    })
  }
}

const encode = Schema.encodeSync(CancelReason.Wire)
