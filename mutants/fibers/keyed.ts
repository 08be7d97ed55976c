/** Tasks by id: registration, attempts, retention, drain. */
import type { Mutant } from "../Mutant.ts"

const node = "src/fibers/internal/tasksNode.ts"
const drain = "src/fibers/internal/drain.ts"
const api = "src/fibers/Tasks.ts"

const tasks = "test/fibers/Tasks.test.ts"
const runner = "test/fibers/TaskRunner.test.ts"
const draining = "test/fibers/Tasks.drain.test.ts"

export const mutants: ReadonlyArray<Mutant> = [
  {
    name: "a task is registered only when its turn comes",
    law: "K10",
    file: node,
    find: "    this.byId.set(id, task)\n    task.open()\n",
    replace: "    queueMicrotask(() => this.byId.set(id, task))\n    task.open()\n",
    tests: [tasks]
  },
  {
    name: "an ended record is not replaced by the new attempt",
    law: "K37",
    file: node,
    find: "      this.ended.remove(before)\n",
    replace: "",
    tests: [tasks]
  },
  {
    name: "a new attempt has the number of the old one",
    law: "K37",
    file: node,
    find: "TaskRecord.of(task).attempt = before.attempt + 1",
    replace: "TaskRecord.of(task).attempt = before.attempt",
    tests: [tasks]
  },
  {
    name: "an ended record is dropped at once",
    law: "K10 K37",
    file: node,
    find: "if (this.ended.live > this.keepCount) this.dropOldest()",
    replace: "this.drop(child as TaskNode)",
    tests: [tasks]
  },
  {
    name: "ended records are kept without bound",
    law: "K37",
    file: node,
    find: "if (this.ended.live > this.keepCount) this.dropOldest()",
    replace: "",
    tests: [tasks]
  },
  {
    name: "ended records are kept for ever",
    law: "K37",
    file: node,
    find: "if (task === undefined || !task.gone || !this.expired(task)) return task",
    replace: "if (task !== undefined) return task\n    if (task === undefined) return undefined",
    tests: [tasks]
  },
  {
    name: "a listing shows records whose time is over",
    law: "K37",
    file: node,
    find: "if (this.expired(task)) this.drop(task)\n    return Array",
    replace: "if (task.gone && Number.isNaN(task.endedAt)) this.drop(task)\n    return Array",
    tests: [tasks]
  },
  {
    name: "the record of a straggler is dropped with the oldest",
    law: "K12 K37",
    file: node,
    find: "if (!this.straggles(oldest)) this.drop(oldest)\n",
    replace: "if (this.ended.live > 0) this.drop(oldest)\n",
    tests: [tasks]
  },
  {
    name: "a straggler gives up its id",
    law: "K37",
    file: node,
    find: 'return this.straggles(task) ? "straggling" : undefined',
    replace: "return undefined",
    tests: [tasks]
  },
  {
    name: "a cancelled task that still cleans up gives up its id",
    law: "K37",
    file: node,
    find: 'return task.mark === undefined ? "running" : "cancelling"\n  }\n\n  infoOf',
    replace: 'return task.mark === undefined ? "running" : undefined\n  }\n\n  infoOf',
    tests: [tasks]
  },
  {
    name: "the cancel of whoever builds the layer reaches its tasks",
    law: "K11 K37",
    file: node,
    find: 'super("tasks", "tasks", up.root)',
    replace: 'super("tasks", "tasks", up)',
    tests: [tasks]
  },
  {
    name: "a limit on running tasks is off by one",
    law: "K37",
    file: api,
    find: "if (tasks.live >= tasks.maxRunning)",
    replace: "if (tasks.live > tasks.maxRunning)",
    tests: [tasks]
  },
  {
    name: "a draining service starts tasks",
    law: "K37",
    file: api,
    find: "if (tasks.draining !== undefined) return Effect.fail(new Draining())",
    replace: "",
    tests: [tasks]
  },
  {
    name: "startIfMissing starts an ended task again",
    law: "K37",
    file: api,
    find: "return held !== undefined\n          ? Effect.succeed({ task: held, started: false })",
    replace: "return held !== undefined && !held.gone\n          ? Effect.succeed({ task: held, started: false })",
    tests: [tasks]
  },
  {
    name: "an unknown id is remembered as not found",
    law: "K10",
    file: api,
    find: "      return task === undefined ? Effect.fail(new TaskNotFound({ id })) : Effect.succeed(task)\n    })",
    replace:
      "      return task === undefined ? Effect.fail(new TaskNotFound({ id })) : Effect.succeed(task)\n    }).pipe((first) => Effect.suspend(() => (missed.has(id) ? Effect.fail(new TaskNotFound({ id })) : Effect.tapError(first, () => Effect.sync(() => missed.add(id))))))\n  const missed = new Set<string>()",
    tests: [tasks]
  },
  {
    name: "a batch cancel leaves out ids that nobody knows",
    law: "K36",
    file: api,
    find: 'task === undefined ? { _tag: "NotFound", id } : answer.next().value!\n',
    replace: 'answer.next().value ?? { _tag: "NotFound", id }\n',
    tests: [tasks, "test/combinators/Batch.test.ts"]
  },
  {
    name: "a layer that closes leaves its tasks running",
    law: "K1 K37",
    file: api,
    find: 'drain(node, undefined, "scope-closed"),',
    replace: "Effect.void,",
    tests: [tasks]
  },
  {
    name: "a closing layer tells its tasks of a shutdown",
    law: "K19",
    file: drain,
    find: 'source === "shutdown" ? CancelReason.shutdown() : CancelReason.scopeClosed()',
    replace: "CancelReason.shutdown()",
    tests: [tasks]
  },
  {
    name: "a drain forgets what was cut off",
    law: "K37 K45",
    file: drain,
    find: 'abandoned: named((task) => task.how === "abandoned"),',
    replace: "abandoned: [],",
    tests: [tasks]
  },
  {
    name: "a drain counts what was cut off as cancelled too",
    law: "K37",
    file: drain,
    find: 'named((task) => task.verdict === "cancelled" && task.how !== "abandoned")',
    replace: 'named((task) => task.verdict === "cancelled")',
    tests: [tasks]
  },
  {
    name: "a drain interrupts the first task before the last is told",
    law: "K4 K37",
    file: drain,
    find: "          cancelEach(told, reason, policy, fiber.context, fiber.id)\n",
    replace: "          for (const one of told) cancelEach([one], reason, policy, fiber.context, fiber.id)\n",
    tests: ["test/fibers/proved.test.ts"]
  },
  {
    name: "a drain cancels one task after another",
    law: "K4 K37",
    file: drain,
    find: "cancelEach(told, reason, policy, fiber.context, fiber.id)",
    replace:
      "const stopOne = (): void => {\n          const next = told.shift()\n          next?.onClosed(stopOne)\n          if (next !== undefined) cancelEach([next], reason, policy, fiber.context, fiber.id)\n        }\n        stopOne()",
    tests: [tasks]
  },
  {
    name: "a drain does not let tasks finish first",
    law: "K37",
    file: drain,
    find: "const stopping = Duration.isZero(finish)",
    replace: "const stopping = Duration.isFinite(finish)",
    tests: [tasks, runner]
  },
  {
    name: "a drainer that leaves calls the drain off",
    law: "K13 K37",
    file: drain,
    find: "Effect.forkDetach(stopping,",
    replace: "Effect.forkChild(stopping,",
    tests: [tasks, runner]
  },
  {
    name: "a second drain may not bring the first forward",
    law: "K8 K37",
    file: drain,
    find: "    if (tasks.draining === undefined) {\n",
    replace: "    if (tasks.draining !== undefined) return tasks.draining\n    {\n",
    tests: [tasks, runner]
  },
  {
    name: "a drain reports before the last task has ended",
    law: "K1 K37",
    file: drain,
    find: "tasks.draining = Effect.andThen(ended, report)",
    replace: "tasks.draining = Effect.andThen(Effect.yieldNow, report)",
    tests: [tasks]
  },
  {
    name: "the last task of a service wakes nobody who drains it",
    law: "K37",
    file: node,
    find: "for (const listener of this.onEmpty.splice(0)) listener()",
    replace: "this.onEmpty.splice(0)",
    tests: [tasks]
  },
  {
    name: "a drain lets a task finish that was started to be cancelled at once",
    law: "K37",
    file: drain,
    find: 'onShutdown === "cancel"',
    replace: "onShutdown === undefined",
    tests: [draining]
  },
  {
    name: "a drain cancels at once what may finish",
    law: "K37",
    file: drain,
    find: 'onShutdown === "cancel"',
    replace: "onShutdown !== undefined",
    tests: [draining]
  },
  {
    name: "a task that says nothing is cancelled at once by a drain",
    law: "K37",
    file: "src/fibers/internal/taskNode.ts",
    find: 'this.record?.onShutdown ?? "finish"',
    replace: 'this.record?.onShutdown ?? "cancel"',
    tests: [draining]
  },
  {
    name: "a later drain moves the end of the first one back",
    law: "K8",
    file: drain,
    find: "if (by < (tasks.drainsBy ?? Infinity)) tasks.drainsBy = by",
    replace: "tasks.drainsBy = by",
    tests: [draining]
  },
  {
    name: "the end of a drain is told without the time in which tasks may finish",
    law: "S1x-15",
    file: drain,
    find: "now + Duration.toMillis(finish) + Duration.toMillis(policy.giveUp)",
    replace: "now + Duration.toMillis(policy.giveUp)",
    tests: [draining]
  },
  {
    name: "a drain logs nothing of what it left behind",
    law: "S1x-19",
    file: drain,
    find: "if (!warn) return result",
    replace: "return result",
    tests: [draining]
  },
  {
    name: "a drain logs what it left behind once per caller",
    law: "S1x-20",
    file: drain,
    find: "    told = true\n",
    replace: "",
    tests: [draining]
  }
]
