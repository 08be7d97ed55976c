/** Breaks of limits on joins and on their members, and of what is told of who ran into them (K12, K31, K33, K36). */
import type { Mutant } from "../Mutant.ts"

const join = ["test/combinators/Join.test.ts"]
const bounded = ["test/combinators/Join.concurrency.test.ts"]
const deadline = ["test/combinators/Join.deadline.test.ts"]
const outside = ["test/combinators/outsideTask.test.ts"]
const node = "src/combinators/internal/joinNode.ts"
const report = "src/combinators/internal/joinReport.ts"
const model = "test/model/model.test.ts"

export const mutants: ReadonlyArray<Mutant> = [
  {
    name: "a join's limit knows nothing of the deadlines around it",
    law: "K33",
    file: node,
    find: "return new Limit(node, node.limit, this.context, announce, at)",
    replace: "return new Limit(node, undefined, this.context, announce, at)",
    tests: deadline
  },
  {
    name: "a negative limit of a join lies in the past: nobody runs",
    law: "K33",
    file: node,
    find: "+ Math.max(0, Duration.toMillis(time))",
    replace: "+ Duration.toMillis(time)",
    tests: join
  },
  {
    name: "a limit of zero waits for the clock",
    law: "K33",
    file: node,
    find: "if (Duration.toMillis(time) <= 0) limit.tell()\n  else limit.moveTo(limit.at)",
    replace: "limit.moveTo(limit.at)",
    tests: join
  },
  {
    name: "a negative limit waits for the clock",
    law: "K33",
    file: node,
    find: "if (Duration.toMillis(time) <= 0) limit.tell()",
    replace: "if (Duration.toMillis(time) === 0) limit.tell()",
    tests: join
  },
  {
    name: "the limit of a join is not told who set it",
    law: "K19",
    file: node,
    find: "CancelReason.timeout({ by: this.name, message",
    replace: "CancelReason.timeout({ message",
    tests: join
  },
  {
    name: "the limit of a join has no patience",
    law: "K12 K25",
    file: node,
    find: "this.cancel(this.overdueReason(limit), this.options.policy)",
    replace: "this.cancel(this.overdueReason(limit))",
    tests: [model, ...join]
  },
  {
    name: "the limit of a join outlives it",
    law: "K45",
    file: node,
    find: "this.own?.stop()\n    super.close()",
    replace: "super.close()",
    tests: join
  },
  {
    name: "the limit of a member outlives it",
    law: "K45",
    file: node,
    find: "member.onClosed(() => limit.stop())",
    replace: "",
    tests: bounded
  },
  {
    name: "the limit of a member has no patience",
    law: "K12 K25",
    file: node,
    find: "cancel(member, this.overdueReason(each), this.options.policy, this.context)",
    replace: "cancel(member, this.overdueReason(each), { ...this.options.policy, grace: Duration.zero }, this.context)",
    tests: bounded
  },
  {
    name: "the limit of a member never gives up",
    law: "K12 K25",
    file: node,
    find: "cancel(member, this.overdueReason(each), this.options.policy, this.context)",
    replace:
      "cancel(member, this.overdueReason(each), { ...this.options.policy, giveUp: Duration.infinity }, this.context)",
    tests: [model, ...bounded]
  },
  {
    name: "a member has no limit of its own",
    law: "K31",
    file: node,
    find: "if (isBound(each)) startLimit(member.limit!, each)",
    replace: "",
    tests: [model, ...bounded]
  },
  {
    name: "who ran into the join's limit is told as one that interrupted itself",
    law: "K31",
    file: node,
    find: "return member.mark === this.mark || this.overdue?.has(member) === true",
    replace: "return this.overdue?.has(member) === true",
    tests: join
  },
  {
    name: "who ran into its own limit is told as one that interrupted itself",
    law: "K31 K32",
    file: node,
    find: "return member.mark === this.mark || this.overdue?.has(member) === true",
    replace: "return member.mark === this.mark",
    tests: bounded
  },
  {
    name: "the tree does not show the limit of a join",
    law: "K43",
    file: node,
    find: "return this.own?.wall",
    replace: "return undefined",
    tests: join
  },
  {
    name: "a member does not read the limit of the join",
    law: "K33",
    file: node,
    find: "this.own = this.limit = this.limitOf(",
    replace: "this.own = this.limitOf(",
    tests: deadline
  },
  {
    name: "a task that runs on at the limit is told as cancelled",
    law: "K28 K31",
    file: report,
    find: 'if (!subject.gone) return "running"\n',
    replace: "",
    tests: outside
  },
  {
    name: "a task from outside that failed at the limit is told as cancelled",
    law: "K28 K31",
    file: report,
    find: 'return limited && subject.verdict !== "failed" ? "cancelled" : placeBy(subject)',
    replace: 'return limited ? "cancelled" : placeBy(subject)',
    tests: outside
  },
  {
    name: "a task from outside that the limit cancelled is told as one that interrupted itself",
    law: "K28 K31",
    file: report,
    find: 'return limited && subject.verdict !== "failed" ? "cancelled" : placeBy(subject)',
    replace: "return placeBy(subject)",
    tests: outside
  },
  {
    name: "a limited member stands where its end says",
    law: "K31",
    file: report,
    find: 'return limited ? "cancelled" : placeBy(member)',
    replace: "return placeBy(member)",
    tests: join
  },
  {
    name: "the late value of a limited member is dropped",
    law: "K31",
    file: report,
    find: 'const late = exit?._tag === "Success" ? { late: exit.value } : {}',
    replace: "const late = {}",
    tests: join
  },
  {
    name: "why a limited task ended is read off its stand-in",
    law: "K8 K28",
    file: report,
    find: "const { reason } = (subject.mark ?? member.mark)!",
    replace: "const { reason } = member.mark!",
    tests: outside
  },
  {
    name: "how a limited task ended is read off its stand-in",
    law: "K28",
    file: report,
    find: "how: subject.how",
    replace: "how: member.how",
    tests: outside
  },
  {
    name: "the time of a limited task is that of its stand-in",
    law: "K28",
    file: report,
    find: "took: tookOf(subject)",
    replace: "took: tookOf(member)",
    tests: outside
  },
  {
    name: "what failed in a limited member's clean-up is dropped",
    law: "K16 K31",
    file: report,
    find: "...late, cleanupFailures }",
    replace: "...late, cleanupFailures: [] }",
    tests: join
  },
  {
    name: "what failed in an interrupted member's clean-up is dropped",
    law: "K16 K31",
    file: report,
    find: "return { reason: subject.mark!.reason, cleanupFailures }",
    replace: "return { reason: subject.mark!.reason, cleanupFailures: [] }",
    tests: [...join, ...bounded]
  },
  {
    name: "what failed in the clean-up of a completed member is dropped",
    law: "K16",
    file: report,
    find: 'join.passOnCleanupFailures(["completed", "failed"])',
    replace: 'join.passOnCleanupFailures(["failed"])',
    tests: join
  },
  {
    name: "what failed in the clean-up of a failed member is dropped",
    law: "K16",
    file: report,
    find: 'join.passOnCleanupFailures(["completed", "failed"])',
    replace: 'join.passOnCleanupFailures(["completed"])',
    tests: [...join, ...bounded]
  },
  {
    name: "`bestEffort` drops what failed in the clean-up of who completed",
    law: "K16",
    file: report,
    find: 'join.passOnCleanupFailures(["completed"])',
    replace: "",
    tests: bounded
  },
  {
    name: "`bestEffort` keeps twice what failed in the clean-up of who is missing",
    law: "K16",
    file: report,
    find: 'join.passOnCleanupFailures(["completed"])',
    replace: "join.passOnCleanupFailures()",
    tests: bounded
  },
  {
    name: "`bestEffort` drops a late value",
    law: "K31",
    file: report,
    find: 'if (gone && exit?._tag === "Success") put(values, member.name, exit.value)',
    replace:
      'if (gone && exit?._tag === "Success" && member.verdict === "completed") put(values, member.name, exit.value)',
    tests: bounded
  },
  {
    name: "`bestEffort` takes the value of a task whose clean-up has not ended",
    law: "K28",
    file: report,
    find: "if (gone && exit?._tag",
    replace: "if (exit?._tag",
    tests: outside
  },
  {
    name: "`first` tells of the stand-in for a task, not of the task",
    law: "K28",
    file: report,
    find: "outcome: outcomeOf(subjectOf(winner))",
    replace: "outcome: outcomeOf(winner)",
    tests: outside
  },
  {
    name: "a member starts though the deadline around its join has passed",
    law: "K33 K36",
    file: "src/fibers/internal/taskNode.ts",
    find: "(this.limit !== undefined && this.limit.deliverOverdue())",
    replace: "(false as boolean)",
    tests: deadline
  },
  {
    name: "of a join's limits at one instant an inner one speaks",
    law: "K33",
    file: "src/fibers/internal/limit.ts",
    find: "if (!limit.over && isDue(limit)) found = limit",
    replace: "if (found === undefined && !limit.over && isDue(limit)) found = limit",
    tests: deadline
  }
]
