/**
 * A node that runs one effect on one fiber: a task, a member of a race or join,
 * or the body of a nursery. It owns a scope that is closed after the fiber has
 * exited, and decides one outcome, once.
 *
 * States: waiting (no fiber) → running → closing (exit known, scope finalizers
 * run) → gone. `abandon` decides from any of them; the fiber then goes on as a
 * straggler.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import { Scheduler } from "effect/Scheduler"
import * as Scope from "effect/Scope"
import { Stragglers } from "../Stragglers.ts"
import type { CleanupFailure, How } from "../TaskOutcome.ts"
import { annotatedIn } from "./cancelAnnotation.ts"
import { CancelRequest } from "./cancelRequest.ts"
import { CurrentNode } from "./currentNode.ts"
import { installed, tellEnded, tellOpened, tellRequested } from "./observers.ts"
import { type Kind, ScopeNode } from "./scopeNode.ts"
import { TaskRecord } from "./taskRecord.ts"

export type Verdict = "completed" | "failed" | "cancelled"

export class TaskNode extends ScopeNode implements Scope.Closeable {
  declare readonly ["~effect/Scope"]: "~effect/Scope"
  declare readonly ["~effect/Scope/Closeable"]: "~effect/Scope/Closeable"
  context: Context.Context<never>
  private effect: Effect.Effect<any, any> | undefined
  fiber: Fiber.Fiber<any, any> | undefined = undefined
  /** The fiber that closes its scope, if that takes time. */
  closer: Fiber.Fiber<any, any> | undefined = undefined
  exit: Exit.Exit<any, any> | undefined = undefined
  verdict: Verdict | undefined = undefined
  how: How = "interrupted"
  startedAt = NaN
  endedAt = NaN
  /** From the entry of a commit on, nothing interrupts or gives up on this task. */
  committing = false
  private withheld = false
  /** What only some tasks have: made when there is something to keep or somebody who listens. */
  record: TaskRecord | undefined = undefined
  /** The node is the scope of its own effect: one object less a task. */
  declare readonly strategy: "sequential"
  declare readonly parent: undefined
  state: Scope.State.Empty | Scope.State.Open | Scope.State.Closed = empty

  constructor(
    kind: Kind,
    name: string,
    up: ScopeNode,
    effect: Effect.Effect<any, any, any>,
    context: Context.Context<never>
  ) {
    super(kind, name, up)
    // The services that it needs are in the context.
    this.effect = effect as Effect.Effect<any, any>
    this.context = Context.add(Context.add(context, CurrentNode, this), Scope.Scope, this)
  }

  get attempt(): number {
    return this.record?.attempt ?? 1
  }

  /** What the drain of its owner does with it. */
  get onShutdown(): "finish" | "cancel" {
    return this.record?.onShutdown ?? "finish"
  }

  override open(): void {
    super.open()
    if (installed > 0) tellOpened(this)
  }

  /** What only a run needs: a record that is kept holds neither its fiber nor the services of whoever started it. */
  forgetRun(): void {
    // A straggler still runs.
    if (this.how === "abandoned") return
    this.fiber = this.closer = undefined
    this.context = Context.empty()
  }

  /** Runs the effect, unless a cancel came first. */
  start(): void {
    if (this.effect === undefined || this.gone) return
    if (this.interrupted) return this.deliverInterrupt(undefined)
    // A start runs on the stack of the starter, which nesting must not overflow; and an overdue deadline speaks first.
    if (starting >= 64 || (this.limit !== undefined && this.limit.deliverOverdue()))
      return Context.get(this.context, Scheduler)
        .makeDispatcher()
        .scheduleTask(() => this.start(), 0)
    starting++
    Effect.runForkWith(this.context)(begin)
    starting--
  }

  /** Called by the fiber itself, before its first step. */
  takeEffect(fiber: Fiber.Fiber<any, any>): Effect.Effect<any, any> {
    const effect = this.effect
    // Cancelled between the start of the fiber and its first step.
    if (effect === undefined) return this.mark!.exit
    this.effect = undefined
    this.fiber = fiber
    // Before any observer of the body's own.
    fiber.addObserver((exit) => this.exited(exit))
    this.startedAt = this.clock.currentTimeMillisUnsafe()
    this.record?.started()
    return effect
  }

  private exited(exit: Exit.Exit<any, any>): void {
    if (this.exit !== undefined) return
    this.exit = exit
    if (exit._tag === "Failure" && !this.interrupted) this.stoppedByItself(exit.cause)
    if (this.handsOnScope(exit)) return this.settle()
    if (this.state._tag === "Empty") {
      this.state = { _tag: "Closed", exit }
      return this.settle()
    }
    const closing = Scope.closeUnsafe(this, exit)
    if (closing === undefined) return this.settle()
    const known = Effect.withFiber((fiber) => {
      this.closer = fiber
      return closing
    })
    Effect.runForkWith(this.context)(known, { uninterruptible: true }).addObserver((closed) => {
      if (closed._tag === "Failure") this.cleanupFailed(this.name, closed.cause, this.context)
      this.settle()
    })
  }

  /** Whether the scope stays open after this exit, for somebody else to close. */
  protected handsOnScope(exit: Exit.Exit<any, any>): boolean {
    return this.up!.keepsScopeOf(this, exit)
  }

  /** Interrupted by itself, or natively: whose reason it is, the annotation says. */
  private stoppedByItself(cause: Cause.Cause<unknown>): void {
    if (!Cause.hasInterruptsOnly(cause) || cause.reasons.length === 0) return
    const told = this.mark !== undefined
    this.mark ??= CancelRequest.native(this, annotatedIn(cause))
    this.how = "cooperative"
    this.interrupted = true
    this.committing = false
    if (installed > 0 && !told) tellRequested(this, this.mark)
  }

  /** Order: outcome, event, leave the tree, wake waiters (contract K38). */
  private settle(): void {
    if (this.gone) return this.straggled()
    // Of a member only a cancel is timed.
    if (this.mark !== undefined || this.kind === "task") this.endedAt = this.clock.currentTimeMillisUnsafe()
    this.verdict = this.decide()
    this.record?.ended()
    if (installed > 0) tellEnded(this)
    this.close()
  }

  private decide(): Verdict {
    const exit = this.exit!
    const stopped = this.interrupted && !this.committing
    if (exit._tag === "Success") {
      if (!stopped) return "completed"
      // A late value of a member stands in the report of its group.
      if (this.kind !== "member") this.salvage(this.name, exit.value)
      return "cancelled"
    }
    if (stopped) {
      this.keepFailuresOf(exit.cause)
      return "cancelled"
    }
    return "failed"
  }

  override interruptible(): ReadonlyArray<ScopeNode> {
    if (this.hearsInterrupt) return [this]
    this.withhold()
    return none
  }

  override withhold(): void {
    if (this.committing) this.withheld = true
  }

  /** After a failed commit: what was withheld is delivered, unless the failure ends the task in this turn. */
  commitFailed(): void {
    this.committing = false
    if (!this.withheld) return
    this.fiber!.currentDispatcher.scheduleTask(() => {
      if (this.exit !== undefined || !this.hearsInterrupt) return
      this.interrupted = true
      this.deliverInterrupt(undefined)
      // What gave up meanwhile could not give up on this task.
      for (let node: ScopeNode | undefined = this; node !== undefined && !node.gone; node = node.up) {
        node.plan?.giveUpAgain()
      }
    }, 0)
  }

  /** Not one that commits, nor one that has failed and only closes its scope. */
  override get hearsInterrupt(): boolean {
    return !this.interrupted && !this.committing && this.exit?._tag !== "Failure"
  }

  override deliverInterrupt(by: number | undefined): void {
    if (this.exit !== undefined || this.gone) return
    if (this.fiber !== undefined) return this.fiber.interruptUnsafe(by)
    // Cancelled before its first step: the body never runs.
    this.effect = undefined
    this.exit = this.mark!.exit
    this.settle()
  }

  /** Never linked, never run: what a closed scope answers. */
  refuse(request: CancelRequest): void {
    this.effect = undefined
    this.mark = request
    this.interrupted = true
    this.exit = request.exit
    this.verdict = "cancelled"
    this.endedAt = this.clock.currentTimeMillisUnsafe()
    this.neverOpen()
  }

  /** One that only closes its scope may be given up as well, whatever its exit. */
  override get canBeAbandoned(): boolean {
    return this.exit !== undefined || (this.interrupted && !this.committing)
  }

  override abandon(): void {
    if (this.gone) return
    this.how = "abandoned"
    this.endedAt = this.clock.currentTimeMillisUnsafe()
    this.verdict = this.exit === undefined ? "cancelled" : this.decide()
    Context.get(this.context, Stragglers).add(this)
    this.record?.straggling()
    this.record?.ended()
    if (installed > 0) tellEnded(this)
    this.close()
  }

  /** The real end of a task that a cancel gave up on. */
  private straggled(): void {
    const stragglers = Context.get(this.context, Stragglers)
    if (!stragglers.delete(this)) return
    if (this.exit?._tag === "Failure") this.keepFailuresOf(this.exit.cause)
  }

  override get deadline(): number | undefined {
    return this.record?.limits?.wall
  }

  override get heir(): ScopeNode | undefined {
    return this.record?.heir
  }

  override get listens(): boolean {
    return this.record !== undefined
  }

  override requestArrived(request: CancelRequest): void {
    this.record?.requested(request)
  }

  /** The nearest task that somebody awaits keeps what its members and bodies could not return. */
  override salvage(scope: string, value: unknown): boolean {
    if (this.kind !== "task") return super.salvage(scope, value)
    const record = TaskRecord.of(this)
    ;(record.salvaged ??= []).push({ scope, value })
    return true
  }

  override keepCleanupFailure(failure: CleanupFailure): void {
    if (this.kind === "body") return super.keepCleanupFailure(failure)
    const record = TaskRecord.of(this)
    ;(record.cleanupFailures ??= []).push(failure)
  }

  private keepFailuresOf(cause: Cause.Cause<unknown>): void {
    if (cause.reasons.length === 1 && Cause.isInterruptReason(cause.reasons[0]!)) return
    const failures = cause.reasons.filter((reason) => !Cause.isInterruptReason(reason))
    // A task from outside keeps its own failure.
    if (failures.length > 0 && this.record?.standsFor === undefined)
      this.cleanupFailed(this.name, Cause.fromReasons(failures), this.context)
  }
}

let starting = 0

const none: ReadonlyArray<never> = []

const { state: empty, ...scopeMarks } = Scope.makeUnsafe()
Object.assign(TaskNode.prototype, scopeMarks)

/** One effect for all tasks: the node is in the context that it runs with. */
const begin = Effect.withFiber((fiber) => (fiber.getRef(CurrentNode) as TaskNode).takeEffect(fiber))
