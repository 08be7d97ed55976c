/** The kit itself: what it would miss, or make up, if a check, a point or a pause were wrong. */
import type { Mutant } from "../Mutant.ts"

const judge = "src/testing/internal/judge.ts"
const trial = "src/testing/internal/trial.ts"
const world = "src/testing/internal/world.ts"
const strategies = "src/testing/internal/strategies.ts"
const schedule = "src/testing/internal/schedule.ts"
const everywhereFile = "src/testing/CancelEverywhere.ts"
const exploreFile = "src/testing/Explore.ts"

const everywhere = "test/testing/CancelEverywhere.test.ts"
const explore = "test/testing/Explore.test.ts"
const planted = "test/testing/planted.test.ts"
const native = "test/testing/native.test.ts"

export const mutants: ReadonlyArray<Mutant> = [
  {
    name: "the checker does not see a resource that was never closed",
    law: "K45",
    file: judge,
    find: "if (released === 0) add",
    replace: "if (released < 0) add",
    tests: [planted]
  },
  {
    name: "the checker does not see a resource that was closed twice",
    law: "K15",
    file: judge,
    find: "else if (released > 1) add",
    replace: "else if (released > 2) add",
    tests: [planted]
  },
  {
    name: "the checker does not see fibers that live on",
    law: "K45",
    file: judge,
    find: "if (remains.fibers > 0) add",
    replace: "if (remains.fibers > 1) add",
    tests: [everywhere]
  },
  {
    name: "the checker does not see timers that go on",
    law: "K45",
    file: judge,
    find: "if (remains.timers > 0) add",
    replace: "if (remains.timers > 1) add",
    tests: [everywhere]
  },
  {
    name: "the checker does not see scopes below the program that stay open",
    law: "K45",
    file: trial,
    find: "[...root.children(), ...node.children()]",
    replace: "[...root.children()]",
    tests: [everywhere]
  },
  {
    name: "the checker does not see work that begins after the cancel",
    law: "K1",
    file: judge,
    find: "if (afterCancel) add",
    replace: "if (!afterCancel) add",
    tests: [planted]
  },
  {
    name: "the checker does not see a body that returns although it was interrupted",
    law: "K9",
    file: judge,
    find: "if (remains.returned && !finished) {",
    replace: "if (remains.returned && finished && !remains.patient) {",
    tests: [planted]
  },
  {
    name: "the checker blames a program that finishes in its grace",
    law: "K12",
    file: judge,
    find: "remains.committing || remains.patient\n",
    replace: "remains.committing\n",
    tests: [everywhere]
  },
  {
    name: "the checker blames a program for its commit",
    law: "K9",
    file: trial,
    find: "circumstances.committing = node.committing\n",
    replace: "",
    tests: [everywhere]
  },
  {
    name: "the checker does not see an interrupt without a reason",
    law: "K18",
    file: judge,
    find: "if (interrupted && reason === undefined && afterCancel && !givenUp) {",
    replace: "if (!interrupted && reason === undefined && afterCancel && !givenUp) {",
    tests: [planted]
  },
  {
    name: "the checker does not see failures of clean-up",
    law: "K16",
    file: judge,
    find: 'add("clean-up-failed", `Clean-up',
    replace: 'if (errors.length > 1) add("clean-up-failed", `Clean-up',
    tests: [everywhere]
  },
  {
    name: "the checker does not follow stragglers to their end",
    law: "K1 K12",
    file: trial,
    find: "    world.run(() => stragglers.size === 0)\n",
    replace: "",
    tests: [everywhere]
  },
  {
    name: "a cancel may take as long as it likes",
    law: "K12",
    file: judge,
    find: "took - cancelled.at > remains.within)",
    replace: "took > 10 * remains.within)",
    tests: [everywhere]
  },
  {
    name: "the program's own cancel counts as answered at once",
    law: "K9",
    file: trial,
    find: "    if (checked.cancel !== undefined) return cancelBy(checked.cancel)\n    ledger.cancelled = true\n",
    replace: "    ledger.cancelled = true\n    if (checked.cancel !== undefined) return cancelBy(checked.cancel)\n",
    tests: [everywhere]
  },
  {
    name: "a cancel of the program's own that fails is let pass",
    law: "K9",
    file: trial,
    find: 'if (exit._tag === "Failure") circumstances.cancelFailed = exit.cause\n',
    replace: "",
    tests: [everywhere]
  },
  {
    name: "nothing is cancelled before the first operation",
    law: "K10",
    file: everywhereFile,
    find: "spread(0, points,",
    replace: "spread(1, points,",
    tests: [everywhere]
  },
  {
    name: "nothing is cancelled while all wait",
    law: "K18",
    file: world,
    find: "    const { timers } = this\n    this.reach()\n",
    replace: "    const { timers } = this\n",
    tests: [everywhere]
  },
  {
    name: "a fiber pauses before its first operation, where Effect never does",
    law: "K10",
    file: world,
    find: "    if (fiber.currentOpCount === 1) return false\n",
    replace: "",
    tests: [native]
  },
  {
    name: "timers of one time fire in another order than that of their instants",
    law: "K33",
    file: world,
    find: "if (timers[index]!.at < timers[next]!.at) next = index",
    replace: "if (timers[index]!.at > timers[next]!.at) next = index",
    tests: [everywhere]
  },
  {
    name: "the search in depth leaves out the last branch",
    law: "K9",
    file: strategies,
    find: "prefix.at(-1)!.pick + 1 >= prefix.at(-1)!.of",
    replace: "prefix.at(-1)!.pick + 2 >= prefix.at(-1)!.of",
    tests: [explore]
  },
  {
    name: "priorities never change",
    law: "K9",
    file: strategies,
    find: "if (changes.has(++picks))",
    replace: "if (changes.has(--picks))",
    tests: [explore]
  },
  {
    name: "a replay forgets the pauses",
    law: "K9",
    file: schedule,
    find: "pause: at.size === 0 ? undefined",
    replace: "pause: at.size >= 0 ? undefined",
    tests: [explore]
  },
  {
    name: "a failing schedule stays as long as it was found",
    law: "K9",
    file: exploreFile,
    find: "    if (fails) best = { trial: next, schedule: candidate }\n",
    replace: "",
    tests: [explore]
  }
]
