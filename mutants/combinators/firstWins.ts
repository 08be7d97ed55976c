/** Breaks of the laws of merges: who decides, who is told, who fails it (K8, K9, K16, K18, K19, K23 to K26, K29). */
import type { Mutant } from "../Mutant.ts"

const merge = ["test/combinators/FirstWins.test.ts"]
const node = "src/combinators/internal/visitNode.ts"
const api = "src/combinators/FirstWins.ts"
const handle = "src/combinators/internal/visitHandle.ts"

export const mutants: ReadonlyArray<Mutant> = [
  {
    name: "an arrival in a visit that has failed counts",
    law: "K9",
    file: node,
    find: "(this.gone || this.interrupted || this.failed.size > 0)\n",
    replace: "(this.gone || this.interrupted)\n",
    tests: merge
  },
  {
    name: "an arrival in a visit that was cancelled counts",
    law: "K9",
    file: node,
    find: "(this.gone || this.interrupted || this.failed.size > 0)\n",
    replace: "(this.gone || this.failed.size > 0)\n",
    tests: merge
  },
  {
    name: "an arrival in a visit that has ended counts",
    law: "K9",
    file: node,
    find: "(this.gone || this.interrupted || this.failed.size > 0)\n",
    replace: "(this.interrupted || this.failed.size > 0)\n",
    tests: merge
  },
  {
    name: "a success after a failure decides a visit",
    law: "K9 K29",
    file: node,
    find: "return this.decision !== undefined || this.failed.size > 0\n",
    replace: "return this.decision !== undefined\n",
    tests: merge
  },
  {
    name: "a late arrival decides anew",
    law: "K9",
    file: node,
    find: 'if (decision !== undefined) return { _tag: "AlreadyDecided", path, ...decidedBy(decision, merge) }\n',
    replace: "",
    tests: merge
  },
  {
    name: "the branch for which somebody arrived runs on",
    law: "K1",
    file: node,
    find: "if (winner !== undefined) cancel(winner, this.overtaken(path), this.settings.policy, this.context)\n",
    replace: "",
    tests: merge
  },
  {
    name: "an arrival from outside tells nobody",
    law: "K1 K23",
    file: node,
    find: "if (!this.gone && this.live > 0) this.cancel(CancelReason.lostRace({ by: path }), this.settings.policy)",
    replace: "",
    tests: merge
  },
  {
    name: "who loses to an arrival from outside has none of the merge's patience",
    law: "K25",
    file: node,
    find: "this.cancel(CancelReason.lostRace({ by: path }), this.settings.policy)",
    replace: "this.cancel(CancelReason.lostRace({ by: path }))",
    tests: merge
  },
  {
    name: "a branch that interrupted itself fails the run",
    law: "K23",
    file: node,
    find: 'exit._tag === "Failure" && !branch.interrupted && this.settings.failsRun',
    replace: 'exit._tag === "Failure" && this.settings.failsRun',
    tests: merge
  },
  {
    name: "a failure of a branch fails the run though it was told not to",
    law: "K23",
    file: node,
    find: 'exit._tag === "Failure" && !branch.interrupted && this.settings.failsRun',
    replace: 'exit._tag === "Failure" && !branch.interrupted',
    tests: merge
  },
  {
    name: "a failure of a branch is swallowed",
    law: "K23",
    file: node,
    find: 'exit._tag === "Failure" && !branch.interrupted && this.settings.failsRun',
    replace: "false as boolean",
    tests: merge
  },
  {
    name: "a failure after the decision fails the run",
    law: "K9",
    file: node,
    find: "if (this.decision !== undefined || this.interrupted || this.tripped) return",
    replace: "if (this.interrupted || this.tripped) return",
    tests: merge
  },
  {
    name: "a failure that comes after the others were told stands in the cause",
    law: "K29",
    file: node,
    find: "if (this.decision !== undefined || this.interrupted || this.tripped) return",
    replace: "if (this.decision !== undefined || this.interrupted) return",
    tests: merge
  },
  {
    name: "a failure that comes while the others have their grace is dropped",
    law: "K16 K29",
    file: node,
    find: "this.passOnLateFailures()\n      return",
    replace: "return",
    tests: merge
  },
  {
    name: "the others are told in the very step of the first failure",
    law: "K29",
    file: node,
    find: "this.nextTurn(() => {\n      this.tripped = true\n      this.cancel(CancelReason.siblingFailed({ by: branch.name }), this.settings.policy)\n    })",
    replace:
      "this.tripped = true\n    this.cancel(CancelReason.siblingFailed({ by: branch.name }), this.settings.policy)",
    tests: merge
  },
  {
    name: "the others are not told whose failure ended the visit",
    law: "K19",
    file: node,
    find: "siblingFailed({ by: branch.name })",
    replace: "siblingFailed({})",
    tests: merge
  },
  {
    name: "the others are told of a failure with no patience",
    law: "K25",
    file: node,
    find: "this.cancel(CancelReason.siblingFailed({ by: branch.name }), this.settings.policy)",
    replace: "this.cancel(CancelReason.siblingFailed({ by: branch.name }))",
    tests: merge
  },
  {
    name: "a loser is not told at which merge it lost",
    law: "K19",
    file: node,
    find: "{ ...reason, message: `competing path won at ${this.name}` }",
    replace: "reason",
    tests: merge
  },
  {
    name: "a failed branch counts as a lost vote too",
    law: "K23",
    file: node,
    find: "if (!this.failed.has(member as BranchNode)) super.memberEnded(member)",
    replace: "super.memberEnded(member)",
    tests: merge
  },
  {
    name: "the winner for which somebody arrived is logged as cancelled",
    law: "S0-34",
    file: node,
    find: " && member.name !== this.decision?.winner) this.logCancelled",
    replace: "&& true) this.logCancelled",
    tests: merge
  },
  {
    name: "who is cancelled is not logged",
    law: "S0-34",
    file: node,
    find: "this.logCancelled(member)\n",
    replace: "{}\n",
    tests: merge
  },
  {
    name: "a cancelled branch is logged with the number of another",
    law: "S0-34",
    file: node,
    find: "this.places.set(branch, this.branches.size)",
    replace: "this.places.set(branch, this.branches.size - 1)",
    tests: merge
  },
  {
    name: "a visit that failed says that it was cancelled",
    law: "K19",
    file: node,
    find: 'return this.failed.size > 0 || !this.interrupted ? "failed" : "cancelled"',
    replace: 'return !this.interrupted ? "failed" : "cancelled"',
    tests: merge
  },
  {
    name: "a visit of which no branch is left says that it was cancelled",
    law: "K19",
    file: node,
    find: 'return this.failed.size > 0 || !this.interrupted ? "failed" : "cancelled"',
    replace: 'return this.failed.size > 0 ? "failed" : "cancelled"',
    tests: merge
  },
  {
    name: "what a visit that fails cannot tell is dropped",
    law: "K16",
    file: node,
    find: "if (this.failed.size > 0) {\n      this.passOn()\n",
    replace: "if (this.failed.size > 0) {\n",
    tests: merge
  },
  {
    name: "what a visit without a decision cannot tell is dropped",
    law: "K16",
    file: node,
    find: "if (decision === undefined) {\n      this.passOn()\n",
    replace: "if (decision === undefined) {\n",
    tests: merge
  },
  {
    name: "the late value of the branch for which somebody arrived is dropped",
    law: "K26",
    file: node,
    find: "if (winner !== undefined) this.passOnWinner(winner)\n",
    replace: "",
    tests: merge
  },
  {
    name: "what failed in the clean-up of the branch for which somebody arrived is dropped",
    law: "K16",
    file: node,
    find: "for (const failure of member.record?.cleanupFailures ?? []) this.up!.keepCleanupFailure(failure)\n    if (member.exit",
    replace: "if (member.exit",
    tests: merge
  },
  {
    name: "the branch for which somebody arrived stands among the losers",
    law: "K24",
    file: node,
    find: "this.collect(fromMember, winner === undefined ? undefined : new Set([winner]))",
    replace: "this.collect(fromMember)",
    tests: merge
  },
  {
    name: "the winner is named a straggler",
    law: "K25",
    file: node,
    find: 'how === "abandoned" && name !== winner',
    replace: 'how === "abandoned"',
    tests: merge
  },
  {
    name: "every loser is named a straggler",
    law: "K25",
    file: node,
    find: 'how === "abandoned" && name !== winner',
    replace: "name !== winner",
    tests: merge
  },
  {
    name: "hooks of a straggler change a report that was given",
    law: "K25",
    file: node,
    find: "undone: [...this.undone]",
    replace: "undone: this.undone",
    tests: merge
  },
  {
    name: "failures leave in the order in which they came",
    law: "K29",
    file: node,
    find: "this.members.flatMap((member) =>\n        this.failed.has(member as BranchNode) && member.exit",
    replace: "[...this.failed].flatMap((member) =>\n        member.exit",
    tests: merge
  },
  {
    name: "what finished late in a visit that failed is dropped",
    law: "K26",
    file: node,
    find: "for (const value of this.salvageable()) this.up!.salvage(this.name, value)\n",
    replace: "",
    tests: merge
  },
  {
    name: "failures of hooks are kept nowhere where there is no report",
    law: "K16",
    file: node,
    find: "this.passOnCleanupFailures()\n    this.passOnUndone()\n",
    replace: "this.passOnCleanupFailures()\n",
    tests: merge
  },
  {
    name: "a cancelled caller drops the failures of hooks",
    law: "K16",
    file: node,
    find: "    super.lost()\n    this.passOnUndone()\n",
    replace: "    super.lost()\n",
    tests: merge
  },
  {
    name: "a cancelled caller drops the failure that would have left",
    law: "K16",
    file: node,
    find: 'if (exit?._tag === "Failure") this.up!.cleanupFailed(name, exit.cause, this.context)',
    replace: "",
    tests: merge
  },
  {
    name: "a cancelled caller drops a decision from outside",
    law: "K26",
    file: node,
    find: 'return decision?.from === "outside" ? [{ winner: decision.winner, value: decision.value }, ...kept] : kept',
    replace: "return kept",
    tests: merge
  },
  {
    name: "a merge waits for losers without bound",
    law: "K25",
    file: api,
    find: "if (options?.grace === undefined && options?.giveUp === undefined) return CancelPolicy.merge\n",
    replace: "if (options?.grace === undefined && options?.giveUp === undefined) return CancelPolicy.immediate\n",
    tests: merge
  },
  {
    name: "a grace of one's own ends the bound early",
    law: "K12 K25",
    file: api,
    find: "Duration.sum(grace, CancelPolicy.merge.giveUp)",
    replace: "CancelPolicy.merge.giveUp",
    tests: merge
  },
  {
    name: "a merge ignores a bound of one's own",
    law: "K25",
    file: api,
    find: ": { grace, giveUp }\n",
    replace: ": { grace, giveUp: CancelPolicy.merge.giveUp }\n",
    tests: merge
  },
  {
    name: "a handler is asked for a branch that interrupted itself",
    law: "K23",
    file: api,
    find: "Cause.hasInterruptsOnly(cause) ? Effect.failCause(cause) : handler({ path, cause })",
    replace: "handler({ path, cause })",
    tests: merge
  },
  {
    name: "a handler is not told which branch failed",
    law: "K24",
    file: api,
    find: "handler({ path, cause })",
    replace: 'handler({ path: "", cause })',
    tests: merge
  },
  {
    name: "`make` drops its options",
    law: "K25",
    file: api,
    find: 'typeof branches === "function" ? branches : () => branches, options, visitOptions',
    replace: 'typeof branches === "function" ? branches : () => branches, undefined, visitOptions',
    tests: merge
  },
  {
    name: "the state of a visit that goes on is undecided",
    law: "S0-44",
    file: handle,
    find: 'return visit?.over === true ? { _tag: "Undecided", merge, how: visit.howOver } : { _tag: "Open", merge }',
    replace: 'return visit === undefined ? { _tag: "Open", merge } : { _tag: "Undecided", merge, how: visit.howOver }',
    tests: merge
  },
  {
    name: "the state of a visit that ended without a decision is open",
    law: "S0-44",
    file: handle,
    find: "return visit?.over === true ? {",
    replace: "return (false as boolean) && visit !== undefined ? {",
    tests: merge
  },
  {
    name: "a cancel of one branch does not wait for its end",
    law: "K1",
    file: handle,
    find: "cancelOn(fiber, branch, options, true)",
    replace: "cancelOn(fiber, branch, options, false)",
    tests: merge
  },
  {
    name: "a cancel of a branch that is not there answers with another's name",
    law: "S0-33",
    file: handle,
    find: '{ _tag: "NotFound", id: name }',
    replace: '{ _tag: "NotFound", id: merge }',
    tests: merge
  }
]
