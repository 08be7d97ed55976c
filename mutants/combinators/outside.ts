/** Breaks of races and joins over tasks that run elsewhere (K11, K13, K22, K28). */
import type { Mutant } from "../Mutant.ts"

const outside = ["test/combinators/outsideTask.test.ts"]
const node = "src/combinators/internal/outsideTask.ts"
const members = "src/combinators/internal/membersNode.ts"

export const mutants: ReadonlyArray<Mutant> = [
  {
    name: "a race that stops tasks from outside does not wait for them",
    law: "K28 K1",
    file: members,
    find: "return this.begun && this.stopping === 0",
    replace: "return this.begun",
    tests: outside
  },
  {
    name: "a task from outside is told with no patience",
    law: "K12 K28",
    file: members,
    find: "standFor(member, task, this.options.policy, this.options.cancelTasks)",
    replace: "standFor(member, task, { ...this.options.policy, grace: Duration.zero }, this.options.cancelTasks)",
    tests: outside
  },
  {
    name: "losing cancels a task from outside, asked or not",
    law: "K28",
    file: node,
    find: "isPassedOn = (member: TaskNode, cancelToo: boolean): boolean => cancelToo || member.mark?.target === member",
    replace: "isPassedOn = (_member: TaskNode, _cancelToo: boolean): boolean => true",
    tests: outside
  },
  {
    name: "losing never cancels a task from outside",
    law: "K28",
    file: node,
    find: "isPassedOn = (member: TaskNode, cancelToo: boolean): boolean => cancelToo || member.mark?.target === member",
    replace: "isPassedOn = (_member: TaskNode, _cancelToo: boolean): boolean => false",
    tests: outside
  },
  {
    name: "a limit on a member does not reach its task",
    law: "K28",
    file: node,
    find: "cancelToo || member.mark?.target === member",
    replace: "cancelToo",
    tests: outside
  },
  {
    name: "the join's own cancel leaves the patience with a task open",
    law: "K28 K25",
    file: node,
    find: "member.mark!.target === member || member.mark!.target === member.up",
    replace: "member.mark!.target === member",
    tests: outside
  },
  {
    name: "the member's own limit leaves the patience with a task open",
    law: "K28 K25",
    file: node,
    find: "member.mark!.target === member || member.mark!.target === member.up",
    replace: "member.mark!.target === member.up",
    tests: outside
  },
  {
    name: "a cancel from above has the patience of the race with a task from outside",
    law: "K28 K12",
    file: node,
    find: "cancel(task, reason, own ? policy : asked, member.context)",
    replace: "cancel(task, reason, policy, member.context)",
    tests: outside
  },
  {
    name: "a task from outside is only asked",
    law: "K28",
    file: node,
    find: "cancel(task, reason, own ? policy : asked, member.context)",
    replace: "cancel(task, reason, asked, member.context)",
    tests: outside
  },
  {
    name: "a task that was cancelled interrupts whoever waits for it in a race",
    law: "K22 K28",
    file: node,
    find: 'if (task.verdict !== "cancelled") return task.exit!',
    replace: "if (task.exit !== undefined) return task.exit",
    tests: outside
  },
  {
    name: "a wait for a task that is given up stays on the task",
    law: "K45",
    file: node,
    find: "Effect.sync(afterClose(fiber, task, () => resume(exitOf(task))))",
    replace: "(afterClose(fiber, task, () => resume(exitOf(task))), Effect.void)",
    tests: outside
  },
  {
    name: "a task from outside is interrupted only at the end of its grace, though who waits for it has ended",
    law: "K28",
    file: node,
    find: "cancel(task, member.mark!.reason, atOnce(policy), member.context)",
    replace: "",
    tests: outside
  },
  {
    name: "a race that cancels a task around itself waits for it",
    law: "K13",
    file: node,
    find: "if (task.gone || group.isWithin(task) || wouldDeadlock(group, task)) return false",
    replace: "if (task.gone || wouldDeadlock(group, task)) return false",
    tests: outside
  },
  {
    name: "a race waits for a task that waits for it",
    law: "K13",
    file: node,
    find: "if (task.gone || group.isWithin(task) || wouldDeadlock(group, task)) return false",
    replace: "if (task.gone || group.isWithin(task)) return false",
    tests: [...outside]
  },
  {
    name: "a race says that it waits for a task when it does no more",
    law: "K13",
    file: node,
    find: "    waited()\n    ended()",
    replace: "    ended()",
    tests: outside
  }
]
