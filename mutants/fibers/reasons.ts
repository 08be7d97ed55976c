/** Reasons: how they are made, travel, cross to foreign code and come back. */
import type { Mutant } from "../Mutant.ts"

const reason = "src/fibers/CancelReason.ts"
const outcome = "src/fibers/TaskOutcome.ts"
const abort = "src/fibers/internal/abortReason.ts"
const signal = "src/fibers/CancelSignal.ts"
const annotation = "src/fibers/internal/cancelAnnotation.ts"
const checkpoint = "src/fibers/Checkpoint.ts"
const policy = "src/fibers/CancelPolicy.ts"

const reasons = "test/fibers/CancelReason.test.ts"
const outcomes = "test/fibers/TaskOutcome.test.ts"
const signals = "test/fibers/CancelSignal.test.ts"
const checkpoints = "test/fibers/Checkpoint.test.ts"

export const mutants: ReadonlyArray<Mutant> = [
  {
    name: "a reason that crossed scopes is stamped anew",
    law: "K8 K18",
    file: reason,
    find: "if (reason instanceof CancelReason) return reason\n",
    replace: "",
    tests: [reasons, "test/fibers/Task.test.ts", signals]
  },
  {
    name: "a reason does not say who asked",
    law: "K19",
    file: reason,
    find: "if (reason.by !== undefined) self.by = reason.by\n",
    replace: "",
    tests: [reasons]
  },
  {
    name: "a reason loses its detail",
    law: "K21",
    file: reason,
    find: "if (reason.detail !== undefined) self.detail = reason.detail\n",
    replace: "",
    tests: [reasons]
  },
  {
    name: "reasons of different milliseconds share one instant",
    law: "K18",
    file: reason,
    find: "latest.epochMilliseconds === millis ? latest",
    replace: "latest.epochMilliseconds > 0 ? latest",
    tests: [reasons, "test/fibers/Task.test.ts"]
  },
  {
    name: "an unknown source is forgotten",
    law: "K21",
    file: reason,
    find: "detail: { source: wire.source, ...(wire.detail === undefined ? {} : { detail: wire.detail }) }",
    replace: "...(wire.detail === undefined ? {} : { detail: wire.detail })",
    tests: [reasons]
  },
  {
    name: "an unknown source does not decode",
    law: "K21",
    file: reason,
    find: "known.has(wire.source)\n            ?",
    replace: "known.size > 0\n            ?",
    tests: [reasons]
  },
  {
    name: "the last annotation of a cause counts",
    law: "K8 K18",
    file: annotation,
    find: "for (const reason of cause.reasons) {",
    replace: "for (const reason of cause.reasons.toReversed()) {",
    tests: [reasons, "test/fibers/Task.test.ts", "test/combinators/Race.test.ts"]
  },
  {
    name: "an exit made of a cancelled outcome has no reason",
    law: "K18 K22",
    file: outcome,
    find: "Exit.failCause(Cause.annotate(Cause.interrupt(), annotation({ reason })))",
    replace: "(void annotation({ reason }), Exit.failCause(Cause.interrupt()))",
    tests: [outcomes, reasons, "test/fibers/Task.test.ts"]
  },
  {
    name: "a decoded outcome has no list of what was salvaged",
    law: "K21",
    file: outcome,
    find: "decode: (wire: object) => ({ ...wire, salvaged: [] }),",
    replace: "decode: (wire: object) => wire,",
    tests: [outcomes]
  },
  {
    name: "failures of clean-up do not cross the wire",
    law: "K16 K21",
    file: outcome,
    find: 'Struct.omit(outcome, ["salvaged"]) as never',
    replace: '({ ...Struct.omit(outcome, ["salvaged"]), cleanupFailures: [] }) as never',
    tests: [outcomes]
  },
  {
    name: "our own abort error is read as a text",
    law: "K20",
    file: abort,
    find: "if (abort instanceof CancelAbortError) return abort.reason\n",
    replace: "if (abort instanceof CancelAbortError) return CancelReason.request({ message: abort.message })\n",
    tests: [signals]
  },
  {
    name: "our abort error of another realm is read as a text",
    law: "K20",
    file: abort,
    find: 'if (carried._tag === "Some") return carried.value',
    replace: "",
    tests: [signals]
  },
  {
    name: "a TimeoutError is read as a request",
    law: "K20",
    file: abort,
    find: 'if (name === "TimeoutError") return CancelReason.timeout({ message: text })',
    replace: 'if (name === "TimeoutError") return CancelReason.request({ message: text })',
    tests: [signals]
  },
  {
    name: "an object that throws when it is read takes the reader down",
    law: "K20",
    file: abort,
    find: "return Option.getOrElse(read(abort), () => CancelReason.request({ message: fallback }))",
    replace: "return Option.getOrThrow(read(abort))",
    tests: [signals]
  },
  {
    name: "the listener on a signal outlives the effect",
    law: "K42",
    file: signal,
    find: '(abort) => Effect.sync(() => signal.removeEventListener("abort", abort))',
    replace: "() => Effect.void",
    tests: [signals]
  },
  {
    name: "an abort between the look and the listener is missed",
    law: "K20",
    file: signal,
    find: "          if (signal.aborted) abort()\n",
    replace: "",
    tests: [signals]
  },
  {
    name: "a checkpoint does not stop the task",
    law: "K14",
    file: checkpoint,
    find: "    interruptBelow(task, fiber.id)\n",
    replace: "",
    tests: [checkpoints]
  },
  {
    name: "stopping at a checkpoint is told as an interrupt",
    law: "K14",
    file: checkpoint,
    find: '    task.how = "cooperative"\n',
    replace: "",
    tests: [checkpoints]
  },
  {
    name: "a checkpoint stops the part instead of the addressed task",
    law: "K14",
    file: "src/fibers/internal/enclosingTask.ts",
    find: "if (at instanceof TaskNode && (found === undefined || at.mark === mark)) found = at",
    replace: "if (at instanceof TaskNode && found === undefined) found = at",
    tests: [checkpoints]
  },
  {
    name: "a duration of NaN is zero",
    law: "K33",
    file: policy,
    find: "Number.isNaN(input) ? Option.none() : Duration.fromInput(input)",
    replace: "Duration.fromInput(input)",
    tests: ["test/fibers/CancelPolicy.test.ts"]
  },
  {
    name: "a negative bound is taken",
    law: "K12",
    file: policy,
    find: "if (Duration.isNegative(duration)) throw new InvalidDuration(field, input)\n",
    replace: "",
    tests: ["test/fibers/CancelPolicy.test.ts"]
  }
]
