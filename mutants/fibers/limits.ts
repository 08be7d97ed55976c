/** Breaks of the limits of tasks: which counts, what it tells, how it moves; and of cancels with policies of their own. */
import type { Mutant } from "../Mutant.ts"

const limits = "src/fibers/internal/taskLimits.ts"
const asking = "src/fibers/internal/cancelAs.ts"
const cancelling = "src/fibers/internal/cancelling.ts"

const test = ["test/fibers/TimeLimits.test.ts"]
const task = ["test/fibers/Task.test.ts"]

export const mutants: ReadonlyArray<Mutant> = [
  {
    name: "a task whose time is up before it begins runs",
    law: "K10 K33",
    file: limits,
    find: "    if (limits.at <= limits.from) limit.tell()\n    else limit.moveTo(limits.at)",
    replace: "    limit.moveTo(limits.at)",
    tests: test
  },
  {
    name: "a task whose time is up before it begins has its grace, and runs in it",
    law: "K10 K12",
    file: limits,
    find: "Number.isNaN(this.task.startedAt) ? CancelPolicy.atOnce(this.policy) : this.policy",
    replace: "this.policy",
    tests: test
  },
  {
    name: "a limit has no grace",
    law: "K12",
    file: limits,
    find: "Number.isNaN(this.task.startedAt) ? CancelPolicy.atOnce(this.policy) : this.policy",
    replace: "CancelPolicy.atOnce(this.policy)",
    tests: test
  },
  {
    name: "the deadline does not count",
    law: "K33",
    file: limits,
    find: "    return Math.min(this.own, this.deadline)\n",
    replace: "    return this.own\n",
    tests: test
  },
  {
    name: "the maximum does not count",
    law: "S1-62",
    file: limits,
    find: "this.own = this.from + Math.min(own, max)",
    replace: "this.own = this.from + own",
    tests: test
  },
  {
    name: "a limit that passed does not say which",
    law: "K19",
    file: limits,
    find: 'at === this.deadline ? "deadline" : at === this.max ? "maximum time limit" : "time limit"',
    replace: '"time limit"',
    tests: test
  },
  {
    name: "at one instant the inner limit speaks",
    law: "K33",
    file: limits,
    find: 'at === this.deadline ? "deadline" : at === this.max ? "maximum time limit" : "time limit"',
    replace: 'at === this.max ? "maximum time limit" : at === this.deadline ? "deadline" : "time limit"',
    tests: test
  },
  {
    name: "a limit that passed is no timeout",
    law: "S1-64 K19",
    file: limits,
    find: "CancelReason.timeout({ by, message })",
    replace: "CancelReason.request({ by, message })",
    tests: test
  },
  {
    name: "a task can get more time than the maximum",
    law: "S1-67",
    file: limits,
    find: "const own = Math.min(this.own + by, this.max)",
    replace: "const own = this.own + by",
    tests: test
  },
  {
    name: "a task can move the deadline of whoever asked",
    law: "K33",
    file: limits,
    find: "this.limit.moveTo(Math.min(own, this.deadline))",
    replace: "this.limit.moveTo(own)",
    tests: test
  },
  {
    name: "more time counts from now",
    law: "S1-67",
    file: limits,
    find: "const own = Math.min(this.own + by, this.max)",
    replace: "const own = Math.min(this.task.clock.currentTimeMillisUnsafe() + by, this.max)",
    tests: test
  },
  {
    name: "a task at its maximum is told that it got more time",
    law: "S1-67",
    file: limits,
    find: "    if (own === this.own && by > 0 && own !== Infinity) return false\n",
    replace: "",
    tests: test
  },
  {
    name: "a second request for more time counts from the first limit",
    law: "S1-67",
    file: limits,
    find: "    this.own = own\n    return true",
    replace: "    return true",
    tests: test
  },
  {
    name: "a task that ended leaves its timer behind",
    law: "K45",
    file: limits,
    find: "    task.onClosed(() => limit.stop())\n",
    replace: "",
    tests: test
  },
  {
    name: "work below a task does not know of its limit",
    law: "K33",
    file: limits,
    find: "    task.limit = limit\n",
    replace: "",
    tests: test
  },
  {
    name: "a listing does not tell by when a task must have ended",
    law: "S1-62",
    file: "src/fibers/internal/tasksNode.ts",
    find: "deadline: instant(task.deadline ?? NaN)",
    replace: "deadline: instant(NaN)",
    tests: test
  },
  {
    name: "a child asks for more time, and nobody hears it",
    law: "S1-67",
    file: "src/fibers/internal/enclosingTask.ts",
    find: "    if (limits !== undefined) return limits\n",
    replace: '    if (limits !== undefined || at.kind === "task") return limits\n',
    tests: test
  },
  {
    name: "all that are cancelled together have the policy and the reason of the first",
    law: "K12 K36",
    file: asking,
    find: "const own = options(index)",
    replace: "const own = options(index * 0)",
    tests: task
  },
  {
    name: "a request of several waits for them",
    law: "K4",
    file: asking,
    find: "wait || ended[index] === true",
    replace: "wait || ended[index] !== undefined",
    tests: task
  },
  {
    name: "a request of several says of those that had ended that they were asked",
    law: "K8",
    file: asking,
    find: "wait || ended[index] === true",
    replace: "wait",
    tests: task
  },
  {
    name: "of several the first is interrupted before the last is marked",
    law: "K4",
    file: cancelling,
    find: "    for (const { request } of open) ask(request)\n    for (const { policy, request } of open) if (!request.target.gone) carryOut(request, policy, context, by)\n",
    replace:
      "    for (const { policy, request } of open) {\n      ask(request)\n      if (!request.target.gone) carryOut(request, policy, context, by)\n    }\n",
    tests: ["test/fibers/proved.test.ts"]
  }
]
