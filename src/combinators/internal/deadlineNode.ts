/**
 * The node of a deadline: when its limit has passed, its work is told to stop
 * with `timeout`, and awaited. It keeps what its work could not return until it
 * knows how it ended: then that stands on the error, or goes to the task around.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import { atOnce, type CancelPolicy } from "../../fibers/CancelPolicy.ts"
import * as CancelReason from "../../fibers/CancelReason.ts"
import { handOnScope, scopeIn } from "../../fibers/internal/handOnScope.ts"
import { Limit } from "../../fibers/internal/limit.ts"
import { fromWall, steady } from "../../fibers/internal/steady.ts"
import { RegionNode } from "../../fibers/internal/regionNode.ts"
import type { Salvaged } from "../../fibers/TaskOutcome.ts"
import { DeadlineExceeded } from "../DeadlineExceeded.ts"

/** What the owner gets: for a value in time, the value itself where nothing is said. */
export interface Rendering {
  readonly value?: (value: any) => unknown
  readonly exceeded: (deadline: DeadlineNode) => Effect.Effect<any, any>
}

export class DeadlineNode extends RegionNode<any, any> {
  /** The time from its opening to the instant. */
  private millis: number
  private readonly policy: CancelPolicy
  private readonly rendering: Rendering
  private own: Limit | undefined = undefined
  private openedAt = NaN
  private kept: ReadonlyArray<Salvaged> = []

  constructor(
    name: string,
    owner: Fiber.Fiber<any, any>,
    effect: Effect.Effect<any, any, any>,
    limit: Duration.Duration,
    policy: CancelPolicy,
    rendering: Rendering
  ) {
    super("deadline", name, owner, effect)
    this.millis = Math.max(0, Duration.toMillis(limit))
    this.policy = policy
    this.rendering = rendering
  }

  override open(): void {
    super.open()
    this.openedAt = steady(this.clock)
    const at = this.openedAt + this.millis
    this.own = this.limit = new Limit(this, this.limit, this.outside, () => this.told(), at)
  }

  override begin(): void {
    const limit = this.own!
    super.begin()
    // A limit of zero or less has run the synchronous prefix.
    if (limit.at <= this.openedAt) limit.tell()
    else limit.moveTo(limit.at)
  }

  private told(): void {
    const passed = Duration.format(this.allowed)
    this.stop(CancelReason.timeout({ by: this.name, message: `The limit of ${passed} passed` }), this.policy)
  }

  override close(): void {
    this.own!.stop()
    super.close()
  }

  override get deadline(): number | undefined {
    return this.own?.wall
  }

  /** The time from its opening to the instant. */
  get allowed(): Duration.Duration {
    return Duration.millis(this.millis)
  }

  /** To epoch milliseconds; false if it has passed, or the scope has ended. */
  moveTo(wall: number): boolean {
    const at = fromWall(this.clock, wall)
    if (!this.own!.moveTo(at, wall)) return false
    this.millis = Math.max(0, Math.round(at - this.openedAt))
    return true
  }

  extend(by: number): boolean {
    if (!this.own!.moveTo(this.own!.at + by)) return false
    this.millis += by
    return true
  }

  override get whenInterrupted(): CancelPolicy {
    return atOnce(this.policy)
  }

  protected override handsOnScope(exit: Exit.Exit<any, any>): boolean {
    return exit._tag === "Success" && !this.interrupted
  }

  override release(): Effect.Effect<void> {
    // What was given up on still uses it, and closes it at its real end.
    if (this.how === "abandoned") return Effect.void
    return handOnScope(this, scopeIn(this.outside)) ?? Effect.void
  }

  override salvage(scope: string, value: unknown): boolean {
    this.kept = [...this.kept, { scope, value }]
    return true
  }

  override result(): Effect.Effect<any, any> {
    if (this.verdict === "cancelled" && this.own!.passed) return this.rendering.exceeded(this)
    this.passOn()
    const exit = this.rendered(this.exit!)
    return this.state._tag === "Closed" ? exit : Effect.andThen(this.release(), exit)
  }

  private rendered(exit: Exit.Exit<any, any>): Exit.Exit<any, any> {
    const { value } = this.rendering
    return value === undefined || exit._tag === "Failure" ? exit : Exit.succeed(value(exit.value))
  }

  error(): DeadlineExceeded {
    return DeadlineExceeded.withLate(
      {
        scope: this.name,
        limit: this.allowed,
        how: this.how,
        cleanupFailures: [...(this.record?.cleanupFailures ?? [])]
      },
      [...this.kept]
    )
  }

  /** Where the error cannot tell it, the task around does. */
  passOn(): void {
    for (const failure of this.record?.cleanupFailures ?? []) this.up!.keepCleanupFailure(failure)
    this.kept = this.kept.filter(({ scope, value }) => !this.up!.salvage(scope, value))
  }

  override lost(): void {
    super.lost()
    this.passOn()
  }

  override salvageable(): ReadonlyArray<unknown> {
    return [...super.salvageable(), ...this.kept.map(({ value }) => value)]
  }
}
