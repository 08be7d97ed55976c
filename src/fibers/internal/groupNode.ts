/**
 * A node that owns members and runs nothing itself. One fiber, the owner, waits
 * in `own` until the group has closed; if that fiber is interrupted natively,
 * the group is cancelled and awaited all the same.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as CancelPolicy from "../CancelPolicy.ts"
import type { CancelReason, Draft } from "../CancelReason.ts"
import { annotatedIn } from "./cancelAnnotation.ts"
import { cancel } from "./cancelling.ts"
import { CurrentNode } from "./currentNode.ts"
import { salvagedOnInterrupt } from "./salvaged.ts"
import { isInterruptible } from "./interruptible.ts"
import { type Kind, ScopeNode } from "./scopeNode.ts"
import { TaskNode } from "./taskNode.ts"
import { trampoline } from "./trampoline.ts"

/** What `own` waits for: a group, or a region that runs an effect itself. */
export interface Owned<out A, out E> extends ScopeNode {
  /** Starts what it begins with. */
  begin(): void
  /** What the owner gets, once all has ended. */
  result(): Effect.Effect<A, E>
  /** The owner was interrupted while it waited; the group may hear of it a little later. */
  ownerLeft: boolean
  /** Told so. */
  ownerInterrupted(reason: Draft | CancelReason): void
  /** The owner was interrupted: what the result would have told must be told otherwise. */
  lost(): void
  /** The last step of the owner, however it ended. */
  release(): Effect.Effect<void>
  /** What was won but cannot be returned because the owner was interrupted. */
  salvageable(): ReadonlyArray<unknown>
}

export abstract class GroupNode<A, E> extends ScopeNode implements Owned<A, E> {
  /** The services of the owner, which members inherit. */
  readonly context: Context.Context<never>
  private readonly time: Clock.Clock
  private inCleanUp = false
  ownerLeft = false
  private readonly owner: Fiber.Fiber<any, any>

  constructor(kind: Kind, name: string, owner: Fiber.Fiber<any, any>) {
    super(kind, name, owner.getRef(CurrentNode))
    this.time = owner.getRef(Clock.Clock)
    this.context = owner.context
    this.owner = owner
  }

  override get clock(): Clock.Clock {
    return this.time
  }

  /** Interrupted only through its owner: below an interrupted task it is that task's clean-up, with reasons of its own. */
  override open(): void {
    super.open()
    this.inCleanUp = this.interrupted
    if (!this.inCleanUp) return
    this.mark = undefined
    this.interrupted = false
    this.limit = this.limit?.ahead
  }

  /** The task around this group was told to stop since the group opened, and the owner will feel it. */
  get stoppedAbove(): boolean {
    return !this.inCleanUp && this.up!.interrupted && isInterruptible(this.owner)
  }

  override get holdsOff(): boolean {
    return !isInterruptible(this.owner)
  }

  /** With what patience the group is cancelled when its owner is interrupted. */
  get whenInterrupted(): CancelPolicy.CancelPolicy {
    return CancelPolicy.immediate
  }

  abstract begin(): void

  /** Nothing is left to wait for. */
  abstract get done(): boolean

  abstract result(): Effect.Effect<A, E>

  abstract salvageable(): ReadonlyArray<unknown>

  release(): Effect.Effect<void> {
    return Effect.void
  }

  lost(): void {}

  ownerInterrupted(reason: Draft | CancelReason): void {
    cancel(this, reason, this.whenInterrupted, this.context)
  }

  /** A member of this group, not yet started. */
  member(
    kind: Kind,
    name: string,
    effect: Effect.Effect<any, any, any>,
    context: Context.Context<never> = this.context
  ): TaskNode {
    const node = new TaskNode(kind, name, this, effect, context)
    node.open()
    return node
  }

  override childClosed(child: ScopeNode): void {
    this.memberEnded(child as TaskNode)
    this.closeIfDone()
  }

  /** A member has just ended; its verdict is there. */
  abstract memberEnded(member: TaskNode): void

  override closeIfDone(): void {
    if (!this.gone && this.live === 0 && this.done) this.close()
  }

  /** In the next turn of the scheduler, so that what is decided in this one counts. */
  nextTurn(job: () => void): void {
    this.owner.currentDispatcher.scheduleTask(() => {
      if (!this.gone) job()
    }, 0)
  }

  cancel(reason: Draft | CancelReason, policy = CancelPolicy.immediate): void {
    cancel(this, reason, policy, this.context)
  }
}

/** Runs a group on the current fiber; see the head of this file. */
export const own = <A, E>(make: (owner: Fiber.Fiber<any, any>) => Owned<A, E>): Effect.Effect<A, E> =>
  Effect.withFiber((owner) => {
    const group = make(owner)
    let left = false
    let result: Effect.Effect<A, E> | undefined
    return Effect.onExit(
      // oxlint-disable-next-line rescind/callback-clean-up -- the clean-up is the group's own end, below
      Effect.callback<A, E>((resume) => {
        const answer = () => {
          if (!left) resume((result = group.result()))
        }
        let began = false
        group.open()
        group.onClosed(() => {
          if (began || !yieldsSoon(owner)) answer()
          else owner.currentDispatcher.scheduleTask(answer, 0)
        })
        group.begin()
        group.closeIfDone()
        began = true
      }),
      (exit) => {
        if (exit._tag === "Success" || !group.opened || isResult(result, exit.cause)) return nothing
        left = true
        return interrupted(group, owner, exit)
      }
    )
  })

/**
 * Whether Effect makes this fiber yield within the next few operations. The clean-up
 * above hands a value on in one operation of its own, and an interrupt of a fiber that
 * yields just there takes the value. Who waits for a turn instead begins to count anew.
 */
const yieldsSoon = ({ cache, currentOpCount }: Fiber.Fiber<any, any>): boolean =>
  currentOpCount + 32 > cache.maxOpsBeforeYield && !cache.preventYield

/** Whether the owner failed with what the group answered, interrupts in it included, and not by an interrupt of its own. */
const isResult = (result: Effect.Effect<unknown, unknown> | undefined, cause: Cause.Cause<unknown>): boolean => {
  if (result === undefined || !Cause.hasInterrupts(cause)) return result !== undefined
  if (!Exit.isExit(result) || result._tag === "Success") return false
  const answered = result.cause.reasons
  return answered.length === cause.reasons.length && interrupts(answered) === interrupts(cause.reasons)
}

const interrupts = (reasons: ReadonlyArray<Cause.Reason<unknown>>): number =>
  reasons.filter(Cause.isInterruptReason).length

/**
 * No finalizer at all, which the runtime allows though the type does not: an
 * effect here would be a step more, in which an interrupt could take the result.
 */
const nothing = undefined as never

/** Waits until the group has closed. */
const closed = (group: ScopeNode): Effect.Effect<void> =>
  Effect.callback<void>((resume) => {
    const withdraw = group.onClosed(() => resume(Effect.void))
    return Effect.sync(withdraw)
  })

/** The owner was interrupted while the group lived: by our own cancel, or by a native combinator. */
const interrupted = (
  group: Owned<unknown, unknown>,
  owner: Fiber.Fiber<any, any>,
  exit: Exit.Exit<unknown, unknown>
): Effect.Effect<void> => {
  group.ownerLeft = true
  if (!group.gone && !group.interrupted) {
    const reason = reasonOf(group, owner, exit)
    // A job, since owners of groups may be nested deeper than the stack.
    trampoline(() => {
      if (!group.gone) group.ownerInterrupted(reason)
    })
  }
  return Effect.andThen(
    closed(group),
    Effect.suspend(() => {
      group.lost()
      return Effect.andThen(group.release(), salvagedOnInterrupt(group))
    })
  )
}

const reasonOf = (
  group: Owned<unknown, unknown>,
  owner: Fiber.Fiber<any, any>,
  exit: Exit.Exit<unknown, unknown>
): Draft | CancelReason => {
  const annotated = exit._tag === "Failure" ? annotatedIn(exit.cause) : undefined
  if (annotated?.target !== undefined && group.isWithin(annotated.target)) return annotated.reason
  const standing = owner.getRef(CurrentNode).readable
  if (standing !== undefined) return standing
  return { source: "interrupt", message: "The fiber that waited was interrupted" }
}
