/** What steers and correlates tasks: controls, supervisors, correlators, waits. */
import type { Mutant } from "../Mutant.ts"

const latch = "src/fibers/internal/controlLatch.ts"
const gate = "src/fibers/internal/controlGate.ts"
const controlled = "src/fibers/internal/controlledNode.ts"
const cancel = "src/fibers/internal/controlCancel.ts"
const supervising = "src/fibers/internal/supervising.ts"
const child = "src/fibers/internal/supervisedChild.ts"
const supervisorNode = "src/fibers/internal/supervisorNode.ts"
const correlation = "src/fibers/internal/correlation.ts"
const receiving = "src/fibers/internal/receiving.ts"
const line = "src/fibers/internal/messageLine.ts"
const expiry = "src/fibers/internal/expiryQueue.ts"
const polling = "src/fibers/internal/polling.ts"
const waits = "src/fibers/Wait.ts"

const control = "test/fibers/Control.test.ts"
const supervisor = "test/fibers/Supervisor.test.ts"
const correlator = "test/fibers/Correlator.test.ts"
const wait = "test/fibers/Wait.test.ts"

export const mutants: ReadonlyArray<Mutant> = [
  {
    name: "a pause undoes a cancel",
    law: "K9",
    file: latch,
    find: 'if (this.state._tag === "Running") this.become(paused)',
    replace: "this.become(paused)",
    tests: [control]
  },
  {
    name: "a second cancel of a control overwrites the reason",
    law: "K8",
    file: latch,
    find: 'if (first) this.become({ _tag: "Cancelled", reason }, all)',
    replace: 'if (reason !== undefined) this.become({ _tag: "Cancelled", reason }, all)',
    tests: [control]
  },
  {
    name: "a cancel leaves whoever is paused waiting",
    law: "K13 K40",
    file: latch,
    find: "for (const wake of held) trampoline(() => wake(false))",
    replace: "void held",
    tests: [control]
  },
  {
    name: "a pause right after a resume holds those who were let go",
    law: "K40",
    file: latch,
    find: "for (const pass of held) trampoline(() => pass(true))",
    replace: "for (const pass of held) trampoline(() => pass(false))",
    tests: [control]
  },
  {
    name: "whoever leaves the gate of a paused run stays held",
    law: "K42 K45",
    file: latch,
    find: "        this.held.delete(pass)\n",
    replace: "",
    tests: ["test/fibers/leaving.test.ts"]
  },
  {
    name: "a gate holds clean-up",
    law: "K15",
    file: gate,
    find: " || inCleanUp(node)) return Effect.void",
    replace: ") return Effect.void",
    tests: [control]
  },
  {
    name: "a gate lets a cancelled run go on in its grace",
    law: "K12 K14",
    file: gate,
    find: "if (cancelled !== undefined) return stop(cancelled, node, fiber)\n",
    replace: "",
    tests: [control]
  },
  {
    name: "a run under a cancelled control starts",
    law: "K5 K20",
    file: controlled,
    find: "if (reason !== undefined && this.refusable) cancel(this, reason, CancelPolicy.immediate, this.context)",
    replace: "void [reason, cancel, CancelPolicy]",
    tests: [control]
  },
  {
    name: "a run that has ended stays with its control",
    law: "K45",
    file: latch,
    find: "if (!this.scopes.delete(scope) || !scope.outermost) return",
    replace: "if (!this.scopes.has(scope) || !scope.outermost) return",
    tests: [control]
  },
  {
    name: "a skip wins over the cancel of the control",
    law: "K8",
    file: controlled,
    find: "if (reason !== undefined && this.outermost) return new CancelRequest",
    replace: "if (reason !== undefined && skip !== undefined && this.outermost) return new CancelRequest",
    tests: [control]
  },
  {
    name: "a skip ends the outer steps too",
    law: "K11",
    file: cancel,
    find: "return steps.filter((step) => !holders.has(step))",
    replace: 'return steps.filter((step) => holders.size >= 0 || step.name === "")',
    tests: [control]
  },
  {
    name: "the cancel of a control tells one run after another",
    law: "K4",
    file: cancel,
    find: "if (!scope.outermost || scope.gone) continue\n",
    replace: "if (!scope.outermost || scope.gone || told.length > 0) continue\n",
    tests: [control]
  },
  {
    name: "the cancel of a control from inside says that all has ended",
    law: "K13",
    file: cancel,
    find: 'closed ? merged(control.name, told) : { _tag: "Requested", id: control.name, reason }',
    replace: 'closed || true ? merged(control.name, told) : { _tag: "Requested", id: control.name, reason }',
    tests: [control]
  },
  {
    name: "a failed child is not restarted",
    law: "K37",
    file: child,
    find: 'if (this.restart === "permanent" || (this.restart === "transient" && task.verdict === "failed")) return "again"',
    replace: 'if (this.restart === "permanent") return "again"',
    tests: [supervisor]
  },
  {
    name: "a child that completed is restarted",
    law: "K37",
    file: child,
    find: '(this.restart === "transient" && task.verdict === "failed")',
    replace: 'this.restart === "transient"',
    tests: [supervisor]
  },
  {
    name: "a child is restarted although the supervisor was asked to stop",
    law: "K5 K12",
    file: supervising,
    find: "if (asked && child.attempt > 0) this.stop(child)\n      else if",
    replace: "if",
    tests: [supervisor]
  },
  {
    name: "a request to stop does not wake a back-off",
    law: "K13 K40",
    file: supervisorNode,
    find: "  override requestArrived(_request: CancelRequest): void {\n    this.tell()\n",
    replace: "  override requestArrived(_request: CancelRequest): void {\n",
    tests: [supervisor]
  },
  {
    name: "siblings that restart together are not awaited",
    law: "K1 K37",
    file: supervising,
    find: "Effect.map(Effect.forEach(affected, closed, { discard: true }), () => {",
    replace: "Effect.map(Effect.forEach(affected.slice(0, 0), closed, { discard: true }), () => {",
    tests: [supervisor]
  },
  {
    name: "restarts are not counted",
    law: "S1-67",
    file: supervising,
    find: "if (rules.restarts !== Infinity) this.recent.push(at)\n",
    replace: "",
    tests: [supervisor]
  },
  {
    name: "restarts are counted for ever",
    law: "S1-67",
    file: supervising,
    find: "this.recent.filter((earlier) => at - earlier < rules.within)",
    replace: "this.recent.filter((earlier) => at - earlier < Infinity)",
    tests: [supervisor]
  },
  {
    name: "a child that was stable for long keeps its long back-off",
    law: "S1-67",
    file: supervising,
    find: "if (task.endedAt - task.startedAt >= rules.stableAfter) child.step = undefined\n",
    replace: "",
    tests: [supervisor]
  },
  {
    name: "what children of a failed supervisor returned is dropped",
    law: "K26",
    file: supervising,
    find: 'if (outcome?._tag === "Completed") this.node.salvage(name, outcome.value)',
    replace: "void [name, outcome]",
    tests: [supervisor]
  },
  {
    name: "an end that the supervisor did not read is dropped",
    law: "K16",
    file: supervisorNode,
    find: "for (const task of this.ended.splice(0)) this.keep(task)",
    replace: "this.ended.splice(0)",
    tests: [supervisor, "test/fibers/Supervisor.random.test.ts"]
  },
  {
    name: "a message is handed to a waiter that has left",
    law: "K42",
    file: correlation,
    find: "if (waiter.line !== undefined) this.unqueue(waiter)\n",
    replace: "",
    tests: [correlator]
  },
  {
    name: "a message that a cancelled waiter had been handed is lost",
    law: "K26",
    file: correlation,
    find: "if (message !== undefined) this.giveBack(message)\n",
    replace: "",
    tests: [correlator]
  },
  {
    name: "a message that comes back loses its place in the line",
    law: "K26",
    file: line,
    find: "while (before !== undefined && (before as Message).seq < message.seq) {",
    replace: "while (before !== undefined) {",
    tests: [correlator, "test/fibers/Correlator.random.test.ts"]
  },
  {
    name: "a message that comes back does not go to who waits",
    law: "K26",
    file: correlation,
    find: "if (line.first instanceof Waiter) return this.handOver(message, line.first)\n",
    replace: "",
    tests: [correlator, "test/fibers/Correlator.random.test.ts"]
  },
  {
    name: "the timer of the next expiry outlives the last message",
    law: "K45",
    file: correlation,
    find: "if (this.expiry.empty && this.timer !== undefined) this.time()",
    replace: "",
    tests: [correlator]
  },
  {
    name: "an earlier expiry waits for a later one",
    law: "K40",
    file: correlation,
    find: "if (message.until < this.timerAt) this.time()",
    replace: "if (this.timerAt === Infinity) this.time()",
    tests: [correlator]
  },
  {
    name: "who waits when a correlator closes hangs",
    law: "K13",
    file: correlation,
    find: "for (const [waiter, error] of waiters) this.wake(waiter, Effect.fail(error))",
    replace: "void waiters",
    tests: [correlator]
  },
  {
    name: "the timer of a waiter is left when its message comes",
    law: "K45",
    file: correlation,
    find: "    const job = () => {\n      waiter.timer?.interruptUnsafe()\n",
    replace: "    const job = () => {\n",
    tests: [correlator]
  },
  {
    name: "a message is lost when work on it has failed",
    law: "K26",
    file: receiving,
    find: "else self.reject(waiter, exit.cause)",
    replace: "else self.settle(waiter)",
    tests: [correlator]
  },
  {
    name: "an interrupted receiver counts as one that failed",
    law: "K26",
    file: receiving,
    find: "else if (Cause.hasInterrupts(exit.cause)) self.leave(waiter)\n",
    replace: "",
    tests: [correlator]
  },
  {
    name: "messages expire in the wrong order",
    law: "K40",
    file: expiry,
    find: "if (this.heap[up]!.until <= message.until) break",
    replace: "if (this.heap[up]!.until >= message.until) break",
    tests: [correlator, "test/fibers/Correlator.random.test.ts"]
  },
  {
    name: "a poll makes no last check at its deadline",
    law: "K40",
    file: polling,
    find: "Effect.sync(() => Duration.min(duration, Duration.millis(Math.max(0, this.deadline - this.now))))",
    replace: "Effect.sync(() => Duration.min(duration, Duration.infinity))",
    tests: [wait]
  },
  {
    name: "a poll goes on after its deadline",
    law: "K40",
    file: polling,
    find: "while: (error) => error === notYet && this.now < this.deadline",
    replace: "while: (error) => error === notYet",
    tests: [wait]
  },
  {
    name: "a check that hangs holds up the end of a poll",
    law: "K34 K40",
    file: polling,
    find: '        nursery.spawn("deadline", this.cutOff(nursery), { background: true }),',
    replace: '        nursery.spawn("deadline", Effect.void, { background: true }),',
    tests: [wait]
  },
  {
    name: "a check that just began is cut off at the deadline",
    law: "K40",
    file: polling,
    find: "Math.max(this.deadline, whole((this.checking ?? this.deadline) + this.plan.lastCheck))",
    replace: "this.deadline",
    tests: [wait]
  },
  {
    name: "the failure of a check ends a poll that retries",
    law: "K40",
    file: polling,
    find: "if (!this.plan.retryFailures) return Effect.fail(error)",
    replace: "if (this.checks > 0) return Effect.fail(error)",
    tests: [wait]
  },
  {
    name: "a listener of until stays on the signal",
    law: "K42",
    file: waits,
    find: 'return Effect.sync(() => signal.removeEventListener("abort", onAbort))',
    replace: "return Effect.void",
    tests: [wait]
  },
  {
    name: "until waits for a signal that has aborted",
    law: "K40",
    file: waits,
    find: "if (signal.aborted) return resume(Effect.void)\n",
    replace: "",
    tests: [wait]
  }
]
