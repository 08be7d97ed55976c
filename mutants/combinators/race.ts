/** Breaks of the laws of races and quorums (K1, K4, K9, K18, K19, K23 to K28). */
import type { Mutant } from "../Mutant.ts"

const race = ["test/combinators/Race.test.ts"]
const quorum = ["test/combinators/Race.quorum.test.ts"]
const losers = ["test/combinators/Loser.test.ts"]
const outside = ["test/combinators/outsideTask.test.ts"]
const node = "src/combinators/internal/raceNode.ts"
const model = "test/model/model.test.ts"

export const mutants: ReadonlyArray<Mutant> = [
  {
    name: "a race is decided by a value that comes after a cancel of the race",
    law: "K9",
    file: node,
    find: "if (this.decided || this.interrupted) return false\n",
    replace: "if (this.decided) return false\n",
    tests: race
  },
  {
    name: "a failure counts as a success",
    law: "K23",
    file: node,
    find: 'if (exit._tag === "Failure" && this.options.counts === "success") return false\n',
    replace: "",
    tests: race
  },
  {
    name: "the first of several winners decides a quorum alone",
    law: "K23",
    file: node,
    find: "this.winners.add(child as TaskNode).size >= this.options.needed",
    replace: "this.winners.add(child as TaskNode).size >= 1",
    tests: quorum
  },
  {
    name: "the losers of a failure that settled a race are told only when its scope has closed",
    law: "K4",
    file: node,
    find: "if (this.won) this.tellLosers(child as TaskNode)\n    return false",
    replace: "return false",
    tests: race
  },
  {
    name: "a race answers while a loser still cleans up",
    law: "K1 K23",
    file: node,
    find: "if (this.live > 0 && !this.interrupted) this.tellLosers(member)",
    replace:
      "if (this.live > 0 && !this.interrupted) this.tellLosers(member)\n        if (this.live > 0 && !this.gone) this.close()",
    tests: race
  },
  {
    name: "a winner does not tell the losers",
    law: "K1",
    file: node,
    find: "if (this.live > 0 && !this.interrupted) this.tellLosers(member)",
    replace: "",
    tests: race
  },
  {
    name: "losers are told with no patience, whatever the options say",
    law: "K25",
    file: node,
    find: "this.cancel(CancelReason.lostRace({ by: winner.name, message: this.lostMessage }), this.options.policy)",
    replace: "this.cancel(CancelReason.lostRace({ by: winner.name, message: this.lostMessage }))",
    tests: [model, ...race]
  },
  {
    name: "losers are not told who won",
    law: "K19",
    file: node,
    find: "CancelReason.lostRace({ by: winner.name, message",
    replace: "CancelReason.lostRace({ message",
    tests: race
  },
  {
    name: "losers of a quorum are not told how many were there first",
    law: "K19",
    file: node,
    find: "return needed === 1 ? undefined :",
    replace: "return needed >= 1 ? undefined :",
    tests: quorum
  },
  {
    name: "a quorum gives up one failure too early",
    law: "K23",
    file: node,
    find: "++this.beaten > this.size - this.options.needed",
    replace: "++this.beaten >= this.size - this.options.needed",
    tests: quorum
  },
  {
    name: "a quorum that is out of reach waits for the rest",
    law: "K23",
    file: node,
    find: "if (this.outOfReach && this.live > 0) {",
    replace: "if (false as boolean) {",
    tests: [model, ...quorum]
  },
  {
    name: "where a quorum is out of reach the rest is told with no patience",
    law: "K25",
    file: node,
    find: "this.cancel(CancelReason.siblingFailed({ by: member.name, message }), this.options.policy)",
    replace: "this.cancel(CancelReason.siblingFailed({ by: member.name, message }))",
    tests: [model, ...quorum]
  },
  {
    name: "a quorum of more than there are starts members",
    law: "K23",
    file: node,
    find: "this.outOfReach = options.needed > this.size",
    replace: "this.outOfReach = false",
    tests: quorum
  },
  {
    name: "a quorum of none starts members",
    law: "K23",
    file: node,
    find: "this.won = options.needed === 0",
    replace: "this.won = false",
    tests: quorum
  },
  {
    name: "what the caller of a race is cancelled with has none of its patience",
    law: "K12",
    file: node,
    find: "return atOnce(this.options.policy)",
    replace: "return { ...atOnce(this.options.policy), giveUp: Duration.infinity }",
    tests: race
  },
  {
    name: "a loser's typed failure is logged as a defect",
    law: "K24",
    file: node,
    find: " || !Cause.hasDies(member.exit.cause)) return",
    replace: ") return",
    tests: losers
  },
  {
    name: "a loser's defect is silent",
    law: "K24",
    file: node,
    find: "this.logDefect(member)\n",
    replace: "",
    tests: losers
  },
  {
    name: "members that the race cancelled stand among its failures",
    law: "K23",
    file: node,
    find: ' && !(member.verdict === "cancelled" && member.mark === this.mark)',
    replace: "",
    tests: quorum
  },
  {
    name: "a member that interrupted itself is dropped from the failures",
    law: "K23",
    file: node,
    find: '!(member.verdict === "cancelled" && member.mark === this.mark)',
    replace: 'member.verdict !== "cancelled"',
    tests: [...race, ...quorum]
  },
  {
    name: "a failed quorum forgets what succeeded",
    law: "K23",
    file: node,
    find: "succeeded: [...this.winners, ...late].map((member) => ({ member: this.keyOf(member), value: valueOf(member) }))",
    replace: "succeeded: []",
    tests: quorum
  },
  {
    name: "what the rest of a failed quorum finished in its grace is dropped",
    law: "K23",
    file: node,
    find: "[...this.winners, ...late]",
    replace: "[...this.winners]",
    tests: quorum
  },
  {
    name: "winners that were not enough hand their scopes on",
    law: "K27",
    file: node,
    find: "const callers = this.won ? scopeIn(this.context) : undefined",
    replace: "const callers = scopeIn(this.context)",
    tests: quorum
  },
  {
    name: "the winner's scope is closed, not handed on",
    law: "K27",
    file: node,
    find: "const callers = this.won ? scopeIn(this.context) : undefined",
    replace: "const callers = undefined",
    tests: race
  },
  {
    name: "a winner's scope that nobody takes stays open",
    law: "K27",
    file: node,
    find: "return release === Effect.void ? result : Effect.andThen(release, result)",
    replace: "return this.won ? (release === Effect.void ? result : Effect.andThen(release, result)) : result",
    tests: quorum
  },
  {
    name: "the winner's finalizers do not read the reasons of the caller",
    law: "K18",
    file: node,
    find: "TaskRecord.of(winner).heir = this.up",
    replace: "{}",
    tests: race
  },
  {
    name: "scopes that nobody takes close first ended first",
    law: "K27",
    file: node,
    find: "[...this.winners].toReversed()",
    replace: "[...this.winners]",
    tests: quorum
  },
  {
    name: "a winner is not salvaged",
    law: "K26",
    file: node,
    find: "kept.push(this.winners.has(member) ? { winner: name, value: exit.value } : { late: name, value: exit.value })",
    replace: "if (!this.winners.has(member)) kept.push({ late: name, value: exit.value })",
    tests: race
  },
  {
    name: "a loser that finished late is not salvaged",
    law: "K26",
    file: node,
    find: "kept.push(this.winners.has(member) ? { winner: name, value: exit.value } : { late: name, value: exit.value })",
    replace: "if (this.winners.has(member)) kept.push({ winner: name, value: exit.value })",
    tests: race
  },
  {
    name: "a failure that settled a race is not salvaged",
    law: "K26",
    file: node,
    find: "else if (this.winners.has(member)) kept.push",
    replace: "else if (false as boolean) kept.push",
    tests: race
  },
  {
    name: "a member that a cancel gave up on breaks the report of the failures",
    law: "K25",
    file: node,
    find: 'exit?._tag === "Failure" ? exit.cause : (mark!.exit as Exit.Failure<never, never>).cause',
    replace: "(exit as Exit.Failure<never, never>).cause",
    tests: ["test/combinators/FirstWins.test.ts"]
  },
  {
    name: "a race ignores its patience",
    law: "K25",
    file: "src/combinators/Race.ts",
    find: "policy: CancelPolicy.make(options),",
    replace: "",
    tests: [model, ...race]
  },
  {
    name: "a race cancels tasks from outside unasked",
    law: "K28",
    file: "src/combinators/Race.ts",
    find: "cancelTasks: options.cancelTasks === true",
    replace: "cancelTasks: true",
    tests: outside
  },
  {
    name: "a negative quorum is accepted",
    law: "K23",
    file: "src/combinators/Race.ts",
    find: "!Number.isInteger(needed) || needed < 0",
    replace: "!Number.isInteger(needed)",
    tests: quorum
  },
  {
    name: "the winners of a quorum stand in the order of the input",
    law: "K24",
    file: "src/combinators/Race.ts",
    find: "winners: Array.from(race.winners, (winner)",
    replace: "winners: Array.from(race.members.filter((member) => race.winners.has(member)), (winner)",
    tests: quorum
  }
]
