/**
 * One visit of a merge: a race that may also be decided from outside, that an
 * ordinary failure of a branch may fail, and whose losers undo what they did.
 * What is decided is decided once: by the first success, by the first arrival
 * from outside, or by the first failure where that fails the run.
 */
import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import type { Severity } from "effect/LogLevel"
import type { CancelPolicy } from "../../fibers/CancelPolicy.ts"
import * as CancelReason from "../../fibers/CancelReason.ts"
import { cancel } from "../../fibers/internal/cancelling.ts"
import type { Kind, ScopeNode } from "../../fibers/internal/scopeNode.ts"
import type { TaskNode } from "../../fibers/internal/taskNode.ts"
import { together, trampoline } from "../../fibers/internal/trampoline.ts"
import type { Arrival } from "../Arrival.ts"
import { fromMember, type Loser } from "../Loser.ts"
import type { Undone } from "../Undone.ts"
import { BranchNode } from "./branchNode.ts"
import { RaceNode } from "./raceNode.ts"

export interface MergeSettings {
  readonly merge: string
  readonly policy: CancelPolicy
  readonly failsRun: boolean
  /** Also when the visit ends without a decision. */
  readonly undoAlways: boolean
  readonly undoWithin: Duration.Duration
  readonly logLevel: Severity | "None"
}

interface Decision {
  readonly winner: string
  readonly value: unknown
  readonly at: number
  readonly from: "branch" | "outside"
}

const raceForOne = {
  kind: "race",
  counts: "success",
  needed: 1,
  stagger: undefined,
  cancelTasks: false,
  concurrency: Infinity,
  render: (race: RaceNode) => ({ losers: race.collect(fromMember, race.winners) })
} as const

export class VisitNode extends RaceNode {
  private readonly settings: MergeSettings
  decision: Decision | undefined = undefined
  /** What failed the visit, in the order of the ends. */
  private readonly failed = new Set<BranchNode>()
  /** Those that were started, in the order of the input. */
  private readonly branches = new Map<string, BranchNode>()
  private readonly places = new Map<TaskNode, number>()
  private tripped = false
  private readonly undone: Array<Undone> = []
  private reported = false

  constructor(
    settings: MergeSettings,
    owner: Fiber.Fiber<any, any>,
    branches: Record<string, Effect.Effect<any, any, any>>
  ) {
    super(settings.merge, owner, branches, { ...raceForOne, policy: settings.policy })
    this.settings = settings
  }

  override member(
    kind: Kind,
    name: string,
    effect: Effect.Effect<any, any, any>,
    context: Context.Context<never> = this.context
  ): BranchNode {
    const branch = new BranchNode(kind, name, this, effect, context)
    branch.open()
    this.branches.set(name, branch)
    this.places.set(branch, this.branches.size)
    return branch
  }

  /** The branch of this name, once it was started. */
  branch(name: string): BranchNode | undefined {
    return this.branches.get(name)
  }

  /** Failed, or cancelled: no arrival counts any more. */
  get over(): boolean {
    return this.decision === undefined && (this.gone || this.interrupted || this.failed.size > 0)
  }

  override get decided(): boolean {
    return this.decision !== undefined || this.failed.size > 0
  }

  arrive(path: string, value: unknown): Arrival {
    const { decision, name: merge } = this
    if (decision !== undefined) return { _tag: "AlreadyDecided", path, ...decidedBy(decision, merge) }
    if (this.over) return { _tag: "Undecided", path, merge, how: this.howOver }
    const decided = this.decide(path, value, "outside")
    const winner = this.branch(path)
    together(() => {
      if (winner !== undefined) cancel(winner, this.overtaken(path), this.settings.policy, this.context)
      if (!this.gone && this.live > 0) this.cancel(CancelReason.lostRace({ by: path }), this.settings.policy)
    })
    return { _tag: "Decided", ...decidedBy(decided, merge) }
  }

  private decide(winner: string, value: unknown, from: Decision["from"]): Decision {
    return (this.decision = { winner, value, from, at: this.clock.currentTimeMillisUnsafe() })
  }

  private overtaken(path: string): CancelReason.Draft {
    return CancelReason.scopeClosed({
      by: this.name,
      message: `The decision of "${path}" came from outside the branch`
    })
  }

  override keepsScopeOf(child: ScopeNode, exit: Exit.Exit<unknown, unknown>): boolean {
    const branch = child as BranchNode
    if (!this.decided && super.keepsScopeOf(branch, exit)) {
      this.decide(branch.name, (exit as Exit.Success<unknown>).value, "branch")
      return true
    }
    // Interrupted by itself it is out of the race, but it has not failed.
    if (exit._tag === "Failure" && !branch.interrupted && this.settings.failsRun) this.failedOrdinarily(branch)
    if (branch.hookCount > 0 && this.undoes(branch)) branch.undoOnClose(this.hookEnded)
    return false
  }

  private failedOrdinarily(branch: BranchNode): void {
    if (this.decision !== undefined || this.interrupted || this.tripped) return
    this.failed.add(branch)
    if (this.failed.size > 1) return
    // What fails in the same turn is told as well.
    this.nextTurn(() => {
      this.tripped = true
      this.cancel(CancelReason.siblingFailed({ by: branch.name }), this.settings.policy)
    })
  }

  /** Whether a branch that has just ended has lost what it did. */
  undoes(branch: BranchNode): boolean {
    if (this.decision !== undefined) return this.decision.winner !== branch.name
    if (this.interrupted || this.failed.size > 0) return this.settings.undoAlways
    return true
  }

  readonly hookEnded = (undone: Undone): void => {
    this.undone.push(undone)
    if (undone.failure === undefined) return
    const log = Effect.logWarning(`Undoing "${undone.step}" of the path "${undone.path}" failed`, undone.failure)
    trampoline(() => Effect.runForkWith(this.context)(log))
  }

  /** Losers are told at which merge they lost. */
  override cancel(reason: CancelReason.Draft | CancelReason.CancelReason, policy?: CancelPolicy): void {
    super.cancel(
      reason.source === "lost-race" && !(reason instanceof CancelReason.CancelReason)
        ? { ...reason, message: `competing path won at ${this.name}` }
        : reason,
      policy
    )
  }

  override memberEnded(member: TaskNode): void {
    if (!this.failed.has(member as BranchNode)) super.memberEnded(member)
    if (member.verdict === "cancelled" && member.name !== this.decision?.winner) this.logCancelled(member)
  }

  private logCancelled(member: TaskNode): void {
    const { logLevel } = this.settings
    if (logLevel === "None") return
    const place = `${this.places.get(member)} of ${this.size}`
    const reason = member.mark!.reason
    const why = reason.source === "lost-race" ? `${reason.message} (${reason.by})` : reason.message
    const log = Effect.logWithLevel(logLevel)(`Path "${member.name}" (${place}) was cancelled: ${why}`)
    trampoline(() => Effect.runForkWith(this.context)(log))
  }

  get howOver(): "failed" | "cancelled" {
    return this.failed.size > 0 || !this.interrupted ? "failed" : "cancelled"
  }

  get undoWithin(): Duration.Duration {
    return this.settings.undoWithin
  }

  override result(): Effect.Effect<any, any> {
    if (this.failed.size > 0) {
      this.passOn()
      this.passOnLateFailures()
      return Effect.failCause(this.failure())
    }
    const { decision } = this
    if (decision === undefined) {
      this.passOn()
      return super.result()
    }
    if (decision.from === "outside") {
      const winner = this.branch(decision.winner)
      if (winner !== undefined) this.passOnWinner(winner)
      return Effect.succeed(
        this.reportOf(decision, this.collect(fromMember, winner === undefined ? undefined : new Set([winner])))
      )
    }
    const won: Effect.Effect<any, any> = super.result()
    const report = ({ losers }: { readonly losers: Losers }) => this.reportOf(decision, losers)
    // Not a step more, if it is there: an interrupt could come between.
    return Exit.isExit(won) ? Exit.map(won as Exit.Exit<any>, report) : Effect.map(won, report)
  }

  private reportOf({ at, from, value, winner }: Decision, losers: Losers): object {
    return {
      merge: this.name,
      winner,
      value,
      from,
      at: DateTime.makeUnsafe(at),
      losers,
      stragglers: this.members
        .filter(({ how, name }) => how === "abandoned" && name !== winner)
        .map(({ name }) => name),
      // A copy: hooks of a straggler end later.
      undone: [...this.undone]
    }
  }

  /** In the order of the input. */
  private failure(): Cause.Cause<unknown> {
    return Cause.fromReasons(
      this.members.flatMap((member) =>
        this.failed.has(member as BranchNode) && member.exit?._tag === "Failure" ? member.exit.cause.reasons : []
      )
    )
  }

  /** Without a report, what finished late and what failed in clean-up goes to the task around. */
  private passOn(): void {
    this.passOnCleanupFailures()
    this.passOnUndone()
    for (const value of this.salvageable()) this.up!.salvage(this.name, value)
  }

  /** Failures of branches that came after the others were told have no place in the failure. */
  private passOnLateFailures(): void {
    for (const member of this.members) {
      if (member.verdict !== "failed" || this.failed.has(member as BranchNode)) continue
      if (member.exit?._tag === "Failure") this.up!.cleanupFailed(member.name, member.exit.cause, this.context)
    }
  }

  private passOnUndone(): void {
    if (this.reported) return
    this.reported = true
    for (const { failure, path } of this.undone) {
      if (failure !== undefined) this.up!.keepCleanupFailure({ scope: path, cause: failure })
    }
  }

  /** It has no place among the losers. */
  private passOnWinner(member: TaskNode): void {
    for (const failure of member.record?.cleanupFailures ?? []) this.up!.keepCleanupFailure(failure)
    if (member.exit?._tag === "Success") {
      this.up!.salvage(this.name, { late: member.name, value: member.exit.value })
    }
  }

  override lost(): void {
    super.lost()
    this.passOnUndone()
    for (const { exit, name } of this.failed) {
      if (exit?._tag === "Failure") this.up!.cleanupFailed(name, exit.cause, this.context)
    }
  }

  override salvageable(): ReadonlyArray<unknown> {
    const { decision } = this
    const kept = super.salvageable()
    return decision?.from === "outside" ? [{ winner: decision.winner, value: decision.value }, ...kept] : kept
  }
}

type Losers = Record<string, Loser<any, any>>

const decidedBy = ({ at, winner }: Decision, merge: string) => ({ merge, winner, at: DateTime.makeUnsafe(at) })
