/** A task from its start to its one outcome, with what is recorded of it. */
import type { Mutant } from "../Mutant.ts"

const node = "src/fibers/internal/taskNode.ts"
const record = "src/fibers/internal/taskRecord.ts"
const request = "src/fibers/internal/cancelRequest.ts"
const log = "src/fibers/internal/taskLog.ts"
const outcome = "src/fibers/internal/outcome.ts"
const queue = "src/fibers/internal/startQueue.ts"
const api = "src/fibers/Task.ts"
const commit = "src/fibers/internal/commit.ts"

const task = "test/fibers/Task.test.ts"
const nursery = "test/fibers/Nursery.test.ts"
const tasks = "test/fibers/Tasks.test.ts"
const reviewed = "test/fibers/reviewed.test.ts"
const random = "test/fibers/cancelAtRandom.test.ts"
const once = "test/fibers/decidedOnce.test.ts"
const model = "test/model/model.test.ts"

export const mutants: ReadonlyArray<Mutant> = [
  {
    name: "a body runs although its cancel came first",
    law: "K10",
    file: node,
    find: "if (this.interrupted) return this.deliverInterrupt(undefined)",
    replace: "",
    tests: ["test/fibers/Control.test.ts", task, nursery, random]
  },
  {
    name: "a task that was cancelled before its first step has no end",
    law: "K10",
    file: node,
    find: "    this.exit = this.mark!.exit\n    this.settle()",
    replace: "    this.exit = this.mark!.exit",
    tests: [model, task, nursery]
  },
  {
    name: "a task that was cancelled before its first step has started",
    law: "K10",
    file: node,
    find: "    // Cancelled before its first step: the body never runs.\n",
    replace: "    this.record?.started()\n",
    tests: [tasks, task]
  },
  {
    name: "a finalizer of a task's scope runs twice",
    law: "K15",
    file: node,
    find: 'if (closed._tag === "Failure") this.cleanupFailed(this.name, closed.cause, this.context)\n',
    replace:
      'if (closed._tag === "Failure") this.cleanupFailed(this.name, closed.cause, this.context)\n        Effect.runForkWith(this.context)(closing as Effect.Effect<unknown>)\n',
    tests: [task, random]
  },
  {
    name: "a task ends before its clean-up has",
    law: "K1 K15",
    file: node,
    find: '.addObserver((closed) => {\n      if (closed._tag === "Failure") this.cleanupFailed(this.name, closed.cause, this.context)\n      this.settle()\n    })',
    replace: "\n    this.settle()",
    tests: [task, nursery]
  },
  {
    name: "clean-up of a task's scope can be interrupted",
    law: "K15",
    file: node,
    find: "(known, { uninterruptible: true })",
    replace: "(known)",
    tests: [task, nursery, random]
  },
  {
    name: "a finalizer that dies is told nowhere",
    law: "K16",
    file: node,
    find: 'if (closed._tag === "Failure") this.cleanupFailed(this.name, closed.cause, this.context)',
    replace: "",
    tests: [task, nursery]
  },
  {
    name: "a value that came after the interrupt is dropped",
    law: "K12",
    file: node,
    find: 'if (this.kind !== "member") this.salvage(this.name, exit.value)',
    replace: "",
    tests: [task, reviewed]
  },
  {
    name: "a value that came after the interrupt completes the task",
    law: "K9 K12",
    file: node,
    find: 'if (!stopped) return "completed"',
    replace: 'return "completed"',
    tests: [task, once]
  },
  {
    name: "a defect beside the interrupt is dropped",
    law: "K16",
    file: node,
    find: '      this.keepFailuresOf(exit.cause)\n      return "cancelled"',
    replace: '      return "cancelled"',
    tests: [task, nursery]
  },
  {
    name: "a failure while being cancelled fails the task",
    law: "K9",
    file: node,
    find: "    if (stopped) {\n      this.keepFailuresOf",
    replace: "    if (stopped && Cause.hasInterruptsOnly(exit.cause)) {\n      this.keepFailuresOf",
    tests: [task, random]
  },
  {
    name: "an event comes before the outcome",
    law: "K38",
    file: node,
    find: "    this.verdict = this.decide()\n    this.record?.ended()\n    if",
    replace: "    this.record?.ended()\n    this.verdict = this.decide()\n    if",
    tests: [tasks, task]
  },
  {
    name: "the terminal event is sent after the waiters are woken",
    law: "K38",
    file: node,
    find: "    this.record?.ended()\n    if (installed > 0) tellEnded(this)\n    this.close()\n  }\n\n  private decide",
    replace:
      "    if (installed > 0) tellEnded(this)\n    this.close()\n    this.record?.ended()\n  }\n\n  private decide",
    tests: [tasks, task, once]
  },
  {
    name: "the end of a straggler changes how its task ended",
    law: "K12 K16",
    file: node,
    find: "if (!stragglers.delete(this)) return\n",
    replace: 'if (!stragglers.delete(this)) return\n    this.how = "interrupted"\n',
    tests: [task]
  },
  {
    name: "the end of a straggler is a second terminal event",
    law: "K9 K12",
    file: node,
    find: "if (!stragglers.delete(this)) return\n",
    replace: "if (!stragglers.delete(this)) return\n    this.record?.ended()\n",
    tests: [tasks, task]
  },
  {
    name: "a straggler is not listed",
    law: "K12 K45",
    file: node,
    find: "Context.get(this.context, Stragglers).add(this)",
    replace: "",
    tests: [task, tasks]
  },
  {
    name: "a straggler stays listed after its end",
    law: "K12 K45",
    file: node,
    find: "if (!stragglers.delete(this)) return\n",
    replace: "if (!stragglers.has(this)) return\n",
    tests: [task, tasks]
  },
  {
    name: "no Straggling event before the terminal one",
    law: "K38",
    file: node,
    find: "    this.record?.straggling()\n",
    replace: "",
    tests: [tasks, task]
  },
  {
    name: "giving up is told as an interrupt that came through",
    law: "K12",
    file: node,
    find: 'this.how = "abandoned"',
    replace: 'this.how = "interrupted"',
    tests: [task]
  },
  {
    name: "giving up twice sends two terminal events",
    law: "K9",
    file: node,
    find: '    if (this.gone) return\n    this.how = "abandoned"',
    replace: '    this.how = "abandoned"',
    tests: [task, tasks, random]
  },
  {
    name: "giving up on clean-up forgets that the body had failed",
    law: "K9 K12",
    file: node,
    find: 'this.verdict = this.exit === undefined ? "cancelled" : this.decide()',
    replace: 'this.verdict = "cancelled"',
    tests: [task, nursery, reviewed, random]
  },
  {
    name: "a commit is given up on",
    law: "K9",
    file: node,
    find: "return this.exit !== undefined || (this.interrupted && !this.committing)",
    replace: "return true",
    tests: [task, tasks]
  },
  {
    name: "a commit is interrupted",
    law: "K9",
    file: node,
    find: 'return !this.interrupted && !this.committing && this.exit?._tag !== "Failure"',
    replace: 'return !this.interrupted && this.exit?._tag !== "Failure"',
    tests: [task]
  },
  {
    name: "a cancel overtakes a failure that only closes its scope",
    law: "K9",
    file: node,
    find: 'return !this.interrupted && !this.committing && this.exit?._tag !== "Failure"',
    replace: "return !this.interrupted && !this.committing",
    tests: [task, random]
  },
  {
    name: "a cancel that was withheld by a commit is lost when it fails",
    law: "K9",
    file: node,
    find: "if (this.committing) this.withheld = true",
    replace: "",
    tests: [task, reviewed]
  },
  {
    name: "a failed commit interrupts before its failure can end the task",
    law: "K9",
    file: node,
    find: "this.fiber!.currentDispatcher.scheduleTask(() => {\n      if (this.exit !== undefined || !this.hearsInterrupt) return\n",
    replace:
      ";((job: () => void, _: number) => job())(() => {\n      if (this.exit !== undefined || !this.hearsInterrupt) return\n",
    tests: [task, reviewed]
  },
  {
    name: "what gave up during a commit that failed does not give up on its task",
    law: "K9 K12",
    file: node,
    find: "node.plan?.giveUpAgain()",
    replace: "",
    tests: ["test/fibers/proved.test.ts"]
  },
  {
    name: "what gives up at once, and cannot, does not give up when the commit has failed",
    law: "K9 K12",
    file: "src/fibers/internal/cancelling.ts",
    find: "if ((grace === 0 && giveUp === Infinity) || target.gone) return",
    replace: "if ((grace === 0 && (giveUp === Infinity || giveUp === 0)) || target.gone) return",
    tests: ["test/fibers/proved.test.ts"]
  },
  {
    name: "giving up decides a task that commits",
    law: "K9 K12",
    file: node,
    find: "(this.interrupted && !this.committing)\n",
    replace: "this.interrupted || this.committing\n",
    tests: ["test/fibers/proved.test.ts"]
  },
  {
    name: "a commit that fails at the instant of giving up overtakes what ends then",
    law: "K9 K12",
    file: "src/fibers/internal/cancelPlan.ts",
    find: "if (this.gaveUp && !this.target.gone)",
    replace: "if (steady(this.target.clock) >= this.giveUpAt && !this.target.gone)",
    tests: ["test/fibers/proved.test.ts"]
  },
  {
    name: "what gave up on a nursery during a commit that failed does not give up on the task",
    law: "K9 K12",
    file: node,
    find: "node !== undefined && !node.gone; node = node.up) {\n        node.plan?",
    replace: "node !== undefined && !node.gone; node = undefined) {\n        node.plan?",
    tests: ["test/fibers/proved.test.ts"]
  },
  {
    name: "a commit saves although the cancel was first",
    law: "K9",
    file: commit,
    find: "if (task.interrupted) return Effect.interrupt\n",
    replace: "",
    tests: [task, reviewed, random]
  },
  {
    name: "a commit takes as long as it likes",
    law: "K9",
    file: commit,
    find: "Effect.timeoutOrElse(save, {\n        duration: within,",
    replace: "Effect.timeoutOrElse(save, {\n        duration: Infinity,",
    tests: [model, task]
  },
  {
    name: "a commit may be made by any fiber of the task",
    law: "K9",
    file: commit,
    find: " || task.fiber !== fiber) {",
    replace: ") {",
    tests: [task]
  },
  {
    name: "a native interrupt leaves no reason",
    law: "K19",
    file: request,
    find: 'new CancelRequest(node, { source: "interrupt", message: "The fiber was interrupted" }, at)',
    replace: 'new CancelRequest(node, { source: "request", message: "The fiber was interrupted" }, at)',
    tests: [task, "test/fibers/CancelReason.test.ts"]
  },
  {
    name: "joining a cancelled task takes its reason for one's own",
    law: "K22",
    file: request,
    find: "said?.target !== undefined && node.isWithin(said.target)",
    replace: "said?.target !== undefined",
    tests: [task, reviewed, nursery, random]
  },
  {
    name: "joining a cancelled task interrupts the joiner",
    law: "K22",
    file: api,
    find: 'outcome._tag === "Cancelled"\n      ?',
    replace: 'outcome._tag === "Cancelled" && outcome.how === "abandoned"\n      ?',
    tests: [task]
  },
  {
    name: "who waits for an outcome stays listed when it leaves",
    law: "K45",
    file: "src/fibers/internal/waits.ts",
    find: "  return () => {\n    end?.()\n    withdraw()\n",
    replace: "  return () => {\n    end?.()\n",
    tests: ["test/fibers/leaving.test.ts"]
  },
  {
    name: "a task's signal does not abort at the request",
    law: "K12 K20",
    file: api,
    find: "(reason) => controller.abort(new CancelAbortError(reason)))",
    replace: "() => {})",
    tests: [task]
  },
  {
    name: "the signal of a task stays listed when its scope closes",
    law: "K42 K45",
    file: api,
    find: "({ withdraw }) => Effect.sync(withdraw)\n",
    replace: "() => Effect.void\n",
    tests: ["test/fibers/leaving.test.ts"]
  },
  {
    name: "a hook of onCancel runs at every end",
    law: "K9",
    file: api,
    find: "task.interrupted && !task.committing && task.mark !== undefined\n",
    replace: "task.mark !== undefined\n",
    tests: [task]
  },
  {
    name: "output is accepted after the terminal event",
    law: "K38",
    file: api,
    find: "if (!task.gone) task.record?.output(value)",
    replace: "task.record?.output(value)",
    tests: [task, tasks]
  },
  {
    name: "a partial result changes after the outcome",
    law: "K17",
    file: api,
    find: "if (!task.gone) TaskRecord.of(task).partial = { value }",
    replace: "TaskRecord.of(task).partial = { value }",
    tests: [task]
  },
  {
    name: "a partial result is lost",
    law: "K17",
    file: outcome,
    find: "...(partial === undefined ? {} : { partial: partial.value }),",
    replace: "",
    tests: [task]
  },
  {
    name: "a straggler's failure changes its outcome afterwards",
    law: "K12 K16",
    file: outcome,
    find: "record?.cleanupFailures === undefined ? none : [...record.cleanupFailures]",
    replace: "record?.cleanupFailures === undefined ? none : record.cleanupFailures",
    tests: [task, tasks]
  },
  {
    name: "two requests are both told that theirs won",
    law: "K8",
    file: outcome,
    find: 'return mark === request ? { _tag: "Cancelled", ...fields }',
    replace: 'return mark !== undefined ? { _tag: "Cancelled", ...fields }',
    tests: [task, once]
  },
  {
    name: "a request that came too late was there during the grace",
    law: "K8",
    file: outcome,
    find: "duringGrace: mark !== undefined",
    replace: "duringGrace: true",
    tests: [task, tasks]
  },
  {
    name: "took counts from the start of the task",
    law: "K12",
    file: outcome,
    find: "node.endedAt - node.mark.at",
    replace: "node.endedAt - node.startedAt",
    tests: [task]
  },
  {
    name: "sequence numbers leave gaps",
    law: "K38",
    file: record,
    find: "seq: ++this.seq,",
    replace: "seq: (this.seq += 2),",
    tests: [tasks]
  },
  {
    name: "the terminal event carries what is only for this process",
    law: "K21",
    file: record,
    find: "const { salvaged: _, ...outcome } = decided",
    replace: "const outcome = decided",
    tests: [tasks, "test/fibers/TaskOutcome.test.ts"]
  },
  {
    name: "the record of an ended task keeps the services of whoever started it",
    law: "S2-61",
    file: "src/fibers/internal/tasksNode.ts",
    find: "trampoline(() => (child as TaskNode).forgetRun())",
    replace: "trampoline(() => child)",
    tests: ["test/fibers/Tasks.memory.test.ts"]
  },
  {
    name: "a straggler is forgotten while it runs",
    law: "K42",
    file: "src/fibers/internal/taskNode.ts",
    find: 'if (this.how === "abandoned") return',
    replace: "",
    tests: ["test/fibers/Tasks.memory.test.ts"]
  },
  {
    name: "a follower that comes late misses the terminal event",
    law: "K38",
    file: record,
    find: "if (node.gone) this.tellEnded(outcomeOf(node))\n    else if",
    replace: "if",
    tests: [tasks]
  },
  {
    name: "a layer above is told of the request again when somebody begins to follow",
    law: "K38",
    file: record,
    find: "else if (node.mark !== undefined) this.tellRequested(node.mark)",
    replace: "else if (node.mark !== undefined) this.requested(node.mark)",
    tests: ["test/fibers/internal/companion.test.ts"]
  },
  {
    name: "a follower that comes late misses the request",
    law: "K38",
    file: record,
    find: "else if (node.mark !== undefined) this.tellRequested(node.mark)",
    replace: "",
    tests: [tasks]
  },
  {
    name: "a listener that leaves stays listed",
    law: "K42 K45",
    file: record,
    find: "if (index >= 0) this.listeners!.splice(index, 1)",
    replace: "",
    tests: ["test/fibers/leaving.test.ts", task]
  },
  {
    name: "a slow reader misses the terminal event",
    law: "K38",
    file: log,
    find: "this.events = this.events.slice(-this.keep)",
    replace: "this.events = this.events.slice(0, this.keep)",
    tests: [tasks, "test/fibers/TaskRunner.test.ts"]
  },
  {
    name: "the log of a task grows without bound",
    law: "K38",
    file: log,
    find: "if (this.events.length >= this.keep * 2) this.events",
    replace: "if (this.events.length < 0) this.events",
    tests: [tasks]
  },
  {
    name: "a subscriber runs in the step that changes the state",
    law: "K38",
    file: log,
    find: "const wakeup = () => fiber.currentDispatcher.scheduleTask(() => resume(Effect.void), 0)",
    replace: "const wakeup = () => void (fiber.currentDispatcher, resume(Effect.void))",
    tests: [tasks, task]
  },
  {
    name: "a follower that leaves stays listed",
    law: "K45",
    file: log,
    find: "              this.wakeups.delete(wakeup)\n",
    replace: "",
    tests: ["test/fibers/leaving.test.ts"]
  },
  {
    name: "a task starts in the turn of its starter",
    law: "K10",
    file: queue,
    find: "    const batch = (this.batch = new Batch(dispatcher, task))\n",
    replace: "    const batch = (this.batch = new Batch(dispatcher, task))\n    task.start()\n",
    tests: [tasks, nursery]
  },
  {
    name: "only the first task of a turn is started",
    law: "K10",
    file: queue,
    find: "for (const task of this.others ?? none) task.start()",
    replace: "",
    tests: [tasks, nursery]
  },
  {
    name: "the tasks of another starter are lost",
    law: "K10",
    file: queue,
    find: "if (this.batch?.dispatcher === dispatcher) return",
    replace: "if (this.batch !== undefined) return",
    tests: [tasks, nursery, reviewed]
  },
  {
    name: "a start runs under a deadline that has passed",
    law: "K33",
    file: node,
    find: "(this.limit !== undefined && this.limit.deliverOverdue())",
    replace: "this.limit === null",
    tests: ["test/combinators/Deadline.test.ts", nursery]
  },
  {
    name: "a deep chain of starts overflows the stack",
    law: "K6",
    file: node,
    find: "starting >= 64 || ",
    replace: "",
    tests: [nursery, task]
  }
]
