/**
 * A join: waits for every member. `failFast` signals the rest one turn after the
 * first failure; a limit signals the rest when it has passed, and one on each
 * member that member alone.
 */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import { atOnce, type CancelPolicy } from "../../fibers/CancelPolicy.ts"
import * as CancelReason from "../../fibers/CancelReason.ts"
import { cancel } from "../../fibers/internal/cancelling.ts"
import { Limit } from "../../fibers/internal/limit.ts"
import type { ScopeNode } from "../../fibers/internal/scopeNode.ts"
import { steady } from "../../fibers/internal/steady.ts"
import type { TaskNode } from "../../fibers/internal/taskNode.ts"
import { TaskCancelled } from "../../fibers/TaskCancelled.ts"
import type { Entries } from "../Entries.ts"
import { MembersNode, type MembersOptions, put } from "./membersNode.ts"
import { subjectOf } from "./outsideTask.ts"

export interface JoinOptions extends MembersOptions {
  /** What ends the join early: a failure, and, with "cancelled", a member that ended cancelled by itself as well. */
  readonly failFast: "never" | "failed" | "cancelled"
  readonly limit: Duration.Duration | undefined
  /** The time that each member has, from its own start. */
  readonly each: Duration.Duration | undefined
  /** Told when the first members run. */
  readonly onBegun?: ((join: JoinNode) => void) | undefined
}

export class JoinNode extends MembersNode<any, any> {
  declare protected readonly options: JoinOptions
  private readonly render: (join: JoinNode) => Effect.Effect<any, any>
  private own: Limit | undefined = undefined
  private tripped = false
  /** In the order of their ends, up to the turn in which the rest was told. */
  readonly failed = new Set<TaskNode>()
  /** Members that their own limit told to stop. */
  private overdue: Set<ScopeNode> | undefined = undefined

  constructor(
    name: string,
    owner: Fiber.Fiber<any, any>,
    entries: Entries,
    options: JoinOptions,
    render: (join: JoinNode) => Effect.Effect<any, any>
  ) {
    super("join", name, owner, entries, options)
    this.render = render
  }

  /** After a failure nobody starts who still waits for room, though the rest is told a turn later. */
  override get decided(): boolean {
    return this.failed.size > 0 && this.options.concurrency < this.size
  }

  override open(): void {
    super.open()
    const { limit } = this.options
    if (!isBound(limit)) return
    this.own = this.limit = this.limitOf(this, limit, () => this.cancel(this.overdueReason(limit), this.options.policy))
  }

  override begin(): void {
    super.begin()
    if (this.own !== undefined && this.live > 0) startLimit(this.own, this.options.limit!)
    this.options.onBegun?.(this)
  }

  private limitOf(node: ScopeNode, time: Duration.Duration, announce: () => void): Limit {
    const at = steady(this.clock) + Math.max(0, Duration.toMillis(time))
    return new Limit(node, node.limit, this.context, announce, at)
  }

  private overdueReason(limit: Duration.Duration): CancelReason.Draft {
    return CancelReason.timeout({ by: this.name, message: `The limit of ${Duration.format(limit)} passed` })
  }

  protected override memberStarts(member: TaskNode): void {
    const { each } = this.options
    if (!isBound(each)) return
    const limit = this.limitOf(member, each, () => {
      ;(this.overdue ??= new Set()).add(member)
      cancel(member, this.overdueReason(each), this.options.policy, this.context)
    })
    member.limit = limit
    member.onClosed(() => limit.stop())
  }

  protected override memberStarted(member: TaskNode): void {
    const { each } = this.options
    if (isBound(each)) startLimit(member.limit!, each)
  }

  /** Whether a limit of this join told the member to stop. */
  wasLimited(member: TaskNode): boolean {
    return member.mark === this.mark || this.overdue?.has(member) === true
  }

  override get deadline(): number | undefined {
    return this.own?.wall
  }

  override close(): void {
    this.own?.stop()
    super.close()
  }

  override memberEnded(member: TaskNode): void {
    if (!this.endsEarly(member) || this.interrupted || this.tripped) return
    this.failed.add(member)
    if (this.failed.size > 1) return
    this.nextTurn(() => {
      this.tripped = true
      this.cancel(CancelReason.siblingFailed({ by: member.name }), this.options.policy)
    })
  }

  private endsEarly(member: TaskNode): boolean {
    const { failFast } = this.options
    if (failFast === "never" || member.verdict === "completed") return false
    return failFast === "cancelled" || subjectOf(member).verdict === "failed"
  }

  override get whenInterrupted(): CancelPolicy {
    return atOnce(this.options.policy)
  }

  override result(): Effect.Effect<any, any> {
    return this.render(this)
  }

  override salvageable(): ReadonlyArray<unknown> {
    const values: Record<string, unknown> = {}
    for (const { exit, name } of this.members) if (exit?._tag === "Success") put(values, name, exit.value)
    return Object.keys(values).length === 0 ? [] : [values]
  }

  /** Every failure that was decided in time, in the order of the input, as one cause. */
  failure(): Cause.Cause<unknown> {
    return Cause.fromReasons(
      this.members
        .filter((member) => this.failed.has(member))
        .flatMap((member) => {
          if (member.verdict === "cancelled") {
            return [Cause.makeFailReason(new TaskCancelled({ task: member.name, reason: member.mark!.reason }))]
          }
          return member.exit?._tag === "Failure" ? member.exit.cause.reasons : []
        })
    )
  }

  override lost(): void {
    super.lost()
    for (const member of this.members) {
      // A task from outside keeps its own failure.
      if (member.verdict !== "failed" || member.exit?._tag !== "Failure" || subjectOf(member) !== member) continue
      this.up!.cleanupFailed(member.name, member.exit.cause, this.context)
    }
  }

  /** Failures of members that came after the rest was told have no place in the failure. */
  passOnLateFailures(): void {
    for (const member of this.members) {
      if (!this.tripped || member.verdict !== "failed" || this.failed.has(member)) continue
      if (member.exit?._tag === "Failure") this.up!.cleanupFailed(member.name, member.exit.cause, this.context)
    }
  }
}

const isBound = (time: Duration.Duration | undefined): time is Duration.Duration =>
  time !== undefined && Duration.toMillis(time) !== Infinity

/** One of zero or less has run the synchronous prefix. */
const startLimit = (limit: Limit, time: Duration.Duration): void => {
  if (Duration.toMillis(time) <= 0) limit.tell()
  else limit.moveTo(limit.at)
}
