/** Breaks of the laws of joins (K4, K16, K25, K26, K29, K30, K32, K36). */
import type { Mutant } from "../Mutant.ts"

const join = ["test/combinators/Join.test.ts"]
const bounded = ["test/combinators/Join.concurrency.test.ts"]
const outside = ["test/combinators/outsideTask.test.ts"]
const node = "src/combinators/internal/joinNode.ts"
const model = "test/model/model.test.ts"

export const mutants: ReadonlyArray<Mutant> = [
  {
    name: "after a failure members that wait still start",
    law: "K29 K36",
    file: node,
    find: "return this.failed.size > 0 && this.options.concurrency < this.size",
    replace: "return false",
    tests: bounded
  },
  {
    name: "after a failure in the first step of a member, those after it never start",
    law: "K29",
    file: node,
    find: "return this.failed.size > 0 && this.options.concurrency < this.size",
    replace: "return this.failed.size > 0",
    tests: join
  },
  {
    name: "a join tells of its beginning before its members run",
    law: "K36",
    file: node,
    find: "    this.options.onBegun?.(this)\n",
    replace: "",
    tests: ["test/combinators/Batch.test.ts"]
  },
  {
    name: "the rest is told in the very step of the first failure",
    law: "K29",
    file: node,
    find: "this.nextTurn(() => {\n      this.tripped = true\n      this.cancel(CancelReason.siblingFailed({ by: member.name }), this.options.policy)\n    })",
    replace:
      "this.tripped = true\n    this.cancel(CancelReason.siblingFailed({ by: member.name }), this.options.policy)",
    tests: join
  },
  {
    name: "the rest is never told of a failure",
    law: "K29",
    file: node,
    find: "this.cancel(CancelReason.siblingFailed({ by: member.name }), this.options.policy)",
    replace: "",
    tests: [model, ...join]
  },
  {
    name: "the rest is not told who failed",
    law: "K19 K29",
    file: node,
    find: "siblingFailed({ by: member.name })",
    replace: "siblingFailed({})",
    tests: join
  },
  {
    name: "the rest is told of a failure with no patience",
    law: "K25 K29",
    file: node,
    find: "this.cancel(CancelReason.siblingFailed({ by: member.name }), this.options.policy)",
    replace: "this.cancel(CancelReason.siblingFailed({ by: member.name }))",
    tests: join
  },
  {
    name: "a failure that comes after the rest was told stands in the cause",
    law: "K29",
    file: node,
    find: "if (!this.endsEarly(member) || this.interrupted || this.tripped) return",
    replace: "if (!this.endsEarly(member) || this.interrupted) return",
    tests: join
  },
  {
    name: "a cancelled member does not end an `all`",
    law: "K32",
    file: node,
    find: 'return failFast === "cancelled" || subjectOf(member).verdict === "failed"',
    replace: 'return subjectOf(member).verdict === "failed"',
    tests: [model, ...join]
  },
  {
    name: "a cancelled member ends a `skipCancelled`",
    law: "K32",
    file: node,
    find: 'return failFast === "cancelled" || subjectOf(member).verdict === "failed"',
    replace: "return true",
    tests: bounded
  },
  {
    name: "a cancelled task from outside ends a `skipCancelled`",
    law: "K28",
    file: node,
    find: 'return failFast === "cancelled" || subjectOf(member).verdict === "failed"',
    replace: 'return failFast === "cancelled" || member.verdict === "failed"',
    tests: outside
  },
  {
    name: "a failure of one cancels the others of a `settled`",
    law: "K30",
    file: node,
    find: 'if (failFast === "never" || member.verdict === "completed") return false',
    replace: 'if (member.verdict === "completed") return false',
    tests: join
  },
  {
    name: "a cancelled caller gives the members of a join its patience only",
    law: "K25",
    file: node,
    find: "return atOnce(this.options.policy)",
    replace: "return { ...this.options.policy, giveUp: Duration.infinity }",
    tests: join
  },
  {
    name: "members of a join have their grace though their caller was interrupted",
    law: "K12",
    file: node,
    find: "return atOnce(this.options.policy)",
    replace: "return this.options.policy",
    tests: join
  },
  {
    name: "what a join had when its caller was cancelled is lost",
    law: "K26",
    file: node,
    find: 'if (exit?._tag === "Success") put(values, name, exit.value)\n    return',
    replace: "return",
    tests: join
  },
  {
    name: "a join that had nothing salvages an empty record",
    law: "K26",
    file: node,
    find: "return Object.keys(values).length === 0 ? [] : [values]",
    replace: "return [values]",
    tests: join
  },
  {
    name: "the cause of a join has the failures of every member",
    law: "K29",
    file: node,
    find: ".filter((member) => this.failed.has(member))\n",
    replace: "",
    tests: join
  },
  {
    name: "a member that interrupts itself is dropped from the cause",
    law: "K32",
    file: node,
    find: "return [Cause.makeFailReason(new TaskCancelled({ task: member.name, reason: member.mark!.reason }))]",
    replace: "return []",
    tests: join
  },
  {
    name: "a cancelled caller forgets what its join's members failed with",
    law: "K16",
    file: node,
    find: "this.up!.cleanupFailed(member.name, member.exit.cause, this.context)\n    }\n  }\n\n  /** Failures",
    replace: "{}\n    }\n  }\n\n  /** Failures",
    tests: [...outside, ...join]
  },
  {
    name: "a cancelled caller keeps the failure of a task from outside",
    law: "K16 K28",
    file: node,
    find: " || subjectOf(member) !== member) continue",
    replace: ") continue",
    tests: outside
  },
  {
    name: "a cancelled caller forgets what failed in the clean-up of its join's members",
    law: "K16",
    file: node,
    find: "override lost(): void {\n    super.lost()\n",
    replace: "override lost(): void {\n",
    tests: join
  },
  {
    name: "a failure that came too late for the cause is dropped",
    law: "K16 K29",
    file: node,
    find: "if (!this.tripped || member.verdict",
    replace: "if (true as boolean || member.verdict",
    tests: join
  },
  {
    name: "a failure that stands in the cause is kept as one of clean-up too",
    law: "K16 K29",
    file: node,
    find: 'member.verdict !== "failed" || this.failed.has(member)) continue',
    replace: 'member.verdict !== "failed") continue',
    tests: join
  },
  {
    name: "a concurrency that is none is accepted",
    law: "K36",
    file: "src/combinators/internal/joinPlan.ts",
    find: "if (!(concurrency >= 1)) {",
    replace: "if (concurrency < 1) {",
    tests: bounded
  },
  {
    name: "a join ignores its patience",
    law: "K25",
    file: "src/combinators/internal/joinPlan.ts",
    find: "policy: CancelPolicy.make(input)",
    replace: "policy: CancelPolicy.immediate",
    tests: join
  },
  {
    name: "a join cancels tasks from outside unasked",
    law: "K28",
    file: "src/combinators/internal/joinPlan.ts",
    find: "cancelTasks: input?.cancelTasks === true",
    replace: "cancelTasks: true",
    tests: outside
  },
  {
    name: "`first` waits for more ends than there are members",
    law: "K24",
    file: "src/combinators/Join.ts",
    find: "needed: Math.min(Math.floor(count), size)",
    replace: "needed: Math.floor(count)",
    tests: bounded
  },
  {
    name: "`first` waits for a part of an end",
    law: "K24",
    file: "src/combinators/Join.ts",
    find: "Math.min(Math.floor(count), size)",
    replace: "Math.min(Math.ceil(count), size)",
    tests: bounded
  },
  {
    name: "`first` takes a count that is none",
    law: "K24",
    file: "src/combinators/Join.ts",
    find: "if (!(count >= 0)) throw",
    replace: "if (count < 0) throw",
    tests: bounded
  },
  {
    name: "`all` forgets failures that came too late",
    law: "K16 K29",
    file: "src/combinators/Join.ts",
    find: "join.passOnCleanupFailures()\n    join.passOnLateFailures()\n    return join.failed",
    replace: "join.passOnCleanupFailures()\n    return join.failed",
    tests: join
  },
  {
    name: "`skipCancelled` forgets failures that came too late",
    law: "K16 K29",
    file: "src/combinators/Join.ts",
    find: "join.passOnLateFailures()\n    if (join.failed",
    replace: "if (join.failed",
    tests: bounded
  },
  {
    name: "`skipCancelled` forgets what failed in clean-up where it fails",
    law: "K16",
    file: "src/combinators/Join.ts",
    find: "join.passOnCleanupFailures()\n    join.passOnLateFailures()\n    if",
    replace: "join.passOnLateFailures()\n    if",
    tests: bounded
  },
  {
    name: "`skipCancelled` does not tell of those that a limit cancelled",
    law: "K32",
    file: "src/combinators/Join.ts",
    find: "skipped: { ...cancelled, ...interrupted }",
    replace: "skipped: { ...interrupted }",
    tests: bounded
  },
  {
    name: "`settled` tells of the stand-in for a task, not of the task",
    law: "K28 K30",
    file: "src/combinators/Join.ts",
    find: "outcomeOf(subjectOf(member!))",
    replace: "outcomeOf(member!)",
    tests: outside
  }
]
