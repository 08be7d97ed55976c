/**
 * Lets a streamed body run on the fiber of its handler while the server, on the
 * fiber of the request, writes it: one pull is asked for and answered at a time.
 * So whatever the body does runs below the handler's node, and reads there why it
 * is stopped before the server has let go of it.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Pull from "effect/Pull"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"

type Chunk = readonly [Uint8Array, ...Array<Uint8Array>]
type Answer = Exit.Exit<Chunk, unknown>

export class BodyHandOver {
  private readonly source: Stream.Stream<Uint8Array, unknown>
  private asked: ((answer: Answer) => void) | undefined = undefined
  private wake: ((wanted: boolean) => void) | undefined = undefined
  private ended: Answer | undefined = undefined
  private done = false

  constructor(source: Stream.Stream<Uint8Array, unknown>) {
    this.source = source
  }

  /** For the server. */
  readonly stream: Stream.Stream<Uint8Array, unknown> = Stream.fromPull(
    Effect.succeed(
      Effect.callback<Chunk, unknown>((resume) => {
        if (this.ended !== undefined) return resume(this.ended)
        this.asked = resume
        this.wake?.(true)
        return Effect.sync(() => {
          this.asked = undefined
        })
      }) as Pull.Pull<Chunk, unknown>
    )
  )

  /** For the handler: as long as the server asks. */
  readonly produce: Effect.Effect<void, unknown, Scope.Scope> = Effect.gen({ self: this }, function* () {
    // A body that is never written, as for HEAD, never begins.
    if (!(yield* this.wanted)) return
    const pull = yield* Stream.toPull(this.source)
    do {
      const exit = yield* Effect.exit(pull)
      this.answer(exit)
      if (Exit.isFailure(exit)) return yield* isDone(exit) ? Effect.void : exit
    } while (yield* this.wanted)
  })

  /** The server does not ask any more. */
  finish(): void {
    this.done = true
    this.wake?.(false)
  }

  /** The handler has ended: who still asks, now or later, gets this. */
  end(exit: Exit.Exit<unknown, unknown>): void {
    const ended = (this.ended ??= Exit.isFailure(exit) ? Exit.failCause(exit.cause) : Exit.fail(Cause.Done()))
    this.asked?.(ended)
  }

  private answer(exit: Answer): void {
    const { asked } = this
    this.asked = undefined
    if (Exit.isFailure(exit)) this.ended = exit
    asked?.(exit)
  }

  private readonly wanted = Effect.callback<boolean>((resume) => {
    if (this.done || this.asked !== undefined) return resume(Effect.succeed(!this.done))
    this.wake = (wanted) => {
      this.wake = undefined
      resume(Effect.succeed(wanted))
    }
    return Effect.sync(() => {
      this.wake = undefined
    })
  })
}

const isDone = ({ cause }: Exit.Failure<unknown, unknown>): boolean =>
  cause.reasons.some((reason) => Cause.isFailReason(reason) && Cause.isDone(reason.error))
