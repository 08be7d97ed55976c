/**
 * A race: decided in the very step in which a member's fiber exits, before its
 * scope would be closed, so that the winner's resources outlive the race.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import { atOnce, type CancelPolicy } from "../../fibers/CancelPolicy.ts"
import * as CancelReason from "../../fibers/CancelReason.ts"
import { outcomeOf } from "../../fibers/internal/outcome.ts"
import type { ScopeNode } from "../../fibers/internal/scopeNode.ts"
import type { TaskNode } from "../../fibers/internal/taskNode.ts"
import { TaskRecord } from "../../fibers/internal/taskRecord.ts"
import type { Entries } from "../Entries.ts"
import { fromMember } from "../Loser.ts"
import { RaceFailed } from "../RaceFailed.ts"
import { MembersNode } from "./membersNode.ts"

export class RaceNode extends MembersNode<any, any> {
  private readonly decidedBy: "success" | "settled"
  private readonly policy: CancelPolicy
  private winner: TaskNode | undefined = undefined

  constructor(
    name: string,
    owner: Fiber.Fiber<any, any>,
    entries: Entries,
    decidedBy: "success" | "settled",
    policy: CancelPolicy
  ) {
    super("race", name, owner, entries)
    this.decidedBy = decidedBy
    this.policy = policy
  }

  override get decided(): boolean {
    return this.winner !== undefined
  }

  override keepsScopeOf(child: ScopeNode, exit: Exit.Exit<unknown, unknown>): boolean {
    if (this.winner !== undefined || this.interrupted) return false
    if (exit._tag === "Failure" && this.decidedBy === "success") return false
    this.winner = child as TaskNode
    if (exit._tag === "Success") return true
    // It still closes its scope, for which the losers need not wait.
    this.tellLosers(this.winner)
    return false
  }

  override get whenInterrupted(): CancelPolicy {
    return atOnce(this.policy)
  }

  private tellLosers(winner: TaskNode): void {
    this.cancel(CancelReason.lostRace({ by: winner.name }), this.policy)
  }

  override memberEnded(member: TaskNode): void {
    if (member !== this.winner) this.logDefect(member)
    else if (this.live > 0 && !this.interrupted) this.tellLosers(member)
  }

  /** A loser's defect does not fail the race, but it is not silent either. */
  private logDefect(member: TaskNode): void {
    if (member.verdict !== "failed" || member.exit?._tag !== "Failure" || !Cause.hasDies(member.exit.cause)) return
    Effect.runForkWith(this.context)(
      Effect.logWarning(`A member of the race "${this.name}" died: ${member.name}`, member.exit.cause)
    )
  }

  override result(): Effect.Effect<any, any> {
    const { winner } = this
    if (winner === undefined) {
      return Effect.fail(
        new RaceFailed({
          race: this.name,
          failures: this.members.map((member, index) => ({
            member: this.keyOf(index),
            cause: causeOf(member)
          }))
        })
      )
    }
    const report = Effect.succeed(this.report(winner))
    return winner.state._tag === "Closed" ? report : Effect.andThen(this.release(), report)
  }

  private report(winner: TaskNode): object {
    const index = this.members.indexOf(winner)
    const key = this.keyOf(index)
    const losers = this.collect(fromMember, index)
    return this.decidedBy === "success"
      ? { winner: key, value: (winner.exit as Exit.Success<unknown>).value, losers }
      : { winner: key, outcome: outcomeOf(winner), losers }
  }

  /** The winner's scope moves to the caller's. */
  override release(): Effect.Effect<void> {
    const { winner } = this
    if (winner === undefined || winner.state._tag === "Closed") return Effect.void
    const callers = Context.getOption(this.context as Context.Context<Scope.Scope>, Scope.Scope)
    if (callers._tag === "None") return Scope.close(winner, Exit.void)
    if (winner.state._tag === "Empty") {
      // What is added later goes to the caller's scope itself: nothing is kept for a winner that holds nothing.
      forward(winner, callers.value)
      return Effect.void
    }
    // Its finalizers read the reasons of the caller from now on.
    TaskRecord.of(winner).heir = this.up
    return Scope.addFinalizerExit(callers.value, (exit) => Scope.close(winner, exit))
  }

  override salvageable(): ReadonlyArray<unknown> {
    const kept: Array<unknown> = []
    for (const member of this.members) {
      const { exit, name } = member
      if (exit?._tag === "Success") {
        kept.push(member === this.winner ? { winner: name, value: exit.value } : { late: name, value: exit.value })
      } else if (member === this.winner) kept.push({ winner: name, outcome: outcomeOf(member) })
    }
    return kept
  }
}

const forward = (from: Scope.Scope, to: Scope.Scope): void => {
  Object.defineProperty(from, "state", {
    get: () => to.state,
    set: (state: Scope.Scope["state"]) => {
      to.state = state
    }
  })
}

/** One that a cancel gave up on has not exited: it counts as cancelled. */
const causeOf = ({ exit, mark }: TaskNode): Cause.Cause<unknown> =>
  exit?._tag === "Failure" ? exit.cause : (mark!.exit as Exit.Failure<never, never>).cause
