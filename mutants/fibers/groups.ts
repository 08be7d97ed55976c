/** Owners of children: nurseries, and what races and joins share with them. */
import type { Mutant } from "../Mutant.ts"

const group = "src/fibers/internal/groupNode.ts"
const node = "src/fibers/internal/nurseryNode.ts"
const api = "src/fibers/Nursery.ts"
const inScope = "src/fibers/internal/nurseryInScope.ts"

const nursery = "test/fibers/Nursery.test.ts"
const task = "test/fibers/Task.test.ts"
const reviewed = "test/fibers/reviewed.test.ts"
const random = "test/fibers/cancelAtRandom.test.ts"
const model = "test/model/model.test.ts"

export const mutants: ReadonlyArray<Mutant> = [
  {
    name: "a nursery returns while a child still lives",
    law: "K1 K2",
    file: group,
    find: "if (!this.gone && this.live === 0 && this.done) this.close()",
    replace: "if (!this.gone && this.done) this.close()",
    tests: [nursery]
  },
  {
    name: "an interrupted owner does not wait for its members",
    law: "K1",
    file: group,
    find: "  return Effect.andThen(\n    closed(group),\n    Effect.suspend",
    replace: "  return Effect.andThen(\n    Effect.void,\n    Effect.suspend",
    tests: [nursery, task]
  },
  {
    name: "an interrupted owner does not cancel its members",
    law: "K1",
    file: group,
    find: "if (!group.gone) group.ownerInterrupted(reason)",
    replace: "",
    tests: [model, nursery]
  },
  {
    name: "a native interrupt of an owner hides the reason that stands",
    law: "K18",
    file: group,
    find: "if (standing !== undefined) return standing\n",
    replace: "",
    tests: [nursery, task, reviewed, random]
  },
  {
    name: "a group that is opened in clean-up is born cancelled",
    law: "K15",
    file: group,
    find: "    this.mark = undefined\n    this.interrupted = false\n",
    replace: "",
    tests: [nursery, task]
  },
  {
    name: "clean-up is bound by a deadline that has passed",
    law: "K33 K34",
    file: group,
    find: "this.limit = this.limit?.ahead",
    replace: "",
    tests: ["test/combinators/Deadline.test.ts", nursery]
  },
  {
    name: "a group whose owner fails by its own result is cancelled again",
    law: "K3",
    file: group,
    find: "if (result === undefined || !Cause.hasInterrupts(cause)) return result !== undefined",
    replace: "if (result === undefined || !Cause.hasInterrupts(cause)) return false",
    tests: [nursery, random]
  },
  {
    name: "what was won is lost when the owner is interrupted",
    law: "K26",
    file: group,
    find: "return Effect.andThen(group.release(), salvagedOnInterrupt(group))",
    replace: "return group.release()",
    tests: [nursery, "test/combinators/Race.test.ts"]
  },
  {
    name: "failures of a nursery are lost when its owner is interrupted",
    law: "K16",
    file: group,
    find: "      group.lost()\n",
    replace: "",
    tests: [nursery, task]
  },
  {
    name: "background children hold up the nursery",
    law: "K2",
    file: node,
    find: "if (options?.background === true) this.background.add(child)\n    else this.foreground++",
    replace: "this.foreground++",
    tests: [model, nursery]
  },
  {
    name: "only the first background child is cancelled at the end",
    law: "K2 K4",
    file: node,
    find: "cancelEach(Array.from(this.background), reason,",
    replace: "cancelEach(Array.from(this.background).slice(0, 1), reason,",
    tests: [nursery]
  },
  {
    name: "background children are told one after another at the end",
    law: "K2 K4",
    file: node,
    find: "    cancelEach(Array.from(this.background), reason, CancelPolicy.immediate, this.context)\n",
    replace:
      "    for (const one of Array.from(this.background)) cancelEach([one], reason, CancelPolicy.immediate, this.context)\n",
    tests: ["test/fibers/proved.test.ts"]
  },
  {
    name: "a nursery that is closing takes another child",
    law: "K5",
    file: node,
    find: "if (this.closing || this.interrupted) {",
    replace: "if (this.interrupted) {",
    tests: [nursery, random]
  },
  {
    name: "an interrupted nursery takes another child",
    law: "K5",
    file: node,
    find: "if (this.closing || this.interrupted) {",
    replace: "if (this.closing) {",
    tests: [nursery, random]
  },
  {
    name: "a refused child names the wrong reason",
    law: "K5 K19",
    file: node,
    find: "this.mark !== undefined && !this.closing\n          ? this.mark",
    replace: "this.mark !== undefined && this.closing\n          ? this.mark",
    tests: [nursery]
  },
  {
    name: "a failed child cancels nobody",
    law: "K3",
    file: node,
    find: "      this.tripped = true\n      this.cancel(reason)",
    replace: "      this.tripped = true",
    tests: [model, nursery]
  },
  {
    name: "fail-fast does not wait for the turn",
    law: "K3",
    file: node,
    find: "this.nextTurn(() => {\n      this.tripped = true\n      this.cancel(reason)\n    })",
    replace: "this.tripped = true\n    this.cancel(reason)",
    tests: [nursery]
  },
  {
    name: "a failure of clean-up after the first failure becomes one of the nursery",
    law: "K3 K16",
    file: node,
    find: "if (this.tripped || this.interrupted) return this.up!.cleanupFailed(member.name, cause, this.context)",
    replace: "",
    tests: [nursery]
  },
  {
    name: "a later failure is dropped",
    law: "K3 K16",
    file: node,
    find: "return this.up!.cleanupFailed(member.name, cause, this.context)",
    replace: "return",
    tests: [nursery]
  },
  {
    name: "a failed body is told as a failed sibling",
    law: "K2 K19",
    file: node,
    find: "? CancelReason.bodyFailed({ by: this.name })\n        :",
    replace: "? CancelReason.siblingFailed({ by: this.name })\n        :",
    tests: [nursery]
  },
  {
    name: "siblings do not hear who failed",
    law: "K3 K19",
    file: node,
    find: "CancelReason.siblingFailed({ by: member.name })",
    replace: "CancelReason.siblingFailed()",
    tests: [nursery]
  },
  {
    name: "a body that interrupts itself leaves its children running",
    law: "K2",
    file: node,
    find: 'if (member === this.bodyNode && member.verdict === "cancelled" && !this.interrupted) {',
    replace: 'if (member.verdict === "failed" && this.tripped) {',
    tests: [model, nursery, random]
  },
  {
    name: "only one of the failures of a turn leaves the nursery",
    law: "K3",
    file: node,
    find: "this.failures.flatMap(({ cause }) => cause.reasons)",
    replace: "this.failures.slice(0, 1).flatMap(({ cause }) => cause.reasons)",
    tests: [nursery]
  },
  {
    name: "the cancel of a nursery interrupts its caller",
    law: "K3",
    file: node,
    find: "return Effect.fail(new ScopeCancelled({ scope: this.name, reason: this.mark!.reason }))",
    replace: "return body.exit!",
    tests: [nursery]
  },
  {
    name: "what the body returned is lost when the nursery is cancelled",
    law: "K12 K26",
    file: node,
    find: "for (const value of this.salvageable()) this.up!.salvage(this.name, value)\n",
    replace: "",
    tests: [nursery, reviewed]
  },
  {
    name: "supervise cancels the siblings of a child that failed",
    law: "K3",
    file: node,
    find: 'if (this.onFailure === "supervise" && member !== this.bodyNode) {',
    replace: 'if (this.onFailure === "supervise" && member === this.bodyNode) {',
    tests: [nursery]
  },
  {
    name: "supervise tells the failure of its body twice",
    law: "K16",
    file: node,
    find: "this.passOn(this.failures.filter(({ cause }) => cause !== causeOf(body)))",
    replace: "this.passOn(this.failures)",
    tests: [nursery]
  },
  {
    name: "supervise forgets the failures when its body fails",
    law: "K3 K16",
    file: node,
    find: 'if (this.onFailure === "supervise") this.passOn(this.failures.filter(({ cause }) => cause !== causeOf(body)))\n',
    replace: "",
    tests: [nursery]
  },
  {
    name: "a nursery in a scope leaves its children running when that closes",
    law: "K1 K3",
    file: inScope,
    find: "if (node.gone) return resume(Effect.void)",
    replace: "return resume(Effect.void)",
    tests: [nursery]
  },
  {
    name: "the children of a nursery in a scope do not hear why that closes",
    law: "K18",
    file: inScope,
    find: "node.up!.readable ?? CancelReason.scopeClosed({ by: node.name })",
    replace: "CancelReason.scopeClosed({ by: node.name })",
    tests: [nursery, reviewed]
  },
  {
    name: "a cancel from above reaches what a scope owns",
    law: "K3 K11",
    file: node,
    find: "return this.body === undefined\n",
    replace: "return false\n",
    tests: [nursery, reviewed]
  },
  {
    name: "the failure of a child that is not ready fails the nursery",
    law: "K7",
    file: node,
    find: 'if (own && member.verdict === "failed") this.failed(member)',
    replace: 'if (member.verdict === "failed") this.failed(member)',
    tests: [nursery]
  },
  {
    name: "the failure of a child that is ready fails nobody",
    law: "K7",
    file: node,
    find: "  ready(child: TaskNode): void {\n    this.unready.delete(child)\n",
    replace: "  ready(_child: TaskNode): void {\n",
    tests: [nursery]
  },
  {
    name: "a caller that is cancelled before ready leaves the child running",
    law: "K7",
    file: api,
    find: "child === undefined || said ? Effect.void : leave(child, fiber)",
    replace: "Effect.void",
    tests: [nursery]
  },
  {
    name: "a caller that is cancelled before ready does not wait for the child",
    law: "K7",
    file: api,
    find: "cancelAs(child, { reason: callerLeft }, true)",
    replace: "cancelAs(child, { reason: callerLeft }, false)",
    tests: [nursery]
  },
  {
    name: "the failure of a child on its way to a caller that was cancelled is lost",
    law: "K7 K16",
    file: api,
    find: "    caller.getRef(CurrentNode).cleanupFailed(child.name, child.exit.cause, child.context)\n",
    replace: "    caller.getRef(CurrentNode)\n",
    tests: ["test/fibers/proved.test.ts"]
  },
  {
    name: "a child that ends before ready leaves its caller waiting",
    law: "K7",
    file: api,
    find: "const withdraw = task.onClosed(() => resume(endedUnready(task)))",
    replace: "const withdraw = task.onClosed(() => {})",
    tests: [nursery]
  }
]
