/**
 * A join: waits for every member. `failFast` signals the rest one turn after the
 * first failure; a limit signals the rest when it has passed.
 */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import { atOnce, type CancelPolicy } from "../../fibers/CancelPolicy.ts"
import * as CancelReason from "../../fibers/CancelReason.ts"
import { TaskCancelled } from "../../fibers/TaskCancelled.ts"
import type { TaskNode } from "../../fibers/internal/taskNode.ts"
import type { Entries } from "../Entries.ts"
import { MembersNode, put } from "./membersNode.ts"

export interface JoinOptions {
  readonly failFast: boolean
  readonly limit: Duration.Duration | undefined
  readonly policy: CancelPolicy
}

export class JoinNode extends MembersNode<any, any> {
  private readonly options: JoinOptions
  private readonly render: (join: JoinNode) => Effect.Effect<any, any>
  private timer: Fiber.Fiber<void> | undefined = undefined
  private tripped = false
  private until: number | undefined = undefined
  /** In the order of their ends, up to the turn in which the rest was told. */
  readonly failed: Array<TaskNode> = []

  constructor(
    name: string,
    owner: Fiber.Fiber<any, any>,
    entries: Entries,
    options: JoinOptions,
    render: (join: JoinNode) => Effect.Effect<any, any>
  ) {
    super("join", name, owner, entries)
    this.options = options
    this.render = render
  }

  override get decided(): boolean {
    return false
  }

  override begin(): void {
    const { limit } = this.options
    const millis = limit === undefined ? Infinity : Duration.toMillis(limit)
    if (millis !== Infinity) this.until = this.clock.currentTimeMillisUnsafe() + millis
    super.begin()
    if (millis === Infinity || this.live === 0) return
    const passed = Effect.sync(() => {
      if (!this.gone)
        this.cancel(
          CancelReason.timeout({ by: this.name, message: `The limit of ${Duration.format(limit!)} passed` }),
          this.options.policy
        )
    })
    // A limit of zero or less has run the synchronous prefix.
    if (millis <= 0) Effect.runForkWith(this.context)(passed)
    else this.timer = Effect.runForkWith(this.context)(Effect.andThen(this.clock.sleep(limit!), passed))
  }

  override get deadline(): number | undefined {
    return this.until
  }

  override close(): void {
    this.timer?.interruptUnsafe()
    super.close()
  }

  override memberEnded(member: TaskNode): void {
    if (!this.options.failFast || member.verdict === "completed" || this.interrupted) return
    if (this.tripped) return
    this.failed.push(member)
    if (this.failed.length > 1) return
    this.nextTurn(() => {
      this.tripped = true
      this.cancel(CancelReason.siblingFailed({ by: member.name }), this.options.policy)
    })
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
        .filter((member) => this.failed.includes(member))
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
    for (const { exit, name, verdict } of this.members) {
      if (verdict === "failed" && exit?._tag === "Failure") this.up!.cleanupFailed(name, exit.cause, this.context)
    }
  }

  /** Failures of members that came after the rest was told have no place in the failure. */
  passOnLateFailures(): void {
    for (const member of this.members) {
      if (!this.tripped || member.verdict !== "failed" || this.failed.includes(member)) continue
      if (member.exit?._tag === "Failure") this.up!.cleanupFailed(member.name, member.exit.cause, this.context)
    }
  }
}
