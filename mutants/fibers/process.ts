/** Breaks of how a process ends at signals (S1-58, S1x-13, S1x-25). */
import type { Mutant } from "../Mutant.ts"

const signals = "src/fibers/ProcessSignals.ts"
const main = "src/fibers/ProcessMain.ts"

const signalled = ["test/fibers/ProcessSignals.test.ts"]
const program = ["test/fibers/ProcessMain.test.ts"]
const child = ["test/fibers/ProcessMain.process.test.ts"]

export const mutants: ReadonlyArray<Mutant> = [
  {
    name: "the echo of a Ctrl-C counts as a second one",
    law: "S1x-25",
    file: signals,
    find: "if (echo) return\n",
    replace: "",
    tests: signalled
  },
  {
    name: "another signal within a moment of the first is taken for its echo",
    law: "S1x-25",
    file: signals,
    find: "last?.signal === signal && at - last.at < echoMillis",
    replace: "last !== undefined && at - last.at < echoMillis",
    tests: signalled
  },
  {
    name: "signals are not left to the process again",
    law: "K45",
    file: signals,
    find: 'source.off("SIGTERM", onSignal)\n',
    replace: "",
    tests: signalled
  },
  {
    name: "the second signal is not heard",
    law: "S1x-25",
    file: main,
    find: "        const again = yield* Queue.take(signals)\n",
    replace: "        const again = yield* Effect.never as Effect.Effect<ProcessSignals.Signal>\n",
    tests: program
  },
  {
    name: "the second signal exits with the code of the first",
    law: "S1x-25",
    file: main,
    find: "exitCode[again])",
    replace: "exitCode[signal])",
    tests: program
  },
  {
    name: "a limit is not kept",
    law: "S1-60",
    file: main,
    find: "Duration.isFinite(limit) ?",
    replace: "!Duration.isFinite(limit) ?",
    tests: program
  },
  {
    name: "a limit outlives the program",
    law: "K45",
    file: main,
    find: "Effect.forkIn(Effect.delay(exit, limit), scope)",
    replace: "Effect.forkDetach(Effect.delay(exit, limit))",
    tests: program
  },
  {
    name: "what was left running does not show in the exit code",
    law: "S1-60",
    file: main,
    find: "if (left.length === 0) return exitCode[signal]",
    replace: "if (left.length >= 0) return exitCode[signal]",
    tests: program
  },
  {
    name: "a program that a signal ended exits as one that ended by itself",
    law: "S1-58",
    file: main,
    find: "Option.isSome(signal) ? yield* codeOf(yield* signal.value) : 0",
    replace: "0",
    tests: program
  },
  {
    name: "a program that says how it ended is not believed",
    law: "S1-58",
    file: main,
    find: 'if (typeof code === "number") return code\n',
    replace: 'if (typeof code === "string") return code\n',
    tests: program
  },
  {
    name: "a defect of the program is not logged",
    law: "S1-58",
    file: main,
    find: "Cause.hasInterruptsOnly(cause) ?",
    replace: "cause.reasons.length > 0 ?",
    tests: program
  },
  {
    name: "the reason of the end does not name the signal",
    law: "K18",
    file: main,
    find: "CancelReason.shutdown({ by: signal })",
    replace: "CancelReason.shutdown()",
    tests: program
  },
  {
    name: "a program that a signal cancels is not given up on",
    law: "S1-60",
    file: main,
    find: "...(policy ?? CancelPolicy.shutdown), reason",
    replace: "reason",
    tests: program
  },
  {
    name: "a process is held by its event loop after its program has ended",
    law: "S1-58",
    file: main,
    find: 'exit._tag === "Success" ? process.exit(exit.value as number) :',
    replace: 'exit._tag === "Success" ? undefined :',
    tests: child
  }
]
