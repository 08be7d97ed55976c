/** The tree and the cancel that goes down it: marks, interrupts, bounds. */
import type { Mutant } from "../Mutant.ts"

const scope = "src/fibers/internal/scopeNode.ts"
const cancelling = "src/fibers/internal/cancelling.ts"
const plan = "src/fibers/internal/cancelPlan.ts"
const asking = "src/fibers/internal/cancelAs.ts"

const task = "test/fibers/Task.test.ts"
const nursery = "test/fibers/Nursery.test.ts"
const tasks = "test/fibers/Tasks.test.ts"
const random = "test/fibers/cancelAtRandom.test.ts"
const reviewed = "test/fibers/reviewed.test.ts"
const model = "test/model/model.test.ts"

export const mutants: ReadonlyArray<Mutant> = [
  {
    name: "the second reason overwrites the first",
    law: "K8",
    file: cancelling,
    find: "target.live === 0 &&\n    target.mark === undefined &&",
    replace: "target.live === 0 &&",
    tests: [task, random]
  },
  {
    name: "a cancel of an ancestor overwrites the reason of a child",
    law: "K8 K18",
    file: cancelling,
    find: "if (node.mark !== undefined) return false\n    // What a scope owns",
    replace: "// What a scope owns",
    tests: [task, nursery, random]
  },
  {
    name: "a mark goes through a shield",
    law: "K39",
    file: cancelling,
    find: "return reached\n",
    replace: "return true\n",
    tests: ["test/fibers/Shield.test.ts"]
  },
  {
    name: "a mark lands on the shield itself",
    law: "K39",
    file: cancelling,
    find: "const reached = !node.standsAlone || node === target",
    replace: "const reached = true",
    tests: ["test/fibers/Shield.test.ts", nursery]
  },
  {
    name: "listeners of a request are not told",
    law: "K12",
    file: cancelling,
    find: "if (listening !== undefined) for (const node of listening) node.requestArrived(request)",
    replace: "",
    tests: [model, task, tasks]
  },
  {
    name: "only the first child is interrupted in one step",
    law: "K4",
    file: cancelling,
    find: "for (const node of told) node.interrupted = true\n",
    replace: "for (const node of told.slice(0, 1)) node.interrupted = true\n",
    tests: [nursery, random]
  },
  {
    name: "the owner of a group resumes before all its members are told",
    law: "K4",
    file: cancelling,
    find: "  together(() => {\n    for (let index = told.length - 1; index >= 0; index--) told[index]!.deliverInterrupt(by)\n    target.closeIfDone()\n  })",
    replace:
      "  for (let index = told.length - 1; index >= 0; index--) told[index]!.deliverInterrupt(by)\n  target.closeIfDone()",
    tests: [nursery, task, random]
  },
  {
    name: "a group that has nobody left is not closed by its cancel",
    law: "K13",
    file: cancelling,
    find: "told[index]!.deliverInterrupt(by)\n    target.closeIfDone()",
    replace: "told[index]!.deliverInterrupt(by)",
    tests: [nursery, "test/fibers/Control.test.ts"]
  },
  {
    name: "whoever resumes through a quick cancel runs in the middle of it",
    law: "K38",
    file: cancelling,
    find: "if (installed > 0) tellRequested(target, request)\n      target.deliverInterrupt(by)",
    replace: "target.deliverInterrupt(by)\n      if (installed > 0) tellRequested(target, request)",
    tests: ["test/fibers/TaskLogger.test.ts", "test/fibers/Watchdog.test.ts", "test/fibers/TaskMetrics.test.ts"]
  },
  {
    name: "the grace is ignored",
    law: "K12",
    file: cancelling,
    find: "if (policy === immediate) return interruptBelow(target, by)",
    replace: "if (policy !== undefined) return interruptBelow(target, by)",
    tests: [task]
  },
  {
    name: "giving up leaves out who is further down",
    law: "K1 K12",
    file: cancelling,
    find: "if (!node.canBeAbandoned) return false\n    open.push(node)\n    return true",
    replace: "if (!node.canBeAbandoned) return false\n    open.push(node)\n    return false",
    tests: [model, task, nursery, reviewed, random]
  },
  {
    name: "giving up decides who was never told to stop",
    law: "K9 K12",
    file: cancelling,
    find: "if (!node.canBeAbandoned) return false\n",
    replace: "",
    tests: [task, nursery, reviewed, "test/fibers/Shield.test.ts", random]
  },
  {
    name: "the grace timer interrupts a task whose own timer of the same instant is younger",
    law: "K12",
    file: "src/fibers/internal/sleepOut.ts",
    find: "millis > lastStretch\n",
    replace: "millis > Infinity\n",
    tests: [task]
  },
  {
    name: "a later cancel puts off the end of the grace",
    law: "K8",
    file: plan,
    find: "this.interruptAt = Math.min(this.interruptAt, whole(now + Math.min(grace, giveUp)))",
    replace: "this.interruptAt = whole(now + Math.min(grace, giveUp))",
    tests: [task, random]
  },
  {
    name: "a later cancel puts off giving up",
    law: "K8",
    file: plan,
    find: "this.giveUpAt = Math.min(this.giveUpAt, whole(now + giveUp))",
    replace: "this.giveUpAt = whole(now + giveUp)",
    tests: [task, tasks, random]
  },
  {
    name: "giving up does not end the grace",
    law: "K12",
    file: plan,
    find: "whole(now + Math.min(grace, giveUp))",
    replace: "whole(now + grace)",
    tests: [task, random]
  },
  {
    name: "the timer of a second cancel leaves the first one running",
    law: "K45",
    file: plan,
    find: "this.clear()\n    this.timer =",
    replace: "this.timer =",
    tests: [task, tasks, random]
  },
  {
    name: "the timer of a grace outlives the task",
    law: "K45",
    file: scope,
    find: "if (this.plan !== undefined) this.plan.clear()",
    replace: "",
    tests: [task, tasks, random]
  },
  {
    name: "after the grace nobody gives up",
    law: "K12",
    file: plan,
    find: "if (this.giveUpAt > now) return this.run",
    replace: "if (this.giveUpAt > now) return Effect.void",
    tests: [model, task, tasks]
  },
  {
    name: "a child is born without the mark of its parent",
    law: "K5 K18",
    file: scope,
    find: "this.mark = up.mark\n",
    replace: "",
    tests: [nursery, task, random]
  },
  {
    name: "a child that is born interrupted runs its body",
    law: "K5",
    file: scope,
    find: "this.interrupted = up.interrupted\n",
    replace: "",
    tests: ["test/fibers/Control.test.ts", nursery, task, random]
  },
  {
    name: "a closed node tells its waiters before its parent",
    law: "K38",
    file: scope,
    find: '    up.childClosed(this)\n    const watchers = this.watchers\n    this.watchers = undefined\n    if (typeof watchers === "function") trampoline(watchers)\n    else if (watchers !== undefined) for (const watcher of watchers) trampoline(watcher)\n',
    replace:
      '    const watchers = this.watchers\n    this.watchers = undefined\n    if (typeof watchers === "function") trampoline(watchers)\n    else if (watchers !== undefined) for (const watcher of watchers) trampoline(watcher)\n    up.childClosed(this)\n',
    tests: [nursery, tasks, reviewed, random]
  },
  {
    name: "only the last of several waiters is woken",
    law: "K10 K13",
    file: scope,
    find: 'else if (typeof this.watchers === "function") this.watchers = new Set([this.watchers, watcher])',
    replace: 'else if (typeof this.watchers === "function") this.watchers = watcher',
    tests: [model, task, tasks]
  },
  {
    name: "a waiter that leaves stays listed",
    law: "K45",
    file: scope,
    find: 'else if (typeof this.watchers === "object") this.watchers.delete(watcher)',
    replace: "",
    tests: ["test/fibers/leaving.test.ts"]
  },
  {
    name: "waiting for what has ended hangs",
    law: "K13",
    file: scope,
    find: "if (this.gone) watcher()\n    else if",
    replace: "if",
    tests: [model, nursery, task, tasks]
  },
  {
    name: "a reason is read before the grace is over",
    law: "K18",
    file: scope,
    find: "return this.interrupted ? this.mark!.reason : undefined",
    replace: "return this.mark?.reason",
    tests: [task, "test/fibers/CancelReason.test.ts"]
  },
  {
    name: "a reason is read after the end",
    law: "K18",
    file: scope,
    find: "if (this.gone) return this.heir?.readable\n",
    replace: "",
    tests: [task, "test/fibers/CancelReason.test.ts", reviewed, "test/combinators/Race.test.ts"]
  },
  {
    name: "a failure of clean-up is not logged",
    law: "K16",
    file: scope,
    find: "trampoline(() => Effect.runForkWith(context)(log))",
    replace: "",
    tests: [tasks]
  },
  {
    name: "a failure of clean-up is logged but kept nowhere",
    law: "K16",
    file: scope,
    find: "    this.keepCleanupFailure({ scope, cause })\n",
    replace: "",
    tests: [task, nursery]
  },
  {
    name: "the second canceller does not wait",
    law: "K8",
    file: asking,
    find: "return answered(target, here, fiber, () => resultOf(target, request))",
    replace:
      "if (!target.gone && target.mark !== request) return requested(target)\n  return answered(target, here, fiber, () => resultOf(target, request))",
    tests: [task, tasks]
  },
  {
    name: "tasks that are cancelled together are told one after another",
    law: "K4",
    file: asking,
    find: "const requests = cancelOrdered(orders, fiber.context, fiber.id)",
    replace:
      "const requests = orders.map(({ policy, reason, target }) => cancel(target, reason, policy, fiber.context, fiber.id))",
    tests: ["test/fibers/proved.test.ts"]
  },
  {
    name: "a cancel without a reason does not say who asked",
    law: "K19",
    file: asking,
    find: "CancelReason.request({ by: askerOf(here) })",
    replace: "CancelReason.request()",
    tests: [task, tasks]
  },
  {
    name: "the cancel of a task that has ended answers Requested",
    law: "K8",
    file: asking,
    find: "if (!wait && !ended) return requested(target)",
    replace: "if (!wait && target.mark !== undefined) return requested(target)",
    tests: [task, tasks]
  }
]
