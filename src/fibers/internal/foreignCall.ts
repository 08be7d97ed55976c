/**
 * One operation outside of Effect, from its start to its real end. States:
 * running → answered, and independently of that told to stop or not. An answer
 * that comes before the interrupt is the result of the effect; one that comes
 * after it, or that the interrupt took on its way, is late: a value goes to
 * `onLate`, a rejection is counted. No answer is ever both, and none is lost.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import { CancelAbortError } from "../CancelAbortError.ts"
import type { CancelReason } from "../CancelReason.ts"
import { Stragglers } from "../Stragglers.ts"
import type { CancelRequest } from "./cancelRequest.ts"
import { CurrentNode } from "./currentNode.ts"
import { ForeignNode } from "./foreignNode.ts"
import { interruptRequest } from "./interruptRequest.ts"
import { answersAbort, lateRejections } from "./lateRejections.ts"
import type { ScopeNode } from "./scopeNode.ts"

export interface ForeignOptions<A> {
  readonly name: string
  /** What an interrupt does when there is no answer yet: wait for one, list the operation until it comes, or neither. */
  readonly whenInterrupted: "wait" | "list" | "forget"
  readonly onLate: ((value: A, reason: CancelReason) => Effect.Effect<unknown, unknown, any>) | undefined
}

export class ForeignCall<A, E> {
  private readonly controller = new AbortController()
  private readonly options: ForeignOptions<A>
  private readonly node: ScopeNode
  private readonly fiber: Fiber.Fiber<any, any>
  private readonly context: Context.Context<never>
  /** Takes the answer to the fiber; absent while `begin` is under way. */
  private resume: ((effect: Effect.Effect<A, E>) => void) | undefined = undefined
  private answer: Effect.Effect<A, E> | undefined = undefined
  /** The answer is an effect that the fiber has begun to run. */
  private taken = false
  /** What the foreign code itself rejected with. */
  private rejection: { readonly error: unknown } | undefined = undefined
  private request: CancelRequest | undefined = undefined
  private straggler: ForeignNode | undefined = undefined
  private over = false
  private onOver: (() => void) | undefined = undefined

  constructor(options: ForeignOptions<A>, fiber: Fiber.Fiber<any, any>) {
    this.options = options
    this.fiber = fiber
    this.context = fiber.context
    this.node = fiber.getRef(CurrentNode)
  }

  get signal(): AbortSignal {
    return this.controller.signal
  }

  succeed(value: A): void {
    this.answered(Exit.succeed(value))
  }

  /** `error` is what the foreign code said, `effect` how the fiber fails with it. */
  reject(error: unknown, effect: Effect.Effect<A, E>): void {
    if (this.answer !== undefined) return
    this.rejection = { error }
    this.answered(effect)
  }

  /** The first answer counts. */
  answered(answer: Effect.Effect<A, E>): void {
    if (this.answer !== undefined) return
    this.answer = answer
    if (this.request !== undefined) return this.late()
    if (this.resume !== undefined) this.resume(this.taking(answer))
  }

  /** From now on an answer resumes the fiber. */
  listen(resume: (effect: Effect.Effect<A, E>) => void): void {
    this.resume = resume
    if (this.answer === undefined) return
    // A value that must not be lost comes in a later turn, when an interrupt on the way finds our clean-up in place.
    if (this.options.onLate === undefined) return resume(this.answer)
    const answer = this.taking(this.answer)
    this.fiber.currentDispatcher.scheduleTask(() => resume(answer), 0)
  }

  /** Notes when the fiber begins to run the answer, and what comes of it. */
  private taking(answer: Effect.Effect<A, E>): Effect.Effect<A, E> {
    if (Exit.isExit(answer) || this.rejection !== undefined || this.options.onLate === undefined) return answer
    const begun = Effect.suspend(() => {
      this.taken = true
      return answer
    })
    return Effect.map(begun, (value) => {
      this.answer = Exit.succeed(value)
      this.taken = false
      return value
    })
  }

  /** The fiber was interrupted before it had the value: tells the foreign code, and says what is still to be awaited. */
  interrupted(cleanUp: Effect.Effect<void> | void): Effect.Effect<void> {
    this.request = interruptRequest(this.node)
    const wait = this.options.whenInterrupted === "wait"
    if (this.options.whenInterrupted === "list") this.list()
    const answered = this.answer !== undefined
    // May answer at once.
    this.controller.abort(new CancelAbortError(this.request.reason))
    if (answered) this.late()
    const ended = wait ? this.awaitOver : Effect.void
    return cleanUp === undefined ? ended : Effect.andThen(cleanUp, ended)
  }

  private get awaitOver(): Effect.Effect<void> {
    // oxlint-disable-next-line rescind/callback-clean-up -- the last wait of a clean-up: nothing interrupts it
    return Effect.callback<void>((resume) => {
      if (this.over) return resume(Effect.void)
      this.onOver = () => resume(Effect.void)
    })
  }

  private list(): void {
    if (this.straggler !== undefined) return
    this.straggler = new ForeignNode(this.options.name, this.node, this.request!)
    Context.get(this.context, Stragglers).add(this.straggler)
  }

  /** There is an answer that the fiber did not get. */
  private late(): void {
    const answer = this.answer!
    if (this.rejection !== undefined) return this.rejectedLate(this.rejection.error)
    if (Exit.isExit(answer) && answer._tag === "Failure") return this.rejectedLate(Cause.squash(answer.cause))
    const { onLate } = this.options
    // An effect that the fiber was running has been interrupted with it.
    if (onLate === undefined || this.taken) return this.end()
    // Who waits has its own place in the tree; else the straggler says what still runs.
    if (this.options.whenInterrupted !== "wait") this.list()
    const reason = this.request!.reason
    const here = Context.add(this.context, CurrentNode, this.straggler ?? this.node)
    const handed = Effect.flatMap(Effect.result(answer), (result) =>
      result._tag === "Success" ? onLate(result.success, reason) : Effect.sync(() => this.count(result.failure))
    )
    // Its services are in the context.
    const alone = Effect.scoped(handed) as Effect.Effect<unknown, unknown>
    Effect.runForkWith(here)(alone, { uninterruptible: true }).addObserver((exit) => {
      if (exit._tag === "Failure") this.node.cleanupFailed(this.options.name, exit.cause, this.context)
      this.end()
    })
  }

  private rejectedLate(error: unknown): void {
    this.count(error)
    this.end()
  }

  private count(rejection: unknown): void {
    if (!answersAbort(rejection, this.signal.reason)) lateRejections.updateUnsafe(1, this.context)
  }

  private end(): void {
    this.over = true
    if (this.straggler !== undefined) Context.get(this.context, Stragglers).delete(this.straggler)
    this.onOver?.()
  }
}

/** Runs foreign code that answers through the call; `begin` may give a clean-up for an interrupt. */
export const foreign = <A, E>(
  options: ForeignOptions<A>,
  begin: (call: ForeignCall<A, E>) => Effect.Effect<void> | void
): Effect.Effect<A, E> =>
  // No frame but that of the callback: its clean-up stands until the very step that hands the value on.
  Effect.withFiber((fiber) =>
    Effect.callback<A, E>((resume) => {
      const call = new ForeignCall<A, E>(options, fiber)
      const cleanUp = begin(call)
      call.listen(resume)
      return Effect.suspend(() => call.interrupted(cleanUp))
    })
  )
