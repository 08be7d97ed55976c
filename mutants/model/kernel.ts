/** What only a comparison of whole trees with the model of the contract is sure to notice. */
import type { Mutant } from "../Mutant.ts"

export const mutants: ReadonlyArray<Mutant> = [
  {
    name: "a node does not get its parent's reason",
    law: "K18",
    file: "src/fibers/internal/cancelling.ts",
    find: "    if (reached) node.mark = request\n",
    replace: "    if (reached && node === target) node.mark = request\n",
    tests: ["test/model/model.test.ts"]
  },
  {
    name: "a later reason overwrites the first",
    law: "K8",
    file: "src/fibers/internal/cancelling.ts",
    find: "    if (node.mark !== undefined) return false\n",
    replace: "",
    tests: ["test/model/model.test.ts"]
  },
  {
    name: "a race does not tell its losers",
    law: "K23",
    file: "src/combinators/internal/raceNode.ts",
    find: "        if (this.live > 0 && !this.interrupted) this.tellLosers(member)\n",
    replace: "",
    tests: ["test/model/model.test.ts"]
  },
  {
    name: "losers are told without the winner's name",
    law: "K19",
    file: "src/combinators/internal/raceNode.ts",
    find: "CancelReason.lostRace({ by: winner.name, message",
    replace: "CancelReason.lostRace({ message",
    tests: ["test/model/model.test.ts"]
  },
  {
    name: "a join's failure does not name the sibling",
    law: "K29",
    file: "src/combinators/internal/joinNode.ts",
    find: "CancelReason.siblingFailed({ by: member.name })",
    replace: "CancelReason.timeout({ by: member.name })",
    tests: ["test/model/model.test.ts"]
  },
  {
    name: "a join does not fail fast",
    law: "K29",
    file: "src/combinators/internal/joinNode.ts",
    find: '    if (failFast === "never" || member.verdict === "completed") return false\n',
    replace: '    if (failFast !== "failed" || member.verdict === "completed") return false\n',
    tests: ["test/model/model.test.ts"]
  },
  {
    name: "a nursery does not fail fast",
    law: "K3",
    file: "src/fibers/internal/nurseryNode.ts",
    find: "      this.tripped = true\n      this.cancel(reason)\n",
    replace: "      this.tripped = true\n",
    tests: ["test/model/model.test.ts"]
  },
  {
    name: "a nursery waits for its background children",
    law: "K2",
    file: "src/fibers/internal/nurseryNode.ts",
    find: "    cancelEach(Array.from(this.background), reason, CancelPolicy.immediate, this.context)\n",
    replace: "",
    tests: ["test/model/model.test.ts"]
  },
  {
    name: "a background child is not told that its scope closes",
    law: "K2",
    file: "src/fibers/internal/nurseryNode.ts",
    find: "const reason = CancelReason.scopeClosed({ by: this.name })",
    replace: "const reason = CancelReason.shutdown({ by: this.name })",
    tests: ["test/model/model.test.ts"]
  },
  {
    name: "grace is ignored",
    law: "K12",
    file: "src/fibers/internal/cancelling.ts",
    find: "if (grace === 0 || giveUp === 0) interruptBelow(target, by)",
    replace: "interruptBelow(target, by)",
    tests: ["test/model/model.test.ts"]
  },
  {
    name: "grace never ends",
    law: "K12",
    file: "src/fibers/internal/cancelPlan.ts",
    find: "    this.interrupt(this.target)\n",
    replace: "",
    tests: ["test/model/model.test.ts"]
  },
  {
    name: "giving up does not happen",
    law: "K12",
    file: "src/fibers/internal/cancelPlan.ts",
    find: "    this.abandon(this.target)\n",
    replace: "",
    tests: ["test/model/model.test.ts"]
  },
  {
    name: "a later cancel does not bring the interrupt forward",
    law: "K8",
    file: "src/fibers/internal/cancelPlan.ts",
    find: "    this.interruptAt = Math.min(this.interruptAt, whole(now + Math.min(grace, giveUp)))\n",
    replace: "    if (this.interruptAt === Infinity) this.interruptAt = whole(now + Math.min(grace, giveUp))\n",
    tests: ["test/model/model.test.ts"]
  },
  {
    name: "a group whose owner is interrupted keeps its grace",
    law: "K12",
    file: "src/combinators/internal/raceNode.ts",
    find: "    return atOnce(this.options.policy)\n",
    replace: "    return this.options.policy\n",
    tests: ["test/model/model.test.ts"]
  },
  {
    name: "a shield lets marks through",
    law: "K39",
    file: "src/fibers/internal/shieldNode.ts",
    find: "  override get standsAlone(): boolean {\n    return true\n",
    replace: "  override get standsAlone(): boolean {\n    return false\n",
    tests: ["test/model/model.test.ts"]
  },
  {
    name: "a shield's budget never ends",
    law: "K39",
    file: "src/fibers/internal/shieldNode.ts",
    find: "    this.limit.moveTo(steady(this.clock) + this.budget)\n",
    replace: "",
    tests: ["test/model/model.test.ts"]
  },
  {
    name: "the budget of a shield counts from its opening only",
    law: "K39",
    file: "src/fibers/internal/shieldNode.ts",
    find: "    else this.hold(request)\n",
    replace: "",
    tests: ["test/model/model.test.ts"]
  },
  {
    name: "a deadline is half a second late",
    law: "K33",
    file: "src/combinators/internal/deadlineNode.ts",
    find: "    const at = this.openedAt + this.millis\n",
    replace: "    const at = this.openedAt + 500 + this.millis\n",
    tests: ["test/model/model.test.ts"]
  },
  {
    name: "a deadline is told as the reason of nobody",
    law: "K19",
    file: "src/combinators/internal/deadlineNode.ts",
    find: "CancelReason.timeout({ by: this.name, message",
    replace: "CancelReason.timeout({ message",
    tests: ["test/model/model.test.ts"]
  },
  {
    name: "a value in the grace of a deadline is lost",
    law: "K33",
    file: "src/combinators/internal/deadlineNode.ts",
    find: '    if (this.verdict === "cancelled" && this.own!.passed)',
    replace: "    if (this.own!.passed)",
    tests: ["test/model/model.test.ts"]
  },
  {
    name: "a task that interrupts itself has failed",
    law: "K12",
    file: "src/fibers/internal/taskNode.ts",
    find: '    if (exit._tag === "Failure" && !this.interrupted) this.stoppedByItself(exit.cause)\n',
    replace: "",
    tests: ["test/model/model.test.ts"]
  },
  {
    name: "a cancel reaches a commit",
    law: "K9",
    file: "src/fibers/internal/taskNode.ts",
    find: '    return !this.interrupted && !this.committing && this.exit?._tag !== "Failure"\n',
    replace: '    return !this.interrupted && this.exit?._tag !== "Failure"\n',
    tests: ["test/model/model.test.ts"]
  },
  {
    name: "a value that came in time is cancelled when its clean-up is told",
    law: "K12",
    file: "src/fibers/internal/taskNode.ts",
    find: '      if (!stopped) return "completed"\n',
    replace: '      return "completed"\n',
    tests: ["test/model/model.test.ts"]
  },
  {
    name: "how a task was stopped is always cooperative",
    law: "K12",
    file: "src/fibers/internal/taskNode.ts",
    find: '  how: How = "interrupted"\n',
    replace: '  how: How = "cooperative"\n',
    tests: ["test/model/model.test.ts"]
  },
  {
    name: "the winner's resources are closed at once",
    law: "K27",
    file: "src/combinators/internal/raceNode.ts",
    find: '    if (exit._tag === "Success") return true\n',
    replace: "",
    tests: ["test/model/model.test.ts"]
  },
  {
    name: "a winner's finalizers read nothing of the caller's cancel",
    law: "K18",
    file: "src/combinators/internal/raceNode.ts",
    find: "TaskRecord.of(winner).heir = this.up\n",
    replace: "TaskRecord.of(winner).heir = undefined\n",
    tests: ["test/model/model.test.ts"]
  },
  {
    name: "a quorum counts the winners of one only",
    law: "K23",
    file: "src/combinators/Race.ts",
    find: "{ ...successWins, needed, render: quorate }",
    replace: "{ ...successWins, needed: Math.min(1, needed), render: quorate }",
    tests: ["test/model/model.test.ts"]
  },
  {
    name: "a quorum out of reach waits on",
    law: "K23",
    file: "src/combinators/internal/raceNode.ts",
    find: "    if (this.outOfReach && this.live > 0) {",
    replace: "    if (this.outOfReach && this.live > 9) {",
    tests: ["test/model/model.test.ts"]
  },
  {
    name: "a hedge does not start the next on failure",
    law: "K23",
    file: "src/combinators/internal/raceNode.ts",
    find: "    this.outOfReach = ++this.beaten > this.size - this.options.needed\n    this.released++\n",
    replace: "    this.outOfReach = ++this.beaten > this.size - this.options.needed\n",
    tests: ["test/model/model.test.ts"]
  },
  {
    name: "a place of a bounded join is not given back",
    law: "K36",
    file: "src/combinators/internal/membersNode.ts",
    find: "    if (!this.allStarted) this.startMore()\n",
    replace: "",
    tests: ["test/model/model.test.ts"]
  },
  {
    name: "the limit on each member counts from the beginning of the join",
    law: "K36",
    file: "src/combinators/internal/joinNode.ts",
    find: "    if (isBound(each)) startLimit(member.limit!, each)\n",
    replace: "",
    tests: ["test/model/model.test.ts"]
  },
  {
    name: "a superseded run is not told",
    law: "K35",
    file: "src/combinators/internal/latestNode.ts",
    find: "    if (before !== undefined) this.supersede(before, run)\n",
    replace: "",
    tests: ["test/model/model.test.ts"]
  },
  {
    name: "a new run overlaps the old",
    law: "K35",
    file: "src/combinators/internal/latestNode.ts",
    find: "if (this.settings.overlap || slot.runs[0] === run)",
    replace: "if (slot.runs.length > 0)",
    tests: ["test/model/model.test.ts"]
  },
  {
    name: "an interrupted owner does not wait for its group",
    law: "K1",
    file: "src/fibers/internal/groupNode.ts",
    find: "  return Effect.andThen(\n    closed(group),\n",
    replace: "  return Effect.andThen(\n    Effect.void,\n",
    tests: ["test/model/model.test.ts"]
  },
  {
    name: "a supervised body that fails leaves the children alone",
    law: "K2",
    file: "src/fibers/internal/nurseryNode.ts",
    find: "    if (this.tripping) return\n",
    replace: "    if (this.failures.length > 1) return\n",
    tests: ["test/model/model.test.ts"]
  },
  {
    name: "the release after a failed race can be cut before its failure is told",
    law: "K15 K16",
    file: "src/fibers/internal/handOnScope.ts",
    find: "    // oxlint-disable-next-line rescind/no-bare-uninterruptible -- clean-up, as the finalizers in it are\n    Effect.uninterruptible\n",
    replace: "",
    tests: ["test/model/found.test.ts"]
  },
  {
    name: "winners of a failed race close first acquired first",
    law: "K15",
    file: "src/combinators/internal/raceNode.ts",
    find: "[...this.winners].toReversed()",
    replace: "[...this.winners]",
    tests: ["test/model/model.test.ts"]
  },
  {
    name: "who cancels itself waits for its own end",
    law: "K13",
    file: "src/fibers/internal/waits.ts",
    find: "  else if (open.some((target) => here.isWithin(target)) || isForEver({ from: standing(here), fiber }, open)) tell(false)\n",
    replace: "",
    tests: ["test/model/model.test.ts"]
  },
  {
    name: "the answer of every cancel says that it won",
    law: "K8",
    file: "src/fibers/internal/outcome.ts",
    find: '    return mark === request ? { _tag: "Cancelled", ...fields } : { _tag: "AlreadyCancelled", ...fields }\n',
    replace: '    return { _tag: "Cancelled", ...fields }\n',
    tests: ["test/model/model.test.ts"]
  }
]
