/** Breaks of the laws of deadlines (K12, K16, K26, K27, K33, K34, K39). */
import type { Mutant } from "../Mutant.ts"

const deadline = ["test/combinators/Deadline.test.ts"]
const node = "src/combinators/internal/deadlineNode.ts"
const api = "src/combinators/Deadline.ts"
const error = "src/combinators/DeadlineExceeded.ts"
const model = "test/model/model.test.ts"

export const mutants: ReadonlyArray<Mutant> = [
  {
    name: "a deadline knows nothing of those around it",
    law: "K33",
    file: node,
    find: "new Limit(this, this.limit, this.outside, () => this.told(), at)",
    replace: "new Limit(this, undefined, this.outside, () => this.told(), at)",
    tests: deadline
  },
  {
    name: "what runs below a deadline cannot read it",
    law: "K33",
    file: node,
    find: "this.own = this.limit = new Limit(",
    replace: "this.own = new Limit(",
    tests: deadline
  },
  {
    name: "a negative deadline lies in the past: nothing runs",
    law: "K33",
    file: node,
    find: "Math.max(0, Duration.toMillis(limit))",
    replace: "Duration.toMillis(limit)",
    tests: deadline
  },
  {
    name: "a deadline of zero waits for the clock",
    law: "K33",
    file: node,
    find: "if (limit.at <= this.openedAt) limit.tell()",
    replace: "if (limit.at < this.openedAt) limit.tell()",
    tests: deadline
  },
  {
    name: "a deadline ignores its patience",
    law: "K34 K12",
    file: node,
    find: "by: this.name, message: `The limit of ${passed} passed` }), this.policy)",
    replace: "by: this.name, message: `The limit of ${passed} passed` }), atOnce(this.policy))",
    tests: deadline
  },
  {
    name: "a deadline waits for clean-up without bound",
    law: "K34",
    file: node,
    find: "by: this.name, message: `The limit of ${passed} passed` }), this.policy)",
    replace:
      "by: this.name, message: `The limit of ${passed} passed` }), { ...this.policy, giveUp: Duration.infinity })",
    tests: [model, ...deadline]
  },
  {
    name: "the reason does not say which deadline it was",
    law: "K19",
    file: node,
    find: "CancelReason.timeout({ by: this.name, message: `The",
    replace: "CancelReason.timeout({ message: `The",
    tests: deadline
  },
  {
    name: "the timer of a deadline outlives it",
    law: "K45",
    file: node,
    find: "    this.own!.stop()\n    super.close()",
    replace: "    super.close()",
    tests: deadline
  },
  {
    name: "the tree does not show a deadline",
    law: "K43",
    file: node,
    find: "return this.own?.wall",
    replace: "return undefined",
    tests: deadline
  },
  {
    name: "the time that an extension gave is not told",
    law: "K33",
    file: node,
    find: "    this.millis += by\n",
    replace: "",
    tests: deadline
  },
  {
    name: "a limit that was moved before its beginning is told as a negative time",
    law: "K33",
    file: node,
    find: "Math.max(0, Math.round(at - this.openedAt))",
    replace: "Math.round(at - this.openedAt)",
    tests: deadline
  },
  {
    name: "an interrupted owner has none of the deadline's patience",
    law: "K34",
    file: node,
    find: "return atOnce(this.policy)",
    replace: "return { ...atOnce(this.policy), giveUp: Duration.infinity }",
    tests: deadline
  },
  {
    name: "an interrupted owner gives its work the deadline's grace",
    law: "K12",
    file: node,
    find: "return atOnce(this.policy)",
    replace: "return this.policy",
    tests: deadline
  },
  {
    name: "the resources of a value in time are released before it is returned",
    law: "K27",
    file: node,
    find: 'return exit._tag === "Success" && !this.interrupted',
    replace: "return false",
    tests: deadline
  },
  {
    name: "a failure keeps its resources until the caller's scope closes",
    law: "K27",
    file: node,
    find: 'return exit._tag === "Success" && !this.interrupted',
    replace: "return !this.interrupted",
    tests: deadline
  },
  {
    name: "what an inner scope could not return goes past the deadline to the task",
    law: "K26",
    file: node,
    find: "this.kept = [...this.kept, { scope, value }]\n    return true",
    replace: "return super.salvage(scope, value)",
    tests: deadline
  },
  {
    name: "a failure of the work's own that comes after the limit is an overrun",
    law: "K33",
    file: node,
    find: 'if (this.verdict === "cancelled" && this.own!.passed)',
    replace: "if (this.own!.passed)",
    tests: deadline
  },
  {
    name: "work that interrupted itself has overrun its limit",
    law: "K33",
    file: node,
    find: 'if (this.verdict === "cancelled" && this.own!.passed)',
    replace: 'if (this.verdict === "cancelled")',
    tests: deadline
  },
  {
    name: "what an inner scope could not return is dropped when the work itself ends in time",
    law: "K26",
    file: node,
    find: "    this.passOn()\n    const exit",
    replace: "    const exit",
    tests: deadline
  },
  {
    name: "resources that nobody takes stay open",
    law: "K27",
    file: node,
    find: 'return this.state._tag === "Closed" ? exit : Effect.andThen(this.release(), exit)',
    replace: "return exit",
    tests: deadline
  },
  {
    name: "the error does not tell what came late",
    law: "K26 K33",
    file: node,
    find: "      [...this.kept]\n",
    replace: "      []\n",
    tests: deadline
  },
  {
    name: "the error does not tell what failed in clean-up",
    law: "K16 K33",
    file: node,
    find: "cleanupFailures: [...(this.record?.cleanupFailures ?? [])]",
    replace: "cleanupFailures: []",
    tests: deadline
  },
  {
    name: "the error says that work which was given up on was interrupted",
    law: "K34",
    file: node,
    find: "how: this.how,",
    replace: 'how: "interrupted",',
    tests: deadline
  },
  {
    name: "clean-up failures that no error tells are dropped",
    law: "K16",
    file: node,
    find: "for (const failure of this.record?.cleanupFailures ?? []) this.up!.keepCleanupFailure(failure)\n",
    replace: "",
    tests: deadline
  },
  {
    name: "what could not be returned is told twice",
    law: "K26",
    file: node,
    find: "this.kept = this.kept.filter(({ scope, value }) => !this.up!.salvage(scope, value))",
    replace: "for (const { scope, value } of this.kept) this.up!.salvage(scope, value)",
    tests: deadline
  },
  {
    name: "a cancelled owner drops what its deadline kept",
    law: "K26",
    file: node,
    find: "    super.lost()\n    this.passOn()\n",
    replace: "    super.lost()\n",
    tests: deadline
  },
  {
    name: "a cancelled owner drops its work's own failure",
    law: "K16",
    file: node,
    find: "    super.lost()\n    this.passOn()\n",
    replace: "    this.passOn()\n",
    tests: deadline
  },
  {
    name: "with no task around, what the deadline kept is lost",
    law: "K26",
    file: node,
    find: "return [...super.salvageable(), ...this.kept.map(({ value }) => value)]",
    replace: "return super.salvageable()",
    tests: deadline
  },
  {
    name: "`option` drops what came late",
    law: "K26",
    file: api,
    find: "      deadline.passOn()\n      return Option.none()",
    replace: "      return Option.none()",
    tests: deadline
  },
  {
    name: "the time that is left is negative once the deadline has passed",
    law: "K33",
    file: api,
    find: "Math.max(0, whole(at - steady(node.clock)))",
    replace: "whole(at - steady(node.clock))",
    tests: deadline
  },
  {
    name: "an extension counts from now",
    law: "K33",
    file: node,
    find: "this.own!.moveTo(this.own!.at + by)",
    replace: "this.own!.moveTo(steady(this.clock) + by)",
    tests: deadline
  },
  {
    name: "a negative extension is accepted",
    law: "K33",
    file: api,
    find: 'CancelPolicy.bound("by", by)',
    replace: 'CancelPolicy.limit("by", by)',
    tests: deadline
  },
  {
    name: "the error of a deadline does not say that its work still runs",
    law: "K34",
    file: error,
    find: 'return this.how === "abandoned" ? `',
    replace: 'return this.how === "cooperative" ? `',
    tests: deadline
  }
]
