/** Breaks of what a race tells of its losers and of its failure (K8, K16, K23, K24, K28). */
import type { Mutant } from "../Mutant.ts"

const quorum = ["test/combinators/Race.quorum.test.ts"]
const losers = ["test/combinators/Loser.test.ts"]
const outside = ["test/combinators/outsideTask.test.ts"]

export const mutants: ReadonlyArray<Mutant> = [
  {
    name: "a loser in whose place nobody ran is told as cancelled",
    law: "K24",
    file: "src/combinators/Loser.ts",
    find: "if (member === undefined || Number.isNaN(member.startedAt)) return",
    replace: "if (member === undefined) return",
    tests: [...losers, "test/combinators/Join.concurrency.test.ts"]
  },
  {
    name: "a task that runs on is told as cancelled",
    law: "K28",
    file: "src/combinators/Loser.ts",
    find: "if (subject !== member && !subject.gone) return",
    replace: "if (false as boolean) return",
    tests: outside
  },
  {
    name: "what failed in a loser's clean-up is dropped from the report",
    law: "K16",
    file: "src/combinators/Loser.ts",
    find: "const cleanupFailures = [...(record?.cleanupFailures ?? [])]",
    replace: "const cleanupFailures: [] = []",
    tests: losers
  },
  {
    name: "a loser that finished late loses its value",
    law: "K24",
    file: "src/combinators/Loser.ts",
    find: 'if (exit?._tag === "Success")\n',
    replace: "if (false as boolean)\n",
    tests: losers
  },
  {
    name: "a loser's time counts for its stand-in, not for the task",
    law: "K28",
    file: "src/combinators/Loser.ts",
    find: "how: subject.how, took: tookOf(subject), cleanupFailures }",
    replace: "how: subject.how, took: tookOf(member), cleanupFailures }",
    tests: outside
  },
  {
    name: "how a losing task ended is read off its stand-in",
    law: "K28",
    file: "src/combinators/Loser.ts",
    find: "how: subject.how, took: tookOf(subject), cleanupFailures }",
    replace: "how: member.how, took: tookOf(subject), cleanupFailures }",
    tests: outside
  },
  {
    name: "why a losing task ended is read off its stand-in",
    law: "K8",
    file: "src/combinators/Loser.ts",
    find: "reason: subject.mark!.reason",
    replace: "reason: (member.mark ?? subject.mark!).reason",
    tests: outside
  },
  {
    name: "RaceFailed does not say that a quorum had too few members",
    law: "K23",
    file: "src/combinators/RaceFailed.ts",
    find: "return this.needed > 1 ? `Fewer",
    replace: "return this.needed > 99 ? `Fewer",
    tests: quorum
  },
  {
    name: "RaceFailed does not say what the quorum was",
    law: "K23",
    file: "src/combinators/RaceFailed.ts",
    find: "this.needed > 1\n        ?",
    replace: "this.needed > 99\n        ?",
    tests: quorum
  }
]
