/** What is seen from outside: snapshots, watchdog, observers, metrics, spans, stragglers, logs. */
import type { Mutant } from "../Mutant.ts"

const tree = "src/fibers/TaskTree.ts"
const observers = "src/fibers/internal/observers.ts"
const overdue = "src/fibers/internal/overdue.ts"
const ages = "src/fibers/internal/ageLimit.ts"
const lookout = "src/fibers/internal/lookout.ts"
const alarm = "src/fibers/internal/alarm.ts"
const watchdog = "src/fibers/Watchdog.ts"
const metrics = "src/fibers/TaskMetrics.ts"
const spans = "src/fibers/CancelSpans.ts"
const logger = "src/fibers/TaskLogger.ts"
const below = "src/fibers/internal/shieldBelow.ts"

const trees = "test/fibers/TaskTree.test.ts"
const dogs = "test/fibers/Watchdog.test.ts"
const counted = "test/fibers/TaskMetrics.test.ts"

export const mutants: ReadonlyArray<Mutant> = [
  {
    name: "a snapshot does not say since when a cancel was asked",
    law: "K43",
    file: tree,
    find: "askedMillisAgo: Math.max(0, now - node.mark.at) }",
    replace: "askedMillisAgo: now }",
    tests: [trees]
  },
  {
    name: "a snapshot does not name the shield that a task sits in",
    law: "K43",
    file: tree,
    find: "shield !== undefined ? { in: `shield ${shield.name}` } :",
    replace: "shield === null ? { in: `shield` } :",
    tests: [trees, "test/fibers/Shield.test.ts"]
  },
  {
    name: "a task in its grace is shown as running",
    law: "K43",
    file: tree,
    find: '  if (node.mark !== undefined) return "requested"\n',
    replace: "",
    tests: [trees]
  },
  {
    name: "a snapshot leaves out the stragglers",
    law: "K43 K45",
    file: tree,
    find: "stragglers: Array.from(fiber.getRef(Stragglers), nodesBelow)",
    replace: "stragglers: Array.from(fiber.getRef(Stragglers), nodesBelow).slice(0, 0)",
    tests: [trees]
  },
  {
    name: "a snapshot gives a node a new id each time",
    law: "K43",
    file: tree,
    find: "  ids.set(node, id)\n",
    replace: "",
    tests: [trees]
  },
  {
    name: "the shield of a straggler is not named",
    law: "K39 K43",
    file: below,
    find: 'if (below.kind === "shield" && below !== node) name ??= below.name',
    replace: 'if (below.kind === "shield" && below === node) name ??= below.name',
    tests: ["test/fibers/Shield.test.ts"]
  },
  {
    name: "an observer outlives its scope",
    law: "K45",
    file: observers,
    find: "if (root.observers.delete(observer)) installed--",
    replace: "if (root.observers.has(observer)) installed--",
    tests: [counted]
  },
  {
    name: "who still waits for somebody below holds up a cancel",
    law: "K44",
    file: overdue,
    find: "const running = told.filter((node) => !waiting.has(node))",
    replace: "const running = [...told]",
    tests: [dogs]
  },
  {
    name: "a cancel that is not overdue yet is reported",
    law: "K44",
    file: overdue,
    find: "if (age >= threshold) return told.push(node) > 0",
    replace: "if (age >= 0 || threshold < 0) return told.push(node) > 0",
    tests: [dogs]
  },
  {
    name: "a watchdog forgets the stragglers",
    law: "K44 K45",
    file: overdue,
    find: "for (const node of stragglers) look(node)",
    replace: "void stragglers",
    tests: [dogs]
  },
  {
    name: "a cancel is reported at every look",
    law: "K44",
    file: lookout,
    find: "        age >= before.again ||\n",
    replace: "        age >= 0 ||\n",
    tests: [dogs]
  },
  {
    name: "a cancel is reported only once",
    law: "K44",
    file: lookout,
    find: "        age >= before.again ||\n",
    replace: "",
    tests: [dogs]
  },
  {
    name: "a watchdog does not look for what was there before it",
    law: "K44",
    file: watchdog,
    find: "    reports.wakeBy(0)\n",
    replace: "",
    tests: [dogs]
  },
  {
    name: "a report that fails is the last one",
    law: "K44",
    file: watchdog,
    find: 'Effect.catchCause(\n              Effect.suspend(() => look(now)),\n              (cause) => Effect.logError("The report of the watchdog failed", cause)\n            )',
    replace: "Effect.suspend(() => look(now))",
    tests: [dogs]
  },
  {
    name: "a task that is too old is not cancelled",
    law: "K44",
    file: ages,
    find: '      cancel(task, CancelReason.watchdog({ by: "watchdog", message }), this.policy, this.context)\n',
    replace: "      void [cancel, CancelReason, message]\n",
    tests: [dogs]
  },
  {
    name: "the limit of an age counts from the registration",
    law: "K44",
    file: ages,
    find: "this.beganAt(node, now) + limit",
    replace: "now + limit",
    tests: [dogs]
  },
  {
    name: "a limit of age that throws stops the watchdog",
    law: "K44",
    file: ages,
    find: "      this.done.add(task)\n      const log",
    replace: "      if (this.done.has(task)) throw defect\n      const log",
    tests: [dogs]
  },
  {
    name: "an alarm that is set earlier rings late",
    law: "K44",
    file: alarm,
    find: "if (at >= this.at || this.stopped) return",
    replace: "if (this.at !== Infinity || this.stopped) return",
    tests: [dogs]
  },
  {
    name: "an alarm that is set earlier leaves its timer",
    law: "K45",
    file: alarm,
    find: "    before?.interruptUnsafe()\n",
    replace: "",
    tests: [dogs]
  },
  {
    name: "an alarm rings after its watchdog has closed",
    law: "K45",
    file: alarm,
    find: "return fiber === stopper ? Effect.sync(() => fiber.interruptUnsafe()) : Fiber.interrupt(fiber)",
    replace: "return fiber === stopper ? Effect.sync(() => fiber.interruptUnsafe()) : Effect.sync(() => void Fiber)",
    tests: [dogs]
  },
  {
    name: "the ends of tasks are not counted by source",
    law: "K44",
    file: metrics,
    find: "at(this.endedBy, `${kind} ${source} ${how}`, () => ended({ kind, outcome, source: source!, how }))",
    replace: "at(this.endedBy, kind, () => ended({ kind, outcome, source: source!, how }))",
    tests: [counted]
  },
  {
    name: "the latency of cancels is measured in milliseconds",
    law: "K44",
    file: metrics,
    find: "Math.max(0, task.endedAt - mark!.at) / 1000",
    replace: "Math.max(0, task.endedAt - mark!.at)",
    tests: [counted]
  },
  {
    name: "a gauge counts whoever was told to stop as living no more",
    law: "K44",
    file: metrics,
    find: "count(root, (node) => node.kind === kind))\n",
    replace: "count(root, (node) => node.kind === kind && node.mark === undefined))\n",
    tests: [counted]
  },
  {
    name: "a span ends without the reason",
    law: "K44",
    file: spans,
    find: "if (reason !== undefined) explain(span, reason)",
    replace: "void [reason, explain]",
    tests: ["test/fibers/CancelSpans.test.ts"]
  },
  {
    name: "a later request is logged as one that counts",
    law: "K8 K44",
    file: logger,
    find: " || target.mark !== request) return",
    replace: ") return",
    tests: ["test/fibers/TaskLogger.test.ts"]
  },
  {
    name: "who finished by itself after the request is logged as if nobody had asked",
    law: "K12 K44",
    file: logger,
    find: "if (reason !== undefined) return write(",
    replace: 'if (reason !== undefined && task.verdict === "cancelled") return write(',
    tests: ["test/fibers/TaskLogger.test.ts"]
  },
  {
    name: "an end is not logged with its time",
    law: "K44",
    file: "src/fibers/internal/cancelEntry.ts",
    find: "endedAt: isoOf(task.endedAt)",
    replace: "endedAt: isoOf(reason.at.epochMilliseconds)",
    tests: ["test/fibers/TaskLogger.test.ts"]
  }
]
