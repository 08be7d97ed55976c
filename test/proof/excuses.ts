/** Why a public function has no subject; a test file that is named runs it in real time, at random, with a seed. */
const reasons: { readonly [reason: string]: ReadonlyArray<string> } = {
  "makes a value and runs nothing": [
    "CancelPolicy.atOnce",
    "CancelPolicy.bound",
    "CancelPolicy.limit",
    "CancelPolicy.make",
    "CancelReason.bodyFailed",
    "CancelReason.disconnect",
    "CancelReason.interrupt",
    "CancelReason.lostRace",
    "CancelReason.request",
    "CancelReason.scopeClosed",
    "CancelReason.shutdown",
    "CancelReason.siblingFailed",
    "CancelReason.stamp",
    "CancelReason.superseded",
    "CancelReason.timeout",
    "CancelReason.watchdog",
    "Channel.make",
    "Correlator.channel",
    "TaskMetrics.cancelDuration",
    "TaskMetrics.cancelling",
    "TaskMetrics.ended",
    "TaskMetrics.live",
    "TaskMetrics.started",
    "TaskOutcome.codec"
  ],
  "reads or folds a value and runs nothing": [
    "Arrival.match",
    "CancelReason.fromCause",
    "CancelReason.fromExit",
    "CancelResult.match",
    "CancelSignal.reasonOf",
    "ControlState.match",
    "Loser.fromMember",
    "Loser.match",
    "OverdueCancel.toText",
    "StepResult.match",
    "TaskEvent.isTerminal",
    "TaskEvent.match",
    "TaskOutcome.match",
    "TaskOutcome.salvagedIn",
    "TaskOutcome.toExit",
    "TaskTree.toText",
    "VisitState.match"
  ],
  "runs a promise, which no virtual time waits for: test/fibers/Bridge.random.test.ts": ["Bridge.fromPromise"],
  "ends in promises, which no virtual time waits for: test/fibers/TaskRunner.random.test.ts": ["TaskRunner.make"],
  "runs a process: test/fibers/KillableProcess.random.test.ts": ["KillableProcess.run", "KillableProcess.spawn"],
  "exits the process: test/fibers/ProcessMain.process.test.ts": ["ProcessMain.run"],
  "runs a thread: test/fibers/KillableWorker.random.test.ts": ["KillableWorker.run"],
  "drives Node's streams and sockets: test/fibers/NodeResource.random.test.ts": [
    "NodeResource.fromReadable",
    "NodeResource.use"
  ]
}

export const excuses: ReadonlyMap<string, string> = new Map(
  Object.entries(reasons).flatMap(([reason, names]) => names.map((name) => [name, reason]))
)

/** Why a law of the contract has no subject. */
export const unprovable: ReadonlyMap<string, string> = new Map([
  ["K21", "encodes and decodes, and runs nothing: test/fibers/CancelReason.test.ts"],
  ["K42", "ends threads and processes: test/fibers/KillableWorker.random.test.ts"]
])
