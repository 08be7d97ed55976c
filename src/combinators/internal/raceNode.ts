/**
 * A race: decided in the very step in which the last of the members that it
 * needs exits, before that member's scope would be closed, so that the winners'
 * resources outlive the race.
 */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import { atOnce, type CancelPolicy } from "../../fibers/CancelPolicy.ts"
import * as CancelReason from "../../fibers/CancelReason.ts"
import { handOnScope, scopeIn } from "../../fibers/internal/handOnScope.ts"
import { outcomeOf } from "../../fibers/internal/outcome.ts"
import type { ScopeNode } from "../../fibers/internal/scopeNode.ts"
import { sleepOut } from "../../fibers/internal/sleepOut.ts"
import type { TaskNode } from "../../fibers/internal/taskNode.ts"
import { TaskRecord } from "../../fibers/internal/taskRecord.ts"
import type { Entries } from "../Entries.ts"
import { RaceFailed } from "../RaceFailed.ts"
import { MembersNode, type MembersOptions } from "./membersNode.ts"
import { subjectOf } from "./outsideTask.ts"

export interface RaceOptions extends MembersOptions {
  readonly kind: "race" | "join"
  /** What counts as an arrival: a value, or any end. */
  readonly counts: "success" | "settled"
  /** How many arrivals decide. */
  readonly needed: number
  /** Members start one by one: the next after this time, or when one has failed. */
  readonly stagger: Duration.Duration | undefined
  readonly render: (race: RaceNode) => unknown
}

export class RaceNode extends MembersNode<any, any> {
  declare protected readonly options: RaceOptions
  /** In the order of their ends. */
  readonly winners = new Set<TaskNode>()
  private won: boolean
  /** Ended without being counted, before the race was decided. */
  private beaten = 0
  /** More have lost than the race can spare. */
  private outOfReach: boolean
  /** How many members may have started so far, where they start one by one. */
  private released = 1
  private timer: Fiber.Fiber<void> | undefined = undefined

  constructor(name: string, owner: Fiber.Fiber<any, any>, entries: Entries, options: RaceOptions) {
    super(options.kind, name, owner, entries, options)
    this.won = options.needed === 0
    this.outOfReach = options.needed > this.size
  }

  override get decided(): boolean {
    return this.won || this.outOfReach
  }

  override begin(): void {
    super.begin()
    if (this.options.stagger !== undefined) this.wait()
  }

  protected override get hasRoom(): boolean {
    return this.options.stagger === undefined ? super.hasRoom : this.started < this.released
  }

  /** The next member starts when the delay has passed, unless it has started or is not needed any more. */
  private wait(): void {
    this.timer?.interruptUnsafe()
    this.timer = undefined
    if (this.gone || this.decided || this.interrupted || this.released >= this.size) return
    const delay = Duration.toMillis(this.options.stagger!)
    // Who ends at the same instant has ended in time.
    const passed = delay === 0 ? Effect.yieldNow : sleepOut(this.clock, delay)
    const release = Effect.sync(() => this.releaseNext())
    this.timer = Effect.runForkWith(this.context)(Effect.andThen(passed, release))
  }

  private releaseNext(): void {
    // Called on the fiber of the timer, which must not interrupt itself.
    this.timer = undefined
    this.released++
    this.startMore()
    if (this.timer === undefined) this.wait()
  }

  override get done(): boolean {
    return super.done && (this.options.stagger === undefined || this.allStarted || this.decided || this.interrupted)
  }

  override keepsScopeOf(child: ScopeNode, exit: Exit.Exit<unknown, unknown>): boolean {
    if (this.decided || this.interrupted) return false
    if (exit._tag === "Failure" && this.options.counts === "success") return false
    this.won = this.winners.add(child as TaskNode).size >= this.options.needed
    if (exit._tag === "Success") return true
    // It still closes its scope, for which the losers need not wait.
    if (this.won) this.tellLosers(child as TaskNode)
    return false
  }

  override get whenInterrupted(): CancelPolicy {
    return atOnce(this.options.policy)
  }

  private tellLosers(winner: TaskNode): void {
    this.cancel(CancelReason.lostRace({ by: winner.name, message: this.lostMessage }), this.options.policy)
  }

  private get lostMessage(): string | undefined {
    const { needed } = this.options
    return needed === 1 ? undefined : `${needed} other members were there first`
  }

  override memberEnded(member: TaskNode): void {
    if (this.winners.has(member)) {
      if (this.won) {
        this.timer?.interruptUnsafe()
        if (this.live > 0 && !this.interrupted) this.tellLosers(member)
      }
      return
    }
    this.logDefect(member)
    if (this.won || this.interrupted) return
    this.outOfReach = ++this.beaten > this.size - this.options.needed
    this.released++
    if (this.options.stagger !== undefined) this.wait()
    if (this.outOfReach && this.live > 0) {
      const message = `${this.options.needed} of ${this.size} members are out of reach`
      this.cancel(CancelReason.siblingFailed({ by: member.name, message }), this.options.policy)
    }
  }

  /** A loser's defect does not fail the race, but it is not silent either. */
  private logDefect(member: TaskNode): void {
    if (member.verdict !== "failed" || member.exit?._tag !== "Failure" || !Cause.hasDies(member.exit.cause)) return
    Effect.runForkWith(this.context)(
      Effect.logWarning(`A member of the race "${this.name}" died: ${member.name}`, member.exit.cause)
    )
  }

  override close(): void {
    this.timer?.interruptUnsafe()
    super.close()
  }

  override result(): Effect.Effect<any, any> {
    const result = this.won ? Effect.succeed(this.options.render(this)) : Effect.fail(this.raceFailed())
    const release = this.release()
    // Not a step more than needed: an interrupt could come between.
    return release === Effect.void ? result : Effect.andThen(release, result)
  }

  private raceFailed(): RaceFailed<unknown, unknown> {
    const others = this.members.filter((member) => !this.winners.has(member))
    // What finished in the grace of the others has succeeded too.
    const late = others.filter(({ exit }) => exit?._tag === "Success")
    const failed = others.filter(
      (member) => member.exit?._tag !== "Success" && !(member.verdict === "cancelled" && member.mark === this.mark)
    )
    return new RaceFailed({
      race: this.name,
      needed: this.options.needed,
      failures: failed.map((member) => ({ member: this.keyOf(member), cause: causeOf(member) })),
      succeeded: [...this.winners, ...late].map((member) => ({ member: this.keyOf(member), value: valueOf(member) }))
    })
  }

  /** The winners' scopes move to the caller's, if they have won and he has one; else they close, last ended first. */
  override release(): Effect.Effect<void> {
    const callers = this.won ? scopeIn(this.context) : undefined
    let all: Effect.Effect<void> | undefined
    for (const winner of callers === undefined ? [...this.winners].toReversed() : this.winners) {
      // Its finalizers read the reasons of the caller from now on.
      if (callers !== undefined && winner.state._tag === "Open") TaskRecord.of(winner).heir = this.up
      const one = handOnScope(winner, callers)
      if (one !== undefined) all = all === undefined ? one : Effect.andThen(all, one)
    }
    return all ?? Effect.void
  }

  override salvageable(): ReadonlyArray<unknown> {
    const kept: Array<unknown> = []
    for (const member of this.members) {
      const { exit, name } = member
      if (exit?._tag === "Success") {
        kept.push(this.winners.has(member) ? { winner: name, value: exit.value } : { late: name, value: exit.value })
      } else if (this.winners.has(member)) kept.push({ winner: name, outcome: outcomeOf(subjectOf(member)) })
    }
    return kept
  }
}

export const valueOf = (member: TaskNode): unknown => (member.exit as Exit.Success<unknown>).value

/** One that a cancel gave up on has not exited: it counts as cancelled. */
const causeOf = ({ exit, mark }: TaskNode): Cause.Cause<unknown> =>
  exit?._tag === "Failure" ? exit.cause : (mark!.exit as Exit.Failure<never, never>).cause
